sekisho_program(store_bench SOURCES store_bench.cc
  DEPS sekisho_server_store sodium)
