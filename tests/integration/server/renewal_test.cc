// Certificates follow each other between a real uplink, the enrolment process
// and the server. Certificates live 40 minutes and are valid from an hour
// before, so that TLS, which asks the machine's own clock, takes each of them;
// what counts here is the server's and the terminal's clock, which is moved.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <numeric>

#include "cli/admin_client.h"
#include "cli/enrolment_call.h"
#include "common/file.h"
#include "proto/certificate_request.h"
#include "tests/integration/server/test_server.h"
#include "tests/integration/server/uplinked_terminal.h"

namespace sekisho::testing {
namespace {

using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kLife = minutes(40);
// Life counts from the hour before: two thirds to three quarters of it are 7
// to 15 minutes after it was made.
constexpr auto kDue = minutes(16);

class RenewalTest : public ::testing::Test {
 protected:
  template <typename Condition>
  static bool Eventually(Condition condition) {
    const auto limit =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < limit) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  std::unique_ptr<UplinkedTerminal> Terminal(const Enrolled& enrolled) {
    return std::make_unique<UplinkedTerminal>(
        enrolled, server_.agents_port(), server_.enrol_port(), server_.clock());
  }
  static uplink::Identity IdentityOf(const Enrolled& enrolled) {
    return {enrolled.key_pem, enrolled.answer.certificate_pem(),
            enrolled.answer.ca_pem()};
  }
  // As an agent's uplink asks, but by hand; the server's answer.
  Result<std::string> Ask(enrolment::v1::RenewRequest request) {
    const auto loop = std::move(*EventLoop::Create());
    const auto link = uplink::NewGrpcServerLink(*loop);
    uplink::Config config;
    config.enrolment = "localhost:" + std::to_string(server_.enrol_port());
    Result<std::string> answer = Fail(Code::kUnknown, "");
    link->Renew(config, server_.ca_pem(), request,
                [&](Result<std::string> got) {
                  answer = std::move(got);
                  loop->Post([&] { loop->Stop(); });
                });
    loop->Run();
    return answer;
  }
  static enrolment::v1::RenewRequest RequestOf(
      const uplink::Identity& identity) {
    enrolment::v1::RenewRequest request;
    request.set_certificate_pem(identity.certificate);
    request.set_csr_pem(enrolment::NewKeyAndCsr("x")->csr_pem);
    request.set_proof(*enrolment::ProveRenewal(
        identity.key, identity.certificate, request.csr_pem()));
    return request;
  }
  admin::v1::Agent AgentRow(const std::string& id) {
    cli::AdminClient client(server_.socket());
    return *cli::FindAgent(client, id);
  }
  std::vector<std::string> OpenAlerts() {
    cli::AdminClient client(server_.socket());
    const auto page = client.Call<admin::v1::ListAlertsResponse>(
        admin::v1::ListAlertsRequest());
    std::vector<std::string> kinds;
    for (const auto& alert : page->alerts()) {
      const bool over = alert.comments_size() > 0 &&
                        alert.comments(0).ends_with("over by itself");
      if (!over) kinds.push_back(alert.kind());
    }
    return kinds;
  }
  bool HasAlert(const std::string& kind) {
    const auto kinds = OpenAlerts();
    return std::ranges::find(kinds, kind) != kinds.end();
  }
  // All that the server has of the agent, in the order of its log.
  std::vector<int64_t> Sequences(const std::string& agent_id) {
    cli::AdminClient client(server_.socket());
    std::vector<int64_t> sequences;
    admin::v1::ExportEventsRequest request;
    request.set_agent_id(agent_id);
    CHECK(
        client
            .Export(request,
                    [&](const admin::v1::ExportEventsResponse& part) -> Status {
                      for (const auto& record : part.records()) {
                        sequences.push_back(record.sequence());
                      }
                      return {};
                    })
            .has_value());
    return sequences;
  }
  Status Approve(const std::string& agent_id) {
    cli::AdminClient client(server_.socket());
    admin::v1::ApproveRenewalRequest request;
    request.set_agent_id(agent_id);
    const auto done = client.Call<admin::v1::ApproveRenewalResponse>(request);
    return done ? Status() : std::unexpected(done.error());
  }

  TestServer server_{kLife};
};

TEST_F(RenewalTest, EventsGoOnInOrderAcrossTheSwitch) {
  const Enrolled enrolled = server_.EnrolAs("a");
  const std::string id = enrolled.answer.agent_id();
  const auto terminal = Terminal(enrolled);
  terminal->Start();
  int64_t happened = 0;
  const auto happen = [&](int count) {
    for (int i = 0; i < count; ++i, ++happened) terminal->Happen();
  };
  happen(200);
  ASSERT_TRUE(Eventually([&] { return terminal->acked() == happened; }));
  const std::string before = terminal->identity().certificate;

  server_.clock().Advance(kDue);
  // Events go on happening while the certificate changes.
  ASSERT_TRUE(Eventually([&] {
    happen(5);
    return terminal->identity().certificate != before;
  }));
  happen(500);
  ASSERT_TRUE(Eventually([&] { return terminal->acked() == happened; }));

  std::vector<int64_t> expected(static_cast<size_t>(happened));
  std::iota(expected.begin(), expected.end(), 1);
  EXPECT_EQ(Sequences(id), expected);
  EXPECT_EQ(AgentRow(id).state(), "connected");
  EXPECT_EQ(OpenAlerts(), std::vector<std::string>());

  EXPECT_THAT(server_.Audit("agent.renew"), ElementsAre("ok"));

  // The key is a new one, and the certificate before is of no use any more.
  EXPECT_NE(terminal->identity().key, enrolled.key_pem);
  FakeAgent copy(server_.agents_port(), enrolled);
  const auto refused = copy.Connect();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnauthenticated);
  EXPECT_THAT(refused.error().message, HasSubstr("newer certificate"));
  EXPECT_TRUE(HasAlert("certificate_copied"));
  EXPECT_EQ(AgentRow(id).state(), "connected");
}

TEST_F(RenewalTest, IsRefusedToARevokedAgent) {
  const Enrolled enrolled = server_.EnrolAs("a");
  cli::AdminClient client(server_.socket());
  admin::v1::RevokeAgentRequest revoke;
  revoke.set_agent_id(enrolled.answer.agent_id());
  ASSERT_TRUE(client.Call<admin::v1::RevokeAgentResponse>(revoke));
  const auto answer = Ask(RequestOf(IdentityOf(enrolled)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kPermissionDenied);
  EXPECT_THAT(server_.Audit("agent.renew"), ElementsAre("agent a is revoked"));
}

TEST_F(RenewalTest, IsRefusedWithoutTheKeyAndToForeignCertificates) {
  const Enrolled enrolled = server_.EnrolAs("a");
  const Enrolled other = server_.EnrolAs("b");
  // The certificate is public; the key is not here.
  uplink::Identity stolen = IdentityOf(enrolled);
  stolen.key = other.key_pem;
  EXPECT_EQ(Ask(RequestOf(stolen)).error().code, Code::kUnauthenticated);
  // A request of one agent under the certificate of another.
  auto swapped = RequestOf(IdentityOf(other));
  swapped.set_certificate_pem(enrolled.answer.certificate_pem());
  EXPECT_EQ(Ask(swapped).error().code, Code::kUnauthenticated);
  // A CA of the asker's own.
  const std::string dir = server_.dir() + "/foreign";
  ASSERT_EQ(mkdir(dir.c_str(), 0700), 0);
  const auto ca =
      auth::CertificateAuthority::OpenOrCreate(dir, server_.clock().Now());
  uplink::Identity foreign = IdentityOf(enrolled);
  foreign.certificate =
      (*ca)
          ->IssueAgent(*auth::NewCsrPem(foreign.key, "x"),
                       enrolled.answer.agent_id(), server_.clock().Now())
          ->certificate_pem;
  EXPECT_EQ(Ask(RequestOf(foreign)).error().code, Code::kUnauthenticated);
  // Of our CA, but never given out.
  const auto ours = auth::CertificateAuthority::OpenOrCreate(
      server_.dir() + "/ca", server_.clock().Now());
  foreign.certificate =
      (*ours)
          ->IssueAgent(*auth::NewCsrPem(foreign.key, "x"),
                       enrolled.answer.agent_id(), server_.clock().Now())
          ->certificate_pem;
  EXPECT_EQ(Ask(RequestOf(foreign)).error().code, Code::kUnauthenticated);
  EXPECT_TRUE(Ask(RequestOf(IdentityOf(enrolled))));
}

TEST_F(RenewalTest, AReplayedRequestAndAFloodAreRefused) {
  const Enrolled enrolled = server_.EnrolAs("a");
  const auto request = RequestOf(IdentityOf(enrolled));
  ASSERT_TRUE(Ask(request));
  const auto again = Ask(request);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kAlreadyExists);
  // Two are there; six more are given today.
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(Ask(RequestOf(IdentityOf(enrolled)))) << i;
  }
  EXPECT_EQ(Ask(RequestOf(IdentityOf(enrolled))).error().code,
            Code::kResourceExhausted);
  // Lost answers retire nothing: the certificate in use is still good.
  FakeAgent agent(server_.agents_port(), enrolled);
  EXPECT_TRUE(agent.Connect());
}

TEST_F(RenewalTest, ATerminalThatWasOffTooLongRenewsAfterOneApproval) {
  const Enrolled enrolled = server_.EnrolAs("a");
  const std::string id = enrolled.answer.agent_id();
  EXPECT_EQ(Approve(id).error().code, Code::kFailedPrecondition);
  const auto terminal = Terminal(enrolled);
  terminal->Happen();
  server_.clock().Advance(minutes(45));
  ASSERT_TRUE(Eventually([&] { return HasAlert("certificate_expiring"); }));
  terminal->Start();
  ASSERT_TRUE(Eventually([&] { return AgentRow(id).renewal() == "asked"; }));
  EXPECT_TRUE(HasAlert("renewal_asked"));
  ASSERT_TRUE(Eventually([&] {
    return terminal->trouble().find("sekisho agent renew a") !=
           std::string::npos;
  })) << terminal->trouble();
  EXPECT_EQ(terminal->acked(), 0);

  ASSERT_TRUE(Approve(id));
  ASSERT_TRUE(Eventually([&] { return terminal->acked() == 1; }));
  EXPECT_EQ(AgentRow(id).renewal(), "");
  // Asked for, however often, is written once; then that it was given.
  EXPECT_THAT(server_.Audit("agent.renew"),
              ElementsAre(HasSubstr("expired on"), "ok"));
  EXPECT_THAT(server_.Audit("agent.approve_renewal"),
              ElementsAre(HasSubstr("does not ask"), "ok"));
  // Used once: the next time it is asked for again.
  EXPECT_EQ(Approve(id).error().code, Code::kFailedPrecondition);
  server_.clock().Advance(minutes(2));
  EXPECT_TRUE(Eventually([&] { return !HasAlert("certificate_expiring"); }));
}

TEST_F(RenewalTest, AnExpiredCertificateOpensNothingAndEndsItsStream) {
  const Enrolled enrolled = server_.EnrolAs("a");
  FakeAgent agent(server_.agents_port(), enrolled);
  ASSERT_TRUE(agent.Connect());
  server_.clock().Advance(minutes(45));
  (void)agent.SendHeartbeat();
  EXPECT_EQ(agent.AwaitEnd().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  const auto again = agent.Connect();
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("expired"));
}

TEST_F(RenewalTest, ServerCertificatesAreRenewedAndTakenUpWithoutARestart) {
  const auto certificate = [&](const char* process) {
    return *ReadFileAt(AT_FDCWD, server_.dir() + "/" + process + "/tls.pem",
                       2 * auth::kMaxPemBytes);
  };
  const auto serves = [&](int port, const std::string& pem) {
    return cli::FetchTrusted("localhost:" + std::to_string(port),
                             *FromHex(*auth::Fingerprint(pem)))
        .has_value();
  };
  const std::string server = certificate("server");
  const std::string enrol = certificate("ca");
  ASSERT_TRUE(serves(server_.agents_port(), server));
  ASSERT_TRUE(serves(server_.enrol_port(), enrol));
  ASSERT_TRUE(server_.enrol().RenewServerCertificates());
  EXPECT_EQ(certificate("server"), server) << "it is not due";

  server_.clock().Advance(std::chrono::days(300));
  ASSERT_TRUE(server_.enrol().RenewServerCertificates());
  EXPECT_NE(certificate("server"), server);
  EXPECT_NE(certificate("ca"), enrol);
  EXPECT_EQ(*auth::NamesOf(certificate("server")), *auth::NamesOf(server));
  EXPECT_TRUE(Eventually([&] {
    return serves(server_.agents_port(), certificate("server")) &&
           serves(server_.enrol_port(), certificate("ca"));
  }));
  EXPECT_FALSE(serves(server_.agents_port(), server));
}

}  // namespace
}  // namespace sekisho::testing
