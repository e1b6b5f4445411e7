sekisho_fuzzer(descriptor_fuzz SOURCE descriptor_fuzz.cc
  CORPUS tests/fuzz/corpus/descriptor DEPS sekisho_device)
