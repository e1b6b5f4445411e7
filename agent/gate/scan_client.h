// The scan worker over scan.sock. One connection is kept for the gate's life;
// the socket's unit starts a new worker with each connection, so a worker that
// died or hung is replaced by connecting again. A content that is judged while
// it is written has a worker of its own.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>

#include "agent/gate/gate.h"
#include "agent/gate/judge.h"
#include "agent/ipc/scan_rules.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::gate {

// At a time; another large file is staged whole.
inline constexpr int kMaxStreams = 4;

class ScanClient final : public Scanner {
 public:
  struct Options {
    std::string socket_path;
    Listener listener = Listener::kInit;
    std::array<std::byte, 32> sketch_key{};
    std::chrono::milliseconds timeout{30'000};
    // Whoever waits is told from here on, and this often at most.
    std::chrono::milliseconds tell_waiting{2'000};
    std::chrono::milliseconds tell_again{1'000};
  };
  explicit ScanClient(Options options) : options_(std::move(options)) {}

  // One scan at a time; others wait for their turn first.
  ipc::Findings Scan(int content_fd, int64_t size_bytes,
                     const std::string& name, const SoFar& so_far) override;
  // From the next scan on. Any thread; waits for no scan.
  void UseRules(ipc::SharedScanRules rules);
  ipc::Findings ScanName(const std::string& name) override;
  std::unique_ptr<ContentStream> Begin(int content_fd, int64_t size_bytes,
                                       const std::string& name) override;

 private:
  friend class ScanStream;
  ipc::ScanRequest RequestOf(int64_t size_bytes, const std::string& name);
  struct Worker {
    UniqueFd connection;
    ipc::SharedScanRules rules;  // that it was told
  };
  // One worker, one question at a time.
  struct Line {
    std::mutex mutex;  // guards what follows
    Worker worker;
  };
  Result<Worker> NewWorker() const;
  Status TellRules(Worker& worker);
  struct Content {
    int fd = -1;
    int64_t size_bytes = 0;
    const std::string& name;
    const SoFar& so_far;
  };
  ipc::Findings Ask(Line& line, const Content& content);
  Result<ipc::Findings> Exchange(Line& line, const Content& content);
  Result<ipc::Findings> AwaitResult(int connection,
                                    const ipc::ScanRequest& request,
                                    const SoFar& so_far) const;
  Result<Worker> StreamWorker();
  // Without a connection if it is of no more use.
  void EndStream(Worker worker);

  const Options options_;
  Line contents_;
  Line names_;                // does not wait for contents
  std::mutex streams_mutex_;  // guards what follows
  int streams_ = 0;
  Worker idle_;             // of a stream that ended: may serve another one
  std::mutex rules_mutex_;  // guards what follows
  ipc::SharedScanRules rules_;
  std::atomic<uint64_t> next_transfer_{0};
};

// What is known of a content that nobody could look into.
ipc::Findings Uninspected(int64_t size_bytes, std::string reason);
// What is known of a change that has no content of its own, and a name that can
// say nothing of anybody.
ipc::Findings NameOnly();
}  // namespace sekisho::gate
