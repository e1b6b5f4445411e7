// Whose data a file holds: lists of people that clients entrusted, as keyed
// hashes of their identities, and what a file has in common with them. Body of
// an envelope of type "data_sets". Without the installation's key the hashes
// tell nothing about a name. Pure.
//
// Bytes (little-endian, frozen). One set:
//   "SEKISHO-DATA-SET-1\n" | u32 header_size | header | (2^buckets + 1) * u32
//   start of each bucket | count * u24, rising within a bucket
// header, one "key=value\n" each, in this order: id, owner, key, persons, made
// (seconds since 1970), kinds (joined by commas), one_in, buckets, count.
// A hash lies in the bucket of its highest bits and is held by the next 24. Of
// a large list only hashes whose lowest bits are zero are held: one in one_in.
// Body of the envelope:
//   "sekisho-data-sets-1\n" | (u32 size | set) for each, ids rise
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace sekisho::policy {

inline constexpr size_t kMaxDataSets = 200;
inline constexpr size_t kMaxDataSetBytes = size_t{16} << 20;
inline constexpr size_t kMaxDataSetsBytes = size_t{32} << 20;

// Small letters, digits and . _ -, a letter or digit first, 64 at most.
bool IsDataSetId(std::string_view text);
// As IsDataSetId, and colons: "public:city-office". Rules match patterns of it.
bool IsDataOwner(std::string_view text);
// Says which key hashes were made with and tells nothing about it: 16 hex
// digits.
std::string SketchKeyId(ByteSpan key);

// What is known of a list besides its people.
struct DataSetFacts {
  std::string id;
  std::string owner;
  std::string key_id;
  int64_t persons = 0;
  int64_t made_seconds = 0;
  // Kinds of identity that nearly all of its people have, detect's words.
  std::vector<std::string> kinds;
  bool operator==(const DataSetFacts&) const = default;
};

class DataSet {
 public:
  // `hashes` of all kinds, in any order. Where they would take more than
  // `max_bytes`, every second one is left out, and again until they fit.
  // kInvalidArgument: the facts, or no hashes.
  static Result<DataSet> Make(DataSetFacts facts, std::vector<uint64_t> hashes,
                              size_t max_bytes);
  // kInvalidArgument: another form.
  static Result<DataSet> Parse(std::string_view bytes);

  const DataSetFacts& facts() const { return facts_; }
  uint32_t one_in() const { return one_in_; }  // 1: all of them are there
  uint32_t hash_count() const { return count_; }
  std::string Print() const;

  // Whether the list would hold this hash if it were one of its people's.
  bool Judges(uint64_t hash) const { return (hash & (one_in_ - 1)) == 0; }
  // Once in some two million for a hash that is not in it.
  bool Holds(uint64_t hash) const;

 private:
  DataSet() = default;
  std::string Header() const;
  uint32_t Start(size_t bucket) const;
  uint32_t Rest(size_t at) const;

  DataSetFacts facts_;
  uint32_t one_in_ = 1;
  int bucket_bits_ = 0;
  uint32_t count_ = 0;
  std::string table_;  // starts and rests, as in the bytes
};

// kInvalidArgument: another form, ids that do not rise, hashes of several keys;
// kResourceExhausted: too many.
Result<std::vector<DataSet>> ParseDataSets(std::string_view body);
// kResourceExhausted: more than an envelope holds.
Result<std::string> PrintDataSets(const std::vector<DataSet>& sets);

// Identities of one kind that a file holds.
struct IdentitiesSeen {
  std::string kind;         // detect's word
  std::string_view hashes;  // 8 bytes each: all, or a sample of them
  int64_t persons = 0;      // how many there are
};

// All that is known of a file's people: one entry a kind, the strongest records
// as "row", and of a large file the `sample` of its rows (8 bytes each).
struct PeopleSeen {
  std::vector<IdentitiesSeen> kinds;
  std::string_view sample;
};

struct OwnerFit {
  // Estimated people of the file that are in the list; 0: it is not of it.
  int64_t persons = 0;
  // Had a tenth of the file's people been in the list, it would have shown.
  bool conclusive = false;
};
// A file is of a list if at least three of its people (or all that can be
// judged, if they are fewer) are in it, and these are a tenth of the file or a
// hundredth of the list: lists have people in common by chance.
OwnerFit CompareWith(const DataSet& set, const PeopleSeen& people);

struct OwnerFound {
  std::string owner;
  int64_t persons = 0;
  bool operator==(const OwnerFound&) const = default;
};
// Owners whose lists it is of, most people first, each once.
std::vector<OwnerFound> OwnersOf(std::span<const DataSet> sets,
                                 const PeopleSeen& people);

}  // namespace sekisho::policy
