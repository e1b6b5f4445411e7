// The gates' side of sekishod: who may connect to gate.sock, which mount each
// serves, and the questions they ask. A gate outlives sekishod: it connects
// again and goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/attribute/attribution.h"
#include "agent/ipc/messages.h"
#include "agent/ipc/scan_rules.h"
#include "agent/socket_server.h"
#include "common/event_loop.h"
#include "common/unique_fd.h"

namespace sekisho::agent {

// Requesters remembered for one gate, oldest forgotten first.
inline constexpr size_t kMaxRemembered = 4096;

// How long a gate that was asked to end may go on writing what it released.
inline constexpr std::chrono::milliseconds kStopTime{10'000};
// The same when a containment wants the medium closed within five seconds.
inline constexpr std::chrono::milliseconds kContainStopTime{3'000};

class Gates {
 public:
  struct Options {
    std::string socket_path;
    std::string attribution_root;  // "" outside tests
    int64_t gate_uid = -1;
    // Whether a process runs the gate's program; null: any does (tests).
    std::function<bool(pid_t)> runs_gate;
    std::array<std::byte, 32> sketch_key{};
    ipc::SharedScanRules scan_rules{};
    int64_t staging_bytes = int64_t{256} << 20;
    int64_t file_bytes = int64_t{256} << 20;
  };
  struct Events {
    // Somebody unmounted it, and the gate has written everything and ended.
    std::function<void(int64_t mount_id)> unmounted{};
    // Both fds were handed over, or the gate did not come in time.
    std::function<void(int64_t mount_id, const Status&)> started;
    // It ended by itself and did not come back.
    std::function<void(int64_t mount_id, const std::string& why)> lost;
    // The event is durable before this returns.
    std::function<ipc::TransferVerdict(int64_t mount_id, const attribute::Who&,
                                       const ipc::TransferQuestion&)>
        transfer;
    std::function<void(int64_t mount_id, const ipc::TransferFailed&)> failed;
    std::function<void(int64_t mount_id, const ipc::GateCounts&)> counts{};
    std::function<void(int64_t mount_id, const attribute::Who&,
                       const ipc::Checking&)>
        checking{};
    // What is in it is counted before this returns.
    std::function<ipc::TransferVerdict(int64_t mount_id, const attribute::Who&,
                                       const ipc::ReleaseQuestion&)>
        release;
    std::function<void(int64_t mount_id, const attribute::Who&,
                       const ipc::StreamEnded&)>
        ended;
    std::function<void(int64_t mount_id, const ipc::FilesTold&)> files{};
    std::function<void(int64_t mount_id, const ipc::GateErased&)> erased{};
    // The gate will say no more, however it came about.
    std::function<void(int64_t mount_id)> gone;
  };

  // Loop thread only.
  static Result<std::unique_ptr<Gates>> Listen(EventLoop& loop,
                                               const Options& options,
                                               Events events);
  ~Gates();

  struct Mount {
    int64_t mount_id = 0;
    std::string access;
    int64_t owner_uid = 0;
    int64_t owner_gid = 0;
  };
  // A gate of that number will be started and shall wait for a mount. Its end
  // before that is no event: Waits() is false then.
  void Reserve(int64_t mount_id);
  // It waits already, or has still time to come, and is the program that is
  // installed now.
  bool Waits(int64_t mount_id) const;
  // Ends a reserved gate. Anything else: nothing.
  void Cancel(int64_t mount_id);
  // The gate reserved as `mount.mount_id`, or one that will be started, gets
  // both descriptors.
  void Expect(Mount mount, UniqueFd fuse, UniqueFd root);
  // A gate that ran before sekishod's restart is expected back.
  void Adopt(Mount mount);
  void ChangeAccess(int64_t mount_id, const std::string& access);
  // Its answer comes as `counts`, if it is there.
  void AskCounts(int64_t mount_id);
  // Its answer comes as `erased`. False: it is not there.
  bool Erase(int64_t mount_id);
  // Asks it to end; `done` when it is gone or did not go in time.
  void Stop(int64_t mount_id, const std::string& reason,
            std::function<void()> done,
            std::chrono::milliseconds patience = kStopTime);
  void SetSketchKey(const std::array<std::byte, 32>& key);
  // From each gate's next scan on.
  void SetScanRules(ipc::SharedScanRules rules);
  pid_t PidOf(int64_t mount_id) const;  // 0: not connected
  // Who wrote there lately, newest first, each terminal of a person once.
  std::vector<attribute::Who> AskersOf(int64_t mount_id) const;

 private:
  struct Entry {
    Mount mount;
    UniqueFd fuse;
    UniqueFd root;
    SocketServer::ConnectionId connection = 0;
    EventLoop::TimerId timer = 0;
    bool reserved = false;
    bool started = false;
    bool unmounted = false;
    std::function<void()> stopping;  // set: Stop() was asked
    std::map<uint64_t, attribute::Who> remembered;
  };

  Gates(EventLoop& loop, const Options& options, Events events);
  Status Admit(const Peer& peer) const;
  void OnPacket(SocketServer::ConnectionId id, Packet packet);
  void OnHello(SocketServer::ConnectionId id, const ipc::GateHello& hello);
  void HandOver(Entry& entry);
  bool RunsInstalled(SocketServer::ConnectionId id) const;
  void OnWho(Entry& entry, const ipc::WhoQuestion& question);
  void OnTransfer(Entry& entry, const ipc::TransferQuestion& question);
  void OnRelease(Entry& entry, const ipc::ReleaseQuestion& question);
  static attribute::Who Remembered(const Entry& entry, uint64_t who);
  void OnClosed(SocketServer::ConnectionId id);
  void ArmTimer(Entry& entry, std::chrono::milliseconds delay);
  void OnTimer(int64_t mount_id);
  Entry* EntryOf(SocketServer::ConnectionId id);
  ipc::GateStart StartOf(const Entry& entry) const;

  EventLoop& loop_;
  Options options_;
  Events events_;
  std::unique_ptr<SocketServer> server_;
  std::map<int64_t, Entry> entries_;
  uint64_t last_who_ = 0;
};

}  // namespace sekisho::agent
