// What the next boot must know before sekishod runs: whether the policy in
// force enforces. Files: <state>/core/mode ("enforce\n") for sekishod itself,
// <state>/boot/enforce (empty; there or not) for udev and the initramfs hook.
#pragma once

#include <string>

#include "common/result.h"
#include "policy/model.h"

namespace sekisho::agent {

enum class FlagChange { kNone, kChanged };

// kChanged: the initramfs has to be made anew. Failure: the next boot starts
// with the old value; worth a HEALTH event.
Result<FlagChange> WriteBootFlag(const std::string& state_dir,
                                 policy::Mode mode);

}  // namespace sekisho::agent
