#include "tests/simulation/terminal.h"

#include <algorithm>
#include <utility>

#include "common/bytes.h"
#include "common/text.h"

namespace sekisho::simulation {
namespace {

using agent::NewParts;
using agent::Parts;

constexpr std::ptrdiff_t kBatch = 400;
constexpr auto kRenewBefore = std::chrono::days(10);

policy::PersonFacts PersonAtSeat(const std::string& person) {
  policy::PersonFacts facts;
  facts.person = person;
  facts.origin = "console";
  return facts;
}

std::string KeyOf(const policy::DeviceFacts& device) {
  return agent::ShownId(device);
}

ipc::Findings FindingsOf(const Copy& copy) {
  ipc::Findings findings;
  findings.format = copy.format;
  findings.encoding = copy.format == "csv" ? "cp932" : "utf-8";
  findings.bytes = copy.bytes;
  findings.persons = copy.persons;
  findings.inspection = copy.inspection;
  findings.reason = copy.inspection_reason;
  const auto hash = event::Sha256(AsBytes(copy.path));
  findings.file_hash = std::string(AsText(hash));
  if (copy.persons > 0) {
    findings.data = {{"person_name", copy.persons},
                     {"address", copy.persons},
                     {"phone", copy.persons}};
  }
  return findings;
}

}  // namespace

Terminal::Terminal(Premises& premises, std::string name, std::string site,
                   WallTime certificate_issued)
    : premises_(premises), name_(std::move(name)), site_(std::move(site)) {
  agent_ = premises_.Enrol(name_, keys_.public_key, certificate_issued);
}

void Terminal::Boot() {
  if (on_) return;
  on_ = true;
  ++boots_;
  boot_time_ = premises_.clock().Now();
  beat_.boot_id = name_ + "-boot-" + std::to_string(boots_);
  beat_.agent_version = next_version_;
  beat_.core_alive = true;
  if (std::exchange(restored_, false)) {
    // sekishod keeps its head twice; the older one tells it of the loss.
    Parts gap = NewParts(event::v1::EVENT_KIND_GAP);
    gap.open.set_closed_epoch(head_.epoch);
    gap.open.set_lost_count(1);
    gap.open.set_lost_count_is_least(true);
    gap.open.set_reason("the spool is older than the disk's own mark");
    Update();  // the uplink speaks of the old head first
    head_ = {.epoch = head_.epoch + 1, .sequence = 0, .hash = {}};
    Emit(std::move(gap), "");
  }
  Parts started = NewParts(event::v1::EVENT_KIND_AGENT_STARTED);
  started.open.set_gate_state(beat_.gate_state);
  if (beat_.gate_state != "full") {
    started.open.set_reason("the kernel has no BPF LSM");
  }
  Emit(std::move(started), "");
  for (auto& [key, device] : attached_) {
    Parts plugged = NewParts(event::v1::EVENT_KIND_DEVICE_PLUGGED);
    agent::SetDevice(device.facts, plugged);
    plugged.open.set_access("inspect");
    plugged.open.set_outcome(event::v1::OUTCOME_ALLOWED);
    plugged.open.set_rule("approved");
    plugged.open.set_reason("attached before the agent started");
    device.mounted = true;
    Emit(std::move(plugged), "unknown");
    Parts mounted = NewParts(event::v1::EVENT_KIND_MEDIUM_MOUNTED);
    agent::SetDevice(device.facts, mounted);
    Emit(std::move(mounted), "unknown");
  }
  Update();
}

void Terminal::Leave(Leaving how) {
  if (!on_) return;
  if (how == Leaving::kShutdown) {
    // The uplink is stopped before sekishod says goodbye.
    if (connected_) premises_.Goodbye(agent_);
    connected_ = false;
    for (auto& [key, device] : attached_) {
      if (!std::exchange(device.mounted, false)) continue;
      Parts parts = NewParts(event::v1::EVENT_KIND_MEDIUM_UNMOUNTED);
      agent::SetDevice(device.facts, parts);
      Emit(std::move(parts), "");
    }
    Parts parts = NewParts(event::v1::EVENT_KIND_AGENT_STOPPED);
    parts.open.set_reason("SIGTERM");
    Emit(std::move(parts), "");
  }
  on_ = false;
  Update();
}

void Terminal::SetNetwork(bool up) {
  network_ = up;
  Update();
}

void Terminal::SetSiteNetwork(bool up) {
  site_network_ = up;
  Update();
}

void Terminal::SetCore(bool alive) {
  if (!on_ || beat_.core_alive == alive) return;
  beat_.core_alive = alive;
  if (alive) {
    Parts started = NewParts(event::v1::EVENT_KIND_AGENT_STARTED);
    started.open.set_gate_state(beat_.gate_state);
    Emit(std::move(started), "");
  }
  Beat(true);
}

void Terminal::Update() {
  const bool reaches = on_ && network_ && site_network_;
  if (reaches == connected_) return;
  connected_ = reaches;
  if (!reaches) {
    premises_.Goodbye(agent_);
    return;
  }
  if (agent_.not_after - premises_.clock().Now() < kRenewBefore) {
    premises_.Renew(agent_);
  }
  stream_ = acked_ = premises_.Hello(agent_, head_);
  Beat(true);
  Flush();
}

Heartbeat Terminal::NowBeat() const {
  Heartbeat beat = beat_;
  beat.since_boot = premises_.clock().Now() - boot_time_;
  beat.spooled_count = std::ssize(spool_);
  return beat;
}

void Terminal::Beat(bool keep) {
  if (!connected_) return;
  premises_.Heard(agent_.agent_id);
  if (keep) premises_.Keep(agent_, head_, acked_, NowBeat());
}

void Terminal::Emit(Parts parts, const std::string& person) {
  const WallTime now = premises_.clock().Now();
  const WallTime said = now + drift_;
  event::v1::PublicPart& open = parts.open;
  const auto id = NewUuid7(said);
  last_event_id_ = std::string(AsText(id));
  open.set_event_id(last_event_id_);
  open.set_agent_id(agent_.agent_id);
  open.set_policy_version(beat_.policy_version);
  open.set_agent_version(beat_.agent_version);
  open.set_boot_id(beat_.boot_id);
  open.set_since_boot_microseconds((now - boot_time_).count());
  agent::SetTime(said, open.mutable_occur_time());
  if (!person.empty()) {
    parts.personal.set_person(person);
    parts.personal.set_seat("seat0");
    parts.personal.set_origin("console");
  }
  spool_.push_back(
      Must(event::Append(head_, open, parts.personal, keys_.secret_key)));
  if (connected_) Flush();
}

void Terminal::Flush() {
  while (!spool_.empty()) {
    const auto end = spool_.begin() + std::min(std::ssize(spool_), kBatch);
    std::vector<event::v1::EventRecord> batch(spool_.begin(), end);
    if (!premises_.Take(agent_, stream_, std::move(batch))) return;
    spool_.erase(spool_.begin(), end);
    acked_ = stream_;
  }
}

void Terminal::TellHealth(const std::string& reason) {
  if (!on_) return;
  Parts parts = NewParts(event::v1::EVENT_KIND_HEALTH);
  parts.open.set_gate_state(beat_.gate_state);
  parts.open.set_reason(reason);
  Emit(std::move(parts), "");
}

void Terminal::TellLost(int64_t count) {
  if (!on_) return;
  Parts parts = NewParts(event::v1::EVENT_KIND_GAP);
  parts.open.set_lost_count(count);
  agent::SetTime(premises_.clock().Now(), parts.open.mutable_lost_from_time());
  agent::SetTime(premises_.clock().Now(), parts.open.mutable_lost_to_time());
  Emit(std::move(parts), "");
}

void Terminal::TellLanding(const std::string& person, int64_t persons,
                           const std::string& path) {
  if (!on_) return;
  Parts parts = NewParts(event::v1::EVENT_KIND_LANDING);
  Copy copy;
  copy.path = path;
  copy.format = "csv";
  copy.persons = persons;
  agent::SetFindings(FindingsOf(copy), parts);
  parts.personal.set_file_path(path);
  parts.personal.add_source_hosts("10.0.2.5:5432");
  Emit(std::move(parts), person);
}

void Terminal::TakePolicy(int64_t version, bool refuses) {
  if (!connected_ || version == beat_.policy_version) return;
  Parts parts = NewParts(event::v1::EVENT_KIND_POLICY_CHANGED);
  parts.open.set_changed_version(version);
  parts.open.set_outcome(refuses ? event::v1::OUTCOME_BLOCKED
                                 : event::v1::OUTCOME_ALLOWED);
  if (refuses) {
    parts.open.set_reason("policy: write: No space left on device");
  } else {
    beat_.policy_version = version;
  }
  Emit(std::move(parts), "");
  Beat(true);
}

bool Terminal::Plug(const policy::Snapshot& snapshot,
                    const policy::DeviceFacts& device,
                    const std::string& person) {
  if (!on_) return false;
  policy::TerminalFacts here;
  here.terminal = name_;
  policy::DeviceFacts seen = device;
  const WallTime now = premises_.clock().Now();
  // As the decider: what is known by the bus, then what the probe says.
  seen.medium.reset();
  auto decision = snapshot.DecideDevice(seen, PersonAtSeat(person), here, now);
  if (decision.needs_probe) {
    decision = snapshot.DecideDevice(device, PersonAtSeat(person), here, now);
    seen = device;
  }
  const bool opens = decision.access != policy::Access::kBlock;
  Parts plugged = NewParts(event::v1::EVENT_KIND_DEVICE_PLUGGED);
  agent::SetDevice(seen, plugged);
  agent::SetDecision(decision, plugged);
  Emit(std::move(plugged), person);
  const bool medium = opens && device.medium.has_value();
  if (medium) {
    Parts mounted = NewParts(event::v1::EVENT_KIND_MEDIUM_MOUNTED);
    agent::SetDevice(device, mounted);
    agent::SetDecision(decision, mounted);
    Emit(std::move(mounted), person);
    attached_[KeyOf(device)] = {device, true};
  }
  return opens;
}

void Terminal::Unmount(const policy::DeviceFacts& device,
                       const std::string& person) {
  const auto at = attached_.find(KeyOf(device));
  if (!on_ || at == attached_.end() || !at->second.mounted) return;
  at->second.mounted = false;
  Parts parts = NewParts(event::v1::EVENT_KIND_MEDIUM_UNMOUNTED);
  agent::SetDevice(device, parts);
  Emit(std::move(parts), person);
}

void Terminal::Unplug(const policy::DeviceFacts& device,
                      const std::string& person) {
  Unmount(device, person);
  attached_.erase(KeyOf(device));
  if (!on_) return;  // pulled while it was off: nobody saw it
  Parts parts = NewParts(event::v1::EVENT_KIND_DEVICE_REMOVED);
  agent::SetDevice(device, parts);
  Emit(std::move(parts), person);
}

policy::Verdict Terminal::Transfer(const policy::Snapshot& snapshot,
                                   const policy::DeviceFacts& device,
                                   const std::string& person,
                                   const Copy& copy) {
  if (!on_ || !attached_.contains(KeyOf(device))) {
    return policy::Verdict::kBlock;
  }
  const WallTime now = premises_.clock().Now();
  if (totals_ == nullptr) {
    std::string problem;
    totals_ = Must(agent::Totals::Open(premises_.dir() + "/totals-" + name_,
                                       now, &problem));
  }
  const ipc::Findings findings = FindingsOf(copy);
  auto adds = agent::TransferOf(person, device, findings);
  policy::ContentFacts content = agent::ContentOf(findings);
  for (const policy::TotalKey& key : snapshot.totals()) {
    content.totals[key] = totals_->Sum(key, adds, now);
  }
  policy::TerminalFacts here;
  here.terminal = name_;
  const auto decision =
      snapshot.DecideContent(content, device, PersonAtSeat(person), here, now);
  const bool passes = decision.verdict != policy::Verdict::kBlock;
  if (passes) {
    Must(totals_->Add(adds, now, agent::Totals::Durability::kMemory));
  }
  Parts parts = NewParts(event::v1::EVENT_KIND_TRANSFER);
  agent::SetDevice(device, parts);
  agent::SetFindings(findings, parts);
  parts.open.set_access("inspect");
  parts.open.set_outcome(agent::OutcomeOf(decision.verdict));
  parts.open.set_rule(decision.rule);
  parts.open.set_reason(decision.reason);
  parts.open.set_persons_written_count(passes ? copy.persons : 0);
  parts.personal.set_file_path(copy.path);
  parts.personal.set_program("/usr/bin/cp");
  Emit(std::move(parts), person);
  return decision.verdict;
}

void Terminal::TransferGranted(const policy::DeviceFacts& device,
                               const std::string& person, const Copy& copy,
                               int64_t grant_id) {
  if (!on_ || !attached_.contains(KeyOf(device))) return;
  Parts parts = NewParts(event::v1::EVENT_KIND_TRANSFER);
  agent::SetDevice(device, parts);
  agent::SetFindings(FindingsOf(copy), parts);
  parts.open.set_access("inspect");
  parts.open.set_outcome(event::v1::OUTCOME_ALLOWED);
  parts.open.set_rule("grant");
  parts.open.set_grant_id(grant_id);
  parts.open.set_persons_written_count(copy.persons);
  parts.personal.set_file_path(copy.path);
  Emit(std::move(parts), person);
}

void Terminal::RequestCopy(const policy::DeviceFacts& device,
                           const std::string& person, const Copy& copy) {
  if (!on_) return;
  const std::string refused = last_event_id_;
  Parts parts = NewParts(event::v1::EVENT_KIND_REQUEST);
  agent::SetDevice(device, parts);
  agent::SetFindings(FindingsOf(copy), parts);
  parts.open.set_requested_event_id(refused);
  parts.open.set_request_seconds(2 * 3600);
  parts.personal.set_purpose("引き継ぎ");
  parts.personal.set_file_path(copy.path);
  Emit(std::move(parts), person);
}

void Terminal::RequestDevice(const policy::DeviceFacts& device,
                             const std::string& person) {
  if (!on_) return;
  Parts parts = NewParts(event::v1::EVENT_KIND_REQUEST);
  agent::SetDevice(device, parts);
  parts.open.set_request_seconds(8 * 3600);
  parts.personal.set_purpose("障害ログの持ち出し");
  Emit(std::move(parts), person);
}

void Terminal::Restore(const Image& image) {
  Leave(Leaving::kShutdown);
  head_ = image.head;
  spool_.clear();
  restored_ = true;
}

}  // namespace sekisho::simulation
