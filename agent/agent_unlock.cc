// An operator opens an encrypted medium with its passphrase.
#include <fmt/format.h>
#include <string.h>

#include <utility>

#include "agent/agent.h"
#include "common/text.h"

namespace sekisho::agent {

Result<decide::DeviceId> Agent::LockedDevice(const std::string& wanted) const {
  decide::DeviceId found = 0;
  for (const auto& [id, device] : decider_->devices()) {
    const bool waits = device.judged.goal == decide::Goal::kAwaitKey;
    const bool named = ShownId(device.plug.facts) == wanted;
    if (named && !waits) {
      return Fail(Code::kFailedPrecondition,
                  "it does not wait to be unlocked: " +
                      EscapeUntrusted(device.judged.decision.reason, 512));
    }
    if (!waits || (!wanted.empty() && !named)) continue;
    if (found != 0) {
      return Fail(Code::kInvalidArgument,
                  "more than one encrypted medium waits: name the device as "
                  "sekisho status shows it");
    }
    found = id;
  }
  if (found == 0) {
    return Fail(Code::kNotFound,
                wanted.empty()
                    ? "no encrypted medium waits to be unlocked"
                    : "no attached device has this id; see sekisho status");
  }
  return found;
}

void Agent::OnUnlock(SocketServer::ConnectionId id, const Peer& peer,
                     ipc::UnlockRequest request) {
  const auto answer = [this, id](bool ok, std::string message) {
    control_->Send(
        id, ipc::Encode(ipc::Reply{.ok = ok, .message = std::move(message)}));
  };
  const bool his = peer.uid == 0 ||
                   int64_t{peer.uid} == media_->OwnerNow().uid ||
                   options_.machine == AgentOptions::Machine::kTest;
  const auto device = LockedDevice(request.device);
  const bool fits = !request.passphrase.empty() &&
                    request.passphrase.size() <= ipc::kMaxVolumePassphraseBytes;
  if (!his || !device || !fits) {
    ::explicit_bzero(request.passphrase.data(), request.passphrase.size());
    answer(false,
           !his      ? "only who works at the seat of this terminal may do that"
           : !device ? device.error().message
                     : "a passphrase has 1 to 512 bytes");
    return;
  }
  const attribute::Who who = Behind(peer.pid);
  media_->Unlock(*device, std::move(request.passphrase),
                 [this, device = *device, who, answer](const Status& opened) {
                   const auto* about = decider_->Find(device);
                   if (!opened) {
                     answer(false, opened.error().message);
                     return;
                   }
                   Parts parts = NewParts(event::v1::EVENT_KIND_DEVICE_DECIDED);
                   if (about != nullptr) {
                     SetDevice(about->Facts(), parts);
                     SetDecision(about->judged.decision, parts);
                   }
                   SetWho(who, parts);
                   parts.open.set_reason("its encrypted volume was unlocked");
                   WriteSoon(std::move(parts));
                   answer(true, "unlocked; the medium appears in a moment");
                 });
}

}  // namespace sekisho::agent
