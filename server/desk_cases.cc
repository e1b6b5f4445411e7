// Cases: opened, filled, held, closed. Nobody handles one in which he himself
// is; a hold is lifted by another than who placed it, and nothing leaves a case
// while it lasts.
#include <algorithm>

#include "common/text.h"
#include "server/core/requests.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

constexpr size_t kMaxTitleBytes = 200;
constexpr size_t kMaxReasonBytes = 1024;
constexpr size_t kMaxCommentBytes = 4096;
constexpr size_t kMaxShownBytes = 512;

std::string ObjectOf(int64_t id) { return "case " + std::to_string(id); }

Status CheckText(const std::string& text, size_t most, const char* what) {
  if (text.size() <= most && IsValidUtf8(text)) return {};
  return Fail(Code::kInvalidArgument, std::string(what) +
                                          " is UTF-8 text of at most " +
                                          std::to_string(most) + " bytes");
}

Status CheckReason(const std::string& reason, const char* what) {
  if (Trim(reason).empty()) {
    return Fail(Code::kInvalidArgument, std::string(what) + " needs a reason");
  }
  return CheckText(reason, kMaxReasonBytes, "a reason");
}

Status CheckTitle(const std::string& title) {
  if (Trim(title).empty()) {
    return Fail(Code::kInvalidArgument, "a case needs a title");
  }
  return CheckText(title, kMaxTitleBytes, "a title");
}

// Also behind sudo.
Status CheckNotHis(const Caller& caller, const core::Case& row) {
  for (const std::string& person : row.persons) {
    if (core::Concerns(caller, person)) {
      return Fail(Code::kPermissionDenied,
                  "this case concerns you: another person must handle it");
    }
  }
  return {};
}

// Nobody of a scope would see it any more.
Status CheckIsOfSome(const Caller& caller) {
  if (caller.scope.IsWholeFleet()) return {};
  return Fail(Code::kInvalidArgument,
              "a case of yours has an alert or an event of your terminals in "
              "it");
}

Status CheckOpen(const core::Case& row) {
  if (row.state == core::CaseState::kOpen) return {};
  return Fail(Code::kFailedPrecondition, "the case is closed");
}

Status PlaceOn(core::Case& row, const Caller& caller, WallTime now,
               const std::string& reason) {
  RETURN_IF_ERROR(CheckReason(reason, "a legal hold"));
  if (row.hold_time) {
    return Fail(Code::kFailedPrecondition,
                "the case is under legal hold already, by " + row.held_by);
  }
  row.hold_time = now;
  row.hold_reason = reason;
  row.held_by = caller.user;
  return {};
}

std::string Listed(const char* name, const std::vector<int64_t>& ids) {
  if (ids.empty()) return "";
  std::string text = std::string(" ") + name;
  for (const int64_t id : ids) text += " " + std::to_string(id);
  return text;
}

std::string Listed(const char* what, const core::CaseItems& items) {
  if (items.empty()) return "";
  return std::string(" ") + what + Listed("alerts", items.alert_ids) +
         Listed("events", items.event_row_ids);
}

std::string DetailOf(const core::CaseChange& change) {
  std::string detail;
  if (change.title) {
    detail += " title=" + EscapeUntrusted(*change.title, kMaxTitleBytes);
  }
  if (change.owner) {
    detail += " owner=" + EscapeUntrusted(*change.owner, auth::kMaxUserBytes);
  }
  detail += Listed("added", change.add) + Listed("removed", change.remove);
  if (!change.comment.empty()) detail += " commented";
  return detail.empty() ? detail : detail.substr(1);
}

}  // namespace

store::CaseEdit JoinedDesk::NewEdit(const Caller& caller) const {
  store::CaseEdit edit;
  edit.by = caller.user;
  edit.scope = caller.scope;
  edit.now = p_.clock.Now();
  return edit;
}

// One audit entry, with the number that it got or why it got none.
Result<core::Case> JoinedDesk::OpenCase(const Caller& caller,
                                        const core::CaseWish& wish) {
  store::CaseEdit edit = NewEdit(caller);
  edit.add = wish.items;
  edit.comment = wish.comment;
  auto opened = [&]() -> Result<core::Case> {
    RETURN_IF_ERROR(CheckTitle(wish.title));
    RETURN_IF_ERROR(CheckText(wish.comment, kMaxCommentBytes, "a comment"));
    RETURN_IF_ERROR(CheckText(wish.owner, auth::kMaxUserBytes, "an owner"));
    if (wish.items.empty()) RETURN_IF_ERROR(CheckIsOfSome(caller));
    return p_.store.PutCase(0, edit, [&](core::Case& row) -> Status {
      RETURN_IF_ERROR(CheckNotHis(caller, row));
      row.title = wish.title;
      row.owner = wish.owner.empty() ? caller.user : wish.owner;
      if (wish.hold_reason.empty()) return {};
      return PlaceOn(row, caller, edit.now, wish.hold_reason);
    });
  }();
  std::string detail =
      EscapeUntrusted(wish.title, kMaxTitleBytes) + Listed("with", wish.items);
  if (!wish.hold_reason.empty()) {
    detail += " under legal hold: " +
              EscapeUntrusted(wish.hold_reason, kMaxShownBytes);
  }
  if (opened) TellCase(*opened, wish.items.alert_ids);
  return Written<core::Case>(p_.store, p_.clock, caller, "case.open",
                             opened ? ObjectOf(opened->id) : "case", detail,
                             std::move(opened));
}

void JoinedDesk::TellCase(const core::Case& row,
                          const std::vector<int64_t>& alert_ids) {
  p_.changes.Tell({core::Change::What::kCase, row.id, ""});
  for (const int64_t alert_id : alert_ids) {
    p_.changes.Tell({core::Change::What::kAlert, alert_id, ""});
  }
}

// `alter` may refuse; who is concerned was refused before it is asked.
Result<core::Case> JoinedDesk::AlterCase(
    const Caller& caller, const char* action, int64_t id,
    const std::string& detail, const store::CaseEdit& edit,
    const std::function<Status(core::Case&)>& alter) {
  auto altered = p_.store.PutCase(id, edit, [&](core::Case& row) -> Status {
    RETURN_IF_ERROR(CheckNotHis(caller, row));
    return alter(row);
  });
  if (altered) {
    std::vector<int64_t> alerts = edit.add.alert_ids;
    alerts.insert(alerts.end(), edit.remove.alert_ids.begin(),
                  edit.remove.alert_ids.end());
    TellCase(*altered, alerts);
  }
  return Written<core::Case>(p_.store, p_.clock, caller, action, ObjectOf(id),
                             detail, std::move(altered));
}

Result<core::Case> JoinedDesk::ChangeCase(const Caller& caller,
                                          const core::CaseChange& change) {
  const auto check = [&]() -> Status {
    if (change.title) RETURN_IF_ERROR(CheckTitle(*change.title));
    if (change.owner) {
      RETURN_IF_ERROR(
          CheckText(*change.owner, auth::kMaxUserBytes, "an owner"));
    }
    return CheckText(change.comment, kMaxCommentBytes, "a comment");
  };
  store::CaseEdit edit = NewEdit(caller);
  edit.add = change.add;
  edit.remove = change.remove;
  edit.comment = change.comment;
  const bool only_words = !change.title && !change.owner &&
                          change.add.empty() && change.remove.empty();
  return AlterCase(caller, "case.change", change.case_id, DetailOf(change),
                   edit, [&](core::Case& row) -> Status {
                     RETURN_IF_ERROR(check());
                     if (!only_words) RETURN_IF_ERROR(CheckOpen(row));
                     if (!change.remove.empty() && row.hold_time) {
                       return Fail(
                           Code::kFailedPrecondition,
                           "the case is under legal hold: nothing leaves it");
                     }
                     if (std::ssize(change.remove.alert_ids) +
                             std::ssize(change.remove.event_row_ids) >=
                         row.alert_count + row.event_count) {
                       RETURN_IF_ERROR(CheckIsOfSome(caller));
                     }
                     row.title = change.title.value_or(row.title);
                     row.owner = change.owner.value_or(row.owner);
                     return {};
                   });
}

Result<core::Case> JoinedDesk::CloseCase(const Caller& caller,
                                         const core::CaseClosing& closing) {
  const store::CaseEdit edit = NewEdit(caller);
  ASSIGN_OR_RETURN(
      const core::Case closed,
      AlterCase(caller, "case.close", closing.case_id,
                EscapeUntrusted(closing.verdict, 32) + ": " +
                    EscapeUntrusted(closing.reason, kMaxShownBytes),
                edit, [&](core::Case& row) -> Status {
                  RETURN_IF_ERROR(CheckVerdict(closing.verdict));
                  RETURN_IF_ERROR(CheckReason(closing.reason, "closing"));
                  RETURN_IF_ERROR(CheckOpen(row));
                  row.state = core::CaseState::kClosed;
                  row.verdict = closing.verdict;
                  row.close_reason = closing.reason;
                  row.closed_by = caller.user;
                  row.close_time = edit.now;
                  return {};
                }));
  if (!closing.with_alerts) return closed;
  ASSIGN_OR_RETURN(const core::CaseFile file,
                   p_.store.ReadCase(closed.id, caller.scope));
  for (const core::CaseFile::AlertItem& item : file.alerts) {
    // A request is decided, not closed.
    if (item.alert.state == core::AlertState::kClosed ||
        item.alert.kind == core::kRequestKind) {
      continue;
    }
    core::AlertChange change;
    change.alert_id = item.alert.alert_id;
    change.state = core::AlertState::kClosed;
    change.verdict = closing.verdict;
    change.comment =
        "with case " + std::to_string(closed.id) + ": " + closing.reason;
    // Somebody else may be faster.
    if (const auto done = UpdateAlert(caller, change);
        !done && done.error().code != Code::kFailedPrecondition) {
      return std::unexpected(done.error());
    }
  }
  return closed;
}

Result<core::Case> JoinedDesk::ReopenCase(const Caller& caller, int64_t id,
                                          const std::string& reason) {
  const store::CaseEdit edit = NewEdit(caller);
  return AlterCase(
      caller, "case.reopen", id, EscapeUntrusted(reason, kMaxShownBytes), edit,
      [&](core::Case& row) -> Status {
        RETURN_IF_ERROR(CheckReason(reason, "opening again"));
        if (row.state == core::CaseState::kOpen) {
          return Fail(Code::kFailedPrecondition, "the case is open");
        }
        row.state = core::CaseState::kOpen;
        row.verdict.clear();
        row.close_reason.clear();
        row.closed_by.clear();
        row.close_time.reset();
        return {};
      });
}

Result<core::Case> JoinedDesk::PlaceHold(const Caller& caller, int64_t id,
                                         const std::string& reason) {
  const store::CaseEdit edit = NewEdit(caller);
  return AlterCase(
      caller, "case.hold", id, EscapeUntrusted(reason, kMaxShownBytes), edit,
      [&](core::Case& row) { return PlaceOn(row, caller, edit.now, reason); });
}

Result<core::Case> JoinedDesk::LiftHold(const Caller& caller, int64_t id,
                                        const std::string& reason) {
  const store::CaseEdit edit = NewEdit(caller);
  return AlterCase(
      caller, "case.release", id, EscapeUntrusted(reason, kMaxShownBytes), edit,
      [&](core::Case& row) -> Status {
        RETURN_IF_ERROR(CheckReason(reason, "lifting a legal hold"));
        if (!row.hold_time) {
          return Fail(Code::kFailedPrecondition,
                      "the case is under no legal hold");
        }
        if (core::Concerns(caller, row.held_by)) {
          return Fail(Code::kPermissionDenied,
                      "you placed this hold: another person must lift it");
        }
        row.hold_time.reset();
        row.hold_reason.clear();
        row.held_by.clear();
        row.release_time = edit.now;
        row.release_reason = reason;
        row.released_by = caller.user;
        return {};
      });
}

Result<core::CaseStory> JoinedDesk::GetCase(const Caller& caller, int64_t id) {
  core::CaseStory story;
  ASSIGN_OR_RETURN(story.file, p_.store.ReadCase(id, caller.scope));
  for (auto& item : story.file.alerts) HideOthers(caller, item.alert);
  ASSIGN_OR_RETURN(story.history, p_.store.AuditOf(ObjectOf(id)));
  return story;
}

}  // namespace sekisho
