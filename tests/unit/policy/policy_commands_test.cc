#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/policy_check_command.h"
#include "cli/policy_explain_command.h"
#include "policy/packs.h"

namespace sekisho::cli {
namespace {

using testing::HasSubstr;

struct Ran {
  int exit_code = 0;
  std::string out;
  std::string err;
};

Ran RunCommand(int (*command)(std::span<const std::string_view>),
               const std::vector<std::string>& args) {
  const std::vector<std::string_view> views(args.begin(), args.end());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.exit_code = command(views);
  std::fflush(stdout);
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

class PolicyCommands : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "sekisho-policy-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string Write(const std::string& name, std::string_view text) {
    const std::string path = dir_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  std::string dir_;
};

TEST_F(PolicyCommands, CheckAcceptsAPack) {
  const auto file = Write("appi.yaml", policy::PackText("appi"));
  const Ran ran = RunCommand(RunPolicyCheck, {file});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.out, file + ": ok\n");
}

TEST_F(PolicyCommands, CheckListsProblemsAndExitsWithOne) {
  const auto bad = Write("bad.yaml", "policy: 1\nmode: off\n");
  const auto good = Write("good.yaml", policy::PackText("observe"));
  const Ran ran = RunCommand(RunPolicyCheck, {bad, good});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr(bad + ":2:7: expected one of observe"));
  EXPECT_THAT(ran.out, HasSubstr(bad + ":1:1: expected 'name'"));
  EXPECT_THAT(ran.out, HasSubstr(good + ": ok"));
  const Ran json = RunCommand(RunPolicyCheck, {"--json", bad});
  EXPECT_EQ(json.exit_code, 1);
  EXPECT_THAT(json.out, HasSubstr("\"ok\":false"));
  EXPECT_THAT(json.out, HasSubstr("{\"line\":2,\"column\":7,\"message\":"));
}

TEST_F(PolicyCommands, CheckWarnsButAccepts) {
  const auto file =
      Write("warn.yaml",
            "policy: 1\nname: a\nmode: enforce\ndevice_default: block\n"
            "content_default: block\n");
  const Ran ran = RunCommand(RunPolicyCheck, {file});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.out, HasSubstr("warning: a keyboard would be blocked"));
}

TEST_F(PolicyCommands, WrongUseIsTwoAndAMissingFileThree) {
  EXPECT_EQ(RunCommand(RunPolicyCheck, {}).exit_code, 2);
  EXPECT_EQ(RunCommand(RunPolicyCheck, {"--jsn", "x"}).exit_code, 2);
  EXPECT_EQ(RunCommand(RunPolicyCheck, {dir_ + "/none"}).exit_code, 3);
  EXPECT_EQ(RunCommand(RunPolicyExplain, {}).exit_code, 2);
  EXPECT_EQ(RunCommand(RunPolicyExplain, {"--policy"}).exit_code, 2);
  EXPECT_EQ(RunCommand(RunPolicyExplain, {"--policy", "x", "--device", "951"})
                .exit_code,
            2);
  EXPECT_EQ(RunCommand(RunPolicyExplain, {"--policy", "x", "--device",
                                          "0951:1666", "--interfaces", "8"})
                .exit_code,
            2);
  EXPECT_EQ(RunCommand(RunPolicyExplain,
                       {"--policy", dir_ + "/none", "--device", "0951:1666"})
                .exit_code,
            3);
  const auto bad = Write("bad.yaml", "policy: 1\n");
  EXPECT_EQ(
      RunCommand(RunPolicyExplain, {"--policy", bad, "--device", "0951:1666"})
          .exit_code,
      1);
}

TEST_F(PolicyCommands, ExplainShowsEveryRuleAndTheDecision) {
  const auto file = Write("appi.yaml", policy::PackText("appi"));
  const Ran ran = RunCommand(RunPolicyExplain,
                             {"--policy", file, "--device", "0951:1666:AA:00",
                              "--interfaces", "08/06/50"});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.out, HasSubstr("keyboards (line 10): interface 08/06/50 is "
                                 "not in interfaces_all"));
  EXPECT_THAT(ran.out, HasSubstr("approved (line 22): no row of list"));
  EXPECT_THAT(ran.out, HasSubstr("-> default: no rule matches"));
  EXPECT_THAT(ran.out, HasSubstr("decision: block"));
}

TEST_F(PolicyCommands, ExplainReadsTheDeviceListAndAsksForTheMedium) {
  const auto file =
      Write("cc.yaml", policy::PackText("call-center-maintenance"));
  const auto list = Write(
      "list.csv",
      "list,vendor_id,product_id,serial,descriptor_hash,access,terminal,"
      "expires,owner,purpose,ticket\napprovals,0951,1666,AA00,,inspect,,,,,\n");
  std::vector<std::string> args{"--json",   "--policy",       file,
                                "--device", "0951:1666:AA00", "--interfaces",
                                "08/06/50", "--devices",      list};
  EXPECT_THAT(RunCommand(RunPolicyExplain, args).out,
              HasSubstr("\"needs_probe\":true"));
  args.insert(args.end(), {"--encryption", "luks"});
  EXPECT_THAT(RunCommand(RunPolicyExplain, args).out,
              HasSubstr("\"access\":\"inspect\""));
  args.insert(args.end(),
              {"--origin", "ssh", "--person", "a", "--person", "b"});
  const Ran ran = RunCommand(RunPolicyExplain, args);
  EXPECT_THAT(ran.out, HasSubstr("{\"person\":\"a\""));
  EXPECT_THAT(ran.out, HasSubstr("{\"person\":\"b\""));
  EXPECT_THAT(ran.out, HasSubstr("\"rule\":\"no-media-from-remote\""));
}

}  // namespace
}  // namespace sekisho::cli
