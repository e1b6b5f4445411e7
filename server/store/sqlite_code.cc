// Codes over the phone: what was issued, the sealed list of it, and the secrets
// of the terminals as they came, sealed to the server's key of codes.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kColumns =
    "c.code_id, c.agent_id, coalesce(a.terminal, ''), c.device_id, "
    "c.challenge, c.seconds, c.person, c.reason, c.created_by, c.create_time, "
    "c.end_time, c.code_match, c.used_time, c.used_event_row_id, "
    "c.used_person, c.over_time, c.over_why, c.version FROM offline_codes c "
    "LEFT JOIN agents a ON a.agent_id = c.agent_id";
constexpr int kMaxListed = 1'000;

OfflineCode CodeFrom(const Statement& row) {
  return {.id = row.Int(0),
          .agent_id = row.Text(1),
          .terminal = row.Text(2),
          .device_id = row.Text(3),
          .challenge = row.Text(4),
          .seconds = row.Int(5),
          .person = row.Text(6),
          .reason = row.Text(7),
          .created_by = row.Text(8),
          .create_time = row.Time(9),
          .end_time = row.Time(10),
          .match = std::string(row.View(11)),
          .used_time = row.MaybeTime(12),
          .used_event_row_id = row.Int(13),
          .used_person = row.Text(14),
          .over_time = row.MaybeTime(15),
          .over_why = row.Text(16),
          .version = row.Int(17)};
}

Result<std::vector<OfflineCode>> ReadCodes(Statement& row) {
  std::vector<OfflineCode> rows;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return rows;
    rows.push_back(CodeFrom(row));
  }
}

Status InsertCode(Connection& db, OfflineCode* code) {
  if (code->id == 0) {
    ASSIGN_OR_RETURN(
        Statement next,
        db.Query("SELECT coalesce(max(code_id), 0) + 1 FROM offline_codes"));
    RETURN_IF_ERROR(next.Step());
    code->id = next.Int(0);
  }
  return db.Run(
      "INSERT OR REPLACE INTO offline_codes VALUES "
      "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      code->id, code->agent_id, code->device_id, code->challenge, code->seconds,
      code->person, code->reason, code->created_by, code->create_time,
      code->end_time, Blob{code->match}, code->used_time,
      code->used_event_row_id, code->used_person, code->over_time,
      code->over_why, code->version);
}

}  // namespace

Result<OfflineCode> SqliteStore::PutCode(const std::optional<OfflineCode>& code,
                                         WallTime now, const CodeSealer& seal) {
  OfflineCode put;
  const Status written = Write([&](Connection& db) -> Status {
    put = code.value_or(OfflineCode());
    ASSIGN_OR_RETURN(put.version, NextVersion(db, "code"));
    if (code) RETURN_IF_ERROR(InsertCode(db, &put));
    ASSIGN_OR_RETURN(
        Statement running,
        db.Query(std::string("SELECT ") + kColumns +
                     " WHERE c.over_time IS NULL AND c.end_time > ? "
                     "ORDER BY c.code_id",
                 now));
    ASSIGN_OR_RETURN(const auto codes, ReadCodes(running));
    return PutEnvelope(db, "code", put.version, seal(put.version, codes));
  });
  RETURN_IF_ERROR(written);
  return put;
}

Result<std::vector<OfflineCode>> SqliteStore::ListCodes(WhichGrants which,
                                                        const Scope& scope) {
  Where where;
  if (which == WhichGrants::kRunning) where.And("c.over_time IS NULL");
  where.SeenTerminal("a.terminal", scope);
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Prepare(std::string("SELECT ") + kColumns + where.sql() +
                               " ORDER BY c.code_id DESC LIMIT " +
                               std::to_string(kMaxListed)));
  where.BindTo(row);
  return ReadCodes(row);
}

Result<std::optional<OfflineCode>> SqliteStore::FindCode(
    const std::string& agent_id, const std::string& match) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query(std::string("SELECT ") + kColumns +
                                 " WHERE c.agent_id=? AND c.code_match=? "
                                 "ORDER BY c.code_id DESC LIMIT 1",
                             agent_id, Blob{match}));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::nullopt;
  return CodeFrom(row);
}

Result<std::string> SqliteStore::CodeSecretOf(const std::string& agent_id) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT sealed FROM code_secrets WHERE agent_id=?", agent_id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound,
                "this terminal has not told its secret of codes yet: it must "
                "have reached this server once since it enrolled");
  }
  return std::string(row.View(0));
}

Status NoteCode(Connection& db, const IndexedEvent& event) {
  if (event.repeats) return {};
  if (!event.sealed_code_secret.empty()) {
    RETURN_IF_ERROR(db.Run("INSERT OR REPLACE INTO code_secrets VALUES (?,?,?)",
                           event.agent_id, Blob{event.sealed_code_secret},
                           event.row_id));
  }
  if (event.used_code_match.empty()) return {};
  return db.Run(
      "UPDATE offline_codes SET used_time=?3, used_event_row_id=?4, "
      "used_person=?5 WHERE agent_id=?1 AND code_match=?2 AND "
      "used_event_row_id=0",
      event.agent_id, Blob{event.used_code_match}, event.receive_time,
      event.row_id, event.person);
}

}  // namespace sekisho::store
