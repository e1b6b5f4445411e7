#include "server/operate/metrics_listener.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <map>
#include <thread>

#include "common/event_loop.h"
#include "common/log.h"
#include "common/unique_fd.h"
#include "server/operate/http_head.h"
#include "server/operate/socket_address.h"

namespace sekisho::operate {
namespace {

constexpr size_t kMaxConnections = 16;
constexpr auto kDeadline = std::chrono::seconds(5);
constexpr auto kAcceptAgain = std::chrono::milliseconds(200);
// What a peer may go on sending after its answer, before it is cut off.
constexpr size_t kMaxRestBytes = size_t{64} * 1024;

const char* PhraseFor(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 414:
      return "URI Too Long";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Bad Request";
  }
}

std::string Message(const HttpAnswer& answer) {
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " " +
                     PhraseFor(answer.status) + "\r\n";
  text += "Content-Type: " + answer.type + "\r\n";
  text += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  if (answer.status == 405) text += "Allow: GET\r\n";
  text +=
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
      "Connection: close\r\n\r\n";
  return text + answer.body;
}

// Everything on the loop's thread but Start and the destructor.
class Listener final : public MetricsListener {
 public:
  explicit Listener(Answer answer) : answer_(std::move(answer)) {}
  ~Listener() override {
    if (loop_) loop_->Stop();
    if (thread_.joinable()) thread_.join();
  }

  Status Open(const std::string& text) {
    ASSIGN_OR_RETURN(const SocketAddress address, ParseAddress(text));
    listener_ = UniqueFd(::socket(
        address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener_) return FailErrno("socket");
    // A server that was just ended leaves connections that wait.
    const int one = 1;
    (void)::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &one,
                       sizeof one);
    SocketAddress bound;
    bound.size = sizeof bound.storage;
    if (::bind(listener_.get(), address.get(), address.size) != 0 ||
        ::listen(listener_.get(), kMaxConnections) != 0 ||
        ::getsockname(listener_.get(),
                      reinterpret_cast<sockaddr*>(&bound.storage),
                      &bound.size) != 0) {
      return Fail(Code::kUnavailable,
                  "listen on " + text + ": " + std::strerror(errno));
    }
    port_ = bound.port();
    ASSIGN_OR_RETURN(loop_, EventLoop::Create());
    RETURN_IF_ERROR(loop_->Add(listener_.get(), EPOLLIN,
                               [this](uint32_t /*events*/) { Accept(); }));
    thread_ = std::thread([this] { loop_->Run(); });
    return {};
  }

  int port() const override { return port_; }

 private:
  struct Connection {
    UniqueFd fd;
    std::string in;
    std::string out;
    size_t rest = 0;  // bytes after the answer
    bool answered = false;
    EventLoop::TimerId deadline = 0;
  };

  void Accept() {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr,
                          SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      if (errno == EMFILE || errno == ENFILE) {
        // It would be ready again at once, for ever.
        loop_->Remove(listener_.get());
        loop_->After(kAcceptAgain, [this] {
          (void)loop_->Add(listener_.get(), EPOLLIN,
                           [this](uint32_t /*events*/) { Accept(); });
        });
      }
      return;
    }
    if (connections_.size() >= kMaxConnections) return;  // closes it
    const int key = fd.get();
    Connection& connection = connections_[key];
    connection.fd = std::move(fd);
    connection.deadline = loop_->After(kDeadline, [this, key] { Close(key); });
    if (!loop_->Add(key, EPOLLIN,
                    [this, key](uint32_t events) { Ready(key, events); })) {
      Close(key);
    }
  }

  void Close(int key) {
    const auto it = connections_.find(key);
    if (it == connections_.end()) return;
    loop_->Cancel(it->second.deadline);
    loop_->Remove(key);
    connections_.erase(it);
  }

  void Ready(int key, uint32_t events) {
    Connection& connection = connections_.at(key);
    if ((events & EPOLLOUT) != 0 && !Write(key, connection)) return;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Read(key, connection);
  }

  void Read(int key, Connection& connection) {
    std::array<char, 2048> buffer;
    const ssize_t n =
        ::recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n == 0 && !connection.out.empty()) {
      // It has said all it will; it still reads.
      (void)loop_->Modify(key, EPOLLOUT);
      return;
    }
    if (n <= 0) return Close(key);
    if (connection.answered) {
      connection.rest += static_cast<size_t>(n);
      if (connection.rest > kMaxRestBytes) Close(key);
      return;
    }
    connection.in.append(buffer.data(), static_cast<size_t>(n));
    const HeadVerdict verdict = JudgeHead(connection.in);
    if (verdict.status == 0) return;
    connection.in.clear();
    connection.answered = true;
    connection.out = Message(
        verdict.status == 200
            ? answer_(verdict.path)
            : HttpAnswer{
                  .status = verdict.status,
                  .body = std::string(PhraseFor(verdict.status)) + "\n"});
    std::ignore = Write(key, connection);
  }

  // False: the connection is no more.
  bool Write(int key, Connection& connection) {
    const ssize_t n = ::send(connection.fd.get(), connection.out.data(),
                             connection.out.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      Close(key);
      return false;
    }
    connection.out.erase(0, n < 0 ? 0 : static_cast<size_t>(n));
    if (!connection.out.empty()) {
      (void)loop_->Modify(key, EPOLLIN | EPOLLOUT);
      return true;
    }
    // Not closed yet: what the peer still sends would reset the connection
    // before it has read its answer.
    (void)::shutdown(connection.fd.get(), SHUT_WR);
    (void)loop_->Modify(key, EPOLLIN);
    return true;
  }

  const Answer answer_;
  UniqueFd listener_;
  int port_ = 0;
  std::map<int, Connection> connections_;
  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<MetricsListener>> MetricsListener::Start(
    const std::string& address, Answer answer) {
  auto listener = std::make_unique<Listener>(std::move(answer));
  if (auto opened = listener->Open(address); !opened) {
    return Wrap("metrics", std::move(opened).error());
  }
  return listener;
}

}  // namespace sekisho::operate
