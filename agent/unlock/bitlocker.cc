#include "agent/unlock/bitlocker.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "common/bytes.h"

namespace sekisho::unlock {
namespace {

using Segment = ipc::UnlockAnswer::Segment;

constexpr int64_t kSectorBytes = 512;
constexpr std::string_view kSignature = "-FVE-FS-";
constexpr std::string_view kToGoSignature = "MSWIN4.1";
constexpr size_t kSignatureAt = 3;
constexpr size_t kOffsetsAt = 176;
constexpr size_t kToGoOffsetsAt = 440;
// Of a metadata block: its own header, the metadata's, then the entries.
constexpr size_t kSizeAt = 64;
constexpr size_t kEntriesAt = 112;
constexpr size_t kEntryHeaderBytes = 8;
constexpr uint64_t kVolumeHeaderEntry = 0x000f;

Error Broken(std::string_view what) {
  return {Code::kFailedPrecondition,
          "its BitLocker metadata cannot be read: " + std::string(what)};
}

Bytes ReadAt(int fd, int64_t offset, size_t size) {
  Bytes bytes(size);
  const ssize_t got = ::pread(fd, bytes.data(), size, offset);
  bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return bytes;
}

bool HasAt(ByteSpan bytes, size_t at, std::string_view text) {
  return bytes.size() >= at + text.size() &&
         AsText(bytes.subspan(at, text.size())) == text;
}

// Little-endian; 0 outside.
uint64_t Number(ByteSpan bytes, size_t at, size_t size) {
  uint64_t value = 0;
  if (at > bytes.size() || bytes.size() - at < size) return 0;
  for (size_t i = size; i-- > 0;) {
    value = value << 8 | std::to_integer<uint64_t>(bytes[at + i]);
  }
  return value;
}

bool Within(int64_t offset, int64_t bytes, int64_t size_bytes) {
  return offset > 0 && bytes > 0 && bytes <= size_bytes &&
         offset <= size_bytes - bytes && offset % kSectorBytes == 0 &&
         bytes % kSectorBytes == 0;
}

// Where the first sectors went; header_bytes stays 0 if no entry says so.
void ReadEntries(ByteSpan block, BitlockerLayout& layout) {
  const size_t whole = std::min<size_t>(
      block.size(), kSizeAt + static_cast<size_t>(Number(block, kSizeAt, 4)));
  size_t at = kEntriesAt;
  while (at + kEntryHeaderBytes <= whole) {
    const auto size = static_cast<size_t>(Number(block, at, 2));
    if (size < kEntryHeaderBytes || size > whole - at) return;
    if (Number(block, at + 2, 2) == kVolumeHeaderEntry) {
      const size_t value = at + kEntryHeaderBytes;
      layout.header_offset = static_cast<int64_t>(Number(block, value, 8));
      layout.header_bytes = static_cast<int64_t>(Number(block, value + 8, 8));
      return;
    }
    at += size;
  }
}

}  // namespace

bool LooksLikeBitlocker(int fd) {
  const Bytes sector = ReadAt(fd, 0, kSectorBytes);
  return HasAt(sector, kSignatureAt, kSignature) ||
         HasAt(sector, kSignatureAt, kToGoSignature);
}

Result<BitlockerLayout> ReadBitlockerLayout(int fd, int64_t size_bytes) {
  const Bytes sector = ReadAt(fd, 0, kSectorBytes);
  if (sector.size() < kSectorBytes) {
    return std::unexpected(Broken("too short"));
  }
  const size_t offsets_at =
      HasAt(sector, kSignatureAt, kToGoSignature) ? kToGoOffsetsAt : kOffsetsAt;
  BitlockerLayout layout;
  for (size_t i = 0; i < layout.metadata_offsets.size(); ++i) {
    layout.metadata_offsets[i] =
        static_cast<int64_t>(Number(sector, offsets_at + 8 * i, 8));
    if (!Within(layout.metadata_offsets[i], kBitlockerMetadataBytes,
                size_bytes)) {
      return std::unexpected(Broken("a block lies outside the volume"));
    }
  }
  for (const int64_t offset : layout.metadata_offsets) {
    const Bytes block =
        ReadAt(fd, offset, static_cast<size_t>(kBitlockerMetadataBytes));
    if (!HasAt(block, 0, kSignature)) continue;
    ReadEntries(block, layout);
    if (!Within(layout.header_offset, layout.header_bytes, size_bytes)) {
      return std::unexpected(Broken("its first sectors lie nowhere"));
    }
    return layout;
  }
  return std::unexpected(Broken("no metadata block is whole"));
}

Result<std::vector<Segment>> BitlockerSegments(const BitlockerLayout& layout,
                                               int64_t size_bytes) {
  // What is not simply decrypted where it stands.
  std::vector<Segment> parts;
  const auto zeros = [&](int64_t offset, int64_t bytes) {
    parts.push_back({.start_sector = offset / kSectorBytes,
                     .length_sectors = bytes / kSectorBytes,
                     .device_sector = -1,
                     .iv_sector = 0});
  };
  parts.push_back({.start_sector = 0,
                   .length_sectors = layout.header_bytes / kSectorBytes,
                   .device_sector = layout.header_offset / kSectorBytes,
                   .iv_sector = layout.header_offset / kSectorBytes});
  for (const int64_t offset : layout.metadata_offsets) {
    zeros(offset, kBitlockerMetadataBytes);
  }
  zeros(layout.header_offset, layout.header_bytes);
  std::ranges::sort(parts, {}, &Segment::start_sector);

  std::vector<Segment> segments;
  int64_t next = 0;
  const auto decrypted_up_to = [&](int64_t end) {
    if (end == next) return;
    segments.push_back({.start_sector = next,
                        .length_sectors = end - next,
                        .device_sector = next,
                        .iv_sector = next});
    next = end;
  };
  for (const Segment& part : parts) {
    if (part.start_sector < next) {
      return std::unexpected(Broken("its parts overlap"));
    }
    decrypted_up_to(part.start_sector);
    segments.push_back(part);
    next += part.length_sectors;
  }
  const int64_t end = size_bytes / kSectorBytes;
  if (next > end) return std::unexpected(Broken("it leaves the volume"));
  decrypted_up_to(end);
  return segments;
}

}  // namespace sekisho::unlock
