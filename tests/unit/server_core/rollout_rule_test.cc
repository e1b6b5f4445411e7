#include "server/core/rollout_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::core {
namespace {

using ::testing::HasSubstr;

// Ten terminals that refuse one thing in a hundred hours, and have had the
// version for an hour each.
RolloutNumbers Quiet() {
  RolloutNumbers numbers;
  numbers.offered = numbers.acknowledged = 10;
  numbers.since = {0, 0, 10};
  numbers.before = {1, 1, 100};
  numbers.others_since = {2, 2, 100};
  numbers.others_before = {14, 4, 700};
  return numbers;
}

struct Case {
  const char* what;
  RolloutNumbers numbers;
  bool halts;
};

RolloutNumbers With(void (*change)(RolloutNumbers&)) {
  RolloutNumbers numbers = Quiet();
  change(numbers);
  return numbers;
}

TEST(RolloutRule, HaltsOnAJumpAndNotOnChance) {
  const Case cases[] = {
      {"nothing happened", Quiet(), false},
      {"one block", With([](auto& n) { n.since = {1, 1, 10}; }), false},
      {"four blocks on two", With([](auto& n) { n.since = {4, 2, 10}; }),
       false},
      {"many blocks on one", With([](auto& n) { n.since = {90, 1, 10}; }),
       false},
      {"five blocks on two", With([](auto& n) { n.since = {5, 2, 10}; }), true},
      {"as many as before", With([](auto& n) {
         n.since = {10, 5, 10};
         n.before = {70, 5, 70};
       }),
       false},
      {"twice as many", With([](auto& n) {
         n.since = {20, 5, 10};
         n.before = {70, 5, 70};
       }),
       false},
      {"three times as many", With([](auto& n) {
         n.since = {30, 5, 10};
         n.before = {70, 5, 70};
       }),
       true},
      {"everybody refuses four times as much", With([](auto& n) {
         n.since = {40, 5, 10};
         n.before = {70, 5, 70};
         n.others_since = {400, 40, 100};
         n.others_before = {700, 40, 700};
       }),
       false},
      {"more than everybody's rise", With([](auto& n) {
         n.since = {120, 5, 10};
         n.before = {70, 5, 70};
         n.others_since = {400, 40, 100};
         n.others_before = {700, 40, 700};
       }),
       true},
      {"the others refuse less: no excuse", With([](auto& n) {
         n.since = {29, 5, 10};
         n.before = {70, 5, 70};
         n.others_since = {10, 5, 100};
         n.others_before = {700, 40, 700};
       }),
       false},
      {"terminals without a past", With([](auto& n) {
         n.since = {5, 2, 2};
         n.before = {0, 0, 0};
       }),
       true},
      {"the last one, with no others left", With([](auto& n) {
         n.since = {9, 3, 10};
         n.before = {7, 3, 70};
         n.others_since = n.others_before = {};
       }),
       true},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(!HaltReason(one.numbers, {}).empty(), one.halts) << one.what;
  }
}

TEST(RolloutRule, HaltsOnTroubleInPartOfTheFleet) {
  const Case cases[] = {
      {"one of ten refuses", With([](auto& n) { n.refused = 1; }), false},
      {"two of ten refuse", With([](auto& n) { n.refused = 2; }), true},
      {"one refuses, one falls silent", With([](auto& n) {
         n.refused = 1;
         n.silent = 1;
       }),
       true},
      {"two of a thousand", With([](auto& n) {
         n.unanswered = 2;
         n.offered = 1000;
       }),
       false},
      {"a hundred of a thousand", With([](auto& n) {
         n.unanswered = 100;
         n.offered = 1000;
       }),
       true},
      {"the only one", With([](auto& n) {
         n.silent = 1;
         n.offered = 1;
       }),
       true},
      {"nobody was offered it", With([](auto& n) { n.offered = 0; }), false},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(!HaltReason(one.numbers, {}).empty(), one.halts) << one.what;
  }
}

TEST(RolloutRule, SaysTheNumbers) {
  EXPECT_EQ(HaltReason(With([](auto& n) { n.since = {5, 2, 10}; }), {}),
            "5 blocks on 2 terminals in 10.0 terminal hours, where 0.1 were to "
            "be expected");
  EXPECT_THAT(HaltReason(With([](auto& n) { n.refused = 3; }), {}),
              HasSubstr("of 10 terminals that were offered it, 3 refused it"));
}

TEST(RolloutRule, TheNumbersMayBeSet) {
  const auto jump = With([](auto& n) { n.since = {5, 2, 10}; });
  EXPECT_FALSE(HaltReason(jump, {5, 2, 3}).empty());
  EXPECT_TRUE(HaltReason(jump, {6, 2, 3}).empty());
  EXPECT_TRUE(HaltReason(jump, {5, 3, 3}).empty());
  EXPECT_TRUE(HaltReason(jump, {5, 2, 60}).empty());
}

}  // namespace
}  // namespace sekisho::core
