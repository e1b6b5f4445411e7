#include "detect/people.h"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <span>

namespace sekisho::detect {
namespace {

constexpr size_t kRegisterCount = size_t{1} << kSketchPrecision;

uint8_t RegisterAt(std::span<const uint8_t> registers, size_t i) {
  return static_cast<uint8_t>((registers[i / 2] >> (i % 2 * 4)) & 0xF);
}

// sigma and tau of Otmar Ertl, "New cardinality estimation algorithms for
// HyperLogLog sketches" (2017), algorithm 6: no bias tables, right from the
// first element to saturation.
double Sigma(double x) {
  if (x == 1.0) {
    return std::numeric_limits<double>::infinity();
  }
  double y = 1;
  double z = x;
  double previous = -1;
  while (z != previous) {
    x *= x;
    previous = z;
    z += x * y;
    y += y;
  }
  return z;
}

double Tau(double x) {
  if (x == 0.0 || x == 1.0) {
    return 0;
  }
  double y = 1;
  double z = 1 - x;
  double previous = -1;
  while (z != previous) {
    x = std::sqrt(x);
    previous = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

// `histogram[k]` registers hold k.
int64_t Estimate(std::span<const int, kMaxRank + 1> histogram) {
  constexpr double m = static_cast<double>(kRegisterCount);
  double z = m * Tau(1.0 - histogram[kMaxRank] / m);
  for (int k = kMaxRank - 1; k >= 1; --k) {
    z += histogram[static_cast<size_t>(k)];
    z *= 0.5;
  }
  z += m * Sigma(histogram[0] / m);
  constexpr double kAlphaInfinity = 0.72134752044448170368;  // 1 / (2 ln 2)
  return std::llround(kAlphaInfinity * m * m / z);
}

}  // namespace

void DistinctSet::InsertRegister(uint64_t hash) {
  const size_t index = hash >> (64 - kSketchPrecision);
  const uint64_t rest = hash << kSketchPrecision;
  const int rank =
      std::min(rest == 0 ? kMaxRank : std::countl_zero(rest) + 1, kMaxRank);
  uint8_t& cell = registers_.data()[index / 2];
  const int shift = static_cast<int>(index % 2) * 4;
  const int before = (cell >> shift) & 0xF;
  if (rank > before) {
    --histogram_[static_cast<size_t>(before)];
    ++histogram_[static_cast<size_t>(rank)];
    cell = static_cast<uint8_t>((cell & ~(0xF << shift)) | (rank << shift));
  }
  if (!smallest_.empty() && hash < smallest_.back()) {
    InsertSmallest(hash);
  }
}

void DistinctSet::InsertSmallest(uint64_t hash) {
  hash = std::max<uint64_t>(hash, 1);
  const auto at = std::lower_bound(smallest_.begin(), smallest_.end(), hash);
  if (*at == hash) {
    return;
  }
  smallest_.insert(at, hash);
  smallest_.pop_back();
}

void DistinctSet::CountRanks() {
  histogram_ = {};
  for (size_t i = 0; i < kRegisterCount; ++i) {
    ++histogram_[RegisterAt(registers_, i)];
  }
}

void DistinctSet::Grow() {
  std::vector<uint64_t> old = std::move(slots_);
  slots_.assign(old.empty() ? 16 : old.size() * 2, 0);
  size_ = 0;
  for (uint64_t hash : old) {
    if (hash != 0) {
      Insert(hash);
    }
  }
}

void DistinctSet::Spill() {
  smallest_ = Smallest();
  if (smallest_.size() < kMaxSmallest) {
    smallest_.clear();  // what comes later could not be told from it
  }
  registers_.assign(kSketchBytes, 0);
  CountRanks();
  for (uint64_t hash : slots_) {
    if (hash != 0) {
      InsertRegister(hash);
    }
  }
  slots_ = {};
  size_ = 0;
}

void DistinctSet::Insert(uint64_t hash) {
  if (!exact()) {
    InsertRegister(hash);
    return;
  }
  hash = std::max<uint64_t>(hash, 1);
  if (size_ * 2 >= slots_.size()) {
    Grow();
  }
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    if (slots_[i] == hash) {
      return;
    }
    if (slots_[i] == 0) {
      slots_[i] = hash;
      break;
    }
  }
  if (++size_ > kMaxExactPeople) {
    Spill();
  }
}

void DistinctSet::Insert(std::span<const uint64_t> hashes) {
  size_t i = 0;
  for (; i < hashes.size() && exact(); ++i) {
    Insert(hashes[i]);
  }
  for (const uint64_t hash : hashes.subspan(i)) {
    InsertRegister(hash);
  }
}

bool DistinctSet::Contains(uint64_t hash) const {
  if (slots_.empty()) {
    return false;
  }
  hash = std::max<uint64_t>(hash, 1);
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask; slots_[i] != 0; i = (i + 1) & mask) {
    if (slots_[i] == hash) {
      return true;
    }
  }
  return false;
}

void DistinctSet::Merge(const DistinctSet& other) {
  if (other.exact()) {
    for (uint64_t hash : other.slots_) {
      if (hash != 0) {
        Insert(hash);
      }
    }
    return;
  }
  std::vector<uint64_t> smallest;
  const std::vector<uint64_t> mine = Smallest();
  if (!other.smallest_.empty() && (exact() || !mine.empty())) {
    std::set_union(mine.begin(), mine.end(), other.smallest_.begin(),
                   other.smallest_.end(), std::back_inserter(smallest));
    smallest.resize(kMaxSmallest);
  }
  if (exact()) {
    Spill();
  }
  smallest_ = std::move(smallest);
  for (size_t i = 0; i < kSketchBytes; ++i) {
    const uint8_t low =
        std::max<uint8_t>(registers_[i] & 0xF, other.registers_[i] & 0xF);
    const uint8_t high =
        std::max<uint8_t>(registers_[i] & 0xF0, other.registers_[i] & 0xF0);
    registers_[i] = static_cast<uint8_t>(low | high);
  }
  CountRanks();
}

int64_t DistinctSet::Count() const {
  return exact() ? static_cast<int64_t>(size_) : Estimate(histogram_);
}

std::vector<uint64_t> DistinctSet::Hashes() const {
  std::vector<uint64_t> hashes;
  hashes.reserve(size_);
  for (uint64_t hash : slots_) {
    if (hash != 0) {
      hashes.push_back(hash);
    }
  }
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}

std::vector<uint64_t> DistinctSet::Smallest() const {
  if (!exact()) {
    return smallest_;
  }
  std::vector<uint64_t> hashes = Hashes();
  hashes.resize(std::min(hashes.size(), kMaxSmallest));
  return hashes;
}

std::vector<uint8_t> DistinctSet::ToRegisters() const {
  DistinctSet copy = *this;
  if (copy.exact()) {
    copy.Spill();
  }
  return std::move(copy.registers_);
}

Result<DistinctSet> DistinctSet::From(std::span<const uint64_t> hashes,
                                      std::span<const uint8_t> registers) {
  DistinctSet set;
  if (!registers.empty()) {
    if (registers.size() != kSketchBytes) {
      return Fail(Code::kInvalidArgument, "sketch of a wrong size");
    }
    set.registers_.assign(registers.begin(), registers.end());
    set.CountRanks();
  }
  for (uint64_t hash : hashes) {
    set.Insert(hash);
  }
  return set;
}

int64_t PeopleSketch::Persons() const {
  int64_t persons = 0;
  for (const DistinctSet& set : sets_) {
    persons = std::max(persons, set.Count());
  }
  return persons;
}

void PeopleSketch::Merge(const PeopleSketch& other) {
  for (size_t i = 0; i < sets_.size(); ++i) {
    sets_[i].Merge(other.sets_[i]);
  }
}

Bytes PeopleSketch::Serialize() const {
  Bytes out;
  out.push_back(std::byte{1});
  for (size_t i = 0; i < sets_.size(); ++i) {
    const DistinctSet& set = sets_[i];
    if (set.empty()) {
      continue;
    }
    const std::vector<uint64_t> hashes = set.Hashes();
    const size_t count = set.exact() ? hashes.size() : kSketchBytes;
    out.push_back(static_cast<std::byte>(i));
    out.push_back(static_cast<std::byte>(set.exact() ? 0 : 1));
    size_t at = out.size();
    out.resize(at + 4 + (set.exact() ? count * 8 : count));
    PutU32(&out[at], static_cast<uint32_t>(count));
    at += 4;
    for (uint64_t hash : hashes) {
      PutU64(&out[at], hash);
      at += 8;
    }
    for (uint8_t cell : set.registers()) {
      out[at++] = static_cast<std::byte>(cell);
    }
  }
  return out;
}

Result<PeopleSketch> PeopleSketch::Parse(ByteSpan bytes) {
  PeopleSketch sketch;
  if (bytes.empty()) {
    return sketch;
  }
  if (bytes[0] != std::byte{1}) {
    return Fail(Code::kInvalidArgument, "people sketch: unknown version");
  }
  size_t at = 1;
  while (at < bytes.size()) {
    if (bytes.size() - at < 6) {
      return Fail(Code::kInvalidArgument, "people sketch: cut off");
    }
    const size_t kind = std::to_integer<size_t>(bytes[at]);
    const int form = std::to_integer<int>(bytes[at + 1]);
    const size_t count = GetU32(&bytes[at + 2]);
    at += 6;
    const bool is_hashes = form == 0 && count <= kMaxExactPeople;
    const bool is_registers = form == 1 && count == kSketchBytes;
    if (kind >= kIdentityKindCount || (!is_hashes && !is_registers) ||
        bytes.size() - at < (is_hashes ? count * 8 : count)) {
      return Fail(Code::kInvalidArgument, "people sketch: malformed");
    }
    DistinctSet& set = sketch.sets_[kind];
    if (is_hashes) {
      for (size_t i = 0; i < count; ++i, at += 8) {
        set.Insert(GetU64(&bytes[at]));
      }
    } else {
      std::vector<uint8_t> registers(kSketchBytes);
      for (uint8_t& cell : registers) {
        cell = std::to_integer<uint8_t>(bytes[at++]);
      }
      ASSIGN_OR_RETURN(const DistinctSet read,
                       DistinctSet::From({}, registers));
      set.Merge(read);
    }
  }
  return sketch;
}

}  // namespace sekisho::detect
