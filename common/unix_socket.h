// SOCK_SEQPACKET sockets in the file system: one message a packet, file
// descriptors beside it, the peer's identity from the kernel.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho {

inline constexpr size_t kMaxPacketBytes = size_t{128} * 1024;
inline constexpr size_t kMaxPacketFds = 4;

struct Packet {
  Bytes bytes;
  std::vector<UniqueFd> fds;
};

struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

// Removes a stale socket at `path` first. Non-blocking, close-on-exec.
Result<UniqueFd> ListenSeqpacket(const std::string& path, mode_t mode);
Result<UniqueFd> AcceptSeqpacket(int listen_fd);  // non-blocking

// Who has to listen where somebody else could have put a socket of his own in
// place: systemd, which starts what a unit says, or a process.
enum class Listener { kAnybody, kInit, kProcess };

// Blocking unless made non-blocking by the caller. kPermissionDenied: somebody
// else listens, or under a name that is not `path`.
Result<UniqueFd> ConnectSeqpacket(const std::string& path,
                                  Listener listener = Listener::kAnybody);
Result<Peer> PeerOf(int fd);

Status SendPacket(int fd, ByteSpan bytes, const std::vector<int>& fds = {});
// kUnavailable: nothing there now. kCancelled: the peer closed. A packet over
// the cap, or with too many descriptors, is kResourceExhausted.
Result<Packet> ReceivePacket(int fd);

}  // namespace sekisho
