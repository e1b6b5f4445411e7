// Which device majors the gate closes by default.
#pragma once

#include <string_view>
#include <vector>

#include "agent/enforce/kernel_gate.h"

namespace sekisho::enforce {

// The fixed ones (sd, sr, mmcblk, blkext, sg, st, usbfs, ...) and those that
// drivers took dynamically (bsg, NVMe controllers), found by name in the text
// of /proc/devices; and kRemote, which is none but is closed as one. `minor` of
// the result is 0 and means nothing.
std::vector<DeviceNumber> GatedMajors(std::string_view proc_devices);

}  // namespace sekisho::enforce
