// Requests as the kernel writes them, and what the dispatcher makes of any
// other bytes.
#include "agent/gate/dispatcher.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/agent_gate/fakes.h"

namespace sekisho::gate {
namespace {

struct Served : Gate {
  WorkerPool asking{1};
  Dispatcher dispatcher{&channel, filesystem.get(), &asking, &pool};
  std::vector<std::byte> buffer = std::vector<std::byte>(kRequestBufferBytes);

  // The answer to `opcode` with the parts of its body one after the other.
  FakeChannel::Sent Ask(uint32_t opcode, uint64_t node, ByteSpan head,
                        std::string_view tail = {}) {
    fuse_in_header header{};
    header.opcode = opcode;
    header.unique = ++unique;
    header.nodeid = node;
    const size_t size = sizeof header + head.size() + tail.size();
    header.len = static_cast<uint32_t>(size);
    std::memcpy(buffer.data(), &header, sizeof header);
    if (!head.empty()) {
      std::memcpy(buffer.data() + sizeof header, head.data(), head.size());
    }
    if (!tail.empty()) {
      std::memcpy(buffer.data() + sizeof header + head.size(), tail.data(),
                  tail.size());
    }
    dispatcher.Handle(buffer, size);
    asking.Drain();
    pool.Drain();
    const std::lock_guard lock(channel.mutex);
    for (const auto& sent : channel.sent) {
      if (sent.unique == unique) return sent;
    }
    return {};
  }
  uint64_t unique = 0;
};

template <typename T>
T As(const FakeChannel::Sent& sent, size_t offset = 0) {
  T value{};
  CHECK(sent.bytes.size() >= offset + sizeof value);
  std::memcpy(&value, sent.bytes.data() + offset, sizeof value);
  return value;
}

TEST(Dispatcher, NeverTakesTheWritebackCache) {
  Served served;
  fuse_init_in in{};
  in.major = FUSE_KERNEL_VERSION;
  in.minor = 99;
  in.flags = 0xffffffffU;
  const auto out = As<fuse_init_out>(served.Ask(FUSE_INIT, 0, BytesOf(in)));
  EXPECT_EQ(out.flags & FUSE_WRITEBACK_CACHE, 0U);
  EXPECT_EQ(out.max_write, 1U << 20);
  in.minor = 12;
  EXPECT_EQ(served.Ask(FUSE_INIT, 0, BytesOf(in)).error, EPROTO);
}

TEST(Dispatcher, CreatesWritesAndFlushes) {
  Served served;
  fuse_create_in create{};
  create.flags = O_WRONLY;
  create.mode = S_IFREG | 0644;
  const auto made = served.Ask(FUSE_CREATE, FUSE_ROOT_ID, BytesOf(create),
                               std::string_view("a\0", 2));
  ASSERT_EQ(made.error, 0);
  fuse_write_in write{};
  write.fh = As<fuse_open_out>(made, sizeof(fuse_entry_out)).fh;
  write.size = 5;
  const auto written = served.Ask(FUSE_WRITE, As<fuse_entry_out>(made).nodeid,
                                  BytesOf(write), "clean");
  EXPECT_EQ(As<fuse_write_out>(written).size, 5U);
  fuse_flush_in flush{};
  flush.fh = write.fh;
  EXPECT_EQ(served.Ask(FUSE_FLUSH, 0, BytesOf(flush)).error, 0);
  EXPECT_EQ(served.OnMedium("a"), "clean");
}

TEST(Dispatcher, RefusesWhatHasNoVerdict) {
  Served served;
  for (const uint32_t opcode : {FUSE_MKNOD, FUSE_LINK, FUSE_SETXATTR}) {
    EXPECT_EQ(served.Ask(opcode, FUSE_ROOT_ID, {}).error, EPERM) << opcode;
  }
  for (const uint32_t opcode :
       {FUSE_COPY_FILE_RANGE, FUSE_FALLOCATE, FUSE_IOCTL}) {
    EXPECT_EQ(served.Ask(opcode, FUSE_ROOT_ID, {}).error, ENOSYS) << opcode;
  }
}

TEST(Dispatcher, SurvivesAnyBytes) {
  Served served;
  std::mt19937 random(1);
  for (int round = 0; round < 4'000; ++round) {
    std::string body(random() % 80, '\0');
    for (char& c : body) c = static_cast<char>(random() % 4);
    served.Ask(static_cast<uint32_t>(random() % 60), random() % 3, {}, body);
  }
  EXPECT_EQ(served.Ask(FUSE_GETATTR, FUSE_ROOT_ID, {}).error, 0);
}

}  // namespace
}  // namespace sekisho::gate
