// What one server of several does by the clock (docs/adr/0418): ends what is
// over, moves rollouts, watches terminals, certificates, devices and deadlines.
// Apart from server.cc so that a simulated month runs exactly this.
#pragma once

#include <functional>
#include <memory>

#include "common/clock.h"
#include "server/alert/certificates.h"
#include "server/alert/core_watch.h"
#include "server/alert/drips.h"
#include "server/alert/overdue.h"
#include "server/alert/silence.h"
#include "server/alert/stocktake.h"
#include "server/core/containing.h"
#include "server/core/duties.h"
#include "server/core/offline_codes.h"
#include "server/core/publisher.h"
#include "server/core/retention.h"
#include "server/core/reviewing.h"
#include "server/core/rollouts.h"
#include "server/store/store.h"

namespace sekisho {

// All must outlive the work.
struct LeaderParts {
  store::Store& store;
  core::Publisher& publisher;
  core::Containing& containing;
  core::Rollouts& rollouts;
  core::OfflineCodes& codes;
  core::Presence& presence;
  core::Changes& changes;
  const Clock& clock;
};

struct LeaderSettings {
  alert::StocktakePlan stocktake{};
  core::Duties duties;
  // The end of the server's own certificate.
  std::function<Result<WallTime>()> own_certificate_end;
  // As core::Retention asks for it.
  std::function<int64_t()> events_told_up_to;
};

// Driven from one thread.
class LeaderWork {
 public:
  // Whatever the leader before left open is in the database. After
  // Presence::Load().
  static Result<std::unique_ptr<LeaderWork>> Begin(
      const LeaderParts& parts, const LeaderSettings& settings);

  // Every second or so.
  Status Tick();

 private:
  LeaderWork(const LeaderParts& parts, const LeaderSettings& settings);
  Status Load();
  Status EndContainments();
  Status EndGrants();
  Status EndCodes();

  const LeaderParts parts_;
  alert::SilenceWatch silence_;
  alert::CoreWatch cores_;
  alert::CertificateWatch certificates_;
  alert::StocktakeWatch stocktake_;
  alert::DripWatch drips_;
  alert::OverdueWatch overdue_;
  core::Reviewing reviewing_;
  core::Retention retention_;
};

}  // namespace sekisho
