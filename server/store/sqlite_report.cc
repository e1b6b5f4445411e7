// The register of terminals, site outages, inquiries, and whole scans of
// events.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr int kMaxOutages = 200;
constexpr const char* kInquiryColumns =
    "inquiry_id, time, user, reason, owner, person, device_id, file_hash, "
    "from_time, to_time, answer";

Inquiry InquiryFrom(const Statement& row) {
  return {.id = row.Int(0),
          .time = row.Time(1),
          .user = row.Text(2),
          .reason = row.Text(3),
          .owner = row.Text(4),
          .person = row.Text(5),
          .device_id = row.Text(6),
          .file_hash = row.Text(7),
          .from = row.Time(8),
          .to = row.Time(9),
          .answer = row.Text(10),
          .document = ""};
}

}  // namespace

Result<std::vector<RegisteredTerminal>> SqliteStore::RegisteredTerminals() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query(
          "SELECT name, site, groups, hours, owner, service_from, "
          "service_to, remove_time FROM terminal_register ORDER BY name"));
  std::vector<RegisteredTerminal> terminals;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return terminals;
    terminals.push_back({.name = row.Text(0),
                         .site = row.Text(1),
                         .groups = row.Text(2),
                         .hours = row.Text(3),
                         .owner = row.Text(4),
                         .service_from = row.MaybeTime(5),
                         .service_to = row.MaybeTime(6),
                         .remove_time = row.MaybeTime(7)});
  }
}

// A row that was removed stays: its terminal was in service until then. What
// comes back after that is as new, its past stays in the agents' own spans.
Status SqliteStore::PutRegister(
    const std::vector<RegisteredTerminal>& terminals, WallTime now) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("UPDATE terminal_register SET remove_time=? WHERE remove_time "
               "IS NULL",
               now));
    for (const RegisteredTerminal& one : terminals) {
      RETURN_IF_ERROR(db.Run(
          "INSERT OR REPLACE INTO terminal_register VALUES (?,?,?,?,?,?,?,?)",
          one.name, one.site, one.groups, one.hours, one.owner,
          one.service_from, one.service_to, one.remove_time));
    }
    RETURN_IF_ERROR(FillTerminalGroups(db));
    return db.Run("UPDATE register_version SET version=version+1");
  });
}

Result<int64_t> SqliteStore::RegisterVersion() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query("SELECT version FROM register_version"));
  RETURN_IF_ERROR(row.Step());
  return row.Int(0);
}

Status SqliteStore::PutSiteOutage(const SiteOutage& outage) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(db.Run(
        "INSERT INTO site_outages VALUES (?1,?2,?3,?4) ON CONFLICT "
        "(alert_id) DO UPDATE SET end_time=?4",
        outage.alert_id, outage.site, outage.begin_time, outage.end_time));
    for (const std::string& agent_id : outage.agent_ids) {
      RETURN_IF_ERROR(
          db.Run("INSERT OR IGNORE INTO site_outage_agents VALUES (?,?)",
                 outage.alert_id, agent_id));
    }
    return {};
  });
}

Result<std::vector<SiteOutage>> SqliteStore::ListSiteOutages(
    const Scope& scope) {
  const std::string seen =
      scope.IsWholeFleet()
          ? ""
          : " AND s.agent_id IN (SELECT t.agent_id FROM agents t WHERE "
            "t.terminal IN (" +
                TerminalsSql(scope) + "))";
  ASSIGN_OR_RETURN(Reading db, Read());
  std::vector<SiteOutage> outages;
  {
    ASSIGN_OR_RETURN(
        Statement row,
        db->Query(
            "SELECT o.alert_id, o.site, o.begin_time, o.end_time "
            "FROM site_outages o" +
            (seen.empty() ? std::string()
                          : " WHERE EXISTS (SELECT 1 FROM site_outage_agents s "
                            "WHERE s.alert_id=o.alert_id" +
                                seen + ")") +
            " ORDER BY o.alert_id DESC LIMIT " + std::to_string(kMaxOutages)));
    BindScope(row, scope, 1);
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) break;
      outages.push_back(
          {row.Int(0), row.Text(1), row.Time(2), row.MaybeTime(3), {}});
    }
  }
  for (SiteOutage& outage : outages) {
    ASSIGN_OR_RETURN(Statement row,
                     db->Query("SELECT s.agent_id FROM site_outage_agents s "
                               "WHERE s.alert_id=?" +
                                   seen + " ORDER BY s.agent_id",
                               outage.alert_id));
    BindScope(row, scope, 2);
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) break;
      outage.agent_ids.push_back(row.Text(0));
    }
  }
  return outages;
}

Result<int64_t> SqliteStore::AddInquiry(const Inquiry& inquiry) {
  int64_t id = 0;
  const Status written = Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(db.Run(
        "INSERT INTO inquiries (time, user, reason, owner, person, device_id, "
        "file_hash, from_time, to_time, answer, document) VALUES "
        "(?,?,?,?,?,?,?,?,?,?,?)",
        inquiry.time, inquiry.user, inquiry.reason, inquiry.owner,
        inquiry.person, inquiry.device_id, inquiry.file_hash, inquiry.from,
        inquiry.to, inquiry.answer, Blob{inquiry.document}));
    id = db.LastRowId();
    return {};
  });
  RETURN_IF_ERROR(written);
  return id;
}

Result<Page<Inquiry>> SqliteStore::ListInquiries(const Paging& paging) {
  ASSIGN_OR_RETURN(const auto before, RowOf(paging));
  Where where;
  if (before) where.And("inquiry_id<?", {*before});
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(std::string("SELECT ") + kInquiryColumns + " FROM inquiries" +
                  where.sql() + " ORDER BY inquiry_id DESC LIMIT " +
                  std::to_string(PageSize(paging) + 1)));
  where.BindTo(row);
  Page<Inquiry> page;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return page;
    if (std::ssize(page.rows) == PageSize(paging)) {
      page.next_token = std::to_string(page.rows.back().id);
      return page;
    }
    page.rows.push_back(InquiryFrom(row));
  }
}

Result<Inquiry> SqliteStore::GetInquiry(int64_t id) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query(std::string("SELECT ") + kInquiryColumns +
                                 ", document FROM inquiries WHERE inquiry_id=?",
                             id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound, "no inquiry " + std::to_string(id));
  }
  Inquiry inquiry = InquiryFrom(row);
  inquiry.document = row.Text(11);
  return inquiry;
}

}  // namespace sekisho::store
