sekisho_fuzzer(fuzz_http_head SOURCE http_head.cc
  CORPUS tests/fuzz/corpus/http_head DEPS sekisho_server_operate)
