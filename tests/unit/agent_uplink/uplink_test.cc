// The uplink between a sekishod and a server that are the test's own.
#include "agent/uplink/uplink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <numeric>
#include <thread>

#include "common/unix_socket.h"

namespace sekisho::uplink {
namespace {

using event::v1::ConnectRequest;
using event::v1::ConnectResponse;
using std::chrono::milliseconds;

class FakeServer final : public ServerLink {
 public:
  explicit FakeServer(EventLoop& loop) : loop_(loop) {}
  void Open(const Config& config, const Identity& identity,
            Listener& listener) override {
    ++opened;
    certificates.push_back(identity.certificate);
    server = config.server;
    open = true;
    listener_ = &listener;
    if (refuse_with) End(*refuse_with);
  }
  void Write(ConnectRequest message) override {
    if (!open) return;
    EXPECT_FALSE(writing_) << "two writes at once";
    writing_ = true;
    got.push_back(std::move(message));
    loop_.Post([this] {
      writing_ = false;
      if (open) listener_->OnWritten();
    });
  }
  void Cancel() override { End({Code::kCancelled, "cancelled"}); }
  void Fetch(const std::string& type, FetchDone done) override {
    fetched.push_back(type);
    UniqueFd memfd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto result = std::make_shared<Fetched>(Fetched{std::move(memfd), 42});
    loop_.Post([done, result] { done(std::move(*result)); });
  }
  void Prepare(const Config&, const Identity& identity,
               PrepareDone done) override {
    prepared.push_back(identity.certificate);
    loop_.Post([this, done] {
      done(prepare_fails ? Fail(Code::kUnavailable, "not taken") : Status());
    });
  }
  void Renew(const Config& config, const std::string&,
             const enrolment::v1::RenewRequest& request,
             RenewDone done) override {
    enrolment_server = config.enrolment;
    renewals.push_back(request);
    loop_.Post([this, request, done] { done(renew(request)); });
  }
  void End(Error error) {
    loop_.Post([this, error] {
      if (!open) return;
      open = writing_ = false;
      listener_->OnEnded(error);
    });
  }
  void Say(const ConnectResponse& message) {
    if (open) listener_->OnMessage(message);
  }

  int opened = 0;
  bool open = false;
  std::string server;
  std::optional<Error> refuse_with;
  std::vector<ConnectRequest> got;
  std::vector<std::string> fetched;
  std::vector<std::string> certificates;  // of each Open()
  std::vector<std::string> prepared;
  bool prepare_fails = false;
  std::string enrolment_server;
  std::vector<enrolment::v1::RenewRequest> renewals;
  std::function<Result<std::string>(const enrolment::v1::RenewRequest&)> renew;

 private:
  EventLoop& loop_;
  Listener* listener_ = nullptr;
  bool writing_ = false;
};

class UplinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "uplink-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
    std::ofstream(dir_ + "/agent.yaml") << "server: example:7443\n";
    for (const char* file : {"agent.key", "agent.crt", "ca.crt"}) {
      std::ofstream(dir_ + "/" + file) << "pem";
    }
    loop_ = std::move(*EventLoop::Create());
    server_ = std::make_unique<FakeServer>(*loop_);
    thread_ = std::jthread([this] { loop_->Run(); });
    Do([&] { StartCore(); });
  }
  void TearDown() override {
    Do([&] {
      uplink_.reset();
      StopCore();
    });
    loop_->Stop();
    thread_.join();
    std::filesystem::remove_all(dir_);
  }

  void StartUplink() {
    UplinkOptions options;
    options.core_socket = dir_ + "/core.sock";
    options.config_path = dir_ + "/agent.yaml";
    options.state_dir = dir_;
    options.answer_timeout = milliseconds(150);
    options.core_answers = milliseconds(100);
    options.heartbeat = heartbeat_;
    uplink_ =
        std::make_unique<Uplink>(*loop_, *server_, clock_, std::move(options));
    uplink_->Start();
  }
  void StartCore() {
    listener_ = std::move(*ListenSeqpacket(dir_ + "/core.sock", 0600));
    ASSERT_TRUE(loop_->Add(listener_.get(), EPOLLIN, [this](uint32_t) {
      auto fd = AcceptSeqpacket(listener_.get());
      if (!fd) return;
      CloseCore();
      core_ = std::move(*fd);
      ++core_connections_;
      ASSERT_TRUE(
          loop_->Add(core_.get(), EPOLLIN, [this](uint32_t) { ReadCore(); }));
      SendState();
    }));
  }
  void StopCore() {
    CloseCore();
    if (listener_) loop_->Remove(listener_.get());
    listener_.Reset();
    std::filesystem::remove(dir_ + "/core.sock");
  }
  void CloseCore() {
    if (core_) loop_->Remove(core_.get());
    core_.Reset();
  }
  void ReadCore() {
    auto packet = ReceivePacket(core_.get());
    if (!packet) return CloseCore();
    switch (ipc::TypeOf(packet->bytes)) {
      case ipc::SendFrom::kType:
        send_from_.push_back(ipc::Decode<ipc::SendFrom>(packet->bytes)->acked);
        break;
      case ipc::EventsAcked::kType:
        acked_.push_back(
            ipc::Decode<ipc::EventsAcked>(packet->bytes)->head.sequence);
        break;
      case ipc::UplinkState::kType:
        state_ = *ipc::Decode<ipc::UplinkState>(packet->bytes);
        if (!frozen_) SendState();
        break;
      case ipc::EnvelopeIn::kType:
        envelopes_.push_back(ipc::Decode<ipc::EnvelopeIn>(packet->bytes)->type);
        EXPECT_EQ(packet->fds.size(), 1U);
        break;
      case ipc::HistoryRewritten::kType:
        rewritten_.push_back(
            ipc::Decode<ipc::HistoryRewritten>(packet->bytes)->detail);
        break;
      default:
        ADD_FAILURE() << "unexpected message";
    }
  }
  void SendState() {
    ASSERT_TRUE(SendPacket(core_.get(), ipc::Encode(core_state_)));
  }
  void SendEvent(int64_t sequence) {
    event::v1::EventRecord record;
    record.set_epoch(1);
    record.set_sequence(sequence);
    ASSERT_TRUE(SendPacket(
        core_.get(),
        ipc::Encode(ipc::EventOut{sequence, record.SerializeAsString()})));
  }
  void Welcome(int64_t sequence) {
    ConnectResponse response;
    response.mutable_welcome()->mutable_head()->set_epoch(1);
    response.mutable_welcome()->mutable_head()->set_sequence(sequence);
    server_->Say(response);
  }
  void Ack(int64_t sequence) {
    ConnectResponse response;
    response.mutable_ack()->mutable_head()->set_epoch(1);
    response.mutable_ack()->mutable_head()->set_sequence(sequence);
    server_->Say(response);
  }

  // Everything above belongs to the loop's thread; a test acts there through
  // Do() and looks there through Until().
  template <typename F>
  void Do(F action) {
    std::promise<void> done;
    loop_->Post([&] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }
  bool Until(const std::function<bool()>& so) {
    std::promise<bool> answer;
    std::function<void()> look;
    const BootTime limit = clock_.SinceBoot() + std::chrono::seconds(20);
    look = [&] {
      if (so()) return answer.set_value(true);
      if (clock_.SinceBoot() > limit) return answer.set_value(false);
      loop_->After(milliseconds(1), look);
    };
    loop_->Post(look);
    return answer.get_future().get();
  }
  void Connect(int64_t head = 0) {
    Do([&] { StartUplink(); });
    ASSERT_TRUE(Until([&] { return !server_->got.empty(); }));
    Do([&] { Welcome(head); });
    ASSERT_TRUE(Until([&] { return !send_from_.empty(); }));
  }
  bool ReconnectsAfter(int opened) {
    return Until([&] { return server_->opened > opened && server_->open; });
  }
  std::vector<int64_t> SentSequences() const {
    std::vector<int64_t> out;
    for (const ConnectRequest& request : server_->got) {
      for (const auto& record : request.batch().records()) {
        out.push_back(record.sequence());
      }
    }
    return out;
  }

  std::string dir_;
  SystemClock clock_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<FakeServer> server_;
  UniqueFd listener_;
  UniqueFd core_;
  int core_connections_ = 0;
  bool frozen_ = false;
  milliseconds heartbeat_{30'000};
  ipc::CoreState core_state_;
  std::vector<ipc::ChainHead> send_from_;
  std::vector<int64_t> acked_;
  std::vector<std::string> envelopes_;
  std::vector<std::string> rewritten_;
  std::optional<ipc::UplinkState> state_;
  std::unique_ptr<Uplink> uplink_;
  std::jthread thread_;
};

using ::testing::ElementsAre;

TEST_F(UplinkTest, HelloSaysWhatSekishodHolds) {
  core_state_.policy_version = 7;
  core_state_.head.epoch = 1;
  core_state_.head.sequence = 12;
  Connect();
  const auto& hello = server_->got[0].hello();
  EXPECT_EQ(hello.head().sequence(), 12);
  EXPECT_EQ(hello.held_versions().at("policy"), 7);
  EXPECT_EQ(server_->server, "example:7443");
}

TEST_F(UplinkTest, AsksSekishodFromWhereTheServerStands) {
  Connect(5);
  EXPECT_EQ(send_from_[0].sequence, 5);
  EXPECT_TRUE(Until([&] { return state_ && state_->connected; }));
}

TEST_F(UplinkTest, EventsGoUpOnceInOrderAndAcksComeDown) {
  Connect();
  Do([&] {
    for (int64_t i = 1; i <= 40; ++i) SendEvent(i);
  });
  ASSERT_TRUE(Until([&] { return SentSequences().size() == 40; }));
  std::vector<int64_t> expected(40);
  std::iota(expected.begin(), expected.end(), 1);
  EXPECT_EQ(SentSequences(), expected);
  Do([&] { Ack(40); });
  EXPECT_TRUE(Until([&] { return acked_ == std::vector<int64_t>{40}; }));
}

TEST_F(UplinkTest, HeartbeatComesAtOnceAndSaysIfSekishodIsAway) {
  Connect();
  const auto beats = [&](bool alive) {
    return [this, alive] {
      return std::ranges::any_of(server_->got, [&](const auto& request) {
        return request.has_heartbeat() &&
               request.heartbeat().core_alive() == alive;
      });
    };
  };
  ASSERT_TRUE(Until(beats(true)));
  Do([&] { StopCore(); });
  ASSERT_TRUE(Until(beats(false)));
}

TEST_F(UplinkTest, ASekishodThatIsFrozenIsToldAsAwayUntilItAnswers) {
  heartbeat_ = milliseconds(50);
  Connect();
  const auto newest = [&](bool alive) {
    return [this, alive] {
      const auto beat = std::ranges::find_if(
          server_->got.rbegin(), server_->got.rend(),
          [](const auto& request) { return request.has_heartbeat(); });
      return beat != server_->got.rend() &&
             beat->heartbeat().core_alive() == alive;
    };
  };
  ASSERT_TRUE(Until(newest(true)));
  Do([&] { frozen_ = true; });
  ASSERT_TRUE(Until(newest(false)));
  Do([&] {
    frozen_ = false;
    SendState();
  });
  ASSERT_TRUE(Until(newest(true)));
  EXPECT_EQ(core_connections_, 1);
}

TEST_F(UplinkTest, AfterALostConnectionItSendsWhatWasNotAcknowledged) {
  Connect();
  Do([&] {
    for (int64_t i = 1; i <= 3; ++i) SendEvent(i);
  });
  ASSERT_TRUE(Until([&] { return SentSequences().size() == 3; }));
  Do([&] { server_->End({Code::kUnavailable, "cable"}); });
  ASSERT_TRUE(ReconnectsAfter(1));
  Do([&] {
    send_from_.clear();
    Welcome(2);
  });
  ASSERT_TRUE(Until([&] { return !send_from_.empty(); }));
  EXPECT_EQ(send_from_[0].sequence, 2);
  // A connection of its own: nothing of the old question is mixed in.
  EXPECT_GE(core_connections_, 2);
}

TEST_F(UplinkTest, AServerThatDoesNotAcknowledgeIsLeft) {
  Connect();
  Do([&] { SendEvent(1); });
  EXPECT_TRUE(ReconnectsAfter(1));
}

TEST_F(UplinkTest, AServerThatDoesNotWelcomeIsLeft) {
  Do([&] { StartUplink(); });
  EXPECT_TRUE(ReconnectsAfter(1));
}

TEST_F(UplinkTest, RefusedEventsAreAskedForAgainFromTheServersHead) {
  Connect();
  Do([&] {
    SendEvent(9);
    send_from_.clear();
  });
  ASSERT_TRUE(Until([&] { return SentSequences().size() == 1; }));
  Do([&] {
    ConnectResponse response;
    response.mutable_refusal()->set_reason("gap");
    response.mutable_refusal()->mutable_head()->set_epoch(1);
    response.mutable_refusal()->mutable_head()->set_sequence(4);
    server_->Say(response);
  });
  ASSERT_TRUE(Until([&] { return !send_from_.empty(); }));
  EXPECT_EQ(send_from_[0].sequence, 4);
  EXPECT_EQ(server_->opened, 1);
}

TEST_F(UplinkTest, SekishodBackAgainIsAskedFromTheNewestAck) {
  Connect();
  Do([&] {
    for (int64_t i = 1; i <= 5; ++i) SendEvent(i);
  });
  ASSERT_TRUE(Until([&] { return SentSequences().size() == 5; }));
  Do([&] {
    Ack(5);
    send_from_.clear();
    StopCore();
  });
  Do([&] { StartCore(); });
  ASSERT_TRUE(Until([&] { return !send_from_.empty(); }));
  EXPECT_EQ(send_from_[0].sequence, 5);
  EXPECT_EQ(server_->opened, 1);
}

TEST_F(UplinkTest, ANewerEnvelopeIsFetchedOnceAndHandedOver) {
  core_state_.policy_version = 3;
  Connect();
  const auto announce = [&](const char* type, int64_t version) {
    ConnectResponse response;
    response.mutable_announcement()->set_type(type);
    response.mutable_announcement()->set_version(version);
    server_->Say(response);
  };
  Do([&] {
    announce("policy", 3);
    announce("policy", 4);
    announce("policy", 4);
    announce("devices", 1);
  });
  ASSERT_TRUE(Until([&] { return envelopes_.size() == 2; }));
  EXPECT_THAT(server_->fetched, ElementsAre("policy", "devices"));
  EXPECT_THAT(envelopes_, ElementsAre("policy", "devices"));
}

TEST_F(UplinkTest, WithoutIdentityItWaitsAndSaysWhy) {
  std::filesystem::remove(dir_ + "/agent.key");
  Do([&] { StartUplink(); });
  ASSERT_TRUE(Until([&] { return state_ && !state_->detail.empty(); }));
  EXPECT_THAT(state_->detail, ::testing::HasSubstr("agent.key"));
  std::ofstream(dir_ + "/agent.key") << "pem";
  EXPECT_TRUE(Until([&] { return server_->open; }));
}

TEST_F(UplinkTest, WithoutSekishodItConnectsAndClaimsNoHead) {
  Do([&] { StopCore(); });
  Do([&] { StartUplink(); });
  ASSERT_TRUE(Until([&] { return !server_->got.empty(); }));
  EXPECT_FALSE(server_->got[0].hello().has_head());
}

TEST_F(UplinkTest, ASlowServerStopsTheReadingNotTheMemory) {
  Connect();
  Do([&] {
    // Non-blocking: sekishod stops when the socket is full, as here.
    ASSERT_EQ(::fcntl(core_.get(), F_SETFL, O_NONBLOCK), 0);
    event::v1::EventRecord record;
    record.set_epoch(1);
    record.set_personal_part(std::string(50'000, 'p'));
    for (int64_t i = 1; i <= 200; ++i) {
      record.set_sequence(i);
      if (!SendPacket(core_.get(), ipc::Encode(ipc::EventOut{
                                       i, record.SerializeAsString()}))) {
        break;
      }
    }
  });
  ASSERT_TRUE(Until([&] { return server_->opened > 1; }));
  EXPECT_LE(SentSequences().size(), kWindowBytes / 50'000 + 1);
}

TEST(Batcher, KeepsTheServersLimits) {
  Batcher batcher;
  event::v1::EventRecord record;
  for (int i = 1; i <= 501; ++i) {
    record.set_sequence(i);
    ASSERT_TRUE(batcher.Add(record.SerializeAsString()));
  }
  EXPECT_EQ(batcher.TakeBatch().records_size(), 500);
  EXPECT_EQ(batcher.TakeBatch().records_size(), 1);
  record.set_personal_part(std::string(100'000, 'x'));
  for (int i = 502; i <= 510; ++i) {
    record.set_sequence(i);
    ASSERT_TRUE(batcher.Add(record.SerializeAsString()));
  }
  EXPECT_EQ(batcher.TakeBatch().records_size(), 5);
  EXPECT_FALSE(batcher.Add("\xff\xff\xff"));
}

TEST(Batcher, AcknowledgedMakesRoom) {
  Batcher batcher;
  event::v1::EventRecord record;
  record.set_epoch(1);
  for (size_t i = 1; i <= kWindowRecords; ++i) {
    EXPECT_TRUE(batcher.HasRoom());
    record.set_sequence(static_cast<int64_t>(i));
    ASSERT_TRUE(batcher.Add(record.SerializeAsString()));
  }
  EXPECT_FALSE(batcher.HasRoom());
  batcher.TakeBatch();
  batcher.Ack(1, 10);
  EXPECT_TRUE(batcher.HasRoom());
  EXPECT_TRUE(batcher.AwaitsAck());
}

TEST(Backoff, FirstIsQuickThenItDoublesToTheLimitAndIsSpread) {
  Backoff backoff(BackoffLimits{});
  EXPECT_LE(backoff.Next(~uint64_t{0}), milliseconds(200));
  milliseconds before{0};
  for (int i = 0; i < 4; ++i) {
    Backoff copy = backoff;
    const auto low = copy.Next(0);
    const auto high = backoff.Next(static_cast<uint64_t>(low.count()));
    EXPECT_EQ(low * 2, high);
    EXPECT_GT(high, before);
    before = high;
  }
  for (int i = 0; i < 100; ++i) backoff.Next(1);
  EXPECT_LE(backoff.Next(~uint64_t{0}), milliseconds(15'000));
  EXPECT_GE(backoff.Next(0), milliseconds(7'500));
  backoff.Refused();
  EXPECT_GE(backoff.Next(0), milliseconds(30'000));
  backoff.Reset();
  EXPECT_LE(backoff.Next(~uint64_t{0}), milliseconds(200));
}

TEST(Config, ReadsServerAndReconnectLimit) {
  const struct {
    const char* text;
    const char* server;
  } cases[] = {
      {"server: a.example:7000\n", "a.example:7000"},
      {"# x\nserver: 'a.example' # main\n", "a.example:7443"},
      {"server: \"10.0.2.2\"\nother: 1\n", "10.0.2.2:7443"},
      {"server: [fd00::1]\n", "[fd00::1]:7443"},
      {"server: [fd00::1]:99\n", "[fd00::1]:99"},
  };
  for (const auto& c : cases) {
    const auto config = ParseConfig(c.text);
    ASSERT_TRUE(config) << c.text;
    EXPECT_EQ(config->server, c.server);
  }
  EXPECT_EQ(ParseConfig("").error().code, Code::kNotFound);
  EXPECT_EQ(ParseConfig("  server: x\n").error().code, Code::kNotFound);
  EXPECT_EQ(
      ParseConfig("server: x\nreconnect_max_seconds: 5\n")->backoff.longest,
      milliseconds(5'000));
  EXPECT_FALSE(ParseConfig("server: x\nreconnect_max_seconds: 0\n"));
}

TEST_F(UplinkTest, TurnsAwayFromAServerWhoseHistoryWasRewritten) {
  const merkle::Signer signer = merkle::NewSigner();
  const auto state = [&](std::string_view leaf) {
    merkle::Growing tree;
    tree.Append(merkle::LeafHash(AsBytes(leaf)));
    event::v1::LogState log;
    log.set_key(merkle::PrintVerifier(signer.verifier));
    log.set_checkpoint(merkle::SignCheckpoint(tree.head(), signer));
    log.set_from_size(1);
    return log;
  };
  Connect();
  ConnectResponse news;
  *news.mutable_log() = state("a");
  Do([&] { server_->Say(news); });
  // Said again at the next connection, which shows another history.
  Do([&] { server_->End({Code::kUnavailable, "cable"}); });
  ASSERT_TRUE(ReconnectsAfter(1));
  ASSERT_TRUE(Until([&] {
    return server_->got.back().has_hello() &&
           server_->got.back().hello().checkpoint() == state("a").checkpoint();
  }));
  Do([&] {
    send_from_.clear();
    ConnectResponse welcome;
    welcome.mutable_welcome()->mutable_head()->set_epoch(1);
    *welcome.mutable_welcome()->mutable_log() = state("b");
    server_->Say(welcome);
  });
  ASSERT_TRUE(Until([&] { return !rewritten_.empty(); }));
  EXPECT_THAT(rewritten_[0], ::testing::HasSubstr("was rewritten"));
  ASSERT_TRUE(Until([&] { return !server_->open; }));
  EXPECT_TRUE(Until([&] { return state_ && state_->detail == rewritten_[0]; }));
  // It gets no event.
  EXPECT_TRUE(send_from_.empty());
}

}  // namespace
}  // namespace sekisho::uplink
