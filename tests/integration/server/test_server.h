// A server and its enrolment process in this process, on loopback with ports of
// their own, in a folder that goes away with it.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "server/auth/certificates.h"
#include "server/server.h"
#include "server/service/enrol_service.h"
#include "tests/support/fake_agent.h"

namespace sekisho::testing {

// Real time that a test can move on.
class MovableClock final : public Clock {
 public:
  WallTime Now() const override {
    return real_.Now() + std::chrono::microseconds(offset_.load());
  }
  BootTime SinceBoot() const override {
    return real_.SinceBoot() + std::chrono::microseconds(offset_.load());
  }
  void Advance(std::chrono::microseconds by) { offset_ += by.count(); }

 private:
  SystemClock real_;
  std::atomic<int64_t> offset_ = 0;
};

class TestServer {
 public:
  explicit TestServer(
      std::chrono::seconds agent_life = auth::kAgentCertificateLife,
      std::string database = "");
  ~TestServer();

  // Stops and starts the server on the same state, with `between` in between;
  // other ports.
  void Restart(const std::function<void()>& between = [] {});

  int agents_port() const { return server_->agents_port(); }
  int enrol_port() const { return enrol_->port(); }
  const std::string& dir() const { return dir_; }
  std::string socket() const { return dir_ + "/run/admin.sock"; }
  std::string ca_pem() const { return ca_->certificate_pem(); }
  MovableClock& clock() { return clock_; }
  service::EnrolServer& enrol() { return *enrol_; }

  // By way of the admin socket.
  std::string Token(const std::string& hostname = "");
  Enrolled EnrolAs(const std::string& hostname);

  // Results of the audit log, straight from the file: there is no rpc for it.
  std::vector<std::string> Audit(const std::string& action) const;

 private:
  void StartServer();

  const std::string database_;  // empty = SQLite
  std::string dir_;
  MovableClock clock_;
  std::unique_ptr<auth::CertificateAuthority> ca_;
  std::array<std::byte, 32> sketch_key_{};
  std::unique_ptr<Server> server_;
  std::unique_ptr<service::LinkClient> link_;
  std::unique_ptr<service::EnrolServer> enrol_;
};

}  // namespace sekisho::testing
