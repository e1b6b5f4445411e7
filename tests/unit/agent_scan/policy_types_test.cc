// Types of data that a policy defines, all the way: policy text, sekishod's
// sealed file, the gate's line to the sandboxed worker, and the decision.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "agent/gate/scan_client.h"
#include "agent/scan/content_stream.h"
#include "agent/scan/scan.h"
#include "agent/scan_rules.h"
#include "common/file.h"
#include "common/unix_socket.h"
#include "detect/custom.h"
#include "policy/evaluator.h"
#include "policy/field_reader.h"
#include "policy/parser.h"
#include "policy/samples_key.h"
#include "policy/type_pattern.h"
#include "seal/seal.h"
#include "tests/unit/agent/temp_dir.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEKISHO_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SEKISHO_SANITIZED 1
#endif
#endif
#ifndef SEKISHO_SANITIZED
#define SEKISHO_SANITIZED 0
#endif

namespace sekisho {
namespace {

constexpr std::string_view kPolicy =
    "policy: 2\nname: wards\nmode: enforce\ndevice_default: block\n"
    "content_default: allow\n"
    "types:\n"
    "  ward: { pattern: \"W[0-9]{6}\", headers: [病棟番号] }\n"
    "  client: { values: [\"㈱甲\", \"A-17\"] }\n"
    "  ticket: { pattern: \"TCK[0-9]{6}\", check: mod11 }\n"
    "content:\n"
    "  - id: wards\n"
    "    when: { data: [\"custom:ward\", \"custom:client\"] }\n"
    "    verdict: block\n";

constexpr std::string_view kWards =
    "棟,病棟番号\r\n東,W123456\r\n西,W123457\r\n南,W123458\r\n";

policy::Policy ReadPolicy(std::string_view text) {
  auto policy = policy::ParsePolicy(text, "p.yaml");
  EXPECT_TRUE(policy) << policy.error().message;
  return policy.value_or(policy::Policy{});
}

ipc::SharedScanRules Sealed(const policy::Policy& policy) {
  auto rules = ipc::SealScanRules(agent::ScanRulesOf(policy));
  EXPECT_TRUE(rules) << rules.error().message;
  return rules.value_or(nullptr);
}

// As sekishod does, which is far more than this test needs.
policy::ContentFacts FactsOf(const ipc::Findings& findings) {
  policy::ContentFacts facts;
  for (const ipc::DataCount& count : findings.data) {
    facts.data[count.type] = count.count;
  }
  facts.inspection = policy::ParseInspection(findings.inspection)
                         .value_or(policy::Inspection::kNone);
  facts.reason = findings.reason;
  return facts;
}

UniqueFd MemoryFile(std::string_view content) {
  UniqueFd fd(::memfd_create("content", MFD_CLOEXEC));
  EXPECT_TRUE(WriteAll(fd.get(), AsBytes(content)));
  return fd;
}

// sekisho-scan behind a socket, a process of its own for each connection.
class PolicyTypes : public testing::Test {
 protected:
  void SetUp() override {
    if (SEKISHO_SANITIZED) {
      GTEST_SKIP() << "sanitizers need what the sandbox refuses";
    }
    socket_ = dir_.path() + "/scan.sock";
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl(SEKISHO_SCAN_PROGRAM, SEKISHO_SCAN_PROGRAM, "--listen",
              socket_.c_str(), nullptr);
      ::_exit(127);
    }
    // The path is there before anybody listens.
    while (!ConnectSeqpacket(socket_)) {
      ASSERT_EQ(::waitpid(pid_, nullptr, WNOHANG), 0) << "no worker";
    }
  }
  void TearDown() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGTERM);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  ipc::Findings Scan(gate::ScanClient& client, std::string_view content) {
    const UniqueFd file = MemoryFile(content);
    return client.Scan(file.get(), static_cast<int64_t>(content.size()), "a",
                       nullptr);
  }

  const agent::TempDir dir_;
  std::string socket_;
  pid_t pid_ = 0;
};

TEST_F(PolicyTypes, AreFoundByTheWorkerAndDecidedAbout) {
  const policy::Policy policy = ReadPolicy(kPolicy);
  const auto snapshot = policy::Snapshot::Make(policy, {}, 1);
  gate::ScanClient client(
      {.socket_path = socket_, .listener = Listener::kAnybody});
  client.UseRules(Sealed(policy));

  const ipc::Findings found = Scan(client, kWards);
  ASSERT_EQ(found.inspection, "full") << found.reason;
  const policy::ContentFacts facts = FactsOf(found);
  EXPECT_EQ(facts.data.at("custom:ward"), 3);
  ASSERT_EQ(found.columns.size(), 1U);
  EXPECT_EQ(found.columns[0].type, "custom:ward");
  EXPECT_EQ(snapshot->DecideContent(facts).verdict, policy::Verdict::kBlock);
  EXPECT_EQ(snapshot->DecideContent(facts).rule, "wards");

  const policy::ContentFacts clean =
      FactsOf(Scan(client, "棟,番号\n東,X1\n西,X2\n南,X3\n"));
  EXPECT_TRUE(clean.data.empty());
  EXPECT_EQ(snapshot->DecideContent(clean).verdict, policy::Verdict::kAllow);
}

TEST_F(PolicyTypes, ChangeWithPolicyWhileAWorkerServes) {
  gate::ScanClient client(
      {.socket_path = socket_, .listener = Listener::kAnybody});
  EXPECT_TRUE(Scan(client, kWards).data.empty());
  client.UseRules(Sealed(ReadPolicy(kPolicy)));
  EXPECT_EQ(Scan(client, kWards).data.size(), 1U);
  client.UseRules(nullptr);
  EXPECT_TRUE(Scan(client, kWards).data.empty());
}

constexpr std::string_view kPeople =
    "氏名,電話番号\n佐藤 健一,090-1234-5678\n鈴木 花子,080-1111-2222\n"
    "高橋 誠,070-3333-4444\n田中 美咲,090-5555-6666\n";

// The sandbox lets the worker seal; nobody on the way can read it.
TEST_F(PolicyTypes, SamplesComeSealedToThePolicysKey) {
  const auto key = seal::PrivateKey::Generate();
  ASSERT_TRUE(key) << key.error().message;
  policy::Policy policy = ReadPolicy(kPolicy);
  policy.samples_key = policy::PrintSamplesKey(key->public_key());
  gate::ScanClient client(
      {.socket_path = socket_, .listener = Listener::kAnybody});
  EXPECT_EQ(Scan(client, kPeople).sealed_samples, "");
  client.UseRules(Sealed(policy));
  for (int i = 0; i < 3; ++i) {
    const ipc::Findings found = Scan(client, kPeople);
    EXPECT_EQ(found.inspection, "full") << found.reason;
    EXPECT_EQ(found.persons, 4);
    EXPECT_LE(found.sealed_samples.size(), seal::kMaxSealedBytes);
    EXPECT_EQ(
        key->Open(AsBytes(found.sealed_samples)),
        "{\"part\":\"\",\"columns\":[{\"name\":\"氏名\",\"type\":"
        "\"person_name\"},{\"name\":\"電話番号\",\"type\":\"phone\"}],"
        "\"rows\":[[\"佐藤 健*\",\"090-****-5678\"],[\"鈴木 花*\",\"080-****-"
        "2222\"],[\"高橋 *\",\"070-****-4444\"]]}");
  }
  EXPECT_EQ(Scan(client, "部品,数\nネジ,10\nナット,20\n").sealed_samples, "");
  // Without types of its own, too.
  policy.sets.types.clear();
  client.UseRules(Sealed(policy));
  EXPECT_TRUE(key->Open(AsBytes(Scan(client, kPeople).sealed_samples)));
  client.UseRules(nullptr);
  EXPECT_EQ(Scan(client, kPeople).sealed_samples, "");
}

TEST_F(PolicyTypes, AKeyThatIsNoneCostsTheSamplesAlone) {
  for (const std::string& bad :
       {std::string("short"), std::string(seal::kPublicKeyBytes, '\x04')}) {
    auto rules = ipc::SealScanRules({.types = {}, .samples_key = bad});
    ASSERT_TRUE(rules);
    gate::ScanClient client(
        {.socket_path = socket_, .listener = Listener::kAnybody});
    client.UseRules(*rules);
    const ipc::Findings found = Scan(client, kPeople);
    EXPECT_EQ(found.inspection, "full") << found.reason;
    EXPECT_EQ(found.sealed_samples, "");
  }
}

// A stream that is refused on its way is an event like any other.
TEST(StreamedSamples, AreThereBeforeTheEnd) {
  const auto key = seal::PrivateKey::Generate();
  ASSERT_TRUE(key);
  std::string text = "氏名,電話番号\n";
  for (int i = 0; text.size() < 1'000'000; ++i) {
    text += "佐藤 健一,090-1234-" + std::to_string(1000 + i % 9000) + "\n";
  }
  const UniqueFd file = MemoryFile(text);
  scan::ScanOptions options;
  options.samples_key = key->public_key();
  scan::ContentStream stream(options);
  stream.Feed(file.get(), 600'000);
  const std::string sealed = stream.Progress(false).findings.sealed_samples;
  const auto early = key->Open(AsBytes(sealed));
  ASSERT_TRUE(early) << early.error().message;
  // Sealed once, however often somebody asks.
  EXPECT_EQ(stream.Progress(false).findings.sealed_samples, sealed);
  stream.Feed(file.get(), static_cast<int64_t>(text.size()));
  EXPECT_EQ(key->Open(AsBytes(stream.Finish()->sealed_samples)), *early);
}

TEST(SamplesLimits, OfEventAndSealAreTheSame) {
  EXPECT_EQ(agent::kMaxSealedSamplesBytes, seal::kMaxSealedBytes);
  EXPECT_EQ(detect::kMaxSamplesBytes, seal::kMaxTextBytes);
}

// A worker that cannot look for what policy wants says nothing is clean.
TEST_F(PolicyTypes, ThatNoEngineTakesLeaveFilesUninspected) {
  gate::ScanClient client(
      {.socket_path = socket_, .listener = Listener::kAnybody});
  for (const ipc::CustomType& bad :
       {ipc::CustomType{.id = "a", .pattern = "(", .check = "none"},
        ipc::CustomType{.id = "b", .pattern = "a", .check = "mod12"},
        ipc::CustomType{.id = "c", .check = "none"}}) {
    auto rules = ipc::SealScanRules({.types = {bad}});
    ASSERT_TRUE(rules);
    client.UseRules(*rules);
    const ipc::Findings found = Scan(client, kWards);
    EXPECT_EQ(found.inspection, "none") << bad.id;
    EXPECT_EQ(found.reason, "crash") << bad.id;
  }
}

// The largest set of types that policy takes works in the worker's memory.
TEST_F(PolicyTypes, AtEveryLimitWorkInTheSandbox) {
  policy::Policy policy;
  for (size_t i = 0; i < policy::kMaxCustomTypes; ++i) {
    policy::CustomType type;
    type.name = "t" + std::to_string(i);
    type.pattern = "[\\p{Han}\\p{Katakana}a-z]{1,20}" + std::to_string(i);
    for (size_t v = 0; v < 400; ++v) {
      type.values.push_back("値" + std::to_string(i * 1000 + v));
    }
    policy.sets.types.push_back(type);
  }
  policy.sets.types[7].values.clear();
  gate::ScanClient client(
      {.socket_path = socket_, .listener = Listener::kAnybody});
  client.UseRules(Sealed(policy));
  const ipc::Findings found = Scan(client, "a\n山田7\n東7\n西7\n");
  ASSERT_EQ(found.inspection, "full") << found.reason;
  ASSERT_EQ(found.data.size(), 1U);
  EXPECT_EQ(found.data[0].type, "custom:t7");
}

TEST(PolicyTypeLimits, OfPolicyAndEngineAreTheSame) {
  EXPECT_EQ(policy::kMaxCustomTypes, detect::kMaxCustomTypes);
  EXPECT_EQ(policy::kMaxTypePatternBytes, detect::kMaxCustomPatternBytes);
  EXPECT_EQ(policy::kMaxTypeValues, detect::kMaxCustomValues);
  EXPECT_EQ(policy::kMaxTypeHeaders, detect::kMaxCustomHeaderWords);
  EXPECT_EQ(policy::kMaxTypeValueBytes, detect::kMaxCustomValueBytes);
  EXPECT_EQ(policy::kMaxTypePatternMemory, detect::kMaxCustomPatternMemory);
}

TEST(PolicyTypeLimits, WhatPolicyTakesTheEngineTakes) {
  for (const std::string_view pattern :
       {"W[0-9]{6}", "(", "a{1000}", "(\\pL{100}){10}", "(?i)abc", "\\C",
        "(?=a)", "[[:alpha:]]+", "\\p{Han}{2,8}"}) {
    const detect::CustomType type{.id = "t", .pattern = std::string(pattern)};
    EXPECT_EQ(!policy::PatternProblem(pattern).has_value(),
              detect::CustomTypes::Make({&type, 1}).has_value())
        << pattern;
  }
  for (const auto check : {policy::TypeCheck::kNone, policy::TypeCheck::kLuhn,
                           policy::TypeCheck::kMod11, policy::TypeCheck::kMod97,
                           policy::TypeCheck::kVerhoeff}) {
    EXPECT_TRUE(detect::CustomCheckFromName(policy::Name(check)));
  }
  const auto compiled =
      scan::CompileRules(agent::ScanRulesOf(ReadPolicy(kPolicy)));
  ASSERT_TRUE(compiled) << compiled.error().message;
  EXPECT_EQ(compiled->custom->size(), 3U);
}

TEST(ScanRulesFile, IsSealedAndBounded) {
  const ipc::SharedScanRules rules = Sealed(ReadPolicy(kPolicy));
  ASSERT_NE(rules, nullptr);
  EXPECT_LT(::pwrite(rules->fd.get(), "x", 1, 0), 0);
  EXPECT_LT(::ftruncate(rules->fd.get(), 1), 0);
  const auto read = ipc::ReadScanRules(*rules);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->types.size(), 3U);
  EXPECT_FALSE(ipc::TakeScanRules(MemoryFile("not sealed"), 10));
  EXPECT_FALSE(ipc::TakeScanRules(MemoryFile(""), 0));
  EXPECT_FALSE(ipc::TakeScanRules(UniqueFd(::dup(rules->fd.get())),
                                  ipc::kMaxScanRulesBytes + 1));
  ipc::ScanRulesFile longer;
  longer.fd.Reset(::dup(rules->fd.get()));
  longer.size_bytes = rules->size_bytes + 1;
  EXPECT_FALSE(ipc::ReadScanRules(longer));
  EXPECT_EQ(*ipc::SealScanRules({}), nullptr);
  ipc::ScanRules large;
  large.types.push_back(
      {.id = "a",
       .pattern =
           std::string(static_cast<size_t>(ipc::kMaxScanRulesBytes), 'a')});
  EXPECT_FALSE(ipc::SealScanRules(large));
}

}  // namespace
}  // namespace sekisho
