// Running text with tables in it, as word processors, slides and web pages
// have: paragraphs become lines, each table a part of its own with a row a
// line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detect/formats/text_parts.h"

namespace sekisho::detect {

// Tables within tables beyond this depth are text of their cell.
inline constexpr size_t kMaxTableDepth = 16;

class Flow {
 public:
  Flow(TextParts* parts, std::string name)
      : parts_(parts), name_(std::move(name)) {}

  void Text(std::string_view text);
  void Break();  // of a line; within a cell a space
  void OpenTable(std::string_view name = {});
  void CloseTable();
  void OpenRow();
  void CloseRow();
  void OpenCell();
  // `value` instead of the cell's text where it is not empty.
  void CloseCell(std::string_view value = {}, size_t repeat = 1);
  // Forgets a cell that was opened but is none.
  void DropCell();
  // Closes whatever is open.
  void Finish();

 private:
  struct Table {
    std::string name;
    std::vector<std::string> cells;
    size_t count = 0;
    std::string cell;
    bool in_cell = false;
    // Of a table within another one, until the outer one is over.
    std::vector<std::vector<std::string>> rows;
  };
  void FlushLine();
  void WriteRows(const Table& table);

  TextParts* parts_;
  std::string name_;
  std::string line_;
  bool begun_ = false;  // the part of running text is the one begun last
  int tables_ = 0;
  size_t too_deep_ = 0;
  size_t held_bytes_ = 0;
  std::vector<Table> stack_;
  std::vector<Table> inner_;  // finished, to be written after the outermost
};

}  // namespace sekisho::detect
