// Containments: the SOC's order that a person, a terminal or a device uses no
// medium for a while. The body of an envelope of type "contain" lists all that
// run; what is not in the newest list has ended. Pure.
// Text, one spelling only:
//   sekisho-contain-1
//   <id> <person|terminal|device> <from> <until> <target>
// Ids rise; `from` and `until` are the server's seconds since 1970. A person is
// a login name, a terminal an agent id, a device vid:pid:serial as the server
// shows it (DeviceKey).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "policy/model.h"

namespace sekisho::policy {

inline constexpr size_t kMaxContainments = 500;
inline constexpr int64_t kMaxContainSeconds = int64_t{24} * 3600;
inline constexpr size_t kMaxContainTargetBytes = 1100;

enum class ContainKind { kPerson, kTerminal, kDevice };
const char* Name(ContainKind kind);  // "person" ...
std::optional<ContainKind> ParseContainKind(std::string_view word);

struct Containment {
  int64_t id = 0;
  ContainKind kind = ContainKind::kTerminal;
  std::string target;
  int64_t from_seconds = 0;   // of its begin, or of its last extension
  int64_t until_seconds = 0;  // at most kMaxContainSeconds later
  bool operator==(const Containment&) const = default;
};

// kInvalidArgument: another form, ids that do not rise, a length that is not
// positive or over the cap, a target that is empty, too long or more than a
// line; kResourceExhausted: more than kMaxContainments.
Result<std::vector<Containment>> ParseContainments(std::string_view text);
std::string PrintContainments(const std::vector<Containment>& all);

// "contain:12", in the place of a rule's id.
std::string RuleName(const Containment& containment);
bool IsContainRule(std::string_view rule);

// Storage, and cameras and phones that hand out files. Nothing else is ever
// touched by a containment.
bool CarriesFiles(const DeviceFacts& facts);
std::string DeviceKey(const DeviceFacts& facts);

// A decision on this device, plugged or written to by this person. One of a
// terminal is taken to be of this one: the others are left out before.
bool Covers(const Containment& containment, const DeviceFacts& facts,
            std::string_view person);

// What the operator reads; language -> text. `until`: its end as he reads
// times, or empty.
std::map<std::string, std::string> NoticeOf(const Containment& containment,
                                            std::string_view until);
// One plain sentence for events, without the target.
std::string ReasonOf(const Containment& containment);

}  // namespace sekisho::policy
