// Real folders below a root of the test's own; systemctl is a script that
// writes down how it was called.
#include "agent/start_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/file.h"
#include "tests/unit/agent/stepped_loop.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kUnit[] =
    "[Unit]\nDescription=worker\n[Service]\n"
    "ExecStart=/usr/libexec/sekisho/sekisho-scan\nUser=sekisho-scan\n"
    "UnsetEnvironment=LD_PRELOAD\n";

class StartFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* folder :
         {"/etc/systemd/system", "/run/systemd/system",
          "/run/systemd/transient", "/usr/lib/systemd/system"}) {
      std::filesystem::create_directories(dir.path() + folder);
    }
    Put("/usr/lib/systemd/system/sekisho-scan@.service", kUnit);
    Put("/systemctl", "#!/bin/sh\necho \"$1\" >> " + dir.path() + "/calls\n");
    std::filesystem::permissions(dir.path() + "/systemctl",
                                 std::filesystem::perms::owner_all);
    jobs = std::make_unique<Jobs>(loop);
  }
  void TearDown() override {
    files.reset();
    jobs.reset();
  }
  void Put(const std::string& path, const std::string& text) {
    ASSERT_TRUE(ReplaceFile(dir.path() + path, text, 0644));
  }
  void Remove(const std::string& path) {
    std::filesystem::remove_all(dir.path() + path);
  }
  void MakeFolder(const std::string& path) {
    std::filesystem::create_directories(dir.path() + path);
  }
  void Start() {
    files = std::make_unique<StartFiles>(
        loop, *jobs,
        StartFiles::Options{.root = dir.path(),
                            .libexec_dir = "/usr/libexec/sekisho",
                            .systemctl = dir.path() + "/systemctl"},
        StartFiles::Events{
            .enforcing = [this] { return enforcing; },
            .foreign = [this](const std::string& w) { told.push_back(w); }});
    files->Start();
  }
  std::string Calls() {
    return ReadFileAt(AT_FDCWD, dir.path() + "/calls", 4096).value_or("");
  }

  TempDir dir;
  SteppedLoop loop;
  std::unique_ptr<Jobs> jobs;
  std::unique_ptr<StartFiles> files;
  std::vector<std::string> told;
  bool enforcing = true;
};

TEST_F(StartFilesTest, WhatThePackageBringsStands) {
  Start();
  EXPECT_TRUE(files->Check());
  EXPECT_THAT(told, IsEmpty());
  EXPECT_EQ(Calls(), "");
}

TEST_F(StartFilesTest, ADropInIsToldOnceAndRefusedUntilSystemdForgotIt) {
  Start();
  MakeFolder("/etc/systemd/system/sekisho-scan@.service.d");
  const Status refused = files->Check();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("sekisho-scan@.service.d"));
  EXPECT_FALSE(files->Check());
  EXPECT_THAT(told, ElementsAre("/etc/systemd/system/sekisho-scan@.service.d"));
  EXPECT_EQ(Calls(), "");
  Remove("/etc/systemd/system/sekisho-scan@.service.d");
  const Status again = files->Check();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kUnavailable);
  loop.RunUntil([this] { return files->Standing().has_value(); });
  EXPECT_EQ(Calls(), "daemon-reload\nstop\nrestart\n");
}

TEST_F(StartFilesTest, OneThatCameAndWentBetweenTwoLooksIsTold) {
  Start();
  MakeFolder("/run/systemd/system/service.d");
  Remove("/run/systemd/system/service.d");
  EXPECT_FALSE(files->Check());
  EXPECT_THAT(told, ElementsAre("/run/systemd/system/service.d"));
  loop.RunUntil([this] { return files->Standing().has_value(); });
  EXPECT_THAT(Calls(), HasSubstr("daemon-reload"));
}

TEST_F(StartFilesTest, EveryPlaceAndFormOfADropInCounts) {
  for (const char* path :
       {"/etc/systemd/system/sekisho-scan@.service",
        "/etc/systemd/system/sekishod.service",
        "/etc/systemd/system/sekisho-.service.d",
        "/etc/systemd/system/socket.d", "/run/systemd/transient/service.d",
        "/run/systemd/generator.late/sekisho-probe.socket",
        "/etc/systemd/system.control/sekisho-devices.service.d",
        "/usr/local/lib/systemd/system/sekisho-scan@.service.d",
        "/usr/lib/systemd/system/sekisho-gate@.service.d",
        "/etc/ld.so.preload"}) {
    MakeFolder(path);
    files.reset();
    Start();
    EXPECT_FALSE(files->Check()) << path;
    Remove(path);
  }
}

TEST_F(StartFilesTest, OtherUnitsAndTheServersAreNobodysBusiness) {
  for (const char* path :
       {"/etc/systemd/system/ssh.service.d",
        "/etc/systemd/system/sekisho-server.service.d",
        "/etc/systemd/system/sekisho-uplink.service.d",
        "/etc/systemd/system/sysinit.target.wants/sekishod.service"}) {
    MakeFolder(path);
  }
  Start();
  EXPECT_TRUE(files->Check());
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(StartFilesTest, AFolderThatIsMadeLaterIsWatched) {
  Start();
  MakeFolder("/etc/systemd/system.control");
  EXPECT_TRUE(files->Check());
  MakeFolder("/etc/systemd/system.control/sekisho-scan@.service.d");
  EXPECT_FALSE(files->Check());
}

TEST_F(StartFilesTest, TheShippedUnitIsReadAgainWhenItChanges) {
  Start();
  Put("/usr/lib/systemd/system/sekisho-scan@.service",
      std::string(kUnit) + "Environment=LD_PRELOAD=/tmp/x.so\n");
  EXPECT_FALSE(files->Check());
  EXPECT_THAT(told, ElementsAre(HasSubstr("it sets Environment")));
}

TEST_F(StartFilesTest, NothingIsToldOrRefusedWhileNothingIsEnforced) {
  enforcing = false;
  MakeFolder("/etc/systemd/system/sekisho-scan@.service.d");
  Start();
  EXPECT_TRUE(files->Check());
  EXPECT_THAT(told, IsEmpty());
  enforcing = true;
  files->OnModeChanged();
  EXPECT_FALSE(files->Check());
  EXPECT_EQ(told.size(), 1U);
}

TEST(CheckWorkerUnit, TakesTheProgramAndNothingThatChangesIt) {
  const std::string program = "/usr/libexec/sekisho/sekisho-scan";
  const auto check = [&](const std::string& more) {
    return CheckWorkerUnit(std::string(kUnit) + more, program).has_value();
  };
  EXPECT_TRUE(check(""));
  EXPECT_TRUE(check("# Environment=LD_PRELOAD=/x\n"));
  EXPECT_FALSE(check("Environment=LD_PRELOAD=/x\n"));
  EXPECT_FALSE(check("  EnvironmentFile = /x\n"));
  EXPECT_FALSE(check("ExecStart=/bin/cat\n"));
  EXPECT_FALSE(check("ExecStartPre=/bin/true\n"));
  EXPECT_FALSE(check("BindPaths=/x:/usr/lib\n"));
  EXPECT_FALSE(check("RootDirectory=/x\n"));
  EXPECT_FALSE(check("User=\\\n"));
  EXPECT_FALSE(CheckWorkerUnit("[Service]\n", program));
  EXPECT_FALSE(
      CheckWorkerUnit("ExecStart=!/usr/libexec/sekisho/sekisho-scan", program));
}

}  // namespace
}  // namespace sekisho::agent
