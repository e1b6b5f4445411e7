sekisho_fuzzer(detect_csv_fuzz SOURCE detect_csv_fuzz.cc
  CORPUS tests/fuzz/corpus/detect_csv DEPS sekisho_detect)
sekisho_fuzzer(detect_encoding_fuzz SOURCE detect_encoding_fuzz.cc
  CORPUS tests/fuzz/corpus/detect_csv DEPS sekisho_detect)
