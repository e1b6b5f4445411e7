#include "server/operate/metrics_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "common/unique_fd.h"
#include "server/operate/http_head.h"
#include "server/operate/socket_address.h"

namespace sekisho::operate {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(HttpHead, JudgesWhatCame) {
  const struct {
    std::string_view bytes;
    int status;
    std::string_view path;
  } cases[] = {
      {"", 0, ""},
      {"GET /metrics HTTP/1.1\r\nHost: x\r\n", 0, ""},
      {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200, "/metrics"},
      {"GET /readyz?verbose=1 HTTP/1.0\r\n\r\n", 200, "/readyz"},
      {"HEAD /metrics HTTP/1.1\r\n\r\n", 405, ""},
      {"POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\na", 405, ""},
      {"DELETE / HTTP/1.1\r\n\r\n", 405, ""},
      {"get / HTTP/1.1\r\n\r\n", 405, ""},
      {"GET / HTTP/2.0\r\n\r\n", 505, ""},
      {"GET / SPDY\r\n\r\n", 400, ""},
      {"GET /\r\n\r\n", 400, ""},
      {"GET http://evil/ HTTP/1.1\r\n\r\n", 400, ""},
      {"GET /a b HTTP/1.1\r\n\r\n", 400, ""},
      {std::string_view("GET /\0 HTTP/1.1\r\n\r\n", 20), 400, ""},
      {"GET /\xff HTTP/1.1\r\n\r\n", 400, ""},
      {"GET / HTTP/1.1\nHost: x\n\n", 400, ""},
      {"\x16\x03\x01\n", 400, ""},
      {"\n", 400, ""},
  };
  for (const auto& one : cases) {
    const HeadVerdict verdict = JudgeHead(one.bytes);
    EXPECT_EQ(verdict.status, one.status) << one.bytes;
    EXPECT_EQ(verdict.path, one.path) << one.bytes;
  }
}

TEST(HttpHead, HasALimit) {
  const std::string start = "GET / HTTP/1.1\r\nX: ";
  const std::string end = "\r\n\r\n";
  const std::string fits =
      start + std::string(kMaxHeadBytes - start.size() - end.size(), 'x') + end;
  EXPECT_EQ(fits.size(), kMaxHeadBytes);
  EXPECT_EQ(JudgeHead(fits).status, 200);
  EXPECT_EQ(JudgeHead(fits.substr(0, kMaxHeadBytes - 1)).status, 0);
  EXPECT_EQ(JudgeHead(start + "x" + fits.substr(start.size())).status, 431);
  EXPECT_EQ(
      JudgeHead("GET /" + std::string(256, 'x') + " HTTP/1.1\r\n\r\n").status,
      414);
}

class MetricsListenerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started =
        MetricsListener::Start("127.0.0.1:0", [](std::string_view path) {
          return HttpAnswer{.body = "path " + std::string(path) + "\n"};
        });
    ASSERT_TRUE(started) << started.error().message;
    listener_ = std::move(*started);
  }
  UniqueFd Connect() const {
    const auto address =
        *ParseAddress("127.0.0.1:" + std::to_string(listener_->port()));
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), address.get(), address.size), 0);
    return fd;
  }
  // To the end of the connection.
  static std::string ReadRest(int fd) {
    std::string all;
    std::array<char, 4096> buffer;
    for (;;) {
      const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (n <= 0) return all;
      all.append(buffer.data(), static_cast<size_t>(n));
    }
  }
  static void Say(int fd, std::string_view text) {
    EXPECT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  std::string Ask(std::string_view request) const {
    const UniqueFd fd = Connect();
    Say(fd.get(), request);
    return ReadRest(fd.get());
  }

  std::unique_ptr<MetricsListener> listener_;
};

TEST_F(MetricsListenerTest, AnswersAGet) {
  const std::string answer = Ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 14\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\npath /metrics\n"));
}

TEST_F(MetricsListenerTest, ARequestMayComeByteByByte) {
  const UniqueFd fd = Connect();
  for (const char c : std::string_view("GET /a HTTP/1.1\r\n\r\n")) {
    Say(fd.get(), {&c, 1});
  }
  ::shutdown(fd.get(), SHUT_WR);
  EXPECT_THAT(ReadRest(fd.get()), EndsWith("path /a\n"));
}

TEST_F(MetricsListenerTest, RefusesAllElseAndSaysSo) {
  const std::string post = Ask("POST /metrics HTTP/1.1\r\n\r\n");
  EXPECT_THAT(post, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(post, HasSubstr("\r\nAllow: GET\r\n"));
  // What is over the limit is refused although more of it comes.
  const std::string large =
      Ask("GET / HTTP/1.1\r\nX: " + std::string(3 * kMaxHeadBytes, 'x'));
  EXPECT_THAT(large, StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Ask("\x16\x03\x01\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(MetricsListenerTest, IdleConnectionsAreFewAndLeaveRoomWhenTheyGo) {
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 16; ++i) idle.push_back(Connect());
  // Accepted in order: when this one is closed, the others are there.
  const UniqueFd one_more = Connect();
  EXPECT_EQ(ReadRest(one_more.get()), "");
  idle.pop_back();
  // The listener learns of it in its own time.
  std::string answer;
  for (int i = 0; i < 1000 && answer.empty(); ++i) {
    answer = Ask("GET /b HTTP/1.1\r\n\r\n");
  }
  EXPECT_THAT(answer, EndsWith("path /b\n"));
}

TEST_F(MetricsListenerTest, APortIsOneServers) {
  const auto second =
      MetricsListener::Start("127.0.0.1:" + std::to_string(listener_->port()),
                             [](std::string_view) { return HttpAnswer(); });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  EXPECT_THAT(second.error().message, HasSubstr("in use"));
}

TEST(SocketAddress, ReadsNumbersOnly) {
  EXPECT_EQ(ParseAddress("127.0.0.1:9464")->port(), 9464);
  EXPECT_EQ(ParseAddress("[::1]:0")->port(), 0);
  EXPECT_TRUE(ParseAddress("127.0.0.1:1")->IsLoopback());
  EXPECT_TRUE(ParseAddress("[::1]:1")->IsLoopback());
  EXPECT_FALSE(ParseAddress("0.0.0.0:1")->IsLoopback());
  EXPECT_TRUE(ParseAddress("0.0.0.0:1")->AsReached().IsLoopback());
  EXPECT_TRUE(ParseAddress("[::]:1")->AsReached().IsLoopback());
  for (const char* bad :
       {"", ":1", "localhost:1", "::1:1", "127.0.0.1",
        "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:1x", "[::1:1", "1.2.3:4"}) {
    const auto parsed = ParseAddress(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace sekisho::operate
