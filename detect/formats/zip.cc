#include "detect/formats/zip.h"

#include <zlib.h>

#include <algorithm>
#include <optional>

#include "detect/encoding.h"

namespace sekisho::detect {
namespace {

constexpr size_t kMaxDirectoryBytes = size_t{64} << 20;
constexpr size_t kLocalBytes = 30;
constexpr size_t kCentralBytes = 46;
constexpr size_t kEndBytes = 22;
constexpr size_t kLocatorBytes = 20;
constexpr size_t kEnd64Bytes = 56;
// Behind an entry: its data descriptor, padding. Anything longer is looked at.
constexpr int64_t kSmallGap = 32;

// Where the central directory is and how many entries it has.
struct End {
  int64_t directory = 0;
  int64_t directory_size = 0;
  int64_t count = 0;
  int64_t end_record = 0;
  // What the end itself takes up; the bytes around it belong to nothing.
  std::vector<std::pair<int64_t, int64_t>> spans;
};

std::optional<End> FindEnd(const Source& source) {
  const int64_t size = source.size();
  const int64_t tail_at = std::max<int64_t>(0, size - 65535 - 22);
  const Bytes tail = source.Take(tail_at, static_cast<size_t>(size - tail_at));
  if (tail.size() < kEndBytes) {
    return std::nullopt;
  }
  for (size_t i = tail.size() - kEndBytes + 1; i-- > 0;) {
    if (GetU32(&tail[i]) != 0x06054b50 ||
        i + kEndBytes + GetU16(&tail[i + 20]) > tail.size()) {
      continue;
    }
    End end;
    end.end_record = tail_at + static_cast<int64_t>(i);
    end.spans = {
        {end.end_record, end.end_record + static_cast<int64_t>(kEndBytes)}};
    end.count = GetU16(&tail[i + 10]);
    end.directory_size = GetU32(&tail[i + 12]);
    end.directory = GetU32(&tail[i + 16]);
    const int64_t locator_at =
        end.end_record - static_cast<int64_t>(kLocatorBytes);
    const Bytes locator = source.Take(locator_at, kLocatorBytes);
    if (locator.size() == kLocatorBytes && GetU32(&locator[0]) == 0x07064b50) {
      const auto at = static_cast<int64_t>(GetU64(&locator[8]));
      const Bytes end64 = source.Take(at, kEnd64Bytes);
      if (end64.size() == kEnd64Bytes && GetU32(&end64[0]) == 0x06064b50) {
        end.count = static_cast<int64_t>(GetU64(&end64[32]));
        end.directory_size = static_cast<int64_t>(GetU64(&end64[40]));
        end.directory = static_cast<int64_t>(GetU64(&end64[48]));
        end.end_record = at;
        end.spans.push_back({at, at + static_cast<int64_t>(kEnd64Bytes)});
        end.spans.push_back(
            {locator_at, locator_at + static_cast<int64_t>(kLocatorBytes)});
      }
    }
    return end;
  }
  return std::nullopt;
}

// The flag for UTF-8 is often missing, and sometimes wrong.
std::string NameOf(std::string_view raw) {
  std::string name;
  Decode(IsStrictUtf8(AsBytes(raw)) ? Encoding::kUtf8 : Encoding::kCp932,
         AsBytes(raw), &name);
  return name;
}

// APPNOTE 4.5.3: 64-bit values, in this order, only where the 32-bit ones are
// all ones.
void ReadZip64(ByteSpan extra, bool size, bool stored, bool offset,
               ZipEntry* entry, int64_t* local) {
  for (size_t at = 0; at + 4 <= extra.size();) {
    const size_t length = GetU16(&extra[at + 2]);
    if (at + 4 + length > extra.size()) {
      return;
    }
    if (GetU16(&extra[at]) == 1) {
      size_t p = at + 4;
      const auto take = [&](bool wanted, int64_t* out) {
        if (wanted && p + 8 <= at + 4 + length) {
          *out = static_cast<int64_t>(GetU64(&extra[p]));
          p += 8;
        }
      };
      take(size, &entry->size);
      take(stored, &entry->stored);
      take(offset, local);
      return;
    }
    at += 4 + length;
  }
}

// Where the data begins, from the local header; -1 when there is none.
void ReadLocal(const Source& source, int64_t local, ZipEntry* entry) {
  const Bytes header = source.Take(local, kLocalBytes);
  entry->begin = -1;
  if (header.size() == kLocalBytes && GetU32(&header[0]) == 0x04034b50) {
    entry->begin = local + static_cast<int64_t>(kLocalBytes) +
                   GetU16(&header[26]) + GetU16(&header[28]);
    entry->encrypted = entry->encrypted || (GetU16(&header[6]) & 1) != 0;
  }
}

}  // namespace

const ZipEntry* ZipDirectory::Find(std::string_view name) const {
  for (const ZipEntry& entry : entries) {
    if (entry.name == name) {
      return &entry;
    }
  }
  return nullptr;
}

ZipDirectory ZipDirectory::Load(const Source& source, const Budget& budget) {
  ZipDirectory out;
  const auto end = FindEnd(source);
  if (!end || end->directory < 0 || end->directory_size < 0 ||
      end->directory > source.size() - end->directory_size) {
    out.problem = "damaged";
    return out;
  }
  if (end->count > budget.limits().entries ||
      end->directory_size > static_cast<int64_t>(kMaxDirectoryBytes)) {
    out.problem = "limit:entries";
    return out;
  }
  // Bytes in front (a program that unpacks itself) shift every offset.
  int64_t directory = end->directory;
  const int64_t shift = end->end_record - end->directory_size - directory;
  Bytes first = source.Take(directory, 4);
  if (end->count > 0 && (first.size() < 4 || GetU32(&first[0]) != 0x02014b50)) {
    directory += std::max<int64_t>(0, shift);
  }
  const Bytes raw =
      source.Take(directory, static_cast<size_t>(end->directory_size));
  std::vector<std::pair<int64_t, int64_t>> spans;
  size_t at = 0;
  for (int64_t i = 0; i < end->count; ++i) {
    if (at + kCentralBytes > raw.size() || GetU32(&raw[at]) != 0x02014b50) {
      out.problem = "damaged";
      break;
    }
    const std::byte* p = &raw[at];
    const size_t name_size = GetU16(p + 28);
    const size_t extra_size = GetU16(p + 30);
    const size_t total =
        kCentralBytes + name_size + extra_size + GetU16(p + 32);
    if (at + total > raw.size()) {
      out.problem = "damaged";
      break;
    }
    ZipEntry entry;
    const unsigned flags = GetU16(p + 8);
    entry.encrypted = (flags & 1) != 0;
    entry.method = GetU16(p + 10);
    entry.crc = GetU32(p + 16);
    entry.stored = GetU32(p + 20);
    entry.size = GetU32(p + 24);
    int64_t local = GetU32(p + 42);
    const ByteSpan all(raw);
    entry.name = NameOf(AsText(all.subspan(at + kCentralBytes, name_size)));
    ReadZip64(all.subspan(at + kCentralBytes + name_size, extra_size),
              entry.size == 0xFFFFFFFF, entry.stored == 0xFFFFFFFF,
              local == 0xFFFFFFFF, &entry, &local);
    at += total;
    local += directory - end->directory;
    ReadLocal(source, local, &entry);
    if (entry.begin < 0 || entry.stored < 0 ||
        entry.begin > source.size() - entry.stored) {
      out.problem = "damaged";
      entry.begin = -1;
    } else {
      spans.push_back({local, entry.begin + entry.stored});
    }
    const bool folder = entry.name.ends_with('/') && entry.size == 0;
    if (!folder) {
      out.entries.push_back(std::move(entry));
    }
  }
  spans.push_back({directory, directory + end->directory_size});
  spans.insert(spans.end(), end->spans.begin(), end->spans.end());
  std::sort(spans.begin(), spans.end());
  // A comment, or what somebody hung on to the end.
  spans.push_back({source.size(), source.size()});
  int64_t behind = 0;
  for (const auto& [begin, stop] : spans) {
    if (begin < behind) {
      out.problem = "bomb";
      out.entries.clear();
      return out;
    }
    if (begin - behind > kSmallGap) {
      out.gaps.push_back({behind, begin});
    }
    behind = stop;
  }
  return out;
}

struct ZipStream::Inflater {
  z_stream z{};
  bool ready = false;
  Inflater() { ready = ::inflateInit2(&z, -MAX_WBITS) == Z_OK; }
  ~Inflater() {
    if (ready) {
      ::inflateEnd(&z);
    }
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

ZipStream::ZipStream(const Source* source, const ZipEntry& entry,
                     Budget* budget)
    : cursor_(source, std::max<int64_t>(0, entry.begin),
              std::max<int64_t>(0, entry.begin) + entry.stored),
      entry_(entry),
      budget_(budget),
      crc_(static_cast<uint32_t>(::crc32(0, nullptr, 0))) {
  if (entry.begin < 0) {
    problem_ = "damaged";
  } else if (entry.encrypted) {
    problem_ = "encrypted";
  } else if (entry.method == 8) {
    inflater_ = std::make_unique<Inflater>();
    if (!inflater_->ready) {
      problem_ = "limit:dictionary";
    }
  } else if (entry.method != 0) {
    problem_ = "unknown";
  }
}

ZipStream::~ZipStream() = default;

size_t ZipStream::Fill(std::span<std::byte> out) {
  if (!inflater_) {
    if (input_.empty()) {
      input_ = cursor_.Next();
    }
    const size_t n = std::min(input_.size(), out.size());
    if (n > 0) {
      CopyBytes(out.data(), input_.data(), n);
    }
    input_ = input_.subspan(n);
    done_ = n == 0;
    return n;
  }
  z_stream& z = inflater_->z;
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  while (z.avail_out == out.size() && !done_) {
    if (input_.empty()) {
      input_ = cursor_.Next();
    }
    z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input_.data()));
    z.avail_in = static_cast<uInt>(input_.size());
    const bool at_end = input_.empty();
    const int e = ::inflate(&z, Z_NO_FLUSH);
    input_ = input_.subspan(input_.size() - z.avail_in);
    if (e == Z_STREAM_END) {
      done_ = true;
      // What stands behind the stream is no part of the entry, and hidden.
      if (!input_.empty() || cursor_.left() > 0) {
        problem_ = "damaged";
      }
    } else if (e != Z_OK && (e != Z_BUF_ERROR || at_end)) {
      done_ = true;
      problem_ = e == Z_MEM_ERROR ? "limit:dictionary" : "damaged";
    }
  }
  return out.size() - z.avail_out;
}

size_t ZipStream::Read(std::span<std::byte> out) {
  if (done_ || !problem_.empty() || out.empty()) {
    return 0;
  }
  const size_t n = Fill(out);
  crc_ = static_cast<uint32_t>(::crc32(
      crc_, reinterpret_cast<const Bytef*>(out.data()), static_cast<uInt>(n)));
  made_ += static_cast<int64_t>(n);
  if (n > 0 && !budget_->Output(static_cast<int64_t>(n))) {
    done_ = true;
  }
  if ((done_ || n == 0) && problem_.empty() && budget_->ok() &&
      (made_ != entry_.size || crc_ != entry_.crc)) {
    problem_ = "damaged";
  }
  return n;
}

ZipReader::ZipReader(const Source* source, ZipDirectory directory,
                     Budget* budget)
    : source_(source), directory_(std::move(directory)), budget_(budget) {
  Problem(directory_.problem);
}

void ZipReader::Leave() {
  if (stream_) {
    Problem(stream_->problem());
    stream_.reset();
  }
  gap_.reset();
  gap_bytes_ = {};
}

bool ZipReader::Next(Part* part) {
  Leave();
  if (!budget_->ok()) {
    return false;
  }
  if (next_ < directory_.entries.size()) {
    const ZipEntry& entry = directory_.entries[next_++];
    if (!budget_->Entry()) {
      return false;
    }
    stream_ = std::make_unique<ZipStream>(source_, entry, budget_);
    *part = {entry.name, PartKind::kBytes};
    return true;
  }
  if (next_gap_ < directory_.gaps.size()) {
    const auto& [begin, end] = directory_.gaps[next_gap_++];
    gap_ = std::make_unique<Cursor>(source_, begin, end);
    *part = {"(between entries)", PartKind::kBytes};
    return true;
  }
  return false;
}

size_t ZipReader::Read(std::span<std::byte> out) {
  if (stream_) {
    const size_t n = stream_->Read(out);
    Problem(stream_->problem());
    return n;
  }
  if (!gap_) {
    return 0;
  }
  if (gap_bytes_.empty()) {
    gap_bytes_ = gap_->Next();
  }
  const size_t n = std::min(gap_bytes_.size(), out.size());
  std::copy_n(gap_bytes_.begin(), n, out.begin());
  gap_bytes_ = gap_bytes_.subspan(n);
  budget_->Output(static_cast<int64_t>(n));
  return n;
}

}  // namespace sekisho::detect
