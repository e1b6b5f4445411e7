#include "policy/data_sets.h"

#include <algorithm>
#include <random>

#include "gtest/gtest.h"

namespace sekisho::policy {
namespace {

constexpr size_t kMib = size_t{1} << 20;

// Hashes as detect makes them: evenly spread, the same for the same numbers.
std::vector<uint64_t> People(uint64_t first, uint64_t last, uint64_t kind = 0) {
  std::vector<uint64_t> hashes;
  for (uint64_t person = first; person < last; ++person) {
    std::mt19937_64 made(person * 16 + kind + 1);
    hashes.push_back(made() | 1U << 20U);
  }
  return hashes;
}

std::string Packed(std::vector<uint64_t> hashes) {
  std::ranges::sort(hashes);
  std::string out(hashes.size() * 8, '\0');
  for (size_t i = 0; i < hashes.size(); ++i) {
    PutU64(std::as_writable_bytes(std::span(out)).data() + i * 8, hashes[i]);
  }
  return out;
}

DataSetFacts Facts(int64_t persons, const std::string& id = "customers",
                   const std::string& owner = "public:city-office") {
  return {.id = id,
          .owner = owner,
          .key_id = "0123456789abcdef",
          .persons = persons,
          .made_seconds = 1'798'000'000,
          .kinds = {"name_phone", "email"}};
}

DataSet SetOf(uint64_t first, uint64_t last, size_t max_bytes = kMib,
              const std::string& id = "customers",
              const std::string& owner = "public:city-office") {
  auto set = DataSet::Make(Facts(static_cast<int64_t>(last - first), id, owner),
                           People(first, last), max_bytes);
  EXPECT_TRUE(set) << set.error().message;
  return *std::move(set);
}

// A file with the people of one kind; above 512 as agents see it.
struct File {
  explicit File(const std::vector<uint64_t>& people)
      : hashes(Packed(people)),
        sample(hashes.substr(0, size_t{512} * 8)),
        count(static_cast<int64_t>(people.size())) {}
  PeopleSeen Seen() const {
    const bool few = count <= 512;
    return {
        .kinds = {{"row", few ? std::string_view(hashes) : "", count},
                  {"name_phone", few ? std::string_view(hashes) : "", count}},
        .sample = sample};
  }
  std::string hashes;
  std::string sample;
  int64_t count;
};

File Mixed(uint64_t ours, uint64_t others) {
  auto people = People(0, ours);
  const auto more = People(1'000'000, 1'000'000 + others);
  people.insert(people.end(), more.begin(), more.end());
  return File(people);
}

TEST(DataSet, HoldsItsPeopleAndNobodyElse) {
  const DataSet set = SetOf(0, 10'000);
  EXPECT_EQ(set.one_in(), 1U);
  for (const uint64_t hash : People(0, 10'000)) EXPECT_TRUE(set.Holds(hash));
  int64_t wrong = 0;
  for (const uint64_t hash : People(1'000'000, 1'100'000)) {
    wrong += set.Holds(hash) ? 1 : 0;
  }
  EXPECT_LE(wrong, 2);
}

TEST(DataSet, IsTheSameReadAgain) {
  for (const uint64_t people : {1UL, 7UL, 8UL, 9UL, 1'000UL, 70'000UL}) {
    const DataSet set = SetOf(0, people);
    const auto back = DataSet::Parse(set.Print());
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->facts(), set.facts());
    EXPECT_EQ(back->Print(), set.Print());
    for (const uint64_t hash : People(0, people)) {
      ASSERT_TRUE(back->Holds(hash));
    }
  }
}

TEST(DataSet, OfALargeListHoldsAPartThatFits) {
  const DataSet set = SetOf(0, 100'000, 100'000);
  EXPECT_EQ(set.one_in(), 4U);
  EXPECT_LE(set.Print().size(), 100'000U);
  int64_t judged = 0;
  for (const uint64_t hash : People(0, 100'000)) {
    EXPECT_EQ(set.Judges(hash), set.Holds(hash));
    judged += set.Judges(hash) ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(judged), 25'000, 1'000);
}

TEST(DataSet, TakesFourBytesAPerson) {
  EXPECT_LT(SetOf(0, 100'000).Print().size(), 410'000U);
}

TEST(DataSet, RefusesFactsThatNobodyCanUse) {
  const auto make = [](DataSetFacts facts) {
    return DataSet::Make(std::move(facts), People(0, 3), kMib);
  };
  EXPECT_TRUE(make(Facts(3)));
  for (const char* id : {"", "Customers", "-a", "a:b", "a b", "\n"}) {
    EXPECT_FALSE(make(Facts(3, id))) << id;
  }
  for (const char* owner : {"", "City", ":a", "a b", "a\n"}) {
    EXPECT_FALSE(make(Facts(3, "a", owner))) << owner;
  }
  EXPECT_FALSE(make(Facts(0)));
  EXPECT_FALSE(DataSet::Make(Facts(3), {}, kMib));
}

// Whatever an administrator of the server, or the way to it, made of it.
TEST(DataSet, RefusesDamagedBytes) {
  const std::string good = SetOf(0, 300).Print();
  ASSERT_TRUE(DataSet::Parse(good));
  for (size_t cut = 0; cut < good.size(); cut += 7) {
    EXPECT_FALSE(DataSet::Parse(good.substr(0, cut)));
  }
  EXPECT_FALSE(DataSet::Parse(good + "x"));
  std::mt19937 random(7);
  for (int i = 0; i < 2'000; ++i) {
    std::string bad = good;
    bad[random() % bad.size()] ^= static_cast<char>(1U << (random() % 8));
    if (const auto set = DataSet::Parse(bad)) {
      EXPECT_EQ(set->Print(), bad);  // another set, no broken one
      for (const uint64_t hash : People(0, 300)) (void)set->Holds(hash);
    }
  }
}

TEST(DataSets, AreAllReadAgain) {
  std::vector<DataSet> sets;
  sets.push_back(SetOf(0, 100, kMib, "a"));
  sets.push_back(SetOf(50, 400, kMib, "b"));
  const auto body = PrintDataSets(sets);
  ASSERT_TRUE(body);
  const auto back = ParseDataSets(*body);
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->size(), 2U);
  EXPECT_EQ((*back)[1].Print(), sets[1].Print());
  EXPECT_TRUE(ParseDataSets(*PrintDataSets({}))->empty());
  std::swap(sets[0], sets[1]);
  EXPECT_FALSE(ParseDataSets(*PrintDataSets(sets)));
  EXPECT_FALSE(ParseDataSets(body->substr(0, body->size() - 1)));
}

TEST(DataSets, OfTwoInstallationsAreRefused) {
  DataSetFacts facts = Facts(10, "b");
  facts.key_id = "fedcba9876543210";
  std::vector<DataSet> sets;
  sets.push_back(SetOf(0, 10, kMib, "a"));
  sets.push_back(*DataSet::Make(facts, People(0, 10), kMib));
  EXPECT_FALSE(ParseDataSets(*PrintDataSets(sets)));
}

TEST(Compare, CountsWhoIsInTheList) {
  const DataSet set = SetOf(0, 50'000);
  EXPECT_EQ(CompareWith(set, File(People(0, 40)).Seen()).persons, 40);
  EXPECT_EQ(CompareWith(set, Mixed(30, 70).Seen()).persons, 30);
  // From the sample of 512.
  const OwnerFit large = CompareWith(set, Mixed(10'000, 10'000).Seen());
  EXPECT_NEAR(static_cast<double>(large.persons), 10'000, 1'500);
}

TEST(Compare, SmallFilesAreTheOwnersIfAllOfThemAre) {
  const DataSet set = SetOf(0, 50'000);
  EXPECT_EQ(CompareWith(set, File(People(5, 6)).Seen()).persons, 1);
  EXPECT_EQ(CompareWith(set, File(People(5, 7)).Seen()).persons, 2);
  // One of three may be anybody's customer.
  EXPECT_EQ(CompareWith(set, Mixed(1, 2).Seen()).persons, 0);
}

TEST(Compare, ListsHavePeopleInCommonByChance) {
  // A large list knows 7 % of everybody.
  EXPECT_EQ(CompareWith(SetOf(0, 50'000), Mixed(14, 186).Seen()).persons, 0);
  // Seven of a hundred hidden among others, of a list of 500, are no chance.
  EXPECT_EQ(CompareWith(SetOf(0, 500), Mixed(7, 93).Seen()).persons, 7);
}

TEST(Compare, SaysNoOnlyWhereItCouldHaveSaidYes) {
  const DataSet set = SetOf(0, 50'000);
  EXPECT_TRUE(CompareWith(set, Mixed(0, 40).Seen()).conclusive);
  EXPECT_TRUE(CompareWith(set, Mixed(0, 40'000).Seen()).conclusive);
  EXPECT_FALSE(CompareWith(set, {}).conclusive);
  // People whose cards it has, and the list has none.
  PeopleSeen cards = Mixed(0, 40).Seen();
  const File cards_only = Mixed(0, 40);
  cards.kinds = {{"row", cards_only.hashes, 40},
                 {"card", cards_only.hashes, 40}};
  EXPECT_FALSE(CompareWith(set, cards).conclusive);
  // A part of the list, and few people: it may have been the other part.
  const DataSet part = SetOf(0, 100'000, 100'000);
  EXPECT_FALSE(CompareWith(part, Mixed(0, 20).Seen()).conclusive);
  EXPECT_TRUE(CompareWith(part, Mixed(0, 400).Seen()).conclusive);
}

TEST(Compare, ColumnsThatWereCutOffDoNotHideIt) {
  auto hashes = People(0, 1'000, 1);  // name_phone
  const auto emails = People(0, 1'000, 2);
  hashes.insert(hashes.end(), emails.begin(), emails.end());
  const DataSet set = *DataSet::Make(Facts(1'000), hashes, kMib);
  const std::string only = Packed(People(100, 160, 2));
  EXPECT_EQ(CompareWith(set, {.kinds = {{"row", only, 60}, {"email", only, 60}},
                              .sample = {}})
                .persons,
            60);
}

TEST(Owners, MostPeopleFirstEachOnce) {
  std::vector<DataSet> sets;
  sets.push_back(SetOf(0, 1'000, kMib, "a", "city"));
  sets.push_back(SetOf(0, 900, kMib, "b", "city"));
  sets.push_back(SetOf(1'000'000, 1'000'500, kMib, "c", "shop"));
  const auto owners = OwnersOf(sets, Mixed(100, 200).Seen());
  ASSERT_EQ(owners.size(), 2U);
  EXPECT_EQ(owners[0], (OwnerFound{"shop", 200}));
  EXPECT_EQ(owners[1], (OwnerFound{"city", 100}));
}

TEST(SketchKeyId, SaysWhichKeyAndNotWhat) {
  std::array<std::byte, 32> key{};
  const std::string id = SketchKeyId(key);
  EXPECT_EQ(id.size(), 16U);
  EXPECT_EQ(SketchKeyId(key), id);
  key[31] = std::byte{1};
  EXPECT_NE(SketchKeyId(key), id);
}

}  // namespace
}  // namespace sekisho::policy
