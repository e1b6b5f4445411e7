#include "server/core/duties.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>

#include "common/file.h"
#include "common/text.h"
#include "policy/field_reader.h"
#include "policy/yaml_reader.h"

namespace sekisho::core {
namespace {

using policy::FieldReader;
using policy::YamlNode;
using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr size_t kMaxFileBytes = size_t{64} * 1024;
constexpr size_t kMaxPeriods = 32;
constexpr int64_t kMaxDays = 36'525;
// Hours that count are looked at in steps of this; more than so many steps
// (400 days) and the rest is taken as if every hour counted.
constexpr auto kStep = minutes(5);
constexpr int kMaxSteps = 400 * 24 * 12;

constexpr auto kSeverities =
    std::to_array<std::string_view>({"low", "medium", "high", "critical"});
constexpr auto kSlaKeys =
    std::to_array<std::string_view>({"acknowledge", "close", "hours"});
constexpr auto kReviewKeys =
    std::to_array<std::string_view>({"zone", "periods"});
constexpr auto kPeriodKeys = std::to_array<std::string_view>(
    {"name", "every", "groups", "role", "people", "due_days", "sample",
     "escalate_to"});
constexpr auto kEvery = std::to_array<std::string_view>({"weekly", "monthly"});
constexpr auto kRetentionKeys =
    std::to_array<std::string_view>({"sessions", "landings", "transfers"});

std::optional<ReviewEvery> ParseEvery(std::string_view word) {
  if (word == "weekly") return ReviewEvery::kWeekly;
  if (word == "monthly") return ReviewEvery::kMonthly;
  return std::nullopt;
}

// "15m", "4h", "7d", "2w", "10y"
std::optional<seconds> ParseLength(std::string_view text) {
  static constexpr std::pair<char, int64_t> kUnits[] = {
      {'m', 60},
      {'h', 3600},
      {'d', 86'400},
      {'w', 7 * 86'400},
      {'y', 365 * 86'400 + 21'600}};
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end + 1 != text.data() + text.size() ||
      value < 1 || value > kMaxDays * 1440) {
    return std::nullopt;
  }
  const auto unit = std::ranges::find(
      kUnits, *end, [](const auto& one) { return one.first; });
  if (unit == std::end(kUnits)) return std::nullopt;
  const int64_t all = value * unit->second;
  if (all > kMaxDays * 86'400) return std::nullopt;
  return seconds(all);
}

class DutiesReader {
 public:
  DutiesReader(FieldReader& in, Duties* out) : in_(in), out_(*out) {}

  void Read(const YamlNode& root) {
    if (!in_.IsMapping(root, "settings")) return;
    if (const YamlNode* sla = root.Find("sla")) ReadSla(*sla);
    if (const YamlNode* review = root.Find("review")) ReadReview(*review);
    if (const YamlNode* keep = root.Find("retention")) ReadRetention(*keep);
  }

 private:
  void ReadSla(const YamlNode& node) {
    if (!in_.IsMapping(node, "severities with 'acknowledge' and 'close'")) {
      return;
    }
    in_.CheckKeys(node, "sla", kSeverities);
    for (const std::string_view severity : kSeverities) {
      const YamlNode* one = node.Find(severity);
      if (one == nullptr || !in_.IsMapping(*one, "acknowledge and close")) {
        continue;
      }
      in_.CheckKeys(*one, "a severity of sla", kSlaKeys);
      SlaRule rule;
      rule.acknowledge = Length(one->Find("acknowledge"));
      rule.close = Length(one->Find("close"));
      if (const YamlNode* hours = one->Find("hours")) {
        auto parsed = ExpectedHours::Parse(hours->text);
        if (parsed) {
          rule.hours = std::move(*parsed);
        } else {
          in_.problems().Add(hours->line, hours->column,
                             parsed.error().message);
        }
      }
      out_.sla.by_severity.emplace(severity, std::move(rule));
    }
  }

  void ReadReview(const YamlNode& node) {
    if (!in_.IsMapping(node, "a mapping with 'periods'")) return;
    in_.CheckKeys(node, "review", kReviewKeys);
    if (const YamlNode* zone = node.Find("zone")) {
      if (const auto found = policy::Zone::Find(zone->text)) {
        out_.review.zone = *found;
      } else {
        in_.Wrong(*zone, "a time zone such as Asia/Tokyo");
      }
    }
    in_.Items(
        node.Find("periods"), "a list of periods",
        [this](const YamlNode& period) { ReadPeriod(period); }, kMaxPeriods);
  }

  void ReadPeriod(const YamlNode& node) {
    if (!in_.IsMapping(node, "a period with name and every")) return;
    in_.CheckKeys(node, "a period", kPeriodKeys);
    ReviewRule rule;
    if (const YamlNode* name =
            in_.Required(node, "a period", "name", "call-centre")) {
      rule.name = in_.Id(*name).value_or("");
      if (std::ranges::find(out_.review.periods, rule.name,
                            &ReviewRule::name) != out_.review.periods.end()) {
        in_.Wrong(*name, "a name that no other period has");
      }
    }
    if (in_.Required(node, "a period", "every", "weekly") != nullptr) {
      in_.Word<ReviewEvery>(node.Find("every"), ParseEvery, kEvery,
                            &rule.every);
    }
    Names(node.Find("groups"), "a list of groups of the register",
          &rule.groups);
    Names(node.Find("people"), "a list of users", &rule.people);
    Names(node.Find("escalate_to"), "a list of users", &rule.escalate_to);
    ReadRole(node, &rule);
    Number(node.Find("due_days"), 1, 366, &rule.due_days);
    Number(node.Find("sample"), 0, kMaxReviewSample, &rule.sample);
    out_.review.periods.push_back(std::move(rule));
  }

  void ReadRole(const YamlNode& node, ReviewRule* rule) {
    const YamlNode* role = node.Find("role");
    if ((role == nullptr) == (node.Find("people") == nullptr)) {
      in_.Wrong(node, "either 'role' or 'people': who reviews");
      return;
    }
    if (role == nullptr) return;
    // Who may look at alerts and judge them.
    if (role->text == "analyst") {
      rule->role = store::Role::kAnalyst;
    } else if (role->text == "auditor") {
      rule->role = store::Role::kAuditor;
    } else {
      in_.Wrong(*role, "analyst or auditor");
    }
  }

  void ReadRetention(const YamlNode& node) {
    if (!in_.IsMapping(node, "sessions, landings and transfers")) return;
    in_.CheckKeys(node, "retention", kRetentionKeys);
    for (const DataClass data : kDataClasses) {
      const YamlNode* keep = node.Find(Name(data));
      if (keep == nullptr) continue;
      if (keep->text == "forever") {
        out_.retention.keep[data] = std::nullopt;
        continue;
      }
      const auto length = Length(keep);
      if (!length) continue;
      if (*length < days(1)) {
        in_.Wrong(*keep, "at least a day, such as 1y, or forever");
        continue;
      }
      out_.retention.keep[data] = std::chrono::ceil<days>(*length);
    }
  }

  std::optional<seconds> Length(const YamlNode* node) {
    if (node == nullptr) return std::nullopt;
    const auto length = node->kind == YamlNode::Kind::kScalar
                            ? ParseLength(node->text)
                            : std::nullopt;
    if (!length) in_.Wrong(*node, "a time such as 15m, 4h, 7d, 2w or 1y");
    return length;
  }

  void Names(const YamlNode* node, std::string_view expected,
             std::vector<std::string>* out) {
    in_.Items(node, expected, [&](const YamlNode& item) {
      if (item.kind == YamlNode::Kind::kScalar && IsOneLine(item.text, 253) &&
          !item.text.empty()) {
        out->push_back(item.text);
      } else {
        in_.Wrong(item, "a name");
      }
    });
  }

  void Number(const YamlNode* node, int64_t least, int64_t most, int* out) {
    if (node == nullptr) return;
    const auto value = in_.Count(*node);
    if (!value || *value < least || *value > most) {
      in_.Wrong(*node, "a number from " + std::to_string(least) + " to " +
                           std::to_string(most));
      return;
    }
    *out = static_cast<int>(*value);
  }

  FieldReader& in_;
  Duties& out_;
};

}  // namespace

const char* Name(ReviewEvery every) {
  return every == ReviewEvery::kMonthly ? "monthly" : "weekly";
}

const char* Name(DataClass data) {
  switch (data) {
    case DataClass::kSessions:
      return "sessions";
    case DataClass::kLandings:
      return "landings";
    case DataClass::kTransfers:
      return "transfers";
  }
  return "transfers";
}

WallTime DueAt(const SlaRule& rule, WallTime from, seconds length) {
  if (!rule.hours) return from + length;
  WallTime at = from;
  for (int i = 0; i < kMaxSteps; ++i) {
    if (rule.hours->Contains(at)) {
      if (length <= kStep) return at + length;
      length -= kStep;
    }
    at += kStep;
  }
  return at + length;
}

ReviewPeriod LastPeriod(ReviewEvery every, const policy::Zone& zone,
                        WallTime now) {
  using std::chrono::floor;
  using std::chrono::local_days;
  const local_days today = floor<days>(zone.ToLocal(now));
  local_days from, to;
  if (every == ReviewEvery::kWeekly) {
    to = today - (std::chrono::weekday(today) - std::chrono::Monday);
    from = to - days(7);
  } else {
    const std::chrono::year_month_day date(today);
    const std::chrono::year_month month = date.year() / date.month();
    to = local_days(month / std::chrono::day(1));
    from = local_days((month - std::chrono::months(1)) / std::chrono::day(1));
  }
  return {zone.ToUtc(policy::LocalTime(from)),
          zone.ToUtc(policy::LocalTime(to))};
}

Result<Duties> ParseDuties(std::string_view file_name, std::string_view text) {
  policy::Problems problems(file_name);
  Duties out;
  if (const auto root = policy::ReadYaml(text, problems)) {
    FieldReader in(problems);
    DutiesReader(in, &out).Read(*root);
  }
  if (!problems.empty()) {
    return std::unexpected(policy::AsError(problems.Take()));
  }
  return out;
}

Result<Duties> ReadDuties(const std::string& path) {
  const auto text = ReadFileAt(AT_FDCWD, path, kMaxFileBytes);
  if (!text && text.error().code == Code::kNotFound) return Duties{};
  if (!text) return std::unexpected(text.error());
  const bool only_comments =
      std::ranges::all_of(Split(*text, '\n'), [](std::string_view line) {
        return Trim(line).empty() || Trim(line).starts_with('#');
      });
  return only_comments ? Duties{} : ParseDuties(path, *text);
}

}  // namespace sekisho::core
