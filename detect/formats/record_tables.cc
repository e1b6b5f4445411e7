#include "detect/formats/record_tables.h"

#include <algorithm>
#include <iterator>

namespace sekisho::detect {
namespace {

constexpr size_t kMaxTables = 32;
constexpr size_t kMaxColumns = 256;
constexpr size_t kFlushBytes = size_t{1} << 20;
// Of a cell that is empty.
constexpr size_t kCellBytes = sizeof(std::string);
constexpr size_t kMaxTableName = 200;

}  // namespace

RecordTables::Table* RecordTables::Find(const std::string& name) {
  const std::string key = name.substr(0, kMaxTableName);
  if (tables_.size() >= kMaxTables && !tables_.contains(key)) {
    Flush();
    tables_.clear();
  }
  return &tables_[key];
}

void RecordTables::Add(const std::string& name, const Record& record) {
  if (record.empty()) {
    return;
  }
  Table* table = Find(name);
  std::vector<std::string> row(table->header.size());
  for (const NamedValue& value : record) {
    auto column = table->columns.find(value.name);
    if (column == table->columns.end()) {
      if (table->header.size() >= kMaxColumns) {
        row.push_back(value.value);
        continue;
      }
      column = table->columns.emplace(value.name, table->header.size()).first;
      table->header.push_back(value.name);
    }
    if (row.size() <= column->second) {
      row.resize(column->second + 1);
    }
    std::string& cell = row[column->second];
    cell += cell.empty() ? value.value : " " + value.value;
    table->bytes += value.value.size();
  }
  table->bytes += row.size() * kCellBytes;
  table->rows.push_back(std::move(row));
  if (table->bytes > kFlushBytes) {
    Write(name, table);
  }
}

void RecordTables::AddRow(const std::string& name,
                          const std::vector<std::string>& cells) {
  Table* table = Find(name);
  if (table->first_row.empty()) {
    table->first_row = cells;
  }
  table->rows.push_back(cells);
  for (const std::string& cell : cells) {
    table->bytes += cell.size() + kCellBytes;
  }
  if (table->bytes > kFlushBytes) {
    Write(name, table);
  }
}

void RecordTables::Write(const std::string& name, Table* table) {
  if (table->rows.empty()) {
    return;
  }
  parts_->Begin(name);
  if (!table->header.empty()) {
    parts_->Row(table->header);
  } else if (table->written) {
    // It may have been the header.
    parts_->Row(table->first_row);
  }
  table->written = true;
  for (const auto& row : table->rows) {
    parts_->Row(row);
  }
  table->rows.clear();
  table->bytes = 0;
}

void RecordTables::Flush() {
  for (auto& [name, table] : tables_) {
    Write(name, &table);
  }
}

void RecordStack::Open(std::string_view key, Kind kind) {
  Object object;
  object.key = key.substr(0, kMaxTableName);
  object.kind = kind;
  if (!stack_.empty()) {
    object.path = stack_.back().path;
  }
  if (!object.key.empty() && object.path.size() < kMaxTableName) {
    object.path += object.path.empty() ? object.key : "/" + object.key;
  }
  stack_.push_back(std::move(object));
}

void RecordStack::Value(std::string_view key, std::string_view value) {
  if (stack_.empty() || value.empty()) {
    return;
  }
  Record& record = stack_.back().record;
  if (record.size() >= kMaxRecordValues) {
    tables_->Add(stack_.back().path, record);
    record.clear();
    stack_.back().group_begin = stack_.back().group_end = 0;
  }
  record.push_back({std::string(key.substr(0, kMaxTableName)),
                    std::string(value.substr(0, kMaxValueBytes))});
}

void RecordStack::Close() {
  if (stack_.empty()) {
    return;
  }
  Object object = std::move(stack_.back());
  stack_.pop_back();
  if (object.record.empty()) {
    return;
  }
  if (stack_.empty() || object.kind == Kind::kElement) {
    tables_->Add(object.path, object.record);
    return;
  }
  Object& outer = stack_.back();
  const std::string list = outer.path + "/*";
  const auto group = [&] {
    return std::pair(
        outer.record.begin() + static_cast<std::ptrdiff_t>(outer.group_begin),
        outer.record.begin() + static_cast<std::ptrdiff_t>(outer.group_end));
  };
  if (!outer.is_list && object.record.size() >= 2) {
    const auto [begin, end] = group();
    const auto known = std::count_if(
        object.record.begin(), object.record.end(), [&](const NamedValue& v) {
          return std::any_of(begin, end, [&](const NamedValue& other) {
            return other.name == v.name;
          });
        });
    if (static_cast<size_t>(known) * 2 >= object.record.size()) {
      // The second of a kind: both were records.
      outer.is_list = true;
      tables_->Add(list, Record(begin, end));
      outer.record.erase(begin, end);
      outer.group_begin = outer.group_end = 0;
    }
  }
  if (outer.is_list && object.record.size() >= 2) {
    object.record.push_back({"id", object.key});
    tables_->Add(list, object.record);
    return;
  }
  if (outer.record.size() + object.record.size() > kMaxRecordValues) {
    tables_->Add(outer.path, outer.record);
    outer.record.clear();
  }
  outer.group_begin = outer.record.size();
  std::move(object.record.begin(), object.record.end(),
            std::back_inserter(outer.record));
  outer.group_end = outer.record.size();
}

}  // namespace sekisho::detect
