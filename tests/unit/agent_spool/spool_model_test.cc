// Random histories of a spool against a model that is a map: appends, reads,
// acknowledgements, power cuts, restarts, failing writes and syncs.
#include <gtest/gtest.h>

#include <map>

#include "agent/spool/spool.h"
#include "tests/unit/agent_spool/memory_disk.h"

namespace sekisho::spool {
namespace {

class History {
 public:
  explicit History(uint64_t seed) : random_(seed), disk_(seed * 31) { Open(); }

  void Step() {
    switch (random_() % 16) {
      case 0:
        disk_.Crash();
        return Restart();
      case 1:
        return Restart();
      case 2:
      case 3:
        return Acknowledge();
      case 4:
        disk_.fail_in = static_cast<int>(random_() % 6);
        return Append();
      default:
        return Append();
    }
  }

  void CheckContent() {
    const auto records =
        spool_->ReadAfter({1, acked_}, 100'000, size_t{1} << 30);
    ASSERT_TRUE(records);
    auto expected = durable_.upper_bound(acked_);
    for (const SpooledRecord& record : *records) {
      ASSERT_NE(expected, durable_.end());
      ASSERT_EQ(record.position, (Position{1, expected->first}));
      ASSERT_EQ(record.bytes, expected->second);
      ++expected;
    }
    ASSERT_EQ(expected, durable_.end());
    if (durable_.empty()) return;
    const auto last = spool_->ReadLast();
    ASSERT_TRUE(last && *last);
    ASSERT_EQ((*last)->bytes, durable_.rbegin()->second);
  }

  int appended() const { return appended_; }
  int refused() const { return refused_; }

 private:
  void Open() {
    auto opened = Spool::Open({.dir = "spool",
                               .size_bytes = 6 * 4096,
                               .reserve_bytes = 4096,
                               .segment_bytes = 4096},
                              &disk_);
    ASSERT_TRUE(opened) << opened.error().message;
    spool_ = std::move(*opened);
  }

  void Restart() {
    disk_.fail_in = -1;
    spool_.reset();
    disk_.Close();
    Open();
    // A write that was reported as failed may have reached the disk.
    const auto last = spool_->last();
    if (failed_ && last && last->sequence == failed_->first &&
        !durable_.contains(failed_->first)) {
      const auto found = spool_->ReadLast();
      ASSERT_TRUE(found && *found);
      ASSERT_TRUE(failed_contents_.contains((*found)->bytes));
      durable_[failed_->first] = (*found)->bytes;
    }
    failed_.reset();
    failed_contents_.clear();
    for (const Problem& problem : spool_->TakeProblems()) {
      ASSERT_NE(problem.kind, ProblemKind::kCorrupt) << problem.text;
    }
  }

  void Append() {
    const int64_t sequence =
        durable_.empty() ? 1 : durable_.rbegin()->first + 1;
    std::string text = std::to_string(random_());
    text.resize(1 + random_() % 900, 'x');
    const Position position{1, sequence};
    const auto status = random_() % 20 == 0
                            ? spool_->AppendReserved(position, text)
                            : spool_->Append(position, text);
    if (status) {
      ++appended_;
      durable_[sequence] = text;
      failed_.reset();
      failed_contents_.clear();
    } else if (status.error().code == Code::kResourceExhausted) {
      ++refused_;
    } else {
      failed_ = {sequence, text};
      failed_contents_.insert(text);
    }
  }

  void Acknowledge() {
    if (durable_.empty()) return;
    const int64_t newest = durable_.rbegin()->first;
    acked_ += static_cast<int64_t>(random_() %
                                   static_cast<uint64_t>(newest - acked_ + 1));
    ASSERT_TRUE(spool_->Ack({1, acked_}));
  }

  std::mt19937_64 random_;
  MemoryDisk disk_;
  std::unique_ptr<Spool> spool_;
  std::map<int64_t, std::string> durable_;
  std::optional<std::pair<int64_t, std::string>> failed_;
  std::set<std::string> failed_contents_;
  int64_t acked_ = 0;
  int appended_ = 0;
  int refused_ = 0;
};

TEST(SpoolModel, NoHistoryLosesOrInventsARecord) {
  int appended = 0;
  int refused = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    History history(seed);
    for (int step = 0; step < 150; ++step) {
      history.Step();
      history.CheckContent();
      ASSERT_FALSE(::testing::Test::HasFailure())
          << "seed " << seed << " step " << step;
    }
    appended += history.appended();
    refused += history.refused();
  }
  // The histories really go where it is interesting.
  EXPECT_GT(appended, 5'000);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace sekisho::spool
