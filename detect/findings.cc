#include "detect/findings.h"

#include <fmt/format.h>

#include <cmath>

#include "common/text.h"

namespace sekisho::detect {

std::string CustomName(std::string_view id) {
  return "custom:" + std::string(id);
}

std::string TypeName(const ColumnFinding& column) {
  return column.custom.empty() ? std::string(Name(column.type))
                               : CustomName(column.custom);
}

std::string JsonMembers(const Findings& findings) {
  std::string json = fmt::format(
      R"("format":{},"encoding":{},"bytes":{},"persons":{},"data":{{)",
      JsonQuote(findings.format), JsonQuote(findings.encoding), findings.bytes,
      findings.persons);
  const char* comma = "";
  for (size_t i = 0; i < kDataTypeCount; ++i) {
    if (findings.data[i] > 0) {
      json += fmt::format(R"({}"{}":{})", comma, kDataTypeNames[i],
                          findings.data[i]);
      comma = ",";
    }
  }
  for (const CustomCount& count : findings.custom) {
    json += fmt::format("{}{}:{}", comma, JsonQuote(CustomName(count.id)),
                        count.values);
    comma = ",";
  }
  json += "}";
  if (findings.persons > 0) {
    json += fmt::format(R"(,"confidence":"{}")", Name(findings.confidence));
  }
  json += R"(,"columns":[)";
  comma = "";
  for (const ColumnFinding& column : findings.columns) {
    const std::string part =
        column.part.empty()
            ? ""
            : fmt::format(R"("part":{},)", JsonQuote(column.part));
    json += fmt::format(R"({}{{{}"name":{},"type":{},"rows":{},"share":{:.4g},)"
                        R"("confidence":"{}"}})",
                        comma, part, JsonQuote(column.name),
                        JsonQuote(TypeName(column)), column.rows, column.share,
                        Name(column.confidence));
    comma = ",";
  }
  json += "]";
  if (findings.media > 0) {
    json += fmt::format(R"(,"media":{})", findings.media);
  }
  json += fmt::format(R"(,"inspection":"{}")", Name(findings.inspection));
  return json;
}

namespace {

// "9,981"
std::string Grouped(int64_t value) {
  const std::string digits = fmt::format("{}", value);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) {
      text.push_back(',');
    }
    text.push_back(digits[i]);
  }
  return text;
}

// What the values of a type had to be.
std::string_view Test(const ColumnFinding& column) {
  if (!column.custom.empty()) {
    return "are what policy defines";
  }
  switch (column.type) {
    case DataType::kMyNumber:
    case DataType::kDriversLicense:
      return "pass the check digit";
    case DataType::kCreditCard:
      return "pass the check digit and begin as cards do";
    case DataType::kIban:
      return "pass MOD 97-10";
    case DataType::kPhone:
      return "are numbers of a numbering plan";
    case DataType::kEmail:
      return "are e-mail addresses";
    case DataType::kPostalCode:
      return "have the form of a postal code";
    case DataType::kBirthDate:
      return "are dates";
    case DataType::kPersonName:
    case DataType::kNameKana:
      return "can be names";
    default:
      return "have its form";
  }
}

std::string_view Basis(Confidence confidence) {
  switch (confidence) {
    case Confidence::kHigh:
      return "names with another value, or numbers of a person";
    case Confidence::kMedium:
      return "names or e-mail addresses alone, or running text";
    case Confidence::kLow:
      break;
  }
  return "nothing but mobile numbers or member ids";
}

std::string ExplainColumn(const ColumnFinding& column) {
  const double values =
      column.share > 0 ? static_cast<double>(column.rows) / column.share : 0.0;
  std::string line;
  if (!column.part.empty()) {
    line = EscapeUntrusted(column.part, 160) + ": ";
  }
  line += fmt::format("column {} `{}`: {}, {} of {} {}", column.index + 1,
                      EscapeUntrusted(column.name, 80), TypeName(column),
                      Grouped(column.rows), Grouped(std::llround(values)),
                      Test(column));
  const ColumnAgreement& with = column.agreement;
  if (with.compared > 0) {
    line += fmt::format("; {} of {} compared agree with column {}",
                        Grouped(with.agreed), Grouped(with.compared),
                        with.column + 1);
    if (!with.name.empty()) {
      line += fmt::format(" `{}`", EscapeUntrusted(with.name, 80));
    }
  }
  return line + fmt::format("; confidence {}", Name(column.confidence));
}

}  // namespace

std::vector<std::string> Explain(const Findings& findings) {
  std::vector<std::string> lines;
  if (findings.persons > 0) {
    lines.push_back(
        fmt::format("{} persons: confidence {} ({})", Grouped(findings.persons),
                    Name(findings.confidence), Basis(findings.confidence)));
  }
  for (const ColumnFinding& column : findings.columns) {
    lines.push_back(ExplainColumn(column));
  }
  return lines;
}

}  // namespace sekisho::detect
