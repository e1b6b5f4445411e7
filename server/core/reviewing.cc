#include "server/core/reviewing.h"

#include <sodium.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/text.h"
#include "server/core/audit.h"
#include "server/core/duty_queries.h"
#include "server/core/event_words.h"

namespace sekisho::core {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(60);
constexpr char kForm[] = "sekisho-review-1";

ReviewSeed Sha256(const std::string& bytes) {
  ReviewSeed hash{};
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(hash.data()),
                     reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size());
  return hash;
}

std::string Eight(int64_t number) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(static_cast<uint64_t>(number) >> shift & 0xff);
  }
  return bytes;
}

std::string Text(const ReviewSeed& seed) {
  return {reinterpret_cast<const char*>(seed.data()), seed.size()};
}

// Which terminals a period is about.
class RuleTerminals {
 public:
  static Result<RuleTerminals> Of(store::Store& store, const ReviewRule& rule) {
    RuleTerminals scope;
    scope.all_ = rule.groups.empty();
    if (scope.all_) return scope;
    ASSIGN_OR_RETURN(const auto registered, store.RegisteredTerminals());
    for (const store::RegisteredTerminal& terminal : registered) {
      for (const std::string_view group : Split(terminal.groups, ';')) {
        if (std::ranges::find(rule.groups, Trim(group)) != rule.groups.end()) {
          scope.names_.insert(terminal.name);
        }
      }
    }
    return scope;
  }
  bool Has(const std::string& terminal) const {
    return all_ || names_.contains(terminal);
  }

 private:
  bool all_ = false;
  std::set<std::string> names_;
};

struct Population {
  std::map<int64_t, store::PastTransfer> transfers;
  std::vector<int64_t> refused, passed;
};

Result<Population> TransfersOf(store::Store& store, const RuleTerminals& scope,
                               const ReviewPeriod& period) {
  Population all;
  RETURN_IF_ERROR(store.ScanTransfers(
      period.from, period.to, [&](const store::PastTransfer& row) -> Status {
        if (!scope.Has(row.terminal)) return {};
        (store::IsRefusal(row.outcome) ? all.refused : all.passed)
            .push_back(row.row_id);
        all.transfers.emplace(row.row_id, row);
        return {};
      }));
  return all;
}

Result<std::vector<store::Alert>> AlertsOf(store::Store& store,
                                           const RuleTerminals& scope,
                                           const ReviewPeriod& period) {
  store::AlertFilter filter;
  filter.from = period.from;
  filter.to = period.to;
  filter.order = store::AlertOrder::kOldest;
  filter.with_suppressed = true;
  store::Paging paging{store::kMaxPageSize, ""};
  std::vector<store::Alert> alerts;
  do {
    ASSIGN_OR_RETURN(const auto page, store.ListAlerts(filter, paging));
    for (const store::Alert& alert : page.rows) {
      const bool of_duty =
          alert.kind == "alert_overdue" || alert.kind == kReviewOverdueKind;
      if (!of_duty && scope.Has(alert.terminal)) alerts.push_back(alert);
    }
    paging.token = page.next_token;
  } while (!paging.token.empty());
  return alerts;
}

store::ReviewItem ItemOf(const store::PastTransfer& transfer) {
  store::ReviewItem item;
  item.why = store::IsRefusal(transfer.outcome) ? "refused" : "passed";
  item.event_row_id = transfer.row_id;
  item.time = transfer.receive_time;
  item.terminal = transfer.terminal;
  item.person = transfer.person;
  return item;
}

store::ReviewItem ItemOf(const store::Alert& alert) {
  store::ReviewItem item;
  item.why = "alert";
  item.alert_id = alert.alert_id;
  item.event_row_id = alert.event_row_id;
  item.time = alert.create_time;
  item.terminal = alert.terminal;
  item.person = alert.person;
  return item;
}

std::string Joined(const std::vector<std::string>& names, const char* between) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : between) + name;
  }
  return text;
}

// Whether the index has all that was received before `time`.
Result<bool> IsIndexed(store::Store& store, WallTime time) {
  ASSIGN_OR_RETURN(const int64_t mark, store.IndexMark());
  ASSIGN_OR_RETURN(const merkle::Head log, store.LogHead());
  if (mark >= log.size) return true;
  ASSIGN_OR_RETURN(const auto newest, store.ListEvents({}, {1, ""}));
  return !newest.rows.empty() && newest.rows[0].receive_time >= time;
}

ReviewPeriod Before(const ReviewRule& rule, const policy::Zone& zone,
                    const ReviewPeriod& period) {
  return LastPeriod(rule.every, zone, period.from);
}

}  // namespace

ReviewSeed SeedOf(const std::string& name, const ReviewPeriod& period,
                  int64_t log_size, const std::string& log_root) {
  return Sha256(std::string(kForm) + '\0' + name + '\0' +
                Eight(period.from.time_since_epoch().count()) +
                Eight(period.to.time_since_epoch().count()) + Eight(log_size) +
                log_root);
}

std::vector<int64_t> Draw(const ReviewSeed& seed,
                          const std::vector<int64_t>& numbers, size_t count) {
  std::vector<std::pair<ReviewSeed, int64_t>> ranked;
  ranked.reserve(numbers.size());
  for (const int64_t number : numbers) {
    ranked.emplace_back(Sha256(Text(seed) + Eight(number)), number);
  }
  count = std::min(count, ranked.size());
  std::ranges::partial_sort(
      ranked, ranked.begin() + static_cast<std::ptrdiff_t>(count));
  std::vector<int64_t> drawn;
  for (size_t i = 0; i < count; ++i) drawn.push_back(ranked[i].second);
  std::ranges::sort(drawn);
  return drawn;
}

const char* StateOf(const store::Review& review, WallTime now) {
  if (review.sign_time) {
    return *review.sign_time <= review.due_time ? "signed" : "signed_late";
  }
  return review.due_time <= now ? "overdue" : "open";
}

bool IsReviewer(const store::Review& review, const std::string& user,
                store::Roles roles) {
  if (review.people.empty()) {
    const auto role = store::ParseRoles(review.role);
    return role && roles.HasAnyOf(*role);
  }
  return std::ranges::find(review.people, user) != review.people.end();
}

Status Reviewing::Tick() {
  if (looked_ && clock_.SinceBoot() - *looked_ < kLookEvery) return {};
  looked_ = clock_.SinceBoot();
  for (const ReviewRule& rule : rules_.periods) RETURN_IF_ERROR(DrawDue(rule));
  return TellOverdue();
}

// The newest period that is over, and those before it that were missed since
// the line is in the settings.
Status Reviewing::DrawDue(const ReviewRule& rule) {
  const WallTime now = clock_.Now();
  ASSIGN_OR_RETURN(const WallTime since, store_.NoteReviewRule(rule.name, now));
  std::vector<ReviewPeriod> due;
  ReviewPeriod period =
      LastPeriod(rule.every, rules_.zone, now - kReviewSettle);
  for (int i = 0; i < kMaxMissedPeriods && period.to > since; ++i) {
    due.push_back(period);
    period = Before(rule, rules_.zone, period);
  }
  std::ranges::reverse(due);
  for (const ReviewPeriod& one : due) RETURN_IF_ERROR(DrawOne(rule, one));
  return {};
}

Status Reviewing::DrawOne(const ReviewRule& rule, const ReviewPeriod& period) {
  store::ReviewFilter filter;
  filter.from = period.to - std::chrono::microseconds(1);
  filter.to = period.to;
  ASSIGN_OR_RETURN(const auto there,
                   store_.ListReviews(filter, {store::kMaxPageSize, ""}));
  for (const store::Review& row : there.rows) {
    if (row.name == rule.name) return {};
  }
  ASSIGN_OR_RETURN(const bool indexed, IsIndexed(store_, period.to));
  if (!indexed) return {};
  ASSIGN_OR_RETURN(const RuleTerminals scope, RuleTerminals::Of(store_, rule));
  ASSIGN_OR_RETURN(const auto alerts, AlertsOf(store_, scope, period));
  ASSIGN_OR_RETURN(const Population all, TransfersOf(store_, scope, period));
  store::Review row;
  row.name = rule.name;
  row.groups = Joined(rule.groups, ";");
  row.from = period.from;
  row.to = period.to;
  row.due_time = period.to + std::chrono::days(rule.due_days);
  if (rule.role) row.role = store::Name(*rule.role);
  row.people = rule.people;
  row.escalate_to = rule.escalate_to;
  row.draw_time = clock_.Now();
  row.sample = rule.sample;
  row.refused_count = std::ssize(all.refused);
  row.passed_count = std::ssize(all.passed);
  row.alert_count = std::ssize(alerts);
  ASSIGN_OR_RETURN(row.log_size, store_.LogSizeBefore(period.to));
  merkle::Head head = merkle::EmptyHead();
  if (row.log_size > 0) {
    ASSIGN_OR_RETURN(head, store_.LogHeadAt(row.log_size));
  }
  row.log_root.assign(reinterpret_cast<const char*>(head.root.data()),
                      head.root.size());
  const ReviewSeed seed = SeedOf(rule.name, period, row.log_size, row.log_root);

  std::vector<store::ReviewItem> items;
  std::vector<int64_t> alert_ids;
  for (const store::Alert& alert : alerts) alert_ids.push_back(alert.alert_id);
  const auto looked_at = Draw(seed, alert_ids, kMaxReviewAlerts);
  const std::set<int64_t> chosen(looked_at.begin(), looked_at.end());
  for (const store::Alert& alert : alerts) {
    if (chosen.contains(alert.alert_id)) items.push_back(ItemOf(alert));
  }
  // Half of each kind; what one lacks is taken from the other.
  const size_t sample = static_cast<size_t>(rule.sample);
  const size_t refused = std::min(
      all.refused.size(),
      std::max(sample / 2, sample - std::min(sample, all.passed.size())));
  for (const auto& [numbers, count] :
       {std::pair(&all.refused, refused),
        std::pair(&all.passed, sample - std::min(sample, refused))}) {
    for (const int64_t number : Draw(seed, *numbers, count)) {
      items.push_back(ItemOf(all.transfers.at(number)));
    }
  }
  for (size_t i = 0; i < items.size(); ++i) {
    items[i].no = static_cast<int64_t>(i) + 1;
  }
  ASSIGN_OR_RETURN(const auto id, store_.AddReview(row, items));
  if (!id) return {};
  changes_.Tell({Change::What::kReview, *id, ""});
  return WriteAudit(
      store_, clock_,
      {.user = "sekisho-server",
       .door = "server",
       .address = "",
       .action = "review.draw",
       .object = "review " + std::to_string(*id),
       .detail = rule.name + " " + FormatUtc(period.from) + " to " +
                 FormatUtc(period.to) + ": " + std::to_string(items.size()) +
                 " items, of " + std::to_string(alerts.size()) +
                 " alerts and " + std::to_string(all.transfers.size()) +
                 " transfers; log " + std::to_string(row.log_size) + " " +
                 ToHex(AsBytes(row.log_root))},
      {});
}

Status Reviewing::TellOverdue() {
  const WallTime now = clock_.Now();
  store::Paging paging{store::kMaxPageSize, ""};
  store::ReviewFilter filter;
  filter.only_open = true;
  std::vector<store::Review> late;
  do {
    ASSIGN_OR_RETURN(const auto page, store_.ListReviews(filter, paging));
    for (const store::Review& row : page.rows) {
      if (!row.overdue_time && row.due_time <= now) late.push_back(row);
    }
    paging.token = page.next_token;
  } while (!paging.token.empty());
  for (const store::Review& row : late) {
    store::NewAlert alert;
    alert.key = std::string(kReviewOverdueKind) + ":" + std::to_string(row.id);
    alert.alert.kind = kReviewOverdueKind;
    alert.alert.severity = "high";
    alert.alert.title = "Review " + std::to_string(row.id) + " (" + row.name +
                        ", " + FormatUtc(row.from).substr(0, 10) + " to " +
                        FormatUtc(row.to).substr(0, 10) + ") was due " +
                        MinuteText(row.due_time) + ": " +
                        std::to_string(row.item_count - row.judged_count) +
                        " of " + std::to_string(row.item_count) +
                        " items are not judged";
    alert.alert.create_time = now;
    if (!row.escalate_to.empty()) alert.alert.assignee = row.escalate_to[0];
    ASSIGN_OR_RETURN(const auto id, store_.AddAlert(alert));
    RETURN_IF_ERROR(store_.PutReview(
        row.id, 0, [&](store::Review& review, store::ReviewItem&) -> Status {
          review.overdue_time = now;
          review.overdue_alert_id = id.value_or(review.overdue_alert_id);
          return {};
        }));
    RETURN_IF_ERROR(
        WriteAudit(store_, clock_,
                   {.user = "sekisho-server",
                    .door = "server",
                    .address = "",
                    .action = "review.overdue",
                    .object = "review " + std::to_string(row.id),
                    .detail = row.escalate_to.empty()
                                  ? ""
                                  : "told to " + Joined(row.escalate_to, ", ")},
                   {}));
    if (id) changes_.Tell({Change::What::kAlert, *id, ""});
    changes_.Tell({Change::What::kReview, row.id, ""});
  }
  return {};
}

}  // namespace sekisho::core
