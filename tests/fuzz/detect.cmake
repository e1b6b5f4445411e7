sekisho_fuzzer(detect_csv_fuzz SOURCE detect_csv_fuzz.cc
  CORPUS tests/fuzz/corpus/detect_csv DEPS sekisho_detect)

# One decoder each, and what tells them apart.
function(detect_decoder_fuzzer encoding)
  string(TOLOWER "${encoding}" name)
  sekisho_fuzzer(detect_${name}_fuzz SOURCE detect_encoding_fuzz.cc
    CORPUS tests/fuzz/corpus/detect_${name} DEPS sekisho_detect)
  foreach(target detect_${name}_fuzz detect_${name}_fuzz_corpus)
    if(TARGET ${target})
      target_compile_definitions(${target} PRIVATE
        SEKISHO_FUZZ_ENCODING=k${encoding})
    endif()
  endforeach()
endfunction()
foreach(encoding Utf8 Utf16Le Utf16Be Cp932 EucJp Iso2022Jp Mixed Unknown8Bit)
  detect_decoder_fuzzer(${encoding})
endforeach()

sekisho_fuzzer(detect_utf7_fuzz SOURCE detect_utf7_fuzz.cc
  CORPUS tests/fuzz/corpus/detect_utf7 DEPS sekisho_detect)
sekisho_fuzzer(detect_fixed_fuzz SOURCE detect_fixed_fuzz.cc
  CORPUS tests/fuzz/corpus/detect_fixed DEPS sekisho_detect)
sekisho_fuzzer(detect_xml_scan_fuzz SOURCE detect_xml_scan_fuzz.cc
  CORPUS tests/fuzz/corpus/detect_xml_scan DEPS sekisho_formats expat)
sekisho_fuzzer(seal_fuzz SOURCE seal_fuzz.cc
  CORPUS tests/fuzz/corpus/seal DEPS sekisho_seal)

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
detect_format_fuzzer(zip "zip")
detect_format_fuzzer(xlsx "xlsx")
detect_format_fuzzer(office "docx")
detect_format_fuzzer(pdf "pdf")
detect_format_fuzzer(7z "7z")
detect_format_fuzzer(tar "tar cpio ar")
detect_format_fuzzer(stream "gzip xz zstd bzip2 lz4 lzip compress")
detect_format_fuzzer(archive "iso9660 cab lha rar rar5")
detect_format_fuzzer(binary "elf")
detect_format_fuzzer(json "json")
detect_format_fuzzer(sqlite "sqlite")
detect_format_fuzzer(ole "xls")
detect_format_fuzzer(xml "xml")
detect_format_fuzzer(html "html")
detect_format_fuzzer(sql "sql")
detect_format_fuzzer(cards "vcard ldif")
detect_format_fuzzer(mail "eml mbox")
detect_format_fuzzer(encoded "base64 hex")
detect_format_fuzzer(rtf "rtf")
