#include "agent/landings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "agent/record_bytes.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using testing::ElementsAre;

// People `first` to `last`; their hashes are spread as real ones are.
std::string People(uint64_t first, uint64_t last) {
  std::vector<uint64_t> hashes;
  for (uint64_t i = first; i <= last; ++i) {
    hashes.push_back(Check(std::to_string(i)) * 0x9e3779b97f4a7c15U);
  }
  std::ranges::sort(hashes);
  hashes.resize(std::min(hashes.size(), kMaxSampleHashes));
  std::string packed;
  for (const uint64_t hash : hashes) PutNumber(packed, hash);
  return packed;
}

Landing Content(char content, uint64_t first, uint64_t last) {
  ipc::Findings findings;
  findings.file_hash = std::string(32, content);
  findings.people_sample = People(first, last);
  return LandingOf(findings);
}

Landing Landed(const std::string& id, char content, uint64_t first,
               uint64_t last) {
  Landing landing = Content(content, first, last);
  landing.event_id = id;
  landing.path = "/home/operator/" + id + ".csv";
  landing.person = "operator";
  landing.source_hosts = {"10.0.2.5:5432"};
  landing.time = WallTime(std::chrono::seconds(1'700'000'000));
  return landing;
}

class LandingsTest : public testing::Test {
 protected:
  std::unique_ptr<Landings> Open(LandingLimits limits = {}) {
    problem.clear();
    auto opened = Landings::Open(path, &problem, limits);
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  static std::string IdOf(const std::optional<Landings::Match>& match) {
    return match ? match->landing.event_id : "none";
  }

  TempDir dir;
  std::string path = dir.path() + "/landings";
  std::string problem;
};

TEST_F(LandingsTest, TheSameContentIsKnownAgain) {
  auto landings = Open();
  ASSERT_TRUE(landings->Add(Landed("a", 'A', 1, 200)));
  const auto match = landings->Find(Content('A', 1, 200));
  ASSERT_TRUE(match);
  EXPECT_EQ(match->by, Landings::By::kContent);
  EXPECT_EQ(match->landing.path, "/home/operator/a.csv");
  EXPECT_THAT(match->landing.source_hosts, ElementsAre("10.0.2.5:5432"));
}

TEST_F(LandingsTest, OfTheSameContentTheNewestIsNamed) {
  auto landings = Open();
  ASSERT_TRUE(landings->Add(Landed("a", 'A', 1, 200)));
  ASSERT_TRUE(landings->Add(Landed("b", 'A', 1, 200)));
  EXPECT_EQ(IdOf(landings->Find(Content('A', 1, 200))), "b");
}

TEST_F(LandingsTest, ConvertedOrSplitItIsKnownByItsPeople) {
  auto landings = Open();
  ASSERT_TRUE(landings->Add(Landed("a", 'A', 1, 300)));
  auto match = landings->Find(Content('X', 1, 300));
  EXPECT_EQ(IdOf(match), "a");
  EXPECT_EQ(match->by, Landings::By::kPeople);
  EXPECT_EQ(IdOf(landings->Find(Content('X', 291, 300))), "a") << "ten";
  EXPECT_EQ(IdOf(landings->Find(Content('X', 292, 300))), "none") << "nine";
}

TEST_F(LandingsTest, HalfOfThePeopleMustBeTheSame) {
  auto landings = Open();
  ASSERT_TRUE(landings->Add(Landed("a", 'A', 1, 300)));
  EXPECT_EQ(IdOf(landings->Find(Content('X', 251, 350))), "a");
  EXPECT_EQ(IdOf(landings->Find(Content('X', 252, 351))), "none");
  EXPECT_EQ(IdOf(landings->Find(Content('X', 1'000, 1'200))), "none");
}

TEST_F(LandingsTest, TheLandingWithMostOfThePeopleIsNamed) {
  auto landings = Open();
  ASSERT_TRUE(landings->Add(Landed("all", 'A', 1, 100)));
  ASSERT_TRUE(landings->Add(Landed("some", 'B', 1, 80)));
  EXPECT_EQ(IdOf(landings->Find(Content('X', 1, 100))), "all");
}

TEST_F(LandingsTest, OfALargeListAPartIsKnownByTheSample) {
  auto landings = Open();
  ASSERT_TRUE(landings->Add(Landed("a", 'A', 1, 20'000)));
  EXPECT_EQ(IdOf(landings->Find(Content('X', 1, 20'000))), "a");
  EXPECT_EQ(IdOf(landings->Find(Content('X', 5'001, 7'000))), "a") << "10 %";
  EXPECT_EQ(IdOf(landings->Find(Content('X', 30'001, 50'000))), "none");
}

TEST_F(LandingsTest, IsThereAfterARestart) {
  {
    auto landings = Open();
    ASSERT_TRUE(landings->Add(Landed("a", 'A', 1, 200)));
    ASSERT_TRUE(landings->Add(Landed("b", 'B', 301, 400)));
  }
  auto landings = Open();
  EXPECT_EQ(problem, "");
  EXPECT_EQ(landings->size(), 2U);
  const auto match = landings->Find(Content('X', 301, 400));
  ASSERT_EQ(IdOf(match), "b");
  EXPECT_EQ(match->landing.person, "operator");
  EXPECT_EQ(match->landing.time, WallTime(std::chrono::seconds(1'700'000'000)));
  EXPECT_EQ(IdOf(landings->Find(Content('A', 7, 8))), "a");
}

TEST_F(LandingsTest, ADamagedFileCountsUpToTheDamage) {
  {
    auto landings = Open();
    ASSERT_TRUE(landings->Add(Landed("a", 'A', 1, 200)));
    ASSERT_TRUE(landings->Add(Landed("b", 'B', 301, 400)));
  }
  std::string bytes = dir.Get("landings");
  bytes[bytes.size() - 5] ^= 1;
  dir.Put("landings", bytes);
  {
    auto landings = Open();
    EXPECT_NE(problem, "");
    EXPECT_EQ(landings->size(), 1U);
    EXPECT_EQ(IdOf(landings->Find(Content('A', 7, 8))), "a");
    ASSERT_TRUE(landings->Add(Landed("c", 'C', 500, 600)));
  }
  auto landings = Open();
  EXPECT_EQ(problem, "");
  EXPECT_EQ(landings->size(), 2U);
  for (const char* text :
       {"", "x", "SKLANDS1\xff\xff\xff\xff\xff\xff\xff\xff"}) {
    dir.Put("landings", text);
    EXPECT_EQ(Open()->size(), 0U);
  }
}

TEST_F(LandingsTest, KeepsTheNewestAndForgetsTheirPeopleFirst) {
  // Each is on the disk before the next.
  constexpr LandingLimits kLimits{.landings = 100, .hashes = 10'000};
  auto landings = Open(kLimits);
  constexpr uint64_t kFull = kLimits.hashes / kMaxSampleHashes;
  for (uint64_t i = 0; i < kFull + 2; ++i) {
    Landing landing =
        Landed(std::to_string(i), 'A', i * 1'000, i * 1'000 + 600);
    landing.content_hash =
        std::string(24, 'h') + std::to_string(10'000'000 + i);
    ASSERT_TRUE(landings->Add(std::move(landing)));
  }
  EXPECT_EQ(IdOf(landings->Find(Content('X', 0, 600))), "none");
  Landing first = Content('X', 1, 2);
  first.content_hash = std::string(24, 'h') + "10000000";
  EXPECT_EQ(IdOf(landings->Find(first)), "0");
  EXPECT_EQ(IdOf(landings->Find(Content('X', 9'000, 9'600))), "9");
  for (uint64_t i = 0; i < kLimits.landings; ++i) {
    ASSERT_TRUE(landings->Add(Landed("same", 'Z', 1, 2)));
  }
  EXPECT_EQ(landings->size(), kLimits.landings);
  EXPECT_EQ(IdOf(landings->Find(first)), "none");
  EXPECT_EQ(IdOf(landings->Find(Content('Z', 1, 2))), "same");
}

}  // namespace
}  // namespace sekisho::agent
