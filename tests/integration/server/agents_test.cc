// What agents, good and bad, meet at the server's ports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/admin_client.h"
#include "policy/envelope.h"
#include "policy/packs.h"
#include "tests/integration/server/test_server.h"

namespace sekisho::testing {
namespace {

using event::v1::ConnectResponse;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Milliseconds = std::chrono::milliseconds;

class AgentsTest : public ::testing::Test {
 protected:
  cli::AdminClient Admin() { return cli::AdminClient(server_.socket()); }

  template <typename Condition>
  static bool Eventually(Condition condition) {
    const auto limit =
        std::chrono::steady_clock::now() + std::chrono::seconds(15);
    while (std::chrono::steady_clock::now() < limit) {
      if (condition()) {
        return true;
      }
      std::this_thread::sleep_for(Milliseconds(20));
    }
    return false;
  }
  std::vector<std::string> AlertKinds() {
    cli::AdminClient client(server_.socket());
    const auto page = client.Call<admin::v1::ListAlertsResponse>(
        admin::v1::ListAlertsRequest());
    std::vector<std::string> kinds;
    for (const auto& alert : page->alerts()) {
      kinds.push_back(alert.kind());
    }
    return kinds;
  }
  bool HasAlert(const std::string& kind) {
    return Eventually([&] {
      const auto kinds = AlertKinds();
      return std::ranges::find(kinds, kind) != kinds.end();
    });
  }
  std::vector<std::string> Audit(const std::string& action) {
    return server_.Audit(action);
  }
  int64_t Acked(const std::string& agent_id) {
    cli::AdminClient client(server_.socket());
    const auto agent = cli::FindAgent(client, agent_id);
    return agent ? agent->acked_sequence() : -1;
  }
  std::string StateOf(const std::string& agent_id) {
    cli::AdminClient client(server_.socket());
    const auto agent = cli::FindAgent(client, agent_id);
    return agent ? agent->state() : agent.error().message;
  }

  TestServer server_;
};

TEST_F(AgentsTest, EnrolsOnceWithAToken) {
  const std::string token = server_.Token("terminal-1");
  const auto enrolled =
      Enrol(server_.enrol_port(), server_.ca_pem(), token, "terminal-1");
  ASSERT_TRUE(enrolled) << enrolled.error().message;
  EXPECT_EQ(enrolled->answer.terminal(), "terminal-1");
  EXPECT_EQ(enrolled->answer.sketch_key().size(), 32U);
  EXPECT_TRUE(policy::ParseRoot(enrolled->answer.root_file()));

  const auto again =
      Enrol(server_.enrol_port(), server_.ca_pem(), token, "terminal-1");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kUnauthenticated);
  EXPECT_THAT(again.error().message, HasSubstr("used before"));
  EXPECT_TRUE(HasAlert("token_reused"));
  EXPECT_THAT(Audit("agent.enrol"), ElementsAre("ok", "token was used before"));
}

TEST_F(AgentsTest, RefusesBadTokensAndRequests) {
  const int port = server_.enrol_port();
  const std::string token = server_.Token("terminal-1");
  const auto wrong = Enrol(port, server_.ca_pem(), "wrong", "terminal-1");
  EXPECT_EQ(wrong.error().code, Code::kUnauthenticated);
  const auto other = Enrol(port, server_.ca_pem(), token, "terminal-2");
  EXPECT_EQ(other.error().code, Code::kPermissionDenied);
  const auto no_csr = Enrol(port, server_.ca_pem(), token, "terminal-1",
                            "-----BEGIN NONSENSE-----");
  EXPECT_EQ(no_csr.error().code, Code::kInvalidArgument);
  server_.clock().Advance(std::chrono::hours(25));
  const auto late = Enrol(port, server_.ca_pem(), token, "terminal-1");
  EXPECT_EQ(late.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(late.error().message, HasSubstr("expired"));
  EXPECT_EQ(Audit("agent.enrol").size(), 4U);
}

TEST_F(AgentsTest, AcknowledgesBatchesAndSkipsWhatItHas) {
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_EQ(agent.Connect()->head().sequence(), 0);
  std::vector<event::v1::EventRecord> records;
  for (int i = 0; i < 10; ++i) {
    records.push_back(agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED));
  }
  const auto copy = records;
  ASSERT_TRUE(agent.SendBatch(records));
  ASSERT_TRUE(agent.AwaitAck(10));
  // Sent again, and again with something new behind it.
  ASSERT_TRUE(agent.SendBatch(copy));
  ASSERT_TRUE(agent.AwaitAck(10));
  records = copy;
  records.push_back(agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED));
  ASSERT_TRUE(agent.SendBatch(records));
  ASSERT_TRUE(agent.AwaitAck(11));
  EXPECT_EQ(Acked(agent.agent_id()), 11);
  EXPECT_TRUE(agent.Close().ok());

  ASSERT_EQ(agent.Connect()->head().sequence(), 11);
}

TEST_F(AgentsTest, RefusesAGapAndTellsWhereItStands) {
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_TRUE(agent.Connect());
  const auto lost = agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED);
  const auto next = agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED);
  ASSERT_TRUE(agent.SendBatch({next}));
  const auto refusal = agent.Await(ConnectResponse::kRefusal);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->refusal().reason(), HasSubstr("gap"));
  EXPECT_EQ(refusal->refusal().head().sequence(), 0);
  EXPECT_TRUE(HasAlert("event_gap"));
  // The stream lives on.
  ASSERT_TRUE(agent.SendBatch({lost, next}));
  EXPECT_TRUE(agent.AwaitAck(2));
}

TEST_F(AgentsTest, RefusesAForkAndAClone) {
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_TRUE(agent.Connect());
  const event::Head before = agent.head();
  ASSERT_TRUE(
      agent.SendBatch({agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED)}));
  ASSERT_TRUE(agent.AwaitAck(1));
  agent.head() = before;  // an older image of the terminal goes on from here
  ASSERT_TRUE(
      agent.SendBatch({agent.NextTransfer(2, event::v1::OUTCOME_ALLOWED)}));
  ASSERT_TRUE(agent.Await(ConnectResponse::kRefusal));
  EXPECT_TRUE(HasAlert("chain_fork"));
  EXPECT_EQ(Acked(agent.agent_id()), 1);

  agent.head() = before;
  ASSERT_TRUE(agent.Connect());
  EXPECT_TRUE(HasAlert("chain_rollback"));
}

TEST_F(AgentsTest, RefusesAForgedEvent) {
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_TRUE(agent.Connect());
  auto record = agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED);
  record.mutable_signature()->at(3) ^= 1;
  ASSERT_TRUE(agent.SendBatch({record}));
  const auto refusal = agent.Await(ConnectResponse::kRefusal);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->refusal().reason(), HasSubstr("signature"));
  EXPECT_TRUE(HasAlert("event_forged"));
  EXPECT_EQ(Acked(agent.agent_id()), 0);
}

TEST_F(AgentsTest, TakesIdentityFromTheCertificateAlone) {
  FakeAgent other(server_.agents_port(), server_.EnrolAs("b"));
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_TRUE(agent.Connect());
  event::v1::PublicPart part;
  part.set_kind(event::v1::EVENT_KIND_TAMPER);
  part.set_agent_id(other.agent_id());
  event::Head head;
  auto record =
      event::Append(head, part, {}, agent.enrolled().chain.secret_key);
  ASSERT_TRUE(agent.SendBatch({*record}));
  const auto refusal = agent.Await(ConnectResponse::kRefusal);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->refusal().reason(), HasSubstr("another agent"));
}

TEST_F(AgentsTest, RefusesForeignAndUnknownCertificates) {
  Enrolled enrolled = server_.EnrolAs("a");
  const std::string csr = *auth::NewCsrPem(enrolled.key_pem, "x");
  {
    // Another CA: TLS ends it.
    const std::string dir = server_.dir() + "/foreign";
    ASSERT_EQ(mkdir(dir.c_str(), 0700), 0);
    const auto ca =
        auth::CertificateAuthority::OpenOrCreate(dir, server_.clock().Now());
    Enrolled foreign = enrolled;
    foreign.answer.set_certificate_pem(
        (*ca)
            ->IssueAgent(csr, enrolled.answer.agent_id(), server_.clock().Now())
            ->certificate_pem);
    FakeAgent agent(server_.agents_port(), foreign);
    const auto welcome = agent.Connect();
    ASSERT_FALSE(welcome);
    EXPECT_EQ(welcome.error().code, Code::kUnavailable);
  }
  {
    // Our CA, but a certificate the server never gave.
    const auto ca = auth::CertificateAuthority::OpenOrCreate(
        server_.dir() + "/ca", server_.clock().Now());
    Enrolled forged = enrolled;
    forged.answer.set_certificate_pem(
        (*ca)
            ->IssueAgent(csr, enrolled.answer.agent_id(), server_.clock().Now())
            ->certificate_pem);
    FakeAgent agent(server_.agents_port(), forged);
    const auto welcome = agent.Connect();
    ASSERT_FALSE(welcome);
    EXPECT_EQ(welcome.error().code, Code::kUnauthenticated);
  }
  FakeAgent agent(server_.agents_port(), enrolled);
  EXPECT_TRUE(agent.Connect());
}

TEST_F(AgentsTest, ARevokedAgentIsCutAndStaysOut) {
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_TRUE(agent.Connect());
  cli::AdminClient admin(server_.socket());
  admin::v1::RevokeAgentRequest request;
  request.set_agent_id(agent.agent_id());
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(admin.Call<admin::v1::RevokeAgentResponse>(request));
  EXPECT_EQ(agent.AwaitEnd().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  const auto again = agent.Connect();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kPermissionDenied);
  EXPECT_EQ(agent.FetchEnvelope("policy").error().code,
            Code::kPermissionDenied);
}

TEST_F(AgentsTest, ASecondStreamOfAnAgentEndsTheFirst) {
  const Enrolled enrolled = server_.EnrolAs("a");
  FakeAgent first(server_.agents_port(), enrolled);
  FakeAgent second(server_.agents_port(), enrolled);
  ASSERT_TRUE(first.Connect());
  ASSERT_TRUE(second.Connect());
  EXPECT_EQ(first.AwaitEnd().error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(StateOf(enrolled.answer.agent_id()), "connected");
}

TEST_F(AgentsTest, RefusesMessagesOverTheirLimit) {
  FakeAgent other(server_.agents_port(), server_.EnrolAs("b"));
  ASSERT_TRUE(other.Connect());
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  for (const size_t size : {size_t{1200} << 10, size_t{3} << 20}) {
    ASSERT_TRUE(agent.Connect());
    event::v1::ConnectRequest request;
    request.mutable_batch()->add_records()->set_public_part(
        std::string(size, 'x'));
    (void)agent.Send(request);
    EXPECT_EQ(agent.AwaitEnd().error_code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  EXPECT_THAT(Audit("message.refused"), Contains("message is over 1 MiB"));
  // Nothing else is disturbed.
  ASSERT_TRUE(
      other.SendBatch({other.NextTransfer(1, event::v1::OUTCOME_ALLOWED)}));
  EXPECT_TRUE(other.AwaitAck(1));
}

TEST_F(AgentsTest, RefusesABatchOverItsLimit) {
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_TRUE(agent.Connect());
  std::vector<event::v1::EventRecord> records(
      501, agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED));
  ASSERT_TRUE(agent.SendBatch(std::move(records)));
  const auto refusal = agent.Await(ConnectResponse::kRefusal);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->refusal().reason(), HasSubstr("at most 500"));
}

TEST_F(AgentsTest, TheFirstMessageIsAHello) {
  // Connect() says hello, a second one is refused.
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_TRUE(agent.Connect());
  event::v1::ConnectRequest request;
  request.mutable_hello();
  (void)agent.Send(request);
  EXPECT_EQ(agent.AwaitEnd().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AgentsTest, ANewAgentGetsTheObservePolicy) {
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_TRUE(agent.Connect());
  auto told = agent.Await(ConnectResponse::kAnnouncement);
  while (told && told->announcement().type() != "policy") {
    told = agent.Await(ConnectResponse::kAnnouncement);
  }
  ASSERT_TRUE(told);
  EXPECT_EQ(told->announcement().version(), 1);
  const auto sealed = agent.FetchEnvelope("policy");
  ASSERT_TRUE(sealed);
  const auto root = policy::ParseRoot(agent.enrolled().answer.root_file());
  const auto envelope =
      policy::OpenEnvelope(*sealed, "policy", *root, agent.agent_id(), 0);
  ASSERT_TRUE(envelope) << envelope.error().message;
  EXPECT_EQ(envelope->body, policy::PackText("observe"));
  EXPECT_EQ(agent.FetchEnvelope("unlock").error().code, Code::kNotFound);
}

TEST_F(AgentsTest, PushAndApprovalReachAConnectedAgentWithinASecond) {
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_TRUE(agent.Connect({{"policy", 1}, {"code", 1}}));
  cli::AdminClient admin(server_.socket());
  admin::v1::PushPolicyRequest push;
  push.set_text(std::string(policy::PackText("appi")));
  push.set_file_name("appi.yaml");
  const auto pushed = admin.Call<admin::v1::PushPolicyResponse>(push);
  ASSERT_TRUE(pushed) << pushed.error().message;
  EXPECT_EQ(pushed->version(), 2);
  EXPECT_EQ(pushed->agent_count(), 1);
  auto told = agent.Await(ConnectResponse::kAnnouncement, Milliseconds(1000));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->announcement().version(), 2);

  admin::v1::ApproveDeviceRequest approve;
  approve.set_device_id("0951:1666:E0D55EA573F0");
  approve.set_access("inspect");
  ASSERT_TRUE(admin.Call<admin::v1::ApproveDeviceResponse>(approve));
  told = agent.Await(ConnectResponse::kAnnouncement, Milliseconds(1000));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->announcement().type(), "devices");
  const auto root = policy::ParseRoot(agent.enrolled().answer.root_file());
  const auto envelope = policy::OpenEnvelope(
      *agent.FetchEnvelope("devices"), "devices", *root, agent.agent_id(), 0);
  ASSERT_TRUE(envelope);
  EXPECT_THAT(envelope->body,
              HasSubstr("approvals,0951,1666,E0D55EA573F0,,inspect"));
}

TEST_F(AgentsTest, ABadPolicyIsRefusedAndTheOldOneStays) {
  cli::AdminClient admin(server_.socket());
  admin::v1::PushPolicyRequest push;
  push.set_text("mode: enforcee\nnonsense: 1\n");
  push.set_file_name("bad.yaml");
  const auto pushed = admin.Call<admin::v1::PushPolicyResponse>(push);
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().code, Code::kInvalidArgument);
  EXPECT_THAT(pushed.error().message, HasSubstr("bad.yaml:1:"));
  EXPECT_THAT(pushed.error().message, HasSubstr("bad.yaml:2:"));
  const auto versions = admin.Call<admin::v1::ListPolicyVersionsResponse>(
      admin::v1::ListPolicyVersionsRequest());
  EXPECT_EQ(versions->versions_size(), 1);
}

TEST_F(AgentsTest, SilenceIsOneAlertThatEndsWhenTheTerminalIsBack) {
  const Enrolled enrolled = server_.EnrolAs("a");
  {
    FakeAgent agent(server_.agents_port(), enrolled);
    ASSERT_TRUE(agent.Connect());
    ASSERT_TRUE(agent.SendHeartbeat());
    ASSERT_TRUE(Eventually(
        [&] { return StateOf(enrolled.answer.agent_id()) == "connected"; }));
    EXPECT_TRUE(agent.Close().ok());
  }
  server_.clock().Advance(std::chrono::seconds(61));
  ASSERT_TRUE(HasAlert("terminal_silent"));
  EXPECT_EQ(StateOf(enrolled.answer.agent_id()), "silent");
  server_.Restart();  // the same silence, not a second one
  server_.clock().Advance(std::chrono::seconds(30));
  std::this_thread::sleep_for(Milliseconds(1200));
  EXPECT_EQ(AlertKinds(), std::vector<std::string>{"terminal_silent"});

  FakeAgent agent(server_.agents_port(), enrolled);
  ASSERT_TRUE(agent.Connect());
  EXPECT_TRUE(Eventually([&] {
    cli::AdminClient client(server_.socket());
    const auto page = client.Call<admin::v1::ListAlertsResponse>(
        admin::v1::ListAlertsRequest());
    return page->alerts(0).comments_size() == 1 &&
           page->alerts(0).comments(0).ends_with("over by itself");
  }));
}

TEST_F(AgentsTest, ABlockedTransferBecomesAnAlertWithItsEvent) {
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_TRUE(agent.Connect());
  ASSERT_TRUE(
      agent.SendBatch({agent.NextTransfer(1500, event::v1::OUTCOME_BLOCKED)}));
  ASSERT_TRUE(agent.AwaitAck(1));
  ASSERT_TRUE(HasAlert("transfer_blocked"));
  cli::AdminClient admin(server_.socket());
  admin::v1::ListAlertsRequest request;
  request.set_with_events(true);
  const auto page = admin.Call<admin::v1::ListAlertsResponse>(request);
  ASSERT_EQ(page->alerts_size(), 1);
  EXPECT_EQ(page->alerts(0).severity(), "high");
  EXPECT_EQ(page->alerts(0).person(), "operator");
  EXPECT_EQ(page->alerts(0).event().public_part().person_count(), 1500);
  const auto devices = admin.Call<admin::v1::ListDevicesResponse>(
      admin::v1::ListDevicesRequest());
  ASSERT_EQ(devices->devices_size(), 1);
  EXPECT_EQ(devices->devices(0).device_id(), "0951:1666:E0D55EA573F0");
}

TEST_F(AgentsTest, EventsSurviveARestart) {
  const Enrolled enrolled = server_.EnrolAs("a");
  event::Head head;
  {
    FakeAgent agent(server_.agents_port(), enrolled);
    ASSERT_TRUE(agent.Connect());
    ASSERT_TRUE(
        agent.SendBatch({agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED)}));
    ASSERT_TRUE(agent.AwaitAck(1));
    head = agent.head();
  }
  server_.Restart();
  FakeAgent agent(server_.agents_port(), enrolled);
  agent.head() = head;
  EXPECT_EQ(agent.Connect()->head().sequence(), 1);
}

}  // namespace
}  // namespace sekisho::testing
