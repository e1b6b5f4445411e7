// The whole agent on a fake sysfs, with a client on each socket; no rights.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "agent/scan_rules.h"
#include "policy/containment.h"
#include "policy/offline_code.h"
#include "policy/samples_key.h"
#include "tests/unit/agent/agent_fixture.h"

namespace sekisho::agent {
namespace {

// A gate's only question, of a file inspected whole in which nobody is.
ipc::TransferQuestion QuestionAbout(const std::string& path) {
  ipc::TransferQuestion ask;
  ask.question_id = 1;
  ask.path = path;
  ask.findings.inspection = "full";
  ask.findings.file_hash = std::string(32, 'h');
  return ask;
}

using testing::HasSubstr;

TEST_F(AgentTest, ACopyNamesTheLandingItsContentCameFrom) {
  Enrol();
  {
    Client uplink(Socket(ipc::kUplinkSocket));
    SendEnvelope(uplink, 3);
    uplink.Send(ipc::SendFrom{});
    NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED);
  }
  StopAgent();
  last_sequence = 0;
  std::string people;
  for (uint64_t i = 1; i <= 12; ++i) {
    people += std::string(7, '\0') + static_cast<char>(i);
  }
  {
    std::string problem;
    auto landings =
        Landings::Open(options.state_dir + "/core/landings", &problem);
    ASSERT_TRUE(landings);
    ipc::Findings found;
    found.file_hash = std::string(32, 'h');
    found.people_sample = people;
    Landing landing = LandingOf(found);
    landing.event_id = std::string(16, 'e');
    landing.path = "/home/operator/list.csv";
    landing.person = "operator";
    landing.source_hosts = {"10.0.2.5:5432"};
    landing.time = WallTime(std::chrono::seconds(1'700'000'000));
    ASSERT_TRUE((*landings)->Add(landing));
  }
  PlugStick("S1", "1");
  RecordMount(42);
  StartAgent();
  Client gate(Socket(ipc::kGateSocket));
  gate.Send(ipc::GateHello{.mount_id = 42, .running = true});
  gate.Next<ipc::GateStart>();
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);

  ipc::TransferQuestion ask;
  ask.path = "/a.xlsx";
  ask.operation = "create";
  ask.findings.persons = 1500;
  ask.findings.inspection = "full";
  const auto asked = [&] {
    ++ask.question_id;
    gate.Send(ask);
    gate.Next<ipc::TransferAnswer>();
    return NextEvent(uplink, event::v1::EVENT_KIND_TRANSFER);
  };
  ask.findings.people_sample = people;
  Event event = asked();
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_BLOCKED);
  EXPECT_EQ(event.open.landing_event_id(), std::string(16, 'e'));
  EXPECT_EQ(event.open.landing_match(), "people");
  EXPECT_EQ(event.open.landing_time().seconds(), 1'700'000'000);
  EXPECT_EQ(event.personal.landing_path(), "/home/operator/list.csv");
  EXPECT_EQ(event.personal.landing_person(), "operator");
  EXPECT_THAT(event.personal.source_hosts(),
              testing::ElementsAre("10.0.2.5:5432"));

  ask.findings.people_sample.clear();
  EXPECT_EQ(asked().open.landing_event_id(), "");

  // A small one that goes through, by its content.
  ask.findings.persons = 3;
  ask.findings.file_hash = std::string(32, 'h');
  event = asked();
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_ALLOWED);
  EXPECT_EQ(event.open.landing_match(), "content");

  // One that is given up after a part was released.
  ipc::ReleaseQuestion release;
  release.question_id = 90;
  release.stream_id = 8;
  release.path = "/b.csv";
  release.release_bytes = 1000;
  release.released.persons = 12;
  release.findings.persons = 12;
  release.findings.inspection = "full";
  release.findings.people_sample = people;
  gate.Send(release);
  EXPECT_EQ(gate.Next<ipc::TransferAnswer>().verdict,
            ipc::TransferVerdict::kAllow);
  gate.Send(ipc::StreamEnded{
      .stream_id = 8, .who = 0, .path = "/b.csv", .persons_released = 12});
  event = NextEvent(uplink, event::v1::EVENT_KIND_TRANSFER);
  EXPECT_EQ(event.open.rule(), "unfinished");
  EXPECT_EQ(event.open.landing_match(), "people");
}

TEST_F(AgentTest, ACopyNamesTheClientsWhosePeopleItHolds) {
  Enrol();
  {
    Client uplink(Socket(ipc::kUplinkSocket));
    SendSealed(uplink, "policy",
               SealedOf("policy", 3,
                        "policy: 2\nname: owners\nmode: enforce\n"
                        "devices:\n"
                        "  - { id: approved, match: { serial: \"S1\" }, "
                        "access: inspect }\n"
                        "device_default: block\n"
                        "content:\n"
                        "  - { id: public, when: { data_owner: [\"public:*\"], "
                        "persons: { at_least: 101 } }, verdict: block }\n"
                        "content_default: allow\n"));
    uplink.Send(ipc::SendFrom{});
    EXPECT_THAT(
        NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED).open.reason(),
        HasSubstr("version 3"));
  }
  StopAgent();
  last_sequence = 0;
  PlugStick("S1", "1");
  RecordMount(42);
  StartAgent();
  Client gate(Socket(ipc::kGateSocket));
  gate.Send(ipc::GateHello{.mount_id = 42, .running = true});
  gate.Next<ipc::GateStart>();
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);

  constexpr std::array<std::byte, 32> kKey{};  // as the fixture enrols
  const auto hash = [](uint64_t person) { return person << 40U; };
  std::vector<uint64_t> listed;
  for (uint64_t i = 1; i <= 1'000; ++i) listed.push_back(hash(i));
  const auto send_list = [&](int64_t version, ByteSpan made_with) {
    const auto set =
        policy::DataSet::Make({.id = "customers",
                               .owner = "public:city-office",
                               .key_id = policy::SketchKeyId(made_with),
                               .persons = 1'000,
                               .made_seconds = 1,
                               .kinds = {"email"}},
                              listed, size_t{1} << 20);
    SendSealed(uplink, "data_sets",
               SealedOf("data_sets", version, *policy::PrintDataSets({*set})));
    return NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED);
  };

  ipc::TransferQuestion ask;
  ask.path = "/a.csv";
  ask.operation = "create";
  ask.findings.inspection = "full";
  const auto copied = [&](uint64_t first, uint64_t last) {
    std::string hashes;
    for (uint64_t i = first; i < last; ++i) {
      std::array<std::byte, 8> bytes{};
      PutU64(bytes.data(), hash(i));
      hashes += AsText(bytes);
    }
    const auto persons = static_cast<int64_t>(last - first);
    ask.findings.persons = persons;
    ask.findings.sketches = {
        {.kind = "row", .keyed_hashes = hashes, .blob = "", .persons = persons},
        {.kind = "email",
         .keyed_hashes = hashes,
         .blob = "",
         .persons = persons}};
    ++ask.question_id;
    gate.Send(ask);
    gate.Next<ipc::TransferAnswer>();
    return NextEvent(uplink, event::v1::EVENT_KIND_TRANSFER);
  };
  EXPECT_EQ(copied(1, 151).open.data_owner(), "");

  std::array<std::byte, 32> foreign{};
  foreign[0] = std::byte{9};
  Event told = send_list(1, foreign);
  EXPECT_EQ(told.open.outcome(), event::v1::OUTCOME_ALERTED);
  EXPECT_THAT(told.open.reason(), HasSubstr("key of another installation"));
  EXPECT_EQ(copied(1, 151).open.data_owner(), "");

  told = send_list(2, kKey);
  EXPECT_THAT(told.open.reason(),
              HasSubstr("version 2: 1 lists of people are known"));
  Event event = copied(1, 151);
  EXPECT_EQ(event.open.data_owner(), "public:city-office");
  ASSERT_EQ(event.open.data_owners_size(), 1);
  EXPECT_EQ(event.open.data_owners(0).person_count(), 150);
  EXPECT_EQ(event.open.key_id(), policy::SketchKeyId(kKey));
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_BLOCKED);
  EXPECT_EQ(event.open.rule(), "public");
  // As many of somebody else.
  event = copied(5'001, 5'151);
  EXPECT_EQ(event.open.data_owner(), "");
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_ALLOWED);

  // Also after a start without network.
  StopAgent();
  last_sequence = 0;
  StartAgent();
  Client again(Socket(ipc::kUplinkSocket));
  again.Send(ipc::SendFrom{});
  EXPECT_EQ(again.Next<ipc::CoreState>().data_sets_version, 2);
}

TEST_F(AgentTest, ObserveTellsAPlugAndWhatEnforceWouldDo) {
  Enrol();
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  EXPECT_EQ(uplink.Next<ipc::CoreState>().mode, "observe");
  NextEvent(uplink, event::v1::EVENT_KIND_AGENT_STARTED);
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  const Event event = NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);
  EXPECT_EQ(event.open.device().vendor_id(), "0951");
  EXPECT_EQ(event.open.device().product_id(), "1666");
  EXPECT_EQ(event.open.device().serial(), "S1");
  EXPECT_TRUE(event.open.observe_only());
  EXPECT_EQ(event.open.agent_id(), "agent-1");
  EXPECT_FALSE(event.personal.person().empty());
}

TEST_F(AgentTest, PolicyEnforcesIsKeptAndSurvivesARestart) {
  Enrol();
  PlugStick("unknown", "1");
  {
    Client uplink(Socket(ipc::kUplinkSocket));
    Client devices(Socket(ipc::kDevicesSocket));
    uplink.Send(ipc::SendFrom{});
    TellAdded(devices);
    NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);
    SendEnvelope(uplink, 2, /*alter=*/true);
    Event event = NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED);
    EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_BLOCKED);
    EXPECT_THAT(event.open.reason(), HasSubstr("refused"));
    SendEnvelope(uplink, 3);
    event = NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED);
    EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_ALLOWED);
    EXPECT_EQ(event.open.changed_version(), 3);
    event = NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_DECIDED);
    EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_BLOCKED);
    EXPECT_FALSE(event.open.observe_only());
  }
  StopAgent();
  EXPECT_EQ(dir.Get("state/core/mode"), "enforce\n");
  StartAgent();
  Client control(Socket(ipc::kControlSocket));
  control.Send(ipc::StatusRequest{});
  const auto status = control.Next<ipc::StatusAnswer>();
  EXPECT_EQ(status.mode, "enforce");
  EXPECT_EQ(status.policy_version, 3);
  EXPECT_EQ(status.terminal, "terminal-1");
}

TEST_F(AgentTest, RestartAdoptsAGateAndJudgesItsTransfers) {
  RestartEnforcingWithAMount();

  Client gate(Socket(ipc::kGateSocket));
  gate.Send(ipc::GateHello{.mount_id = 42, .running = true});
  const auto start = gate.Next<ipc::GateStart>();
  EXPECT_EQ(start.access, "inspect");
  EXPECT_EQ(gate.last_fds, 0u);
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);

  gate.Send(
      ipc::WhoQuestion{.question_id = 1, .pid = ::getpid(), .uid = ::getuid()});
  const auto who = gate.Next<ipc::WhoAnswer>();
  EXPECT_NE(who.who, 0u);
  ipc::TransferQuestion ask;
  ask.question_id = 2;
  ask.who = who.who;
  ask.path = "/customers.csv";
  ask.operation = "create";
  ask.findings.persons = 1500;
  ask.findings.inspection = "full";
  gate.Send(ask);
  EXPECT_EQ(gate.Next<ipc::TransferAnswer>().verdict,
            ipc::TransferVerdict::kBlock);
  Event event = NextEvent(uplink, event::v1::EVENT_KIND_TRANSFER);
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_BLOCKED);
  EXPECT_EQ(event.open.rule(), "too-many-people");
  EXPECT_EQ(event.open.person_count(), 1500);
  EXPECT_EQ(event.open.persons_written_count(), 0);
  EXPECT_EQ(event.open.device().serial(), "S1");
  EXPECT_EQ(event.personal.file_path(), "/customers.csv");
  EXPECT_EQ(event.personal.pid(), ::getpid());

  ask.question_id = 3;
  ask.findings.persons = 15;
  gate.Send(ask);
  EXPECT_EQ(gate.Next<ipc::TransferAnswer>().verdict,
            ipc::TransferVerdict::kAllow);
  event = NextEvent(uplink, event::v1::EVENT_KIND_TRANSFER);
  EXPECT_EQ(event.open.persons_written_count(), 15);
}

TEST_F(AgentTest, PeopleReleasedBeforeTheVerdictAreOnRecord) {
  RestartEnforcingWithAMount();
  Client gate(Socket(ipc::kGateSocket));
  gate.Send(ipc::GateHello{.mount_id = 42, .running = true});
  gate.Next<ipc::GateStart>();
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);

  ipc::ReleaseQuestion release;
  release.question_id = 1;
  release.stream_id = 7;
  release.path = "log.txt";
  release.release_bytes = 1000;
  release.released = {.persons = 5, .keyed_hashes = std::string(40, 'h')};
  release.findings.persons = 6;
  release.findings.inspection = "full";
  const auto asked = [&] {
    gate.Send(release);
    return gate.Next<ipc::TransferAnswer>().verdict;
  };
  EXPECT_EQ(asked(), ipc::TransferVerdict::kAllow);
  // What was looked at counts, not only what would be released.
  release.findings.persons = 21;
  EXPECT_EQ(asked(), ipc::TransferVerdict::kBlock);
  release.findings.persons = 6;

  ipc::TransferQuestion ask;
  ask.question_id = 2;
  ask.path = "log.txt";
  ask.operation = "create";
  ask.findings.persons = 1500;
  ask.findings.inspection = "full";
  ask.stream_id = 7;
  ask.persons_released = 5;
  gate.Send(ask);
  EXPECT_EQ(gate.Next<ipc::TransferAnswer>().verdict,
            ipc::TransferVerdict::kBlock);
  Event event = NextEvent(uplink, event::v1::EVENT_KIND_TRANSFER);
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_BLOCKED);
  EXPECT_EQ(event.open.person_count(), 1500);
  EXPECT_EQ(event.open.persons_written_count(), 5);

  release.stream_id = 8;
  EXPECT_EQ(asked(), ipc::TransferVerdict::kAllow);
  gate.Send(ipc::StreamEnded{
      .stream_id = 8, .who = 0, .path = "log.txt", .persons_released = 5});
  event = NextEvent(uplink, event::v1::EVENT_KIND_TRANSFER);
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_ALERTED);
  EXPECT_EQ(event.open.rule(), "unfinished");
  EXPECT_EQ(event.open.persons_written_count(), 5);
  EXPECT_EQ(event.personal.file_path(), "log.txt");
}

TEST_F(AgentTest, WhatAGateTellsOfNamesIsAnEventInTheOrderOfTheCopies) {
  RestartEnforcingWithAMount();
  Client gate(Socket(ipc::kGateSocket));
  gate.Send(ipc::GateHello{.mount_id = 42, .running = true});
  gate.Next<ipc::GateStart>();
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);
  gate.Send(ipc::FilesTold{
      .files = {{.path = "old.csv",
                 .size_bytes = 7,
                 .modified_us = 1'700'000'000'000'000},
                {.path = "a.csv", .change = ipc::FileChange::kRemoved}}});
  gate.Send(QuestionAbout("a.csv"));
  gate.Next<ipc::TransferAnswer>();
  const Event files = NextEvent(uplink, event::v1::EVENT_KIND_MEDIUM_FILES);
  ASSERT_EQ(files.personal.files_size(), 2);
  EXPECT_EQ(files.personal.files(0).path(), "old.csv");
  EXPECT_EQ(files.personal.files(0).change(), event::v1::FILE_CHANGE_PRESENT);
  EXPECT_EQ(files.personal.files(0).size_bytes(), 7);
  EXPECT_EQ(files.personal.files(0).modify_time().seconds(), 1'700'000'000);
  EXPECT_EQ(files.personal.files(1).change(), event::v1::FILE_CHANGE_REMOVED);
  EXPECT_EQ(files.open.device().serial(), "S1");
  EXPECT_FALSE(files.open.listing_complete());
  NextEvent(uplink, event::v1::EVENT_KIND_TRANSFER);
  gate.Send(ipc::FilesTold{.files = {{.path = "b",
                                      .change = ipc::FileChange::kRenamed,
                                      .old_path = "a.csv"}},
                           .listing_ends = true,
                           .present_count = 1,
                           .complete = true});
  const Event last = NextEvent(uplink, event::v1::EVENT_KIND_MEDIUM_FILES);
  EXPECT_EQ(last.personal.files(0).old_path(), "a.csv");
  EXPECT_TRUE(last.open.listing_complete());
  EXPECT_EQ(last.open.present_count(), 1);
  // Alone, it is told in time all the same.
  gate.Send(ipc::FilesTold{
      .files = {{.path = "b", .change = ipc::FileChange::kRemoved}},
      .lost_count = 3});
  const Event removed = NextEvent(uplink, event::v1::EVENT_KIND_MEDIUM_FILES);
  EXPECT_EQ(removed.open.lost_count(), 3);
  EXPECT_THAT(removed.open.reason(), HasSubstr("3 changes"));
}

TEST_F(AgentTest, AnErasureIsAnEventOnceTheGateProvedIt) {
  RestartEnforcingWithAMount();
  Client gate(Socket(ipc::kGateSocket));
  gate.Send(ipc::GateHello{.mount_id = 42, .running = true});
  gate.Next<ipc::GateStart>();
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);
  Client control(Socket(ipc::kControlSocket));
  control.Send(ipc::EraseRequest{.target = "/nowhere"});
  EXPECT_FALSE(control.Next<ipc::Reply>().ok);
  // Nobody asked for it: worth nothing. The answer after it says it was read.
  gate.Send(ipc::GateErased{.ok = true, .bytes = 1});
  gate.Send(QuestionAbout("a.csv"));
  gate.Next<ipc::TransferAnswer>();
  control.Send(ipc::EraseRequest{.target = dir.path() + "/media/STICK"});
  gate.Next<ipc::GateErase>();
  Client second(Socket(ipc::kControlSocket));
  second.Send(ipc::EraseRequest{.target = "0951:1666:S1"});
  EXPECT_FALSE(second.Next<ipc::Reply>().ok) << "it is under way";
  gate.Send(ipc::GateErased{.ok = true, .bytes = 4096});
  const auto reply = control.Next<ipc::Reply>();
  EXPECT_TRUE(reply.ok);
  EXPECT_THAT(reply.message, HasSubstr("4096 bytes"));
  const Event erased = NextEvent(uplink, event::v1::EVENT_KIND_MEDIUM_ERASED);
  EXPECT_EQ(erased.open.erased_bytes(), 4096);
  EXPECT_EQ(erased.open.device().serial(), "S1");
  EXPECT_EQ(erased.personal.pid(), ::getpid());
  second.Send(ipc::EraseRequest{.target = "0951:1666:S1"});
  gate.Next<ipc::GateErase>();
  gate.Send(ipc::GateErased{.ok = false, .error = "fill: I/O error"});
  EXPECT_THAT(second.Next<ipc::Reply>().message, HasSubstr("I/O error"));
}

class PastTest : public AgentTest {
 protected:
  void SetUp() override {}
  void Begin() {
    AgentTest::SetUp();
    Enrol();
  }
  // In the place of journalctl: a stick, told newest first.
  void PutLogs() {
    options = TestOptions(dir.path());
    dir.Put("journalctl", R"(#!/bin/sh
cat <<'END'
{"MESSAGE":"usb-storage 1-1:1.0: USB Mass Storage device detected","__REALTIME_TIMESTAMP":"1700000000000003"}
no line of a journal
{"MESSAGE":"usb 1-1: SerialNumber: OLD1","__REALTIME_TIMESTAMP":"1700000000000002"}
{"MESSAGE":"usb 1-1: New USB device found, idVendor=0951, idProduct=1666, bcdDevice= 1.00","__REALTIME_TIMESTAMP":"1700000000000001"}
END
)");
    std::filesystem::permissions(dir.path() + "/journalctl",
                                 std::filesystem::perms::owner_all);
    std::string login(past::kRecordBytes, '\0');
    login[0] = 7;
    login.replace(8, 5, "pts/0");
    login.replace(44, 6, "tanaka");
    login.replace(76, 9, "192.0.2.7");
    login[343] = 0x60;
    dir.Put("wtmp", login + "torn");
  }
  void StartWithPast() {
    StopAgent();
    last_sequence = 0;
    options.past = AgentOptions::Past::kOn;
    options.past_logs = {.journalctl = dir.path() + "/journalctl",
                         .wtmp = dir.path() + "/wtmp"};
    StartAgent();
  }
};

TEST_F(PastTest, IsToldOnceAfterEnrolment) {
  Begin();
  PutLogs();
  StartWithPast();
  {
    Client uplink(Socket(ipc::kUplinkSocket));
    uplink.Send(ipc::SendFrom{});
    const Event stick = NextEvent(uplink, event::v1::EVENT_KIND_PAST);
    EXPECT_EQ(stick.open.past_source(), "journal");
    EXPECT_EQ(stick.open.past_time().seconds(), 1'700'000'000);
    EXPECT_EQ(stick.open.device().serial(), "OLD1");
    EXPECT_EQ(stick.open.device().interfaces(0).class_code(), 8);
    EXPECT_THAT(stick.open.reason(), HasSubstr("not proven"));
    const Event login = NextEvent(uplink, event::v1::EVENT_KIND_PAST);
    EXPECT_EQ(login.open.past_source(), "wtmp");
    EXPECT_EQ(login.personal.person(), "tanaka");
    EXPECT_EQ(login.personal.ssh_source(), "192.0.2.7");
    const Event sum = NextEvent(uplink, event::v1::EVENT_KIND_PAST);
    EXPECT_THAT(sum.open.reason(),
                HasSubstr("1 attachments and 1 logins were read"));
    EXPECT_EQ(sum.open.past_source(), "");
  }
  StartWithPast();
  StopAgent();
  last_sequence = 0;
  StartAgent();
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  int told = 0;
  for (int starts = 0; starts < 3;) {
    const auto out = uplink.Next<ipc::EventOut>();
    event::v1::EventRecord record;
    event::v1::PublicPart part;
    ASSERT_TRUE(record.ParseFromString(out.record) &&
                part.ParseFromString(record.public_part()));
    told += part.kind() == event::v1::EVENT_KIND_PAST ? 1 : 0;
    starts += part.kind() == event::v1::EVENT_KIND_AGENT_STARTED ? 1 : 0;
  }
  EXPECT_EQ(told, 3);
}

TEST_F(PastTest, LogsThatAreNotThereAreNoTrouble) {
  Begin();
  options.past_logs = {.journalctl = "/nonexistent", .wtmp = "/nonexistent"};
  StopAgent();
  last_sequence = 0;
  options.past = AgentOptions::Past::kOn;
  StartAgent();
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  const Event sum = NextEvent(uplink, event::v1::EVENT_KIND_PAST);
  EXPECT_THAT(sum.open.reason(), HasSubstr("0 attachments and 0 logins"));
}

// What policy wants found reaches a gate at once, and a gate that comes later;
// what the worker sealed reaches the event.
TEST_F(AgentTest, GatesGetWhatPolicyWantsFoundAndSamplesReachTheEvent) {
  RestartEnforcingWithAMount();
  Client gate(Socket(ipc::kGateSocket));
  gate.Send(ipc::GateHello{.mount_id = 42, .running = true});
  EXPECT_EQ(gate.Next<ipc::GateStart>().scan_rules_bytes, 0);
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);

  const std::string analysts = policy::PrintSamplesKey([] {
    policy::SamplesPoint point{};
    point[0] = std::byte{4};
    return point;
  }());
  std::string text = kEnforcing;
  text.replace(text.find("policy: 1"), 9, "policy: 2");
  text += "types: { ward: { pattern: \"W[0-9]{6}\" } }\nsamples: { key: \"" +
          analysts + "\" }\n";
  SendSealed(uplink, "policy", SealedOf("policy", 4, text));
  const auto told = gate.Next<ipc::GateScanRules>();
  ASSERT_EQ(gate.last_fds, 1u);
  auto file = ipc::TakeScanRules(gate.TakeFd(), told.size_bytes);
  ASSERT_TRUE(file) << file.error().message;
  const auto rules = ipc::ReadScanRules(**file);
  ASSERT_TRUE(rules) << rules.error().message;
  ASSERT_EQ(rules->types.size(), 1u);
  EXPECT_EQ(rules->types[0].id, "ward");
  EXPECT_EQ(rules->samples_key.size(), policy::SamplesPoint{}.size());

  ipc::TransferQuestion ask;
  ask.question_id = 9;
  ask.path = "/customers.csv";
  ask.operation = "create";
  ask.findings.persons = 1500;
  ask.findings.inspection = "full";
  ask.findings.sealed_samples = std::string(kMaxSealedSamplesBytes, 's');
  gate.Send(ask);
  EXPECT_EQ(gate.Next<ipc::TransferAnswer>().verdict,
            ipc::TransferVerdict::kBlock);
  EXPECT_EQ(NextEvent(uplink, event::v1::EVENT_KIND_TRANSFER)
                .personal.sealed_samples(),
            ask.findings.sealed_samples);
  // More than a seal comes to is none.
  ask.findings.sealed_samples += 's';
  gate.Send(ask);
  gate.Next<ipc::TransferAnswer>();
  EXPECT_EQ(NextEvent(uplink, event::v1::EVENT_KIND_TRANSFER)
                .personal.sealed_samples(),
            "");

  // A policy without them takes them back.
  SendEnvelope(uplink, 5);
  EXPECT_EQ(gate.Next<ipc::GateScanRules>().size_bytes, 0);
  EXPECT_EQ(gate.last_fds, 0u);
}

// Whoever wrote or plugged is not known here: the terminal itself is meant.
TEST_F(AgentTest, AContainedTerminalRefusesTheCopyInFlightAndTellsWhen) {
  RestartEnforcingWithAMount();
  Client gate(Socket(ipc::kGateSocket));
  gate.Send(ipc::GateHello{.mount_id = 42, .running = true});
  gate.Next<ipc::GateStart>();
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);

  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                          clock.Now().time_since_epoch())
                          .count();
  const auto list = [&](int64_t id, const std::string& target) {
    return policy::PrintContainments({{.id = id,
                                       .kind = policy::ContainKind::kTerminal,
                                       .target = target,
                                       .from_seconds = now,
                                       .until_seconds = now + 3600}});
  };
  SendSealed(uplink, "contain", SealedOf("contain", 1, list(7, "agent-2")));
  SendSealed(uplink, "contain", SealedOf("contain", 2, list(8, "agent-1")));
  // NextEvent() would pass over these.
  ipc::ContainState state;
  do {
    state = uplink.Next<ipc::ContainState>();
  } while (state.version != 2 && !HasFailure());
  ASSERT_EQ(state.running.size(), 1u) << "that of another is left out";
  EXPECT_EQ(state.running[0].id, 8);
  EXPECT_EQ(state.running[0].media_count, 1);
  EXPECT_EQ(state.running[0].open_count, 1);
  EXPECT_EQ(state.running[0].closed_us, 0) << "the gate still writes";

  EXPECT_NE(gate.Next<ipc::GateStop>().reason, "");
  ipc::TransferQuestion ask;
  ask.question_id = 2;
  ask.path = "/harmless.txt";
  ask.operation = "create";
  ask.findings.inspection = "full";
  gate.Send(ask);
  EXPECT_EQ(gate.Next<ipc::TransferAnswer>().verdict,
            ipc::TransferVerdict::kBlock);
  ipc::ReleaseQuestion release;
  release.question_id = 3;
  release.stream_id = 7;
  release.path = "log.txt";
  release.findings.inspection = "full";
  gate.Send(release);
  EXPECT_EQ(gate.Next<ipc::TransferAnswer>().verdict,
            ipc::TransferVerdict::kBlock);
  gate = Client(Socket(ipc::kControlSocket));  // it is gone
  do {
    state = uplink.Next<ipc::ContainState>();
  } while (state.running.at(0).closed_us == 0 && !HasFailure());
  EXPECT_EQ(state.running[0].open_count, 0);
  EXPECT_GE(state.running[0].closed_us, now * 1'000'000);

  Client again(Socket(ipc::kUplinkSocket));
  last_sequence = 0;
  again.Send(ipc::SendFrom{});
  const Event event = NextEvent(again, event::v1::EVENT_KIND_TRANSFER);
  EXPECT_EQ(event.open.rule(), "contain:8");
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_BLOCKED);
}

TEST_F(AgentTest, InObserveNothingIsClosedAndTheServerIsToldSo) {
  Enrol();
  PlugStick("S1", "1");
  Client uplink(Socket(ipc::kUplinkSocket));
  Client devices(Socket(ipc::kDevicesSocket));
  uplink.Send(ipc::SendFrom{});
  TellAdded(devices);
  NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                          clock.Now().time_since_epoch())
                          .count();
  SendSealed(uplink, "contain",
             SealedOf("contain", 1,
                      fmt::format("sekisho-contain-1\n4 device {} {} "
                                  "0951:1666:S1\n",
                                  now, now + 60)));
  EXPECT_THAT(
      NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED).open.reason(),
      HasSubstr("nothing is closed while policy observes"));
  const Event event = NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_DECIDED);
  EXPECT_EQ(event.open.rule(), "contain:4");
  EXPECT_TRUE(event.open.observe_only());
  EXPECT_EQ(dir.Get("sys/devices/pci0/usb1/1-1/authorized"), "1\n");
}

// A terminal whose policy blocks the attached stick; the test is the server.
class CodeTest : public AgentTest {
 protected:
  void SetUp() override {
    AgentTest::SetUp();
    StopAgent();
    options.code_confirm_within = std::chrono::milliseconds(20);
    PlugStick("S9", "0");
    StartAgent();
    Enrol();
    uplink = std::make_unique<Client>(Socket(ipc::kUplinkSocket));
    SendEnvelope(*uplink, 3);
    SendList(1, {});
    uplink->Send(ipc::SendFrom{});
    const Event told = NextCode(event::v1::CODE_STEP_SECRET);
    const auto opened =
        policy::OpenCodeSecret(told.open.sealed_code_secret(), codes_key);
    ASSERT_TRUE(opened);
    secret = *opened;
    Client devices(Socket(ipc::kDevicesSocket));
    TellAdded(devices);
    NextEvent(*uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);
  }
  void TearDown() override {
    uplink.reset();
    AgentTest::TearDown();
  }
  void SendList(int64_t version, std::vector<policy::IssuedCode> issued) {
    SendSealed(*uplink, "code",
               SealedOf("code", version,
                        policy::PrintCodes({.key = codes_key.public_key,
                                            .issued = std::move(issued)})));
  }
  Event NextCode(event::v1::CodeStep step) {
    while (true) {
      Event event = NextEvent(*uplink, event::v1::EVENT_KIND_CODE);
      if (event.open.code_step() == step || HasFailure()) return event;
    }
  }
  ipc::CodeAnswer Ask(const std::string& code = "") {
    Client control(Socket(ipc::kControlSocket));
    control.Send(ipc::CodeRequest{.code = code, .device = ""});
    return control.Next<ipc::CodeAnswer>();
  }
  policy::CodeTerms Terms() {
    const auto shown = Ask();
    EXPECT_EQ(shown.challenges.size(), 1u) << shown.message;
    if (shown.challenges.empty()) return {};
    EXPECT_EQ(shown.terminal, "terminal-1");
    EXPECT_EQ(shown.challenges[0].device, "0951:1666:S9");
    return {.agent_id = "agent-1",
            .device = "0951:1666:S9",
            .seconds = 900,
            .challenge = *policy::ParseChallenge(shown.challenges[0].challenge,
                                                 "agent-1", "0951:1666:S9")};
  }
  ipc::CodeAnswer Use(const policy::CodeTerms& terms) {
    return Ask(policy::MakeCode(secret, terms));
  }
  // Until the device is decided on by this.
  Event Decided(const std::string& rule) {
    while (true) {
      Event event = NextEvent(*uplink, event::v1::EVENT_KIND_DEVICE_DECIDED);
      if (event.open.rule().starts_with(rule) || HasFailure()) return event;
    }
  }

  const policy::CodeKeyPair codes_key = policy::NewCodeKeyPair();
  policy::CodeSecret secret{};
  std::unique_ptr<Client> uplink;
};

TEST_F(CodeTest, ACodeOpensTheStickInspectedAndTheServerConfirms) {
  const policy::CodeTerms terms = Terms();
  const ipc::CodeAnswer answer = Use(terms);
  EXPECT_TRUE(answer.ok) << answer.message;
  const Event used = NextCode(event::v1::CODE_STEP_USED);
  EXPECT_EQ(used.open.code_match(), AsText(policy::MatchOf(terms)));
  EXPECT_EQ(used.open.code_seconds(), 900);
  EXPECT_EQ(used.open.outcome(), event::v1::OUTCOME_ALERTED);
  EXPECT_EQ(used.open.device().serial(), "S9");
  EXPECT_NE(used.personal.uid(), -1);
  // Offline it goes on without anybody; the list names it when it comes.
  SendList(2, {{.id = 1,
                .from_seconds = 1,
                .until_seconds = 90'000,
                .match = policy::MatchOf(terms)}});
  uplink->Send(ipc::UplinkState{.connected = true, .detail = ""});
  // What was confirmed and is not named any more has ended.
  SendList(3, {});
  const Event ended = NextCode(event::v1::CODE_STEP_ENDED);
  EXPECT_THAT(ended.open.reason(), HasSubstr("took it back"));
  EXPECT_FALSE(Use(terms).ok) << "once";
}

TEST_F(CodeTest, ReachedAndNotConfirmedItEnds) {
  ASSERT_TRUE(Use(Terms()).ok);
  const Event opened = Decided("code:");
  EXPECT_EQ(opened.open.access(), "inspect");
  EXPECT_EQ(opened.open.outcome(), event::v1::OUTCOME_ALLOWED);
  uplink->Send(ipc::UplinkState{.connected = true, .detail = ""});
  const Event ended = NextCode(event::v1::CODE_STEP_ENDED);
  EXPECT_THAT(ended.open.reason(), HasSubstr("did not confirm"));
  Client again(Socket(ipc::kUplinkSocket));
  last_sequence = 0;
  again.Send(ipc::SendFrom{});
  while (!HasFailure()) {
    const Event event = NextEvent(again, event::v1::EVENT_KIND_DEVICE_DECIDED);
    if (event.open.access() == "block" && event.open.rule() == "default") break;
  }
}

TEST_F(CodeTest, AWrongCodeIsToldAndARestartForgetsNoTry) {
  policy::CodeTerms terms = Terms();
  policy::CodeTerms other = terms;
  other.device += "X";
  const ipc::CodeAnswer wrong = Use(other);
  EXPECT_FALSE(wrong.ok);
  EXPECT_THAT(wrong.message, HasSubstr("4 tries are left"));
  const Event refused = NextCode(event::v1::CODE_STEP_REFUSED);
  EXPECT_EQ(refused.open.code_tries_left(), 4);
  EXPECT_EQ(refused.open.outcome(), event::v1::OUTCOME_BLOCKED);
  uplink.reset();
  StopAgent();
  StartAgent();
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  uplink = std::make_unique<Client>(Socket(ipc::kUplinkSocket));
  last_sequence = 0;
  uplink->Send(ipc::SendFrom{});
  while (NextEvent(*uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED)
                 .open.policy_version() == 0 &&
         !HasFailure()) {
  }
  EXPECT_THAT(Use(other).message, HasSubstr("3 tries are left"));
  EXPECT_TRUE(Use(terms).ok);
}

class ReplacedProgramTest : public AgentTest {
 protected:
  void SetUp() override {
    dir.Put("libexec/sekisho-scan", "first");
    AgentTest::SetUp();
  }
  // As dpkg does it: another file gets the name.
  void Replace(const std::string& bytes) {
    dir.Put("libexec/new", bytes);
    std::filesystem::rename(dir.path() + "/libexec/new",
                            dir.path() + "/libexec/sekisho-scan");
  }
  ipc::Reply Check(const std::string& list = "") {
    Client control(Socket(ipc::kControlSocket));
    control.Send(ipc::ProgramsCheck{.list = list});
    return control.Next<ipc::Reply>();
  }
};

TEST_F(ReplacedProgramTest, NothingItFindsLetsACopyThroughUntilItIsSigned) {
  Enrol();
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  SendEnvelope(uplink, 3);
  NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED);
  StopAgent();
  last_sequence = 0;
  PlugStick("S1", "1");
  RecordMount(42);
  StartAgent();
  Client gate(Socket(ipc::kGateSocket));
  gate.Send(ipc::GateHello{.mount_id = 42, .running = true});
  gate.Next<ipc::GateStart>();
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  Client again(Socket(ipc::kUplinkSocket));
  again.Send(ipc::SendFrom{});
  NextEvent(again, event::v1::EVENT_KIND_DEVICE_PLUGGED);

  ipc::TransferQuestion ask;
  ask.path = "/a.txt";
  ask.operation = "create";
  ask.findings.inspection = "full";
  const auto verdict = [&] {
    ++ask.question_id;
    gate.Send(ask);
    return gate.Next<ipc::TransferAnswer>().verdict;
  };
  EXPECT_EQ(verdict(), ipc::TransferVerdict::kAllow);
  NextEvent(again, event::v1::EVENT_KIND_TRANSFER);
  Replace("second");
  EXPECT_EQ(verdict(), ipc::TransferVerdict::kBlock);
  Event event = NextEvent(again, event::v1::EVENT_KIND_TRANSFER);
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_BLOCKED);
  EXPECT_THAT(event.open.reason(), HasSubstr("sekisho-scan"));
  event = NextEvent(again, event::v1::EVENT_KIND_TAMPER);
  EXPECT_THAT(event.open.reason(), HasSubstr("no signed manifest names it"));
  EXPECT_EQ(verdict(), ipc::TransferVerdict::kBlock);

  // sha256sum of "second".
  const std::string list =
      "sekisho-upgrade-1\npackage sekisho-agent 0.2.0\n"
      "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4 6 "
      "/usr/libexec/sekisho/sekisho-scan\n";
  EXPECT_FALSE(Check(list).ok);
  EXPECT_THAT(Check(list).message, HasSubstr("sekisho-agent 0.2.0 brings"));
  EXPECT_THAT(Check("nonsense").message, HasSubstr("expected"));
  SendSealed(again, "upgrade", SealedOf("upgrade", 1, list));
  event = NextEvent(again, event::v1::EVENT_KIND_POLICY_CHANGED);
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_ALLOWED);
  EXPECT_TRUE(Check(list).ok);
  // All are ours, but there is no kernel gate here to know them.
  EXPECT_THAT(Check().message, HasSubstr("no kernel gate"));
  EXPECT_EQ(verdict(), ipc::TransferVerdict::kAllow);

  // An older list is not taken, and the newer one is kept.
  SendSealed(again, "upgrade", SealedOf("upgrade", 0, list));
  event = NextEvent(again, event::v1::EVENT_KIND_POLICY_CHANGED);
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_BLOCKED);
  EXPECT_FALSE(dir.Get("state/core/upgrade.envelope").empty());
}

TEST_F(ReplacedProgramTest, ObserveTakesWhatIsThere) {
  Enrol();
  Replace("second");
  EXPECT_TRUE(Check().ok);
}

class UnlockTest : public AgentTest {
 protected:
  void Enforce(Client& uplink) {
    Enrol();
    uplink.Send(ipc::SendFrom{});
    SendEnvelope(uplink, 3);
    NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED);
  }
  void SendUnlock(Client& uplink, int64_t version, const std::string& audience,
                  std::chrono::seconds length) {
    policy::Envelope envelope;
    envelope.type = "unlock";
    envelope.version = version;
    envelope.issued_seconds = std::chrono::duration_cast<std::chrono::seconds>(
                                  clock.Now().time_since_epoch())
                                  .count();
    envelope.expires_seconds = envelope.issued_seconds + length.count();
    envelope.audience = audience;
    envelope.body = policy::PrintUnlock({.requested_by = "tanaka",
                                         .confirmed_by = "root (suzuki)",
                                         .reason = "disk"});
    SendSealed(uplink, "unlock", policy::Seal(envelope, {key}));
  }
  ipc::Reply TearDownAgent() {
    Client control(Socket(ipc::kControlSocket));
    control.Send(ipc::Teardown{.reason = "package removed"});
    return control.Next<ipc::Reply>();
  }
};

TEST_F(UnlockTest, RemovalIsRefusedUntilTwoAgreedAndAfterItsEnd) {
  Client uplink(Socket(ipc::kUplinkSocket));
  Enforce(uplink);
  EXPECT_THAT(TearDownAgent().message, HasSubstr("sekisho agent unlock"));
  Event event = NextEvent(uplink, event::v1::EVENT_KIND_TAMPER);
  EXPECT_THAT(event.open.reason(), HasSubstr("removal"));

  // Of another agent: not even a refusal to tell.
  SendUnlock(uplink, 5, "agent-2", std::chrono::hours(1));
  SendUnlock(uplink, 6, "agent-1", std::chrono::seconds(2));
  event = NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED);
  EXPECT_EQ(event.open.changed_version(), 6);
  EXPECT_THAT(event.open.reason(),
              HasSubstr("asked for by tanaka, agreed to by root (suzuki): "
                        "disk"));
  event = NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED);
  EXPECT_EQ(event.open.reason(), "unlock version 6 is over");
  EXPECT_FALSE(TearDownAgent().ok);

  SendUnlock(uplink, 7, "agent-1", std::chrono::hours(1));
  NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED);
  Client control(Socket(ipc::kControlSocket));
  control.Send(ipc::StatusRequest{});
  EXPECT_EQ(control.Next<ipc::StatusAnswer>().mode, "enforce")
      << "media stay closed";
  EXPECT_TRUE(TearDownAgent().ok);
}

TEST_F(UnlockTest, OneThatIsOverBeginsNothing) {
  Client uplink(Socket(ipc::kUplinkSocket));
  Enforce(uplink);
  SendUnlock(uplink, 5, "agent-1", std::chrono::seconds(0));
  Event event = NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED);
  EXPECT_EQ(event.open.outcome(), event::v1::OUTCOME_BLOCKED);
  EXPECT_FALSE(TearDownAgent().ok);
}

TEST_F(UnlockTest, InObserveAnyRootMayRemoveIt) {
  Enrol();
  EXPECT_TRUE(TearDownAgent().ok);
}

class FullSpoolTest : public AgentTest {
 protected:
  // Soon full: 1 MiB for events, as much again in reserve.
  FullSpoolTest() { spool_bytes = int64_t{2} << 20; }
};

TEST_F(FullSpoolTest, RefusesCopiesAndTellsTheGap) {
  RestartEnforcingWithAMount();
  Client gate(Socket(ipc::kGateSocket));
  gate.Send(ipc::GateHello{.mount_id = 42, .running = true});
  gate.Next<ipc::GateStart>();
  {
    Client devices(Socket(ipc::kDevicesSocket));
    TellAdded(devices);
    Client uplink(Socket(ipc::kUplinkSocket));
    uplink.Send(ipc::SendFrom{});
    NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);
  }

  // Nobody takes events any more.
  ipc::TransferQuestion ask;
  ask.path = "/" + std::string(4000, 'x');
  ask.operation = "create";
  ask.findings.inspection = "full";
  const auto verdict = [&] {
    ++ask.question_id;
    gate.Send(ask);
    return gate.Next<ipc::TransferAnswer>().verdict;
  };
  constexpr int kMoreThanItHolds = 2000;
  int copies = 0;
  while (copies < kMoreThanItHolds &&
         verdict() == ipc::TransferVerdict::kAllow) {
    ++copies;
  }
  EXPECT_GT(copies, 100);
  EXPECT_LT(copies, kMoreThanItHolds);
  EXPECT_EQ(verdict(), ipc::TransferVerdict::kBlock);

  // A server takes what there is, and hears of what there is not.
  last_sequence = 0;
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  const auto state = uplink.Next<ipc::CoreState>();
  const Event gap = NextEvent(uplink, event::v1::EVENT_KIND_GAP);
  EXPECT_EQ(gap.open.lost_count(), 1);
  EXPECT_THAT(gap.open.reason(), HasSubstr("the spool was full"));
  EXPECT_EQ(last_sequence, state.head.sequence);
  uplink.Send(ipc::EventsAcked{.head = state.head});
  EXPECT_EQ(verdict(), ipc::TransferVerdict::kAllow);
  // The second refusal was not worth a part of the reserve.
  EXPECT_EQ(NextEvent(uplink, event::v1::EVENT_KIND_GAP).open.lost_count(), 1);
}

TEST_F(FullSpoolTest, RefusesNothingInObserve) {
  Enrol();
  PlugStick("S1", "1");
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  {
    Client uplink(Socket(ipc::kUplinkSocket));
    uplink.Send(ipc::SendFrom{});
    NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);
  }
  Client control(Socket(ipc::kControlSocket));
  const auto kept = [&] {
    control.Send(ipc::ApprovalRequest{.device = "0951:1666:S1",
                                      .purpose = std::string(1000, 'x'),
                                      .seconds = 60});
    return control.Next<ipc::Reply>().ok;
  };
  constexpr int kMoreThanItHolds = 6000;
  int requests = 0;
  while (requests < kMoreThanItHolds && kept()) ++requests;
  EXPECT_GT(requests, 100);
  EXPECT_LT(requests, kMoreThanItHolds);

  // One more device: it is used as before, though no event of it can be kept.
  PlugStick("S2", "1");
  TellAdded(devices);
  control.Send(ipc::StatusRequest{});
  EXPECT_EQ(control.Next<ipc::StatusAnswer>().mode, "observe");
  EXPECT_EQ(dir.Get("sys/devices/pci0/usb1/1-1/authorized"), "1\n");

  last_sequence = 0;
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  const Event gap = NextEvent(uplink, event::v1::EVENT_KIND_GAP);
  EXPECT_THAT(gap.open.reason(), HasSubstr("the spool was full"));
}

TEST_F(AgentTest, ForeignMountIsSentAway) {
  Client gate(Socket(ipc::kGateSocket));
  gate.Send(ipc::GateHello{.mount_id = 7, .running = true});
  EXPECT_EQ(gate.Next<ipc::GateStop>().reason, "unknown mount");
}

TEST_F(AgentTest, RequestForAnAttachedDeviceIsAnEvent) {
  Enrol();
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  Client uplink(Socket(ipc::kUplinkSocket));
  uplink.Send(ipc::SendFrom{});
  NextEvent(uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);
  Client control(Socket(ipc::kControlSocket));
  control.Send(ipc::ApprovalRequest{
      .device = "0951:1666:S1", .purpose = "repair", .seconds = 3600});
  EXPECT_TRUE(control.Next<ipc::Reply>().ok);
  const Event event = NextEvent(uplink, event::v1::EVENT_KIND_REQUEST);
  EXPECT_EQ(event.personal.purpose(), "repair");
  EXPECT_EQ(event.open.request_seconds(), 3600);
  control.Send(ipc::ApprovalRequest{
      .device = "0:0:0", .purpose = "repair", .seconds = 3600});
  EXPECT_FALSE(control.Next<ipc::Reply>().ok);
}

TEST_F(AgentTest, PathsOutsideSysfsAreNotLookedAt) {
  path = dir.path() + "/sys/devices/../../etc";
  Client devices(Socket(ipc::kDevicesSocket));
  TellAdded(devices);
  Client control(Socket(ipc::kControlSocket));
  control.Send(ipc::StatusRequest{});
  EXPECT_TRUE(control.Next<ipc::StatusAnswer>().media.empty());
}

}  // namespace
}  // namespace sekisho::agent
