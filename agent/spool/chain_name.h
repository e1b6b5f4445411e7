// chain.id: whose events a spool holds, as the event log writes it beside its
// key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/spool/spool.h"
#include "common/result.h"

namespace sekisho::spool {

struct ChainName {
  std::string agent_id;
  int32_t epoch = 0;  // the server's
  // Counts beginnings: the epoch of positions in the spool.
  int32_t beginning = 0;
  // Begun because of damage: the newest epoch known before. Until the GAP that
  // opens the epoch is written; 0 = owes none.
  int32_t closed_epoch = 0;
  // While events of the chain before are being carried over: what of them had
  // been acknowledged. Nothing: done.
  std::optional<Position> carry_after;
};

std::string PrintName(const ChainName& name);
// kDataLoss: not what PrintName() writes.
Result<ChainName> ParseName(std::string_view text);

}  // namespace sekisho::spool
