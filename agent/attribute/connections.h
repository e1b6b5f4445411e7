// Where a process is connected to: the other ends of its TCP connections, read
// from /proc while it lives.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::attribute {

inline constexpr size_t kMaxConnections = 4;

// Other ends in a table of /proc/PID/net/tcp or tcp6 of the sockets in
// `inodes`: "192.0.2.1:5432", "[2001:db8::1]:443". Listening ones and lines
// that cannot be read are left out. Pure.
std::vector<std::string> RemoteEnds(std::string_view table,
                                    const std::set<uint64_t>& inodes);

// Of the process and its children (scp and rsync leave the network to ssh),
// other machines first, at most kMaxConnections. Empty: none, or it is gone.
std::vector<std::string> ConnectionsOf(const std::string& root, pid_t pid);

}  // namespace sekisho::attribute
