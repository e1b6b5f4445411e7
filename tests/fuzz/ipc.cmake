sekisho_fuzzer(ipc_fuzz SOURCE ipc_fuzz.cc CORPUS tests/fuzz/corpus/ipc
  DEPS sekisho_ipc)
