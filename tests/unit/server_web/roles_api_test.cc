// Every role and every route of the JSON API.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "server/web/api.h"
#include "tests/support/demo_world.h"
#include "tests/support/role_table.h"

namespace sekisho::web {
namespace {

using nlohmann::json;

// Which method of the desk a route asks.
const std::map<std::string, std::string> kRouteMethods = {
    {"GET overview", "GetOverview"},
    {"GET alerts", "ListAlerts"},
    {"GET alerts/*", "ListAlerts"},
    {"POST alerts/*", "UpdateAlert"},
    {"POST alerts:update", "UpdateAlerts"},
    {"GET alerts:groups", "GroupAlerts"},
    {"GET alerts:around/*", "GetAround"},
    {"POST alerts:update_matching", "UpdateMatchingAlerts"},
    {"GET alerts:count", "CountAlerts"},
    {"GET searches", "ListSearches"},
    {"POST searches", "SaveSearch"},
    {"POST searches/*", "ChangeSearch"},
    {"POST searches:share/*", "ShareSearch"},
    {"POST searches:remove/*", "RemoveSearch"},
    {"GET cases", "ListCases"},
    {"POST cases", "OpenCase"},
    {"GET cases/*", "GetCase"},
    {"POST cases/*", "ChangeCase"},
    {"POST cases:close/*", "CloseCase"},
    {"POST cases:reopen/*", "ReopenCase"},
    {"POST cases:hold/*", "PlaceHold"},
    {"POST cases:release/*", "LiftHold"},
    {"GET reviews", "ListReviews"},
    {"GET reviews/*", "GetReview"},
    {"POST reviews:open/*", "OpenReviewItem"},
    {"POST reviews:judge/*", "JudgeReviewItem"},
    {"POST reviews:sign/*", "SignReview"},
    {"GET reviews:statement", "GetReviewStatement"},
    {"GET alerts:verdicts", "ListVerdicts"},
    {"GET suppressions", "ListSuppressions"},
    {"POST suppressions", "Suppress"},
    {"POST suppressions:end", "EndSuppression"},
    {"GET events", "ListEvents"},
    {"GET events/*", "GetEvent"},
    {"GET events:samples/*", "GetSamples"},
    {"GET devices", "ListDevices"},
    {"POST devices:approve", "ApproveDevice"},
    {"POST devices:revoke", "RevokeDevice"},
    {"GET devices:story", "GetDeviceStory"},
    {"GET devices:contents", "GetDeviceContents"},
    {"POST devices:confirm", "ConfirmDevice"},
    {"POST devices:lost", "MarkLost"},
    {"POST devices:found", "ClearLost"},
    {"POST requests:decide/*", "DecideRequest"},
    {"GET grants", "ListGrants"},
    {"POST grants:revoke", "RevokeGrant"},
    {"GET agents", "ListAgents"},
    {"POST agents:revoke", "RevokeAgent"},
    {"POST agents:approve_renewal", "ApproveRenewal"},
    {"POST agents:unlock", "AskUnlock"},
    {"POST agents:confirm_unlock", "ConfirmUnlock"},
    {"POST tokens", "CreateToken"},
    {"GET containments", "ListContainments"},
    {"POST containments", "Contain"},
    {"POST containments:ask_extension", "AskExtension"},
    {"POST containments:agree_extension", "AgreeExtension"},
    {"POST containments:lift", "LiftContainment"},
    {"GET policies", "ListPolicyVersions"},
    {"POST policies", "PushPolicy"},
    {"POST policies:rollback/*", "RollbackPolicy"},
    {"POST policies:check", "CheckPolicy"},
    {"POST policies:explain", "ExplainPolicy"},
    {"POST policies:try", "TryPolicy"},
    {"GET policies:rollout", "GetRollout"},
    {"POST policies:rollout", "ChangeRollout"},
    {"GET policies:rings", "GetRings"},
    {"POST policies:rings", "SetRings"},
    {"GET codes", "ListCodes"},
    {"POST codes:issue", "IssueCode"},
    {"POST codes:revoke", "RevokeCode"},
    {"GET terminals", "ListTerminals"},
    {"POST terminals:preview", "PreviewRegister"},
    {"POST terminals:import", "ImportRegister"},
    {"GET people", "ListPeople"},
    {"POST people:preview", "PreviewPeople"},
    {"POST people:import", "ImportPeople"},
    {"POST people:pin", "MakePin"},
    {"POST people:totp", "MakePersonTotp"},
    {"POST people:remove", "RemovePerson"},
    {"GET outages", "ListSiteOutages"},
    {"GET inquiries", "ListInquiries"},
    {"POST inquiries", "RunInquiry"},
    {"GET data_sets", "ListDataSets"},
    {"GET sinks", "ListSinks"},
    {"POST data_sets:remove", "RemoveDataSet"},
    {"GET inquiries/*", "GetInquiry"},
    {"GET audit", "ListAudit"},
    {"GET users", "ListUsers"},
    {"POST users", "AddUser"},
    {"POST users:roles", "SetRoles"},
    {"POST users:scope", "SetScope"},
    {"POST users:link", "LinkPerson"},
    {"POST users:disable", "DisableUser"},
    {"POST users:enable", "EnableUser"},
    {"POST users:reset_totp", "ResetTotp"},
    {"POST users:use_provider", "MoveToProvider"},
    {"POST users:login", "CreateLogin"},
    {"GET sessions", "ListSessions"},
    {"POST sessions:end", "EndSession"},
    {"GET sessions:mine", "ListMySessions"},
    {"POST sessions:end_mine", "EndMySession"},
    {"GET api_tokens", "ListApiTokens"},
    {"POST api_tokens", "AddApiToken"},
    {"POST api_tokens:revoke", "RevokeApiToken"},
    {"GET api_tokens:mine", "ListMyApiTokens"},
    {"POST api_tokens:mine", "AddMyApiToken"},
    {"POST api_tokens:revoke_mine", "RevokeMyApiToken"},
};

// What every route can read: a field of the wrong kind would be answered before
// anybody is asked who may, and the test would see no refusal.
const json kBody = {{"device_id", "0411:0282:none"},
                    {"agent_id", "none"},
                    {"alert_ids", {999999}},
                    {"access", "inspect"},
                    {"filter", json::object()},
                    {"filters", json::object()},
                    {"place", "events"},
                    {"shared", true},
                    {"reason", "r"},
                    {"answer", "deny"},
                    {"id", 999999},
                    {"kind", "terminal"},
                    {"target", "none"},
                    {"how", "lost"},
                    {"minutes", 30},
                    {"hours", 24},
                    {"text", "x"},
                    {"user", "none@such"},
                    {"roles", json::array()},
                    {"groups", nullptr},
                    {"session", "none"},
                    {"name", "backup"},
                    {"days", 30},
                    {"act", "halt"},
                    {"terminal", "none"},
                    {"challenge", "x"},
                    {"person", "mori"},
                    {"seconds", 3600},
                    {"csv", "x"},
                    {"format", "csv"},
                    {"owner", "city"},
                    {"from", "2026-10-01T00:00:00Z"},
                    {"to", "2026-10-02T00:00:00Z"}};

constexpr char kPassword[] = "a long enough one";

class RolesApiTest : public ::testing::Test {
 protected:
  Response Send(const core::Session& session, const std::string& method,
                std::string path) {
    Request request;
    if (path.ends_with("*")) path.replace(path.size() - 1, 1, "999999");
    request.method = method;
    request.path = "/api/v1/" + path;
    request.session_token = session.token;
    if (path == "alerts:groups") request.query["by"] = "kind";
    if (path == "devices:story" || path == "devices:contents")
      request.query["device_id"] = "none";
    if (method != "GET") {
      request.csrf = session.csrf;
      request.content_type = "application/json";
      request.body = kBody.dump();
    }
    return api_.Handle(request);
  }
  core::Session LogIn(core::Roles roles) {
    const std::string user = "u" + std::to_string(++users_);
    world_.AddUser(user, kPassword, roles);
    return *world_.desk().LoginWithPassword(user, kPassword, "", "");
  }

  demo::DemoWorld world_;
  Api api_{world_.desk()};
  int users_ = 0;
};

TEST_F(RolesApiTest, EveryRouteIsInTheTable) {
  std::set<std::string> routes;
  for (const auto& [method, path] : Api::Routes()) {
    routes.insert(std::string(method) + " " + std::string(path));
  }
  std::set<std::string> tested;
  for (const auto& [route, method] : kRouteMethods) {
    tested.insert(route);
    EXPECT_TRUE(sekisho::testing::kWhoMay.contains(method)) << method;
  }
  EXPECT_EQ(routes, tested);
}

TEST_F(RolesApiTest, EveryRoleAndEveryRoute) {
  const auto expect = [&](core::Roles roles, const auto& may) {
    const core::Session session = LogIn(roles);
    for (const auto& [route, method] : kRouteMethods) {
      const size_t space = route.find(' ');
      const Response response =
          Send(session, route.substr(0, space), route.substr(space + 1));
      const bool refused =
          response.status == 403 &&
          response.body.find(sekisho::testing::kRefusal) != std::string::npos;
      EXPECT_EQ(refused, !may(method))
          << route << " by " << store::Print(roles) << ": " << response.body;
    }
  };
  for (const core::Role role : store::kEveryRole) {
    expect(role, [&](const std::string& method) {
      return sekisho::testing::MayCall(method, role);
    });
  }
  expect({}, [](const std::string&) { return false; });
}

// The console hides what will not work by this list alone.
TEST_F(RolesApiTest, ASessionSaysWhatItMay) {
  const core::Session session = LogIn(core::Role::kAuditor);
  const json told = json::parse(Send(session, "GET", "session").body);
  EXPECT_EQ(told["roles"], json({"auditor"}));
  for (const auto& [method, letters] : sekisho::testing::kWhoMay) {
    const bool listed = std::find(told["may"].begin(), told["may"].end(),
                                  json(method)) != told["may"].end();
    EXPECT_EQ(listed, sekisho::testing::MayCall(method, core::Role::kAuditor))
        << method;
  }
}

// Roles are read anew with each call: what is taken away is gone at once.
TEST_F(RolesApiTest, ChangedRolesHoldAtOnce) {
  const core::Session session = LogIn(core::Role::kAuditor);
  EXPECT_EQ(Send(session, "GET", "audit").status, 200);
  world_.AddUser("u1", kPassword, core::Role::kViewer);
  EXPECT_EQ(Send(session, "GET", "audit").status, 403);
}

}  // namespace
}  // namespace sekisho::web
