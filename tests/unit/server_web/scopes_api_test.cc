// Who sees one group of terminals, through every route: nothing of another
// group's terminal is in any answer, and nothing of it can be changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "server/core/scopes.h"
#include "tests/unit/server_web/api_fixture.h"

namespace sekisho::web {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

// What every route can read: a refusal is not about the wish.
const json kReadable = {{"item_no", 1},
                        {"device_id", "0411:0282:none"},
                        {"from", "2026-10-01T00:00:00Z"},
                        {"to", "2026-10-02T00:00:00Z"},
                        {"verdict", "in_order"},
                        {"reason", "r"},
                        {"text", "x"},
                        {"note", "n"},
                        {"roles", json::array()},
                        {"days", 1}};

class ScopesApiTest : public LoggedInApi {
 protected:
  // A world in which the other group has one of everything.
  ScopesApiTest() {
    world_.SetGroups();
    world_.AddBlockedTransfer();
    world_.PlugStick();
    world_.PlugImpostor();  // an alert of ours that names a terminal of theirs
    secret_ = world_.AddSecret();
    hidden_ = {"maint-tokyo-02", "maint-nagoya-11", "maint-fukuoka-03",
               secret_.agent_id, demo::kSecretName};
    world_.AddUser("kato", kPassword, core::Roles::All());
    EXPECT_TRUE(
        world_.store().SetScope("kato", core::Scope({"osaka"})).has_value());
    LogInAs("suzuki");
    Do("requests:decide/" + std::to_string(secret_.copy_request_id),
       {{"answer", "approve"}, {"seconds", 3600}});
    Do("containments", {{"kind", "terminal"},
                        {"target", secret_.agent_id},
                        {"minutes", 60},
                        {"reason", "suspicion"}});
    Do("containments", {{"kind", "person"},
                        {"target", demo::kSecretName},
                        {"minutes", 60},
                        {"reason", "suspicion"}});
    Do("suppressions", {{"kind", "data_landed"},
                        {"terminal", secret_.terminal},
                        {"reason", "noise"},
                        {"hours", 24}});
    Do("devices:approve", {{"device_id", secret_.device_id},
                           {"access", "inspect"},
                           {"terminal", secret_.terminal},
                           {"owner", demo::kSecretName},
                           {"purpose", "p"},
                           {"ticket", "t"}});
    case_ = Do("cases", {{"title", demo::kSecretName},
                         {"alert_ids", {secret_.alert_id}}})["case_id"];
    const json search =
        Do("searches", {{"place", "events"},
                        {"name", "of them"},
                        {"filters", {{"terminal", secret_.terminal}}}});
    search_ = search["id"];
    Do("searches:share/" + std::to_string(search_), {{"shared", true}});
    grant_ = Get("grants?state=all")["rows"][0]["id"];
    const json containments = Get("containments?state=all");
    for (const json& one : containments["rows"]) {
      if (one["kind"] == "terminal") containment_ = one["id"];
    }
    suppression_ = Get("suppressions")["rows"][0]["id"];
  }

  json Do(const std::string& path, const json& body) {
    const Response response = Send("POST", path, body);
    EXPECT_EQ(response.status, 200) << path << ": " << response.body;
    return json::parse(response.body);
  }

  // What is asked of a route; the wish is about what the other group has.
  struct Ask {
    std::string target;
    json body = nullptr;
    int status = 200;  // that who sees one group gets
    // Who sees everything is shown one of the hidden names: what is looked for
    // can be found.
    bool shows = false;
  };

  std::map<std::string, std::vector<Ask>> Asks() const {
    const std::string alert = std::to_string(secret_.alert_id);
    const std::string event = std::to_string(secret_.event_row_id);
    const std::string request = std::to_string(secret_.request_id);
    const std::string in_case = std::to_string(case_);
    const std::string device = "?device_id=" + secret_.device_id;
    const json reason = {{"reason", "r"}};
    const json of_search = {{"name", "x"}};
    const json agent = {{"agent_id", secret_.agent_id}, {"reason", "r"}};
    const json matching = {{"filter", {{"terminal", secret_.terminal}}},
                           {"upto_id", 1'000'000},
                           {"comment", "seen"}};
    const auto with = [](json body, const char* name, const json& value) {
      body[name] = value;
      return body;
    };
    return {
        {"GET overview", {{"overview", nullptr, 200, true}}},
        {"GET alerts",
         {{"alerts?page_size=500", nullptr, 200, true},
          {"alerts?terminal=" + secret_.terminal, nullptr, 200, true},
          {"alerts?sort=severity", nullptr, 200, true}}},
        {"GET alerts/*", {{"alerts/" + alert, nullptr, 404, true}}},
        {"POST alerts/*", {{"alerts/" + alert, {{"comment", "x"}}, 404}}},
        {"POST alerts:update",
         {{"alerts:update",
           {{"alert_ids", {secret_.alert_id}}, {"comment", "x"}}}}},
        {"POST alerts:update_matching", {{"alerts:update_matching", matching}}},
        {"GET alerts:count", {{"alerts:count?terminal=" + secret_.terminal}}},
        {"GET alerts:groups",
         {{"alerts:groups?by=terminal", nullptr, 200, true},
          {"alerts:groups?by=person", nullptr, 200, true}}},
        {"GET alerts:around/*",
         {{"alerts:around/" + alert, nullptr, 404, true}}},
        {"GET searches", {{"searches", nullptr, 200, true}}},
        {"POST searches",
         {{"searches",
           {{"place", "events"},
            {"name", "n"},
            {"filters", {{"kind", "gap"}}}}}}},
        {"POST searches/*",
         {{"searches/" + std::to_string(search_), of_search, 404}}},
        {"POST searches:share/*",
         {{"searches:share/" + std::to_string(search_),
           {{"shared", false}},
           404}}},
        {"POST searches:remove/*",
         {{"searches:remove/" + std::to_string(search_), json::object(), 404}}},
        {"GET cases", {{"cases", nullptr, 200, true}}},
        {"POST cases",
         {{"cases", {{"title", "t"}, {"alert_ids", {secret_.alert_id}}}, 404},
          {"cases",
           {{"title", "t"}, {"event_row_ids", {secret_.event_row_id}}},
           404},
          {"cases", {{"title", "t"}}, 400}}},
        {"GET cases/*", {{"cases/" + in_case, nullptr, 404, true}}},
        {"POST cases/*", {{"cases/" + in_case, {{"comment", "x"}}, 404}}},
        {"POST cases:close/*",
         {{"cases:close/" + in_case,
           {{"verdict", "benign"}, {"reason", "r"}},
           404}}},
        {"POST cases:reopen/*", {{"cases:reopen/" + in_case, reason, 404}}},
        {"POST cases:hold/*", {{"cases:hold/" + in_case, reason, 404}}},
        {"POST cases:release/*", {{"cases:release/" + in_case, reason, 404}}},
        {"GET alerts:verdicts", {{"alerts:verdicts"}}},
        {"GET suppressions", {{"suppressions?state=all", nullptr, 200, true}}},
        {"POST suppressions",
         {{"suppressions",
           {{"kind", "data_landed"},
            {"terminal", secret_.terminal},
            {"reason", "r"},
            {"hours", 24}},
           404},
          // Everywhere is not one of his terminals.
          {"suppressions",
           {{"kind", "data_landed"},
            {"rule", "too-many-people"},
            {"reason", "r"},
            {"hours", 24}},
           404}}},
        {"POST suppressions:end",
         {{"suppressions:end", with(reason, "id", suppression_), 404}}},
        {"GET events",
         {{"events?page_size=500", nullptr, 200, true},
          {"events?terminal=" + secret_.terminal, nullptr, 200, true},
          {"events?agent_id=" + secret_.agent_id, nullptr, 200, true}}},
        {"GET events/*", {{"events/" + event, nullptr, 404, true}}},
        {"GET events:samples/*", {{"events:samples/" + event, nullptr, 404}}},
        {"POST devices:approve",
         {{"devices:approve",
           {{"device_id", "0951:1666:NEW"},
            {"access", "inspect"},
            {"terminal", secret_.terminal}},
           404},
          {"devices:approve",
           {{"device_id", "0951:1666:NEW"}, {"access", "inspect"}},
           404},
          // It would end the approval that the other group gave.
          {"devices:approve",
           {{"device_id", secret_.device_id},
            {"access", "inspect"},
            {"terminal", "maint-osaka-07"}},
           403}}},
        {"POST devices:revoke",
         {{"devices:revoke", {{"device_id", secret_.device_id}}, 403}}},
        {"POST requests:decide/*",
         {{"requests:decide/" + request,
           {{"answer", "deny"}, {"reason", "r"}},
           404}}},
        {"GET grants", {{"grants?state=all", nullptr, 200, true}}},
        {"POST grants:revoke",
         {{"grants:revoke", with(reason, "id", grant_), 409}}},
        {"GET codes", {{"codes?state=all"}}},
        {"POST codes:issue",
         {{"codes:issue",
           {{"terminal", secret_.terminal},
            {"device_id", secret_.device_id},
            {"challenge", "28T5CY4T"},
            {"seconds", 3600},
            {"person", "op05"},
            {"reason", "r"}},
           404}}},
        {"POST codes:revoke", {{"codes:revoke", with(reason, "id", 1), 409}}},
        {"GET agents", {{"agents", nullptr, 200, true}}},
        {"POST agents:revoke", {{"agents:revoke", agent, 404}}},
        {"POST agents:approve_renewal",
         {{"agents:approve_renewal", agent, 404}}},
        {"POST agents:unlock",
         {{"agents:unlock", with(agent, "minutes", 30), 404}}},
        {"POST agents:confirm_unlock", {{"agents:confirm_unlock", agent, 404}}},
        {"GET containments", {{"containments?state=all", nullptr, 200, true}}},
        {"POST containments",
         {{"containments",
           {{"kind", "terminal"},
            {"target", secret_.agent_id},
            {"minutes", 60},
            {"reason", "r"}},
           404},
          {"containments",
           {{"kind", "person"},
            {"target", "op05"},
            {"minutes", 60},
            {"reason", "r"}},
           403}}},
        {"POST containments:ask_extension",
         {{"containments:ask_extension",
           {{"id", containment_}, {"minutes", 60}, {"reason", "r"}},
           404}}},
        {"POST containments:agree_extension",
         {{"containments:agree_extension", {{"id", containment_}}, 404}}},
        {"POST containments:lift",
         {{"containments:lift", with(reason, "id", containment_), 404}}},
        {"POST policies:check", {{"policies:check", {{"text", "x"}}}}},
        {"GET terminals", {{"terminals?days=7", nullptr, 200, true}}},
        {"GET outages", {{"outages"}}},
        {"GET sessions:mine", {{"sessions:mine"}}},
        {"POST sessions:end_mine",
         {{"sessions:end_mine", {{"session", "none"}}, 404}}},
        {"GET api_tokens:mine", {{"api_tokens:mine"}}},
        {"POST api_tokens:mine",
         {{"api_tokens:mine",
           {{"name", "n"}, {"roles", {"viewer"}}, {"days", 1}}}}},
        {"POST api_tokens:revoke_mine",
         {{"api_tokens:revoke_mine", {{"id", 999}}, 404}}},
        // Refused whatever is asked.
        {"GET reviews", {{"reviews", nullptr, 403}}},
        {"GET reviews/*", {{"reviews/1", nullptr, 403}}},
        {"POST reviews:open/*", {{"reviews:open/1", {{"item", 1}}, 403}}},
        {"POST reviews:judge/*",
         {{"reviews:judge/1", {{"item", 1}, {"verdict", "in_order"}}, 403}}},
        {"POST reviews:sign/*", {{"reviews:sign/1", {{"note", ""}}, 403}}},
        {"GET reviews:statement",
         {{"reviews:statement?from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:"
           "00Z",
           nullptr, 403}}},
        {"GET devices", {{"devices", nullptr, 403, true}}},
        {"GET devices:story", {{"devices:story" + device, nullptr, 403, true}}},
        {"GET devices:contents",
         {{"devices:contents" + device, nullptr, 403, true}}},
        {"POST devices:confirm",
         {{"devices:confirm", {{"device_id", secret_.device_id}}, 403}}},
        {"POST devices:lost",
         {{"devices:lost",
           {{"device_id", secret_.device_id}, {"how", "lost"}},
           403}}},
        {"POST devices:found",
         {{"devices:found", {{"device_id", secret_.device_id}}, 403}}},
        {"POST tokens", {{"tokens", json::object(), 403}}},
        {"GET policies", {{"policies", nullptr, 403}}},
        {"POST policies", {{"policies", {{"text", "x"}}, 403}}},
        {"POST policies:rollback/*",
         {{"policies:rollback/1", json::object(), 403}}},
        {"POST policies:explain", {{"policies:explain", {{"text", "x"}}, 403}}},
        {"POST policies:try", {{"policies:try", {{"text", "x"}}, 403}}},
        {"GET policies:rollout", {{"policies:rollout", nullptr, 403}}},
        {"POST policies:rollout",
         {{"policies:rollout", {{"act", "halt"}, {"reason", "r"}}, 403}}},
        {"GET policies:rings", {{"policies:rings", nullptr, 403}}},
        {"POST policies:rings", {{"policies:rings", {{"text", "x"}}, 403}}},
        {"POST terminals:preview",
         {{"terminals:preview", {{"csv", "x"}}, 403}}},
        {"POST terminals:import", {{"terminals:import", {{"csv", "x"}}, 403}}},
        {"GET people", {{"people", nullptr, 403}}},
        {"POST people:preview",
         {{"people:preview", {{"text", "x"}, {"format", "csv"}}, 403}}},
        {"POST people:import",
         {{"people:import", {{"text", "x"}, {"format", "csv"}}, 403}}},
        {"POST people:pin", {{"people:pin", {{"person", "x"}}, 403}}},
        {"POST people:totp", {{"people:totp", {{"person", "x"}}, 403}}},
        {"POST people:remove",
         {{"people:remove", with(reason, "person", "x"), 403}}},
        {"GET inquiries", {{"inquiries", nullptr, 403}}},
        {"POST inquiries",
         {{"inquiries",
           {{"person", "x"},
            {"reason", "r"},
            {"from", "2026-10-01T00:00:00Z"},
            {"to", "2026-10-02T00:00:00Z"}},
           403}}},
        {"GET inquiries/*", {{"inquiries/1", nullptr, 403}}},
        {"GET audit", {{"audit", nullptr, 403, true}}},
        {"GET users", {{"users", nullptr, 403}}},
        {"POST users",
         {{"users", {{"user", "x"}, {"roles", json::array()}}, 403}}},
        {"POST users:roles",
         {{"users:roles", {{"user", "x"}, {"roles", json::array()}}, 403}}},
        {"POST users:scope",
         {{"users:scope", {{"user", "kato"}, {"groups", nullptr}}, 403}}},
        {"POST users:link",
         {{"users:link", {{"user", "kato"}, {"person", ""}}, 403}}},
        {"POST users:disable",
         {{"users:disable", with(reason, "user", "x"), 403}}},
        {"POST users:enable", {{"users:enable", {{"user", "x"}}, 403}}},
        {"POST users:reset_totp",
         {{"users:reset_totp", with(reason, "user", "x"), 403}}},
        {"POST users:use_provider",
         {{"users:use_provider", with(reason, "user", "x"), 403}}},
        {"POST users:login", {{"users:login", {{"user", "x"}}, 403}}},
        {"GET sinks", {{"sinks", nullptr, 403}}},
        {"GET data_sets", {{"data_sets", nullptr, 403}}},
        {"POST data_sets:remove",
         {{"data_sets:remove", {{"name", "x"}, {"reason", "r"}}, 403}}},
        {"GET sessions", {{"sessions", nullptr, 403}}},
        {"POST sessions:end", {{"sessions:end", {{"session", "x"}}, 403}}},
        {"GET api_tokens", {{"api_tokens", nullptr, 403}}},
        {"POST api_tokens",
         {{"api_tokens",
           {{"name", "n"}, {"user", "x"}, {"roles", {"viewer"}}, {"days", 1}},
           403}}},
        {"POST api_tokens:revoke", {{"api_tokens:revoke", {{"id", 1}}, 403}}},
    };
  }

  bool ShowsHidden(const std::string& text) const {
    for (const std::string& name : hidden_) {
      if (text.find(name) != std::string::npos) return true;
    }
    return false;
  }

  demo::DemoWorld::Secret secret_;
  std::vector<std::string> hidden_;
  int64_t case_ = 0, search_ = 0, grant_ = 0, containment_ = 0;
  int64_t suppression_ = 0;
};

TEST_F(ScopesApiTest, EveryRouteIsAsked) {
  std::set<std::string> routes, asked;
  for (const auto& [method, path] : Api::Routes()) {
    routes.insert(std::string(method) + " " + std::string(path));
  }
  for (const auto& [route, asks] : Asks()) asked.insert(route);
  EXPECT_EQ(asked, routes);
}

TEST_F(ScopesApiTest, NothingOfAnotherGroupIsInAnyAnswer) {
  const auto asks = Asks();
  // Who sees everything finds it, so that not finding it means something.
  LogInAs("suzuki");
  for (const auto& [route, all] : asks) {
    for (const Ask& ask : all) {
      if (!ask.shows) continue;
      const Response response = Send("GET", ask.target);
      EXPECT_EQ(response.status, 200) << ask.target << response.body;
      EXPECT_TRUE(ShowsHidden(response.body)) << ask.target << response.body;
    }
  }
  LogInAs("kato");
  for (const auto& [route, all] : asks) {
    const std::string method = route.substr(0, route.find(' '));
    for (const Ask& ask : all) {
      json body = ask.body;
      if (ask.status == 403 && body.is_object()) {
        for (const auto& [name, value] : kReadable.items()) {
          if (!body.contains(name)) body[name] = value;
        }
      }
      const Response response = Send(method, ask.target, body);
      EXPECT_EQ(response.status, ask.status)
          << route << " " << ask.body << ": " << response.body;
      // What he asked for himself may be said back to him.
      std::string answer = response.body;
      if (response.status >= 400) {
        for (const std::string& own : {secret_.terminal, secret_.agent_id}) {
          const size_t at = answer.find(own);
          if (at != std::string::npos &&
              (ask.target + ask.body.dump()).find(own) != std::string::npos) {
            answer.erase(at, own.size());
          }
        }
      }
      EXPECT_FALSE(ShowsHidden(answer)) << route << ": " << answer;
    }
  }
}

// Nothing that he tried was done.
TEST_F(ScopesApiTest, NothingOfAnotherGroupIsChanged) {
  LogInAs("suzuki");
  std::map<std::string, std::string> before;
  const std::string alert = "alerts/" + std::to_string(secret_.alert_id);
  const std::vector<std::string> looks = {
      alert,
      "alerts/" + std::to_string(secret_.request_id),
      "cases/" + std::to_string(case_),
      "grants?state=all",
      "containments?state=all",
      "suppressions?state=all",
      "searches",
      "agents",
      "devices?device_id=" + secret_.device_id,
      "codes?state=all"};
  // His tries stand in a case's history.
  const auto seen = [&](const std::string& look) {
    json body = json::parse(Send("GET", look).body);
    body.erase("history");
    return body.dump();
  };
  for (const std::string& look : looks) before[look] = seen(look);
  LogInAs("kato");
  for (const auto& [route, all] : Asks()) {
    if (route.starts_with("GET")) continue;
    for (const Ask& ask : all) {
      if (ask.target != "sessions:end_mine" && ask.target != "searches") {
        Send("POST", ask.target, ask.body);
      }
    }
  }
  LogInAs("suzuki");
  for (const std::string& look : looks) {
    EXPECT_EQ(seen(look), before[look]) << look;
  }
}

TEST_F(ScopesApiTest, FiguresAreOfTheScope) {
  LogInAs("kato");
  const json rows = Get("alerts?page_size=500")["rows"];
  ASSERT_GT(rows.size(), 2U);
  for (const json& row : rows) EXPECT_EQ(row["terminal"], "maint-osaka-07");
  EXPECT_EQ(Get("alerts:count")["count"], rows.size());
  const json overview = Get("overview");
  EXPECT_EQ(overview["top_terminals"].size(), 1U);
  int64_t agents = 0;
  for (const auto& [state, count] : overview["coverage"].items()) {
    agents += count.get<int64_t>();
  }
  EXPECT_EQ(agents, 1);
  EXPECT_EQ(Get("terminals?days=7")["rows"].size(), 1U);
  LogInAs("suzuki");
  EXPECT_GT(Get("alerts:count")["count"].get<int64_t>(),
            static_cast<int64_t>(rows.size()));
}

TEST_F(ScopesApiTest, HandlesWhatIsHis) {
  LogInAs("kato");
  const json rows = Get("alerts?page_size=500&kind=transfer_blocked")["rows"];
  ASSERT_FALSE(rows.empty());
  const std::string id = std::to_string(rows[0]["alert_id"].get<int64_t>());
  Do("alerts/" + id, {{"comment", "looked at"}});
  const json done = Do("alerts:update_matching", {{"filter", json::object()},
                                                  {"upto_id", 1'000'000},
                                                  {"comment", "all of mine"}});
  EXPECT_EQ(done["updated"], Get("alerts:count")["count"]);
  const json opened =
      Do("cases", {{"title", "ours"}, {"alert_ids", {rows[0]["alert_id"]}}});
  EXPECT_EQ(Get("cases")["rows"].size(), 1U);
  // Something of the others comes into it: it is not his any more.
  LogInAs("suzuki");
  Do("cases/" + std::to_string(opened["case_id"].get<int64_t>()),
     {{"add_alert_ids", {secret_.alert_id}}});
  LogInAs("kato");
  EXPECT_EQ(Get("cases")["rows"].size(), 0U);
  EXPECT_TRUE(Get("alerts/" + id)["case_ids"].empty());
}

TEST_F(ScopesApiTest, AnotherTerminalsNameIsLeftOutOfATitle) {
  const std::string of_clones = "alerts?kind=device_cloned";
  LogInAs("suzuki");
  EXPECT_THAT(Get(of_clones).dump(), HasSubstr("maint-tokyo-02"));
  LogInAs("kato");
  const json rows = Get(of_clones)["rows"];
  ASSERT_FALSE(rows.empty());
  EXPECT_THAT(rows[0]["title"].get<std::string>(),
              HasSubstr("is not as it was seen before"));
}

// Scopes are read anew with each call, and follow the register.
TEST_F(ScopesApiTest, ATerminalGoesWithItsWholeHistory) {
  LogInAs("kato");
  const auto his = Get("events?page_size=500")["rows"].size();
  LogInAs("suzuki");
  Do("terminals:import",
     {{"csv",
       "name,groups\nmaint-osaka-07,osaka\nmaint-tokyo-02,tokyo;osaka\n"}});
  LogInAs("kato");
  EXPECT_GT(Get("events?page_size=500")["rows"].size(), his);
  EXPECT_EQ(Get("alerts/" + std::to_string(secret_.alert_id))["terminal"],
            secret_.terminal);
  EXPECT_EQ(Get("terminals?days=7")["rows"].size(), 2U);
}

TEST_F(ScopesApiTest, TheSessionSaysWhatItSees) {
  LogInAs("kato");
  const json session = Get("session");
  EXPECT_EQ(session["groups"], json({"osaka"}));
  for (const core::ReachRow& row : core::Reaches()) {
    if (row.reach != core::Reach::kWholeFleet) continue;
    const char* name = core::Methods()[static_cast<size_t>(row.method)].name;
    EXPECT_EQ(std::ranges::count(session["may"], json(name)), 0) << name;
  }
  LogInAs("suzuki");
  EXPECT_EQ(Get("session")["groups"], nullptr);
}

TEST_F(ScopesApiTest, AnAdminGivesAndTakesAScope) {
  LogInAs("suzuki");
  Do("users", {{"user", "ueda"}, {"roles", {"viewer"}}, {"groups", {"tokyo"}}});
  const auto groups = [&]() -> std::string {
    const json users = Get("users");
    for (const json& user : users["rows"]) {
      if (user["name"] == "ueda") return user["groups"].dump();
    }
    return "no such user in " + users.dump();
  };
  EXPECT_EQ(groups(), R"(["tokyo"])");
  Do("users:scope", {{"user", "ueda"}, {"groups", {"osaka", "nagoya"}}});
  EXPECT_EQ(groups(), R"(["nagoya","osaka"])");
  Do("users:scope", {{"user", "ueda"}, {"groups", nullptr}});
  EXPECT_EQ(groups(), "null");
  for (const json& wrong : {json{{"user", "ueda"}},
                            json{{"user", "ueda"}, {"groups", json::array()}},
                            json{{"user", "ueda"}, {"groups", {"kyoto"}}},
                            json{{"user", "ueda"}, {"groups", "osaka"}},
                            json{{"user", "ueda"}, {"groups", {7}}}}) {
    EXPECT_EQ(Send("POST", "users:scope", wrong).status, 400) << wrong;
  }
  EXPECT_EQ(
      Send("POST", "users:scope", {{"user", "suzuki"}, {"groups", {"osaka"}}})
          .status,
      403);
  EXPECT_THAT(Get("audit?action=user.set_scope").dump(),
              HasSubstr("sees=nagoya, osaka before=tokyo"));
}

TEST_F(ScopesApiTest, AnAdminLinksAUserToAPerson) {
  store::RegisteredPerson person;
  person.id = "E1001";
  person.name = "Yamada Hanako";
  person.accounts = "op01";
  store::PeopleChange change;
  change.all = {person};
  ASSERT_TRUE(world_.store().PutPeople(
      change, world_.clock().Now(),
      [](int64_t, const auto&) { return std::string("sealed"); }));
  const auto alerts = [&] {
    return Get("alerts?page_size=500&kind=transfer_blocked")["rows"];
  };
  LogInAs("tanaka");
  const std::string his =
      "alerts/" + std::to_string(alerts()[1]["alert_id"].get<int64_t>());
  Do(his, {{"comment", "before"}});
  LogInAs("suzuki");
  EXPECT_EQ(
      Send("POST", "users:link", {{"user", "tanaka"}, {"person", "E9"}}).status,
      404);
  EXPECT_EQ(
      Send("POST", "users:link", {{"user", "suzuki"}, {"person", "E1001"}})
          .status,
      403);
  EXPECT_EQ(Send("POST", "users:link", {{"user", "tanaka"}}).status, 400);
  Do("users:link", {{"user", "tanaka"}, {"person", "E1001"}});
  LogInAs("tanaka");
  EXPECT_EQ(Get("session")["person"], "E1001");
  // The account op01 is his: the same alert is another's to handle now.
  const Response refused = Send("POST", his, {{"comment", "after"}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("this alert concerns you"));
  LogInAs("suzuki");
  Do("users:link", {{"user", "tanaka"}, {"person", ""}});
  LogInAs("tanaka");
  Do(his, {{"comment", "again"}});
}

// A token sees what its user sees, and less if it was made so.
TEST_F(ScopesApiTest, ATokenSeesNoMoreThanItsUser) {
  LogInAs("kato");
  EXPECT_EQ(Send("POST", "api_tokens:mine",
                 {{"name", "wide"},
                  {"roles", {"viewer"}},
                  {"days", 1},
                  {"groups", {"tokyo"}}})
                .status,
            400);
  const json made =
      Do("api_tokens:mine",
         {{"name", "narrow"}, {"roles", {"viewer"}}, {"days", 1}});
  Request request;
  request.method = "GET";
  request.path = "/api/v1/alerts";
  request.bearer = made["secret"];
  EXPECT_FALSE(ShowsHidden(api_.Handle(request).body));
  request.path = "/api/v1/alerts/" + std::to_string(secret_.alert_id);
  EXPECT_EQ(api_.Handle(request).status, 404);
  ASSERT_TRUE(world_.store().SetScope("kato", core::Scope({"tokyo"})));
  EXPECT_EQ(api_.Handle(request).status, 200);
}

}  // namespace
}  // namespace sekisho::web
