// The commands that manage a server, against a real one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/agent_command.h"
#include "cli/agent_upgrade_command.h"
#include "cli/alert_command.h"
#include "cli/device_command.h"
#include "cli/event_command.h"
#include "cli/policy_push_command.h"
#include "cli/requests_command.h"
#include "cli/samples_command.h"
#include "merkle/checkpoint.h"
#include "policy/envelope.h"
#include "policy/packs.h"
#include "policy/samples_key.h"
#include "seal/seal.h"
#include "tests/integration/server/test_server.h"

namespace sekisho::testing {
namespace {

using cli::RunAgentCommand;
using cli::RunAlertCommand;
using cli::RunDeviceCommand;
using cli::RunEventCommand;
using cli::RunLoginCommand;
using cli::RunPolicyHistory;
using cli::RunPolicyPush;
using cli::RunPolicyRollback;
using cli::RunSamplesKey;
using cli::RunSamplesOpen;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

using Command = int (*)(std::span<const std::string_view>);

class PeopleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("SEKISHO_ADMIN_SOCKET", server_.socket().c_str(), 1);
  }

  // Runs a command; its standard output in out_.
  int Run(Command command, std::vector<std::string_view> args) {
    std::fflush(stdout);
    const std::string path = server_.dir() + "/out";
    const int saved = dup(STDOUT_FILENO);
    CHECK(freopen(path.c_str(), "w", stdout) != nullptr);
    const int code = command(args);
    std::fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    out_ = Read(path);
    return code;
  }
  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  void Write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  // An agent with `count` blocked transfers, all acknowledged and indexed.
  std::unique_ptr<FakeAgent> Agent(const std::string& name, int count) {
    auto agent = std::make_unique<FakeAgent>(server_.agents_port(),
                                             server_.EnrolAs(name));
    EXPECT_TRUE(agent->Connect());
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(agent->SendBatch(
          {agent->NextTransfer(100 + i, event::v1::OUTCOME_BLOCKED)}));
    }
    EXPECT_TRUE(agent->AwaitAck(count));
    for (int tries = 0; tries < 200; ++tries) {
      EXPECT_EQ(Run(RunEventCommand,
                    {"list", "--json", "--agent", name, "--limit", "1000"}),
                0);
      if (std::ssize(json::parse(out_)) == count) {
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return agent;
  }

  TestServer server_;
  std::string out_;
};

TEST_F(PeopleTest, ListsAgentsEventsDevicesAndAlerts) {
  const auto agent = Agent("terminal-1", 3);
  EXPECT_EQ(Run(RunAgentCommand, {"list"}), 0);
  EXPECT_THAT(out_, HasSubstr("terminal-1"));
  EXPECT_EQ(Run(RunAgentCommand, {"show", "terminal-1", "--json"}), 0);
  EXPECT_EQ(json::parse(out_)["state"], "connected");
  EXPECT_EQ(json::parse(out_)["acked_sequence"], 3);

  EXPECT_EQ(Run(RunEventCommand, {"list", "--json"}), 0);
  const json events = json::parse(out_);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0]["public_part"]["kind"], "transfer");
  EXPECT_EQ(events[0]["public_part"]["outcome"], "blocked");
  EXPECT_EQ(events[0]["public_part"]["person_count"], 102);
  EXPECT_EQ(events[0]["public_part"]["device"]["serial"], "E0D55EA573F0");
  EXPECT_EQ(events[0]["personal_part"]["file_path"], "customers.csv");

  EXPECT_EQ(Run(RunDeviceCommand, {"list", "--json"}), 0);
  EXPECT_EQ(json::parse(out_)[0]["device_id"], "0951:1666:E0D55EA573F0");
  EXPECT_EQ(Run(RunAlertCommand, {"list", "--json"}), 0);
  // What is tried again is one alert.
  ASSERT_EQ(json::parse(out_).size(), 1U);
  EXPECT_EQ(json::parse(out_)[0]["event"]["public_part"]["person_count"], 100);
}

TEST_F(PeopleTest, HandlesAnAlert) {
  const auto agent = Agent("terminal-1", 1);
  EXPECT_EQ(Run(RunAlertCommand, {"ack", "1", "--json"}), 0);
  EXPECT_EQ(json::parse(out_)["state"], "acknowledged");
  EXPECT_EQ(Run(RunAlertCommand, {"assign", "1", "suzuki", "--json"}), 0);
  EXPECT_EQ(json::parse(out_)["assignee"], "suzuki");
  EXPECT_EQ(Run(RunAlertCommand, {"close", "1"}), 2);
  EXPECT_EQ(Run(RunAlertCommand, {"close", "1", "--verdict", "maybe"}), 1);
  EXPECT_EQ(Run(RunAlertCommand,
                {"close", "1", "--verdict=benign", "--comment", "a test"}),
            0);
  EXPECT_EQ(Run(RunAlertCommand, {"ack", "1"}), 1);
  EXPECT_EQ(Run(RunAlertCommand, {"show", "1"}), 0);
  EXPECT_THAT(out_, HasSubstr("a test"));
  EXPECT_EQ(Run(RunAlertCommand, {"show", "99"}), 1);
}

TEST_F(PeopleTest, HandlesManyAlertsAtOnce) {
  const auto one = Agent("terminal-1", 1);
  const auto two = Agent("terminal-2", 1);
  const auto three = Agent("terminal-3", 1);
  const auto count = [&](std::vector<std::string_view> filter) {
    filter.insert(filter.begin(), {"list", "--json"});
    EXPECT_EQ(Run(RunAlertCommand, filter), 0);
    return json::parse(out_).size();
  };
  EXPECT_EQ(count({"--terminal", "terminal-1"}), 1U);
  EXPECT_EQ(count({"--device", "0951:1666:E0D55EA573F0"}), 3U);
  EXPECT_EQ(count({"--severity", "critical"}), 0U);
  EXPECT_EQ(count({"--assignee", "none"}), 3U);
  EXPECT_EQ(Run(RunAlertCommand, {"assign", "1", "2", "suzuki"}), 0);
  EXPECT_EQ(count({"--assignee", "suzuki"}), 2U);
  EXPECT_EQ(Run(RunAlertCommand, {"unassign", "2"}), 0);
  EXPECT_EQ(count({"--assignee", "none"}), 2U);
  EXPECT_EQ(Run(RunAlertCommand, {"comment", "1"}), 2);
  EXPECT_EQ(Run(RunAlertCommand, {"ack", "one"}), 2);
  EXPECT_EQ(Run(RunAlertCommand, {"ack"}), 2);
  // What one refuses does not keep the others from it.
  EXPECT_EQ(Run(RunAlertCommand, {"close", "99", "1", "2", "--verdict",
                                  "benign", "--comment", "a drill"}),
            1);
  EXPECT_EQ(count({"--state", "closed"}), 2U);
}

TEST_F(PeopleTest, ReportsADeviceLostAndFound) {
  const auto agent = Agent("terminal-1", 1);
  const std::string_view id = "0951:1666:E0D55EA573F0";
  EXPECT_EQ(Run(RunDeviceCommand, {"found", id}), 1);
  EXPECT_EQ(Run(RunDeviceCommand, {"lost", id, "--how", "sold"}), 1);
  EXPECT_EQ(Run(RunDeviceCommand, {"lost", id, "--note", "in a taxi"}), 0);
  EXPECT_EQ(Run(RunDeviceCommand, {"show", id, "--json"}), 0);
  EXPECT_EQ(json::parse(out_)["approved_access"], "block");
  const auto head = agent->head().sequence;
  EXPECT_TRUE(
      agent->SendBatch({agent->NextTransfer(100, event::v1::OUTCOME_BLOCKED)}));
  EXPECT_TRUE(agent->AwaitAck(head + 1));
  size_t seen = 0;
  for (int tries = 0; tries < 200 && seen == 0; ++tries) {
    EXPECT_EQ(Run(RunAlertCommand, {"list", "--kind", "lost_device", "--json"}),
              0);
    seen = json::parse(out_).size();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(seen, 1U);
  EXPECT_EQ(Run(RunDeviceCommand, {"found", id}), 0);
  EXPECT_EQ(Run(RunDeviceCommand, {"show", id, "--json"}), 0);
  EXPECT_EQ(json::parse(out_).value("approved_access", ""), "");
}

TEST_F(PeopleTest, DecidesWhatOperatorsAskFor) {
  const auto agent = Agent("terminal-1", 1);
  const std::string_view id = "0951:1666:E0D55EA573F0";
  const auto ask = [&] {
    const auto before = agent->head().sequence;
    EXPECT_TRUE(agent->SendBatch({agent->NextRequest("logs", 3600)}));
    EXPECT_TRUE(agent->AwaitAck(before + 1));
  };
  const auto open = [&](size_t count) {
    for (int tries = 0; tries < 200; ++tries) {
      EXPECT_EQ(Run(cli::RunRequestList, {"--json"}), 0);
      if (json::parse(out_).size() == count) return json::parse(out_);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ADD_FAILURE() << out_;
    return json();
  };
  ask();
  ask();
  const json requests = open(2);
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0]["event"]["personal_part"]["purpose"], "logs");
  const std::string first = std::to_string(int64_t(requests[1]["alert_id"]));
  const std::string second = std::to_string(int64_t(requests[0]["alert_id"]));

  EXPECT_EQ(Run(cli::RunRequestDeny, {first}), 2);
  EXPECT_EQ(Run(cli::RunRequestApprove, {first, "--for", "31d"}), 1);
  EXPECT_EQ(Run(cli::RunRequestApprove, {"1"}), 1) << "alert 1 is a transfer";
  EXPECT_EQ(Run(cli::RunRequestApprove, {first, "--json"}), 0);
  EXPECT_EQ(json::parse(out_)["verdict"], "approved");
  EXPECT_EQ(Run(RunDeviceCommand, {"show", id, "--json"}), 0);
  const json device = json::parse(out_);
  EXPECT_EQ(device["approved_access"], "inspect");
  EXPECT_TRUE(device.contains("expire_time"));
  EXPECT_EQ(Run(cli::RunRequestApprove, {first}), 1) << "decided already";

  EXPECT_EQ(Run(cli::RunRequestDeny, {second, "--reason", "use the share"}), 0);
  EXPECT_EQ(Run(RunAlertCommand, {"show", second}), 0);
  EXPECT_THAT(out_, HasSubstr("use the share"));
  EXPECT_EQ(open(0).size(), 0U);
  EXPECT_EQ(Run(cli::RunRequestList, {"--state", "all", "--json"}), 0);
  EXPECT_EQ(json::parse(out_).size(), 2U);
}

// From the analysts' key to what they read, past a server that cannot.
TEST_F(PeopleTest, AnalystsOpenWhatTheServerCannotRead) {
  const std::string key = server_.dir() + "/soc.key";
  const std::string passphrase = server_.dir() + "/passphrase";
  Write(passphrase, "a long passphrase\n");
  ASSERT_EQ(Run(RunSamplesKey, {"--out", key, "--passphrase-file", passphrase}),
            0);
  EXPECT_EQ(Run(RunSamplesKey, {"--out", key, "--passphrase-file", passphrase}),
            1)
      << "never over another key";
  Write(server_.dir() + "/short", "short");
  EXPECT_EQ(Run(RunSamplesKey, {"--out", server_.dir() + "/b",
                                "--passphrase-file", server_.dir() + "/short"}),
            1);
  ASSERT_EQ(Run(RunSamplesKey, {"--out", server_.dir() + "/other.key",
                                "--passphrase-file", passphrase, "--json"}),
            0);
  const std::string line = json::parse(out_)["key"];
  ASSERT_TRUE(policy::ParseSamplesKey(line)) << line;

  const auto private_key =
      seal::PrivateKey::FromText(Read(key), "a long passphrase");
  ASSERT_TRUE(private_key) << private_key.error().message;
  const std::string sealed = *seal::Seal(
      R"({"part":"a.xlsx","columns":[{"name":"氏名","type":"person_name"}],)"
      R"("rows":[["山田 太*"],["鈴木 花*"]]})",
      private_key->public_key());
  auto agent = std::make_unique<FakeAgent>(server_.agents_port(),
                                           server_.EnrolAs("terminal-1"));
  ASSERT_TRUE(agent->Connect());
  event::v1::PublicPart open;
  open.set_kind(event::v1::EVENT_KIND_TRANSFER);
  open.set_outcome(event::v1::OUTCOME_BLOCKED);
  event::v1::PersonalPart personal;
  personal.set_sealed_samples(sealed);
  ASSERT_TRUE(agent->SendBatch({agent->Next(open, personal)}));
  ASSERT_TRUE(agent->AwaitAck(1));
  // The index follows the acknowledgement.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  do {
    ASSERT_EQ(Run(RunEventCommand, {"list", "--json"}), 0);
  } while (json::parse(out_).empty() && std::chrono::steady_clock::now() < end);
  ASSERT_FALSE(json::parse(out_).empty());
  EXPECT_THAT(out_, Not(HasSubstr(ToHex(AsBytes(sealed)).substr(20, 40))));
  const std::string row =
      std::to_string(json::parse(out_)[0]["row_id"].get<int64_t>());

  EXPECT_EQ(
      Run(RunSamplesOpen, {row, "--key", key, "--passphrase-file", passphrase}),
      0);
  EXPECT_THAT(out_, HasSubstr("氏名 (person_name)"));
  EXPECT_THAT(out_, HasSubstr("山田 太*"));
  EXPECT_THAT(out_, HasSubstr("a.xlsx"));
  EXPECT_EQ(Run(RunSamplesOpen,
                {row, "--key", key, "--passphrase-file", passphrase, "--json"}),
            0);
  EXPECT_EQ(json::parse(out_)["rows"][1][0], "鈴木 花*");

  // Without a server, from what the console handed out.
  Write(server_.dir() + "/sealed", sealed);
  EXPECT_EQ(Run(RunSamplesOpen, {"--sealed", server_.dir() + "/sealed", "--key",
                                 key, "--passphrase-file", passphrase}),
            0);
  EXPECT_EQ(Run(RunSamplesOpen, {row, "--key", server_.dir() + "/other.key",
                                 "--passphrase-file", passphrase}),
            1);
  EXPECT_EQ(Run(RunSamplesOpen, {row, "--key", key, "--passphrase-file",
                                 server_.dir() + "/short"}),
            1);
  EXPECT_EQ(Run(RunSamplesOpen,
                {"99", "--key", key, "--passphrase-file", passphrase}),
            1);
  EXPECT_EQ(Run(RunSamplesOpen, {row}), 2);
}

TEST_F(PeopleTest, PushesAndRollsBackPolicy) {
  const std::string good = server_.dir() + "/good.yaml";
  const std::string bad = server_.dir() + "/bad.yaml";
  Write(good, std::string(policy::PackText("appi")));
  Write(bad, "mode: nothing\n");
  EXPECT_EQ(Run(RunPolicyPush, {good, "--comment", "enforce", "--json"}), 0);
  EXPECT_EQ(json::parse(out_)["version"], 2);
  EXPECT_EQ(Run(RunPolicyPush, {bad, "--json"}), 1);
  EXPECT_THAT(std::string(json::parse(out_)["error"]),
              HasSubstr("bad.yaml:1:"));
  EXPECT_EQ(Run(RunPolicyPush, {server_.dir() + "/none.yaml"}), 3);
  EXPECT_EQ(Run(RunPolicyRollback, {"1"}), 0);
  EXPECT_EQ(Run(RunPolicyRollback, {"77"}), 1);
  EXPECT_EQ(Run(RunPolicyHistory, {"--json"}), 0);
  const json history = json::parse(out_);
  ASSERT_EQ(history.size(), 3U);
  EXPECT_EQ(history[0]["text"], history[2]["text"]);
  EXPECT_EQ(Run(RunPolicyHistory, {"2"}), 0);
  EXPECT_EQ(out_, policy::PackText("appi"));
}

// Makes a package of `files`, by path below its root.
std::string MakePackage(const std::string& dir, const std::string& compression,
                        const std::map<std::string, std::string>& files) {
  const std::string root = dir + "/package-" + compression;
  const auto put = [&](const std::string& path, const std::string& text) {
    const std::filesystem::path at = root + path;
    std::filesystem::create_directories(at.parent_path());
    std::ofstream(at, std::ios::binary) << text;
  };
  put("/DEBIAN/control",
      "Package: sekisho-agent\nVersion: 1:0.2.0~rc1-1\nArchitecture: all\n"
      "Maintainer: Sekisho <m@sekisho.invalid>\nDescription: test\n");
  for (const auto& [path, text] : files) put(path, text);
  const std::string deb = root + ".deb";
  const std::string command = "dpkg-deb --root-owner-group -Z" + compression +
                              " -b " + root + " " + deb + " > /dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0);
  return deb;
}

TEST_F(PeopleTest, SignsWhichProgramsAPackageBrings) {
  const std::string large(300'000, 'x');
  const std::map<std::string, std::string> files = {
      {"/usr/sbin/sekishod", "program"},
      {"/usr/libexec/sekisho/sekisho-scan", large},
      {"/usr/bin/sekisho", "not the agent's"}};
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("terminal-1"));
  ASSERT_TRUE(agent.Connect({{"policy", 1}, {"code", 1}}));
  int64_t version = 0;
  for (const char* compression : {"none", "gzip", "xz", "zstd"}) {
    const std::string deb = MakePackage(server_.dir(), compression, files);
    EXPECT_EQ(Run(cli::RunAgentUpgrade, {deb, "--json"}), 0) << compression;
    EXPECT_EQ(json::parse(out_)["version"], ++version);
    const auto told = agent.Await(event::v1::ConnectResponse::kAnnouncement);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->announcement().type(), "upgrade");
    EXPECT_EQ(told->announcement().version(), version);
    const auto sealed = agent.FetchEnvelope("upgrade");
    ASSERT_TRUE(sealed);
    const auto envelope = policy::ParseEnvelope(*sealed);
    ASSERT_TRUE(envelope);
    // sha256sum of "program" and of 300,000 x.
    EXPECT_EQ(
        envelope->body,
        "sekisho-upgrade-1\n"
        "package sekisho-agent 1:0.2.0~rc1-1\n"
        "29927e273accc68286005017f7fa6e4f27bddb4db3083ff8b8d4c3667905b7fa "
        "300000 "
        "/usr/libexec/sekisho/sekisho-scan\n"
        "1310ca2c8932dbd118668bd97442558a3e1f546b5e15c69699dfbd6024f548d8 7 "
        "/usr/sbin/sekishod\n")
        << compression;
  }
  Write(server_.dir() + "/other.deb", "no package");
  EXPECT_EQ(Run(cli::RunAgentUpgrade, {server_.dir() + "/other.deb"}), 1);
  EXPECT_EQ(Run(cli::RunAgentUpgrade, {server_.dir() + "/none.deb"}), 1);
  EXPECT_EQ(Run(cli::RunAgentUpgrade, {}), 2);
  const std::string empty =
      MakePackage(server_.dir() + "/empty", "gzip", {{"/usr/bin/a", "b"}});
  EXPECT_EQ(Run(cli::RunAgentUpgrade, {empty}), 1);
  const auto last = policy::ParseEnvelope(*agent.FetchEnvelope("upgrade"));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->version, version) << "what was refused signed nothing";
}

TEST_F(PeopleTest, ApprovesAndRevokesADevice) {
  const auto agent = Agent("terminal-1", 1);
  const std::string_view id = "0951:1666:E0D55EA573F0";
  EXPECT_EQ(Run(RunDeviceCommand, {"approve", id}), 2);
  EXPECT_EQ(Run(RunDeviceCommand, {"approve", id, "--access", "open"}), 1);
  EXPECT_EQ(Run(RunDeviceCommand, {"approve", id, "--access", "inspect",
                                   "--for", "8h", "--owner", "tanaka"}),
            0);
  EXPECT_EQ(Run(RunDeviceCommand, {"show", id, "--json"}), 0);
  EXPECT_EQ(json::parse(out_)["approved_access"], "inspect");
  EXPECT_TRUE(json::parse(out_).contains("expire_time"));
  EXPECT_EQ(Run(RunDeviceCommand, {"revoke", id}), 0);
  EXPECT_EQ(Run(RunDeviceCommand, {"revoke", id}), 1);
  // A device that calls itself "every device".
  EXPECT_EQ(
      Run(RunDeviceCommand, {"approve", "0951:1666:*", "--access", "full"}), 1);
}

TEST_F(PeopleTest, VerifiesLiveAndFindsWhatWasDoneToAnExport) {
  const auto a = Agent("terminal-1", 6);
  const auto b = Agent("terminal-2", 2);
  const std::string file = server_.dir() + "/export";
  const std::string keys = server_.dir() + "/keys";
  EXPECT_EQ(Run(RunEventCommand, {"verify", "--json"}), 0) << out_;
  EXPECT_EQ(json::parse(out_)["agents"].size(), 2U);
  EXPECT_EQ(Run(RunEventCommand, {"export", "--out", file, "--keys-out", keys}),
            0);
  server_.Restart();
  EXPECT_EQ(Run(RunEventCommand, {"verify", "--file", file, "--keys", keys}), 0)
      << out_;

  std::vector<std::string> lines;
  std::istringstream text(Read(file));
  for (std::string line; std::getline(text, line);) {
    lines.push_back(line + "\n");
  }
  // format, log, agent 1, records 1-6, end, agent 2, records 1-2, end.
  ASSERT_EQ(lines.size(), 14U);
  const auto verify = [&](const std::vector<std::string>& changed) {
    std::string all;
    for (const std::string& line : changed) {
      all += line;
    }
    const std::string path = server_.dir() + "/changed";
    Write(path, all);
    const int code =
        Run(RunEventCommand, {"verify", "--file", path, "--keys", keys});
    return code == 1 ? out_ : "exit " + std::to_string(code) + " " + out_;
  };
  auto changed = lines;
  const size_t at = changed[4].find("public_part\":\"") + 20;
  changed[4][at] = changed[4][at] == '0' ? '1' : '0';
  EXPECT_THAT(verify(changed), HasSubstr("event 2: changed"));
  changed = lines;
  changed.erase(changed.begin() + 5);
  EXPECT_THAT(verify(changed), HasSubstr("missing before it: 3 to 3"));
  changed = lines;
  std::swap(changed[4], changed[5]);
  EXPECT_THAT(verify(changed), HasSubstr("event 2: out of order"));
  changed = lines;
  changed.insert(changed.begin() + 5, lines[4]);
  EXPECT_THAT(verify(changed), HasSubstr("event 2: duplicated"));
  changed = lines;
  changed.erase(changed.begin() + 8);
  EXPECT_THAT(verify(changed), HasSubstr("cut off: it ends at 5"));
  changed = {lines.begin(), lines.begin() + 7};
  EXPECT_THAT(verify(changed), HasSubstr("cut off"));
  changed = {lines.begin(), lines.begin() + 10};
  EXPECT_THAT(verify(changed), HasSubstr("is missing"));
  changed = lines;
  changed[6] = "{\"sequence\":\"no number\"}\n";
  EXPECT_THAT(verify(changed), HasSubstr("line 7 is damaged"));
  // Cut off with a forged end: only what was known before tells.
  changed = lines;
  changed.erase(changed.begin() + 8);
  const json end = {{"end", a->agent_id()},
                    {"epoch", 1},
                    {"head_sequence", 5},
                    {"head_hash", json::parse(lines[7])["hash"]}};
  changed[8] = end.dump() + "\n";
  EXPECT_THAT(verify(changed), HasSubstr("cut off: it ends at 5"));
}

// The same with the log's eyes: what chains alone cannot show, or a forger with
// the keys of terminals could hide.
TEST_F(PeopleTest, TheLogShowsWhatChainsDoNot) {
  const auto a = Agent("terminal-1", 3);
  const auto b = Agent("terminal-2", 2);
  const std::string file = server_.dir() + "/export";
  const std::string keys = server_.dir() + "/keys";
  const std::string changed = server_.dir() + "/changed";
  const std::string early = server_.dir() + "/early";
  const auto verify = [&](std::vector<std::string_view> more = {}) {
    std::vector<std::string_view> args = {"verify", "--file", changed, "--keys",
                                          keys};
    args.insert(args.end(), more.begin(), more.end());
    const int code = Run(RunEventCommand, args);
    return code == 0 ? "whole" : code == 1 ? out_ : "exit";
  };
  const auto lines_of = [&](const std::string& path) {
    std::vector<json> lines;
    std::istringstream text(Read(path));
    for (std::string line; std::getline(text, line);) {
      lines.push_back(json::parse(line));
    }
    return lines;
  };
  const auto write = [&](const std::vector<json>& lines) {
    std::string text;
    for (const json& line : lines) text += line.dump() + "\n";
    Write(changed, text);
  };
  EXPECT_EQ(Run(RunEventCommand, {"export", "--out", file}), 0);
  Write(early, lines_of(file)[1]["checkpoint"]);
  ASSERT_TRUE(a->SendBatch({a->NextTransfer(1, event::v1::OUTCOME_ALLOWED)}));
  ASSERT_TRUE(a->AwaitAck(4));
  EXPECT_EQ(Run(RunEventCommand, {"export", "--out", file, "--keys-out", keys}),
            0);
  const auto lines = lines_of(file);
  // format, log, agent 1, records 1-4, end, agent 2, records 1-2, end.
  ASSERT_EQ(lines.size(), 12U);
  write(lines);
  EXPECT_EQ(verify(), "whole");
  EXPECT_EQ(verify({"--checkpoint", early}), "whole");

  // Erased personal data leaves all of it green.
  auto work = lines;
  const auto bytes = [](const json& hex) { return *FromHex(std::string(hex)); };
  work[4]["personal_hash"] = ToHex(event::PersonalHash(
      bytes(work[4]["salt"]), bytes(work[4]["personal_part"])));
  work[4]["salt"] = work[4]["personal_part"] = "";
  write(work);
  EXPECT_EQ(verify({"--checkpoint", early}), "whole");

  // A whole agent taken out, with the keys file made to fit.
  work = lines;
  work.erase(work.begin() + 8, work.end());
  write(work);
  EXPECT_THAT(verify(), HasSubstr("log: missing: leaf"));
  // An event changed and signed again by somebody who holds that key.
  work = lines;
  work[3]["hash"] = work[4]["hash"];
  write(work);
  EXPECT_THAT(verify(), HasSubstr("log: the events are not those"));
  // Two events change places in the log.
  work = lines;
  std::swap(work[3]["leaf"], work[4]["leaf"]);
  write(work);
  EXPECT_THAT(verify(), HasSubstr("log: the events are not those"));
  // One is there twice.
  work = lines;
  work.insert(work.begin() + 4, lines[3]);
  write(work);
  EXPECT_THAT(verify(), HasSubstr("is there twice"));
  // Checkpoints: forged, none, of a server that began anew.
  work = lines;
  std::string note = work[1]["checkpoint"];
  note.replace(note.find("\n6\n"), 3, "\n5\n");
  work[1]["checkpoint"] = note;
  write(work);
  EXPECT_THAT(verify(), HasSubstr("log: forged"));
  work = lines;
  work.erase(work.begin() + 1);
  write(work);
  EXPECT_THAT(verify(), HasSubstr("log: there is no checkpoint"));
  work = lines;
  const merkle::Signer other = merkle::NewSigner();
  work[1]["log_key"] = merkle::PrintVerifier(other.verifier);
  work[1]["checkpoint"] = merkle::SignCheckpoint({6, {}}, other);
  write(work);
  EXPECT_THAT(verify(), HasSubstr("not signed by"));
  // Truncated with a checkpoint that the server itself signed once.
  work = lines;
  work[1]["checkpoint"] = Read(early);
  write(work);
  EXPECT_EQ(verify(), "whole") << "newer events are only newer";
  const std::string newest = server_.dir() + "/newest";
  Write(newest, lines[1]["checkpoint"]);
  EXPECT_THAT(verify({"--checkpoint", newest}), HasSubstr("log: truncated"));
}

TEST_F(PeopleTest, AnExportOfOneAgentProvesEachEvent) {
  const auto a = Agent("terminal-1", 3);
  const auto b = Agent("terminal-2", 2);
  const std::string file = server_.dir() + "/export";
  EXPECT_EQ(Run(RunEventCommand, {"verify", "--agent", "terminal-2"}), 0);
  EXPECT_EQ(
      Run(RunEventCommand, {"export", "--agent", "terminal-2", "--out", file}),
      0);
  EXPECT_EQ(Run(RunEventCommand, {"verify", "--file", file, "--json"}), 0)
      << out_;
  EXPECT_EQ(json::parse(out_)["log"]["size"], 5);
  std::string text = Read(file);
  const size_t proof = text.find("\"proof\":[\"") + 10;
  text[proof] = text[proof] == '0' ? '1' : '0';
  Write(file, text);
  EXPECT_EQ(Run(RunEventCommand, {"verify", "--file", file}), 1);
  EXPECT_THAT(out_, HasSubstr("the event is not the one in the log"));
}

TEST_F(PeopleTest, SaysHowItWentByExitCode) {
  EXPECT_EQ(Run(RunAgentCommand, {"nonsense"}), 2);
  EXPECT_EQ(Run(RunAgentCommand, {"list", "--colour", "red"}), 2);
  EXPECT_EQ(Run(RunAgentCommand, {"show", "nobody"}), 1);
  EXPECT_EQ(Run(RunAgentCommand, {"renew", "nobody"}), 1);
  EXPECT_EQ(Run(RunAgentCommand, {"list", "--socket", "/nowhere/socket"}), 3);
  EXPECT_EQ(Run(RunLoginCommand, {"tanaka", "--json"}), 0);
  EXPECT_GE(std::string(json::parse(out_)["code"]).size(), 26U);
  EXPECT_EQ(Run(RunLoginCommand, {"bad name"}), 1);
}

}  // namespace
}  // namespace sekisho::testing
