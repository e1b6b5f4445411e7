// What retention would erase, looked at from outside, beside a running server;
// for the doctor.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "server/store/duty_rows.h"

namespace sekisho::store {

// A step for each of `cuts`. `conninfo` empty: the file at `path`.
// kFailedPrecondition: the database is of another schema than this program.
Result<std::vector<RetentionStep>> LookErasable(
    const std::string& path, const std::string& conninfo,
    const std::vector<RetentionCut>& cuts);

}  // namespace sekisho::store
