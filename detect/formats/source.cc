#include "detect/formats/source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace sekisho::detect {

Bytes Source::Take(int64_t offset, size_t size) const {
  Bytes bytes(size);
  bytes.resize(Read(offset, bytes));
  return bytes;
}

size_t MemorySource::Read(int64_t offset, std::span<std::byte> out) const {
  if (offset < 0 || offset >= size()) {
    return 0;
  }
  const ByteSpan rest = bytes_.subspan(static_cast<size_t>(offset));
  const size_t n = std::min(rest.size(), out.size());
  CopyBytes(out.data(), rest.data(), n);
  return n;
}

size_t FdSource::Read(int64_t offset, std::span<std::byte> out) const {
  if (offset < 0 || offset >= size_) {
    return 0;
  }
  const size_t wanted = static_cast<size_t>(
      std::min<int64_t>(size_ - offset, static_cast<int64_t>(out.size())));
  size_t done = 0;
  while (done < wanted) {
    const ssize_t n = ::pread(fd_, out.data() + done, wanted - done,
                              offset + static_cast<int64_t>(done));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      break;
    }
    done += static_cast<size_t>(n);
  }
  return done;
}

ByteSpan Cursor::Next() {
  if (at_ >= end_) {
    return {};
  }
  buffer_.resize(kChunkBytes);
  const size_t wanted = static_cast<size_t>(
      std::min<int64_t>(end_ - at_, static_cast<int64_t>(kChunkBytes)));
  const size_t n = source_->Read(at_, std::span(buffer_).first(wanted));
  at_ += static_cast<int64_t>(n);
  return ByteSpan(buffer_).first(n);
}

}  // namespace sekisho::detect
