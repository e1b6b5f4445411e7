sekisho_fuzzer(fuzz_oidc SOURCE oidc.cc
  CORPUS tests/fuzz/corpus/oidc DEPS sekisho_server_oidc)
