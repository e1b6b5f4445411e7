// Users, the second factor, API tokens and searches by person, as a browser or
// a program asks for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "server/auth/totp.h"
#include "server/web/api.h"
#include "tests/support/demo_world.h"

namespace sekisho::web {
namespace {

using core::Role;
using core::Roles;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr char kPassword[] = "a long enough one";

class AccountsApiTest : public testing::Test {
 protected:
  AccountsApiTest() {
    world_.AddUser("suzuki", kPassword, Roles::All());
    world_.AddUser("tanaka", kPassword, {Role::kAnalyst, Role::kViewer});
  }
  Request Ask(const std::string& method, const std::string& target,
              const json& body) {
    const auto parsed = ParseTarget("/api/v1/" + target);
    EXPECT_TRUE(parsed) << target;
    Request request;
    request.method = method;
    request.path = parsed->path;
    request.query = parsed->query;
    request.address = "10.20.1.5";
    if (bearer_.empty()) {
      request.session_token = token_;
      request.csrf = csrf_;
    }
    request.bearer = bearer_;
    if (method != "GET") {
      request.body = body.dump();
      request.content_type = "application/json";
    }
    return request;
  }
  Response Get(const std::string& target) {
    return api_.Handle(Ask("GET", target, nullptr));
  }
  Response Post(const std::string& target, const json& body) {
    return api_.Handle(Ask("POST", target, body));
  }
  json Rows(const std::string& target) {
    return json::parse(Get(target).body)["rows"];
  }
  Response LogIn(const std::string& user, const std::string& factor = "") {
    Response response = Post(
        "login",
        {{"user", user}, {"password", kPassword}, {"second_factor", factor}});
    const json told = json::parse(response.body);
    if (!told.contains("csrf")) return response;
    csrf_ = told["csrf"].get<std::string>();
    for (const auto& [name, value] : response.headers) {
      if (name != "Set-Cookie") continue;
      const size_t equals = value.find('=');
      token_ = value.substr(equals + 1, value.find(';') - equals - 1);
    }
    return response;
  }
  // Of the second factor that was begun, as an app counts it.
  std::string CodeNow(const std::string& user) {
    const auto totp = world_.store().FindTotp(user).value();
    return auth::HotpCode(
        AsBytes(totp->secret),
        static_cast<uint64_t>(auth::TotpStep(world_.clock().Now())), 6);
  }
  std::vector<core::AuditEntry> Audit(const std::string& action) {
    return world_.store().ListAudit({"", action}, {}).value().rows;
  }

  demo::DemoWorld world_;
  Api api_{world_.desk()};
  std::string token_, csrf_, bearer_;
};

TEST_F(AccountsApiTest, AUserIsMadeWithRolesAndComesInWithHisCode) {
  LogIn("suzuki");
  const Response made =
      Post("users", {{"user", "mori"}, {"roles", {"auditor"}}});
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(Post("users", {{"user", "mori"}, {"roles", {"auditor"}}}).status,
            409);
  EXPECT_EQ(Post("users", {{"user", "a b"}, {"roles", {"auditor"}}}).status,
            400);
  EXPECT_EQ(Post("users", {{"user", "x"}, {"roles", {"king"}}}).status, 400);
  const Response in = Post("login", {{"code", json::parse(made.body)["code"]}});
  EXPECT_EQ(json::parse(in.body)["roles"], json({"auditor"}));
  const auto entry = Audit("user.add").back();
  EXPECT_EQ(entry.object, "user mori");
  EXPECT_EQ(entry.detail, "roles=auditor");
}

TEST_F(AccountsApiTest, NobodyChangesHimself) {
  LogIn("suzuki");
  EXPECT_EQ(
      Post("users:roles", {{"user", "suzuki"}, {"roles", {"admin"}}}).status,
      403);
  EXPECT_EQ(Post("users:disable", {{"user", "suzuki"}, {"reason", "r"}}).status,
            403);
  EXPECT_EQ(
      Post("users:reset_totp", {{"user", "suzuki"}, {"reason", "r"}}).status,
      403);
  EXPECT_EQ(
      Post("users:roles", {{"user", "tanaka"}, {"roles", {"admin"}}}).status,
      200);
  // And behind sudo he is still himself.
  EXPECT_FALSE(world_.desk().SetRoles(
      {"root (suzuki)", Roles::All(), "socket", ""}, "suzuki", Role::kAdmin));
}

TEST_F(AccountsApiTest, DisablingEndsTheSessionsAndNeedsAReason) {
  LogIn("tanaka");
  const std::string his = token_;
  LogIn("suzuki");
  EXPECT_EQ(Post("users:disable", {{"user", "tanaka"}, {"reason", " "}}).status,
            400);
  EXPECT_EQ(
      Post("users:disable", {{"user", "tanaka"}, {"reason", "left"}}).status,
      200);
  token_ = his;
  EXPECT_EQ(Get("alerts").status, 401);
  EXPECT_EQ(LogIn("tanaka").status, 401);
}

TEST_F(AccountsApiTest, SessionsAreListedAndEnded) {
  LogIn("tanaka");
  const std::string first = token_;
  LogIn("tanaka");
  const json mine = Rows("sessions:mine");
  ASSERT_EQ(mine.size(), 2u);
  std::string other;
  for (const json& row : mine) {
    EXPECT_EQ(row["address"], "10.20.1.5");
    if (!row["current"].get<bool>()) other = row["id"].get<std::string>();
  }
  EXPECT_EQ(Get("sessions").status, 403);
  EXPECT_EQ(Post("sessions:end_mine", {{"session", other}}).status, 200);
  EXPECT_EQ(Post("sessions:end_mine", {{"session", other}}).status, 404);
  token_ = first;
  EXPECT_EQ(Get("alerts").status, 401);
  // Nobody ends another's as his own.
  LogIn("suzuki");
  const std::string hers = Rows("sessions:mine")[0]["id"];
  LogIn("tanaka");
  EXPECT_EQ(Post("sessions:end_mine", {{"session", hers}}).status, 404);
}

TEST_F(AccountsApiTest, ASecondFactorIsEnrolledAskedForAndReset) {
  LogIn("tanaka");
  const json begun = json::parse(Post("totp:begin", json::object()).body);
  EXPECT_THAT(begun["uri"].get<std::string>(),
              HasSubstr("secret=" + begun["secret"].get<std::string>()));
  EXPECT_EQ(Post("totp:confirm", {{"code", "000000"}}).status, 400);
  const Response confirmed =
      Post("totp:confirm", {{"code", CodeNow("tanaka")}});
  ASSERT_EQ(confirmed.status, 200) << confirmed.body;
  const json codes = json::parse(confirmed.body)["recovery_codes"];
  EXPECT_EQ(codes.size(), 10u);
  EXPECT_EQ(json::parse(Get("session").body)["has_totp"], true);
  EXPECT_EQ(Post("totp:begin", json::object()).status, 409);

  token_.clear();
  const Response asked = LogIn("tanaka");
  EXPECT_EQ(asked.body, R"({"needs_second_factor":true})");
  for (const auto& [name, value] : asked.headers) {
    EXPECT_NE(name, "Set-Cookie");
  }
  EXPECT_EQ(LogIn("tanaka", "111111").status, 401);
  EXPECT_EQ(LogIn("tanaka", codes[0]).status, 200);

  LogIn("suzuki");
  EXPECT_EQ(
      Post("users:reset_totp", {{"user", "tanaka"}, {"reason", "lost"}}).status,
      200);
  EXPECT_EQ(json::parse(LogIn("tanaka").body)["has_totp"], false);
  // No secret of it is in the audit log.
  LogIn("suzuki");
  EXPECT_THAT(Get("audit?page_size=1000").body,
              Not(HasSubstr(begun["secret"].get<std::string>())));
}

TEST_F(AccountsApiTest, AProgramAsksWithATokenAndIsWrittenDown) {
  LogIn("tanaka");
  EXPECT_EQ(Post("api_tokens:mine",
                 {{"name", "siem"}, {"roles", {"admin"}}, {"days", 9}})
                .status,
            400);
  EXPECT_EQ(Post("api_tokens:mine",
                 {{"name", "siem"}, {"roles", {"viewer"}}, {"days", 367}})
                .status,
            400);
  const Response made =
      Post("api_tokens:mine",
           {{"name", "siem"}, {"roles", {"viewer"}}, {"days", 9}});
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_THAT(Get("api_tokens:mine").body, Not(HasSubstr("secret")));
  bearer_ = json::parse(made.body)["secret"].get<std::string>();
  EXPECT_EQ(Get("alerts").status, 200);
  const auto calls = Audit("api.call");
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].user, "tanaka");
  EXPECT_EQ(calls[0].door, "token siem");
  EXPECT_EQ(calls[0].detail, "GET /api/v1/alerts");
  // A change needs no CSRF value, but a role; viewer is not analyst.
  EXPECT_EQ(Post("alerts/1", {{"state", "acknowledged"}}).status, 403);
  // What makes ways in is for people.
  for (const char* path :
       {"sessions:mine", "api_tokens:mine", "session", "users"}) {
    EXPECT_NE(Get(path).status, 200) << path;
  }
  EXPECT_EQ(Post("totp:begin", json::object()).status, 401);
  EXPECT_EQ(Post("password", {{"password", kPassword}}).status, 401);
  const json id = json::parse(made.body)["token"]["id"];
  const std::string secret = std::exchange(bearer_, "");
  EXPECT_EQ(Post("api_tokens:revoke_mine", {{"id", id}}).status, 200);
  bearer_ = secret;
  EXPECT_EQ(Get("alerts").status, 401);
}

TEST_F(AccountsApiTest, ATokenBesideACookieCountsAlone) {
  LogIn("suzuki");
  Request both = Ask("GET", "users", nullptr);
  both.bearer = "sekisho_guess";
  EXPECT_EQ(api_.Handle(both).status, 401);
}

TEST_F(AccountsApiTest, TheAuditLogIsSearchedByUserAndAction) {
  LogIn("tanaka");
  LogIn("suzuki");
  for (const json& row : Rows("audit?user=tanaka&action=login.")) {
    EXPECT_EQ(row["user"], "tanaka");
    EXPECT_EQ(row["action"], "login.password");
  }
  EXPECT_EQ(Rows("audit?user=tanaka&action=login.").size(), 1u);
  EXPECT_EQ(Rows("audit?user=%25").size(), 0u);
}

TEST_F(AccountsApiTest, LookingForAPersonNeedsAReasonThatIsWrittenDown) {
  LogIn("tanaka");
  EXPECT_EQ(Get("events?person=op01%20%28yamada%29").status, 400);
  EXPECT_EQ(Get("events?person=op01%20%28yamada%29&reason=x").status, 400);
  EXPECT_EQ(Audit("event.search_person").size(), 0u);
  const std::string search =
      "events?person=op01%20%28yamada%29&reason=case%2042";
  EXPECT_GT(Rows(search).size(), 0u);
  Get(search);  // the same search, read again
  const auto found = Audit("event.search_person");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].user, "tanaka");
  EXPECT_EQ(found[0].object, "person op01 (yamada)");
  EXPECT_EQ(found[0].detail, "case 42");
  Get(search + "b");
  EXPECT_EQ(Audit("event.search_person").size(), 2u);
  EXPECT_EQ(Get("events").status, 200);
}

TEST(Bearer, IsReadFromItsHeader) {
  EXPECT_EQ(BearerOf("Bearer abc"), "abc");
  EXPECT_EQ(BearerOf("bearer abc"), "abc");
  for (const char* other :
       {"", "Bearer", "Bearer ", "Basic abc", "Bearerabc"}) {
    EXPECT_EQ(BearerOf(other), "") << other;
  }
}

}  // namespace
}  // namespace sekisho::web
