// Real files, a gate in memory.
#include "agent/own_programs.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>
#include <unistd.h>

#include <filesystem>

#include "agent/enforce/fake_kernel_gate.h"
#include "common/file.h"
#include "tests/unit/agent/stepped_loop.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using enforce::AgentProgram;
using enforce::ProgramRole;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kScan[] = "/usr/libexec/sekisho/sekisho-scan";
constexpr char kProbe[] = "/usr/libexec/sekisho/sekisho-probe";
constexpr char kGate[] = "/usr/libexec/sekisho/sekisho-gate";

policy::ProgramFile FileOf(const std::string& path, const std::string& bytes) {
  policy::ProgramFile file{
      .digest = {}, .size_bytes = std::ssize(bytes), .path = path};
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(file.digest.data()),
                     reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size());
  return file;
}

policy::UpgradeManifest ManifestOf(std::vector<policy::ProgramFile> files) {
  return {{{.package = "sekisho-agent",
            .version = "0.2.0",
            .programs = std::move(files)}}};
}

class OwnProgramsTest : public testing::Test {
 protected:
  void SetUp() override {
    jobs = std::make_unique<Jobs>(loop);
    dir.Put("scan", "scan one");
    dir.Put("gate", "gate one");
    dir.Put("probe", "probe one");
    gate.programs = {{IdentityOf("scan"), ProgramRole::kOther},
                     {IdentityOf("probe"), ProgramRole::kOther},
                     {IdentityOf("gate"), ProgramRole::kGate}};
  }
  void TearDown() override {
    programs.reset();
    jobs.reset();
  }
  std::string PathOf(const std::string& name) const {
    return dir.path() + "/" + name;
  }
  enforce::ProgramIdentity IdentityOf(const std::string& name) const {
    auto identity = enforce::IdentifyProgram(PathOf(name));
    EXPECT_TRUE(identity) << identity.error().message;
    return identity ? *identity : enforce::ProgramIdentity{};
  }
  void Start() {
    programs = std::make_unique<OwnPrograms>(
        loop, *jobs, &gate,
        std::vector<OwnPrograms::Program>{
            {PathOf("scan"), kScan, ProgramRole::kOther},
            {PathOf("probe"), kProbe, ProgramRole::kOther},
            {PathOf("gate"), kGate, ProgramRole::kGate}},
        OwnPrograms::Events{
            .enforcing = [this] { return enforcing; },
            .refused = [this](const std::string& w) { refused.push_back(w); }});
    programs->Start();
    Settle();
  }
  void Settle() {
    bool settled = false;
    programs->WhenSettled([&settled] { settled = true; });
    loop.RunUntil([&settled] { return settled; });
  }
  // As dpkg does it: another file gets the name.
  void Replace(const std::string& name, const std::string& bytes) {
    dir.Put(name + ".new", bytes);
    std::filesystem::rename(PathOf(name + ".new"), PathOf(name));
  }
  bool GateKnows(const std::string& name, ProgramRole role) const {
    return std::ranges::find(gate.programs,
                             AgentProgram{IdentityOf(name), role}) !=
           gate.programs.end();
  }

  const TempDir dir;
  SteppedLoop loop;
  std::unique_ptr<Jobs> jobs;
  enforce::FakeKernelGate gate;
  std::unique_ptr<OwnPrograms> programs;
  bool enforcing = true;
  std::vector<std::string> refused;
};

TEST_F(OwnProgramsTest, WhatTheGateKnowsIsOurs) {
  Start();
  EXPECT_TRUE(programs->Check());
  EXPECT_TRUE(GateKnows("scan", ProgramRole::kOther));
  EXPECT_TRUE(GateKnows("gate", ProgramRole::kGate));
  EXPECT_THAT(refused, IsEmpty());
}

TEST_F(OwnProgramsTest, WhatTheGateDoesNotKnowAtTheStartIsForeign) {
  Replace("gate", "somebody's");
  Start();
  EXPECT_THAT(programs->Check().error().message,
              HasSubstr("no signed manifest"));
  EXPECT_FALSE(GateKnows("gate", ProgramRole::kGate));
  EXPECT_EQ(refused.size(), 1u);
}

TEST_F(OwnProgramsTest, SameBytesInAnotherFileAreTaken) {
  Start();
  const auto old = gate.programs;
  Replace("gate", "gate one");
  EXPECT_THAT(programs->Check().error().message, HasSubstr("being replaced"));
  Settle();
  EXPECT_TRUE(programs->Check());
  EXPECT_TRUE(GateKnows("gate", ProgramRole::kGate));
  // Nothing was executed from the old one.
  EXPECT_EQ(gate.programs.size(), 3u);
  EXPECT_NE(gate.programs, old);
  EXPECT_THAT(refused, IsEmpty());
}

TEST_F(OwnProgramsTest, OtherBytesAreRefusedAndToldOnce) {
  Start();
  Replace("gate", "somebody's");
  Settle();
  const Status foreign = programs->Check();
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, Code::kPermissionDenied);
  EXPECT_FALSE(GateKnows("gate", ProgramRole::kGate));
  EXPECT_FALSE(GateKnows("gate", ProgramRole::kOther));
  Settle();
  EXPECT_THAT(refused, ElementsAre(HasSubstr(PathOf("gate"))));

  // The old bytes again, in a third file.
  Replace("gate", "gate one");
  Settle();
  EXPECT_TRUE(programs->Check());
}

TEST_F(OwnProgramsTest, NobodyCanWriteToAFileWhileItIsRead) {
  Start();
  Replace("gate", "gate one");
  ASSERT_FALSE(programs->Check());  // begins to read
  EXPECT_TRUE(GateKnows("gate", ProgramRole::kOther));
  EXPECT_FALSE(GateKnows("gate", ProgramRole::kGate));
  Settle();
  EXPECT_TRUE(GateKnows("gate", ProgramRole::kGate));
}

TEST_F(OwnProgramsTest, AFileThatIsOpenForWritingIsRefused) {
  Start();
  dir.Put("gate.new", "gate one");
  UniqueFd writer(::open(PathOf("gate.new").c_str(), O_RDWR | O_CLOEXEC));
  std::filesystem::rename(PathOf("gate.new"), PathOf("gate"));
  Settle();
  EXPECT_THAT(programs->Check().error().message, HasSubstr("open to write"));
  EXPECT_FALSE(GateKnows("gate", ProgramRole::kGate));
  EXPECT_FALSE(GateKnows("gate", ProgramRole::kOther));
  EXPECT_EQ(refused.size(), 1u);
}

TEST_F(OwnProgramsTest, AManifestNamesBytesAndTheirPlaceTogether) {
  Start();
  programs->SetManifest(ManifestOf({FileOf(kScan, "gate two")}));
  Replace("gate", "gate two");
  Settle();
  EXPECT_FALSE(programs->Check());
  // It comes late, and is enough.
  programs->SetManifest(ManifestOf({FileOf(kGate, "gate two")}));
  Settle();
  EXPECT_TRUE(programs->Check());
  EXPECT_TRUE(GateKnows("gate", ProgramRole::kGate));
}

TEST_F(OwnProgramsTest, AProgramOfOursInAnothersPlaceIsForeign) {
  Start();
  for (const char* place : {"gate", "probe"}) {
    std::filesystem::rename(PathOf(place), PathOf("away"));
    std::filesystem::create_hard_link(PathOf("scan"), PathOf(place));
    Settle();
    EXPECT_THAT(programs->Check().error().message, HasSubstr(place));
    EXPECT_FALSE(GateKnows("scan", ProgramRole::kGate));
    EXPECT_TRUE(GateKnows("scan", ProgramRole::kOther));
    std::filesystem::rename(PathOf("away"), PathOf(place));
    Settle();
    EXPECT_TRUE(programs->Check());
  }
}

TEST_F(OwnProgramsTest, AMissingProgramIsToldUntilItIsBack) {
  Start();
  std::filesystem::rename(PathOf("scan"), PathOf("away"));
  Settle();
  EXPECT_THAT(programs->Check().error().message, HasSubstr("is gone"));
  EXPECT_EQ(refused.size(), 1u);
  std::filesystem::rename(PathOf("away"), PathOf("scan"));
  Settle();
  EXPECT_TRUE(programs->Check());
}

TEST_F(OwnProgramsTest, ASymbolicLinkIsForeign) {
  Start();
  std::filesystem::rename(PathOf("scan"), PathOf("away"));
  std::filesystem::create_symlink(PathOf("away"), PathOf("scan"));
  Settle();
  EXPECT_FALSE(programs->Check());
}

TEST_F(OwnProgramsTest, ObserveTakesWhatIsThereAndEnforceKeepsIt) {
  enforcing = false;
  Start();
  Replace("gate", "gate two");
  Settle();
  EXPECT_TRUE(programs->Check());
  EXPECT_TRUE(GateKnows("gate", ProgramRole::kGate));
  enforcing = true;
  programs->OnModeChanged();
  EXPECT_TRUE(programs->Check());
  Replace("gate", "gate three");
  Settle();
  EXPECT_FALSE(programs->Check());
  // Back in observe it is anybody's again.
  enforcing = false;
  programs->OnModeChanged();
  EXPECT_TRUE(programs->Check());
  EXPECT_TRUE(GateKnows("gate", ProgramRole::kGate));
}

TEST_F(OwnProgramsTest, SaysBeforeAnUpgradeWhatItWouldTake) {
  Start();
  const auto same =
      ManifestOf({FileOf(kScan, "scan one"), FileOf(kGate, "gate one")});
  const auto next =
      ManifestOf({FileOf(kScan, "scan one"), FileOf(kGate, "gate two")});
  EXPECT_TRUE(programs->WouldTake(same));
  EXPECT_THAT(programs->WouldTake(next).error().message,
              HasSubstr("sekisho-agent 0.2.0 brings " + std::string(kGate)));
  programs->SetManifest(next);
  EXPECT_TRUE(programs->WouldTake(next));
  programs->SetManifest(std::nullopt);
  enforcing = false;
  EXPECT_TRUE(programs->WouldTake(next));
}

TEST_F(OwnProgramsTest, AGateThatFailsToListenLeavesTheFileForeign) {
  Start();
  Replace("gate", "gate one");
  gate.fail_with = Fail(Code::kUnavailable, "map");
  Settle();
  EXPECT_FALSE(programs->Check());
  gate.fail_with = {};
  Replace("gate", "gate one");
  Settle();
  EXPECT_TRUE(programs->Check());
}

// The program that runs this test is one that was replaced while it ran.
TEST_F(OwnProgramsTest, AProcessOfAReplacedProgramKeepsItsStanding) {
  const std::string self = std::filesystem::canonical("/proc/self/exe");
  const auto identity = enforce::IdentifyProgram(self);
  ASSERT_TRUE(identity);
  gate.programs.push_back({*identity, ProgramRole::kGate});
  Start();
  EXPECT_TRUE(programs->Owns(::getpid(), PathOf("gate")));
  EXPECT_FALSE(programs->Owns(::getpid(), PathOf("scan")));
  EXPECT_FALSE(programs->Owns(1, PathOf("gate")));
  Replace("gate", "gate one");
  Settle();
  EXPECT_TRUE(programs->Owns(::getpid(), PathOf("gate")));
  EXPECT_THAT(gate.programs,
              Contains(AgentProgram{*identity, ProgramRole::kGate}));
  enforcing = false;
  EXPECT_FALSE(programs->Owns(::getpid(), PathOf("gate")));
}

}  // namespace
}  // namespace sekisho::agent
