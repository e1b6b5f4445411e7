#include "server/core/policy_lab.h"

#include <algorithm>
#include <tuple>

#include "common/text.h"
#include "policy/envelope.h"
#include "policy/evaluator.h"
#include "policy/lint.h"
#include "policy/replay/past_event.h"
#include "policy/simulate.h"
#include "policy/words.h"
#include "server/core/device_id.h"

namespace sekisho::core {
namespace {

constexpr char kDraftName[] = "draft";
constexpr size_t kMaxTrialChanges = 200;
constexpr int kTrialPage = 1000;

using SharedSnapshot = std::shared_ptr<const policy::Snapshot>;

// The approvals as terminals have them now.
Result<std::vector<policy::DeviceEntry>> ApprovalsNow(store::Store& store) {
  const auto sealed = store.NewestEnvelope("devices");
  if (!sealed) {
    if (sealed.error().code == Code::kNotFound) {
      return std::vector<policy::DeviceEntry>{};
    }
    return std::unexpected(sealed.error());
  }
  ASSIGN_OR_RETURN(const policy::Envelope envelope,
                   policy::ParseEnvelope(*sealed));
  return policy::ParseDeviceList(envelope.body, "devices");
}

// The draft with today's approvals; null with `problems` if it is refused.
Result<SharedSnapshot> Load(store::Store& store, std::string text,
                            std::vector<policy::Problem>& problems) {
  if (text.empty()) {
    ASSIGN_OR_RETURN(const auto newest, store.ListPolicies({1, ""}));
    if (newest.rows.empty()) {
      return Fail(Code::kFailedPrecondition, "no policy was pushed yet");
    }
    text = newest.rows.front().text;
  }
  auto parsed = policy::ParsePolicyDetailed(text, kDraftName);
  if (!parsed) {
    problems = std::move(parsed).error();
    return SharedSnapshot();
  }
  ASSIGN_OR_RETURN(auto approvals, ApprovalsNow(store));
  return policy::Snapshot::Make(std::move(*parsed), std::move(approvals), 0);
}

Result<policy::DeviceFacts> FindDevice(store::Store& store,
                                       const std::string& device_id,
                                       WallTime now) {
  DeviceFilter filter;
  filter.device_id = device_id;
  ASSIGN_OR_RETURN(const auto seen, store.ListDevices(filter, {1, ""}, now));
  if (!seen.rows.empty() && DeviceIdOf(seen.rows[0].facts) == device_id) {
    return replay::FactsOf(seen.rows[0].facts);
  }
  ASSIGN_OR_RETURN(auto named, DeviceFromId(device_id));
  // Nothing is known but its name: asked as the stick it most likely is.
  policy::DeviceFacts facts = replay::FactsOf(named);
  facts.bus = "usb";
  facts.interfaces = {{0x08, 0x06, 0x50}};
  facts.medium.emplace().encryption = "none";
  return facts;
}

std::vector<PolicyStep> StepsOf(std::vector<policy::Snapshot::Step> from) {
  std::vector<PolicyStep> steps;
  for (auto& step : from) {
    steps.push_back(
        {std::move(step.rule), step.line, step.matched, std::move(step.why)});
  }
  return steps;
}

Result<policy::ContentFacts> FileOf(const PolicyQuestion& question) {
  policy::ContentFacts file;
  file.persons = question.persons.value_or(0);
  for (const auto& [type, count] : question.data) {
    if (!policy::IsDataType(type)) {
      return Fail(Code::kInvalidArgument,
                  "'" + EscapeUntrusted(type, 60) + "' is no data type");
    }
    file.data[type] = count;
  }
  const auto inspection = policy::ParseInspection(question.inspection);
  if (!inspection) {
    return Fail(Code::kInvalidArgument, "inspection is full, partial or none");
  }
  file.inspection = *inspection;
  file.format = "csv";
  return file;
}

void Sum(const policy::Simulation& simulation, PolicyTrial& trial) {
  trial.events = simulation.event_count();
  for (const auto& [place, counts] : simulation.places()) {
    trial.devices_blocked += counts.devices_blocked;
    trial.devices_freed += counts.devices_freed;
    trial.devices_unclear += counts.devices_unclear;
    trial.transfers_blocked += counts.transfers_blocked;
    trial.transfers_freed += counts.transfers_freed;
    trial.persons_blocked += counts.persons_blocked;
  }
  for (const auto& [change, times] : simulation.changes()) {
    trial.changes.push_back({times, change.blocked,
                             change.kind == policy::PastEvent::Kind::kTransfer,
                             change.place.terminal, change.place.person,
                             change.device, change.rule});
  }
  std::ranges::sort(trial.changes, [](const auto& a, const auto& b) {
    return std::tie(b.times, a.terminal, a.person, a.device_id, a.rule) <
           std::tie(a.times, b.terminal, b.person, b.device_id, b.rule);
  });
  if (trial.changes.size() > kMaxTrialChanges) {
    trial.changes.resize(kMaxTrialChanges);
  }
  trial.rules.assign(simulation.rules().begin(), simulation.rules().end());
  std::ranges::sort(trial.rules, [](const auto& a, const auto& b) {
    return std::tie(b.second, a.first) < std::tie(a.second, b.first);
  });
}

}  // namespace

CheckedPolicy CheckPolicyText(const std::string& text) {
  CheckedPolicy checked;
  auto parsed = policy::ParsePolicyDetailed(text, kDraftName);
  if (!parsed) {
    checked.problems = std::move(parsed).error();
    return checked;
  }
  checked.warnings = policy::Lint(*parsed, kDraftName);
  checked.mode = policy::Name(parsed->mode);
  checked.device_rules = std::ssize(parsed->devices);
  checked.content_rules = std::ssize(parsed->content);
  return checked;
}

Result<PolicyAnswer> AnswerQuestion(store::Store& store,
                                    const PolicyQuestion& question,
                                    WallTime now) {
  PolicyAnswer answer;
  ASSIGN_OR_RETURN(const auto snapshot,
                   Load(store, question.text, answer.problems));
  if (!snapshot) {
    return answer;
  }
  ASSIGN_OR_RETURN(const auto device,
                   FindDevice(store, question.device_id, now));
  policy::PersonFacts person;
  person.person = question.person;
  person.origin = question.origin;
  policy::TerminalFacts terminal;
  terminal.terminal = question.terminal;
  const WallTime at = question.time.value_or(now);
  const auto decision = snapshot->DecideDevice(device, person, terminal, at);
  answer.mode = policy::Name(snapshot->policy().mode);
  answer.access = policy::Name(decision.access);
  answer.rule = decision.rule;
  answer.line = decision.rule_line;
  answer.reason = decision.reason;
  answer.needs_probe = decision.needs_probe;
  answer.steps = StepsOf(snapshot->Explain(device, person, terminal, at));
  if (!question.persons && question.data.empty()) {
    return answer;
  }
  ASSIGN_OR_RETURN(const auto file, FileOf(question));
  const auto verdict =
      snapshot->DecideContent(file, device, person, terminal, at);
  answer.verdict = policy::Name(verdict.verdict);
  answer.file_rule = verdict.rule;
  answer.file_line = verdict.rule_line;
  answer.file_reason = verdict.reason;
  answer.file_steps =
      StepsOf(snapshot->ExplainContent(file, device, person, terminal, at));
  return answer;
}

Result<PolicyTrial> TryOnHistory(store::Store& store, const std::string& text,
                                 WallTime from, WallTime to) {
  PolicyTrial trial;
  trial.from = from;
  trial.to = to;
  ASSIGN_OR_RETURN(auto snapshot, Load(store, text, trial.problems));
  if (!snapshot) {
    return trial;
  }
  policy::Simulation simulation(std::move(snapshot));
  EventFilter filter;
  filter.kinds = {event::v1::EVENT_KIND_DEVICE_PLUGGED,
                  event::v1::EVENT_KIND_DEVICE_DECIDED,
                  event::v1::EVENT_KIND_TRANSFER};
  filter.from = from;
  filter.to = to;
  filter.after_row_id = 0;  // oldest first: totals need the order
  policy::PastEvent past;
  std::string token;
  do {
    ASSIGN_OR_RETURN(const auto page,
                     store.ListEvents(filter, {kTrialPage, token}));
    for (const Event& event : page.rows) {
      past.terminal.terminal = event.terminal;
      if (replay::FillPast(event.public_part, event.personal_part, &past)) {
        simulation.Add(past);
      }
    }
    token = page.next_token;
    trial.cut = !token.empty() && simulation.event_count() >= kMaxTrialEvents;
  } while (!token.empty() && !trial.cut);
  Sum(simulation, trial);
  return trial;
}

}  // namespace sekisho::core
