// Small files of many formats, made in memory: for tests of what readers do
// with them, whole, cut and bent.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/formats/inspect.h"

namespace sekisho::detect {

using Entries = std::vector<std::pair<std::string, std::string>>;

struct ZipOptions {
  bool encrypted_flag = false;
  bool overlap = false;  // every entry's directory record names the first data
  int copies = 1;        // of each directory record
  std::string gap = {};  // between the entries and the directory
};
// A zip of stored or deflated entries.
std::string MakeZip(const Entries& entries, const ZipOptions& options = {});
std::string Gzip(std::string_view content);
// By libarchive: "7zip", "iso9660", "cpio", "ar", "ustar", with "zstd", "lz4",
// "lzip", "xz", "none" around it.
std::string MakeArchive(const char* format, const char* filter,
                        const Entries& entries);

std::string ToBase64(std::string_view bytes);  // in lines of 76

// Two people, in a table with a header.
std::string TwoPeople();
// The parts of a workbook with that table.
Entries WorkbookParts();

Findings InspectText(std::string_view bytes, Budget* budget);
Findings InspectText(std::string_view bytes);

}  // namespace sekisho::detect
