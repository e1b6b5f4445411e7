#include "agent/codes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/offline_code.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kAgent[] = "agent-1";
constexpr int64_t kHours4 = 4 * 3600;

class TwoClocks final : public Clock {
 public:
  WallTime Now() const override { return wall; }
  BootTime SinceBoot() const override { return boot; }
  void Pass(std::chrono::seconds time) {
    wall += time;
    boot += time;
  }
  WallTime wall{std::chrono::seconds(1'800'000'000)};
  BootTime boot{std::chrono::seconds(1000)};
};

class CodesTest : public testing::Test {
 protected:
  void SetUp() override {
    secret_.fill(std::byte{5});
    codes_ = Start();
    ASSERT_TRUE(codes_->SetSecret(secret_, key_.public_key));
  }
  std::unique_ptr<Codes> Start(const std::string& boot = "boot-1") {
    return std::make_unique<Codes>(clock_, path_, boot);
  }
  void Restart(const std::string& boot = "boot-1") { codes_ = Start(boot); }

  // What the server answers to the challenge that is shown for `device`.
  std::string CodeFor(const Codes::Device& device, int64_t seconds = kHours4) {
    const auto shown = codes_->ChallengeFor(kAgent, device);
    EXPECT_TRUE(shown) << shown.error().message;
    const auto letters =
        policy::ParseChallenge(shown->text, kAgent, device.key);
    EXPECT_TRUE(letters);
    return policy::MakeCode(secret_, {.agent_id = kAgent,
                                      .device = device.key,
                                      .seconds = seconds,
                                      .challenge = *letters});
  }
  // A code in order that is not the right one.
  std::string WrongCode() {
    policy::CodeSecret other{};
    other.fill(std::byte(++wrong_));
    return policy::MakeCode(other, {.agent_id = kAgent,
                                    .device = kStick.key,
                                    .seconds = 900,
                                    .challenge = "00000000"});
  }
  Codes::Tried Redeem(const std::string& code) {
    auto tried = codes_->Redeem(kAgent, code, {kStick});
    EXPECT_TRUE(tried) << tried.error().message;
    return tried ? *tried : Codes::Tried{};
  }
  int TriesLeft() { return codes_->ChallengeFor(kAgent, kStick)->tries_left; }
  static policy::CodeList ListOf(const std::vector<Codes::Open>& open) {
    policy::CodeList list;
    for (const Codes::Open& one : open) {
      list.issued.push_back({.id = static_cast<int64_t>(list.issued.size() + 1),
                             .from_seconds = 1,
                             .until_seconds = 2,
                             .match = one.match});
    }
    return list;
  }

  const Codes::Device kStick{"0951:1666:S1", "hash-1"};
  const Codes::Device kOther{"0951:1666:S2", "hash-1"};
  TempDir dir_;
  const std::string path_ = dir_.path() + "/codes";
  TwoClocks clock_;
  policy::CodeSecret secret_{};
  const policy::CodeKeyPair key_ = policy::NewCodeKeyPair();
  int wrong_ = 100;
  std::unique_ptr<Codes> codes_;
};

TEST_F(CodesTest, ACodeOpensItsDeviceForItsPeriod) {
  const auto tried = Redeem(CodeFor(kStick));
  ASSERT_TRUE(tried.open);
  EXPECT_EQ(tried.open->device, kStick);
  EXPECT_EQ(tried.open->seconds, kHours4);
  EXPECT_THAT(codes_->open(), SizeIs(1));
  clock_.Pass(std::chrono::seconds(kHours4 - 1));
  EXPECT_THAT(codes_->EndDue(), IsEmpty());
  EXPECT_EQ(codes_->UntilNextEnd(), BootTime(std::chrono::seconds(1)));
  clock_.Pass(std::chrono::seconds(1));
  const auto ended = codes_->EndDue();
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0].why, "its time is over");
  EXPECT_THAT(codes_->open(), IsEmpty());
}

TEST_F(CodesTest, OnceAndNotAgainAlsoAfterARestart) {
  const std::string code = CodeFor(kStick);
  ASSERT_TRUE(Redeem(code).open);
  EXPECT_EQ(codes_->Redeem(kAgent, code, {kStick}).error().code,
            Code::kFailedPrecondition)
      << "its challenge is gone";
  codes_->EndOne(codes_->open()[0].match, "test");
  Restart();
  CodeFor(kStick);  // a new challenge
  EXPECT_FALSE(Redeem(code).open);
}

TEST_F(CodesTest, AMisheardLetterCostsNoTry) {
  std::string code = CodeFor(kStick);
  code[7] = code[7] == '2' ? '3' : '2';
  const auto heard = codes_->Redeem(kAgent, code, {kStick});
  ASSERT_FALSE(heard);
  EXPECT_EQ(heard.error().code, Code::kInvalidArgument);
  EXPECT_THAT(heard.error().message, HasSubstr("group 2"));
  EXPECT_EQ(TriesLeft(), policy::kCodeTries);
}

TEST_F(CodesTest, TheFifthWrongTryVoidsTheChallengeAndTheRightCode) {
  const std::string right = CodeFor(kStick);
  const std::string before = codes_->ChallengeFor(kAgent, kStick)->text;
  for (int left = policy::kCodeTries - 1; left >= 0; --left) {
    EXPECT_EQ(Redeem(WrongCode()).tries_left, left);
  }
  EXPECT_FALSE(codes_->Redeem(kAgent, right, {kStick}));
  const auto now = codes_->ChallengeFor(kAgent, kStick);
  ASSERT_TRUE(now);
  EXPECT_TRUE(now->is_new);
  EXPECT_NE(now->text, before);
  EXPECT_FALSE(Redeem(right).open);
}

TEST_F(CodesTest, TheRightCodeAtTheFifthTryIsRight) {
  const std::string right = CodeFor(kStick);
  for (int i = 1; i < policy::kCodeTries; ++i) Redeem(WrongCode());
  EXPECT_TRUE(Redeem(right).open);
}

TEST_F(CodesTest, TriesAreCountedAcrossRestarts) {
  const std::string right = CodeFor(kStick);
  for (int left = policy::kCodeTries - 1; left >= 0; --left) {
    EXPECT_EQ(Redeem(WrongCode()).tries_left, left);
    Restart();
  }
  EXPECT_FALSE(codes_->Redeem(kAgent, right, {kStick}));
}

TEST_F(CodesTest, NothingOpensWhereTheTryCannotBeWrittenDown) {
  const std::string right = CodeFor(kStick);
  std::filesystem::remove(path_);
  std::filesystem::create_directories(path_ + "/in-the-way");
  EXPECT_FALSE(codes_->Redeem(kAgent, right, {kStick}));
  EXPECT_THAT(codes_->open(), IsEmpty());
}

TEST_F(CodesTest, IsOfOneDeviceWithItsDescriptors) {
  const std::string code = CodeFor(kStick);
  CodeFor(kOther);
  EXPECT_FALSE(codes_->Redeem(kAgent, code, {kOther})->open);
  Codes::Device clone = kStick;
  clone.descriptor_hash = "hash-2";
  EXPECT_FALSE(codes_->Redeem(kAgent, code, {clone})) << "nothing waits for it";
  // Several wait: the one it is for opens, the others lose no try.
  const int before = codes_->ChallengeFor(kAgent, kOther)->tries_left;
  const auto tried = codes_->Redeem(kAgent, code, {kOther, kStick});
  ASSERT_TRUE(tried && tried->open);
  EXPECT_EQ(tried->open->device, kStick);
  EXPECT_EQ(codes_->ChallengeFor(kAgent, kOther)->tries_left, before);
}

TEST_F(CodesTest, AnotherTerminalsCodeIsWrong) {
  const std::string code = CodeFor(kStick);
  EXPECT_FALSE(codes_->Redeem("agent-2", code, {kStick})->open);
}

TEST_F(CodesTest, AChallengeIsWorthADay) {
  const std::string code = CodeFor(kStick);
  clock_.Pass(std::chrono::seconds(policy::kChallengeSeconds - 1));
  Restart();
  EXPECT_FALSE(codes_->ChallengeFor(kAgent, kStick)->is_new);
  clock_.Pass(std::chrono::seconds(1));
  EXPECT_FALSE(codes_->Redeem(kAgent, code, {kStick}));
}

TEST_F(CodesTest, WhatIsOpenOutlivesARestartAndNoMoreThanItsTime) {
  ASSERT_TRUE(Redeem(CodeFor(kStick)).open);
  clock_.Pass(std::chrono::hours(1));
  clock_.wall -= std::chrono::hours(48);  // set back: the boot clock counts
  Restart();
  ASSERT_THAT(codes_->open(), SizeIs(1));
  EXPECT_EQ(codes_->UntilNextEnd(), BootTime(std::chrono::hours(3)));
  // Another boot: the wall clock, and at most the whole period.
  clock_.boot = BootTime(std::chrono::seconds(20));
  Restart("boot-2");
  EXPECT_EQ(codes_->UntilNextEnd(), BootTime(std::chrono::hours(4)));
  clock_.wall += std::chrono::hours(72);
  clock_.boot = BootTime(std::chrono::seconds(5));
  Restart("boot-3");
  EXPECT_THAT(codes_->EndDue(), SizeIs(1));
}

TEST_F(CodesTest, TheServerConfirmsTakesBackOrKnowsNothing) {
  const auto first = Redeem(CodeFor(kStick)).open;
  const auto second = codes_->Redeem(kAgent, CodeFor(kOther), {kOther})->open;
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(codes_->HasUnconfirmed());
  EXPECT_THAT(codes_->Take(ListOf({*first})), IsEmpty());
  Restart();
  const auto unknown = codes_->EndUnconfirmed();
  ASSERT_THAT(unknown, SizeIs(1));
  EXPECT_EQ(unknown[0].open.device, kOther);
  EXPECT_THAT(unknown[0].why, HasSubstr("did not confirm"));
  EXPECT_FALSE(codes_->HasUnconfirmed());
  const auto back = codes_->Take(ListOf({}));
  ASSERT_THAT(back, SizeIs(1));
  EXPECT_EQ(back[0].open.device, kStick);
  EXPECT_THAT(codes_->open(), IsEmpty());
}

TEST_F(CodesTest, AnotherSecretVoidsTheChallengesBeforeIt) {
  const std::string code = CodeFor(kStick);
  EXPECT_FALSE(codes_->NeedsSecretFor(key_.public_key));
  const auto other = policy::NewCodeKeyPair();
  EXPECT_TRUE(codes_->NeedsSecretFor(other.public_key));
  policy::CodeSecret next{};
  ASSERT_TRUE(codes_->SetSecret(next, other.public_key));
  EXPECT_FALSE(codes_->Redeem(kAgent, code, {kStick}));
  ASSERT_TRUE(codes_->Reset());
  EXPECT_TRUE(codes_->NeedsSecretFor(other.public_key));
  EXPECT_EQ(codes_->ChallengeFor(kAgent, kStick).error().code,
            Code::kFailedPrecondition);
}

TEST_F(CodesTest, ADamagedFileOpensNothingAndAsksForANewSecret) {
  ASSERT_TRUE(Redeem(CodeFor(kStick)).open);
  std::string text = dir_.Get("codes");
  EXPECT_EQ(
      std::filesystem::status(path_).permissions(),
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  dir_.Put("codes", text.substr(0, text.size() - 10) + "\n");
  Restart();
  EXPECT_THAT(codes_->problem(), HasSubstr("damaged"));
  EXPECT_THAT(codes_->open(), IsEmpty());
  EXPECT_TRUE(codes_->NeedsSecretFor(key_.public_key));
}

TEST_F(CodesTest, KeepsTheNewestChallenges) {
  for (size_t i = 0; i <= Codes::kMaxChallenges; ++i) {
    const Codes::Device device{"0951:1666:N" + std::to_string(i), ""};
    ASSERT_TRUE(codes_->ChallengeFor(kAgent, device));
  }
  EXPECT_FALSE(codes_->ChallengeFor(kAgent, {"0951:1666:N16", ""})->is_new);
  EXPECT_TRUE(codes_->ChallengeFor(kAgent, {"0951:1666:N0", ""})->is_new);
}

}  // namespace
}  // namespace sekisho::agent
