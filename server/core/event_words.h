// The words for kinds and outcomes of events that people and other programs
// see, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "sekisho/event/v1/event.pb.h"

namespace sekisho::core {

const char* Name(event::v1::EventKind kind);  // "transfer"; "unknown"
const char* Name(event::v1::Outcome outcome);
std::optional<event::v1::EventKind> ParseKind(std::string_view word);
std::optional<event::v1::Outcome> ParseOutcome(std::string_view word);

// Who an event counts for: the one he proved to be at an account that several
// use, or the login. Raw.
const std::string& PersonIn(const event::v1::PersonalPart& personal);
// The account at which he proved it; empty: the login is the person. Raw.
std::string AccountIn(const event::v1::PersonalPart& personal);

// "2026-11-20 13:12 UTC", for sentences.
std::string MinuteText(WallTime time);

}  // namespace sekisho::core
