sekisho_fuzzer(spool_fuzz SOURCE spool_fuzz.cc CORPUS tests/fuzz/corpus/spool
  DEPS sekisho_spool)
