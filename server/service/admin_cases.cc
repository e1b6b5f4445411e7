// The admin socket's calls about cases.
#include "server/core/event_words.h"
#include "server/service/admin_parts.h"
#include "server/service/admin_service.h"

namespace sekisho::service {
namespace {

void Fill(admin::v1::Case* out, const core::Case& row) {
  out->set_case_id(row.id);
  out->set_title(row.title);
  out->set_state(store::Name(row.state));
  out->set_verdict(row.verdict);
  out->set_close_reason(row.close_reason);
  out->set_owner(row.owner);
  out->set_opened_by(row.opened_by);
  SetTime(out->mutable_open_time(), row.open_time);
  SetTime(out->mutable_update_time(), row.update_time);
  out->set_closed_by(row.closed_by);
  if (row.close_time) SetTime(out->mutable_close_time(), *row.close_time);
  if (row.hold_time) SetTime(out->mutable_hold_time(), *row.hold_time);
  out->set_hold_reason(row.hold_reason);
  out->set_held_by(row.held_by);
  if (row.release_time) SetTime(out->mutable_release_time(), *row.release_time);
  out->set_release_reason(row.release_reason);
  out->set_released_by(row.released_by);
  out->set_alert_count(row.alert_count);
  out->set_event_count(row.event_count);
}

template <typename Response>
grpc::Status HandOne(const Result<core::Case>& row, Response* response) {
  return Hand(row, [&](const core::Case& done) {
    Fill(response->mutable_case_(), done);
  });
}

std::vector<int64_t> Ids(const google::protobuf::RepeatedField<int64_t>& ids) {
  return {ids.begin(), ids.end()};
}

// More than a case can take need not be read.
Status CheckCounts(int first, int second) {
  if (first <= store::kMaxCaseItems && second <= store::kMaxCaseItems) {
    return {};
  }
  return Fail(Code::kInvalidArgument,
              "at most " + std::to_string(store::kMaxCaseItems) + " at once");
}

}  // namespace

grpc::Status AdminCalls::ListCases(grpc::ServerContext* context,
                                   const admin::v1::ListCasesRequest* request,
                                   admin::v1::ListCasesResponse* response) {
  core::CaseFilter filter;
  if (request->state() == "open") filter.state = core::CaseState::kOpen;
  if (request->state() == "closed") filter.state = core::CaseState::kClosed;
  filter.owner = request->owner();
  filter.only_held = request->held();
  filter.alert_id = request->alert_id();
  return Hand(desk_.ListCases(Who(*context), filter,
                              {request->page_size(), request->page_token()}),
              [&](const core::Page<core::Case>& page) {
                for (const core::Case& row : page.rows) {
                  Fill(response->add_cases(), row);
                }
                response->set_next_page_token(page.next_token);
              });
}

grpc::Status AdminCalls::GetCase(grpc::ServerContext* context,
                                 const admin::v1::GetCaseRequest* request,
                                 admin::v1::GetCaseResponse* response) {
  return Hand(
      desk_.GetCase(Who(*context), request->case_id()),
      [&](const core::CaseStory& story) {
        Fill(response->mutable_case_(), story.file.row);
        for (const auto& one : story.file.alerts) {
          auto* item = response->add_items();
          item->set_alert_id(one.alert.alert_id);
          item->set_event_row_id(one.alert.event_row_id);
          SetTime(item->mutable_occur_time(), one.alert.create_time);
          item->set_title(one.alert.title);
          item->set_terminal(one.alert.terminal);
          item->set_person(one.alert.person);
          item->set_added_by(one.added_by);
          SetTime(item->mutable_add_time(), one.add_time);
        }
        for (const auto& one : story.file.events) {
          auto* item = response->add_items();
          item->set_event_row_id(one.event.row_id);
          SetTime(item->mutable_occur_time(), one.event.receive_time);
          item->set_title(core::Name(one.event.public_part.kind()));
          item->set_terminal(one.event.terminal);
          item->set_person(core::PersonIn(one.event.personal_part));
          item->set_added_by(one.added_by);
          SetTime(item->mutable_add_time(), one.add_time);
        }
        for (const auto& one : story.file.comments) {
          auto* comment = response->add_comments();
          SetTime(comment->mutable_write_time(), one.time);
          comment->set_author(one.author);
          comment->set_text(one.text);
        }
        for (const auto& one : story.history) {
          auto* deed = response->add_history();
          SetTime(deed->mutable_write_time(), one.time);
          deed->set_author(one.user);
          deed->set_text(one.action + (one.detail.empty() ? "" : ": ") +
                         one.detail +
                         (one.result == "ok" ? "" : " (" + one.result + ")"));
        }
      });
}

grpc::Status AdminCalls::OpenCase(grpc::ServerContext* context,
                                  const admin::v1::OpenCaseRequest* request,
                                  admin::v1::OpenCaseResponse* response) {
  if (const Status few =
          CheckCounts(request->alert_ids_size(), request->event_row_ids_size());
      !few) {
    return ToGrpc(few.error());
  }
  const core::CaseWish wish = {
      .title = request->title(),
      .items = {Ids(request->alert_ids()), Ids(request->event_row_ids())},
      .owner = request->owner(),
      .comment = request->comment(),
      .hold_reason = request->hold_reason()};
  return HandOne(desk_.OpenCase(Who(*context), wish), response);
}

grpc::Status AdminCalls::ChangeCase(grpc::ServerContext* context,
                                    const admin::v1::ChangeCaseRequest* request,
                                    admin::v1::ChangeCaseResponse* response) {
  for (const Status& few :
       {CheckCounts(request->add_alert_ids_size(),
                    request->add_event_row_ids_size()),
        CheckCounts(request->remove_alert_ids_size(),
                    request->remove_event_row_ids_size())}) {
    if (!few) return ToGrpc(few.error());
  }
  core::CaseChange change;
  change.case_id = request->case_id();
  if (!request->title().empty()) change.title = request->title();
  if (request->unassign()) {
    change.owner = "";
  } else if (!request->owner().empty()) {
    change.owner = request->owner();
  }
  change.comment = request->comment();
  change.add = {Ids(request->add_alert_ids()),
                Ids(request->add_event_row_ids())};
  change.remove = {Ids(request->remove_alert_ids()),
                   Ids(request->remove_event_row_ids())};
  return HandOne(desk_.ChangeCase(Who(*context), change), response);
}

grpc::Status AdminCalls::CloseCase(grpc::ServerContext* context,
                                   const admin::v1::CloseCaseRequest* request,
                                   admin::v1::CloseCaseResponse* response) {
  return HandOne(
      desk_.CloseCase(Who(*context), {.case_id = request->case_id(),
                                      .verdict = request->verdict(),
                                      .reason = request->reason(),
                                      .with_alerts = request->with_alerts()}),
      response);
}

grpc::Status AdminCalls::ReopenCase(grpc::ServerContext* context,
                                    const admin::v1::ReopenCaseRequest* request,
                                    admin::v1::ReopenCaseResponse* response) {
  return HandOne(
      desk_.ReopenCase(Who(*context), request->case_id(), request->reason()),
      response);
}

grpc::Status AdminCalls::PlaceHold(grpc::ServerContext* context,
                                   const admin::v1::PlaceHoldRequest* request,
                                   admin::v1::PlaceHoldResponse* response) {
  return HandOne(
      desk_.PlaceHold(Who(*context), request->case_id(), request->reason()),
      response);
}

grpc::Status AdminCalls::LiftHold(grpc::ServerContext* context,
                                  const admin::v1::LiftHoldRequest* request,
                                  admin::v1::LiftHoldResponse* response) {
  return HandOne(
      desk_.LiftHold(Who(*context), request->case_id(), request->reason()),
      response);
}

}  // namespace sekisho::service
