# Judging files; run without arguments.
find_package(benchmark REQUIRED)
sekisho_program(detect_bench SOURCES detect_bench.cc
  DEPS sekisho_detect benchmark::benchmark)
