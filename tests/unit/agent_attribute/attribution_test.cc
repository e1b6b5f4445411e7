#include "agent/attribute/attribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace sekisho::attribute {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

struct FakeProcess {
  pid_t pid = 100;
  pid_t parent = 1;
  int64_t uid = 1000;
  int64_t login_uid = 4294967295;
  int64_t audit_session = 4294967295;
  int tty = 0;
  std::string cgroup = "/system.slice/x.service";
  std::string program = "/usr/bin/cp";
  std::string cmdline = std::string("cp\0secret.csv\0/media/x\0", 23);
};

class AttributionTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) /
            ("attribution-" + std::to_string(::getpid()));
    Put("etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\n"
        "operator:x:1000:1000::/home/operator:/bin/bash\n"
        "maint:x:1001:1001::/home/maint:/bin/bash\n");
    fs::create_directories(root_ / "run/systemd/sessions");
  }
  void TearDown() override { fs::remove_all(root_); }

  void Put(const std::string& path, const std::string& content) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary) << content;
  }

  void Add(const FakeProcess& p) {
    const std::string dir = "proc/" + std::to_string(p.pid) + "/";
    Put(dir + "stat", std::to_string(p.pid) + " (a) R (b) S " +
                          std::to_string(p.parent) + " 1 1 " +
                          std::to_string(p.tty) +
                          " -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0\n");
    Put(dir + "status", "Name:\tcp\nUid:\t" + std::to_string(p.uid) +
                            "\t0\t0\t0\nGid:\t0\t0\t0\t0\n");
    Put(dir + "loginuid", std::to_string(p.login_uid));
    Put(dir + "sessionid", std::to_string(p.audit_session));
    Put(dir + "cgroup", "0::" + p.cgroup + "\n");
    Put(dir + "cmdline", p.cmdline);
    fs::create_symlink(p.program, root_ / dir / "exe");
  }

  void AddSession(const std::string& id, int64_t uid, const std::string& user,
                  const std::string& more) {
    Put("run/systemd/sessions/" + id,
        "# This is private data. Do not parse.\nUID=" + std::to_string(uid) +
            "\nUSER=" + user + "\nSTATE=active\nCLASS=user\n" + more);
  }
  void AddConsole(const std::string& id, int64_t uid, const std::string& user) {
    AddSession(id, uid, user,
               "ACTIVE=1\nREMOTE=0\nTYPE=tty\nSEAT=seat0\nTTY=tty2\n"
               "SERVICE=login\nAUDIT=" +
                   id + "\n");
  }
  void AddSsh(const std::string& id, int64_t uid, const std::string& user) {
    AddSession(id, uid, user,
               "ACTIVE=1\nREMOTE=1\nTYPE=tty\nTTY=pts/0\nSERVICE=sshd\n"
               "REMOTE_HOST=192.0.2.7\nAUDIT=" +
                   id + "\n");
  }

  std::string root() const { return root_.string(); }
  fs::path root_;
};

TEST_F(AttributionTest, NamesTheLoginBehindSudo) {
  AddConsole("3", 1000, "operator");
  Add({.uid = 0,
       .login_uid = 1000,
       .audit_session = 3,
       .tty = (136 << 8) | 4,
       .cgroup = "/user.slice/user-1000.slice/session-3.scope"});
  const Who who = OfProcess(root(), 100);
  EXPECT_EQ(who.person, "operator");
  EXPECT_EQ(who.uid, 0);
  EXPECT_EQ(who.login_uid, 1000);
  EXPECT_EQ(who.audit_session, 3);
  EXPECT_EQ(who.session, "3");
  EXPECT_EQ(who.seat, "seat0");
  EXPECT_EQ(who.tty, "pts/4");
  EXPECT_EQ(who.origin, "console");
  EXPECT_EQ(who.program, "/usr/bin/cp");
  EXPECT_EQ(who.command, "cp (2 arguments not shown)");
  EXPECT_THAT(who.others, IsEmpty());
}

TEST_F(AttributionTest, TellsWhereAnSshLoginCameFrom) {
  AddConsole("3", 1000, "operator");
  AddSsh("5", 1001, "maint");
  Add({.uid = 1001,
       .login_uid = 1001,
       .audit_session = 5,
       .cgroup = "/user.slice/user-1001.slice/session-5.scope"});
  const Who who = OfProcess(root(), 100);
  EXPECT_EQ(who.person, "maint");
  EXPECT_EQ(who.origin, "ssh");
  EXPECT_EQ(who.ssh_source, "192.0.2.7");
  EXPECT_THAT(who.others, ElementsAre("operator on tty2"));
}

TEST_F(AttributionTest, ServiceWithoutALoginIsUnknown) {
  AddConsole("3", 1000, "operator");
  Add({.uid = 0});
  const Who who = OfProcess(root(), 100);
  EXPECT_EQ(who.person, "unknown");
  EXPECT_EQ(who.origin, "service");
}

TEST_F(AttributionTest, DisagreeingLoginUidIsUnknown) {
  AddConsole("3", 1000, "operator");
  Add({.uid = 0, .login_uid = 1001, .audit_session = 3});
  EXPECT_EQ(OfProcess(root(), 100).person, "unknown");
}

struct ManagerCase {
  const char* name;
  int logins;
  const char* person;
  const char* session;
};
class UserManager : public AttributionTest,
                    public testing::WithParamInterface<ManagerCase> {};

TEST_P(UserManager, BelongsToALoginOnlyIfThereIsExactlyOne) {
  for (int i = 0; i < GetParam().logins; ++i) {
    AddSsh(std::to_string(5 + i), 1000, "operator");
  }
  AddConsole("3", 1001, "maint");
  Add({.login_uid = 1000,
       .audit_session = 99,
       .cgroup = "/user.slice/user-1000.slice/user@1000.service/app.slice/x"});
  const Who who = OfProcess(root(), 100);
  EXPECT_EQ(who.person, GetParam().person);
  EXPECT_EQ(who.session, GetParam().session);
}
INSTANTIATE_TEST_SUITE_P(Table, UserManager,
                         testing::Values(ManagerCase{"None", 0, "unknown", ""},
                                         ManagerCase{"One", 1, "operator", "5"},
                                         ManagerCase{"Two", 2, "operator", ""}),
                         [](const auto& c) { return c.param.name; });

TEST_F(AttributionTest, LoggedOutProcessKeepsItsLoginUid) {
  Add({.pid = 50, .parent = 1, .program = "/usr/sbin/sshd"});
  Add({.parent = 50, .login_uid = 1001, .audit_session = 5});
  const Who who = OfProcess(root(), 100);
  EXPECT_EQ(who.person, "maint");
  EXPECT_EQ(who.origin, "ssh");
  EXPECT_EQ(who.session, "");
}

TEST_F(AttributionTest, CronIsAService) {
  AddSession("7", 1001, "maint",
             "ACTIVE=0\nCLASS=background\nSERVICE=cron\nAUDIT=7\n");
  // The first CLASS line of the helper says "user"; logind writes one only.
  Put("run/systemd/sessions/7",
      "UID=1001\nUSER=maint\nCLASS=background\nSERVICE=cron\nAUDIT=7\n"
      "STATE=active\n");
  Add({.uid = 1001, .login_uid = 1001, .audit_session = 7});
  const Who who = OfProcess(root(), 100);
  EXPECT_EQ(who.person, "maint");
  EXPECT_EQ(who.origin, "service");
}

TEST_F(AttributionTest, NamesTheServiceAndSaysThatALoginIsOver) {
  Add({.cgroup = "/system.slice/nightly.service"});
  Who who = OfProcess(root(), 100);
  EXPECT_EQ(who.unit, "nightly.service");
  EXPECT_EQ(who.origin, "service");
  EXPECT_EQ(who.person, "unknown");
  EXPECT_FALSE(who.login_over);
  AddSession("3", 1001, "maint", "AUDIT=3\n");
  Add({.pid = 101,
       .login_uid = 1001,
       .audit_session = 3,
       .cgroup = "/user.slice/user-1001.slice/session-3.scope"});
  who = OfProcess(root(), 101);
  EXPECT_EQ(who.unit, "");
  EXPECT_FALSE(who.login_over);
  Put("run/systemd/sessions/3",
      "UID=1001\nUSER=maint\nSTATE=closing\nCLASS=user\nAUDIT=3\n");
  EXPECT_TRUE(OfProcess(root(), 101).login_over);
}

TEST(Services, AreTheSystemsOwn) {
  EXPECT_EQ(ServiceOf("/system.slice/a.service"), "a.service");
  EXPECT_EQ(ServiceOf("/system.slice/a.service/worker"), "a.service");
  EXPECT_EQ(ServiceOf("/system.slice/system-b.slice/b@1.service"),
            "b@1.service");
  EXPECT_EQ(ServiceOf("/batch.slice/a.service"), "a.service");
  // What a user starts may be called anything.
  EXPECT_EQ(ServiceOf("/user.slice/user-1000.slice/user@1000.service/"
                      "app.slice/a.service"),
            "");
  EXPECT_EQ(ServiceOf("/machine.slice/m.scope/system.slice/a.service"), "");
  EXPECT_EQ(ServiceOf("/init.scope"), "");
  EXPECT_EQ(ServiceOf("/"), "");
  EXPECT_EQ(ServiceOf("system.slice/a.service"), "");
  EXPECT_EQ(ServiceOf(""), "");
}

TEST_F(AttributionTest, VanishedProcessIsUnknown) {
  AddConsole("3", 1000, "operator");
  const Who who = OfProcess(root(), 4711);
  EXPECT_EQ(who.person, "unknown");
  EXPECT_EQ(who.pid, 4711);
  EXPECT_THAT(who.others, ElementsAre("operator on tty2"));
}

TEST_F(AttributionTest, PlugBelongsToTheActiveSeat) {
  AddConsole("3", 1000, "operator");
  AddSsh("5", 1001, "maint");
  const Who who = OfPlug(root());
  EXPECT_EQ(who.person, "operator");
  EXPECT_EQ(who.seat, "seat0");
  EXPECT_THAT(who.others, ElementsAre("maint from 192.0.2.7"));
}

TEST_F(AttributionTest, PlugWithoutASeatBelongsToTheOnlyLogin) {
  EXPECT_EQ(OfPlug(root()).person, "unknown");
  AddSsh("5", 1001, "maint");
  EXPECT_EQ(OfPlug(root()).person, "maint");
  AddSsh("6", 1000, "operator");
  EXPECT_EQ(OfPlug(root()).person, "unknown");
}

TEST_F(AttributionTest, PlugOnTwoSeatsIsUnknown) {
  AddConsole("3", 1000, "operator");
  AddSession("4", 1001, "maint", "ACTIVE=1\nSEAT=seat1\n");
  EXPECT_EQ(OfPlug(root()).person, "unknown");
}

TEST_F(AttributionTest, GreetersAndClosingSessionsAreNobody) {
  Put("run/systemd/sessions/c1",
      "UID=117\nUSER=gdm\nCLASS=greeter\nACTIVE=1\nSEAT=seat0\nSTATE=active\n");
  Put("run/systemd/sessions/2",
      "UID=1000\nUSER=operator\nCLASS=user\nSTATE=closing\nACTIVE=1\n"
      "SEAT=seat0\n");
  EXPECT_EQ(OfPlug(root()).person, "unknown");
}

TEST_F(AttributionTest, UnknownAccountIsShownByNumber) {
  AddConsole("3", 4242, "someone");
  EXPECT_EQ(OfPlug(root()).person, "uid 4242");
}

TEST(Redact, ShowsTheFirstWordOnly) {
  EXPECT_EQ(RedactCommand(""), "");
  EXPECT_EQ(RedactCommand("bash"), "bash");
  EXPECT_EQ(RedactCommand(std::string("a\0b\0", 4)),
            "a (1 argument not shown)");
  EXPECT_EQ(RedactCommand("sshd: operator [priv]"),
            "sshd: (arguments not shown)");
  EXPECT_LE(RedactCommand(std::string(100'000, 'x')).size(), kMaxCommandBytes);
}

TEST(Tty, NamesConsolesAndTerminals) {
  EXPECT_EQ(TtyName(0), "");
  EXPECT_EQ(TtyName((4 << 8) | 2), "tty2");
  EXPECT_EQ(TtyName((4 << 8) | 64), "ttyS0");
  EXPECT_EQ(TtyName((136 << 8) | 7), "pts/7");
  EXPECT_EQ(TtyName((137 << 8) | 7), "pts/263");
}

}  // namespace
}  // namespace sekisho::attribute
