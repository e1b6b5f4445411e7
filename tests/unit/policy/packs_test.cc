#include "policy/packs.h"

#include <gtest/gtest.h>

#include "policy/evaluator.h"
#include "policy/lint.h"
#include "policy/parser.h"

namespace sekisho::policy {
namespace {

std::shared_ptr<const Snapshot> LoadPack(std::string_view name,
                                         std::vector<DeviceEntry> rows = {}) {
  auto policy = ParsePolicy(PackText(name), name);
  EXPECT_TRUE(policy) << policy.error().message;
  return Snapshot::Make(policy.value_or(Policy{}), std::move(rows), 1);
}

DeviceFacts DeviceWith(std::vector<UsbInterface> interfaces) {
  DeviceFacts device;
  device.vendor_id = "0951";
  device.product_id = "1666";
  device.serial = "AA00";
  device.interfaces = std::move(interfaces);
  return device;
}

Access AccessOf(const Snapshot& snapshot, const DeviceFacts& device,
                std::string origin = "console") {
  PersonFacts person;
  person.person = "operator";
  person.origin = std::move(origin);
  return snapshot.DecideDevice(device, person, {}, WallTime{}).access;
}

ContentDecision Judge(const Snapshot& snapshot, int64_t persons,
                      std::map<std::string, int64_t> data = {},
                      Inspection inspection = Inspection::kFull) {
  ContentFacts content;
  content.persons = persons;
  content.data = std::move(data);
  content.inspection = inspection;
  return snapshot.DecideContent(content);
}

DeviceEntry ApprovedRow() {
  DeviceEntry row;
  row.list = "approvals";
  row.vendor_id = "0951";
  row.product_id = "1666";
  row.serial = "AA00";
  row.access = Access::kInspect;
  return row;
}

const DeviceFacts kStick = DeviceWith({{0x08, 0x06, 0x50}});

TEST(Packs, EachParsesUnderItsNameWithoutWarning) {
  EXPECT_EQ(PackNames().size(), 5U);
  for (const std::string_view name : PackNames()) {
    const auto policy = ParsePolicy(PackText(name), name);
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->name, name);
    for (const Problem& warning : Lint(*policy, name)) {
      ADD_FAILURE() << Format(warning);
    }
  }
  EXPECT_EQ(PackText("no-such-pack"), "");
}

TEST(Packs, NotifyTextsComeInEnglishAndJapanese) {
  for (const std::string_view name : PackNames()) {
    const auto policy = ParsePolicy(PackText(name), name);
    ASSERT_TRUE(policy);
    const auto complete = [](const std::map<std::string, std::string>& texts) {
      return texts.empty() || (texts.contains("en") && texts.contains("ja"));
    };
    EXPECT_TRUE(complete(policy->contact)) << name;
    for (const auto& rule : policy->devices) {
      EXPECT_TRUE(complete(rule.notify)) << name << ": " << rule.id;
    }
    for (const auto& rule : policy->content) {
      EXPECT_TRUE(complete(rule.notify)) << name << ": " << rule.id;
    }
  }
}

TEST(Packs, EnforcingPacksKeepKeyboardHubAndCardReader) {
  for (const char* name :
       {"appi", "gdpr", "call-center-maintenance", "lockdown"}) {
    const auto snapshot = LoadPack(name);
    EXPECT_EQ(snapshot->policy().mode, Mode::kEnforce);
    EXPECT_EQ(AccessOf(*snapshot, DeviceWith({{0x03, 0x01, 0x01}})),
              Access::kFull);
    EXPECT_EQ(AccessOf(*snapshot, DeviceWith({{0x09, 0x00, 0x01}})),
              Access::kFull);
    EXPECT_EQ(AccessOf(*snapshot, DeviceWith({{0x0b, 0x00, 0x00}})),
              Access::kFull);
    EXPECT_EQ(AccessOf(*snapshot, kStick), Access::kBlock);
    EXPECT_EQ(AccessOf(*snapshot,
                       DeviceWith({{0x03, 0x01, 0x01}, {0x08, 0x06, 0x50}})),
              Access::kBlock);
  }
}

TEST(Packs, ObserveRefusesNothing) {
  const Policy policy = ObservePolicy();
  EXPECT_EQ(policy.mode, Mode::kObserve);
  const auto snapshot = Snapshot::Make(policy, {}, 0);
  EXPECT_EQ(AccessOf(*snapshot, kStick), Access::kInspect);
  EXPECT_EQ(AccessOf(*snapshot, DeviceWith({{0x03, 0x01, 0x01}})),
            Access::kAudit);
  EXPECT_EQ(Judge(*snapshot, 20).verdict, Verdict::kAllow);
  EXPECT_EQ(Judge(*snapshot, 21).verdict, Verdict::kAlert);
  EXPECT_EQ(Judge(*snapshot, 0, {}, Inspection::kNone).verdict,
            Verdict::kAllow);
}

TEST(Packs, AppiAsksForApprovalAboveTwentyPeopleAndAtOneForSpecialCare) {
  const auto snapshot = LoadPack("appi", {ApprovedRow()});
  EXPECT_EQ(AccessOf(*snapshot, kStick), Access::kInspect);
  EXPECT_EQ(Judge(*snapshot, 20).verdict, Verdict::kAllow);
  EXPECT_EQ(Judge(*snapshot, 21).rule, "too-many-people");
  EXPECT_EQ(Judge(*snapshot, 21).verdict, Verdict::kBlock);
  for (const char* type : {"my_number", "credit_card", "health_record"}) {
    EXPECT_EQ(Judge(*snapshot, 1, {{type, 1}}).rule, "special-care-data");
  }
  for (const Inspection state : {Inspection::kPartial, Inspection::kNone}) {
    EXPECT_EQ(Judge(*snapshot, 0, {}, state).rule, "uninspected");
    EXPECT_EQ(Judge(*snapshot, 0, {}, state).verdict, Verdict::kBlock);
  }
}

TEST(Packs, AppiLetsNobodyApproveWhatWouldBeReportableByNumber) {
  const auto snapshot = LoadPack("appi");
  EXPECT_EQ(Judge(*snapshot, 100, {{"my_number", 100}}).rule,
            "special-care-data");
  EXPECT_EQ(Judge(*snapshot, 101, {{"my_number", 101}}).rule,
            "reportable-my-number");
  EXPECT_EQ(Judge(*snapshot, 1000).rule, "too-many-people");
  EXPECT_EQ(Judge(*snapshot, 1001).rule, "reportable-number");
  ContentFacts content;
  content.inspection = Inspection::kFull;
  content.persons = 101;
  content.data_owners = {"company", "public:city-office"};
  EXPECT_EQ(snapshot->DecideContent(content).rule, "reportable-public-body");
  content.data_owners = {"company"};
  EXPECT_EQ(snapshot->DecideContent(content).rule, "too-many-people");
}

TEST(Packs, AppiHasAnEndByMediumFilesAndBytes) {
  const auto snapshot = LoadPack("appi");
  const auto judge = [&](TotalOf of, TotalBy by, int64_t sum, int64_t persons) {
    ContentFacts content;
    content.inspection = Inspection::kFull;
    content.persons = persons;
    for (const TotalKey& key : snapshot->totals()) {
      content.totals[key] = key.of == of && key.by == by ? sum : 0;
    }
    return snapshot->DecideContent(content).rule;
  };
  EXPECT_EQ(judge(TotalOf::kPersons, TotalBy::kDevice, 200, 1), "default");
  EXPECT_EQ(judge(TotalOf::kPersons, TotalBy::kDevice, 201, 1),
            "many-people-on-one-medium");
  // A file without people is never stopped for the people before it.
  EXPECT_EQ(judge(TotalOf::kPersons, TotalBy::kPerson, 101, 0), "default");
  EXPECT_EQ(judge(TotalOf::kFiles, TotalBy::kPerson, 20'000, 0), "default");
  EXPECT_EQ(judge(TotalOf::kFiles, TotalBy::kPerson, 20'001, 0),
            "too-many-files");
  EXPECT_EQ(judge(TotalOf::kBytes, TotalBy::kPerson, 32'000'000'001, 0),
            "too-many-bytes");
}

TEST(Packs, GdprStopsSpecialCategoriesListsAndTheSlowDrip) {
  const auto snapshot = LoadPack("gdpr", {ApprovedRow()});
  EXPECT_EQ(AccessOf(*snapshot, kStick), Access::kInspect);
  EXPECT_EQ(Judge(*snapshot, 1, {{"health_record", 1}}).rule,
            "special-categories");
  EXPECT_EQ(Judge(*snapshot, 20).verdict, Verdict::kAlert);
  EXPECT_EQ(Judge(*snapshot, 21).verdict, Verdict::kBlock);
  EXPECT_EQ(Judge(*snapshot, 0).verdict, Verdict::kAllow);
}

// Whatever is split into small files adds up.
TEST(Packs, BudgetsStopWhatIsSplitIntoSmallFiles) {
  const struct {
    const char* pack;
    int64_t persons, day, month, terminal;  // the last that may pass
  } table[] = {{"appi", 10, 40, 100, 300},
               {"gdpr", 10, 40, 100, 300},
               {"call-center-maintenance", 5, 10, 20, 50}};
  constexpr int kMonthHours = 30 * 24;
  for (const auto& row : table) {
    SCOPED_TRACE(row.pack);
    const auto snapshot = LoadPack(row.pack, {ApprovedRow()});
    const struct {
      TotalKey key;
      int64_t last;
      const char* rule;
    } budgets[] = {
        {{TotalOf::kPersons, TotalBy::kPerson, 24}, row.day, "slow-drip-day"},
        {{TotalOf::kPersons, TotalBy::kPerson, kMonthHours},
         row.month,
         "slow-drip"},
        {{TotalOf::kPersons, TotalBy::kTerminal, kMonthHours},
         row.terminal,
         "slow-drip-terminal"}};
    for (const auto& budget : budgets) {
      ContentFacts content;
      content.inspection = Inspection::kFull;
      content.persons = row.persons;
      for (const TotalKey& key : snapshot->totals()) content.totals[key] = 0;
      ASSERT_TRUE(content.totals.contains(budget.key)) << budget.rule;
      content.totals[budget.key] = budget.last;
      EXPECT_NE(snapshot->DecideContent(content).verdict, Verdict::kBlock);
      content.totals[budget.key] = budget.last + 1;
      EXPECT_EQ(snapshot->DecideContent(content).verdict, Verdict::kBlock);
      EXPECT_EQ(snapshot->DecideContent(content).rule, budget.rule);
      content.persons = 0;  // nobody's data, however much went before
      EXPECT_EQ(snapshot->DecideContent(content).rule, "default");
    }
  }
}

TEST(Packs, CallCenterWantsApprovedEncryptedMediaAndNobodyFromRemote) {
  const auto snapshot = LoadPack("call-center-maintenance", {ApprovedRow()});
  EXPECT_TRUE(snapshot->DecideDevice(kStick, {}, {}, WallTime{}).needs_probe);
  DeviceFacts stick = kStick;
  stick.medium.emplace();
  stick.medium->encryption = "none";
  EXPECT_EQ(AccessOf(*snapshot, stick), Access::kBlock);
  stick.medium->encryption = "luks";
  EXPECT_EQ(AccessOf(*snapshot, stick), Access::kInspect);
  EXPECT_EQ(AccessOf(*snapshot, stick, "ssh"), Access::kBlock);
  EXPECT_EQ(Judge(*snapshot, 0).verdict, Verdict::kAllow);
  EXPECT_EQ(Judge(*snapshot, 5).verdict, Verdict::kAlert);
  EXPECT_EQ(Judge(*snapshot, 6).verdict, Verdict::kBlock);
}

TEST(Packs, LockdownTakesNoMediumEvenIfApproved) {
  const auto snapshot = LoadPack("lockdown", {ApprovedRow()});
  EXPECT_EQ(AccessOf(*snapshot, kStick), Access::kBlock);
  EXPECT_EQ(Judge(*snapshot, 0).verdict, Verdict::kBlock);
}

}  // namespace
}  // namespace sekisho::policy
