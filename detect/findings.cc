#include "detect/findings.h"

#include <fmt/format.h>

#include "common/text.h"

namespace sekisho::detect {
namespace {

std::string TypeName(const ColumnFinding& column) {
  return column.custom.empty() ? std::string(Name(column.type))
                               : "custom:" + column.custom;
}

}  // namespace

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
    json += fmt::format("{}{}:{}", comma, JsonQuote("custom:" + count.id),
                        count.values);
    comma = ",";
  }
  json += R"(},"columns":[)";
  comma = "";
  for (const ColumnFinding& column : findings.columns) {
    const std::string part =
        column.part.empty()
            ? ""
            : fmt::format(R"("part":{},)", JsonQuote(column.part));
    json +=
        fmt::format(R"({}{{{}"name":{},"type":{},"rows":{},"share":{:.4g}}})",
                    comma, part, JsonQuote(column.name),
                    JsonQuote(TypeName(column)), column.rows, column.share);
    comma = ",";
  }
  json += "]";
  if (findings.media > 0) {
    json += fmt::format(R"(,"media":{})", findings.media);
  }
  json += fmt::format(R"(,"inspection":"{}")", Name(findings.inspection));
  return json;
}

std::vector<std::string> Explain(const Findings& findings) {
  std::vector<std::string> lines;
  for (const ColumnFinding& column : findings.columns) {
    const double values = column.share > 0
                              ? static_cast<double>(column.rows) / column.share
                              : 0.0;
    const std::string part =
        column.part.empty() ? "" : EscapeUntrusted(column.part, 160) + ": ";
    lines.push_back(
        fmt::format("{}column {} `{}`: {}, {} of {:.0f} values ({:.1f} %)",
                    part, column.index + 1, EscapeUntrusted(column.name, 80),
                    TypeName(column), column.rows, values, column.share * 100));
  }
  return lines;
}

}  // namespace sekisho::detect
