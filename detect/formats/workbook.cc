#include "detect/formats/workbook.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace sekisho::detect {
namespace {

constexpr size_t kMaxStyles = 65536;
constexpr size_t kMaxSheets = 4096;
constexpr size_t kMaxStringBytes = size_t{256} * 1024;  // Excel: 32,767 letters
constexpr size_t kMaxColumn = 16384;

int ToInt(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool ToDouble(std::string_view text, double* value) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc{} && end == text.data() + text.size();
}

bool IsTrue(std::string_view text) { return text == "1" || text == "true"; }

class WorkbookHandler final : public XmlHandler {
 public:
  explicit WorkbookHandler(Workbook* workbook) : workbook_(workbook) {}
  void Start(std::string_view name, const XmlAttributes& attrs) override {
    if (name == "workbookPr" && IsTrue(attrs["date1904"])) {
      workbook_->dates = DateSystem::k1904;
    } else if (name == "sheet" && workbook_->sheets.size() < kMaxSheets) {
      // r:id; the sheet's own number is sheetId.
      workbook_->sheets[std::string(attrs["id"])] = attrs["name"];
    }
  }
  void End(std::string_view /*name*/) override {}
  void Text(std::string_view /*text*/) override {}

 private:
  Workbook* workbook_;
};

class RelationsHandler final : public XmlHandler {
 public:
  explicit RelationsHandler(Workbook* workbook) : workbook_(workbook) {}
  void Start(std::string_view name, const XmlAttributes& attrs) override {
    if (name != "Relationship") {
      return;
    }
    const auto sheet = workbook_->sheets.find(std::string(attrs["Id"]));
    if (sheet != workbook_->sheets.end()) {
      std::string_view target = attrs["Target"];
      target.remove_prefix(std::min(target.size(), target.rfind('/') + 1));
      workbook_->targets[std::string(target)] = sheet->second;
    }
  }
  void End(std::string_view /*name*/) override {}
  void Text(std::string_view /*text*/) override {}

 private:
  Workbook* workbook_;
};

class StylesHandler final : public XmlHandler {
 public:
  explicit StylesHandler(Workbook* workbook) : workbook_(workbook) {}
  void Start(std::string_view name, const XmlAttributes& attrs) override {
    if (name == "numFmt" && formats_.size() < kMaxStyles) {
      formats_[ToInt(attrs["numFmtId"])] = IsDateFormat(attrs["formatCode"]);
    } else if (name == "cellXfs") {
      in_cells_ = true;
    } else if (name == "xf" && in_cells_ &&
               workbook_->date_styles.size() < kMaxStyles) {
      const int id = ToInt(attrs["numFmtId"]);
      const auto own = formats_.find(id);
      workbook_->date_styles.push_back(
          own != formats_.end() ? own->second : IsDateFormat(id));
    }
  }
  void End(std::string_view name) override {
    in_cells_ = in_cells_ && name != "cellXfs";
  }
  void Text(std::string_view /*text*/) override {}

 private:
  Workbook* workbook_;
  std::map<int, bool> formats_;
  bool in_cells_ = false;
};

// <si><t>..</t></si> or runs <r><t>..</t></r>; <rPh> says how it is read aloud.
class StringsHandler final : public XmlHandler {
 public:
  explicit StringsHandler(Workbook* workbook) : workbook_(workbook) {}
  void Start(std::string_view name, const XmlAttributes& /*attrs*/) override {
    if (name == "si") {
      text_.clear();
    } else if (name == "rPh") {
      phonetic_ = true;
    } else if (name == "t") {
      in_text_ = !phonetic_;
    }
  }
  void End(std::string_view name) override {
    if (name == "si") {
      if (!workbook_->strings_full && !workbook_->strings.Add(text_)) {
        workbook_->strings_full = true;
      }
    } else if (name == "rPh") {
      phonetic_ = false;
    } else if (name == "t") {
      in_text_ = false;
    }
  }
  void Text(std::string_view text) override {
    if (in_text_) {
      text_ += text.substr(
          0, kMaxStringBytes - std::min(kMaxStringBytes, text_.size()));
    }
  }

 private:
  Workbook* workbook_;
  std::string text_;
  bool in_text_ = false;
  bool phonetic_ = false;
};

class SheetHandler final : public XmlHandler {
 public:
  SheetHandler(Workbook* workbook, TextParts* parts, std::string name)
      : workbook_(workbook), parts_(parts) {
    parts_->Begin(std::move(name));
  }

  void Start(std::string_view name, const XmlAttributes& attrs) override {
    if (name == "c") {
      StartCell(attrs);
    } else if (name == "v" || name == "t") {
      in_value_ = in_cell_ && !phonetic_;
    } else if (name == "rPh") {
      phonetic_ = true;
    } else if (name == "f") {
      in_value_ = false;
    } else if (name == "oddHeader" || name == "oddFooter" ||
               name == "evenHeader" || name == "evenFooter" ||
               name == "firstHeader" || name == "firstFooter") {
      in_margin_ = true;
    }
  }

  void End(std::string_view name) override {
    if (name == "c") {
      EndCell();
    } else if (name == "row") {
      parts_->Row(cells_, count_);
      count_ = 0;
      column_ = 0;
    } else if (name == "v" || name == "t") {
      in_value_ = false;
    } else if (name == "rPh") {
      phonetic_ = false;
    } else if (in_margin_) {
      in_margin_ = false;
      lines_ += '\n';
    }
  }

  void Text(std::string_view text) override {
    if (in_value_) {
      value_ += text.substr(
          0, kMaxStringBytes - std::min(kMaxStringBytes, value_.size()));
    } else if (in_margin_ && lines_.size() < kMaxStringBytes) {
      lines_ += text;
    }
  }

  void Finish() override {
    if (!lines_.empty()) {
      parts_->Begin("header and footer");
      parts_->Line(lines_);
    }
  }

 private:
  enum class Type { kNumber, kShared, kText, kDate, kOther };

  void StartCell(const XmlAttributes& attrs) {
    in_cell_ = true;
    value_.clear();
    std::string_view t;
    std::string_view style;
    std::string_view reference;
    attrs.ForEachLetter([&](char key, std::string_view value) {
      if (key == 't') {
        t = value;
      } else if (key == 's') {
        style = value;
      } else if (key == 'r') {
        reference = value;
      }
    });
    type_ = t == "s"                         ? Type::kShared
            : t == "inlineStr" || t == "str" ? Type::kText
            : t.empty() || t == "n"          ? Type::kNumber
            : t == "d"                       ? Type::kDate
                                             : Type::kOther;
    style_ = style.empty() ? 0 : static_cast<size_t>(std::max(0, ToInt(style)));
    size_t column = 0;
    for (char c : reference) {
      if (c < 'A' || c > 'Z' || column > kMaxColumn) {
        break;
      }
      column = column * 26 + static_cast<size_t>(c - 'A' + 1);
    }
    column_ = column > 0 && column <= kMaxColumn ? column - 1 : column_;
  }

  void EndCell() {
    in_cell_ = false;
    in_value_ = false;
    if (column_ >= kMaxColumn) {
      return;
    }
    if (cells_.size() <= column_) {
      cells_.resize(column_ + 1);
    }
    for (; count_ < column_; ++count_) {
      cells_[count_].clear();
    }
    std::string& cell = cells_[column_];
    cell.clear();
    switch (type_) {
      case Type::kShared:
        cell = workbook_->strings.Get(
            static_cast<size_t>(std::max(0, ToInt(value_))));
        break;
      case Type::kNumber:
        TakeNumber(&cell);
        break;
      case Type::kText:
      case Type::kDate:
      case Type::kOther:
        cell.swap(value_);
        break;
    }
    count_ = std::max(count_, column_ + 1);
    ++column_;
  }

  void TakeNumber(std::string* cell) {
    double serial = 0;
    if (style_ < workbook_->date_styles.size() &&
        workbook_->date_styles[style_] && ToDouble(value_, &serial)) {
      *cell = DateOfSerial(serial, workbook_->dates);
    }
    if (cell->empty()) {
      *cell = PlainNumber(value_);
    }
  }

  Workbook* workbook_;
  TextParts* parts_;
  std::vector<std::string> cells_;
  size_t count_ = 0;   // cells of this row
  size_t column_ = 0;  // of the cell, or the next one
  size_t style_ = 0;
  Type type_ = Type::kNumber;
  std::string value_;
  std::string lines_;
  bool in_cell_ = false;
  bool in_value_ = false;
  bool in_margin_ = false;
  bool phonetic_ = false;
};

}  // namespace

std::string DateOfSerial(double serial, DateSystem system) {
  if (!(serial >= 1 && serial < 2958466)) {  // 9999-12-31
    return {};
  }
  auto day = static_cast<int64_t>(serial);
  const int minutes =
      static_cast<int>(std::lround((serial - std::floor(serial)) * 1440));
  // To days from 1970-01-01.
  day += system == DateSystem::k1904 ? -24107 : (day < 60 ? -25568 : -25569);
  // Howard Hinnant, days_from_civil backwards.
  day += 719468;
  const int64_t era = day / 146097;
  const int64_t doe = day - era * 146097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  const int64_t month = mp < 10 ? mp + 3 : mp - 9;
  const int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  std::string text = fmt::format("{:04}/{:02}/{:02}", year, month,
                                 doy - (153 * mp + 2) / 5 + 1);
  if (minutes > 0 && minutes < 1440) {
    text += fmt::format(" {:02}:{:02}", minutes / 60, minutes % 60);
  }
  return text;
}

bool IsDateFormat(int id) {
  return (id >= 14 && id <= 17) || id == 22 || (id >= 27 && id <= 31) ||
         id == 36 || (id >= 50 && id <= 54) || id == 57 || id == 58;
}

bool IsDateFormat(std::string_view code) {
  if (code.starts_with("General")) {
    return false;
  }
  bool quoted = false;
  bool bracket = false;
  for (size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      continue;
    } else if (c == '\\' || c == '_' || c == '*') {
      ++i;
    } else if (c == '[' || c == ']') {
      bracket = c == '[';
    } else if (!bracket && (c == 'y' || c == 'Y' || c == 'd' || c == 'D' ||
                            c == 'g' || c == 'e')) {
      return true;
    } else if (!bracket && (c == '0' || c == '#')) {
      return false;
    }
  }
  return false;
}

std::string PlainNumber(std::string_view number) {
  if (number.find_first_of("eE") == std::string_view::npos) {
    return std::string(number);
  }
  double value = 0;
  if (!ToDouble(number, &value) || std::fabs(value) >= 1e18) {
    return std::string(number);
  }
  return value == std::floor(value) ? fmt::format("{:.0f}", value)
                                    : fmt::format("{}", value);
}

std::unique_ptr<XmlHandler> MakeWorkbookHandler(Workbook* workbook) {
  return std::make_unique<WorkbookHandler>(workbook);
}
std::unique_ptr<XmlHandler> MakeRelationsHandler(Workbook* workbook) {
  return std::make_unique<RelationsHandler>(workbook);
}
std::unique_ptr<XmlHandler> MakeStylesHandler(Workbook* workbook) {
  return std::make_unique<StylesHandler>(workbook);
}
std::unique_ptr<XmlHandler> MakeStringsHandler(Workbook* workbook) {
  return std::make_unique<StringsHandler>(workbook);
}
std::unique_ptr<XmlHandler> MakeSheetHandler(Workbook* workbook,
                                             TextParts* parts,
                                             std::string name) {
  return std::make_unique<SheetHandler>(workbook, parts, std::move(name));
}

}  // namespace sekisho::detect
