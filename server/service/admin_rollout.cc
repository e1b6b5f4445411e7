// The admin socket's calls about rings and rollouts.
#include "server/service/admin_parts.h"
#include "server/service/admin_service.h"

namespace sekisho::service {
namespace {

void Fill(admin::v1::RolloutRing* out, const core::RingProgress& ring) {
  out->set_name(ring.name);
  out->set_percent(ring.percent);
  out->set_soak_seconds(ring.soak.count());
  out->set_open(ring.open);
  out->set_terminal_count(ring.terminals);
  for (const auto& [answer, count] : ring.counts) {
    (*out->mutable_answer_counts())[answer] = count;
  }
}

void Fill(admin::v1::RolloutTerminal* out, const core::RolloutTerminal& one) {
  out->set_agent_id(one.agent_id);
  out->set_terminal(one.terminal);
  out->set_ring(one.ring);
  out->set_wanted_version(one.wanted_version);
  out->set_policy_version(one.policy_version);
  out->set_answer(core::Name(one.answer));
  if (one.told_time) SetTime(out->mutable_told_time(), *one.told_time);
  if (one.ack_time) SetTime(out->mutable_ack_time(), *one.ack_time);
  if (one.refuse_time) SetTime(out->mutable_refuse_time(), *one.refuse_time);
  out->set_reason(one.reason);
}

void Fill(admin::v1::Rollout* out, const core::RolloutStatus& status) {
  if (status.rollout) {
    const core::Rollout& rollout = *status.rollout;
    out->set_version(rollout.version);
    out->set_base_version(rollout.base_version);
    out->set_state(core::Name(rollout.state));
    out->set_ring(rollout.ring);
    out->set_started_by(rollout.started_by);
    SetTime(out->mutable_start_time(), rollout.start_time);
    SetTime(out->mutable_ring_time(), rollout.ring_time);
    if (rollout.end_time) SetTime(out->mutable_end_time(), *rollout.end_time);
    out->set_halted_by(rollout.halted_by);
    out->set_halt_reason(rollout.halt_reason);
    if (rollout.halt_time) {
      SetTime(out->mutable_halt_time(), *rollout.halt_time);
    }
    out->set_alert_id(rollout.alert_id);
  }
  out->set_newest_version(status.newest_version);
  out->set_block_count(status.blocks);
  out->set_expected_block_count(status.expected_blocks);
  out->set_terminal_hours(status.terminal_hours);
  if (status.next_time) SetTime(out->mutable_next_time(), *status.next_time);
  out->set_waits_for(status.waits_for);
  for (const auto& ring : status.rings) Fill(out->add_rings(), ring);
  for (const auto& one : status.terminals) Fill(out->add_terminals(), one);
}

std::optional<core::RolloutAct> ActOf(admin::v1::RolloutAct act) {
  switch (act) {
    case admin::v1::ROLLOUT_ACT_ADVANCE:
      return core::RolloutAct::kAdvance;
    case admin::v1::ROLLOUT_ACT_HALT:
      return core::RolloutAct::kHalt;
    case admin::v1::ROLLOUT_ACT_RESUME:
      return core::RolloutAct::kResume;
    case admin::v1::ROLLOUT_ACT_ROLLBACK:
      return core::RolloutAct::kRollback;
    default:
      return std::nullopt;
  }
}

}  // namespace

grpc::Status AdminCalls::GetRollout(grpc::ServerContext* context,
                                    const admin::v1::GetRolloutRequest*,
                                    admin::v1::GetRolloutResponse* response) {
  return Hand(desk_.GetRollout(Who(*context)),
              [&](const core::RolloutStatus& status) {
                Fill(response->mutable_rollout(), status);
              });
}

grpc::Status AdminCalls::ChangeRollout(
    grpc::ServerContext* context,
    const admin::v1::ChangeRolloutRequest* request,
    admin::v1::ChangeRolloutResponse* response) {
  const auto act = ActOf(request->act());
  if (!act) {
    return ToGrpc({Code::kInvalidArgument,
                   "a rollout is advanced, halted, resumed or rolled back"});
  }
  return Hand(desk_.ChangeRollout(Who(*context), *act, request->reason()),
              [&](const core::RolloutStatus& status) {
                Fill(response->mutable_rollout(), status);
              });
}

grpc::Status AdminCalls::GetRings(grpc::ServerContext* context,
                                  const admin::v1::GetRingsRequest*,
                                  admin::v1::GetRingsResponse* response) {
  return Hand(desk_.GetRings(Who(*context)), [&](const core::RingsText& rings) {
    response->set_text(rings.text);
    response->set_set_by(rings.set_by);
    if (rings.set_time) {
      SetTime(response->mutable_set_time(), *rings.set_time);
    }
  });
}

grpc::Status AdminCalls::SetRings(grpc::ServerContext* context,
                                  const admin::v1::SetRingsRequest* request,
                                  admin::v1::SetRingsResponse*) {
  const auto set = desk_.SetRings(Who(*context), request->text());
  if (!set) return ToGrpc(set.error());
  if (set->empty()) return grpc::Status::OK;
  std::string lines;
  for (const policy::Problem& problem : *set) {
    lines += (lines.empty() ? "" : "\n") + policy::Format(problem);
  }
  return ToGrpc({Code::kInvalidArgument, lines});
}

}  // namespace sekisho::service
