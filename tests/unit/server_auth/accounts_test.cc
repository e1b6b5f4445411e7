#include "server/auth/accounts.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>

#include "server/auth/secrets.h"
#include "tests/support/test_store.h"

namespace sekisho::auth {
namespace {

class FakeClock final : public Clock {
 public:
  WallTime Now() const override { return now_; }
  BootTime SinceBoot() const override { return now_.time_since_epoch(); }
  void Advance(std::chrono::seconds by) { now_ += by; }

 private:
  WallTime now_ = WallTime(std::chrono::seconds(1'700'000'000));
};

class AccountsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    char dir[] = "/tmp/sekisho-accounts-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    store_ = std::move(*sekisho::support::OpenTestStore(dir_ + "/test.db"));
    accounts_ = std::make_unique<Accounts>(*store_, clock_);
  }
  void TearDown() override {
    accounts_.reset();
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  // A user with a password; his session.
  std::string Set(const std::string& user, const std::string& password) {
    const auto login =
        accounts_->LoginWithCode(*accounts_->CreateLogin(user), "here");
    EXPECT_TRUE(login);
    EXPECT_TRUE(accounts_->SetPassword(login->token, password));
    return login->token;
  }
  Code TryPassword(const std::string& user, const std::string& password,
                   const std::string& address = "here") {
    const auto login = accounts_->LoginWithPassword(user, password, address);
    return login ? Code::kOk : login.error().code;
  }

  std::string dir_;
  FakeClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Accounts> accounts_;
};

TEST_F(AccountsTest, ACodeLetsInOnceAndAsksForAPassword) {
  const std::string code = *accounts_->CreateLogin("tanaka");
  const auto login = accounts_->LoginWithCode(code, "here");
  ASSERT_TRUE(login);
  EXPECT_TRUE(login->session.must_set_password);
  EXPECT_EQ(login->session.roles, store::Roles::All());
  EXPECT_FALSE(accounts_->LoginWithCode(code, "here"));
  EXPECT_EQ(accounts_->SetPassword(login->token, "too short").error().code,
            Code::kInvalidArgument);
  ASSERT_TRUE(accounts_->SetPassword(login->token, "twelve chars"));
  EXPECT_FALSE(accounts_->FindSession(login->token)->must_set_password);
  EXPECT_EQ(TryPassword("tanaka", "twelve chars"), Code::kOk);
}

TEST_F(AccountsTest, ACodeEndsAfterAnHour) {
  const std::string code = *accounts_->CreateLogin("tanaka");
  clock_.Advance(std::chrono::hours(1));
  EXPECT_FALSE(accounts_->LoginWithCode(code, "here"));
}

TEST_F(AccountsTest, SaysTheSameForAWrongNameAndAWrongPassword) {
  Set("tanaka", "twelve chars");
  const auto name = accounts_->LoginWithPassword("nobody", "twelve chars", "a");
  const auto word = accounts_->LoginWithPassword("tanaka", "other word 1", "b");
  ASSERT_FALSE(name);
  ASSERT_FALSE(word);
  EXPECT_EQ(name.error().message, word.error().message);
  EXPECT_EQ(name.error().code, Code::kUnauthenticated);
}

TEST_F(AccountsTest, WaitsAfterTooManyWrongTries) {
  Set("tanaka", "twelve chars");
  for (int i = 0; i < kMaxWrongTries; ++i) {
    EXPECT_EQ(TryPassword("tanaka", "wrong", "a" + std::to_string(i)),
              Code::kUnauthenticated);
  }
  EXPECT_EQ(TryPassword("tanaka", "twelve chars", "elsewhere"),
            Code::kResourceExhausted);
  clock_.Advance(kWrongTriesWait + std::chrono::seconds(1));
  EXPECT_EQ(TryPassword("tanaka", "twelve chars", "elsewhere"), Code::kOk);
}

TEST_F(AccountsTest, ASessionEndsIdleAndByLogout) {
  const std::string token = Set("tanaka", "twelve chars");
  EXPECT_TRUE(accounts_->FindSession(token));
  EXPECT_FALSE(accounts_->FindSession(NewSecret()));
  clock_.Advance(kSessionIdle + std::chrono::seconds(1));
  EXPECT_FALSE(accounts_->FindSession(token));
  const auto login =
      accounts_->LoginWithPassword("tanaka", "twelve chars", "here");
  ASSERT_TRUE(accounts_->Logout(login->token));
  EXPECT_FALSE(accounts_->FindSession(login->token));
}

TEST_F(AccountsTest, RefusesStrangeNames) {
  for (const char* bad : {"", "a b", "a\n", "<script>"}) {
    EXPECT_FALSE(accounts_->CreateLogin(bad)) << bad;
  }
  EXPECT_FALSE(accounts_->CreateLogin(std::string(65, 'a')));
  EXPECT_TRUE(accounts_->CreateLogin(std::string(64, 'a')));
}

TEST(Secrets, AreLongAndDiffer) {
  ASSERT_GE(sodium_init(), 0);
  EXPECT_EQ(NewSecret().size(), 32U);
  EXPECT_NE(NewSecret(), NewSecret());
  const std::string hash = *HashPassword("twelve chars");
  EXPECT_TRUE(hash.starts_with("$argon2id$"));
  EXPECT_TRUE(VerifyPassword(hash, "twelve chars"));
  EXPECT_FALSE(VerifyPassword(hash, "twelve charS"));
  EXPECT_FALSE(VerifyPassword("", ""));
}

}  // namespace
}  // namespace sekisho::auth
