// The second factor at the door, users who may not come in, API tokens.
#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/bytes.h"
#include "server/auth/accounts.h"
#include "server/auth/secrets.h"
#include "server/auth/totp.h"
#include "server/store/store.h"
#include "tests/support/test_store.h"

namespace sekisho::auth {
namespace {

using std::chrono::seconds;
using store::Role;
using store::Roles;

constexpr char kPassword[] = "twelve chars";

class FakeClock final : public Clock {
 public:
  WallTime Now() const override { return now_; }
  BootTime SinceBoot() const override { return now_.time_since_epoch(); }
  void Advance(seconds by) { now_ += by; }

 private:
  WallTime now_ = WallTime(seconds(1'700'000'010));
};

class SecondFactorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    char dir[] = "/tmp/sekisho-factor-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    store_ = std::move(*sekisho::support::OpenTestStore(dir_ + "/test.db"));
    accounts_ =
        std::make_unique<Accounts>(*store_, clock_, Roles(Role::kAdmin));
    // The other admin is there so that tanaka is not the last.
    ASSERT_TRUE(store_->PutUser({"mori", Role::kAdmin, ""}, clock_.Now()));
    ASSERT_TRUE(store_->PutUser(
        {"tanaka", {Role::kAdmin, Role::kAuditor}, Cheap(kPassword)},
        clock_.Now()));
  }
  void TearDown() override {
    accounts_.reset();
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  // What is tested is not how slow a guess is.
  static std::string Cheap(const std::string& password) {
    std::string hash(crypto_pwhash_STRBYTES, '\0');
    EXPECT_EQ(crypto_pwhash_str(hash.data(), password.data(), password.size(),
                                crypto_pwhash_OPSLIMIT_MIN,
                                crypto_pwhash_MEMLIMIT_MIN),
              0);
    return hash.c_str();
  }
  std::string CodeAt(int64_t steps_from_now) const {
    return HotpCode(
        AsBytes(secret_),
        static_cast<uint64_t>(TotpStep(clock_.Now()) + steps_from_now), 6);
  }
  Result<Login> LogIn(const std::string& factor) {
    return accounts_->LoginWithPassword("tanaka", kPassword, "here", factor);
  }
  // With a step of its own, so that the next login has a fresh one.
  void Enrol() {
    const auto login = LogIn("");
    ASSERT_TRUE(login);
    secret_ = *accounts_->BeginTotp(login->token);
    const auto codes = accounts_->ConfirmTotp(login->token, CodeAt(0));
    ASSERT_TRUE(codes) << codes.error().message;
    recovery_ = *codes;
    clock_.Advance(seconds(90));
  }

  std::string dir_;
  FakeClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Accounts> accounts_;
  std::string secret_;
  std::vector<std::string> recovery_;
};

TEST_F(SecondFactorTest, WhoHasOneIsAskedForIt) {
  Enrol();
  const auto asked = LogIn("");
  ASSERT_TRUE(asked);
  EXPECT_TRUE(asked->needs_second_factor);
  EXPECT_EQ(asked->token, "");
  EXPECT_EQ(LogIn("000000").error().code, Code::kUnauthenticated);
  // A wrong password never comes so far.
  EXPECT_EQ(accounts_->LoginWithPassword("tanaka", "wrong", "x", CodeAt(0))
                .error()
                .message,
            "name or password is wrong");
  const auto in = LogIn(CodeAt(0));
  ASSERT_TRUE(in);
  EXPECT_TRUE(accounts_->FindSession(in->token));
}

TEST_F(SecondFactorTest, ACodeIsUsedOnceAndNoneBeforeIt) {
  Enrol();
  EXPECT_FALSE(LogIn(CodeAt(2)));
  EXPECT_TRUE(LogIn(CodeAt(1)));
  EXPECT_FALSE(LogIn(CodeAt(1)));
  EXPECT_FALSE(LogIn(CodeAt(0))) << "older than the one that was used";
  clock_.Advance(seconds(60));
  EXPECT_TRUE(LogIn(CodeAt(0)));
}

TEST_F(SecondFactorTest, WrongCodesWait) {
  Enrol();
  for (int i = 0; i < kMaxWrongTries; ++i) {
    EXPECT_EQ(LogIn("12345").error().code, Code::kUnauthenticated);
  }
  EXPECT_EQ(LogIn(CodeAt(0)).error().code, Code::kResourceExhausted);
}

TEST_F(SecondFactorTest, EachRecoveryCodeOpensOnce) {
  Enrol();
  ASSERT_EQ(recovery_.size(), kRecoveryCodes);
  EXPECT_TRUE(LogIn(recovery_[3]));
  EXPECT_FALSE(LogIn(recovery_[3]));
  EXPECT_TRUE(LogIn(PlainRecoveryCode(recovery_[4])));
}

TEST_F(SecondFactorTest, AOneTimeCodeIsNotUsedUpByAskingForTheFactor) {
  Enrol();
  const std::string code = *accounts_->CreateLogin("tanaka");
  EXPECT_TRUE(accounts_->LoginWithCode(code, "here")->needs_second_factor);
  EXPECT_FALSE(accounts_->LoginWithCode(code, "here", "000000"));
  EXPECT_TRUE(accounts_->LoginWithCode(code, "here", CodeAt(0)));
  EXPECT_FALSE(accounts_->LoginWithCode(code, "here", CodeAt(1)));
}

TEST_F(SecondFactorTest, WhatIsInForceIsNotReplacedByASession) {
  Enrol();
  const auto in = LogIn(CodeAt(0));
  EXPECT_EQ(accounts_->BeginTotp(in->token).error().code,
            Code::kFailedPrecondition);
  ASSERT_TRUE(store_->RemoveTotp("tanaka"));
  EXPECT_FALSE(LogIn("")->needs_second_factor);
  EXPECT_FALSE(LogIn("")->token.empty());
}

TEST_F(SecondFactorTest, AWrongFirstCodePutsNothingInForce) {
  const auto login = LogIn("");
  secret_ = *accounts_->BeginTotp(login->token);
  EXPECT_EQ(accounts_->ConfirmTotp(login->token, "000000").error().code,
            Code::kInvalidArgument);
  EXPECT_FALSE(LogIn("")->needs_second_factor);
}

TEST_F(SecondFactorTest, RolesThatNeedOneAreToldSo) {
  const auto login = LogIn("");
  EXPECT_TRUE(accounts_->MustEnrolTotp(login->session));
  Enrol();
  EXPECT_FALSE(accounts_->MustEnrolTotp(LogIn(CodeAt(0))->session));
  ASSERT_TRUE(store_->RemoveTotp("tanaka"));
  ASSERT_TRUE(store_->SetRoles("tanaka", Role::kAuditor));
  EXPECT_FALSE(accounts_->MustEnrolTotp(LogIn("")->session));
}

// Nothing that opens a door is in the file as it was given out.
TEST_F(SecondFactorTest, RecoveryCodesAndTokensAreStoredHashed) {
  if (sekisho::support::IsOnPostgres()) GTEST_SKIP() << "there is no file";
  Enrol();
  store::ApiToken wish;
  wish.name = "backup";
  wish.user = "tanaka";
  wish.roles = Role::kAuditor;
  const auto made = accounts_->AddApiToken(wish, seconds(60));
  ASSERT_TRUE(made);
  store_.reset();  // into the file
  std::ifstream file(dir_ + "/test.db");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find("backup"), std::string::npos);
  EXPECT_EQ(text.str().find(made->secret), std::string::npos);
  EXPECT_EQ(text.str().find(recovery_[0]), std::string::npos);
  EXPECT_EQ(text.str().find(PlainRecoveryCode(recovery_[0])),
            std::string::npos);
}

TEST_F(SecondFactorTest, ADisabledUserIsOutAtOnce) {
  const auto login = LogIn("");
  const std::string code = *accounts_->CreateLogin("tanaka");
  ASSERT_TRUE(store_->SetDisabled("tanaka", clock_.Now()));
  EXPECT_FALSE(accounts_->FindSession(login->token));
  EXPECT_FALSE(LogIn(""));
  EXPECT_FALSE(accounts_->LoginWithCode(code, "here"));
  EXPECT_FALSE(accounts_->CreateLogin("tanaka"));
  ASSERT_TRUE(store_->SetDisabled("tanaka", std::nullopt));
  EXPECT_TRUE(LogIn(""));
}

TEST_F(SecondFactorTest, TheLastAdminStays) {
  ASSERT_TRUE(store_->SetRoles("tanaka", Role::kViewer));
  EXPECT_EQ(store_->SetRoles("mori", Role::kViewer).error().code,
            Code::kFailedPrecondition);
  EXPECT_EQ(store_->SetDisabled("mori", clock_.Now()).error().code,
            Code::kFailedPrecondition);
  EXPECT_TRUE((*store_->FindUser("mori"))->roles.Has(Role::kAdmin));
  EXPECT_FALSE((*store_->FindUser("mori"))->disable_time);
  EXPECT_EQ(store_->SetRoles("nobody", Role::kAdmin).error().code,
            Code::kNotFound);
}

class ApiTokenTest : public SecondFactorTest {
 protected:
  Result<Accounts::MadeToken> Add(Roles roles, seconds life = seconds(3600),
                                  const std::string& name = "backup") {
    store::ApiToken wish;
    wish.name = name;
    wish.user = "tanaka";
    wish.roles = roles;
    return accounts_->AddApiToken(wish, life);
  }
  Code Use(const std::string& secret, const std::string& address = "there") {
    const auto used = accounts_->UseApiToken(secret, address);
    return used ? Code::kOk : used.error().code;
  }
};

TEST_F(ApiTokenTest, HasSomeOfItsUsersRolesAndLosesThemWithHim) {
  EXPECT_EQ(Add(Role::kAnalyst).error().code, Code::kInvalidArgument);
  EXPECT_EQ(Add({}).error().code, Code::kInvalidArgument);
  const auto made = Add({Role::kAuditor, Role::kAdmin});
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->secret.starts_with("sekisho_"));
  const auto roles = [&] {
    return accounts_->UseApiToken(made->secret, "there")->roles;
  };
  EXPECT_EQ(roles(), (Roles{Role::kAuditor, Role::kAdmin}));
  ASSERT_TRUE(
      store_->SetRoles("tanaka", {Role::kAuditor, Role::kPolicyAuthor}));
  EXPECT_EQ(roles(), Roles(Role::kAuditor));
  ASSERT_TRUE(store_->SetDisabled("tanaka", clock_.Now()));
  EXPECT_EQ(Use(made->secret), Code::kUnauthenticated);
}

TEST_F(ApiTokenTest, EndsByTimeAndByRevocation) {
  const auto made = Add(Role::kAuditor);
  EXPECT_EQ(Add(Role::kAuditor).error().code, Code::kAlreadyExists);
  EXPECT_EQ(Use(made->secret), Code::kOk);
  clock_.Advance(seconds(3600));
  EXPECT_EQ(Use(made->secret), Code::kUnauthenticated);
  const auto next = Add(Role::kAuditor);
  ASSERT_TRUE(next) << "an ended one does not keep the name";
  EXPECT_FALSE(store_->RevokeApiToken(next->token.id, "mori", "mori", {}));
  ASSERT_TRUE(
      store_->RevokeApiToken(next->token.id, "tanaka", "tanaka", clock_.Now()));
  EXPECT_EQ(Use(next->secret), Code::kUnauthenticated);
  EXPECT_FALSE(Add(Role::kAuditor, seconds(0)));
  EXPECT_FALSE(Add(Role::kAuditor, kMaxTokenLife + seconds(1), "other"));
  EXPECT_TRUE(Add(Role::kAuditor, kMaxTokenLife, "other"));
}

TEST_F(ApiTokenTest, GuessesAndFloodsWait) {
  const auto made = Add(Role::kAuditor);
  for (int i = 0; i < kMaxWrongTries; ++i) {
    EXPECT_EQ(Use("sekisho_guess", "elsewhere"), Code::kUnauthenticated);
  }
  EXPECT_EQ(Use(made->secret, "elsewhere"), Code::kResourceExhausted);
  clock_.Advance(seconds(60));
  for (int i = 0; i < kTokenCallsPerMinute; ++i) {
    ASSERT_EQ(Use(made->secret), Code::kOk) << i;
  }
  EXPECT_EQ(Use(made->secret), Code::kResourceExhausted);
  clock_.Advance(seconds(60));
  EXPECT_EQ(Use(made->secret), Code::kOk);
}

TEST_F(ApiTokenTest, RemembersItsLastUse) {
  const auto made = Add(Role::kAuditor);
  EXPECT_FALSE(store_->ListApiTokens("tanaka")->at(0).use_time);
  EXPECT_EQ(Use(made->secret), Code::kOk);
  ASSERT_TRUE(store_->AddAudit({}));  // behind it in the queue
  EXPECT_EQ(store_->ListApiTokens("tanaka")->at(0).use_time, clock_.Now());
  EXPECT_TRUE(store_->ListApiTokens("mori")->empty());
}

}  // namespace
}  // namespace sekisho::auth
