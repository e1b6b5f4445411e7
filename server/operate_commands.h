// The words of `sekisho-server` that look after an installation: backup,
// verify-backup, restore, check-sinks, doctor.
#pragma once

#include <optional>

#include "common/clock.h"
#include "server/config.h"

namespace sekisho {

// Its exit status; nothing if the words are none of these.
std::optional<int> RunOperateCommand(const Config& config, const Clock& clock);

// How they are called, for the usage.
inline constexpr const char* kOperateWords =
    "init | check-sinks | doctor | backup DIR | verify-backup DIR | "
    "restore DIR | migrate sqlite-to-postgres";

}  // namespace sekisho
