sekisho_fuzzer(detect_csv_fuzz SOURCE detect_csv_fuzz.cc
  CORPUS tests/fuzz/corpus/detect_csv DEPS sekisho_detect)
sekisho_fuzzer(detect_encoding_fuzz SOURCE detect_encoding_fuzz.cc
  CORPUS tests/fuzz/corpus/detect_csv DEPS sekisho_detect)

# One reader each; the corpus has small files of its formats.
function(detect_format_fuzzer name formats)
  sekisho_fuzzer(detect_${name}_fuzz SOURCE detect_format_fuzz.cc
    CORPUS tests/fuzz/corpus/detect_${name} DEPS sekisho_formats)
  foreach(target detect_${name}_fuzz detect_${name}_fuzz_corpus)
    if(TARGET ${target})
      target_compile_definitions(${target} PRIVATE
        SEKISHO_FUZZ_FORMATS="${formats}")
    endif()
  endforeach()
endfunction()
detect_format_fuzzer(zip "zip xlsx")
detect_format_fuzzer(pdf "pdf")
detect_format_fuzzer(archive
  "tar gzip xz zstd bzip2 7z iso9660 cpio cab lha ar rar rar5")
detect_format_fuzzer(json "json")
detect_format_fuzzer(sqlite "sqlite")
detect_format_fuzzer(ole "xls")
detect_format_fuzzer(markup "xml html sql vcard ldif eml mbox rtf base64")
