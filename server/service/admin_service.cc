#include "server/service/admin_service.h"

#include "server/service/admin_parts.h"
#include "server/service/chain_head.h"
#include "server/service/identity.h"

namespace sekisho::service {
namespace {

using google::protobuf::Timestamp;

constexpr size_t kExportChunkBytes = size_t{256} * 1024;

WallTime TimeOf(const Timestamp& time) {
  return WallTime(std::chrono::seconds(time.seconds())) +
         std::chrono::microseconds(time.nanos() / 1000);
}

void Fill(admin::v1::Agent* out, const core::Agent& agent) {
  out->set_agent_id(agent.agent_id);
  out->set_terminal(agent.terminal);
  out->set_state(core::Name(agent.state));
  out->set_agent_version(agent.agent_version);
  out->set_mode(agent.mode);
  out->set_gate_state(agent.gate_state);
  out->set_policy_version(agent.policy_version);
  if (agent.last_seen_time) {
    SetTime(out->mutable_last_seen_time(), *agent.last_seen_time);
  }
  out->set_acked_sequence(agent.acked_sequence);
  SetTime(out->mutable_enrol_time(), agent.enrol_time);
  if (agent.certificate_not_after) {
    SetTime(out->mutable_certificate_expire_time(),
            *agent.certificate_not_after);
  }
  out->set_renewal(core::Name(agent.renewal));
}

void Fill(admin::v1::DeviceRecord* out, const core::Device& device) {
  out->set_device_id(device.device_id);
  *out->mutable_device() = device.facts;
  out->set_last_terminal(device.last_terminal);
  out->set_last_person(device.last_person);
  SetTime(out->mutable_last_seen_time(), device.last_seen_time);
  SetTime(out->mutable_first_seen_time(), device.first_seen_time);
  out->set_last_access(device.last_access);
  out->set_approved_access(device.approved_access);
  if (device.confirm_time) {
    SetTime(out->mutable_confirm_time(), *device.confirm_time);
  }
  out->set_confirmed_by(device.confirmed_by);
  out->set_owner(device.owner);
  out->set_approved_by(device.approved_by);
  if (device.expire_time) {
    SetTime(out->mutable_expire_time(), *device.expire_time);
  }
  out->set_event_count(device.event_count);
  out->set_weak_identity(device.weak_identity);
}

void Fill(admin::v1::EventRow* out, const core::Event& event) {
  out->set_row_id(event.row_id);
  out->set_agent_id(event.agent_id);
  out->set_terminal(event.terminal);
  SetTime(out->mutable_receive_time(), event.receive_time);
  *out->mutable_public_part() = event.public_part;
  *out->mutable_personal_part() = event.personal_part;
  // GetSamples hands them out, and writes down to whom.
  out->mutable_personal_part()->clear_sealed_samples();
  out->set_hash(event.hash_hex);
}

void Fill(admin::v1::Alert* out, const core::Alert& alert) {
  out->set_alert_id(alert.alert_id);
  out->set_kind(alert.kind);
  out->set_severity(alert.severity);
  out->set_state(static_cast<admin::v1::AlertState>(alert.state));
  out->set_title(alert.title);
  out->set_terminal(alert.terminal);
  out->set_person(alert.person);
  SetTime(out->mutable_create_time(), alert.create_time);
  out->set_event_row_id(alert.event_row_id);
  out->set_assignee(alert.assignee);
  out->set_verdict(alert.verdict);
  if (alert.resolve_time) {
    out->add_comments(FormatUtc(*alert.resolve_time) + " over by itself");
  }
  for (const core::AlertComment& comment : alert.comments) {
    out->add_comments(FormatUtc(comment.time) + " " + comment.author + ": " +
                      comment.text);
  }
  if (alert.event) {
    Fill(out->mutable_event(), *alert.event);
  }
}

core::PushHow HowOf(admin::v1::PushScope scope) {
  switch (scope) {
    case admin::v1::PUSH_SCOPE_EVERYBODY:
      return core::PushHow::kNow;
    case admin::v1::PUSH_SCOPE_RINGS:
      return core::PushHow::kRings;
    default:
      return core::PushHow::kAsConfigured;
  }
}

std::string Lines(const std::vector<policy::Problem>& problems) {
  std::string text;
  for (const policy::Problem& problem : problems) {
    text += (text.empty() ? "" : "\n") + policy::Format(problem);
  }
  return text;
}

}  // namespace

grpc::Status AdminCalls::CreateToken(
    grpc::ServerContext* context, const admin::v1::CreateTokenRequest* request,
    admin::v1::CreateTokenResponse* response) {
  core::NewToken wish;
  wish.hostname = request->hostname();
  wish.terminal = request->terminal();
  wish.ttl = std::chrono::seconds(request->ttl_seconds());
  return Hand(desk_.CreateToken(Who(*context), wish),
              [&](const core::Token& token) {
                response->set_token(token.token);
                SetTime(response->mutable_expire_time(), token.expire_time);
              });
}

grpc::Status AdminCalls::ListAgents(grpc::ServerContext* context,
                                    const admin::v1::ListAgentsRequest* request,
                                    admin::v1::ListAgentsResponse* response) {
  return Hand(desk_.ListAgents(Who(*context),
                               {request->page_size(), request->page_token()}),
              [&](const core::Page<core::Agent>& page) {
                for (const core::Agent& agent : page.rows) {
                  Fill(response->add_agents(), agent);
                }
                response->set_next_page_token(page.next_token);
              });
}

grpc::Status AdminCalls::RevokeAgent(
    grpc::ServerContext* context, const admin::v1::RevokeAgentRequest* request,
    admin::v1::RevokeAgentResponse*) {
  const Status done =
      desk_.RevokeAgent(Who(*context), request->agent_id(), request->reason());
  return done ? grpc::Status::OK : ToGrpc(done.error());
}

grpc::Status AdminCalls::ApproveRenewal(
    grpc::ServerContext* context,
    const admin::v1::ApproveRenewalRequest* request,
    admin::v1::ApproveRenewalResponse*) {
  const Status done = desk_.ApproveRenewal(Who(*context), request->agent_id());
  return done ? grpc::Status::OK : ToGrpc(done.error());
}

grpc::Status AdminCalls::PushPolicy(grpc::ServerContext* context,
                                    const admin::v1::PushPolicyRequest* request,
                                    admin::v1::PushPolicyResponse* response) {
  const auto pushed =
      desk_.PushPolicy(Who(*context), request->text(), request->file_name(),
                       request->comment(), HowOf(request->scope()));
  if (pushed && !pushed->problems.empty()) {
    return ToGrpc({Code::kInvalidArgument, Lines(pushed->problems)});
  }
  return Hand(pushed, [&](const core::Pushed& done) {
    response->set_version(done.version);
    response->set_agent_count(done.agent_count);
    response->set_ring(done.ring);
  });
}

grpc::Status AdminCalls::ListPolicyVersions(
    grpc::ServerContext* context,
    const admin::v1::ListPolicyVersionsRequest* request,
    admin::v1::ListPolicyVersionsResponse* response) {
  return Hand(desk_.ListPolicyVersions(
                  Who(*context), {request->page_size(), request->page_token()}),
              [&](const core::Page<core::PolicyVersion>& page) {
                for (const core::PolicyVersion& policy : page.rows) {
                  auto* out = response->add_versions();
                  out->set_version(policy.version);
                  SetTime(out->mutable_push_time(), policy.push_time);
                  out->set_author(policy.author);
                  out->set_comment(policy.comment);
                  out->set_text(policy.text);
                }
                response->set_next_page_token(page.next_token);
              });
}

grpc::Status AdminCalls::RollbackPolicy(
    grpc::ServerContext* context,
    const admin::v1::RollbackPolicyRequest* request,
    admin::v1::RollbackPolicyResponse* response) {
  const auto pushed = desk_.RollbackPolicy(Who(*context), request->version());
  if (pushed && !pushed->problems.empty()) {
    // Written for an older program that took what this one refuses.
    return ToGrpc({Code::kFailedPrecondition, Lines(pushed->problems)});
  }
  return Hand(pushed, [&](const core::Pushed& done) {
    response->set_version(done.version);
  });
}

grpc::Status AdminCalls::PushUpgrade(
    grpc::ServerContext* context, const admin::v1::PushUpgradeRequest* request,
    admin::v1::PushUpgradeResponse* response) {
  return Hand(desk_.PushUpgrade(Who(*context), request->manifest()),
              [&](const core::Pushed& done) {
                response->set_version(done.version);
                response->set_agent_count(done.agent_count);
              });
}

grpc::Status AdminCalls::AskUnlock(grpc::ServerContext* context,
                                   const admin::v1::AskUnlockRequest* request,
                                   admin::v1::AskUnlockResponse*) {
  const Status asked = desk_.AskUnlock(
      Who(*context),
      {.agent_id = request->agent_id(),
       .length = std::chrono::seconds(request->duration_seconds()),
       .reason = request->reason()});
  return asked ? grpc::Status::OK : ToGrpc(asked.error());
}

grpc::Status AdminCalls::ConfirmUnlock(
    grpc::ServerContext* context,
    const admin::v1::ConfirmUnlockRequest* request,
    admin::v1::ConfirmUnlockResponse* response) {
  return Hand(desk_.ConfirmUnlock(Who(*context), request->agent_id()),
              [&](const core::Unlocked& unlocked) {
                response->set_version(unlocked.version);
                SetTime(response->mutable_end_time(), unlocked.end_time);
                response->set_requested_by(unlocked.requested_by);
                response->set_reason(unlocked.reason);
              });
}

grpc::Status AdminCalls::ListDevices(
    grpc::ServerContext* context, const admin::v1::ListDevicesRequest* request,
    admin::v1::ListDevicesResponse* response) {
  core::DeviceFilter filter;
  filter.device_id = request->device_id();
  return Hand(desk_.ListDevices(Who(*context), filter,
                                {request->page_size(), request->page_token()}),
              [&](const core::Page<core::Device>& page) {
                for (const core::Device& device : page.rows) {
                  Fill(response->add_devices(), device);
                }
                response->set_next_page_token(page.next_token);
              });
}

grpc::Status AdminCalls::ApproveDevice(
    grpc::ServerContext* context,
    const admin::v1::ApproveDeviceRequest* request,
    admin::v1::ApproveDeviceResponse* response) {
  core::Approval approval;
  approval.device_id = request->device_id();
  approval.access = request->access();
  approval.terminal = request->terminal();
  if (request->has_expire_time()) {
    approval.expire_time = TimeOf(request->expire_time());
  }
  approval.owner = request->owner();
  approval.purpose = request->purpose();
  approval.ticket = request->ticket();
  return Hand(desk_.ApproveDevice(Who(*context), approval),
              [&](int64_t version) { response->set_version(version); });
}

grpc::Status AdminCalls::RevokeDevice(
    grpc::ServerContext* context, const admin::v1::RevokeDeviceRequest* request,
    admin::v1::RevokeDeviceResponse* response) {
  return Hand(desk_.RevokeDevice(Who(*context), request->device_id()),
              [&](int64_t version) { response->set_version(version); });
}

grpc::Status AdminCalls::ReportLost(grpc::ServerContext* context,
                                    const admin::v1::ReportLostRequest* request,
                                    admin::v1::ReportLostResponse* response) {
  core::LostMark mark;
  mark.device_id = request->device_id();
  mark.how = request->how();
  mark.note = request->note();
  return Hand(desk_.MarkLost(Who(*context), mark),
              [&](int64_t version) { response->set_version(version); });
}

grpc::Status AdminCalls::ReportFound(
    grpc::ServerContext* context, const admin::v1::ReportFoundRequest* request,
    admin::v1::ReportFoundResponse* response) {
  return Hand(
      desk_.ClearLost(Who(*context), request->device_id(), request->note()),
      [&](int64_t version) { response->set_version(version); });
}

grpc::Status AdminCalls::ListEvents(grpc::ServerContext* context,
                                    const admin::v1::ListEventsRequest* request,
                                    admin::v1::ListEventsResponse* response) {
  core::EventFilter filter;
  filter.agent_id = request->agent_id();
  filter.file = request->file();
  filter.file_hash = request->file_hash();
  filter.data_owner = request->data_owner();
  if (request->after_row_id() > 0) {
    filter.after_row_id = request->after_row_id();
  }
  return Hand(desk_.ListEvents(Who(*context), filter,
                               {request->page_size(), request->page_token()}),
              [&](const core::Page<core::Event>& page) {
                for (const core::Event& event : page.rows) {
                  Fill(response->add_events(), event);
                }
                response->set_next_page_token(page.next_token);
              });
}

grpc::Status AdminCalls::GetSamples(grpc::ServerContext* context,
                                    const admin::v1::GetSamplesRequest* request,
                                    admin::v1::GetSamplesResponse* response) {
  return Hand(desk_.GetSamples(Who(*context), request->row_id()),
              [&](const std::string& sealed) { response->set_sealed(sealed); });
}

Status AdminCalls::AddProofs(const ExportLog& log,
                             admin::v1::ExportEventsResponse& part) {
  if (log.whole) {
    return {};  // every leaf is there: the tree can be built again
  }
  std::vector<int64_t> leaves;
  for (const auto& leaf : part.leaves()) {
    leaves.push_back(leaf.index());
  }
  ASSIGN_OR_RETURN(const auto proofs, store_.ProveInclusion(leaves, log.size));
  for (size_t i = 0; i < proofs.size(); ++i) {
    for (const merkle::Hash& hash : proofs[i]) {
      part.mutable_leaves(static_cast<int>(i))
          ->add_proof(std::string(AsText(hash)));
    }
  }
  return {};
}

Status AdminCalls::ExportAgent(
    const store::Agent& agent, ExportLog& log,
    grpc::ServerWriter<admin::v1::ExportEventsResponse>& writer) {
  ASSIGN_OR_RETURN(const event::ChainPublicKey key,
                   store_.ChainKeyOf(agent.agent_id));
  admin::v1::ExportEventsResponse part;
  size_t bytes = 0;
  const auto label = [&] {
    part.Clear();
    bytes = 0;
    part.set_agent_id(agent.agent_id);
    part.set_terminal(agent.terminal);
    part.set_chain_public_key(std::string(AsText(key)));
    if (!log.checkpoint.empty()) {
      part.set_log_key(merkle::PrintVerifier(checkpoints_.verifier()));
      part.set_checkpoint(std::exchange(log.checkpoint, ""));
    }
  };
  label();
  const auto send = [&]() -> Status {
    RETURN_IF_ERROR(AddProofs(log, part));
    return writer.Write(part) ? Status()
                              : Fail(Code::kCancelled, "the reader went away");
  };
  ASSIGN_OR_RETURN(const auto end,
                   store_.ReadChain(agent.agent_id,
                                    [&](const event::v1::EventRecord& record,
                                        int64_t leaf) -> Status {
                                      *part.add_records() = record;
                                      part.add_leaves()->set_index(leaf);
                                      bytes += record.ByteSizeLong();
                                      if (bytes >= kExportChunkBytes) {
                                        RETURN_IF_ERROR(send());
                                        label();
                                      }
                                      return {};
                                    }));
  // The last part says where the chain ends, also when it is empty.
  part.set_head_epoch(end.head.epoch);
  part.set_head_sequence(end.head.sequence);
  part.set_head_hash(std::string(AsText(end.head.hash)));
  for (const store::ClosedEpoch& closed : end.closed) {
    *part.add_closed_epochs() = ToProto(closed.head);
  }
  return send();
}

grpc::Status AdminCalls::ExportEvents(
    grpc::ServerContext* context, const admin::v1::ExportEventsRequest* request,
    grpc::ServerWriter<admin::v1::ExportEventsResponse>* writer) {
  const core::Caller caller = Who(*context);
  const auto agents = may_export_(caller, request->agent_id());
  if (!agents) {
    return ToGrpc(agents.error());
  }
  // Before the agents are read: all it covers is there.
  const auto news = checkpoints_.Since(0);
  if (!news) {
    return ToGrpc(news.error());
  }
  ExportLog log{news->checkpoint, news->size,
                request->agent_id().empty() && caller.scope.IsWholeFleet()};
  if (agents->empty()) {
    admin::v1::ExportEventsResponse part;
    part.set_log_key(merkle::PrintVerifier(checkpoints_.verifier()));
    part.set_checkpoint(log.checkpoint);
    writer->Write(part);
  }
  for (const store::Agent& agent : *agents) {
    if (auto sent = ExportAgent(agent, log, *writer); !sent) {
      return ToGrpc(sent.error());
    }
  }
  return grpc::Status::OK;
}

grpc::Status AdminCalls::ListAlerts(grpc::ServerContext* context,
                                    const admin::v1::ListAlertsRequest* request,
                                    admin::v1::ListAlertsResponse* response) {
  core::AlertFilter filter;
  filter.alert_id = request->alert_id();
  filter.with_events = request->with_events();
  if (request->state() != admin::v1::ALERT_STATE_UNSPECIFIED) {
    filter.states.push_back(static_cast<core::AlertState>(request->state()));
  }
  filter.kind = request->kind();
  filter.severity = request->severity();
  filter.terminal = request->terminal();
  filter.person = request->person();
  filter.device_id = request->device_id();
  filter.rule = request->rule();
  filter.assignee = request->assignee();
  filter.only_unassigned = request->unassigned();
  return Hand(desk_.ListAlerts(Who(*context), filter,
                               {request->page_size(), request->page_token()}),
              [&](const core::Page<core::Alert>& page) {
                for (const core::Alert& alert : page.rows) {
                  Fill(response->add_alerts(), alert);
                }
                response->set_next_page_token(page.next_token);
              });
}

grpc::Status AdminCalls::UpdateAlert(
    grpc::ServerContext* context, const admin::v1::UpdateAlertRequest* request,
    admin::v1::UpdateAlertResponse* response) {
  core::AlertChange change;
  change.alert_id = request->alert_id();
  if (admin::v1::AlertState_IsValid(request->state()) &&
      request->state() != admin::v1::ALERT_STATE_UNSPECIFIED) {
    change.state = static_cast<core::AlertState>(request->state());
  }
  if (request->unassign()) {
    change.assignee = "";
  } else if (!request->assignee().empty()) {
    change.assignee = request->assignee();
  }
  if (!request->verdict().empty()) {
    change.verdict = request->verdict();
  }
  change.comment = request->comment();
  return Hand(desk_.UpdateAlert(Who(*context), change),
              [&](const core::Alert& alert) {
                Fill(response->mutable_alert(), alert);
              });
}

grpc::Status AdminCalls::DecideRequest(
    grpc::ServerContext* context,
    const admin::v1::DecideRequestRequest* request,
    admin::v1::DecideRequestResponse* response) {
  core::RequestDecision decision;
  decision.alert_id = request->alert_id();
  switch (request->answer()) {
    case admin::v1::REQUEST_ANSWER_APPROVE:
      decision.answer = core::RequestAnswer::kApprove;
      break;
    case admin::v1::REQUEST_ANSWER_DENY:
      decision.answer = core::RequestAnswer::kDeny;
      break;
    default:
      return ToGrpc({Code::kInvalidArgument, "approve or deny?"});
  }
  if (!request->access().empty()) decision.access = request->access();
  if (request->duration_seconds() != 0) {
    decision.seconds = request->duration_seconds();
  }
  if (request->scope() == admin::v1::REQUEST_SCOPE_EVERY_TERMINAL) {
    decision.scope = core::RequestScope::kEveryTerminal;
  }
  decision.reason = request->reason();
  return Hand(desk_.DecideRequest(Who(*context), decision),
              [&](const core::Alert& alert) {
                Fill(response->mutable_alert(), alert);
              });
}

grpc::Status AdminCalls::CreateLogin(
    grpc::ServerContext* context, const admin::v1::CreateLoginRequest* request,
    admin::v1::CreateLoginResponse* response) {
  return Hand(desk_.CreateLogin(Who(*context), request->user()),
              [&](const std::string& code) { response->set_code(code); });
}

}  // namespace sekisho::service
