#include "agent/identities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "policy/person_proof.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr char kPin[] = "12345678";
constexpr char kWrongPin[] = "87654321";

class TwoClocks final : public Clock {
 public:
  WallTime Now() const override { return wall; }
  BootTime SinceBoot() const override { return boot; }
  void Pass(seconds time) {
    wall += time;
    boot += time;
  }
  WallTime wall{seconds(1'800'000'000)};
  BootTime boot{seconds(1000)};
};

attribute::Who Login(const std::string& session, const std::string& account) {
  attribute::Who who;
  who.person = account;
  who.login_uid = 1001;
  who.session = session;
  who.audit_session = session.empty() ? -1 : std::stoi(session);
  return who;
}

class IdentitiesTest : public testing::Test {
 protected:
  void SetUp() override {
    static const std::string verifier = *policy::PinVerifierOf(kPin);
    people_ = {{.id = "sato",
                .until_seconds = 1'800'000'000 + 3600,
                .accounts = {"*"},
                .pin_verifier = verifier,
                .totp_secret = std::string(policy::kTotpBytes, 's')},
               {.id = "yamada",
                .until_seconds = {},
                .accounts = {"maint"},
                .pin_verifier = verifier,
                .totp_secret = ""}};
    identify_ =
        policy::Identify{.accounts = {"maint", "oracle"},
                         .proof = {policy::Proof::kPin, policy::Proof::kTotp},
                         .lasts_hours = 8};
    Restart();
  }
  void Restart(const std::string& boot = "boot-1") {
    identities_ =
        std::make_unique<Identities>(clock_, dir_.path() + "/identified", boot);
    Use();
  }
  void Use() {
    identities_->Use(
        std::make_shared<const std::vector<policy::ListedPerson>>(people_),
        identify_);
  }
  Result<Identities::Known> Say(const attribute::Who& who,
                                const std::string& person,
                                const std::string& typed) {
    ASSIGN_OR_RETURN(const auto question,
                     identities_->Begin(who, person, typed));
    return identities_->Finish(question, Identities::Check(question));
  }
  // A wrong PIN without the time that argon2id takes.
  Status Miss(const attribute::Who& who, const std::string& person) {
    ASSIGN_OR_RETURN(const auto question,
                     identities_->Begin(who, person, kWrongPin));
    RETURN_IF_ERROR(identities_->Finish(question, {}));
    return {};
  }
  std::string PersonOf(const attribute::Who& who) const {
    const auto* known = identities_->Of(who);
    return known == nullptr ? "" : known->person;
  }

  const TempDir dir_;
  TwoClocks clock_;
  std::vector<policy::ListedPerson> people_;
  std::optional<policy::Identify> identify_;
  std::unique_ptr<Identities> identities_;
  const attribute::Who maint3_ = Login("3", "maint");
  const attribute::Who maint5_ = Login("5", "maint");
};

TEST_F(IdentitiesTest, APinNamesOneLoginAndNoOther) {
  EXPECT_TRUE(identities_->IsAsked(maint3_));
  const auto known = Say(maint3_, "yamada", kPin);
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_EQ(known->proof, policy::Proof::kPin);
  EXPECT_EQ(known->end, clock_.boot + hours(8));
  EXPECT_EQ(PersonOf(maint3_), "yamada");
  EXPECT_EQ(PersonOf(maint5_), "");
  EXPECT_FALSE(identities_->IsAsked(maint3_));
  EXPECT_TRUE(identities_->IsAsked(maint5_));
  EXPECT_EQ(identities_->OfAuditSession(3)->person, "yamada");
  EXPECT_EQ(identities_->OfAuditSession(5), nullptr);
  EXPECT_EQ(identities_->OfAuditSession(-1), nullptr);
  // A login of that number at another account is another.
  EXPECT_EQ(PersonOf(Login("3", "oracle")), "");
  // Kept over a restart, not over a reboot, readable by nobody else.
  Restart();
  EXPECT_EQ(PersonOf(maint3_), "yamada");
  struct stat about{};
  ASSERT_EQ(::stat((dir_.path() + "/identified").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  EXPECT_THAT(dir_.Get("identified"), testing::Not(HasSubstr(kPin)));
  Restart("boot-2");
  EXPECT_EQ(PersonOf(maint3_), "");
}

TEST_F(IdentitiesTest, LastsAsPolicySaysAndNotLongerThanTheLoginOrTheContract) {
  ASSERT_TRUE(Say(maint3_, "yamada", kPin));
  ASSERT_TRUE(Say(maint5_, "sato", kPin));
  attribute::Who closing = maint3_;
  closing.login_over = true;
  EXPECT_EQ(PersonOf(closing), "") << "logged out, something still runs";
  clock_.Pass(minutes(59));
  EXPECT_EQ(PersonOf(maint5_), "sato");
  clock_.Pass(minutes(1));
  EXPECT_EQ(PersonOf(maint5_), "") << "his contract is over";
  EXPECT_TRUE(identities_->IsOver("sato"));
  EXPECT_TRUE(identities_->EndDue());
  EXPECT_FALSE(identities_->EndDue());
  EXPECT_THAT(Say(maint5_, "sato", kPin).error().message,
              HasSubstr("your contract is over"));
  EXPECT_EQ(PersonOf(maint3_), "yamada");
  clock_.Pass(hours(7));
  EXPECT_EQ(PersonOf(maint3_), "");
}

TEST_F(IdentitiesTest, AnotherPolicyOrListCountsAtOnce) {
  ASSERT_TRUE(Say(maint3_, "yamada", kPin));
  const auto holds = [&] {
    Use();
    return PersonOf(maint3_) == "yamada";
  };
  const auto identify = identify_;
  identify_->accounts = {"oracle"};
  EXPECT_FALSE(holds());
  identify_ = identify;
  identify_->proof = {policy::Proof::kTotp};
  EXPECT_FALSE(holds());
  identify_.reset();
  EXPECT_FALSE(holds());
  identify_ = identify;
  EXPECT_TRUE(holds());
  const auto people = people_;
  people_[1].accounts = {"oracle"};
  EXPECT_FALSE(holds());
  people_ = people;
  people_.pop_back();
  EXPECT_FALSE(holds());
  people_ = people;
  EXPECT_TRUE(holds());
  clock_.Pass(hours(2));
  identify_->lasts_hours = 2;
  EXPECT_FALSE(holds());
}

TEST_F(IdentitiesTest, FiveWrongTriesThenAQuarterOfAnHour) {
  for (int left = 4; left > 0; --left) {
    EXPECT_THAT(Miss(maint3_, "yamada").error().message,
                HasSubstr(std::to_string(left) + " tries are left"));
    // A restart gives none back.
    Restart();
  }
  EXPECT_THAT(Miss(maint3_, "sato").error().message,
              HasSubstr("the next try is in 15 minutes"));
  Restart();
  const auto refused = identities_->Begin(maint3_, "yamada", kPin);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kResourceExhausted);
  EXPECT_THAT(refused.error().message, HasSubstr("wait 15 minutes"));
  // Another login of the account is not punished for it.
  EXPECT_TRUE(Say(maint5_, "yamada", kPin));
  clock_.Pass(minutes(14));
  EXPECT_FALSE(identities_->Begin(maint3_, "yamada", kPin));
  clock_.Pass(minutes(1));
  EXPECT_TRUE(Say(maint3_, "yamada", kPin));
}

TEST_F(IdentitiesTest, ARightOneGivesNoTriesBackForOthers) {
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(Miss(maint3_, "sato"));
  ASSERT_TRUE(Say(maint3_, "yamada", kPin));
  EXPECT_FALSE(Miss(maint3_, "sato"));
  EXPECT_EQ(identities_->Begin(maint3_, "sato", kPin).error().code,
            Code::kResourceExhausted);
  EXPECT_EQ(PersonOf(maint3_), "yamada");
}

TEST_F(IdentitiesTest, NewLoginsGiveNoMoreTriesAtOnePerson) {
  int tried = 0;
  for (int session = 10; session < 30; ++session) {
    const attribute::Who who = Login(std::to_string(session), "maint");
    for (int i = 0; i < 4; ++i) {
      if (Miss(who, "sato").error().code == Code::kPermissionDenied) ++tried;
    }
  }
  EXPECT_EQ(tried, Identities::kTriesOfPerson);
  EXPECT_FALSE(Miss(maint3_, "yamada"));  // the others go on
  EXPECT_TRUE(Say(maint5_, "yamada", kPin));
}

TEST_F(IdentitiesTest, ACodeOfTheAuthenticatorIsGoodOnce) {
  const int64_t step = 1'800'000'000 / 30;
  const auto code = [&](int64_t at) {
    return policy::TotpCodeAt(people_[0].totp_secret, at);
  };
  const auto known = Say(maint3_, "sato", code(step));
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_EQ(known->proof, policy::Proof::kTotp);
  EXPECT_THAT(Say(maint5_, "sato", code(step)).error().message,
              HasSubstr("used already"));
  EXPECT_THAT(Say(maint5_, "sato", code(step - 1)).error().message,
              HasSubstr("used already"))
      << "nor one from before it";
  Restart();
  EXPECT_FALSE(Say(maint5_, "sato", code(step)));
  Restart("boot-2");
  EXPECT_FALSE(Say(maint5_, "sato", code(step)));
  EXPECT_TRUE(Say(maint5_, "sato", code(step + 1)));
  EXPECT_FALSE(Say(maint5_, "yamada", code(step + 1))) << "he has none";
}

TEST_F(IdentitiesTest, NobodyIsAskedWhereHeIsKnown) {
  const auto why = [&](const attribute::Who& who, const std::string& person,
                       const std::string& typed) {
    const auto begun = identities_->Begin(who, person, typed);
    return begun ? "begun" : begun.error().message;
  };
  EXPECT_THAT(why(Login("3", "sato"), "sato", kPin), HasSubstr("yours alone"));
  EXPECT_THAT(why(Login("", "maint"), "sato", kPin), HasSubstr("no login"));
  EXPECT_THAT(why({}, "sato", kPin), HasSubstr("no login"));
  EXPECT_THAT(why(maint3_, "a b", kPin), HasSubstr("no id"));
  EXPECT_THAT(why(maint3_, "sato", "1234567"), HasSubstr("8 digits"));
  identify_->proof = {policy::Proof::kTotp};
  Use();
  EXPECT_THAT(why(maint3_, "sato", kPin), HasSubstr("no PIN"));
  identify_.reset();
  Use();
  EXPECT_THAT(why(maint3_, "sato", kPin), HasSubstr("does not ask"));
  // None of it was a try.
  EXPECT_EQ(dir_.Get("identified"), "");
}

TEST_F(IdentitiesTest, OnlyAccountsThatAreHis) {
  EXPECT_THAT(Say(Login("4", "oracle"), "yamada", kPin).error().message,
              HasSubstr("may not use the account 'oracle'"));
  EXPECT_TRUE(Say(Login("4", "oracle"), "sato", kPin));
  EXPECT_FALSE(Say(maint3_, "nobody", kPin)) << "as wrong as a wrong PIN";
}

TEST_F(IdentitiesTest, UnprovenLoginsAreCountedApart) {
  EXPECT_EQ(identities_->CountedAs(Login("9", "sato")), "sato");
  const std::string third = identities_->CountedAs(maint3_);
  EXPECT_NE(third, identities_->CountedAs(maint5_));
  EXPECT_THAT(third, testing::StartsWith("maint ("));
  attribute::Who known = maint3_;
  known.stated_person = "yamada";
  EXPECT_EQ(identities_->CountedAs(known), "yamada");
  Restart("another-boot");
  EXPECT_NE(identities_->CountedAs(maint3_), third);
  identify_.reset();
  Use();
  EXPECT_EQ(identities_->CountedAs(maint3_), "maint");
}

TEST_F(IdentitiesTest, WhatCannotBeKeptIsNotDone) {
  ASSERT_TRUE(std::filesystem::create_directory(dir_.path() + "/identified"));
  Restart();
  EXPECT_FALSE(identities_->problem().empty());
  EXPECT_FALSE(identities_->Begin(maint3_, "yamada", kPin));
  EXPECT_EQ(PersonOf(maint3_), "");
}

TEST_F(IdentitiesTest, AFileThatIsDamagedMakesNobodyKnown) {
  ASSERT_TRUE(Say(maint3_, "yamada", kPin));
  dir_.Put("identified", dir_.Get("identified") + "known x\n");
  Restart();
  EXPECT_FALSE(identities_->problem().empty());
  EXPECT_EQ(PersonOf(maint3_), "");
  EXPECT_TRUE(Say(maint3_, "yamada", kPin));
}

TEST_F(IdentitiesTest, HasALimitOfLogins) {
  identify_->accounts = {"maint"};
  for (size_t i = 0; i < Identities::kMaxLogins; ++i) {
    const auto who = Login(std::to_string(100 + i), "maint");
    const auto question = identities_->Begin(who, "yamada", kPin);
    ASSERT_TRUE(question) << i << question.error().message;
    ASSERT_TRUE(identities_->Finish(*question, {.right = true, .step = 0}));
  }
  EXPECT_EQ(identities_->Begin(maint3_, "yamada", kPin).error().code,
            Code::kResourceExhausted);
  EXPECT_TRUE(identities_->Begin(Login("100", "maint"), "yamada", kPin));
  identities_->EndLogin("session:101");
  EXPECT_TRUE(identities_->Begin(maint3_, "yamada", kPin));
}

}  // namespace
}  // namespace sekisho::agent
