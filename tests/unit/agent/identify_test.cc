// Two people at one account, through the sockets of the whole agent: asked,
// refused, known, counted apart; and jobs that have an owner.
#include <gmock/gmock.h>

#include "policy/people_list.h"
#include "policy/person_proof.h"
#include "tests/unit/agent/agent_fixture.h"

namespace sekisho::agent {
namespace {

using testing::HasSubstr;

constexpr char kPolicy[] = R"(policy: 2
name: shared
mode: enforce
devices:
  - id: approved
    match: { serial: "S1" }
    access: inspect
device_default: block
content:
  - id: sato-takes-none
    when: { persons: { at_least: 1 } }
    match: { persons: [sato] }
    verdict: block
  - id: ten-a-day
    when:
      persons: { at_least: 1 }
      totals: [{ of: persons, by: person, over: 24h, at_least: 11 }]
    verdict: block
content_default: allow
identify: { accounts: [maint], proof: [pin] }
jobs: [{ unit: nightly.service, owner: tanaka }]
)";

constexpr char kPin[] = "12345678";

class IdentifyTest : public AgentTest {
 protected:
  void SetUp() override {
    options = TestOptions(dir.path());
    options.spool_bytes = spool_bytes;
    options.attribution_root = dir.path() + "/who";
    path = dir.path() + "/sys/devices/pci0/usb1/1-1";
    dir.Put("who/etc/passwd",
            "maint:x:1001:1001::/home/maint:/bin/bash\n"
            "yamada:x:1002:1002::/home/yamada:/bin/bash\n");
    AddLogin("3", 100);
    AddLogin("5", 200);
    AddProcess(300, -1, -1, "/system.slice/nightly.service");
    AddProcess(400, -1, -1, "/system.slice/other.service");
    PlugStick("S1", "0");
    StartAgent();
  }

  void AddProcess(pid_t pid, int64_t login_uid, int64_t audit_session,
                  const std::string& cgroup) {
    const std::string at = "who/proc/" + std::to_string(pid) + "/";
    dir.Put(at + "stat", std::to_string(pid) +
                             " (cp) R 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 "
                             "777 0 0\n");
    dir.Put(at + "status", "Name:\tcp\nUid:\t1001\t0\t0\t0\n");
    dir.Put(at + "loginuid", std::to_string(static_cast<uint32_t>(login_uid)));
    dir.Put(at + "sessionid",
            std::to_string(static_cast<uint32_t>(audit_session)));
    dir.Put(at + "cgroup", "0::" + cgroup + "\n");
    dir.Put(at + "cmdline", "cp");
  }
  void AddLogin(const std::string& session, pid_t pid) {
    dir.Put("who/run/systemd/sessions/" + session,
            "UID=1001\nUSER=maint\nSTATE=active\nCLASS=user\nACTIVE=1\n"
            "REMOTE=1\nTYPE=tty\nTTY=pts/0\nSERVICE=sshd\n"
            "REMOTE_HOST=192.0.2.7\nAUDIT=" +
                session + "\n");
    AddProcess(pid, 1001, std::stoi(session),
               "/user.slice/user-1001.slice/session-" + session + ".scope");
  }
  // Whoever calls control.sock next is at this login.
  void CallFrom(const std::string& session) { AddLogin(session, ::getpid()); }

  void SendPeople(Client& uplink, int64_t version,
                  std::optional<int64_t> yamada_until = {}) {
    static const std::string verifier = *policy::PinVerifierOf(kPin);
    const std::vector<policy::ListedPerson> people{
        {.id = "sato",
         .until_seconds = {},
         .accounts = {"*"},
         .pin_verifier = verifier,
         .totp_secret = ""},
        {.id = "yamada",
         .until_seconds = yamada_until,
         .accounts = {"maint"},
         .pin_verifier = verifier,
         .totp_secret = ""}};
    SendSealed(uplink, "people",
               SealedOf("people", version, policy::PrintPeople(people)));
  }
  ipc::Reply SayIam(const std::string& person, const std::string& pin) {
    Client control(Socket(ipc::kControlSocket));
    control.Send(ipc::IdentifyRequest{.person = person, .proof = pin});
    return control.Next<ipc::Reply>();
  }
  // Enforcing, with the approved stick mounted as 42.
  void Begin(const std::string& policy = kPolicy) {
    Enrol();
    {
      Client uplink(Socket(ipc::kUplinkSocket));
      SendSealed(uplink, "policy", SealedOf("policy", 3, policy));
      uplink.Send(ipc::SendFrom{});
      NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED);
    }
    StopAgent();
    last_sequence = 0;
    PlugStick("S1", "1");
    RecordMount(42);
    StartAgent();
    gate_ = std::make_unique<Client>(Socket(ipc::kGateSocket));
    gate_->Send(ipc::GateHello{.mount_id = 42, .running = true});
    gate_->Next<ipc::GateStart>();
    Client devices(Socket(ipc::kDevicesSocket));
    TellAdded(devices);
    uplink_ = std::make_unique<Client>(Socket(ipc::kUplinkSocket));
    uplink_->Send(ipc::SendFrom{});
    NextEvent(*uplink_, event::v1::EVENT_KIND_DEVICE_PLUGGED);
    SendPeople(*uplink_, 1);
    EXPECT_THAT(
        NextEvent(*uplink_, event::v1::EVENT_KIND_POLICY_CHANGED).open.reason(),
        HasSubstr("people version 1: 2 are registered"));
  }
  // The process copies a file in which these people are.
  Event Copy(pid_t pid, int64_t first, int64_t persons) {
    gate_->Send(ipc::WhoQuestion{.question_id = 1, .pid = pid, .uid = 1001});
    ipc::TransferQuestion ask;
    ask.question_id = 2;
    ask.who = gate_->Next<ipc::WhoAnswer>().who;
    ask.path = "/list.csv";
    ask.operation = "create";
    ask.findings.persons = persons;
    ask.findings.inspection = "full";
    std::string hashes;
    for (int64_t i = first; i < first + persons; ++i) {
      hashes += std::string(reinterpret_cast<const char*>(&i), sizeof i);
    }
    if (persons > 0) {
      ask.findings.sketches = {{.kind = "row",
                                .keyed_hashes = hashes,
                                .blob = "",
                                .persons = persons}};
    }
    gate_->Send(ask);
    verdict_ = gate_->Next<ipc::TransferAnswer>().verdict;
    return NextEvent(*uplink_, event::v1::EVENT_KIND_TRANSFER);
  }

  std::unique_ptr<Client> gate_, uplink_;
  ipc::TransferVerdict verdict_ = ipc::TransferVerdict::kBlock;
};

TEST_F(IdentifyTest, TheListIsRefusedUntilHeSaysWhoHeIsAndThenHisLimitsCount) {
  Begin();
  Event event = Copy(100, 0, 6);
  EXPECT_EQ(verdict_, ipc::TransferVerdict::kBlock);
  EXPECT_EQ(event.open.rule(), "identify");
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_BLOCKED);
  EXPECT_EQ(event.personal.person(), "maint");
  EXPECT_EQ(event.personal.stated_person(), "");
  // A file without people is never stopped by it.
  event = Copy(100, 0, 0);
  EXPECT_EQ(verdict_, ipc::TransferVerdict::kAllow);

  CallFrom("3");
  const auto reply = SayIam("yamada", kPin);
  EXPECT_TRUE(reply.ok) << reply.message;
  event = NextEvent(*uplink_, event::v1::EVENT_KIND_IDENTIFIED);
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_ALLOWED);
  EXPECT_EQ(event.personal.person(), "maint");
  EXPECT_EQ(event.personal.stated_person(), "yamada");
  EXPECT_EQ(event.personal.proven_by(), "pin");
  EXPECT_EQ(event.personal.origin(), "ssh");

  event = Copy(100, 0, 6);
  EXPECT_EQ(verdict_, ipc::TransferVerdict::kAllow);
  EXPECT_EQ(event.personal.person(), "maint");
  EXPECT_EQ(event.personal.stated_person(), "yamada");
  EXPECT_EQ(event.personal.proven_by(), "pin");
  // The other login of the account is nobody yet, and then somebody else.
  EXPECT_EQ(Copy(200, 0, 6).open.rule(), "identify");
  CallFrom("5");
  EXPECT_TRUE(SayIam("sato", kPin).ok);
  EXPECT_EQ(Copy(200, 0, 6).open.rule(), "sato-takes-none");
  // Counted for each apart: six more are too many for yamada.
  EXPECT_EQ(Copy(100, 100, 6).open.rule(), "ten-a-day");
  EXPECT_EQ(Copy(100, 0, 6).open.outcome(), event::v1::OUTCOME_ALLOWED);

  // Who he is outlives sekishod.
  Client control(Socket(ipc::kControlSocket));
  CallFrom("3");
  control.Send(ipc::StatusRequest{});
  const auto status = control.Next<ipc::StatusAnswer>();
  EXPECT_EQ(status.account, "maint");
  EXPECT_EQ(status.stated_person, "yamada");
  EXPECT_EQ(status.proven_by, "pin");
  EXPECT_GT(status.stated_left_us, int64_t{7} * 3600 * 1'000'000);
  EXPECT_FALSE(status.asks_who);
}

TEST_F(IdentifyTest, WrongPinsAreEventsAndEndInAWait) {
  Begin();
  CallFrom("3");
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(SayIam("yamada", "00000000").ok);
    const Event event = NextEvent(*uplink_, event::v1::EVENT_KIND_IDENTIFIED);
    EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_BLOCKED);
    EXPECT_EQ(event.personal.stated_person(), "yamada");
    EXPECT_EQ(event.personal.proven_by(), "");
    EXPECT_EQ(event.open.rule(), i < 4 ? "identify" : "identify-tries");
  }
  const auto refused = SayIam("yamada", kPin);
  EXPECT_FALSE(refused.ok);
  EXPECT_THAT(refused.message, HasSubstr("wait 15 minutes"));
  EXPECT_EQ(Copy(100, 0, 1).open.rule(), "identify");
  EXPECT_FALSE(SayIam("yamada", std::string(65, '1')).ok);
}

TEST_F(IdentifyTest, AContractThatEndsEndsIt) {
  Begin();
  CallFrom("3");
  ASSERT_TRUE(SayIam("yamada", kPin).ok);
  Copy(100, 0, 1);
  EXPECT_EQ(verdict_, ipc::TransferVerdict::kAllow);
  SendPeople(*uplink_, 2, 1000);
  NextEvent(*uplink_, event::v1::EVENT_KIND_POLICY_CHANGED);
  EXPECT_EQ(Copy(100, 0, 1).open.rule(), "identify");
  EXPECT_THAT(SayIam("yamada", kPin).message, HasSubstr("contract is over"));
}

TEST_F(IdentifyTest, AJobHasItsOwnerAndAnotherServiceHasNone) {
  Begin();
  Event event = Copy(300, 0, 1);
  EXPECT_EQ(event.personal.person(), "tanaka");
  EXPECT_EQ(event.personal.origin(), "service");
  EXPECT_EQ(event.personal.stated_person(), "");
  EXPECT_EQ(verdict_, ipc::TransferVerdict::kAllow);
  event = Copy(400, 0, 1);
  EXPECT_EQ(event.personal.person(), "unknown");
  EXPECT_EQ(event.personal.origin(), "service");
}

TEST_F(IdentifyTest, InObserveNothingIsRefusedAndTheEventSaysWhatWouldBe) {
  std::string policy = kPolicy;
  policy.replace(policy.find("enforce"), 7, "observe");
  Begin(policy);
  const Event event = Copy(100, 0, 6);
  EXPECT_NE(verdict_, ipc::TransferVerdict::kBlock);
  EXPECT_EQ(event.open.rule(), "identify");
  EXPECT_TRUE(event.open.observe_only());
  EXPECT_EQ(event.open.persons_written_count(), 6);
}

TEST_F(IdentifyTest, AContainmentOfThePersonHoldsAtTheSharedAccount) {
  Begin();
  CallFrom("3");
  ASSERT_TRUE(SayIam("yamada", kPin).ok);
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                          clock.Now().time_since_epoch())
                          .count();
  SendSealed(
      *uplink_, "contain",
      SealedOf("contain", 1,
               policy::PrintContainments({{.id = 1,
                                           .kind = policy::ContainKind::kPerson,
                                           .target = "yamada",
                                           .from_seconds = now - 10,
                                           .until_seconds = now + 3600}})));
  NextEvent(*uplink_, event::v1::EVENT_KIND_POLICY_CHANGED);
  EXPECT_THAT(Copy(100, 0, 0).open.rule(), testing::StartsWith("contain:"));
  Copy(200, 0, 0);
  EXPECT_EQ(verdict_, ipc::TransferVerdict::kAllow) << "not of his colleague";
}

class IdentifyFullSpoolTest : public IdentifyTest {
 protected:
  // Soon full: 1 MiB for events, as much again in reserve.
  IdentifyFullSpoolTest() { spool_bytes = int64_t{2} << 20; }
};

TEST_F(IdentifyFullSpoolTest, WhatCannotBeWrittenDownDoesNotCount) {
  Begin();
  // Nobody takes events any more.
  uplink_.reset();
  ipc::TransferQuestion ask;
  ask.path = "/" + std::string(4000, 'x');
  ask.operation = "create";
  ask.findings.inspection = "full";
  for (int i = 0; i < 2000 && ask.question_id == static_cast<uint64_t>(i);
       ++i) {
    gate_->Send(ask);
    if (gate_->Next<ipc::TransferAnswer>().verdict ==
        ipc::TransferVerdict::kAllow) {
      ++ask.question_id;
    }
  }
  CallFrom("3");
  // What the last of these left room for is smaller than they are.
  bool known = true;
  for (int i = 0; known && i < 100; ++i) known = SayIam("yamada", kPin).ok;
  EXPECT_FALSE(known);
  Client control(Socket(ipc::kControlSocket));
  control.Send(ipc::StatusRequest{});
  EXPECT_EQ(control.Next<ipc::StatusAnswer>().stated_person, "");
}

}  // namespace
}  // namespace sekisho::agent
