// Policy versions, approvals, and the sealed envelopes made from them.
#include "server/store/sqlite_store.h"

namespace sekisho::store {

Result<int64_t> NextVersion(Connection& db, const std::string& type) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT coalesce(max(version), 0) + 1 FROM envelopes "
               "WHERE type=?",
               type));
  RETURN_IF_ERROR(row.Step());
  return row.Int(0);
}

// Only the newest is served; older ones of lists are not kept, since the
// audit log says what changed and a list of 100,000 rows is 10 MB.
Status PutEnvelope(Connection& db, const std::string& type, int64_t version,
                   const std::string& sealed) {
  RETURN_IF_ERROR(db.Run("INSERT INTO envelopes VALUES (?,?,?)", type, version,
                         Blob{sealed}));
  if (type == "devices" || type == "contain" || type == "grant" ||
      type == "code" || type == "people" || type == "data_sets") {
    return db.Run("DELETE FROM envelopes WHERE type=? AND version<?", type,
                  version);
  }
  return {};
}

Result<int64_t> InsertPolicy(Connection& db, const PolicyVersion& policy,
                             const Store::Sealer& seal) {
  ASSIGN_OR_RETURN(const int64_t version, NextVersion(db, "policy"));
  RETURN_IF_ERROR(db.Run("INSERT INTO policies VALUES (?,?,?,?,?,?,?)", version,
                         policy.push_time, policy.author, policy.comment,
                         policy.file_name, policy.mode, policy.text));
  RETURN_IF_ERROR(PutEnvelope(db, "policy", version, seal(version)));
  return version;
}

namespace {

PolicyVersion PolicyFrom(const Statement& row) {
  PolicyVersion policy;
  policy.version = row.Int(0);
  policy.push_time = row.Time(1);
  policy.author = row.Text(2);
  policy.comment = row.Text(3);
  policy.file_name = row.Text(4);
  policy.mode = row.Text(5);
  policy.text = row.Text(6);
  return policy;
}
constexpr const char* kPolicyColumns =
    "version, push_time, author, comment, file_name, mode, text";

Result<std::optional<std::string>> Newest(Connection& db,
                                          const std::string& type) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query("SELECT sealed FROM envelopes WHERE type=? "
                            "ORDER BY version DESC LIMIT 1",
                            type));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  return found ? std::optional(row.Text(0)) : std::nullopt;
}

Status PutApproval(Connection& db, const Approval& approval,
                   const std::string& by, WallTime now) {
  if (approval.access.empty()) {
    RETURN_IF_ERROR(
        db.Run("DELETE FROM approvals WHERE device_id=?", approval.device_id));
    if (db.Changes() == 0) {
      return Fail(Code::kNotFound,
                  "device " + approval.device_id + " is not approved");
    }
    return {};
  }
  // One approved before it was ever plugged is shown too.
  RETURN_IF_ERROR(
      db.Run("INSERT INTO devices (device_id, facts, first_seen_time, "
             "last_seen_time, last_terminal, last_person, last_access, "
             "event_count, weak_identity) VALUES (?1,x'',?2,?2,'','','',0,0) "
             "ON CONFLICT (device_id) DO NOTHING",
             approval.device_id, now));
  return db.Run(
      "INSERT OR REPLACE INTO approvals (device_id, access, terminal, "
      "expire_time, owner, purpose, ticket, approved_by, approve_time) "
      "VALUES (?,?,?,?,?,?,?,?,?)",
      approval.device_id, approval.access, approval.terminal,
      approval.expire_time, approval.owner, approval.purpose, approval.ticket,
      by, now);
}

Result<std::vector<ApprovedDevice>> ApprovalsInForce(Connection& db,
                                                     WallTime now) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT p.device_id, p.access, p.terminal, p.expire_time, "
               "p.owner, p.purpose, p.ticket, d.facts FROM approvals p "
               "JOIN devices d USING (device_id) "
               "WHERE p.expire_time IS NULL OR p.expire_time > ? "
               "ORDER BY p.device_id",
               now));
  std::vector<ApprovedDevice> all;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return all;
    }
    ApprovedDevice& device = all.emplace_back();
    device.approval = {row.Text(0), row.Text(1), row.Text(2), row.MaybeTime(3),
                       row.Text(4), row.Text(5), row.Text(6)};
    const std::string_view facts = row.View(7);
    device.facts.ParseFromArray(facts.data(), static_cast<int>(facts.size()));
  }
}

}  // namespace

Result<int64_t> SqliteStore::AddPolicy(PolicyVersion policy,
                                       const Sealer& seal) {
  const Status written = Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(EndRollout(db, policy.push_time));
    ASSIGN_OR_RETURN(policy.version, InsertPolicy(db, policy, seal));
    return {};
  });
  RETURN_IF_ERROR(written);
  return policy.version;
}

Result<int64_t> SqliteStore::AddEnvelope(const std::string& type,
                                         const Sealer& seal) {
  int64_t version = 0;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(version, NextVersion(db, type));
    return PutEnvelope(db, type, version, seal(version));
  });
  RETURN_IF_ERROR(written);
  return version;
}

Result<Page<PolicyVersion>> SqliteStore::ListPolicies(const Paging& paging) {
  ASSIGN_OR_RETURN(const auto before, RowOf(paging));
  Where where;
  if (before) {
    where.And("version<?", {*before});
  }
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(std::string("SELECT ") + kPolicyColumns + " FROM policies" +
                  where.sql() + " ORDER BY version DESC LIMIT " +
                  std::to_string(PageSize(paging) + 1)));
  where.BindTo(row);
  Page<PolicyVersion> page;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return page;
    }
    if (std::ssize(page.rows) == PageSize(paging)) {
      page.next_token = std::to_string(page.rows.back().version);
      return page;
    }
    page.rows.push_back(PolicyFrom(row));
  }
}

Result<PolicyVersion> SqliteStore::GetPolicy(int64_t version) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query(std::string("SELECT ") + kPolicyColumns +
                                 " FROM policies WHERE version=?",
                             version));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound,
                "no policy version " + std::to_string(version));
  }
  return PolicyFrom(row);
}

Result<std::vector<Store::EnvelopeVersion>> SqliteStore::EnvelopeVersions() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT type, max(version) FROM envelopes GROUP BY type"));
  std::vector<EnvelopeVersion> versions;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return versions;
    }
    versions.push_back({row.Text(0), row.Int(1)});
  }
}

Result<std::string> SqliteStore::NewestEnvelope(const std::string& type) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(std::optional<std::string> sealed, Newest(*db, type));
  if (!sealed) return Fail(Code::kNotFound, "no envelope of type " + type);
  return *std::move(sealed);
}

Result<int64_t> SqliteStore::ChangeEnvelope(const std::string& type,
                                            const EnvelopeChange& change) {
  int64_t version = 0;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(version, NextVersion(db, type));
    ASSIGN_OR_RETURN(const auto newest, Newest(db, type));
    ASSIGN_OR_RETURN(const std::string sealed,
                     change(newest.value_or(""), version));
    return PutEnvelope(db, type, version, sealed);
  });
  RETURN_IF_ERROR(written);
  return version;
}

Result<int64_t> SqliteStore::ChangeApproval(const Approval& approval,
                                            const std::string& by, WallTime now,
                                            const ListSealer& seal) {
  int64_t version = 0;
  const Status written = Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(PutApproval(db, approval, by, now));
    ASSIGN_OR_RETURN(version, NextVersion(db, "devices"));
    ASSIGN_OR_RETURN(const auto all, ApprovalsInForce(db, now));
    return PutEnvelope(db, "devices", version, seal(version, all));
  });
  RETURN_IF_ERROR(written);
  return version;
}

Result<std::optional<Approval>> SqliteStore::FindApproval(
    const std::string& device_id, WallTime now) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT access, terminal, expire_time, owner, purpose, ticket "
                "FROM approvals WHERE device_id=? AND (expire_time IS NULL OR "
                "expire_time>?)",
                device_id, now));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::nullopt;
  return Approval{.device_id = device_id,
                  .access = row.Text(0),
                  .terminal = row.Text(1),
                  .expire_time = row.MaybeTime(2),
                  .owner = row.Text(3),
                  .purpose = row.Text(4),
                  .ticket = row.Text(5)};
}

}  // namespace sekisho::store
