// The admin socket's calls about grants of one transfer.
#include "common/bytes.h"
#include "common/text.h"
#include "server/service/admin_parts.h"
#include "server/service/admin_service.h"

namespace sekisho::service {
namespace {

void Fill(admin::v1::TransferGrant* out, const core::TransferGrant& row) {
  out->set_grant_id(row.id);
  out->set_alert_id(row.alert_id);
  out->set_agent_id(row.agent_id);
  out->set_terminal(row.terminal);
  out->set_person(row.person);
  out->set_device_id(row.device_id);
  out->set_file_hash(ToHex(AsBytes(row.file_hash)));
  out->set_person_count(row.persons);
  for (const std::string_view type : Split(row.types, ',')) {
    if (!type.empty()) out->add_types(std::string(type));
  }
  out->set_purpose(row.purpose);
  out->set_created_by(row.created_by);
  SetTime(out->mutable_create_time(), row.create_time);
  SetTime(out->mutable_end_time(), row.end_time);
  if (row.used_time) SetTime(out->mutable_used_time(), *row.used_time);
  if (row.erase_time) SetTime(out->mutable_erase_time(), *row.erase_time);
  out->set_used_event_row_id(row.used_event_row_id);
  out->set_state(store::StateOf(row));
}

}  // namespace

grpc::Status AdminCalls::ListGrants(grpc::ServerContext* context,
                                    const admin::v1::ListGrantsRequest* request,
                                    admin::v1::ListGrantsResponse* response) {
  return Hand(desk_.ListGrants(Who(*context),
                               request->all() ? core::WhichGrants::kAll
                                              : core::WhichGrants::kRunning),
              [&](const std::vector<core::TransferGrant>& rows) {
                for (const auto& row : rows) Fill(response->add_grants(), row);
              });
}

grpc::Status AdminCalls::RevokeGrant(
    grpc::ServerContext* context, const admin::v1::RevokeGrantRequest* request,
    admin::v1::RevokeGrantResponse* response) {
  return Hand(
      desk_.RevokeGrant(Who(*context), request->grant_id(), request->reason()),
      [&](const core::TransferGrant& row) {
        Fill(response->mutable_grant(), row);
      });
}

}  // namespace sekisho::service
