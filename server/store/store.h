// What the server keeps, behind one interface that two engines serve. The
// acknowledged path (Append) is an append-only log and one head row an agent;
// everything people search is built behind it by the indexer (WriteIndex).
//
// Thread-safe; nobody may call while it is destroyed. Reads and writes block
// until done (writes: until durable); Append calls back from the store's own
// thread.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "merkle/tree.h"
#include "proto/event_bytes.h"
#include "server/store/case_store.h"
#include "server/store/content_rows.h"
#include "server/store/duty_store.h"
#include "server/store/people_rows.h"
#include "server/store/report_rows.h"
#include "server/store/rows.h"
#include "server/store/search_store.h"
#include "server/store/shared_rows.h"
#include "server/store/user_store.h"

namespace sekisho::store {

// ---- the log ----

struct AppendRequest {
  std::string agent_id;
  std::vector<event::v1::EventRecord> records;  // checked by the caller
  WallTime receive_time;
};
using AppendDone = std::function<void(Result<event::Head>)>;

// A chain that started anew: where the epoch before it ended.
struct ClosedEpoch {
  event::Head head;
  WallTime close_time;
};

struct LoggedEvent {
  int64_t row_id = 0;
  std::string agent_id;
  std::string terminal;
  WallTime receive_time;
  event::v1::EventRecord record;
};

// ---- the index ----

struct IndexedEvent {
  int64_t row_id = 0;
  std::string agent_id;
  int32_t epoch = 0;
  int64_t sequence = 0;
  int kind = 0;
  int outcome = 0;
  std::string person;
  std::string device_id;
  WallTime receive_time;
  std::string event_id;
  bool repeats = false;  // carried over from an epoch before: not shown again
  bool observe_only = false;
  int64_t persons = 0;  // of a transfer, as its public part says
  int64_t persons_written = 0;
  int64_t bytes = 0;
  int64_t grant_id = 0;        // that let it through; 0 = none
  int64_t policy_version = 0;  // in force at the agent
  std::string file_name;       // as FileNameOf has it
  std::string file_hash;       // small hex digits; "" = not known
  std::vector<std::string> data_owners;
  std::string used_code_match;     // of a CODE that was used, 32 bytes
  std::string sealed_code_secret;  // of a CODE that tells one
};

struct DeviceSeen {
  std::string device_id;
  event::v1::Device facts;
  std::string terminal;
  std::string person;
  WallTime time;
  std::string access;  // empty = keep the last
  bool weak_identity = false;
  // Read from a terminal's logs, not proven: it counts for nothing, and any
  // other event says more.
  bool past = false;
};

// An alert with the key that makes it one: the same key twice is one alert.
struct NewAlert {
  std::string key;
  Alert alert;  // id, state, comments are the store's
  // The same key is one alert only until somebody closed it.
  bool again_once_closed = false;
};

struct IndexBatch {
  int64_t from_row = 0;  // the mark before; kAborted if it is another
  int64_t to_row = 0;    // the mark after
  std::vector<IndexedEvent> events;
  std::vector<DeviceSeen> devices;
  std::vector<NewAlert> alerts;
  std::vector<MediumNews> media{};
};

// ---- agents ----

struct NewAgent {
  std::string agent_id;
  std::string terminal;
  std::string hostname;
  std::string machine_id;
  std::string agent_version;
  event::ChainPublicKey chain_key{};
  WallTime enrol_time;
};

// What the gate of the agent plane asks of every stream.
struct AgentIdentity {
  std::string agent_id;
  std::string terminal;
  event::ChainPublicKey chain_key{};
  bool revoked = false;
  // Of the certificate it came with.
  std::string serial;
  WallTime not_after;
  bool used_before = false;
  bool retired = false;  // a newer one of the agent's was used
};

struct NewCertificate {
  std::string agent_id;
  std::string serial;
  std::string key_hash;  // a key is certified once; empty = not known
  WallTime not_after;
};

// What decides whether an agent gets its next certificate.
struct RenewalCase {
  std::string terminal;
  bool revoked = false;
  bool retired = false;
  bool key_is_new = false;
  WallTime not_after;
  std::optional<WallTime> approve_time;  // for this certificate
  int64_t issued_count = 0;              // certificates since `since`
};

struct ExpiringCertificate {
  std::string agent_id;
  std::string terminal;
  WallTime not_after;
};

struct AgentHeartbeat {
  std::string agent_id;
  WallTime time;
  std::string hostname;       // empty = keep
  std::string agent_version;  // empty = keep
  std::string mode, gate_state;
  bool core_alive = true;
  int64_t policy_version = 0;
  event::Head head;
  int64_t spooled_count = 0;
  std::string boot_id;  // as its hello says
  int64_t boot_microseconds = 0;
};
Cover CoverOf(const AgentHeartbeat& heartbeat);
// Two heartbeats further apart leave a gap between them.
inline constexpr auto kMaxHeartbeatGap = std::chrono::seconds(60);

struct StoredToken {
  SecretHash hash{};
  std::string hostname;
  std::string terminal;
  std::string created_by;
  WallTime create_time;
  WallTime expire_time;
};

// An approval in force with what is known of its device.
struct ApprovedDevice {
  Approval approval;
  event::v1::Device facts;
};

class Store : public UserStore,
              public CaseStore,
              public DutyStore,
              public SearchStore {
 public:
  virtual ~Store() = default;

  // Commits a change of nothing, as durably as an event: whether the database
  // takes writes.
  virtual Status TryWrite() = 0;

  // Whether this server is the one that does what only one may do at a time
  // (index, judge silence, move rollouts, tell sinks). It keeps it while it
  // lives and asks every second or so; from one thread.
  virtual bool TakeLead() = 0;
  // Other servers may write to the same database, too.
  virtual bool IsShared() const = 0;
  virtual Result<News> ReadNews(const NewsMark& since) = 0;
  // Agents that are not revoked and were ever heard.
  virtual Result<std::vector<SeenAgent>> LastSeen() = 0;
  // By the newest heartbeat of each that is not revoked.
  virtual Result<std::vector<AwayCore>> CoresAway() = 0;
  // On the disk of the database.
  virtual Result<int64_t> SizeBytes() = 0;

  // Accepts only head + 1, or the first event of a later epoch, which closes
  // the one before: kAborted when a record does not follow the agent's head
  // row, kNotFound for an unknown agent, kPermissionDenied for a revoked one;
  // nothing of the request is stored then. Requests of all agents share a
  // commit. `done` gets the new head after fsync, on the store's thread, and
  // must not block.
  virtual void Append(AppendRequest request, AppendDone done) = 0;
  virtual Result<event::Head> HeadOf(const std::string& agent_id) = 0;
  // Rows after `after_row`, oldest first.
  virtual Result<std::vector<LoggedEvent>> ReadLog(int64_t after_row,
                                                   int limit) = 0;
  struct ChainEnd {
    event::Head head;
    std::vector<ClosedEpoch> closed;  // oldest first
  };
  // All records of an agent in the order of the chain, each with its leaf of
  // the Merkle log, and the head row, from one snapshot. An error of `row` ends
  // it and is returned.
  using ChainRow =
      std::function<Status(const event::v1::EventRecord&, int64_t leaf)>;
  virtual Result<ChainEnd> ReadChain(const std::string& agent_id,
                                     const ChainRow& row) = 0;
  virtual Result<std::vector<ClosedEpoch>> ClosedEpochs(
      const std::string& agent_id) = 0;

  // ---- the Merkle log (merkle/tree.h) ----
  // Its leaves are the hashes of all agents' events in the order of their
  // commit, and enter it in that commit.

  // Covers every event whose Append() has called back, on any server.
  virtual Result<merkle::Head> LogHead() = 0;
  virtual Result<merkle::Head> LogHeadAt(int64_t size) = 0;
  // One for each leaf; empty for a leaf that the tree of `size` has not.
  virtual Result<std::vector<merkle::Proof>> ProveInclusion(
      const std::vector<int64_t>& leaves, int64_t size) = 0;
  virtual Result<merkle::Proof> ProveConsistency(int64_t from, int64_t to) = 0;

  virtual Result<int64_t> IndexMark() = 0;
  // Which of an agent's event ids are in the index.
  virtual Result<std::set<std::string>> IndexedIds(
      const std::string& agent_id, const std::vector<std::string>& ids) = 0;
  // One transaction; returns the ids of the alerts that are new.
  virtual Result<std::vector<int64_t>> WriteIndex(const IndexBatch& batch) = 0;
  virtual Result<Page<Event>> ListEvents(const EventFilter& filter,
                                         const Paging& paging) = 0;
  virtual Result<Event> GetEvent(int64_t row_id) = 0;

  // Another agent of the same terminal ends (is revoked) with this.
  virtual Status AddAgent(const NewAgent& agent) = 0;
  // Ends what was asked and approved for the agent. kAlreadyExists: the key
  // was certified before.
  virtual Status AddCertificate(const NewCertificate& certificate,
                                WallTime now) = 0;
  // It was used: those that the agent got before it are retired.
  virtual Status UseCertificate(const std::string& serial, WallTime now) = 0;
  // kNotFound as FindAgent().
  virtual Result<RenewalCase> FindRenewal(const std::string& agent_id,
                                          const std::string& serial,
                                          const std::string& key_hash,
                                          WallTime since) = 0;
  // An expired agent asks with this certificate; true if it had not asked yet.
  // What was approved for another certificate is void.
  virtual Result<bool> AskRenewal(const std::string& agent_id,
                                  const std::string& serial, WallTime now) = 0;
  // kNotFound: no such agent; kFailedPrecondition: it does not ask.
  virtual Status ApproveRenewal(const std::string& agent_id,
                                const std::string& by, WallTime now) = 0;
  // Agents that are not revoked and whose newest certificate has less than a
  // sixth of its life left.
  virtual Result<std::vector<ExpiringCertificate>> ExpiringCertificates(
      WallTime now) = 0;
  // kNotFound: no such agent, or the certificate is not one of its own.
  virtual Result<AgentIdentity> FindAgent(const std::string& agent_id,
                                          const std::string& serial) = 0;
  virtual Result<event::ChainPublicKey> ChainKeyOf(
      const std::string& agent_id) = 0;
  // kNotFound; revoking twice is fine.
  virtual Status RevokeAgent(const std::string& agent_id,
                             const std::string& reason, WallTime now) = 0;
  virtual Result<std::vector<std::string>> RevokedAgents() = 0;
  // Only the latest is kept; not waited for.
  virtual void PutHeartbeat(AgentHeartbeat heartbeat) = 0;
  // `state` is kRevoked or kEnrolled: who is connected, the core knows.
  virtual Result<Page<Agent>> ListAgents(const Paging& paging,
                                         const Scope& scope) = 0;
  virtual Result<Agent> GetAgent(const std::string& agent_id) = 0;
  virtual Result<std::vector<Agent>> AllAgents() = 0;
  virtual Result<std::vector<Agent>> AgentsIn(const Scope& scope) = 0;

  // ---- what a scope sees: the register's groups as they are now ----

  virtual Result<bool> Sees(const Scope& scope,
                            const std::string& terminal) = 0;
  // Those of `ids` that are seen, in no order.
  enum class Row { kEvent, kAlert, kContainment, kCase };
  virtual Result<std::vector<int64_t>> RowsIn(
      const Scope& scope, Row what, const std::vector<int64_t>& ids) = 0;
  // Every group that a terminal of the register is in, by name.
  virtual Result<std::vector<std::string>> TerminalGroups() = 0;

  virtual Status AddToken(const StoredToken& token) = 0;
  // Uses the token up. kNotFound: no such; kAlreadyExists: used before;
  // kDeadlineExceeded: expired; kPermissionDenied: bound to another host (the
  // token stays usable there).
  virtual Result<StoredToken> UseToken(const SecretHash& hash,
                                       const std::string& hostname,
                                       const std::string& agent_id,
                                       WallTime now) = 0;

  // Gives the next version, calls `seal` with it and stores text and sealed
  // envelope in one transaction.
  using Sealer = std::function<std::string(int64_t version)>;
  virtual Result<int64_t> AddPolicy(PolicyVersion policy,
                                    const Sealer& seal) = 0;
  // Gives the next version of `type`, which has no other rows ("upgrade"),
  // calls `seal` with it and stores what comes.
  virtual Result<int64_t> AddEnvelope(const std::string& type,
                                      const Sealer& seal) = 0;
  // As AddEnvelope(), of a type whose next version is made from its newest one:
  // `change` is given that (empty: there is none yet) and the next version. An
  // error of it changes nothing.
  using EnvelopeChange = std::function<Result<std::string>(
      const std::string& newest, int64_t version)>;
  virtual Result<int64_t> ChangeEnvelope(const std::string& type,
                                         const EnvelopeChange& change) = 0;
  virtual Result<Page<PolicyVersion>> ListPolicies(const Paging& paging) = 0;
  virtual Result<PolicyVersion> GetPolicy(int64_t version) = 0;
  // Newest version of every envelope type.
  struct EnvelopeVersion {
    std::string type;
    int64_t version = 0;
  };
  virtual Result<std::vector<EnvelopeVersion>> EnvelopeVersions() = 0;
  virtual Result<std::string> NewestEnvelope(const std::string& type) = 0;
  virtual Result<std::string> EnvelopeOf(const std::string& type,
                                         int64_t version) = 0;

  // As AddPolicy(), and the rollout of it begins in the same transaction: its
  // version and base are filled in. kFailedPrecondition: one is under way.
  // AddPolicy() ends one that is under way as kReplaced.
  virtual Result<int64_t> StagePolicy(PolicyVersion policy,
                                      const Rollout& rollout,
                                      const Sealer& seal) = 0;
  // From one snapshot.
  virtual Result<PolicyOffer> ReadPolicyOffer() = 0;
  // The newest that there was.
  virtual Result<std::optional<Rollout>> NewestRollout() = 0;
  // kNotFound: there is none of this version.
  virtual Status PutRollout(const Rollout& rollout) = 0;
  virtual Result<std::vector<RolloutTerminal>> RolloutTerminals(
      int64_t version) = 0;
  virtual Status PutRolloutTerminals(
      int64_t version, const std::vector<RolloutTerminal>& terminals) = 0;
  // In [from, to) by minutes of the receive time, in no order.
  virtual Result<std::vector<BlockCount>> CountBlocks(WallTime from,
                                                      WallTime to) = 0;
  virtual Result<RingsText> GetRings() = 0;
  virtual Status PutRings(const RingsText& rings) = 0;

  // Changes the approvals, then seals all that are in force into the next
  // "devices" envelope, in one transaction. `approval.access` empty takes it
  // back (kNotFound if there is none).
  using ListSealer = std::function<std::string(
      int64_t version, const std::vector<ApprovedDevice>& all)>;
  virtual Result<int64_t> ChangeApproval(const Approval& approval,
                                         const std::string& by, WallTime now,
                                         const ListSealer& seal) = 0;
  // In force at `now`, whether the device was ever seen or not.
  virtual Result<std::optional<Approval>> FindApproval(
      const std::string& device_id, WallTime now) = 0;
  virtual Result<Page<Device>> ListDevices(const DeviceFilter& filter,
                                           const Paging& paging,
                                           WallTime now) = 0;

  // Media that were in the device, the newest first, with all that is known of
  // them; from one snapshot.
  virtual Result<std::vector<MediumLog>> ReadMedia(
      const std::string& device_id) = 0;
  // In the order of `row_ids`.
  virtual Result<std::vector<Event>> ReadEvents(
      const std::vector<int64_t>& row_ids) = 0;

  // What the console counts: transfers between each bound and the next, in
  // order; transfers by device, terminal or person, in no order; what is open
  // now.
  virtual Result<std::vector<DayCounts>> CountDays(
      const std::vector<WallTime>& bounds, const Scope& scope) = 0;
  virtual Result<std::vector<TopRow>> CountBy(TopBy by, WallTime from,
                                              WallTime to,
                                              const Scope& scope) = 0;
  virtual Result<OpenAlerts> CountOpenAlerts(const Scope& scope) = 0;
  // Newest first, at most `limit`.
  virtual Result<std::vector<Trace>> ListTraces(const EventFilter& filter,
                                                int limit) = 0;

  // Stores the row (id 0: a new one, which gets the next), then seals all that
  // run at `now` into the next "contain" envelope, in one transaction. The row
  // as it is then.
  using ContainSealer = std::function<std::string(
      int64_t version, const std::vector<Containment>& running)>;
  virtual Result<Containment> PutContainment(const Containment& row,
                                             WallTime now,
                                             const ContainSealer& seal) = 0;
  // Newest first, at most 1,000. Running: not over, whatever the clock says.
  // Of a scope, those of its terminals.
  virtual Result<std::vector<Containment>> ListContainments(
      Contained which, const Scope& scope) = 0;

  // Stores what is set (a grant of id 0 is a new one, which gets the next),
  // then seals all grants that run at `now` and the answers of the last day
  // into the next "grant" envelope, in one transaction. The grant as it is
  // then.
  struct GrantChange {
    std::optional<TransferGrant> grant;
    std::optional<RequestAnswer> answer;
  };
  using GrantSealer = std::function<std::string(
      int64_t version, const std::vector<TransferGrant>& running,
      const std::vector<RequestAnswer>& answers)>;
  virtual Result<TransferGrant> PutGrant(const GrantChange& change,
                                         WallTime now,
                                         const GrantSealer& seal) = 0;
  // Newest first, at most 1,000. Running: not over, whatever the clock says.
  virtual Result<std::vector<TransferGrant>> ListGrants(WhichGrants which,
                                                        const Scope& scope) = 0;

  // Stores the code, if one is given (id 0: a new one, which gets the next),
  // then seals all that run at `now` into the next "code" envelope, in one
  // transaction. The code as it is then.
  using CodeSealer = std::function<std::string(
      int64_t version, const std::vector<OfflineCode>& running)>;
  virtual Result<OfflineCode> PutCode(const std::optional<OfflineCode>& code,
                                      WallTime now, const CodeSealer& seal) = 0;
  // Newest first, at most 1,000. Running: not over, whatever the clock says.
  virtual Result<std::vector<OfflineCode>> ListCodes(WhichGrants which,
                                                     const Scope& scope) = 0;
  // The newest with this match on this terminal.
  virtual Result<std::optional<OfflineCode>> FindCode(
      const std::string& agent_id, const std::string& match) = 0;
  // As the terminal told it last, sealed. kNotFound: it did not yet.
  virtual Result<std::string> CodeSecretOf(const std::string& agent_id) = 0;

  // Changes the register of people, then seals all who are not removed into the
  // next "people" envelope, in one transaction; its version. kNotFound: nobody
  // has this id, or he is removed.
  virtual Result<int64_t> PutPeople(const PeopleChange& change, WallTime now,
                                    const PeopleSealer& seal) = 0;
  // By id, with those who were removed.
  virtual Result<std::vector<RegisteredPerson>> AllPeople() = 0;
  // Removed or not.
  virtual Result<std::optional<RegisteredPerson>> FindPerson(
      const std::string& id) = 0;

  // Replaces an earlier one. kNotFound: nobody ever saw or approved the device.
  virtual Status ConfirmDevice(const Confirmation& confirmation) = 0;
  // Replaces an earlier mark.
  virtual Status MarkLost(const LostMark& mark) = 0;
  // kNotFound: it is not marked.
  virtual Status ClearLost(const std::string& device_id) = 0;
  virtual Result<std::map<std::string, LostMark>> LostDevices() = 0;

  // The id, or nothing if an alert with this key is there.
  virtual Result<std::optional<int64_t>> AddAlert(const NewAlert& alert) = 0;
  // What it was about is over by itself. Twice is fine.
  virtual Status ResolveAlert(int64_t alert_id, WallTime now) = 0;
  virtual Result<Page<Alert>> ListAlerts(const AlertFilter& filter,
                                         const Paging& paging) = 0;
  virtual Result<AlertCount> CountAlerts(const AlertFilter& filter) = 0;
  // The largest groups first, at most 200. Paging and order do not count.
  virtual Result<std::vector<AlertGroup>> GroupAlerts(const AlertFilter& filter,
                                                      AlertGroupBy by) = 0;
  // kNotFound, kFailedPrecondition (closing without verdict, changing what is
  // closed).
  virtual Result<Alert> UpdateAlert(const AlertChange& change,
                                    const std::string& author,
                                    WallTime now) = 0;
  // UpdateAlert() for the next `limit` alerts, by id, that the filter finds, in
  // one transaction, each with its entry in the audit log: `entry`, whose time
  // counts, with the alert as its object. What `may` refuses is told.
  using AlertMay = std::function<Status(const Alert&)>;
  virtual Result<MatchingStep> UpdateMatching(const MatchingAlerts& which,
                                              const AlertChange& change,
                                              const std::string& author,
                                              const AuditEntry& entry,
                                              const AlertMay& may,
                                              int limit) = 0;

  // The newest alert and event there are: where a sink that is new begins.
  virtual Result<SinkMark> NewestMark() = 0;
  virtual Result<std::optional<SinkMark>> FindSink(const std::string& name) = 0;
  virtual Status PutSink(const SinkMark& mark) = 0;

  // ---- coverage, register, inquiries (report_rows.h) ----
  // Coverage is written by PutHeartbeat(), when the state changes.

  // A span that no heartbeat tells of; kUnlocked holds whatever is heard.
  virtual Status AddCoverSpan(const std::string& agent_id, Cover state,
                              WallTime from, WallTime to) = 0;
  // What is known of [from, to), an agent at a time, by terminal and enrolment;
  // one snapshot.
  virtual Status ReadCoverage(WallTime from, WallTime to,
                              const WhichTerminals& which,
                              const AgentCoverageRow& row) = 0;
  // Every event that fits, oldest first, from one snapshot.
  virtual Status ScanEvents(const EventFilter& filter,
                            const std::function<Status(const Event&)>& row) = 0;

  // By name, with those that were removed.
  virtual Result<std::vector<RegisteredTerminal>> RegisteredTerminals() = 0;
  // Replaces the register: who is not in it any more is removed.
  virtual Status PutRegister(const std::vector<RegisteredTerminal>& terminals,
                             WallTime now) = 0;
  // Rises with each change; 0 = never imported.
  virtual Result<int64_t> RegisterVersion() = 0;

  // Adds what is new of it, by its alert.
  virtual Status PutSiteOutage(const SiteOutage& outage) = 0;
  // Newest first, at most 200; of a scope, those in which one of its terminals
  // fell silent, without the others.
  virtual Result<std::vector<SiteOutage>> ListSiteOutages(
      const Scope& scope) = 0;

  virtual Result<int64_t> AddInquiry(const Inquiry& inquiry) = 0;
  // Newest first, without documents.
  virtual Result<Page<Inquiry>> ListInquiries(const Paging& paging) = 0;
  virtual Result<Inquiry> GetInquiry(int64_t id) = 0;
};

struct SqliteOptions {
  std::string path;
  // Appends wait this long for company when the queue is short.
  std::chrono::microseconds group_commit_wait{0};
};
// Opens or makes the file and migrates it to the newest schema; kDataLoss for a
// damaged one, kFailedPrecondition for one of a newer program.
Result<std::unique_ptr<Store>> OpenSqlite(const SqliteOptions& options);

struct PostgresOptions {
  std::string conninfo;  // libpq's; without a password
  // Called on a thread of the store when the database is lost, with why, and
  // when it is back. Meanwhile what is asked of the store is kUnavailable.
  std::function<void(const Status&)> on_turn;
};
// One database for any number of servers (docs/adr/0418); its tables are made
// or migrated. kUnavailable: it cannot be reached; kFailedPrecondition: it is
// of a newer program, or PostgreSQL is older than 15.
Result<std::unique_ptr<Store>> OpenPostgres(const PostgresOptions& options);

}  // namespace sekisho::store
