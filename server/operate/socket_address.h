// "HOST:PORT" with a number as host, as the server's settings have it.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "common/result.h"

namespace sekisho::operate {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  int family() const { return storage.ss_family; }
  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  uint16_t port() const;
  void SetPort(uint16_t port);
  bool IsLoopback() const;
  // For who wants to reach it from this machine: 0.0.0.0 is 127.0.0.1.
  SocketAddress AsReached() const;
};

// "192.0.2.1:7443", "[::1]:9464". kInvalidArgument, also for a host's name.
Result<SocketAddress> ParseAddress(const std::string& text);
Result<SocketAddress> MakeAddress(const std::string& host, uint16_t port);

}  // namespace sekisho::operate
