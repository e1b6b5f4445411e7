// The state of every attached device, and the one place where something is
// done about it: each event moves a device one step towards what policy wants
// of it now. No I/O and no clock of its own; everything that waits comes back
// as a call.
//
//   plugged -> authorised for probing -> probed -> decided -> open -> removed
//                                            \-> refused (not authorised)
//
// A device is never asked for two things at once: what changes while it is busy
// is looked at when the answer comes. That is how a revocation in the middle of
// a mount, a replug, or a policy that comes between two steps are all the same
// case. Loop thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/decide/effects.h"
#include "agent/decide/goal.h"
#include "common/clock.h"
#include "common/result.h"
#include "policy/containment.h"
#include "policy/evaluator.h"

namespace sekisho::decide {

// A gate that ends by itself this often, each time soon after the last, is not
// started again for that plug.
inline constexpr int kMaxGateLosses = 3;
inline constexpr std::chrono::minutes kGateLossesWithin{10};
// While policy enforces, a probe or an opening that failed (a busy machine, a
// process that was killed) is tried again this often before the medium is
// refused; the wait doubles each time.
inline constexpr int kMaxRetries = 3;
inline constexpr std::chrono::milliseconds kFirstWait{2'000};

class Decider {
 public:
  // All must outlive the decider. `snapshot` is in force from the start; its
  // mode is set through `effects` by Start().
  Decider(const Clock& clock, Effects& effects,
          std::shared_ptr<const policy::Snapshot> snapshot,
          policy::TerminalFacts terminal);

  void Start();

  // A device is there. Returns its id for all that follows.
  DeviceId OnPlugged(Plug plug);
  void OnRemoved(DeviceId id);
  // A disk with a medium in it stands behind the device (again), or is gone.
  void OnDiskReady(DeviceId id);
  void OnDiskGone(DeviceId id);

  // Answers. An id that is not there any more is ignored.
  void OnAuthorized(DeviceId id, const Status& status);
  void OnProbed(DeviceId id, const Result<policy::MediumFacts>& found);
  void OnWaited(DeviceId id);
  // What is in its encrypted volume, which is mapped now. It is served as far
  // as policy lets it; when it is closed, it is locked again. False: it does
  // not wait for that any more, and nobody will use the mapping.
  bool OnUnlocked(DeviceId id, const policy::MediumFacts& inside);
  void OnOpened(DeviceId id, const Result<std::string>& mount_point);
  void OnClosed(DeviceId id);
  // A gate ended by itself: the medium is not usable any more.
  void OnGateLost(DeviceId id, const std::string& why);
  // The operator unmounted it: closed until it, or the card in it, is plugged
  // again.
  void OnEjected(DeviceId id);

  // Policy or device list changed: every device is decided anew. `expires`: the
  // end of the envelope, if it has one.
  void OnPolicy(std::shared_ptr<const policy::Snapshot> snapshot,
                std::optional<WallTime> expires);
  // These hold from now on; devices they cover are closed, those they no longer
  // cover are decided anew.
  void SetContained(std::vector<policy::Containment> running);
  // nullptr: none covers it, or it carries no files.
  const policy::Containment* ContainedBy(const policy::DeviceFacts& facts,
                                         const std::string& person) const;
  // By who he is, or by his account.
  const policy::Containment* ContainedBy(
      const policy::DeviceFacts& facts,
      const policy::PersonFacts& person) const;
  // More, or less, is known of who plugged it in.
  void SetPerson(DeviceId id, const policy::PersonFacts& person);
  // What codes over the phone open, from now on; what they no longer open is
  // closed.
  void SetCoded(std::vector<Coded> running);
  const policy::TerminalFacts& terminal() const { return terminal_; }
  // The terminal has another name, or lost or found its server.
  void SetTerminal(policy::TerminalFacts terminal);
  // Approvals may have ended: call at NextWake(), or earlier.
  void OnTime();
  std::optional<WallTime> NextWake() const;

  std::shared_ptr<const policy::Snapshot> snapshot() const { return snapshot_; }
  bool observing() const {
    return snapshot_->policy().mode == policy::Mode::kObserve;
  }

  // For status and events of transfers. nullptr: no such device.
  struct Device {
    Plug plug;
    std::optional<policy::MediumFacts> medium;
    std::string probe_error;
    bool probe_fresh = false;  // `medium` was read since it was authorised
    // Of an unlocked medium: what the probe had found.
    std::optional<policy::MediumFacts> locked;
    // Others may have unlocked it while nothing was enforced, and only taking
    // the device from the kernel ends that.
    bool take_away = false;
    int probe_failures = 0;
    int open_failures = 0;
    bool waits = false;  // before either is tried again
    bool disk_ready = false;
    Authorization authorized = Authorization::kNone;
    Interfaces listed;                   // of kListed
    std::optional<policy::Access> open;  // what is in force
    std::string mount_point;
    // Others may have mounted it themselves, while nothing was enforced.
    bool native = false;
    std::string open_error;  // do not try again until something changes

    enum class Busy { kNo, kAuthorizing, kProbing, kOpening, kClosing };
    Busy busy = Busy::kNo;
    Authorization asked = Authorization::kNone;
    Interfaces asked_listed;
    policy::DeviceDecision opening;  // what Open() was asked for
    int gate_losses = 0;
    WallTime gate_lost_time;
    bool ejected = false;

    Judgement judged;
    bool told = false;
    bool told_settled = false;

    policy::DeviceFacts Facts() const;
    // What it has, or is being given just now.
    Authorization Granted() const {
      return busy == Busy::kAuthorizing ? asked : authorized;
    }
    const Interfaces& GrantedInterfaces() const {
      return busy == Busy::kAuthorizing ? asked_listed : listed;
    }
  };
  const Device* Find(DeviceId id) const;
  // Whether it is a keyboard that types now, and stays one.
  bool Types(DeviceId id) const;
  // Whether it, or a hub above it, is refused, or let in without any interface
  // of these classes.
  bool Takes(DeviceId id, std::span<const uint8_t> classes) const;
  // Whether a code could open it: attached, a medium, and refused by policy, by
  // nothing that stands above policy.
  bool WaitsForCode(const Device& device) const;
  const std::map<DeviceId, Device>& devices() const { return devices_; }

 private:
  void Step(DeviceId id);
  // Each returns true if something was begun.
  bool StepObserve(DeviceId id, Device& device);
  bool StepRefuse(DeviceId id, Device& device);
  bool StepAllow(DeviceId id, Device& device);
  bool StepMedium(DeviceId id, Device& device);
  bool AskAuthorized(DeviceId id, Device& device, Authorization wanted,
                     const Interfaces& listed = {});
  bool AskProbe(DeviceId id, Device& device);
  bool AskClose(DeviceId id, Device& device, const std::string& reason);
  bool AskOpen(DeviceId id, Device& device);
  void JudgeNow(DeviceId id, Device& device);
  // A second look later, unless there were enough. `failures` counts.
  bool MayTryAgain(DeviceId id, Device& device, int& failures,
                   const std::string& what, const Error& why);
  void TellIfChanged(DeviceId id, Device& device,
                     const policy::DeviceDecision& before);
  void Tell(Report::Kind kind, DeviceId id, const Device& device,
            std::string detail = {});
  void StepAll();
  bool OtherKeyboardStays(DeviceId id) const;
  bool KeptBehind(const Device& hub) const;
  bool Stale() const;
  const Coded* CodedOf(const policy::DeviceFacts& facts) const;
  static void Lock(Device& device);
  void ForgetFailures();

  const Clock& clock_;
  Effects& effects_;
  std::shared_ptr<const policy::Snapshot> snapshot_;
  std::optional<WallTime> expires_;
  policy::TerminalFacts terminal_;
  std::vector<policy::Containment> contained_;
  std::vector<Coded> coded_;
  std::map<DeviceId, Device> devices_;
  DeviceId last_id_ = 0;
};

}  // namespace sekisho::decide
