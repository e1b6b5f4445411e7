#include "server/core/people_register.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include "common/text.h"
#include "policy/people_list.h"
#include "policy/zone.h"
#include "server/core/csv_reader.h"
#include "server/core/ldif_reader.h"
#include "server/core/terminal_register.h"

namespace sekisho::core {
namespace {

enum Field { kId, kName, kEmployer, kManager, kEnd, kAccounts, kFields };
constexpr std::array<std::string_view, kFields> kFieldNames = {
    "id", "name", "employer", "manager", "contract_end", "accounts"};
constexpr size_t kMaxCell = 512;

std::string Small(std::string_view text) {
  std::string small(text);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return small;
}

// "maint; root" -> "maint,root"; nothing: some are no accounts.
std::optional<std::string> AccountsOf(std::string_view text) {
  std::set<std::string> names;
  for (std::string_view word : Split(text, ';')) {
    word = Trim(word);
    if (word.empty()) continue;
    if (word != policy::kAnyAccount && !policy::IsAccountName(word)) {
      return std::nullopt;
    }
    names.insert(std::string(word));
  }
  if (names.contains("*") && names.size() > 1) return std::nullopt;
  if (names.size() > policy::kMaxAccountsEach) return std::nullopt;
  std::string joined;
  for (const std::string& name : names) {
    joined += (joined.empty() ? "" : ",") + name;
  }
  return joined;
}

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// What both formats have in common: a row that is read, its places known.
class People {
 public:
  explicit People(const PeopleFile& file) : file_(file) {}

  // `columns`: of each field, from 1; 0: none.
  struct Row {
    int64_t line = 0;
    std::array<std::string, kFields> cells{};
    std::array<int64_t, kFields> columns{};
    std::array<int64_t, kFields> lines{};  // 0: as the row
    std::optional<WallTime> contract_end{};
  };

  void Report(int64_t line, int64_t column, Field field, std::string message,
              std::string fix) {
    if (out_.problems.size() == kMaxRegisterProblems) return;
    out_.problems.push_back(
        {line, column, field == kFields ? "" : std::string(kFieldNames[field]),
         std::move(message), std::move(fix)});
  }
  void Wrong(const Row& row, Field field, std::string message,
             std::string fix) {
    Report(row.lines[field] > 0 ? row.lines[field] : row.line,
           row.columns[field], field, std::move(message), std::move(fix));
  }
  bool IsFull(size_t rows, int64_t line) {
    if (rows < policy::kMaxPeople) return false;
    Report(line, 0, kFields, "more than 10,000 people",
           "import those who use accounts that several share");
    return true;
  }
  bool good() const { return out_.problems.empty(); }

  void Take(Row row) {
    const size_t before = out_.problems.size();
    for (size_t i = 0; i < kFields; ++i) {
      const auto field = static_cast<Field>(i);
      std::string& cell = row.cells[i];
      cell = Trim(cell);
      if (!cell.empty() && !IsOneLine(cell, kMaxCell)) {
        Wrong(row, field,
              cell.size() > kMaxCell
                  ? "it is over 512 bytes"
                  : "it has a line break, a control or is not UTF-8",
              "write it in one short line");
        cell.clear();
      }
    }
    RegisteredPerson person;
    person.id = row.cells[kId];
    Id(row, person.id);
    person.name = row.cells[kName];
    person.employer = row.cells[kEmployer];
    person.manager = row.cells[kManager];
    if (person.manager == person.id && !person.manager.empty()) {
      Wrong(row, kManager, "he is his own manager",
            "leave the cell empty, or write who is");
    }
    person.contract_end = row.contract_end;
    if (!row.cells[kEnd].empty()) {
      person.contract_end = EndOfContract(row.cells[kEnd], file_.zone);
      if (!person.contract_end) {
        Wrong(row, kEnd,
              "'" + EscapeUntrusted(row.cells[kEnd], 64) + "' is no day",
              "write it as 2027-03-31");
      }
    }
    const std::string& named =
        row.cells[kAccounts].empty() ? file_.accounts : row.cells[kAccounts];
    const auto accounts = AccountsOf(named);
    if (accounts) {
      person.accounts = *accounts;
    } else {
      Wrong(row, kAccounts,
            "'" + EscapeUntrusted(named, 64) + "' are no accounts",
            "write at most 32 logins, separated by ;, or * alone");
    }
    if (out_.problems.size() > before) return;
    managers_.push_back(std::move(row));
    out_.rows.push_back(std::move(person));
  }

  ParsedPeople Finish() {
    for (const Row& row : managers_) {
      const std::string& manager = row.cells[kManager];
      // A directory knows whom its DNs mean.
      if (file_.format == PeopleFormat::kLdif) break;
      if (manager.empty() || ids_.contains(Small(manager))) continue;
      Wrong(row, kManager,
            "there is no '" + EscapeUntrusted(manager, 64) + "' in this file",
            "add a line for the manager, or leave it empty");
    }
    std::ranges::sort(out_.rows, {}, &RegisteredPerson::id);
    return std::move(out_);
  }

 private:
  void Id(const Row& row, const std::string& id) {
    if (!policy::IsPersonId(id)) {
      Wrong(row, kId,
            id.empty() ? "the person has no id"
                       : "'" + EscapeUntrusted(id, 64) + "' is no id",
            "write at most 64 letters, digits and . _ - @, not root");
      return;
    }
    const auto [first, added] = ids_.try_emplace(Small(id), row.line);
    if (!added) {
      Wrong(row, kId,
            id + " stands in line " + std::to_string(first->second) + " too",
            "remove one of the two");
    }
  }

  const PeopleFile& file_;
  ParsedPeople out_;
  std::vector<Row> managers_;
  std::map<std::string, int64_t, std::less<>> ids_;  // small, and their lines
};

class CsvPeople {
 public:
  explicit CsvPeople(const PeopleFile& file)
      : people_(file), reader_(file.text) {}

  ParsedPeople Run() {
    if (!Head(reader_.Next())) return people_.Finish();
    while (!reader_.AtEnd()) {
      const CsvRecord record = reader_.Next();
      if (!record.broken.empty()) {
        people_.Report(record.line, 0, kFields, record.broken,
                       "put the whole cell in quotes, each quote in it twice");
        break;
      }
      if (record.cells.size() == 1 && Trim(record.cells[0]).empty()) continue;
      if (people_.IsFull(rows_++, record.line)) break;
      if (record.cells.size() != columns_) {
        people_.Report(record.line, 0, kFields,
                       "the line has " + std::to_string(record.cells.size()) +
                           " cells, the first line " + std::to_string(columns_),
                       "fill in or take away commas");
        continue;
      }
      People::Row row;
      row.line = record.line;
      for (size_t i = 0; i < kFields; ++i) {
        if (!places_[i]) continue;
        row.cells[i] = record.cells[*places_[i]];
        row.columns[i] = static_cast<int64_t>(*places_[i]) + 1;
      }
      people_.Take(std::move(row));
    }
    return people_.Finish();
  }

 private:
  bool Head(const CsvRecord& head) {
    columns_ = head.cells.size();
    for (size_t i = 0; i < columns_; ++i) {
      const std::string_view cell = Trim(head.cells[i]);
      const auto known = std::ranges::find(kFieldNames, cell);
      const auto column = static_cast<int64_t>(i) + 1;
      if (known == kFieldNames.end()) {
        people_.Report(
            head.line, column, kFields,
            "no column is called '" + EscapeUntrusted(cell, 64) + "'",
            "the columns are id, name, employer, manager, contract_end, "
            "accounts");
        continue;
      }
      auto& place = places_[static_cast<size_t>(known - kFieldNames.begin())];
      if (place) {
        people_.Report(head.line, column, kFields, "this column is there twice",
                       "remove one of the two");
      }
      place = i;
    }
    if (!head.broken.empty()) {
      people_.Report(head.line, 0, kFields, head.broken,
                     "name the columns, with commas");
    }
    if (!places_[kId]) {
      people_.Report(head.line, 0, kFields, "there is no column 'id'",
                     "the first line names the columns: id,name,...");
    }
    return people_.good();
  }

  People people_;
  CsvReader reader_;
  std::array<std::optional<size_t>, kFields> places_;
  size_t columns_ = 0;
  size_t rows_ = 0;
};

// "uid=suzuki,ou=people,dc=example" -> "suzuki"; nothing: it is named
// otherwise.
std::optional<std::string> UidOf(std::string_view dn) {
  const std::string_view first = dn.substr(0, dn.find(','));
  const size_t equals = first.find('=');
  if (equals == std::string_view::npos ||
      Small(Trim(first.substr(0, equals))) != "uid" ||
      first.find_first_of("\\+") != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(Trim(first.substr(equals + 1)));
}

class LdifPeople {
 public:
  explicit LdifPeople(const PeopleFile& file)
      : people_(file), reader_(file.text) {}

  ParsedPeople Run() {
    LdifEntry entry;
    while (reader_.Next(&entry)) {
      if (!entry.broken.empty()) {
        people_.Report(entry.line, 0, kFields, entry.broken,
                       "take the file as ldapsearch printed it");
        break;
      }
      if (entry.Find("dn") == nullptr) {
        Other(entry);
      } else {
        Entry(entry);
        if (rows_.size() > policy::kMaxPeople &&
            people_.IsFull(rows_.size(), entry.line)) {
          return people_.Finish();
        }
      }
    }
    for (auto& [row, dn] : rows_) {
      if (!dn.empty()) Manager(dn, &row);
      people_.Take(std::move(row));
    }
    return people_.Finish();
  }

 private:
  // "version: 1", references, and how the search ended.
  void Other(const LdifEntry& entry) {
    const LdifValue* result = entry.Find("result");
    if (result == nullptr || result->value.starts_with("0 ") ||
        result->value == "0") {
      return;
    }
    people_.Report(result->line, 0, kFields,
                   "the search ended with '" +
                       EscapeUntrusted(result->value, 128) +
                       "': people are missing",
                   "search with paging (ldapsearch -E pr=500/noprompt)");
  }

  void Entry(const LdifEntry& entry) {
    const LdifValue* id = First(entry, {"uid", "samaccountname"});
    if (id == nullptr) {
      if (IsNobody(entry)) return;
      people_.Report(entry.line, 0, kId, "the entry has no uid",
                     "ask for uid too, or search with (uid=*)");
      return;
    }
    People::Row row;
    row.line = entry.line;
    Put(entry, kId, id, &row);
    Put(entry, kName, First(entry, {"displayname", "cn"}), &row);
    Put(entry, kEmployer, First(entry, {"o", "company"}), &row);
    const auto count =
        std::ranges::count(entry.values, id->name, &LdifValue::name);
    if (count > 1) {
      people_.Wrong(row, kId, "the entry has several", "leave one");
      return;
    }
    if (!End(entry, &row)) return;
    std::string manager;
    if (const LdifValue* dn = entry.Find("manager")) {
      row.lines[kManager] = dn->line;
      manager = dn->value;
    }
    ids_[Small(entry.Find("dn")->value)] = id->value;
    rows_.emplace_back(std::move(row), std::move(manager));
  }

  // Groups and units have no uid.
  static bool IsNobody(const LdifEntry& entry) {
    bool known = false;
    for (const LdifValue& value : entry.values) {
      if (value.name != "objectclass") continue;
      known = true;
      const std::string klass = Small(value.value);
      if (klass == "person" || klass == "inetorgperson" ||
          klass == "posixaccount" || klass == "user" || klass == "account") {
        return false;
      }
    }
    return known;
  }

  static const LdifValue* First(const LdifEntry& entry,
                                std::initializer_list<const char*> names) {
    for (const char* name : names) {
      if (const LdifValue* value = entry.Find(name)) return value;
    }
    return nullptr;
  }

  static void Put(const LdifEntry&, Field field, const LdifValue* value,
                  People::Row* row) {
    if (value == nullptr) return;
    row->cells[field] = value->value;
    row->lines[field] = value->line;
  }

  // Days since 1970, or tenths of microseconds since 1601; 0 and the largest
  // there mean never.
  bool End(const LdifEntry& entry, People::Row* row) {
    static constexpr int64_t kNever = INT64_MAX;
    static constexpr int64_t kFrom1601 = 11'644'473'600;
    static constexpr int64_t kMaxSeconds = int64_t{1} << 33;
    const LdifValue* days = entry.Find("shadowexpire");
    const LdifValue* ticks = entry.Find("accountexpires");
    const LdifValue* value = days != nullptr ? days : ticks;
    if (value == nullptr) return true;
    row->lines[kEnd] = value->line;
    const auto number = Number(value->value);
    std::optional<int64_t> seconds;
    if (number && days != nullptr) {
      if (*number < 0) return true;  // shadow(5): no end
      if (*number <= kMaxSeconds / 86'400) seconds = *number * 86'400;
    } else if (number) {
      if (*number == 0 || *number == kNever) return true;
      seconds = *number / 10'000'000 - kFrom1601;
    }
    if (!seconds || *seconds < 0 || *seconds > kMaxSeconds) {
      people_.Wrong(
          *row, kEnd,
          "'" + EscapeUntrusted(value->value, 64) + "' is no end of an account",
          days != nullptr ? "days since 1970, as shadow(5) says"
                          : "a number, as Active Directory has it");
      return false;
    }
    row->contract_end = WallTime(std::chrono::seconds(*seconds));
    return true;
  }

  void Manager(const std::string& dn, People::Row* row) {
    const auto known = ids_.find(Small(dn));
    if (known != ids_.end()) {
      row->cells[kManager] = known->second;
    } else if (auto uid = UidOf(dn)) {
      row->cells[kManager] = *std::move(uid);
    } else {
      people_.Wrong(
          *row, kManager,
          "'" + EscapeUntrusted(dn, 128) + "' is in no entry of this file",
          "search for the managers too");
    }
  }

  People people_;
  LdifReader reader_;
  std::vector<std::pair<People::Row, std::string>> rows_;  // and the manager
  std::map<std::string, std::string> ids_;                 // by dn, small
};

std::string Shown(const std::optional<WallTime>& time) {
  return time ? FormatUtc(*time) : "";
}

std::vector<std::string> Differences(const RegisteredPerson& a,
                                     const RegisteredPerson& b) {
  std::vector<std::string> fields;
  const auto compare = [&](Field field, const std::string& before,
                           const std::string& after) {
    if (before != after) {
      fields.push_back(std::string(kFieldNames[field]) + ": " +
                       (before.empty() ? "-" : before) + " -> " +
                       (after.empty() ? "-" : after));
    }
  };
  compare(kName, a.name, b.name);
  compare(kEmployer, a.employer, b.employer);
  compare(kManager, a.manager, b.manager);
  compare(kEnd, Shown(a.contract_end), Shown(b.contract_end));
  compare(kAccounts, a.accounts, b.accounts);
  return fields;
}

ParsedPeople Refused(std::string message, std::string fix) {
  ParsedPeople parsed;
  parsed.problems.push_back({1, 0, "", std::move(message), std::move(fix)});
  return parsed;
}

}  // namespace

std::optional<WallTime> EndOfContract(std::string_view text,
                                      const std::string& zone) {
  if (const auto time = ParseUtc(text)) return time;
  const auto date = DateOf(text);
  const auto found = policy::Zone::Find(zone);
  if (!date || !found) return std::nullopt;
  // He works on the last day: it ends with the next.
  return found->ToUtc(
      policy::LocalTime(std::chrono::local_days(*date) + std::chrono::days(1)));
}

ParsedPeople ParsePeopleFile(const PeopleFile& given) {
  if (given.text.size() > kMaxRegisterBytes) {
    return Refused("the file is over 16 MiB", "import a register of people");
  }
  PeopleFile file = given;
  if (file.text.starts_with("\xef\xbb\xbf")) file.text.erase(0, 3);
  if (!IsValidUtf8(file.text)) {
    return Refused("the file is not UTF-8",
                   "save it as UTF-8, not in your system's code page");
  }
  if (Trim(file.text).empty()) {
    return Refused("the file is empty",
                   "a register without anybody removes everybody");
  }
  if (!policy::Zone::Find(file.zone)) {
    return Refused(
        "there is no time zone '" + EscapeUntrusted(file.zone, 64) + "'",
        "name one such as Asia/Tokyo");
  }
  ParsedPeople parsed = file.format == PeopleFormat::kCsv
                            ? CsvPeople(file).Run()
                            : LdifPeople(file).Run();
  if (parsed.problems.empty() && parsed.rows.empty()) {
    return Refused("there is nobody in the file",
                   "a register without anybody removes everybody");
  }
  return parsed;
}

RegisterDiff ComparePeople(const std::vector<RegisteredPerson>& before,
                           const std::vector<RegisteredPerson>& after) {
  std::map<std::string, const RegisteredPerson*> old;
  for (const RegisteredPerson& row : before) {
    if (!row.remove_time) old[row.id] = &row;
  }
  RegisterDiff diff;
  for (const RegisteredPerson& row : after) {
    const auto was = old.extract(row.id);
    if (!was) {
      diff.added.push_back(row.id);
      continue;
    }
    auto fields = Differences(*was.mapped(), row);
    if (fields.empty()) {
      ++diff.same;
    } else {
      diff.changed.push_back({row.id, std::move(fields)});
    }
  }
  for (const auto& [id, row] : old) diff.removed.push_back(id);
  return diff;
}

}  // namespace sekisho::core
