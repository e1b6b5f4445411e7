#include "server/leader_work.h"

#include <string>
#include <utility>

#include "server/core/audit.h"

namespace sekisho {
namespace {

Status NoteEnd(const LeaderParts& parts, const char* action, std::string object,
               std::string detail) {
  return core::WriteAudit(parts.store, parts.clock,
                          {.user = "sekisho-server",
                           .door = "server",
                           .address = "",
                           .action = action,
                           .object = std::move(object),
                           .detail = std::move(detail)},
                          {});
}

}  // namespace

LeaderWork::LeaderWork(const LeaderParts& parts, const LeaderSettings& settings)
    : parts_(parts),
      silence_(parts.store, parts.presence, parts.changes, parts.clock),
      cores_(parts.store, parts.presence, parts.changes, parts.clock),
      certificates_(parts.store, parts.changes, parts.clock,
                    settings.own_certificate_end),
      stocktake_(parts.store, parts.changes, parts.clock, settings.stocktake),
      drips_(parts.store, parts.changes, parts.clock),
      overdue_(parts.store, parts.changes, parts.clock, settings.duties.sla),
      reviewing_(parts.store, parts.changes, parts.clock,
                 settings.duties.review),
      retention_(parts.store, parts.clock, settings.duties.retention,
                 settings.events_told_up_to) {}

Result<std::unique_ptr<LeaderWork>> LeaderWork::Begin(
    const LeaderParts& parts, const LeaderSettings& settings) {
  std::unique_ptr<LeaderWork> work(new LeaderWork(parts, settings));
  RETURN_IF_ERROR(work->Load());
  return work;
}

Status LeaderWork::Load() {
  RETURN_IF_ERROR(silence_.Load());
  RETURN_IF_ERROR(cores_.Load());
  RETURN_IF_ERROR(certificates_.Load());
  RETURN_IF_ERROR(drips_.Load());
  return stocktake_.Load();
}

Status LeaderWork::Tick() {
  RETURN_IF_ERROR(EndContainments());
  RETURN_IF_ERROR(EndGrants());
  RETURN_IF_ERROR(EndCodes());
  RETURN_IF_ERROR(certificates_.Tick());
  RETURN_IF_ERROR(stocktake_.Tick());
  RETURN_IF_ERROR(parts_.rollouts.Tick());
  RETURN_IF_ERROR(cores_.Tick());
  RETURN_IF_ERROR(drips_.Tick());
  RETURN_IF_ERROR(overdue_.Tick());
  RETURN_IF_ERROR(reviewing_.Tick());
  RETURN_IF_ERROR(retention_.Tick());
  return silence_.Tick();
}

Status LeaderWork::EndContainments() {
  ASSIGN_OR_RETURN(const auto ended, parts_.containing.EndDue());
  for (const core::Containment& one : ended) {
    RETURN_IF_ERROR(NoteEnd(parts_, "contain.end",
                            "containment " + std::to_string(one.id),
                            "its time is over"));
  }
  return {};
}

// What was used, or whose time is over, leaves the signed list.
Status LeaderWork::EndGrants() {
  ASSIGN_OR_RETURN(const auto running,
                   parts_.store.ListGrants(store::WhichGrants::kRunning, {}));
  for (store::TransferGrant grant : running) {
    const bool used = grant.used_event_row_id != 0;
    if (!used && grant.end_time > parts_.clock.Now()) continue;
    grant.over_time = parts_.clock.Now();
    grant.over_why = used ? "used" : "ended";
    RETURN_IF_ERROR(parts_.publisher.PutGrant({.grant = grant, .answer = {}}));
    RETURN_IF_ERROR(
        NoteEnd(parts_, used ? "grant.used" : "grant.end",
                "grant " + std::to_string(grant.id),
                used ? "by event " + std::to_string(grant.used_event_row_id)
                     : std::string("its time is over, nothing was copied")));
    parts_.changes.Tell({core::Change::What::kAlert, grant.alert_id, ""});
  }
  return {};
}

Status LeaderWork::EndCodes() {
  ASSIGN_OR_RETURN(const auto ended, parts_.codes.EndDue());
  for (const core::OfflineCode& one : ended) {
    RETURN_IF_ERROR(
        NoteEnd(parts_, "code.end", "code " + std::to_string(one.id),
                one.used_event_row_id != 0
                    ? "used by event " + std::to_string(one.used_event_row_id)
                    : std::string("its time is over; no use was told")));
  }
  return {};
}

}  // namespace sekisho
