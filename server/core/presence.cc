#include "server/core/presence.h"

namespace sekisho::core {

void Presence::Load(const std::vector<store::Agent>& agents) {
  std::lock_guard lock(mutex_);
  for (const store::Agent& agent : agents) {
    if (agent.state == store::AgentState::kRevoked) {
      agents_[agent.agent_id].revoked = true;
    } else if (agent.last_seen_time) {
      Entry& entry = agents_[agent.agent_id];
      entry.heard = clock_.SinceBoot();
      entry.heard_wall = *agent.last_seen_time;
    }
  }
}

void Presence::MarkSilent(const std::string& agent_id) {
  std::lock_guard lock(mutex_);
  Entry& entry = agents_[agent_id];
  entry.silent = true;
  entry.heard = clock_.SinceBoot() - kSilentAfter - std::chrono::seconds(1);
}

bool Presence::Connect(const std::string& agent_id) {
  std::lock_guard lock(mutex_);
  Entry& entry = agents_[agent_id];
  if (entry.revoked) {
    return false;
  }
  ++entry.streams;
  entry.heard = clock_.SinceBoot();
  entry.heard_wall = clock_.Now();
  return true;
}

void Presence::Disconnect(const std::string& agent_id) {
  std::lock_guard lock(mutex_);
  --agents_[agent_id].streams;
}

bool Presence::Heard(const std::string& agent_id) {
  std::lock_guard lock(mutex_);
  Entry& entry = agents_[agent_id];
  if (entry.revoked) {
    return false;
  }
  entry.heard = clock_.SinceBoot();
  entry.heard_wall = clock_.Now();
  return true;
}

void Presence::HeardElsewhere(const std::string& agent_id, WallTime time) {
  std::lock_guard lock(mutex_);
  Entry& entry = agents_[agent_id];
  if (entry.revoked || entry.elsewhere == time) return;
  // The first time is what this server began with.
  const bool known = entry.elsewhere != WallTime{} || entry.heard == BootTime{};
  entry.elsewhere = time;
  if (!known) return;
  entry.heard = clock_.SinceBoot();
  entry.heard_wall = clock_.Now();
}

void Presence::Revoke(const std::string& agent_id) {
  std::lock_guard lock(mutex_);
  agents_[agent_id].revoked = true;
}

bool Presence::IsRevoked(const std::string& agent_id) const {
  std::lock_guard lock(mutex_);
  const auto it = agents_.find(agent_id);
  return it != agents_.end() && it->second.revoked;
}

int Presence::connected_count() const {
  std::lock_guard lock(mutex_);
  int count = 0;
  for (const auto& [agent_id, entry] : agents_) {
    count += entry.streams > 0 ? 1 : 0;
  }
  return count;
}

int Presence::silent_count() const {
  std::lock_guard lock(mutex_);
  int count = 0;
  for (const auto& [agent_id, entry] : agents_) {
    count += entry.silent && !entry.revoked ? 1 : 0;
  }
  return count;
}

bool Presence::IsHeard(const std::string& agent_id) const {
  std::lock_guard lock(mutex_);
  const auto it = agents_.find(agent_id);
  return it != agents_.end() && !it->second.revoked &&
         clock_.SinceBoot() - it->second.heard <= kSilentAfter;
}

store::AgentState Presence::StateOf(const store::Agent& agent) const {
  if (agent.state == store::AgentState::kRevoked) {
    return store::AgentState::kRevoked;
  }
  std::lock_guard lock(mutex_);
  const auto it = agents_.find(agent.agent_id);
  if (it == agents_.end()) {
    return store::AgentState::kEnrolled;
  }
  if (it->second.revoked) {
    return store::AgentState::kRevoked;
  }
  // A minute without a sound is silence, whether a stream hangs or not; before
  // that an agent that just lost its stream still counts as connected.
  return clock_.SinceBoot() - it->second.heard > kSilentAfter
             ? store::AgentState::kSilent
             : store::AgentState::kConnected;
}

Presence::Turns Presence::TakeTurns() {
  std::lock_guard lock(mutex_);
  Turns turns;
  const BootTime now = clock_.SinceBoot();
  for (auto& [agent_id, entry] : agents_) {
    const bool silent = !entry.revoked && now - entry.heard > kSilentAfter;
    if (silent == entry.silent) {
      continue;
    }
    entry.silent = silent;
    if (silent) {
      turns.silent.push_back({agent_id, entry.heard_wall});
    } else {
      turns.back.push_back(agent_id);
    }
  }
  return turns;
}

}  // namespace sekisho::core
