// The admin socket's calls about reviews, verdicts and suppressions.
#include <algorithm>

#include "server/core/event_words.h"
#include "server/service/admin_parts.h"
#include "server/service/admin_service.h"

namespace sekisho::service {
namespace {

WallTime TimeFrom(const google::protobuf::Timestamp& time) {
  return WallTime(std::chrono::seconds(
      std::clamp<int64_t>(time.seconds(), 0, int64_t{1} << 33)));
}

void Fill(admin::v1::Review* out, const core::Review& row,
          const std::string& state) {
  out->set_review_id(row.id);
  out->set_name(row.name);
  out->set_groups(row.groups);
  SetTime(out->mutable_from_time(), row.from);
  SetTime(out->mutable_to_time(), row.to);
  SetTime(out->mutable_due_time(), row.due_time);
  out->set_state(state);
  out->set_role(row.role);
  for (const std::string& name : row.people) out->add_people(name);
  for (const std::string& name : row.escalate_to) out->add_escalate_to(name);
  out->set_log_size(row.log_size);
  out->set_log_root(row.log_root);
  out->set_sample_count(row.sample);
  out->set_refused_count(row.refused_count);
  out->set_passed_count(row.passed_count);
  out->set_alert_count(row.alert_count);
  out->set_item_count(row.item_count);
  out->set_judged_count(row.judged_count);
  out->set_finding_count(row.finding_count);
  if (row.sign_time) SetTime(out->mutable_sign_time(), *row.sign_time);
  out->set_signed_by(row.signed_by);
  out->set_sign_note(row.sign_note);
}

void Fill(admin::v1::ReviewItem* out, const core::ReviewItem& item) {
  out->set_item_no(item.no);
  out->set_why(item.why);
  out->set_alert_id(item.alert_id);
  out->set_event_row_id(item.event_row_id);
  SetTime(out->mutable_occur_time(), item.time);
  out->set_terminal(item.terminal);
  out->set_person(item.person);
  std::string opened = item.opened_by;
  std::ranges::replace(opened, '\n', ',');
  out->set_opened_by(opened);
  out->set_verdict(item.verdict);
  out->set_note(item.note);
  out->set_judged_by(item.judged_by);
  if (item.judge_time) SetTime(out->mutable_judge_time(), *item.judge_time);
}

void Fill(admin::v1::Suppression* out, const core::Suppression& row) {
  out->set_suppression_id(row.id);
  out->set_kind(row.kind);
  out->set_person(row.person);
  out->set_device_id(row.device_id);
  out->set_terminal(row.terminal);
  out->set_rule(row.rule);
  out->set_reason(row.reason);
  out->set_created_by(row.created_by);
  SetTime(out->mutable_create_time(), row.create_time);
  SetTime(out->mutable_end_time(), row.end_time);
  if (row.over_time) SetTime(out->mutable_over_time(), *row.over_time);
  out->set_ended_by(row.ended_by);
  out->set_alert_count(row.alert_count);
}

}  // namespace

grpc::Status AdminCalls::ListReviews(
    grpc::ServerContext* context, const admin::v1::ListReviewsRequest* request,
    admin::v1::ListReviewsResponse* response) {
  core::ReviewFilter filter;
  filter.only_open = request->open();
  return Hand(desk_.ListReviews(Who(*context), filter,
                                {request->page_size(), request->page_token()}),
              [&](const core::Page<core::Review>& page) {
                for (const core::Review& row : page.rows) {
                  Fill(response->add_reviews(), row,
                       core::StateOf(row, desk_.Now()));
                }
                response->set_next_page_token(page.next_token);
              });
}

grpc::Status AdminCalls::GetReview(grpc::ServerContext* context,
                                   const admin::v1::GetReviewRequest* request,
                                   admin::v1::GetReviewResponse* response) {
  return Hand(desk_.GetReview(Who(*context), request->review_id()),
              [&](const core::ReviewStory& story) {
                Fill(response->mutable_review(), story.file.row, story.state);
                for (const core::ReviewItem& item : story.file.items) {
                  Fill(response->add_items(), item);
                }
              });
}

grpc::Status AdminCalls::OpenReviewItem(
    grpc::ServerContext* context,
    const admin::v1::OpenReviewItemRequest* request,
    admin::v1::OpenReviewItemResponse* response) {
  return Hand(desk_.OpenReviewItem(Who(*context), request->review_id(),
                                   request->item_no()),
              [&](const core::OpenedItem& opened) {
                Fill(response->mutable_item(), opened.item);
                const auto& event =
                    opened.alert ? opened.alert->event : opened.event;
                if (opened.alert) response->set_title(opened.alert->title);
                if (!event) return;
                response->set_agent_id(event->agent_id);
                *response->mutable_public_part() = event->public_part;
                *response->mutable_personal_part() = event->personal_part;
                // Samples are taken by their own call, which is written down.
                response->mutable_personal_part()->clear_sealed_samples();
              });
}

grpc::Status AdminCalls::JudgeReviewItem(
    grpc::ServerContext* context,
    const admin::v1::JudgeReviewItemRequest* request,
    admin::v1::JudgeReviewItemResponse* response) {
  return Hand(
      desk_.JudgeReviewItem(Who(*context), {.review_id = request->review_id(),
                                            .item_no = request->item_no(),
                                            .verdict = request->verdict(),
                                            .note = request->note()}),
      [&](const core::Review& row) {
        Fill(response->mutable_review(), row, core::StateOf(row, desk_.Now()));
      });
}

grpc::Status AdminCalls::SignReview(grpc::ServerContext* context,
                                    const admin::v1::SignReviewRequest* request,
                                    admin::v1::SignReviewResponse* response) {
  return Hand(
      desk_.SignReview(Who(*context), request->review_id(), request->note()),
      [&](const core::Review& row) {
        Fill(response->mutable_review(), row, core::StateOf(row, desk_.Now()));
      });
}

grpc::Status AdminCalls::GetReviewStatement(
    grpc::ServerContext* context,
    const admin::v1::GetReviewStatementRequest* request,
    admin::v1::GetReviewStatementResponse* response) {
  return Hand(
      desk_.GetReviewStatement(Who(*context), TimeFrom(request->from_time()),
                               TimeFrom(request->to_time())),
      [&](const core::ReviewStatement& statement) {
        SetTime(response->mutable_make_time(), statement.make_time);
        response->set_made_by(statement.made_by);
        response->set_checkpoint(statement.checkpoint);
        for (const auto& row : statement.rows) {
          auto* out = response->add_reviews();
          Fill(out->mutable_review(), row.review, row.state);
          for (const auto& [who, count] : row.judged_by) {
            (*out->mutable_judged_by())[who] = count;
          }
          for (const auto& item : row.findings) Fill(out->add_findings(), item);
        }
        for (const core::SlaCount& one : statement.sla) {
          auto* out = response->add_sla();
          out->set_severity(one.severity);
          out->set_alert_count(one.alerts);
          out->set_acknowledged_count(one.acknowledged);
          out->set_closed_count(one.closed);
          out->set_late_acknowledge_count(one.late_acknowledge);
          out->set_late_close_count(one.late_close);
        }
        for (const core::VerdictCount& one : statement.verdicts) {
          auto* out = response->add_verdicts();
          out->set_kind(one.kind);
          out->set_rule(one.rule);
          out->set_alert_count(one.alerts);
          out->set_true_positive_count(one.true_positive);
          out->set_false_positive_count(one.false_positive);
          out->set_benign_count(one.benign);
        }
      });
}

grpc::Status AdminCalls::ListSuppressions(
    grpc::ServerContext* context,
    const admin::v1::ListSuppressionsRequest* request,
    admin::v1::ListSuppressionsResponse* response) {
  return Hand(
      desk_.ListSuppressions(
          Who(*context), request->all() ? core::WhichSuppressions::kAll
                                        : core::WhichSuppressions::kRunning),
      [&](const std::vector<core::Suppression>& rows) {
        for (const auto& row : rows) {
          Fill(response->add_suppressions(), row);
        }
      });
}

grpc::Status AdminCalls::Suppress(grpc::ServerContext* context,
                                  const admin::v1::SuppressRequest* request,
                                  admin::v1::SuppressResponse* response) {
  core::Suppression wish;
  wish.kind = request->kind();
  wish.person = request->person();
  wish.device_id = request->device_id();
  wish.terminal = request->terminal();
  wish.rule = request->rule();
  wish.reason = request->reason();
  wish.end_time =
      desk_.Now() + std::chrono::seconds(std::clamp<int64_t>(
                        request->duration_seconds(), 0, int64_t{1} << 33));
  return Hand(desk_.Suppress(Who(*context), wish),
              [&](const core::Suppression& row) {
                Fill(response->mutable_suppression(), row);
              });
}

grpc::Status AdminCalls::EndSuppression(
    grpc::ServerContext* context,
    const admin::v1::EndSuppressionRequest* request,
    admin::v1::EndSuppressionResponse* response) {
  return Hand(desk_.EndSuppression(Who(*context), request->suppression_id(),
                                   request->reason()),
              [&](const core::Suppression& row) {
                Fill(response->mutable_suppression(), row);
              });
}

}  // namespace sekisho::service
