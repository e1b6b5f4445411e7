#include "policy/data_sets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <optional>

#include "common/number.h"
#include "common/text.h"
#include "policy/byte_pieces.h"

namespace sekisho::policy {
namespace {

constexpr std::string_view kSetMagic = "SEKISHO-DATA-SET-1\n";
constexpr std::string_view kBodyMagic = "sekisho-data-sets-1\n";
constexpr std::array<std::string_view, 9> kHeaderKeys = {
    "id",    "owner",  "key",     "persons", "made",
    "kinds", "one_in", "buckets", "count"};
constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxHeaderBytes = 1024;
constexpr size_t kKeyIdDigits = 16;
constexpr int kRestBits = 24;
constexpr size_t kRestBytes = kRestBits / 8;
constexpr size_t kStartBytes = 4;
constexpr int kMaxBucketBits = 24;
constexpr uint32_t kMaxOneIn = uint32_t{1} << 16;
// Starts then cost half a byte a hash, and few hashes share a bucket.
constexpr size_t kHashesABucket = 8;
constexpr size_t kMaxKinds = 16;

constexpr int64_t kLeastHits = 3;
constexpr int64_t kShareOfFile = 10;   // one in
constexpr int64_t kShareOfList = 100;  // one in
// None of so many: less than a tenth of them, but for one time in twenty.
constexpr int64_t kConclusive = 30;
// Of a file's rows are of the kind that this share of them has.
constexpr int64_t kNearlyAllPercent = 90;

constexpr std::string_view kRowKind = "row";
// As detect prefers them for the row of a record.
constexpr std::array<std::string_view, 9> kStrongestFirst = {
    "national_id",  "name_birth", "name_phone", "email", "member_id",
    "name_address", "name",       "phone",      "card"};

bool IsName(std::string_view text, bool with_colon) {
  const auto is_alnum = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= kMaxNameBytes &&
         is_alnum(text.front()) && std::ranges::all_of(text, [&](char c) {
           return is_alnum(c) || c == '.' || c == '_' || c == '-' ||
                  (with_colon && c == ':');
         });
}

bool IsKeyId(std::string_view text) {
  return text.size() == kKeyIdDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Status CheckFacts(const DataSetFacts& facts) {
  const auto bad = [](const char* why) {
    return Fail(Code::kInvalidArgument, why);
  };
  if (!IsDataSetId(facts.id)) {
    return bad("a data set's name is of small letters, digits and . _ -");
  }
  if (!IsDataOwner(facts.owner)) {
    return bad("a data owner is of small letters, digits and . _ - :");
  }
  if (!IsKeyId(facts.key_id)) return bad("the key's id is not 16 hex digits");
  if (facts.persons <= 0) return bad("a data set without people");
  if (facts.made_seconds < 0) return bad("the time it was made");
  const bool known = std::ranges::all_of(facts.kinds, [](const auto& kind) {
    return std::ranges::find(kStrongestFirst, kind) != kStrongestFirst.end();
  });
  if (!known || facts.kinds.size() > kMaxKinds) {
    return bad("the kinds of identity");
  }
  return {};
}

size_t TableBytes(int bucket_bits, size_t count) {
  return ((size_t{1} << bucket_bits) + 1) * kStartBytes + count * kRestBytes;
}

int BucketBits(size_t count) {
  return std::clamp(static_cast<int>(std::bit_width(count / kHashesABucket)), 0,
                    kMaxBucketBits);
}

size_t BucketOf(uint64_t hash, int bits) {
  return bits == 0 ? 0 : static_cast<size_t>(hash >> (64 - bits));
}
uint32_t RestOf(uint64_t hash, int bits) {
  return static_cast<uint32_t>((hash << bits) >> (64 - kRestBits));
}

uint32_t U32At(std::string_view bytes, size_t at) {
  return GetU32(AsBytes(bytes).data() + at);
}

// The values of the header's lines, in order.
std::optional<std::array<std::string_view, kHeaderKeys.size()>> ReadHeader(
    std::string_view header) {
  const auto lines = Split(header, '\n');
  if (lines.size() != kHeaderKeys.size() + 1 || !lines.back().empty()) {
    return std::nullopt;
  }
  std::array<std::string_view, kHeaderKeys.size()> values;
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t equals = lines[i].find('=');
    if (lines[i].substr(0, equals) != kHeaderKeys[i]) return std::nullopt;
    values[i] = lines[i].substr(equals + 1);
  }
  return values;
}

template <typename F>
void ForEachHash(std::string_view hashes, F f) {
  const std::byte* bytes = AsBytes(hashes).data();
  for (size_t at = 0; at + 8 <= hashes.size(); at += 8) f(GetU64(bytes + at));
}

bool HasKind(const DataSet& set, std::string_view kind) {
  return std::ranges::find(set.facts().kinds, kind) != set.facts().kinds.end();
}

// What nearly all rows of the file are: the strongest kind that as many people
// have; "" if they are mixed.
std::string_view KindOfRows(const PeopleSeen& people, int64_t rows) {
  for (const std::string_view kind : kStrongestFirst) {
    for (const IdentitiesSeen& seen : people.kinds) {
      if (seen.kind != kind) continue;
      if (seen.persons * 100 >= rows * kNearlyAllPercent) return kind;
      // Some rows are of this kind and the others of weaker ones.
      if (seen.persons * 100 > rows * (100 - kNearlyAllPercent)) return "";
    }
  }
  return "";
}

OwnerFit CompareKind(const DataSet& set, std::string_view kind,
                     std::string_view hashes, int64_t persons) {
  int64_t all = 0;
  int64_t judged = 0;
  int64_t hits = 0;
  ForEachHash(hashes, [&](uint64_t hash) {
    ++all;
    if (!set.Judges(hash)) return;
    ++judged;
    if (set.Holds(hash)) ++hits;
  });
  if (judged == 0) return {};
  persons = std::max(persons, all);
  const int64_t estimate = (persons * hits + judged - 1) / judged;
  const bool enough = hits >= std::min(kLeastHits, judged);
  const bool much = hits * kShareOfFile >= judged ||
                    estimate * kShareOfList >= set.facts().persons;
  if (enough && much) return {.persons = estimate, .conclusive = true};
  const bool saw_all = judged == all && all >= persons;
  return {
      .persons = 0,
      .conclusive = HasKind(set, kind) && (saw_all || judged >= kConclusive)};
}

}  // namespace

bool IsDataSetId(std::string_view text) { return IsName(text, false); }
bool IsDataOwner(std::string_view text) { return IsName(text, true); }

std::string SketchKeyId(ByteSpan key) {
  constexpr std::string_view kPurpose = "sekisho-sketch-key-id";
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  CHECK(crypto_generichash(
            hash.data(), hash.size(),
            reinterpret_cast<const unsigned char*>(kPurpose.data()),
            kPurpose.size(), reinterpret_cast<const unsigned char*>(key.data()),
            key.size()) == 0);
  return ToHex(std::as_bytes(std::span(hash))).substr(0, kKeyIdDigits);
}

Result<DataSet> DataSet::Make(DataSetFacts facts, std::vector<uint64_t> hashes,
                              size_t max_bytes) {
  RETURN_IF_ERROR(CheckFacts(facts));
  std::ranges::sort(hashes);
  const auto repeated = std::ranges::unique(hashes);
  hashes.erase(repeated.begin(), repeated.end());
  if (hashes.empty()) {
    return Fail(Code::kInvalidArgument, "a data set without identities");
  }
  DataSet set;
  set.facts_ = std::move(facts);
  const size_t room = max_bytes - std::min(max_bytes, kMaxHeaderBytes);
  while (TableBytes(BucketBits(hashes.size()), hashes.size()) > room &&
         set.one_in_ < kMaxOneIn) {
    set.one_in_ *= 2;
    std::erase_if(hashes, [&](uint64_t hash) { return !set.Judges(hash); });
  }
  set.bucket_bits_ = BucketBits(hashes.size());
  // Two hashes of one bucket and rest are one.
  const auto same = [&](uint64_t a, uint64_t b) {
    const int drop = 64 - set.bucket_bits_ - kRestBits;
    return drop > 0 && a >> drop == b >> drop;
  };
  const auto twins = std::ranges::unique(hashes, same);
  hashes.erase(twins.begin(), twins.end());
  set.count_ = static_cast<uint32_t>(hashes.size());
  std::string rests;
  size_t next = 0;
  for (size_t bucket = 0; bucket < size_t{1} << set.bucket_bits_; ++bucket) {
    AppendU32(set.table_, next);
    for (; next < hashes.size() &&
           BucketOf(hashes[next], set.bucket_bits_) == bucket;
         ++next) {
      const uint32_t rest = RestOf(hashes[next], set.bucket_bits_);
      for (size_t byte = 0; byte < kRestBytes; ++byte) {
        rests += static_cast<char>(rest >> (8 * byte));
      }
    }
  }
  AppendU32(set.table_, set.count_);
  set.table_ += rests;
  return set;
}

Result<DataSet> DataSet::Parse(std::string_view bytes) {
  const auto bad = [](const char* what) {
    return Fail(Code::kInvalidArgument, std::string("not a data set: ") + what);
  };
  if (bytes.size() > kMaxDataSetBytes) return bad("too large");
  if (!bytes.starts_with(kSetMagic)) return bad("its first line");
  Cursor cursor(bytes.substr(kSetMagic.size()));
  const auto header = cursor.TakeSized(kMaxHeaderBytes);
  if (!header) return bad("its header");
  bytes = *cursor.Take(cursor.left());
  const auto values = ReadHeader(*header);
  if (!values) return bad("its header");
  const auto persons = NumberOf<int64_t>((*values)[3]);
  const auto made = NumberOf<int64_t>((*values)[4]);
  const auto one_in = NumberOf<uint32_t>((*values)[6]);
  const auto bits = NumberOf<int>((*values)[7]);
  const auto count = NumberOf<uint32_t>((*values)[8]);
  if (!persons || !made || !one_in || !bits || !count) return bad("a number");
  DataSet set;
  set.facts_ = {.id = std::string((*values)[0]),
                .owner = std::string((*values)[1]),
                .key_id = std::string((*values)[2]),
                .persons = *persons,
                .made_seconds = *made,
                .kinds = {}};
  for (const std::string_view kind : Split((*values)[5], ',')) {
    if (!kind.empty()) set.facts_.kinds.emplace_back(kind);
  }
  RETURN_IF_ERROR(CheckFacts(set.facts_));
  if (!std::has_single_bit(*one_in) || *one_in > kMaxOneIn || *bits < 0 ||
      *bits > kMaxBucketBits || *count == 0 ||
      bytes.size() != TableBytes(*bits, *count)) {
    return bad("its size");
  }
  set.one_in_ = *one_in;
  set.bucket_bits_ = *bits;
  set.count_ = *count;
  set.table_ = bytes;
  if (set.Header() != *header) return bad("another spelling of its header");
  if (set.Start(0) != 0 || set.Start(size_t{1} << *bits) != *count) {
    return bad("its buckets");
  }
  for (size_t bucket = 0; bucket < size_t{1} << *bits; ++bucket) {
    const uint32_t end = set.Start(bucket + 1);
    if (end < set.Start(bucket) || end > *count) return bad("its buckets");
    for (uint32_t at = set.Start(bucket) + 1; at < end; ++at) {
      if (set.Rest(at) <= set.Rest(at - 1)) return bad("its order");
    }
  }
  return set;
}

std::string DataSet::Header() const {
  return fmt::format(
      "id={}\nowner={}\nkey={}\npersons={}\nmade={}\nkinds={}\none_in={}\n"
      "buckets={}\ncount={}\n",
      facts_.id, facts_.owner, facts_.key_id, facts_.persons,
      facts_.made_seconds, fmt::join(facts_.kinds, ","), one_in_, bucket_bits_,
      count_);
}

std::string DataSet::Print() const {
  const std::string header = Header();
  std::string out(kSetMagic);
  AppendU32(out, header.size());
  return out + header + table_;
}

uint32_t DataSet::Start(size_t bucket) const {
  return U32At(table_, bucket * kStartBytes);
}

uint32_t DataSet::Rest(size_t at) const {
  const size_t from = ((size_t{1} << bucket_bits_) + 1) * kStartBytes;
  uint32_t rest = 0;
  for (size_t byte = 0; byte < kRestBytes; ++byte) {
    rest |= static_cast<uint32_t>(static_cast<unsigned char>(
                table_[from + at * kRestBytes + byte]))
            << (8 * byte);
  }
  return rest;
}

bool DataSet::Holds(uint64_t hash) const {
  if (!Judges(hash)) return false;
  const size_t bucket = BucketOf(hash, bucket_bits_);
  const uint32_t wanted = RestOf(hash, bucket_bits_);
  size_t low = Start(bucket);
  size_t high = Start(bucket + 1);
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (Rest(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < Start(bucket + 1) && Rest(low) == wanted;
}

Result<std::vector<DataSet>> ParseDataSets(std::string_view body) {
  if (!body.starts_with(kBodyMagic)) {
    return Fail(Code::kInvalidArgument, "not a list of data sets");
  }
  Cursor cursor(body.substr(kBodyMagic.size()));
  std::vector<DataSet> sets;
  while (cursor.left() > 0) {
    if (sets.size() == kMaxDataSets) {
      return Fail(Code::kResourceExhausted, "too many data sets");
    }
    const auto bytes = cursor.TakeSized(kMaxDataSetBytes);
    if (!bytes) {
      return Fail(Code::kInvalidArgument, "a data set is cut off");
    }
    ASSIGN_OR_RETURN(DataSet set, DataSet::Parse(*bytes));
    if (!sets.empty() && set.facts().id <= sets.back().facts().id) {
      return Fail(Code::kInvalidArgument, "the names of data sets do not rise");
    }
    if (!sets.empty() && set.facts().key_id != sets.back().facts().key_id) {
      return Fail(Code::kInvalidArgument, "data sets of two installations: '" +
                                              set.facts().id +
                                              "' was made with another key");
    }
    sets.push_back(std::move(set));
  }
  return sets;
}

Result<std::string> PrintDataSets(const std::vector<DataSet>& sets) {
  std::string body(kBodyMagic);
  for (const DataSet& set : sets) {
    const std::string bytes = set.Print();
    AppendU32(body, bytes.size());
    body += bytes;
  }
  if (sets.size() > kMaxDataSets || body.size() > kMaxDataSetsBytes) {
    return Fail(
        Code::kResourceExhausted,
        fmt::format("{} data sets of {} bytes; at most {} of {}", sets.size(),
                    body.size(), kMaxDataSets, kMaxDataSetsBytes));
  }
  return body;
}

OwnerFit CompareWith(const DataSet& set, const PeopleSeen& people) {
  OwnerFit best;
  for (const IdentitiesSeen& seen : people.kinds) {
    const bool row = seen.kind == kRowKind;
    const std::string_view hashes =
        row && seen.hashes.empty() ? people.sample : seen.hashes;
    const OwnerFit fit =
        CompareKind(set, row ? KindOfRows(people, seen.persons) : seen.kind,
                    hashes, seen.persons);
    best.persons = std::max(best.persons, fit.persons);
    best.conclusive = best.conclusive || fit.conclusive;
  }
  return best;
}

std::vector<OwnerFound> OwnersOf(std::span<const DataSet> sets,
                                 const PeopleSeen& people) {
  std::vector<OwnerFound> found;
  for (const DataSet& set : sets) {
    const OwnerFit fit = CompareWith(set, people);
    if (fit.persons == 0) continue;
    const auto known =
        std::ranges::find(found, set.facts().owner, &OwnerFound::owner);
    if (known == found.end()) {
      found.push_back({set.facts().owner, fit.persons});
    } else {
      known->persons = std::max(known->persons, fit.persons);
    }
  }
  std::ranges::sort(found, [](const OwnerFound& a, const OwnerFound& b) {
    return a.persons != b.persons ? a.persons > b.persons : a.owner < b.owner;
  });
  return found;
}

}  // namespace sekisho::policy
