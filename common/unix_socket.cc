#include "common/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>

namespace sekisho {
namespace {

Result<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Fail(Code::kInvalidArgument, "socket path is too long: " + path);
  }
  path.copy(address.sun_path, path.size());
  return address;
}

const sockaddr* AsSockaddr(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Result<UniqueFd> ListenSeqpacket(const std::string& path, mode_t mode) {
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  UniqueFd fd(
      ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return FailErrno("socket");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return FailErrno("unlink " + path);
  }
  // No peer may connect between bind and chmod.
  const mode_t old_mask = ::umask(0777);
  const int bound = ::bind(fd.get(), AsSockaddr(address), sizeof address);
  const int bind_errno = errno;
  ::umask(old_mask);
  if (bound != 0) return FailErrno("bind " + path, bind_errno);
  if (::chmod(path.c_str(), mode) != 0) return FailErrno("chmod " + path);
  if (::listen(fd.get(), 64) != 0) return FailErrno("listen " + path);
  return fd;
}

Result<UniqueFd> AcceptSeqpacket(int listen_fd) {
  UniqueFd fd(
      ::accept4(listen_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) return FailErrno("accept");
  return fd;
}

namespace {

// A socket can be moved onto another's path, or be mounted there: the name that
// it was bound under stays.
Status CheckListener(int fd, const std::string& path, Listener listener) {
  ASSIGN_OR_RETURN(const Peer peer, PeerOf(fd));
  if ((peer.pid == 1) != (listener == Listener::kInit)) {
    return Fail(Code::kPermissionDenied,
                path + " is served by process " + std::to_string(peer.pid));
  }
  sockaddr_un name{};
  socklen_t size = sizeof name;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    return FailErrno("peer of " + path);
  }
  if (path.compare(0, std::string::npos, name.sun_path,
                   ::strnlen(name.sun_path, sizeof name.sun_path)) != 0) {
    return Fail(Code::kPermissionDenied,
                path + " is another socket, moved there");
  }
  return {};
}

}  // namespace

Result<UniqueFd> ConnectSeqpacket(const std::string& path, Listener listener) {
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd) return FailErrno("socket");
  if (::connect(fd.get(), AsSockaddr(address), sizeof address) != 0) {
    return FailErrno("connect " + path);
  }
  if (listener != Listener::kAnybody) {
    RETURN_IF_ERROR(CheckListener(fd.get(), path, listener));
  }
  return fd;
}

Result<Peer> PeerOf(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return FailErrno("peer credentials");
  }
  return Peer{credentials.pid, credentials.uid, credentials.gid};
}

Status SendPacket(int fd, ByteSpan bytes, const std::vector<int>& fds) {
  CHECK(fds.size() <= kMaxPacketFds);
  if (bytes.size() > kMaxPacketBytes) {
    return Fail(Code::kResourceExhausted, "packet is too long to send");
  }
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr)
      std::array<std::byte, CMSG_SPACE(sizeof(int) * kMaxPacketFds)>
          control{};
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
  }
  while (::sendmsg(fd, &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return FailErrno("send");
  }
  return {};
}

Result<Packet> ReceivePacket(int fd) {
  Packet packet;
  packet.bytes.resize(kMaxPacketBytes);
  iovec part{packet.bytes.data(), packet.bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr)
      std::array<std::byte, CMSG_SPACE(sizeof(int) * kMaxPacketFds)>
          control{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t n = 0;
  while ((n = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC)) < 0) {
    if (errno != EINTR) return FailErrno("receive");
  }
  // Take the descriptors first: they must be closed whatever is wrong.
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int received = -1;
      std::memcpy(&received, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      packet.fds.emplace_back(received);
    }
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return Fail(Code::kResourceExhausted,
                "packet over the cap of bytes or descriptors");
  }
  if (n == 0) return Fail(Code::kCancelled, "peer closed");
  packet.bytes.resize(static_cast<size_t>(n));
  return packet;
}

}  // namespace sekisho
