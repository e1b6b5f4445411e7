#include "agent/landing_queue.h"

#include <algorithm>
#include <utility>

namespace sekisho::agent {
namespace {
constexpr size_t kMaxSourceHosts = 8;
}  // namespace

bool LandingQueue::Offer(Landed landed, BootTime now) {
  const Landed::Key key = landed.key;
  const auto known = waiting_.find(key);
  if (known == waiting_.end()) {
    if (waiting_.size() >= kMaxWaitingFiles) return false;
    const BootTime due = landed.unchanged_since ? now : DueAt(key, now, now);
    by_due_.emplace(due, key);
    waiting_.emplace(key, Waiting{std::move(landed), now, due});
    return true;
  }
  Waiting& waiting = known->second;
  by_due_.erase({waiting.due, key});
  waiting.due = DueAt(key, waiting.first, now);
  by_due_.emplace(waiting.due, key);
  if (landed.who.person != attribute::kUnknown) {
    waiting.landed.who = std::move(landed.who);
  }
  auto& hosts = waiting.landed.source_hosts;
  for (std::string& host : landed.source_hosts) {
    if (hosts.size() < kMaxSourceHosts &&
        std::ranges::find(hosts, host) == hosts.end()) {
      hosts.push_back(std::move(host));
    }
  }
  return true;
}

BootTime LandingQueue::DueAt(const Landed::Key& key, BootTime first,
                             BootTime now) const {
  const BootTime due =
      std::min(now + timing_.quiet, first + timing_.longest_wait);
  const auto seen = seen_.find(key);
  if (seen == seen_.end()) return due;
  return std::max(due, seen->second.taken + seen->second.again);
}

std::optional<BootTime> LandingQueue::NextDue() const {
  if (by_due_.empty()) return std::nullopt;
  return by_due_.begin()->first;
}

std::optional<Landed> LandingQueue::Take(BootTime now) {
  if (by_due_.empty() || by_due_.begin()->first > now) return std::nullopt;
  const Landed::Key key = by_due_.begin()->second;
  by_due_.erase(by_due_.begin());
  auto taken = waiting_.extract(key);
  Seen& seen = seen_[key];
  const bool soon = seen.again > BootTime(0) &&
                    now - seen.taken < 2 * seen.again + timing_.longest_wait;
  seen.again =
      soon ? std::min(2 * seen.again, timing_.again_last) : timing_.again_first;
  seen.taken = now;
  if (seen_.size() > kMaxSeenFiles) Forget();
  return std::move(taken.mapped().landed);
}

// Half of them, those that were looked at longest ago.
void LandingQueue::Forget() {
  std::vector<BootTime> times;
  times.reserve(seen_.size());
  for (const auto& [key, seen] : seen_) times.push_back(seen.taken);
  const auto middle = times.begin() + static_cast<ptrdiff_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  std::erase_if(seen_, [limit = *middle](const auto& one) {
    return one.second.taken < limit;
  });
}

int64_t LandingQueue::ToldPersons(const Landed::Key& key) const {
  const auto seen = seen_.find(key);
  return seen == seen_.end() ? 0 : seen->second.told_persons;
}

void LandingQueue::SetTold(const Landed::Key& key, int64_t persons) {
  const auto seen = seen_.find(key);
  if (seen != seen_.end()) seen->second.told_persons = persons;
}

}  // namespace sekisho::agent
