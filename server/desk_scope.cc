// What somebody sees who has a scope: what is not of his terminals is not there
// for him, and what reaches beyond them is not his to change.
#include <algorithm>
#include <map>
#include <set>

#include "server/core/clones.h"
#include "server/joined_desk.h"

namespace sekisho {

Status JoinedDesk::CheckSees(const Caller& caller, const std::string& terminal,
                             const std::string& message) {
  ASSIGN_OR_RETURN(const bool seen, p_.store.Sees(caller.scope, terminal));
  return seen ? Status() : Fail(Code::kNotFound, message);
}

// It says on which terminal the device was before.
void HideOthers(const Caller& caller, core::Alert& alert) {
  if (caller.scope.IsWholeFleet() || alert.kind != core::kClonedKind) return;
  alert.title = "Device " + alert.device_id + " on " + alert.terminal +
                " is not as it was seen before: a copy of it, or another with "
                "its serial";
}

Result<core::Around> JoinedDesk::GetAround(const Caller& caller,
                                           int64_t alert_id,
                                           const std::string& zone) {
  ASSIGN_OR_RETURN(const auto found, core::ZoneOf(zone));
  ASSIGN_OR_RETURN(core::Around around,
                   core::ReadAround(p_.store, caller.scope, alert_id, found));
  for (core::Alert& alert : around.alerts) HideOthers(caller, alert);
  return around;
}

// One approval a device: a new one takes the old one's place everywhere.
Status JoinedDesk::CheckApprovalIsHis(const Caller& caller,
                                      const std::string& device_id,
                                      const core::Approval* wish) {
  if (caller.scope.IsWholeFleet()) return {};
  if (wish != nullptr) {
    RETURN_IF_ERROR(
        CheckSees(caller, wish->terminal,
                  "approve it for one of your terminals; you see: " +
                      store::Print(caller.scope)));
  }
  ASSIGN_OR_RETURN(const auto before,
                   p_.store.FindApproval(device_id, p_.clock.Now()));
  if (!before) return {};
  ASSIGN_OR_RETURN(const bool his,
                   p_.store.Sees(caller.scope, before->terminal));
  if (his) return {};
  return Fail(Code::kPermissionDenied,
              "another approval of this device holds beyond your terminals: "
              "who sees the whole fleet must decide");
}

Result<std::vector<core::Change>> JoinedDesk::PickChanges(
    const Caller& caller, const std::vector<core::Change>& changes) {
  using What = core::Change::What;
  using Row = store::Store::Row;
  if (caller.scope.IsWholeFleet()) return changes;
  static constexpr std::pair<What, Row> kRows[] = {
      {What::kEvent, Row::kEvent},
      {What::kAlert, Row::kAlert},
      {What::kContain, Row::kContainment},
      {What::kCase, Row::kCase}};
  std::set<std::pair<What, int64_t>> seen;
  for (const auto& [what, row] : kRows) {
    std::vector<int64_t> ids;
    for (const core::Change& change : changes) {
      if (change.what == what && change.row_id != 0) {
        ids.push_back(change.row_id);
      }
    }
    ASSIGN_OR_RETURN(const auto found, p_.store.RowsIn(caller.scope, row, ids));
    for (const int64_t id : found) seen.emplace(what, id);
  }
  // Of an agent by its name: itself, or what a containment is to it.
  std::map<std::string, bool> agents;
  const auto sees_agent = [&](const std::string& id) {
    const auto [at, added] = agents.try_emplace(id, false);
    if (added) at->second = GetAgent(caller, id).has_value();
    return at->second;
  };
  std::vector<core::Change> picked;
  for (const core::Change& change : changes) {
    const bool of_agent = change.what == What::kAgent ||
                          (change.what == What::kContain && change.row_id == 0);
    // Many alerts at once have no number; who reads again reads his own.
    const bool many = change.what == What::kAlert && change.row_id == 0;
    if (many || seen.contains({change.what, change.row_id}) ||
        (of_agent && sees_agent(change.id))) {
      picked.push_back(change);
    }
  }
  return picked;
}

}  // namespace sekisho
