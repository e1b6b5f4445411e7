#include "policy/rings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <string>

namespace sekisho::policy {
namespace {

using ::testing::HasSubstr;

constexpr char kRings[] = R"(
rings:
  - name: pilot
    terminals: [maint-osaka-07, "maint-tokyo-*"]
    soak: 1h
  - name: early
    percent: 10
    soak: 2d
  - name: half
    percent: 50
  - name: everybody
halt:
  blocks: 8
  times: 4
)";

std::string FirstProblem(const std::string& text) {
  const auto rings = ParseRings(text, "rings.yaml");
  return rings ? "" : Format(rings.error().front());
}

TEST(Rings, ReadsWhatIsWritten) {
  const auto rings = ParseRings(kRings, "rings.yaml");
  ASSERT_TRUE(rings) << Format(rings.error().front());
  ASSERT_EQ(rings->rings.size(), 4U);
  EXPECT_EQ(rings->rings[0].soak, std::chrono::hours(1));
  EXPECT_EQ(rings->rings[1].soak, std::chrono::days(2));
  EXPECT_EQ(rings->rings[2].soak.count(), 0) << "a person opens the next";
  EXPECT_EQ(rings->rings[3].soak, kLastSoak);
  EXPECT_EQ(rings->halt, (HaltRule{.blocks = 8, .terminals = 2, .times = 4}));
}

TEST(Rings, NamesWhatIsWrongAndWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "rings.yaml:"},
      {"rings: []\n", "1:8"},
      {"rings:\n- name: a\n  percent: 0\n- name: b\n", "3:12: expected 1 to"},
      {"rings:\n- name: a\n  percent: 50\n- name: b\n  percent: 20\n- name: c",
       "5:12: expected more than the 50 percent"},
      {"rings:\n- name: a\n- name: b\n", "only the last ring takes the rest"},
      {"rings:\n- name: a\n  percent: 10\n", "it takes the rest"},
      {"rings:\n- name: a\n  terminals: [x]\n", "it takes the rest"},
      {"rings:\n- name: a\n  percent: 5\n- name: a\n", "no other ring has"},
      {"rings:\n- name: a\n  soak: 3\n", "'manual' or a time like"},
      {"rings:\n- name: a\n  soak: 59d\n", "'manual' or a time like"},
      {"rings:\n- name: a\n  percnt: 5\n", "did you mean 'percent'"},
      {"rings:\n- name: a\nhalt: {blocks: 0}\n", "1 to 1000000"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(FirstProblem(text), HasSubstr(message)) << text;
  }
  std::string many = "rings:\n";
  for (size_t i = 0; i < kMaxRings; ++i) {
    many += "- {name: r" + std::to_string(i) + ", terminals: [x]}\n";
  }
  EXPECT_THAT(FirstProblem(many), HasSubstr("the last ring"));
  EXPECT_THAT(FirstProblem(many + "- {name: rest}\n"), HasSubstr("1 to 16"));
}

// The numbers are part of the promise: a terminal stays where it is.
TEST(Rings, AShareIsTheSameForEver) {
  ASSERT_GE(sodium_init(), 0);
  int counts[100] = {};
  for (int i = 0; i < 20'000; ++i)
    ++counts[ShareOf("agent-" + std::to_string(i))];
  for (const int count : counts) {
    EXPECT_GT(count, 130);
    EXPECT_LT(count, 270);
  }
  EXPECT_EQ(ShareOf("0192f0c4-7b1a-7000-8000-000000001000"), 66);
  EXPECT_EQ(ShareOf("0192f0c4-7b1a-7000-8000-000000001001"), 16);
}

TEST(Rings, AShareThatGrowsLosesNobody) {
  const auto with = [](int percent) {
    const auto rings =
        ParseRings("rings:\n- name: a\n  percent: " + std::to_string(percent) +
                       "\n- name: rest\n",
                   "rings");
    EXPECT_TRUE(rings);
    return *rings;
  };
  for (int i = 0; i < 500; ++i) {
    const std::string id = "agent-" + std::to_string(i);
    size_t ring = 1;
    for (const int percent : {1, 5, 20, 50, 99}) {
      const size_t now = RingOf(with(percent), id, "t");
      EXPECT_LE(now, ring) << id << " at " << percent;
      ring = now;
    }
  }
}

TEST(Rings, WhoIsNamedIsInTheFirstRingThatNamesHim) {
  const Rings rings = *ParseRings(kRings, "rings");
  int seen[4] = {};
  for (int i = 0; i < 2'000; ++i) {
    const std::string id = "agent-" + std::to_string(i);
    EXPECT_EQ(RingOf(rings, id, "maint-osaka-07"), 0U);
    EXPECT_EQ(RingOf(rings, id, "maint-tokyo-02"), 0U);
    ++seen[RingOf(rings, id, "maint-osaka-08")];
  }
  EXPECT_EQ(seen[0], 0);
  EXPECT_NEAR(seen[1], 200, 60);
  EXPECT_NEAR(seen[2], 800, 100);
  EXPECT_NEAR(seen[3], 1000, 100);
}

}  // namespace
}  // namespace sekisho::policy
