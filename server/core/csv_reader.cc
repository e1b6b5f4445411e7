#include "server/core/csv_reader.h"

#include <charconv>

namespace sekisho::core {

CsvRecord CsvReader::Next() {
  CsvRecord record;
  record.line = line_;
  for (;;) {
    record.broken = Cell(record.cells.emplace_back());
    if (!record.broken.empty() || AtEnd()) return record;
    if (text_[at_] == ',') {
      ++at_;
      if (record.cells.size() == kMaxCsvColumns) {
        record.broken = "more than 64 columns";
        return record;
      }
      continue;
    }
    EndLine();
    return record;
  }
}

bool CsvReader::AtLineEnd() const {
  return AtEnd() || text_[at_] == '\n' ||
         (text_[at_] == '\r' && at_ + 1 < text_.size() &&
          text_[at_ + 1] == '\n');
}

void CsvReader::EndLine() {
  if (text_[at_] == '\r') ++at_;
  ++at_;
  ++line_;
}

std::string CsvReader::Cell(std::string& cell) {
  if (AtEnd() || text_[at_] != '"') {
    while (!AtLineEnd() && text_[at_] != ',') cell += text_[at_++];
    return "";
  }
  for (++at_; !AtEnd(); ++at_) {
    if (text_[at_] == '\n') ++line_;
    if (text_[at_] != '"') {
      cell += text_[at_];
    } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
      cell += text_[at_++];
    } else {
      ++at_;
      return AtLineEnd() || text_[at_] == ','
                 ? ""
                 : "text stands after a closing quote";
    }
  }
  return "a quote is not closed";
}

std::optional<std::chrono::year_month_day> DateOf(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
    return std::nullopt;
  }
  const auto number = [&](size_t from, size_t length) {
    int value = -1;
    const char* begin = text.data() + from;
    const auto [end, error] = std::from_chars(begin, begin + length, value);
    return error == std::errc() && end == begin + length ? value : -1;
  };
  const int year = number(0, 4);
  const int month = number(5, 2);
  const int day = number(8, 2);
  if (year < 1970 || year > 2200 || month < 1 || day < 1) return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
      std::chrono::day(static_cast<unsigned>(day))};
  return date.ok() ? std::optional(date) : std::nullopt;
}

}  // namespace sekisho::core
