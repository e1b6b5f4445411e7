#include "server/core/people_register.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include "policy/people_list.h"

namespace sekisho::core {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

WallTime At(const char* text) { return *ParseUtc(text); }

ParsedPeople Csv(const std::string& text, const std::string& accounts = "") {
  PeopleFile file;
  file.text = text;
  file.zone = "Asia/Tokyo";
  file.accounts = accounts;
  return ParsePeopleFile(file);
}

ParsedPeople Ldif(const std::string& text) {
  PeopleFile file;
  file.text = text;
  file.format = PeopleFormat::kLdif;
  file.accounts = "maint";
  return ParsePeopleFile(file);
}

std::string FirstProblem(const ParsedPeople& parsed) {
  if (parsed.problems.empty()) return "none";
  const RegisterProblem& one = parsed.problems[0];
  EXPECT_FALSE(one.fix.empty());
  return std::to_string(one.line) + ":" + std::to_string(one.column) + " " +
         one.message;
}

TEST(PeopleRegister, ReadsWhatItsFirstLineNames) {
  const auto parsed =
      Csv("\xef\xbb\xbfname,id,contract_end,accounts,manager,employer\r\n"
          "\"Yamada, Tarō\",yamada,2027-03-31,root; maint,sato,X Works\r\n"
          "\r\n"
          ",sato,2027-03-31T00:00:00Z,*,,\r\n"
          ",abe,,,,\r\n");
  ASSERT_TRUE(parsed.problems.empty()) << FirstProblem(parsed);
  ASSERT_EQ(parsed.rows.size(), 3U);
  EXPECT_EQ(parsed.rows[0].id, "abe") << "by id";
  EXPECT_EQ(parsed.rows[0].accounts, "") << "none, as nobody said any";
  EXPECT_FALSE(parsed.rows[0].contract_end);
  EXPECT_EQ(parsed.rows[1].contract_end, At("2027-03-31T00:00:00Z"));
  EXPECT_EQ(parsed.rows[1].accounts, "*");
  const RegisteredPerson& yamada = parsed.rows[2];
  EXPECT_EQ(yamada.name, "Yamada, Tarō");
  EXPECT_EQ(yamada.employer, "X Works");
  EXPECT_EQ(yamada.manager, "sato");
  EXPECT_EQ(yamada.accounts, "maint,root");
  EXPECT_EQ(yamada.contract_end, At("2027-03-31T15:00:00Z"))
      << "he works that day, in Tokyo";
  EXPECT_TRUE(yamada.pin_verifier.empty());
}

TEST(PeopleRegister, NamesAccountsForThoseWhoHaveNone) {
  const auto parsed = Csv("id,accounts\na,\nb,root\n", "maint;oracle");
  ASSERT_EQ(parsed.rows.size(), 2U) << FirstProblem(parsed);
  EXPECT_EQ(parsed.rows[0].accounts, "maint,oracle");
  EXPECT_EQ(parsed.rows[1].accounts, "root");
}

TEST(PeopleRegister, EachErrorHasItsPlaceAndNothingIsTaken) {
  const std::string many(33 * 3, ' ');
  std::string accounts = "a0";
  for (int i = 1; i <= 32; ++i) accounts += ";a" + std::to_string(i);
  const std::pair<std::string, const char*> table[] = {
      {"", "1:0 the file is empty"},
      {"\xff\xfe", "1:0 the file is not UTF-8"},
      {"id\n", "1:0 there is nobody in the file"},
      {"name\nx\n", "1:0 there is no column 'id'"},
      {"id,uid\na,b\n", "1:2 no column is called 'uid'"},
      {"id,name,id\n", "1:3 this column is there twice"},
      {"id,name\na\n", "2:0 the line has 1 cells, the first line 2"},
      {"id\n\na b\n", "3:1 'a b' is no id"},
      {"id\nroot\n", "2:1 'root' is no id"},
      {"name,id\nx,\n", "2:2 the person has no id"},
      {"id\nYamada\nb\nyamada\n", "4:1 yamada stands in line 2 too"},
      {"id,manager\na,b\n", "2:2 there is no 'b' in this file"},
      {"id,manager\na,a\n", "2:2 he is his own manager"},
      {"id,contract_end\na,31.3.2027\n", "2:2 '31.3.2027' is no day"},
      {"id,contract_end\na,2027-02-30\n", "2:2 '2027-02-30' is no day"},
      {"id,accounts\na,x/y\n", "2:2 'x/y' are no accounts"},
      {"id,accounts\na,*;maint\n", "2:2 '*;maint' are no accounts"},
      {"id,accounts\na," + accounts + "\n", "2:2 "},
      {"id,name\n\"a\nb\",x\n", "2:1 it has a line break"},
      {"id,name\na,\"open\n", "2:0 a quote is not closed"},
      {"id,name\na," + std::string(513, 'x') + "\n",
       "2:2 it is over 512 bytes"},
  };
  for (const auto& [text, expected] : table) {
    EXPECT_THAT(FirstProblem(Csv(text)), testing::StartsWith(expected)) << text;
  }
  PeopleFile file;
  file.text = "id\na\n";
  file.zone = "Mars/Phobos";
  EXPECT_THAT(FirstProblem(ParsePeopleFile(file)), HasSubstr("no time zone"));
}

TEST(PeopleRegister, TakesTenThousandPeopleAndNoMore) {
  std::string text = "id\n";
  for (size_t i = 0; i < policy::kMaxPeople; ++i) {
    text += "p" + std::to_string(i) + "\n";
  }
  EXPECT_EQ(Csv(text).rows.size(), policy::kMaxPeople);
  EXPECT_THAT(FirstProblem(Csv(text + "q\n")),
              testing::StartsWith("10002:0 more than 10,000 people"));
  EXPECT_THAT(FirstProblem(Csv("id\n" + std::string(size_t{16} << 20, 'a'))),
              HasSubstr("over 16 MiB"));
  std::string bad = "id\n";
  for (int i = 0; i < 300; ++i) bad += "a b\n";
  EXPECT_EQ(Csv(bad).problems.size(), 200U);
}

TEST(PeopleRegister, ReadsWhatLdapsearchPrints) {
  ASSERT_GE(sodium_init(), 0);
  const auto parsed = Ldif(
      "# extended LDIF\n#\n# LDAPv3\n# filter: (objectclass=*)\n"
      "version: 1\n"
      "\n"
      "# people, example.com\n"
      "dn: ou=people,dc=example,dc=com\n"
      "objectClass: organizationalUnit\n"
      "ou: people\n"
      "\n"
      "dn: uid=yamada,ou=people,dc=example,dc=com\n"
      "objectClass: top\n"
      "objectClass: inetOrgPerson\n"
      "uid: yamada\n"
      "cn: Yamada T.\n"
      "displayName:: 5bGx55Sw5aSq6YOO\n"
      "cn;lang-en: Taro\n"
      "o: X Works and a very long name that the program has fol\n"
      " ded\n"
      "manager: cn=Sato Ken,ou=people,dc=example,dc=com\n"
      "shadowExpire: 20909\n"
      "\n"
      "dn: cn=Sato Ken,ou=people,dc=example,dc=com\n"
      "objectClass: user\n"
      "sAMAccountName: sato\n"
      "cn: Sato Ken\n"
      "accountExpires: 9223372036854775807\n"
      "manager: UID=abe , ou=people,dc=example,dc=com\n"
      "\n"
      "# search result\n"
      "search: 2\n"
      "result: 0 Success\n"
      "\n"
      "# numResponses: 4\n");
  ASSERT_TRUE(parsed.problems.empty()) << FirstProblem(parsed);
  ASSERT_EQ(parsed.rows.size(), 2U);
  const RegisteredPerson& sato = parsed.rows[0];
  EXPECT_EQ(sato.id, "sato");
  EXPECT_EQ(sato.name, "Sato Ken");
  EXPECT_EQ(sato.manager, "abe");
  EXPECT_FALSE(sato.contract_end);
  const RegisteredPerson& yamada = parsed.rows[1];
  EXPECT_EQ(yamada.name, "山田太郎");
  EXPECT_EQ(yamada.employer,
            "X Works and a very long name that the program has folded");
  EXPECT_EQ(yamada.manager, "sato");
  EXPECT_EQ(yamada.contract_end, At("2027-04-01T00:00:00Z"));
  EXPECT_EQ(yamada.accounts, "maint");
}

TEST(PeopleRegister, ASearchThatDidNotEndWellRemovesNobody) {
  ASSERT_GE(sodium_init(), 0);
  const std::string one = "dn: uid=a,dc=x\nuid: a\n";
  const std::pair<std::string, const char*> table[] = {
      {one + "\nsearch: 2\nresult: 4 Size limit exceeded\n",
       "5:0 the search ended with '4 Size limit exceeded'"},
      {"dn: cn=x\ncn: x\n", "1:0 the entry has no uid"},
      {"dn: cn=x\nobjectClass: person\ncn: x\n", "1:0 the entry has no uid"},
      {"dn: uid=a,dc=x\nuid: a\nuid: b\n", "2:0 the entry has several"},
      {one + "manager: cn=Boss,dc=x\n", "3:0 'cn=Boss,dc=x' is in no entry"},
      {one + "shadowExpire: soon\n", "3:0 'soon' is no end of an account"},
      {one + "accountExpires: -5\n", "3:0 '-5' is no end"},
      {one + "jpegPhoto:< file:///etc/passwd\n", "3:0 values in other files"},
      {one + "cn:: ***\n", "3:0 the value of cn is no base64"},
      {one + "nonsense\n", "3:0 'nonsense' is no 'attribute: value'"},
      {"dn: uid=a,dc=x\nchangetype: delete\n", "2:0 this file holds changes"},
      {"dn: uid=a,dc=x\nuid:: AAE=\n", "2:0 it has a line break, a control"},
      {"dn: ou=x\nobjectClass: organizationalUnit\n", "1:0 there is nobody"},
  };
  for (const auto& [text, expected] : table) {
    EXPECT_THAT(FirstProblem(Ldif(text)), testing::StartsWith(expected))
        << text;
  }
}

TEST(PeopleRegister, SaysWhatAnImportWouldChange) {
  const auto before =
      Csv("id,name,accounts\na,A,maint\nb,B,maint\nc,C,maint\n").rows;
  auto gone = before;
  gone[2].remove_time = At("2026-01-01T00:00:00Z");
  const auto after = Csv("id,name,accounts\na,A,maint\nb,Bo,root\nd,,*\n").rows;
  const RegisterDiff diff = ComparePeople(gone, after);
  EXPECT_THAT(diff.added, ElementsAre("d"));
  EXPECT_THAT(diff.removed, IsEmpty());
  ASSERT_EQ(diff.changed.size(), 1U);
  EXPECT_EQ(diff.changed[0].name, "b");
  EXPECT_THAT(diff.changed[0].fields,
              ElementsAre("name: B -> Bo", "accounts: maint -> root"));
  EXPECT_EQ(diff.same, 1);
  EXPECT_THAT(ComparePeople(before, after).removed, ElementsAre("c"));
}

}  // namespace
}  // namespace sekisho::core
