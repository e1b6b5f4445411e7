// Processes start slowly on a slow machine, and somebody waits for the medium:
// while policy enforces, one probe and one gate stand by for the next one, and
// the kernel's modules are loaded. Each still serves once. Without them a
// medium only takes longer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "agent/gates.h"
#include "agent/jobs.h"
#include "common/clock.h"
#include "common/event_loop.h"
#include "common/unique_fd.h"
#include "common/unix_socket.h"

namespace sekisho::agent {

class Standby {
 public:
  struct Options {
    std::string probe_socket;
    Listener listener = Listener::kInit;
    std::string systemctl;
  };

  // Loop thread only. All must outlive this.
  Standby(EventLoop& loop, Jobs& jobs, const Clock& clock, Gates& gates,
          Options options,
          std::function<void(const std::string&, const Error&)> problem);
  ~Standby();

  enum class Mode { kOff, kOn };
  // Off ends what stands by. On is asked for again after each medium.
  void Set(Mode mode);

  // Invalid: none stands by.
  UniqueFd TakeProbe();
  // The number of a gate that stands by, or was started just now; for
  // Gates::Expect. Never given twice, also over restarts.
  int64_t TakeGate();
  // Starts the unit of that number; its failure is a problem, no more: the
  // gate's time limit ends the mount.
  void StartGate(int64_t mount_id);

 private:
  void PrepareAfter(std::chrono::milliseconds delay);
  void Prepare();
  int64_t NewGate();
  void LoadModules();

  EventLoop& loop_;
  Jobs& jobs_;
  const Clock& clock_;
  Gates& gates_;
  const Options options_;
  std::function<void(const std::string&, const Error&)> problem_;
  Mode mode_ = Mode::kOff;
  UniqueFd probe_;
  int64_t gate_ = 0;  // its mount id; 0: none
  EventLoop::TimerId timer_ = 0;
  bool modules_asked_ = false;
};

}  // namespace sekisho::agent
