// A list of people as a client gave it: a table in text, a person a record,
// read for the identities of its people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "detect/people.h"

namespace sekisho::cli {

// Cuts a table into pieces of whole records, each with the table's first line
// before them. A line feed within double quotes ends no record.
class TableCutter {
 public:
  static constexpr size_t kRecords = 2'000;
  static constexpr size_t kMaxBytes = size_t{4} << 20;

  // The next bytes of the table; what is whole by then.
  std::vector<std::string> Feed(std::string_view bytes);
  // Call once, after the last Feed; empty: nothing is left.
  std::string Finish();

 private:
  std::string header_;
  std::string piece_;  // after the header
  bool has_header_ = false;
  bool quoted_ = false;
  size_t records_ = 0;
};

struct ListedPeople {
  int64_t records = 0;             // lines of text that were read
  int64_t persons = 0;             // distinct
  std::vector<uint64_t> hashes;    // of the identities that are only theirs
  std::vector<std::string> kinds;  // that nearly all of them have
};

// `path`: CSV, TSV or another table in text; UTF-8, CP932 or EUC-JP.
// kInvalidArgument: no such table, or no people in it.
Result<ListedPeople> ReadPeopleList(const std::string& path,
                                    const detect::SketchKey& key);

}  // namespace sekisho::cli
