// Reviews: what was drawn from a period, and who judged it.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kColumns =
    "r.review_id, r.name, r.groups, r.from_time, r.to_time, r.due_time, "
    "r.role, r.people, r.escalate_to, r.draw_time, r.log_size, r.log_root, "
    "r.sample, r.refused_count, r.passed_count, r.alert_count, r.sign_time, "
    "r.signed_by, r.sign_note, r.overdue_time, r.overdue_alert_id, "
    "(SELECT count(*) FROM review_items i WHERE i.review_id=r.review_id), "
    "(SELECT count(*) FROM review_items i WHERE i.review_id=r.review_id AND "
    "i.verdict<>''), "
    "(SELECT count(*) FROM review_items i WHERE i.review_id=r.review_id AND "
    "i.verdict NOT IN ('', 'in_order'))";
constexpr const char* kItemColumns =
    "item_no, why, alert_id, event_row_id, time, terminal, person, open_time, "
    "opened_by, verdict, note, judged_by, judge_time";

// Names of users have no line break.
std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : "\n") + name;
  }
  return text;
}

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> names;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    names.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

Review ReviewFrom(const Statement& row) {
  Review review;
  review.id = row.Int(0);
  review.name = row.Text(1);
  review.groups = row.Text(2);
  review.from = row.Time(3);
  review.to = row.Time(4);
  review.due_time = row.Time(5);
  review.role = row.Text(6);
  review.people = Split(row.Text(7));
  review.escalate_to = Split(row.Text(8));
  review.draw_time = row.Time(9);
  review.log_size = row.Int(10);
  review.log_root = row.Text(11);
  review.sample = row.Int(12);
  review.refused_count = row.Int(13);
  review.passed_count = row.Int(14);
  review.alert_count = row.Int(15);
  review.sign_time = row.MaybeTime(16);
  review.signed_by = row.Text(17);
  review.sign_note = row.Text(18);
  review.overdue_time = row.MaybeTime(19);
  review.overdue_alert_id = row.Int(20);
  review.item_count = row.Int(21);
  review.judged_count = row.Int(22);
  review.finding_count = row.Int(23);
  return review;
}

ReviewItem ItemFrom(const Statement& row) {
  ReviewItem item;
  item.no = row.Int(0);
  item.why = row.Text(1);
  item.alert_id = row.Int(2);
  item.event_row_id = row.Int(3);
  item.time = row.Time(4);
  item.terminal = row.Text(5);
  item.person = row.Text(6);
  item.open_time = row.MaybeTime(7);
  item.opened_by = row.Text(8);
  item.verdict = row.Text(9);
  item.note = row.Text(10);
  item.judged_by = row.Text(11);
  item.judge_time = row.MaybeTime(12);
  return item;
}

Result<Review> ReadRow(Connection& db, int64_t id) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query(std::string("SELECT ") + kColumns +
                                " FROM reviews r WHERE r.review_id=?",
                            id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return Fail(Code::kNotFound, "no review " + std::to_string(id));
  return ReviewFrom(row);
}

Result<ReviewItem> ReadItem(Connection& db, int64_t id, int64_t item_no) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query(std::string("SELECT ") + kItemColumns +
                   " FROM review_items WHERE review_id=? AND item_no=?",
               id, item_no));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound, "review " + std::to_string(id) +
                                     " has no item " + std::to_string(item_no));
  }
  return ItemFrom(row);
}

Status InsertItem(Connection& db, int64_t id, const ReviewItem& item) {
  return db.Run(
      "INSERT INTO review_items (review_id, item_no, why, alert_id, "
      "event_row_id, time, terminal, person) VALUES (?,?,?,?,?,?,?,?)",
      id, item.no, item.why, item.alert_id, item.event_row_id, item.time,
      item.terminal, item.person);
}

}  // namespace

Result<WallTime> SqliteStore::NoteReviewRule(const std::string& name,
                                             WallTime now) {
  WallTime since = now;
  const Status written = Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("INSERT OR IGNORE INTO review_rules VALUES (?,?)", name, now));
    ASSIGN_OR_RETURN(
        Statement row,
        db.Query("SELECT since_time FROM review_rules WHERE name=?", name));
    RETURN_IF_ERROR(row.Step());
    since = row.Time(0);
    return {};
  });
  RETURN_IF_ERROR(written);
  return since;
}

Result<std::optional<int64_t>> SqliteStore::AddReview(
    const Review& review, const std::vector<ReviewItem>& items) {
  std::optional<int64_t> id;
  const Status written = Write([&](Connection& db) -> Status {
    id.reset();
    ASSIGN_OR_RETURN(
        Statement next,
        db.Query("SELECT coalesce(max(review_id), 0) + 1 FROM reviews"));
    RETURN_IF_ERROR(next.Step());
    const int64_t number = next.Int(0);
    RETURN_IF_ERROR(db.Run(
        "INSERT INTO reviews (review_id, name, groups, from_time, to_time, "
        "due_time, role, people, escalate_to, draw_time, log_size, log_root, "
        "sample, refused_count, passed_count, alert_count) VALUES "
        "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) "
        "ON CONFLICT (name, to_time) DO NOTHING",
        number, review.name, review.groups, review.from, review.to,
        review.due_time, review.role, Joined(review.people),
        Joined(review.escalate_to), review.draw_time, review.log_size,
        Blob{review.log_root}, review.sample, review.refused_count,
        review.passed_count, review.alert_count));
    if (db.Changes() == 0) return {};
    for (const ReviewItem& item : items) {
      RETURN_IF_ERROR(InsertItem(db, number, item));
    }
    id = number;
    return {};
  });
  RETURN_IF_ERROR(written);
  return id;
}

Result<Page<Review>> SqliteStore::ListReviews(const ReviewFilter& filter,
                                              const Paging& paging) {
  Where where;
  if (filter.only_open) where.And("r.sign_time IS NULL");
  if (filter.from) {
    where.And("r.to_time>?", {filter.from->time_since_epoch().count()});
  }
  if (filter.to) {
    where.And("r.to_time<=?", {filter.to->time_since_epoch().count()});
  }
  ASSIGN_OR_RETURN(const auto before, RowOf(paging));
  if (before) where.And("r.review_id<?", {*before});
  ASSIGN_OR_RETURN(Reading db, Read());
  // Drawn when their period ends: the newest has the largest number.
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(std::string("SELECT ") + kColumns + " FROM reviews r" +
                  where.sql() + " ORDER BY r.review_id DESC LIMIT " +
                  std::to_string(PageSize(paging) + 1)));
  where.BindTo(row);
  Page<Review> page;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return page;
    if (std::ssize(page.rows) == PageSize(paging)) {
      page.next_token = std::to_string(page.rows.back().id);
      return page;
    }
    page.rows.push_back(ReviewFrom(row));
  }
}

Result<ReviewFile> SqliteStore::ReadReview(int64_t id) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ReviewFile file;
  ASSIGN_OR_RETURN(file.row, ReadRow(*db, id));
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query(std::string("SELECT ") + kItemColumns +
                    " FROM review_items WHERE review_id=? ORDER BY item_no",
                id));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return file;
    file.items.push_back(ItemFrom(row));
  }
}

Result<Review> SqliteStore::PutReview(int64_t id, int64_t item_no,
                                      const ReviewChange& change) {
  Review review;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(review, ReadRow(db, id));
    ReviewItem item;
    if (item_no != 0) {
      ASSIGN_OR_RETURN(item, ReadItem(db, id, item_no));
    }
    RETURN_IF_ERROR(change(review, item));
    RETURN_IF_ERROR(
        db.Run("UPDATE reviews SET sign_time=?2, signed_by=?3, sign_note=?4, "
               "overdue_time=?5, overdue_alert_id=?6 WHERE review_id=?1",
               id, review.sign_time, review.signed_by, review.sign_note,
               review.overdue_time, review.overdue_alert_id));
    if (item_no != 0) {
      RETURN_IF_ERROR(db.Run(
          "UPDATE review_items SET open_time=?3, opened_by=?4, verdict=?5, "
          "note=?6, judged_by=?7, judge_time=?8 WHERE review_id=?1 AND "
          "item_no=?2",
          id, item_no, item.open_time, item.opened_by, item.verdict, item.note,
          item.judged_by, item.judge_time));
    }
    ASSIGN_OR_RETURN(review, ReadRow(db, id));
    return {};
  });
  RETURN_IF_ERROR(written);
  return review;
}

Result<int64_t> SqliteStore::LogSizeBefore(WallTime time) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT row_id FROM event_index WHERE receive_time<? "
                "ORDER BY receive_time DESC, row_id DESC LIMIT 1",
                time));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  // A leaf is the row before its number.
  return found ? row.Int(0) : 0;
}

Status SqliteStore::ScanTransfers(
    WallTime from, WallTime to,
    const std::function<Status(const PastTransfer&)>& row) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement rows,
      db->Scan("SELECT i.row_id, i.outcome, i.receive_time, a.terminal, "
               "i.person FROM event_index i JOIN agents a ON "
               "a.agent_no=i.agent_no WHERE i.kind=6 AND i.repeats=0 AND "
               "i.receive_time>=? AND i.receive_time<? ORDER BY i.row_id",
               from, to));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return {};
    RETURN_IF_ERROR(
        row({rows.Int(0), static_cast<event::v1::Outcome>(rows.Int(1)),
             rows.Time(2), rows.Text(3), rows.Text(4)}));
  }
}

}  // namespace sekisho::store
