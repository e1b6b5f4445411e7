// Whether a device that comes is the one that its name says: another with the
// same vendor, product and serial has other descriptors, another size, or is
// somewhere else at the same time. Weak serials, which many share, tell
// nothing.
#pragma once

#include <vector>

#include "server/store/store.h"

namespace sekisho::core {

inline constexpr char kClonedKind[] = "device_cloned";

// Alerts of this kind for `batch[at]`, an event that is not indexed
// yet; what came before it is in the store or earlier in the batch. Errors are
// the store's.
Result<std::vector<store::NewAlert>> ClonesIn(
    store::Store& store, const std::vector<store::Event>& batch, size_t at);

}  // namespace sekisho::core
