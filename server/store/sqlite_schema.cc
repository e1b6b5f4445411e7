#include "server/store/sqlite_schema.h"

#include <array>
#include <string>

#include "proto/event_bytes.h"
#include "server/store/event_files.h"
#include "server/store/log_tree.h"
#include "server/store/sqlite_counts_schema.h"
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

// Times are microseconds since 1970. An agent's rows carry its small number
// (agent_no), not its 36 characters. `events` has no index but its row id: the
// head row is the deduplication, all else is built behind it.
constexpr const char* kFirst = R"sql(
CREATE TABLE agents (
  agent_no INTEGER PRIMARY KEY,
  agent_id TEXT NOT NULL UNIQUE,
  terminal TEXT NOT NULL,
  hostname TEXT NOT NULL,
  machine_id TEXT NOT NULL,
  agent_version TEXT NOT NULL,
  chain_key BLOB NOT NULL,
  enrol_time INTEGER NOT NULL,
  revoke_time INTEGER,
  revoke_reason TEXT NOT NULL DEFAULT '',
  last_seen_time INTEGER,
  mode TEXT NOT NULL DEFAULT '',
  gate_state TEXT NOT NULL DEFAULT '',
  core_alive INTEGER NOT NULL DEFAULT 1,
  policy_version INTEGER NOT NULL DEFAULT 0,
  head_sequence INTEGER NOT NULL DEFAULT 0,
  spooled_count INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX agents_terminal ON agents(terminal, agent_id);

CREATE TABLE heads (
  agent_no INTEGER PRIMARY KEY REFERENCES agents,
  epoch INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  hash BLOB NOT NULL
);

CREATE TABLE certificates (
  serial TEXT PRIMARY KEY,
  agent_no INTEGER NOT NULL REFERENCES agents,
  issue_time INTEGER NOT NULL,
  not_after INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tokens (
  hash BLOB PRIMARY KEY,
  hostname TEXT NOT NULL,
  terminal TEXT NOT NULL,
  created_by TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  expire_time INTEGER NOT NULL,
  use_time INTEGER,
  agent_id TEXT
) WITHOUT ROWID;

CREATE TABLE events (
  row_id INTEGER PRIMARY KEY,
  agent_no INTEGER NOT NULL REFERENCES agents,
  epoch INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  receive_time INTEGER NOT NULL,
  public_part BLOB NOT NULL,
  personal_part BLOB NOT NULL,
  salt BLOB NOT NULL,
  personal_hash BLOB NOT NULL,
  prev_hash BLOB NOT NULL,
  hash BLOB NOT NULL,
  signature BLOB NOT NULL
);

CREATE TABLE index_mark (row_id INTEGER NOT NULL);
INSERT INTO index_mark VALUES (0);

CREATE TABLE event_index (
  row_id INTEGER PRIMARY KEY,
  agent_no INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  person TEXT NOT NULL,
  device_id TEXT NOT NULL,
  receive_time INTEGER NOT NULL
);
CREATE INDEX event_index_chain ON event_index(agent_no, epoch, sequence);
CREATE INDEX event_index_agent ON event_index(agent_no, row_id);
CREATE INDEX event_index_kind ON event_index(kind, row_id);
CREATE INDEX event_index_person ON event_index(person, row_id);
CREATE INDEX event_index_device ON event_index(device_id, row_id)
  WHERE device_id <> '';
CREATE INDEX event_index_time ON event_index(receive_time);

CREATE TABLE devices (
  device_id TEXT PRIMARY KEY,
  facts BLOB NOT NULL,
  first_seen_time INTEGER NOT NULL,
  last_seen_time INTEGER NOT NULL,
  last_terminal TEXT NOT NULL,
  last_person TEXT NOT NULL,
  last_access TEXT NOT NULL,
  event_count INTEGER NOT NULL,
  weak_identity INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX devices_seen ON devices(last_seen_time, device_id);

CREATE TABLE approvals (
  device_id TEXT PRIMARY KEY,
  access TEXT NOT NULL,
  terminal TEXT NOT NULL,
  expire_time INTEGER,
  owner TEXT NOT NULL,
  purpose TEXT NOT NULL,
  ticket TEXT NOT NULL,
  approved_by TEXT NOT NULL,
  approve_time INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE alerts (
  alert_id INTEGER PRIMARY KEY,
  alert_key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  state INTEGER NOT NULL,
  title TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  terminal TEXT NOT NULL,
  person TEXT NOT NULL,
  device_id TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL,
  event_row_id INTEGER NOT NULL,
  resolve_time INTEGER,
  assignee TEXT NOT NULL DEFAULT '',
  verdict TEXT NOT NULL DEFAULT ''
);
CREATE INDEX alerts_state ON alerts(state, alert_id);
CREATE TABLE alert_comments (
  alert_id INTEGER NOT NULL REFERENCES alerts,
  comment_no INTEGER NOT NULL,
  time INTEGER NOT NULL,
  author TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (alert_id, comment_no)
) WITHOUT ROWID;

CREATE TABLE policies (
  version INTEGER PRIMARY KEY,
  push_time INTEGER NOT NULL,
  author TEXT NOT NULL,
  comment TEXT NOT NULL,
  file_name TEXT NOT NULL,
  mode TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE TABLE envelopes (
  type TEXT NOT NULL,
  version INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (type, version)
);

CREATE TABLE users (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  create_time INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE sessions (
  hash BLOB PRIMARY KEY,
  csrf TEXT NOT NULL,
  user TEXT NOT NULL REFERENCES users,
  create_time INTEGER NOT NULL,
  use_time INTEGER NOT NULL,
  expire_time INTEGER NOT NULL,
  must_set_password INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE login_codes (
  hash BLOB PRIMARY KEY,
  user TEXT NOT NULL REFERENCES users,
  expire_time INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
  row_id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  user TEXT NOT NULL,
  door TEXT NOT NULL,
  address TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  result TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
)sql";

// Chains that start anew. An event that is carried over into the next epoch
// keeps its id, by which the indexer knows it again.
constexpr const char* kEpochs = R"sql(
CREATE TABLE closed_epochs (
  agent_no INTEGER NOT NULL REFERENCES agents,
  epoch INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  hash BLOB NOT NULL,
  close_time INTEGER NOT NULL,
  PRIMARY KEY (agent_no, epoch)
) WITHOUT ROWID;
ALTER TABLE event_index ADD COLUMN event_id BLOB NOT NULL DEFAULT x'';
ALTER TABLE event_index ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;
)sql";

// The ids of what was indexed before there was a column for them.
Status FillEventIds(Connection& db) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query("SELECT i.row_id, e.public_part FROM event_index i "
                            "JOIN events e USING (row_id)"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return db.Script(
          "CREATE INDEX event_index_id ON event_index(event_id, agent_no)");
    }
    event::v1::PublicPart part;
    if (part.ParseFromString(row.Text(1))) {
      RETURN_IF_ERROR(db.Run("UPDATE event_index SET event_id=? WHERE row_id=?",
                             Blob{part.event_id()}, row.Int(0)));
    }
  }
}

// Certificates that follow each other. An agent has one row in `renewals` at
// most: what it asks for now, with which certificate.
constexpr const char* kRenewals = R"sql(
ALTER TABLE certificates ADD COLUMN key_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE certificates ADD COLUMN use_time INTEGER;
ALTER TABLE certificates ADD COLUMN retire_time INTEGER;
CREATE UNIQUE INDEX certificates_key ON certificates(key_hash)
  WHERE key_hash <> '';
CREATE INDEX certificates_agent ON certificates(agent_no, not_after);
CREATE TABLE renewals (
  agent_no INTEGER PRIMARY KEY REFERENCES agents,
  serial TEXT NOT NULL,
  ask_time INTEGER NOT NULL,
  approve_time INTEGER,
  approved_by TEXT NOT NULL DEFAULT ''
);
)sql";

// The Merkle log: 256 hashes a row, the id is level and number of the tile.
constexpr const char* kLog = R"sql(
CREATE TABLE log_tiles (
  tile_id INTEGER PRIMARY KEY,
  hashes BLOB NOT NULL
);
)sql";

// The SOC's orders to use no media; those that run are signed into "contain".
constexpr const char* kContain = R"sql(
CREATE TABLE containments (
  contain_id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_by TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  from_time INTEGER NOT NULL,
  end_time INTEGER NOT NULL,
  over_time INTEGER,
  lifted_by TEXT NOT NULL,
  lift_reason TEXT NOT NULL,
  alert_id INTEGER NOT NULL,
  version INTEGER NOT NULL
);
CREATE INDEX containments_running ON containments(contain_id)
  WHERE over_time IS NULL;
)sql";

// What may pass once, and what operators are told of their requests; both are
// signed into "grant".
constexpr const char* kGrants = R"sql(
CREATE TABLE transfer_grants (
  grant_id INTEGER PRIMARY KEY AUTOINCREMENT,
  alert_id INTEGER NOT NULL,
  agent_id TEXT NOT NULL,
  person TEXT NOT NULL,
  device_id TEXT NOT NULL,
  file_hash BLOB NOT NULL,
  persons INTEGER NOT NULL,
  types TEXT NOT NULL,
  purpose TEXT NOT NULL,
  created_by TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  end_time INTEGER NOT NULL,
  used_time INTEGER,
  used_event_row_id INTEGER NOT NULL,
  over_time INTEGER,
  over_why TEXT NOT NULL,
  version INTEGER NOT NULL
);
CREATE INDEX transfer_grants_running ON transfer_grants(grant_id)
  WHERE over_time IS NULL;
CREATE TABLE request_answers (
  alert_id INTEGER PRIMARY KEY,
  event_id BLOB NOT NULL,
  approved INTEGER NOT NULL,
  answer_time INTEGER NOT NULL
);
)sql";

// How far each sink outside has been told (docs/adr/0409).
constexpr const char* kSinks = R"sql(
CREATE TABLE sinks (
  name TEXT PRIMARY KEY,
  alert_id INTEGER NOT NULL,
  event_row_id INTEGER NOT NULL,
  sent_count INTEGER NOT NULL,
  gap_count INTEGER NOT NULL,
  untold_gap_count INTEGER NOT NULL,
  sent_time INTEGER
) WITHOUT ROWID;
)sql";

// Policy on its way through the rings, one row a terminal that was offered it,
// and what was refused by the minute, which is what a jump is seen by.
constexpr const char* kRollouts = R"sql(
CREATE TABLE rollouts (
  version INTEGER PRIMARY KEY,
  base_version INTEGER NOT NULL,
  rings TEXT NOT NULL,
  state TEXT NOT NULL,
  ring INTEGER NOT NULL,
  started_by TEXT NOT NULL,
  start_time INTEGER NOT NULL,
  ring_time INTEGER NOT NULL,
  watch_time INTEGER NOT NULL,
  end_time INTEGER,
  halt_time INTEGER,
  halted_by TEXT NOT NULL,
  halt_reason TEXT NOT NULL,
  alert_id INTEGER NOT NULL,
  event_row_id INTEGER NOT NULL
);
CREATE UNIQUE INDEX rollouts_live ON rollouts((1)) WHERE end_time IS NULL;
CREATE TABLE rollout_terminals (
  version INTEGER NOT NULL REFERENCES rollouts,
  agent_no INTEGER NOT NULL REFERENCES agents,
  told_time INTEGER NOT NULL,
  ack_time INTEGER,
  refuse_time INTEGER,
  refuse_reason TEXT NOT NULL,
  PRIMARY KEY (version, agent_no)
) WITHOUT ROWID;
CREATE TABLE rings (
  one INTEGER PRIMARY KEY CHECK (one=1),
  text TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_time INTEGER NOT NULL
);
CREATE TABLE block_counts (
  minute INTEGER NOT NULL,
  agent_no INTEGER NOT NULL,
  policy_version INTEGER NOT NULL,
  made INTEGER NOT NULL,
  observed INTEGER NOT NULL,
  PRIMARY KEY (minute, agent_no, policy_version)
) WITHOUT ROWID;
INSERT INTO block_counts
  SELECT receive_time / 60000000, agent_no, 0, sum(1 - observe_only),
    sum(observe_only)
  FROM event_index
  WHERE kind IN (1,3,6) AND repeats=0 AND outcome NOT IN (0,1,2)
  GROUP BY 1, 2;
)sql";

// Codes over the phone; those that run are signed into "code". A terminal's
// secret is sealed to a key that is not in the database.
constexpr const char* kCodes = R"sql(
CREATE TABLE offline_codes (
  code_id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  challenge TEXT NOT NULL,
  seconds INTEGER NOT NULL,
  person TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_by TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  end_time INTEGER NOT NULL,
  code_match BLOB NOT NULL,
  used_time INTEGER,
  used_event_row_id INTEGER NOT NULL,
  used_person TEXT NOT NULL,
  over_time INTEGER,
  over_why TEXT NOT NULL,
  version INTEGER NOT NULL
);
CREATE INDEX offline_codes_running ON offline_codes(code_id)
  WHERE over_time IS NULL;
CREATE INDEX offline_codes_match ON offline_codes(code_match);
CREATE TABLE code_secrets (
  agent_id TEXT PRIMARY KEY,
  sealed BLOB NOT NULL,
  event_row_id INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

// When each terminal was covered (docs/adr/0415): of an agent's newest span
// only the end moves, with each heartbeat; a row more only when the state
// changes or a gap is over. The register of terminals, and what was asked.
constexpr const char* kCoverage = R"sql(
CREATE TABLE coverage_open (
  agent_no INTEGER PRIMARY KEY REFERENCES agents,
  state INTEGER NOT NULL,
  from_time INTEGER NOT NULL,
  to_time INTEGER NOT NULL,
  first_boot TEXT NOT NULL,
  first_microseconds INTEGER NOT NULL,
  first_epoch INTEGER NOT NULL,
  first_sequence INTEGER NOT NULL,
  last_boot TEXT NOT NULL,
  last_microseconds INTEGER NOT NULL,
  last_epoch INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL
);
CREATE TABLE coverage_spans (
  span_id INTEGER PRIMARY KEY,
  agent_no INTEGER NOT NULL REFERENCES agents,
  state INTEGER NOT NULL,
  from_time INTEGER NOT NULL,
  to_time INTEGER NOT NULL,
  first_boot TEXT NOT NULL,
  first_microseconds INTEGER NOT NULL,
  first_epoch INTEGER NOT NULL,
  first_sequence INTEGER NOT NULL,
  last_boot TEXT NOT NULL,
  last_microseconds INTEGER NOT NULL,
  last_epoch INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL
);
CREATE INDEX coverage_heard ON coverage_spans(agent_no, from_time)
  WHERE state NOT IN (7,8);
CREATE INDEX coverage_overlays ON coverage_spans(agent_no, from_time)
  WHERE state IN (7,8);
CREATE TABLE terminal_register (
  name TEXT PRIMARY KEY,
  site TEXT NOT NULL,
  groups TEXT NOT NULL,
  hours TEXT NOT NULL,
  owner TEXT NOT NULL,
  service_from INTEGER,
  service_to INTEGER,
  remove_time INTEGER
) WITHOUT ROWID;
CREATE TABLE register_version (version INTEGER NOT NULL);
INSERT INTO register_version VALUES (0);
CREATE TABLE site_outages (
  alert_id INTEGER PRIMARY KEY,
  site TEXT NOT NULL,
  begin_time INTEGER NOT NULL,
  end_time INTEGER
);
CREATE TABLE site_outage_agents (
  alert_id INTEGER NOT NULL REFERENCES site_outages,
  agent_id TEXT NOT NULL,
  PRIMARY KEY (alert_id, agent_id)
) WITHOUT ROWID;
CREATE TABLE inquiries (
  inquiry_id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  user TEXT NOT NULL,
  reason TEXT NOT NULL,
  owner TEXT NOT NULL,
  person TEXT NOT NULL,
  device_id TEXT NOT NULL,
  file_hash TEXT NOT NULL,
  from_time INTEGER NOT NULL,
  to_time INTEGER NOT NULL,
  answer TEXT NOT NULL,
  document BLOB NOT NULL
);
)sql";

// One role becomes several (docs/adr/0413): nobody loses what he could do.
constexpr const char* kRoles = R"sql(
ALTER TABLE users RENAME COLUMN role TO roles;
UPDATE users SET roles = CASE roles
  WHEN 'admin' THEN 'viewer,analyst,approver,policy_author,auditor,admin'
  WHEN 'analyst' THEN 'viewer,analyst'
  ELSE '' END;
)sql";

// Users are disabled, not deleted: the audit log names them. The
// authenticator's secret must be read to check a code; recovery codes and API
// tokens are hashed (docs/adr/0414).
constexpr const char* kSecondFactor = R"sql(
ALTER TABLE users ADD COLUMN disable_time INTEGER;
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
CREATE TABLE totp (
  user TEXT PRIMARY KEY REFERENCES users,
  secret BLOB NOT NULL,
  in_force INTEGER NOT NULL,
  last_step INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE recovery_codes (
  hash BLOB PRIMARY KEY,
  user TEXT NOT NULL REFERENCES users
) WITHOUT ROWID;
CREATE TABLE api_tokens (
  token_id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  user TEXT NOT NULL REFERENCES users,
  roles TEXT NOT NULL,
  created_by TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  expire_time INTEGER NOT NULL,
  use_time INTEGER,
  revoke_time INTEGER,
  revoked_by TEXT NOT NULL
);
)sql";

// What belongs together (docs/adr/0419). A case that has a hold_time keeps what
// is in it from being deleted.
constexpr const char* kCases = R"sql(
CREATE TABLE cases (
  case_id INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  state INTEGER NOT NULL,
  verdict TEXT NOT NULL DEFAULT '',
  close_reason TEXT NOT NULL DEFAULT '',
  owner TEXT NOT NULL,
  opened_by TEXT NOT NULL,
  open_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL,
  closed_by TEXT NOT NULL DEFAULT '',
  close_time INTEGER,
  hold_time INTEGER,
  hold_reason TEXT NOT NULL DEFAULT '',
  held_by TEXT NOT NULL DEFAULT '',
  release_time INTEGER,
  release_reason TEXT NOT NULL DEFAULT '',
  released_by TEXT NOT NULL DEFAULT ''
);
CREATE TABLE case_comments (
  case_id INTEGER NOT NULL REFERENCES cases,
  comment_no INTEGER NOT NULL,
  time INTEGER NOT NULL,
  author TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (case_id, comment_no)
) WITHOUT ROWID;
CREATE TABLE case_alerts (
  case_id INTEGER NOT NULL REFERENCES cases,
  alert_id INTEGER NOT NULL REFERENCES alerts,
  added_by TEXT NOT NULL,
  add_time INTEGER NOT NULL,
  PRIMARY KEY (case_id, alert_id)
) WITHOUT ROWID;
CREATE INDEX case_alerts_alert ON case_alerts(alert_id, case_id);
CREATE TABLE case_events (
  case_id INTEGER NOT NULL REFERENCES cases,
  event_row_id INTEGER NOT NULL,
  added_by TEXT NOT NULL,
  add_time INTEGER NOT NULL,
  PRIMARY KEY (case_id, event_row_id)
) WITHOUT ROWID;
CREATE INDEX case_events_event ON case_events(event_row_id, case_id);
)sql";

// Who may say at a terminal that he is there; those who are not removed are
// signed into "people". The PIN is kept as what checks it, the authenticator's
// secret must be readable: the terminals check codes without the server. An
// alert about somebody at an account that several use shows both.
constexpr const char* kPeople = R"sql(
CREATE TABLE people (
  person_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  employer TEXT NOT NULL,
  manager TEXT NOT NULL,
  contract_end INTEGER,
  accounts TEXT NOT NULL,
  pin_verifier TEXT NOT NULL,
  totp_secret BLOB NOT NULL,
  remove_time INTEGER
) WITHOUT ROWID;
ALTER TABLE alerts ADD COLUMN account TEXT NOT NULL DEFAULT '';
)sql";

// Periods under review and what was drawn from them (docs/adr/0420); clocks of
// alerts, and alerts that are kept back for a while; how far retention came
// through the log, by kind of event, and what a legal hold kept.
constexpr const char* kDuties = R"sql(
CREATE TABLE review_rules (
  name TEXT PRIMARY KEY,
  since_time INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE reviews (
  review_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  groups TEXT NOT NULL,
  from_time INTEGER NOT NULL,
  to_time INTEGER NOT NULL,
  due_time INTEGER NOT NULL,
  role TEXT NOT NULL,
  people TEXT NOT NULL,
  escalate_to TEXT NOT NULL,
  draw_time INTEGER NOT NULL,
  log_size INTEGER NOT NULL,
  log_root BLOB NOT NULL,
  sample INTEGER NOT NULL,
  refused_count INTEGER NOT NULL,
  passed_count INTEGER NOT NULL,
  alert_count INTEGER NOT NULL,
  sign_time INTEGER,
  signed_by TEXT NOT NULL DEFAULT '',
  sign_note TEXT NOT NULL DEFAULT '',
  overdue_time INTEGER,
  overdue_alert_id INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX reviews_period ON reviews(name, to_time);
CREATE INDEX reviews_end ON reviews(to_time);
CREATE TABLE review_items (
  review_id INTEGER NOT NULL REFERENCES reviews,
  item_no INTEGER NOT NULL,
  why TEXT NOT NULL,
  alert_id INTEGER NOT NULL,
  event_row_id INTEGER NOT NULL,
  time INTEGER NOT NULL,
  terminal TEXT NOT NULL,
  person TEXT NOT NULL,
  open_time INTEGER,
  opened_by TEXT NOT NULL DEFAULT '',
  verdict TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  judged_by TEXT NOT NULL DEFAULT '',
  judge_time INTEGER,
  PRIMARY KEY (review_id, item_no)
) WITHOUT ROWID;
CREATE INDEX review_items_event ON review_items(event_row_id);
ALTER TABLE alerts ADD COLUMN told_level INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN told_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN suppression_id INTEGER NOT NULL DEFAULT 0;
CREATE INDEX alerts_untold ON alerts(severity, told_level, create_time)
  WHERE state<>4;
CREATE INDEX alerts_told ON alerts(told_by) WHERE told_by<>0;
CREATE INDEX alerts_suppressed ON alerts(suppression_id)
  WHERE suppression_id<>0;
CREATE INDEX alerts_time ON alerts(create_time);
CREATE TABLE suppressions (
  suppression_id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  person TEXT NOT NULL,
  device_id TEXT NOT NULL,
  terminal TEXT NOT NULL,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_by TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  end_time INTEGER NOT NULL,
  over_time INTEGER,
  ended_by TEXT NOT NULL,
  end_reason TEXT NOT NULL
);
CREATE TABLE retention_marks (
  kind INTEGER PRIMARY KEY,
  row_id INTEGER NOT NULL
);
CREATE TABLE retention_held (
  event_row_id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL
);
)sql";

// What is on media (docs/adr/0308). A name may be longer than an index takes:
// its hash stands in the key. All but `media` is of events and can be built
// again from them.
constexpr const char* kContents = R"sql(
CREATE TABLE media (
  medium_no INTEGER PRIMARY KEY AUTOINCREMENT,
  device_id TEXT NOT NULL,
  volume TEXT NOT NULL,
  filesystem TEXT NOT NULL,
  label BLOB NOT NULL,
  encryption TEXT NOT NULL,
  last_time INTEGER NOT NULL,
  UNIQUE (device_id, volume)
);
CREATE TABLE medium_marks (
  medium_no INTEGER NOT NULL REFERENCES media,
  row_id INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  agent_no INTEGER NOT NULL,
  time INTEGER NOT NULL,
  present_count INTEGER NOT NULL,
  PRIMARY KEY (medium_no, row_id, kind)
) WITHOUT ROWID;
CREATE TABLE medium_copies (
  medium_no INTEGER NOT NULL REFERENCES media,
  row_id INTEGER NOT NULL,
  time INTEGER NOT NULL,
  path BLOB NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (medium_no, row_id)
) WITHOUT ROWID;
CREATE INDEX medium_copies_row ON medium_copies(row_id);
CREATE TABLE medium_changes (
  medium_no INTEGER NOT NULL REFERENCES media,
  row_id INTEGER NOT NULL,
  place INTEGER NOT NULL,
  time INTEGER NOT NULL,
  change INTEGER NOT NULL,
  path BLOB NOT NULL,
  old_path BLOB NOT NULL,
  PRIMARY KEY (medium_no, row_id, place)
) WITHOUT ROWID;
CREATE TABLE device_confirms (
  device_id TEXT PRIMARY KEY,
  note TEXT NOT NULL,
  confirmed_by TEXT NOT NULL,
  confirm_time INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE medium_seen (
  medium_no INTEGER NOT NULL REFERENCES media,
  path_hash BLOB NOT NULL,
  size_bytes INTEGER NOT NULL,
  modify_time INTEGER NOT NULL,
  path BLOB NOT NULL,
  first_time INTEGER NOT NULL,
  last_time INTEGER NOT NULL,
  agent_no INTEGER NOT NULL,
  PRIMARY KEY (medium_no, path_hash, size_bytes, modify_time)
) WITHOUT ROWID;
)sql";

// Searches under a name, one filter a line; who gave a verdict, and when; the
// queue of what is open, in both its orders, without sorting it.
constexpr const char* kSearches = R"sql(
CREATE TABLE saved_searches (
  search_id INTEGER PRIMARY KEY,
  place TEXT NOT NULL,
  name TEXT NOT NULL,
  filters TEXT NOT NULL,
  is_shared INTEGER NOT NULL,
  owner TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  change_time INTEGER NOT NULL
);
CREATE UNIQUE INDEX saved_searches_name ON saved_searches(owner, place, name);
ALTER TABLE alerts ADD COLUMN verdict_by TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN verdict_time INTEGER;
CREATE INDEX alerts_open ON alerts(alert_id, suppression_id, state)
  WHERE state<>4;
CREATE INDEX alerts_open_rank ON alerts((CASE severity WHEN 'critical' THEN 4
  WHEN 'high' THEN 3 WHEN 'medium' THEN 2 ELSE 1 END), alert_id,
  suppression_id, state) WHERE state<>4;
)sql";

// Who came through an OpenID provider (docs/adr/0423): the name there may
// change and be given to another, issuer and subject may not.
constexpr const char* kProviders = R"sql(
CREATE TABLE provider_identities (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  user TEXT NOT NULL UNIQUE REFERENCES users,
  bind_time INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
) WITHOUT ROWID;
ALTER TABLE sessions ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN second_factor INTEGER NOT NULL DEFAULT 0;
)sql";

// What files in events are searched by. `name` is empty where the personal part
// is erased.
constexpr const char* kEventFiles = R"sql(
CREATE TABLE event_files (
  row_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE INDEX event_files_name ON event_files(name, row_id);
CREATE INDEX event_files_hash ON event_files(hash, row_id) WHERE hash<>'';
CREATE TABLE event_owners (
  owner TEXT NOT NULL,
  row_id INTEGER NOT NULL,
  PRIMARY KEY (owner, row_id)
) WITHOUT ROWID;
)sql";

// Who sees what (docs/adr/0424). No scope (NULL) is the whole fleet. The groups
// of the register stand once more by terminal, which is what filters ask; what
// counts what is open or plugged finds the terminal in its own index.
constexpr const char* kScopes = R"sql(
ALTER TABLE users ADD COLUMN scope TEXT;
ALTER TABLE users ADD COLUMN person_id TEXT NOT NULL DEFAULT '';
ALTER TABLE api_tokens ADD COLUMN scope TEXT;
CREATE TABLE terminal_groups (
  group_name TEXT NOT NULL,
  terminal TEXT NOT NULL,
  PRIMARY KEY (group_name, terminal)
) WITHOUT ROWID;
DROP INDEX alerts_open;
CREATE INDEX alerts_open ON alerts(alert_id, suppression_id, state, terminal)
  WHERE state<>4;
DROP INDEX alerts_open_rank;
CREATE INDEX alerts_open_rank ON alerts((CASE severity WHEN 'critical' THEN 4
  WHEN 'high' THEN 3 WHEN 'medium' THEN 2 ELSE 1 END), alert_id,
  suppression_id, state, terminal) WHERE state<>4;
DROP INDEX event_index_plugs;
CREATE INDEX event_index_plugs ON event_index(receive_time, outcome,
  observe_only, kind, repeats, agent_no) WHERE kind=1 AND repeats=0;
)sql";

constexpr std::array kMigrations = {Migration{kFirst, nullptr},
                                    Migration{kEpochs, FillEventIds},
                                    Migration{kRenewals, nullptr},
                                    Migration{kCountsSchema, FillCounts},
                                    Migration{kLog, FillLog},
                                    Migration{kContain, nullptr},
                                    Migration{kGrants, nullptr},
                                    Migration{kSinks, nullptr},
                                    Migration{kRollouts, nullptr},
                                    Migration{kCodes, nullptr},
                                    Migration{kCoverage, nullptr},
                                    Migration{kRoles, nullptr},
                                    Migration{kSecondFactor, nullptr},
                                    Migration{kCases, nullptr},
                                    Migration{kPeople, nullptr},
                                    Migration{kDuties, nullptr},
                                    Migration{kContents, FillContents},
                                    Migration{kSearches, nullptr},
                                    Migration{kProviders, nullptr},
                                    Migration{kEventFiles, FillEventFiles},
                                    Migration{kScopes, FillTerminalGroups}};

// SQLite has a number for this in the file.
constexpr const char* kNoVersion =
    "CREATE TABLE IF NOT EXISTS schema_version ("
    "one bigint PRIMARY KEY CHECK (one=1), version bigint NOT NULL);"
    "INSERT INTO schema_version VALUES (1,0) ON CONFLICT DO NOTHING";

Result<int> VersionOf(Connection& db) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query(db.dialect() == Dialect::kSqlite
                                ? "PRAGMA user_version"
                                : "SELECT version FROM schema_version"));
  RETURN_IF_ERROR(row.Step());
  return static_cast<int>(row.Int(0));
}

Status SetVersion(Connection& db, int version) {
  return db.Script((db.dialect() == Dialect::kSqlite
                        ? "PRAGMA user_version="
                        : "UPDATE schema_version SET version=") +
                   std::to_string(version));
}

Status Apply(Connection& db, int version) {
  const Migration& migration = kMigrations[static_cast<size_t>(version - 1)];
  RETURN_IF_ERROR(db.Script(migration.script));
  if (migration.fill != nullptr) {
    RETURN_IF_ERROR(migration.fill(db));
  }
  return SetVersion(db, version);
}

// One step, if it is not there: another server may have been faster.
Result<int> Step(Connection& writer, int upto) {
  RETURN_IF_ERROR(writer.BeginWrite());
  if (writer.dialect() == Dialect::kPostgres) {
    RETURN_IF_ERROR(writer.Script(kNoVersion));
  }
  ASSIGN_OR_RETURN(int have, VersionOf(writer));
  if (have < upto) {
    ++have;
    if (auto applied = Apply(writer, have); !applied) {
      return Wrap("schema " + std::to_string(have), std::move(applied).error());
    }
  }
  RETURN_IF_ERROR(writer.Commit());
  return have;
}

}  // namespace

std::span<const Migration> Migrations() { return kMigrations; }

// Setting it to what it is writes the page all the same.
Status WriteNothing(Connection& db) {
  ASSIGN_OR_RETURN(const int version, VersionOf(db));
  return SetVersion(db, version);
}

Status Migrate(Connection& writer, int upto) {
  const int known = static_cast<int>(kMigrations.size());
  if (upto < 0) upto = known;
  for (;;) {
    const auto have = Step(writer, upto);
    if (!have) {
      (void)writer.Script("ROLLBACK");
      return std::unexpected(have.error());
    }
    if (*have > known) {
      return Fail(Code::kFailedPrecondition,
                  "the store has schema " + std::to_string(*have) +
                      "; this program knows " + std::to_string(known) +
                      ": install a newer one");
    }
    if (*have >= upto) return {};
  }
}

}  // namespace sekisho::store
