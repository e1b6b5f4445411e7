// Certificates near their end without renewal, agents' and the server's own:
// one alert each, resolved when the next certificate is there.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "common/clock.h"
#include "server/core/changes.h"
#include "server/store/store.h"

namespace sekisho::alert {

inline constexpr auto kCertificatesLookedAtEvery = std::chrono::minutes(1);
// Of the server's own; it is renewed months before.
inline constexpr auto kServerCertificateNear = std::chrono::days(30);

class CertificateWatch {
 public:
  // `own_end`: the end of the server's certificate.
  CertificateWatch(store::Store& store, core::Changes& changes,
                   const Clock& clock,
                   std::function<Result<WallTime>()> own_end)
      : store_(store),
        changes_(changes),
        clock_(clock),
        own_end_(std::move(own_end)) {}

  // At start: alerts that were open before a restart.
  Status Load();
  // Every second or so, from one thread; looks once a minute.
  Status Tick();

 private:
  struct Near {
    std::string terminal;
    std::string title;
    WallTime end;
  };
  Status Open(const std::string& agent_id, const Near& near);
  Status Close(int64_t alert_id);

  store::Store& store_;
  core::Changes& changes_;
  const Clock& clock_;
  const std::function<Result<WallTime>()> own_end_;
  std::map<std::string, int64_t> open_;  // agent ("" = server) -> its alert
  std::optional<BootTime> looked_;
};

}  // namespace sekisho::alert
