// The rows people see: events, agents, devices, alerts, policy versions, audit
// entries, and the filters they are asked by. Plain values; core/queries.h
// hands them on under its own names.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "sekisho/event/v1/event.pb.h"
#include "server/store/role_set.h"
#include "server/store/scope.h"

namespace sekisho::store {

inline constexpr int kDefaultPageSize = 100;
inline constexpr int kMaxPageSize = 1000;

// `token` of a page is opaque; empty = first page. `size` 0 = default.
struct Paging {
  int size = 0;
  std::string token;
};
template <typename T>
struct Page {
  std::vector<T> rows;
  std::string next_token;  // empty = last page
};

// ---- events ----

struct Event {
  int64_t row_id = 0;  // rises in the order of commit
  std::string agent_id;
  std::string terminal;
  WallTime receive_time;  // server's clock at commit
  std::string hash_hex;
  std::string device_id;  // "vid:pid:serial" escaped; empty = no device
  event::v1::PublicPart public_part;
  event::v1::PersonalPart personal_part;  // empty when erased
};

struct EventFilter {
  std::string agent_id;
  std::string terminal;
  std::string person;
  std::string device_id;
  std::string file;  // last part of the path, '*' for any run; case of a-z not
  std::string file_hash;                     // SHA-256, small hex digits
  std::string data_owner;                    // label
  std::vector<event::v1::EventKind> kinds;   // any of; empty = all
  std::vector<event::v1::Outcome> outcomes;  // any of; empty = all
  std::optional<WallTime> from, to;          // receive time, [from, to)
  Scope scope{};                             // whose events are seen
  // Why a person is looked for; the desk wants it with `person` and writes it
  // down. The store does not look at it.
  std::string reason;
  // Set: only rows after this one, oldest first (to follow). Unset: newest
  // first.
  std::optional<int64_t> after_row_id;
};

// Refused, as far as an event says; an unknown value is a refusal.
bool IsRefusal(event::v1::Outcome outcome);

// ---- agents ----

enum class AgentState { kEnrolled, kConnected, kSilent, kRevoked };
const char* Name(AgentState state);

// An agent whose certificate has expired asks for the next one by its old key,
// and an admin says yes once.
enum class RenewalState { kNone, kAsked, kApproved };
const char* Name(RenewalState state);  // "", "asked", "approved"

struct Agent {
  std::string agent_id;
  std::string terminal;
  std::string hostname;                      // as it says now
  AgentState state = AgentState::kEnrolled;  // kEnrolled: never connected
  std::string agent_version;
  std::string mode;        // "observe", "enforce"; empty = no heartbeat yet
  std::string gate_state;  // "full", "degraded", "unsupported"
  bool core_alive = true;
  int64_t policy_version = 0;
  std::optional<WallTime> last_seen_time;
  int64_t acked_sequence = 0;
  int64_t head_sequence = 0;  // of its own chain, as its heartbeat says
  int64_t spooled_count = 0;
  WallTime enrol_time;
  std::string revoke_reason;
  std::optional<WallTime> certificate_not_after;  // of its newest
  RenewalState renewal = RenewalState::kNone;
};

// ---- devices ----

// Reported lost or stolen: seen again, it is a critical alert.
struct LostMark {
  std::string device_id;
  std::string how;  // "lost", "stolen"
  std::string note;
  std::string marked_by;
  WallTime mark_time;
};

// Somebody said that he still has it.
struct Confirmation {
  std::string device_id;
  std::string note;
  std::string confirmed_by;
  WallTime confirm_time;
};

struct Device {
  std::string device_id;
  event::v1::Device facts;  // of its newest event
  std::string last_terminal;
  std::string last_person;
  WallTime first_seen_time;
  WallTime last_seen_time;
  std::string last_access;  // newest decision: "block", "inspect"...
  int64_t event_count = 0;
  bool weak_identity = false;  // empty, default or repeated serial
  // Approval in force; access empty = none.
  std::string approved_access;
  std::string approved_terminal;  // empty = every terminal
  std::string approved_by;
  std::optional<WallTime> approve_time;
  std::optional<WallTime> expire_time;
  std::string owner, purpose, ticket;
  std::string name;  // maker and product, escaped
  std::optional<LostMark> lost;
  // Who answers for it said that he still has it.
  std::optional<WallTime> confirm_time;
  std::string confirmed_by;
};

enum class DeviceState { kApproved, kUnapproved, kLost, kWeak };

struct DeviceFilter {
  std::string device_id;
  std::string terminal;  // seen there last
  std::string text;      // part of id, name, terminal, person or owner
  std::optional<DeviceState> state;
};

struct Approval {
  std::string device_id;
  std::string access;    // access word of the contract
  std::string terminal;  // empty = every terminal
  std::optional<WallTime> expire_time;
  std::string owner, purpose, ticket;
};

// ---- alerts ----

enum class AlertState {
  kNew = 1,
  kAcknowledged = 2,
  kInProgress = 3,
  kClosed = 4
};
const char* Name(AlertState state);  // "new", "acknowledged", "in_progress"...

struct AlertComment {
  WallTime time;
  std::string author;
  std::string text;
};

struct Alert {
  int64_t alert_id = 0;
  std::string kind;      // "transfer_blocked", "terminal_silent", "tamper"...
  std::string severity;  // "low", "medium", "high", "critical"
  AlertState state = AlertState::kNew;
  std::string title;  // one plain sentence, English; shown text is escaped
  std::string agent_id;
  std::string terminal;
  std::string person;
  std::string device_id;
  WallTime create_time;
  WallTime update_time;
  int64_t event_row_id = 0;  // 0 = none (silence)
  // What the alert was about is over by itself (terminal is back).
  std::optional<WallTime> resolve_time;
  std::string assignee;
  std::string verdict;     // when closed: "true_positive", "false_positive",
                           // "benign"
  std::string verdict_by;  // who gave it, and when; empty = before schema 18
  std::optional<WallTime> verdict_time;
  std::string rule;  // of its event, escaped; empty = none decided
  // Of the login, where `person` said at it who he is; else empty.
  std::string account{};
  std::vector<AlertComment> comments;  // newest last
  std::vector<int64_t> case_ids;       // in which it stands
  int64_t suppression_id = 0;          // that kept it back; 0 = none
  int told_level = 0;  // told as overdue: 1 to acknowledge, 2 to close
  // Set by the desk: its clocks, as long as they run.
  std::optional<WallTime> acknowledge_due, close_due;
  std::optional<Event> event;  // when asked for
};

enum class AlertOrder { kNewest, kOldest, kSeverity };

struct AlertFilter {
  std::vector<AlertState> states;  // any of; empty = all
  std::string severity, kind, terminal, assignee, person, device_id, rule;
  bool only_unassigned = false;
  std::optional<WallTime> from, to;  // create time, [from, to)
  AlertOrder order = AlertOrder::kNewest;
  int64_t alert_id = 0;  // 0 = all
  bool only_unresolved = false;
  bool with_suppressed = false;
  bool with_events = false;
  int64_t skip = 0;  // so many from the first; with an empty page token
  Scope scope{};     // whose alerts are seen
};

struct AlertCount {
  int64_t count = 0;
  int64_t newest_id = 0;  // 0 = none
};

enum class AlertGroupBy { kPerson, kDevice, kTerminal, kRule, kKind };

// Alerts that have one value in common.
struct AlertGroup {
  std::string value;  // empty = unknown, or no rule
  int64_t count = 0;
  std::string severity;  // the worst of them
  WallTime newest_time;
};

struct AlertChange {
  int64_t alert_id = 0;
  std::optional<AlertState> state;      // closing needs a verdict
  std::optional<std::string> assignee;  // "" takes it away
  std::optional<std::string> verdict;
  std::string comment;  // empty = none
};

// Alerts that a filter finds, a step at a time: those after the last of the
// step before, up to the newest when it began.
struct MatchingAlerts {
  AlertFilter filter;
  int64_t after_id = 0;
  int64_t upto_id = 0;
};

struct MatchingStep {
  int64_t updated = 0;
  struct Failed {
    int64_t alert_id = 0;
    std::string message;
  };
  std::vector<Failed> failed;
  int64_t next_after_id = 0;  // 0 = that was all
};

// ---- what the console counts ----

// People are added up over files: the same person in two files counts twice.
struct TransferCounts {
  int64_t transfers = 0;
  int64_t blocked = 0;   // refused
  int64_t observed = 0;  // an enforcing policy would have refused them
  int64_t alerted = 0;   // let through, to be looked at
  int64_t persons = 0;   // in the files
  int64_t persons_blocked = 0;
  int64_t persons_written = 0;  // whose rows reached a medium
};

struct DayCounts {
  WallTime from;
  TransferCounts counts;
  int64_t operators = 0;  // different persons who copied
  int64_t plugs = 0;      // devices plugged
  int64_t plugs_blocked = 0;
};

// An event as the index knows it, without its two parts.
struct Trace {
  int64_t row_id = 0;
  WallTime receive_time;
  event::v1::EventKind kind{};
  event::v1::Outcome outcome{};
  bool observe_only = false;
  int64_t persons = 0;
  int64_t persons_written = 0;
  int64_t bytes = 0;
  std::string person;
  std::string device_id;
  std::string terminal;
};

enum class TopBy { kDevice, kTerminal, kPerson };
struct TopRow {
  std::string value;  // device id, terminal, person (empty = unknown)
  std::string name;   // of a device, escaped
  TransferCounts counts;
};

struct OpenAlerts {
  std::map<std::string, int64_t> by_severity;  // without requests
  int64_t unassigned = 0;
  int64_t requests = 0;
  std::optional<WallTime> oldest_time;  // of what nobody looked at yet
};

// ---- policy ----

struct PolicyVersion {
  int64_t version = 0;
  WallTime push_time;
  std::string author;
  std::string comment;
  std::string file_name;
  std::string mode;  // "observe", "enforce"
  std::string text;
};

// ---- rollouts ----

// A policy version on its way through the rings (policy/rings.h). At most one
// runs or is halted, and it is of the newest version.
enum class RolloutState { kRunning, kHalted, kDone, kRolledBack, kReplaced };
const char* Name(RolloutState state);  // "running", "halted", "done"...

struct Rollout {
  int64_t version = 0;
  int64_t base_version = 0;  // what those in closed rings are given
  std::string rings;         // the text, as it stood when it began
  RolloutState state = RolloutState::kRunning;
  int ring = 0;  // the last that is open, from 0
  std::string started_by;
  WallTime start_time;
  WallTime ring_time;   // `ring` was opened
  WallTime watch_time;  // what was before it stops nothing
  std::optional<WallTime> end_time;
  // Of the last halt; halted_by empty: it stopped by itself.
  std::optional<WallTime> halt_time;
  std::string halted_by;
  std::string halt_reason;
  int64_t alert_id = 0;
  int64_t event_row_id = 0;  // refusals were read up to this one
};

// One terminal to which it was offered.
struct RolloutTerminal {
  std::string agent_id;
  WallTime told_time;
  std::optional<WallTime> ack_time;  // heard with the version in force
  std::optional<WallTime> refuse_time;
  std::string refuse_reason;
  bool operator==(const RolloutTerminal&) const = default;
};

// What agents are given now.
struct PolicyOffer {
  int64_t newest = 0;
  std::optional<Rollout> rollout;  // that runs or is halted
};

// Refused devices and transfers of a terminal within one minute.
struct BlockCount {
  std::string agent_id;
  WallTime minute;
  int64_t policy_version = 0;
  int64_t made = 0;
  int64_t observed = 0;  // that an enforcing policy would have made
};

// The order in which terminals get a policy; text empty: all at once.
struct RingsText {
  std::string text;
  std::string set_by;
  std::optional<WallTime> set_time;
};

// ---- containments ----

// An order that a person, a terminal or a device uses no media for a while.
struct Containment {
  int64_t id = 0;
  std::string kind;    // "person", "terminal", "device"
  std::string target;  // login name, agent id, device id
  std::string reason;
  std::string created_by;
  WallTime create_time;
  WallTime from_time;  // of the begin, or of the last extension
  WallTime end_time;
  // Set: it is over, lifted by a person or ended by itself (lifted_by empty).
  std::optional<WallTime> over_time;
  std::string lifted_by;
  std::string lift_reason;
  int64_t alert_id = 0;
  int64_t version = 0;  // of the first list that has it as it is
};

enum class Contained { kRunning, kAll };

// ---- grants of one transfer ----

// One refused copy that may go once.
struct TransferGrant {
  int64_t id = 0;
  int64_t alert_id = 0;  // of its request
  std::string agent_id;
  std::string terminal;  // name of the agent's; read only
  std::string person;    // login name
  std::string device_id;
  std::string file_hash;  // SHA-256 of the content, 32 bytes
  int64_t persons = 0;    // at most so many
  std::string types;      // no others: sorted words, joined by commas
  std::string purpose;
  std::string created_by;
  WallTime create_time;
  WallTime end_time;
  std::optional<WallTime> used_time;  // server's clock
  int64_t used_event_row_id = 0;      // the transfer; 0 = not used yet
  std::optional<WallTime> over_time;  // set: no terminal holds it any more
  std::string over_why;               // "used", "ended", "revoked"
  int64_t version = 0;                // of the first list that has it so
  // First erasure of that medium after the copy, by the terminal's clock; read
  // only.
  std::optional<WallTime> erase_time{};
};

enum class WhichGrants { kRunning, kAll };
const char* StateOf(const TransferGrant& grant);  // "running", "used"...

// A code that an approver read out to a terminal without network. The code
// itself is kept nowhere.
struct OfflineCode {
  int64_t id = 0;
  std::string agent_id;
  std::string terminal;  // name of the agent's; read only
  std::string device_id;
  std::string challenge;  // its 8 random letters
  int64_t seconds = 0;    // from when it is used
  std::string person;     // who asked for it
  std::string reason;
  std::string created_by;
  WallTime create_time;
  WallTime end_time;                  // what it opened is closed by then
  std::string match;                  // 32 bytes, as the event of its use says
  std::optional<WallTime> used_time;  // server's clock
  int64_t used_event_row_id = 0;      // 0 = nobody told of a use
  std::string used_person;
  std::optional<WallTime> over_time;  // set: terminals hold it no more
  std::string over_why;               // "ended", "revoked"
  int64_t version = 0;                // of the first list that has it so
};
const char* StateOf(const OfflineCode& code);  // "running", "used"...

// What an operator is told of his request.
struct RequestAnswer {
  int64_t alert_id = 0;  // of the request
  std::string event_id;  // of the request, 16 bytes
  bool approved = false;
  WallTime answer_time;
};

// ---- sinks ----

// How far one receiver outside has been told.
struct SinkMark {
  std::string name;
  int64_t alert_id = 0;      // the newest alert that it has
  int64_t event_row_id = 0;  // the newest event that it has
  int64_t sent_count = 0;
  int64_t gap_count = 0;         // what it was never sent, in all
  int64_t untold_gap_count = 0;  // of it, what it was not told of yet
  std::optional<WallTime> sent_time;
};

// ---- audit ----

struct AuditEntry {
  int64_t row_id = 0;
  WallTime time;
  std::string user;
  std::string door;
  std::string address;
  std::string action;  // "policy.push", "device.approve", "enrol.refused"...
  std::string object;  // "device 1234:5678:X"
  std::string result;  // "ok" or the error's message
  std::string detail;
};

}  // namespace sekisho::store
