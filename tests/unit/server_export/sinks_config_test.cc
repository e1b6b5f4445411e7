#include "server/export/sinks_config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace sekisho::server_export {
namespace {

class SinksFile : public ::testing::Test {
 protected:
  void SetUp() override {
    char dir[] = "/tmp/sekisho-sinks-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    std::ofstream(dir_ + "/secret") << "hunter2\nsecond line\n";
    ASSERT_EQ(chmod((dir_ + "/secret").c_str(), 0640), 0);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  static std::string WhatIsWrong(const std::string& text) {
    const auto read = ParseSinks("sinks.yaml", text);
    return read ? "" : read.error().message;
  }

  std::string dir_;
};

// The example of docs/operations.md, with files that are there.
std::string OfTheManual(const std::string& secret) {
  std::ifstream file(std::string(SEKISHO_SOURCE_DIR) + "/docs/operations.md");
  std::stringstream all;
  all << file.rdbuf();
  std::string text = all.str();
  const size_t begin = text.find("```yaml\nconsole:") + 8;
  text = text.substr(begin, text.find("```", begin) - begin);
  for (const char* name : {"mail.password", "chat.url", "hook.secret"}) {
    const std::string path = std::string("/etc/sekisho/") + name;
    text.replace(text.find(path), path.size(), secret);
  }
  return text;
}

TEST_F(SinksFile, ReadsWhatTheManualShows) {
  std::ofstream(dir_ + "/secret") << "https://chat.example/x\nsecond line\n";
  const auto read = ParseSinks("sinks.yaml", OfTheManual(dir_ + "/secret"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->console, "https://sekisho.example.jp:8443");
  ASSERT_EQ(read->sinks.size(), 5U);
  const SinkConfig& soc = read->sinks[0];
  EXPECT_EQ(soc.password, "https://chat.example/x");
  EXPECT_EQ(soc.zone, "Asia/Tokyo");
  ASSERT_TRUE(soc.duty);
  EXPECT_EQ(soc.duty->from_minute, 9 * 60);
  EXPECT_EQ(soc.stand_in, std::vector<std::string>{"night@example.jp"});
  EXPECT_EQ(soc.language, Language::kJa);
  EXPECT_TRUE(soc.alerts && soc.requests && !soc.events);
  EXPECT_EQ(read->sinks[1].to, "https://chat.example/x");
  EXPECT_TRUE(read->sinks[1].requests && !read->sinks[1].alerts);
  const SinkConfig& siem = read->sinks[2];
  EXPECT_EQ(siem.format, Format::kCef);
  EXPECT_TRUE(siem.events && siem.alerts && siem.requests);
  EXPECT_TRUE(siem.without.file_names && !siem.without.persons);
  EXPECT_TRUE(read->sinks[4].from_beginning);
}

TEST_F(SinksFile, NamesLineAndWhatToDo) {
  const auto with = [](const std::string& lines) {
    return WhatIsWrong("sinks:\n  - name: a\n" + lines);
  };
  EXPECT_NE(with("    type: sylog\n    to: a:1\n").find(":3:11: "),
            std::string::npos)
      << with("    type: sylog\n    to: a:1\n");
  EXPECT_NE(with("    type: sylog\n    to: a:1\n").find("syslog"),
            std::string::npos);
  EXPECT_NE(with("    type: webhook\n    to: http://a/\n").find("insecure"),
            std::string::npos);
  EXPECT_EQ(with("    type: webhook\n    to: http://a/\n    insecure: true\n"),
            "");
  EXPECT_NE(with("    type: file\n    to: relative\n"), "");
  EXPECT_NE(with("    type: file\n"), "");
  EXPECT_NE(with("    type: mail\n    to: smtp://m\n    from: nobody\n"
                 "    recipients: [a@b]\n")
                .find("one mail address"),
            std::string::npos);
  // What would end a header of the mail.
  EXPECT_NE(with("    type: mail\n    to: smtp://m\n    from: a@b\n"
                 "    recipients: [\"a@b\\nBcc: c@d\"]\n"),
            "");
  EXPECT_NE(with("    type: mail\n    to: smtp://m\n    from: a@b\n"
                 "    recipients: [a@b]\n    duty: nights\n")
                .find("windows"),
            std::string::npos);
  EXPECT_NE(with("    type: file\n    to: /a\n  - name: a\n    type: file\n"
                 "    to: /b\n")
                .find("no other sink"),
            std::string::npos);
  EXPECT_NE(
      with("    type: file\n    to: /a\n    severty: high\n").find("severity"),
      std::string::npos);
}

TEST_F(SinksFile, RefusesASecretThatOthersMayRead) {
  ASSERT_EQ(chmod((dir_ + "/secret").c_str(), 0644), 0);
  const std::string text =
      "sinks:\n  - name: hook\n    type: webhook\n    to: https://a/\n"
      "    secret_file: " +
      dir_ + "/secret\n";
  EXPECT_NE(WhatIsWrong(text).find("chmod o-rwx"), std::string::npos);
  EXPECT_EQ(WhatIsWrong(text).find("hunter2"), std::string::npos);
  ASSERT_EQ(chmod((dir_ + "/secret").c_str(), 0600), 0);
  EXPECT_EQ(WhatIsWrong(text), "");
}

TEST_F(SinksFile, NoFileIsNoSinks) {
  EXPECT_TRUE(ReadSinks(dir_ + "/none", false)->sinks.empty());
  EXPECT_FALSE(ReadSinks(dir_ + "/none", true));
  std::ofstream(dir_ + "/comments") << "# nothing yet\n";
  EXPECT_TRUE(ReadSinks(dir_ + "/comments", true)->sinks.empty());
}

}  // namespace
}  // namespace sekisho::server_export
