// How commands show what the server says: tables for people, JSON for programs.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "common/result.h"

namespace sekisho::cli {

// Columns as wide as their widest cell (two cells for a CJK character). Cells
// are escaped: what comes from a terminal cannot move the cursor.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(head); }
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string Print() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// A message as JSON: fields by their proto names, all scalars present, numbers
// as numbers, times as RFC 3339, enums as their short lower-case word, ids and
// hashes as hex, text of devices and media as text.
std::string ToJson(const google::protobuf::Message& message);

// "2026-11-23 14:10:44" in local time; "-" when unset.
std::string ShortTime(const google::protobuf::Message& owner,
                      const char* field);
// An enum field's short lower-case word.
std::string Word(const google::protobuf::Message& owner, const char* field);

}  // namespace sekisho::cli
