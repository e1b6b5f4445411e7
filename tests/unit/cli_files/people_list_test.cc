#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/data_set_make_command.h"
#include "cli/people_list_reader.h"
#include "common/file.h"
#include "detect/inspector.h"
#include "policy/data_sets.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::cli {
namespace {

using testing::HasSubstr;

std::string Table(int from, int to, bool with_mail = true) {
  std::string csv =
      with_mail ? "会員番号,氏名,電話番号,メール\n" : "氏名,電話番号\n";
  for (int i = from; i < to; ++i) {
    csv += with_mail ? fmt::format(
                           "M{:06},山田 太郎,090-{:04}-{:04},"
                           "u{}@example.jp\n",
                           i, 1000 + i / 10000, i % 10000, i)
                     : fmt::format("山田 太郎,090-{:04}-{:04}\n",
                                   1000 + i / 10000, i % 10000);
  }
  return csv;
}

detect::SketchKey Key() {
  detect::SketchKey key{};
  key[3] = std::byte{7};
  return key;
}

// What an agent finds in a copy.
policy::PeopleSeen Seen(const detect::Findings& found,
                        std::vector<std::string>* keep) {
  policy::PeopleSeen seen;
  keep->reserve(detect::kIdentityKindCount + 1);
  const auto packed = [&](const std::vector<uint64_t>& hashes) {
    std::string out;
    for (const uint64_t hash : hashes) {
      std::array<std::byte, 8> bytes{};
      PutU64(bytes.data(), hash);
      out += AsText(bytes);
    }
    keep->push_back(out);
    return std::string_view(keep->back());
  };
  for (size_t i = 0; i < detect::kIdentityKindCount; ++i) {
    const auto& set = found.people.of(static_cast<detect::IdentityKind>(i));
    if (set.empty()) continue;
    seen.kinds.push_back({.kind = std::string(detect::kIdentityKindNames[i]),
                          .hashes = set.Count() <= 512 ? packed(set.Hashes())
                                                       : std::string_view(),
                          .persons = set.Count()});
  }
  seen.sample = packed(found.people.of(detect::IdentityKind::kRow).Smallest());
  return seen;
}

TEST(TableCutter, GivesWholeRecordsWithTheHeaderHoweverItIsFed) {
  std::string csv = "a,b\n";
  for (int i = 0; i < 5'000; ++i) {
    csv += i % 9 == 0 ? "\"x\ny\",1\n" : fmt::format("v{},2\n", i);
  }
  csv += "last,3";
  for (const size_t step : {1UL, 7UL, 4'096UL, csv.size()}) {
    TableCutter cutter;
    std::string all;
    size_t pieces = 0;
    const auto take = [&](const std::string& piece) {
      EXPECT_TRUE(piece.starts_with("a,b\n"));
      all += piece.substr(4);
      ++pieces;
    };
    for (size_t at = 0; at < csv.size(); at += step) {
      for (const auto& piece : cutter.Feed(csv.substr(at, step))) take(piece);
    }
    take(cutter.Finish());
    EXPECT_EQ("a,b\n" + all, csv);
    EXPECT_EQ(pieces, 3U);
    EXPECT_EQ(cutter.Finish(), "");
  }
}

TEST(TableCutter, SomebodysInchesEndSomewhere) {
  TableCutter cutter;
  (void)cutter.Feed("a\n5\" disk\n");
  size_t pieces = 0;
  for (int i = 0; i < 10; ++i) {
    pieces += cutter.Feed(std::string(size_t{1} << 20, 'x') + "\n").size();
  }
  EXPECT_GT(pieces, 0U);
}

class PeopleListTest : public testing::Test {
 protected:
  std::string Put(const std::string& name, const std::string& content) {
    dir_.Put(name, content);
    return dir_.path() + "/" + name;
  }
  policy::DataSet Make(const std::string& list) {
    auto people = ReadPeopleList(list, Key());
    CHECK(people.has_value());
    auto set = policy::DataSet::Make({.id = "a",
                                      .owner = "o",
                                      .key_id = policy::SketchKeyId(Key()),
                                      .persons = people->persons,
                                      .made_seconds = 1,
                                      .kinds = people->kinds},
                                     people->hashes, size_t{4} << 20);
    CHECK(set.has_value());
    return *std::move(set);
  }
  policy::OwnerFit Copy(const policy::DataSet& set, const std::string& text) {
    const auto found = detect::Inspect(AsBytes(text), {.key = Key()});
    std::vector<std::string> keep;
    return policy::CompareWith(set, Seen(found, &keep));
  }
  std::string said_;
  agent::TempDir dir_;
};

TEST_F(PeopleListTest, ItsPeopleAreKnownAgainInWhatIsCopied) {
  const policy::DataSet set = Make(Put("list.csv", Table(0, 9'000)));
  EXPECT_NEAR(static_cast<double>(set.facts().persons), 9'000, 200);
  EXPECT_THAT(set.facts().kinds, testing::Contains("name_phone"));
  EXPECT_THAT(set.facts().kinds, testing::Contains("email"));
  EXPECT_EQ(Copy(set, Table(100, 140)).persons, 40);
  // Other columns, another order, people from two pieces.
  EXPECT_EQ(Copy(set, Table(1'980, 2'030, false)).persons, 50);
  // More than an event has hashes of.
  EXPECT_NEAR(static_cast<double>(Copy(set, Table(0, 6'000)).persons), 6'000,
              200);
  const policy::OwnerFit others = Copy(set, Table(20'000, 20'300));
  EXPECT_EQ(others.persons, 0);
  EXPECT_TRUE(others.conclusive);
}

// Everybody counts his customers from one.
TEST_F(PeopleListTest, MemberNumbersAreNobodys) {
  std::string csv = "会員番号,氏名,メール\n";
  for (int i = 0; i < 300; ++i) {
    csv += fmt::format("M{:06},鈴木 花子,other{}@example.com\n", i, i);
  }
  const policy::DataSet set = Make(Put("list.csv", Table(0, 3'000)));
  EXPECT_EQ(Copy(set, csv).persons, 0);
  csv = "会員番号,氏名\n";
  for (int i = 0; i < 300; ++i) csv += fmt::format("M{:06},鈴木 花子\n", i);
  const auto people = ReadPeopleList(Put("numbers.csv", csv), Key());
  ASSERT_FALSE(people);
  EXPECT_THAT(people.error().message, HasSubstr("member numbers alone"));
}

TEST_F(PeopleListTest, WhatIsNoListSaysWhatToDo) {
  const auto refused = [&](const std::string& content) {
    const auto people = ReadPeopleList(Put("x", content), Key());
    return people ? std::string() : people.error().message;
  };
  EXPECT_THAT(refused("a,b\n1,2\n"), HasSubstr("no people"));
  EXPECT_THAT(refused(""), HasSubstr("no people"));
  EXPECT_THAT(refused(std::string("\xff\xfe"
                                  "a\0",
                                  4)),
              HasSubstr("CSV in UTF-8"));
  EXPECT_THAT(refused(std::string("PK\x03\x04\n\x14\0\0\0\n", 10)),
              HasSubstr("CSV in UTF-8"));
  EXPECT_FALSE(ReadPeopleList(dir_.path() + "/absent", Key()));
}

TEST_F(PeopleListTest, TheCommandWritesWhatTheServerTakes) {
  const std::string list = Put("list.csv", Table(0, 300));
  const std::string key = Put("key", std::string(AsText(Key())));
  const std::string out = dir_.path() + "/out";
  const auto run = [&](std::vector<std::string_view> args) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = RunDataSetMake(args);
    std::fflush(stdout);
    said_ = testing::internal::GetCapturedStdout() +
            testing::internal::GetCapturedStderr();
    return code;
  };
  EXPECT_EQ(run({list, "--name", "customers", "--owner", "public:city", "--key",
                 key, "--out", out}),
            0)
      << said_;
  EXPECT_THAT(said_, HasSubstr("300 people of public:city"));
  const auto bytes = ReadFileAt(AT_FDCWD, out, size_t{1} << 20);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->find("example.jp"), std::string::npos);
  const auto set = policy::DataSet::Parse(*bytes);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->facts().key_id, policy::SketchKeyId(Key()));
  EXPECT_EQ(set->facts().persons, 300);

  EXPECT_EQ(run({list, "--name", "A", "--owner", "o", "--key", key}), 2);
  EXPECT_EQ(run({list, "--name", "a", "--owner", "O", "--key", key}), 2);
  EXPECT_EQ(run({list, "--name", "a", "--owner", "o", "--key",
                 dir_.path() + "/none"}),
            3);
  EXPECT_THAT(said_, HasSubstr("as root on an enrolled terminal"));
  EXPECT_EQ(
      run({key, "--name", "a", "--owner", "o", "--key", key, "--out", out}), 1);
}

}  // namespace
}  // namespace sekisho::cli
