// Which version each agent gets while a policy goes through rings, over real
// mTLS: at the hello, on the live stream, and from FetchEnvelope.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "cli/admin_client.h"
#include "policy/envelope.h"
#include "policy/packs.h"
#include "tests/integration/server/test_server.h"

namespace sekisho::testing {
namespace {

using event::v1::ConnectResponse;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr char kRings[] =
    "rings:\n"
    "- {name: pilot, terminals: [pilot-*], soak: 1h}\n"
    "- {name: second, terminals: [second-*], soak: 1h}\n"
    "- {name: rest}\n";

class RolloutTest : public ::testing::Test {
 protected:
  void SetRings() {
    admin::v1::SetRingsRequest request;
    request.set_text(kRings);
    cli::AdminClient admin(server_.socket());
    ASSERT_TRUE(admin.Call<admin::v1::SetRingsResponse>(request));
  }
  admin::v1::PushPolicyResponse Push(
      const std::string& pack,
      admin::v1::PushScope scope = admin::v1::PUSH_SCOPE_UNSPECIFIED) {
    admin::v1::PushPolicyRequest request;
    request.set_text(std::string(policy::PackText(pack)));
    request.set_file_name(pack);
    request.set_scope(scope);
    cli::AdminClient admin(server_.socket());
    const auto pushed = admin.Call<admin::v1::PushPolicyResponse>(request);
    EXPECT_TRUE(pushed) << pushed.error().message;
    return pushed.value_or(admin::v1::PushPolicyResponse());
  }
  admin::v1::Rollout Now() {
    cli::AdminClient admin(server_.socket());
    return admin
        .Call<admin::v1::GetRolloutResponse>(admin::v1::GetRolloutRequest())
        ->rollout();
  }
  Status Change(admin::v1::RolloutAct act) {
    admin::v1::ChangeRolloutRequest request;
    request.set_act(act);
    cli::AdminClient admin(server_.socket());
    const auto done = admin.Call<admin::v1::ChangeRolloutResponse>(request);
    return done ? Status() : std::unexpected(done.error());
  }
  // The newest version of the policy that the agent is told of; 0: of none.
  static int64_t Told(FakeAgent& agent,
                      milliseconds limit = milliseconds(5000)) {
    while (const auto told =
               agent.Await(ConnectResponse::kAnnouncement, limit)) {
      if (told->announcement().type() == "policy") {
        return told->announcement().version();
      }
    }
    return 0;
  }
  // What it would get by asking: verified as it would.
  static int64_t Fetched(FakeAgent& agent) {
    const auto root = policy::ParseRoot(agent.enrolled().answer.root_file());
    const auto envelope = policy::OpenEnvelope(
        *agent.FetchEnvelope("policy"), "policy", *root, agent.agent_id(), 0);
    EXPECT_TRUE(envelope) << envelope.error().message;
    return envelope ? envelope->version : 0;
  }
  static bool Beat(FakeAgent& agent, int64_t version) {
    event::v1::ConnectRequest request;
    auto& beat = *request.mutable_heartbeat();
    beat.set_mode("enforce");
    beat.set_core_alive(true);
    beat.set_policy_version(version);
    return agent.Send(request);
  }
  template <typename Condition>
  static bool Eventually(Condition condition) {
    for (int i = 0; i < 300 && !condition(); ++i) {
      std::this_thread::sleep_for(milliseconds(20));
    }
    return condition();
  }

  TestServer server_;
};

TEST_F(RolloutTest, EachAgentReceivesTheVersionOfItsRing) {
  FakeAgent pilot(server_.agents_port(), server_.EnrolAs("pilot-1"));
  FakeAgent second(server_.agents_port(), server_.EnrolAs("second-1"));
  FakeAgent rest(server_.agents_port(), server_.EnrolAs("rest-1"));
  for (FakeAgent* agent : {&pilot, &second, &rest}) {
    ASSERT_TRUE(agent->Connect());
    EXPECT_EQ(Told(*agent), 1);
  }
  SetRings();
  const auto pushed = Push("appi");
  EXPECT_EQ(pushed.version(), 2);
  EXPECT_EQ(pushed.ring(), "pilot");
  EXPECT_EQ(pushed.agent_count(), 1) << "only the pilot is told";
  EXPECT_EQ(Told(pilot), 2);
  EXPECT_EQ(Fetched(pilot), 2);
  EXPECT_EQ(Fetched(second), 1) << "whoever asks gets his own";
  EXPECT_EQ(Fetched(rest), 1);

  // One that is enrolled in the middle, one that comes back, one that is ahead
  // of its ring and keeps what it has.
  FakeAgent fresh(server_.agents_port(), server_.EnrolAs("rest-2"));
  ASSERT_TRUE(fresh.Connect());
  EXPECT_EQ(Told(fresh), 1);
  ASSERT_TRUE(second.Close().ok());
  ASSERT_TRUE(second.Connect({{"policy", 1}}));
  FakeAgent ahead(server_.agents_port(), server_.EnrolAs("rest-3"));
  ASSERT_TRUE(ahead.Connect({{"policy", 2}}));
  EXPECT_EQ(Told(second, milliseconds(700)), 0);
  EXPECT_EQ(Told(ahead, milliseconds(1)), 0);

  ASSERT_TRUE(Change(admin::v1::ROLLOUT_ACT_ADVANCE));
  EXPECT_EQ(Told(second), 2);
  EXPECT_EQ(Fetched(second), 2);
  EXPECT_EQ(Fetched(rest), 1);

  // The same after a restart, also for one that connects only then.
  server_.Restart();
  FakeAgent again(server_.agents_port(), second.enrolled());
  ASSERT_TRUE(again.Connect({{"policy", 1}}));
  EXPECT_EQ(Told(again), 2);
  FakeAgent waits(server_.agents_port(), rest.enrolled());
  ASSERT_TRUE(waits.Connect());
  EXPECT_EQ(Told(waits), 1);
  EXPECT_EQ(Fetched(waits), 1);
  EXPECT_EQ(Now().state(), "running");

  // An order that cannot wait goes past the rings.
  admin::v1::ContainRequest contain;
  contain.set_kind("person");
  contain.set_target("tanaka");
  contain.set_reason("now");
  cli::AdminClient admin(server_.socket());
  ASSERT_TRUE(admin.Call<admin::v1::ContainResponse>(contain));
  const auto order = waits.Await(ConnectResponse::kAnnouncement);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->announcement().type(), "contain");

  ASSERT_TRUE(Change(admin::v1::ROLLOUT_ACT_ROLLBACK));
  EXPECT_EQ(Told(waits), 3);
  EXPECT_EQ(Told(again), 3);
  EXPECT_EQ(Fetched(waits), 3);
  EXPECT_EQ(Now().state(), "rolled_back");
  EXPECT_EQ(server_.Audit("rollout.rollback"), std::vector<std::string>{"ok"});
  const auto now = Push("gdpr", admin::v1::PUSH_SCOPE_EVERYBODY);
  EXPECT_EQ(now.ring(), "");
  EXPECT_EQ(Told(waits), now.version());
}

TEST_F(RolloutTest, SoaksAndHaltsByItselfAndTellsThePeople) {
  SetRings();
  FakeAgent first(server_.agents_port(), server_.EnrolAs("pilot-1"));
  FakeAgent other(server_.agents_port(), server_.EnrolAs("pilot-2"));
  FakeAgent second(server_.agents_port(), server_.EnrolAs("second-1"));
  for (FakeAgent* agent : {&first, &other, &second}) {
    ASSERT_TRUE(agent->Connect());
    EXPECT_EQ(Told(*agent), 1);
    ASSERT_TRUE(Beat(*agent, 1));
  }
  Push("appi");
  ASSERT_EQ(Told(first), 2);
  // Time goes on, and all are heard.
  const auto live = [&] {
    EXPECT_TRUE(Beat(first, 2) && Beat(other, 2) && Beat(second, 1));
    server_.clock().Advance(std::chrono::seconds(1));
  };
  ASSERT_TRUE(Eventually([&] {
    live();
    int have_it = 0;
    const admin::v1::Rollout now = Now();
    for (const auto& one : now.terminals()) {
      have_it += one.answer() == "has_it" && one.has_ack_time() ? 1 : 0;
    }
    return have_it == 2;
  }));
  // Refused copies under the new version, on two terminals.
  for (FakeAgent* agent : {&first, &other}) {
    std::vector<event::v1::EventRecord> records;
    for (int i = 0; i < 3; ++i) {
      event::v1::PublicPart part;
      part.set_kind(event::v1::EVENT_KIND_TRANSFER);
      part.set_outcome(event::v1::OUTCOME_BLOCKED);
      part.set_policy_version(2);
      records.push_back(agent->Next(part));
    }
    ASSERT_TRUE(agent->SendBatch(records));
    ASSERT_TRUE(agent->AwaitAck(3));
  }
  ASSERT_TRUE(Eventually([&] {
    live();
    return Now().state() == "halted";
  }));
  EXPECT_THAT(Now().halt_reason(),
              ::testing::HasSubstr("6 blocks on 2 terminals"));
  EXPECT_EQ(Told(second, milliseconds(700)), 0);
  EXPECT_EQ(Fetched(second), 1);
  EXPECT_EQ(server_.Audit("rollout.halt"), std::vector<std::string>{"ok"});
  cli::AdminClient admin(server_.socket());
  admin::v1::ListAlertsRequest alerts;
  alerts.set_kind("rollout_halted");
  EXPECT_EQ(admin.Call<admin::v1::ListAlertsResponse>(alerts)->alerts_size(),
            1);
}

}  // namespace
}  // namespace sekisho::testing
