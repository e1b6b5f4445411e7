// The words for kinds and outcomes of events that people and other programs
// see, and back.
#pragma once

#include <optional>
#include <string_view>

#include "sekisho/event/v1/event.pb.h"

namespace sekisho::core {

const char* Name(event::v1::EventKind kind);  // "transfer"; "unknown"
const char* Name(event::v1::Outcome outcome);
std::optional<event::v1::EventKind> ParseKind(std::string_view word);
std::optional<event::v1::Outcome> ParseOutcome(std::string_view word);

}  // namespace sekisho::core
