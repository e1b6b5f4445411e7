#include "tests/support/full_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace sekisho::demo {
namespace {

constexpr int64_t kBatch = 1'000;
constexpr auto kSpan = std::chrono::days(90);

struct KindOfAlert {
  const char* kind;
  const char* severity;
  const char* rule;
};
constexpr KindOfAlert kKinds[] = {
    {"transfer_blocked", "high", "too-many-people"},
    {"device_blocked", "medium", "unknown-device"},
    {"terminal_silent", "low", ""},
    {"transfer_blocked", "critical", "reportable-number"},
    {"agent_health", "low", ""},
    {"transfer_alerted", "medium", "some-people"},
};

store::NewAlert AlertOf(int64_t number, int64_t count, WallTime now,
                        const std::vector<store::Event>& events) {
  const auto& kind = kKinds[static_cast<size_t>(number) % std::size(kKinds)];
  store::NewAlert made;
  made.key = fmt::format("full_queue:{}", number);
  store::Alert& alert = made.alert;
  alert.kind = kind.kind;
  alert.severity = kind.severity;
  alert.rule = kind.rule;
  alert.terminal =
      fmt::format("maint-site{:02}-{:02}", number % 12, number / 12 % 5);
  alert.create_time =
      now - kSpan + std::chrono::microseconds(kSpan) * number / count;
  alert.title =
      fmt::format("{} on {}, number {}", kind.kind, alert.terminal, number);
  if (kind.rule[0] == '\0') return made;
  alert.person = fmt::format("op{:02}", number % 40);
  if (alert.kind == "transfer_blocked" && !events.empty()) {
    const store::Event& event =
        events[static_cast<size_t>(number) % events.size()];
    alert.event_row_id = event.row_id;
    alert.agent_id = event.agent_id;
    alert.device_id = event.device_id;
  }
  return made;
}

}  // namespace

Result<int64_t> FillQueue(store::Store& store, int64_t count, WallTime now) {
  store::EventFilter filter;
  filter.kinds = {event::v1::EVENT_KIND_TRANSFER};
  filter.outcomes = {event::v1::OUTCOME_BLOCKED};
  ASSIGN_OR_RETURN(const auto events, store.ListEvents(filter, {1'000, ""}));
  ASSIGN_OR_RETURN(const int64_t mark, store.IndexMark());
  int64_t newest = 0;
  for (int64_t from = 0; from < count; from += kBatch) {
    store::IndexBatch batch;
    batch.from_row = batch.to_row = mark;
    for (int64_t i = from; i < std::min(from + kBatch, count); ++i) {
      batch.alerts.push_back(AlertOf(i, count, now, events.rows));
    }
    ASSIGN_OR_RETURN(const auto ids, store.WriteIndex(batch));
    if (!ids.empty()) newest = ids.back();
  }
  return newest;
}

}  // namespace sekisho::demo
