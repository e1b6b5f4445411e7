// What an event says of the files on a medium. Pure.
#pragma once

#include <optional>

#include "server/store/content_rows.h"
#include "server/store/rows.h"

namespace sekisho::store {

// One event names no more; what comes nevertheless is passed over.
inline constexpr int kMaxNewsFiles = 256;
inline constexpr size_t kMaxNewsPathBytes = 4096;

// Bounded: a terminal may say anything.
WallTime TimeOf(const google::protobuf::Timestamp& time);
// Whether the content of a TRANSFER is on the medium under its name.
bool ReachedMedium(const event::v1::PublicPart& part);
// nullopt: nothing.
std::optional<MediumNews> MediumNewsOf(const Event& event);

}  // namespace sekisho::store
