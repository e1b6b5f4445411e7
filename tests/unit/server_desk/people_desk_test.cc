// The register of people through the desk: imported, given proofs, removed, and
// what is signed for the terminals of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/envelope.h"
#include "policy/people_list.h"
#include "policy/person_proof.h"
#include "server/auth/totp.h"
#include "tests/support/demo_world.h"

namespace sekisho::core {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Caller kSuzuki{"suzuki", core::Roles::All(), "console", ""};

PeopleFile File(const std::string& text) {
  PeopleFile file;
  file.text = text;
  return file;
}

class PeopleDeskTest : public ::testing::Test {
 protected:
  // What terminals get.
  std::vector<policy::ListedPerson> Signed() {
    const auto sealed = world_.store().NewestEnvelope("people");
    EXPECT_TRUE(sealed) << sealed.error().message;
    const auto envelope = policy::ParseEnvelope(sealed.value_or(""));
    EXPECT_TRUE(envelope);
    return policy::ParsePeople(envelope->body).value();
  }
  std::vector<AuditEntry> Audit() {
    return world_.desk().ListAudit(kSuzuki, {"", "people."}, {})->rows;
  }
  void Import(const std::string& text) {
    const auto done = world_.desk().ImportPeople(kSuzuki, File(text));
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_TRUE(done->done);
  }

  demo::DemoWorld world_;
};

TEST_F(PeopleDeskTest, APreviewChangesNothingAndAnImportReplacesThemAll) {
  Desk& desk = world_.desk();
  const auto file = File(
      "id,name,employer,accounts,contract_end\nyamada,Yamada,X,maint,"
      "2027-03-31\nsato,Sato,X,*,\n");
  const auto preview = desk.PreviewPeople(kSuzuki, file);
  ASSERT_TRUE(preview);
  EXPECT_FALSE(preview->done);
  EXPECT_THAT(preview->diff.added, ElementsAre("sato", "yamada"));
  EXPECT_FALSE(world_.store().NewestEnvelope("people"));
  ASSERT_TRUE(desk.ImportPeople(kSuzuki, file)->done);
  const auto list = Signed();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[1].id, "yamada");
  EXPECT_EQ(list[1].until_seconds, 1'806'537'600);
  EXPECT_THAT(list[1].accounts, ElementsAre("maint"));
  Import("id,accounts\nyamada,maint\n");
  EXPECT_EQ(Signed().size(), 1U);
  const auto all = desk.ListPeople(kSuzuki, "", {})->rows;
  ASSERT_EQ(all.size(), 2U) << "who was removed stays in sight";
  EXPECT_TRUE(all[0].remove_time);
  EXPECT_FALSE(all[1].remove_time);
  const auto bad = desk.ImportPeople(kSuzuki, File("id\na b\n"));
  ASSERT_TRUE(bad);
  EXPECT_FALSE(bad->done);
  EXPECT_EQ(bad->problems.size(), 1U);
  EXPECT_EQ(Signed().size(), 1U);
  const auto audit = Audit();
  ASSERT_EQ(audit.size(), 3U);
  EXPECT_THAT(audit[0].result, HasSubstr("1 problems"));
  EXPECT_THAT(audit[1].detail, HasSubstr("1 removed"));
}

TEST_F(PeopleDeskTest, ProofsAreShownOnceAndInNoLog) {
  Desk& desk = world_.desk();
  Import("id,accounts\nyamada,maint\n");
  const auto pin = desk.MakePin(kSuzuki, "yamada");
  ASSERT_TRUE(pin) << pin.error().message;
  const auto totp = desk.MakePersonTotp(kSuzuki, "yamada");
  ASSERT_TRUE(totp);
  EXPECT_THAT(totp->uri, testing::StartsWith("otpauth://totp/Sekisho:yamada?"));
  const auto list = Signed();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_TRUE(policy::IsPinOf(list[0].pin_verifier, pin->pin));
  EXPECT_EQ(auth::ToBase32(list[0].totp_secret), totp->text);
  // What the terminal makes of the secret is what the server's own codes are.
  for (int64_t step = 0; step < 2000; ++step) {
    ASSERT_EQ(policy::TotpCodeAt(list[0].totp_secret, step * 7919),
              auth::HotpCode(AsBytes(list[0].totp_secret),
                             static_cast<uint64_t>(step * 7919), 6));
  }
  // A new one ends the one before.
  const auto second = desk.MakePin(kSuzuki, "yamada");
  EXPECT_FALSE(policy::IsPinOf(Signed()[0].pin_verifier, pin->pin));
  EXPECT_TRUE(policy::IsPinOf(Signed()[0].pin_verifier, second->pin));
  // The next import leaves both alone.
  Import("id,accounts\nyamada,root\n");
  EXPECT_TRUE(policy::IsPinOf(Signed()[0].pin_verifier, second->pin));
  EXPECT_FALSE(Signed()[0].totp_secret.empty());
  for (const AuditEntry& entry : Audit()) {
    for (const std::string& secret : {pin->pin, second->pin, totp->text}) {
      EXPECT_THAT(entry.detail + entry.object + entry.result,
                  Not(HasSubstr(secret)));
    }
  }
  const auto rows = desk.ListPeople(kSuzuki, "yam", {})->rows;
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_TRUE(rows[0].has_pin);
  EXPECT_TRUE(rows[0].has_totp);
}

TEST_F(PeopleDeskTest, WhoIsRemovedProvesNothingAnyMore) {
  Desk& desk = world_.desk();
  Import("id\nyamada\nsato\n");
  ASSERT_TRUE(desk.MakePin(kSuzuki, "yamada"));
  EXPECT_EQ(desk.RemovePerson(kSuzuki, "yamada", " ").error().code,
            Code::kInvalidArgument);
  ASSERT_TRUE(desk.RemovePerson(kSuzuki, "yamada", "left"));
  ASSERT_EQ(Signed().size(), 1U);
  EXPECT_EQ(Signed()[0].id, "sato");
  EXPECT_EQ(desk.MakePin(kSuzuki, "yamada").error().code, Code::kNotFound);
  EXPECT_EQ(desk.MakePersonTotp(kSuzuki, "none").error().code, Code::kNotFound);
  EXPECT_EQ(desk.RemovePerson(kSuzuki, "yamada", "again").error().code,
            Code::kNotFound);
  // Back again, without the PIN of before.
  Import("id\nyamada\nsato\n");
  EXPECT_TRUE(Signed()[1].pin_verifier.empty());
}

TEST_F(PeopleDeskTest, GrantsEndWhenTheContractEnds) {
  using std::chrono::hours;
  Desk& desk = world_.desk();
  const auto end = [&](int after) {
    return FormatUtc(world_.clock().Now() + hours(after));
  };
  const auto approve = [&](int64_t alert_id) {
    RequestDecision decision;
    decision.alert_id = alert_id;
    decision.answer = RequestAnswer::kApprove;
    decision.reason = "r";
    return desk.DecideRequest(kSuzuki, decision);
  };
  const auto grants = [&] {
    return desk.ListGrants(kSuzuki, WhichGrants::kRunning).value();
  };
  // Asked for two hours; he works one more.
  Import("id,contract_end\nyamada," + end(1) + "\nsato," + end(-1) + "\n");
  const auto given = approve(world_.AddCopyRequest("yamada"));
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_THAT(given->comments.back().text, HasSubstr("when the contract ends"));
  ASSERT_EQ(grants().size(), 1U);
  EXPECT_EQ(grants()[0].person, "yamada");
  EXPECT_EQ(FormatUtc(grants()[0].end_time), end(1));
  EXPECT_THAT(approve(world_.AddCopyRequest("sato")).error().message,
              HasSubstr("contract of sato is over"));
  // The end moves, and the grant with it; then he is gone.
  const auto half = FormatUtc(world_.clock().Now() + std::chrono::minutes(30));
  Import("id,contract_end\nyamada," + half + "\n");
  EXPECT_EQ(FormatUtc(grants()[0].end_time), half);
  ASSERT_TRUE(desk.RemovePerson(kSuzuki, "yamada", "left"));
  EXPECT_TRUE(grants().empty());
}

TEST_F(PeopleDeskTest, ADeviceIsNotApprovedBeyondItsOwnersContract) {
  using std::chrono::hours;
  const WallTime now = world_.clock().Now();
  Import("id,contract_end\nyamada," + FormatUtc(now + hours(1)) + "\n");
  Approval approval;
  approval.device_id = "0411:0282:A07110012345";
  approval.access = "inspect";
  approval.owner = "yamada";
  approval.purpose = "p";
  EXPECT_THAT(world_.desk().ApproveDevice(kSuzuki, approval).error().message,
              HasSubstr("approve until then at most"));
  approval.expire_time = now + hours(2);
  EXPECT_FALSE(world_.desk().ApproveDevice(kSuzuki, approval));
  approval.expire_time = now + hours(1);
  const auto done = world_.desk().ApproveDevice(kSuzuki, approval);
  EXPECT_TRUE(done) << done.error().message;
  approval.owner = "somebody else";
  approval.expire_time.reset();
  EXPECT_TRUE(world_.desk().ApproveDevice(kSuzuki, approval));
}

TEST_F(PeopleDeskTest, PagesThroughThem) {
  std::string text = "id,employer\n";
  for (int i = 10; i < 35; ++i) {
    text += "p" + std::to_string(i) + (i % 2 == 0 ? ",X\n" : ",Y\n");
  }
  Import(text);
  Paging paging{10, ""};
  std::vector<std::string> ids;
  for (;;) {
    const auto page = world_.desk().ListPeople(kSuzuki, "X", paging);
    ASSERT_TRUE(page);
    for (const PersonRow& row : page->rows) ids.push_back(row.id);
    if (page->next_token.empty()) break;
    paging.token = page->next_token;
  }
  EXPECT_EQ(ids.size(), 13U);
  EXPECT_EQ(ids.front(), "p10");
  EXPECT_EQ(ids.back(), "p34");
}

}  // namespace
}  // namespace sekisho::core
