// sekishod's side of the probe, with a probe that the test plays.
#include "agent/probe_client.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <thread>

#include "common/unix_socket.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using testing::HasSubstr;

class ProbeClientTest : public testing::Test {
 protected:
  ProbeClientTest() {
    options.socket_path = dir.path() + "/probe.sock";
    options.listener = Listener::kAnybody;
    listener = std::move(*ListenSeqpacket(options.socket_path, 0600));
    const int flags = ::fcntl(listener.get(), F_GETFL);
    ::fcntl(listener.get(), F_SETFL, flags & ~O_NONBLOCK);
    for (int64_t size : {4096, 2048, 1024}) {
      ProbeNode& node = nodes.emplace_back();
      node.size_bytes = size;
      node.fd.Reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
  }
  ~ProbeClientTest() override {
    if (probe.joinable()) probe.join();
  }
  // Plays the probes that systemd starts, one for each connection.
  void Play(std::vector<std::function<void(int)>> probes) {
    probe = std::thread([this, probes = std::move(probes)] {
      for (const auto& body : probes) {
        UniqueFd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        body(fd.get());
        ++played;
      }
    });
  }
  // The sizes of the question.
  static std::vector<int64_t> Question(int fd) {
    std::vector<int64_t> sizes;
    while (true) {
      const auto packet = ReceivePacket(fd);
      if (!packet || packet->fds.size() != 1) return {};
      const auto request = ipc::Decode<ipc::ProbeRequest>(packet->bytes);
      if (!request) return {};
      sizes.push_back(request->size_bytes);
      if (!request->more) return sizes;
    }
  }
  static void Answer(int fd, int64_t node) {
    Question(fd);
    ipc::ProbeAnswer answer;
    answer.ok = true;
    answer.node = node;
    answer.filesystem = "vfat";
    ASSERT_TRUE(SendPacket(fd, ipc::Encode(answer)));
  }

  const TempDir dir;
  ProbeOptions options;
  UniqueFd listener;
  std::vector<ProbeNode> nodes;
  std::thread probe;
  int played = 0;
};

TEST_F(ProbeClientTest, OneProbeAnswersForTheDiskAndItsPartitions) {
  Play({[](int fd) {
    EXPECT_THAT(Question(fd), testing::ElementsAre(4096, 2048, 1024));
    ipc::ProbeAnswer answer;
    answer.ok = true;
    answer.node = 1;
    answer.volume_label = std::string(1000, 'x');
    ASSERT_TRUE(SendPacket(fd, ipc::Encode(answer)));
  }});
  const auto answer = AskProbe(nodes, UniqueFd(), options);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->node, 1);
  EXPECT_EQ(answer->volume_label.size(), 256u);
}

TEST_F(ProbeClientTest, WaitingProbeIsAskedFirst) {
  UniqueFd waiting = std::move(*ConnectSeqpacket(options.socket_path));
  EXPECT_TRUE(StillWaits(waiting));
  Play({[](int fd) { Answer(fd, 0); }});
  EXPECT_TRUE(AskProbe(nodes, std::move(waiting), options));
  probe.join();
  EXPECT_EQ(played, 1);
}

TEST_F(ProbeClientTest, ProbeThatDiedWhileItWaitedCostsANewStart) {
  UniqueFd waiting = std::move(*ConnectSeqpacket(options.socket_path));
  Play({[](int) {}, [](int fd) { Answer(fd, 2); }});
  const auto answer = AskProbe(nodes, std::move(waiting), options);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->node, 2);
}

TEST_F(ProbeClientTest, EndWithoutAnAnswerSaysSo) {
  Play({[](int fd) { Question(fd); }});
  const auto answer = AskProbe(nodes, UniqueFd(), options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("ended without an answer"));
}

TEST_F(ProbeClientTest, NoAnswerInTimeSaysSo) {
  options.patience = std::chrono::milliseconds(0);
  // Accepted by the kernel, and nobody asks for it.
  const auto answer = AskProbe(nodes, UniqueFd(), options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(answer.error().message, HasSubstr("no answer within"));
}

TEST_F(ProbeClientTest, AnswerAboutNoNodeIsRefused) {
  for (const int64_t node : {int64_t{-1}, int64_t{3}}) {
    Play({[node](int fd) { Answer(fd, node); }});
    EXPECT_FALSE(AskProbe(nodes, UniqueFd(), options));
    probe.join();
  }
}

TEST_F(ProbeClientTest, NoProbeAtAllIsAnErrorThatNamesIt) {
  options.socket_path += ".none";
  const auto answer = AskProbe(nodes, UniqueFd(), options);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("cannot be started"));
}

}  // namespace
}  // namespace sekisho::agent
