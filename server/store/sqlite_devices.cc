// The device inventory, and what is lost of it.
#include "server/store/sqlite_counts_schema.h"
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

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
  device.name = row.Text(17);
  if (!row.IsNull(18)) {
    device.lost = LostMark{device.device_id, row.Text(18), row.Text(19),
                           row.Text(20), row.Time(21)};
  }
  device.confirm_time = row.MaybeTime(22);
  device.confirmed_by = row.Text(23);
  return device;
}

const char* ConditionOf(DeviceState state) {
  switch (state) {
    case DeviceState::kApproved:
      return "p.device_id IS NOT NULL";
    case DeviceState::kUnapproved:
      return "p.device_id IS NULL";
    case DeviceState::kLost:
      return "l.device_id IS NOT NULL";
    case DeviceState::kWeak:
      return "d.weak_identity<>0";
  }
  return "1=1";
}

// What is typed is a part of the text, not a pattern.
std::string LikeText(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out;
}

}  // namespace

Status UpsertDevice(Connection& db, const DeviceSeen& seen) {
  const std::string facts = seen.facts.SerializeAsString();
  if (seen.past) {
    return db.Run(
        "INSERT OR IGNORE INTO devices (device_id, facts, first_seen_time, "
        "last_seen_time, last_terminal, last_person, last_access, event_count, "
        "weak_identity, name) VALUES (?1,?2,?3,?3,?4,'','',0,?5,?6)",
        seen.device_id, Blob{facts}, seen.time, seen.terminal,
        seen.weak_identity,
        DeviceNameOf(seen.facts.manufacturer(), seen.facts.product()));
  }
  return db.Run(
      "INSERT INTO devices (device_id, facts, first_seen_time, "
      "last_seen_time, last_terminal, last_person, last_access, event_count, "
      "weak_identity, name) VALUES (?1,?2,?3,?3,?4,?5,?6,1,?7,?8) "
      "ON CONFLICT (device_id) DO UPDATE SET facts=excluded.facts, "
      "first_seen_time=CASE WHEN devices.event_count=0 THEN "
      "excluded.first_seen_time ELSE devices.first_seen_time END, "
      "last_seen_time=excluded.last_seen_time, "
      "last_terminal=excluded.last_terminal, "
      "last_person=excluded.last_person, "
      "last_access=CASE excluded.last_access WHEN '' THEN devices.last_access "
      "ELSE excluded.last_access END, event_count=devices.event_count+1, "
      "weak_identity=CASE WHEN excluded.weak_identity<>0 THEN 1 ELSE "
      "devices.weak_identity END, "
      "name=excluded.name",
      seen.device_id, Blob{facts}, seen.time, seen.terminal, seen.person,
      seen.access, seen.weak_identity,
      DeviceNameOf(seen.facts.manufacturer(), seen.facts.product()));
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
  if (!filter.text.empty()) {
    const std::string part = "%" + LikeText(filter.text) + "%";
    where.And(
        "(d.device_id LIKE ? ESCAPE '\\' OR d.name LIKE ? ESCAPE '\\' OR "
        "d.last_terminal LIKE ? ESCAPE '\\' OR d.last_person LIKE ? ESCAPE "
        "'\\' OR p.owner LIKE ? ESCAPE '\\')",
        {part, part, part, part, part});
  }
  if (filter.state) {
    where.And(ConditionOf(*filter.state));
  }
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(
          "SELECT d.device_id, d.facts, d.first_seen_time, d.last_seen_time, "
          "d.last_terminal, d.last_person, d.last_access, d.event_count, "
          "d.weak_identity, p.access, p.terminal, p.approved_by, "
          "p.approve_time, p.expire_time, p.owner, p.purpose, p.ticket, "
          "d.name, l.how, l.note, l.marked_by, l.mark_time, c.confirm_time, "
          "c.confirmed_by "
          "FROM devices d LEFT JOIN approvals p ON p.device_id = d.device_id "
          "AND (p.expire_time IS NULL OR p.expire_time > ?) "
          "LEFT JOIN lost_devices l ON l.device_id = d.device_id "
          "LEFT JOIN device_confirms c ON c.device_id = d.device_id" +
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

// ---- what is still there ----

Status SqliteStore::ConfirmDevice(const Confirmation& confirmation) {
  return Write([&](Connection& db) -> Status {
    {
      ASSIGN_OR_RETURN(Statement row,
                       db.Query("SELECT 1 FROM devices WHERE device_id=?",
                                confirmation.device_id));
      ASSIGN_OR_RETURN(const bool known, row.Step());
      if (!known) {
        return Fail(Code::kNotFound,
                    "there is no device " + confirmation.device_id);
      }
    }
    return db.Run("INSERT OR REPLACE INTO device_confirms VALUES (?,?,?,?)",
                  confirmation.device_id, confirmation.note,
                  confirmation.confirmed_by, confirmation.confirm_time);
  });
}

// ---- what is lost ----

Status SqliteStore::MarkLost(const LostMark& mark) {
  return Write([&](Connection& db) {
    return db.Run("INSERT OR REPLACE INTO lost_devices VALUES (?,?,?,?,?)",
                  mark.device_id, mark.how, mark.note, mark.marked_by,
                  mark.mark_time);
  });
}

Status SqliteStore::ClearLost(const std::string& device_id) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("DELETE FROM lost_devices WHERE device_id=?", device_id));
    if (db.Changes() == 0) {
      return Fail(Code::kNotFound,
                  "device " + device_id + " is not marked as lost");
    }
    return {};
  });
}

Result<std::map<std::string, LostMark>> SqliteStore::LostDevices() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query("SELECT device_id, how, note, marked_by, "
                             "mark_time FROM lost_devices"));
  std::map<std::string, LostMark> lost;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return lost;
    }
    lost[row.Text(0)] = {row.Text(0), row.Text(1), row.Text(2), row.Text(3),
                         row.Time(4)};
  }
}

}  // namespace sekisho::store
