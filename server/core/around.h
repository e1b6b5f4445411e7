// What else there was: traces summed over spans of time, and the month around
// an alert for its person, device and terminal.
#pragma once

#include <span>

#include "policy/zone.h"
#include "server/core/queries.h"
#include "server/store/store.h"

namespace sekisho::core {

// More of one lane is not read.
inline constexpr int kMaxLaneTraces = 20'000;
inline constexpr int kAroundDays = 30;

void Count(const Trace& trace, TransferCounts& counts);

// Spans of `days` calendar days each that together hold [from, to), oldest
// first, with the traces counted into them; those outside are left out.
std::vector<SpanCounts> Spread(std::span<const Trace> traces, WallTime from,
                               WallTime to, int days, const policy::Zone& zone);

// With what `scope` sees. kNotFound: no such alert.
Result<Around> ReadAround(store::Store& store, const Scope& scope,
                          int64_t alert_id, const policy::Zone& zone);

// The rule's own lines of a policy, as they were written; empty and line 0 if
// the text does not parse or has no such rule.
std::pair<std::string, int> RuleText(const std::string& policy_text,
                                     const std::string& rule);

}  // namespace sekisho::core
