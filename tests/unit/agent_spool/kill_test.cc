// A process that appends is killed at random moments: what it called durable
// must be there, whole and in order.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "agent/spool/spool.h"
#include "common/unique_fd.h"

namespace sekisho::spool {
namespace {

std::string Record(int64_t sequence) {
  std::string text = std::to_string(sequence);
  text.resize(100 + static_cast<size_t>(sequence * 37 % 900), '#');
  return text;
}

// Says each durable sequence on `out` and acknowledges some, until killed.
[[noreturn]] void AppendForever(const SpoolOptions& options, int out) {
  auto spool = Spool::Open(options);
  if (!spool) ::_exit(1);
  const auto last = (*spool)->last();
  for (int64_t next = last ? last->sequence + 1 : 1;; ++next) {
    if (!(*spool)->Append({1, next}, Record(next))) ::_exit(2);
    if (::write(out, &next, sizeof next) != sizeof next) ::_exit(3);
    if (next % 20 == 0 && !(*spool)->Ack({1, next - 10})) ::_exit(4);
  }
}

TEST(SpoolKill, NothingDurableIsLost) {
  std::string dir = ::testing::TempDir() + "kill-XXXXXX";
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  const SpoolOptions options{.dir = dir + "/spool",
                             .size_bytes = 8 * 8192,
                             .reserve_bytes = 8192,
                             .segment_bytes = 8192};
  std::mt19937 random(7);
  int64_t promised = 0;
  for (int round = 0; round < 40; ++round) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) AppendForever(options, ends[1]);
    UniqueFd in(ends[0]);
    ::close(ends[1]);
    // The moment of the kill is counted in records and then in microseconds.
    int64_t said = 0;
    for (auto left = random() % 30 + 1; left > 0; --left) {
      ASSERT_EQ(::read(in.get(), &said, sizeof said),
                static_cast<ssize_t>(sizeof said));
      promised = said;
    }
    ::usleep(static_cast<useconds_t>(random() % 2000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    while (::read(in.get(), &said, sizeof said) > 0) promised = said;

    auto spool = Spool::Open(options);
    ASSERT_TRUE(spool) << spool.error().message;
    ASSERT_GE((*spool)->last()->sequence, promised);
    const auto records = (*spool)->ReadAfter({}, 10'000, size_t{1} << 30);
    ASSERT_TRUE(records);
    int64_t expected = records->front().position.sequence;
    EXPECT_LE(expected, std::max<int64_t>(promised - 9, 1));
    for (const SpooledRecord& record : *records) {
      ASSERT_EQ(record.position.sequence, expected);
      ASSERT_EQ(record.bytes, Record(expected));
      ++expected;
    }
  }
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace sekisho::spool
