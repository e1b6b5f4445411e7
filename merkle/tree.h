// The Merkle tree of RFC 9162 (section 2.1, SHA-256), pure: hashes in, proofs
// and verdicts out. Where hashes are kept is the caller's affair; how they are
// cut into tiles is C2SP tlog-tiles' (height 8).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace sekisho::merkle {

using Hash = std::array<std::byte, 32>;
using Proof = std::vector<Hash>;

inline constexpr int kTileHeight = 8;
inline constexpr int64_t kTileWidth = int64_t{1} << kTileHeight;
// No proof in a tree of up to 2^62 leaves is longer.
inline constexpr size_t kMaxProofHashes = 128;

struct Head {
  int64_t size = 0;  // leaves
  Hash root{};       // of the empty tree: SHA-256 of nothing
  bool operator==(const Head&) const = default;
};
Head EmptyHead();

Hash LeafHash(ByteSpan entry);
Hash NodeHash(const Hash& left, const Hash& right);

// The tree as it grows: the roots of its perfect subtrees, left to right, one
// for each bit of the size. 62 hashes at most.
class Growing {
 public:
  // The tree of `size` leaves that `read` has.
  static Result<Growing> Load(
      int64_t size,
      const std::function<Result<Hash>(int level, int64_t index)>& read);

  void Append(const Hash& leaf);
  int64_t size() const { return size_; }
  Head head() const;

 private:
  int64_t size_ = 0;
  std::vector<Hash> peaks_;
};

// Root of the perfect subtree over the leaves [index * 256^level,
// (index + 1) * 256^level), which are all there.
using ReadHash = std::function<Result<Hash>(int level, int64_t index)>;

Result<Hash> RootOf(int64_t size, const ReadHash& read);
// kInvalidArgument: no such leaf, or no such size.
Result<Proof> InclusionProof(int64_t index, int64_t size, const ReadHash& read);
// That the tree of `from` leaves is the beginning of that of `to`.
Result<Proof> ConsistencyProof(int64_t from, int64_t to, const ReadHash& read);

// RFC 9162, 2.1.3.2 and 2.1.4.2.
bool VerifyInclusion(const Hash& leaf, int64_t index, const Head& head,
                     const Proof& proof);
bool VerifyConsistency(const Head& from, const Head& to, const Proof& proof);

}  // namespace sekisho::merkle
