#include "agent/totals.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using policy::TotalBy;
using policy::TotalKey;
using policy::TotalOf;
using std::chrono::hours;

const WallTime kNow{hours(500'000)};

Totals::Transfer Copy(const std::string& person, const std::string& device,
                      std::vector<uint64_t> people, int64_t bytes = 10) {
  Totals::Transfer transfer;
  transfer.person = person;
  transfer.device = device;
  transfer.bytes = bytes;
  transfer.persons = static_cast<int64_t>(people.size());
  transfer.people = std::move(people);
  return transfer;
}

class TotalsTest : public testing::Test {
 protected:
  void SetUp() override { Reopen(kNow); }
  void Reopen(WallTime now) {
    totals_.reset();
    problem_.clear();
    auto opened = Totals::Open(dir_.path() + "/totals", now, &problem_);
    ASSERT_TRUE(opened) << opened.error().message;
    totals_ = std::move(*opened);
  }
  void Add(const Totals::Transfer& transfer, WallTime now = kNow) {
    const Status added = totals_->Add(transfer, now, Totals::Durability::kDisk);
    ASSERT_TRUE(added) << added.error().message;
  }
  int64_t Sum(TotalOf of, TotalBy by, int over_hours, WallTime now = kNow,
              const Totals::Transfer& asked = Copy("a", "x", {1}, 5)) {
    return totals_->Sum(TotalKey{of, by, over_hours}, asked, now);
  }

  TempDir dir_;
  std::unique_ptr<Totals> totals_;
  std::string problem_;
};

TEST_F(TotalsTest, CountsPeopleOnceAndByPersonDeviceAndTerminal) {
  EXPECT_EQ(Sum(TotalOf::kPersons, TotalBy::kPerson, 24), 1);
  Add(Copy("a", "x", {1, 2, 3}));
  Add(Copy("a", "y", {3, 4}));
  Add(Copy("b", "x", {9}));
  EXPECT_EQ(Sum(TotalOf::kPersons, TotalBy::kPerson, 24), 4);
  EXPECT_EQ(Sum(TotalOf::kPersons, TotalBy::kDevice, 24), 4);
  EXPECT_EQ(Sum(TotalOf::kPersons, TotalBy::kTerminal, 24), 5);
  EXPECT_EQ(Sum(TotalOf::kBytes, TotalBy::kPerson, 24), 25);
  EXPECT_EQ(Sum(TotalOf::kFiles, TotalBy::kTerminal, 24), 4);
}

TEST_F(TotalsTest, PeopleWithoutAHashCountAnew) {
  Totals::Transfer large = Copy("a", "x", {});
  large.persons = 5000;
  Add(large);
  Add(large);
  EXPECT_EQ(Sum(TotalOf::kPersons, TotalBy::kPerson, 24), 10'001);
}

TEST_F(TotalsTest, ForgetsWhatIsOlderThanTheWindow) {
  Add(Copy("a", "x", {7}));
  EXPECT_EQ(Sum(TotalOf::kFiles, TotalBy::kPerson, 1, kNow + hours(1)), 2);
  EXPECT_EQ(Sum(TotalOf::kFiles, TotalBy::kPerson, 1, kNow + hours(2)), 1);
  EXPECT_EQ(Sum(TotalOf::kFiles, TotalBy::kPerson, 24, kNow + hours(24)), 2);
  EXPECT_EQ(Sum(TotalOf::kFiles, TotalBy::kPerson, 24, kNow + hours(25)), 1);
}

TEST_F(TotalsTest, SumsOutliveARestart) {
  Add(Copy("a", "x", {1, 2, 3}));
  Add(Copy("a", "x", {3, 4}));
  Reopen(kNow + hours(1));
  EXPECT_EQ(problem_, "");
  EXPECT_EQ(Sum(TotalOf::kPersons, TotalBy::kPerson, 24, kNow + hours(1)), 4);
  EXPECT_EQ(Sum(TotalOf::kFiles, TotalBy::kPerson, 24, kNow + hours(1)), 3);
  Reopen(kNow + hours(24 * 401));
  EXPECT_EQ(Sum(TotalOf::kFiles, TotalBy::kPerson, 9600, kNow), 1);
}

TEST_F(TotalsTest, ARecordThatWasCutOffLosesNoOtherAndIsTold) {
  Add(Copy("a", "x", {1, 2, 3}));
  Add(Copy("a", "x", {4}), kNow + hours(1));
  const std::string path = dir_.path() + "/totals";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 3);
  Reopen(kNow);
  EXPECT_NE(problem_, "");
  EXPECT_EQ(Sum(TotalOf::kFiles, TotalBy::kPerson, 24), 2);
  Add(Copy("a", "x", {5}));
  Reopen(kNow);
  EXPECT_EQ(problem_, "");
  EXPECT_EQ(Sum(TotalOf::kFiles, TotalBy::kPerson, 24), 3);
}

TEST_F(TotalsTest, AForeignFileIsToldAndReplaced) {
  std::ofstream(dir_.path() + "/totals") << "something else";
  Reopen(kNow);
  EXPECT_NE(problem_, "");
  EXPECT_EQ(Sum(TotalOf::kFiles, TotalBy::kPerson, 24), 1);
}

TEST_F(TotalsTest, TooManyPeopleBecomeNumbersAndNeverFewer) {
  for (uint64_t file = 0; file < 1100; ++file) {
    std::vector<uint64_t> people;
    for (uint64_t i = 0; i < 512; ++i) people.push_back(file * 512 + i + 10);
    const Status added =
        totals_->Add(Copy("a", "x", std::move(people)),
                     kNow + hours(static_cast<int64_t>(file) / 5),
                     Totals::Durability::kMemory);
    ASSERT_TRUE(added);
  }
  EXPECT_GE(Sum(TotalOf::kPersons, TotalBy::kPerson, 9600, kNow + hours(220)),
            1100 * 512);
}

TEST_F(TotalsTest, PartOfAFileCountsItsPeopleAndNoFile) {
  Totals::Transfer part = Copy("a", "x", {7, 8}, 0);
  part.files = 0;
  Add(part);
  // The whole later: the same people, and now a file.
  EXPECT_EQ(Sum(TotalOf::kPersons, TotalBy::kPerson, 1, kNow,
                Copy("a", "x", {7, 8, 9})),
            3);
  EXPECT_EQ(Sum(TotalOf::kFiles, TotalBy::kPerson, 1), 1);
  Add(Copy("a", "x", {7, 8, 9}));
  EXPECT_EQ(Sum(TotalOf::kFiles, TotalBy::kPerson, 1), 2);
}

}  // namespace
}  // namespace sekisho::agent
