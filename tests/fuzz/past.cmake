sekisho_fuzzer(past_fuzz SOURCE past_fuzz.cc CORPUS tests/fuzz/corpus/past
  DEPS sekisho_past)
