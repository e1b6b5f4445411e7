#include "server/core/around.h"

#include <algorithm>

#include "common/text.h"
#include "policy/parser.h"

namespace sekisho::core {
namespace {

constexpr size_t kMaxRuleBytes = 4096;
constexpr int kMaxOtherAlerts = 100;

size_t IndentOf(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

// Newest first, without the alert itself.
void Join(std::vector<Alert>& all, std::vector<Alert> more, int64_t without) {
  for (Alert& alert : more) {
    const auto same = [&](const Alert& one) {
      return one.alert_id == alert.alert_id;
    };
    if (alert.alert_id != without && std::ranges::none_of(all, same)) {
      all.push_back(std::move(alert));
    }
  }
  std::ranges::sort(all, std::greater(), &Alert::alert_id);
}

struct Subject {
  const char* by;
  std::string value;
  EventFilter events;
  AlertFilter alerts;
};

std::vector<Subject> SubjectsOf(const Alert& alert) {
  std::vector<Subject> subjects;
  if (!alert.person.empty()) {
    Subject& one = subjects.emplace_back();
    one = {"person", alert.person, {}, {}};
    one.events.person = one.alerts.person = alert.person;
  }
  if (!alert.device_id.empty()) {
    Subject& one = subjects.emplace_back();
    one = {"device_id", alert.device_id, {}, {}};
    one.events.device_id = one.alerts.device_id = alert.device_id;
  }
  if (!alert.terminal.empty()) {
    Subject& one = subjects.emplace_back();
    one = {"terminal", alert.terminal, {}, {}};
    one.events.agent_id = alert.agent_id;
    one.alerts.terminal = alert.terminal;
  }
  return subjects;
}

}  // namespace

void Count(const Trace& trace, TransferCounts& counts) {
  if (trace.kind != event::v1::EVENT_KIND_TRANSFER) {
    return;
  }
  const bool refusal = store::IsRefusal(trace.outcome);
  ++counts.transfers;
  counts.persons += trace.persons;
  counts.persons_written += trace.persons_written;
  if (refusal && trace.observe_only) {
    ++counts.observed;
  } else if (refusal) {
    ++counts.blocked;
    counts.persons_blocked += trace.persons;
  } else if (trace.outcome == event::v1::OUTCOME_ALERTED) {
    ++counts.alerted;
  }
}

std::vector<SpanCounts> Spread(std::span<const Trace> traces, WallTime from,
                               WallTime to, int days,
                               const policy::Zone& zone) {
  std::vector<SpanCounts> spans;
  auto day = std::chrono::floor<std::chrono::days>(zone.ToLocal(from));
  for (WallTime at = zone.ToUtc(day); at < to;) {
    day += std::chrono::days(days);
    const WallTime next = zone.ToUtc(day);
    spans.push_back({at, next, 0, {}});
    at = next;
  }
  for (const Trace& trace : traces) {
    const auto after = std::ranges::upper_bound(spans, trace.receive_time, {},
                                                &SpanCounts::from);
    if (after == spans.begin() || trace.receive_time >= std::prev(after)->to) {
      continue;
    }
    SpanCounts& span = *std::prev(after);
    ++span.events;
    Count(trace, span.counts);
  }
  return spans;
}

std::pair<std::string, int> RuleText(const std::string& policy_text,
                                     const std::string& rule) {
  const auto parsed = policy::ParsePolicyDetailed(policy_text, "policy");
  if (!parsed || rule.empty()) {
    return {};
  }
  int line = 0;
  for (const auto& one : parsed->devices) {
    if (one.id == rule) line = one.line;
  }
  for (const auto& one : parsed->content) {
    if (one.id == rule) line = one.line;
  }
  const auto lines = Split(policy_text, '\n');
  if (line < 1 || line > std::ssize(lines)) {
    return {};
  }
  // To the next line that stands no deeper than the rule's dash.
  const auto first = static_cast<size_t>(line) - 1;
  std::string text(lines[first]);
  for (size_t i = first + 1; i < lines.size() && text.size() < kMaxRuleBytes &&
                             IndentOf(lines[i]) > IndentOf(lines[first]) &&
                             !Trim(lines[i]).starts_with('#');
       ++i) {
    text += '\n';
    text += lines[i];
  }
  return {text, line};
}

Result<Around> ReadAround(store::Store& store, const Scope& scope,
                          int64_t alert_id, const policy::Zone& zone) {
  AlertFilter self;
  self.alert_id = alert_id;
  self.with_events = true;
  self.scope = scope;
  ASSIGN_OR_RETURN(const auto found, store.ListAlerts(self, {}));
  if (found.rows.empty()) {
    return Fail(Code::kNotFound, "no alert " + std::to_string(alert_id));
  }
  const Alert& alert = found.rows.front();
  const WallTime from = alert.create_time - std::chrono::days(kAroundDays);
  const WallTime to = alert.create_time + std::chrono::days(kAroundDays);
  Around around;
  for (Subject& subject : SubjectsOf(alert)) {
    subject.events.from = subject.alerts.from = from;
    subject.events.to = subject.alerts.to = to;
    subject.alerts.with_events = true;
    subject.events.scope = subject.alerts.scope = scope;
    ASSIGN_OR_RETURN(auto traces,
                     store.ListTraces(subject.events, kMaxLaneTraces + 1));
    Lane& lane = around.lanes.emplace_back();
    lane.by = subject.by;
    lane.value = subject.value;
    lane.cut = std::ssize(traces) > kMaxLaneTraces;
    lane.days = Spread(traces, from, to, 1, zone);
    lane.sum = {from, to, std::ssize(traces), {}};
    for (const Trace& trace : traces) {
      Count(trace, lane.sum.counts);
    }
    ASSIGN_OR_RETURN(auto alerts,
                     store.ListAlerts(subject.alerts, {kMaxOtherAlerts, ""}));
    Join(around.alerts, std::move(alerts.rows), alert_id);
  }
  if (around.alerts.size() > static_cast<size_t>(kMaxOtherAlerts)) {
    around.alerts.resize(kMaxOtherAlerts);
  }
  if (alert.event) {
    const auto policy =
        store.GetPolicy(alert.event->public_part.policy_version());
    if (policy) {
      std::tie(around.rule_text, around.rule_line) =
          RuleText(policy->text, alert.event->public_part.rule());
    }
  }
  return around;
}

}  // namespace sekisho::core
