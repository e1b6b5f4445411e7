#include "server/web/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "policy/packs.h"
#include "server/web/json.h"
#include "tests/support/demo_world.h"

namespace sekisho::web {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr char kPassword[] = "a long enough one";

std::string Header(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

class ApiTest : public testing::Test {
 protected:
  ApiTest() {
    world_.AddUser("suzuki", kPassword, core::Roles::All());
    world_.AddUser("tanaka", kPassword, core::Role::kAnalyst);
  }

  // As the browser sends it from our own page, with the session of LogIn().
  Request Ask(const std::string& method, const std::string& target,
              const json& body = nullptr) {
    const auto parsed = ParseTarget("/api/v1/" + target);
    EXPECT_TRUE(parsed) << target;
    Request request;
    request.method = method;
    request.path = parsed->path;
    request.query = parsed->query;
    request.session_token = token_;
    request.host = "console.example:8443";
    request.address = "10.20.1.5";
    if (method != "GET") {
      request.body = body.dump();
      request.content_type = "application/json";
      request.csrf = csrf_;
      request.origin = "https://console.example:8443";
    }
    return request;
  }

  Response Get(const std::string& target) {
    return api_.Handle(Ask("GET", target));
  }
  Response Post(const std::string& target, const json& body) {
    return api_.Handle(Ask("POST", target, body));
  }

  Response LogIn(const json& body) {
    Response response = Post("login", body);
    if (response.status != 200) return response;
    csrf_ = json::parse(response.body)["csrf"].get<std::string>();
    const std::string cookie = Header(response, "Set-Cookie");
    const size_t equals = cookie.find('=');
    token_ = cookie.substr(equals + 1, cookie.find(';') - equals - 1);
    return response;
  }
  void LogInAs(const std::string& user) {
    ASSERT_EQ(LogIn({{"user", user}, {"password", kPassword}}).status, 200);
  }

  demo::DemoWorld world_;
  Api api_{world_.desk()};
  std::string token_;
  std::string csrf_;
};

TEST_F(ApiTest, EveryPathNeedsASession) {
  for (const char* path :
       {"session", "overview", "alerts", "alerts/1", "alerts:groups?by=kind",
        "alerts:around/1", "events", "events/1", "events:samples/1", "devices",
        "devices:story?device_id=x", "devices:contents?device_id=x", "agents",
        "policies", "audit", "nothing"}) {
    const Response response = Get(path);
    EXPECT_EQ(response.status, 401) << path;
    EXPECT_EQ(json::parse(response.body)["error"]["code"], "unauthenticated");
  }
  token_ = "made up";
  EXPECT_EQ(Get("alerts").status, 401);
}

// The lists say that there are samples; who takes them is written down.
TEST_F(ApiTest, SealedSamplesAreHandedOutByThemselves) {
  LogInAs("tanaka");
  const int64_t id = world_.AddBlockedTransfer();
  const Response alert = Get("alerts/" + std::to_string(id));
  const json event = json::parse(alert.body)["event"];
  EXPECT_EQ(event["transfer"]["samples_kept"], true);
  const std::string row = std::to_string(event["row_id"].get<int64_t>());
  const Response samples = Get("events:samples/" + row);
  ASSERT_EQ(samples.status, 200) << samples.body;
  const std::string sealed = json::parse(samples.body)["sealed"];
  EXPECT_EQ(sealed, ToHex(AsBytes(demo::SealedSamples())));
  EXPECT_THAT(alert.body, Not(HasSubstr(sealed.substr(20, 40))));
  const auto audit = world_.store().AuditOf("event " + row);
  ASSERT_TRUE(audit);
  ASSERT_EQ(audit->size(), 1u);
  EXPECT_EQ(audit->at(0).action, "event.samples");
  EXPECT_EQ(audit->at(0).user, "tanaka");

  EXPECT_EQ(Get("events:samples/1").status, 404);
  EXPECT_EQ(Get("events:samples/999999").status, 404);
  EXPECT_EQ(Get("events:samples/x").status, 400);
}

TEST_F(ApiTest, LoginSetsACookieNoScriptAndNoOtherSiteCanUse) {
  const Response response =
      LogIn({{"user", "tanaka"}, {"password", kPassword}});
  const std::string cookie = Header(response, "Set-Cookie");
  EXPECT_THAT(cookie, testing::StartsWith("__Host-sekisho="));
  for (const char* flag :
       {"; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"}) {
    EXPECT_THAT(cookie, HasSubstr(flag));
  }
  // The token is in the cookie and nowhere else.
  EXPECT_THAT(response.body, Not(HasSubstr(token_)));
  EXPECT_EQ(Header(response, "Cache-Control"), "no-store");
}

TEST_F(ApiTest, WrongLoginsGetOneAnswer) {
  const Response name = LogIn({{"user", "nobody"}, {"password", kPassword}});
  const Response password = LogIn({{"user", "tanaka"}, {"password", "wrong"}});
  EXPECT_EQ(name.status, 401);
  EXPECT_EQ(password.status, 401);
  EXPECT_EQ(name.body, password.body);
  EXPECT_EQ(LogIn({{"user", "tanaka"}}).status, 400);
  EXPECT_EQ(LogIn({{"user", 7}, {"password", kPassword}}).status, 400);
}

TEST_F(ApiTest, CodeOpensOnlyThePasswordPage) {
  const Response response = LogIn({{"code", world_.AddLoginCode("mori")}});
  EXPECT_EQ(json::parse(response.body)["must_set_password"], true);
  EXPECT_EQ(Get("alerts").status, 409);
  EXPECT_EQ(Post("alerts/1", {{"state", "acknowledged"}}).status, 409);
  EXPECT_EQ(Get("session").status, 200);
  EXPECT_EQ(Post("password", {{"password", "short"}}).status, 400);
  EXPECT_EQ(Post("password", {{"password", kPassword}}).status, 200);
  EXPECT_EQ(Get("alerts").status, 200);
}

TEST_F(ApiTest, ChangeNeedsTheSessionsCsrfValue) {
  LogInAs("suzuki");
  const std::string right = csrf_;
  const json body = {{"state", "acknowledged"}};
  for (const std::string& wrong :
       {std::string(), std::string("guess"), right.substr(1), right + "x"}) {
    csrf_ = wrong;
    EXPECT_EQ(Post("alerts/1", body).status, 403);
    EXPECT_EQ(Post("logout", json::object()).status, 403);
    EXPECT_EQ(Post("password", {{"password", kPassword}}).status, 403);
  }
  csrf_ = right;
  EXPECT_EQ(Post("alerts/1", body).status, 200);
}

TEST_F(ApiTest, ChangeFromAnotherSiteOrAFormIsRefused) {
  LogInAs("suzuki");
  Request foreign = Ask("POST", "alerts/1", {{"state", "acknowledged"}});
  for (const char* origin :
       {"https://evil.example", "null", "http://console.example:8443",
        "https://console.example:8443.evil.example"}) {
    foreign.origin = origin;
    EXPECT_EQ(api_.Handle(foreign).status, 403) << origin;
  }
  Request form = Ask("POST", "alerts/1", {{"state", "acknowledged"}});
  for (const char* type :
       {"", "text/plain", "application/x-www-form-urlencoded"}) {
    form.content_type = type;
    EXPECT_EQ(api_.Handle(form).status, 400) << type;
  }
  Request login = Ask("POST", "login", {{"user", "tanaka"}});
  login.origin = "https://evil.example";
  EXPECT_EQ(api_.Handle(login).status, 403);
}

TEST_F(ApiTest, AnalystMayNotDoWhatAdminsDo) {
  LogInAs("tanaka");
  EXPECT_EQ(Post("devices:approve", {{"device_id", "0411:0282:A07110012345"},
                                     {"access", "inspect"}})
                .status,
            403);
  EXPECT_EQ(Post("policies", {{"text", "policy: 1"}}).status, 403);
  EXPECT_EQ(Post("devices:lost",
                 {{"device_id", "0411:0282:A07110012345"}, {"how", "lost"}})
                .status,
            403);
  EXPECT_EQ(Post("devices:found", {{"device_id", "x"}}).status, 403);
  EXPECT_EQ(Post("tokens", json::object()).status, 403);
  EXPECT_EQ(Get("audit").status, 403);
}

TEST_F(ApiTest, UnknownPathsAndMethods) {
  LogInAs("tanaka");
  EXPECT_EQ(Get("nothing").status, 404);
  EXPECT_EQ(Get("alerts/1/2").status, 404);
  EXPECT_EQ(Get("alerts/").status, 404);
  EXPECT_EQ(Get("alerts/999").status, 404);
  EXPECT_EQ(Get("alerts/one").status, 400);
  EXPECT_EQ(Get("alerts/1x").status, 400);
  EXPECT_EQ(api_.Handle(Ask("DELETE", "alerts/1", json::object())).status, 400);
  Request old = Ask("GET", "alerts");
  old.path = "/api/v0/alerts";
  EXPECT_EQ(api_.Handle(old).status, 404);
}

TEST_F(ApiTest, PagesAlerts) {
  LogInAs("tanaka");
  const json first = json::parse(Get("alerts?page_size=2").body);
  ASSERT_EQ(first["rows"].size(), 2u);
  const std::string next = first["next_page_token"].get<std::string>();
  const json second =
      json::parse(Get("alerts?page_size=2&page_token=" + next).body);
  EXPECT_GT(first["rows"][1]["alert_id"], second["rows"][0]["alert_id"]);
}

TEST_F(ApiTest, RefusesBadPagingAndFilters) {
  LogInAs("tanaka");
  for (const char* query :
       {"page_size=0", "page_size=-1", "page_size=1001", "page_size=ten",
        "page_size=99999999999999999999", "page_token=%27%20OR%201",
        "state=open", "state=new,,closed"}) {
    EXPECT_EQ(Get(std::string("alerts?") + query).status, 400) << query;
  }
  EXPECT_EQ(Get("alerts?page_size=1000").status, 200);
  for (const char* query :
       {"after_row_id=x", "kind=nonsense", "kind=transfer,", "outcome=open",
        "from=yesterday", "to=2026-11-25"}) {
    EXPECT_EQ(Get(std::string("events?") + query).status, 400) << query;
  }
}

TEST_F(ApiTest, FindsEventsByKindOutcomeAndTime) {
  LogInAs("tanaka");
  const auto rows = [&](const std::string& query) {
    return json::parse(Get("events?" + query).body)["rows"];
  };
  const json all = rows("");
  const json stopped = rows("kind=transfer,tamper&outcome=blocked");
  ASSERT_GT(stopped.size(), 1u);
  EXPECT_LT(stopped.size(), all.size());
  for (const json& event : stopped) {
    EXPECT_EQ(event["outcome"], "blocked");
    EXPECT_NE(event["kind"], "device_plugged");
  }
  const std::string time = all[1]["receive_time"].get<std::string>();
  const json later = rows("from=" + time);
  const json earlier = rows("to=" + time);
  EXPECT_EQ(later.size() + earlier.size(), all.size());
  EXPECT_EQ(later.back()["row_id"], all[1]["row_id"]);
}

TEST_F(ApiTest, CountsTheDaysOfTheReader) {
  LogInAs("tanaka");
  const json overview =
      json::parse(Get("overview?days=7&zone=Asia%2FTokyo").body);
  ASSERT_EQ(overview["days"].size(), 7u);
  EXPECT_EQ(overview["days"][6]["from"], "2026-11-19T15:00:00.000000Z");
  EXPECT_EQ(overview["days"][6]["counts"]["transfers"], 2);
  EXPECT_EQ(overview["coverage"]["silent"], 1);
  EXPECT_EQ(overview["top_persons"][0]["value"], "op01 (yamada)");
  for (const char* query : {"days=0", "days=91", "days=x", "zone=Mars"}) {
    EXPECT_EQ(Get(std::string("overview?") + query).status, 400) << query;
  }
}

TEST_F(ApiTest, GroupsSortsAndChangesManyAlerts) {
  LogInAs("tanaka");
  const json groups = json::parse(Get("alerts:groups?by=terminal").body);
  EXPECT_EQ(groups["rows"][0]["severity"], "critical");
  EXPECT_EQ(Get("alerts:groups?by=colour").status, 400);
  EXPECT_EQ(Get("alerts?sort=colour").status, 400);
  EXPECT_EQ(
      json::parse(
          Get("alerts?sort=severity&page_size=1").body)["rows"][0]["severity"],
      "critical");
  const json done =
      json::parse(Post("alerts:update",
                       {{"alert_ids", {1, 2, 999}}, {"state", "acknowledged"}})
                      .body);
  EXPECT_EQ(done["updated"], 2);
  EXPECT_EQ(done["failed"][0]["alert_id"], 999);
  for (const json& ids :
       {json(1), json({"1"}), json(nullptr), json::array(), json({1.5})}) {
    EXPECT_EQ(Post("alerts:update", {{"alert_ids", ids}}).status, 400) << ids;
  }
}

TEST_F(ApiTest, TellsWhatElseThereWasAndTheRule) {
  const int64_t id = world_.AddBlockedTransfer();
  LogInAs("tanaka");
  const json around = json::parse(
      Get("alerts:around/" + std::to_string(id) + "?zone=Asia/Tokyo").body);
  EXPECT_EQ(around["lanes"].size(), 3u);
  EXPECT_THAT(around["rule_text"].get<std::string>(),
              HasSubstr("id: too-many-people"));
  EXPECT_EQ(Get("alerts:around/999").status, 404);
  EXPECT_EQ(Get("alerts:around/1?zone=x").status, 400);
}

TEST_F(ApiTest, TellsALostDevicesLife) {
  LogInAs("suzuki");
  const std::string id = "0411:0282:A07110012345";
  EXPECT_EQ(Post("devices:lost", {{"device_id", id}, {"how", "sold"}}).status,
            400);
  EXPECT_EQ(Post("devices:lost",
                 {{"device_id", id}, {"how", "lost"}, {"note", "\x1b[2J"}})
                .status,
            200);
  const Response story = Get("devices:story?device_id=" + id);
  EXPECT_THAT(story.body, Not(HasSubstr("\\u001b")));
  EXPECT_EQ(json::parse(story.body)["device"]["lost"]["how"], "lost");
  EXPECT_EQ(json::parse(Get("devices?state=lost").body)["rows"].size(), 1u);
  EXPECT_EQ(Get("devices:story?device_id=none").status, 404);
  const json on =
      json::parse(Get("devices:contents?device_id=" + id).body)["media"][0];
  EXPECT_EQ(on["persons"], 15);
  EXPECT_EQ(on["files"][0]["copy"]["person"], "op02 (mori)");
  EXPECT_EQ(on["files"][0]["from_elsewhere"], false);
  EXPECT_TRUE(on["list_time"].is_null());
  EXPECT_EQ(Get("devices:contents?device_id=none").status, 404);
  EXPECT_EQ(Post("devices:found", {{"device_id", id}}).status, 200);
  EXPECT_EQ(Post("devices:found", {{"device_id", id}}).status, 404);
}

TEST_F(ApiTest, TriesPolicyWithoutPushingIt) {
  LogInAs("tanaka");
  std::string text(policy::PackText("appi"));
  text += "colour: red\n";
  const json bad = json::parse(Post("policies:check", {{"text", text}}).body);
  EXPECT_EQ(bad["problems"][0]["line"], std::ranges::count(text, '\n'));
  const json answer = json::parse(
      Post("policies:explain",
           {{"device_id", "0411:0282:A07110012345"}, {"persons", 1500}})
          .body);
  EXPECT_EQ(answer["access"], "inspect");
  EXPECT_EQ(answer["file"]["verdict"], "block");
  for (const json& body :
       {json{{"device_id", 1}}, json{{"device_id", "x:y"}},
        json{{"device_id", "0411:0282:A"}, {"data", {{"email", -1}}}},
        json{{"device_id", "0411:0282:A"}, {"time", "noon"}},
        json{{"device_id", "0411:0282:A"}, {"persons", 1.5}}}) {
    EXPECT_EQ(Post("policies:explain", body).status, 400) << body;
  }
  const json trial =
      json::parse(Post("policies:try", {{"text", ""}, {"days", 30}}).body);
  EXPECT_EQ(trial["transfers_blocked"], 0);
  EXPECT_GT(trial["events"], 3);
  EXPECT_EQ(Post("policies:try", {{"days", 367}}).status, 400);
  EXPECT_EQ(json::parse(Get("policies").body)["rows"].size(), 2u);
}

TEST_F(ApiTest, RefusesBodiesThatAreNotWhatItSays) {
  LogInAs("suzuki");
  Request request = Ask("POST", "alerts/1", {});
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("1"),
        std::string("{\"state\":1}"), std::string("{\"comment\":[]}"),
        std::string("{\"state\":\"done\"}"), std::string(100'000, '[')}) {
    request.body = body;
    EXPECT_EQ(api_.Handle(request).status, 400) << body.substr(0, 30);
  }
  for (const json& seconds :
       {json(0), json(-5), json("week"), json(1.5), json(INT64_MAX)}) {
    EXPECT_EQ(Post("devices:approve", {{"device_id", "0411:0282:A07110012345"},
                                       {"access", "inspect"},
                                       {"expire_seconds", seconds}})
                  .status,
              400)
        << seconds;
  }
}

TEST_F(ApiTest, AnalystDecidesAnAlert) {
  const int64_t id = world_.AddBlockedTransfer();
  LogInAs("tanaka");
  const std::string path = "alerts/" + std::to_string(id);
  EXPECT_EQ(Post(path, {{"state", "closed"}}).status, 409);
  EXPECT_EQ(json::parse(Post(path, {{"state", "acknowledged"}}).body)["state"],
            "acknowledged");
  const json mine = json::parse(
      Post(path, {{"assignee", "tanaka"}, {"comment", "called him"}}).body);
  EXPECT_EQ(mine["assignee"], "tanaka");
  EXPECT_EQ(mine["comments"][0]["author"], "tanaka");
  const json closed = json::parse(
      Post(path, {{"state", "closed"}, {"verdict", "true_positive"}}).body);
  EXPECT_EQ(closed["verdict"], "true_positive");
  EXPECT_EQ(Post(path, {{"state", "new"}}).status, 409);
}

TEST_F(ApiTest, AlertCarriesTheTransferAndWho) {
  const int64_t id = world_.AddBlockedTransfer();
  LogInAs("tanaka");
  const json alert = json::parse(Get("alerts/" + std::to_string(id)).body);
  const json& event = alert["event"];
  EXPECT_EQ(event["transfer"]["persons"], 1500);
  EXPECT_EQ(event["transfer"]["columns"][1]["name"], "氏名");
  EXPECT_EQ(event["who"]["origin"], "ssh");
  EXPECT_EQ(event["outcome"], "blocked");
}

TEST_F(ApiTest, HostileNamesLeaveWithoutControlsAndEscapedOnce) {
  LogInAs("tanaka");
  const Response devices = Get("devices");
  EXPECT_THAT(devices.body, Not(HasSubstr("\x1b")));
  EXPECT_THAT(devices.body, Not(HasSubstr("\\u001b")));
  EXPECT_THAT(devices.body, HasSubstr("\\\\u{1b}[2J"));
  const Response events = Get("events");
  for (const json& event : json::parse(events.body)["rows"]) {
    if (!event.contains("transfer")) continue;
    const std::string path = event["transfer"]["file_path"];
    EXPECT_EQ(path.find('\n'), std::string::npos);
    if (path.find("calc") != std::string::npos) {
      EXPECT_THAT(path, testing::EndsWith("\\n.csv"));
    }
  }
}

TEST_F(ApiTest, AlertTextIsNotEscapedASecondTime) {
  core::Alert alert;
  alert.title = "A file went to ffff:5678:\\x1b";
  EXPECT_EQ(ToJson(alert)["title"], alert.title);
}

TEST_F(ApiTest, PolicyWithAnErrorTellsLineAndColumn) {
  LogInAs("suzuki");
  std::string text(policy::PackText("appi"));
  const std::string right = "mode: enforce";
  const size_t at = text.find(right);
  const auto line = 1 + std::ranges::count(text.substr(0, at), '\n');
  text.insert(at + right.size(), "d");
  const json refused = json::parse(Post("policies", {{"text", text}}).body);
  EXPECT_EQ(refused["version"], 0);
  ASSERT_FALSE(refused["problems"].empty());
  EXPECT_EQ(refused["problems"][0]["line"], line);
  EXPECT_EQ(refused["problems"][0]["column"], 7);
  EXPECT_EQ(json::parse(Get("policies").body)["rows"].size(), 2u);
  const json again =
      json::parse(Post("policies:rollback/1", json::object()).body);
  EXPECT_EQ(again["version"], 3);
}

TEST_F(ApiTest, AnUnlockIsAskedForByOneAndAgreedToByAnother) {
  LogInAs("suzuki");
  const auto agents = json::parse(Get("agents").body)["rows"];
  ASSERT_FALSE(agents.empty());
  json body = {
      {"agent_id", agents[0]["agent_id"]}, {"minutes", 30}, {"reason", "disk"}};
  EXPECT_EQ(Post("agents:unlock", body).status, 200);
  for (const json& minutes :
       {json(0), json(-1), json(INT64_MAX), json("30"), json(30.5), json()}) {
    body["minutes"] = minutes;
    EXPECT_EQ(Post("agents:unlock", body).status, 400) << minutes;
  }
  EXPECT_NE(Post("agents:confirm_unlock", {{"agent_id", agents[0]["agent_id"]}})
                .status,
            200);
  EXPECT_EQ(Post("agents:confirm_unlock", json::object()).status, 400);
  body["minutes"] = 30;
  LogInAs("tanaka");
  EXPECT_EQ(Post("agents:unlock", body).status, 403);
}

TEST_F(ApiTest, LogoutEndsTheSessionAndTheCookie) {
  LogInAs("tanaka");
  const Response response = Post("logout", json::object());
  EXPECT_THAT(Header(response, "Set-Cookie"), HasSubstr("Max-Age=0"));
  EXPECT_EQ(Get("alerts").status, 401);
}

}  // namespace
}  // namespace sekisho::web
