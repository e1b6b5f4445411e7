// Approval requests: an operator's event is an alert of kind
// "approval_request"; deciding it makes an approval, or none, and closes the
// alert. Pure: who may decide, and what exactly is given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/result.h"
#include "server/core/people_register.h"
#include "server/core/queries.h"

namespace sekisho::core {

inline constexpr char kRequestKind[] = "approval_request";
inline constexpr char kVerdictApproved[] = "approved";
inline constexpr char kVerdictDenied[] = "denied";

// The approval that `decision` gives for the request in `alert` (with its
// event). kInvalidArgument: not a request, or a wish out of range;
// kFailedPrecondition: decided already, or its event is erased;
// kPermissionDenied: the caller decides about himself. Errors are for people.
Result<Approval> ApprovalFor(const Caller& caller, const Alert& alert,
                             const RequestDecision& decision, WallTime now);

// Whether it asks that one refused copy may go, not for a device.
bool AsksForTransfer(const Alert& alert);

// The grant that `decision`, an approval, gives for such a request: this
// content, by this person, on this terminal, to this device. Errors as above.
Result<TransferGrant> GrantFor(const Caller& caller, const Alert& alert,
                               const RequestDecision& decision, WallTime now);

// Nothing lasts longer than the contract of the person it is for, as far as the
// register knows him: true if `end` was cut to it. kFailedPrecondition: it is
// over, or he was removed.
Result<bool> CutToContract(const std::optional<RegisteredPerson>& person,
                           WallTime now, WallTime* end);
inline constexpr char kCutNote[] = ", when the contract ends";

// What is written on the alert: closed, with verdict and the reason.
AlertChange ClosingOf(const RequestDecision& decision,
                      const std::optional<Approval>& approval);
AlertChange ClosingOf(const RequestDecision& decision,
                      const TransferGrant& grant);

// Whether the caller is the person, or the alert's, by any name the two are
// known by: "root (tanaka)" is tanaka and root, "op01 (yamada)" is yamada and
// op01; who is linked to a person of the register goes by that person's id and
// accounts too, and is one with others who are linked to him. The one place
// that judges what concerns somebody himself.
bool Concerns(const Caller& caller, std::string_view person);
bool Concerns(const Caller& caller, const Alert& alert);
// Whether a user of the console is the caller himself, behind sudo too, or
// linked to the same person.
bool IsHimself(const Caller& caller, std::string_view user);

}  // namespace sekisho::core
