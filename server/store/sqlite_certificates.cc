// Agents' certificates and how one follows another.
#include "server/store/sqlite_store.h"

namespace sekisho::store {

Status SqliteStore::AddCertificate(const NewCertificate& certificate,
                                   WallTime now) {
  return Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(db, certificate.agent_id));
    if (!certificate.key_hash.empty()) {
      ASSIGN_OR_RETURN(Statement row,
                       db.Query("SELECT 1 FROM certificates WHERE key_hash=?",
                                certificate.key_hash));
      ASSIGN_OR_RETURN(const bool found, row.Step());
      if (found) {
        return Fail(Code::kAlreadyExists, "this key was certified before");
      }
    }
    RETURN_IF_ERROR(
        db.Run("INSERT INTO certificates (serial, agent_no, issue_time, "
               "not_after, key_hash) VALUES (?,?,?,?,?)",
               certificate.serial, agent_no, now, certificate.not_after,
               certificate.key_hash));
    return db.Run("DELETE FROM renewals WHERE agent_no=?", agent_no);
  });
}

Status SqliteStore::UseCertificate(const std::string& serial, WallTime now) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("UPDATE certificates SET use_time=?2 "
               "WHERE serial=?1 AND use_time IS NULL",
               serial, now));
    return db.Run(
        "UPDATE certificates SET retire_time=?2 WHERE retire_time IS NULL AND "
        "(agent_no, issue_time) IN (SELECT o.agent_no, o.issue_time FROM "
        "certificates o JOIN certificates n USING (agent_no) "
        "WHERE n.serial=?1 AND o.issue_time < n.issue_time)",
        serial, now);
  });
}

Result<AgentIdentity> SqliteStore::FindAgent(const std::string& agent_id,
                                             const std::string& serial) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT a.terminal, a.chain_key, a.revoke_time, c.not_after, "
                "c.use_time, c.retire_time FROM agents a "
                "JOIN certificates c USING (agent_no) "
                "WHERE a.agent_id=? AND c.serial=?",
                agent_id, serial));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound,
                "no agent " + agent_id + " with certificate " + serial);
  }
  AgentIdentity identity;
  identity.agent_id = agent_id;
  identity.terminal = row.Text(0);
  identity.chain_key = HashFrom(row.View(1));
  identity.revoked = !row.IsNull(2);
  identity.serial = serial;
  identity.not_after = row.Time(3);
  identity.used_before = !row.IsNull(4);
  identity.retired = !row.IsNull(5);
  return identity;
}

Result<RenewalCase> SqliteStore::FindRenewal(const std::string& agent_id,
                                             const std::string& serial,
                                             const std::string& key_hash,
                                             WallTime since) {
  ASSIGN_OR_RETURN(const AgentIdentity identity, FindAgent(agent_id, serial));
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT (SELECT count(*) FROM certificates c "
                "WHERE c.agent_no=a.agent_no AND c.issue_time > ?4), "
                "(SELECT count(*) FROM certificates c WHERE c.key_hash=?3), "
                "(SELECT approve_time FROM renewals r "
                "WHERE r.agent_no=a.agent_no AND r.serial=?2) "
                "FROM agents a WHERE a.agent_id=?1",
                agent_id, serial, key_hash, since));
  RETURN_IF_ERROR(row.Step());
  RenewalCase found;
  found.terminal = identity.terminal;
  found.revoked = identity.revoked;
  found.retired = identity.retired;
  found.not_after = identity.not_after;
  found.issued_count = row.Int(0);
  found.key_is_new = row.Int(1) == 0;
  found.approve_time = row.MaybeTime(2);
  return found;
}

Result<bool> SqliteStore::AskRenewal(const std::string& agent_id,
                                     const std::string& serial, WallTime now) {
  bool is_new = false;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(db, agent_id));
    RETURN_IF_ERROR(
        db.Run("INSERT INTO renewals (agent_no, serial, ask_time) "
               "VALUES (?1,?2,?3) ON CONFLICT (agent_no) DO UPDATE SET "
               "serial=?2, ask_time=?3, approve_time=NULL, approved_by='' "
               "WHERE renewals.serial<>?2",
               agent_no, serial, now));
    is_new = db.Changes() > 0;
    return {};
  });
  RETURN_IF_ERROR(written);
  return is_new;
}

Status SqliteStore::ApproveRenewal(const std::string& agent_id,
                                   const std::string& by, WallTime now) {
  return Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(db, agent_id));
    RETURN_IF_ERROR(
        db.Run("UPDATE renewals SET approve_time=?2, approved_by=?3 "
               "WHERE agent_no=?1",
               agent_no, now, by));
    if (db.Changes() == 0) {
      return Fail(Code::kFailedPrecondition,
                  "this terminal does not ask for a renewal");
    }
    return {};
  });
}

Result<std::vector<ExpiringCertificate>> SqliteStore::ExpiringCertificates(
    WallTime now) {
  ASSIGN_OR_RETURN(Reading db, Read());
  return CertificatesEndingSoon(*db, now);
}

Result<std::vector<ExpiringCertificate>> CertificatesEndingSoon(Connection& db,
                                                                WallTime now) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT agent_id, terminal, not_after FROM (SELECT a.agent_id, "
               "a.terminal, c.not_after, c.issue_time, row_number() OVER "
               "(PARTITION BY c.agent_no ORDER BY c.not_after DESC) AS place "
               "FROM agents a JOIN certificates c USING (agent_no) "
               "WHERE a.revoke_time IS NULL) AS newest WHERE place=1 AND "
               "6 * (not_after - ?1) < not_after - issue_time",
               now));
  std::vector<ExpiringCertificate> found;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return found;
    }
    found.push_back({row.Text(0), row.Text(1), row.Time(2)});
  }
}

}  // namespace sekisho::store
