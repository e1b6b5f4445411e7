// What a device has gone through, from the index and the audit log.
#pragma once

#include "policy/zone.h"
#include "server/core/queries.h"
#include "server/store/store.h"

namespace sekisho::core {

// More events of one device are not read; `cut` says so.
inline constexpr int kMaxDeviceTraces = 50'000;

// kNotFound: nobody ever saw or approved it.
Result<DeviceStory> ReadDeviceStory(store::Store& store,
                                    const std::string& device_id, WallTime now,
                                    const policy::Zone& zone);

}  // namespace sekisho::core
