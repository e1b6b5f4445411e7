// Heads of chains and of the log on the wire.
#pragma once

#include "proto/event_bytes.h"
#include "sekisho/event/v1/event_service.pb.h"
#include "server/core/checkpoints.h"

namespace sekisho::service {

event::v1::ChainHead ToProto(const event::Head& head);
// A hash of another length is read as zeros.
event::Head FromProto(const event::v1::ChainHead& said);
event::v1::LogState ToProto(const core::LogNews& news,
                            const merkle::Verifier& log);

}  // namespace sekisho::service
