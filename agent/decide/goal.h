// From facts and policy to what should be done with one device: pure.
#pragma once

#include <string>
#include <vector>

#include "agent/decide/effects.h"
#include "common/clock.h"
#include "policy/containment.h"
#include "policy/evaluator.h"
#include "policy/model.h"

namespace sekisho::decide {

// What a terminal needs to go on working (see "never taken away").
enum class Standing {
  kOrdinary,
  // Keyboard, pointer, card reader, headset, UPS, adapter that reaches the
  // server, hub: kept when it was in use before enforcement began, unless a
  // rule names it.
  kEssential,
  // Root hub, boot disk and the hubs above it: always kept.
  kSystem,
};

// How a device was found. `facts.medium` is unset.
struct Plug {
  policy::DeviceFacts facts;
  policy::PersonFacts person;
  Standing standing = Standing::kOrdinary;
  bool attached_at_start = false;
  Authorization authorized = Authorization::kNone;
  Interfaces listed;  // kListed
  // Its descriptors lie: blocked in enforce, reported in both modes.
  std::string malformed;
  // Open since before a restart of the agent: access, mount point and what
  // was found on it then.
  struct Adopted {
    policy::Access access = policy::Access::kBlock;
    std::string mount_point;
    policy::MediumFacts medium;
  };
  std::optional<Adopted> adopted;
};

enum class Goal {
  kLeaveAlone,  // observe
  kRefuse,
  kAllow,      // no medium, or not that part: its interfaces get drivers
  kLook,       // medium: authorise, then ask the probe
  kServe,      // medium through the gate, with decision.access
  kAwaitKey,   // the same, once its encrypted volume is unlocked
  kOpenFully,  // medium's nodes for everybody
};

struct Judgement {
  policy::DeviceDecision decision;  // what is told and, in enforce, done
  Goal goal = Goal::kRefuse;
  // What gets drivers, unless it is refused.
  Authorization authorization = Authorization::kNone;
  Interfaces listed;  // kListed
  // Only what is beside the storage of the device is let in.
  bool medium_left_out = false;
};

// A device that a code over the phone opened: inspected, its storage only.
struct Coded {
  std::string device;  // DeviceKey of containment.h
  std::string descriptor_hash;
  std::string rule;  // "code:..."
  std::string reason;
  bool operator==(const Coded&) const = default;
};

// What is true when a device is judged.
struct Circumstances {
  const policy::Snapshot* snapshot = nullptr;
  const policy::TerminalFacts* terminal = nullptr;
  WallTime now;
  bool stale = false;  // the policy's own end has passed
  // Kept devices: another keyboard goes on working; something that is kept
  // hangs behind this hub.
  bool other_keyboard_stays = false;
  bool kept_behind_hub = false;
  // Covers the device, if it carries files; its medium is refused.
  const policy::Containment* contained = nullptr;
  // A code opens it where policy blocks its medium.
  const Coded* coded = nullptr;
};

// `medium`: what the probe found, if it was asked. `probe_error`: why it found
// nothing. Total: whatever is unclear is refused in enforce.
Judgement Judge(const Plug& plug, const policy::MediumFacts* medium,
                const std::string& probe_error, const Circumstances& now);

// As libblkid names them.
inline constexpr char kLuks[] = "crypto_LUKS";
inline constexpr char kBitlocker[] = "BitLocker";

// Of these the volume can be unlocked here.
bool IsEncrypted(const policy::MediumFacts& medium);
// As the probe found it: nothing was unlocked yet.
bool IsLocked(const policy::MediumFacts& medium);

// Mass storage on USB, or any disk.
bool HoldsMedium(const policy::DeviceFacts& facts);
bool IsKeyboard(const policy::DeviceFacts& facts);
bool IsHub(const policy::DeviceFacts& facts);

}  // namespace sekisho::decide
