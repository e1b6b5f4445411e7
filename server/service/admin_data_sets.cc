// The admin socket's calls about lists of people by data owner.
#include "server/service/admin_parts.h"
#include "server/service/admin_service.h"

namespace sekisho::service {
namespace {

void Fill(admin::v1::DataSetRow* out, const core::DataSetRow& row) {
  out->set_name(row.id);
  out->set_owner(row.owner);
  out->set_person_count(row.persons);
  SetTime(out->mutable_make_time(), row.make_time);
  for (const std::string& kind : row.kinds) out->add_kinds(kind);
  out->set_one_in(row.one_in);
  out->set_size_bytes(row.size_bytes);
}

}  // namespace

grpc::Status AdminCalls::ListDataSets(
    grpc::ServerContext* context, const admin::v1::ListDataSetsRequest*,
    admin::v1::ListDataSetsResponse* response) {
  return Hand(desk_.ListDataSets(Who(*context)),
              [&](const std::vector<core::DataSetRow>& rows) {
                for (const core::DataSetRow& row : rows) {
                  Fill(response->add_data_sets(), row);
                }
              });
}

grpc::Status AdminCalls::PutDataSet(grpc::ServerContext* context,
                                    const admin::v1::PutDataSetRequest* request,
                                    admin::v1::PutDataSetResponse* response) {
  return Hand(desk_.PutDataSet(Who(*context), request->data_set()),
              [&](const core::DataSetRow& row) {
                Fill(response->mutable_data_set(), row);
              });
}

grpc::Status AdminCalls::RemoveDataSet(
    grpc::ServerContext* context,
    const admin::v1::RemoveDataSetRequest* request,
    admin::v1::RemoveDataSetResponse*) {
  const Status done =
      desk_.RemoveDataSet(Who(*context), request->name(), request->reason());
  return done ? grpc::Status::OK : ToGrpc(done.error());
}

}  // namespace sekisho::service
