// Agents and their heartbeats, enrolment tokens.
#include <algorithm>

#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kAgentColumns =
    "a.agent_id, a.terminal, a.hostname, a.revoke_time, a.agent_version, "
    "a.mode, a.gate_state, a.core_alive, a.policy_version, a.last_seen_time, "
    "h.sequence, a.head_sequence, a.spooled_count, a.enrol_time, "
    "a.revoke_reason, "
    "(SELECT max(not_after) FROM certificates c WHERE c.agent_no=a.agent_no), "
    "r.ask_time, r.approve_time";
constexpr const char* kFromAgents =
    " FROM agents a JOIN heads h USING (agent_no) "
    "LEFT JOIN renewals r USING (agent_no)";

Agent AgentFrom(const Statement& row) {
  Agent agent;
  agent.agent_id = row.Text(0);
  agent.terminal = row.Text(1);
  agent.hostname = row.Text(2);
  agent.state = row.IsNull(3) ? AgentState::kEnrolled : AgentState::kRevoked;
  agent.agent_version = row.Text(4);
  agent.mode = row.Text(5);
  agent.gate_state = row.Text(6);
  agent.core_alive = row.Int(7) != 0;
  agent.policy_version = row.Int(8);
  agent.last_seen_time = row.MaybeTime(9);
  agent.acked_sequence = row.Int(10);
  agent.head_sequence = row.Int(11);
  agent.spooled_count = row.Int(12);
  agent.enrol_time = row.Time(13);
  agent.revoke_reason = row.Text(14);
  agent.certificate_not_after = row.MaybeTime(15);
  if (!row.IsNull(16)) {
    agent.renewal =
        row.IsNull(17) ? RenewalState::kAsked : RenewalState::kApproved;
  }
  return agent;
}

Result<std::vector<Agent>> Agents(Statement row) {
  std::vector<Agent> agents;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return agents;
    }
    agents.push_back(AgentFrom(row));
  }
}

}  // namespace

// A terminal that enrols again (new disk, new system) is one agent: the one
// before it ends.
Status SqliteStore::AddAgent(const NewAgent& agent) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("UPDATE agents SET revoke_time=?2, revoke_reason=?3 "
               "WHERE terminal=?1 AND revoke_time IS NULL",
               agent.terminal, agent.enrol_time,
               "enrolled again as " + agent.agent_id));
    RETURN_IF_ERROR(db.Run(
        "INSERT INTO agents (agent_id, terminal, hostname, machine_id, "
        "agent_version, chain_key, enrol_time) VALUES (?,?,?,?,?,?,?)",
        agent.agent_id, agent.terminal, agent.hostname, agent.machine_id,
        agent.agent_version, Blob{AsText(agent.chain_key)}, agent.enrol_time));
    const event::Head first;
    return db.Run("INSERT INTO heads VALUES (?,?,?,?)", db.LastRowId(),
                  first.epoch, first.sequence, Blob{AsText(first.hash)});
  });
}

Result<event::ChainPublicKey> SqliteStore::ChainKeyOf(
    const std::string& agent_id) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT chain_key FROM agents WHERE agent_id=?", agent_id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound, "no agent " + agent_id);
  }
  return HashFrom(row.View(0));
}

Status SqliteStore::RevokeAgent(const std::string& agent_id,
                                const std::string& reason, WallTime now) {
  return Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(db, agent_id));
    return db.Run(
        "UPDATE agents SET revoke_time=?2, revoke_reason=?3 "
        "WHERE agent_no=?1 AND revoke_time IS NULL",
        agent_no, now, reason);
  });
}

Result<std::vector<std::string>> SqliteStore::RevokedAgents() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT agent_id FROM agents WHERE revoke_time IS NOT NULL"));
  std::vector<std::string> ids;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return ids;
    }
    ids.push_back(row.Text(0));
  }
}

void SqliteStore::PutHeartbeat(AgentHeartbeat heartbeat) {
  Enqueue(
      [heartbeat = std::move(heartbeat)](Connection& db) -> Status {
        RETURN_IF_ERROR(ExtendCoverage(db, heartbeat));
        return db.Run(
            "UPDATE agents SET last_seen_time=?2, mode=?3, gate_state=?4, "
            "core_alive=?5, policy_version=?6, head_sequence=?7, "
            "spooled_count=?8, hostname=CASE ?9 WHEN '' THEN hostname ELSE ?9 "
            "END, agent_version=CASE ?10 WHEN '' THEN agent_version ELSE ?10 "
            "END WHERE agent_id=?1",
            heartbeat.agent_id, heartbeat.time, heartbeat.mode,
            heartbeat.gate_state, heartbeat.core_alive,
            heartbeat.policy_version, heartbeat.head.sequence,
            heartbeat.spooled_count, heartbeat.hostname,
            heartbeat.agent_version);
      },
      [](const Status&) {});
}

Result<Page<Agent>> SqliteStore::ListAgents(const Paging& paging,
                                            const Scope& scope) {
  Where where;
  where.SeenTerminal("a.terminal", scope);
  if (!paging.token.empty()) {
    // "agent_id:terminal" of the last row shown.
    const size_t colon = paging.token.find(':');
    if (colon == std::string::npos) {
      return Fail(Code::kInvalidArgument, "page token is not one of ours");
    }
    where.And("(a.terminal, a.agent_id) > (?,?)",
              {paging.token.substr(colon + 1), paging.token.substr(0, colon)});
  }
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(std::string("SELECT ") + kAgentColumns + kFromAgents +
                  where.sql() + " ORDER BY a.terminal, a.agent_id LIMIT " +
                  std::to_string(PageSize(paging) + 1)));
  where.BindTo(row);
  Page<Agent> page;
  ASSIGN_OR_RETURN(page.rows, Agents(std::move(row)));
  if (std::ssize(page.rows) > PageSize(paging)) {
    page.rows.pop_back();
    page.next_token =
        page.rows.back().agent_id + ":" + page.rows.back().terminal;
  }
  return page;
}

Result<Agent> SqliteStore::GetAgent(const std::string& agent_id) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query(std::string("SELECT ") + kAgentColumns +
                                 kFromAgents + " WHERE a.agent_id=?",
                             agent_id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound, "no agent " + agent_id);
  }
  return AgentFrom(row);
}

Result<std::vector<Agent>> SqliteStore::AllAgents() { return AgentsIn({}); }

Result<std::vector<Agent>> SqliteStore::AgentsIn(const Scope& scope) {
  Where where;
  where.SeenTerminal("a.terminal", scope);
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(std::string("SELECT ") + kAgentColumns + kFromAgents +
                  where.sql() + " ORDER BY a.agent_no"));
  where.BindTo(row);
  return Agents(std::move(row));
}

Status SqliteStore::AddToken(const StoredToken& token) {
  return Write([&](Connection& db) {
    return db.Run(
        "INSERT INTO tokens (hash, hostname, terminal, created_by, "
        "create_time, expire_time) VALUES (?,?,?,?,?,?)",
        Blob{AsText(token.hash)}, token.hostname, token.terminal,
        token.created_by, token.create_time, token.expire_time);
  });
}

Result<StoredToken> SqliteStore::UseToken(const SecretHash& hash,
                                          const std::string& hostname,
                                          const std::string& agent_id,
                                          WallTime now) {
  StoredToken token;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(
        Statement row,
        db.Query("SELECT hostname, terminal, created_by, create_time, "
                 "expire_time, use_time FROM tokens WHERE hash=?",
                 Blob{AsText(hash)}));
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (!found) {
      return Fail(Code::kNotFound, "token is not known");
    }
    token = {hash,        row.Text(0), row.Text(1),
             row.Text(2), row.Time(3), row.Time(4)};
    if (!row.IsNull(5)) {
      return Fail(Code::kAlreadyExists, "token was used before");
    }
    if (token.expire_time <= now) {
      return Fail(Code::kDeadlineExceeded, "token has expired");
    }
    if (!token.hostname.empty() && token.hostname != hostname) {
      return Fail(Code::kPermissionDenied,
                  "token is bound to another host name");
    }
    return db.Run("UPDATE tokens SET use_time=?2, agent_id=?3 WHERE hash=?1",
                  Blob{AsText(hash)}, now, agent_id);
  });
  RETURN_IF_ERROR(written);
  return token;
}

}  // namespace sekisho::store
