// The two lines out of the gate, against peers that misbehave.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <thread>

#include "agent/gate/core_client.h"
#include "agent/gate/scan_client.h"
#include "agent/ipc/name_may_say.h"
#include "common/unix_socket.h"
#include "tests/unit/agent_gate/fakes.h"

namespace sekisho::gate {
namespace {

TEST(NameMaySay, AsksAboutWhatCouldHoldASecondValue) {
  for (const char* name : {"report.txt", "src", "Makefile", ".git", "a b_c"}) {
    EXPECT_FALSE(ipc::NameMaySay(name)) << name;
  }
  for (const char* name : {"山田太郎", "a@b", "090", "佐藤_090-1234-5678"}) {
    EXPECT_TRUE(ipc::NameMaySay(name)) << name;
  }
}

Deadline Soon(int milliseconds) {
  return std::chrono::steady_clock::now() +
         std::chrono::milliseconds(milliseconds);
}

// Listens; each connection is given to `serve` in turn, on one thread.
class Peer {
 public:
  Peer(const std::string& path, std::function<void(int fd)> serve)
      : serve_(std::move(serve)) {
    auto listener = ListenSeqpacket(path, 0600);
    CHECK(listener.has_value());
    listener_ = *std::move(listener);
    thread_ = std::thread([this] { Run(); });
  }
  ~Peer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

 private:
  void Run() {
    while (true) {
      pollfd wait{listener_.get(), POLLIN, 0};
      ::poll(&wait, 1, -1);
      auto fd = AcceptSeqpacket(listener_.get());
      if (!fd) return;
      serve_(fd->get());
    }
  }
  std::function<void(int fd)> serve_;
  UniqueFd listener_;
  std::thread thread_;
};

Result<Packet> Next(int fd) {
  pollfd wait{fd, POLLIN, 0};
  ::poll(&wait, 1, -1);
  return ReceivePacket(fd);
}

class Clients : public testing::Test {
 protected:
  void SetUp() override { directory_ = TemporaryDirectory(); }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string Path() const { return directory_ + "/socket"; }
  std::string directory_;
};

using Scans = Clients;
using Questions = Clients;

TEST_F(Scans, AbsentWorkerIsACrash) {
  ScanClient client(
      {Path(), Listener::kAnybody, {}, std::chrono::milliseconds(100)});
  const auto findings = client.Scan(0, 7, "a", nullptr);
  EXPECT_EQ(findings.inspection, "none");
  EXPECT_EQ(findings.reason, "crash");
  EXPECT_EQ(findings.bytes, 7);
}

TEST_F(Scans, AnswerToAnotherScanIsNotTaken) {
  Peer peer(Path(), [](int fd) {
    if (!Next(fd) || !Next(fd)) return;
    ipc::ScanResult result;
    result.transfer_id = 99;
    result.findings.inspection = "full";
    [[maybe_unused]] auto sent = SendPacket(fd, ipc::Encode(result));
    [[maybe_unused]] auto end = Next(fd);
  });
  ScanClient client(
      {Path(), Listener::kAnybody, {}, std::chrono::milliseconds(1000)});
  EXPECT_EQ(client.Scan(0, 1, "a", nullptr).inspection, "none");
}

TEST_F(Scans, WhoWaitsLongIsToldHowFarItIs) {
  Peer peer(Path(), [](int fd) {
    auto first = Next(fd);
    if (!first || ipc::TypeOf(first->bytes) != ipc::TellSoFar::kType) return;
    auto packet = Next(fd);
    if (!packet) return;
    auto request = ipc::Decode<ipc::ScanRequest>(packet->bytes);
    CHECK(request.has_value());
    ipc::ScanSoFar so_far;
    so_far.transfer_id = request->transfer_id;
    for (const int64_t bytes : {3, -1, 99}) {
      so_far.read_bytes = bytes;
      [[maybe_unused]] auto sent = SendPacket(fd, ipc::Encode(so_far));
    }
    ipc::ScanResult result;
    result.transfer_id = request->transfer_id;
    result.findings.inspection = "full";
    [[maybe_unused]] auto sent = SendPacket(fd, ipc::Encode(result));
    [[maybe_unused]] auto end = Next(fd);
  });
  std::vector<int64_t> told;
  ScanClient client({.socket_path = Path(),
                     .listener = Listener::kAnybody,
                     .tell_waiting = std::chrono::milliseconds(0),
                     .tell_again = std::chrono::milliseconds(0)});
  const auto findings =
      client.Scan(0, 7, "a", [&](int64_t bytes) { told.push_back(bytes); });
  EXPECT_EQ(findings.inspection, "full");
  // What a worker says is cut to what can be.
  EXPECT_EQ(told, (std::vector<int64_t>{3, 0, 7}));
}

TEST_F(Scans, WorkerThatSystemdDidNotStartIsNotAsked) {
  bool asked = false;
  {
    Peer peer(Path(), [&](int fd) {
      auto packet = Next(fd);
      asked = packet && !packet->bytes.empty();
    });
    ScanClient client(
        {Path(), Listener::kInit, {}, std::chrono::milliseconds(1000)});
    EXPECT_EQ(client.Scan(0, 1, "a", nullptr).inspection, "none");
  }
  EXPECT_FALSE(asked);
}

TEST_F(Scans, WorkerThatDiesIsReplacedForTheNext) {
  int connections = 0;
  Peer peer(Path(), [&](int fd) {
    ++connections;
    if (!Next(fd)) return;  // TellSoFar
    auto packet = Next(fd);
    if (!packet || connections == 1) return;  // dies with the first file
    auto request = ipc::Decode<ipc::ScanRequest>(packet->bytes);
    CHECK(request.has_value());
    ipc::ScanResult result;
    result.transfer_id = request->transfer_id;
    result.findings.inspection = "full";
    [[maybe_unused]] auto sent = SendPacket(fd, ipc::Encode(result));
    [[maybe_unused]] auto end = Next(fd);
  });
  {
    ScanClient client(
        {Path(), Listener::kAnybody, {}, std::chrono::milliseconds(1000)});
    EXPECT_EQ(client.Scan(0, 1, "a", nullptr).reason, "crash");
    EXPECT_EQ(client.Scan(0, 1, "a", nullptr).inspection, "full");
  }
}

TEST_F(Questions, StartForAnotherMountIsRefused) {
  Peer peer(Path(), [](int fd) {
    if (!Next(fd)) return;
    ipc::GateStart start;
    start.mount_id = 8;
    [[maybe_unused]] auto sent = SendPacket(fd, ipc::Encode(start), {fd, fd});
  });
  CoreClient client(Path(), 7);
  EXPECT_FALSE(client.Connect());
}

TEST_F(Questions, StartWithoutDescriptorsIsRefused) {
  Peer peer(Path(), [](int fd) {
    if (!Next(fd)) return;
    ipc::GateStart start;
    start.mount_id = 7;
    [[maybe_unused]] auto sent = SendPacket(fd, ipc::Encode(start));
  });
  CoreClient client(Path(), 7);
  EXPECT_FALSE(client.Connect());
}

TEST_F(Questions, StartBringsWhatPolicyWantsFound) {
  Peer peer(Path(), [](int fd) {
    if (!Next(fd)) return;
    const auto rules = ipc::SealScanRules({.types = {{.id = "a"}}});
    CHECK(rules.has_value());
    ipc::GateStart start;
    start.mount_id = 7;
    start.scan_rules_bytes = (*rules)->size_bytes;
    CHECK(SendPacket(fd, ipc::Encode(start), {fd, fd, (*rules)->fd.get()})
              .has_value());
    [[maybe_unused]] auto end = Next(fd);
  });
  CoreClient client(Path(), 7);
  auto start = client.Connect();
  ASSERT_TRUE(start) << start.error().message;
  ASSERT_NE(start->scan_rules, nullptr);
  const auto rules = ipc::ReadScanRules(*start->scan_rules);
  ASSERT_TRUE(rules);
  EXPECT_EQ(rules->types.at(0).id, "a");
  client.Shutdown();
}

TEST_F(Questions, StartWithoutTheRulesItAnnouncesIsRefused) {
  Peer peer(Path(), [](int fd) {
    if (!Next(fd)) return;
    ipc::GateStart start;
    start.mount_id = 7;
    start.scan_rules_bytes = 100;
    [[maybe_unused]] auto sent = SendPacket(fd, ipc::Encode(start), {fd, fd});
  });
  CoreClient client(Path(), 7);
  EXPECT_FALSE(client.Connect());
}

// Answers each question through `answer`, once started.
struct Talk {
  Talk(const std::string& path,
       std::function<void(int fd, const Packet&)> answer)
      : peer(
            path,
            [answer](int fd) {
              while (auto packet = Next(fd)) {
                if (ipc::TypeOf(packet->bytes) == ipc::GateHello::kType) {
                  ipc::GateStart start;
                  start.mount_id = 7;
                  CHECK(
                      SendPacket(fd, ipc::Encode(start), {fd, fd}).has_value());
                  continue;
                }
                answer(fd, *packet);
              }
            }),
        client(path, 7, std::chrono::milliseconds(200)) {
    CHECK(client.Connect().has_value());
    thread = std::thread([this] {
      client.Run({[](const std::string&) {}, [](const std::string&) {},
                  [](const ipc::SharedScanRules&) {}});
    });
  }
  ~Talk() {
    client.Shutdown();
    thread.join();
  }
  Peer peer;
  CoreClient client;
  std::thread thread;
};

TEST_F(Questions, OnlyAKnownYesIsYes) {
  for (const auto& [verdict, allowed] : {std::pair{1, true},
                                         {2, true},
                                         {3, false},
                                         {0, false},
                                         {4, false},
                                         {255, false}}) {
    Talk talk(Path(), [value = verdict](int fd, const Packet& packet) {
      auto question = ipc::Decode<ipc::TransferQuestion>(packet.bytes);
      CHECK(question.has_value());
      ipc::TransferAnswer answer;
      answer.question_id = question->question_id;
      answer.verdict = static_cast<ipc::TransferVerdict>(value);
      CHECK(SendPacket(fd, ipc::Encode(answer)).has_value());
    });
    const auto judgement =
        talk.client.Judge({}, "a", "create", {}, {}, Soon(5000));
    EXPECT_TRUE(judgement.answered);
    EXPECT_EQ(judgement.allowed, allowed) << verdict;
  }
}

TEST_F(Questions, AnswerToAnotherQuestionIsNoAnswer) {
  Talk talk(Path(), [](int fd, const Packet&) {
    ipc::TransferAnswer answer;
    answer.question_id = 999;
    answer.verdict = ipc::TransferVerdict::kAllow;
    CHECK(SendPacket(fd, ipc::Encode(answer)).has_value());
  });
  const auto judgement =
      talk.client.Judge({}, "a", "create", {}, {}, Soon(100));
  EXPECT_FALSE(judgement.answered);
  EXPECT_FALSE(judgement.allowed);
}

TEST_F(Questions, MalformedAnswersAreNoAnswer) {
  Talk talk(Path(), [](int fd, const Packet&) {
    ipc::Writer writer;
    writer.PutType(ipc::TransferAnswer::kType);
    CHECK(SendPacket(fd, writer.Take()).has_value());
    CHECK(SendPacket(fd, AsBytes("x")).has_value());
  });
  EXPECT_FALSE(talk.client.AskWho({1, 1, Soon(100)}));
}

// A long write lies between the open and its verdict: no question waits in
// that time, so it is not silence.
TEST_F(Questions, TimeWithoutAQuestionIsNotSilence) {
  Talk talk(Path(), [](int fd, const Packet& packet) {
    auto question = ipc::Decode<ipc::WhoQuestion>(packet.bytes);
    CHECK(question.has_value());
    ipc::WhoAnswer answer;
    answer.question_id = question->question_id;
    CHECK(SendPacket(fd, ipc::Encode(answer)).has_value());
  });
  EXPECT_TRUE(talk.client.AskWho({1, 1, Soon(5000)}));
  std::this_thread::sleep_until(Soon(300));  // longer than the patience
  EXPECT_TRUE(talk.client.AskWho({1, 1, Soon(5000)}));
}

TEST_F(Questions, WhatHappenedToNamesIsToldBeforeALaterQuestion) {
  std::vector<uint16_t> types;
  Talk talk(Path(), [&types](int fd, const Packet& packet) {
    types.push_back(ipc::TypeOf(packet.bytes));
    auto question = ipc::Decode<ipc::TransferQuestion>(packet.bytes);
    if (!question) return;
    ipc::TransferAnswer answer;
    answer.question_id = question->question_id;
    answer.verdict = ipc::TransferVerdict::kAllow;
    CHECK(SendPacket(fd, ipc::Encode(answer)).has_value());
  });
  talk.client.TellFile({.path = "a", .change = ipc::FileChange::kRemoved});
  EXPECT_TRUE(talk.client.Judge({}, "a", "create", {}, {}, Soon(5000)).allowed);
  EXPECT_EQ(types, (std::vector<uint16_t>{ipc::FilesTold::kType,
                                          ipc::TransferQuestion::kType}));
}

TEST_F(Questions, NamesAreToldWithoutAnyQuestion) {
  std::atomic<int> told = 0;
  Talk talk(Path(), [&told](int, const Packet& packet) {
    const auto files = ipc::Decode<ipc::FilesTold>(packet.bytes);
    if (files) told += static_cast<int>(files->files.size());
  });
  std::thread telling([&] { talk.client.RunTelling(); });
  talk.client.TellFile({.path = "a", .change = ipc::FileChange::kRemoved});
  talk.client.TellFile({.path = "b", .change = ipc::FileChange::kRemoved});
  const Deadline until = Soon(10'000);
  while (told < 2 && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(told, 2);
  talk.client.Shutdown();
  telling.join();
}

TEST_F(Questions, NobodyWaitsTwiceForASilentSekishod) {
  Talk talk(Path(), [](int, const Packet&) {});
  EXPECT_FALSE(talk.client.AskWho({1, 1, Soon(60'000)}));
  EXPECT_FALSE(talk.client.AskWho({1, 1, Soon(60'000)}));
}

}  // namespace
}  // namespace sekisho::gate
