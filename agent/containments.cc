#include "agent/containments.h"

#include <algorithm>

#include "agent/notices.h"

namespace sekisho::agent {
namespace {

WallTime At(int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

}  // namespace

void Containments::Take(const std::vector<policy::Containment>& all,
                        const std::string& agent_id) {
  std::vector<Entry> next;
  for (const policy::Containment& one : all) {
    if (one.kind == policy::ContainKind::kTerminal && one.target != agent_id) {
      continue;
    }
    if (const Entry* known = Find(one.id);
        known != nullptr && known->containment == one) {
      next.push_back(*known);
      continue;
    }
    const auto left = std::min(At(one.until_seconds) - clock_.Now(),
                               At(one.until_seconds) - At(one.from_seconds));
    next.push_back({one, clock_.SinceBoot() + left});
  }
  entries_ = std::move(next);
}

const Containments::Entry* Containments::Find(int64_t id) const {
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.containment.id == id; });
  return found == entries_.end() ? nullptr : &*found;
}

std::vector<policy::Containment> Containments::Running() const {
  std::vector<policy::Containment> running;
  for (const Entry& entry : entries_) {
    if (entry.end > clock_.SinceBoot()) running.push_back(entry.containment);
  }
  return running;
}

std::optional<BootTime> Containments::UntilNextEnd() const {
  std::optional<BootTime> next;
  const BootTime now = clock_.SinceBoot();
  for (const Entry& entry : entries_) {
    if (entry.end <= now) continue;
    next = std::min(next.value_or(entry.end - now), entry.end - now);
  }
  return next;
}

std::string Containments::EndText(
    const policy::Containment& containment) const {
  const Entry* entry = Find(containment.id);
  if (entry == nullptr) return {};
  const WallTime now = clock_.Now();
  return agent::EndText(now, now + (entry->end - clock_.SinceBoot()));
}

}  // namespace sekisho::agent
