// A listener may be dead although the kernel still takes connections for it
// (seen with gRPC 1.51 after it ran out of descriptors). A TLS server that
// lives answers a hello.
#include <openssl/ssl.h>
#include <poll.h>

#include <array>

#include "common/file.h"
#include "common/unique_fd.h"
#include "server/operate/socket_address.h"
#include "server/operate/watch.h"

namespace sekisho::operate {
namespace {

constexpr auto kPatience = std::chrono::seconds(2);
constexpr char kHandshakeRecord = 22;  // RFC 8446, 5.1

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// The bytes of a client's hello.
Result<std::string> ClientHello() {
  const std::unique_ptr<SSL_CTX, FreeTls> context(
      SSL_CTX_new(TLS_client_method()));
  const std::unique_ptr<SSL, FreeTls> ssl(context ? SSL_new(context.get())
                                                  : nullptr);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (!ssl || in == nullptr || out == nullptr) {
    BIO_free(in);
    BIO_free(out);
    return Fail(Code::kResourceExhausted, "no memory for TLS");
  }
  SSL_set_bio(ssl.get(), in, out);  // owned by it
  SSL_set_connect_state(ssl.get());
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kHttp2, sizeof kHttp2);
  (void)SSL_do_handshake(ssl.get());  // wants the server's answer
  std::array<char, 4096> bytes;
  const int size = BIO_read(out, bytes.data(), static_cast<int>(bytes.size()));
  if (size <= 0) {
    return Fail(Code::kInternal, "TLS made no hello");
  }
  return std::string(bytes.data(), static_cast<size_t>(size));
}

Status WaitFor(int fd, short events,
               std::chrono::steady_clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      until - std::chrono::steady_clock::now());
  pollfd one{.fd = fd, .events = events, .revents = 0};
  const int ready =
      left.count() > 0 ? ::poll(&one, 1, static_cast<int>(left.count())) : 0;
  if (ready < 0) return FailErrno("poll");
  if (ready == 0) return Fail(Code::kDeadlineExceeded, "no answer within 2 s");
  return {};
}

}  // namespace

Status TryDoor(const Door& door) {
  ASSIGN_OR_RETURN(const SocketAddress listens,
                   MakeAddress(door.host, static_cast<uint16_t>(door.port)));
  const SocketAddress address = listens.AsReached();
  ASSIGN_OR_RETURN(const std::string hello, ClientHello());
  const auto until = std::chrono::steady_clock::now() + kPatience;
  const UniqueFd fd(::socket(address.family(),
                             SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return FailErrno("socket");
  if (::connect(fd.get(), address.get(), address.size) != 0 &&
      errno != EINPROGRESS) {
    return FailErrno("connect");
  }
  RETURN_IF_ERROR(WaitFor(fd.get(), POLLOUT, until));
  if (::send(fd.get(), hello.data(), hello.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(hello.size())) {
    return FailErrno("connect");
  }
  RETURN_IF_ERROR(WaitFor(fd.get(), POLLIN, until));
  char first = 0;
  const ssize_t n = ::recv(fd.get(), &first, 1, 0);
  if (n < 0) return FailErrno("receive");
  if (n == 0 || first != kHandshakeRecord) {
    return Fail(Code::kUnavailable, "what listens there speaks no TLS");
  }
  return {};
}

}  // namespace sekisho::operate
