// The agents' port: EventService and PolicyService over mTLS. Who speaks comes
// from the client certificate, never from a message.
#pragma once

#include <memory>
#include <string>

#include "common/clock.h"
#include "server/core/changes.h"
#include "server/core/checkpoints.h"
#include "server/core/containing.h"
#include "server/core/ingest.h"
#include "server/core/presence.h"
#include "server/core/rollouts.h"
#include "server/store/store.h"

namespace sekisho::service {

// A message over this is refused by name; one over twice this by gRPC itself.
inline constexpr int kMaxMessageBytes = 1 << 20;
inline constexpr int kMaxMetadataBytes = 8 * 1024;
inline constexpr int kMaxStreamsPerConnection = 16;
inline constexpr size_t kChunkBytes = size_t{256} * 1024;

struct AgentPlaneOptions {
  std::string listen = "0.0.0.0:7443";  // port 0: any
  // PEM files; watched, a renamed-in pair is taken up without a restart.
  std::string key_path;
  std::string certificate_path;
  std::string ca_path;
  size_t memory_bytes = size_t{1536} << 20;  // of gRPC's buffers
};

struct AgentPlaneParts {
  store::Store& store;
  core::Ingest& ingest;
  core::Presence& presence;
  core::Changes& changes;
  core::Checkpoints& checkpoints;
  const Clock& clock;
  core::Containing& containing;
  core::Rollouts& rollouts;
};

// Thread-safe.
class AgentPlane {
 public:
  static Result<std::unique_ptr<AgentPlane>> Start(
      const AgentPlaneOptions& options, const AgentPlaneParts& parts);
  virtual ~AgentPlane() = default;

  virtual int port() const = 0;
  // Tells every connected agent of an envelope; how many. An older version
  // than was told before is nothing new.
  virtual int Announce(const std::string& type, int64_t version) = 0;
  // Tells each connected agent of the policy it is given (core::Rollouts), if
  // it was not told of it before; how many.
  virtual int AnnouncePolicy() = 0;
  // Ends the agent's stream now.
  virtual void Cut(const std::string& agent_id, const std::string& reason) = 0;
  // New connections are refused; each stream acknowledges what it took and
  // ends with UNAVAILABLE, so that its agent connects again somewhere, some
  // time. Returns when none is left, or at `until`.
  virtual void Drain(std::chrono::steady_clock::time_point until) = 0;
  // Ends all streams; returns when no call is left.
  virtual void Shutdown() = 0;
};

}  // namespace sekisho::service
