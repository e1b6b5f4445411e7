// From a call to the agent that makes it.
#pragma once

#include <grpcpp/server_context.h>

#include <string>

#include "server/service/agent_plane.h"

namespace sekisho::service {

// UNAUTHENTICATED: not an agent's certificate, one this server never gave, one
// that has expired, or one older than a newer one that was used (an alert,
// too); PERMISSION_DENIED: revoked.
Result<store::AgentIdentity> Identify(const grpc::ServerContextBase& context,
                                      const AgentPlaneParts& parts);

// The metadata of a gRPC error is 8 KiB with percent signs; longer texts are
// cut at a line.
grpc::Status ToGrpc(const Error& error);

}  // namespace sekisho::service
