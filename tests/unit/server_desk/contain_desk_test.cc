#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/containment.h"
#include "tests/support/demo_world.h"

namespace sekisho::core {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Caller kSuzuki{"suzuki", Roles::All(), "console", ""};
const Caller kTanaka{"tanaka", Role::kAnalyst, "console", ""};
const Caller kNobody{"root", Roles::All(), "socket", ""};
constexpr char kStick[] = "0411:0282:A07110012345";

class ContainDeskTest : public ::testing::Test {
 protected:
  Agent Enforcing() { return ConnectedIn("enforce"); }
  Agent ConnectedIn(const std::string& mode) {
    const auto all = world_.desk().ListAgents(kSuzuki, {}).value();
    for (const Agent& agent : all.rows) {
      if (agent.mode == mode && agent.state == AgentState::kConnected) {
        return agent;
      }
    }
    ADD_FAILURE() << "no terminal is in mode " << mode;
    return {};
  }
  Result<ContainmentStatus> Begin(const Caller& caller, const std::string& kind,
                                  const std::string& target,
                                  seconds length = seconds(0)) {
    return world_.desk().Contain(caller, {kind, target, length, "copies"});
  }
  ContainmentStatus Now(int64_t id) {
    const auto all =
        world_.desk().ListContainments(kTanaka, Contained::kAll).value();
    for (const auto& one : all) {
      if (one.containment.id == id) return one;
    }
    ADD_FAILURE() << "no containment " << id;
    return {};
  }
  std::vector<policy::Containment> Signed() {
    const auto sealed = world_.store().NewestEnvelope("contain").value();
    return policy::ParseContainments(policy::ParseEnvelope(sealed)->body)
        .value();
  }
  void Beat(const std::string& agent_id, const ContainmentStatus& status,
            int64_t media, int64_t open) {
    Containing::Heard heard;
    heard.version = status.containment.version;
    Containing::Report& report = heard.reports[status.containment.id];
    report.media = media;
    report.open_media = open;
    if (open == 0) report.close_time = WallTime(seconds(1'795'165'952));
    world_.containing().OnHeard(agent_id, heard);
  }
  Alert AlertOf(const ContainmentStatus& status) {
    AlertFilter filter;
    filter.alert_id = status.containment.alert_id;
    return world_.desk().ListAlerts(kTanaka, filter, {}).value().rows.at(0);
  }

  demo::DemoWorld world_;
};

TEST_F(ContainDeskTest, ATerminalIsClosedWithAnAlertAndEndsByItself) {
  const Agent agent = Enforcing();
  const auto begun = Begin(kTanaka, "terminal", agent.agent_id);
  ASSERT_TRUE(begun) << begun.error().message;
  EXPECT_EQ(begun->containment.end_time - begun->containment.from_time,
            hours(4));
  EXPECT_EQ(begun->terminal, agent.terminal);
  ASSERT_EQ(begun->terminals.size(), 1U) << "no other terminal is asked";
  EXPECT_EQ(begun->terminals[0].answer, ContainAnswer::kWaiting);
  ASSERT_EQ(Signed().size(), 1U);
  EXPECT_EQ(Signed()[0].target, agent.agent_id);
  EXPECT_EQ(AlertOf(*begun).severity, "high");
  EXPECT_EQ(AlertOf(*begun).terminal, agent.terminal);

  const int64_t id = begun->containment.id;
  Beat(agent.agent_id, *begun, 1, 1);
  EXPECT_EQ(Now(id).terminals[0].answer, ContainAnswer::kClosing);
  Beat(agent.agent_id, *begun, 1, 0);
  EXPECT_EQ(Now(id).terminals[0].answer, ContainAnswer::kClosed);
  EXPECT_EQ(Now(id).terminals[0].close_time, WallTime(seconds(1'795'165'952)));

  world_.clock().Set(demo::kDemoNow + hours(4) - seconds(2));
  EXPECT_TRUE(world_.containing().EndDue()->empty());
  world_.clock().Set(demo::kDemoNow + hours(4));
  EXPECT_EQ(world_.containing().EndDue()->size(), 1U);
  EXPECT_TRUE(Signed().empty());
  EXPECT_TRUE(Now(id).containment.over_time);
  EXPECT_EQ(Now(id).containment.lifted_by, "");
  EXPECT_TRUE(AlertOf(*begun).resolve_time);
}

TEST_F(ContainDeskTest, SaysWhoWasNotReachedAndWhoOnlyObserves) {
  ASSERT_TRUE(Begin(kTanaka, "device", kStick));
  const auto begun = Begin(kTanaka, "person", "op01", minutes(30));
  ASSERT_TRUE(begun) << begun.error().message;
  EXPECT_FALSE(begun->counts.contains("would_close"))
      << "the mode it told last may be old: it is asked";
  Containing::Heard observing;
  observing.version = begun->containment.version;
  observing.reports[begun->containment.id].observes = true;
  world_.containing().OnHeard(ConnectedIn("observe").agent_id, observing);
  EXPECT_EQ(Now(begun->containment.id).counts.at("would_close"), 1);
  EXPECT_GE(begun->counts.at("not_reached"), 1) << "silent";
  EXPECT_GE(begun->counts.at("waiting"), 1);
  // One that is connected and does not answer was not reached either.
  world_.clock().Set(demo::kDemoNow + seconds(7));
  EXPECT_FALSE(Now(begun->containment.id).counts.contains("waiting"));
  // By its own clock it ended there: another version, and not in its list.
  const Agent agent = Enforcing();
  world_.containing().OnHeard(agent.agent_id, {begun->containment.version, {}});
  EXPECT_EQ(Now(begun->containment.id).counts.at("over"), 1);
  // Of the list before: says nothing about this one.
  world_.containing().OnHeard(agent.agent_id,
                              {begun->containment.version - 1, {}});
  EXPECT_FALSE(Now(begun->containment.id).counts.contains("over"));
}

TEST_F(ContainDeskTest, RefusesWhatMakesNoSense) {
  const auto code = [&](const std::string& kind, const std::string& target,
                        seconds length = seconds(0)) {
    const auto begun = Begin(kTanaka, kind, target, length);
    return begun ? Code::kOk : begun.error().code;
  };
  EXPECT_EQ(code("site", "tokyo"), Code::kInvalidArgument);
  EXPECT_EQ(code("person", ""), Code::kInvalidArgument);
  EXPECT_EQ(code("person", "unknown"), Code::kInvalidArgument);
  EXPECT_EQ(code("person", "a\nb"), Code::kInvalidArgument);
  EXPECT_EQ(code("terminal", "nowhere"), Code::kNotFound);
  EXPECT_EQ(code("device", "no such"), Code::kNotFound);
  EXPECT_EQ(code("person", "op01", seconds(59)), Code::kInvalidArgument);
  EXPECT_EQ(code("person", "op01", hours(24) + seconds(1)),
            Code::kInvalidArgument);
  EXPECT_EQ(code("person", "op01", hours(24)), Code::kOk);
  EXPECT_EQ(code("person", "op01"), Code::kAlreadyExists);
  EXPECT_EQ(code("device", kStick), Code::kOk);
  EXPECT_EQ(world_.desk()
                .Contain(kTanaka, {"person", "op02", seconds(0), ""})
                .error()
                .code,
            Code::kInvalidArgument)
      << "a reason is needed";
}

TEST_F(ContainDeskTest, ExtendingNeedsTwoPeople) {
  const auto begun = Begin(kTanaka, "device", kStick, hours(1));
  ASSERT_TRUE(begun);
  const int64_t id = begun->containment.id;
  Desk& desk = world_.desk();
  EXPECT_EQ(desk.AgreeExtension(kSuzuki, id).error().code, Code::kNotFound);
  ASSERT_TRUE(desk.AskExtension(kTanaka, id, hours(2), "still looking"));
  EXPECT_EQ(Now(id).extension_asked_by, "tanaka");
  EXPECT_EQ(Signed()[0].until_seconds - Signed()[0].from_seconds, 3600)
      << "nothing changes by asking";
  EXPECT_EQ(desk.AgreeExtension(kTanaka, id).error().code,
            Code::kPermissionDenied);
  const Caller again{"root (tanaka)", Roles::All(), "socket", ""};
  EXPECT_EQ(desk.AgreeExtension(again, id).error().code,
            Code::kPermissionDenied);
  EXPECT_EQ(desk.AgreeExtension(kNobody, id).error().code,
            Code::kPermissionDenied);
  world_.clock().Set(demo::kDemoNow + minutes(30));
  ASSERT_TRUE(desk.AgreeExtension(kSuzuki, id));
  EXPECT_EQ(Signed()[0].until_seconds - Signed()[0].from_seconds, 7200);
  EXPECT_EQ(Now(id).containment.end_time,
            std::chrono::floor<seconds>(demo::kDemoNow) + minutes(150));
  EXPECT_EQ(desk.AgreeExtension(kSuzuki, id).error().code, Code::kNotFound)
      << "once";
  EXPECT_EQ(desk.AskExtension(kTanaka, id, hours(25), "too long").error().code,
            Code::kInvalidArgument);
}

TEST_F(ContainDeskTest, LiftingNeedsAReasonAndIsWrittenDown) {
  const auto begun = Begin(kTanaka, "device", kStick);
  ASSERT_TRUE(begun);
  const int64_t id = begun->containment.id;
  EXPECT_FALSE(world_.desk().LiftContainment(kSuzuki, id, ""));
  ASSERT_TRUE(world_.desk().LiftContainment(kSuzuki, id, "a false alarm"));
  EXPECT_TRUE(Signed().empty());
  EXPECT_EQ(Now(id).containment.lifted_by, "suzuki");
  EXPECT_TRUE(AlertOf(*begun).resolve_time);
  EXPECT_EQ(world_.desk().LiftContainment(kSuzuki, id, "again").error().code,
            Code::kNotFound);
  std::vector<std::string> actions;
  const auto audit =
      world_.store().AuditOf("containment " + std::to_string(id)).value();
  for (const AuditEntry& entry : audit) {
    actions.push_back(entry.action + " " + entry.user +
                      (entry.result == "ok" ? "" : " refused"));
  }
  EXPECT_THAT(actions, testing::ElementsAre("contain.lift suzuki refused",
                                            "contain.lift suzuki",
                                            "contain.lift suzuki refused",
                                            "contain.begin tanaka"));
}

TEST_F(ContainDeskTest, NobodyDecidesWhatConcernsHimself) {
  EXPECT_EQ(Begin(kTanaka, "person", "tanaka").error().code,
            Code::kPermissionDenied);
  const auto begun = Begin(kSuzuki, "person", "tanaka");
  ASSERT_TRUE(begun);
  const int64_t id = begun->containment.id;
  EXPECT_EQ(world_.desk().LiftContainment(kTanaka, id, "why").error().code,
            Code::kPermissionDenied);
  ASSERT_TRUE(world_.desk().AskExtension(kSuzuki, id, hours(1), "more"));
  EXPECT_EQ(world_.desk().AgreeExtension(kTanaka, id).error().code,
            Code::kPermissionDenied);
  EXPECT_TRUE(world_.desk().LiftContainment(kSuzuki, id, "done"));
}

}  // namespace
}  // namespace sekisho::core
