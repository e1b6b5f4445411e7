// How far each sink outside has been told.
#include "server/store/sqlite_store.h"

namespace sekisho::store {

Result<SinkMark> SqliteStore::NewestMark() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT (SELECT coalesce(max(alert_id), 0) FROM alerts), "
                "(SELECT coalesce(max(row_id), 0) FROM event_index)"));
  RETURN_IF_ERROR(row.Step());
  SinkMark mark;
  mark.alert_id = row.Int(0);
  mark.event_row_id = row.Int(1);
  return mark;
}

Result<std::optional<SinkMark>> SqliteStore::FindSink(const std::string& name) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT name, alert_id, event_row_id, sent_count, gap_count, "
                "untold_gap_count, sent_time FROM sinks WHERE name=?",
                name));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return std::nullopt;
  }
  return SinkMark{.name = row.Text(0),
                  .alert_id = row.Int(1),
                  .event_row_id = row.Int(2),
                  .sent_count = row.Int(3),
                  .gap_count = row.Int(4),
                  .untold_gap_count = row.Int(5),
                  .sent_time = row.MaybeTime(6)};
}

Status SqliteStore::PutSink(const SinkMark& mark) {
  return Write([&](Connection& db) {
    return db.Run("INSERT OR REPLACE INTO sinks VALUES (?,?,?,?,?,?,?)",
                  mark.name, mark.alert_id, mark.event_row_id, mark.sent_count,
                  mark.gap_count, mark.untold_gap_count, mark.sent_time);
  });
}

}  // namespace sekisho::store
