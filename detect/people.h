// Counting distinct people: exact while few, then HyperLogLog sketches that can
// be added up across files, terminals and years, one per kind of identity.
//
// A person is seen through identities (a member id, name + birth date, ...).
// Each kind has its own set, and the number of people is the maximum over the
// kinds. Hashes are keyed: without the key a sketch tells nothing about a
// name. Sets made with different keys must not be merged.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace sekisho::detect {

// The numbers are on the wire: append only.
enum class IdentityKind : uint8_t {
  kRow = 0,         // the strongest identity of each record
  kNationalId = 1,  // My Number, driver's licence, ...
  kNameBirth = 2,
  kNamePhone = 3,
  kEmail = 4,
  kMemberId = 5,
  kNameAddress = 6,
  kName = 7,   // only where a record has nothing stronger
  kPhone = 8,  // only where a record has nothing stronger
  kCard = 9,   // only where a record has nothing stronger
};
inline constexpr size_t kIdentityKindCount = 10;
inline constexpr std::array<std::string_view, kIdentityKindCount>
    kIdentityKindNames = {"row",   "national_id", "name_birth",   "name_phone",
                          "email", "member_id",   "name_address", "name",
                          "phone", "card"};

using SketchKey = std::array<std::byte, 32>;

// Up to this many hashes of a kind are held exactly.
inline constexpr size_t kMaxExactPeople = 4096;
// The smallest hashes, which a set that is a sketch keeps beside it.
inline constexpr size_t kMaxSmallest = 512;
// 2^15 registers of 4 bits: 16 KiB, standard error 1.04 / sqrt(2^15) = 0.57 %.
inline constexpr int kSketchPrecision = 15;
inline constexpr int kMaxRank = 15;  // what 4 bits hold
inline constexpr size_t kSketchBytes = size_t{1} << (kSketchPrecision - 1);

// Distinct 64-bit hashes of one kind.
class DistinctSet {
 public:
  void Insert(uint64_t hash);
  void Insert(std::span<const uint64_t> hashes);
  void Merge(const DistinctSet& other);
  // Exact up to kMaxExactPeople, then an estimate.
  int64_t Count() const;
  bool exact() const { return registers_.empty(); }
  bool empty() const { return size_ == 0 && exact(); }
  bool Contains(uint64_t hash) const;  // exact sets only

  // Sorted hashes; empty when the set is a sketch.
  std::vector<uint64_t> Hashes() const;
  // The smallest hashes, at most kMaxSmallest, sorted: a sample by which sets
  // that overlap are known. Empty: none was kept (a set read from registers).
  std::vector<uint64_t> Smallest() const;
  // kSketchBytes, or empty while exact.
  const std::vector<uint8_t>& registers() const { return registers_; }
  // As a sketch, whatever the form now; kSketchBytes.
  std::vector<uint8_t> ToRegisters() const;
  // `registers` must be empty or kSketchBytes long.
  static Result<DistinctSet> From(std::span<const uint64_t> hashes,
                                  std::span<const uint8_t> registers);

 private:
  void InsertRegister(uint64_t hash);
  void InsertSmallest(uint64_t hash);
  void CountRanks();
  void Grow();
  void Spill();

  // Open addressing, 0 is the free slot (a hash of 0 is stored as 1).
  std::vector<uint64_t> slots_;
  size_t size_ = 0;
  std::vector<uint8_t> registers_;
  // How many registers hold each rank, so that Count() need not read them all.
  std::array<int, kMaxRank + 1> histogram_{};
  // Of a sketch: sorted, full from the moment it became one, or not known.
  std::vector<uint64_t> smallest_;
};

// Sets of all kinds: what a file, or many files, hold.
class PeopleSketch {
 public:
  DistinctSet& of(IdentityKind kind) {
    return sets_[static_cast<size_t>(kind)];
  }
  const DistinctSet& of(IdentityKind kind) const {
    return sets_[static_cast<size_t>(kind)];
  }
  int64_t Persons() const;  // maximum over the kinds
  void Merge(const PeopleSketch& other);

  // Bytes: version 1, then for each kind that is not empty: kind (1 byte),
  // form (1 byte: 0 hashes, 1 registers), count of hashes or of bytes (u32),
  // then hashes (u64 each, ascending) or registers. Little endian.
  Bytes Serialize() const;
  static Result<PeopleSketch> Parse(ByteSpan bytes);

 private:
  std::array<DistinctSet, kIdentityKindCount> sets_;
};

// Values by a keyed universal hash, which never leaves this process; what is
// made of them is SipHash-2-4 with a subkey for each kind.
class IdentityHasher {
 public:
  explicit IdentityHasher(const SketchKey& key);
  // Hash of a normalised value, never 0.
  uint64_t Value(std::string_view normalised) const;
  // Identity of `kind` made of one or two hashed values, never 0.
  uint64_t Identity(IdentityKind kind, uint64_t a, uint64_t b = 0) const;
  // out[i] = Identity(kind, a[i], b[i]), several at once where the processor
  // can. The spans have one size.
  void Identities(IdentityKind kind, std::span<const uint64_t> a,
                  std::span<const uint64_t> b, std::span<uint64_t> out) const;

 private:
  using Subkey = std::array<uint64_t, 2>;
  std::array<Subkey, kIdentityKindCount> subkeys_;
  // Odd; one for each 8 bytes of a value, then in turn.
  std::array<uint64_t, 16> value_keys_;
};

}  // namespace sekisho::detect
