// What people may ask and do: the one door for the console, the JSON API and
// the admin socket. Users and sessions are in user_desk.h. Who may call which
// method is a row of core/roles.cc. Every change, and every refusal, is written
// to the audit log with its caller and its result. Thread-safe: callable from
// any thread; calls block on the store (milliseconds), so never from a loop
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "policy/parser.h"
#include "server/core/case_queries.h"
#include "server/core/duty_queries.h"
#include "server/core/report_queries.h"
#include "server/core/saved_searches.h"
#include "server/core/sink_health.h"
#include "server/core/user_desk.h"
#include "server/store/rows.h"

namespace sekisho::core {

// The rows themselves, with their comments: server/store/rows.h.
using store::Agent;
using store::AgentState;
using store::Alert;
using store::AlertChange;
using store::AlertComment;
using store::AlertCount;
using store::AlertFilter;
using store::AlertGroup;
using store::AlertGroupBy;
using store::AlertOrder;
using store::AlertState;
using store::Approval;
using store::Confirmation;
using store::Contained;
using store::Containment;
using store::DayCounts;
using store::Device;
using store::DeviceFilter;
using store::DeviceState;
using store::Event;
using store::EventFilter;
using store::kDefaultPageSize;
using store::kMaxPageSize;
using store::LostMark;
using store::MatchingAlerts;
using store::MatchingStep;
using store::Name;
using store::OfflineCode;
using store::OpenAlerts;
using store::Page;
using store::Paging;
using store::PolicyVersion;
using store::RenewalState;
using store::RingsText;
using store::Rollout;
using store::RolloutState;
using store::TopRow;
using store::Trace;
using store::TransferCounts;
using store::TransferGrant;
using store::WhichGrants;

struct NewToken {
  std::string hostname;         // empty = any host
  std::string terminal;         // empty = its host name
  std::chrono::seconds ttl{0};  // 0 = 24 h; at most 7 days
};
struct Token {
  std::string token;  // shown once, stored hashed
  WallTime expire_time;
};

// ---- the overview ----

inline constexpr int kMaxOverviewDays = 90;

struct OverviewQuery {
  int days = 30;
  std::string zone = "UTC";  // whose days; a name of the IANA table
};

// Terminals by what holds there now. Revoked ones count nowhere.
struct Coverage {
  int64_t enforcing = 0;  // every path to a medium closed
  int64_t degraded = 0;   // enforcing, with a gate that is not full
  int64_t observing = 0;
  int64_t silent = 0;
  int64_t never_connected = 0;
};

struct Overview {
  std::vector<DayCounts> days;  // oldest first; the last is today
  WallTime to;                  // end of today
  std::vector<TopRow> top_devices, top_terminals, top_persons;
  Coverage coverage;
  OpenAlerts open;
};

// ---- requests for approval ----

enum class RequestAnswer { kApprove, kDeny };
enum class RequestScope { kThisTerminal, kEveryTerminal };

struct RequestDecision {
  int64_t alert_id = 0;  // of kind "approval_request"
  RequestAnswer answer = RequestAnswer::kDeny;
  std::string access = "inspect";
  std::optional<int64_t> seconds;  // unset = as asked for; at most 30 days
  RequestScope scope = RequestScope::kThisTerminal;
  std::string reason;  // needed to deny
};

// ---- many alerts at once ----

inline constexpr size_t kMaxBulkAlerts = 500;

struct BulkResult {
  int64_t updated = 0;
  struct Failed {
    int64_t alert_id = 0;
    std::string message;
  };
  std::vector<Failed> failed;
};

// Alerts of a step of UpdateMatchingAlerts().
inline constexpr int kMaxMatchingStep = 500;

// ---- what else there was ----

struct SpanCounts {
  WallTime from, to;
  int64_t events = 0;
  TransferCounts counts;
};

// One person, device or terminal, day by day.
struct Lane {
  std::string by;     // "person", "device_id", "terminal"
  std::string value;  // for the same filter of the events
  std::vector<SpanCounts> days;
  SpanCounts sum;
  bool cut = false;  // there was more than was read
};

struct Around {
  std::vector<Lane> lanes;
  std::vector<Alert> alerts;  // of the same three, newest first
  // The rule that decided, as it stood in the policy of that day; line 0 = not
  // found.
  std::string rule_text;
  int rule_line = 0;
};

struct DevicePlace {
  std::string value;  // terminal or person (empty = unknown)
  WallTime first_time, last_time;
  TransferCounts counts;
};

// What a device has gone through.
struct DeviceStory {
  Device device;
  std::vector<SpanCounts> weeks;  // of the last year, oldest first
  SpanCounts sum;                 // of all that was read
  int64_t bytes = 0;
  std::vector<DevicePlace> terminals, persons;
  std::vector<AuditEntry> decisions;  // newest first
  // Different descriptors under one identity, newest first: more than one is a
  // sign of a clone.
  struct Look {
    std::string descriptor_hash;
    std::string name;
    WallTime first_time, last_time;
  };
  std::vector<Look> looks;
  std::vector<std::string> same_serial;  // other devices with its serial
  // Attached before Sekisho, by the terminals' logs: not proven, and in none of
  // the above. Newest first.
  struct Past {
    WallTime time;
    std::string terminal;
    std::string source;
  };
  std::vector<Past> past;
  bool cut = false;
};

// ---- what is on a device ----

struct DeviceFile {
  std::string path;         // raw, as the medium has it
  int64_t size_bytes = -1;  // -1: not known
  std::optional<WallTime> modify_time;
  // When it came, by the terminal's clock, or was seen first; and where.
  WallTime since;
  std::string terminal;
  bool from_elsewhere = false;  // no copy of it is known
  // It is not as it was copied: another size; only another time.
  bool other_size = false, other_time = false;
  std::optional<WallTime> gone_time;  // it is not on it any more
  std::string gone;                   // "removed", "elsewhere", "erased"
  std::optional<Event> copy;          // its TRANSFER
};

// One filesystem that was in the device.
struct MediumContents {
  std::string volume;
  std::string filesystem, label, encryption;
  WallTime last_time;
  // The newest listing; unset: there was none, and only copies are known.
  std::optional<WallTime> list_time;
  std::string list_terminal;
  bool list_complete = false;
  int64_t list_count = 0;  // files that it found
  // Changes of names were lost since: the list may be behind.
  bool behind = false;
  std::optional<WallTime> erase_time;
  int64_t erased_bytes = 0;
  int64_t file_count = 0;  // on it now
  int64_t bytes = 0;
  int64_t from_elsewhere_count = 0;
  int64_t personal_count = 0;  // files with people in them
  int64_t persons = 0;  // added up: the same person in two files counts twice
  std::map<std::string, int64_t> data;  // type -> values
  std::vector<DeviceFile> files;        // by path, at most kMaxShownFiles
  std::vector<DeviceFile> gone;         // newest first, at most kMaxShownGone
  bool cut = false;                     // there is more than is told
};
inline constexpr size_t kMaxShownFiles = 10'000;
inline constexpr size_t kMaxShownGone = 1'000;

struct DeviceContents {
  std::string device_id;
  std::vector<MediumContents> media;  // the newest first
};

// ---- policy ----

struct CheckedPolicy {
  std::vector<policy::Problem> problems;  // it is refused; nothing else is set
  std::vector<policy::Problem> warnings;
  std::string mode;
  int64_t device_rules = 0;
  int64_t content_rules = 0;
};

struct PolicyQuestion {
  std::string text;       // empty = the newest that was pushed
  std::string device_id;  // one that was seen, or vid:pid:serial
  std::string person, origin, terminal;
  std::optional<WallTime> time;  // unset = now
  // A file on its way to it, if one is asked about.
  std::optional<int64_t> persons;
  std::map<std::string, int64_t> data;  // data type -> count
  std::string inspection = "full";
};

struct PolicyStep {
  std::string rule;
  int line = 0;
  bool matched = false;
  std::string why;
};

struct PolicyAnswer {
  std::vector<policy::Problem> problems;
  std::string mode;
  std::string access;  // of the device
  std::string rule;
  int line = 0;
  std::string reason;
  bool needs_probe = false;
  std::vector<PolicyStep> steps;
  std::string verdict;  // of the file; empty = none was asked about
  std::string file_rule;
  int file_line = 0;
  std::string file_reason;
  std::vector<PolicyStep> file_steps;
};

struct PolicyTrial {
  std::vector<policy::Problem> problems;
  int64_t events = 0;  // that were judged
  bool cut = false;    // there were more than kMaxTrialEvents
  WallTime from, to;
  int64_t devices_blocked = 0, devices_freed = 0, devices_unclear = 0;
  int64_t transfers_blocked = 0, transfers_freed = 0, persons_blocked = 0;
  struct Change {
    int64_t times = 0;
    bool blocked = false;  // else freed
    bool transfer = false;
    std::string terminal, person, device_id, rule;
  };
  std::vector<Change> changes;  // the most frequent first, at most 200
  std::vector<std::pair<std::string, int64_t>> rules;  // how often each decided
};
inline constexpr int kMaxTrialEvents = 200'000;

enum class PushHow {
  kAsConfigured,  // through the rings if there are any
  kRings,         // kFailedPrecondition if there are none
  kNow,           // to everybody, whatever is under way
};

struct Pushed {
  int64_t version = 0;
  int agent_count = 0;  // connected agents told
  std::string ring;     // the only one that has it yet; empty = everybody
  // Why it was refused, with line and column; then version is 0 and nothing
  // changed. Empty when it was pushed.
  std::vector<policy::Problem> problems;
};

// ---- rollouts ----

// How a terminal stands to the version that is rolled out.
enum class RolloutAnswer {
  kHasIt,
  kOffered,     // told a moment ago
  kNotReached,  // its ring is open; it gets it when it connects
  kClosed,      // its ring is not open
  kRefused,
  kUnanswered,  // connected, and has not taken it
  kSilent,      // fell silent after it
};
const char* Name(RolloutAnswer answer);  // "has_it", "offered" ...

struct RolloutTerminal {
  std::string agent_id;
  std::string terminal;
  int ring = 0;
  int64_t wanted_version = 0;  // it is given
  int64_t policy_version = 0;  // in force there, as its heartbeat says
  RolloutAnswer answer = RolloutAnswer::kClosed;
  std::optional<WallTime> told_time, ack_time, refuse_time;
  std::string reason;  // it refused
};

struct RingProgress {
  std::string name;
  int percent = 0;
  std::chrono::seconds soak{0};  // 0 = a person opens the next
  bool open = false;
  int64_t terminals = 0;
  std::map<std::string, int64_t> counts;  // terminals by Name(answer)
};

inline constexpr size_t kMaxRolloutTerminals = 500;

struct RolloutStatus {
  std::optional<Rollout> rollout;  // the newest that there was
  bool is_live = false;            // it runs or is halted
  int64_t newest_version = 0;
  // Those of the live rollout, else those that are set, if any are.
  std::vector<RingProgress> rings;
  // Of the live rollout: what it is watched by, and what it waits for.
  int64_t blocks = 0;
  double expected_blocks = 0;
  double terminal_hours = 0;
  std::optional<WallTime> next_time;  // the next ring opens, at the earliest
  std::string waits_for;  // "", "person", "soak", "first_terminal", "answers"
  // Of the live rollout; trouble first, at most kMaxRolloutTerminals.
  std::vector<RolloutTerminal> terminals;
};

enum class RolloutAct { kAdvance, kHalt, kResume, kRollback };

// ---- codes over the phone ----

struct CodeWish {
  std::string terminal;   // name or agent id
  std::string device_id;  // vid:pid:serial as the terminal shows it
  std::string challenge;  // as it was read out
  int64_t seconds = 0;    // one of policy::kCodePeriods, from its use
  std::string person;     // who calls
  std::string reason;
};
struct SpokenCode {
  std::string code;  // to be read out; it is kept nowhere
  OfflineCode row;
};

// ---- maintenance unlocks ----

struct UnlockWish {
  std::string agent_id;
  std::chrono::seconds length{0};  // a minute to 24 hours, from the agreement
  std::string reason;
};
struct Unlocked {
  int64_t version = 0;
  WallTime end_time;
  std::string requested_by;
  std::string reason;
};

// ---- containments ----

struct ContainWish {
  std::string kind;                // "person", "terminal", "device"
  std::string target;              // login name, agent id, device id
  std::chrono::seconds length{0};  // 0 = 4 hours; a minute to 24 hours
  std::string reason;
};

// What a terminal made of it.
enum class ContainAnswer {
  kClosed,      // everything it covers is closed
  kClosing,     // it has the order, something is still open
  kObserved,    // its policy observes: reported, nothing is closed
  kWaiting,     // told a moment ago
  kNotReached,  // it gets the order when it connects
  kOver,        // by its own clock it has ended there
};
const char* Name(ContainAnswer answer);  // "closed", "would_close" ...

struct ContainedTerminal {
  std::string agent_id;
  std::string terminal;
  ContainAnswer answer = ContainAnswer::kWaiting;
  std::optional<WallTime> close_time;  // by its own clock
  int64_t media = 0;                   // attached ones that it covers
  int64_t open_media = 0;
};

inline constexpr size_t kMaxContainedTerminals = 500;

struct ContainmentStatus {
  Containment containment;
  std::string terminal;  // name of a contained terminal
  // An extension that another person must agree to.
  std::string extension_asked_by;
  std::chrono::seconds extension{0};
  std::string extension_reason;
  std::map<std::string, int64_t> counts;  // terminals by Name(answer)
  // Those with media or trouble first, at most kMaxContainedTerminals. Empty
  // when it is over.
  std::vector<ContainedTerminal> terminals;
};

// ---- live changes ----

struct Change {
  enum class What {
    kEvent,
    kAlert,
    kDevice,
    kAgent,
    kPolicy,
    kContain,
    kCase,
    kReview
  };
  What what = What::kEvent;
  // Of the event, alert, containment, case or review, or the policy's version.
  int64_t row_id = 0;
  std::string id;  // of the device or agent
};

// Ends the subscription when destroyed; no callback runs after that.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

class Desk : public UserDesk {
 public:
  // The server's clock.
  virtual WallTime Now() const = 0;

  virtual Result<Overview> GetOverview(const Caller& caller,
                                       const OverviewQuery& query) = 0;

  virtual Result<Page<Event>> ListEvents(const Caller& caller,
                                         const EventFilter& filter,
                                         const Paging& paging) = 0;
  virtual Result<Event> GetEvent(const Caller& caller, int64_t row_id) = 0;
  // The event's masked samples, sealed to the analysts' key, which the server
  // has not. Every time somebody takes them is in the audit. kNotFound: the
  // event has none.
  virtual Result<std::string> GetSamples(const Caller& caller,
                                         int64_t row_id) = 0;

  // Alerts newest first.
  virtual Result<Page<Alert>> ListAlerts(const Caller& caller,
                                         const AlertFilter& filter,
                                         const Paging& paging) = 0;
  virtual Result<std::vector<AlertGroup>> GroupAlerts(const Caller& caller,
                                                      const AlertFilter& filter,
                                                      AlertGroupBy by) = 0;
  // The same change to each of at most kMaxBulkAlerts; `change.alert_id` does
  // not count. Those that cannot be changed are told, the others are.
  virtual Result<BulkResult> UpdateAlerts(const Caller& caller,
                                          const std::vector<int64_t>& ids,
                                          const AlertChange& change) = 0;
  virtual Result<AlertCount> CountAlerts(const Caller& caller,
                                         const AlertFilter& filter) = 0;
  // UpdateAlert() for the next kMaxMatchingStep alerts that the filter finds;
  // asked again, after the last of them, until all are done. Needs `upto_id`:
  // what was made since somebody looked is left alone.
  virtual Result<MatchingStep> UpdateMatchingAlerts(
      const Caller& caller, const MatchingAlerts& which,
      const AlertChange& change) = 0;
  // 30 days around an alert, in days of `zone`.
  virtual Result<Around> GetAround(const Caller& caller, int64_t alert_id,
                                   const std::string& zone) = 0;
  // kFailedPrecondition: closing without a verdict, or a closed alert;
  // kPermissionDenied: the alert concerns the caller himself.
  virtual Result<Alert> UpdateAlert(const Caller& caller,
                                    const AlertChange& change) = 0;

  // ---- saved searches: saved_searches.h ----

  // His own and those that are shared, by place and name.
  virtual Result<std::vector<KeptSearch>> ListSearches(
      const Caller& caller) = 0;
  // A new one of his own, shared with nobody. Of `wish` count place, name and
  // filters. kInvalidArgument says which filter is wrong; kAlreadyExists: he
  // has one of this name there.
  virtual Result<KeptSearch> SaveSearch(const Caller& caller,
                                        const SavedSearch& wish) = 0;
  // These: kNotFound for one that is not there, or another's that is not
  // shared; kPermissionDenied for another's that is. One that is shared is
  // changed by who may share.
  virtual Result<KeptSearch> ChangeSearch(const Caller& caller, int64_t id,
                                          const SearchWish& wish) = 0;
  virtual Result<KeptSearch> ShareSearch(const Caller& caller, int64_t id,
                                         Sharing sharing) = 0;
  // An admin also removes another's that is shared.
  virtual Status RemoveSearch(const Caller& caller, int64_t id) = 0;

  // ---- cases: case_queries.h ----
  // Every change: kPermissionDenied if one of the case's alerts or events, or
  // of those that are added, is the caller's own; kNotFound: no such case,
  // alert or event.

  // Newest first.
  virtual Result<Page<Case>> ListCases(const Caller& caller,
                                       const CaseFilter& filter,
                                       const Paging& paging) = 0;
  virtual Result<CaseStory> GetCase(const Caller& caller, int64_t id) = 0;
  virtual Result<Case> OpenCase(const Caller& caller, const CaseWish& wish) = 0;
  // kFailedPrecondition: it is closed (a comment may be added all the same), or
  // it is under legal hold and something is to be removed.
  virtual Result<Case> ChangeCase(const Caller& caller,
                                  const CaseChange& change) = 0;
  // A legal hold stays.
  virtual Result<Case> CloseCase(const Caller& caller,
                                 const CaseClosing& closing) = 0;
  virtual Result<Case> ReopenCase(const Caller& caller, int64_t id,
                                  const std::string& reason) = 0;
  // From here on nothing that the case contains is deleted.
  virtual Result<Case> PlaceHold(const Caller& caller, int64_t id,
                                 const std::string& reason) = 0;
  // By another person than who placed it.
  virtual Result<Case> LiftHold(const Caller& caller, int64_t id,
                                const std::string& reason) = 0;

  // ---- reviews, verdicts and suppressions: duty_queries.h ----

  // Newest period first.
  virtual Result<Page<Review>> ListReviews(const Caller& caller,
                                           const ReviewFilter& filter,
                                           const Paging& paging) = 0;
  virtual Result<ReviewStory> GetReview(const Caller& caller, int64_t id) = 0;
  // These three: kPermissionDenied for who is no reviewer of it, and for an
  // item that concerns the caller himself; kFailedPrecondition: it is signed.
  // What was opened is written down.
  virtual Result<OpenedItem> OpenReviewItem(const Caller& caller,
                                            int64_t review_id,
                                            int64_t item_no) = 0;
  // kFailedPrecondition: he has not opened it.
  virtual Result<Review> JudgeReviewItem(const Caller& caller,
                                         const ReviewVerdict& verdict) = 0;
  // kFailedPrecondition: an item has no verdict.
  virtual Result<Review> SignReview(const Caller& caller, int64_t review_id,
                                    const std::string& note) = 0;
  // Periods that ended in (from, to], at most kMaxStatementDays.
  virtual Result<ReviewStatement> GetReviewStatement(const Caller& caller,
                                                     WallTime from,
                                                     WallTime to) = 0;
  // Alerts made in [from, to) and what they were closed as, by kind and rule.
  virtual Result<std::vector<VerdictCount>> ListVerdicts(const Caller& caller,
                                                         WallTime from,
                                                         WallTime to) = 0;
  virtual Result<std::vector<Suppression>> ListSuppressions(
      const Caller& caller, WhichSuppressions which) = 0;
  // Of some kinds, never of what is critical or concerns who asks, for at most
  // 90 days.
  virtual Result<Suppression> Suppress(const Caller& caller,
                                       const Suppression& wish) = 0;
  virtual Result<Suppression> EndSuppression(const Caller& caller, int64_t id,
                                             const std::string& reason) = 0;

  // Devices ever seen, newest first.
  virtual Result<Page<Device>> ListDevices(const Caller& caller,
                                           const DeviceFilter& filter,
                                           const Paging& paging) = 0;
  // Replaces an earlier approval of the device and pushes the
  // device list; returns the list's version.
  virtual Result<int64_t> ApproveDevice(const Caller& caller,
                                        const Approval& approval) = 0;
  virtual Result<int64_t> RevokeDevice(const Caller& caller,
                                       const std::string& device_id) = 0;
  virtual Result<DeviceStory> GetDeviceStory(const Caller& caller,
                                             const std::string& device_id,
                                             const std::string& zone) = 0;
  // What is on its media now, and what was.
  virtual Result<DeviceContents> GetDeviceContents(
      const Caller& caller, const std::string& device_id) = 0;
  // Who answers for it still has it: the next stocktake counts from now.
  virtual Status ConfirmDevice(const Caller& caller,
                               const Confirmation& confirmation) = 0;
  // Blocks the device on every terminal; seen again, it is a
  // critical alert. Returns the list's version.
  virtual Result<int64_t> MarkLost(const Caller& caller,
                                   const LostMark& mark) = 0;
  // The block ends too: it is as if it was never approved.
  virtual Result<int64_t> ClearLost(const Caller& caller,
                                    const std::string& device_id,
                                    const std::string& note) = 0;
  // Never on a request of his own. Approves the device as
  // asked, or grants the one transfer, or refuses, and closes the alert. The
  // operator is told where he asked. The alert as it is then.
  virtual Result<Alert> DecideRequest(const Caller& caller,
                                      const RequestDecision& decision) = 0;

  // Grants of one transfer, newest first.
  virtual Result<std::vector<TransferGrant>> ListGrants(const Caller& caller,
                                                        WhichGrants which) = 0;
  // kFailedPrecondition: it is over, or was used.
  virtual Result<TransferGrant> RevokeGrant(const Caller& caller,
                                            int64_t grant_id,
                                            const std::string& reason) = 0;

  // Admin only, and never for himself. kInvalidArgument: something was
  // misheard, and what; kNotFound: no such terminal, or it told no secret yet;
  // kFailedPrecondition: the device is lost or contained.
  virtual Result<SpokenCode> IssueCode(const Caller& caller,
                                       const CodeWish& wish) = 0;
  // Codes over the phone, newest first.
  virtual Result<std::vector<OfflineCode>> ListCodes(const Caller& caller,
                                                     WhichGrants which) = 0;
  // What it opened is closed when the terminal is reached.
  // kFailedPrecondition: it is over.
  virtual Result<OfflineCode> RevokeCode(const Caller& caller, int64_t code_id,
                                         const std::string& reason) = 0;

  // By terminal.
  virtual Result<Page<Agent>> ListAgents(const Caller& caller,
                                         const Paging& paging) = 0;
  virtual Result<Agent> GetAgent(const Caller& caller,
                                 const std::string& agent_id) = 0;
  // Ends its certificate and cuts its stream.
  virtual Status RevokeAgent(const Caller& caller, const std::string& agent_id,
                             const std::string& reason) = 0;
  // Lets a terminal whose certificate has expired renew it once.
  // kFailedPrecondition: it does not ask.
  virtual Status ApproveRenewal(const Caller& caller,
                                const std::string& agent_id) = 0;
  virtual Result<Token> CreateToken(const Caller& caller,
                                    const NewToken& wish) = 0;

  // Versions newest first, with their text.
  virtual Result<Page<PolicyVersion>> ListPolicyVersions(
      const Caller& caller, const Paging& paging) = 0;
  // A text with problems is not an error of the call: see Pushed.
  virtual Result<Pushed> PushPolicy(const Caller& caller,
                                    const std::string& text,
                                    const std::string& file_name,
                                    const std::string& comment,
                                    PushHow how) = 0;
  // Nothing changes by these three.
  virtual Result<CheckedPolicy> CheckPolicy(const Caller& caller,
                                            const std::string& text) = 0;
  virtual Result<PolicyAnswer> ExplainPolicy(
      const Caller& caller, const PolicyQuestion& question) = 0;
  // The draft over the stored events received in [from, to), approvals as they
  // are now.
  virtual Result<PolicyTrial> TryPolicy(const Caller& caller,
                                        const std::string& text, WallTime from,
                                        WallTime to) = 0;
  // Pushes the text of an older version as a new one, to everybody; a rollout
  // under way is over.
  virtual Result<Pushed> RollbackPolicy(const Caller& caller,
                                        int64_t version) = 0;

  virtual Result<RolloutStatus> GetRollout(const Caller& caller) = 0;
  // Opens the next ring, stops, goes on, or gives everybody the
  // text from before. kFailedPrecondition: it does not stand so.
  virtual Result<RolloutStatus> ChangeRollout(const Caller& caller,
                                              RolloutAct act,
                                              const std::string& reason) = 0;
  virtual Result<RingsText> GetRings(const Caller& caller) = 0;
  // An empty text ends staging. Counts from the next push. What is
  // wrong with the text; then nothing changed.
  virtual Result<std::vector<policy::Problem>> SetRings(
      const Caller& caller, const std::string& text) = 0;

  // Signs an upgrade manifest (policy/upgrade_manifest.h) and
  // pushes it; kInvalidArgument says where it does not parse.
  virtual Result<Pushed> PushUpgrade(const Caller& caller,
                                     const std::string& manifest) = 0;

  // By a person who is known. Asks that the agent's protection of
  // itself be lifted; nothing happens before another admin agrees.
  virtual Status AskUnlock(const Caller& caller, const UnlockWish& wish) = 0;
  // By another person. Signs and pushes what was asked for, and
  // raises a critical alert. kNotFound: nothing was asked within the hour;
  // kFailedPrecondition: the terminal is not connected.
  virtual Result<Unlocked> ConfirmUnlock(const Caller& caller,
                                         const std::string& agent_id) = 0;

  // Closes all media of a person, a terminal or a device, at once and for a
  // while. kPermissionDenied: it concerns the caller himself; kNotFound: no
  // such terminal or device; kAlreadyExists: it is contained already.
  virtual Result<ContainmentStatus> Contain(const Caller& caller,
                                            const ContainWish& wish) = 0;
  // Newest first; those that are over too with kAll.
  virtual Result<std::vector<ContainmentStatus>> ListContainments(
      const Caller& caller, Contained which) = 0;
  // Nothing changes before another person agrees, within an hour. The new end
  // counts from then.
  virtual Status AskExtension(const Caller& caller, int64_t containment_id,
                              std::chrono::seconds length,
                              const std::string& reason) = 0;
  virtual Result<ContainmentStatus> AgreeExtension(const Caller& caller,
                                                   int64_t containment_id) = 0;
  virtual Result<ContainmentStatus> LiftContainment(
      const Caller& caller, int64_t containment_id,
      const std::string& reason) = 0;

  // ---- register, coverage and inquiries: report_queries.h ----

  // What an import would change; nothing changes.
  virtual Result<RegisterImport> PreviewRegister(const Caller& caller,
                                                 const std::string& csv) = 0;
  // Replaces the register; with problems nothing changes.
  virtual Result<RegisterImport> ImportRegister(const Caller& caller,
                                                const std::string& csv) = 0;
  // By name: those of the register and those that enrolled, with their last
  // `days` days (at most 92). The token is the last name shown.
  virtual Result<Page<TerminalRow>> ListTerminals(const Caller& caller,
                                                  int days,
                                                  const Paging& paging) = 0;
  virtual Result<std::vector<store::SiteOutage>> ListSiteOutages(
      const Caller& caller) = 0;
  // Answers whether data left, and keeps the answer. Written down with the
  // reason.
  virtual Result<Inquiry> RunInquiry(const Caller& caller,
                                     const InquiryWish& wish) = 0;
  // Newest first, without documents.
  virtual Result<Page<Inquiry>> ListInquiries(const Caller& caller,
                                              const Paging& paging) = 0;
  virtual Result<Inquiry> GetInquiry(const Caller& caller, int64_t id) = 0;

  // ---- people at accounts that several use: report_queries.h ----

  // By id; `text`: part of id, name or employer. Those who were removed too.
  virtual Result<Page<PersonRow>> ListPeople(const Caller& caller,
                                             const std::string& text,
                                             const Paging& paging) = 0;
  // What an import would change; nothing changes.
  virtual Result<RegisterImport> PreviewPeople(const Caller& caller,
                                               const PeopleFile& file) = 0;
  // Replaces the register, keeps what each proves himself with, and tells the
  // terminals; with problems nothing changes.
  virtual Result<RegisterImport> ImportPeople(const Caller& caller,
                                              const PeopleFile& file) = 0;
  // A new one, shown once; the one before is none any more. kNotFound.
  virtual Result<MadePin> MakePin(const Caller& caller,
                                  const std::string& person) = 0;
  virtual Result<TotpSecret> MakePersonTotp(const Caller& caller,
                                            const std::string& person) = 0;
  virtual Status RemovePerson(const Caller& caller, const std::string& person,
                              const std::string& reason) = 0;

  // Who outside is told of alerts and events, and how it goes.
  virtual Result<std::vector<SinkHealth>> ListSinks(const Caller& caller) = 0;

  // ---- lists of people by data owner: report_queries.h ----

  // By name.
  virtual Result<std::vector<DataSetRow>> ListDataSets(
      const Caller& caller) = 0;
  // `bytes` as policy/data_sets.h has them. Takes the place of the list of its
  // name and tells the terminals.
  virtual Result<DataSetRow> PutDataSet(const Caller& caller,
                                        const std::string& bytes) = 0;
  // kNotFound. Copies of its people are not known as the owner's any more.
  virtual Status RemoveDataSet(const Caller& caller, const std::string& id,
                               const std::string& reason) = 0;

  // `callback` runs on the server's own thread and must not block or call the
  // desk: it hands the change on. Changes are hints; what they name is read
  // through the desk.
  virtual std::unique_ptr<Subscription> Subscribe(
      std::function<void(const Change&)> callback) = 0;
  // Those of `changes` that are about what the caller sees, in their order.
  virtual Result<std::vector<Change>> PickChanges(
      const Caller& caller, const std::vector<Change>& changes) = 0;
};

// The agents (empty id = all) whose raw records are about to leave
// the server; writes that to the audit log.
using ExportGate = std::function<Result<std::vector<Agent>>(
    const Caller& caller, const std::string& agent_id)>;

}  // namespace sekisho::core
