#include "server/core/data_sets.h"

#include "policy/envelope.h"

namespace sekisho::core {

Result<std::vector<policy::DataSet>> DataSetsIn(const std::string& sealed) {
  if (sealed.empty()) return std::vector<policy::DataSet>();
  ASSIGN_OR_RETURN(const policy::Envelope envelope,
                   policy::ParseEnvelope(sealed));
  return policy::ParseDataSets(envelope.body);
}

Result<std::vector<policy::DataSet>> DataSetsOf(store::Store& store) {
  auto sealed = store.NewestEnvelope("data_sets");
  if (!sealed && sealed.error().code == Code::kNotFound) return DataSetsIn("");
  RETURN_IF_ERROR(sealed);
  return DataSetsIn(*sealed);
}

}  // namespace sekisho::core
