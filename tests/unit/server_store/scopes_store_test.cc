// What a scope sees, and who a user is in the register of people; on every
// engine.
#include <gmock/gmock.h>

#include "tests/unit/server_store/store_fixture.h"

namespace sekisho::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const Scope kTokyo({"tokyo"});
const Scope kNothing(std::vector<std::string>{});

class ScopesTest : public StoreTest {
 protected:
  // "a" is in tokyo, "b" in osaka, "c" in both, "d" in the register without a
  // group, "e" in no register.
  void SetUp() override {
    StoreTest::SetUp();
    for (const char* name : {"a", "b", "c", "d", "e"}) {
      agents_of_[name] = AddAgent(name);
    }
    Register(
        {{"a", "tokyo"}, {"b", " osaka ;"}, {"c", "osaka; tokyo"}, {"d", ""}});
  }
  void Register(const std::map<std::string, std::string>& groups) {
    std::vector<RegisteredTerminal> all;
    for (const auto& [name, of] : groups) {
      RegisteredTerminal one;
      one.name = name;
      one.groups = of;
      all.push_back(one);
    }
    ASSERT_TRUE(store_->PutRegister(all, At(1)));
  }
  int64_t AddAlert(const std::string& terminal, const std::string& person = "",
                   const std::string& account = "") {
    NewAlert alert = AlertWith("k" + std::to_string(++alerts_));
    alert.alert.terminal = terminal;
    alert.alert.agent_id = terminal.empty() ? "" : agents_of_[terminal];
    alert.alert.person = person;
    alert.alert.account = account;
    return **store_->AddAlert(alert);
  }
  void AddEvents() {
    for (const auto& [name, agent] : agents_of_) {
      ASSERT_TRUE(Append(agent, Records(agent, 1)));
    }
    IndexAll();
  }
  std::vector<std::string> AlertTerminals(const Scope& scope) {
    AlertFilter filter;
    filter.scope = scope;
    std::vector<std::string> terminals;
    const auto page = store_->ListAlerts(filter, {});
    for (const Alert& one : page->rows) {
      terminals.push_back(one.terminal);
    }
    EXPECT_EQ(store_->CountAlerts(filter)->count, std::ssize(terminals));
    return terminals;
  }
  std::vector<std::string> EventTerminals(const Scope& scope) {
    EventFilter filter;
    filter.scope = scope;
    std::vector<std::string> terminals;
    const auto page = store_->ListEvents(filter, {});
    for (const Event& one : page->rows) {
      terminals.push_back(one.terminal);
    }
    std::vector<std::string> traced;
    const auto traces = store_->ListTraces(filter, 100);
    for (const Trace& one : *traces) {
      traced.push_back(one.terminal);
    }
    EXPECT_EQ(traced, terminals);
    return terminals;
  }
  Result<Case> PutCase(int64_t id, const CaseItems& add, const Scope& scope) {
    return store_->PutCase(id,
                           {.add = add,
                            .remove = {},
                            .comment = "",
                            .by = "mori",
                            .now = At(5),
                            .scope = scope},
                           [](Case& row) -> Status {
                             row.title = "t";
                             return {};
                           });
  }

  std::map<std::string, std::string> agents_of_;
  int alerts_ = 0;
};

TEST_P(ScopesTest, SeesTheTerminalsOfItsGroups) {
  const auto sees = [&](const Scope& scope) {
    std::string seen;
    for (const char* name : {"a", "b", "c", "d", "e", "", "none"}) {
      if (*store_->Sees(scope, name)) seen += std::string(name) + ".";
    }
    return seen;
  };
  EXPECT_EQ(sees(kTokyo), "a.c.");
  EXPECT_EQ(sees(Scope({"osaka", "tokyo"})), "a.b.c.");
  EXPECT_EQ(sees(Scope({"kyoto"})), "");
  EXPECT_EQ(sees(kNothing), "");
  EXPECT_EQ(sees({}), "a.b.c.d.e..none.");
  EXPECT_THAT(*store_->TerminalGroups(), ElementsAre("osaka", "tokyo"));
}

TEST_P(ScopesTest, FiltersAlertsEventsAndAgents) {
  for (const char* name : {"a", "b", "c", "d", "e", ""}) AddAlert(name);
  AddEvents();
  EXPECT_THAT(AlertTerminals(kTokyo), ElementsAre("c", "a"));
  EXPECT_THAT(AlertTerminals(kNothing), IsEmpty());
  EXPECT_EQ(AlertTerminals({}).size(), 6U);
  EXPECT_THAT(EventTerminals(kTokyo), ElementsAre("c", "a"));
  EXPECT_THAT(EventTerminals(kNothing), IsEmpty());
  EXPECT_EQ(EventTerminals({}).size(), 5U);
  std::vector<std::string> agents;
  const auto seen = store_->AgentsIn(kTokyo);
  for (const Agent& one : *seen) {
    agents.push_back(one.terminal);
  }
  EXPECT_THAT(agents, ElementsAre("a", "c"));
  const auto first = store_->ListAgents({1, ""}, kTokyo);
  EXPECT_EQ(first->rows.at(0).terminal, "a");
  const auto next = store_->ListAgents({1, first->next_token}, kTokyo);
  EXPECT_EQ(next->rows.at(0).terminal, "c");
  EXPECT_EQ(next->next_token, "");
  EXPECT_THAT(*store_->AgentsIn(kNothing), IsEmpty());
}

TEST_P(ScopesTest, PagesAndSkipsWithinTheScope) {
  for (int i = 0; i < 4; ++i) {
    AddAlert("b");
    AddAlert("a");
  }
  for (const AlertOrder order :
       {AlertOrder::kNewest, AlertOrder::kOldest, AlertOrder::kSeverity}) {
    AlertFilter filter;
    filter.scope = kTokyo;
    filter.order = order;
    filter.states = {AlertState::kNew};
    int seen = 0;
    std::string token;
    do {
      const auto page = store_->ListAlerts(filter, {3, token});
      for (const Alert& one : page->rows) {
        EXPECT_EQ(one.terminal, "a");
        ++seen;
      }
      token = page->next_token;
    } while (!token.empty());
    EXPECT_EQ(seen, 4);
    filter.skip = 3;
    EXPECT_EQ(store_->ListAlerts(filter, {})->rows.size(), 1U);
  }
}

TEST_P(ScopesTest, CountsWhatItSees) {
  for (const char* name : {"a", "b", "b", "e", ""}) AddAlert(name);
  AddEvents();
  EXPECT_EQ(store_->CountOpenAlerts(kTokyo)->by_severity["high"], 1);
  EXPECT_EQ(store_->CountOpenAlerts({})->by_severity["high"], 5);
  const std::vector<WallTime> days = {At(0), At(200)};
  EXPECT_EQ(store_->CountDays(days, kTokyo)->at(0).counts.transfers, 2);
  EXPECT_EQ(store_->CountDays(days, kNothing)->at(0).counts.transfers, 0);
  EXPECT_EQ(store_->CountDays(days, {})->at(0).counts.transfers, 5);
  for (const TopBy by : {TopBy::kDevice, TopBy::kPerson}) {
    const auto rows = store_->CountBy(by, At(0), At(200), kTokyo);
    ASSERT_EQ(rows->size(), 1U);
    EXPECT_EQ(rows->at(0).counts.transfers, 2);
  }
  EXPECT_EQ(store_->CountBy(TopBy::kTerminal, At(0), At(200), kTokyo)->size(),
            2U);
  EXPECT_EQ(store_->CountVerdicts(At(0), At(200), kTokyo)->at(0).alerts, 1);
  EXPECT_EQ(store_->CountVerdicts(At(0), At(200), {})->at(0).alerts, 5);
  AlertFilter filter;
  filter.scope = kTokyo;
  EXPECT_EQ(store_->GroupAlerts(filter, AlertGroupBy::kTerminal)->size(), 1U);
}

TEST_P(ScopesTest, AChangeOfAllStaysWithinTheScope) {
  AddAlert("a");
  const int64_t theirs = AddAlert("b");
  MatchingAlerts which;
  which.filter.scope = kTokyo;
  which.upto_id = 100;
  AlertChange change;
  change.comment = "seen";
  const auto step = store_->UpdateMatching(
      which, change, "mori", {}, [](const Alert&) { return Status(); }, 10);
  EXPECT_EQ(step->updated, 1);
  AlertFilter filter;
  filter.alert_id = theirs;
  EXPECT_THAT(store_->ListAlerts(filter, {})->rows.at(0).comments, IsEmpty());
}

TEST_P(ScopesTest, ATerminalGoesWithItsHistory) {
  AddAlert("b");
  AddEvents();
  EXPECT_THAT(AlertTerminals(kTokyo), IsEmpty());
  Register({{"a", "osaka"}, {"b", "tokyo"}});
  EXPECT_THAT(AlertTerminals(kTokyo), ElementsAre("b"));
  // "c" is in the register no more: who had it answers for it.
  EXPECT_THAT(EventTerminals(kTokyo), ElementsAre("c", "b"));
}

TEST_P(ScopesTest, ACaseIsSeenIfAllOfItIs) {
  AddEvents();  // row 1 is of "a", row 2 of "b"
  const int64_t ours = AddAlert("a");
  const int64_t theirs = AddAlert("b");
  const int64_t mixed = PutCase(0, {{ours, theirs}, {}}, {})->id;
  const int64_t of_event = PutCase(0, {{ours}, {2}}, {})->id;
  const int64_t empty = PutCase(0, {}, {})->id;
  const int64_t good = PutCase(0, {{ours}, {1}}, kTokyo)->id;
  CaseFilter filter;
  filter.scope = kTokyo;
  ASSERT_EQ(store_->ListCases(filter, {})->rows.size(), 1U);
  EXPECT_EQ(store_->ListCases(filter, {})->rows[0].id, good);
  EXPECT_TRUE(store_->ReadCase(good, kTokyo));
  for (const int64_t id : {mixed, of_event, empty}) {
    EXPECT_EQ(store_->ReadCase(id, kTokyo).error().code, Code::kNotFound);
    EXPECT_EQ(PutCase(id, {}, kTokyo).error().code, Code::kNotFound);
    EXPECT_TRUE(store_->ReadCase(id, {}));
  }
  EXPECT_EQ(PutCase(good, {{theirs}, {}}, kTokyo).error().code,
            Code::kNotFound);
  EXPECT_EQ(PutCase(good, {{}, {2}}, kTokyo).error().code, Code::kNotFound);
  EXPECT_EQ(store_->ReadCase(good, {})->alerts.size(), 1U);
  AlertFilter alert;
  alert.alert_id = ours;
  EXPECT_EQ(store_->ListAlerts(alert, {})->rows[0].case_ids.size(), 3U);
  alert.scope = kTokyo;
  EXPECT_THAT(store_->ListAlerts(alert, {})->rows[0].case_ids,
              ElementsAre(good));
  EXPECT_THAT(*store_->RowsIn(kTokyo, Store::Row::kCase,
                              {mixed, of_event, empty, good}),
              ElementsAre(good));
  EXPECT_THAT(*store_->RowsIn(kTokyo, Store::Row::kAlert, {ours, theirs, 99}),
              ElementsAre(ours));
  EXPECT_THAT(*store_->RowsIn(kTokyo, Store::Row::kEvent, {1, 2, 3, 4, 5}),
              UnorderedElementsAre(1, 3));
}

TEST_P(ScopesTest, FiltersContainmentsGrantsCodesAndOutages) {
  const auto contain = [&](const std::string& kind, const std::string& target) {
    Containment row;
    row.kind = kind;
    row.target = target;
    row.create_time = row.from_time = At(1);
    row.end_time = At(100);
    return store_
        ->PutContainment(row, At(2),
                         [](int64_t, const auto&) { return std::string("s"); })
        ->id;
  };
  const int64_t ours = contain("terminal", agents_of_["a"]);
  const int64_t theirs = contain("terminal", agents_of_["b"]);
  contain("person", "op01");
  ASSERT_EQ(store_->ListContainments(Contained::kAll, kTokyo)->size(), 1U);
  EXPECT_EQ(store_->ListContainments(Contained::kRunning, kTokyo)->at(0).id,
            ours);
  EXPECT_EQ(store_->ListContainments(Contained::kAll, {})->size(), 3U);
  EXPECT_THAT(*store_->RowsIn(kTokyo, Store::Row::kContainment, {ours, theirs}),
              ElementsAre(ours));
  for (const char* name : {"a", "b"}) {
    TransferGrant grant;
    grant.agent_id = agents_of_[name];
    grant.end_time = At(100);
    grant.file_hash = std::string(32, 'h');
    ASSERT_TRUE(store_->PutGrant(
        {grant, {}}, At(2),
        [](int64_t, const auto&, const auto&) { return std::string("s"); }));
    OfflineCode code;
    code.agent_id = agents_of_[name];
    code.end_time = At(100);
    code.match = std::string(32, name[0]);
    ASSERT_TRUE(store_->PutCode(
        code, At(2), [](int64_t, const auto&) { return std::string("s"); }));
    SiteOutage outage;
    outage.alert_id = name[0];
    outage.site = "Tokyo";
    outage.begin_time = At(1);
    outage.agent_ids = {agents_of_[name], agents_of_["e"]};
    ASSERT_TRUE(store_->PutSiteOutage(outage));
  }
  ASSERT_EQ(store_->ListGrants(WhichGrants::kAll, kTokyo)->size(), 1U);
  EXPECT_EQ(store_->ListGrants(WhichGrants::kRunning, kTokyo)->at(0).terminal,
            "a");
  ASSERT_EQ(store_->ListCodes(WhichGrants::kAll, kTokyo)->size(), 1U);
  EXPECT_EQ(store_->ListCodes(WhichGrants::kRunning, kTokyo)->at(0).terminal,
            "a");
  ASSERT_EQ(store_->ListSiteOutages(kTokyo)->size(), 1U);
  EXPECT_THAT(store_->ListSiteOutages(kTokyo)->at(0).agent_ids,
              ElementsAre(agents_of_["a"]));
  EXPECT_THAT(*store_->ListSiteOutages(kNothing), IsEmpty());
  EXPECT_EQ(store_->ListSiteOutages({})->size(), 2U);
}

TEST_P(ScopesTest, AUserKeepsItsScopeAndItsPerson) {
  User user;
  user.name = "mori";
  user.roles = Roles(Role::kAnalyst);
  user.scope = kTokyo;
  ASSERT_TRUE(store_->PutUser(user, At(0)));
  user.name = "admin";
  user.roles = Roles(Role::kAdmin);
  user.scope = {};
  ASSERT_TRUE(store_->PutUser(user, At(0)));
  EXPECT_EQ((*store_->FindUser("mori"))->scope, kTokyo);
  EXPECT_TRUE((*store_->FindUser("admin"))->scope.IsWholeFleet());
  ASSERT_TRUE(store_->SetScope("mori", Scope({"tokyo", "osaka"})));
  ASSERT_TRUE(store_->LinkPerson("mori", "E1"));
  const auto users = store_->ListUsers();
  EXPECT_EQ(users->at(1).scope, Scope({"osaka", "tokyo"}));
  EXPECT_EQ(users->at(1).person_id, "E1");
  StoredSession session;
  session.user = "mori";
  session.create_time = session.use_time = At(1);
  session.expire_time = At(100);
  ASSERT_TRUE(store_->AddSession(session));
  const auto found = store_->FindSession({}, At(2), At(0));
  EXPECT_EQ(found->scope, Scope({"osaka", "tokyo"}));
  EXPECT_EQ(found->person_id, "E1");
  ASSERT_TRUE(store_->SetScope("mori", kNothing));
  EXPECT_FALSE((*store_->FindUser("mori"))->scope.IsWholeFleet());
  EXPECT_THAT((*store_->FindUser("mori"))->scope.groups(), IsEmpty());
  // Who sees a part cannot be the only one who manages users.
  EXPECT_EQ(store_->SetScope("admin", kTokyo).error().code,
            Code::kFailedPrecondition);
  EXPECT_EQ(store_->SetScope("none", {}).error().code, Code::kNotFound);
  EXPECT_EQ(store_->LinkPerson("none", "E1").error().code, Code::kNotFound);
  ApiToken token;
  token.hash[0] = std::byte{7};
  token.name = "n";
  token.user = "mori";
  token.create_time = At(1);
  token.expire_time = At(100);
  token.scope = kTokyo;
  ASSERT_TRUE(store_->AddApiToken(token));
  EXPECT_EQ((*store_->FindApiToken(token.hash))->scope, kTokyo);
}

TEST_P(ScopesTest, APersonGoesByIdAccountsAndUsers) {
  PeopleChange change;
  RegisteredPerson person;
  person.id = "E1";
  person.accounts = "maint,op01";
  change.all = {person};
  person.id = "E2";
  person.accounts = "*";
  change.all->push_back(person);
  ASSERT_TRUE(store_->PutPeople(
      change, At(1), [](int64_t, const auto&) { return std::string("s"); }));
  for (const char* name : {"mori", "mori-adm"}) {
    ASSERT_TRUE(store_->PutUser({name, Role::kAnalyst, ""}, At(0)));
    ASSERT_TRUE(store_->LinkPerson(name, "E1"));
  }
  EXPECT_THAT(*store_->NamesOfPerson("E1"),
              ElementsAre("E1", "maint", "op01", "mori", "mori-adm"));
  EXPECT_THAT(*store_->NamesOfPerson("E2"), ElementsAre("E2"));
  EXPECT_THAT(*store_->NamesOfPerson(""), IsEmpty());
}

TEST_P(ScopesTest, NobodyKeepsBackWhatIsAboutHisPerson) {
  ASSERT_TRUE(store_->PutUser({"mori", Role::kAnalyst, ""}, At(0)));
  Suppression row;
  row.kind = "tamper";
  row.terminal = "a";
  row.created_by = "root (mori)";
  row.create_time = At(0);
  row.end_time = At(1000);
  ASSERT_TRUE(store_->AddSuppression(row));
  const auto kept_back = [&](int64_t id) {
    AlertFilter filter;
    filter.alert_id = id;
    return store_->ListAlerts(filter, {})->rows.at(0).suppression_id != 0;
  };
  EXPECT_TRUE(kept_back(AddAlert("a", "maint (E1)")));
  EXPECT_FALSE(kept_back(AddAlert("a", "mori")));
  ASSERT_TRUE(store_->LinkPerson("mori", "E1"));
  EXPECT_FALSE(kept_back(AddAlert("a", "maint (E1)")));
  EXPECT_TRUE(kept_back(AddAlert("a", "maint (E2)")));
  EXPECT_EQ(
      store_->ListSuppressions(WhichSuppressions::kAll, At(1), kTokyo)->size(),
      1U);
  EXPECT_THAT(*store_->ListSuppressions(WhichSuppressions::kAll, At(1),
                                        Scope({"osaka"})),
              IsEmpty());
}

TEST_P(ScopesTest, FindsTheApprovalInForce) {
  Approval approval;
  approval.device_id = "1:2:3";
  approval.access = "inspect";
  approval.terminal = "a";
  approval.expire_time = At(50);
  ASSERT_TRUE(store_->ChangeApproval(
      approval, "mori", At(1),
      [](int64_t, const auto&) { return std::string("s"); }));
  EXPECT_EQ((*store_->FindApproval("1:2:3", At(2)))->terminal, "a");
  EXPECT_FALSE(*store_->FindApproval("1:2:3", At(50)));
  EXPECT_FALSE(*store_->FindApproval("1:2:4", At(2)));
}

INSTANTIATE_TEST_SUITE_P(Engines, ScopesTest, EveryEngine(), NameOf);

TEST(Scope, IsASetOfGroupsOrAll) {
  EXPECT_EQ(Scope({"b", "a", "b"}).groups(),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(Scope({"a", "b"}) & Scope({"b", "c"}), Scope({"b"}));
  EXPECT_EQ(Scope() & Scope({"b"}), Scope({"b"}));
  EXPECT_EQ(Scope({"b"}) & Scope(), Scope({"b"}));
  EXPECT_FALSE((Scope({"a"}) & Scope({"b"})).IsWholeFleet());
  EXPECT_TRUE(Scope().HasAllOf(Scope({"a"})));
  EXPECT_TRUE(Scope({"a", "b"}).HasAllOf(Scope({"a"})));
  EXPECT_FALSE(Scope({"a"}).HasAllOf(Scope()));
  for (const Scope& scope : {Scope(), kNothing, Scope({"a", "b c"})}) {
    EXPECT_EQ(ScopeFrom(StoredScope(scope)), scope);
  }
  // What cannot be read is nothing, not everything.
  EXPECT_EQ(ScopeFrom(" ; "), kNothing);
  EXPECT_EQ(Print(Scope({"b", "a"})), "a, b");
}

}  // namespace
}  // namespace sekisho::store
