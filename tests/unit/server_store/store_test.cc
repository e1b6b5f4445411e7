// What every engine must do.
#include <gmock/gmock.h>

#include <algorithm>

#include "server/store/event_files.h"
#include "tests/unit/server_store/store_fixture.h"

namespace sekisho::store {
namespace {

using ::testing::ElementsAre;

TEST_P(StoreTest, ClosesAnEpochWhereTheNextBegins) {
  const std::string a = AddAgent("a");
  ASSERT_TRUE(Append(a, Records(a, 3)));
  const event::Head first = heads_[a];
  EXPECT_TRUE(store_->ClosedEpochs(a)->empty());
  // The tail of the old epoch and the new one's beginning in one request.
  auto records = Records(a, 2);
  const event::Head closed = heads_[a];
  records.push_back(Opening(a, 3));
  const auto more = Records(a, 2);
  records.insert(records.end(), more.begin(), more.end());
  ASSERT_TRUE(Append(a, records));
  Open();
  EXPECT_EQ(*store_->HeadOf(a), heads_[a]);
  EXPECT_EQ(heads_[a].epoch, 3);
  const auto epochs = store_->ClosedEpochs(a);
  ASSERT_EQ(epochs->size(), 1U);
  EXPECT_EQ(epochs->at(0).head, closed);
  EXPECT_EQ(epochs->at(0).close_time, At(100));
  EXPECT_THAT(Chain(a), ElementsAre(1, 2, 3, 4, 5, 1, 2, 3));
  IndexAll();
  EXPECT_THAT(Chain(a), ElementsAre(1, 2, 3, 4, 5, 1, 2, 3));

  // What is over is over, and an epoch begins at its beginning.
  heads_[a] = first;
  EXPECT_EQ(Append(a, Records(a, 1)).error().code, Code::kAborted);
  EXPECT_EQ(Append(a, {Opening(a, 2)}).error().code, Code::kAborted);
  heads_[a] = {4, 1, {}};
  EXPECT_EQ(Append(a, Records(a, 1)).error().code, Code::kAborted);
  EXPECT_EQ(store_->ClosedEpochs(a)->size(), 1U);
}

TEST_P(StoreTest, AppendsOnlyTheNextOfTheChain) {
  const std::string agent = AddAgent("a");
  const auto records = Records(agent, 3);
  const auto head = Append(agent, records);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->sequence, 3);
  EXPECT_EQ(*store_->HeadOf(agent), heads_[agent]);

  EXPECT_EQ(Append(agent, records).error().code, Code::kAborted);
  auto gap = Records(agent, 2);
  gap.erase(gap.begin());
  EXPECT_EQ(Append(agent, gap).error().code, Code::kAborted);
  EXPECT_EQ(store_->HeadOf(agent)->sequence, 3);
}

TEST_P(StoreTest, TakesNothingOfABatchThatBreaksInItsMidst) {
  const std::string agent = AddAgent("a");
  auto records = Records(agent, 3);
  records[2].set_prev_hash(std::string(32, 'x'));
  EXPECT_EQ(Append(agent, records).error().code, Code::kAborted);
  EXPECT_EQ(store_->HeadOf(agent)->sequence, 0);
  EXPECT_TRUE(store_->ReadLog(0, 10)->empty());
}

TEST_P(StoreTest, AFailedJobTakesNothingOfItsCommitWithIt) {
  const std::string a = AddAgent("a");
  const std::string b = AddAgent("b");
  const auto good = Records(a, 1);
  auto bad = Records(b, 2);
  bad.erase(bad.begin());
  std::vector<std::future<Result<event::Head>>> results;
  std::vector<std::promise<Result<event::Head>>> promises(20);
  for (size_t i = 0; i < promises.size(); ++i) {
    results.push_back(promises[i].get_future());
    store_->Append({i == 7 ? a : b, i == 7 ? good : bad, At(1)},
                   [&promises, i](Result<event::Head> head) {
                     promises[i].set_value(std::move(head));
                   });
  }
  int stored = 0;
  for (auto& result : results) {
    stored += result.get() ? 1 : 0;
  }
  EXPECT_EQ(stored, 1);
  EXPECT_EQ(store_->HeadOf(a)->sequence, 1);
}

TEST_P(StoreTest, RefusesUnknownAndRevokedAgents) {
  const std::string agent = AddAgent("a");
  const auto records = Records(agent, 1);
  EXPECT_EQ(Append("nobody", records).error().code, Code::kNotFound);
  ASSERT_TRUE(store_->RevokeAgent(agent, "lost", At(5)));
  ASSERT_TRUE(store_->RevokeAgent(agent, "again", At(6)));
  EXPECT_EQ(Append(agent, records).error().code, Code::kPermissionDenied);
  EXPECT_EQ(store_->GetAgent(agent)->revoke_reason, "lost");
  EXPECT_THAT(*store_->RevokedAgents(), ElementsAre(agent));
}

TEST_P(StoreTest, KeepsAcknowledgedRecordsByteForByte) {
  const std::string agent = AddAgent("a");
  const auto records = Records(agent, 2);
  ASSERT_TRUE(Append(agent, records));
  Open();
  const auto logged = store_->ReadLog(0, 10);
  ASSERT_EQ(logged->size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ((*logged)[i].record.SerializeAsString(),
              records[i].SerializeAsString());
  }
}

TEST_P(StoreTest, ReadsTheChainAcrossTheIndexMark) {
  const std::string a = AddAgent("a");
  const std::string b = AddAgent("b");
  ASSERT_TRUE(Append(a, Records(a, 2)));
  ASSERT_TRUE(Append(b, Records(b, 2)));
  IndexAll();
  ASSERT_TRUE(Append(a, Records(a, 2)));
  EXPECT_THAT(Chain(a), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Chain(b), ElementsAre(1, 2));
}

TEST_P(StoreTest, IndexesOnceThoughTwoTry) {
  const std::string agent = AddAgent("a");
  ASSERT_TRUE(Append(agent, Records(agent, 1)));
  IndexBatch batch;
  batch.from_row = 0;
  batch.to_row = 1;
  batch.events = {Indexed(store_->ReadLog(0, 1)->at(0), "p", "")};
  batch.alerts = {AlertWith("k")};
  EXPECT_EQ(store_->WriteIndex(batch)->size(), 1U);
  EXPECT_EQ(store_->WriteIndex(batch).error().code, Code::kAborted);
  EXPECT_EQ(store_->ListAlerts({}, {})->rows.size(), 1U);
}

TEST_P(StoreTest, ListsEventsByFilterAndPage) {
  const std::string a = AddAgent("a");
  const std::string b = AddAgent("b");
  ASSERT_TRUE(Append(a, Records(a, 3)));
  IndexAll("tanaka", "::S1");
  ASSERT_TRUE(Append(b, Records(b, 2)));
  IndexAll("suzuki", "::S2");

  EventFilter filter;
  filter.person = "tanaka";
  EXPECT_EQ(store_->ListEvents(filter, {})->rows.size(), 3U);
  filter = {};
  filter.device_id = "::S2";
  EXPECT_EQ(store_->ListEvents(filter, {})->rows.size(), 2U);
  filter = {};
  filter.terminal = "a";
  filter.kinds = {event::v1::EVENT_KIND_TRANSFER};
  EXPECT_EQ(store_->ListEvents(filter, {})->rows.size(), 3U);
  filter.kinds = {event::v1::EVENT_KIND_TAMPER};
  EXPECT_TRUE(store_->ListEvents(filter, {})->rows.empty());

  std::vector<int64_t> rows;
  Paging paging{2, ""};
  do {
    const auto page = store_->ListEvents({}, paging);
    ASSERT_TRUE(page);
    for (const Event& event : page->rows) {
      rows.push_back(event.row_id);
    }
    paging.token = page->next_token;
  } while (!paging.token.empty());
  EXPECT_THAT(rows, ElementsAre(5, 4, 3, 2, 1));

  filter = {};
  filter.after_row_id = 3;
  rows.clear();
  const auto after = store_->ListEvents(filter, {});
  for (const Event& event : after->rows) {
    rows.push_back(event.row_id);
  }
  EXPECT_THAT(rows, ElementsAre(4, 5));
  EXPECT_EQ(store_->ListEvents({}, {2, "x"}).error().code,
            Code::kInvalidArgument);
}

TEST_P(StoreTest, ATerminalThatEnrolsAgainEndsItsOldAgent) {
  const std::string before = AddAgent("a");
  const std::string after = AddAgent("a");
  EXPECT_EQ(store_->GetAgent(before)->state, AgentState::kRevoked);
  EXPECT_EQ(store_->GetAgent(after)->state, AgentState::kEnrolled);
}

TEST_P(StoreTest, KnowsAnAgentOnlyByItsOwnCertificate) {
  const std::string agent = AddAgent("a");
  const std::string other = AddAgent("b");
  ASSERT_TRUE(store_->AddCertificate({agent, "aa", "", At(100)}, At(1)));
  ASSERT_TRUE(store_->AddCertificate({other, "bb", "", At(100)}, At(1)));
  EXPECT_EQ(store_->FindAgent(agent, "aa")->terminal, "a");
  EXPECT_EQ(store_->FindAgent(agent, "bb").error().code, Code::kNotFound);
}

TEST_P(StoreTest, UsesATokenOnce) {
  StoredToken token;
  token.hash[0] = std::byte{1};
  token.hostname = "host";
  token.expire_time = At(100);
  ASSERT_TRUE(store_->AddToken(token));
  const auto use = [&](const char* host, int64_t at) {
    const auto used = store_->UseToken(token.hash, host, "agent", At(at));
    return used ? Code::kOk : used.error().code;
  };
  EXPECT_EQ(store_->UseToken({}, "host", "agent", At(1)).error().code,
            Code::kNotFound);
  EXPECT_EQ(use("other", 1), Code::kPermissionDenied);
  EXPECT_EQ(use("host", 100), Code::kDeadlineExceeded);
  EXPECT_EQ(use("host", 99), Code::kOk);
  EXPECT_EQ(use("host", 99), Code::kAlreadyExists);
}

TEST_P(StoreTest, PolicyVersionsRise) {
  const auto seal = [](int64_t version) {
    return "sealed " + std::to_string(version);
  };
  PolicyVersion policy;
  policy.text = "one";
  EXPECT_EQ(*store_->AddPolicy(policy, seal), 1);
  policy.text = "two";
  EXPECT_EQ(*store_->AddPolicy(policy, seal), 2);
  EXPECT_EQ(*store_->NewestEnvelope("policy"), "sealed 2");
  EXPECT_EQ(store_->GetPolicy(1)->text, "one");
  const auto versions = store_->ListPolicies({});
  ASSERT_EQ(versions->rows.size(), 2U);
  EXPECT_EQ(versions->rows[0].version, 2);
  EXPECT_EQ(store_->NewestEnvelope("devices").error().code, Code::kNotFound);
}

TEST_P(StoreTest, EnvelopesOfATypeHaveVersionsOfTheirOwn) {
  const auto seal = [](int64_t version) {
    return "sealed " + std::to_string(version);
  };
  EXPECT_EQ(*store_->AddPolicy({}, seal), 1);
  EXPECT_EQ(*store_->AddEnvelope("upgrade", seal), 1);
  EXPECT_EQ(*store_->AddEnvelope("upgrade", seal), 2);
  EXPECT_EQ(*store_->NewestEnvelope("upgrade"), "sealed 2");
  EXPECT_EQ(*store_->NewestEnvelope("policy"), "sealed 1");
  const auto versions = store_->EnvelopeVersions();
  ASSERT_TRUE(versions);
  for (const auto& [type, version] : *versions) {
    EXPECT_EQ(version, type == "upgrade" ? 2 : 1) << type;
  }
}

TEST_P(StoreTest, ApprovalsEndAndAreTakenBack) {
  size_t listed = 0;
  const auto seal = [&](int64_t, const std::vector<ApprovedDevice>& all) {
    listed = all.size();
    return std::string("sealed");
  };
  Approval approval;
  approval.device_id = "0951:1666:A";
  approval.access = "inspect";
  approval.expire_time = At(50);
  EXPECT_EQ(*store_->ChangeApproval(approval, "tanaka", At(1), seal), 1);
  EXPECT_EQ(listed, 1U);
  approval.device_id = "0951:1666:B";
  approval.expire_time.reset();
  EXPECT_EQ(*store_->ChangeApproval(approval, "tanaka", At(60), seal), 2);
  EXPECT_EQ(listed, 1U);  // the first has ended

  DeviceFilter filter;
  filter.state = DeviceState::kApproved;
  EXPECT_EQ(store_->ListDevices(filter, {}, At(40))->rows.size(), 2U);
  EXPECT_EQ(store_->ListDevices(filter, {}, At(60))->rows.size(), 1U);

  approval.access.clear();
  EXPECT_EQ(*store_->ChangeApproval(approval, "tanaka", At(61), seal), 3);
  EXPECT_EQ(
      store_->ChangeApproval(approval, "tanaka", At(62), seal).error().code,
      Code::kNotFound);
}

TEST_P(StoreTest, AGrantIsInTheListUntilItsEventIsIndexed) {
  const std::string agent = AddAgent("a");
  TransferGrant grant;
  grant.alert_id = 3;
  grant.agent_id = agent;
  grant.person = "operator";
  grant.device_id = "::S1";
  grant.file_hash = std::string("\0hash", 5);
  grant.persons = 60;
  grant.types = "address,phone";
  grant.create_time = At(10);
  grant.end_time = At(100);
  std::vector<TransferGrant> listed;
  std::vector<RequestAnswer> answered;
  const auto put = [&](const Store::GrantChange& change, WallTime now) {
    return store_->PutGrant(
        change, now,
        [&](int64_t version, const std::vector<TransferGrant>& running,
            const std::vector<RequestAnswer>& answers) {
          listed = running;
          answered = answers;
          return "list " + std::to_string(version);
        });
  };
  const RequestAnswer answer{.alert_id = 3,
                             .event_id = std::string(16, '\0'),
                             .approved = true,
                             .answer_time = At(10)};
  auto stored = put({.grant = grant, .answer = answer}, At(10));
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->id, 1);
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].file_hash, grant.file_hash);
  EXPECT_EQ(listed[0].terminal, "a");
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].event_id, answer.event_id);
  EXPECT_EQ(store_->NewestEnvelope("grant").value(), "list 1");

  ASSERT_TRUE(put({.grant = {}, .answer = {}}, At(99)));
  EXPECT_EQ(listed.size(), 1U);
  ASSERT_TRUE(put({.grant = {}, .answer = {}}, At(100)));
  EXPECT_TRUE(listed.empty()) << "its time is over";
  ASSERT_TRUE(put({}, At(10) + std::chrono::hours(24)));
  EXPECT_TRUE(answered.empty()) << "told for a day";

  // Another agent's word uses nothing up.
  const std::string other = AddAgent("b");
  for (const std::string& from : {other, agent}) {
    ASSERT_TRUE(Append(from, Records(from, 1)));
    const auto mark = store_->IndexMark();
    const auto logged = store_->ReadLog(*mark, 10);
    IndexBatch batch;
    batch.from_row = *mark;
    batch.to_row = logged->back().row_id;
    batch.events.push_back(Indexed(logged->back(), "operator", "::S1"));
    batch.events.back().grant_id = 1;
    ASSERT_TRUE(store_->WriteIndex(batch));
    const auto rows = store_->ListGrants(WhichGrants::kRunning, {}).value();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].used_event_row_id,
              from == agent ? logged->back().row_id : 0);
  }
  ASSERT_TRUE(put({}, At(20)));
  EXPECT_TRUE(listed.empty()) << "it was used";
  auto used = store_->ListGrants(WhichGrants::kRunning, {}).value()[0];
  EXPECT_STREQ(StateOf(used), "used");
  used.over_time = At(21);
  ASSERT_TRUE(put({.grant = used, .answer = {}}, At(21)));
  EXPECT_TRUE(store_->ListGrants(WhichGrants::kRunning, {})->empty());
  EXPECT_EQ(store_->ListGrants(WhichGrants::kAll, {})->size(), 1U);
}

TEST_P(StoreTest, TheRegisterOfPeopleIsSealedAsItIs) {
  std::vector<RegisteredPerson> sealed;
  const auto put = [&](const PeopleChange& change) {
    return store_->PutPeople(
        change, At(7),
        [&](int64_t version, const std::vector<RegisteredPerson>& people) {
          sealed = people;
          return "people " + std::to_string(version);
        });
  };
  const auto person = [](const std::string& id) {
    RegisteredPerson one;
    one.id = id;
    one.name = "N";
    one.contract_end = At(1000);
    one.accounts = "maint";
    return one;
  };
  PeopleChange all;
  all.all = {person("a"), person("b")};
  EXPECT_EQ(put(all).value(), 1);
  PeopleChange pin;
  pin.id = "b";
  pin.pin_verifier = "$v";
  EXPECT_EQ(put(pin).value(), 2);
  PeopleChange totp;
  totp.id = "b";
  totp.totp_secret = std::string("\0\xff", 2);
  EXPECT_EQ(put(totp).value(), 3);
  ASSERT_EQ(sealed.size(), 2U);
  EXPECT_EQ(sealed[1].pin_verifier, "$v");
  EXPECT_EQ(sealed[1].totp_secret, std::string("\0\xff", 2));
  EXPECT_EQ(sealed[1].contract_end, At(1000));
  // Another import: b keeps what he has, a is removed, c is new.
  all.all = {person("b"), person("c")};
  (*all.all)[0].contract_end.reset();
  EXPECT_EQ(put(all).value(), 4);
  ASSERT_EQ(sealed.size(), 2U);
  EXPECT_EQ(sealed[0].id, "b");
  EXPECT_EQ(sealed[0].pin_verifier, "$v");
  EXPECT_FALSE(sealed[0].contract_end);
  EXPECT_EQ(store_->FindPerson("a").value()->remove_time, At(7));
  EXPECT_FALSE(store_->FindPerson("x").value());
  PeopleChange gone;
  gone.id = "b";
  gone.remove = true;
  ASSERT_TRUE(put(gone));
  EXPECT_EQ(put(gone).error().code, Code::kNotFound);
  EXPECT_EQ(put(pin).error().code, Code::kNotFound);
  EXPECT_EQ(sealed.size(), 1U);
  const auto rows = store_->AllPeople().value();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1].pin_verifier, "");
  EXPECT_EQ(rows[1].totp_secret, "");
  // Only the newest list is kept: it holds secrets.
  EXPECT_EQ(store_->NewestEnvelope("people").value(), "people 5");
  EXPECT_FALSE(store_->EnvelopeOf("people", 3));
  (void)put(all);
  EXPECT_EQ(sealed[0].pin_verifier, "") << "back without his PIN";
}

TEST_P(StoreTest, TheNextEnvelopeIsMadeFromTheNewest) {
  const auto add = [&](const std::string& what) {
    return store_->ChangeEnvelope(
        "data_sets",
        [&](const std::string& newest, int64_t version) -> Result<std::string> {
          if (what == "no") return Fail(Code::kInvalidArgument, "no");
          return newest + std::to_string(version) + what;
        });
  };
  EXPECT_EQ(add("a").value(), 1);
  EXPECT_EQ(add("b").value(), 2);
  EXPECT_EQ(add("no").error().code, Code::kInvalidArgument);
  EXPECT_EQ(add("c").value(), 3);
  EXPECT_EQ(store_->NewestEnvelope("data_sets").value(), "1a2b3c");
  EXPECT_FALSE(store_->EnvelopeOf("data_sets", 2))
      << "large, and not asked for";
}

TEST_P(StoreTest, FindsEventsByFileContentAndDataOwner) {
  const std::string agent = AddAgent("a");
  ASSERT_TRUE(Append(agent, Records(agent, 4)));
  const auto logged = store_->ReadLog(0, 10).value();
  const std::string content(64, 'a');
  IndexBatch batch;
  batch.to_row = 4;
  const char* names[] = {"/E/顧客 List_1.CSV", "/E/顧客.zip", "/E/100%.csv",
                         ""};
  for (size_t i = 0; i < 4; ++i) {
    IndexedEvent row = Indexed(logged[i], "op01", "::S1");
    row.file_name = FileNameOf(names[i]);
    if (i != 1) row.file_hash = i == 3 ? std::string(64, 'b') : content;
    if (i == 0) row.data_owners = {"public:city", "shop"};
    if (i == 2) row.data_owners = {"shop"};
    batch.events.push_back(row);
  }
  ASSERT_TRUE(store_->WriteIndex(batch));
  const auto rows = [&](const EventFilter& filter) {
    std::vector<int64_t> ids;
    Paging paging{1, ""};
    do {
      const auto page = store_->ListEvents(filter, paging);
      EXPECT_TRUE(page) << page.error().message;
      if (!page) break;
      for (const Event& event : page->rows) ids.push_back(event.row_id);
      paging.token = page->next_token;
    } while (!paging.token.empty());
    return ids;
  };
  const auto named = [&](const char* file) {
    EventFilter filter;
    filter.file = file;
    return rows(filter);
  };
  EXPECT_THAT(named("顧客 list_1.csv"), ElementsAre(1));
  EXPECT_THAT(named("顧客*"), ElementsAre(2, 1));
  EXPECT_THAT(named("*.csv"), ElementsAre(3, 1));
  EXPECT_THAT(named("*LIST*.csv"), ElementsAre(1));
  EXPECT_THAT(named("100%*"), ElementsAre(3));
  EXPECT_THAT(named("*0%.csv"), ElementsAre(3));
  EXPECT_THAT(named("*t_1*"), ElementsAre(1));
  EXPECT_THAT(named("*0_.csv"), testing::IsEmpty());
  EXPECT_THAT(named("顧客"), testing::IsEmpty());
  EventFilter filter;
  filter.file_hash = content;
  EXPECT_THAT(rows(filter), ElementsAre(3, 1));
  filter = {};
  filter.data_owner = "shop";
  EXPECT_THAT(rows(filter), ElementsAre(3, 1));
  filter.data_owner = "public:city";
  EXPECT_THAT(rows(filter), ElementsAre(1));
  filter.person = "nobody";
  EXPECT_THAT(rows(filter), testing::IsEmpty());
}

TEST_P(StoreTest, PagesDevicesNewestFirst) {
  const std::string agent = AddAgent("a");
  ASSERT_TRUE(Append(agent, Records(agent, 1)));
  IndexBatch batch;
  batch.to_row = 1;
  for (int i = 0; i < 5; ++i) {
    DeviceSeen seen;
    seen.device_id = "d" + std::to_string(i);
    seen.time = At(i / 2);
    batch.devices.push_back(seen);
  }
  ASSERT_TRUE(store_->WriteIndex(batch));
  std::vector<std::string> ids;
  Paging paging{2, ""};
  do {
    const auto page = store_->ListDevices({}, paging, At(0));
    ASSERT_TRUE(page);
    for (const Device& device : page->rows) {
      ids.push_back(device.device_id);
    }
    paging.token = page->next_token;
  } while (!paging.token.empty());
  EXPECT_THAT(ids, ElementsAre("d4", "d2", "d3", "d0", "d1"));
}

TEST_P(StoreTest, WhatComesAgainIsTheAlertThatIsOpenOrTheNext) {
  NewAlert again = AlertWith("copy:a");
  again.again_once_closed = true;
  ASSERT_TRUE(store_->AddAlert(AlertWith("copy:ab")).value());
  const auto first = store_->AddAlert(again).value();
  ASSERT_TRUE(first);
  EXPECT_FALSE(store_->AddAlert(again).value());
  AlertChange close;
  close.alert_id = *first;
  close.state = AlertState::kClosed;
  close.verdict = "benign";
  ASSERT_TRUE(store_->UpdateAlert(close, "mori", At(5)));
  const auto second = store_->AddAlert(again).value();
  ASSERT_TRUE(second);
  EXPECT_FALSE(store_->AddAlert(again).value());
  close.alert_id = *second;
  ASSERT_TRUE(store_->UpdateAlert(close, "mori", At(6)));
  EXPECT_TRUE(store_->AddAlert(again).value());
  EXPECT_FALSE(store_->AddAlert(again).value());
}

TEST_P(StoreTest, AnAlertIsOneByItsKey) {
  const auto id = store_->AddAlert(AlertWith("k"));
  ASSERT_TRUE(id && *id);
  EXPECT_EQ(*store_->AddAlert(AlertWith("k")), std::nullopt);
  ASSERT_TRUE(store_->ResolveAlert(**id, At(9)));
  EXPECT_EQ(store_->ListAlerts({}, {})->rows[0].resolve_time, At(9));
  AlertFilter filter;
  filter.only_unresolved = true;
  EXPECT_TRUE(store_->ListAlerts(filter, {})->rows.empty());
}

TEST_P(StoreTest, AlertsAreClosedWithAVerdictAndStayClosed) {
  const int64_t id = **store_->AddAlert(AlertWith("k"));
  AlertChange change;
  change.alert_id = id;
  change.state = AlertState::kClosed;
  EXPECT_EQ(store_->UpdateAlert(change, "a", At(2)).error().code,
            Code::kFailedPrecondition);
  change.verdict = "benign";
  change.comment = "a test";
  ASSERT_TRUE(store_->UpdateAlert(change, "a", At(3)));
  EXPECT_EQ(store_->UpdateAlert(change, "a", At(4)).error().code,
            Code::kFailedPrecondition);
  const Alert alert = store_->ListAlerts({}, {})->rows[0];
  EXPECT_EQ(alert.state, AlertState::kClosed);
  ASSERT_EQ(alert.comments.size(), 1U);
  EXPECT_EQ(alert.comments[0].text, "a test");
  change.alert_id = id + 1;
  EXPECT_EQ(store_->UpdateAlert(change, "a", At(4)).error().code,
            Code::kNotFound);
}

TEST_P(StoreTest, SessionsEndByTimeByIdlenessAndByPassword) {
  ASSERT_TRUE(store_->PutUser({"u", Role::kAdmin, ""}, At(0)));
  StoredSession session;
  session.hash[0] = std::byte{1};
  session.user = "u";
  session.use_time = At(0);
  session.expire_time = At(100);
  session.must_set_password = true;
  ASSERT_TRUE(store_->AddSession(session));
  StoredSession other = session;
  other.hash[0] = std::byte{2};
  ASSERT_TRUE(store_->AddSession(other));
  EXPECT_EQ(store_->FindSession(session.hash, At(1), At(0))->roles,
            Roles(Role::kAdmin));
  EXPECT_EQ(store_->FindSession(session.hash, At(100), At(0)).error().code,
            Code::kUnauthenticated);
  EXPECT_EQ(store_->FindSession(session.hash, At(50), At(20)).error().code,
            Code::kUnauthenticated);
  ASSERT_TRUE(store_->SetPassword("u", "hash", session.hash));
  EXPECT_FALSE(
      store_->FindSession(session.hash, At(1), At(0))->must_set_password);
  EXPECT_FALSE(store_->FindSession(other.hash, At(1), At(0)));
  EXPECT_EQ((*store_->FindUser("u"))->password_hash, "hash");
}

TEST_P(StoreTest, AnIdentityIsOneUsersForEver) {
  const ProviderIdentity tanaka{"https://id", "s-1"};
  const ProviderIdentity other{"https://id", "s-2"};
  const auto bind = [&](const ProviderIdentity& identity, const char* user,
                        std::optional<Roles> roles = {}) {
    const Status bound = store_->BindUser(identity, user, roles, {}, At(1));
    return bound ? Code::kOk : bound.error().code;
  };
  EXPECT_EQ(*store_->FindUserOf(tanaka), std::nullopt);
  EXPECT_EQ(bind(tanaka, "tanaka"), Code::kNotFound);
  ASSERT_TRUE(store_->PutUser({"tanaka", Role::kAnalyst, ""}, At(0)));
  EXPECT_EQ(bind(tanaka, "tanaka"), Code::kOk);
  EXPECT_EQ(*store_->FindUserOf(tanaka), "tanaka");
  EXPECT_EQ(*store_->FindUserOf(other), std::nullopt);
  EXPECT_EQ(*store_->FindUserOf({"https://other", "s-1"}), std::nullopt);
  EXPECT_EQ((*store_->FindUser("tanaka"))->identity, tanaka);
  EXPECT_EQ(store_->ListUsers()->front().identity, tanaka);
  // Nobody else is he, and he is nobody else.
  EXPECT_EQ(bind(other, "tanaka"), Code::kFailedPrecondition);
  EXPECT_EQ(bind(tanaka, "tanaka"), Code::kFailedPrecondition);
  ASSERT_TRUE(store_->PutUser({"sato", Role::kViewer, ""}, At(0)));
  EXPECT_EQ(bind(tanaka, "sato"), Code::kAlreadyExists);
  // A password and a disabled user are not the provider's to give.
  ASSERT_TRUE(store_->PutUser({"sato", Role::kViewer, "hash"}, At(0)));
  EXPECT_EQ(bind(other, "sato"), Code::kFailedPrecondition);
  ASSERT_TRUE(store_->PutUser({"kato", Role::kAdmin, ""}, At(0)));
  ASSERT_TRUE(store_->SetDisabled("tanaka", At(2)));
  ASSERT_TRUE(store_->PutUser({"mori", Role::kViewer, ""}, At(0)));
  ASSERT_TRUE(store_->SetDisabled("mori", At(2)));
  EXPECT_EQ(bind(other, "mori"), Code::kNotFound);
}

TEST_P(StoreTest, AUserIsMadeWithHisIdentityOrNotAtAll) {
  const ProviderIdentity first{"https://id", "s-1"};
  const ProviderIdentity second{"https://id", "s-2"};
  ASSERT_TRUE(store_->BindUser(first, "mori", Roles(Role::kViewer), {}, At(5)));
  EXPECT_EQ((*store_->FindUser("mori"))->roles, Roles(Role::kViewer));
  EXPECT_EQ((*store_->FindUser("mori"))->create_time, At(5));
  // Another of the same name changes nothing of him.
  EXPECT_FALSE(
      store_->BindUser(second, "mori", Roles(Role::kAdmin), {}, At(6)));
  EXPECT_EQ((*store_->FindUser("mori"))->roles, Roles(Role::kViewer));
  EXPECT_EQ((*store_->FindUser("mori"))->identity, first);
  // Whose identity is taken is not made.
  EXPECT_FALSE(store_->BindUser(first, "ueda", Roles(Role::kAdmin), {}, At(6)));
  EXPECT_EQ(*store_->FindUser("ueda"), std::nullopt);
}

TEST_P(StoreTest, WhoIsReleasedHasNoWayInButTheNextIdentity) {
  const ProviderIdentity first{"https://id", "s-1"};
  const ProviderIdentity second{"https://id", "s-2"};
  ASSERT_TRUE(store_->PutUser({"sato", Role::kViewer, "hash"}, At(0)));
  StoredSession session;
  session.user = "sato";
  session.use_time = At(0);
  session.expire_time = At(100);
  ASSERT_TRUE(store_->AddSession(session));
  ASSERT_TRUE(store_->AddLoginCode(SecretHash{}, "sato", At(10)));
  ASSERT_TRUE(store_->BeginTotp("sato", "secret"));
  ASSERT_TRUE(store_->ConfirmTotp("sato", 1, {SecretHash{}}));
  ASSERT_TRUE(store_->ReleaseUser("sato"));
  EXPECT_TRUE((*store_->FindUser("sato"))->password_hash.empty());
  EXPECT_FALSE((*store_->FindUser("sato"))->has_totp);
  EXPECT_FALSE(store_->FindSession(session.hash, At(1), At(0)));
  EXPECT_FALSE(store_->FindLoginCode(SecretHash{}, At(1)));
  ASSERT_TRUE(store_->BindUser(first, "sato", {}, {}, At(2)));
  // Of whom the provider made another account.
  ASSERT_TRUE(store_->ReleaseUser("sato"));
  EXPECT_EQ(*store_->FindUserOf(first), std::nullopt);
  EXPECT_TRUE(store_->BindUser(second, "sato", {}, {}, At(3)));
  EXPECT_EQ(store_->ReleaseUser("nobody").error().code, Code::kNotFound);
}

TEST_P(StoreTest, ASessionKnowsWhatItCameThrough) {
  ASSERT_TRUE(store_->PutUser({"u", Role::kAdmin, ""}, At(0)));
  StoredSession session;
  session.user = "u";
  session.use_time = At(0);
  session.expire_time = At(100);
  session.issuer = "https://id";
  session.second_factor = true;
  ASSERT_TRUE(store_->AddSession(session));
  const auto found = store_->FindSession(session.hash, At(1), At(0));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->issuer, "https://id");
  EXPECT_TRUE(found->second_factor);
  EXPECT_EQ(store_->ListSessions("u", At(1), At(0))->front().issuer,
            "https://id");
}

TEST_P(StoreTest, UsesALoginCodeOnce) {
  ASSERT_TRUE(store_->PutUser({"u", Role::kAdmin, ""}, At(0)));
  SecretHash hash{};
  ASSERT_TRUE(store_->AddLoginCode(hash, "u", At(10)));
  EXPECT_EQ(*store_->UseLoginCode(hash, At(9)), "u");
  EXPECT_FALSE(store_->UseLoginCode(hash, At(9)));
  ASSERT_TRUE(store_->AddLoginCode(hash, "u", At(10)));
  EXPECT_FALSE(store_->UseLoginCode(hash, At(10)));
}

TEST_P(StoreTest, AuditIsNewestFirst) {
  for (int i = 0; i < 3; ++i) {
    AuditEntry entry;
    entry.time = At(i);
    entry.action = "a" + std::to_string(i);
    ASSERT_TRUE(store_->AddAudit(entry));
  }
  const auto page = store_->ListAudit({}, {2, ""});
  ASSERT_EQ(page->rows.size(), 2U);
  EXPECT_EQ(page->rows[0].action, "a2");
  EXPECT_EQ(store_->ListAudit({}, {2, page->next_token})->rows[0].action, "a0");
}

TEST_P(StoreTest, KeepsTheLatestHeartbeat) {
  const std::string agent = AddAgent("a");
  AgentHeartbeat heartbeat;
  heartbeat.agent_id = agent;
  heartbeat.time = At(7);
  heartbeat.mode = "enforce";
  heartbeat.head.sequence = 9;
  store_->PutHeartbeat(heartbeat);
  ASSERT_TRUE(store_->AddAudit({}));  // behind it in the queue
  const auto seen = store_->GetAgent(agent);
  EXPECT_EQ(seen->mode, "enforce");
  EXPECT_EQ(seen->head_sequence, 9);
  EXPECT_EQ(seen->last_seen_time, At(7));
}

TEST_P(StoreTest, ACertificateInUseRetiresThoseBeforeIt) {
  const std::string agent = AddAgent("a");
  const std::string other = AddAgent("b");
  ASSERT_TRUE(store_->AddCertificate({agent, "a1", "k1", At(100)}, At(1)));
  ASSERT_TRUE(store_->AddCertificate({agent, "a2", "k2", At(200)}, At(50)));
  ASSERT_TRUE(store_->AddCertificate({agent, "a3", "k3", At(200)}, At(60)));
  ASSERT_TRUE(store_->AddCertificate({other, "b1", "k4", At(100)}, At(1)));
  EXPECT_EQ(
      store_->AddCertificate({other, "b2", "k1", At(100)}, At(1)).error().code,
      Code::kAlreadyExists);
  EXPECT_FALSE(store_->FindAgent(agent, "a1")->used_before);
  ASSERT_TRUE(store_->UseCertificate("a2", At(70)));
  EXPECT_TRUE(store_->FindAgent(agent, "a2")->used_before);
  EXPECT_TRUE(store_->FindAgent(agent, "a1")->retired);
  EXPECT_FALSE(store_->FindAgent(agent, "a2")->retired);
  EXPECT_FALSE(store_->FindAgent(agent, "a3")->retired);
  EXPECT_FALSE(store_->FindAgent(other, "b1")->retired);
  EXPECT_EQ(store_->GetAgent(agent)->certificate_not_after, At(200));
}

TEST_P(StoreTest, ARenewalIsAskedForApprovedAndUsedOnce) {
  const std::string agent = AddAgent("a");
  ASSERT_TRUE(store_->AddCertificate({agent, "a1", "k1", At(100)}, At(1)));
  const auto found = [&](const std::string& serial, const std::string& key) {
    return *store_->FindRenewal(agent, serial, key, At(0));
  };
  EXPECT_EQ(store_->FindRenewal(agent, "zz", "k2", At(0)).error().code,
            Code::kNotFound);
  EXPECT_TRUE(found("a1", "k2").key_is_new);
  EXPECT_FALSE(found("a1", "k1").key_is_new);
  EXPECT_EQ(found("a1", "k2").issued_count, 1);
  EXPECT_EQ(store_->ApproveRenewal(agent, "tanaka", At(110)).error().code,
            Code::kFailedPrecondition);
  EXPECT_TRUE(*store_->AskRenewal(agent, "a1", At(110)));
  EXPECT_FALSE(*store_->AskRenewal(agent, "a1", At(111)));
  EXPECT_EQ(store_->GetAgent(agent)->renewal, RenewalState::kAsked);
  ASSERT_TRUE(store_->ApproveRenewal(agent, "tanaka", At(120)));
  EXPECT_EQ(store_->GetAgent(agent)->renewal, RenewalState::kApproved);
  EXPECT_EQ(found("a1", "k2").approve_time, At(120));
  // Asked for again with the same certificate, it stays approved.
  EXPECT_FALSE(*store_->AskRenewal(agent, "a1", At(121)));
  EXPECT_EQ(found("a1", "k2").approve_time, At(120));
  ASSERT_TRUE(store_->AddCertificate({agent, "a2", "k2", At(300)}, At(130)));
  EXPECT_EQ(store_->GetAgent(agent)->renewal, RenewalState::kNone);
  EXPECT_FALSE(found("a1", "k3").approve_time);
  // What was approved for one certificate is not for another.
  EXPECT_TRUE(*store_->AskRenewal(agent, "a1", At(140)));
  ASSERT_TRUE(store_->ApproveRenewal(agent, "tanaka", At(141)));
  EXPECT_TRUE(*store_->AskRenewal(agent, "a2", At(142)));
  EXPECT_FALSE(found("a2", "k3").approve_time);
}

TEST_P(StoreTest, FindsCertificatesNearTheirEnd) {
  const std::string renewed = AddAgent("a");
  const std::string late = AddAgent("b");
  const std::string revoked = AddAgent("c");
  for (const std::string& agent : {renewed, late, revoked}) {
    ASSERT_TRUE(store_->AddCertificate({agent, agent, agent, At(600)}, At(0)));
  }
  ASSERT_TRUE(store_->AddCertificate({renewed, "n", "n", At(1000)}, At(400)));
  ASSERT_TRUE(store_->RevokeAgent(revoked, "", At(5)));
  EXPECT_TRUE(store_->ExpiringCertificates(At(499))->empty());
  const auto near = store_->ExpiringCertificates(At(501));
  ASSERT_EQ(near->size(), 1U);
  EXPECT_EQ((*near)[0].agent_id, late);
  EXPECT_EQ((*near)[0].not_after, At(600));
  EXPECT_EQ(store_->ExpiringCertificates(At(2000))->size(), 2U);
}

TEST_P(StoreTest, EveryEventIsALeafOfTheLogInTheOrderOfItsCommit) {
  const std::string a = AddAgent("a");
  const std::string b = AddAgent("b");
  EXPECT_EQ(*store_->LogHead(), merkle::EmptyHead());
  ASSERT_TRUE(Append(a, Records(a, 200)));
  const merkle::Head early = *store_->LogHead();
  EXPECT_EQ(early.size, 200);
  ASSERT_TRUE(Append(b, Records(b, 300)));
  Open();  // the tree is taken up from its tiles
  ASSERT_TRUE(Append(a, Records(a, 150)));
  const merkle::Head head = *store_->LogHead();
  EXPECT_EQ(head.size, 650);
  EXPECT_EQ(*store_->LogHeadAt(200), early);

  IndexAll();
  Chain(a);
  Chain(b);
  std::ranges::sort(leaves_, {}, [](const auto& leaf) { return leaf.first; });
  merkle::Growing tree;
  std::vector<int64_t> numbers;
  for (const auto& [index, hash] : leaves_) {
    EXPECT_EQ(index, tree.size());
    tree.Append(hash);
    numbers.push_back(index);
  }
  EXPECT_EQ(tree.head(), head);
  numbers.push_back(650);
  const auto proofs = store_->ProveInclusion(numbers, 650);
  ASSERT_TRUE(proofs);
  ASSERT_EQ(proofs->size(), 651U);
  EXPECT_TRUE(proofs->back().empty());
  for (const auto& [index, hash] : leaves_) {
    EXPECT_TRUE(merkle::VerifyInclusion(hash, index, head,
                                        (*proofs)[static_cast<size_t>(index)]));
  }
  EXPECT_TRUE(merkle::VerifyConsistency(early, head,
                                        *store_->ProveConsistency(200, 650)));
}

TEST_P(StoreTest, WhatWasNotCommittedIsNoLeaf) {
  const std::string a = AddAgent("a");
  ASSERT_TRUE(Append(a, Records(a, 2)));
  const merkle::Head head = *store_->LogHead();
  auto records = Records(a, 3);
  records[2].set_prev_hash(std::string(32, 'x'));
  EXPECT_FALSE(Append(a, records));
  EXPECT_EQ(*store_->LogHead(), head);
  heads_[a] = *store_->HeadOf(a);
  ASSERT_TRUE(Append(a, Records(a, 1)));
  EXPECT_EQ(store_->LogHead()->size, 3);
  const merkle::Head after = *store_->LogHead();
  Open();
  EXPECT_EQ(*store_->LogHead(), after);
}

INSTANTIATE_TEST_SUITE_P(Engines, StoreTest, EveryEngine(), NameOf);

}  // namespace
}  // namespace sekisho::store
