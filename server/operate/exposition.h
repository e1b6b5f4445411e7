// Prometheus' text format, version 0.0.4, as a page is written.
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::operate {

inline constexpr const char* kExpositionType =
    "text/plain; version=0.0.4; charset=utf-8";

enum class MetricType { kCounter, kGauge, kHistogram };

// Families in the order they are begun. Names and label names are ours; label
// values and help may be any bytes.
class Exposition {
 public:
  using Labels =
      std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // The family of all samples until the next Begin().
  void Begin(std::string_view name, MetricType type, std::string_view help);
  void Add(Labels labels, int64_t value);
  void Add(Labels labels, double value);
  void Add(int64_t value) { Add({}, value); }
  void Add(double value) { Add({}, value); }
  // `counts` has one more than `bounds`: what is over the last.
  void AddHistogram(std::span<const double> bounds,
                    std::span<const int64_t> counts, double sum);

  const std::string& text() const { return text_; }

 private:
  void Line(std::string_view suffix, Labels labels, std::string_view value);

  std::string name_;
  std::string text_;
};

}  // namespace sekisho::operate
