// The desk: core and accounts joined behind the one door for people, with the
// roles checked and everything written down.
#pragma once

#include <functional>

#include "common/clock.h"
#include "server/auth/accounts.h"
#include "server/core/changes.h"
#include "server/core/checkpoints.h"
#include "server/core/containing.h"
#include "server/core/duties.h"
#include "server/core/offline_codes.h"
#include "server/core/presence.h"
#include "server/core/publisher.h"
#include "server/core/queries.h"
#include "server/core/rollouts.h"
#include "server/oidc/provider.h"
#include "server/store/store.h"

namespace sekisho {

struct DeskParts {
  store::Store& store;
  core::Publisher& publisher;
  core::Presence& presence;
  core::Changes& changes;
  auth::Accounts& accounts;
  const Clock& clock;
  // Tokens carry the beginning of it, so that a terminal knows its server.
  std::string ca_fingerprint;
  // Ends an agent's stream.
  std::function<void(const std::string& agent_id, const std::string& reason)>
      cut;
  core::Containing& containing;
  core::Rollouts& rollouts;
  core::OfflineCodes& codes;
  core::Checkpoints& checkpoints;
  // By which alerts have clocks.
  core::SlaRules sla = {};
  // Where people sign in, too; null = with passwords alone.
  oidc::Provider* provider = nullptr;
  // Who outside is told, and how it goes; null = nobody.
  std::function<Result<std::vector<core::SinkHealth>>()> sinks = {};
};

std::unique_ptr<core::Desk> MakeDesk(DeskParts parts);
core::ExportGate MakeExportGate(store::Store& store, const Clock& clock);

}  // namespace sekisho
