// The watch with the kernel's notices, and a worker that counts lines. Needs
// root; without it the one thing to see is that it says so.
#include "agent/landing_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "common/unix_socket.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using testing::HasSubstr;

// Says of each file that it holds as many people as lines.
class LineCounter {
 public:
  explicit LineCounter(const std::string& path)
      : listener_(*ListenSeqpacket(path, 0600)), thread_([this] { Run(); }) {}
  ~LineCounter() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    stop_ = true;
    thread_.join();
  }
  int looks() const { return looks_; }
  bool in_background() const { return in_background_; }

 private:
  void Run() {
    while (!stop_) {
      auto peer = AcceptSeqpacket(listener_.get());
      if (peer) Serve(peer->get());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  void Serve(int peer) {
    while (!stop_) {
      auto packet = ReceivePacket(peer);
      if (!packet && packet.error().code == Code::kUnavailable) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        continue;
      }
      if (!packet) return;
      if (ipc::TypeOf(packet->bytes) == ipc::ScanInBackground::kType) {
        in_background_ = true;
      }
      const auto request = ipc::Decode<ipc::ScanRequest>(packet->bytes);
      if (!request) continue;
      std::string text(static_cast<size_t>(request->size_bytes), '\0');
      [[maybe_unused]] const ssize_t n =
          ::pread(packet->fds[0].get(), text.data(), text.size(), 0);
      ipc::ScanResult result;
      result.findings.persons = std::ranges::count(text, '\n');
      ++looks_;
      [[maybe_unused]] const Status sent =
          SendPacket(peer, ipc::Encode(result));
    }
  }
  UniqueFd listener_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> looks_ = 0;
  std::atomic<bool> in_background_ = false;
  std::thread thread_;
};

class LandingWatchTest : public testing::Test {
 protected:
  struct Told {
    std::string path;
    int64_t persons = 0;
    attribute::Who who;
    std::string owner;
    bool lies = false;
  };
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    // A file system of its own, so that nobody else's writes are seen.
    folder = dir.path() + "/disk";
    std::filesystem::create_directory(folder);
    if (::mount("landing", folder.c_str(), "tmpfs", 0, "size=64m") != 0) {
      GTEST_SKIP() << "may not mount";
    }
    mounted = true;
    NewLoop();
  }
  // One that was stopped does not run again.
  void NewLoop() {
    jobs.reset();
    loop = std::move(*EventLoop::Create());
    jobs = std::make_unique<Jobs>(*loop);
  }
  void TearDown() override {
    watch.reset();
    jobs.reset();
    if (!mounted) return;
    EXPECT_EQ(::umount(folder.c_str()), 0) << "it is held";
  }
  void Start(policy::Landings policy = {}) {
    policy.persons = 100;
    policy.folders = {folder + "/in"};
    std::filesystem::create_directories(folder + "/in");
    std::filesystem::create_directories(folder + "/out");
    LandingWatch::Options options;
    options.policy = policy;
    options.scan_socket = dir.path() + "/scan.sock";
    options.listener = Listener::kAnybody;
    options.lying_path = dir.path() + "/lying";
    options.libexec_dir = "/usr/libexec/sekisho";
    options.timing.queue.quiet = std::chrono::milliseconds(100);
    options.timing.first_walk = std::chrono::milliseconds(50);
    options.timing.walk_step = std::chrono::milliseconds(10);
    options.timing.events_per_second = events_per_second;
    auto started = LandingWatch::Start(
        *loop, *jobs, clock, options,
        {.external = [this](const enforce::DeviceNumber&) { return external; },
         .rules = [] { return ipc::SharedScanRules(); },
         .sketch_key = [] { return std::array<std::byte, 32>{}; },
         .landed =
             [this](const Landed& landed, const std::string& path,
                    const ipc::Findings& findings) {
               told.push_back({path, findings.persons, landed.who, landed.owner,
                               landed.unchanged_since.has_value()});
             },
         .lost = [this](const std::string& why) { lost.push_back(why); }});
    ASSERT_TRUE(started) << started.error().message;
    watch = std::move(*started);
  }
  // By another process, as a shell would.
  void Run(const std::string& command) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0) << command;
  }
  void RunLoop(std::chrono::milliseconds time) {
    loop->After(time, [this] { loop->Stop(); });
    loop->Run();
  }

  // Or for half a minute.
  void RunUntil(const std::function<bool()>& done) {
    const BootTime end = clock.SinceBoot() + std::chrono::seconds(30);
    std::function<void()> look = [&] {
      if (done() || clock.SinceBoot() > end) {
        loop->Stop();
      } else {
        loop->After(std::chrono::milliseconds(50), look);
      }
    };
    loop->Post(look);
    loop->Run();
  }

  TempDir dir;
  std::string folder;
  bool mounted = false;
  bool external = false;
  int events_per_second = 2'000;
  SystemClock clock;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<Jobs> jobs;
  std::unique_ptr<LandingWatch> watch;
  std::vector<Told> told;
  std::vector<std::string> lost;
};

constexpr char kMany[] =
    "seq 1000000 1000199 | sed 's/$/ a person of many/' > ";

TEST_F(LandingWatchTest, TellsOfManyPeopleAndWhereTheyAreByThen) {
  const LineCounter worker(dir.path() + "/scan.sock");
  Start();
  Run(kMany + folder + "/in/.list.part && mv " + folder + "/in/.list.part " +
      folder + "/in/list.csv");
  RunLoop(std::chrono::milliseconds(600));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].path, folder + "/in/list.csv");
  EXPECT_EQ(told[0].persons, 200);
  EXPECT_GT(told[0].who.pid, 0);
  EXPECT_FALSE(told[0].lies);
  EXPECT_TRUE(worker.in_background());
  EXPECT_TRUE(lost.empty());
}

TEST_F(LandingWatchTest, PassesOverWhatIsSmallElsewhereOrRemoved) {
  const LineCounter worker(dir.path() + "/scan.sock");
  Start();
  Run("seq 1 300 > " + folder + "/in/small");
  Run(kMany + folder + "/out/list.csv");
  Run(kMany + folder + "/in/gone.csv && rm " + folder + "/in/gone.csv");
  RunLoop(std::chrono::milliseconds(500));
  EXPECT_EQ(worker.looks(), 0);
}

TEST_F(LandingWatchTest, PassesOverAMedium) {
  const LineCounter worker(dir.path() + "/scan.sock");
  Start();
  external = true;
  Run(kMany + folder + "/in/list.csv");
  RunLoop(std::chrono::milliseconds(500));
  EXPECT_EQ(worker.looks(), 0);
}

TEST_F(LandingWatchTest, AFileWithFewPeopleIsNotTold) {
  const LineCounter worker(dir.path() + "/scan.sock");
  Start();
  Run("head -c 9000 /dev/zero > " + folder + "/in/zeroes");
  RunLoop(std::chrono::milliseconds(500));
  EXPECT_EQ(worker.looks(), 1);
  EXPECT_TRUE(told.empty());
}

TEST_F(LandingWatchTest, ManyWritesToOneFileAreOneLook) {
  const LineCounter worker(dir.path() + "/scan.sock");
  Start();
  Run(kMany + folder + "/in/log; for i in $(seq 200); do echo line >> " +
      folder + "/in/log; done");
  RunLoop(std::chrono::milliseconds(600));
  EXPECT_EQ(worker.looks(), 1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].persons, 400);
}

TEST_F(LandingWatchTest, HoldsNothingThatWaits) {
  const LineCounter worker(dir.path() + "/scan.sock");
  Start();
  Run(kMany + folder + "/in/list.csv");
  loop->After(std::chrono::milliseconds(30), [this] {
    // It waits to be quiet.
    EXPECT_EQ(::umount(folder.c_str()), 0);
    mounted = false;
  });
  RunLoop(std::chrono::milliseconds(500));
  EXPECT_EQ(worker.looks(), 0);
  EXPECT_TRUE(told.empty());
}

TEST_F(LandingWatchTest, WithoutAWorkerItSaysWhatItDidNotLookAt) {
  Start();
  Run(kMany + folder + "/in/list.csv");
  RunLoop(std::chrono::milliseconds(500));
  ASSERT_EQ(lost.size(), 1U);
}

TEST_F(LandingWatchTest, TakesNoticesSlowlyAndLosesNone) {
  const LineCounter worker(dir.path() + "/scan.sock");
  events_per_second = 500;
  Start();
  Run("for i in $(seq 300); do head -c 3000 /dev/zero > " + folder +
      "/in/$i; done");
  RunUntil([&] { return worker.looks() == 300; });
  EXPECT_EQ(worker.looks(), 300);
  EXPECT_TRUE(lost.empty());
}

TEST_F(LandingWatchTest, TellsOnceWhatLiesThereForLong) {
  const LineCounter worker(dir.path() + "/scan.sock");
  std::filesystem::create_directories(folder + "/in/deep");
  Run(kMany + folder + "/in/deep/old.csv && touch -d '40 days ago' " + folder +
      "/in/deep/old.csv");
  Run(kMany + folder + "/in/new.csv");
  policy::Landings policy;
  policy.lies_for_hours = 30 * 24;
  Start(policy);
  RunLoop(std::chrono::milliseconds(800));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].path, folder + "/in/deep/old.csv");
  EXPECT_TRUE(told[0].lies);
  EXPECT_EQ(told[0].owner, "root");
  EXPECT_EQ(told[0].who.person, "unknown");
  watch.reset();
  told.clear();
  NewLoop();
  Start(policy);
  RunLoop(std::chrono::milliseconds(800));
  EXPECT_TRUE(told.empty()) << "it was told of before the restart";
}

}  // namespace
}  // namespace sekisho::agent
