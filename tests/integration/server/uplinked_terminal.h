// A terminal's real uplink with its files in a folder, and a sekishod of the
// test's own behind it that holds events until they are acknowledged.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/uplink/uplink.h"
#include "tests/support/fake_agent.h"

namespace sekisho::testing {

class UplinkedTerminal {
 public:
  UplinkedTerminal(Enrolled enrolled, int agents_port, int enrol_port,
                   const Clock& clock);
  ~UplinkedTerminal();

  void Start();
  void Stop();
  // The next event of the chain; sent as soon as the uplink asks.
  void Happen();
  int64_t acked();
  std::string trouble();  // why there is no connection
  // What sekishod was told of the server's history; empty = nothing.
  std::string rewritten();
  // Size of the log in the checkpoint on the terminal's disk.
  int64_t witnessed() const;
  // After a restart of the server.
  void SetServer(int agents_port);
  uplink::Identity identity() const;
  void SetIdentity(const uplink::Identity& identity);

 private:
  void Accept();
  void ReadCore();
  void Pump();
  ipc::CoreState State() const;
  // Runs on the loop's thread, which owns all below; returns when done.
  void Do(const std::function<void()>& action);

  void WriteConfig(int agents_port) const;

  const Enrolled enrolled_;
  const int enrol_port_;
  const Clock& clock_;
  std::string dir_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<uplink::ServerLink> link_;
  UniqueFd listener_, core_;
  event::Head head_;
  std::vector<event::v1::EventRecord> records_;
  std::optional<int64_t> asked_after_;  // and sent up to here
  int64_t acked_ = 0;
  ipc::UplinkState uplink_state_;
  std::string rewritten_;
  std::unique_ptr<uplink::Uplink> uplink_;
  std::jthread thread_;
};

}  // namespace sekisho::testing
