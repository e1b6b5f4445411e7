#include "server/oidc/provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/oidc/strict_json.h"
#include "tests/unit/server_oidc/fake_provider.h"

namespace sekisho::oidc {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class FakeClock final : public Clock {
 public:
  WallTime Now() const override { return now_; }
  BootTime SinceBoot() const override { return now_.time_since_epoch(); }
  void Advance(std::chrono::seconds by) { now_ += by; }

 private:
  WallTime now_ = WallTime(std::chrono::seconds(1'795'165'951));
};

class ProviderTest : public testing::Test {
 protected:
  void Open(Settings settings) {
    provider_ = std::make_unique<Provider>(std::move(settings),
                                           fake_.NewFetcher(), clock_);
  }
  void SetUp() override { Open(fake_.SettingsFor()); }

  std::string UrlOf(const Attempt& attempt) {
    const auto url = provider_->Url(attempt);
    EXPECT_TRUE(url) << url.error().message;
    return url.value_or("");
  }
  // From the button to what the provider says of him.
  Result<Arrival> Come(const json& claims) {
    const Attempt attempt = Attempt::New(clock_.Now());
    const Answer answer = fake_.SignIn(UrlOf(attempt), claims);
    return provider_->Finish(attempt, answer);
  }
  Code CodeOf(const Attempt& attempt, const Answer& answer) {
    const auto done = provider_->Finish(attempt, answer);
    return done ? Code::kOk : done.error().code;
  }

  FakeClock clock_;
  FakeProvider fake_{clock_};
  std::unique_ptr<Provider> provider_;
};

TEST_F(ProviderTest, SendsTheBrowserWithStateNonceAndChallenge) {
  const Attempt attempt = Attempt::New(clock_.Now());
  const std::string url = UrlOf(attempt);
  EXPECT_THAT(url, testing::StartsWith(
                       "https://id.example/auth?response_type=code&client_id="
                       "sekisho&redirect_uri=https%3A%2F%2Fsekisho.example%"
                       "3A8443%2Fapi%2Fv1%2Fprovider%3Acallback&scope=openid%"
                       "20profile%20email&"));
  EXPECT_EQ(FakeProvider::Part(url, "state"), attempt.State());
  EXPECT_EQ(FakeProvider::Part(url, "nonce"), attempt.Nonce());
  EXPECT_EQ(FakeProvider::Part(url, "code_challenge"), attempt.Challenge());
  EXPECT_EQ(FakeProvider::Part(url, "code_challenge_method"), "S256");
  EXPECT_THAT(url, Not(HasSubstr(attempt.Verifier())));
  EXPECT_THAT(url, Not(HasSubstr(attempt.cookie())));
}

TEST_F(ProviderTest, AnEndpointMayHaveAQueryOfItsOwn) {
  fake_.discovery["authorization_endpoint"] = "https://id.example/auth?p=b2c";
  EXPECT_THAT(UrlOf(Attempt::New(clock_.Now())),
              testing::StartsWith("https://id.example/auth?p=b2c&response"));
}

TEST_F(ProviderTest, LetsInWhomTheProviderNames) {
  const auto arrival = Come({{"sub", "s-1"},
                             {"preferred_username", "tanaka"},
                             {"groups", {"soc", "staff"}},
                             {"amr", {"pwd", "otp"}}});
  ASSERT_TRUE(arrival) << arrival.error().message;
  EXPECT_EQ(arrival->subject, "s-1");
  EXPECT_EQ(arrival->name, "tanaka");
  EXPECT_THAT(arrival->groups, ElementsAre("soc", "staff"));
  EXPECT_TRUE(arrival->second_factor);
  const Fetch& exchange = fake_.asked[1];
  EXPECT_EQ(exchange.url, "https://id.example/token");
  EXPECT_EQ(exchange.user, "sekisho");
  EXPECT_EQ(exchange.secret, "s3cret/+ value");
  std::string verifier;
  for (const auto& [name, value] : exchange.form) {
    EXPECT_NE(name, "client_secret");
    if (name == "code_verifier") verifier = value;
  }
  // RFC 7636, 4.6: what the provider compares.
  EXPECT_EQ(verifier.size(), 43U);
  EXPECT_NE(verifier, fake_.challenge);
}

TEST_F(ProviderTest, ItsSecretGoesTheWayThatTheProviderTakes) {
  fake_.discovery["token_endpoint_auth_methods_supported"] = {
      "client_secret_post"};
  ASSERT_TRUE(Come({{"sub", "s-1"}}));
  EXPECT_TRUE(fake_.asked[1].user.empty());
  EXPECT_THAT(fake_.asked[1].form, testing::Contains(testing::Pair(
                                       "client_secret", "s3cret/+ value")));
}

TEST_F(ProviderTest, AnAddressIsANameOnlyIfItWasVerified) {
  Settings settings = fake_.SettingsFor();
  settings.user_claim = "email";
  Open(settings);
  EXPECT_EQ(
      Come({{"sub", "s"}, {"email", "t@x"}, {"email_verified", true}})->name,
      "t@x");
  EXPECT_EQ(
      Come({{"sub", "s"}, {"email", "t@x"}, {"email_verified", false}})->name,
      "");
  EXPECT_EQ(
      Come({{"sub", "s"}, {"email", "t@x"}, {"email_verified", "true"}})->name,
      "");
  EXPECT_EQ(Come({{"sub", "s"}, {"email", "t@x"}})->name, "");
}

TEST_F(ProviderTest, ASecondFactorIsWhatTheTokenTellsOf) {
  EXPECT_FALSE(Come({{"sub", "s"}})->second_factor);
  EXPECT_FALSE(Come({{"sub", "s"}, {"amr", {"pwd"}}})->second_factor);
  EXPECT_FALSE(Come({{"sub", "s"}, {"amr", {{"otp", 1}}}})->second_factor);
  EXPECT_TRUE(Come({{"sub", "s"}, {"amr", {"pwd", "mfa"}}})->second_factor);
  Settings settings = fake_.SettingsFor();
  settings.second_factor = SecondFactor::kTrusted;
  Open(settings);
  EXPECT_TRUE(Come({{"sub", "s"}})->second_factor);
}

TEST_F(ProviderTest, AnAnswerIsOfTheBrowserThatAsked) {
  const Attempt mine = Attempt::New(clock_.Now());
  const Attempt other = Attempt::New(clock_.Now());
  const Answer good = fake_.SignIn(UrlOf(mine), {{"sub", "s"}});
  const size_t asked = fake_.asked.size();
  EXPECT_EQ(CodeOf(other, good), Code::kAborted);
  Answer bent = good;
  bent.state = "";
  EXPECT_EQ(CodeOf(mine, bent), Code::kAborted);
  bent = good;
  bent.state.back() = bent.state.back() == 'A' ? 'B' : 'A';
  EXPECT_EQ(CodeOf(mine, bent), Code::kAborted);
  bent = good;
  bent.code = "";
  EXPECT_EQ(CodeOf(mine, bent), Code::kAborted);
  bent.code = std::string(kMaxCodeBytes + 1, 'c');
  EXPECT_EQ(CodeOf(mine, bent), Code::kAborted);
  // The provider was asked about none of these.
  EXPECT_EQ(fake_.asked.size(), asked);
  EXPECT_EQ(CodeOf(mine, good), Code::kOk);
  // The same code with another browser's token: its nonce is not ours.
  const Answer later = fake_.SignIn(UrlOf(other), {{"sub", "s"}});
  EXPECT_EQ(CodeOf(mine, {.state = mine.State(),
                          .code = later.code,
                          .issuer = "",
                          .error = ""}),
            Code::kUnauthenticated);
}

TEST_F(ProviderTest, AnAttemptTakesTenMinutesAtMost) {
  const Attempt attempt = Attempt::New(clock_.Now());
  const std::string url = UrlOf(attempt);
  clock_.Advance(kAttemptLife - std::chrono::seconds(1));
  EXPECT_EQ(CodeOf(attempt, fake_.SignIn(url, {{"sub", "s"}})), Code::kOk);
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(CodeOf(attempt, fake_.SignIn(url, {{"sub", "s"}})), Code::kAborted);
}

// RFC 9207: who has two providers may be sent back by the wrong one.
TEST_F(ProviderTest, TheAnswerNamesTheProviderThatWasAsked) {
  const Attempt attempt = Attempt::New(clock_.Now());
  Answer answer = fake_.SignIn(UrlOf(attempt), {{"sub", "s"}});
  answer.issuer = "https://evil.example";
  EXPECT_EQ(CodeOf(attempt, answer), Code::kUnauthenticated);
  answer.issuer = FakeProvider::kIssuer;
  EXPECT_EQ(CodeOf(attempt, answer), Code::kOk);
  fake_.discovery["authorization_response_iss_parameter_supported"] = true;
  Open(fake_.SettingsFor());
  answer.issuer = "";
  EXPECT_EQ(CodeOf(attempt, answer), Code::kUnauthenticated);
}

TEST_F(ProviderTest, WhoIsSentBackIsToldSo) {
  const Attempt attempt = Attempt::New(clock_.Now());
  (void)UrlOf(attempt);
  const auto done =
      provider_->Finish(attempt, {.state = attempt.State(),
                                  .code = "",
                                  .issuer = "",
                                  .error = "access_denied\x1b[2J"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kCancelled);
  EXPECT_THAT(done.error().message, HasSubstr("access_denied"));
  EXPECT_THAT(done.error().message, Not(HasSubstr("\x1b")));
}

TEST_F(ProviderTest, ABadExchangeIsNotBelieved) {
  fake_.token_status = 401;
  fake_.token_answer = R"({"error":"invalid_client"})";
  auto come = Come({{"sub", "s"}});
  ASSERT_FALSE(come);
  EXPECT_EQ(come.error().code, Code::kUnauthenticated);
  EXPECT_THAT(come.error().message, HasSubstr("client_secret_file"));
  fake_.token_status = 503;
  EXPECT_EQ(Come({{"sub", "s"}}).error().code, Code::kUnavailable);
  fake_.token_status = 200;
  fake_.token_answer = R"({"access_token":"x"})";
  EXPECT_THAT(Come({{"sub", "s"}}).error().message, HasSubstr("openid"));
  fake_.token_answer = R"({"id_token":"a.b.c","id_token":"d.e.f"})";
  EXPECT_THAT(Come({{"sub", "s"}}).error().message, HasSubstr("twice"));
}

TEST_F(ProviderTest, KeepsWhatItLearntForAnHour) {
  ASSERT_TRUE(Come({{"sub", "s"}}));
  ASSERT_TRUE(Come({{"sub", "s"}}));
  EXPECT_EQ(fake_.CountOf("openid-configuration"), 1U);
  EXPECT_EQ(fake_.CountOf("/jwks"), 1U);
  clock_.Advance(kFactsLife);
  ASSERT_TRUE(Come({{"sub", "s"}}));
  EXPECT_EQ(fake_.CountOf("openid-configuration"), 2U);
  EXPECT_EQ(fake_.CountOf("/jwks"), 2U);
}

TEST_F(ProviderTest, NewKeysAreFetchedWhenTheyAreUsed) {
  ASSERT_TRUE(Come({{"sub", "s"}}));
  fake_.key = NewEcKey();
  fake_.key_id = "e2";
  // Not at once: an unknown id costs the provider nothing.
  EXPECT_EQ(Come({{"sub", "s"}}).error().code, Code::kUnauthenticated);
  EXPECT_EQ(fake_.CountOf("/jwks"), 1U);
  clock_.Advance(kKeysAgainAfter);
  ASSERT_TRUE(Come({{"sub", "s"}}));
  EXPECT_EQ(fake_.CountOf("/jwks"), 2U);
  // Ids that nobody has, a hundred times.
  const PrivateKey real = fake_.key;
  for (int i = 0; i < 100; ++i) {
    fake_.key_id = "e2";
    const Attempt attempt = Attempt::New(clock_.Now());
    const Answer answer = fake_.SignIn(UrlOf(attempt), {{"sub", "s"}});
    fake_.token = Sign(
        real, R"({"alg":"ES256","kid":"x)" + std::to_string(i) + "\"}", "{}");
    EXPECT_EQ(CodeOf(attempt, answer), Code::kUnauthenticated);
  }
  EXPECT_EQ(fake_.CountOf("/jwks"), 2U);
}

TEST_F(ProviderTest, OneThatIsDownIsLeftInPeaceForAWhile) {
  fake_.is_down = true;
  for (int i = 0; i < 50; ++i) {
    const auto url = provider_->Url(Attempt::New(clock_.Now()));
    ASSERT_FALSE(url);
    EXPECT_EQ(url.error().code, Code::kUnavailable);
    EXPECT_THAT(url.error().message, HasSubstr("Connection refused"));
  }
  EXPECT_EQ(fake_.asked.size(), 1U);
  fake_.is_down = false;
  clock_.Advance(kRetryAfter);
  EXPECT_TRUE(provider_->Url(Attempt::New(clock_.Now())));
}

TEST_F(ProviderTest, DiscoveryIsOfTheIssuerItself) {
  fake_.discovery["issuer"] = "https://id.example/realms/other";
  const auto url = provider_->Url(Attempt::New(clock_.Now()));
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().code, Code::kUnavailable);
  EXPECT_THAT(url.error().message, HasSubstr("calls itself"));
}

TEST_F(ProviderTest, EndpointsWithoutTlsAreNone) {
  for (const char* name :
       {"authorization_endpoint", "token_endpoint", "jwks_uri"}) {
    FakeProvider fake(clock_);
    for (const json& bad :
         {json("http://id.example/x"), json(), json("file:///etc/passwd"),
          json("https://id.example/\nx"), json("https://id.example/#x")}) {
      fake.discovery[name] = bad;
      Provider provider(fake.SettingsFor(), fake.NewFetcher(), clock_);
      const auto url = provider.Url(Attempt::New(clock_.Now()));
      ASSERT_FALSE(url) << name << bad;
      EXPECT_THAT(url.error().message, HasSubstr(name));
    }
  }
}

TEST_F(ProviderTest, TheDoctorSeesWhetherItsKeysFit) {
  const auto fit = provider_->Check();
  ASSERT_TRUE(fit) << fit.error().message;
  EXPECT_THAT(*fit, HasSubstr("0 keys for RS256, 1 for ES256"));
  fake_.key_id = R"(e1","use":"enc)";
  EXPECT_THAT(provider_->Check().error().message,
              HasSubstr("none of the provider's 1 keys"));
  fake_.is_down = true;
  EXPECT_THAT(provider_->Check().error().message,
              HasSubstr("Connection refused"));
}

TEST(AdmitTest, GroupsSayWhoComesInAndAsWhat) {
  using store::Role;
  using store::Roles;
  Settings settings;
  Arrival arrival;
  arrival.groups = {"staff"};
  // Without groups in the settings everybody may try, and must be known.
  EXPECT_EQ(Admit(settings, arrival).value(), std::nullopt);
  settings.required_group = "sekisho";
  EXPECT_EQ(Admit(settings, arrival).error().code, Code::kPermissionDenied);
  arrival.groups = {"staff", "sekisho"};
  EXPECT_TRUE(Admit(settings, arrival));
  settings.roles = {{"soc", Roles{Role::kViewer, Role::kAnalyst}},
                    {"lead", Roles{Role::kApprover}}};
  EXPECT_EQ(Admit(settings, arrival).error().code, Code::kPermissionDenied);
  arrival.groups.emplace_back("soc");
  EXPECT_EQ(Admit(settings, arrival).value(), std::nullopt);
  settings.unknown_users = UnknownUsers::kCreate;
  EXPECT_EQ(store::Print(**Admit(settings, arrival)), "viewer,analyst");
  arrival.groups.emplace_back("lead");
  EXPECT_EQ(store::Print(**Admit(settings, arrival)),
            "viewer,analyst,approver");
  // Another group whose name begins the same is another group.
  arrival.groups = {"sekisho", "soc2", "SOC"};
  EXPECT_FALSE(Admit(settings, arrival));
}

TEST(AdmitTest, GroupsSayWhatANewUserSees) {
  using store::Scope;
  Settings settings;
  Arrival arrival;
  arrival.groups = {"soc-tokyo"};
  EXPECT_EQ(ScopeOfNew(settings, arrival), Scope());
  settings.terminals = {{"soc-tokyo", Scope({"tokyo"})},
                        {"soc-west", Scope({"osaka", "kobe"})},
                        {"lead", Scope()}};
  EXPECT_EQ(ScopeOfNew(settings, arrival), Scope({"tokyo"}));
  arrival.groups = {"soc-tokyo", "soc-west"};
  EXPECT_EQ(ScopeOfNew(settings, arrival), Scope({"kobe", "osaka", "tokyo"}));
  arrival.groups.emplace_back("lead");
  EXPECT_EQ(ScopeOfNew(settings, arrival), Scope());
  // Of none of them: nothing, not everything.
  arrival.groups = {"staff"};
  EXPECT_EQ(ScopeOfNew(settings, arrival), Scope(std::vector<std::string>{}));
}

TEST(AttemptTest, AllFollowsFromTheCookieAndNothingTellsOfIt) {
  const WallTime now(std::chrono::seconds(1'795'165'951));
  const Attempt attempt = Attempt::New(now);
  const auto again = Attempt::FromCookie(attempt.cookie());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->State(), attempt.State());
  EXPECT_EQ(again->Verifier(), attempt.Verifier());
  EXPECT_NE(attempt.State(), attempt.Nonce());
  EXPECT_NE(attempt.State(), attempt.Verifier());
  EXPECT_NE(attempt.State(), Attempt::New(now).State());
  EXPECT_FALSE(attempt.IsOver(now));
  EXPECT_TRUE(attempt.IsOver(now + kAttemptLife));
  // Its time cannot be moved: then it is another attempt.
  const std::string younger =
      "1795166951" + attempt.cookie().substr(attempt.cookie().find('.'));
  EXPECT_NE(Attempt::FromCookie(younger)->State(), attempt.State());
  // RFC 7636, B: a verifier's challenge is its hash, without padding.
  EXPECT_EQ(attempt.Challenge().size(), 43U);
}

TEST(AttemptTest, OtherCookiesAreNone) {
  const std::string good =
      Attempt::New(WallTime(std::chrono::seconds(1'795'165'951))).cookie();
  const std::string secret = good.substr(good.find('.'));
  for (const std::string& bad :
       {std::string(), std::string("."), secret, "x" + secret, "-1" + secret,
        "1e9" + secret, good + "A", good.substr(0, good.size() - 1),
        "99999999999999999999" + secret, "1795165951.\xff" + secret.substr(2),
        std::string(5000, '1') + secret}) {
    EXPECT_FALSE(Attempt::FromCookie(bad)) << bad;
  }
}

}  // namespace
}  // namespace sekisho::oidc
