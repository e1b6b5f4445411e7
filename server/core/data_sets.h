// Lists of people that clients entrusted, as the server keeps and signs them:
// only the newest, whole, in the newest envelope of type "data_sets".
#pragma once

#include <vector>

#include "policy/data_sets.h"
#include "server/store/store.h"

namespace sekisho::core {

// By name; none if none was registered.
Result<std::vector<policy::DataSet>> DataSetsOf(store::Store& store);
// Of the sealed envelope; empty text: none.
Result<std::vector<policy::DataSet>> DataSetsIn(const std::string& sealed);

}  // namespace sekisho::core
