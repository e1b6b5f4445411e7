// The register, coverage and inquiries through the desk, and what a signed
// answer is worth offline.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/inquiry_document.h"
#include "server/core/inquiry.h"
#include "tests/support/demo_world.h"

namespace sekisho::core {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Caller kSuzuki{"suzuki", core::Roles::All(), "console", ""};
const Caller kTanaka{"tanaka", Role::kAnalyst, "console", ""};

InquiryWish Ask(const std::string& owner) {
  InquiryWish wish;
  wish.owner = owner;
  wish.from = demo::kDemoNow - hours(12);
  wish.to = demo::kDemoNow - minutes(5);
  wish.reason = "client X asks, case 12";
  return wish;
}

// ---- one transfer against what is asked ----

store::Event Transfer(event::v1::Outcome outcome, int64_t persons) {
  store::Event event;
  auto& open = event.public_part;
  open.set_kind(event::v1::EVENT_KIND_TRANSFER);
  open.set_outcome(outcome);
  open.set_person_count(persons);
  open.set_inspection(event::v1::INSPECTION_FULL);
  open.set_file_hash(std::string(32, '\x11'));
  event.device_id = "d";
  event.personal_part.set_person("p");
  return event;
}

std::string Shown(const Fit& fit) {
  std::string text = fit.is == Fit::Is::kThis    ? "this"
                     : fit.is == Fit::Is::kOther ? "other"
                                                 : "unclear";
  text += fit.left ? " left" : " stopped";
  for (const std::string& why : fit.why) text += " " + why;
  return text;
}

TEST(Inquiry, HoldsEachTransferAgainstWhatIsAsked) {
  struct Case {
    const char* what;
    std::function<void(store::Event&)> change;
    InquiryWish wish;
    const char* expected;
  };
  const auto none = [](store::Event&) {};
  const auto owner = [](const char* name) {
    return [name](store::Event& e) { e.public_part.set_data_owner(name); };
  };
  InquiryWish by_owner, by_person, by_device, by_hash, by_both;
  by_owner.owner = "X";
  by_person.person = "p";
  by_device.device_id = "d";
  by_hash.file_hash = ToHex(AsBytes(std::string(32, '\x11')));
  by_both = by_owner;
  by_both.person = "p";
  const Case table[] = {
      {"its owner", owner("X"), by_owner, "this left"},
      {"another owner", owner("Y"), by_owner, "unclear left owner_unknown"},
      {"two owners",
       [](store::Event& e) {
         e.public_part.set_data_owner("Y");
         e.public_part.add_data_owners()->set_owner("Y");
         auto* second = e.public_part.add_data_owners();
         second->set_owner("X");
         second->set_person_count(2);
       },
       by_owner, "this left"},
      {"no owner", none, by_owner, "unclear left owner_unknown"},
      {"no people", [](store::Event& e) { e.public_part.set_person_count(0); },
       by_owner, "other left"},
      {"not looked into, another owner",
       [](store::Event& e) {
         e.public_part.set_data_owner("Y");
         e.public_part.set_inspection(event::v1::INSPECTION_PARTIAL);
       },
       by_owner, "unclear left not_inspected"},
      {"not looked into, no people",
       [](store::Event& e) {
         e.public_part.set_person_count(0);
         e.public_part.set_inspection(event::v1::INSPECTION_NONE);
       },
       by_owner, "unclear left not_inspected"},
      {"a value nobody knows is not looked into",
       [](store::Event& e) {
         e.public_part.set_inspection(event::v1::INSPECTION_UNSPECIFIED);
       },
       by_owner, "unclear left not_inspected"},
      {"stopped",
       [](store::Event& e) {
         e.public_part.set_data_owner("X");
         e.public_part.set_outcome(event::v1::OUTCOME_BLOCKED);
       },
       by_owner, "this stopped"},
      {"stopped when some were written",
       [](store::Event& e) {
         e.public_part.set_data_owner("X");
         e.public_part.set_outcome(event::v1::OUTCOME_BLOCKED);
         e.public_part.set_persons_written_count(3);
       },
       by_owner, "this left"},
      {"would have been stopped",
       [](store::Event& e) {
         e.public_part.set_data_owner("X");
         e.public_part.set_outcome(event::v1::OUTCOME_BLOCKED);
         e.public_part.set_observe_only(true);
       },
       by_owner, "this left"},
      {"his", none, by_person, "this left"},
      {"of somebody else",
       [](store::Event& e) { e.personal_part.set_person("q"); }, by_person,
       "other left"},
      {"of nobody known",
       [](store::Event& e) { e.personal_part.set_person("unknown"); },
       by_person, "unclear left person_unknown"},
      {"erased", [](store::Event& e) { e.personal_part.Clear(); }, by_person,
       "unclear left person_unknown"},
      {"this stick", none, by_device, "this left"},
      {"another", [](store::Event& e) { e.device_id = "e"; }, by_device,
       "other left"},
      {"no device", [](store::Event& e) { e.device_id = ""; }, by_device,
       "unclear left device_unknown"},
      {"this file", none, by_hash, "this left"},
      {"this file without people",
       [](store::Event& e) { e.public_part.set_person_count(0); }, by_hash,
       "this left"},
      {"no hash", [](store::Event& e) { e.public_part.clear_file_hash(); },
       by_hash, "unclear left hash_unknown"},
      {"his, owner unknown", none, by_both, "unclear left owner_unknown"},
      {"of somebody else, owner unknown",
       [](store::Event& e) { e.personal_part.set_person("q"); }, by_both,
       "other left"},
  };
  for (const Case& one : table) {
    store::Event event = Transfer(event::v1::OUTCOME_ALLOWED, 5);
    one.change(event);
    EXPECT_EQ(Shown(FitOf(event, one.wish, {})), one.expected) << one.what;
  }
}

std::string Hashes(uint64_t first, uint64_t last) {
  std::string out;
  for (uint64_t i = first; i < last; ++i) {
    std::array<std::byte, 8> bytes{};
    PutU64(bytes.data(), i << 40U);
    out += AsText(bytes);
  }
  return out;
}

// Of a hundred people, numbers 1 to 100.
policy::DataSet ListOfX() {
  std::vector<uint64_t> hashes;
  for (uint64_t i = 1; i <= 100; ++i) hashes.push_back(i << 40U);
  auto list = policy::DataSet::Make({.id = "customers",
                                     .owner = "x",
                                     .key_id = "0123456789abcdef",
                                     .persons = 100,
                                     .made_seconds = 1,
                                     .kinds = {"name_phone"}},
                                    hashes, size_t{1} << 20);
  CHECK(list.has_value());
  return *std::move(list);
}

TEST(Inquiry, KnowsAnOwnersPeopleAgainInCopiesFromBeforeTheListWas) {
  InquiryWish wish;
  wish.owner = "x";
  const policy::DataSet list = ListOfX();
  const auto fit = [&](uint64_t first, uint64_t last, const char* kind) {
    store::Event event = Transfer(event::v1::OUTCOME_ALLOWED,
                                  static_cast<int64_t>(last - first));
    for (const char* each : {"row", kind}) {
      auto& sketch = *event.personal_part.add_sketches();
      sketch.set_kind(each);
      sketch.set_keyed_hashes(Hashes(first, last));
      sketch.set_person_count(static_cast<int64_t>(last - first));
    }
    return FitOf(event, wish, {&list, 1});
  };
  const Fit his = fit(10, 60, "name_phone");
  EXPECT_EQ(Shown(his), "this left");
  EXPECT_EQ(his.owner_persons, 50);
  EXPECT_EQ(Shown(fit(500, 560, "name_phone")), "other left");
  // Known by what the list does not have.
  EXPECT_EQ(Shown(fit(500, 560, "email")), "unclear left owner_unknown");
  // Nobody's hashes are left to look at.
  const store::Event erased = Transfer(event::v1::OUTCOME_ALLOWED, 50);
  EXPECT_EQ(Shown(FitOf(erased, wish, {&list, 1})),
            "unclear left owner_unknown");
}

TEST(Inquiry, KnowsMediaWithoutInspectionAndBreaches) {
  store::Event event;
  event.public_part.set_kind(event::v1::EVENT_KIND_MEDIUM_MOUNTED);
  event.public_part.set_outcome(event::v1::OUTCOME_ALLOWED);
  event.public_part.set_access("inspect");
  EXPECT_FALSE(IsOpenMedium(event));
  event.public_part.set_access("full");
  EXPECT_TRUE(IsOpenMedium(event));
  event.public_part.set_kind(event::v1::EVENT_KIND_DEVICE_PLUGGED);
  EXPECT_FALSE(IsOpenMedium(event)) << "a keyboard";
  event.public_part.mutable_device()->add_interfaces()->set_class_code(8);
  EXPECT_TRUE(IsOpenMedium(event));
  event.public_part.set_outcome(event::v1::OUTCOME_BLOCKED);
  EXPECT_FALSE(IsOpenMedium(event));
  event.public_part.set_kind(event::v1::EVENT_KIND_TAMPER);
  EXPECT_FALSE(IsBreach(event));
  event.public_part.set_rule("witness");
  EXPECT_TRUE(IsBreach(event));
}

// ---- through the desk ----

class ReportDeskTest : public ::testing::Test {
 protected:
  std::vector<store::Agent> Agents() {
    return world_.store().AllAgents().value();
  }
  // Heard all the time, the day long.
  void CoverAll() {
    for (const store::Agent& agent : Agents()) {
      EXPECT_TRUE(world_.store().AddCoverSpan(
          agent.agent_id, store::Cover::kCovered, demo::kDemoNow - hours(13),
          demo::kDemoNow + hours(1)));
    }
  }
  void Register() {
    std::string csv = "name,site\n";
    for (const store::Agent& agent : Agents()) {
      csv += agent.terminal + ",Osaka\n";
    }
    const auto done = world_.desk().ImportRegister(kSuzuki, csv);
    ASSERT_TRUE(done && done->done);
  }
  json Document(const Inquiry& inquiry) {
    EXPECT_THAT(
        cli::CheckInquiry(inquiry.document, world_.checkpoints().verifier()),
        IsEmpty());
    return cli::ReadInquiry(inquiry.document).value();
  }
  Inquiry Run(const InquiryWish& wish) {
    auto inquiry = world_.desk().RunInquiry(kTanaka, wish);
    EXPECT_TRUE(inquiry) << inquiry.error().message;
    return inquiry.value_or(Inquiry());
  }
  std::vector<std::string> Causes(const json& document) {
    std::vector<std::string> causes;
    for (const json& cause : document["causes"]) {
      causes.push_back(cause["cause"]);
      EXPECT_FALSE(cause["text"].get<std::string>().empty()) << cause;
    }
    return causes;
  }
  // A time of the day in which nothing happened.
  InquiryWish Quiet(const std::string& owner) {
    InquiryWish wish = Ask(owner);
    wish.from = demo::kDemoNow - minutes(500);
    wish.to = demo::kDemoNow - minutes(400);
    return wish;
  }

  demo::DemoWorld world_;
};

TEST_F(ReportDeskTest, NotFoundNeedsEverythingToBeKnown) {
  Register();
  CoverAll();
  // Copies that arrive later than the time asked for are of another time.
  const Inquiry inquiry = Run(Quiet("Client X"));
  const json document = Document(inquiry);
  EXPECT_EQ(inquiry.answer, "not_found") << document["causes"];
  EXPECT_THAT(Causes(document), IsEmpty());
  EXPECT_EQ(document["coverage"]["uncovered_seconds"], 0);
  EXPECT_EQ(document["coverage"]["terminals"], 4);
}

TEST_F(ReportDeskTest, WithoutARegisterNobodyCanSay) {
  CoverAll();
  const Inquiry inquiry = Run(Quiet("Client X"));
  EXPECT_EQ(inquiry.answer, "cannot_say");
  EXPECT_THAT(Causes(Document(inquiry)), ElementsAre("no_register"));
}

TEST_F(ReportDeskTest, ATerminalThatWasNeverSeenIsUncovered) {
  Register();
  CoverAll();
  std::string csv = "name,site\nmaint-ghost,Kobe\n";
  for (const store::Agent& agent : Agents()) {
    csv += agent.terminal + ",Osaka\n";
  }
  ASSERT_TRUE(world_.desk().ImportRegister(kSuzuki, csv)->done);
  const json document = Document(Run(Quiet("Client X")));
  EXPECT_EQ(document["answer"], "cannot_say");
  ASSERT_EQ(document["coverage"]["spans"].size(), 1U);
  EXPECT_EQ(document["coverage"]["spans"][0]["terminal"], "maint-ghost");
  EXPECT_EQ(document["coverage"]["spans"][0]["state"], "no_agent");
  EXPECT_EQ(document["coverage"]["spans"][0]["site"], "Kobe");
  EXPECT_EQ(document["coverage"]["spans"][0]["seconds"], 100 * 60);
}

TEST_F(ReportDeskTest, ACopyWithoutAnOwnerMayBeAnybodys) {
  Register();
  CoverAll();
  const Inquiry inquiry = Run(Ask("Client X"));
  const json document = Document(inquiry);
  EXPECT_EQ(inquiry.answer, "cannot_say");
  EXPECT_THAT(Causes(document), testing::Contains("owner_unknown"));
  ASSERT_EQ(document["unclear"]["rows"].size(), 1U)
      << "the one that was let through; the stopped one did not leave";
  EXPECT_EQ(document["unclear"]["rows"][0]["persons"], 15);
  EXPECT_EQ(document["unclear"]["rows"][0]["terminal"], "maint-tokyo-02");
}

TEST_F(ReportDeskTest, SilentAndObservingHoursAreListed) {
  Register();
  const json document = Document(Run(Ask("Client X")));
  EXPECT_EQ(document["answer"], "cannot_say");
  EXPECT_THAT(Causes(document), testing::Contains("uncovered"));
  EXPECT_GT(document["coverage"]["uncovered_seconds"], 0);
}

TEST_F(ReportDeskTest, FoundIsFoundAndSaysWhatElseIsNotKnown) {
  InquiryWish wish = Ask("");
  wish.person = "op02 (mori)";
  const Inquiry inquiry = Run(wish);
  const json document = Document(inquiry);
  EXPECT_EQ(inquiry.answer, "found");
  ASSERT_EQ(document["found"]["rows"].size(), 1U);
  const json& row = document["found"]["rows"][0];
  EXPECT_EQ(row["persons_written"], 15);
  EXPECT_EQ(row["file"], "/home/op02/点検対象15件.csv");
  EXPECT_EQ(row["verdict"], "allow");
  EXPECT_THAT(Causes(document), testing::Contains("uncovered"));
}

TEST_F(ReportDeskTest, StoppedCopiesDidNotLeave) {
  Register();
  CoverAll();
  InquiryWish wish = Ask("");
  wish.person = "op01 (yamada)";
  const json document = Document(Run(wish));
  EXPECT_EQ(document["found"]["count"], 0);
  ASSERT_EQ(document["stopped"]["rows"].size(), 1U);
  EXPECT_EQ(document["stopped"]["rows"][0]["verdict"], "block");
  EXPECT_THAT(document["stopped"]["rows"][0]["file"].get<std::string>(),
              Not(HasSubstr("\n")));
}

TEST_F(ReportDeskTest, WhatIsNotOverIsNotAnswered) {
  Register();
  CoverAll();
  InquiryWish wish = Quiet("Client X");
  wish.to = demo::kDemoNow + hours(1);
  EXPECT_THAT(Causes(Document(Run(wish))), testing::Contains("not_over"));
  wish.from = demo::kDemoNow + minutes(30);
  EXPECT_EQ(Run(wish).answer, "cannot_say");
}

TEST_F(ReportDeskTest, EventsThatAreStillAtATerminalAreNotKnown) {
  Register();
  CoverAll();
  store::AgentHeartbeat beat;
  beat.agent_id = Agents()[0].agent_id;
  beat.time = demo::kDemoNow;
  beat.mode = "enforce";
  beat.gate_state = "full";
  beat.head = world_.store().HeadOf(beat.agent_id).value();
  ++beat.head.sequence;
  world_.store().PutHeartbeat(beat);
  // Not waited for; what is written after it is.
  ASSERT_TRUE(world_.store().ResolveAlert(0, demo::kDemoNow));
  EXPECT_THAT(Causes(Document(Run(Quiet("Client X")))),
              ElementsAre("events_outstanding"));
}

TEST_F(ReportDeskTest, ABrokenChainIsACause) {
  Register();
  CoverAll();
  store::NewAlert fork;
  fork.key = "chain_fork:x";
  fork.alert.kind = "chain_fork";
  fork.alert.severity = "critical";
  fork.alert.create_time = demo::kDemoNow - minutes(450);
  ASSERT_TRUE(world_.store().AddAlert(fork));
  EXPECT_THAT(Causes(Document(Run(Quiet("Client X")))),
              ElementsAre("chain_broken"));
}

TEST_F(ReportDeskTest, AskingNeedsAReasonAndSomethingToAskFor) {
  InquiryWish wish = Ask("X");
  wish.reason = "";
  EXPECT_EQ(world_.desk().RunInquiry(kTanaka, wish).error().code,
            Code::kInvalidArgument);
  wish = Ask("");
  EXPECT_EQ(world_.desk().RunInquiry(kTanaka, wish).error().code,
            Code::kInvalidArgument);
  wish = Ask("X\nY");
  EXPECT_EQ(world_.desk().RunInquiry(kTanaka, wish).error().code,
            Code::kInvalidArgument);
  wish = Ask("X");
  wish.file_hash = "AB";
  EXPECT_EQ(world_.desk().RunInquiry(kTanaka, wish).error().code,
            Code::kInvalidArgument);
  wish = Ask("X");
  wish.to = wish.from;
  EXPECT_EQ(world_.desk().RunInquiry(kTanaka, wish).error().code,
            Code::kInvalidArgument);
}

TEST_F(ReportDeskTest, EachRunAndEachLookIsWrittenDown) {
  const Inquiry inquiry = Run(Ask("Client X"));
  const auto read = world_.desk().GetInquiry(kSuzuki, inquiry.id);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->document, inquiry.document) << "signed once";
  EXPECT_EQ(world_.desk().GetInquiry(kSuzuki, 999).error().code,
            Code::kNotFound);
  const auto page = world_.desk().ListInquiries(kTanaka, {}).value();
  ASSERT_EQ(page.rows.size(), 1U);
  EXPECT_EQ(page.rows[0].reason, "client X asks, case 12");
  EXPECT_EQ(page.rows[0].user, "tanaka");
  EXPECT_EQ(page.rows[0].document, "");
  const auto audit =
      world_.store().AuditOf("inquiry " + std::to_string(inquiry.id)).value();
  ASSERT_EQ(audit.size(), 2U);
  EXPECT_EQ(audit[0].action, "report.read");
  EXPECT_EQ(audit[1].action, "report.inquiry");
  EXPECT_EQ(audit[1].user, "tanaka");
  EXPECT_THAT(audit[1].detail, HasSubstr("client X asks, case 12"));
}

// ---- offline ----

// Every value of the document changed, one at a time: the signature does not
// hold; signed again by another key, it does not either.
void ChangeEach(json& whole, json& at, const std::function<void()>& tried) {
  if (at.is_structured()) {
    for (auto& [key, value] : at.items()) ChangeEach(whole, value, tried);
    return;
  }
  const json was = at;
  at = was.is_number()   ? json(was.get<int64_t>() + 1)
       : was.is_string() ? json(was.get<std::string>() + "x")
                         : json("x");
  tried();
  at = was;
}

std::string Spelled(const json& document) {
  return std::string(kInquiryForm) + "\n" +
         document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

TEST_F(ReportDeskTest, EachChangeOfAnAnswerIsSeen) {
  InquiryWish wish = Ask("");
  wish.person = "op02 (mori)";
  const Inquiry inquiry = Run(wish);
  json document = Document(inquiry);
  const std::string& note = inquiry.document;
  const std::string signature = note.substr(note.rfind("\n\n") + 1);
  const merkle::Signer other = merkle::NewSigner();
  int changed = 0;
  ChangeEach(document, document, [&] {
    ++changed;
    EXPECT_THAT(cli::CheckInquiry(Spelled(document) + signature,
                                  world_.checkpoints().verifier()),
                Not(IsEmpty()));
    EXPECT_THAT(cli::CheckInquiry(merkle::SignNote(Spelled(document), other),
                                  world_.checkpoints().verifier()),
                Not(IsEmpty()));
  });
  EXPECT_GT(changed, 40);
  EXPECT_THAT(cli::CheckInquiry(note, other.verifier), Not(IsEmpty()));
  EXPECT_THAT(cli::CheckInquiry(note.substr(0, note.size() / 2),
                                world_.checkpoints().verifier()),
              Not(IsEmpty()));
}

// A server that signs what does not follow from what it lists is caught too.
TEST_F(ReportDeskTest, AnAnswerThatDoesNotFollowIsSeenAlthoughItIsSigned) {
  Register();
  CoverAll();
  const Inquiry inquiry = Run(Ask("Client X"));
  const json good = Document(inquiry);
  const auto check = [&](const std::function<void(json&)>& change) {
    json document = good;
    change(document);
    return cli::CheckInquiry(world_.checkpoints().SignNote(Spelled(document)),
                             world_.checkpoints().verifier());
  };
  EXPECT_THAT(check([](json&) {}), IsEmpty());
  EXPECT_THAT(check([](json& d) { d["answer"] = "not_found"; }),
              ElementsAre(HasSubstr("gives 'cannot_say'")));
  EXPECT_THAT(check([](json& d) {
                d["answer"] = "not_found";
                d["causes"] = json::array();
              }),
              Not(IsEmpty()));
  EXPECT_THAT(check([](json& d) { d["coverage"]["covered_seconds"] = 1; }),
              Not(IsEmpty()));
  EXPECT_THAT(check([](json& d) {
                d["coverage"]["seconds_by_state"]["silent"] = 60;
                d["coverage"]["uncovered_seconds"] = 60;
              }),
              Not(IsEmpty()))
      << "no span says where";
  EXPECT_THAT(check([](json& d) { d["log_size"] = 1; }), Not(IsEmpty()));
  EXPECT_THAT(check([](json& d) { d["unclear"]["rows"][0]["leaf"] = 0; }),
              Not(IsEmpty()));
  EXPECT_THAT(check([](json& d) {
                d["unclear"]["rows"][0]["hash"] = std::string(64, '0');
              }),
              Not(IsEmpty()));
  EXPECT_THAT(check([](json& d) { d["unclear"]["rows"] = json::array(); }),
              Not(IsEmpty()));
  EXPECT_THAT(check([](json& d) { d["found"]["count"] = 2; }), Not(IsEmpty()));
}

TEST_F(ReportDeskTest, ThePageHasNoMarkupOfAFilesName) {
  InquiryWish wish = Ask("");
  wish.person = "op01 (yamada)";
  const json document = Document(Run(wish));
  const std::string page = cli::InquiryHtml(document);
  EXPECT_THAT(page, HasSubstr("&lt;svg onload"));
  EXPECT_THAT(page, Not(HasSubstr("<svg")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page,
              HasSubstr("root " + document["log_root"].get<std::string>()));
  EXPECT_THAT(cli::InquiryText(document), HasSubstr("CANNOT SAY"));
}

// ---- register ----

TEST_F(ReportDeskTest, OnlyAnAdminImportsAndOnlyWhatIsWhole) {
  const std::string csv = "name,site\nmaint-osaka-07,Osaka\n";
  EXPECT_EQ(world_.desk().ImportRegister(kTanaka, csv).error().code,
            Code::kPermissionDenied);
  const auto preview = world_.desk().PreviewRegister(kTanaka, csv);
  ASSERT_TRUE(preview);
  EXPECT_THAT(preview->diff.added, ElementsAre("maint-osaka-07"));
  EXPECT_EQ(world_.store().RegisterVersion().value(), 0);
  const auto bad = world_.desk().ImportRegister(kSuzuki, csv + "a b,c\n");
  ASSERT_TRUE(bad);
  EXPECT_FALSE(bad->done);
  EXPECT_EQ(bad->problems.size(), 1U);
  EXPECT_EQ(world_.store().RegisterVersion().value(), 0);
  ASSERT_TRUE(world_.desk().ImportRegister(kSuzuki, csv)->done);
  EXPECT_EQ(world_.store().RegisterVersion().value(), 1);
  std::vector<std::string> results;
  const auto audit = world_.store().AuditOf("terminal register").value();
  for (const AuditEntry& entry : audit) {
    results.push_back(entry.result + "|" + entry.detail);
  }
  EXPECT_THAT(results,
              ElementsAre("ok|1 added, 0 changed, 0 removed, 0 as before",
                          "the file has 1 problems|", HasSubstr("admin")));
}

TEST_F(ReportDeskTest, ListsTerminalsWithTheirCoveragePageByPage) {
  ASSERT_TRUE(world_.desk()
                  .ImportRegister(
                      kSuzuki, "name,site\nmaint-osaka-07,Osaka\nzz-9,Kobe\n")
                  ->done);
  CoverAll();
  std::vector<std::string> names;
  Paging paging;
  paging.size = 2;
  for (int page_no = 0; page_no < 5; ++page_no) {
    const auto page = world_.desk().ListTerminals(kTanaka, 1, paging).value();
    for (const TerminalRow& row : page.rows) {
      names.push_back(row.cover.terminal +
                      (row.registered.name.empty() ? " unregistered"
                                                   : " at " + row.cover.site) +
                      (row.has_agent ? "" : " without agent"));
      EXPECT_FALSE(row.cover.parts.empty());
    }
    if (page.next_token.empty()) break;
    paging.token = page.next_token;
  }
  EXPECT_THAT(
      names,
      ElementsAre("maint-fukuoka-03 unregistered",
                  "maint-nagoya-11 unregistered", "maint-osaka-07 at Osaka",
                  "maint-tokyo-02 unregistered", "zz-9 at Kobe without agent"));
  EXPECT_FALSE(world_.desk().ListTerminals(kTanaka, 93, {}));
}

}  // namespace
}  // namespace sekisho::core
