#include "server/core/rollout_rule.h"

#include <fmt/format.h>

#include <algorithm>

namespace sekisho::core {
namespace {

constexpr int64_t kTroubledAtLeast = 2;
constexpr int64_t kTroubledOneIn = 10;

double RateOf(const BlockSum& sum) {
  return sum.hours > 0
             ? static_cast<double>(std::max<int64_t>(sum.blocks, 1)) / sum.hours
             : 0;
}

bool IsMuch(const BlockSum& sum, const policy::HaltRule& rule) {
  return sum.blocks >= rule.blocks && sum.terminals >= rule.terminals;
}

}  // namespace

double ExpectedBlocks(const RolloutNumbers& numbers,
                      const policy::HaltRule& rule) {
  double rise = 1;
  if (IsMuch(numbers.others_since, rule) && numbers.others_before.hours > 0) {
    rise = std::max(
        rise, RateOf(numbers.others_since) / RateOf(numbers.others_before));
  }
  return RateOf(numbers.before) * rise * numbers.since.hours;
}

std::string HaltReason(const RolloutNumbers& numbers,
                       const policy::HaltRule& rule) {
  const int64_t troubled =
      numbers.refused + numbers.unanswered + numbers.silent;
  if (troubled > 0 && (troubled >= numbers.offered ||
                       (troubled >= kTroubledAtLeast &&
                        troubled * kTroubledOneIn >= numbers.offered))) {
    return fmt::format(
        "of {} terminals that were offered it, {} refused it, {} did not take "
        "it in {} minutes, {} fell silent",
        numbers.offered, numbers.refused, numbers.unanswered,
        kAnswerPatience.count(), numbers.silent);
  }
  const double expected = ExpectedBlocks(numbers, rule);
  if (IsMuch(numbers.since, rule) &&
      static_cast<double>(numbers.since.blocks) >=
          static_cast<double>(rule.times) * expected) {
    return fmt::format(
        "{} blocks on {} terminals in {:.1f} terminal hours, where {:.1f} were "
        "to be expected",
        numbers.since.blocks, numbers.since.terminals, numbers.since.hours,
        expected);
  }
  return {};
}

}  // namespace sekisho::core
