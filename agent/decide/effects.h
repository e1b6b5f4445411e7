// What the decider asks of the world, and what it tells about its decisions.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"
#include "policy/model.h"

namespace sekisho::decide {

// One plug of one device, counted up; never used for another plug.
using DeviceId = uint64_t;

// How much of a USB device the kernel may use.
enum class Authorization {
  kNone,    // no driver is bound, nothing can be claimed
  kMedium,  // the mass storage interfaces only
  kListed,  // the interfaces of a list only
  kAll,
};
// Sorted, each kind once.
using Interfaces = std::vector<policy::UsbInterface>;

struct Report {
  enum class Kind {
    kPlugged,    // first decision on a device; may wait for the probe
    kDecided,    // the decision changed
    kMounted,    // the medium can be used
    kUnmounted,  // it no longer can
    kRemoved,
    kProblem,  // something that was decided could not be done
  };
  Kind kind = Kind::kPlugged;
  DeviceId id = 0;
  policy::DeviceFacts facts;
  policy::DeviceDecision decision;
  // True: nothing was refused; the decision is what enforce would have done.
  bool observe_only = false;
  // False while the answer hangs on the probe.
  bool settled = true;
  bool attached_at_start = false;
  // It would be served, but for its encrypted volume.
  bool waits_for_key = false;
  std::string mount_point;  // kMounted, kUnmounted
  std::string detail;       // kProblem: what failed
};

// Each call returns at once. Where an answer is named it comes back later, from
// the loop, as a call to the decider with the same id; answers about devices
// that were removed meanwhile are ignored there. The decider never asks for a
// second thing on a device before the first was answered, except Removed().
class Effects {
 public:
  virtual ~Effects() = default;

  // Kernel gate, defaults of the buses. Called before devices are decided anew.
  // Failure: reported by the implementation; devices are decided all the same.
  virtual void SetMode(policy::Mode mode) = 0;

  // `listed` is for kListed. Answer: OnAuthorized. Not called for disks that
  // are not behind USB.
  virtual void SetAuthorized(DeviceId id, Authorization wanted,
                             const Interfaces& listed) = 0;
  // Look at the medium with nodes open to nobody else. Answer: OnProbed.
  virtual void Probe(DeviceId id) = 0;
  // After that time: OnWait. Nothing else waits for it.
  virtual void Wait(DeviceId id, std::chrono::milliseconds time) = 0;
  // Make the medium usable through the gate (read_only, inspect, audit), or
  // open its nodes (full; with its usbfs node if all of it is authorised).
  // Answer: OnOpened, with the mount point if there is one.
  virtual void Open(DeviceId id, const policy::DeviceFacts& facts,
                    const policy::DeviceDecision& decision) = 0;
  // Access of an open gate mount changes in place. Cannot fail: a gate that
  // does not obey is stopped.
  virtual void ChangeAccess(DeviceId id, policy::Access access) = 0;
  // Take the medium away cleanly: stop the gate, unmount (also what others
  // mounted natively), close the nodes. Answer: OnClosed, always.
  virtual void Close(DeviceId id, const std::string& reason) = 0;
  // The device is gone: clean up whatever stands of it. No answer.
  virtual void Removed(DeviceId id) = 0;

  virtual void Tell(const Report& report) = 0;
};

}  // namespace sekisho::decide
