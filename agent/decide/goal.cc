#include "agent/decide/goal.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "agent/decide/interfaces.h"
#include "common/text.h"

namespace sekisho::decide {
namespace {

using policy::Access;

constexpr char kDefaultRule[] = "default";
constexpr size_t kMaxNameBytes = 64;

bool AnyOfClass(const policy::DeviceFacts& facts, uint8_t klass) {
  return std::ranges::any_of(facts.interfaces,
                             [&](const auto& i) { return i.klass == klass; });
}

bool CarriesNoData(const policy::DeviceFacts& facts) {
  return !facts.interfaces.empty() &&
         std::ranges::all_of(facts.interfaces, IsQuiet);
}

void Refuse(policy::DeviceDecision& decision, std::string reason) {
  decision.access = Access::kBlock;
  decision.needs_probe = false;
  decision.reason = std::move(reason);
}

// A file system driver that reads a foreign medium is attack surface, hence
// ext4 only where the rule names it.
std::string WhyNotServed(const policy::MediumFacts& medium,
                         const policy::DeviceRule* rule) {
  if (IsLocked(medium)) return "";
  if (medium.encryption == "unknown") {
    return "what encrypts the medium is not known: it cannot be inspected";
  }
  if (medium.filesystem.empty()) return "the medium has no file system";
  if (medium.filesystem == "vfat" || medium.filesystem == "exfat") return "";
  if (medium.filesystem == "ext4") {
    const bool named = rule != nullptr && rule->match.filesystem == "ext4";
    return named ? "" : "ext4 is served only by a rule that names it";
  }
  return fmt::format(
      "its file system ({}) cannot be served through the gate: exFAT and FAT "
      "can",
      EscapeUntrusted(medium.filesystem, kMaxNameBytes));
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

// In use since before, and needed: never taken apart.
bool StaysWhole(const Plug& plug) {
  return plug.standing == Standing::kSystem ||
         (plug.attached_at_start && plug.standing == Standing::kEssential &&
          plug.authorized == Authorization::kAll);
}

// Of a device that is needed and in use in part, as the early boot leaves it,
// that part stays.
void KeepInUse(const Plug& plug, InterfaceChoice& choice) {
  if (!plug.attached_at_start || plug.standing != Standing::kEssential ||
      plug.authorized != Authorization::kListed) {
    return;
  }
  std::erase_if(choice.closed, [&](const policy::UsbInterface& interface) {
    const bool used =
        std::ranges::find(plug.listed, interface) != plug.listed.end();
    if (used) choice.opened.push_back(interface);
    return used;
  });
  choice.opened = Sorted(std::move(choice.opened));
}

void Open(Judgement& judged, Interfaces opened, const Interfaces& closed) {
  judged.listed.clear();
  judged.authorization = Authorization::kAll;
  if (closed.empty()) return;
  judged.authorization = Authorization::kListed;
  judged.decision.reason += fmt::format("; opened: {}; no driver: {}",
                                        NamesOf(opened), NamesOf(closed));
  judged.listed = std::move(opened);
}

// Above every rule; what else the device has keeps working.
void Contain(policy::DeviceDecision& decision, const Circumstances& now) {
  if (now.contained == nullptr) return;
  Refuse(decision, policy::ReasonOf(*now.contained));
  decision.rule = policy::RuleName(*now.contained);
  decision.rule_line = 0;
  decision.notify.clear();
}

Judgement JudgeWithoutMedium(const Plug& plug, Judgement judged,
                             const Circumstances& now, const Decide& decide) {
  policy::DeviceDecision& decision = judged.decision;
  Contain(decision, now);
  if (decision.access != Access::kBlock && decision.access != Access::kFull &&
      !CarriesNoData(plug.facts)) {
    Refuse(decision,
           fmt::format("{} needs a medium; this device can only be full or "
                       "block",
                       policy::Name(decision.access)));
  }
  judged.authorization = Authorization::kAll;
  if (decision.access == Access::kBlock) {
    const std::string kept = WhyKept(plug, decision, now);
    if (!kept.empty()) {
      decision.access = Access::kAudit;
      decision.reason += "; kept, because " + kept;
    }
  } else if (!StaysWhole(plug)) {
    InterfaceChoice choice =
        ChooseInterfaces(plug.facts, decision, now.snapshot->policy(), decide);
    KeepInUse(plug, choice);
    Open(judged, std::move(choice.opened), choice.closed);
  }
  judged.goal =
      decision.access == Access::kBlock ? Goal::kRefuse : Goal::kAllow;
  return judged;
}

// What stands against the medium itself, as far as it is known.
void CheckMedium(policy::DeviceDecision& decision,
                 const policy::MediumFacts* medium,
                 const std::string& probe_error, const Circumstances& now) {
  const bool through_gate = !decision.needs_probe &&
                            decision.access != Access::kBlock &&
                            decision.access != Access::kFull;
  if (!decision.needs_probe && !through_gate) return;
  if (medium == nullptr) {
    if (probe_error.empty()) return;
    Refuse(decision, "the medium could not be looked at: " + probe_error);
    return;
  }
  if (!through_gate) return;
  const std::string why =
      WhyNotServed(*medium, RuleOf(now.snapshot->policy(), decision.rule));
  if (!why.empty()) {
    Refuse(decision, why);
  } else if (IsLocked(*medium)) {
    decision.reason += "; its encrypted volume waits for: sekisho unlock";
  }
}

Goal GoalFor(const policy::DeviceDecision& decision,
             const policy::MediumFacts* medium) {
  if (decision.needs_probe) return Goal::kLook;
  if (decision.access == Access::kBlock) return Goal::kRefuse;
  if (decision.access == Access::kFull) return Goal::kOpenFully;
  if (medium == nullptr) return Goal::kLook;
  return IsLocked(*medium) ? Goal::kAwaitKey : Goal::kServe;
}

// Whoever read the code out let the medium in: its storage, inspected, and
// nothing beside it that policy keeps closed.
void OpenByCode(const policy::DeviceFacts& facts, const Coded& coded,
                Judgement& judged, InterfaceChoice& choice) {
  policy::DeviceDecision& decision = judged.decision;
  decision.access = Access::kInspect;
  decision.needs_probe = false;
  decision.rule = coded.rule;
  decision.rule_line = 0;
  decision.reason = coded.reason;
  decision.notify.clear();
  judged.medium_left_out = false;
  if (facts.bus != "usb") return;
  std::vector<policy::UsbInterface> closed;
  for (const policy::UsbInterface& interface : Sorted(facts.interfaces)) {
    const bool open =
        std::ranges::find(choice.opened, interface) != choice.opened.end();
    if (open) continue;
    (IsStorage(interface) ? choice.opened : closed).push_back(interface);
  }
  choice.opened = Sorted(std::move(choice.opened));
  choice.closed = std::move(closed);
  choice.storage = decision;
}

// The storage interfaces follow `decision`; what else the device has may be let
// in all the same.
Judgement JudgeMedium(const policy::DeviceFacts& facts,
                      const std::string& probe_error, Judgement judged,
                      const Circumstances& now, const Decide& decide) {
  const policy::MediumFacts* medium = facts.medium ? &*facts.medium : nullptr;
  policy::DeviceDecision& decision = judged.decision;
  InterfaceChoice choice;
  const bool in =
      decision.needs_probe || decision.access != policy::Access::kBlock;
  if (in && facts.bus == "usb") {
    choice = ChooseInterfaces(facts, decision, now.snapshot->policy(), decide);
    judged.medium_left_out = !choice.storage;
    if (choice.storage) decision = *choice.storage;
  }
  if (now.coded != nullptr && (!in || judged.medium_left_out)) {
    OpenByCode(facts, *now.coded, judged, choice);
  }
  Contain(decision, now);
  if (!judged.medium_left_out) {
    CheckMedium(decision, medium, probe_error, now);
    judged.goal = GoalFor(decision, medium);
    judged.medium_left_out = judged.goal == Goal::kRefuse;
  }
  if (facts.bus != "usb") {
    judged.authorization = Authorization::kAll;
    return judged;
  }
  if (judged.medium_left_out) {
    std::ranges::copy_if(choice.opened, std::back_inserter(choice.closed),
                         IsStorage);
    std::erase_if(choice.opened, IsStorage);
    judged.goal = choice.opened.empty() ? Goal::kRefuse : Goal::kAllow;
    if (judged.goal == Goal::kRefuse) {
      if (in && !choice.storage && now.contained == nullptr) {
        Refuse(decision, "no rule that lets it in covers its storage");
      }
      return judged;
    }
  }
  const bool storage_only = std::ranges::all_of(choice.opened, IsStorage);
  const bool all = choice.closed.empty();
  Interfaces opened = choice.opened;
  Open(judged, std::move(choice.opened), choice.closed);
  if (judged.goal == Goal::kOpenFully || judged.goal == Goal::kAllow) {
    return judged;
  }
  // Through the gate: what is not storage only where a rule says so.
  judged.authorization =
      storage_only ? Authorization::kMedium : Authorization::kListed;
  if (storage_only) {
    judged.listed.clear();
  } else if (all) {
    judged.listed = std::move(opened);
  }
  return judged;
}

}  // namespace

bool IsEncrypted(const policy::MediumFacts& medium) {
  return medium.encryption == "luks" || medium.encryption == "bitlocker";
}

bool IsLocked(const policy::MediumFacts& medium) {
  return IsEncrypted(medium) &&
         (medium.filesystem == kLuks || medium.filesystem == kBitlocker);
}

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
  const Decide decide = [&](const policy::DeviceFacts& asked) {
    policy::DeviceDecision answer =
        now.snapshot->DecideDevice(asked, plug.person, *now.terminal, now.now);
    return now.stale ? policy::StricterWhenStale(std::move(answer), asked)
                     : answer;
  };
  if (!plug.malformed.empty()) {
    decision.rule = kDefaultRule;
    Refuse(decision, "its descriptors are malformed: " + plug.malformed);
  } else {
    decision = decide(facts);
  }
  const bool observe = now.snapshot->policy().mode == policy::Mode::kObserve;
  if (plug.malformed.empty() && !HoldsMedium(plug.facts)) {
    judged = JudgeWithoutMedium(plug, std::move(judged), now, decide);
  } else if (plug.standing == Standing::kSystem) {
    decision.access = Access::kFull;
    decision.needs_probe = false;
    decision.reason += "; kept, because it carries the system";
    judged.goal = Goal::kAllow;
    judged.authorization = Authorization::kAll;
  } else if (plug.malformed.empty()) {
    judged = JudgeMedium(facts, probe_error, std::move(judged), now, decide);
  }
  if (observe) judged.goal = Goal::kLeaveAlone;
  return judged;
}

}  // namespace sekisho::decide
