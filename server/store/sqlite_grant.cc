// Grants of one transfer, answers to requests, and the sealed list of both.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kColumns =
    "g.grant_id, g.alert_id, g.agent_id, coalesce(a.terminal, ''), g.person, "
    "g.device_id, g.file_hash, g.persons, g.types, g.purpose, g.created_by, "
    "g.create_time, g.end_time, g.used_time, g.used_event_row_id, g.over_time, "
    "g.over_why, g.version, (SELECT min(k.time) FROM medium_copies c JOIN "
    "medium_marks k ON k.medium_no=c.medium_no WHERE "
    "c.row_id=g.used_event_row_id AND k.kind=5 AND k.time>=c.time) FROM "
    "transfer_grants g "
    "LEFT JOIN agents a ON a.agent_id = g.agent_id";
constexpr int kMaxListed = 1'000;
// An operator who did not look for a day asks the security desk.
constexpr auto kAnswersKept = std::chrono::hours(24);
constexpr int kMaxAnswers = 500;

Result<std::vector<TransferGrant>> ReadGrants(Statement& row) {
  std::vector<TransferGrant> rows;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return rows;
    rows.push_back({.id = row.Int(0),
                    .alert_id = row.Int(1),
                    .agent_id = row.Text(2),
                    .terminal = row.Text(3),
                    .person = row.Text(4),
                    .device_id = row.Text(5),
                    .file_hash = std::string(row.View(6)),
                    .persons = row.Int(7),
                    .types = row.Text(8),
                    .purpose = row.Text(9),
                    .created_by = row.Text(10),
                    .create_time = row.Time(11),
                    .end_time = row.Time(12),
                    .used_time = row.MaybeTime(13),
                    .used_event_row_id = row.Int(14),
                    .over_time = row.MaybeTime(15),
                    .over_why = row.Text(16),
                    .version = row.Int(17),
                    .erase_time = row.MaybeTime(18)});
  }
}

// The newest, by the id of their request.
Result<std::vector<RequestAnswer>> ReadAnswers(Connection& db, WallTime now) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT * FROM (SELECT alert_id, event_id, approved, "
               "answer_time FROM request_answers WHERE answer_time > ? "
               "ORDER BY alert_id DESC LIMIT " +
                   std::to_string(kMaxAnswers) +
                   ") AS newest ORDER BY alert_id",
               now - kAnswersKept));
  std::vector<RequestAnswer> answers;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return answers;
    answers.push_back({.alert_id = row.Int(0),
                       .event_id = std::string(row.View(1)),
                       .approved = row.Int(2) != 0,
                       .answer_time = row.Time(3)});
  }
}

Status InsertGrant(Connection& db, TransferGrant* grant) {
  if (grant->id == 0) {
    ASSIGN_OR_RETURN(
        Statement next,
        db.Query("SELECT coalesce(max(grant_id), 0) + 1 FROM transfer_grants"));
    RETURN_IF_ERROR(next.Step());
    grant->id = next.Int(0);
  }
  return db.Run(
      "INSERT OR REPLACE INTO transfer_grants VALUES "
      "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      grant->id, grant->alert_id, grant->agent_id, grant->person,
      grant->device_id, Blob{grant->file_hash}, grant->persons, grant->types,
      grant->purpose, grant->created_by, grant->create_time, grant->end_time,
      grant->used_time, grant->used_event_row_id, grant->over_time,
      grant->over_why, grant->version);
}

}  // namespace

Result<TransferGrant> SqliteStore::PutGrant(const GrantChange& change,
                                            WallTime now,
                                            const GrantSealer& seal) {
  TransferGrant put;
  const Status written = Write([&](Connection& db) -> Status {
    put = change.grant.value_or(TransferGrant());
    ASSIGN_OR_RETURN(put.version, NextVersion(db, "grant"));
    if (change.grant) RETURN_IF_ERROR(InsertGrant(db, &put));
    if (change.answer) {
      RETURN_IF_ERROR(
          db.Run("INSERT OR REPLACE INTO request_answers VALUES (?,?,?,?)",
                 change.answer->alert_id, Blob{change.answer->event_id},
                 change.answer->approved, change.answer->answer_time));
    }
    ASSIGN_OR_RETURN(Statement running,
                     db.Query(std::string("SELECT ") + kColumns +
                                  " WHERE g.over_time IS NULL AND "
                                  "g.used_event_row_id = 0 AND g.end_time > ? "
                                  "ORDER BY g.grant_id",
                              now));
    ASSIGN_OR_RETURN(const auto grants, ReadGrants(running));
    ASSIGN_OR_RETURN(const auto answers, ReadAnswers(db, now));
    return PutEnvelope(db, "grant", put.version,
                       seal(put.version, grants, answers));
  });
  RETURN_IF_ERROR(written);
  return put;
}

Result<std::vector<TransferGrant>> SqliteStore::ListGrants(WhichGrants which,
                                                           const Scope& scope) {
  Where where;
  if (which == WhichGrants::kRunning) where.And("g.over_time IS NULL");
  where.SeenTerminal("a.terminal", scope);
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Prepare(std::string("SELECT ") + kColumns + where.sql() +
                               " ORDER BY g.grant_id DESC LIMIT " +
                               std::to_string(kMaxListed)));
  where.BindTo(row);
  return ReadGrants(row);
}

Status MarkGrantUsed(Connection& db, const IndexedEvent& event) {
  return db.Run(
      "UPDATE transfer_grants SET used_time=?3, used_event_row_id=?4 WHERE "
      "grant_id=?1 AND agent_id=?2 AND used_event_row_id=0",
      event.grant_id, event.agent_id, event.receive_time, event.row_id);
}

}  // namespace sekisho::store
