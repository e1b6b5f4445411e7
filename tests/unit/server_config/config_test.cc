#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace sekisho {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = "/tmp/sekisho-config-" + std::to_string(getpid()) + ".yaml";
  }
  void TearDown() override { unlink(path_.c_str()); }
  Result<Config> Read(const std::string& text,
                      std::vector<std::string_view> args = {}) {
    std::ofstream(path_) << text;
    args.insert(args.begin(), {"--config", path_});
    return ReadConfig(args);
  }

  std::string path_;
};

TEST_F(ConfigTest, TakesDefaultsFileAndOptionsInThisOrder) {
  const auto config =
      Read("state: /a\nruntime: /b\nnames: [x, y]\n", {"--state", "/c"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->Get("state"), "/c");
  EXPECT_EQ(config->Get("runtime"), "/b");
  EXPECT_EQ(config->Get("agents_listen"), "0.0.0.0:7443");
  EXPECT_THAT(config->names, ElementsAre("x", "y"));
}

TEST_F(ConfigTest, FlagsTakeNoValue) {
  const auto config =
      Read("", {"backup", "--with-keys", "/b", "--state", "/s"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->words, ElementsAre("backup", "/b"));
  EXPECT_THAT(config->flags, ElementsAre("with_keys"));
  EXPECT_EQ(config->Get("state"), "/s");
  EXPECT_EQ(config->file, path_);
  // No setting of the file.
  EXPECT_FALSE(Read("with_keys: yes\n"));
}

TEST_F(ConfigTest, AFileOfCommentsIsEmpty) {
  EXPECT_TRUE(Read(""));
  EXPECT_TRUE(Read("# a comment\n\n  # another\n"));
}

TEST_F(ConfigTest, TakesAListOfRoles) {
  EXPECT_EQ(Read("")->Get("require_totp"), "");
  EXPECT_EQ(Read("require_totp: [admin, approver]\n")->Get("require_totp"),
            "admin,approver");
}

// server/core/duties.h reads them.
TEST_F(ConfigTest, LeavesNestedSectionsToTheirReader) {
  const auto config = Read(
      "state: /a\nsla: { high: { close: 1d } }\nreview: { zone: UTC }\n"
      "retention: { transfers: 10y }\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->Get("state"), "/a");
  EXPECT_FALSE(config->values.contains("sla"));
  EXPECT_FALSE(Read("", {"--sla", "x"}));
}

TEST_F(ConfigTest, RefusesWithLineAndColumn) {
  const auto config = Read("state: /a\nstaet: /b\n");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr(":2:1: no such setting"));
  EXPECT_FALSE(Read("state: [a]\n"));
  EXPECT_FALSE(Read("", {"--nonsense", "1"}));
  EXPECT_FALSE(Read("", {"--state"}));
}

TEST(Config, AFileThatWasNamedMustBeThere) {
  const std::vector<std::string_view> args{"--config", "/nowhere.yaml"};
  EXPECT_FALSE(ReadConfig(args));
}

}  // namespace
}  // namespace sekisho
