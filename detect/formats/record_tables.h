// Records with named values (JSON objects, XML elements, cards, INSERTs) become
// tables with a header, so that a value is judged by its column.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/formats/text_parts.h"

namespace sekisho::detect {

struct NamedValue {
  std::string name;
  std::string value;
};
using Record = std::vector<NamedValue>;

inline constexpr size_t kMaxRecordValues = 512;
inline constexpr size_t kMaxValueBytes = size_t{64} * 1024;

// Collects the records of each table and writes them in pieces, a part each.
class RecordTables {
 public:
  explicit RecordTables(TextParts* parts) : parts_(parts) {}

  void Add(const std::string& table, const Record& record);
  // Values without names.
  void AddRow(const std::string& table, const std::vector<std::string>& cells);
  void Flush();

 private:
  struct Table {
    std::map<std::string, size_t, std::less<>> columns;
    std::vector<std::string> header;
    std::vector<std::string> first_row;  // of rows without names
    std::vector<std::vector<std::string>> rows;
    bool written = false;  // a piece of it
    size_t bytes = 0;
  };
  void Write(const std::string& name, Table* table);
  Table* Find(const std::string& name);

  TextParts* parts_;
  std::map<std::string, Table> tables_;
};

// Nested objects, of which some are records and some only group the values of
// one: {"name": .., "address": {"zip": .., "city": ..}} is one person,
// {"M01": {"name": ..}, "M02": {"name": ..}} are two.
class RecordStack {
 public:
  explicit RecordStack(RecordTables* tables) : tables_(tables) {}

  enum class Kind : uint8_t {
    kElement,  // of a list: a record of its own
    kMember,   // of the object around it
  };
  void Open(std::string_view key, Kind kind);
  void Value(std::string_view key, std::string_view value);
  void Close();
  size_t depth() const { return stack_.size(); }

 private:
  struct Object {
    std::string key;
    Kind kind = Kind::kElement;
    std::string path;
    Record record;
    // Where the values of the last grouped object stand in `record`.
    size_t group_begin = 0;
    size_t group_end = 0;
    bool is_list = false;  // its members are records
  };
  RecordTables* tables_;
  std::vector<Object> stack_;
};

}  // namespace sekisho::detect
