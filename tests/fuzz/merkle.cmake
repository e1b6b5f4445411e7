sekisho_fuzzer(fuzz_merkle_note SOURCE merkle_note.cc
  CORPUS tests/fuzz/corpus/merkle_note DEPS sekisho_merkle)
