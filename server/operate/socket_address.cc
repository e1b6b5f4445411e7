#include "server/operate/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>

namespace sekisho::operate {

// memcpy and not a cast: the storage's type is another.
uint16_t SocketAddress::port() const {
  if (family() == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof address);
    return ntohs(address.sin6_port);
  }
  sockaddr_in address{};
  std::memcpy(&address, &storage, sizeof address);
  return ntohs(address.sin_port);
}

void SocketAddress::SetPort(uint16_t port) {
  if (family() == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof address);
    address.sin6_port = htons(port);
    std::memcpy(&storage, &address, sizeof address);
    return;
  }
  sockaddr_in address{};
  std::memcpy(&address, &storage, sizeof address);
  address.sin_port = htons(port);
  std::memcpy(&storage, &address, sizeof address);
}

bool SocketAddress::IsLoopback() const {
  if (family() == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof address);
    return IN6_IS_ADDR_LOOPBACK(&address.sin6_addr);
  }
  sockaddr_in address{};
  std::memcpy(&address, &storage, sizeof address);
  return ntohl(address.sin_addr.s_addr) >> 24 == 127;
}

SocketAddress SocketAddress::AsReached() const {
  SocketAddress reached = *this;
  if (family() == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof address);
    if (IN6_IS_ADDR_UNSPECIFIED(&address.sin6_addr)) {
      address.sin6_addr = in6addr_loopback;
      std::memcpy(&reached.storage, &address, sizeof address);
    }
    return reached;
  }
  sockaddr_in address{};
  std::memcpy(&address, &storage, sizeof address);
  if (address.sin_addr.s_addr == htonl(INADDR_ANY)) {
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memcpy(&reached.storage, &address, sizeof address);
  }
  return reached;
}

Result<SocketAddress> MakeAddress(const std::string& host, uint16_t port) {
  SocketAddress made;
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&made.storage, &four, sizeof four);
    made.size = sizeof four;
    return made;
  }
  if (inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&made.storage, &six, sizeof six);
    made.size = sizeof six;
    return made;
  }
  return Fail(Code::kInvalidArgument,
              "'" + host + "' is no address in numbers (127.0.0.1, ::1)");
}

Result<SocketAddress> ParseAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const char* from = colon == std::string::npos ? end : text.data() + colon + 1;
  const auto [at, error] = std::from_chars(from, end, port);
  if (from == end || error != std::errc() || at != end) {
    return Fail(Code::kInvalidArgument, "'" + text + "' is not ADDRESS:PORT");
  }
  std::string host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return Fail(Code::kInvalidArgument,
                "'" + text + "': an IPv6 address stands in brackets");
  }
  return MakeAddress(host, port);
}

}  // namespace sekisho::operate
