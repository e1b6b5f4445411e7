// Whoever works with a medium has it erased by its gate; what was overwritten
// and read back is an event.
#include <fmt/format.h>

#include "agent/agent.h"
#include "common/text.h"

namespace sekisho::agent {

Result<int64_t> Agent::MountToErase(const Peer& peer,
                                    const std::string& target) const {
  for (const auto& [id, device] : decider_->devices()) {
    const int64_t mount_id = media_->MountOf(id);
    const bool meant = ShownId(device.plug.facts) == target ||
                       (!target.empty() && media_->MountPointOf(id) == target);
    if (!meant) continue;
    if (mount_id == 0) {
      return Fail(Code::kFailedPrecondition,
                  "no gate serves it: only a medium that is inspected can be "
                  "erased");
    }
    const bool his = peer.uid == 0 ||
                     int64_t{peer.uid} == media_->OwnerNow().uid ||
                     options_.machine == AgentOptions::Machine::kTest;
    if (!his) {
      return Fail(Code::kPermissionDenied,
                  "only who works at the seat of this terminal may do that");
    }
    if (device.open != policy::Access::kInspect &&
        device.open != policy::Access::kAudit) {
      return Fail(Code::kPermissionDenied, "policy lets nobody write to it");
    }
    return mount_id;
  }
  return Fail(Code::kNotFound,
              "no attached medium is called so; see sekisho status");
}

void Agent::OnErase(SocketServer::ConnectionId id, const Peer& peer,
                    const ipc::EraseRequest& request) {
  auto mount = MountToErase(peer, request.target);
  if (mount && erasures_.contains(*mount)) {
    mount = Fail(Code::kAlreadyExists, "it is being erased already");
  }
  if (mount && !gates_->Erase(*mount)) {
    mount = Fail(Code::kUnavailable, "its gate is not there now");
  }
  if (!mount) {
    control_->Send(id, ipc::Encode(ipc::Reply{
                           .ok = false, .message = mount.error().message}));
    return;
  }
  erasures_[*mount] = {id, attribute::OfProcess("", peer.pid)};
  // Whoever asked may be gone when it is done.
  if (const auto* device = decider_->Find(media_->DeviceOfMount(*mount))) {
    served_[*mount] = {device->Facts(),
                       media_->PlugPerson(media_->DeviceOfMount(*mount))};
  }
}

void Agent::OnErased(int64_t mount_id, const ipc::GateErased& erased) {
  const auto found = erasures_.find(mount_id);
  if (found == erasures_.end()) return;  // nobody asked: no proof of anything
  if (!erased.ok) {
    EndErasure(mount_id, EscapeUntrusted(erased.error, 256));
    return;
  }
  const Erasure erasure = std::move(found->second);
  erasures_.erase(found);
  // What was removed before it stands before it.
  files_->Flush();
  Parts parts = NewParts(event::v1::EVENT_KIND_MEDIUM_ERASED);
  if (const auto served = served_.find(mount_id); served != served_.end()) {
    SetDevice(served->second.facts, parts);
  }
  SetWho(erasure.who, parts);
  parts.open.set_erased_bytes(std::max<int64_t>(0, erased.bytes));
  parts.open.set_reason(fmt::format(
      "everything on it was removed; {} bytes were overwritten and read back "
      "the same",
      parts.open.erased_bytes()));
  const std::string message = parts.open.reason();
  WriteSoon(std::move(parts));
  control_->Send(erasure.asker,
                 ipc::Encode(ipc::Reply{.ok = true, .message = message}));
}

void Agent::EndErasure(int64_t mount_id, const std::string& why_not) {
  const auto found = erasures_.find(mount_id);
  if (found == erasures_.end()) return;
  const Erasure erasure = std::move(found->second);
  erasures_.erase(found);
  TellHealth("a medium was not erased as asked: " + why_not);
  control_->Send(erasure.asker, ipc::Encode(ipc::Reply{
                                    .ok = false,
                                    .message = "not erased: " + why_not +
                                               "; some of it may be gone"}));
}

}  // namespace sekisho::agent
