#include "agent/notify/notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <filesystem>

#include "common/unix_socket.h"

namespace sekisho::notify {
namespace {

using ::testing::ElementsAre;

class FakeScreen final : public Screen {
 public:
  explicit FakeScreen(EventLoop& loop) : loop_(loop) {}
  Status Show(const ipc::PlacedNotice& placed) override {
    if (fail_first-- > 0) return Fail(Code::kUnavailable, "no desktop");
    shown.push_back(placed.notice.title + placed.place + placed.notice.text);
    if (shown.size() == expected) loop_.Stop();
    return {};
  }
  int fail_first = 0;
  size_t expected = 1;
  std::vector<std::string> shown;

 private:
  EventLoop& loop_;
};

// A sekishod that sends some notices to each subscriber and hangs up.
TEST(Notifier, ShowsAllAndComesBackAfterSekishod) {
  std::string dir = ::testing::TempDir() + "notify-XXXXXX";
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  const std::string path = dir + "/control.sock";
  const auto loop = std::move(*EventLoop::Create());
  const UniqueFd listener = std::move(*ListenSeqpacket(path, 0600));
  int connections = 0;
  std::string language;
  ASSERT_TRUE(loop->Add(listener.get(), EPOLLIN, [&](uint32_t) {
    const auto peer = AcceptSeqpacket(listener.get());
    ASSERT_TRUE(peer);
    ++connections;
    if (auto first = ReceivePacket(peer->get())) {
      language = ipc::Decode<ipc::Subscribe>(first->bytes)->language;
    }
    for (const char* title : {"a", "b"}) {
      std::ignore = SendPacket(peer->get(),
                               ipc::Encode(ipc::Notice{"blocked", title, ""}));
    }
  }));
  const auto limit = loop->After(std::chrono::seconds(20), [&] {
    ADD_FAILURE() << "too long";
    loop->Stop();
  });
  FakeScreen screen(*loop);
  screen.fail_first = 1;
  screen.expected = 4;
  {
    Notifier notifier(*loop, screen,
                      {path, "ja", std::chrono::milliseconds(5)});
    notifier.Start();
    loop->Run();
  }
  loop->Cancel(limit);
  EXPECT_GE(connections, 2);
  EXPECT_EQ(language, "ja");
  EXPECT_THAT(screen.shown, ElementsAre("a", "b", "a", "b"));
  std::filesystem::remove_all(dir);
}

TEST(Notifier, OfOnePlaceOnlyTheLastWaits) {
  std::string dir = ::testing::TempDir() + "notify-XXXXXX";
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  const std::string path = dir + "/control.sock";
  const auto loop = std::move(*EventLoop::Create());
  const UniqueFd listener = std::move(*ListenSeqpacket(path, 0600));
  ASSERT_TRUE(loop->Add(listener.get(), EPOLLIN, [&](uint32_t) {
    const auto peer = AcceptSeqpacket(listener.get());
    ASSERT_TRUE(peer);
    std::ignore = ReceivePacket(peer->get());
    const auto send = [&](const Bytes& packet) {
      std::ignore = SendPacket(peer->get(), packet);
    };
    send(ipc::Encode(ipc::PlacedNotice{"@1", {"info", "", "10 %"}}));
    send(ipc::Encode(ipc::PlacedNotice{"@2", {"info", "", "x"}}));
    send(ipc::Encode(ipc::Notice{"blocked", "no", ""}));
    send(ipc::Encode(ipc::PlacedNotice{"@1", {"info", "", "20 %"}}));
    send(ipc::Encode(ipc::PlacedNotice{"@2", {}}));
  }));
  const auto limit = loop->After(std::chrono::seconds(20), [&] {
    ADD_FAILURE() << "too long";
    loop->Stop();
  });
  FakeScreen screen(*loop);
  screen.fail_first = 5;  // nothing is shown before all is there
  screen.expected = 3;
  {
    Notifier notifier(*loop, screen,
                      {path, "ja", std::chrono::milliseconds(50)});
    notifier.Start();
    loop->Run();
  }
  loop->Cancel(limit);
  EXPECT_THAT(screen.shown, ElementsAre("no", "@120 %", "@2"));
  std::filesystem::remove_all(dir);
}

TEST(BodyText, IsPlainAndBounded) {
  EXPECT_EQ(BodyText("a<b>&\nc\x1b", Markup::kEscaped, 100),
            "a&lt;b&gt;&amp;\nc");
  EXPECT_EQ(BodyText("a<b>", Markup::kNone, 100), "a<b>");
  EXPECT_EQ(BodyText("ああああ", Markup::kNone, 4), "ああ...");
  EXPECT_EQ(BodyText("x\xff", Markup::kNone, 100), "x\\xff");
}

}  // namespace
}  // namespace sekisho::notify
