sekisho_fuzzer(fuzz_terminal_register SOURCE terminal_register.cc
  CORPUS tests/fuzz/corpus/terminal_register DEPS sekisho_server_core)
sekisho_fuzzer(fuzz_people_register SOURCE people_register.cc
  CORPUS tests/fuzz/corpus/people_register DEPS sekisho_server_core)
