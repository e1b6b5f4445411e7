#include "agent/gate/gate.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "agent/gate/core_client.h"
#include "agent/gate/dispatcher.h"
#include "agent/gate/filesystem.h"
#include "agent/gate/fuse_device.h"
#include "agent/gate/medium.h"
#include "agent/gate/sandbox.h"
#include "agent/gate/scan_client.h"
#include "agent/gate/staging.h"
#include "agent/gate/worker_pool.h"
#include "common/log.h"

namespace sekisho::gate {
namespace {

constexpr int kReaders = 3;  // 1 MiB of buffer each
constexpr size_t kAskingThreads = 4;
constexpr size_t kVerdictThreads = 4;
constexpr std::chrono::milliseconds kListAfter{500};
constexpr int kListings = 3;  // when one was disturbed
// What sekishod may ask for at most, whatever its message says.
constexpr int64_t kMostStagingBytes = int64_t{16} << 30;

// Until there is nothing to read: ENODEV once it is unmounted.
int Serve(FuseChannel& channel, Dispatcher& dispatcher) {
  std::vector<std::byte> buffer(kRequestBufferBytes);
  while (true) {
    const auto n = channel.Read(buffer);
    if (!n) return n.error();
    dispatcher.Handle(buffer, *n);
  }
}

// Programs of the operator go before the listing, in time of processor and
// disk. Nothing depends on it.
void GoLast() {
  [[maybe_unused]] const int nice = ::setpriority(PRIO_PROCESS, 0, kGoesLast);
  [[maybe_unused]] const long idle =
      ::syscall(SYS_ioprio_set, kIoprioWhoProcess, 0, kIoprioIdle);
}

void List(CoreClient& core, Filesystem& filesystem) {
  GoLast();
  for (int i = 1;; ++i) {
    // What somebody plugged the medium in for comes first.
    std::this_thread::sleep_for(kListAfter);
    const uint64_t told_to = core.generation();
    const uint64_t moves = filesystem.FolderMoves();
    ListingEnd end =
        filesystem.ListContents({}, [&core] { return core.WaitForRoom(); });
    const bool disturbed =
        core.generation() != told_to || filesystem.FolderMoves() != moves;
    if (disturbed && i < kListings) continue;
    end.complete = end.complete && !disturbed;
    core.EndListing(end);
    return;
  }
}

// One at a time, on a thread of its own that ends with the process.
class Erasing {
 public:
  Erasing(CoreClient* core, Filesystem* filesystem)
      : core_(*core), filesystem_(*filesystem) {}
  void Begin() {
    if (busy_.exchange(true)) {
      core_.TellErased({.ok = false, .error = "it is being erased already"});
      return;
    }
    std::thread([this] {
      GoLast();
      const Erased erased = filesystem_.Erase([] { return true; });
      // News of before would come after it otherwise.
      core_.TellRest();
      core_.TellErased(
          {.ok = erased.ok, .bytes = erased.bytes, .error = erased.error});
      busy_ = false;
    }).detach();
  }

 private:
  CoreClient& core_;
  Filesystem& filesystem_;
  std::atomic<bool> busy_{false};
};

// SIGTERM comes from systemd at shutdown: the same as sekishod's stop.
sigset_t BlockStopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

}  // namespace

int RunGate(int64_t mount_id, const GatePaths& paths) {
  CoreClient core(paths.core_socket, mount_id);
  // While it waits for a medium there is nothing to bring in order.
  auto start = core.Connect();
  if (!start && start.error().code == Code::kCancelled) return 0;
  if (!start) {
    Log(LogLevel::kError, start.error().message);
    return 1;
  }
  const sigset_t stop_signals = BlockStopSignals();
  const ipc::GateStart& settings = start->settings;
  auto medium = Medium::Open(std::move(start->root));
  if (!medium) {
    Log(LogLevel::kError, "root descriptor is of no use");
    return 1;
  }
  auto staging = StagingArea::Open(
      paths.staging_directory,
      {std::clamp(settings.staging_bytes, int64_t{0}, kMostStagingBytes),
       std::clamp(settings.file_bytes, int64_t{0}, kMostStagingBytes)});
  if (!staging) {
    Log(LogLevel::kError, staging.error().message);
    return 1;
  }
  if (auto sandboxed = EnterSandbox(); !sandboxed) {
    Log(LogLevel::kError, sandboxed.error().message);
    return 1;
  }

  FuseDevice device(std::move(start->fuse));
  ScanClient scanner({.socket_path = paths.scan_socket,
                      .listener = paths.scan_listener,
                      .sketch_key = settings.sketch_key});
  scanner.UseRules(std::move(start->scan_rules));
  auto asking = std::make_unique<WorkerPool>(kAskingThreads);
  auto verdicts = std::make_unique<WorkerPool>(kVerdictThreads);
  Filesystem filesystem(
      {AccessFrom(settings.access), static_cast<uint32_t>(settings.owner_uid),
       static_cast<uint32_t>(settings.owner_gid)},
      {medium->get(), staging->get(), &scanner, &core, verdicts.get(),
       &device});
  Dispatcher dispatcher(&device, &filesystem, asking.get(), verdicts.get(),
                        kReaders);

  // Wakes the main thread, which does nothing but wait for the end.
  const auto end = [main_thread = pthread_self()] {
    pthread_kill(main_thread, SIGUSR1);
  };
  std::atomic<bool> unmounted{false};
  std::atomic<int> read_error{0};
  Erasing erasing(&core, &filesystem);
  std::thread core_thread([&] {
    core.Run({.access_changed =
                  [&](const std::string& access) {
                    filesystem.SetAccess(AccessFrom(access));
                  },
              .stop = [&](const std::string&) { end(); },
              .scan_rules_changed =
                  [&](ipc::SharedScanRules rules) {
                    scanner.UseRules(std::move(rules));
                  },
              .counts = [&] { return filesystem.Counts(); },
              .erase = [&] { erasing.Begin(); }});
  });
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      read_error.store(Serve(device, dispatcher));
      unmounted.store(true);
      end();
    });
  }
  std::thread telling_thread([&] { core.RunTelling(); });
  std::thread listing_thread([&] { List(core, filesystem); });
  Log(LogLevel::kInfo, "serving");

  int signal_number = 0;
  while (sigwait(&stop_signals, &signal_number) != 0) {
  }
  filesystem.StopServing();
  asking->Drain();
  // An unmount may overtake the last closes, whose content is whole. A stop
  // finds programs in the middle of their writing.
  filesystem.Finish(unmounted.load() ? Undecided::kJudge : Undecided::kDrop);
  core.TellRest();
  core.TellCounts(filesystem.Counts());
  if (read_error.load() == ENODEV) core.TellUnmounted();
  Log(LogLevel::kInfo, "medium synced, leaving");
  // The readers hang in read(2) while the mount stands; the process ends, and
  // with it the connection.
  ::_exit(0);
}

}  // namespace sekisho::gate
