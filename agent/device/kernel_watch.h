// Sees kernel devices come, go and change: the kernel's own uevent group
// (udev's would wait for its rules), and a scan of what is attached. Reports
// where to look, never facts that anyone should trust.
#pragma once

#include <functional>
#include <memory>

#include "agent/ipc/messages.h"
#include "common/clock.h"
#include "common/result.h"

namespace sekisho::device {

class KernelWatch {
 public:
  using Sink = std::function<void(const ipc::DeviceSeen&)>;

  // Subscribed from here on: what happens during a later Scan() is not lost.
  static Result<std::unique_ptr<KernelWatch>> Open(const Clock& clock);
  virtual ~KernelWatch() = default;

  virtual int fd() const = 0;  // readable when uevents wait

  enum class Drained { kAll, kLost };
  // Hands over what waits. kLost: the kernel dropped uevents; Scan() again.
  virtual Drained Read(const Sink& sink) = 0;
  // Everything attached as kAdd: USB devices from the root down, then disks,
  // then the rest, so that a parent always comes first.
  virtual Status Scan(const Sink& sink) = 0;
};

}  // namespace sekisho::device
