#include "policy/people_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/person_proof.h"

namespace sekisho::policy {
namespace {

using testing::HasSubstr;

constexpr char kVerifier[] =
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFz"
    "aGhhc2hoYXNoaGFzaGhhc2g";

std::vector<ListedPerson> Two() {
  return {{.id = "sato",
           .until_seconds = 1'900'000'000,
           .accounts = {"maint", "root"},
           .pin_verifier = kVerifier,
           .totp_secret = ""},
          {.id = "yamada@example.jp",
           .until_seconds = {},
           .accounts = {"*"},
           .pin_verifier = "",
           .totp_secret = std::string(kTotpBytes, '\x7f')}};
}

TEST(PeopleList, IsReadAsItIsPrinted) {
  const auto read = ParsePeople(PrintPeople(Two()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, Two());
  EXPECT_TRUE(ParsePeople("sekisho-people-1\n").value().empty());
}

TEST(PeopleList, AnythingElseIsRefusedWithItsLineAndWithoutSecrets) {
  const std::string good = PrintPeople(Two());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& text :
       {std::string(), std::string("sekisho-people-2\n"), good + "x",
        with("sato", "zato"), with("sato", "root"), with("sato", "sa/to"),
        with("1900000000", "019"), with("1900000000", "-1"),
        with("maint,root", "root,maint"), with("maint,root", "maint,*"),
        with("maint,root", "maint,"), with("m=65536", "m=6553600"),
        with("7f7f", "7F7f"), with("7f7f", ""), with("person ", "person  "),
        with(" -\n", "\n")}) {
    const auto read = ParsePeople(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message, testing::StartsWith("people:"));
    EXPECT_THAT(read.error().message, testing::Not(HasSubstr("7f7f")));
    EXPECT_THAT(read.error().message, testing::Not(HasSubstr("argon2id")));
  }
}

TEST(PeopleList, TenThousandPeopleAndNoMore) {
  std::vector<ListedPerson> people;
  for (size_t i = 0; i < kMaxPeople; ++i) {
    ListedPerson one;
    one.id = "p" + std::to_string(100'000 + i);
    for (size_t k = 0; k < kMaxAccountsEach; ++k) {
      one.accounts.push_back("account" + std::to_string(10 + k));
    }
    one.pin_verifier = kVerifier;
    one.totp_secret = std::string(kTotpBytes, 'x');
    people.push_back(std::move(one));
  }
  EXPECT_EQ(ParsePeople(PrintPeople(people)).value(), people);
  auto more = people;
  more.push_back({.id = "q",
                  .until_seconds = {},
                  .accounts = {},
                  .pin_verifier = {},
                  .totp_secret = {}});
  EXPECT_EQ(ParsePeople(PrintPeople(more)).error().code,
            Code::kResourceExhausted);
  people.resize(1);
  people[0].accounts.push_back("account99");
  EXPECT_FALSE(ParsePeople(PrintPeople(people)));
}

TEST(PeopleList, SaysWhoMayUseWhatAndForHowLong) {
  const auto people = Two();
  const ListedPerson* sato = FindPerson(people, "sato");
  ASSERT_NE(sato, nullptr);
  EXPECT_EQ(FindPerson(people, "sat"), nullptr);
  EXPECT_EQ(FindPerson(people, "zzz"), nullptr);
  EXPECT_TRUE(MayUse(*sato, "root"));
  EXPECT_FALSE(MayUse(*sato, "oracle"));
  EXPECT_TRUE(MayUse(people[1], "oracle"));
  EXPECT_FALSE(MayUse(ListedPerson(), "maint"));
  EXPECT_FALSE(IsOver(*sato, 1'899'999'999));
  EXPECT_TRUE(IsOver(*sato, 1'900'000'000));
  EXPECT_FALSE(IsOver(people[1], INT64_MAX));
}

TEST(PeopleList, IdsAreNoPathsAndNoSystemNames) {
  EXPECT_TRUE(IsPersonId("E12.345_a-b@c"));
  EXPECT_TRUE(IsPersonId(std::string(64, 'a')));
  for (const std::string& id :
       {std::string(), std::string("root"), std::string("unknown"),
        std::string("-a"), std::string("a b"), std::string("a,b"),
        std::string("a/b"), std::string("山田"), std::string(65, 'a')}) {
    EXPECT_FALSE(IsPersonId(id)) << id;
  }
  EXPECT_TRUE(IsAccountName("_maint$"));
  EXPECT_FALSE(IsAccountName("*"));
  EXPECT_FALSE(IsAccountName("a,b"));
}

}  // namespace
}  // namespace sekisho::policy
