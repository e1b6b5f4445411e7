#include "server/alert/overdue.h"

#include <algorithm>

namespace sekisho::alert {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(10);
// A first look at a full queue tells of so many with one alert.
constexpr int kMostAtOnce = 200;
constexpr size_t kMostNamed = 10;

int RankOf(const std::string& severity) {
  static constexpr std::string_view kWords[] = {"low", "medium", "high",
                                                "critical"};
  return static_cast<int>(std::ranges::find(kWords, severity) -
                          std::begin(kWords));
}

std::optional<std::chrono::seconds> LimitOf(const core::SlaRule& rule,
                                            store::SlaLevel level) {
  return level == store::SlaLevel::kClose ? rule.close : rule.acknowledge;
}

std::string TitleOf(store::SlaLevel level,
                    const std::vector<store::Alert>& late) {
  const char* what = level == store::SlaLevel::kClose ? " not closed in time"
                                                      : " not acknowledged in "
                                                        "time";
  if (late.size() == 1) {
    return "Alert " + std::to_string(late[0].alert_id) + " (" + late[0].kind +
           ", " + late[0].severity + ") was" + what;
  }
  std::string title = std::to_string(late.size()) + " alerts were" + what + ":";
  for (size_t i = 0; i < std::min(late.size(), kMostNamed); ++i) {
    title += " " + std::to_string(late[i].alert_id);
  }
  return late.size() > kMostNamed ? title + " and more" : title;
}

}  // namespace

Status OverdueWatch::Tick() {
  if (looked_ && clock_.SinceBoot() - *looked_ < kLookEvery) return {};
  looked_ = clock_.SinceBoot();
  ASSIGN_OR_RETURN(const auto over, store_.ResolveEscalations(clock_.Now()));
  for (const int64_t id : over) {
    changes_.Tell({core::Change::What::kAlert, id, ""});
  }
  // What is not closed in time is told as that alone.
  RETURN_IF_ERROR(Look(store::SlaLevel::kClose));
  return Look(store::SlaLevel::kAcknowledge);
}

Status OverdueWatch::Look(store::SlaLevel level) {
  const WallTime now = clock_.Now();
  std::vector<store::Alert> late;
  for (const auto& [severity, rule] : rules_.by_severity) {
    const auto limit = LimitOf(rule, level);
    if (!limit) continue;
    ASSIGN_OR_RETURN(
        const auto waiting,
        store_.WaitingAlerts(level, severity, now - *limit, kMostAtOnce));
    for (const store::Alert& alert : waiting) {
      if (core::DueAt(rule, alert.create_time, *limit) <= now) {
        late.push_back(alert);
      }
    }
  }
  return late.empty() ? Status() : Tell(level, late);
}

Status OverdueWatch::Tell(store::SlaLevel level,
                          const std::vector<store::Alert>& late) {
  const auto& worst = *std::ranges::max_element(
      late, {},
      [](const store::Alert& alert) { return RankOf(alert.severity); });
  std::vector<int64_t> ids;
  for (const store::Alert& alert : late) ids.push_back(alert.alert_id);
  store::NewAlert told;
  told.key = std::string(kOverdueKind) + ":" + store::Name(level) + ":" +
             std::to_string(ids.front()) + ":" +
             std::to_string(clock_.Now().time_since_epoch().count());
  told.alert.kind = kOverdueKind;
  told.alert.severity = worst.severity == "critical" ? "critical" : "high";
  told.alert.title = TitleOf(level, late);
  if (late.size() == 1) told.alert.terminal = late[0].terminal;
  told.alert.create_time = clock_.Now();
  ASSIGN_OR_RETURN(const auto id, store_.Escalate(level, ids, told));
  if (id) changes_.Tell({core::Change::What::kAlert, *id, ""});
  for (const int64_t alert_id : ids) {
    changes_.Tell({core::Change::What::kAlert, alert_id, ""});
  }
  return {};
}

}  // namespace sekisho::alert
