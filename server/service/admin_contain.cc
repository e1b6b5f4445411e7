// The admin socket's calls about containments.
#include "server/service/admin_parts.h"
#include "server/service/admin_service.h"

namespace sekisho::service {
namespace {

void Fill(admin::v1::Containment* out, const core::ContainmentStatus& status) {
  const core::Containment& row = status.containment;
  out->set_containment_id(row.id);
  out->set_kind(row.kind);
  out->set_target(row.target);
  out->set_terminal(status.terminal);
  out->set_reason(row.reason);
  out->set_created_by(row.created_by);
  SetTime(out->mutable_create_time(), row.create_time);
  SetTime(out->mutable_end_time(), row.end_time);
  if (row.over_time) SetTime(out->mutable_over_time(), *row.over_time);
  out->set_lifted_by(row.lifted_by);
  out->set_lift_reason(row.lift_reason);
  out->set_extension_asked_by(status.extension_asked_by);
  out->set_extension_seconds(status.extension.count());
  out->set_extension_reason(status.extension_reason);
  for (const auto& [answer, count] : status.counts) {
    (*out->mutable_answer_counts())[answer] = count;
  }
  for (const core::ContainedTerminal& one : status.terminals) {
    auto* terminal = out->add_terminals();
    terminal->set_agent_id(one.agent_id);
    terminal->set_terminal(one.terminal);
    terminal->set_answer(core::Name(one.answer));
    if (one.close_time) {
      SetTime(terminal->mutable_close_time(), *one.close_time);
    }
    terminal->set_media_count(one.media);
    terminal->set_open_media_count(one.open_media);
  }
}

template <typename Response>
grpc::Status HandOne(const Result<core::ContainmentStatus>& status,
                     Response* response) {
  return Hand(status, [&](const core::ContainmentStatus& done) {
    Fill(response->mutable_containment(), done);
  });
}

}  // namespace

grpc::Status AdminCalls::Contain(grpc::ServerContext* context,
                                 const admin::v1::ContainRequest* request,
                                 admin::v1::ContainResponse* response) {
  return HandOne(desk_.Contain(Who(*context), {.kind = request->kind(),
                                               .target = request->target(),
                                               .length = std::chrono::seconds(
                                                   request->duration_seconds()),
                                               .reason = request->reason()}),
                 response);
}

grpc::Status AdminCalls::ListContainments(
    grpc::ServerContext* context,
    const admin::v1::ListContainmentsRequest* request,
    admin::v1::ListContainmentsResponse* response) {
  return Hand(desk_.ListContainments(
                  Who(*context), request->all() ? core::Contained::kAll
                                                : core::Contained::kRunning),
              [&](const std::vector<core::ContainmentStatus>& rows) {
                for (const auto& row : rows) {
                  Fill(response->add_containments(), row);
                }
              });
}

grpc::Status AdminCalls::AskExtension(
    grpc::ServerContext* context, const admin::v1::AskExtensionRequest* request,
    admin::v1::AskExtensionResponse*) {
  const Status asked = desk_.AskExtension(
      Who(*context), request->containment_id(),
      std::chrono::seconds(request->duration_seconds()), request->reason());
  return asked ? grpc::Status::OK : ToGrpc(asked.error());
}

grpc::Status AdminCalls::AgreeExtension(
    grpc::ServerContext* context,
    const admin::v1::AgreeExtensionRequest* request,
    admin::v1::AgreeExtensionResponse* response) {
  return HandOne(desk_.AgreeExtension(Who(*context), request->containment_id()),
                 response);
}

grpc::Status AdminCalls::LiftContainment(
    grpc::ServerContext* context,
    const admin::v1::LiftContainmentRequest* request,
    admin::v1::LiftContainmentResponse* response) {
  return HandOne(desk_.LiftContainment(Who(*context), request->containment_id(),
                                       request->reason()),
                 response);
}

}  // namespace sekisho::service
