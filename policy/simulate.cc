#include "policy/simulate.h"

#include <algorithm>

#include "policy/match.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

int64_t HourOf(WallTime time) {
  return std::chrono::floor<std::chrono::hours>(time.time_since_epoch())
      .count();
}

std::array<int64_t, 3> SumsOf(const ContentFacts& content) {
  return {std::max<int64_t>(content.persons, 0),
          std::max<int64_t>(content.bytes, 0), 1};
}

Simulation::Place PlaceOf(const PastEvent& event) {
  return {event.terminal.terminal,
          event.person.person.empty() ? "unknown" : event.person.person};
}

}  // namespace

std::string DeviceName(const DeviceFacts& device) {
  return device.vendor_id + ":" + device.product_id + ":" + device.serial;
}

void Simulation::Add(const PastEvent& event) {
  ++events_;
  if (event.kind == PastEvent::Kind::kDevice) {
    AddDevice(event);
  } else {
    AddTransfer(event);
  }
}

void Simulation::List(const PastEvent& event, bool blocked,
                      const std::string& rule) {
  Change change{PlaceOf(event), event.kind, blocked, DeviceName(event.device),
                rule};
  const auto at = changes_.find(change);
  if (at != changes_.end()) {
    ++at->second;
  } else if (changes_.size() < kMaxChanges) {
    changes_.emplace(std::move(change), 1);
  } else {
    ++unlisted_;
  }
}

void Simulation::AddDevice(const PastEvent& event) {
  const auto decision = draft_->DecideDevice(event.device, event.person,
                                             event.terminal, event.time);
  ++rules_[decision.rule];
  ChangeCounts& counts = places_[PlaceOf(event)];
  if (decision.needs_probe) {
    ++counts.devices_unclear;
    return;
  }
  const bool blocks = decision.access == Access::kBlock;
  if (blocks == event.was_blocked) return;
  ++(blocks ? counts.devices_blocked : counts.devices_freed);
  List(event, blocks, decision.rule);
}

std::deque<Simulation::Hour>& Simulation::HoursOf(const PastEvent& event,
                                                  TotalBy by) {
  std::string key = event.terminal.terminal;
  key += '\0';
  key += Name(by);
  key += '\0';
  if (by == TotalBy::kPerson) key += PlaceOf(event).person;
  if (by == TotalBy::kDevice) key += DeviceName(event.device);
  return hours_[key];
}

void Simulation::AddTransfer(const PastEvent& event) {
  ContentFacts content = event.content;
  const int64_t hour = HourOf(event.time);
  const auto own = SumsOf(content);
  for (const TotalKey& key : draft_->totals()) {
    int64_t sum = own[static_cast<size_t>(key.of)];
    const auto& hours = HoursOf(event, key.by);
    for (auto at = hours.rbegin();
         at != hours.rend() && at->hour >= hour - key.hours; ++at) {
      sum += at->sums[static_cast<size_t>(key.of)];
    }
    content.totals[key] = sum;
  }
  const auto decision = draft_->DecideContent(
      content, event.device, event.person, event.terminal, event.time);
  const auto device = draft_->DecideDevice(event.device, event.person,
                                           event.terminal, event.time);
  // A medium that is closed or can only be read takes no file; a full one is
  // not asked, and audit lets everything through.
  const bool closed = !device.needs_probe && device.access < Access::kInspect;
  const bool unasked = !device.needs_probe && device.access > Access::kInspect;
  const bool blocks =
      closed || (!unasked && decision.verdict == Verdict::kBlock);
  const std::string& rule = closed || unasked ? device.rule : decision.rule;
  ++rules_[rule];
  if (!blocks && !draft_->totals().empty()) {
    for (const TotalBy by :
         {TotalBy::kPerson, TotalBy::kDevice, TotalBy::kTerminal}) {
      auto& hours = HoursOf(event, by);
      while (!hours.empty() && hours.front().hour < hour - kMaxTotalHours) {
        hours.pop_front();
      }
      if (hours.empty() || hours.back().hour != hour) {
        hours.push_back({hour, {}});
      }
      for (size_t i = 0; i < own.size(); ++i) hours.back().sums[i] += own[i];
    }
  }
  if (blocks == event.was_blocked) return;
  ChangeCounts& counts = places_[PlaceOf(event)];
  ++(blocks ? counts.transfers_blocked : counts.transfers_freed);
  if (blocks) counts.persons_blocked += own[0];
  List(event, blocks, rule);
}

}  // namespace sekisho::policy
