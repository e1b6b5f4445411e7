// The scan worker over scan.sock. One connection is kept for the gate's life;
// the socket's unit starts a new worker with each connection, so a worker that
// died or hung is replaced by connecting again.
#pragma once

#include <array>
#include <mutex>
#include <string>

#include "agent/gate/judge.h"
#include "agent/ipc/scan_rules.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::gate {

class ScanClient final : public Scanner {
 public:
  struct Options {
    std::string socket_path;
    std::array<std::byte, 32> sketch_key{};
    std::chrono::milliseconds timeout{30'000};
  };
  explicit ScanClient(Options options) : options_(std::move(options)) {}

  // One scan at a time; others wait for their turn first.
  ipc::Findings Scan(int content_fd, int64_t size_bytes,
                     const std::string& name) override;
  // From the next scan on. Any thread; waits for no scan.
  void UseRules(ipc::SharedScanRules rules);

 private:
  Result<ipc::Findings> Exchange(int content_fd, int64_t size_bytes,
                                 const std::string& name);
  Status Connect();
  Status SendRules();
  bool Stale() const;

  const Options options_;
  std::mutex mutex_;  // guards what follows
  UniqueFd connection_;
  uint64_t next_transfer_ = 0;
  ipc::SharedScanRules sent_rules_;  // on this connection

  std::mutex rules_mutex_;  // guards what follows
  ipc::SharedScanRules rules_;
};

// What is known of a content that nobody could look into.
ipc::Findings Uninspected(int64_t size_bytes, std::string reason);
// What is known of a change that has no content of its own: a name.
ipc::Findings NameOnly();

}  // namespace sekisho::gate
