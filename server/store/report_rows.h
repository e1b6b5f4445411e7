// Rows behind the question "did data leave?": when each terminal was covered,
// which terminals there should be, what was asked and answered. Plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "server/store/rows.h"

namespace sekisho::store {

// ---- coverage ----

// What is known of a terminal at a time. A later word is worse; the first two
// count as covered, the third as neither, all others as uncovered. The numbers
// of those that are written stand in the database.
enum class Cover {
  kCovered = 1,   // heard, policy enforces, the gate is full
  kProven = 2,    // not heard; its chain proves afterwards that it went on
  kOff = 3,       // its last event says goodbye, its next is of another boot
  kObserve = 4,   // policy only observes
  kNoCore = 5,    // sekishod does not answer
  kDegraded = 6,  // the gate has a hole
  kUnlocked = 7,  // maintenance: its protection of itself was lifted
  kClock = 8,     // the server's own clock was set back over this time
  kLost = 9,      // the terminal says that it lost events
  kSilent = 10,   // not heard, and nothing proves more
  kNoAgent = 11,  // in the register, but no agent is enrolled
};
const char* Name(Cover cover);  // "covered", "proven", "off", "observe"...
inline bool IsUncovered(Cover cover) { return cover >= Cover::kObserve; }

// Where a terminal stood when it was heard: its boot, its clock since then, the
// head of its chain.
struct CoverMark {
  std::string boot_id;
  int64_t boot_microseconds = 0;
  int32_t epoch = 0;
  int64_t sequence = 0;
};

// Heard at least every minute from `from` to `to`, always in one state.
struct CoverSpan {
  Cover state = Cover::kSilent;
  WallTime from, to;
  CoverMark first, last;
};

// What the chain says of the time between two spans.
struct CoverGap {
  bool whole = false;  // every event between the two marks is here
  // A start, stop, gap, tamper, health or policy event.
  struct Turn {
    event::v1::EventKind kind{};
    std::string boot_id;
    int64_t boot_microseconds = 0;
    bool observe_only = false;
    std::string gate_state;
    bool before = false;  // of the last few events before the first mark
  };
  std::vector<Turn> turns;  // in the order of the chain
};

struct AgentCoverage {
  std::string agent_id;
  std::string terminal;
  WallTime enrol_time;
  std::optional<WallTime> revoke_time;
  // By `from`; also the last before and the first after what was asked.
  std::vector<CoverSpan> heard;
  std::vector<CoverGap> gaps;       // gaps[i]: between heard[i] and heard[i+1]
  std::vector<CoverSpan> overlays;  // unlocked, clock, lost: hold whatever else
};
// All terminals that are seen, one, or those that come after one by name.
struct WhichTerminals {
  std::string only, after;
  Scope scope{};
};
using AgentCoverageRow = std::function<Status(const AgentCoverage&)>;

// ---- the register of terminals ----

struct RegisteredTerminal {
  std::string name;
  std::string site;
  std::string groups;  // separated by ';'
  std::string hours;   // core/expected_hours.h; empty = at any time
  std::string owner;
  std::optional<WallTime> service_from;  // unset = always
  std::optional<WallTime> service_to;    // end, not in it; unset = open
  // The register does not list it any more; it was in service until then.
  std::optional<WallTime> remove_time;
};

// ---- site outages ----

struct SiteOutage {
  int64_t alert_id = 0;
  std::string site;
  WallTime begin_time;
  std::optional<WallTime> end_time;
  std::vector<std::string> agent_ids;  // that fell silent in it
};

// ---- inquiries ----

struct Inquiry {
  int64_t id = 0;
  WallTime time;
  std::string user;
  std::string reason;
  std::string owner, person, device_id, file_hash;  // asked for; empty = not
  WallTime from, to;
  std::string answer;    // "found", "not_found", "cannot_say"
  std::string document;  // signed; empty in a list
};

}  // namespace sekisho::store
