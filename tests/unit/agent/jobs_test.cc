#include "agent/jobs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <set>
#include <thread>

#include "common/event_loop.h"

namespace sekisho::agent {
namespace {

// A loop runs once.
class JobsTest : public ::testing::Test {
 protected:
  // One job after another; then the loop ends.
  void RunInTurn(int count, std::multiset<pid_t>* ran_on) {
    jobs_->Run([] { return ::gettid(); },
               [this, count, ran_on](pid_t id) {
                 ran_on->insert(id);
                 if (count == 1) {
                   loop_->Stop();
                 } else {
                   RunInTurn(count - 1, ran_on);
                 }
               });
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
  std::unique_ptr<Jobs> jobs_ = std::make_unique<Jobs>(*loop_);
};

TEST_F(JobsTest, AnswersOnTheLoopThread) {
  std::thread::id worked_on;
  std::thread::id answered_on;
  jobs_->Run(
      [&] {
        worked_on = std::this_thread::get_id();
        return 42;
      },
      [&](int answer) {
        EXPECT_EQ(answer, 42);
        answered_on = std::this_thread::get_id();
        loop_->Stop();
      });
  loop_->Run();
  EXPECT_EQ(answered_on, std::this_thread::get_id());
  EXPECT_NE(worked_on, std::this_thread::get_id());
}

TEST_F(JobsTest, TheNextJobFindsAThreadThatStandsBy) {
  std::multiset<pid_t> ran_on;
  RunInTurn(20, &ran_on);
  loop_->Run();
  EXPECT_EQ(ran_on.size(), 20U);
  // One more while the first has answered but does not stand by yet.
  EXPECT_LE(std::set(ran_on.begin(), ran_on.end()).size(), 3U);
}

TEST_F(JobsTest, AJobThatHangsHoldsUpNoOther) {
  constexpr int kHanging = 8;
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  int answers = 0;
  for (int i = 0; i < kHanging; ++i) {
    jobs_->Run(
        [released] {
          released.wait();
          return 0;
        },
        [&](int) {
          if (++answers == kHanging) loop_->Stop();
        });
  }
  jobs_->Run([] { return 0; },
             [&](int) {
               EXPECT_EQ(answers, 0);
               release.set_value();
             });
  loop_->Run();
  EXPECT_EQ(answers, kHanging);
}

TEST_F(JobsTest, AnswersOfJobsThatOutliveItGoNowhere) {
  std::promise<void> release;
  std::promise<void> finished;
  jobs_->Run(
      [&] {
        release.get_future().wait();
        finished.set_value();
        return 0;
      },
      [](int) { FAIL() << "nobody is there to be told"; });
  jobs_.reset();
  release.set_value();
  finished.get_future().wait();
  loop_->Post([this] { loop_->Stop(); });
  loop_->Run();
}

}  // namespace
}  // namespace sekisho::agent
