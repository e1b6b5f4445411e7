// The admin socket's calls about codes over the phone.
#include "common/bytes.h"
#include "common/text.h"
#include "server/service/admin_parts.h"
#include "server/service/admin_service.h"

namespace sekisho::service {
namespace {

void Fill(admin::v1::OfflineCode* out, const core::OfflineCode& row) {
  out->set_code_id(row.id);
  out->set_agent_id(row.agent_id);
  out->set_terminal(row.terminal);
  out->set_device_id(row.device_id);
  out->set_length_seconds(row.seconds);
  out->set_person(row.person);
  out->set_reason(row.reason);
  out->set_created_by(row.created_by);
  SetTime(out->mutable_create_time(), row.create_time);
  SetTime(out->mutable_end_time(), row.end_time);
  if (row.used_time) SetTime(out->mutable_used_time(), *row.used_time);
  out->set_used_event_row_id(row.used_event_row_id);
  out->set_used_person(row.used_person);
  out->set_state(store::StateOf(row));
}

}  // namespace

grpc::Status AdminCalls::IssueCode(grpc::ServerContext* context,
                                   const admin::v1::IssueCodeRequest* request,
                                   admin::v1::IssueCodeResponse* response) {
  const core::CodeWish wish{.terminal = request->terminal(),
                            .device_id = request->device_id(),
                            .challenge = request->challenge(),
                            .seconds = request->length_seconds(),
                            .person = request->person(),
                            .reason = request->reason()};
  return Hand(desk_.IssueCode(Who(*context), wish),
              [&](const core::SpokenCode& spoken) {
                response->set_code(spoken.code);
                Fill(response->mutable_issued(), spoken.row);
              });
}

grpc::Status AdminCalls::ListCodes(grpc::ServerContext* context,
                                   const admin::v1::ListCodesRequest* request,
                                   admin::v1::ListCodesResponse* response) {
  return Hand(desk_.ListCodes(Who(*context), request->all()
                                                 ? core::WhichGrants::kAll
                                                 : core::WhichGrants::kRunning),
              [&](const std::vector<core::OfflineCode>& rows) {
                for (const auto& row : rows) Fill(response->add_codes(), row);
              });
}

grpc::Status AdminCalls::RevokeCode(grpc::ServerContext* context,
                                    const admin::v1::RevokeCodeRequest* request,
                                    admin::v1::RevokeCodeResponse* response) {
  return Hand(
      desk_.RevokeCode(Who(*context), request->code_id(), request->reason()),
      [&](const core::OfflineCode& row) {
        Fill(response->mutable_code(), row);
      });
}

}  // namespace sekisho::service
