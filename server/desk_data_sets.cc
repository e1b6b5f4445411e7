// Lists of people by data owner: whose data a copy holds.
#include "common/text.h"
#include "server/core/data_sets.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

constexpr size_t kMaxReasonBytes = 512;

std::string ObjectOf(const std::string& id) {
  return "data set " + EscapeUntrusted(id, 64);
}

core::DataSetRow RowOf(const policy::DataSet& set) {
  const policy::DataSetFacts& facts = set.facts();
  return {.id = facts.id,
          .owner = facts.owner,
          .persons = facts.persons,
          .make_time = WallTime(std::chrono::seconds(facts.made_seconds)),
          .kinds = facts.kinds,
          .one_in = set.one_in(),
          .size_bytes = static_cast<int64_t>(set.Print().size())};
}

}  // namespace

Result<std::vector<core::DataSetRow>> JoinedDesk::ListDataSets(const Caller&) {
  ASSIGN_OR_RETURN(const auto sets, core::DataSetsOf(p_.store));
  std::vector<core::DataSetRow> rows;
  rows.reserve(sets.size());
  for (const policy::DataSet& set : sets) rows.push_back(RowOf(set));
  return rows;
}

Result<core::DataSetRow> JoinedDesk::PutDataSet(const Caller& caller,
                                                const std::string& bytes) {
  const auto set = policy::DataSet::Parse(bytes);
  const std::string what = set ? "owner " + set->facts().owner + ", " +
                                     std::to_string(set->facts().persons) +
                                     " people"
                               : "";
  return WriteDown<core::DataSetRow>(
      caller, "data_set.push", ObjectOf(set ? set->facts().id : ""), what,
      [&]() -> Result<core::DataSetRow> {
        RETURN_IF_ERROR(set);
        RETURN_IF_ERROR(p_.publisher.PutDataSet(*set));
        return RowOf(*set);
      });
}

Status JoinedDesk::RemoveDataSet(const Caller& caller, const std::string& id,
                                 const std::string& reason) {
  return WriteDown<void>(caller, "data_set.remove", ObjectOf(id),
                         EscapeUntrusted(reason, kMaxReasonBytes),
                         [&]() -> Status {
                           RETURN_IF_ERROR(CheckReason(reason));
                           RETURN_IF_ERROR(p_.publisher.RemoveDataSet(id));
                           return {};
                         });
}

}  // namespace sekisho
