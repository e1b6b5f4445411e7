#include "detect/formats/compound.h"

#include <algorithm>

#include "detect/encoding.h"

namespace sekisho::detect {
namespace {

constexpr uint32_t kLastRegular = 0xFFFFFFFA;  // above: end, free, tables
constexpr uint32_t kFreeSector = 0xFFFFFFFF;
constexpr size_t kMaxTableSectors = size_t{1} << 22;
constexpr size_t kMaxDirectoryBytes = size_t{4} << 20;
constexpr size_t kMaxContainerBytes = size_t{64} << 20;
constexpr size_t kEntryBytes = 128;

}  // namespace

CompoundFile::CompoundFile(const Source* source) : source_(source) {
  const Bytes header = source->Take(0, 512);
  if (header.size() < 512) {
    problem_ = "damaged";
    return;
  }
  const unsigned shift = GetU16(&header[30]);
  const unsigned mini_shift = GetU16(&header[32]);
  if ((shift != 9 && shift != 12) || mini_shift != 6) {
    problem_ = "damaged";
    return;
  }
  sector_ = size_t{1} << shift;
  mini_cutoff_ = GetU32(&header[56]);
  ReadTable(header);
  const Bytes mini =
      Chain(GetU32(&header[60]),
            int64_t{GetU32(&header[64])} * static_cast<int64_t>(sector_),
            kMaxTableSectors * 4);
  for (size_t i = 0; i + 4 <= mini.size(); i += 4) {
    mini_table_.push_back(GetU32(&mini[i]));
  }
  ReadDirectory(GetU32(&header[48]));
  LookBehind();
}

// The last sector in use ends the file, but for its padding.
void CompoundFile::LookBehind() {
  size_t last = table_.size();
  while (last > 0 && table_[last - 1] == kFreeSector) {
    --last;
  }
  Cursor cursor(source_, static_cast<int64_t>((last + 1) * sector_),
                source_->size());
  for (ByteSpan next = cursor.Next(); !next.empty(); next = cursor.Next()) {
    if (std::any_of(next.begin(), next.end(),
                    [](std::byte b) { return b != std::byte{0}; })) {
      problem_ = "damaged";
      return;
    }
  }
}

void CompoundFile::ReadTable(const Bytes& header) {
  std::vector<uint32_t> sectors;
  for (size_t i = 0; i < 109; ++i) {
    sectors.push_back(GetU32(&header[76 + 4 * i]));
  }
  uint32_t next = GetU32(&header[68]);
  const auto most = static_cast<size_t>(source_->size()) / sector_ + 1;
  for (size_t n = 0; next < kLastRegular && n <= most; ++n) {
    const Bytes sector = source_->Take(
        static_cast<int64_t>((size_t{next} + 1) * sector_), sector_);
    if (sector.size() < sector_) {
      problem_ = "damaged";
      break;
    }
    for (size_t i = 0; i + 8 <= sector_; i += 4) {
      sectors.push_back(GetU32(&sector[i]));
    }
    next = GetU32(&sector[sector_ - 4]);
  }
  for (uint32_t number : sectors) {
    if (number >= kLastRegular || table_.size() > most ||
        table_.size() > kMaxTableSectors) {
      continue;
    }
    const Bytes sector = source_->Take(
        static_cast<int64_t>((size_t{number} + 1) * sector_), sector_);
    for (size_t i = 0; i + 4 <= sector.size(); i += 4) {
      table_.push_back(GetU32(&sector[i]));
    }
  }
}

Bytes CompoundFile::Chain(uint32_t start, int64_t size, size_t cap) const {
  Bytes out;
  const size_t wanted = std::min(
      cap, static_cast<size_t>(std::clamp<int64_t>(size, 0, source_->size())));
  out.reserve(wanted);
  // A chain cannot be longer than the table without going in circles.
  size_t steps = 0;
  for (uint32_t at = start; out.size() < wanted; at = table_[at]) {
    if (at >= table_.size() || ++steps > table_.size()) {
      problem_ = "damaged";
      break;
    }
    const Bytes sector = source_->Take(
        static_cast<int64_t>((size_t{at} + 1) * sector_), sector_);
    const size_t n = std::min(sector.size(), wanted - out.size());
    out.insert(out.end(), sector.begin(),
               sector.begin() + static_cast<std::ptrdiff_t>(n));
    if (n == 0) {
      problem_ = "damaged";
      break;
    }
  }
  return out;
}

void CompoundFile::ReadDirectory(uint32_t start) {
  // Its size is not written anywhere: to the end of its chain.
  Bytes all;
  size_t steps = 0;
  for (uint32_t at = start;
       at < table_.size() && all.size() < kMaxDirectoryBytes &&
       steps <= table_.size();
       at = table_[at], ++steps) {
    const Bytes sector = source_->Take(
        static_cast<int64_t>((size_t{at} + 1) * sector_), sector_);
    all.insert(all.end(), sector.begin(), sector.end());
  }
  if (all.empty()) {
    problem_ = "damaged";
  }
  for (size_t at = 0; at + kEntryBytes <= all.size(); at += kEntryBytes) {
    const std::byte* entry = &all[at];
    const unsigned type = std::to_integer<unsigned>(entry[66]);
    const size_t name_bytes = std::min<size_t>(64, GetU16(entry + 64));
    if (type == 5) {
      root_start_ = GetU32(entry + 116);
      root_size_ = GetU32(entry + 120);
    } else if (type == 2) {
      Stream stream;
      Decode(Encoding::kUtf16Le,
             ByteSpan(all).subspan(at, name_bytes >= 2 ? name_bytes - 2 : 0),
             &stream.name);
      stream.start = GetU32(entry + 116);
      stream.size = GetU32(entry + 120);
      if (stream.size > source_->size()) {
        problem_ = "damaged";
        stream.size = source_->size();
      }
      streams_.push_back(std::move(stream));
    }
  }
}

const CompoundFile::Stream* CompoundFile::Find(std::string_view name) const {
  for (const Stream& stream : streams_) {
    if (stream.name == name) {
      return &stream;
    }
  }
  return nullptr;
}

Bytes CompoundFile::Read(const Stream& stream, size_t cap) const {
  if (stream.size >= mini_cutoff_) {
    return Chain(stream.start, stream.size, cap);
  }
  if (!has_container_) {
    has_container_ = true;
    container_ = Chain(root_start_, root_size_, kMaxContainerBytes);
  }
  const Bytes& container = container_;
  Bytes out;
  const size_t wanted = std::min(cap, static_cast<size_t>(stream.size));
  size_t steps = 0;
  for (uint32_t at = stream.start; out.size() < wanted; at = mini_table_[at]) {
    const size_t begin = size_t{at} * mini_sector_;
    if (at >= mini_table_.size() || begin >= container.size() ||
        ++steps > mini_table_.size()) {
      problem_ = "damaged";
      break;
    }
    const size_t n =
        std::min({mini_sector_, container.size() - begin, wanted - out.size()});
    out.insert(out.end(),
               container.begin() + static_cast<std::ptrdiff_t>(begin),
               container.begin() + static_cast<std::ptrdiff_t>(begin + n));
  }
  return out;
}

}  // namespace sekisho::detect
