#include "agent/gate/fuse_device.h"

#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>

namespace sekisho::gate {

ErrnoOr<size_t> FuseDevice::Read(std::span<std::byte> buffer) {
  while (true) {
    const ssize_t n = ::read(fd_.get(), buffer.data(), buffer.size());
    if (n >= 0) return static_cast<size_t>(n);
    // ENOENT: the request was taken back between wake-up and read.
    if (errno == EINTR || errno == ENOENT) continue;
    if (errno != EAGAIN) return Errno();
    pollfd wait{fd_.get(), POLLIN, 0};
    if (::poll(&wait, 1, -1) < 0 && errno != EINTR) return Errno();
  }
}

void FuseDevice::Send(const fuse_out_header& header, ByteSpan first,
                      ByteSpan second) {
  fuse_out_header complete = header;
  complete.len =
      static_cast<uint32_t>(sizeof complete + first.size() + second.size());
  const std::array<iovec, 3> parts{
      iovec{&complete, sizeof complete},
      iovec{const_cast<std::byte*>(first.data()), first.size()},
      iovec{const_cast<std::byte*>(second.data()), second.size()}};
  // ENOENT: the requester was killed; ENODEV: unmounted. Nobody to tell.
  while (::writev(fd_.get(), parts.data(), static_cast<int>(parts.size())) <
             0 &&
         errno == EINTR) {
  }
}

void FuseDevice::Reply(uint64_t unique, ByteSpan first, ByteSpan second) {
  fuse_out_header header{};
  header.unique = unique;
  Send(header, first, second);
}

void FuseDevice::ReplyError(uint64_t unique, int error_number) {
  fuse_out_header header{};
  header.unique = unique;
  header.error = -error_number;
  Send(header, {}, {});
}

void FuseDevice::ForgetPages(uint64_t node_id) {
  fuse_out_header header{};
  header.error = FUSE_NOTIFY_INVAL_INODE;
  fuse_notify_inval_inode_out body{};
  body.ino = node_id;
  Send(header, BytesOf(body), {});
}

void FuseDevice::ForgetName(uint64_t parent_id, std::string_view name) {
  fuse_out_header header{};
  header.error = FUSE_NOTIFY_INVAL_ENTRY;
  fuse_notify_inval_entry_out body{};
  body.parent = parent_id;
  body.namelen = static_cast<uint32_t>(name.size());
  Bytes text(name.size() + 1);  // the kernel wants the final NUL
  std::memcpy(text.data(), name.data(), name.size());
  Send(header, BytesOf(body), text);
}

}  // namespace sekisho::gate
