#include "detect/people.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace sekisho::detect {
namespace {

TEST(DistinctSet, IsExactUpToItsLimit) {
  DistinctSet set;
  std::mt19937_64 random(1);
  for (size_t i = 1; i <= kMaxExactPeople; ++i) {
    const uint64_t hash = random();
    set.Insert(hash);
    set.Insert(hash);
    ASSERT_EQ(set.Count(), static_cast<int64_t>(i));
  }
  EXPECT_TRUE(set.exact());
  set.Insert(random());
  EXPECT_FALSE(set.exact());
  EXPECT_NEAR(static_cast<double>(set.Count()), 4097, 82);
}

// Spread as keyed hashes are.
uint64_t Spread(uint64_t i) { return i * 0x9e3779b97f4a7c15U; }

std::vector<uint64_t> SmallestOf(uint64_t first, uint64_t last) {
  std::vector<uint64_t> all;
  for (uint64_t i = first; i <= last; ++i) all.push_back(Spread(i));
  std::sort(all.begin(), all.end());
  all.resize(std::min(all.size(), kMaxSmallest));
  return all;
}

DistinctSet SetOf(uint64_t first, uint64_t last) {
  DistinctSet set;
  for (uint64_t i = first; i <= last; ++i) set.Insert(Spread(i));
  return set;
}

TEST(DistinctSet, KeepsTheSmallestHashesWhateverItsForm) {
  EXPECT_EQ(SetOf(1, 7).Smallest(), SmallestOf(1, 7));
  EXPECT_EQ(SetOf(1, 600).Smallest(), SmallestOf(1, 600));
  DistinctSet large = SetOf(1, 20'000);
  ASSERT_FALSE(large.exact());
  EXPECT_EQ(large.Smallest(), SmallestOf(1, 20'000));
  large.Merge(SetOf(1, 20'000));
  EXPECT_EQ(large.Smallest(), SmallestOf(1, 20'000)) << "each once";
}

TEST(DistinctSet, MergedSetsHaveTheSmallestOfBoth) {
  for (const uint64_t first : {3ULL, 3'000ULL, 9'000ULL}) {
    for (const uint64_t second : {3ULL, 3'000ULL, 9'000ULL}) {
      DistinctSet set = SetOf(1, first);
      set.Merge(SetOf(100'001, 100'000 + second));
      std::vector<uint64_t> wanted = SmallestOf(1, first);
      const auto more = SmallestOf(100'001, 100'000 + second);
      wanted.insert(wanted.end(), more.begin(), more.end());
      std::sort(wanted.begin(), wanted.end());
      wanted.resize(std::min(wanted.size(), kMaxSmallest));
      EXPECT_EQ(set.Smallest(), wanted) << first << " and " << second;
    }
  }
}

TEST(DistinctSet, OfRegistersAloneNoSmallestAreKnown) {
  const std::vector<uint8_t> registers = SetOf(1, 20'000).ToRegisters();
  DistinctSet set = *DistinctSet::From({}, registers);
  set.Insert(1);
  EXPECT_TRUE(set.Smallest().empty());
  set.Merge(SetOf(1, 20'000));
  EXPECT_TRUE(set.Smallest().empty());
}

TEST(DistinctSet, EstimatesMillions) {
  DistinctSet set;
  std::mt19937_64 random(2);
  for (int i = 1; i <= 3'000'000; ++i) {
    set.Insert(random());
    if (i == 10'000 || i == 100'000 || i == 1'000'000 || i == 3'000'000) {
      // Four standard errors of 0.57 %.
      ASSERT_NEAR(static_cast<double>(set.Count()), i, 0.023 * i);
    }
  }
}

TEST(PeopleSketch, MergeCountsEachPersonOnce) {
  std::mt19937_64 random(3);
  std::vector<uint64_t> hashes(20'000);
  for (uint64_t& hash : hashes) {
    hash = random();
  }
  for (size_t half : {100u, 6000u}) {
    PeopleSketch a, b;
    for (size_t i = 0; i < 2 * half; ++i) {
      a.of(IdentityKind::kEmail).Insert(hashes[i]);
      b.of(IdentityKind::kEmail).Insert(hashes[i + half]);
    }
    a.Merge(b);
    EXPECT_NEAR(static_cast<double>(a.Persons()),
                3.0 * static_cast<double>(half),
                half == 100 ? 0.0 : 0.02 * 3.0 * static_cast<double>(half));
  }
}

TEST(PeopleSketch, SurvivesItsBytes) {
  PeopleSketch sketch;
  std::mt19937_64 random(4);
  for (int i = 0; i < 10'000; ++i) {
    sketch.of(IdentityKind::kRow).Insert(random());
    if (i < 700) {
      sketch.of(IdentityKind::kNamePhone).Insert(random());
    }
  }
  const Bytes bytes = sketch.Serialize();
  const auto parsed = PeopleSketch::Parse(bytes);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->Serialize(), bytes);
  EXPECT_EQ(parsed->Persons(), sketch.Persons());
  for (size_t cut = 1; cut < bytes.size(); cut += 97) {
    (void)PeopleSketch::Parse(ByteSpan(bytes).first(cut));  // must not crash
  }
  Bytes wrong = bytes;
  wrong[1] = std::byte{99};
  EXPECT_FALSE(PeopleSketch::Parse(wrong).has_value());
}

TEST(IdentityHasher, DependsOnKeyAndKind) {
  SketchKey key{};
  const IdentityHasher a(key);
  key[5] = std::byte{1};
  const IdentityHasher b(key);
  EXPECT_NE(a.Value("山田花子"), b.Value("山田花子"));
  EXPECT_EQ(a.Value("山田花子"), a.Value("山田花子"));
  EXPECT_NE(a.Identity(IdentityKind::kEmail, 1),
            a.Identity(IdentityKind::kPhone, 1));
}

TEST(IdentityHasher, SeveralAtOnceAreTheSame) {
  const IdentityHasher hasher(SketchKey{});
  for (size_t count : {0u, 1u, 3u, 4u, 5u, 17u}) {
    std::vector<uint64_t> a(count);
    std::vector<uint64_t> b(count);
    std::vector<uint64_t> made(count);
    for (size_t i = 0; i < count; ++i) {
      a[i] = hasher.Value(std::to_string(i));
      b[i] = i % 2 == 0 ? 0 : a[i] * 3;
    }
    hasher.Identities(IdentityKind::kNameBirth, a, b, made);
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(made[i], hasher.Identity(IdentityKind::kNameBirth, a[i], b[i]));
    }
  }
}

TEST(IdentityHasher, ValuesOfEverySizeDiffer) {
  const IdentityHasher hasher(SketchKey{});
  std::set<uint64_t> seen;
  const std::string zeros(400, '\0');
  for (size_t size = 0; size <= zeros.size(); ++size) {
    EXPECT_TRUE(seen.insert(hasher.Value({zeros.data(), size})).second) << size;
  }
  std::string text(300, 'x');
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = 'y';
    EXPECT_TRUE(seen.insert(hasher.Value(text)).second) << i;
    text[i] = 'x';
  }
}

TEST(IdentityHasher, DependsOnTheKey) {
  SketchKey other{};
  other[31] = std::byte{1};
  EXPECT_NE(IdentityHasher(SketchKey{}).Value("a"),
            IdentityHasher(other).Value("a"));
}

}  // namespace
}  // namespace sekisho::detect
