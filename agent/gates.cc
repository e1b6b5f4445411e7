#include "agent/gates.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "common/log.h"

namespace sekisho::agent {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStartTime{15'000};
// After its end was seen, or after sekishod's restart.
constexpr milliseconds kReturnTime{5'000};
constexpr size_t kMaxGates = 64;

}  // namespace

Result<std::unique_ptr<Gates>> Gates::Listen(EventLoop& loop,
                                             const Options& options,
                                             Events events) {
  std::unique_ptr<Gates> gates(new Gates(loop, options, std::move(events)));
  Gates* raw = gates.get();
  ASSIGN_OR_RETURN(
      gates->server_,
      SocketServer::Listen(
          loop,
          {.path = options.socket_path,
           .mode = 0600,
           .owner_uid = options.gate_uid,
           .max_connections = kMaxGates},
          {.admit = [raw](const Peer& peer) { return raw->Admit(peer); },
           .opened = nullptr,
           .packet = [raw](auto id,
                           Packet p) { raw->OnPacket(id, std::move(p)); },
           .closed = [raw](auto id) { raw->OnClosed(id); },
           .drained = nullptr}));
  return gates;
}

Gates::Gates(EventLoop& loop, const Options& options, Events events)
    : loop_(loop), options_(options), events_(std::move(events)) {}

Gates::~Gates() {
  for (const auto& [id, entry] : entries_) {
    if (entry.timer != 0) loop_.Cancel(entry.timer);
  }
}

Status Gates::Admit(const Peer& peer) const {
  if (static_cast<int64_t>(peer.uid) != options_.gate_uid) {
    return Fail(Code::kPermissionDenied,
                fmt::format("gate.sock: uid {} is no gate", peer.uid));
  }
  return {};
}

void Gates::Reserve(int64_t mount_id) {
  Entry& entry = entries_[mount_id];
  entry.mount.mount_id = mount_id;
  entry.reserved = true;
  ArmTimer(entry, kStartTime);
}

bool Gates::Waits(int64_t mount_id) const {
  const auto found = entries_.find(mount_id);
  if (found == entries_.end() || !found->second.reserved) return false;
  const auto connection = found->second.connection;
  // An upgrade may have come since it was started.
  return connection == 0 || RunsInstalled(connection);
}

void Gates::Cancel(int64_t mount_id) {
  const auto found = entries_.find(mount_id);
  if (found == entries_.end() || !found->second.reserved) return;
  Stop(mount_id, "not needed", [] {});
}

void Gates::Expect(Mount mount, UniqueFd fuse, UniqueFd root) {
  Entry& entry = entries_[mount.mount_id];
  entry.mount = std::move(mount);
  entry.fuse = std::move(fuse);
  entry.root = std::move(root);
  entry.reserved = false;
  if (entry.connection == 0) {
    ArmTimer(entry, kStartTime);
    return;
  }
  HandOver(entry);
}

void Gates::Adopt(Mount mount) {
  Entry& entry = entries_[mount.mount_id];
  entry.mount = std::move(mount);
  entry.started = true;
  ArmTimer(entry, kStartTime);
}

void Gates::ChangeAccess(int64_t mount_id, const std::string& access) {
  const auto found = entries_.find(mount_id);
  if (found == entries_.end()) return;
  found->second.mount.access = access;
  if (found->second.connection != 0) {
    server_->Send(found->second.connection,
                  ipc::Encode(ipc::GateAccess{.access = access}));
  }
}

void Gates::AskCounts(int64_t mount_id) {
  const auto found = entries_.find(mount_id);
  if (found == entries_.end() || found->second.connection == 0) return;
  server_->Send(found->second.connection,
                ipc::Encode(ipc::GateCountsQuestion{}));
}

bool Gates::Erase(int64_t mount_id) {
  const auto found = entries_.find(mount_id);
  if (found == entries_.end() || found->second.connection == 0 ||
      found->second.stopping) {
    return false;
  }
  server_->Send(found->second.connection, ipc::Encode(ipc::GateErase{}));
  return true;
}

void Gates::Stop(int64_t mount_id, const std::string& reason,
                 std::function<void()> done, milliseconds patience) {
  const auto found = entries_.find(mount_id);
  if (found == entries_.end() || found->second.connection == 0) {
    // Never came, or died: dropping the descriptors ends the mount.
    if (found != entries_.end()) {
      if (found->second.timer != 0) loop_.Cancel(found->second.timer);
      entries_.erase(found);
    }
    loop_.Post(std::move(done));
    return;
  }
  Entry& entry = found->second;
  entry.reserved = false;
  entry.stopping = std::move(done);
  server_->Send(entry.connection, ipc::Encode(ipc::GateStop{.reason = reason}));
  ArmTimer(entry, patience);
}

void Gates::SetSketchKey(const std::array<std::byte, 32>& key) {
  options_.sketch_key = key;
}

void Gates::SetScanRules(ipc::SharedScanRules rules) {
  options_.scan_rules = std::move(rules);
  const ipc::GateScanRules message{.size_bytes =
                                       ipc::SizeOf(options_.scan_rules)};
  for (const auto& [mount_id, entry] : entries_) {
    if (entry.started && entry.connection != 0) {
      server_->Send(entry.connection, ipc::Encode(message),
                    ipc::FdsOf(options_.scan_rules));
    }
  }
}

pid_t Gates::PidOf(int64_t mount_id) const {
  const auto found = entries_.find(mount_id);
  return found == entries_.end()
             ? 0
             : server_->PeerOfConnection(found->second.connection).pid;
}

std::vector<attribute::Who> Gates::AskersOf(int64_t mount_id) const {
  std::vector<attribute::Who> askers;
  const auto found = entries_.find(mount_id);
  if (found == entries_.end()) return askers;
  for (const auto& [id, who] :
       std::ranges::reverse_view(found->second.remembered)) {
    const bool known = std::ranges::any_of(askers, [&](const auto& other) {
      return other.login_uid == who.login_uid && other.tty == who.tty;
    });
    if (!known) askers.push_back(who);
  }
  return askers;
}

void Gates::ArmTimer(Entry& entry, milliseconds delay) {
  if (entry.timer != 0) loop_.Cancel(entry.timer);
  entry.timer =
      loop_.After(delay, [this, id = entry.mount.mount_id] { OnTimer(id); });
}

void Gates::OnTimer(int64_t mount_id) {
  const auto found = entries_.find(mount_id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  entry.timer = 0;
  if (entry.reserved) {
    Log(LogLevel::kNotice, "the gate that should wait did not start");
    entries_.erase(found);
    return;
  }
  if (entry.stopping) {
    const auto done = std::move(entry.stopping);
    if (entry.connection != 0) server_->Close(entry.connection);
    entries_.erase(found);
    events_.gone(mount_id);
    done();
    return;
  }
  if (entry.connection != 0) return;
  const bool started = entry.started;
  entries_.erase(found);
  if (started) {
    events_.gone(mount_id);
    events_.lost(mount_id, "the gate ended and did not come back");
  } else {
    events_.started(mount_id, Fail(Code::kDeadlineExceeded,
                                   "the gate did not start in time"));
  }
}

Gates::Entry* Gates::EntryOf(SocketServer::ConnectionId id) {
  for (auto& [mount_id, entry] : entries_) {
    if (entry.connection == id) return &entry;
  }
  return nullptr;
}

void Gates::OnPacket(SocketServer::ConnectionId id, Packet packet) {
  const uint16_t type = ipc::TypeOf(packet.bytes);
  if (type == ipc::GateHello::kType) {
    if (const auto hello = ipc::Decode<ipc::GateHello>(packet.bytes)) {
      OnHello(id, *hello);
      return;
    }
  }
  Entry* entry = EntryOf(id);
  if (entry == nullptr) {
    server_->Close(id);
    return;
  }
  if (type == ipc::WhoQuestion::kType) {
    if (const auto ask = ipc::Decode<ipc::WhoQuestion>(packet.bytes)) {
      OnWho(*entry, *ask);
      return;
    }
  }
  if (type == ipc::TransferQuestion::kType) {
    if (const auto ask = ipc::Decode<ipc::TransferQuestion>(packet.bytes)) {
      OnTransfer(*entry, *ask);
      return;
    }
  }
  if (type == ipc::ReleaseQuestion::kType) {
    if (const auto ask = ipc::Decode<ipc::ReleaseQuestion>(packet.bytes)) {
      OnRelease(*entry, *ask);
      return;
    }
  }
  if (type == ipc::StreamEnded::kType) {
    if (const auto told = ipc::Decode<ipc::StreamEnded>(packet.bytes)) {
      events_.ended(entry->mount.mount_id, Remembered(*entry, told->who),
                    *told);
      return;
    }
  }
  if (type == ipc::TransferFailed::kType) {
    if (const auto told = ipc::Decode<ipc::TransferFailed>(packet.bytes)) {
      events_.failed(entry->mount.mount_id, *told);
      return;
    }
  }
  if (type == ipc::Checking::kType) {
    if (const auto told = ipc::Decode<ipc::Checking>(packet.bytes)) {
      if (events_.checking) {
        events_.checking(entry->mount.mount_id, Remembered(*entry, told->who),
                         *told);
      }
      return;
    }
  }
  if (type == ipc::FilesTold::kType) {
    if (const auto told = ipc::Decode<ipc::FilesTold>(packet.bytes)) {
      if (events_.files) events_.files(entry->mount.mount_id, *told);
      return;
    }
  }
  if (type == ipc::GateUnmounted::kType) {
    entry->unmounted = true;
    return;
  }
  if (type == ipc::GateErased::kType) {
    if (const auto told = ipc::Decode<ipc::GateErased>(packet.bytes)) {
      if (events_.erased) events_.erased(entry->mount.mount_id, *told);
      return;
    }
  }
  if (type == ipc::GateCounts::kType) {
    if (const auto told = ipc::Decode<ipc::GateCounts>(packet.bytes)) {
      if (events_.counts) events_.counts(entry->mount.mount_id, *told);
      return;
    }
  }
  Log(LogLevel::kWarning, fmt::format("gate: bad packet of type {}", type));
  server_->Close(id);
}

ipc::GateStart Gates::StartOf(const Entry& entry) const {
  ipc::GateStart start;
  start.mount_id = entry.mount.mount_id;
  start.access = entry.mount.access;
  start.owner_uid = entry.mount.owner_uid;
  start.owner_gid = entry.mount.owner_gid;
  start.staging_bytes = options_.staging_bytes;
  start.file_bytes = options_.file_bytes;
  start.sketch_key = options_.sketch_key;
  start.scan_rules_bytes = ipc::SizeOf(options_.scan_rules);
  return start;
}

void Gates::OnHello(SocketServer::ConnectionId id,
                    const ipc::GateHello& hello) {
  const auto found = entries_.find(hello.mount_id);
  if (found == entries_.end() || found->second.connection != 0) {
    // A medium that is gone, or a second gate for one mount: end it.
    server_->Send(id, ipc::Encode(ipc::GateStop{.reason = "unknown mount"}));
    server_->Close(id);
    return;
  }
  Entry& entry = found->second;
  // Descriptors go to the installed program only. One that runs since before
  // an upgrade has another inode, and gets none.
  if (!hello.running && !RunsInstalled(id)) {
    Log(LogLevel::kWarning, "gate.sock: the peer is another program");
    server_->Close(id);
    return;
  }
  if (hello.running != entry.started) {
    // A new process for a mount that was handed out already has no
    // descriptors; one that runs without ever having been started lies.
    server_->Close(id);
    return;
  }
  entry.connection = id;
  if (entry.timer != 0 && !entry.stopping) {
    loop_.Cancel(entry.timer);
    entry.timer = 0;
  }
  if (entry.started) {
    server_->Send(id, ipc::Encode(StartOf(entry)),
                  ipc::FdsOf(options_.scan_rules));
    return;
  }
  if (!entry.reserved) HandOver(entry);
}

void Gates::HandOver(Entry& entry) {
  std::vector<int> fds{entry.fuse.get(), entry.root.get()};
  if (options_.scan_rules) fds.push_back(options_.scan_rules->fd.get());
  server_->Send(entry.connection, ipc::Encode(StartOf(entry)), fds);
  // Kept by the gate alone: its end is the end of the mount.
  entry.fuse.Reset();
  entry.root.Reset();
  entry.started = true;
  // Not from inside of the call that brought the descriptors.
  loop_.Post([this, mount_id = entry.mount.mount_id] {
    events_.started(mount_id, {});
  });
}

bool Gates::RunsInstalled(SocketServer::ConnectionId id) const {
  return !options_.runs_gate ||
         options_.runs_gate(server_->PeerOfConnection(id).pid);
}

void Gates::OnWho(Entry& entry, const ipc::WhoQuestion& question) {
  // The requester waits in its system call: what /proc says is about it.
  attribute::Who who = attribute::OfProcess(options_.attribution_root,
                                            static_cast<pid_t>(question.pid));
  if (who.uid < 0) who.uid = question.uid;
  const uint64_t id = ++last_who_;
  entry.remembered.emplace(id, std::move(who));
  if (entry.remembered.size() > kMaxRemembered) {
    entry.remembered.erase(entry.remembered.begin());
  }
  server_->Send(entry.connection,
                ipc::Encode(ipc::WhoAnswer{.question_id = question.question_id,
                                           .who = id}));
}

attribute::Who Gates::Remembered(const Entry& entry, uint64_t who) {
  const auto known = entry.remembered.find(who);
  return known == entry.remembered.end() ? attribute::Who{} : known->second;
}

void Gates::OnRelease(Entry& entry, const ipc::ReleaseQuestion& question) {
  const ipc::TransferVerdict verdict = events_.release(
      entry.mount.mount_id, Remembered(entry, question.who), question);
  server_->Send(entry.connection,
                ipc::Encode(ipc::TransferAnswer{
                    .question_id = question.question_id, .verdict = verdict}));
}

void Gates::OnTransfer(Entry& entry, const ipc::TransferQuestion& question) {
  const ipc::TransferVerdict verdict = events_.transfer(
      entry.mount.mount_id, Remembered(entry, question.who), question);
  server_->Send(entry.connection,
                ipc::Encode(ipc::TransferAnswer{
                    .question_id = question.question_id, .verdict = verdict}));
}

void Gates::OnClosed(SocketServer::ConnectionId id) {
  Entry* entry = EntryOf(id);
  if (entry == nullptr) return;
  entry->connection = 0;
  if (entry->reserved) {
    if (entry->timer != 0) loop_.Cancel(entry->timer);
    entries_.erase(entry->mount.mount_id);
    return;
  }
  if (!entry->stopping && !entry->unmounted) {
    ArmTimer(*entry, kReturnTime);
    return;
  }
  if (entry->timer != 0) loop_.Cancel(entry->timer);
  const auto done = std::move(entry->stopping);
  const int64_t mount_id = entry->mount.mount_id;
  entries_.erase(mount_id);
  events_.gone(mount_id);
  if (done) return done();
  events_.unmounted(mount_id);
}

}  // namespace sekisho::agent
