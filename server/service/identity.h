// From a call to the agent that makes it.
#pragma once

#include <grpcpp/server_context.h>

#include <string>

#include "server/core/presence.h"
#include "server/store/store.h"

namespace sekisho::service {

// UNAUTHENTICATED: not an agent's certificate, or one this server never gave;
// PERMISSION_DENIED: revoked.
Result<store::AgentIdentity> Identify(const grpc::ServerContextBase& context,
                                      store::Store& store,
                                      const core::Presence& presence);

// The metadata of a gRPC error is 8 KiB with percent signs; longer texts are
// cut at a line.
grpc::Status ToGrpc(const Error& error);

}  // namespace sekisho::service
