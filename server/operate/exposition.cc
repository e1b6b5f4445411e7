#include "server/operate/exposition.h"

#include <fmt/format.h>

#include <cmath>

#include "common/result.h"
#include "common/text.h"

namespace sekisho::operate {
namespace {

constexpr size_t kMaxLabelBytes = 256;

const char* NameOf(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
  }
  return "untyped";
}

// The format knows three escapes, and values are UTF-8.
std::string Escape(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : EscapeUntrusted(text, kMaxLabelBytes)) {
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    out += c;
  }
  return out;
}

std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

}  // namespace

void Exposition::Begin(std::string_view name, MetricType type,
                       std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name,
                       Escape(help, false), name, NameOf(type));
}

void Exposition::Line(std::string_view suffix, Labels labels,
                      std::string_view value) {
  text_ += name_;
  text_ += suffix;
  char before = '{';
  for (const auto& [label, of] : labels) {
    text_ += fmt::format("{}{}=\"{}\"", before, label, Escape(of, true));
    before = ',';
  }
  if (labels.size() > 0) text_ += '}';
  text_ += fmt::format(" {}\n", value);
}

void Exposition::Add(Labels labels, int64_t value) {
  Line("", labels, fmt::format("{}", value));
}

void Exposition::Add(Labels labels, double value) {
  Line("", labels, Number(value));
}

void Exposition::AddHistogram(std::span<const double> bounds,
                              std::span<const int64_t> counts, double sum) {
  CHECK(counts.size() == bounds.size() + 1);
  int64_t all = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    all += counts[i];
    const std::string bound = i < bounds.size() ? Number(bounds[i]) : "+Inf";
    Line("_bucket", {{"le", bound}}, fmt::format("{}", all));
  }
  Line("_sum", {}, Number(sum));
  Line("_count", {}, fmt::format("{}", all));
}

}  // namespace sekisho::operate
