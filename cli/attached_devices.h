// The USB devices of this machine, from sysfs, for `policy import --from
// attached`. What cannot be read is left out.
#pragma once

#include <string>
#include <vector>

#include "policy/model.h"

namespace sekisho::cli {

std::vector<policy::DeviceFacts> AttachedDevices(const std::string& sysfs_root);

}  // namespace sekisho::cli
