// What people search: the event index, the device inventory, alerts.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kFromEvents =
    " FROM event_index i JOIN events e USING (row_id) "
    "JOIN agents a ON a.agent_no = i.agent_no";

constexpr const char* kAlertColumns =
    "alert_id, kind, severity, state, title, agent_id, terminal, person, "
    "device_id, create_time, update_time, event_row_id, resolve_time, "
    "assignee, verdict";

Alert AlertFrom(const Statement& row) {
  Alert alert;
  alert.alert_id = row.Int(0);
  alert.kind = row.Text(1);
  alert.severity = row.Text(2);
  alert.state = static_cast<AlertState>(row.Int(3));
  alert.title = row.Text(4);
  alert.agent_id = row.Text(5);
  alert.terminal = row.Text(6);
  alert.person = row.Text(7);
  alert.device_id = row.Text(8);
  alert.create_time = row.Time(9);
  alert.update_time = row.Time(10);
  alert.event_row_id = row.Int(11);
  alert.resolve_time = row.MaybeTime(12);
  alert.assignee = row.Text(13);
  alert.verdict = row.Text(14);
  return alert;
}

Device DeviceFrom(const Statement& row) {
  Device device;
  device.device_id = row.Text(0);
  const std::string_view facts = row.View(1);
  device.facts.ParseFromArray(facts.data(), static_cast<int>(facts.size()));
  device.first_seen_time = row.Time(2);
  device.last_seen_time = row.Time(3);
  device.last_terminal = row.Text(4);
  device.last_person = row.Text(5);
  device.last_access = row.Text(6);
  device.event_count = row.Int(7);
  device.weak_identity = row.Int(8) != 0;
  device.approved_access = row.Text(9);
  device.approved_terminal = row.Text(10);
  device.approved_by = row.Text(11);
  device.approve_time = row.MaybeTime(12);
  device.expire_time = row.MaybeTime(13);
  device.owner = row.Text(14);
  device.purpose = row.Text(15);
  device.ticket = row.Text(16);
  return device;
}

Status ReadComments(Connection& db, Alert& alert) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query("SELECT time, author, text FROM alert_comments "
                            "WHERE alert_id=? ORDER BY comment_no",
                            alert.alert_id));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return {};
    }
    alert.comments.push_back({row.Time(0), row.Text(1), row.Text(2)});
  }
}

Status InsertIndexed(Connection& db, const IndexedEvent& event) {
  ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(db, event.agent_id));
  return db.Run(
      "INSERT INTO event_index (row_id, agent_no, epoch, sequence, kind, "
      "outcome, person, device_id, receive_time, event_id, repeats) VALUES "
      "(?,?,?,?,?,?,?,?,?,?,?)",
      event.row_id, agent_no, event.epoch, event.sequence, event.kind,
      event.outcome, event.person, event.device_id, event.receive_time,
      Blob{event.event_id}, event.repeats);
}

Status UpsertDevice(Connection& db, const DeviceSeen& seen) {
  const std::string facts = seen.facts.SerializeAsString();
  return db.Run(
      "INSERT INTO devices (device_id, facts, first_seen_time, "
      "last_seen_time, last_terminal, last_person, last_access, event_count, "
      "weak_identity) VALUES (?1,?2,?3,?3,?4,?5,?6,1,?7) "
      "ON CONFLICT (device_id) DO UPDATE SET facts=excluded.facts, "
      "last_seen_time=excluded.last_seen_time, "
      "last_terminal=excluded.last_terminal, "
      "last_person=excluded.last_person, "
      "last_access=CASE excluded.last_access WHEN '' THEN last_access "
      "ELSE excluded.last_access END, event_count=event_count+1, "
      "weak_identity=max(weak_identity, excluded.weak_identity)",
      seen.device_id, Blob{facts}, seen.time, seen.terminal, seen.person,
      seen.access, seen.weak_identity);
}

}  // namespace

Event EventFrom(const Statement& row) {
  Event event;
  event.row_id = row.Int(0);
  event.agent_id = row.Text(1);
  event.terminal = row.Text(2);
  event.receive_time = row.Time(3);
  // Bytes that do not parse were refused at the door.
  const std::string_view shown = row.View(4);
  event.public_part.ParseFromArray(shown.data(),
                                   static_cast<int>(shown.size()));
  const std::string_view named = row.View(5);
  event.personal_part.ParseFromArray(named.data(),
                                     static_cast<int>(named.size()));
  event.hash_hex = ToHex(AsBytes(row.View(6)));
  event.device_id = row.Text(7);
  return event;
}

Result<Event> ReadEvent(Connection& db, int64_t row_id) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query(std::string("SELECT ") + kEventColumns +
                                kFromEvents + " WHERE i.row_id=?",
                            row_id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound, "no event " + std::to_string(row_id));
  }
  return EventFrom(row);
}

Result<int64_t> SqliteStore::IndexMark() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row, db->Query("SELECT row_id FROM index_mark"));
  RETURN_IF_ERROR(row.Step());
  return row.Int(0);
}

Result<std::set<std::string>> SqliteStore::IndexedIds(
    const std::string& agent_id, const std::vector<std::string>& ids) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(*db, agent_id));
  std::set<std::string> found;
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(Statement row,
                     db->Query("SELECT 1 FROM event_index WHERE event_id=? AND "
                               "agent_no=? LIMIT 1",
                               Blob{id}, agent_no));
    ASSIGN_OR_RETURN(const bool there, row.Step());
    if (there) {
      found.insert(id);
    }
  }
  return found;
}

Result<std::vector<int64_t>> SqliteStore::WriteIndex(const IndexBatch& batch) {
  std::vector<int64_t> new_alerts;
  const Status written = Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(db.Run("UPDATE index_mark SET row_id=?2 WHERE row_id=?1",
                           batch.from_row, batch.to_row));
    if (db.Changes() != 1) {
      return Fail(Code::kAborted, "another indexer was faster");
    }
    for (const IndexedEvent& event : batch.events) {
      RETURN_IF_ERROR(InsertIndexed(db, event));
    }
    for (const DeviceSeen& seen : batch.devices) {
      RETURN_IF_ERROR(UpsertDevice(db, seen));
    }
    for (const NewAlert& alert : batch.alerts) {
      ASSIGN_OR_RETURN(const auto id, InsertAlert(db, alert));
      if (id) {
        new_alerts.push_back(*id);
      }
    }
    return {};
  });
  RETURN_IF_ERROR(written);
  return new_alerts;
}

Result<Page<Event>> SqliteStore::ListEvents(const EventFilter& filter,
                                            const Paging& paging) {
  ASSIGN_OR_RETURN(const auto from_row, RowOf(paging));
  const bool forward = filter.after_row_id.has_value();
  Where where;
  where.And("i.repeats=0");
  if (!filter.agent_id.empty()) {
    where.And("a.agent_id=?", {filter.agent_id});
  }
  if (!filter.terminal.empty()) {
    where.And("a.terminal=?", {filter.terminal});
  }
  if (!filter.person.empty()) {
    where.And("i.person=?", {filter.person});
  }
  if (!filter.device_id.empty()) {
    where.And("i.device_id=? AND i.device_id<>''", {filter.device_id});
  }
  where.In("i.kind", {filter.kinds.begin(), filter.kinds.end()});
  where.In("i.outcome", {filter.outcomes.begin(), filter.outcomes.end()});
  if (filter.from) {
    where.And("i.receive_time>=?", {filter.from->time_since_epoch().count()});
  }
  if (filter.to) {
    where.And("i.receive_time<?", {filter.to->time_since_epoch().count()});
  }
  if (forward) {
    where.And("i.row_id>?", {from_row.value_or(*filter.after_row_id)});
  } else if (from_row) {
    where.And("i.row_id<?", {*from_row});
  }
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(std::string("SELECT ") + kEventColumns + kFromEvents +
                  where.sql() + " ORDER BY i.row_id " +
                  (forward ? "ASC" : "DESC") + " LIMIT " +
                  std::to_string(PageSize(paging) + 1)));
  where.BindTo(row);
  Page<Event> page;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return page;
    }
    if (std::ssize(page.rows) == PageSize(paging)) {
      page.next_token = std::to_string(page.rows.back().row_id);
      return page;
    }
    page.rows.push_back(EventFrom(row));
  }
}

Result<Event> SqliteStore::GetEvent(int64_t row_id) {
  ASSIGN_OR_RETURN(Reading db, Read());
  return ReadEvent(*db, row_id);
}

Result<Page<Device>> SqliteStore::ListDevices(const DeviceFilter& filter,
                                              const Paging& paging,
                                              WallTime now) {
  Where where;
  if (!paging.token.empty()) {
    // "last_seen:device_id" of the last row shown.
    const size_t colon = paging.token.find(':');
    ASSIGN_OR_RETURN(const auto seen,
                     RowOf({0, paging.token.substr(0, colon)}));
    if (colon == std::string::npos || !seen) {
      return Fail(Code::kInvalidArgument, "page token is not one of ours");
    }
    where.And(
        "(d.last_seen_time < ? OR (d.last_seen_time = ? AND d.device_id > ?))",
        {*seen, *seen, paging.token.substr(colon + 1)});
  }
  if (!filter.device_id.empty()) {
    where.And("d.device_id=?", {filter.device_id});
  }
  if (!filter.terminal.empty()) {
    where.And("d.last_terminal=?", {filter.terminal});
  }
  if (filter.only_approved) {
    where.And("p.device_id IS NOT NULL");
  }
  if (filter.only_unapproved) {
    where.And("p.device_id IS NULL");
  }
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(
          "SELECT d.device_id, d.facts, d.first_seen_time, d.last_seen_time, "
          "d.last_terminal, d.last_person, d.last_access, d.event_count, "
          "d.weak_identity, p.access, p.terminal, p.approved_by, "
          "p.approve_time, p.expire_time, p.owner, p.purpose, p.ticket "
          "FROM devices d LEFT JOIN approvals p ON p.device_id = d.device_id "
          "AND (p.expire_time IS NULL OR p.expire_time > ?)" +
          where.sql() + " ORDER BY d.last_seen_time DESC, d.device_id LIMIT " +
          std::to_string(PageSize(paging) + 1)));
  row.Bind(1, now);
  where.BindTo(row, 2);
  Page<Device> page;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return page;
    }
    if (std::ssize(page.rows) == PageSize(paging)) {
      const Device& last = page.rows.back();
      page.next_token =
          std::to_string(last.last_seen_time.time_since_epoch().count()) + ":" +
          last.device_id;
      return page;
    }
    page.rows.push_back(DeviceFrom(row));
  }
}

// ---- alerts ----

Result<std::optional<int64_t>> InsertAlert(Connection& db,
                                           const NewAlert& added) {
  const Alert& alert = added.alert;
  RETURN_IF_ERROR(db.Run(
      "INSERT INTO alerts (alert_key, kind, severity, state, title, agent_id, "
      "terminal, person, device_id, create_time, update_time, event_row_id) "
      "VALUES (?1,?2,?3,1,?4,?5,?6,?7,?8,?9,?9,?10) "
      "ON CONFLICT (alert_key) DO NOTHING",
      added.key, alert.kind, alert.severity, alert.title, alert.agent_id,
      alert.terminal, alert.person, alert.device_id, alert.create_time,
      alert.event_row_id));
  if (db.Changes() == 0) {
    return std::nullopt;
  }
  return db.LastRowId();
}

Result<std::optional<int64_t>> SqliteStore::AddAlert(const NewAlert& alert) {
  std::optional<int64_t> id;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(id, InsertAlert(db, alert));
    return {};
  });
  RETURN_IF_ERROR(written);
  return id;
}

Status SqliteStore::ResolveAlert(int64_t alert_id, WallTime now) {
  return Write([&](Connection& db) {
    return db.Run(
        "UPDATE alerts SET resolve_time=?2, update_time=?2 "
        "WHERE alert_id=?1 AND resolve_time IS NULL",
        alert_id, now);
  });
}

Result<Alert> SqliteStore::ReadAlert(Connection& db, int64_t alert_id) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query(std::string("SELECT ") + kAlertColumns +
                                " FROM alerts WHERE alert_id=?",
                            alert_id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound, "no alert " + std::to_string(alert_id));
  }
  Alert alert = AlertFrom(row);
  RETURN_IF_ERROR(ReadComments(db, alert));
  return alert;
}

Result<Page<Alert>> SqliteStore::ListAlerts(const AlertFilter& filter,
                                            const Paging& paging) {
  ASSIGN_OR_RETURN(const auto before, RowOf(paging));
  Where where;
  if (before) {
    where.And("alert_id<?", {*before});
  }
  if (filter.alert_id != 0) {
    where.And("alert_id=?", {filter.alert_id});
  }
  if (filter.only_unresolved) {
    where.And("resolve_time IS NULL");
  }
  std::vector<int64_t> states;
  for (const AlertState state : filter.states) {
    states.push_back(static_cast<int64_t>(state));
  }
  where.In("state", states);
  const std::pair<const char*, const std::string*> texts[] = {
      {"severity=?", &filter.severity},
      {"kind=?", &filter.kind},
      {"terminal=?", &filter.terminal},
      {"assignee=?", &filter.assignee}};
  for (const auto& [condition, text] : texts) {
    if (!text->empty()) {
      where.And(condition, {*text});
    }
  }
  ASSIGN_OR_RETURN(Reading db, Read());
  Page<Alert> page;
  {
    ASSIGN_OR_RETURN(
        Statement row,
        db->Prepare(std::string("SELECT ") + kAlertColumns + " FROM alerts" +
                    where.sql() + " ORDER BY alert_id DESC LIMIT " +
                    std::to_string(PageSize(paging) + 1)));
    where.BindTo(row);
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) {
        break;
      }
      if (std::ssize(page.rows) == PageSize(paging)) {
        page.next_token = std::to_string(page.rows.back().alert_id);
        break;
      }
      page.rows.push_back(AlertFrom(row));
    }
  }
  for (Alert& alert : page.rows) {
    RETURN_IF_ERROR(ReadComments(*db, alert));
    if (filter.with_events && alert.event_row_id != 0) {
      ASSIGN_OR_RETURN(alert.event, ReadEvent(*db, alert.event_row_id));
    }
  }
  return page;
}

Result<Alert> SqliteStore::UpdateAlert(const AlertChange& change,
                                       const std::string& author,
                                       WallTime now) {
  Alert alert;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(alert, ReadAlert(db, change.alert_id));
    if (alert.state == AlertState::kClosed) {
      return Fail(Code::kFailedPrecondition, "the alert is closed");
    }
    alert.state = change.state.value_or(alert.state);
    alert.assignee = change.assignee.value_or(alert.assignee);
    alert.verdict = change.verdict.value_or(alert.verdict);
    alert.update_time = now;
    if (alert.state == AlertState::kClosed && alert.verdict.empty()) {
      return Fail(Code::kFailedPrecondition, "closing needs a verdict");
    }
    RETURN_IF_ERROR(
        db.Run("UPDATE alerts SET state=?2, assignee=?3, verdict=?4, "
               "update_time=?5 WHERE alert_id=?1",
               alert.alert_id, static_cast<int64_t>(alert.state),
               alert.assignee, alert.verdict, now));
    if (!change.comment.empty()) {
      RETURN_IF_ERROR(db.Run("INSERT INTO alert_comments VALUES (?,?,?,?,?)",
                             alert.alert_id, std::ssize(alert.comments), now,
                             author, change.comment));
      alert.comments.push_back({now, author, change.comment});
    }
    return {};
  });
  RETURN_IF_ERROR(written);
  return alert;
}

}  // namespace sekisho::store
