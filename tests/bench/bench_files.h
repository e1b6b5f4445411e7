// Files for the benchmarks of detection: lists of people who do not exist, of
// any length, written as they are made.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace sekisho::detect {

// Ten columns: member id, name, kana, sex, birth, postal code, address, phone,
// e-mail, remark. About 130 bytes a row in UTF-8.
std::string BenchHeader();
std::string BenchRow(int person);

// With the decoder's own table read backwards.
std::string ToCp932(std::string_view utf8);

void WriteCsv(int people, std::FILE* to);
void WriteCp932(int people, std::FILE* to);
// As Excel writes it: every text a shared string, dates a styled number.
void WriteXlsx(int people, std::FILE* to);
// The CSV, deflated, in a zip.
void WriteZip(int people, std::FILE* to);

std::string Repeat(std::string_view text, size_t size_bytes);

}  // namespace sekisho::detect
