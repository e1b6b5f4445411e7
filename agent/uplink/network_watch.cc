#include "agent/uplink/network_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>

namespace sekisho::uplink {

Result<UniqueFd> WatchNetwork(EventLoop& loop, std::function<void()> changed) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                       NETLINK_ROUTE));
  if (!fd) return FailErrno("netlink socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE |
                      RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
             sizeof address) != 0) {
    return FailErrno("netlink bind");
  }
  RETURN_IF_ERROR(
      loop.Add(fd.get(), EPOLLIN,
               [raw = fd.get(), changed = std::move(changed)](uint32_t) {
                 // What changed does not matter; an overrun means that much
                 // did.
                 std::array<char, 8192> buffer;
                 while (::recv(raw, buffer.data(), buffer.size(), 0) > 0) {
                 }
                 changed();
               }));
  return fd;
}

}  // namespace sekisho::uplink
