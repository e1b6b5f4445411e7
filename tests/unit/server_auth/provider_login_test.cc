// Who comes through an OpenID provider, and whose account that is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>

#include "server/auth/accounts.h"
#include "tests/support/test_store.h"

namespace sekisho::auth {
namespace {

using store::Role;
using store::Roles;
using testing::HasSubstr;

constexpr char kPassword[] = "twelve chars";

class StandingClock final : public Clock {
 public:
  WallTime Now() const override { return now_; }
  BootTime SinceBoot() const override { return now_.time_since_epoch(); }

 private:
  WallTime now_ = WallTime(std::chrono::seconds(1'700'000'000));
};

class ProviderLoginTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    char dir[] = "/tmp/sekisho-provider-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    store_ = std::move(*sekisho::support::OpenTestStore(dir_ + "/test.db"));
    Open({});
  }
  void TearDown() override {
    accounts_.reset();
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  void Open(Roles require_totp,
            std::optional<std::vector<std::string>> password_users = {}) {
    accounts_ = std::make_unique<Accounts>(*store_, clock_, require_totp,
                                           std::move(password_users));
  }
  void Add(const std::string& user, Roles roles) {
    ASSERT_TRUE(store_->PutUser({user, roles, ""}, clock_.Now()));
  }
  std::string Set(const std::string& user, const std::string& code) {
    const auto login = accounts_->LoginWithCode(code, "here");
    EXPECT_TRUE(login) << login.error().message;
    EXPECT_TRUE(accounts_->SetPassword(login->token, kPassword));
    EXPECT_EQ(login->session.user, user);
    return login->token;
  }
  static ProviderLogin Of(const std::string& subject, const std::string& name) {
    return {.identity = {"https://id", subject},
            .name = name,
            .made_roles = std::nullopt,
            .second_factor = false};
  }
  // His name here, or what is said for the log.
  std::string Come(const ProviderLogin& arrival) {
    const auto login = accounts_->LoginThroughProvider(arrival, "here");
    if (login) return login->session.user;
    code_ = login.error().code;
    return login.error().message;
  }

  StandingClock clock_;
  std::string dir_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Accounts> accounts_;
  Code code_ = Code::kOk;
};

TEST_F(ProviderLoginTest, TheSubjectIsWhoHeIsAndTheNameOnlyTheFirstTime) {
  Add("tanaka", Role::kAnalyst);
  Add("suzuki", Role::kAdmin);
  EXPECT_EQ(Come(Of("s-1", "tanaka")), "tanaka");
  EXPECT_EQ(Come(Of("s-1", "suzuki")), "tanaka");
  EXPECT_EQ(Come(Of("s-1", "")), "tanaka");
  EXPECT_THAT(Come(Of("s-2", "tanaka")), HasSubstr("somebody else"));
  EXPECT_EQ(code_, Code::kNotFound);
  ProviderLogin elsewhere = Of("s-1", "tanaka");
  elsewhere.identity.issuer = "https://other";
  EXPECT_THAT(Come(elsewhere), HasSubstr("somebody else"));
}

TEST_F(ProviderLoginTest, NamesThatAreNoneHereOpenNothing) {
  ProviderLogin arrival = Of("s-1", "");
  arrival.made_roles = Roles(Role::kViewer);
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("root (tanaka)"),
        std::string("<script>"), std::string("ta\nnaka"), std::string(65, 'a'),
        std::string("t\0", 2)}) {
    arrival.name = name;
    EXPECT_THAT(Come(arrival), HasSubstr("none here")) << name;
    EXPECT_EQ(code_, Code::kNotFound);
  }
  EXPECT_EQ(*store_->CountUsers(), 0);
}

TEST_F(ProviderLoginTest, AnAccountWithAPasswordIsNotTheProvidersToGive) {
  Set("suzuki", *accounts_->CreateLogin("suzuki"));
  EXPECT_THAT(Come(Of("s-1", "suzuki")), HasSubstr("use-provider"));
  EXPECT_EQ(code_, Code::kNotFound);
  ASSERT_TRUE(accounts_->MoveToProvider("suzuki"));
  EXPECT_EQ(Come(Of("s-1", "suzuki")), "suzuki");
  EXPECT_FALSE(accounts_->LoginWithPassword("suzuki", kPassword, "here"));
}

TEST_F(ProviderLoginTest, ANewUserIsMadeOnlyIfSettingsSaySo) {
  EXPECT_THAT(Come(Of("s-1", "mori")), HasSubstr("no user mori"));
  ProviderLogin arrival = Of("s-1", "mori");
  arrival.made_roles = Roles{Role::kViewer, Role::kAnalyst};
  EXPECT_EQ(Come(arrival), "mori");
  EXPECT_EQ(store::Print((*store_->FindUser("mori"))->roles), "viewer,analyst");
  // His roles are changed here from then on.
  ASSERT_TRUE(store_->PutUser({"kato", Role::kAdmin, ""}, clock_.Now()));
  ASSERT_TRUE(store_->SetRoles("mori", Role::kViewer));
  EXPECT_EQ(Come(arrival), "mori");
  EXPECT_EQ((*store_->FindUser("mori"))->roles, Roles(Role::kViewer));
}

TEST_F(ProviderLoginTest, HisSessionIsAsAnyButSetsNoPassword) {
  Add("tanaka", Role::kAnalyst);
  const auto login =
      accounts_->LoginThroughProvider(Of("s-1", "tanaka"), "10.0.0.1");
  ASSERT_TRUE(login);
  EXPECT_EQ(login->session.issuer, "https://id");
  EXPECT_EQ(login->session.expire_time - clock_.Now(), kSessionLife);
  EXPECT_FALSE(login->session.must_set_password);
  const auto found = accounts_->FindSession(login->token);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->address, "10.0.0.1");
  EXPECT_EQ(accounts_->SetPassword(login->token, kPassword).error().code,
            Code::kFailedPrecondition);
  ASSERT_TRUE(accounts_->Logout(login->token));
  EXPECT_FALSE(accounts_->FindSession(login->token));
}

TEST_F(ProviderLoginTest, ASecondFactorIsTheProvidersToAskFor) {
  Open(Role::kAdmin);
  Add("suzuki", Role::kAdmin);
  Add("tanaka", Role::kViewer);
  EXPECT_THAT(Come(Of("s-1", "suzuki")), HasSubstr("amr"));
  EXPECT_EQ(code_, Code::kFailedPrecondition);
  ProviderLogin with = Of("s-1", "suzuki");
  with.second_factor = true;
  const auto login = accounts_->LoginThroughProvider(with, "here");
  ASSERT_TRUE(login);
  EXPECT_FALSE(accounts_->MustEnrolTotp(login->session));
  EXPECT_TRUE(accounts_->FindSession(login->token));
  // Who is given such a role later comes again.
  const auto viewer =
      accounts_->LoginThroughProvider(Of("s-2", "tanaka"), "here");
  ASSERT_TRUE(viewer);
  EXPECT_TRUE(accounts_->FindSession(viewer->token));
  ASSERT_TRUE(store_->SetRoles("tanaka", Role::kAdmin));
  EXPECT_EQ(accounts_->FindSession(viewer->token).error().code,
            Code::kUnauthenticated);
}

TEST_F(ProviderLoginTest, WithTheProviderAloneOnlyTheGlassHasAPassword) {
  Set("suzuki", *accounts_->CreateLogin("suzuki"));
  Add("rescue", Role::kAdmin);
  Set("rescue", *accounts_->CreateLogin("rescue"));
  Add("new", Role::kViewer);
  const std::string code = *accounts_->CreateLogin("new");
  Open({}, std::vector<std::string>{"rescue"});
  // The same words as for a wrong password: nobody learns who it is.
  EXPECT_EQ(
      accounts_->LoginWithPassword("suzuki", kPassword, "a").error().message,
      accounts_->LoginWithPassword("suzuki", "wrong", "b").error().message);
  EXPECT_TRUE(accounts_->LoginWithPassword("rescue", kPassword, "c"));
  EXPECT_FALSE(accounts_->LoginWithCode(code, "d"));
  EXPECT_EQ(accounts_->CreateLogin("new").error().code,
            Code::kFailedPrecondition);
  EXPECT_TRUE(accounts_->CreateLogin("rescue"));
  EXPECT_EQ(*accounts_->AddUser("ueda", Role::kViewer), "");
  EXPECT_EQ(accounts_->MoveToProvider("rescue").error().code,
            Code::kFailedPrecondition);
  // Also before he has set one.
  ASSERT_TRUE(store_->PutUser({"rescue", Role::kAdmin, ""}, clock_.Now()));
  EXPECT_THAT(Come(Of("s-9", "rescue")), HasSubstr("breaks the glass"));
}

TEST_F(ProviderLoginTest, WhoIsPutBehindTheGlassLaterIsNotTheProvidersAnyMore) {
  Add("rescue", Role::kAdmin);
  EXPECT_EQ(Come(Of("s-1", "rescue")), "rescue");
  Open({}, std::vector<std::string>{"rescue"});
  EXPECT_THAT(Come(Of("s-1", "rescue")), HasSubstr("breaks the glass"));
}

TEST_F(ProviderLoginTest, WrongAnswersOfTheProviderDoNotShutPasswordsOut) {
  Set("suzuki", *accounts_->CreateLogin("suzuki"));
  for (int i = 0; i < kMaxWrongTries; ++i) {
    EXPECT_TRUE(accounts_->CheckProviderTries("10.0.0.1"));
    accounts_->CountWrongAnswer("10.0.0.1");
  }
  EXPECT_EQ(accounts_->CheckProviderTries("10.0.0.1").error().code,
            Code::kResourceExhausted);
  EXPECT_TRUE(accounts_->CheckProviderTries("10.0.0.2"));
  EXPECT_TRUE(accounts_->LoginWithPassword("suzuki", kPassword, "10.0.0.1"));
}

}  // namespace
}  // namespace sekisho::auth
