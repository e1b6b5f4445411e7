// What a server reads of what other servers did to the same database.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.h"

namespace sekisho::store {

struct NewsMark {
  int64_t alert_id = 0;
  int64_t event_row_id = 0;
  int64_t audit_row_id = 0;
};

// Of what came after a mark: how far it goes, and what the audit log names
// ("alert 17", "device 0951:1666:A1"), at most 200.
struct News {
  NewsMark upto;
  std::vector<std::string> objects;
};

// An agent that is heard and says that its sekishod does not answer.
struct AwayCore {
  std::string agent_id;
  std::string terminal;
};

// When an agent was heard last, by the clock of the server that heard it.
struct SeenAgent {
  std::string agent_id;
  WallTime time;
};

}  // namespace sekisho::store
