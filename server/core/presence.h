// Who is connected and when each agent was last heard. In memory; the store
// keeps the latest heartbeat for after a restart.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "server/store/store.h"

namespace sekisho::core {

inline constexpr auto kSilentAfter = std::chrono::seconds(60);

// Thread-safe.
class Presence {
 public:
  explicit Presence(const Clock& clock) : clock_(clock) {}

  // At start: agents known from before count as heard now, so that a restart of
  // the server makes no silence.
  void Load(const std::vector<store::Agent>& agents);

  // At start, after Load: its silence began before and goes on.
  void MarkSilent(const std::string& agent_id);

  // A stream opened; false if the agent is revoked.
  bool Connect(const std::string& agent_id);
  void Disconnect(const std::string& agent_id);
  // Any message of the agent. False: it is revoked, cut the stream.
  bool Heard(const std::string& agent_id);
  // By another server, by its clock: what counts is that it is another time
  // than the one before.
  void HeardElsewhere(const std::string& agent_id, WallTime time);
  void Revoke(const std::string& agent_id);
  bool IsRevoked(const std::string& agent_id) const;
  int connected_count() const;
  int silent_count() const;  // without those that are revoked
  // Within the last minute.
  bool IsHeard(const std::string& agent_id) const;

  store::AgentState StateOf(const store::Agent& agent) const;

  // Agents that became silent or were heard again since the last call.
  struct Turns {
    struct Silent {
      std::string agent_id;
      WallTime last_heard;
    };
    std::vector<Silent> silent;
    std::vector<std::string> back;
  };
  Turns TakeTurns();

 private:
  struct Entry {
    int streams = 0;
    BootTime heard{};  // a clock nobody sets
    WallTime heard_wall;
    WallTime elsewhere;
    bool silent = false;
    bool revoked = false;
  };

  const Clock& clock_;
  mutable std::mutex mutex_;  // guards agents_
  std::map<std::string, Entry, std::less<>> agents_;
};

}  // namespace sekisho::core
