// Reviews, clocks of alerts and suppressions. A review is worked on by its
// reviewers alone, never on what concerns themselves; a verdict needs that its
// item was opened, a signature that every item has a verdict.
#include <algorithm>
#include <chrono>

#include "common/text.h"
#include "server/core/requests.h"
#include "server/core/reviewing.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

constexpr size_t kMaxNoteBytes = 1024;
constexpr size_t kMaxShownBytes = 512;
constexpr auto kMaxSuppression = std::chrono::days(90);

std::string ObjectOf(int64_t id) { return "review " + std::to_string(id); }

Status CheckNote(const std::string& note) {
  if (note.size() <= kMaxNoteBytes && IsValidUtf8(note)) return {};
  return Fail(Code::kInvalidArgument, "a note is UTF-8 text of at most 1 KiB");
}

Status CheckJudgement(const core::ReviewVerdict& verdict) {
  static constexpr std::string_view kVerdicts[] = {"in_order", "violation",
                                                   "unclear"};
  if (std::ranges::find(kVerdicts, verdict.verdict) == std::end(kVerdicts)) {
    return Fail(Code::kInvalidArgument,
                "a verdict is one of in_order, violation, unclear");
  }
  if (verdict.verdict != "in_order" && Trim(verdict.note).empty()) {
    return Fail(Code::kInvalidArgument,
                "what is not in order needs a note: what is done about it");
  }
  return CheckNote(verdict.note);
}

bool HasOpened(const core::ReviewItem& item, const std::string& user) {
  const auto names = Split(item.opened_by, '\n');
  return std::ranges::find(names, user) != names.end();
}

// Kinds that come often and say little; never what somebody did against us.
bool MaySuppress(const std::string& kind) {
  static constexpr std::string_view kKinds[] = {
      "transfer_blocked", "transfer_observed", "transfer_alerted",
      "data_landed",      "data_lies",         "device_blocked",
      "agent_health",     "terminal_silent",   "policy_refused"};
  return std::ranges::find(kKinds, kind) != std::end(kKinds);
}

Status CheckSuppression(const Caller& caller, const core::Suppression& wish,
                        WallTime now) {
  if (!MaySuppress(wish.kind)) {
    return Fail(Code::kInvalidArgument,
                "alerts of this kind are never kept back");
  }
  if (wish.person.empty() && wish.device_id.empty() && wish.terminal.empty() &&
      wish.rule.empty()) {
    return Fail(Code::kInvalidArgument,
                "name a person, a device, a terminal or a rule: nobody keeps "
                "back a whole kind");
  }
  if (Trim(wish.reason).empty()) {
    return Fail(Code::kInvalidArgument, "keeping back needs a reason");
  }
  RETURN_IF_ERROR(CheckNote(wish.reason));
  if (wish.end_time <= now || wish.end_time > now + kMaxSuppression) {
    return Fail(Code::kInvalidArgument,
                "a suppression ends within 90 days from now");
  }
  if (core::Concerns(caller, wish.person)) {
    return Fail(Code::kPermissionDenied,
                "this concerns you: another person must do it");
  }
  return {};
}

std::string Shown(const core::Suppression& one) {
  std::string text = one.kind;
  const std::pair<const char*, const std::string*> parts[] = {
      {" person=", &one.person},
      {" device=", &one.device_id},
      {" terminal=", &one.terminal},
      {" rule=", &one.rule}};
  for (const auto& [name, value] : parts) {
    if (!value->empty()) text += name + EscapeUntrusted(*value, kMaxShownBytes);
  }
  return text;
}

void SetDue(const core::SlaRules& rules, core::Alert& alert) {
  const auto rule = rules.by_severity.find(alert.severity);
  const bool runs = alert.state != core::AlertState::kClosed &&
                    !alert.resolve_time && alert.suppression_id == 0 &&
                    alert.kind != "alert_overdue" &&
                    alert.kind != core::kReviewOverdueKind;
  if (rule == rules.by_severity.end() || !runs) return;
  const core::SlaRule& one = rule->second;
  if (one.acknowledge && alert.state == core::AlertState::kNew) {
    alert.acknowledge_due =
        core::DueAt(one, alert.create_time, *one.acknowledge);
  }
  if (one.close) {
    alert.close_due = core::DueAt(one, alert.create_time, *one.close);
  }
}

}  // namespace

Result<Page<core::Alert>> JoinedDesk::ListAlerts(
    const Caller& caller, const core::AlertFilter& filter,
    const Paging& paging) {
  ASSIGN_OR_RETURN(auto page,
                   p_.store.ListAlerts(Seen(caller, filter), paging));
  for (core::Alert& alert : page.rows) {
    SetDue(p_.sla, alert);
    HideOthers(caller, alert);
  }
  return page;
}

Result<Page<core::Review>> JoinedDesk::ListReviews(
    const Caller&, const core::ReviewFilter& filter, const Paging& paging) {
  return p_.store.ListReviews(filter, paging);
}

Result<core::ReviewStory> JoinedDesk::GetReview(const Caller& caller,
                                                int64_t id) {
  core::ReviewStory story;
  ASSIGN_OR_RETURN(story.file, p_.store.ReadReview(id));
  story.state = core::StateOf(story.file.row, p_.clock.Now());
  story.is_reviewer =
      core::IsReviewer(story.file.row, caller.user, caller.roles);
  ASSIGN_OR_RETURN(story.history, p_.store.AuditOf(ObjectOf(id)));
  return story;
}

Result<core::Review> JoinedDesk::AlterReview(
    const Caller& caller, const char* action, int64_t id, int64_t item_no,
    const std::string& detail,
    const std::function<Status(core::Review&, core::ReviewItem&)>& alter) {
  auto altered = p_.store.PutReview(
      id, item_no, [&](core::Review& review, core::ReviewItem& item) -> Status {
        if (!core::IsReviewer(review, caller.user, caller.roles)) {
          return Fail(Code::kPermissionDenied,
                      "you are no reviewer of this period");
        }
        if (item_no != 0 && core::Concerns(caller, item.person)) {
          return Fail(Code::kPermissionDenied,
                      "this concerns you: another reviewer must judge it");
        }
        if (review.sign_time) {
          return Fail(Code::kFailedPrecondition,
                      "this review was signed by " + review.signed_by);
        }
        return alter(review, item);
      });
  if (altered) p_.changes.Tell({core::Change::What::kReview, id, ""});
  return Written<core::Review>(p_.store, p_.clock, caller, action, ObjectOf(id),
                               detail, std::move(altered));
}

Result<core::OpenedItem> JoinedDesk::OpenReviewItem(const Caller& caller,
                                                    int64_t review_id,
                                                    int64_t item_no) {
  core::OpenedItem opened;
  const WallTime now = p_.clock.Now();
  const auto altered = AlterReview(
      caller, "review.open", review_id, item_no,
      "item " + std::to_string(item_no),
      [&](core::Review&, core::ReviewItem& item) -> Status {
        if (!HasOpened(item, caller.user)) {
          item.open_time = now;
          item.opened_by += (item.opened_by.empty() ? "" : "\n") + caller.user;
        }
        opened.item = item;
        return {};
      });
  RETURN_IF_ERROR(altered ? Status() : std::unexpected(altered.error()));
  if (opened.item.alert_id != 0) {
    core::AlertFilter filter;
    filter.alert_id = opened.item.alert_id;
    filter.with_events = true;
    ASSIGN_OR_RETURN(auto page, ListAlerts(caller, filter, {}));
    if (!page.rows.empty()) opened.alert = std::move(page.rows.front());
  } else {
    ASSIGN_OR_RETURN(opened.event, p_.store.GetEvent(opened.item.event_row_id));
  }
  return opened;
}

Result<core::Review> JoinedDesk::JudgeReviewItem(
    const Caller& caller, const core::ReviewVerdict& verdict) {
  return AlterReview(
      caller, "review.judge", verdict.review_id, verdict.item_no,
      "item " + std::to_string(verdict.item_no) + ": " +
          EscapeUntrusted(verdict.verdict, 16) +
          (verdict.note.empty() ? "" : ": ") +
          EscapeUntrusted(verdict.note, kMaxShownBytes),
      [&](core::Review&, core::ReviewItem& item) -> Status {
        if (item.no == 0) {
          return Fail(Code::kInvalidArgument, "which item?");
        }
        RETURN_IF_ERROR(CheckJudgement(verdict));
        if (!HasOpened(item, caller.user)) {
          return Fail(Code::kFailedPrecondition,
                      "open it first: nobody judges what he has not seen");
        }
        item.verdict = verdict.verdict;
        item.note = verdict.note;
        item.judged_by = caller.user;
        item.judge_time = p_.clock.Now();
        return {};
      });
}

Result<core::Review> JoinedDesk::SignReview(const Caller& caller,
                                            int64_t review_id,
                                            const std::string& note) {
  auto signed_one = AlterReview(
      caller, "review.sign", review_id, 0,
      EscapeUntrusted(note, kMaxShownBytes),
      [&](core::Review& review, core::ReviewItem&) -> Status {
        RETURN_IF_ERROR(CheckNote(note));
        if (review.judged_count < review.item_count) {
          return Fail(Code::kFailedPrecondition,
                      std::to_string(review.item_count - review.judged_count) +
                          " items have no verdict yet");
        }
        review.sign_time = p_.clock.Now();
        review.signed_by = caller.user;
        review.sign_note = note;
        return {};
      });
  if (signed_one && signed_one->overdue_alert_id != 0) {
    RETURN_IF_ERROR(
        p_.store.ResolveAlert(signed_one->overdue_alert_id, p_.clock.Now()));
    p_.changes.Tell(
        {core::Change::What::kAlert, signed_one->overdue_alert_id, ""});
  }
  return signed_one;
}

Result<core::ReviewStatement> JoinedDesk::GetReviewStatement(
    const Caller& caller, WallTime from, WallTime to) {
  if (from >= to || to - from > std::chrono::days(core::kMaxStatementDays)) {
    return Fail(Code::kInvalidArgument,
                "a statement is of at most " +
                    std::to_string(core::kMaxStatementDays) + " days");
  }
  core::ReviewStatement statement;
  statement.from = from;
  statement.to = to;
  statement.make_time = p_.clock.Now();
  statement.made_by = caller.user;
  ASSIGN_OR_RETURN(statement.checkpoint, p_.checkpoints.Newest());
  core::ReviewFilter filter;
  filter.from = from;
  filter.to = to;
  Paging paging{store::kMaxPageSize, ""};
  do {
    ASSIGN_OR_RETURN(const auto page, p_.store.ListReviews(filter, paging));
    for (const core::Review& row : page.rows) {
      ASSIGN_OR_RETURN(const core::ReviewFile file,
                       p_.store.ReadReview(row.id));
      core::ReviewStatement::Row out;
      out.review = file.row;
      out.state = core::StateOf(file.row, statement.make_time);
      for (const core::ReviewItem& item : file.items) {
        if (item.verdict.empty()) continue;
        ++out.judged_by[item.judged_by];
        if (item.verdict != "in_order") out.findings.push_back(item);
      }
      statement.rows.push_back(std::move(out));
    }
    paging.token = page.next_token;
  } while (!paging.token.empty());
  std::ranges::reverse(statement.rows);
  ASSIGN_OR_RETURN(statement.sla, p_.store.CountSla(from, to));
  ASSIGN_OR_RETURN(statement.verdicts,
                   p_.store.CountVerdicts(from, to, caller.scope));
  return Written<core::ReviewStatement>(
      p_.store, p_.clock, caller, "report.review", "reviews",
      FormatUtc(from) + " to " + FormatUtc(to), std::move(statement));
}

Result<std::vector<core::VerdictCount>> JoinedDesk::ListVerdicts(
    const Caller& caller, WallTime from, WallTime to) {
  return p_.store.CountVerdicts(from, to, caller.scope);
}

Result<std::vector<core::Suppression>> JoinedDesk::ListSuppressions(
    const Caller& caller, core::WhichSuppressions which) {
  return p_.store.ListSuppressions(which, p_.clock.Now(), caller.scope);
}

Result<core::Suppression> JoinedDesk::Suppress(const Caller& caller,
                                               const core::Suppression& wish) {
  const WallTime now = p_.clock.Now();
  auto made = [&]() -> Result<core::Suppression> {
    RETURN_IF_ERROR(CheckSuppression(caller, wish, now));
    RETURN_IF_ERROR(CheckSees(
        caller, wish.terminal,
        "name one of your terminals; you see: " + store::Print(caller.scope)));
    core::Suppression row = wish;
    row.created_by = caller.user;
    row.create_time = now;
    ASSIGN_OR_RETURN(row.id, p_.store.AddSuppression(row));
    return row;
  }();
  return Written<core::Suppression>(
      p_.store, p_.clock, caller, "suppression.begin",
      made ? "suppression " + std::to_string(made->id) : "suppression",
      Shown(wish) + " until " + FormatUtc(wish.end_time) + ": " +
          EscapeUntrusted(wish.reason, kMaxShownBytes),
      std::move(made));
}

Result<core::Suppression> JoinedDesk::EndSuppression(
    const Caller& caller, int64_t id, const std::string& reason) {
  return WriteDown<core::Suppression>(
      caller, "suppression.end", "suppression " + std::to_string(id),
      EscapeUntrusted(reason, kMaxShownBytes),
      [&]() -> Result<core::Suppression> {
        RETURN_IF_ERROR(CheckNote(reason));
        ASSIGN_OR_RETURN(
            const auto running,
            p_.store.ListSuppressions(core::WhichSuppressions::kRunning,
                                      p_.clock.Now(), caller.scope));
        if (std::ranges::find(running, id, &core::Suppression::id) ==
            running.end()) {
          return Fail(Code::kNotFound,
                      "no suppression " + std::to_string(id) + " is in force");
        }
        return p_.store.EndSuppression(id, caller.user, reason, p_.clock.Now());
      });
}

}  // namespace sekisho
