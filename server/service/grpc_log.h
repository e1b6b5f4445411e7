// One log: what gRPC has to say goes the way of our own lines.
#pragma once

#include <string>

#include "common/result.h"

namespace sekisho::service {

// "text" or "json"; else kInvalidArgument. Once, by main, before gRPC is used.
Status SetLog(const std::string& format);

}  // namespace sekisho::service
