// Every role and every method of the desk, through the guard.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/demo_world.h"
#include "tests/support/role_table.h"

namespace sekisho::core {
namespace {

using std::chrono::seconds;
using testing::MayCall;

std::set<std::string> NamesOfTable() {
  std::set<std::string> names;
  for (const MethodRow& row : Methods()) names.insert(row.name);
  return names;
}

// The virtual methods of the interfaces, from their text.
std::set<std::string> NamesOfDesk() {
  std::set<std::string> names;
  for (const char* file :
       {"/server/core/queries.h", "/server/core/user_desk.h"}) {
    std::ifstream in(SEKISHO_SOURCE_DIR + std::string(file));
    std::stringstream text;
    text << in.rdbuf();
    const std::string all = text.str();
    const size_t begin = all.find("Desk {");
    const std::string desk = all.substr(begin, all.find("\n};", begin) - begin);
    static const std::regex kMethod(R"(virtual\s[^;{}]*?\s(\w+)\()");
    for (std::sregex_iterator it(desk.begin(), desk.end(), kMethod), end;
         it != end; ++it) {
      names.insert((*it)[1]);
    }
  }
  return names;
}

using Calls = std::map<std::string, std::function<Status(const Caller&)>>;

// Without the value: what is asked here is whether it was let in.
template <typename T>
Status Only(const Result<T>& result) {
  return result ? Status() : std::unexpected(result.error());
}

Calls CallsOf(Desk& d) {
  using C = const Caller&;
  return {
      {"GetOverview", [&](C c) { return Only(d.GetOverview(c, {})); }},
      {"ListEvents", [&](C c) { return Only(d.ListEvents(c, {}, {})); }},
      {"GetEvent", [&](C c) { return Only(d.GetEvent(c, 0)); }},
      {"GetSamples", [&](C c) { return Only(d.GetSamples(c, 0)); }},
      {"ListAlerts", [&](C c) { return Only(d.ListAlerts(c, {}, {})); }},
      {"GroupAlerts",
       [&](C c) { return Only(d.GroupAlerts(c, {}, AlertGroupBy::kKind)); }},
      {"UpdateAlerts", [&](C c) { return Only(d.UpdateAlerts(c, {}, {})); }},
      {"GetAround", [&](C c) { return Only(d.GetAround(c, 0, "UTC")); }},
      {"UpdateAlert", [&](C c) { return Only(d.UpdateAlert(c, {})); }},
      {"CountAlerts", [&](C c) { return Only(d.CountAlerts(c, {})); }},
      {"UpdateMatchingAlerts",
       [&](C c) { return Only(d.UpdateMatchingAlerts(c, {}, {})); }},
      {"ListSearches", [&](C c) { return Only(d.ListSearches(c)); }},
      {"SaveSearch", [&](C c) { return Only(d.SaveSearch(c, {})); }},
      {"ChangeSearch", [&](C c) { return Only(d.ChangeSearch(c, 0, {})); }},
      {"ShareSearch",
       [&](C c) { return Only(d.ShareSearch(c, 0, Sharing::kShared)); }},
      {"RemoveSearch", [&](C c) { return d.RemoveSearch(c, 0); }},
      {"ListCases", [&](C c) { return Only(d.ListCases(c, {}, {})); }},
      {"GetCase", [&](C c) { return Only(d.GetCase(c, 0)); }},
      {"OpenCase", [&](C c) { return Only(d.OpenCase(c, {})); }},
      {"ChangeCase", [&](C c) { return Only(d.ChangeCase(c, {})); }},
      {"CloseCase", [&](C c) { return Only(d.CloseCase(c, {})); }},
      {"ReopenCase", [&](C c) { return Only(d.ReopenCase(c, 9, "r")); }},
      {"PlaceHold", [&](C c) { return Only(d.PlaceHold(c, 9, "r")); }},
      {"LiftHold", [&](C c) { return Only(d.LiftHold(c, 9, "r")); }},
      {"ListReviews", [&](C c) { return Only(d.ListReviews(c, {}, {})); }},
      {"GetReview", [&](C c) { return Only(d.GetReview(c, 0)); }},
      {"OpenReviewItem", [&](C c) { return Only(d.OpenReviewItem(c, 0, 0)); }},
      {"JudgeReviewItem", [&](C c) { return Only(d.JudgeReviewItem(c, {})); }},
      {"SignReview", [&](C c) { return Only(d.SignReview(c, 0, "")); }},
      {"GetReviewStatement",
       [&](C c) { return Only(d.GetReviewStatement(c, {}, {})); }},
      {"ListVerdicts", [&](C c) { return Only(d.ListVerdicts(c, {}, {})); }},
      {"ListSuppressions",
       [&](C c) { return Only(d.ListSuppressions(c, {})); }},
      {"Suppress", [&](C c) { return Only(d.Suppress(c, {})); }},
      {"EndSuppression", [&](C c) { return Only(d.EndSuppression(c, 0, "")); }},
      {"ListDevices", [&](C c) { return Only(d.ListDevices(c, {}, {})); }},
      {"ApproveDevice", [&](C c) { return Only(d.ApproveDevice(c, {})); }},
      {"RevokeDevice", [&](C c) { return Only(d.RevokeDevice(c, "x")); }},
      {"GetDeviceStory",
       [&](C c) { return Only(d.GetDeviceStory(c, "x", "UTC")); }},
      {"GetDeviceContents",
       [&](C c) { return Only(d.GetDeviceContents(c, "x")); }},
      {"ConfirmDevice", [&](C c) { return d.ConfirmDevice(c, {}); }},
      {"MarkLost", [&](C c) { return Only(d.MarkLost(c, {})); }},
      {"ClearLost", [&](C c) { return Only(d.ClearLost(c, "x", "")); }},
      {"DecideRequest", [&](C c) { return Only(d.DecideRequest(c, {})); }},
      {"ListGrants",
       [&](C c) { return Only(d.ListGrants(c, WhichGrants::kAll)); }},
      {"RevokeGrant", [&](C c) { return Only(d.RevokeGrant(c, 0, "")); }},
      {"ListAgents", [&](C c) { return Only(d.ListAgents(c, {})); }},
      {"GetAgent", [&](C c) { return Only(d.GetAgent(c, "x")); }},
      {"RevokeAgent", [&](C c) { return d.RevokeAgent(c, "x", ""); }},
      {"ApproveRenewal", [&](C c) { return d.ApproveRenewal(c, "x"); }},
      {"CreateToken", [&](C c) { return Only(d.CreateToken(c, {})); }},
      {"ListPolicyVersions",
       [&](C c) { return Only(d.ListPolicyVersions(c, {})); }},
      {"PushPolicy",
       [&](C c) { return Only(d.PushPolicy(c, "x", "", "", {})); }},
      {"CheckPolicy", [&](C c) { return Only(d.CheckPolicy(c, "x")); }},
      {"ExplainPolicy", [&](C c) { return Only(d.ExplainPolicy(c, {})); }},
      {"TryPolicy", [&](C c) { return Only(d.TryPolicy(c, "x", {}, {})); }},
      {"RollbackPolicy", [&](C c) { return Only(d.RollbackPolicy(c, 99)); }},
      {"PushUpgrade", [&](C c) { return Only(d.PushUpgrade(c, "x")); }},
      {"AskUnlock", [&](C c) { return d.AskUnlock(c, {}); }},
      {"ConfirmUnlock", [&](C c) { return Only(d.ConfirmUnlock(c, "x")); }},
      {"Contain", [&](C c) { return Only(d.Contain(c, {})); }},
      {"ListContainments",
       [&](C c) { return Only(d.ListContainments(c, Contained::kAll)); }},
      {"AskExtension",
       [&](C c) { return d.AskExtension(c, 0, seconds(1), ""); }},
      {"AgreeExtension", [&](C c) { return Only(d.AgreeExtension(c, 0)); }},
      {"LiftContainment",
       [&](C c) { return Only(d.LiftContainment(c, 0, "")); }},
      {"GetRollout", [&](C c) { return Only(d.GetRollout(c)); }},
      {"ChangeRollout",
       [&](C c) { return Only(d.ChangeRollout(c, RolloutAct::kHalt, "r")); }},
      {"GetRings", [&](C c) { return Only(d.GetRings(c)); }},
      {"SetRings", [&](C c) { return Only(d.SetRings(c, "x")); }},
      {"IssueCode", [&](C c) { return Only(d.IssueCode(c, {})); }},
      {"ListCodes",
       [&](C c) { return Only(d.ListCodes(c, WhichGrants::kAll)); }},
      {"RevokeCode", [&](C c) { return Only(d.RevokeCode(c, 0, "r")); }},
      {"PreviewRegister", [&](C c) { return Only(d.PreviewRegister(c, "x")); }},
      {"ImportRegister", [&](C c) { return Only(d.ImportRegister(c, "x")); }},
      {"ListTerminals", [&](C c) { return Only(d.ListTerminals(c, 7, {})); }},
      {"ListSiteOutages", [&](C c) { return Only(d.ListSiteOutages(c)); }},
      {"ListSinks", [&](C c) { return Only(d.ListSinks(c)); }},
      {"ListDataSets", [&](C c) { return Only(d.ListDataSets(c)); }},
      {"PutDataSet", [&](C c) { return Only(d.PutDataSet(c, "")); }},
      {"RemoveDataSet", [&](C c) { return d.RemoveDataSet(c, "x", ""); }},
      {"ListPeople", [&](C c) { return Only(d.ListPeople(c, "", {})); }},
      {"PreviewPeople", [&](C c) { return Only(d.PreviewPeople(c, {})); }},
      {"ImportPeople", [&](C c) { return Only(d.ImportPeople(c, {})); }},
      {"MakePin", [&](C c) { return Only(d.MakePin(c, "x")); }},
      {"MakePersonTotp", [&](C c) { return Only(d.MakePersonTotp(c, "x")); }},
      {"RemovePerson", [&](C c) { return d.RemovePerson(c, "x", "r"); }},
      {"RunInquiry", [&](C c) { return Only(d.RunInquiry(c, {})); }},
      {"ListInquiries", [&](C c) { return Only(d.ListInquiries(c, {})); }},
      {"GetInquiry", [&](C c) { return Only(d.GetInquiry(c, 0)); }},
      {"ListAudit", [&](C c) { return Only(d.ListAudit(c, {}, {})); }},
      {"CreateLogin", [&](C c) { return Only(d.CreateLogin(c, "x")); }},
      {"ListUsers", [&](C c) { return Only(d.ListUsers(c)); }},
      {"AddUser", [&](C c) { return Only(d.AddUser(c, " ", {}, {})); }},
      {"SetRoles", [&](C c) { return d.SetRoles(c, "x", {}); }},
      {"SetScope", [&](C c) { return d.SetScope(c, "x", {}); }},
      {"LinkPerson", [&](C c) { return d.LinkPerson(c, "x", ""); }},
      {"PickChanges", [&](C c) { return Only(d.PickChanges(c, {})); }},
      {"DisableUser", [&](C c) { return d.DisableUser(c, "x", "r"); }},
      {"EnableUser", [&](C c) { return d.EnableUser(c, "x"); }},
      {"ResetTotp", [&](C c) { return d.ResetTotp(c, "x", "r"); }},
      {"MoveToProvider", [&](C c) { return d.MoveToProvider(c, "x", "r"); }},
      {"ListSessions", [&](C c) { return Only(d.ListSessions(c)); }},
      {"EndSession", [&](C c) { return d.EndSession(c, "x"); }},
      {"ListMySessions", [&](C c) { return Only(d.ListMySessions(c)); }},
      {"EndMySession", [&](C c) { return d.EndMySession(c, "x"); }},
      {"ListApiTokens", [&](C c) { return Only(d.ListApiTokens(c)); }},
      {"AddApiToken", [&](C c) { return Only(d.AddApiToken(c, {})); }},
      {"RevokeApiToken", [&](C c) { return d.RevokeApiToken(c, 0); }},
      {"ListMyApiTokens", [&](C c) { return Only(d.ListMyApiTokens(c)); }},
      {"AddMyApiToken", [&](C c) { return Only(d.AddMyApiToken(c, {})); }},
      {"RevokeMyApiToken", [&](C c) { return d.RevokeMyApiToken(c, 0); }},
  };
}

// Was it the guard who refused?
bool Refused(const Status& status) {
  return !status && status.error().code == Code::kPermissionDenied &&
         status.error().message.starts_with(testing::kRefusal);
}

TEST(Roles, EveryMethodOfTheDeskHasItsRow) {
  std::set<std::string> desk = NamesOfDesk();
  ASSERT_GT(desk.size(), 40U);
  desk.insert("ExportEvents");
  EXPECT_EQ(NamesOfTable(), desk);
  std::set<std::string> tested;
  for (const auto& [name, letters] : testing::kWhoMay) tested.emplace(name);
  EXPECT_EQ(NamesOfTable(), tested);
}

TEST(Roles, EveryRoleAndEveryMethod) {
  demo::DemoWorld world;
  Calls calls = CallsOf(world.desk());
  const ExportGate gate = MakeExportGate(world.store(), world.clock());
  calls["ExportEvents"] = [&](const Caller& c) { return Only(gate(c, "")); };
  for (const MethodRow& row : Methods()) {
    const bool open = testing::kWhoMay.at(row.name) == "*";
    EXPECT_EQ(row.door != Door::kRoles, open) << row.name;
    if (open) continue;
    ASSERT_TRUE(calls.contains(row.name)) << row.name << " is not called here";
    const auto& call = calls[row.name];
    for (const Role role : store::kEveryRole) {
      EXPECT_EQ(Refused(call({"mori", role, "console", ""})),
                !MayCall(row.name, role))
          << row.name << " by " << store::Name(role);
    }
    EXPECT_TRUE(Refused(call({"mori", {}, "console", ""}))) << row.name;
    EXPECT_FALSE(Refused(call({"mori", Roles::All(), "console", ""})))
        << row.name;
    const bool people_only =
        std::ranges::find(testing::kPeopleOnly, row.name) !=
        std::end(testing::kPeopleOnly);
    const Status by_token =
        call({"mori", Roles::All(), "token backup", "", Via::kApiToken});
    EXPECT_EQ(!by_token && by_token.error().message.ends_with("API token"),
              people_only)
        << row.name;
  }
}

TEST(Roles, ARefusalIsWrittenDown) {
  demo::DemoWorld world;
  const Caller mori{"mori", Role::kViewer, "console", "10.20.1.9"};
  EXPECT_FALSE(world.desk().GetSamples(mori, 7));
  const auto audit = world.store().AuditOf("event 7");
  ASSERT_EQ(audit->size(), 1U);
  EXPECT_EQ(audit->at(0).user, "mori");
  EXPECT_EQ(audit->at(0).action, "event.samples");
  EXPECT_EQ(audit->at(0).address, "10.20.1.9");
  EXPECT_EQ(audit->at(0).result, "this needs the role analyst");
}

TEST(Roles, TheManualsTableIsTheServers) {
  std::ifstream in(SEKISHO_SOURCE_DIR + std::string("/docs/operations.md"));
  std::stringstream text;
  text << in.rdbuf();
  const std::string manual = text.str();
  const size_t begin = manual.find("<!-- roles -->\n");
  ASSERT_NE(begin, std::string::npos);
  std::string table = "<!-- roles -->\n| method | roles |\n|---|---|\n";
  for (const MethodRow& row : Methods()) {
    if (row.door != Door::kRoles) continue;
    std::string roles = store::Print(row.roles);
    std::ranges::replace(roles, ',', ' ');
    table += std::string("| ") + row.name + " | " + roles + " |\n";
  }
  table += "<!-- end of roles -->\n";
  EXPECT_EQ(manual.substr(begin, table.size()), table);
}

TEST(Roles, AreReadAndPrinted) {
  using store::ParseRoles;
  EXPECT_EQ(store::Print({Role::kAdmin, Role::kViewer}), "viewer,admin");
  EXPECT_EQ(ParseRoles("admin, viewer"), (Roles{Role::kAdmin, Role::kViewer}));
  EXPECT_EQ(ParseRoles(store::Print(Roles::All())), Roles::All());
  EXPECT_EQ(ParseRoles(""), Roles());
  EXPECT_FALSE(ParseRoles("root"));
  EXPECT_FALSE(ParseRoles("admin,"));
}

}  // namespace
}  // namespace sekisho::core
