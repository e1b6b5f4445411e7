// Containments: one person may begin and lift one, since closing in time is
// worth more than a second opinion; each step is written down.
#include <chrono>

#include "common/text.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

constexpr size_t kMaxShownBytes = 1024;

std::string ObjectOf(int64_t id) { return "containment " + std::to_string(id); }

std::string Minutes(std::chrono::seconds length) {
  return std::to_string(length.count() / 60) + " minutes: ";
}

}  // namespace

Result<core::ContainmentStatus> JoinedDesk::Contain(
    const Caller& caller, const core::ContainWish& wish) {
  auto begun = p_.containing.Begin(caller, wish);
  const auto length = wish.length.count() == 0
                          ? std::chrono::seconds(core::kContainDefault)
                          : wish.length;
  const std::string what = EscapeUntrusted(wish.kind, 16) + " " +
                           EscapeUntrusted(wish.target, kMaxShownBytes);
  return Written<core::ContainmentStatus>(
      p_.store, p_.clock, caller, "contain.begin",
      begun ? ObjectOf(begun->containment.id) : what,
      what + " for " + Minutes(length) +
          EscapeUntrusted(wish.reason, kMaxShownBytes),
      std::move(begun));
}

Status JoinedDesk::AskExtension(const Caller& caller, int64_t containment_id,
                                std::chrono::seconds length,
                                const std::string& reason) {
  const Status asked =
      p_.containing.AskExtension(caller, containment_id, length, reason);
  RETURN_IF_ERROR(
      Note(p_.store, p_.clock, caller, "contain.ask_extension",
           ObjectOf(containment_id),
           Minutes(length) + EscapeUntrusted(reason, kMaxShownBytes), asked));
  return asked;
}

Result<core::ContainmentStatus> JoinedDesk::AgreeExtension(
    const Caller& caller, int64_t containment_id) {
  return Written<core::ContainmentStatus>(
      p_.store, p_.clock, caller, "contain.extend", ObjectOf(containment_id),
      "", p_.containing.AgreeExtension(caller, containment_id));
}

Result<core::ContainmentStatus> JoinedDesk::LiftContainment(
    const Caller& caller, int64_t containment_id, const std::string& reason) {
  return Written<core::ContainmentStatus>(
      p_.store, p_.clock, caller, "contain.lift", ObjectOf(containment_id),
      EscapeUntrusted(reason, kMaxShownBytes),
      p_.containing.Lift(caller, containment_id, reason));
}

}  // namespace sekisho
