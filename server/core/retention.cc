#include "server/core/retention.h"

#include <algorithm>
#include <limits>

#include "common/text.h"
#include "server/core/audit.h"

namespace sekisho::core {
namespace {

constexpr auto kFirstRun = std::chrono::minutes(5);
constexpr auto kBetweenRuns = std::chrono::hours(24);
// In one transaction: others wait for it.
constexpr int kStepRows = 500;
// Kinds that this program does not know yet are looked at, too.
constexpr int kKinds = 64;

store::RetentionCut CutOf(const RetentionRules& rules, DataClass data,
                          WallTime now, int64_t upto_row) {
  store::RetentionCut cut;
  const auto keep = rules.keep.find(data);
  if (keep == rules.keep.end() || !keep->second) return cut;
  cut.before = now - *keep->second;
  cut.upto_row = upto_row;
  for (int kind = 0; kind < kKinds; ++kind) {
    if (ClassOf(kind) == data) cut.kinds.push_back(kind);
  }
  return cut;
}

}  // namespace

DataClass ClassOf(int kind) {
  switch (kind) {
    case event::v1::EVENT_KIND_TRANSFER:
    case event::v1::EVENT_KIND_REQUEST:
    case event::v1::EVENT_KIND_CODE:
    case event::v1::EVENT_KIND_TAMPER:
    case event::v1::EVENT_KIND_GAP:
      return DataClass::kTransfers;
    case event::v1::EVENT_KIND_LANDING:
      return DataClass::kLandings;
    default:
      return DataClass::kSessions;
  }
}

std::vector<ClassCut> CutsOf(const RetentionRules& rules, WallTime now) {
  std::vector<ClassCut> cuts;
  for (const DataClass data : kDataClasses) {
    cuts.push_back(
        {data, CutOf(rules, data, now, std::numeric_limits<int64_t>::max())});
  }
  return cuts;
}

Status Retention::Tick() {
  const BootTime now = clock_.SinceBoot();
  if (!next_) next_ = now + kFirstRun;
  if (!runs_ && now < *next_) return {};
  if (!runs_) {
    runs_ = true;
    at_ = 0;
    done_.clear();
  }
  return Step();
}

Status Retention::Step() {
  const DataClass data = kDataClasses[at_];
  const store::RetentionCut cut = CutOf(rules_, data, clock_.Now(), told_());
  store::RetentionStep step;
  if (!cut.kinds.empty()) {
    ASSIGN_OR_RETURN(step, store_.EraseNext(cut, kStepRows));
  }
  store::RetentionStep& sum = done_[data];
  sum.erased += step.erased;
  sum.held = step.held;
  if (step.more) return {};
  ++at_;
  return at_ < kDataClasses.size() ? Status() : End();
}

Status Retention::End() {
  runs_ = false;
  next_ = clock_.SinceBoot() + kBetweenRuns;
  int64_t names = 0;
  const auto keep = rules_.keep.find(DataClass::kTransfers);
  if (keep != rules_.keep.end() && keep->second) {
    ASSIGN_OR_RETURN(names, store_.EraseNames(clock_.Now() - *keep->second));
  }
  std::string detail;
  for (const auto& [data, sum] : done_) {
    const auto kept = rules_.keep.find(data);
    detail += std::string(detail.empty() ? "" : "; ") + Name(data);
    if (kept == rules_.keep.end() || !kept->second) {
      detail += " kept for ever";
      continue;
    }
    detail += " before " +
              FormatUtc(clock_.Now() - *kept->second).substr(0, 10) + ": " +
              std::to_string(sum.erased) + " erased, " +
              std::to_string(sum.held) + " under legal hold";
  }
  return WriteAudit(
      store_, clock_,
      {.user = "sekisho-server",
       .door = "server",
       .address = "",
       .action = "retention.erase",
       .object = "events",
       .detail = detail + "; " + std::to_string(names) + " names elsewhere"},
      {});
}

}  // namespace sekisho::core
