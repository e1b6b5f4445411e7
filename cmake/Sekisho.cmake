# Functions every folder's CMakeLists uses, and the flags of the whole tree.
include_guard()
include(CheckCXXCompilerFlag)

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 17)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

# Line tables are what a backtrace needs; full debug information doubles the
# time to build.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

set(SEKISHO_SANITIZE "" CACHE STRING "address,undefined | thread | empty")
option(SEKISHO_FUZZ "Build libFuzzer programs (clang only)" OFF)

find_program(SEKISHO_CCACHE ccache)
if(SEKISHO_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${SEKISHO_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SEKISHO_CCACHE})
endif()
find_program(SEKISHO_MOLD mold)
if(SEKISHO_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(SEKISHO_WARNINGS
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wformat=2
  -Wimplicit-fallthrough -Wundef -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  list(APPEND SEKISHO_WARNINGS -Wthread-safety)
endif()

add_compile_options(-fstack-protector-strong -fstack-clash-protection
  -fcf-protection -fno-omit-frame-pointer)
add_compile_definitions(_GNU_SOURCE _GLIBCXX_ASSERTIONS)
add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
if(SEKISHO_SANITIZE)
  # Not optimized: that is half of the time to build.
  add_compile_options(-O0 -g1 -fsanitize=${SEKISHO_SANITIZE}
    -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SEKISHO_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(SEKISHO_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# sekisho_library(NAME SOURCES a.cc... [DEPS lib...])
# A folder's static library. Includes are from the root; DEPS repeat the
# arrows of layers.txt.
function(sekisho_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}"
    "${CMAKE_BINARY_DIR}/generated")
  target_compile_options(${name} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:${SEKISHO_WARNINGS}>)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
endfunction()

# sekisho_program(NAME SOURCES ... DEPS ... [STATIC_PIE])
# STATIC_PIE programs take nothing from their environment: no loader, no
# dlopen. Sanitizer builds link them dynamically, since the runtimes need it.
function(sekisho_program name)
  cmake_parse_arguments(ARG "STATIC_PIE" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}"
    "${CMAKE_BINARY_DIR}/generated")
  target_compile_options(${name} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:${SEKISHO_WARNINGS}>)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  if(ARG_STATIC_PIE AND NOT SEKISHO_SANITIZE)
    target_link_options(${name} PRIVATE -static-pie)
  else()
    target_link_options(${name} PRIVATE -pie)
  endif()
endfunction()

# sekisho_test(NAME SOURCES ... DEPS ...): one gtest program, one ctest entry,
# label "unit" unless LABEL says otherwise.
function(sekisho_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}"
    "${CMAKE_BINARY_DIR}/generated")
  target_compile_definitions(${name} PRIVATE
    SEKISHO_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_compile_options(${name} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:${SEKISHO_WARNINGS}>)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock
    GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  # Generous: CI machines have two cores and sanitizers are slow.
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 300
    ENVIRONMENT
    "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/lsan.supp")
endfunction()

# sekisho_fuzzer(NAME SOURCE f.cc CORPUS dir DEPS ...): with SEKISHO_FUZZ a
# libFuzzer program; always a plain test that runs the corpus through the same
# LLVMFuzzerTestOneInput.
function(sekisho_fuzzer name)
  cmake_parse_arguments(ARG "" "SOURCE;CORPUS" "DEPS" ${ARGN})
  if(SEKISHO_FUZZ)
    sekisho_program(${name} SOURCES ${ARG_SOURCE} DEPS ${ARG_DEPS})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    # For tests/fuzz/campaign: the program, its seeds.
    file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/fuzz_targets/${name}"
      CONTENT "$<TARGET_FILE:${name}>\n${CMAKE_SOURCE_DIR}/${ARG_CORPUS}\n")
  else()
    sekisho_program(${name}_corpus
      SOURCES ${ARG_SOURCE} ${CMAKE_SOURCE_DIR}/tests/fuzz/run_corpus.cc
      DEPS ${ARG_DEPS})
    add_test(NAME ${name}_corpus
      COMMAND ${name}_corpus ${CMAKE_SOURCE_DIR}/${ARG_CORPUS})
    set_tests_properties(${name}_corpus PROPERTIES LABELS fuzz TIMEOUT 120)
  endif()
endfunction()
