// Saved searches: whose they are, and who may share them.
#include "common/text.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

std::string ObjectOf(int64_t id) { return "search " + std::to_string(id); }

// Another's private one is not there; another's shared one can be seen, but for
// who sees some terminals only: its filters may name others.
Status CheckOwn(const Caller& caller, const core::SavedSearch& row) {
  if (row.owner == caller.user) return {};
  if (!row.is_shared || !caller.scope.IsWholeFleet()) {
    return Fail(Code::kNotFound,
                "there is no saved search " + std::to_string(row.id));
  }
  return Fail(Code::kPermissionDenied,
              "this search is of " + row.owner +
                  ": save it under a name of your own to change it");
}

core::KeptSearch KeptOf(const Caller& caller, core::SavedSearch row) {
  core::KeptSearch kept;
  kept.problems = core::ProblemsOf(row);
  kept.is_mine = row.owner == caller.user;
  kept.row = std::move(row);
  return kept;
}

}  // namespace

Result<std::vector<core::KeptSearch>> JoinedDesk::ListSearches(
    const Caller& caller) {
  ASSIGN_OR_RETURN(auto rows, p_.store.ListSearches(caller.user));
  std::vector<core::KeptSearch> kept;
  for (core::SavedSearch& row : rows) {
    if (!caller.scope.IsWholeFleet() && row.owner != caller.user) continue;
    kept.push_back(KeptOf(caller, std::move(row)));
  }
  return kept;
}

Result<core::KeptSearch> JoinedDesk::SaveSearch(const Caller& caller,
                                                const core::SavedSearch& wish) {
  auto made = [&]() -> Result<core::KeptSearch> {
    core::SavedSearch row = wish;
    row.is_shared = false;
    row.owner = caller.user;
    row.create_time = row.change_time = p_.clock.Now();
    RETURN_IF_ERROR(core::CheckSavedSearch(row));
    ASSIGN_OR_RETURN(row.id, p_.store.AddSearch(row, core::kMaxSearchesOfOne));
    return KeptOf(caller, std::move(row));
  }();
  return Written<core::KeptSearch>(p_.store, p_.clock, caller, "search.save",
                                   made ? ObjectOf(made->row.id) : "search",
                                   core::Shown(wish), std::move(made));
}

Result<core::KeptSearch> JoinedDesk::AlterSearch(
    const Caller& caller, const char* action, int64_t id, std::string detail,
    const std::function<Status(core::SavedSearch&)>& alter) {
  auto altered = p_.store.PutSearch(id, [&](core::SavedSearch& row) -> Status {
    RETURN_IF_ERROR(CheckOwn(caller, row));
    RETURN_IF_ERROR(alter(row));
    row.change_time = p_.clock.Now();
    return {};
  });
  if (altered) detail += (detail.empty() ? "" : "; ") + core::Shown(*altered);
  RETURN_IF_ERROR(Note(p_.store, p_.clock, caller, action, ObjectOf(id),
                       std::move(detail),
                       altered ? Status() : std::unexpected(altered.error())));
  if (!altered) return std::unexpected(altered.error());
  return KeptOf(caller, std::move(*altered));
}

Result<core::KeptSearch> JoinedDesk::ChangeSearch(
    const Caller& caller, int64_t id, const core::SearchWish& wish) {
  std::string detail;
  if (wish.name) detail = "name=" + EscapeUntrusted(*wish.name, 128);
  return AlterSearch(
      caller, "search.change", id, detail,
      [&](core::SavedSearch& row) -> Status {
        // What it says is said to everybody.
        if (row.is_shared) {
          RETURN_IF_ERROR(core::CheckMay(caller.roles, caller.via,
                                         core::Method::kShareSearch));
        }
        if (wish.name) row.name = *wish.name;
        if (wish.filters) row.filters = *wish.filters;
        // An outdated one can be renamed all the same.
        if (!wish.filters) {
          core::SavedSearch named = row;
          named.filters = {{"terminal", "any"}};
          return core::CheckSavedSearch(named);
        }
        return core::CheckSavedSearch(row);
      });
}

Result<core::KeptSearch> JoinedDesk::ShareSearch(const Caller& caller,
                                                 int64_t id,
                                                 core::Sharing sharing) {
  const bool share = sharing == core::Sharing::kShared;
  return AlterSearch(caller, share ? "search.share" : "search.unshare", id, "",
                     [&](core::SavedSearch& row) -> Status {
                       row.is_shared = share;
                       return {};
                     });
}

Status JoinedDesk::RemoveSearch(const Caller& caller, int64_t id) {
  const auto removed =
      p_.store.RemoveSearch(id, [&](const core::SavedSearch& row) -> Status {
        // Whose owner is gone stays in everybody's list otherwise.
        if (row.is_shared && caller.roles.Has(core::Role::kAdmin) &&
            caller.scope.IsWholeFleet()) {
          return {};
        }
        return CheckOwn(caller, row);
      });
  const Status status = removed ? Status() : std::unexpected(removed.error());
  RETURN_IF_ERROR(Note(
      p_.store, p_.clock, caller, "search.remove", ObjectOf(id),
      removed ? removed->owner + ": " + core::Shown(*removed) : "", status));
  return status;
}

}  // namespace sekisho
