// Keeps this terminal's certificate alive: at two thirds of its life it makes a
// new key, has it certified, tries it on a second connection, keeps it on disk,
// and only then says so. Until then the certificate before is used; a new key
// that came to nothing is forgotten, and the next attempt makes another.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/uplink/server_link.h"
#include "common/clock.h"
#include "common/event_loop.h"
#include "proto/certificate_request.h"

namespace sekisho::uplink {

// Two thirds of its life and up to a twelfth more, by `spread` (any number, the
// same for one certificate, so that a fleet installed in one hour does not
// renew in one hour).
WallTime RenewAt(const enrolment::Validity& validity, uint64_t spread);

struct RenewalOptions {
  std::string state_dir;
  std::chrono::milliseconds look_every{60'000};
  // Between attempts; each wait is spread between half and the whole.
  std::chrono::milliseconds again{600'000};
  // While an expired terminal waits for an admin's word.
  std::chrono::milliseconds again_expired{60'000};
};

// Loop thread only.
class Renewal {
 public:
  // `connected`: a stream is open, so the new certificate is tried beside it.
  // `renewed`: it is on disk, from now on connect with it. All must outlive it.
  Renewal(EventLoop& loop, ServerLink& server, const Clock& clock,
          RenewalOptions options, std::function<bool()> connected,
          std::function<void()> renewed);
  ~Renewal();

  // What a connection is made with; from now on it is watched. False: it has
  // expired (the next one is being asked for), `why()` says how that stands.
  bool Watch(const Config& config, const Identity& identity);
  const std::string& why() const { return why_; }

 private:
  void Adopt(const Identity& identity);
  bool Expired() const;
  void Look();
  void Ask();
  void OnAnswer(const std::string& key, Result<std::string> certificate);
  void Keep(const Identity& next);
  void Failed(const Error& error);

  EventLoop& loop_;
  ServerLink& server_;
  const Clock& clock_;
  const RenewalOptions options_;
  const std::function<bool()> connected_;
  const std::function<void()> renewed_;

  Config config_;
  Identity identity_;
  std::optional<enrolment::Validity> validity_;  // nothing: does not parse
  WallTime due_;
  BootTime not_before_{};  // of the next attempt
  bool asking_ = false;
  std::string why_;
  EventLoop::TimerId look_timer_ = 0;
};

}  // namespace sekisho::uplink
