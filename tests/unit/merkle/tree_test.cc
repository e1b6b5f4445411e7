// The tree against the known answers of the Certificate Transparency test
// suite (the tree of RFC 6962 and RFC 9162), against the definition written
// down plainly, and against every way to be wrong that is cheap to try.
#include "merkle/tree.h"

#include <gtest/gtest.h>

#include <map>

namespace sekisho::merkle {
namespace {

Hash FromText(std::string_view hex) {
  const Bytes bytes = *FromHex(hex);
  Hash hash{};
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

// The eight entries that implementations test each other with.
const std::vector<std::string> kEntries = {"",
                                           "00",
                                           "10",
                                           "2021",
                                           "3031",
                                           "40414243",
                                           "5051525354555657",
                                           "606162636465666768696a6b6c6d6e6f"};

// MTH() of RFC 9162, 2.1.1, word for word.
Hash Plain(std::span<const Hash> leaves) {
  if (leaves.empty()) return EmptyHead().root;
  if (leaves.size() == 1) return leaves[0];
  size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  return NodeHash(Plain(leaves.first(split)), Plain(leaves.subspan(split)));
}

std::vector<Hash> Leaves(int64_t count) {
  std::vector<Hash> leaves;
  for (int64_t i = 0; i < count; ++i) {
    leaves.push_back(LeafHash(AsBytes("entry " + std::to_string(i))));
  }
  return leaves;
}

// Tiles as a store has them: whole subtrees of 256, 256^2 ... leaves.
ReadHash Reading(const std::vector<Hash>& leaves) {
  return [&leaves](int level, int64_t index) -> Result<Hash> {
    const auto width = size_t{1} << (kTileHeight * level);
    const size_t start = static_cast<size_t>(index) * width;
    if (start + width > leaves.size()) {
      return Fail(Code::kNotFound, "not there yet");
    }
    return Plain(std::span(leaves).subspan(start, width));
  };
}

Head HeadOf(const std::vector<Hash>& leaves) {
  return {static_cast<int64_t>(leaves.size()), Plain(leaves)};
}

TEST(Tree, KnownAnswers) {
  EXPECT_EQ(
      EmptyHead().root,
      FromText(
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  const char* roots[] = {
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  Growing tree;
  EXPECT_EQ(tree.head(), EmptyHead());
  for (size_t i = 0; i < kEntries.size(); ++i) {
    tree.Append(LeafHash(*FromHex(kEntries[i])));
    EXPECT_EQ(tree.head().root, FromText(roots[i])) << i;
    EXPECT_EQ(tree.head().size, static_cast<int64_t>(i + 1));
  }
}

TEST(Tree, GrowsAsTheDefinitionSays) {
  const auto leaves = Leaves(600);
  Growing tree;
  for (size_t size = 1; size <= leaves.size(); ++size) {
    tree.Append(leaves[size - 1]);
    const Hash root = Plain(std::span(leaves).first(size));
    ASSERT_EQ(tree.head().root, root) << size;
    ASSERT_EQ(*RootOf(static_cast<int64_t>(size), Reading(leaves)), root);
    ASSERT_EQ(
        Growing::Load(static_cast<int64_t>(size), Reading(leaves))->head(),
        tree.head());
  }
}

TEST(Tree, EveryInclusionProofHoldsAndNoOther) {
  for (const int64_t size : {1, 2, 3, 7, 8, 9, 31, 33}) {
    const auto leaves = Leaves(size);
    const Head head = HeadOf(leaves);
    for (int64_t i = 0; i < size; ++i) {
      const Proof proof = *InclusionProof(i, size, Reading(leaves));
      const Hash& leaf = leaves[static_cast<size_t>(i)];
      EXPECT_TRUE(VerifyInclusion(leaf, i, head, proof)) << i << "/" << size;
      EXPECT_FALSE(VerifyInclusion(NodeHash(leaf, leaf), i, head, proof));
      EXPECT_FALSE(VerifyInclusion(leaf, i + 1, head, proof));
      EXPECT_FALSE(VerifyInclusion(leaf, -1, head, proof));
      Proof longer = proof;
      longer.push_back(leaf);
      EXPECT_FALSE(VerifyInclusion(leaf, i, head, longer));
      for (size_t at = 0; at < proof.size(); ++at) {
        Proof bad = proof;
        bad[at][0] ^= std::byte{1};
        EXPECT_FALSE(VerifyInclusion(leaf, i, head, bad));
        bad = proof;
        bad.erase(bad.begin() + static_cast<std::ptrdiff_t>(at));
        EXPECT_FALSE(VerifyInclusion(leaf, i, head, bad));
      }
    }
  }
  EXPECT_FALSE(InclusionProof(3, 3, Reading(Leaves(3))));
}

TEST(Tree, EveryConsistencyProofHoldsAndNoOther) {
  const int64_t count = 34;
  const auto leaves = Leaves(count);
  auto rewritten = leaves;
  rewritten[2][0] ^= std::byte{1};
  for (int64_t to = 0; to <= count; ++to) {
    const std::vector<Hash> now(leaves.begin(), leaves.begin() + to);
    for (int64_t from = 0; from <= to; ++from) {
      const std::vector<Hash> then(leaves.begin(), leaves.begin() + from);
      const Proof proof = *ConsistencyProof(from, to, Reading(leaves));
      const Head old = HeadOf(then);
      const Head head = HeadOf(now);
      EXPECT_TRUE(VerifyConsistency(old, head, proof)) << from << " " << to;
      EXPECT_FALSE(VerifyConsistency(head, old, proof) && from != to);
      for (size_t at = 0; at < proof.size(); ++at) {
        Proof bad = proof;
        bad[at][31] ^= std::byte{1};
        EXPECT_FALSE(VerifyConsistency(old, head, bad)) << from << " " << to;
        bad = proof;
        bad.erase(bad.begin() + static_cast<std::ptrdiff_t>(at));
        EXPECT_FALSE(VerifyConsistency(old, head, bad)) << from << " " << to;
      }
      if (from < 3 || from == to) continue;
      // A history in which one entry was changed has no proof.
      const std::vector<Hash> other(rewritten.begin(), rewritten.begin() + to);
      EXPECT_FALSE(VerifyConsistency(
          old, HeadOf(other), *ConsistencyProof(from, to, Reading(rewritten))));
    }
  }
  EXPECT_FALSE(ConsistencyProof(2, 1, Reading(leaves)));
}

TEST(Tree, ProofsReachAcrossTiles) {
  const auto leaves = Leaves(1'000);
  const Head head = HeadOf(leaves);
  for (const int64_t i : {0, 255, 256, 511, 767, 768, 999}) {
    EXPECT_TRUE(VerifyInclusion(leaves[static_cast<size_t>(i)], i, head,
                                *InclusionProof(i, 1'000, Reading(leaves))));
  }
  for (const int64_t from : {1, 255, 256, 257, 512, 768, 999}) {
    const std::vector<Hash> then(leaves.begin(), leaves.begin() + from);
    EXPECT_TRUE(VerifyConsistency(
        HeadOf(then), head, *ConsistencyProof(from, 1'000, Reading(leaves))))
        << from;
  }
}

}  // namespace
}  // namespace sekisho::merkle
