// The spool and event log of a terminal as sekishod has them, on a real disk,
// fed to a server by a fake uplink; and the damage a disk can do to them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/spool/event_log.h"
#include "tests/support/fake_agent.h"

namespace sekisho::testing {

class TerminalSpool {
 public:
  explicit TerminalSpool(const Enrolled& enrolled);
  ~TerminalSpool();

  // As a restart of sekishod.
  void Open();
  spool::EventLog& log() { return *log_; }
  // Event ids of what was durable.
  std::vector<std::string> Write(int count);

  // What the server does not have yet, as sekishod gives it after `head`.
  std::vector<event::v1::EventRecord> After(const event::Head& head);
  // Connects and delivers all; where the server stands then.
  event::Head Deliver(FakeAgent& agent);

  // Flips a byte of the newest event of which `id` is the id, in the files.
  void Damage(const std::string& id);

 private:
  const std::string agent_id_;
  const int32_t epoch_;
  std::string dir_;
  SystemClock clock_;
  std::unique_ptr<spool::Spool> spool_;
  std::unique_ptr<spool::EventLog> log_;
};

}  // namespace sekisho::testing
