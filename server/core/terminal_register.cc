#include "server/core/terminal_register.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "common/text.h"
#include "server/core/csv_reader.h"
#include "server/core/expected_hours.h"

namespace sekisho::core {
namespace {

enum Field { kName, kSite, kGroups, kHours, kOwner, kFrom, kTo, kFields };
constexpr std::array<std::string_view, kFields> kFieldNames = {
    "name",           "site",  "groups",
    "expected_hours", "owner", "in_service_from",
    "in_service_to"};
constexpr size_t kMaxNameBytes = 253;

class Parser {
 public:
  ParsedRegister Run(std::string_view csv) {
    if (csv.starts_with("\xef\xbb\xbf")) csv.remove_prefix(3);
    if (csv.size() > kMaxRegisterBytes) {
      Report(1, kFields, "the file is over 16 MiB",
             "import a register of terminals");
      return std::move(out_);
    }
    if (!IsValidUtf8(csv)) {
      Report(1, kFields, "the file is not UTF-8",
             "save it as CSV UTF-8, not as CSV of your system's code page");
      return std::move(out_);
    }
    CsvReader reader(csv);
    if (csv.empty() || !Head(reader.Next())) return Empty(csv);
    while (!reader.AtEnd()) {
      const CsvRecord record = reader.Next();
      if (!record.broken.empty()) {
        Report(record.line, kFields, record.broken,
               "put the whole cell in quotes, and each quote in it twice");
        break;
      }
      if (record.cells.size() == 1 && Trim(record.cells[0]).empty()) continue;
      if (out_.rows.size() == kMaxRegisterRows) {
        Report(record.line, kFields, "more than 100,000 terminals",
               "split the register over several servers");
        break;
      }
      Row(record);
    }
    std::ranges::sort(out_.rows, {}, &RegisteredTerminal::name);
    return std::move(out_);
  }

 private:
  ParsedRegister Empty(std::string_view csv) {
    if (csv.empty()) {
      Report(1, kFields, "the file is empty",
             "begin with a line that names the columns: name,site,...");
    }
    return std::move(out_);
  }

  void Report(int64_t line, Field field, std::string message, std::string fix) {
    if (out_.problems.size() == kMaxRegisterProblems) return;
    const bool known = field != kFields;
    out_.problems.push_back(
        {line, known && places_[field] ? int64_t(*places_[field]) + 1 : 0,
         known ? std::string(kFieldNames[field]) : "", std::move(message),
         std::move(fix)});
  }

  bool Head(const CsvRecord& head) {
    columns_ = head.cells.size();
    for (size_t i = 0; i < head.cells.size(); ++i) {
      const std::string_view cell = Trim(head.cells[i]);
      const auto known = std::ranges::find(kFieldNames, cell);
      if (known == kFieldNames.end()) {
        out_.problems.push_back(
            {head.line, int64_t(i) + 1, "",
             "no column is called '" + EscapeUntrusted(cell, 64) + "'",
             "the columns are name, site, groups, expected_hours, owner, "
             "in_service_from, in_service_to"});
        continue;
      }
      auto& place = places_[static_cast<size_t>(known - kFieldNames.begin())];
      if (place) {
        out_.problems.push_back({head.line, int64_t(i) + 1, std::string(cell),
                                 "this column is there twice",
                                 "remove one of the two"});
      }
      place = i;
    }
    if (!head.broken.empty()) {
      Report(head.line, kFields, head.broken, "name the columns, with commas");
    }
    if (!places_[kName]) {
      Report(head.line, kFields, "there is no column 'name'",
             "the first line names the columns: name,site,...");
    }
    return out_.problems.empty();
  }

  std::string Cell(const CsvRecord& record, Field field) {
    if (!places_[field] || *places_[field] >= record.cells.size()) return "";
    const std::string text(Trim(record.cells[*places_[field]]));
    if (text.size() > kMaxRegisterCell) {
      Report(record.line, field, "the cell is over 512 bytes", "shorten it");
      return "";
    }
    if (!text.empty() && !IsOneLine(text, kMaxRegisterCell)) {
      Report(record.line, field, "the cell has a line break or a control",
             "write it in one line");
      return "";
    }
    return text;
  }

  void Row(const CsvRecord& record) {
    const size_t before = out_.problems.size();
    if (record.cells.size() != columns_) {
      Report(record.line, kFields,
             "the line has " + std::to_string(record.cells.size()) +
                 " cells, the first line " + std::to_string(columns_),
             "fill in or take away commas");
      return;
    }
    RegisteredTerminal row;
    row.name = Cell(record, kName);
    row.site = Cell(record, kSite);
    row.groups = Cell(record, kGroups);
    row.owner = Cell(record, kOwner);
    row.hours = Cell(record, kHours);
    Name(record, row.name);
    const auto hours = ExpectedHours::Parse(row.hours);
    if (!hours) {
      Report(record.line, kHours, hours.error().message,
             "Mon-Fri 08:00-20:00 Asia/Tokyo, or always");
      return;
    }
    row.service_from = Day(record, kFrom, hours->zone());
    row.service_to = Day(record, kTo, hours->zone());
    if (row.service_from && row.service_to &&
        *row.service_from >= *row.service_to) {
      Report(record.line, kTo, "it goes out of service before it comes in",
             "correct one of the two days");
    }
    if (out_.problems.size() == before) out_.rows.push_back(std::move(row));
  }

  void Name(const CsvRecord& record, const std::string& name) {
    const bool good =
        !name.empty() && name.size() <= kMaxNameBytes &&
        std::ranges::all_of(name, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        });
    if (!good) {
      Report(record.line, kName,
             name.empty() ? "the terminal has no name"
                          : "'" + EscapeUntrusted(name, 64) +
                                "' is not a terminal's name",
             "write the name it enrols with: letters, digits and - . _");
      return;
    }
    const auto [first, added] = names_.try_emplace(name, record.line);
    if (!added) {
      Report(record.line, kName,
             name + " stands in line " + std::to_string(first->second) + " too",
             "remove one of the two lines");
    }
  }

  std::optional<WallTime> Day(const CsvRecord& record, Field field,
                              const policy::Zone& zone) {
    const std::string text = Cell(record, field);
    if (text.empty()) return std::nullopt;
    if (const auto time = ParseUtc(text)) return time;
    const auto date = DateOf(text);
    if (!date) {
      Report(record.line, field,
             "'" + EscapeUntrusted(text, 64) + "' is no day",
             "write it as 2026-04-01");
      return std::nullopt;
    }
    // The last day is in service: it ends with the next.
    const auto day = std::chrono::local_days(*date) +
                     std::chrono::days(field == kTo ? 1 : 0);
    return zone.ToUtc(policy::LocalTime(day));
  }

  ParsedRegister out_;
  std::array<std::optional<size_t>, kFields> places_;
  size_t columns_ = 0;
  std::map<std::string, int64_t, std::less<>> names_;  // and their lines
};

std::string Shown(const std::optional<WallTime>& time) {
  return time ? FormatUtc(*time) : "-";
}

std::vector<std::string> Differences(const RegisteredTerminal& a,
                                     const RegisteredTerminal& b) {
  std::vector<std::string> fields;
  const auto compare = [&](Field field, const std::string& before,
                           const std::string& after) {
    if (before != after) {
      fields.push_back(std::string(kFieldNames[field]) + ": " +
                       (before.empty() ? "-" : before) + " -> " +
                       (after.empty() ? "-" : after));
    }
  };
  compare(kSite, a.site, b.site);
  compare(kGroups, a.groups, b.groups);
  compare(kHours, a.hours, b.hours);
  compare(kOwner, a.owner, b.owner);
  compare(kFrom, Shown(a.service_from), Shown(b.service_from));
  compare(kTo, Shown(a.service_to), Shown(b.service_to));
  return fields;
}

}  // namespace

ParsedRegister ParseRegister(std::string_view csv) { return Parser().Run(csv); }

RegisterDiff CompareRegister(const std::vector<RegisteredTerminal>& before,
                             const std::vector<RegisteredTerminal>& after) {
  std::map<std::string, const RegisteredTerminal*> old;
  for (const RegisteredTerminal& row : before) {
    if (!row.remove_time) old[row.name] = &row;
  }
  RegisterDiff diff;
  for (const RegisteredTerminal& row : after) {
    const auto was = old.extract(row.name);
    if (!was) {
      diff.added.push_back(row.name);
      continue;
    }
    auto fields = Differences(*was.mapped(), row);
    if (fields.empty()) {
      ++diff.same;
    } else {
      diff.changed.push_back({row.name, std::move(fields)});
    }
  }
  for (const auto& [name, row] : old) diff.removed.push_back(name);
  return diff;
}

}  // namespace sekisho::core
