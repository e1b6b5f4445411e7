#include "agent/decide/decider.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "agent/decide/interfaces.h"

namespace sekisho::decide {

using policy::Access;
using Busy = Decider::Device::Busy;

namespace {

// All of it or its storage is the same then.
bool OnlyStorage(const policy::DeviceFacts& facts) {
  return std::ranges::all_of(facts.interfaces, IsStorage);
}

// Of a device that is a keyboard.
bool HasKeyboard(Authorization authorized, const Interfaces& listed) {
  return authorized == Authorization::kAll ||
         (authorized == Authorization::kListed &&
          std::ranges::find(listed, policy::UsbInterface{0x03, 0x01, 0x01}) !=
              listed.end());
}

constexpr std::array<uint8_t, 1> kKeyboardClasses = {0x03};

// By their ports.
bool IsBehind(const policy::DeviceFacts& device,
              const policy::DeviceFacts& hub) {
  return IsHub(hub) && (device.port.starts_with(hub.port + ".") ||
                        device.port.starts_with(hub.port + "-"));
}

}  // namespace

Decider::Decider(const Clock& clock, Effects& effects,
                 std::shared_ptr<const policy::Snapshot> snapshot,
                 policy::TerminalFacts terminal)
    : clock_(clock),
      effects_(effects),
      snapshot_(std::move(snapshot)),
      terminal_(std::move(terminal)) {}

void Decider::Start() { effects_.SetMode(snapshot_->policy().mode); }

policy::DeviceFacts Decider::Device::Facts() const {
  policy::DeviceFacts facts = plug.facts;
  facts.medium = medium;
  return facts;
}

const Decider::Device* Decider::Find(DeviceId id) const {
  const auto found = devices_.find(id);
  return found == devices_.end() ? nullptr : &found->second;
}

bool Decider::Types(DeviceId id) const {
  const Device* device = Find(id);
  return device != nullptr && IsKeyboard(device->plug.facts) &&
         HasKeyboard(device->Granted(), device->GrantedInterfaces()) &&
         !Takes(id, kKeyboardClasses);
}

bool Decider::Takes(DeviceId id, std::span<const uint8_t> classes) const {
  const Device* device = Find(id);
  if (device == nullptr) return true;
  const Judgement& judged = device->judged;
  if (judged.goal == Goal::kLeaveAlone) return false;
  const bool none_of_them =
      judged.authorization == Authorization::kListed &&
      std::ranges::none_of(judged.listed, [&](const auto& interface) {
        return std::ranges::find(classes, interface.klass) != classes.end();
      });
  if (judged.goal == Goal::kRefuse || none_of_them) return true;
  return std::ranges::any_of(devices_, [&](const auto& other) {
    return other.second.judged.goal == Goal::kRefuse &&
           IsBehind(device->plug.facts, other.second.plug.facts);
  });
}

DeviceId Decider::OnPlugged(Plug plug) {
  const DeviceId id = ++last_id_;
  Device& device = devices_[id];
  device.authorized = plug.authorized;
  device.listed = plug.listed;
  if (plug.adopted) {
    device.open = plug.adopted->access;
    device.mount_point = plug.adopted->mount_point;
    device.medium = plug.adopted->medium;
    device.probe_fresh = true;
    device.disk_ready = true;
    if (IsEncrypted(*device.medium)) {
      device.locked = device.medium;
      device.locked->filesystem =
          device.medium->encryption == "luks" ? kLuks : kBitlocker;
    }
  } else {
    device.native = plug.authorized != Authorization::kNone;
  }
  device.plug = std::move(plug);
  Step(id);
  return id;
}

void Decider::OnRemoved(DeviceId id) {
  const auto found = devices_.find(id);
  if (found == devices_.end()) return;
  const Device device = std::move(found->second);
  // Forgotten first: answers that are still on their way find nobody.
  devices_.erase(found);
  effects_.Removed(id);
  if (device.open && HoldsMedium(device.plug.facts)) {
    Tell(Report::Kind::kUnmounted, id, device, "the device was removed");
  }
  Tell(Report::Kind::kRemoved, id, device);
}

void Decider::OnDiskReady(DeviceId id) {
  const auto found = devices_.find(id);
  if (found == devices_.end()) return;
  Device& device = found->second;
  device.disk_ready = true;
  if (observing()) device.native = true;
  if (device.open == Access::kFull && device.busy == Busy::kNo) {
    // One more node of a medium that is open to everybody.
    AskOpen(id, device);
    return;
  }
  Step(id);
}

void Decider::OnDiskGone(DeviceId id) {
  const auto found = devices_.find(id);
  if (found == devices_.end()) return;
  Device& device = found->second;
  if (!device.disk_ready) return;
  device.disk_ready = false;
  device.probe_fresh = false;
  device.ejected = false;
  // The next medium in the same reader is judged by itself. A device that was
  // refused for what is on its medium, or for what could not be read of it,
  // loses its disk because of that: it is not looked at in a circle.
  if (device.judged.goal != Goal::kRefuse && !device.judged.medium_left_out) {
    device.medium.reset();
    device.locked.reset();
    device.probe_error.clear();
  }
  Step(id);
}

void Decider::OnAuthorized(DeviceId id, const Status& status) {
  const auto found = devices_.find(id);
  if (found == devices_.end()) return;
  Device& device = found->second;
  device.busy = Busy::kNo;
  if (status) {
    device.authorized = device.asked;
    device.listed = device.asked_listed;
    if (!ReachesStorage(device.asked, device.asked_listed)) {
      device.disk_ready = false;
      device.probe_fresh = false;
    }
  } else {
    // Fail closed: nothing more is done with it until something changes.
    device.open_error = status.error().message;
    Tell(Report::Kind::kProblem, id, device,
         "authorisation: " + status.error().message);
  }
  Step(id);
}

void Decider::OnProbed(DeviceId id, const Result<policy::MediumFacts>& found) {
  const auto at = devices_.find(id);
  if (at == devices_.end()) return;
  Device& device = at->second;
  device.busy = Busy::kNo;
  if (!found &&
      MayTryAgain(id, device, device.probe_failures,
                  "the medium could not be looked at", found.error())) {
    return;
  }
  device.probe_fresh = true;
  if (found) {
    device.medium = *found;
    // The probe sees no further than the header; what is inside is told by
    // OnUnlocked() alone.
    if (IsEncrypted(*device.medium) && !IsLocked(*device.medium)) {
      device.medium->filesystem.clear();
    }
    device.probe_error.clear();
    device.probe_failures = 0;
  } else {
    device.medium.reset();
    device.probe_error = found.error().message;
  }
  Step(id);
}

bool Decider::MayTryAgain(DeviceId id, Device& device, int& failures,
                          const std::string& what, const Error& why) {
  if (observing() || failures >= kMaxRetries) return false;
  const auto wait = kFirstWait * (1 << failures++);
  Tell(Report::Kind::kProblem, id, device,
       what + " (tried again soon): " + why.message);
  device.waits = true;
  effects_.Wait(id, wait);
  Step(id);  // policy may have changed meanwhile
  return true;
}

bool Decider::OnUnlocked(DeviceId id, const policy::MediumFacts& inside) {
  const auto found = devices_.find(id);
  if (found == devices_.end()) return false;
  Device& device = found->second;
  if (device.busy != Busy::kNo || device.judged.goal != Goal::kAwaitKey ||
      !device.medium || !device.disk_ready) {
    return false;
  }
  device.locked = std::exchange(device.medium, inside);
  Step(id);
  return true;
}

void Decider::OnWaited(DeviceId id) {
  const auto found = devices_.find(id);
  if (found == devices_.end()) return;
  found->second.waits = false;
  Step(id);
}

void Decider::OnOpened(DeviceId id, const Result<std::string>& mount_point) {
  const auto found = devices_.find(id);
  if (found == devices_.end()) return;
  Device& device = found->second;
  device.busy = Busy::kNo;
  if (!mount_point) {
    Lock(device);
    if (MayTryAgain(id, device, device.open_failures,
                    "the medium could not be opened", mount_point.error())) {
      return;
    }
    device.open_error = mount_point.error().message;
    Tell(Report::Kind::kProblem, id, device, device.open_error);
    Step(id);
    return;
  }
  device.open_failures = 0;
  const bool first = !device.open.has_value();
  device.open = device.opening.access;
  device.mount_point = *mount_point;
  if (first && HoldsMedium(device.plug.facts)) {
    Tell(Report::Kind::kMounted, id, device);
  }
  Step(id);
}

void Decider::OnClosed(DeviceId id) {
  const auto found = devices_.find(id);
  if (found == devices_.end()) return;
  Device& device = found->second;
  device.busy = Busy::kNo;
  device.native = false;
  if (device.open && HoldsMedium(device.plug.facts)) {
    Tell(Report::Kind::kUnmounted, id, device,
         device.ejected ? "it was ejected" : "");
  }
  device.open.reset();
  device.mount_point.clear();
  Lock(device);
  Step(id);
}

void Decider::OnGateLost(DeviceId id, const std::string& why) {
  const auto found = devices_.find(id);
  if (found == devices_.end() || !found->second.open) return;
  Device& device = found->second;
  Tell(Report::Kind::kProblem, id, device, why);
  if (clock_.Now() - device.gate_lost_time > kGateLossesWithin) {
    device.gate_losses = 0;
  }
  device.gate_lost_time = clock_.Now();
  if (++device.gate_losses >= kMaxGateLosses) device.open_error = why;
  if (device.busy == Busy::kNo) AskClose(id, device, why);
}

void Decider::OnEjected(DeviceId id) {
  const auto found = devices_.find(id);
  if (found == devices_.end() || !found->second.open) return;
  found->second.ejected = true;
  if (found->second.busy == Busy::kNo) Step(id);
}

void Decider::OnPolicy(std::shared_ptr<const policy::Snapshot> snapshot,
                       std::optional<WallTime> expires) {
  const policy::Mode before = snapshot_->policy().mode;
  snapshot_ = std::move(snapshot);
  expires_ = expires;
  if (snapshot_->policy().mode != before) {
    effects_.SetMode(snapshot_->policy().mode);
  }
  ForgetFailures();
  StepAll();
}

// Its mapping goes with the mount: the next one needs the passphrase again.
void Decider::Lock(Device& device) {
  if (!device.locked) return;
  device.medium = std::exchange(device.locked, std::nullopt);
  device.probe_fresh = false;
}

void Decider::ForgetFailures() {
  for (auto& [id, device] : devices_) {
    device.open_error.clear();
    device.probe_error.clear();
    device.probe_failures = device.open_failures = 0;
    device.waits = false;
    device.gate_losses = 0;
  }
}

void Decider::SetContained(std::vector<policy::Containment> running) {
  if (running == contained_) return;
  contained_ = std::move(running);
  ForgetFailures();
  StepAll();
}

const policy::Containment* Decider::ContainedBy(
    const policy::DeviceFacts& facts, const std::string& person) const {
  if (!policy::CarriesFiles(facts)) return nullptr;
  const auto found = std::ranges::find_if(
      contained_, [&](const policy::Containment& containment) {
        return policy::Covers(containment, facts, person);
      });
  return found == contained_.end() ? nullptr : &*found;
}

const policy::Containment* Decider::ContainedBy(
    const policy::DeviceFacts& facts, const policy::PersonFacts& person) const {
  const auto* of_person = ContainedBy(facts, person.person);
  if (of_person != nullptr || person.account.empty()) return of_person;
  return ContainedBy(facts, person.account);
}

void Decider::SetPerson(DeviceId id, const policy::PersonFacts& person) {
  const auto found = devices_.find(id);
  if (found == devices_.end() || found->second.plug.person == person) return;
  found->second.plug.person = person;
  Step(id);
}

void Decider::SetCoded(std::vector<Coded> running) {
  if (running == coded_) return;
  coded_ = std::move(running);
  ForgetFailures();
  StepAll();
}

const Coded* Decider::CodedOf(const policy::DeviceFacts& facts) const {
  const auto found = std::ranges::find_if(coded_, [&](const Coded& one) {
    return one.descriptor_hash == facts.descriptor_hash &&
           one.device == policy::DeviceKey(facts);
  });
  return found == coded_.end() ? nullptr : &*found;
}

bool Decider::WaitsForCode(const Device& device) const {
  const bool refused =
      device.judged.goal == Goal::kRefuse || device.judged.medium_left_out;
  return !observing() && refused && device.plug.malformed.empty() &&
         device.plug.standing != Standing::kSystem &&
         HoldsMedium(device.plug.facts) && !CodedOf(device.plug.facts) &&
         ContainedBy(device.plug.facts, device.plug.person) == nullptr;
}

void Decider::SetTerminal(policy::TerminalFacts terminal) {
  terminal_ = std::move(terminal);
  StepAll();
}

void Decider::OnTime() { StepAll(); }

std::optional<WallTime> Decider::NextWake() const {
  std::optional<WallTime> next = snapshot_->NextChange(clock_.Now());
  if (expires_ && *expires_ > clock_.Now() && (!next || *expires_ < *next)) {
    next = expires_;
  }
  return next;
}

void Decider::StepAll() {
  std::vector<DeviceId> ids;
  ids.reserve(devices_.size());
  for (const auto& [id, device] : devices_) ids.push_back(id);
  for (const DeviceId id : ids) Step(id);
}

void Decider::Step(DeviceId id) {
  const auto found = devices_.find(id);
  if (found == devices_.end()) return;
  Device& device = found->second;
  JudgeNow(id, device);
  if (device.busy != Busy::kNo) return;
  switch (device.judged.goal) {
    case Goal::kLeaveAlone:
      StepObserve(id, device);
      return;
    case Goal::kRefuse:
      StepRefuse(id, device);
      return;
    case Goal::kAllow:
      StepAllow(id, device);
      return;
    case Goal::kLook:
    case Goal::kServe:
    case Goal::kAwaitKey:
    case Goal::kOpenFully:
      StepMedium(id, device);
      return;
  }
}

bool Decider::StepObserve(DeviceId id, Device& device) {
  if (device.open && *device.open == Access::kReadOnly) {
    return AskClose(id, device, "nothing is enforced any more");
  }
  if (device.open == Access::kInspect) {
    device.open = Access::kAudit;
    effects_.ChangeAccess(id, Access::kAudit);
  }
  if (AskAuthorized(id, device, Authorization::kAll)) return true;
  return device.disk_ready && !device.probe_fresh &&
         HoldsMedium(device.plug.facts) && AskProbe(id, device);
}

bool Decider::StepRefuse(DeviceId id, Device& device) {
  if ((device.open || device.native) &&
      AskClose(id, device, device.judged.decision.reason)) {
    return true;
  }
  return AskAuthorized(id, device, Authorization::kNone);
}

bool Decider::StepAllow(DeviceId id, Device& device) {
  const Judgement& judged = device.judged;
  if (judged.medium_left_out && (device.open || device.native) &&
      AskClose(id, device, judged.decision.reason)) {
    return true;
  }
  if (AskAuthorized(id, device, judged.authorization, judged.listed)) {
    return true;
  }
  // Its usbfs node would reach past its drivers: only for all of it.
  if (judged.decision.access != Access::kFull ||
      judged.authorization != Authorization::kAll) {
    // What was `full` before keeps its node until it is closed.
    return device.open && AskClose(id, device, device.judged.decision.reason);
  }
  if (device.open || !device.open_error.empty() ||
      device.plug.standing == Standing::kSystem) {
    return false;
  }
  return AskOpen(id, device);
}

bool Decider::StepMedium(DeviceId id, Device& device) {
  const Judgement& judged = device.judged;
  if (device.ejected) {
    return device.open && AskClose(id, device, "it was ejected");
  }
  const bool fully = judged.goal == Goal::kOpenFully;
  if (device.native && judged.goal == Goal::kAwaitKey) device.take_away = true;
  if (device.native && !fully &&
      AskClose(id, device, "it is served through the gate from now on")) {
    return true;
  }
  if (device.open && judged.goal != Goal::kLook) {
    const Access now = *device.open;
    const Access wanted = judged.decision.access;
    if (now == wanted && device.disk_ready) {
      const bool same = device.authorized == judged.authorization &&
                        device.listed == judged.listed;
      if (same || OnlyStorage(device.plug.facts)) return false;
      if (now != Access::kFull) {
        return AskAuthorized(id, device, judged.authorization, judged.listed);
      }
      // Closed and opened again: its usbfs node may be too much now.
    }
    const bool in_place = device.disk_ready && now != Access::kFull &&
                          wanted != Access::kFull && now != Access::kReadOnly &&
                          wanted != Access::kReadOnly;
    if (in_place) {
      device.open = wanted;
      effects_.ChangeAccess(id, wanted);
      return false;
    }
  }
  if (device.open) return AskClose(id, device, judged.decision.reason);
  if (!device.open_error.empty()) return StepRefuse(id, device);
  if (std::exchange(device.take_away, false)) {
    if (device.plug.facts.bus != "usb") {
      device.open_error =
          "others may have unlocked it before: plug it in again";
      return StepRefuse(id, device);
    }
    if (AskAuthorized(id, device, Authorization::kNone)) return true;
  }
  if (AskAuthorized(id, device, judged.authorization, judged.listed)) {
    return true;
  }
  if (!device.disk_ready) return false;
  if (!fully && !device.probe_fresh) return AskProbe(id, device);
  return judged.goal != Goal::kLook && judged.goal != Goal::kAwaitKey &&
         AskOpen(id, device);
}

bool Decider::AskProbe(DeviceId id, Device& device) {
  if (device.waits) return false;
  device.busy = Busy::kProbing;
  effects_.Probe(id);
  return true;
}

bool Decider::AskAuthorized(DeviceId id, Device& device, Authorization wanted,
                            const Interfaces& listed) {
  if (device.plug.facts.bus != "usb") return false;
  if (device.authorized == wanted && device.listed == listed) return false;
  // A device that refused once is not asked in a circle; refusing it is always
  // tried, since OnAuthorized has put open_error there only after a failure.
  if (!device.open_error.empty() && device.asked == wanted) return false;
  device.busy = Busy::kAuthorizing;
  device.asked = wanted;
  device.asked_listed = listed;
  effects_.SetAuthorized(id, wanted, listed);
  return true;
}

bool Decider::AskOpen(DeviceId id, Device& device) {
  if (device.waits) return false;
  device.busy = Busy::kOpening;
  device.opening = device.judged.decision;
  effects_.Open(id, device.Facts(), device.opening);
  return true;
}

bool Decider::AskClose(DeviceId id, Device& device, const std::string& reason) {
  if (!HoldsMedium(device.plug.facts) && !device.open) {
    device.native = false;
    return false;
  }
  device.busy = Busy::kClosing;
  effects_.Close(id, reason);
  return true;
}

void Decider::JudgeNow(DeviceId id, Device& device) {
  const Circumstances now{
      .snapshot = snapshot_.get(),
      .terminal = &terminal_,
      .now = clock_.Now(),
      .stale = Stale(),
      .other_keyboard_stays = OtherKeyboardStays(id),
      .kept_behind_hub = KeptBehind(device),
      .contained = ContainedBy(device.plug.facts, device.plug.person),
      .coded = CodedOf(device.plug.facts),
  };
  const policy::DeviceDecision before = device.judged.decision;
  device.judged = Judge(device.plug, device.medium ? &*device.medium : nullptr,
                        device.probe_error, now);
  TellIfChanged(id, device, before);
}

void Decider::TellIfChanged(DeviceId id, Device& device,
                            const policy::DeviceDecision& before) {
  const policy::DeviceDecision& after = device.judged.decision;
  const bool settled = !after.needs_probe;
  const bool same =
      before.access == after.access && before.rule == after.rule &&
      before.reason == after.reason && device.told_settled == settled;
  if (device.told && same) return;
  const auto kind =
      device.told ? Report::Kind::kDecided : Report::Kind::kPlugged;
  device.told = true;
  device.told_settled = settled;
  Tell(kind, id, device);
}

void Decider::Tell(Report::Kind kind, DeviceId id, const Device& device,
                   std::string detail) {
  Report report;
  report.kind = kind;
  report.id = id;
  report.facts = device.Facts();
  report.decision = device.judged.decision;
  report.observe_only = observing();
  report.settled = !device.judged.decision.needs_probe;
  report.waits_for_key = device.judged.goal == Goal::kAwaitKey;
  report.attached_at_start = device.plug.attached_at_start;
  report.mount_point = device.mount_point;
  report.detail = std::move(detail);
  effects_.Tell(report);
}

bool Decider::OtherKeyboardStays(DeviceId id) const {
  for (const auto& [other_id, other] : devices_) {
    if (other_id == id || !IsKeyboard(other.plug.facts)) continue;
    const bool authorized = HasKeyboard(other.authorized, other.listed);
    const bool works = authorized && other.asked != Authorization::kNone;
    const bool untouched = authorized && other.busy == Busy::kNo;
    if ((works || untouched) && other.judged.goal != Goal::kRefuse) {
      return true;
    }
  }
  return false;
}

bool Decider::KeptBehind(const Device& hub) const {
  if (!IsHub(hub.plug.facts)) return false;
  for (const auto& [id, other] : devices_) {
    const bool behind = IsBehind(other.plug.facts, hub.plug.facts);
    const bool kept = other.plug.standing != Standing::kOrdinary &&
                      other.authorized != Authorization::kNone &&
                      other.judged.goal != Goal::kRefuse;
    if (behind && kept) return true;
  }
  return false;
}

bool Decider::Stale() const {
  return expires_ && *expires_ <= clock_.Now() &&
         snapshot_->policy().when_stale == policy::WhenStale::kStricter;
}

}  // namespace sekisho::decide
