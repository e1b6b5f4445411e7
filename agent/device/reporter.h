// The loop of `sekisho-devices`: tells sekishod what KernelWatch sees, and
// everything attached again after a reconnect or lost uevents.
#pragma once

#include <memory>
#include <string>

#include "agent/device/kernel_watch.h"
#include "common/event_loop.h"
#include "common/unique_fd.h"

namespace sekisho::device {

// Loop thread only; the parts must outlive it.
class Reporter {
 public:
  Reporter(EventLoop& loop, KernelWatch& watch, std::string socket_path);
  ~Reporter();

  // Starts watching and connecting; failures to connect are tried again each
  // second, for as long as it lives.
  Status Start();

 private:
  enum class Rescan { kAfterStart, kAfterLoss };

  void Connect();
  void Disconnect();
  void ReadUevents();
  void TellEverything(Rescan why);
  bool Send(ByteSpan bytes);

  EventLoop& loop_;
  KernelWatch& watch_;
  const std::string socket_path_;
  UniqueFd connection_;
  bool loss_untold_ = false;
};

}  // namespace sekisho::device
