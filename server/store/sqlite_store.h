// The store in SQL, on either engine (docs/adr/0417; it has the name of the
// first): one writer thread with a queue whose jobs share a commit, and a pool
// of reading connections. Methods by theme in sqlite_*.cc.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "server/store/engine.h"
#include "server/store/log_tree.h"
#include "server/store/scope_sql.h"
#include "server/store/store.h"

namespace sekisho::store {

// WHERE clause from the filters that are set.
class Where {
 public:
  struct Value {
    Value(int64_t value) : number(value) {}               // NOLINT: implicit
    Value(std::string value) : text(std::move(value)) {}  // NOLINT: implicit
    std::optional<int64_t> number;
    std::string text;
  };
  // One '?' in `condition` for each value.
  void And(std::string_view condition,
           std::initializer_list<Value> values = {});
  void In(std::string_view column, const std::vector<int64_t>& numbers);
  // Of terminals, of agents' numbers: those that are seen.
  void SeenTerminal(std::string_view column, const Scope& scope);
  void SeenAgent(std::string_view column, const Scope& scope);
  void SeenCase(std::string_view id, const Scope& scope);
  void SeenTarget(const Scope& scope);      // of a containment
  std::string sql() const { return sql_; }  // "" or " WHERE ..."
  void BindTo(Statement& statement, int first = 1) const;

 private:
  void Bind(const Scope& scope, int times = 1);

  std::string sql_;
  std::vector<Value> values_;
};

// What is no list of roles may nothing.
Roles RolesFrom(std::string_view text);

int PageSize(const Paging& paging);
// kInvalidArgument for a token that is not a number.
Result<std::optional<int64_t>> RowOf(const Paging& paging);

// sqlite_policy.cc: what every signed envelope is stored with.
Result<int64_t> NextVersion(Connection& db, const std::string& type);
// sqlite_coverage.cc: the heartbeat is taken into the agent's spans.
Status ExtendCoverage(Connection& db, const AgentHeartbeat& heartbeat);
Status MarkGrantUsed(Connection& db, const IndexedEvent& event);
Status CountBlock(Connection& db, const IndexedEvent& event);
// The next version of the policy, with its envelope.
Result<int64_t> InsertPolicy(Connection& db, const PolicyVersion& policy,
                             const Store::Sealer& seal);
// A rollout under way is replaced.
Status EndRollout(Connection& db, WallTime now);
Status NoteCode(Connection& db, const IndexedEvent& event);
Status PutEnvelope(Connection& db, const std::string& type, int64_t version,
                   const std::string& sealed);

class SqliteStore final : public Store {
 public:
  struct Options {
    // Appends wait this long for company when the queue is short.
    std::chrono::microseconds group_commit_wait{0};
    // Called on the writer's thread when the database is lost, with why, and
    // when it is back.
    std::function<void(const Status&)> on_turn;
  };
  SqliteStore(std::unique_ptr<Engine> engine, Options options)
      : engine_(std::move(engine)), options_(std::move(options)) {}
  ~SqliteStore() override;
  Status Start();

  Status TryWrite() override;
  bool TakeLead() override { return engine_->TakeLead(); }
  bool IsShared() const override { return engine_->IsShared(); }
  Result<News> ReadNews(const NewsMark& since) override;
  Result<std::vector<SeenAgent>> LastSeen() override;
  Result<std::vector<AwayCore>> CoresAway() override;
  Result<int64_t> SizeBytes() override;
  void Append(AppendRequest request, AppendDone done) override;
  Result<event::Head> HeadOf(const std::string& agent_id) override;
  Result<std::vector<LoggedEvent>> ReadLog(int64_t after_row,
                                           int limit) override;
  Result<ChainEnd> ReadChain(const std::string& agent_id,
                             const ChainRow& row) override;
  Result<std::vector<ClosedEpoch>> ClosedEpochs(
      const std::string& agent_id) override;

  Result<merkle::Head> LogHead() override;
  Result<merkle::Head> LogHeadAt(int64_t size) override;
  Result<std::vector<merkle::Proof>> ProveInclusion(
      const std::vector<int64_t>& leaves, int64_t size) override;
  Result<merkle::Proof> ProveConsistency(int64_t from, int64_t to) override;

  Result<int64_t> IndexMark() override;
  Result<std::set<std::string>> IndexedIds(
      const std::string& agent_id,
      const std::vector<std::string>& ids) override;
  Result<std::vector<int64_t>> WriteIndex(const IndexBatch& batch) override;
  Result<Page<Event>> ListEvents(const EventFilter& filter,
                                 const Paging& paging) override;
  Result<Event> GetEvent(int64_t row_id) override;

  Status AddAgent(const NewAgent& agent) override;
  Status AddCertificate(const NewCertificate& certificate,
                        WallTime now) override;
  Status UseCertificate(const std::string& serial, WallTime now) override;
  Result<RenewalCase> FindRenewal(const std::string& agent_id,
                                  const std::string& serial,
                                  const std::string& key_hash,
                                  WallTime since) override;
  Result<bool> AskRenewal(const std::string& agent_id,
                          const std::string& serial, WallTime now) override;
  Status ApproveRenewal(const std::string& agent_id, const std::string& by,
                        WallTime now) override;
  Result<std::vector<ExpiringCertificate>> ExpiringCertificates(
      WallTime now) override;
  Result<AgentIdentity> FindAgent(const std::string& agent_id,
                                  const std::string& serial) override;
  Result<event::ChainPublicKey> ChainKeyOf(
      const std::string& agent_id) override;
  Status RevokeAgent(const std::string& agent_id, const std::string& reason,
                     WallTime now) override;
  Result<std::vector<std::string>> RevokedAgents() override;
  void PutHeartbeat(AgentHeartbeat heartbeat) override;
  Result<Page<Agent>> ListAgents(const Paging& paging,
                                 const Scope& scope) override;
  Result<Agent> GetAgent(const std::string& agent_id) override;
  Result<std::vector<Agent>> AllAgents() override;
  Result<std::vector<Agent>> AgentsIn(const Scope& scope) override;
  Result<bool> Sees(const Scope& scope, const std::string& terminal) override;
  Result<std::vector<int64_t>> RowsIn(const Scope& scope, Row what,
                                      const std::vector<int64_t>& ids) override;
  Result<std::vector<std::string>> TerminalGroups() override;

  Status AddToken(const StoredToken& token) override;
  Result<StoredToken> UseToken(const SecretHash& hash,
                               const std::string& hostname,
                               const std::string& agent_id,
                               WallTime now) override;

  Result<int64_t> AddPolicy(PolicyVersion policy, const Sealer& seal) override;
  Result<int64_t> AddEnvelope(const std::string& type,
                              const Sealer& seal) override;
  Result<Page<PolicyVersion>> ListPolicies(const Paging& paging) override;
  Result<PolicyVersion> GetPolicy(int64_t version) override;
  Result<int64_t> ChangeEnvelope(const std::string& type,
                                 const EnvelopeChange& change) override;
  Result<std::vector<EnvelopeVersion>> EnvelopeVersions() override;
  Result<std::string> NewestEnvelope(const std::string& type) override;
  Result<std::string> EnvelopeOf(const std::string& type,
                                 int64_t version) override;
  Result<int64_t> StagePolicy(PolicyVersion policy, const Rollout& rollout,
                              const Sealer& seal) override;
  Result<PolicyOffer> ReadPolicyOffer() override;
  Result<std::optional<Rollout>> NewestRollout() override;
  Status PutRollout(const Rollout& rollout) override;
  Result<std::vector<RolloutTerminal>> RolloutTerminals(
      int64_t version) override;
  Status PutRolloutTerminals(
      int64_t version, const std::vector<RolloutTerminal>& terminals) override;
  Result<std::vector<BlockCount>> CountBlocks(WallTime from,
                                              WallTime to) override;
  Result<RingsText> GetRings() override;
  Status PutRings(const RingsText& rings) override;
  Result<int64_t> ChangeApproval(const Approval& approval,
                                 const std::string& by, WallTime now,
                                 const ListSealer& seal) override;
  Result<std::optional<Approval>> FindApproval(const std::string& device_id,
                                               WallTime now) override;
  Result<Page<Device>> ListDevices(const DeviceFilter& filter,
                                   const Paging& paging, WallTime now) override;
  Result<std::vector<MediumLog>> ReadMedia(
      const std::string& device_id) override;
  Result<std::vector<Event>> ReadEvents(
      const std::vector<int64_t>& row_ids) override;

  Result<std::vector<DayCounts>> CountDays(const std::vector<WallTime>& bounds,
                                           const Scope& scope) override;
  Result<std::vector<TopRow>> CountBy(TopBy by, WallTime from, WallTime to,
                                      const Scope& scope) override;
  Result<OpenAlerts> CountOpenAlerts(const Scope& scope) override;
  Result<std::vector<Trace>> ListTraces(const EventFilter& filter,
                                        int limit) override;

  Result<Containment> PutContainment(const Containment& row, WallTime now,
                                     const ContainSealer& seal) override;
  Result<std::vector<Containment>> ListContainments(
      Contained which, const Scope& scope) override;
  Result<TransferGrant> PutGrant(const GrantChange& change, WallTime now,
                                 const GrantSealer& seal) override;
  Result<std::vector<TransferGrant>> ListGrants(WhichGrants which,
                                                const Scope& scope) override;
  Result<OfflineCode> PutCode(const std::optional<OfflineCode>& code,
                              WallTime now, const CodeSealer& seal) override;
  Result<std::vector<OfflineCode>> ListCodes(WhichGrants which,
                                             const Scope& scope) override;
  Result<std::optional<OfflineCode>> FindCode(
      const std::string& agent_id, const std::string& match) override;
  Result<std::string> CodeSecretOf(const std::string& agent_id) override;
  Result<int64_t> PutPeople(const PeopleChange& change, WallTime now,
                            const PeopleSealer& seal) override;
  Result<std::vector<RegisteredPerson>> AllPeople() override;
  Result<std::optional<RegisteredPerson>> FindPerson(
      const std::string& id) override;
  Status ConfirmDevice(const Confirmation& confirmation) override;
  Status MarkLost(const LostMark& mark) override;
  Status ClearLost(const std::string& device_id) override;
  Result<std::map<std::string, LostMark>> LostDevices() override;

  Result<std::optional<int64_t>> AddAlert(const NewAlert& alert) override;
  Status ResolveAlert(int64_t alert_id, WallTime now) override;
  Result<Page<Alert>> ListAlerts(const AlertFilter& filter,
                                 const Paging& paging) override;
  Result<AlertCount> CountAlerts(const AlertFilter& filter) override;
  Result<std::vector<AlertGroup>> GroupAlerts(const AlertFilter& filter,
                                              AlertGroupBy by) override;
  Result<Alert> UpdateAlert(const AlertChange& change,
                            const std::string& author, WallTime now) override;
  Result<MatchingStep> UpdateMatching(const MatchingAlerts& which,
                                      const AlertChange& change,
                                      const std::string& author,
                                      const AuditEntry& entry,
                                      const AlertMay& may, int limit) override;

  Result<int64_t> AddSearch(const SavedSearch& row, int most) override;
  Result<std::vector<SavedSearch>> ListSearches(
      const std::string& user) override;
  Result<SavedSearch> PutSearch(int64_t id,
                                const SearchChange& change) override;
  Result<SavedSearch> RemoveSearch(
      int64_t id,
      const std::function<Status(const SavedSearch&)>& may) override;

  Result<std::optional<User>> FindUser(const std::string& name) override;
  Status PutUser(const User& user, WallTime now) override;
  Result<int64_t> CountUsers() override;
  Result<std::vector<User>> ListUsers() override;
  Status SetRoles(const std::string& name, Roles roles) override;
  Status SetScope(const std::string& name, const Scope& scope) override;
  Status LinkPerson(const std::string& name,
                    const std::string& person_id) override;
  Result<std::vector<std::string>> NamesOfPerson(
      const std::string& person_id) override;
  Result<std::vector<std::string>> NamesOfUser(
      const std::string& name) override;
  Status SetDisabled(const std::string& name,
                     std::optional<WallTime> since) override;
  Result<std::optional<std::string>> FindUserOf(
      const ProviderIdentity& identity) override;
  Status BindUser(const ProviderIdentity& identity, const std::string& user,
                  std::optional<Roles> made_roles, const Scope& made_scope,
                  WallTime now) override;
  Status ReleaseUser(const std::string& user) override;
  Result<std::vector<StoredSession>> ListSessions(const std::string& user,
                                                  WallTime now,
                                                  WallTime idle_since) override;
  Result<std::string> FindLoginCode(const SecretHash& hash,
                                    WallTime now) override;
  Result<std::optional<StoredTotp>> FindTotp(const std::string& user) override;
  Status BeginTotp(const std::string& user, const std::string& secret) override;
  Status ConfirmTotp(const std::string& user, int64_t step,
                     const std::vector<SecretHash>& recovery) override;
  Result<bool> UseTotpStep(const std::string& user, int64_t step) override;
  Result<bool> UseRecoveryCode(const std::string& user,
                               const SecretHash& hash) override;
  Status RemoveTotp(const std::string& user) override;
  Result<int64_t> AddApiToken(const ApiToken& token) override;
  Result<std::optional<ApiToken>> FindApiToken(const SecretHash& hash) override;
  Result<std::vector<ApiToken>> ListApiTokens(const std::string& user) override;
  void MarkApiTokenUsed(int64_t id, WallTime now) override;
  Result<ApiToken> RevokeApiToken(int64_t id, const std::string& user,
                                  const std::string& by, WallTime now) override;
  Status AddSession(const StoredSession& session) override;
  Result<StoredSession> FindSession(const SecretHash& hash, WallTime now,
                                    WallTime idle_since) override;
  Status EndSession(const SecretHash& hash) override;
  Status SetPassword(const std::string& user, const std::string& password_hash,
                     const SecretHash& keep) override;
  Status AddLoginCode(const SecretHash& hash, const std::string& user,
                      WallTime expire_time) override;
  Result<std::string> UseLoginCode(const SecretHash& hash,
                                   WallTime now) override;

  Result<Case> PutCase(int64_t id, const CaseEdit& edit,
                       const CaseChange& change) override;
  Result<Page<Case>> ListCases(const CaseFilter& filter,
                               const Paging& paging) override;
  Result<CaseFile> ReadCase(int64_t id, const Scope& scope) override;

  Result<WallTime> NoteReviewRule(const std::string& name,
                                  WallTime now) override;
  Result<std::optional<int64_t>> AddReview(
      const Review& row, const std::vector<ReviewItem>& items) override;
  Result<Page<Review>> ListReviews(const ReviewFilter& filter,
                                   const Paging& paging) override;
  Result<ReviewFile> ReadReview(int64_t id) override;
  Result<Review> PutReview(int64_t id, int64_t item_no,
                           const ReviewChange& change) override;
  Result<int64_t> LogSizeBefore(WallTime time) override;
  Status ScanTransfers(
      WallTime from, WallTime to,
      const std::function<Status(const PastTransfer&)>& row) override;
  Result<std::vector<Alert>> WaitingAlerts(SlaLevel level,
                                           const std::string& severity,
                                           WallTime before, int limit) override;
  Result<std::optional<int64_t>> Escalate(SlaLevel level,
                                          const std::vector<int64_t>& alert_ids,
                                          const NewAlert& alert) override;
  Result<std::vector<int64_t>> ResolveEscalations(WallTime now) override;
  Result<std::vector<VerdictCount>> CountVerdicts(WallTime from, WallTime to,
                                                  const Scope& scope) override;
  Result<std::vector<SlaCount>> CountSla(WallTime from, WallTime to) override;
  Result<int64_t> AddSuppression(const Suppression& row) override;
  Result<std::vector<Suppression>> ListSuppressions(
      WhichSuppressions which, WallTime now, const Scope& scope) override;
  Result<Suppression> EndSuppression(int64_t id, const std::string& by,
                                     const std::string& reason,
                                     WallTime now) override;
  Result<RetentionStep> EraseNext(const RetentionCut& cut, int limit) override;
  Result<RetentionStep> CountErasable(const RetentionCut& cut) override;
  Result<int64_t> EraseNames(WallTime before) override;

  Result<SinkMark> NewestMark() override;
  Result<std::optional<SinkMark>> FindSink(const std::string& name) override;
  Status PutSink(const SinkMark& mark) override;

  Status AddCoverSpan(const std::string& agent_id, Cover state, WallTime from,
                      WallTime to) override;
  Status ReadCoverage(WallTime from, WallTime to, const WhichTerminals& which,
                      const AgentCoverageRow& row) override;
  Status ScanEvents(const EventFilter& filter,
                    const std::function<Status(const Event&)>& row) override;
  Result<std::vector<RegisteredTerminal>> RegisteredTerminals() override;
  Status PutRegister(const std::vector<RegisteredTerminal>& terminals,
                     WallTime now) override;
  Result<int64_t> RegisterVersion() override;
  Status PutSiteOutage(const SiteOutage& outage) override;
  Result<std::vector<SiteOutage>> ListSiteOutages(const Scope& scope) override;
  Result<int64_t> AddInquiry(const Inquiry& inquiry) override;
  Result<Page<Inquiry>> ListInquiries(const Paging& paging) override;
  Result<Inquiry> GetInquiry(int64_t id) override;

  Status AddAudit(const AuditEntry& entry) override;
  Result<Page<AuditEntry>> ListAudit(const AuditFilter& filter,
                                     const Paging& paging) override;
  Result<std::vector<AuditEntry>> AuditOf(const std::string& object) override;

 private:
  using Work = std::function<Status(Connection&)>;
  using Done = std::function<void(const Status&)>;
  struct Job {
    Work work;
    Done done;
  };

  // Queues; `done` runs on the writer's thread after the commit.
  void Enqueue(Work work, Done done);
  // Queues and waits for the commit. Never from the writer's thread.
  Status Write(const Work& work);
  void WriterLoop();
  void RunGroup(std::deque<Job>& group);
  Status RunJobs(std::deque<Job>& group, std::vector<Status>& results);
  // Opens a connection for the writer, unless the last try was just now.
  Status Reach();
  void Turn(const Status& status);

  // A reading connection on loan, inside one read transaction.
  class Reading {
   public:
    Reading(SqliteStore* store, std::unique_ptr<Connection> connection)
        : store_(store), connection_(std::move(connection)) {}
    Reading(Reading&&) = default;
    Reading& operator=(Reading&&) = delete;
    ~Reading();
    Connection* operator->() { return connection_.get(); }
    Connection& operator*() { return *connection_; }

   private:
    SqliteStore* store_;
    std::unique_ptr<Connection> connection_;
  };
  Result<Reading> Read();

  // log_ is what the database has, the jobs of this group before included.
  Status CheckLog(Connection& db);
  Result<event::Head> AppendIn(Connection& db, const AppendRequest& request);
  Result<Alert> ReadAlert(Connection& db, int64_t alert_id,
                          const Scope& scope = {});

  const std::unique_ptr<Engine> engine_;
  const Options options_;
  // All the writer thread's alone; no writer: it was lost.
  std::unique_ptr<Connection> writer_;
  LogTree log_;
  bool log_is_saved_ = true;     // log_ is what this server wrote last
  bool log_is_checked_ = false;  // in this group
  int64_t leaves_added_ = 0;
  std::chrono::steady_clock::time_point retry_at_;
  std::chrono::milliseconds retry_wait_{0};
  Error lost_;

  std::mutex mutex_;  // guards queue_, stopping_, readers_, log_head_
  std::condition_variable wake_;
  std::deque<Job> queue_;
  merkle::Head log_head_;  // the newest that was seen
  bool stopping_ = false;
  std::vector<std::unique_ptr<Connection>> readers_;
  std::thread thread_;
};

// Shared by the themes; on either connection.
Result<int64_t> AgentNo(Connection& db, const std::string& agent_id);
// sqlite_scope.cc: the register's groups by terminal, anew from its rows.
Status FillTerminalGroups(Connection& db);
std::optional<std::string> MaybeText(const Statement& row, int column);
Result<std::vector<std::string>> NamesOfPerson(Connection& db,
                                               const std::string& person_id);
Result<std::vector<std::string>> NamesOfUser(Connection& db,
                                             const std::string& name);
Result<std::optional<int64_t>> InsertAlert(Connection& db,
                                           const NewAlert& alert);
// The suppression in force that fits; 0 = none.
Result<int64_t> SuppressionFor(Connection& db, const Alert& alert);
// Columns: row_id, agent_id, terminal, receive_time, public_part,
// personal_part, hash, device_id.
inline constexpr const char* kEventColumns =
    "e.row_id, a.agent_id, a.terminal, e.receive_time, e.public_part, "
    "e.personal_part, e.hash, i.device_id";
Event EventFrom(const Statement& row);
Result<Event> ReadEvent(Connection& db, int64_t row_id);
Result<std::vector<ExpiringCertificate>> CertificatesEndingSoon(Connection& db,
                                                                WallTime now);
Status InsertAudit(Connection& db, const AuditEntry& entry);
// What the schema's step has to put there of events of before.
Status FillContents(Connection& db);
Status PutMediumNews(Connection& db, const MediumNews& news);
Status UpsertDevice(Connection& db, const DeviceSeen& seen);
SecretHash HashFrom(std::string_view bytes);

}  // namespace sekisho::store
