#include "server/service/admin_socket.h"

#include <fcntl.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "common/file.h"
#include "common/log.h"
#include "common/text.h"
#include "common/unix_socket.h"
#include "server/service/admin_service.h"
#include "server/service/socket_caller.h"

namespace sekisho::service {
namespace {

// Connections get rising descriptor numbers, so that a number in gRPC's name
// of a peer ("fd:700") is not that of the connection before it.
constexpr int kFirstNumber = 256;
constexpr int kNumbers = 512;
// A register of terminals has 16 MiB at most.
constexpr size_t kMaxRequestBytes = size_t{17} << 20;

std::string NameOf(uid_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr) {
    return found->pw_name;
  }
  return "uid:" + std::to_string(uid);
}

// With the login when tanaka logged in and became root.
SocketPeer PersonOf(const Peer& peer) {
  SocketPeer person{peer.uid, NameOf(peer.uid), ""};
  const auto text = ReadFileAt(
      AT_FDCWD, "/proc/" + std::to_string(peer.pid) + "/loginuid", 32);
  uid_t login = 0;
  if (!text ||
      std::from_chars(text->data(), text->data() + text->size(), login).ec !=
          std::errc() ||
      login == static_cast<uid_t>(-1) || login == peer.uid) {
    return person;
  }
  person.login = NameOf(login);
  return person;
}

Result<UniqueFd> Listen(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Fail(Code::kInvalidArgument, "the socket's path is too long");
  }
  path.copy(address.sun_path, path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return FailErrno("socket");
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return FailErrno("unlink");
  }
  // Bound with no rights for others, then opened to the group.
  if (fchmod(fd.get(), 0660) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
           sizeof(address)) != 0 ||
      chmod(path.c_str(), 0660) != 0 || listen(fd.get(), 64) != 0) {
    return FailErrno("bind");
  }
  return fd;
}

class Socket final : public AdminSocket {
 public:
  Socket(core::Desk& desk, store::Store& store, core::Checkpoints& checkpoints,
         core::ExportGate gate)
      : store_(store),
        calls_(
            desk, store, checkpoints,
            [this](const std::string& peer) { return WhoIs(peer); },
            std::move(gate)) {}
  ~Socket() override {
    if (thread_.joinable()) {
      const uint64_t one = 1;
      (void)!write(stop_.get(), &one, sizeof(one));
      thread_.join();
    }
    if (server_) {
      server_->Shutdown(std::chrono::system_clock::now() +
                        std::chrono::seconds(1));
      server_->Wait();
    }
  }

  Status Start(const std::string& path) {
    ASSIGN_OR_RETURN(listen_, Listen(path));
    stop_.Reset(eventfd(0, EFD_CLOEXEC));
    if (!stop_) {
      return FailErrno("eventfd");
    }
    grpc::ServerBuilder builder;
    builder.RegisterService(&calls_);
    builder.SetMaxReceiveMessageSize(static_cast<int>(kMaxRequestBytes));
    builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
    server_ = builder.BuildAndStart();
    if (!server_) {
      return Fail(Code::kInternal, "gRPC does not start");
    }
    thread_ = std::thread([this] { Accept(); });
    return {};
  }

 private:
  void Accept() {
    int offset = 0;
    for (;;) {
      std::array<pollfd, 2> ready{
          {{listen_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
      if (poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) {
        return;
      }
      if (ready[1].revents != 0) {
        return;
      }
      UniqueFd fd(accept4(listen_.get(), nullptr, nullptr,
                          SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd) {
        continue;
      }
      UniqueFd high(fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstNumber + offset));
      offset = (offset + 1) % kNumbers;
      const auto peer = PeerOf(fd.get());
      if (!high || !peer) {
        Log(LogLevel::kWarning, "admin socket: a peer was turned away");
        continue;
      }
      {
        std::lock_guard lock(mutex_);
        peers_[high.get()] = PersonOf(*peer);
      }
      grpc::AddInsecureChannelFromFd(server_.get(), high.Release());
    }
  }

  core::Caller WhoIs(const std::string& peer) {
    int number = -1;
    if (peer.starts_with("fd:")) {
      std::from_chars(peer.data() + 3, peer.data() + peer.size(), number);
    }
    std::optional<SocketPeer> person;
    {
      std::lock_guard lock(mutex_);
      if (const auto it = peers_.find(number); it != peers_.end()) {
        person = it->second;
      }
    }
    // Who is not known may nothing.
    if (!person)
      return {
          .user = "unknown", .roles = {}, .door = kSocketDoor, .address = ""};
    return CallerOf(*person, geteuid(), store_);
  }

  UniqueFd listen_;
  UniqueFd stop_;
  store::Store& store_;
  std::mutex mutex_;                 // guards peers_
  std::map<int, SocketPeer> peers_;  // at most kNumbers and a few
  AdminCalls calls_;
  std::unique_ptr<grpc::Server> server_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<AdminSocket>> AdminSocket::Start(
    const std::string& path, core::Desk& desk, store::Store& store,
    core::Checkpoints& checkpoints, core::ExportGate gate) {
  auto socket =
      std::make_unique<Socket>(desk, store, checkpoints, std::move(gate));
  if (auto started = socket->Start(path); !started) {
    return Wrap("admin socket " + path, std::move(started).error());
  }
  return socket;
}

}  // namespace sekisho::service
