#include "server/core/saved_searches.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <string_view>

#include "common/text.h"
#include "server/core/event_words.h"

namespace sekisho::core {
namespace {

// Says what a value must be; null = it is fine.
using CheckValue = const char* (*)(std::string_view value);

struct KnownFilter {
  std::string_view place;
  std::string_view name;
  CheckValue check;
};

template <size_t N>
bool IsOneOf(std::string_view value, const std::string_view (&words)[N]) {
  return std::ranges::find(words, value) != std::end(words);
}

const char* Anything(std::string_view) { return nullptr; }

const char* Day(std::string_view value) {
  static constexpr char kForm[] = "a day is written like 2026-12-31";
  if (value.size() != 10 || value[4] != '-' || value[7] != '-') return kForm;
  const auto part = [&](size_t at, size_t size) -> int {
    int number = -1;
    const char* end = value.data() + at + size;
    const auto [stop, error] = std::from_chars(value.data() + at, end, number);
    return error == std::errc() && stop == end ? number : -1;
  };
  const int year = part(0, 4), month = part(5, 2), day = part(8, 2);
  if (year < 0 || month < 0 || day < 0) return kForm;
  const std::chrono::year_month_day date{
      std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
      std::chrono::day(static_cast<unsigned>(day))};
  return date.ok() ? nullptr : "there is no such day";
}

const char* EventKind(std::string_view value) {
  return ParseKind(value) ? nullptr : "there is no such kind of event";
}

const char* Outcome(std::string_view value) {
  return ParseOutcome(value) ? nullptr : "there is no such outcome";
}

const char* State(std::string_view value) {
  static constexpr std::string_view kStates[] = {"new", "acknowledged",
                                                 "in_progress", "closed"};
  if (value == "all") return nullptr;
  const auto words = Split(value, ',');
  return std::ranges::all_of(words,
                             [](auto word) { return IsOneOf(word, kStates); })
             ? nullptr
             : "a state is all, new, acknowledged, in_progress or closed";
}

const char* Severity(std::string_view value) {
  static constexpr std::string_view kSeverities[] = {"low", "medium", "high",
                                                     "critical"};
  return IsOneOf(value, kSeverities)
             ? nullptr
             : "a severity is low, medium, high or critical";
}

// Kinds of alerts are no closed list: each rule names its own.
const char* AlertKind(std::string_view value) {
  return std::ranges::all_of(
             value, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; })
             ? nullptr
             : "a kind of alert is a word like transfer_blocked";
}

const char* Owner(std::string_view value) {
  return value == "mine" || value == "none" ? nullptr
                                            : "an owner is mine or none";
}

const char* Sort(std::string_view value) {
  static constexpr std::string_view kOrders[] = {"newest", "oldest",
                                                 "severity"};
  return IsOneOf(value, kOrders) ? nullptr
                                 : "sort is newest, oldest or severity";
}

const char* Group(std::string_view value) {
  static constexpr std::string_view kGroups[] = {"person", "device_id",
                                                 "terminal", "rule", "kind"};
  return IsOneOf(value, kGroups)
             ? nullptr
             : "alerts are grouped by person, device_id, terminal, rule or "
               "kind";
}

constexpr KnownFilter kKnown[] = {
    {"events", "from", Day},           {"events", "to", Day},
    {"events", "kind", EventKind},     {"events", "outcome", Outcome},
    {"events", "terminal", Anything},  {"events", "person", Anything},
    {"events", "device_id", Anything}, {"events", "file", Anything},
    {"events", "file_hash", Anything}, {"events", "data_owner", Anything},
    {"alerts", "state", State},        {"alerts", "severity", Severity},
    {"alerts", "kind", AlertKind},     {"alerts", "owner", Owner},
    {"alerts", "sort", Sort},          {"alerts", "group", Group},
    {"alerts", "person", Anything},    {"alerts", "device_id", Anything},
    {"alerts", "terminal", Anything},  {"alerts", "rule", Anything},
};

std::string WhyNot(std::string_view place, const std::string& name,
                   const std::string& value) {
  if (name == "reason") {
    return "why a person is looked for is asked each time and never kept";
  }
  const auto known = std::ranges::find_if(kKnown, [&](const KnownFilter& one) {
    return one.place == place && one.name == name;
  });
  if (known == std::end(kKnown)) {
    return "this version knows no such filter of " + std::string(place);
  }
  if (!IsOneLine(value, kMaxFilterBytes)) {
    return "a value is one line of UTF-8 text, 1 to " +
           std::to_string(kMaxFilterBytes) + " bytes";
  }
  const char* wrong = known->check(value);
  return wrong == nullptr ? "" : wrong;
}

}  // namespace

std::vector<FilterProblem> ProblemsOf(const SavedSearch& search) {
  std::vector<FilterProblem> problems;
  for (const auto& [name, value] : search.filters) {
    std::string why = WhyNot(search.place, name, value);
    if (!why.empty()) problems.push_back({name, value, std::move(why)});
  }
  return problems;
}

Status CheckSavedSearch(const SavedSearch& search) {
  if (search.place != "events" && search.place != "alerts") {
    return Fail(Code::kInvalidArgument,
                "a search is saved for the place events or alerts");
  }
  if (!IsOneLine(search.name, kMaxSearchNameBytes) ||
      Trim(search.name) != search.name) {
    return Fail(Code::kInvalidArgument,
                "a saved search has a name: one line of UTF-8 text, 1 to " +
                    std::to_string(kMaxSearchNameBytes) +
                    " bytes, without blanks around it");
  }
  // A list of names is read by others: what would be escaped stays out of it.
  std::string plain = search.name;
  std::erase(plain, '\\');
  if (EscapeUntrusted(plain) != plain) {
    return Fail(Code::kInvalidArgument,
                "the name has characters that turn or hide text: leave them "
                "out");
  }
  if (search.filters.empty()) {
    return Fail(Code::kInvalidArgument,
                "a search without a filter need not be saved: choose one");
  }
  if (const auto problems = ProblemsOf(search); !problems.empty()) {
    const FilterProblem& first = problems.front();
    return Fail(Code::kInvalidArgument,
                "filter '" + EscapeUntrusted(first.filter, 64) + "=" +
                    EscapeUntrusted(first.value, 64) + "': " + first.message);
  }
  return {};
}

std::string Shown(const SavedSearch& search) {
  std::string text = search.place + " '" + search.name + "':";
  for (const auto& [name, value] : search.filters) {
    text += " " + name + "=" + value;
  }
  return text;
}

}  // namespace sekisho::core
