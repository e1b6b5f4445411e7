// When a terminal was covered, from what was heard of it and what its chain
// proves afterwards (docs/adr/0415). Pure but for ReadTerminals(). What nothing
// speaks for is silent: no time is ever taken for covered because nobody said
// otherwise.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/core/report_queries.h"
#include "server/store/store.h"

namespace sekisho::core {

// All of [from, to) in which the agent was enrolled and not revoked, in order,
// without holes or overlaps; neighbours differ.
std::vector<CoverPart> PartsOf(const store::AgentCoverage& agent, WallTime from,
                               WallTime to);

// One terminal: what the register says of it (or nothing) and all agents that
// were enrolled under its name. While it is in service and has no agent it is
// kNoAgent. Outside of its service only what was heard counts, not silence.
TerminalCover Join(const std::string& terminal,
                   const store::RegisteredTerminal* registered,
                   const std::vector<store::AgentCoverage>& agents,
                   WallTime from, WallTime to);

// Every terminal of the register and every one that enrolled, by name.
Status ReadTerminals(store::Store& store, WallTime from, WallTime to,
                     const store::WhichTerminals& which,
                     const std::function<Status(const TerminalCover&)>& row);

}  // namespace sekisho::core
