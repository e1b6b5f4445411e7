// CSV as RFC 4180 has it, record by record, for the registers that people
// import; and the dates in their cells. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::core {

inline constexpr size_t kMaxCsvColumns = 64;

// One record; its cells without their quotes.
struct CsvRecord {
  int64_t line = 0;
  std::vector<std::string> cells;
  std::string broken;  // why it cannot be read on after it; empty = it can
};

class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}

  bool AtEnd() const { return at_ == text_.size(); }
  CsvRecord Next();

 private:
  bool AtLineEnd() const;
  void EndLine();
  std::string Cell(std::string& cell);

  const std::string_view text_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

// "2026-04-01", between 1970 and 2200.
std::optional<std::chrono::year_month_day> DateOf(std::string_view text);

}  // namespace sekisho::core
