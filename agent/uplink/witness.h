// What this terminal saw of the server's log, kept on its disk: a server may
// add to its history, but not change what it once showed. The log's key is
// taken from the first server that shows one, over the connection that the
// terminal's own CA vouches for, and stays.
#pragma once

#include <optional>
#include <string>

#include "common/clock.h"
#include "merkle/checkpoint.h"
#include "sekisho/event/v1/event_service.pb.h"

namespace sekisho::uplink {

// A disk is not written for each heartbeat.
inline constexpr auto kWitnessKeptEvery = std::chrono::minutes(5);

class Witness {
 public:
  // `path` need not be there; a file that is damaged counts as not there.
  Witness(std::string path, const Clock& clock);

  // The newest checkpoint seen, as signed note; empty = none yet.
  const std::string& checkpoint() const { return note_; }
  // Takes what the server says of its log. kDataLoss: it cannot be the
  // continuation of what was seen; nothing is taken then.
  Status Take(const event::v1::LogState& state);

 private:
  void Keep();

  const std::string path_;
  const Clock& clock_;
  std::optional<merkle::Verifier> log_;
  merkle::Head head_;
  std::string note_;
  std::optional<BootTime> kept_;
};

}  // namespace sekisho::uplink
