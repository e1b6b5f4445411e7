#include "detect/formats/flow.h"

#include <algorithm>

namespace sekisho::detect {
namespace {

constexpr size_t kMaxLineBytes = size_t{64} * 1024;
constexpr size_t kMaxHeldBytes = size_t{4} << 20;
constexpr size_t kMaxRepeat = 256;
constexpr size_t kMaxRowCells = 1024;

}  // namespace

void Flow::FlushLine() {
  if (line_.empty()) {
    return;
  }
  if (!begun_) {
    parts_->Begin(name_);
    begun_ = true;
  }
  parts_->Line(line_);
  line_.clear();
}

void Flow::Text(std::string_view text) {
  if (!stack_.empty()) {
    Table& table = stack_.back();
    // Text between the cells of a table belongs to none: keep it readable.
    if (!table.in_cell) {
      return;
    }
    table.cell += text.substr(
        0, kMaxLineBytes - std::min(kMaxLineBytes, table.cell.size()));
    return;
  }
  line_ += text;
  if (line_.size() > kMaxLineBytes) {
    FlushLine();
  }
}

void Flow::Break() {
  if (stack_.empty()) {
    FlushLine();
  } else if (stack_.back().in_cell && !stack_.back().cell.empty() &&
             !stack_.back().cell.ends_with(' ')) {
    stack_.back().cell += ' ';
  }
}

void Flow::OpenTable(std::string_view name) {
  if (stack_.size() >= kMaxTableDepth) {
    ++too_deep_;
    return;
  }
  ++tables_;
  Table table;
  table.name = name_.empty() ? "" : name_ + "/";
  table.name +=
      name.empty() ? "table " + std::to_string(tables_) : std::string(name);
  if (stack_.empty()) {
    FlushLine();
    parts_->Begin(table.name);
    begun_ = false;
  }
  stack_.push_back(std::move(table));
}

void Flow::WriteRows(const Table& table) {
  parts_->Begin(table.name);
  for (const auto& row : table.rows) {
    parts_->Row(row);
  }
}

void Flow::CloseTable() {
  if (too_deep_ > 0) {
    --too_deep_;
    return;
  }
  if (stack_.empty()) {
    return;
  }
  CloseRow();
  Table table = std::move(stack_.back());
  stack_.pop_back();
  if (!stack_.empty()) {
    inner_.push_back(std::move(table));
    if (held_bytes_ < kMaxHeldBytes) {
      return;
    }
  }
  for (const Table& held : inner_) {
    WriteRows(held);
  }
  inner_.clear();
  held_bytes_ = 0;
  if (!stack_.empty()) {
    parts_->Begin(stack_.front().name);  // the rest of the outer table
  }
}

void Flow::OpenRow() {
  if (too_deep_ == 0 && !stack_.empty()) {
    CloseRow();
  }
}

void Flow::CloseRow() {
  if (too_deep_ > 0 || stack_.empty()) {
    return;
  }
  CloseCell();
  Table& table = stack_.back();
  if (table.count == 0) {
    return;
  }
  if (stack_.size() == 1) {
    parts_->Row(table.cells, table.count);
  } else {
    table.cells.resize(table.count);
    for (const std::string& cell : table.cells) {
      held_bytes_ += cell.size() + 32;
    }
    table.rows.push_back(std::move(table.cells));
    table.cells.clear();
  }
  table.count = 0;
}

void Flow::OpenCell() {
  if (too_deep_ > 0 || stack_.empty()) {
    return;
  }
  CloseCell();
  stack_.back().in_cell = true;
}

void Flow::CloseCell(std::string_view value, size_t repeat) {
  if (too_deep_ > 0 || stack_.empty() || !stack_.back().in_cell) {
    return;
  }
  Table& table = stack_.back();
  table.in_cell = false;
  while (table.cell.ends_with(' ')) {
    table.cell.pop_back();
  }
  if (!value.empty()) {
    table.cell = value;
  }
  // Spreadsheets end their rows with thousands of empty cells.
  repeat = std::min(repeat, table.cell.empty() && repeat > 16 ? 1 : kMaxRepeat);
  for (size_t i = 0; i < repeat && table.count < kMaxRowCells; ++i) {
    if (table.cells.size() <= table.count) {
      table.cells.emplace_back();
    }
    table.cells[table.count++] = table.cell;
  }
  table.cell.clear();
}

void Flow::DropCell() {
  if (too_deep_ == 0 && !stack_.empty()) {
    stack_.back().in_cell = false;
    stack_.back().cell.clear();
  }
}

void Flow::Finish() {
  too_deep_ = 0;
  while (!stack_.empty()) {
    CloseTable();
  }
  FlushLine();
}

}  // namespace sekisho::detect
