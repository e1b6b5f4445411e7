// A certificate for "localhost" and its key, made for one test run.
#pragma once

#include <string>

namespace sekisho::web {

bool WriteSelfSigned(const std::string& certificate_path,
                     const std::string& key_path);

}  // namespace sekisho::web
