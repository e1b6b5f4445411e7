// Reviews, clocks of alerts, suppressions and retention; a part of Store
// (store.h), with its promises about threads.
#pragma once

#include <functional>

#include "common/result.h"
#include "server/store/duty_rows.h"

namespace sekisho::store {

struct NewAlert;

class DutyStore {
 public:
  virtual ~DutyStore() = default;

  // ---- reviews ----

  // Since when this line of the settings is known: `now`, if it is new.
  virtual Result<WallTime> NoteReviewRule(const std::string& name,
                                          WallTime now) = 0;
  // The id, or nothing if this period of this name is there.
  virtual Result<std::optional<int64_t>> AddReview(
      const Review& row, const std::vector<ReviewItem>& items) = 0;
  // Newest period first.
  virtual Result<Page<Review>> ListReviews(const ReviewFilter& filter,
                                           const Paging& paging) = 0;
  virtual Result<ReviewFile> ReadReview(int64_t id) = 0;
  // The review, and with `item_no` that item of it, are read, handed to
  // `change`, and written, in one transaction; an error of `change` leaves all
  // as it was. `change` may be called more than once. kNotFound.
  using ReviewChange = std::function<Status(Review&, ReviewItem&)>;
  virtual Result<Review> PutReview(int64_t id, int64_t item_no,
                                   const ReviewChange& change) = 0;
  // Size of the log's tree over what was received before `time`, as far as it
  // is indexed.
  virtual Result<int64_t> LogSizeBefore(WallTime time) = 0;
  // Received in [from, to), in the order of the log; repeats left out.
  virtual Status ScanTransfers(
      WallTime from, WallTime to,
      const std::function<Status(const PastTransfer&)>& row) = 0;

  // ---- clocks of alerts ----

  // Not acknowledged, or not closed, made until `before`, not over by
  // themselves, not told of at this level. Oldest first, without comments.
  virtual Result<std::vector<Alert>> WaitingAlerts(SlaLevel level,
                                                   const std::string& severity,
                                                   WallTime before,
                                                   int limit) = 0;
  // Marks them as told of and adds the alert that tells, at once.
  virtual Result<std::optional<int64_t>> Escalate(
      SlaLevel level, const std::vector<int64_t>& alert_ids,
      const NewAlert& alert) = 0;
  // Resolves each alert that tells of overdue ones when none of them waits any
  // more; which these were.
  virtual Result<std::vector<int64_t>> ResolveEscalations(WallTime now) = 0;
  // Alerts made in [from, to), the most first.
  virtual Result<std::vector<VerdictCount>> CountVerdicts(
      WallTime from, WallTime to, const Scope& scope) = 0;
  virtual Result<std::vector<SlaCount>> CountSla(WallTime from,
                                                 WallTime to) = 0;

  // ---- suppressions ----

  virtual Result<int64_t> AddSuppression(const Suppression& row) = 0;
  // Newest first, at most 1,000; of a scope, those of its terminals.
  virtual Result<std::vector<Suppression>> ListSuppressions(
      WhichSuppressions which, WallTime now, const Scope& scope) = 0;
  // kNotFound: there is none that runs.
  virtual Result<Suppression> EndSuppression(int64_t id, const std::string& by,
                                             const std::string& reason,
                                             WallTime now) = 0;

  // ---- retention ----

  // Deletes salt and personal part of the next events that `cut` tells, and the
  // person from index and alerts; what a case under legal hold contains is
  // passed by and looked at again when it is not held any more. One transaction
  // of at most `limit` events.
  virtual Result<RetentionStep> EraseNext(const RetentionCut& cut,
                                          int limit) = 0;
  // What EraseNext() would do by and by; nothing changes.
  virtual Result<RetentionStep> CountErasable(const RetentionCut& cut) = 0;
  // Names in what was decided and seen last before `before`; how many.
  virtual Result<int64_t> EraseNames(WallTime before) = 0;
};

}  // namespace sekisho::store
