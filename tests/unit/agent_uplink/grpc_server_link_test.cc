// The uplink's gRPC side against a server in this process, over mTLS.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "agent/uplink/server_link.h"
#include "common/file.h"
#include "sekisho/event/v1/event_service.grpc.pb.h"
#include "sekisho/policy/v1/policy_service.grpc.pb.h"
#include "server/auth/certificates.h"

namespace sekisho::uplink {
namespace {

using event::v1::ConnectRequest;
using event::v1::ConnectResponse;

class EventServer final : public event::v1::EventService::Service {
 public:
  grpc::Status Connect(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<ConnectResponse, ConnectRequest>* stream)
      override {
    ConnectRequest request;
    while (stream->Read(&request)) {
      ConnectResponse response;
      if (request.has_hello()) {
        response.mutable_welcome()->set_terminal(request.hello().hostname());
      } else if (request.has_batch()) {
        const auto& records = request.batch().records();
        response.mutable_ack()->mutable_head()->set_sequence(
            records[records.size() - 1].sequence());
      } else {
        return {grpc::StatusCode::PERMISSION_DENIED, "revoked"};
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  }
};

class PolicyServer final : public policy::v1::PolicyService::Service {
 public:
  grpc::Status FetchEnvelope(
      grpc::ServerContext*, const policy::v1::FetchEnvelopeRequest* request,
      grpc::ServerWriter<policy::v1::FetchEnvelopeResponse>* writer) override {
    if (request->type() == "none") {
      return {grpc::StatusCode::NOT_FOUND, "none yet"};
    }
    policy::v1::FetchEnvelopeResponse response;
    for (int i = 0; i < 3; ++i) {
      response.set_chunk(std::string(256 * 1024, static_cast<char>('a' + i)));
      writer->Write(response);
    }
    return grpc::Status::OK;
  }
};

class GrpcServerLinkTest : public ::testing::Test, public ServerLink::Listener {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "grpc-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    const WallTime now = SystemClock().Now();
    ca_ = std::move(*auth::CertificateAuthority::OpenOrCreate(name, now));
    const std::string key = *auth::NewKeyPem();
    grpc::SslServerCredentialsOptions tls(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    tls.pem_root_certs = ca_->certificate_pem();
    tls.pem_key_cert_pairs.push_back(
        {key, ca_->IssueServer(*auth::NewCsrPem(key, "s"), {"127.0.0.1"}, now)
                  ->certificate_pem});
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(tls),
                             &port_);
    builder.RegisterService(&events_);
    builder.RegisterService(&policies_);
    server_ = builder.BuildAndStart();
    ASSERT_GT(port_, 0);

    identity_.key = *auth::NewKeyPem();
    identity_.certificate =
        ca_->IssueAgent(*auth::NewCsrPem(identity_.key, "a"), "agent-1", now)
            ->certificate_pem;
    identity_.ca = ca_->certificate_pem();
    loop_ = std::move(*EventLoop::Create());
    link_ = NewGrpcServerLink(*loop_);
    thread_ = std::jthread([this] { loop_->Run(); });
  }
  void TearDown() override {
    // A link outlives its stream.
    Do([&] { link_->Cancel(); });
    EXPECT_TRUE(Until([&] { return ended_.has_value(); }));
    server_->Shutdown(std::chrono::system_clock::now() +
                      std::chrono::seconds(1));
    loop_->Stop();
    thread_.join();
  }

  void OnMessage(const ConnectResponse& message) override {
    messages_.push_back(message);
  }
  void OnWritten() override { ++written_; }
  void OnEnded(const Error& error) override { ended_ = error; }

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
    int left = 20'000;
    look = [&] {
      if (so()) return answer.set_value(true);
      if (--left == 0) return answer.set_value(false);
      loop_->After(std::chrono::milliseconds(1), look);
    };
    loop_->Post(look);
    return answer.get_future().get();
  }
  void OpenAndGreet() {
    Do([&] {
      Config config;
      config.server = "127.0.0.1:" + std::to_string(port_);
      link_->Open(config, identity_, *this);
      ConnectRequest hello;
      hello.mutable_hello()->set_hostname("terminal-1");
      link_->Write(hello);
    });
    ASSERT_TRUE(Until([&] { return !messages_.empty() && written_ == 1; }));
  }

  EventServer events_;
  PolicyServer policies_;
  std::unique_ptr<auth::CertificateAuthority> ca_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  Identity identity_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<ServerLink> link_;
  std::jthread thread_;
  std::vector<ConnectResponse> messages_;
  int written_ = 0;
  std::optional<Error> ended_;
};

TEST_F(GrpcServerLinkTest, GreetsSendsAndHearsAcks) {
  OpenAndGreet();
  EXPECT_EQ(messages_[0].welcome().terminal(), "terminal-1");
  for (int64_t i = 1; i <= 50; ++i) {
    Do([&] {
      ConnectRequest batch;
      batch.mutable_batch()->add_records()->set_sequence(i);
      link_->Write(batch);
    });
    ASSERT_TRUE(Until([&] { return written_ == i + 1; }));
  }
  EXPECT_TRUE(Until([&] {
    return messages_.size() == 51 &&
           messages_.back().ack().head().sequence() == 50;
  }));
}

TEST_F(GrpcServerLinkTest, TheServersRefusalArrivesWithItsCode) {
  OpenAndGreet();
  Do([&] {
    ConnectRequest beat;
    beat.mutable_heartbeat()->set_mode("observe");
    link_->Write(beat);
  });
  ASSERT_TRUE(Until([&] { return ended_.has_value(); }));
  EXPECT_EQ(ended_->code, Code::kPermissionDenied);
  EXPECT_EQ(ended_->message, "revoked");
}

TEST_F(GrpcServerLinkTest, OpensAgainAfterTheServerWentAway) {
  OpenAndGreet();
  server_->Shutdown(std::chrono::system_clock::now());
  ASSERT_TRUE(Until([&] { return ended_.has_value(); }));
  Do([&] {
    ended_.reset();
    Config config;
    config.server = "127.0.0.1:" + std::to_string(port_);
    link_->Open(config, identity_, *this);
  });
  ASSERT_TRUE(Until([&] { return ended_.has_value(); }));
  EXPECT_EQ(ended_->code, Code::kUnavailable);
}

TEST_F(GrpcServerLinkTest, CancelEndsIt) {
  OpenAndGreet();
  Do([&] { link_->Cancel(); });
  EXPECT_TRUE(Until([&] { return ended_.has_value(); }));
}

TEST_F(GrpcServerLinkTest, AServerOfAnotherCaIsNotBelieved) {
  std::string name = ::testing::TempDir() + "other-XXXXXX";
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  const auto other =
      auth::CertificateAuthority::OpenOrCreate(name, SystemClock().Now());
  identity_.ca = (*other)->certificate_pem();
  Do([&] {
    Config config;
    config.server = "127.0.0.1:" + std::to_string(port_);
    link_->Open(config, identity_, *this);
  });
  ASSERT_TRUE(Until([&] { return ended_.has_value(); }));
  EXPECT_TRUE(messages_.empty());
}

TEST_F(GrpcServerLinkTest, AnEnvelopeComesSealedInAMemfd) {
  OpenAndGreet();
  std::optional<Result<Fetched>> fetched;
  Do([&] {
    link_->Fetch("policy", [&](Result<Fetched> f) { fetched = std::move(f); });
  });
  ASSERT_TRUE(Until([&] { return fetched.has_value(); }));
  ASSERT_TRUE(*fetched);
  EXPECT_EQ((*fetched)->size_bytes, 3 * 256 * 1024);
  EXPECT_LT(::write((*fetched)->memfd.get(), "x", 1), 0);
  ASSERT_EQ(::lseek((*fetched)->memfd.get(), 0, SEEK_SET), 0);
  const auto text = ReadAll((*fetched)->memfd.get(), 1 << 20);
  EXPECT_EQ((*text)[256 * 1024], 'b');
}

TEST_F(GrpcServerLinkTest, AnEnvelopeThatIsNotThereIsAnError) {
  OpenAndGreet();
  std::optional<Result<Fetched>> fetched;
  Do([&] {
    link_->Fetch("none", [&](Result<Fetched> f) { fetched = std::move(f); });
  });
  ASSERT_TRUE(Until([&] { return fetched.has_value(); }));
  EXPECT_EQ(fetched->error().code, Code::kNotFound);
}

}  // namespace
}  // namespace sekisho::uplink
