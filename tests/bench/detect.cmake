# Judging files; run without arguments.
find_package(benchmark REQUIRED)
find_package(ZLIB REQUIRED)
sekisho_library(detect_bench_files SOURCES bench_files.cc
  DEPS sekisho_detect ZLIB::ZLIB)
sekisho_program(detect_bench SOURCES detect_bench.cc
  DEPS detect_bench_files sekisho_formats benchmark::benchmark)
# Judging one large file; run by detect_large.py.
sekisho_program(detect_large SOURCES detect_large.cc
  DEPS detect_bench_files sekisho_formats)
