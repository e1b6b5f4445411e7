// The kernel's side of the mount: requests are read from /dev/fuse and
// answered in any order, from any thread. Knows packets, not what they mean.
#pragma once

#include <linux/fuse.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "agent/gate/errno_or.h"
#include "common/bytes.h"
#include "common/unique_fd.h"

namespace sekisho::gate {

// One WRITE carries at most this; cp's 128 KiB and dd's 1 MiB fit.
inline constexpr size_t kMaxWriteBytes = size_t{1} << 20;
// What read(2) needs room for: the header, the longest body beside the data.
inline constexpr size_t kRequestBufferBytes = kMaxWriteBytes + 4096;

class FuseChannel {
 public:
  virtual ~FuseChannel() = default;
  // Blocks. Length of the request; ENODEV: the mount is gone.
  virtual ErrnoOr<size_t> Read(std::span<std::byte> buffer) = 0;
  // An answer nobody waits for any more (killed process) is not an error.
  virtual void Reply(uint64_t unique, ByteSpan first, ByteSpan second = {}) = 0;
  virtual void ReplyError(uint64_t unique, int error_number) = 0;
  // Drops what the kernel has cached. Never call it from the thread that must
  // answer a request on the same file: the kernel may wait for that answer.
  virtual void ForgetPages(uint64_t node_id) = 0;
  virtual void ForgetName(uint64_t parent_id, std::string_view name) = 0;
};

class FuseDevice final : public FuseChannel {
 public:
  explicit FuseDevice(UniqueFd fd) : fd_(std::move(fd)) {}

  ErrnoOr<size_t> Read(std::span<std::byte> buffer) override;
  void Reply(uint64_t unique, ByteSpan first, ByteSpan second) override;
  void ReplyError(uint64_t unique, int error_number) override;
  void ForgetPages(uint64_t node_id) override;
  void ForgetName(uint64_t parent_id, std::string_view name) override;

 private:
  void Send(const fuse_out_header& header, ByteSpan first, ByteSpan second);

  UniqueFd fd_;
};

template <typename T>
ByteSpan BytesOf(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace sekisho::gate
