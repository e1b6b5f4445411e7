#include "agent/decide/goal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sekisho::decide {
namespace {

using policy::Access;

constexpr char kDefaultRule[] = "default";

bool AnyOfClass(const policy::DeviceFacts& facts, uint8_t klass) {
  return std::ranges::any_of(facts.interfaces,
                             [&](const auto& i) { return i.klass == klass; });
}

// Classes through which nothing leaves: audio, HID, smart card, video, hub.
bool CarriesNoData(const policy::DeviceFacts& facts) {
  constexpr std::array<uint8_t, 5> kQuiet = {0x01, 0x03, 0x09, 0x0b, 0x0e};
  return !facts.interfaces.empty() &&
         std::ranges::all_of(facts.interfaces, [&](const auto& i) {
           return std::ranges::find(kQuiet, i.klass) != kQuiet.end();
         });
}

void Refuse(policy::DeviceDecision& decision, std::string reason) {
  decision.access = Access::kBlock;
  decision.needs_probe = false;
  decision.reason = std::move(reason);
}

const policy::DeviceRule* RuleOf(const policy::Snapshot& snapshot,
                                 const std::string& id) {
  const auto& rules = snapshot.policy().devices;
  const auto found = std::ranges::find(rules, id, &policy::DeviceRule::id);
  return found == rules.end() ? nullptr : &*found;
}

// A file system driver that reads a foreign medium is attack surface, hence
// ext4 only where the rule names it.
std::string WhyNotServed(const policy::MediumFacts& medium,
                         const policy::DeviceRule* rule) {
  if (medium.encryption != "none" && !medium.encryption.empty()) {
    return fmt::format("an encrypted medium ({}) cannot be inspected",
                       medium.encryption);
  }
  if (medium.filesystem.empty()) return "the medium has no file system";
  if (medium.filesystem == "vfat" || medium.filesystem == "exfat") return "";
  if (medium.filesystem == "ext4") {
    const bool named = rule != nullptr && rule->match.filesystem == "ext4";
    return named ? "" : "ext4 is served only by a rule that names it";
  }
  return "this file system cannot be served through the gate";
}

// Why the device is left as it is although policy refuses it; empty: it is not.
std::string WhyKept(const Plug& plug, const policy::DeviceDecision& decision,
                    const Circumstances& now) {
  if (plug.standing == Standing::kSystem) return "it carries the system";
  if (plug.authorized == Authorization::kNone) return "";
  if (IsHub(plug.facts) && now.kept_behind_hub) {
    return "what hangs behind it is kept";
  }
  if (!plug.attached_at_start || plug.standing != Standing::kEssential) {
    return "";
  }
  if (decision.rule == kDefaultRule) {
    return "it was in use before and no rule names it";
  }
  if (IsKeyboard(plug.facts) && !now.other_keyboard_stays) {
    return "it is the last keyboard";
  }
  return "";
}

Judgement JudgeWithoutMedium(const Plug& plug, Judgement judged,
                             const Circumstances& now) {
  policy::DeviceDecision& decision = judged.decision;
  if (decision.access != Access::kBlock && decision.access != Access::kFull &&
      !CarriesNoData(plug.facts)) {
    Refuse(decision,
           fmt::format("{} needs a medium; this device can only be full or "
                       "block",
                       policy::Name(decision.access)));
  }
  if (decision.access == Access::kBlock) {
    const std::string kept = WhyKept(plug, decision, now);
    if (!kept.empty()) {
      decision.access = Access::kAudit;
      decision.reason += "; kept, because " + kept;
    }
  }
  judged.goal =
      decision.access == Access::kBlock ? Goal::kRefuse : Goal::kAllow;
  return judged;
}

}  // namespace

bool HoldsMedium(const policy::DeviceFacts& facts) {
  return facts.bus != "usb" || AnyOfClass(facts, 0x08);
}

bool IsKeyboard(const policy::DeviceFacts& facts) {
  return std::ranges::any_of(facts.interfaces, [](const auto& i) {
    return i == policy::UsbInterface{0x03, 0x01, 0x01};
  });
}

bool IsHub(const policy::DeviceFacts& facts) { return AnyOfClass(facts, 0x09); }

Judgement Judge(const Plug& plug, const policy::MediumFacts* medium,
                const std::string& probe_error, const Circumstances& now) {
  Judgement judged;
  policy::DeviceDecision& decision = judged.decision;
  policy::DeviceFacts facts = plug.facts;
  if (medium != nullptr) facts.medium = *medium;
  if (!plug.malformed.empty()) {
    decision.rule = kDefaultRule;
    Refuse(decision, "its descriptors are malformed: " + plug.malformed);
  } else {
    decision =
        now.snapshot->DecideDevice(facts, plug.person, *now.terminal, now.now);
    if (now.stale) {
      decision = policy::StricterWhenStale(std::move(decision), facts);
    }
  }
  const bool observe = now.snapshot->policy().mode == policy::Mode::kObserve;
  if (plug.malformed.empty() && !HoldsMedium(plug.facts)) {
    judged = JudgeWithoutMedium(plug, std::move(judged), now);
    if (observe) judged.goal = Goal::kLeaveAlone;
    return judged;
  }
  if (plug.standing == Standing::kSystem) {
    decision.access = Access::kFull;
    decision.needs_probe = false;
    decision.reason += "; kept, because it carries the system";
    judged.goal = observe ? Goal::kLeaveAlone : Goal::kAllow;
    return judged;
  }
  if (decision.needs_probe && !probe_error.empty()) {
    Refuse(decision, "the medium could not be looked at: " + probe_error);
  }
  const bool through_gate = !decision.needs_probe &&
                            decision.access != Access::kBlock &&
                            decision.access != Access::kFull;
  if (through_gate && medium == nullptr && !probe_error.empty()) {
    Refuse(decision, "the medium could not be looked at: " + probe_error);
  } else if (through_gate && medium != nullptr) {
    const std::string why =
        WhyNotServed(*medium, RuleOf(*now.snapshot, decision.rule));
    if (!why.empty()) Refuse(decision, why);
  }
  if (observe) {
    judged.goal = Goal::kLeaveAlone;
  } else if (decision.needs_probe) {
    judged.goal = Goal::kLook;
  } else if (decision.access == Access::kBlock) {
    judged.goal = Goal::kRefuse;
  } else if (decision.access == Access::kFull) {
    judged.goal = Goal::kOpenFully;
  } else {
    judged.goal = medium == nullptr ? Goal::kLook : Goal::kServe;
  }
  return judged;
}

}  // namespace sekisho::decide
