// A policy tried before it is pushed: checked, asked about one device and
// person, and run over what was stored. Nothing here changes anything.
#pragma once

#include "server/core/queries.h"
#include "server/store/store.h"

namespace sekisho::core {

CheckedPolicy CheckPolicyText(const std::string& text);

// kNotFound: the device was never seen and its name is not vid:pid:serial.
Result<PolicyAnswer> AnswerQuestion(store::Store& store,
                                    const PolicyQuestion& question,
                                    WallTime now);

Result<PolicyTrial> TryOnHistory(store::Store& store, const std::string& text,
                                 WallTime from, WallTime to);

}  // namespace sekisho::core
