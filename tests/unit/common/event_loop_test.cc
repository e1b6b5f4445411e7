#include "common/event_loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <vector>

#include "common/unique_fd.h"

namespace sekisho {
namespace {

using std::chrono::milliseconds;

TEST(EventLoop, RunsTimersInOrderAndHonoursCancel) {
  auto loop = EventLoop::Create();
  ASSERT_TRUE(loop);
  std::vector<int> seen;
  (*loop)->After(milliseconds(20), [&] {
    seen.push_back(2);
    (*loop)->Stop();
  });
  (*loop)->After(milliseconds(1), [&] { seen.push_back(1); });
  const auto cancelled =
      (*loop)->After(milliseconds(5), [&] { seen.push_back(9); });
  (*loop)->Cancel(cancelled);
  (*loop)->Run();
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
}

TEST(EventLoop, PostFromAnotherThreadRunsOnTheLoop) {
  auto loop = EventLoop::Create();
  ASSERT_TRUE(loop);
  const auto loop_thread = std::this_thread::get_id();
  std::thread::id ran_on;
  std::jthread other([&] {
    (*loop)->Post([&] {
      ran_on = std::this_thread::get_id();
      (*loop)->Stop();
    });
  });
  (*loop)->Run();
  EXPECT_EQ(ran_on, loop_thread);
}

TEST(EventLoop, CallbackMayRemoveAnotherWatchOfTheSameRound) {
  auto loop = EventLoop::Create();
  ASSERT_TRUE(loop);
  std::array<int, 2> first{};
  std::array<int, 2> second{};
  ASSERT_EQ(::pipe(first.data()), 0);
  ASSERT_EQ(::pipe(second.data()), 0);
  const UniqueFd a(first[0]), b(first[1]), c(second[0]), d(second[1]);
  int calls = 0;
  const auto on_ready = [&](uint32_t) {
    ++calls;
    (*loop)->Remove(a.get());
    (*loop)->Remove(c.get());
    (*loop)->Stop();
  };
  ASSERT_TRUE((*loop)->Add(a.get(), EPOLLIN, on_ready));
  ASSERT_TRUE((*loop)->Add(c.get(), EPOLLIN, on_ready));
  ASSERT_EQ(::write(b.get(), "x", 1), 1);
  ASSERT_EQ(::write(d.get(), "x", 1), 1);
  (*loop)->Run();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace sekisho
