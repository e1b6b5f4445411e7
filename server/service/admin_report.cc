// The admin socket's calls about the register, coverage and inquiries.
#include <algorithm>

#include "server/service/admin_parts.h"
#include "server/service/admin_service.h"

namespace sekisho::service {
namespace {

constexpr int kDefaultDays = 30;

// A caller's numbers: what makes no sense becomes something harmless.
WallTime TimeFrom(const google::protobuf::Timestamp& time) {
  return WallTime(std::chrono::seconds(
             std::clamp<int64_t>(time.seconds(), 0, int64_t{1} << 33))) +
         std::chrono::microseconds(std::clamp(time.nanos() / 1000, 0, 999'999));
}

void Fill(admin::v1::ImportTerminalsResponse* out,
          const core::RegisterImport& import) {
  for (const core::RegisterProblem& problem : import.problems) {
    auto* one = out->add_problems();
    one->set_line(problem.line);
    one->set_column_number(problem.column);
    one->set_field(problem.field);
    one->set_message(problem.message);
    one->set_fix(problem.fix);
  }
  for (const std::string& name : import.diff.added) out->add_added(name);
  for (const core::RegisterChange& change : import.diff.changed) {
    auto* one = out->add_changed();
    one->set_name(change.name);
    for (const std::string& field : change.fields) one->add_fields(field);
  }
  for (const std::string& name : import.diff.removed) out->add_removed(name);
  out->set_same_count(import.diff.same);
  out->set_done(import.done);
}

void Fill(admin::v1::TerminalRow* out, const core::TerminalRow& row) {
  const core::RegisteredTerminal& registered = row.registered;
  out->set_terminal(row.cover.terminal);
  out->set_registered(row.cover.registered);
  out->set_site(registered.site);
  out->set_groups(registered.groups);
  out->set_expected_hours(registered.hours);
  out->set_owner(registered.owner);
  if (registered.service_from) {
    SetTime(out->mutable_service_from_time(), *registered.service_from);
  }
  if (registered.service_to) {
    SetTime(out->mutable_service_to_time(), *registered.service_to);
  }
  if (registered.remove_time) {
    SetTime(out->mutable_remove_time(), *registered.remove_time);
  }
  out->set_has_agent(row.has_agent);
  for (const core::CoverPart& part : row.cover.parts) {
    auto* one = out->add_parts();
    one->set_state(store::Name(part.state));
    SetTime(one->mutable_from_time(), part.from);
    SetTime(one->mutable_to_time(), part.to);
  }
}

void Fill(admin::v1::InquiryRow* out, const core::Inquiry& inquiry) {
  out->set_inquiry_id(inquiry.id);
  SetTime(out->mutable_ask_time(), inquiry.time);
  out->set_user(inquiry.user);
  out->set_reason(inquiry.reason);
  out->set_owner(inquiry.owner);
  out->set_person(inquiry.person);
  out->set_device_id(inquiry.device_id);
  out->set_file_hash(inquiry.file_hash);
  SetTime(out->mutable_from_time(), inquiry.from);
  SetTime(out->mutable_to_time(), inquiry.to);
  out->set_answer(inquiry.answer);
}

}  // namespace

grpc::Status AdminCalls::ImportTerminals(
    grpc::ServerContext* context,
    const admin::v1::ImportTerminalsRequest* request,
    admin::v1::ImportTerminalsResponse* response) {
  const core::Caller who = Who(*context);
  return Hand(
      request->dry_run() ? desk_.PreviewRegister(who, request->csv())
                         : desk_.ImportRegister(who, request->csv()),
      [&](const core::RegisterImport& import) { Fill(response, import); });
}

grpc::Status AdminCalls::ListTerminals(
    grpc::ServerContext* context,
    const admin::v1::ListTerminalsRequest* request,
    admin::v1::ListTerminalsResponse* response) {
  const int days =
      request->day_count() == 0 ? kDefaultDays : request->day_count();
  return Hand(
      desk_.ListTerminals(Who(*context), days,
                          {request->page_size(), request->page_token()}),
      [&](const core::Page<core::TerminalRow>& page) {
        for (const core::TerminalRow& row : page.rows) {
          Fill(response->add_terminals(), row);
        }
        response->set_next_page_token(page.next_token);
      });
}

grpc::Status AdminCalls::RunInquiry(grpc::ServerContext* context,
                                    const admin::v1::RunInquiryRequest* request,
                                    admin::v1::RunInquiryResponse* response) {
  const core::InquiryWish wish = {.owner = request->owner(),
                                  .person = request->person(),
                                  .device_id = request->device_id(),
                                  .file_hash = request->file_hash(),
                                  .from = TimeFrom(request->from_time()),
                                  .to = TimeFrom(request->to_time()),
                                  .reason = request->reason()};
  return Hand(desk_.RunInquiry(Who(*context), wish),
              [&](const core::Inquiry& inquiry) {
                Fill(response->mutable_inquiry(), inquiry);
              });
}

grpc::Status AdminCalls::ListInquiries(
    grpc::ServerContext* context,
    const admin::v1::ListInquiriesRequest* request,
    admin::v1::ListInquiriesResponse* response) {
  return Hand(desk_.ListInquiries(
                  Who(*context), {request->page_size(), request->page_token()}),
              [&](const core::Page<core::Inquiry>& page) {
                for (const core::Inquiry& inquiry : page.rows) {
                  Fill(response->add_inquiries(), inquiry);
                }
                response->set_next_page_token(page.next_token);
              });
}

grpc::Status AdminCalls::GetInquiry(grpc::ServerContext* context,
                                    const admin::v1::GetInquiryRequest* request,
                                    admin::v1::GetInquiryResponse* response) {
  return Hand(
      desk_.GetInquiry(Who(*context), request->inquiry_id()),
      [&](const core::Inquiry& inquiry) {
        Fill(response->mutable_inquiry(), inquiry);
        response->set_document(inquiry.document);
        response->set_log_key(merkle::PrintVerifier(checkpoints_.verifier()));
      });
}

}  // namespace sekisho::service
