#include "agent/ssh_keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/agent/stepped_loop.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

namespace fs = std::filesystem;

struct LineCase {
  const char* name;
  const char* lines;
  const char* key;
};
class AcceptedKeys : public testing::TestWithParam<LineCase> {};

TEST_P(AcceptedKeys, AreTheOnesOfThatUser) {
  EXPECT_EQ(AcceptedKey(GetParam().lines, "maint"), GetParam().key);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, AcceptedKeys,
    testing::Values(
        LineCase{"Plain",
                 "Accepted publickey for maint from 192.0.2.7 port 50122 ssh2: "
                 "ED25519 SHA256:abc\n"
                 "pam_unix(sshd:session): session opened for user maint\n",
                 "ED25519 SHA256:abc"},
        LineCase{"Certificate",
                 "Accepted publickey for maint from 2001:db8::7 port 9 ssh2: "
                 "RSA-CERT SHA256:x ID a ssh2: b (serial 0) CA RSA SHA256:y\n",
                 "RSA-CERT SHA256:x ID a ssh2: b (serial 0) CA RSA SHA256:y"},
        LineCase{"Password",
                 "Accepted password for maint from 192.0.2.7 port 5 ssh2\n",
                 ""},
        LineCase{"AnotherUser",
                 "Accepted publickey for maint2 from 192.0.2.7 port 5 ssh2: "
                 "ED25519 SHA256:abc\n",
                 ""},
        LineCase{"LastOne",
                 "Accepted publickey for maint from a port 5 ssh2: RSA A\n"
                 "Accepted publickey for maint from a port 5 ssh2: RSA B",
                 "RSA B"},
        LineCase{"NotAtTheBegin",
                 "x Accepted publickey for maint from a port 5 ssh2: RSA A\n",
                 ""},
        LineCase{"Controls",
                 "Accepted publickey for maint from a port 5 ssh2: R\x1b[1m\n",
                 "R\\u{1b}[1m"}),
    [](const auto& one) { return one.param.name; });

class SshKeysTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(dir_.path() + "/run/systemd/sessions");
  }

  // Answers as journalctl does, with what it was asked added to "asked".
  void Journal(const std::string& lines) {
    const std::string path = dir_.path() + "/journalctl";
    std::ofstream(path) << "#!/bin/sh\necho \"$@\" >>" << dir_.path()
                        << "/asked\nprintf '" << lines << "'\n";
    ::chmod(path.c_str(), 0755);
  }

  void Login(const std::string& id, const std::string& service) {
    const std::string path = dir_.path() + "/run/systemd/sessions/" + id;
    std::ofstream(dir_.path() + "/new")
        << "UID=1001\nUSER=maint\nCLASS=user\nSERVICE=" << service
        << "\nREMOTE=1\nLEADER=4711\nREALTIME=1700000000123456\nAUDIT=" << id
        << "\n";
    fs::rename(dir_.path() + "/new", path);
  }

  std::string KeyOnceKnown(SshKeys& keys, int64_t session) {
    loop_.RunUntil([&] { return !keys.KeyOf(session).empty(); });
    return keys.KeyOf(session);
  }

  TempDir dir_;
  SteppedLoop loop_;
  Jobs jobs_{loop_};
};

TEST_F(SshKeysTest, LearnsTheKeyOfALoginThatBegins) {
  Journal("Accepted publickey for maint from a port 5 ssh2: RSA SHA256:k\\n");
  auto keys =
      SshKeys::Watch(loop_, jobs_, dir_.path(), dir_.path() + "/journalctl");
  ASSERT_TRUE(keys) << keys.error().message;
  Login("7", "sshd");
  EXPECT_EQ(KeyOnceKnown(**keys, 7), "RSA SHA256:k");
  std::ifstream asked(dir_.path() + "/asked");
  std::string words;
  std::getline(asked, words);
  EXPECT_NE(words.find("--since=@1699999880 --until=@1700000010 _PID=4711 "
                       "_UID=0 _COMM=sshd"),
            std::string::npos)
      << words;
}

TEST_F(SshKeysTest, ForgetsALoginThatIsOver) {
  Journal("Accepted publickey for maint from a port 5 ssh2: RSA SHA256:k\\n");
  Login("7", "sshd");
  auto keys =
      SshKeys::Watch(loop_, jobs_, dir_.path(), dir_.path() + "/journalctl");
  ASSERT_TRUE(keys) << keys.error().message;
  ASSERT_EQ(KeyOnceKnown(**keys, 7), "RSA SHA256:k");
  fs::remove(dir_.path() + "/run/systemd/sessions/7");
  Login("8", "sshd");
  EXPECT_EQ(KeyOnceKnown(**keys, 8), "RSA SHA256:k");
  EXPECT_EQ((*keys)->KeyOf(7), "");
}

TEST_F(SshKeysTest, AsksOfSshLoginsOnly) {
  Journal("Accepted publickey for maint from a port 5 ssh2: RSA SHA256:k\\n");
  Login("7", "login");
  auto keys =
      SshKeys::Watch(loop_, jobs_, dir_.path(), dir_.path() + "/journalctl");
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ((*keys)->KeyOf(7), "");
  EXPECT_FALSE(fs::exists(dir_.path() + "/asked"));
}

}  // namespace
}  // namespace sekisho::agent
