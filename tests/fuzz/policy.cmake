sekisho_fuzzer(fuzz_policy_parser SOURCE policy_parser.cc
  CORPUS tests/fuzz/corpus/policy_parser DEPS sekisho_policy)
sekisho_fuzzer(fuzz_policy_devices SOURCE policy_devices.cc
  CORPUS tests/fuzz/corpus/policy_devices DEPS sekisho_policy)
sekisho_fuzzer(fuzz_policy_envelope SOURCE envelope.cc
  CORPUS tests/fuzz/corpus/policy_envelope DEPS sekisho_policy)
sekisho_fuzzer(fuzz_policy_import SOURCE policy_import.cc
  CORPUS tests/fuzz/corpus/policy_import DEPS sekisho_policy)
sekisho_fuzzer(fuzz_policy_upgrade SOURCE upgrade_manifest.cc
  CORPUS tests/fuzz/corpus/policy_upgrade DEPS sekisho_policy)
sekisho_fuzzer(fuzz_policy_unlock SOURCE unlock.cc
  CORPUS tests/fuzz/corpus/policy_unlock DEPS sekisho_policy)
sekisho_fuzzer(fuzz_policy_contain SOURCE contain.cc
  CORPUS tests/fuzz/corpus/policy_contain DEPS sekisho_policy)
sekisho_fuzzer(fuzz_policy_people SOURCE people_list.cc
  CORPUS tests/fuzz/corpus/people_list DEPS sekisho_policy)
