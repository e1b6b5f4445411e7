#include "merkle/tree.h"

#include <sodium.h>

#include <bit>

namespace sekisho::merkle {
namespace {

Hash Sha256(std::initializer_list<ByteSpan> parts) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  for (const ByteSpan part : parts) {
    crypto_hash_sha256_update(
        &state, reinterpret_cast<const unsigned char*>(part.data()),
        part.size());
  }
  Hash hash;
  crypto_hash_sha256_final(&state,
                           reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

constexpr std::byte kLeafPrefix{0};
constexpr std::byte kNodePrefix{1};

// The largest power of two smaller than `size`, which is at least 2.
int64_t SplitOf(int64_t size) {
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(size - 1)));
}

// The perfect subtree of 2^height leaves that begins at `start`. As deep as the
// step from one stored level to the next.
Result<Hash> Perfect(int64_t start, int height, const ReadHash& read) {
  if (height % kTileHeight == 0) {
    return read(height / kTileHeight, start >> height);
  }
  ASSIGN_OR_RETURN(const Hash left, Perfect(start, height - 1, read));
  ASSIGN_OR_RETURN(
      const Hash right,
      Perfect(start + (int64_t{1} << (height - 1)), height - 1, read));
  return NodeHash(left, right);
}

// The perfect subtrees that D[start:start+size] falls into, from the left.
Result<std::vector<Hash>> Peaks(int64_t start, int64_t size,
                                const ReadHash& read) {
  std::vector<Hash> roots;
  while (size > 0) {
    const int height =
        static_cast<int>(std::bit_width(static_cast<uint64_t>(size))) - 1;
    ASSIGN_OR_RETURN(const Hash root, Perfect(start, height, read));
    roots.push_back(root);
    start += int64_t{1} << height;
    size -= int64_t{1} << height;
  }
  return roots;
}

// MTH(D[start:start+size]) where `start` is a multiple of the split above it
// and `size` is not 0: perfect subtrees folded from the right.
Result<Hash> Range(int64_t start, int64_t size, const ReadHash& read) {
  ASSIGN_OR_RETURN(const std::vector<Hash> roots, Peaks(start, size, read));
  Hash hash = roots.back();
  for (size_t i = roots.size() - 1; i-- > 0;) {
    hash = NodeHash(roots[i], hash);
  }
  return hash;
}

}  // namespace

Head EmptyHead() { return {0, Sha256({})}; }

Hash LeafHash(ByteSpan entry) { return Sha256({{&kLeafPrefix, 1}, entry}); }

Hash NodeHash(const Hash& left, const Hash& right) {
  return Sha256({{&kNodePrefix, 1}, left, right});
}

Result<Growing> Growing::Load(int64_t size, const ReadHash& read) {
  Growing tree;
  tree.size_ = size;
  ASSIGN_OR_RETURN(tree.peaks_, Peaks(0, size, read));
  return tree;
}

void Growing::Append(const Hash& leaf) {
  Hash hash = leaf;
  for (uint64_t bits = static_cast<uint64_t>(size_); (bits & 1) != 0;
       bits >>= 1) {
    hash = NodeHash(peaks_.back(), hash);
    peaks_.pop_back();
  }
  peaks_.push_back(hash);
  ++size_;
}

Head Growing::head() const {
  if (peaks_.empty()) return EmptyHead();
  Hash hash = peaks_.back();
  for (size_t i = peaks_.size() - 1; i-- > 0;) {
    hash = NodeHash(peaks_[i], hash);
  }
  return {size_, hash};
}

Result<Hash> RootOf(int64_t size, const ReadHash& read) {
  if (size < 0) return Fail(Code::kInvalidArgument, "no such size");
  if (size == 0) return EmptyHead().root;
  return Range(0, size, read);
}

Result<Proof> InclusionProof(int64_t index, int64_t size,
                             const ReadHash& read) {
  if (index < 0 || index >= size) {
    return Fail(Code::kInvalidArgument, "no such leaf");
  }
  // From the root down; a proof goes from the leaf up.
  Proof down;
  int64_t start = 0;
  while (size > 1) {
    const int64_t split = SplitOf(size);
    const bool left = index < split;
    ASSIGN_OR_RETURN(const Hash sibling,
                     left ? Range(start + split, size - split, read)
                          : Range(start, split, read));
    down.push_back(sibling);
    if (left) {
      size = split;
    } else {
      start += split;
      index -= split;
      size -= split;
    }
  }
  return Proof(down.rbegin(), down.rend());
}

Result<Proof> ConsistencyProof(int64_t from, int64_t to, const ReadHash& read) {
  if (from < 0 || from > to) {
    return Fail(Code::kInvalidArgument, "no such sizes");
  }
  if (from == 0 || from == to) return Proof();
  Proof down;
  int64_t start = 0;
  bool whole = true;  // the subtree is the whole old tree so far
  while (from != to) {
    const int64_t split = SplitOf(to);
    const bool left = from <= split;
    ASSIGN_OR_RETURN(const Hash sibling,
                     left ? Range(start + split, to - split, read)
                          : Range(start, split, read));
    down.push_back(sibling);
    if (left) {
      to = split;
    } else {
      start += split;
      from -= split;
      to -= split;
      whole = false;
    }
  }
  if (!whole) {
    ASSIGN_OR_RETURN(const Hash last, Range(start, from, read));
    down.push_back(last);
  }
  return Proof(down.rbegin(), down.rend());
}

bool VerifyInclusion(const Hash& leaf, int64_t index, const Head& head,
                     const Proof& proof) {
  if (index < 0 || index >= head.size) return false;
  uint64_t fn = static_cast<uint64_t>(index);
  uint64_t sn = static_cast<uint64_t>(head.size - 1);
  Hash hash = leaf;
  for (const Hash& next : proof) {
    if (sn == 0) return false;
    if ((fn & 1) != 0 || fn == sn) {
      hash = NodeHash(next, hash);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      hash = NodeHash(hash, next);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && hash == head.root;
}

bool VerifyConsistency(const Head& from, const Head& to, const Proof& proof) {
  if (from.size < 0 || from.size > to.size) return false;
  // Every tree goes on from the empty one.
  if (from.size == 0) return proof.empty() && from == EmptyHead();
  if (from.size == to.size) return proof.empty() && from.root == to.root;
  Proof path = proof;
  if (std::has_single_bit(static_cast<uint64_t>(from.size))) {
    path.insert(path.begin(), from.root);
  }
  if (path.empty()) return false;
  uint64_t fn = static_cast<uint64_t>(from.size - 1);
  uint64_t sn = static_cast<uint64_t>(to.size - 1);
  while ((fn & 1) != 0) {
    fn >>= 1;
    sn >>= 1;
  }
  Hash old_root = path.front();
  Hash new_root = path.front();
  for (size_t i = 1; i < path.size(); ++i) {
    if (sn == 0) return false;
    if ((fn & 1) != 0 || fn == sn) {
      old_root = NodeHash(path[i], old_root);
      new_root = NodeHash(path[i], new_root);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      new_root = NodeHash(new_root, path[i]);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && old_root == from.root && new_root == to.root;
}

}  // namespace sekisho::merkle
