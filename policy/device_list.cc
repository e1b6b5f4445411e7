// Device lists as CSV (RFC 4180): read strictly, printed so that they read
// back the same.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/text.h"
#include "policy/import.h"
#include "policy/parser.h"
#include "policy/problems.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

constexpr size_t kMaxFieldBytes = 1024;
constexpr auto kColumns =
    WordList("list", "vendor_id", "product_id", "serial", "descriptor_hash",
             "access", "terminal", "expires", "owner", "purpose", "ticket");
constexpr std::string_view kHeader =
    "list,vendor_id,product_id,serial,descriptor_hash,access,terminal,expires,"
    "owner,purpose,ticket";

struct Field {
  std::string text;
  int line = 0;
  int column = 0;
};

// Splits records; knows quotes and counts lines, nothing of devices.
class CsvReader {
 public:
  CsvReader(std::string_view text, Problems& problems)
      : rest_(text), problems_(problems) {}

  bool done() const { return rest_.empty(); }
  int line() const { return line_; }

  // Fills up to fields.size() fields; returns how many the record has.
  size_t Next(std::span<Field> fields) {
    size_t count = 0;
    while (true) {
      Field spare;
      Field& field = count < fields.size() ? fields[count] : spare;
      ReadField(field);
      ++count;
      if (rest_.empty()) return count;
      const char end = rest_[0];
      Skip(1);
      if (end == ',') continue;
      if (end == '\r' && !rest_.empty() && rest_[0] == '\n') Skip(1);
      ++line_;
      column_ = 1;
      return count;
    }
  }

 private:
  void Skip(size_t count) {
    rest_.remove_prefix(count);
    column_ += static_cast<int>(count);
  }

  void ReadField(Field& field) {
    field.text.clear();
    field.line = line_;
    field.column = column_;
    if (!rest_.empty() && rest_[0] == '"') {
      ReadQuoted(field);
    }
    const size_t end = std::min(rest_.find_first_of(",\r\n"), rest_.size());
    const std::string_view plain = rest_.substr(0, end);
    if (plain.find('"') != std::string_view::npos ||
        (!field.text.empty() && !plain.empty())) {
      problems_.Add(line_, column_,
                    "expected ',' or the end of the line, found text beside "
                    "quotes; quote the whole field and double each quote in "
                    "it");
    }
    field.text += plain;
    Skip(end);
  }

  void ReadQuoted(Field& field) {
    Skip(1);
    while (true) {
      const size_t quote = rest_.find('"');
      const std::string_view part = rest_.substr(0, quote);
      field.text += part;
      CountLines(part);
      if (quote == std::string_view::npos) {
        problems_.Add(field.line, field.column,
                      "expected a closing quote, found the end of the file");
        rest_ = {};
        return;
      }
      Skip(1);
      if (rest_.empty() || rest_[0] != '"') return;
      field.text += '"';
      Skip(1);
    }
  }

  void CountLines(std::string_view part) {
    line_ += static_cast<int>(std::ranges::count(part, '\n'));
    const size_t last = part.rfind('\n');
    rest_.remove_prefix(part.size());
    if (last == std::string_view::npos) {
      column_ += static_cast<int>(part.size());
    } else {
      column_ = static_cast<int>(part.size() - last);
    }
  }

  std::string_view rest_;
  Problems& problems_;
  int line_ = 1;
  int column_ = 1;
};

// Small letters, so that one device has one spelling.
std::string LowerHex(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool IsLowerHex(std::string_view text, size_t size) {
  return text.size() == size && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

class RowReader {
 public:
  explicit RowReader(Problems& problems) : problems_(problems) {}

  DeviceEntry Read(std::span<Field> f) {
    for (const Field& field : f) CheckText(field, &field == &f[3]);
    DeviceEntry row;
    row.list = f[0].text;
    if (row.list.empty()) Wrong(f[0], "the name of a list");
    row.vendor_id = LowerHex(f[1].text);
    row.product_id = LowerHex(f[2].text);
    row.serial = f[3].text;
    CheckIds(f, row);
    row.descriptor_hash = LowerHex(f[4].text);
    if (!row.descriptor_hash.empty() && !IsLowerHex(row.descriptor_hash, 64)) {
      Wrong(f[4], "64 hex digits or nothing");
    }
    if (const auto access = ParseAccess(f[5].text)) {
      row.access = *access;
    } else {
      Wrong(f[5], "one of " + Joined(kAccessWords),
            Suggestion(f[5].text, kAccessWords));
    }
    row.terminal = f[6].text;
    if (!f[7].text.empty()) {
      row.expires = ParseUtc(f[7].text);
      if (!row.expires) {
        Wrong(f[7], "a time such as 2026-12-31T15:00:00Z, or nothing");
      }
    }
    row.owner = f[8].text;
    row.purpose = f[9].text;
    row.ticket = f[10].text;
    return row;
  }

 private:
  void Wrong(const Field& field, std::string_view expected,
             std::string_view suggestion = "") {
    problems_.Add(field.line, field.column,
                  fmt::format("expected {}, found {}{}", expected,
                              Quoted(field.text), suggestion));
  }

  void CheckText(const Field& field, bool from_device) {
    if (field.text.size() > kMaxFieldBytes) {
      problems_.Add(field.line, field.column,
                    fmt::format("expected at most {} bytes, found {}",
                                kMaxFieldBytes, field.text.size()));
    }
    if (field.text.find('\0') != std::string::npos ||
        (!from_device && !IsValidUtf8(field.text))) {
      Wrong(field, "UTF-8 text");
    }
  }

  // A row names one device, or with '*' all serials of a product, or all
  // products of a vendor. A device of another bus may have a serial only.
  void CheckIds(std::span<Field> f, const DeviceEntry& row) {
    const bool serial_only = row.vendor_id.empty() && row.product_id.empty();
    if (serial_only) {
      if (row.serial.empty() || row.serial == "*") {
        Wrong(f[1], "4 hex digits (a row without them needs a serial)");
      }
      return;
    }
    if (!IsLowerHex(row.vendor_id, 4)) Wrong(f[1], "4 hex digits");
    if (row.product_id == "*") {
      if (row.serial != "*") Wrong(f[3], "'*' beside the product_id '*'");
    } else if (!IsLowerHex(row.product_id, 4)) {
      Wrong(f[2], "4 hex digits or '*'");
    }
  }

  Problems& problems_;
};

std::string PrintField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace

Result<std::vector<DeviceEntry>> ParseDeviceList(std::string_view csv,
                                                 std::string_view file_name) {
  Problems problems(file_name);
  if (csv.size() > kMaxDeviceListBytes) {
    problems.Add(1, 1,
                 fmt::format("expected at most {} bytes, found {}",
                             kMaxDeviceListBytes, csv.size()));
    return std::unexpected(AsError(problems.Take()));
  }
  CsvReader reader(csv, problems);
  RowReader rows(problems);
  std::array<Field, kColumns.size()> fields;
  std::vector<DeviceEntry> entries;

  const size_t header_count = reader.Next(fields);
  for (size_t i = 0; i < kColumns.size(); ++i) {
    const Field& field = fields[i];
    if (i >= header_count || field.text != kColumns[i]) {
      problems.Add(1, i < header_count ? field.column : 1,
                   fmt::format("expected the header '{}', found {} as column "
                               "{}{}",
                               kHeader, Quoted(field.text), i + 1,
                               Suggestion(field.text, kColumns)));
      return std::unexpected(AsError(problems.Take()));
    }
  }
  if (header_count > kColumns.size()) {
    problems.Add(1, 1,
                 fmt::format("expected {} columns, found {}", kColumns.size(),
                             header_count));
  }
  while (!reader.done()) {
    const int line = reader.line();
    const size_t count = reader.Next(fields);
    if (count != kColumns.size()) {
      problems.Add(
          line, 1,
          fmt::format("expected {} columns, found {}", kColumns.size(), count));
      continue;
    }
    entries.push_back(rows.Read(fields));
  }
  if (!problems.empty()) return std::unexpected(AsError(problems.Take()));
  return entries;
}

std::string PrintDeviceList(const std::vector<DeviceEntry>& entries) {
  std::string out(kHeader);
  out += '\n';
  for (const DeviceEntry& row : entries) {
    const std::array<std::string, kColumns.size()> fields{
        row.list,
        row.vendor_id,
        row.product_id,
        row.serial,
        row.descriptor_hash,
        Name(row.access),
        row.terminal,
        row.expires ? FormatUtc(*row.expires) : "",
        row.owner,
        row.purpose,
        row.ticket};
    for (size_t i = 0; i < fields.size(); ++i) {
      if (i > 0) out += ',';
      out += PrintField(fields[i]);
    }
    out += '\n';
  }
  return out;
}

namespace {

constexpr size_t kMaxForeignColumns = 64;

// "Vendor ID", "vendor_id" and "VENDORID" are one name.
std::string ColumnKey(std::string_view name) {
  std::string key;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      key += static_cast<char>(c - 'A' + 'a');
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      key += c;
    }
  }
  return key;
}

std::string* Column(std::string_view name, DeviceEntry* row) {
  const std::string key = ColumnKey(name);
  struct Known {
    std::string_view key;
    std::string DeviceEntry::* field;
  };
  static constexpr Known kKnown[] = {
      {"vendorid", &DeviceEntry::vendor_id},
      {"vid", &DeviceEntry::vendor_id},
      {"idvendor", &DeviceEntry::vendor_id},
      {"productid", &DeviceEntry::product_id},
      {"pid", &DeviceEntry::product_id},
      {"idproduct", &DeviceEntry::product_id},
      {"serial", &DeviceEntry::serial},
      {"serialnumber", &DeviceEntry::serial},
      {"serialnumberid", &DeviceEntry::serial},
      {"owner", &DeviceEntry::owner},
      {"user", &DeviceEntry::owner},
      {"purpose", &DeviceEntry::purpose},
      {"comment", &DeviceEntry::purpose},
      {"description", &DeviceEntry::purpose},
      {"ticket", &DeviceEntry::ticket},
  };
  const auto at = std::ranges::find(kKnown, std::string_view(key), &Known::key);
  return at == std::end(kKnown) ? nullptr : &(row->*(at->field));
}

}  // namespace

Result<ImportedList> ImportDeviceCsv(std::string_view csv,
                                     std::string_view file_name,
                                     std::string_view list, Access access) {
  Problems problems(file_name);
  CsvReader reader(csv.starts_with("\xef\xbb\xbf") ? csv.substr(3) : csv,
                   problems);
  std::vector<Field> fields(kMaxForeignColumns);
  ImportedList out;
  const size_t count = csv.empty() ? 0 : reader.Next(fields);
  std::vector<std::string> names;
  DeviceEntry seen;
  for (size_t i = 0; i < std::min(count, kMaxForeignColumns); ++i) {
    names.emplace_back(Trim(fields[i].text));
    std::string* field = Column(names.back(), &seen);
    if (field == nullptr) {
      out.ignored_columns.push_back(names.back());
    } else if (!field->empty()) {
      problems.Add(1, fields[i].column,
                   fmt::format("expected one column for this, found {} as "
                               "another",
                               Quoted(names.back())));
    } else {
      *field = "named";
    }
  }
  if (count > kMaxForeignColumns || seen.vendor_id.empty() ||
      seen.product_id.empty() || seen.serial.empty()) {
    problems.Add(1, 1,
                 "expected a header with columns for vendor id, product id and "
                 "serial, such as vid,pid,serial");
  }
  RowReader rows(problems);
  while (problems.empty() && !reader.done()) {
    const int line = reader.line();
    const size_t found = reader.Next(fields);
    if (found == 1 && fields[0].text.empty()) continue;
    if (found != count) {
      problems.Add(line, 1,
                   fmt::format("expected {} columns, found {}", count, found));
      break;
    }
    DeviceEntry row;
    for (size_t i = 0; i < count; ++i) {
      std::string* field = Column(names[i], &row);
      if (field != nullptr) *field = Trim(fields[i].text);
    }
    for (std::string* id : {&row.vendor_id, &row.product_id}) {
      if (id->starts_with("0x") || id->starts_with("0X")) id->erase(0, 2);
    }
    // Through the reader of our own lists: the same rules hold.
    std::array<Field, kColumns.size()> own{};
    for (Field& field : own) field.line = line;
    own[0].text = list;
    own[1].text = row.vendor_id;
    own[2].text = row.product_id;
    own[3].text = row.serial;
    own[5].text = Name(access);
    own[8].text = row.owner;
    own[9].text = row.purpose;
    own[10].text = row.ticket;
    for (Field& field : own) field.column = 1;
    out.rows.push_back(rows.Read(own));
  }
  if (!problems.empty()) return std::unexpected(AsError(problems.Take()));
  return out;
}

}  // namespace sekisho::policy
