// Content that can be read at any place: a file behind a descriptor, a part of
// it, or bytes in memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "common/bytes.h"

namespace sekisho::detect {

// `size` may be 0, and then the pointers null.
inline void CopyBytes(void* to, const void* from, size_t size) {
  if (size > 0) {
    std::memcpy(to, from, size);
  }
}

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  virtual int64_t size() const = 0;
  // Fills `out` from `offset`; how many bytes. Fewer than asked only at the end
  // or where reading fails.
  virtual size_t Read(int64_t offset, std::span<std::byte> out) const = 0;

  // Up to `size` bytes from `offset`, for headers and the like.
  Bytes Take(int64_t offset, size_t size) const;
};

class MemorySource final : public Source {
 public:
  explicit MemorySource(ByteSpan bytes) : bytes_(bytes) {}
  explicit MemorySource(Bytes owned)
      : owned_(std::move(owned)), bytes_(owned_) {}
  int64_t size() const override { return static_cast<int64_t>(bytes_.size()); }
  size_t Read(int64_t offset, std::span<std::byte> out) const override;

 private:
  Bytes owned_;
  ByteSpan bytes_;
};

// Reads with pread, whatever the file position; does not own `fd`.
class FdSource final : public Source {
 public:
  FdSource(int fd, int64_t size_bytes) : fd_(fd), size_(size_bytes) {}
  int64_t size() const override { return size_; }
  size_t Read(int64_t offset, std::span<std::byte> out) const override;

 private:
  int fd_;
  int64_t size_;
};

// Reads a Source from front to back in pieces of up to kChunkBytes.
class Cursor {
 public:
  static constexpr size_t kChunkBytes = size_t{64} * 1024;
  // `source` must outlive the cursor; reads [begin, end).
  Cursor(const Source* source, int64_t begin, int64_t end)
      : source_(source), at_(begin), end_(end) {}
  // The next bytes, valid until the next call; empty at the end.
  ByteSpan Next();
  int64_t at() const { return at_; }
  int64_t left() const { return end_ - at_; }

 private:
  const Source* source_;
  int64_t at_;
  int64_t end_;
  Bytes buffer_;
};

}  // namespace sekisho::detect
