#include "tests/unit/server_web/fake_desk.h"

#include <algorithm>
#include <charconv>

#include "common/bytes.h"
#include "common/text.h"
#include "policy/packs.h"
#include "server/core/requests.h"

namespace sekisho::web {

using std::chrono::minutes;

// Its destructor waits for a running callback: Tell() holds the same mutex.
class FakeSubscription final : public core::Subscription {
 public:
  FakeSubscription(FakeDesk& desk, int id) : desk_(desk), id_(id) {}
  ~FakeSubscription() override { desk_.Unsubscribe(id_); }

 private:
  FakeDesk& desk_;
  int id_;
};

namespace {

template <typename T>
bool HasOrAll(const std::vector<T>& wanted, T value) {
  return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

// 2026-11-20 18:12:31 in Japan: screenshots do not change by themselves.
constexpr WallTime kNow{std::chrono::seconds(1'795'165'951)};
constexpr WallTime kFarEnd{std::chrono::seconds(4'102'444'800)};

template <typename T>
Result<core::Page<T>> Cut(const std::vector<T>& rows,
                          const core::Paging& paging) {
  size_t from = 0;
  if (!paging.token.empty()) {
    const char* end = paging.token.data() + paging.token.size();
    const auto parsed = std::from_chars(paging.token.data(), end, from);
    if (parsed.ec != std::errc() || parsed.ptr != end || from > rows.size()) {
      return Fail(Code::kInvalidArgument, "bad page token");
    }
  }
  const size_t size = static_cast<size_t>(
      paging.size > 0 ? paging.size : core::kDefaultPageSize);
  core::Page<T> page;
  const size_t to = std::min(rows.size(), from + size);
  for (size_t i = from; i < to; ++i) page.rows.push_back(rows[i]);
  if (to < rows.size()) page.next_token = std::to_string(to);
  return page;
}

Status RequireAdmin(const core::Caller& caller) {
  if (caller.role != core::Role::kAdmin) {
    return Fail(Code::kPermissionDenied, "only an admin may do this");
  }
  return {};
}

core::Device MakeDevice(const char* vendor, const char* product_id,
                        const std::string& serial, const char* manufacturer,
                        const char* product, int64_t size) {
  core::Device device;
  device.facts.set_bus("usb");
  device.facts.set_vendor_id(vendor);
  device.facts.set_product_id(product_id);
  device.facts.set_serial(serial);
  device.facts.set_manufacturer(manufacturer);
  device.facts.set_product(product);
  device.facts.set_port("2-1.4");
  device.facts.set_medium_size_bytes(size);
  device.facts.set_filesystem(size > 0 ? "exfat" : "");
  device.facts.set_volume_uuid(size > 0 ? "64A3-21F8" : "");
  device.device_id = std::string(vendor) + ":" + product_id + ":" +
                     EscapeUntrusted(serial, 1024);
  device.first_seen_time = kNow - minutes(60 * 24 * 40);
  device.last_seen_time = kNow - minutes(3);
  device.last_access = "block";
  device.event_count = 4;
  return device;
}

void AddColumn(event::v1::PersonalPart& part, const char* name,
               const char* type, int64_t rows, double share) {
  auto* column = part.add_columns();
  column->set_name(name);
  column->set_type(type);
  column->set_row_count(rows);
  column->set_share(share);
}

void SetData(event::v1::PublicPart& part, const char* type, int64_t count) {
  auto* data = part.add_data();
  data->set_type(type);
  data->set_value_count(count);
}

void FillTransfer(core::Event& event, int64_t persons, const char* path) {
  auto& open = event.public_part;
  auto& personal = event.personal_part;
  open.set_person_count(persons);
  open.set_inspected_bytes(persons * 148);
  open.set_inspection(event::v1::INSPECTION_FULL);
  open.set_format("csv");
  open.set_encoding("cp932");
  open.set_access("inspect");
  open.set_file_hash(std::string(32, '\x5a'));
  SetData(open, "person_name", persons);
  SetData(open, "name_kana", persons);
  SetData(open, "address", persons - 12);
  SetData(open, "phone", persons + 231);
  SetData(open, "birth_date", persons);
  personal.set_file_path(path);
  AddColumn(personal, "顧客番号", "member_id", persons, 1.0);
  AddColumn(personal, "氏名", "person_name", persons, 0.99);
  AddColumn(personal, "フリガナ", "name_kana", persons, 1.0);
  AddColumn(personal, "住所", "address", persons - 12, 0.98);
  AddColumn(personal, "電話番号", "phone", persons, 0.97);
  AddColumn(personal, "生年月日", "birth_date", persons, 1.0);
}

}  // namespace

FakeDesk::FakeDesk() {
  BuildDevices();
  BuildAgents();
  BuildAlerts();
  for (const char* pack : {"observe", "appi"}) {
    core::PolicyVersion version;
    version.version = static_cast<int64_t>(policies_.size()) + 1;
    version.push_time =
        kNow - minutes(60 * 24 * (3 - static_cast<int>(version.version)));
    version.author = version.version == 1 ? "sekisho" : "suzuki";
    version.comment = version.version == 1 ? "what a fresh install does"
                                           : "Agreed in CAB 2026-118";
    version.file_name = std::string(pack) + ".yaml";
    version.mode = version.version == 1 ? "observe" : "enforce";
    version.text = policy::PackText(pack);
    policies_.insert(policies_.begin(), version);
  }
}

void FakeDesk::BuildDevices() {
  devices_.push_back(MakeDevice("0951", "1666", "60A44C413FAEE3B0B97A0A2F",
                                "Kingston", "DataTraveler 3.0",
                                30'943'995'904));
  devices_.push_back(MakeDevice("0411", "0282", "A07110012345", "BUFFALO",
                                "RUF3-HSL32G", 32'010'928'128));
  core::Device& approved = devices_.back();
  approved.approved_access = "inspect";
  approved.approved_by = "suzuki";
  approved.approve_time = kNow - minutes(60 * 30);
  approved.expire_time = kNow + minutes(60 * 24 * 6);
  approved.owner = "保守一課 佐藤";
  approved.purpose = "月次点検ログの持ち出し";
  approved.ticket = "CHG-2211";
  approved.last_access = "inspect";
  devices_.push_back(MakeDevice("ffff", "5678", "", "Generic", kHostileProduct,
                                8'004'829'184));
  devices_.back().weak_identity = true;
  devices_.push_back(
      MakeDevice("046d", "c31c", "", "Logitech", "USB Keyboard", 0));
  devices_.back().last_access = "full";
  devices_.back().facts.set_port("2-1.1");
  for (size_t i = 0; i < devices_.size(); ++i) {
    devices_[i].last_terminal = i == 1 ? "maint-tokyo-02" : "maint-osaka-07";
    devices_[i].last_person = i == 2 ? "" : "op01 (yamada)";
    devices_[i].last_seen_time = kNow - minutes(3 + 47 * static_cast<int>(i));
  }
}

void FakeDesk::BuildAgents() {
  const char* terminals[] = {"maint-osaka-07", "maint-tokyo-02",
                             "maint-nagoya-11", "maint-fukuoka-03"};
  for (const char* terminal : terminals) {
    const auto i = static_cast<int>(agents_.size());
    core::Agent agent;
    agent.agent_id = "0192f0c4-7b1a-7000-8000-00000000000" + std::to_string(i);
    agent.terminal = terminal;
    agent.hostname = std::string(terminal) + ".example.jp";
    agent.state = core::AgentState::kConnected;
    agent.agent_version = "0.1.0";
    agent.mode = "enforce";
    agent.gate_state = "full";
    agent.policy_version = 2;
    agent.last_seen_time = kNow - std::chrono::seconds(7 + 5 * i);
    agent.acked_sequence = agent.head_sequence = 1204 + 17 * i;
    agent.enrol_time = kNow - minutes(60 * 24 * 90);
    agents_.push_back(agent);
  }
  agents_[2].state = core::AgentState::kSilent;
  agents_[2].last_seen_time = kNow - minutes(26);
  agents_[2].spooled_count = 3;
  agents_[3].gate_state = "degraded";
  agents_[3].mode = "observe";
}

core::Event& FakeDesk::AddEvent(event::v1::EventKind kind, size_t agent,
                                minutes ago) {
  core::Event event;
  event.row_id = static_cast<int64_t>(events_.size()) + 1;
  event.agent_id = agents_[agent].agent_id;
  event.terminal = agents_[agent].terminal;
  event.receive_time = kNow - ago;
  event.hash_hex =
      "9b1f0c5e7a" + std::string(50, '4') + std::to_string(event.row_id + 1000);
  auto& part = event.public_part;
  part.set_agent_id(event.agent_id);
  part.set_kind(kind);
  part.set_epoch(1);
  part.set_sequence(1200 + event.row_id);
  part.set_policy_version(2);
  part.mutable_occur_time()->set_seconds(
      std::chrono::floor<std::chrono::seconds>(event.receive_time)
          .time_since_epoch()
          .count());
  auto& who = event.personal_part;
  who.set_person("op01 (yamada)");
  who.set_uid(1001);
  who.set_login_uid(1001);
  who.set_audit_session(31);
  who.set_seat("");
  who.set_tty("pts/2");
  who.set_origin("ssh");
  who.set_ssh_source("10.20.4.18, key SHA256:4vQ…yamada");
  who.set_pid(48213);
  who.set_program("/usr/bin/cp");
  who.set_command("cp […] […]");
  events_.push_back(event);
  return events_.back();
}

void FakeDesk::AddAlert(const core::Event& event, const std::string& kind,
                        const std::string& severity, const std::string& title) {
  core::Alert alert;
  alert.alert_id = static_cast<int64_t>(alerts_.size()) + 1;
  alert.kind = kind;
  alert.severity = severity;
  alert.title = title;
  alert.agent_id = event.agent_id;
  alert.terminal = event.terminal;
  alert.person = EscapeUntrusted(event.personal_part.person());
  alert.device_id = event.device_id;
  alert.create_time = alert.update_time = event.receive_time;
  alert.event_row_id = event.row_id;
  alert.event = event;
  alerts_.push_back(alert);
}

void FakeDesk::BuildAlerts() {
  const auto device = [this](core::Event& event, size_t i) {
    *event.public_part.mutable_device() = devices_[i].facts;
    event.device_id = devices_[i].device_id;
  };
  auto& started =
      AddEvent(event::v1::EVENT_KIND_AGENT_STARTED, 0, minutes(600));
  started.public_part.set_gate_state("full");
  started.personal_part.Clear();

  auto& keyboard =
      AddEvent(event::v1::EVENT_KIND_DEVICE_PLUGGED, 0, minutes(590));
  device(keyboard, 3);
  keyboard.public_part.set_outcome(event::v1::OUTCOME_ALLOWED);
  keyboard.public_part.set_access("full");
  keyboard.public_part.set_rule("keyboards");

  auto& health = AddEvent(event::v1::EVENT_KIND_HEALTH, 3, minutes(300));
  health.public_part.set_gate_state("degraded");
  health.public_part.set_reason("the kernel has no BPF LSM");
  health.personal_part.Clear();
  AddAlert(health, "agent_health", "low",
           "The agent on maint-fukuoka-03 is degraded: the kernel has no BPF "
           "LSM");

  auto& small = AddEvent(event::v1::EVENT_KIND_TRANSFER, 1, minutes(140));
  device(small, 1);
  FillTransfer(small, 15, "/home/op02/点検対象15件.csv");
  small.public_part.set_outcome(event::v1::OUTCOME_ALLOWED);
  small.public_part.set_persons_written_count(15);
  small.public_part.set_rule("default");
  small.personal_part.set_person("op02 (mori)");

  auto& plugged =
      AddEvent(event::v1::EVENT_KIND_DEVICE_PLUGGED, 0, minutes(97));
  device(plugged, 2);
  plugged.public_part.set_outcome(event::v1::OUTCOME_BLOCKED);
  plugged.public_part.set_access("block");
  plugged.public_part.set_rule("device_default");
  plugged.public_part.set_reason("no rule opens this device");
  plugged.personal_part.set_person("");
  AddAlert(plugged, "device_blocked", "low",
           "Device " + plugged.device_id + " was refused on maint-osaka-07");

  auto& asked = AddEvent(event::v1::EVENT_KIND_REQUEST, 0, minutes(80));
  device(asked, 0);
  asked.public_part.set_request_seconds(8 * 3600);
  asked.personal_part.set_purpose("障害ログを保守会社へ渡すため");
  AddAlert(
      asked, "approval_request", "medium",
      "The operator of maint-osaka-07 asks for approval of " + asked.device_id);

  auto& hostile = AddEvent(event::v1::EVENT_KIND_TRANSFER, 0, minutes(55));
  device(hostile, 2);
  FillTransfer(hostile, 24, kHostileFile);
  hostile.public_part.set_outcome(event::v1::OUTCOME_BLOCKED);
  hostile.public_part.set_rule("too-many-people");
  hostile.public_part.set_reason("24 people, 20 allowed");
  AddAlert(hostile, "transfer_blocked", "medium",
           "A file (csv) with about 24 people was kept from " +
               hostile.device_id + " on maint-osaka-07");

  auto& gap = AddEvent(event::v1::EVENT_KIND_GAP, 2, minutes(31));
  gap.public_part.set_lost_count(3);
  gap.public_part.mutable_lost_from_time()->set_seconds(1'795'163'900);
  gap.public_part.mutable_lost_to_time()->set_seconds(1'795'164'000);
  gap.personal_part.Clear();
  AddAlert(gap, "event_gap", "high", "maint-nagoya-11 could not keep 3 events");
  alerts_.back().state = core::AlertState::kAcknowledged;
  alerts_.back().assignee = "tanaka";
  alerts_.back().comments.push_back(
      {kNow - minutes(22), "tanaka", "Disk was full; IT has made room."});

  core::Event silence;
  silence.agent_id = agents_[2].agent_id;
  silence.terminal = agents_[2].terminal;
  silence.receive_time = kNow - minutes(25);
  AddAlert(silence, "terminal_silent", "high",
           "maint-nagoya-11 has not been heard of for 60 seconds");
  alerts_.back().event.reset();

  auto& tamper = AddEvent(event::v1::EVENT_KIND_TAMPER, 1, minutes(12));
  tamper.public_part.set_outcome(event::v1::OUTCOME_BLOCKED);
  tamper.public_part.set_reason("signal 9 to sekishod by pid 50113");
  tamper.personal_part.set_person("op02 (mori)");
  tamper.personal_part.set_program("/usr/bin/kill");
  tamper.personal_part.set_command("kill -9 […]");
  AddAlert(tamper, "tamper", "critical",
           "Somebody tried to get past the agent on maint-tokyo-02: signal 9 "
           "to sekishod by pid 50113");
}

int64_t FakeDesk::AddBlockedTransfer() {
  const std::lock_guard lock(mutex_);
  auto& event = AddEvent(event::v1::EVENT_KIND_TRANSFER, 0, minutes(0));
  *event.public_part.mutable_device() = devices_[1].facts;
  event.device_id = devices_[1].device_id;
  FillTransfer(event, 1500, "/home/op01/export/顧客一覧_2026-11.csv");
  event.public_part.set_outcome(event::v1::OUTCOME_BLOCKED);
  event.public_part.set_rule("too-many-people");
  event.public_part.set_reason(
      "1500 people; the rule stops a copy from 21 people on");
  AddAlert(event, "transfer_blocked", "high",
           "A file (csv) with about 1500 people was kept from " +
               event.device_id + " on " + event.terminal);
  Tell({core::Change::What::kEvent, event.row_id, ""});
  Tell({core::Change::What::kAlert, alerts_.back().alert_id, ""});
  return alerts_.back().alert_id;
}

// ---- people ----

std::string FakeDesk::AddLoginCode(const std::string& user) {
  const std::lock_guard lock(mutex_);
  const std::string code = "CODE-" + std::to_string(next_id_++);
  codes_[code] = user;
  return code;
}

void FakeDesk::AddUser(const std::string& user, const std::string& password,
                       core::Role role) {
  const std::lock_guard lock(mutex_);
  users_[user] = User{password, role};
}

void FakeDesk::EndSessions() {
  const std::lock_guard lock(mutex_);
  sessions_.clear();
}

core::Session FakeDesk::MakeSession(const std::string& user,
                                    bool must_set_password) {
  core::Session session;
  session.token = "token-" + std::to_string(next_id_++);
  session.csrf = "csrf-" + std::to_string(next_id_++);
  session.user = user;
  session.role = users_[user].role;
  session.expire_time = kFarEnd;
  session.must_set_password = must_set_password;
  sessions_[session.token] = session;
  return session;
}

Result<core::Session> FakeDesk::LoginWithPassword(const std::string& user,
                                                  const std::string& password,
                                                  const std::string&) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user);
  if (found == users_.end() || found->second.password.empty() ||
      found->second.password != password) {
    return Fail(Code::kUnauthenticated, "name or password is wrong");
  }
  return MakeSession(user, false);
}

Result<core::Session> FakeDesk::LoginWithCode(const std::string& code,
                                              const std::string&) {
  const std::lock_guard lock(mutex_);
  const auto found = codes_.find(code);
  if (found == codes_.end()) {
    return Fail(Code::kUnauthenticated, "the code is wrong, used or expired");
  }
  const std::string user = found->second;
  codes_.erase(found);
  users_[user].role = core::Role::kAdmin;
  return MakeSession(user, true);
}

Result<core::Session> FakeDesk::FindSession(const std::string& token) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(token);
  if (found == sessions_.end()) {
    return Fail(Code::kUnauthenticated, "the session has ended");
  }
  core::Session session = found->second;
  session.token.clear();
  return session;
}

Status FakeDesk::Logout(const std::string& token) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(token);
  return {};
}

Status FakeDesk::SetPassword(const std::string& token,
                             const std::string& password) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(token);
  if (found == sessions_.end()) {
    return Fail(Code::kUnauthenticated, "the session has ended");
  }
  if (password.size() < 12) {
    return Fail(Code::kInvalidArgument, "at least 12 characters");
  }
  found->second.must_set_password = false;
  users_[found->second.user].password = password;
  return {};
}

Result<std::string> FakeDesk::CreateLogin(const core::Caller& caller,
                                          const std::string& user) {
  RETURN_IF_ERROR(RequireAdmin(caller));
  return AddLoginCode(user);
}

// ---- rows ----

Result<core::Page<core::Event>> FakeDesk::ListEvents(
    const core::Caller&, const core::EventFilter& filter,
    const core::Paging& paging) {
  const std::lock_guard lock(mutex_);
  std::vector<core::Event> rows;
  for (const auto& event : events_) {
    if ((filter.terminal.empty() || event.terminal == filter.terminal) &&
        (filter.agent_id.empty() || event.agent_id == filter.agent_id) &&
        (filter.device_id.empty() || event.device_id == filter.device_id) &&
        (filter.person.empty() ||
         event.personal_part.person() == filter.person) &&
        HasOrAll(filter.kinds, event.public_part.kind()) &&
        HasOrAll(filter.outcomes, event.public_part.outcome()) &&
        (!filter.from || event.receive_time >= *filter.from) &&
        (!filter.to || event.receive_time < *filter.to) &&
        event.row_id > filter.after_row_id.value_or(0)) {
      rows.push_back(event);
    }
  }
  if (!filter.after_row_id) std::ranges::reverse(rows);
  return Cut(rows, paging);
}

Result<core::Event> FakeDesk::GetEvent(const core::Caller&, int64_t row_id) {
  const std::lock_guard lock(mutex_);
  for (const auto& event : events_) {
    if (event.row_id == row_id) return event;
  }
  return Fail(Code::kNotFound, "there is no event " + std::to_string(row_id));
}

Result<core::Page<core::Alert>> FakeDesk::ListAlerts(
    const core::Caller&, const core::AlertFilter& filter,
    const core::Paging& paging) {
  const std::lock_guard lock(mutex_);
  std::vector<core::Alert> rows;
  for (const auto& alert : alerts_) {
    if ((filter.alert_id == 0 || alert.alert_id == filter.alert_id) &&
        (filter.severity.empty() || alert.severity == filter.severity) &&
        (filter.kind.empty() || alert.kind == filter.kind) &&
        (filter.terminal.empty() || alert.terminal == filter.terminal) &&
        (filter.assignee.empty() || alert.assignee == filter.assignee) &&
        (filter.states.empty() ||
         std::ranges::find(filter.states, alert.state) !=
             filter.states.end())) {
      rows.push_back(alert);
    }
  }
  std::ranges::reverse(rows);
  return Cut(rows, paging);
}

Result<core::Alert> FakeDesk::UpdateAlert(const core::Caller& caller,
                                          const core::AlertChange& change) {
  const std::lock_guard lock(mutex_);
  for (auto& alert : alerts_) {
    if (alert.alert_id != change.alert_id) continue;
    if (change.state == core::AlertState::kClosed && !change.verdict) {
      return Fail(Code::kFailedPrecondition, "closing needs a verdict");
    }
    if (alert.state == core::AlertState::kClosed && change.state) {
      return Fail(Code::kFailedPrecondition, "the alert is closed");
    }
    if (change.state) alert.state = *change.state;
    if (change.assignee) alert.assignee = *change.assignee;
    if (change.verdict) alert.verdict = *change.verdict;
    if (!change.comment.empty()) {
      alert.comments.push_back({kNow, caller.user, change.comment});
    }
    Tell({core::Change::What::kAlert, alert.alert_id, ""});
    return alert;
  }
  return Fail(Code::kNotFound,
              "there is no alert " + std::to_string(change.alert_id));
}

Result<core::Alert> FakeDesk::DecideRequest(
    const core::Caller& caller, const core::RequestDecision& decision) {
  core::AlertFilter filter;
  filter.alert_id = decision.alert_id;
  filter.with_events = true;
  ASSIGN_OR_RETURN(const auto page, ListAlerts(caller, filter, {}));
  if (page.rows.empty()) {
    return Fail(Code::kNotFound, "there is no such request");
  }
  ASSIGN_OR_RETURN(
      core::Approval approval,
      core::ApprovalFor(caller, page.rows.front(), decision, kNow));
  std::optional<core::Approval> given;
  if (decision.answer == core::RequestAnswer::kApprove) {
    RETURN_IF_ERROR(ApproveDevice(caller, approval));
    given = approval;
  }
  return UpdateAlert(caller, core::ClosingOf(decision, given));
}

Result<core::Page<core::Device>> FakeDesk::ListDevices(
    const core::Caller&, const core::DeviceFilter& filter,
    const core::Paging& paging) {
  const std::lock_guard lock(mutex_);
  std::vector<core::Device> rows;
  for (const auto& device : devices_) {
    const bool approved = !device.approved_access.empty();
    if ((filter.device_id.empty() || device.device_id == filter.device_id) &&
        (filter.terminal.empty() || device.last_terminal == filter.terminal) &&
        !(filter.only_approved && !approved) &&
        !(filter.only_unapproved && approved)) {
      rows.push_back(device);
    }
  }
  return Cut(rows, paging);
}

Result<int64_t> FakeDesk::ApproveDevice(const core::Caller& caller,
                                        const core::Approval& approval) {
  RETURN_IF_ERROR(RequireAdmin(caller));
  const std::lock_guard lock(mutex_);
  for (auto& device : devices_) {
    if (device.device_id != approval.device_id) continue;
    device.approved_access = approval.access;
    device.approved_terminal = approval.terminal;
    device.approved_by = caller.user;
    device.approve_time = kNow;
    device.expire_time = approval.expire_time;
    device.owner = approval.owner;
    device.purpose = approval.purpose;
    device.ticket = approval.ticket;
    Tell({core::Change::What::kDevice, 0, device.device_id});
    return 7;
  }
  return Fail(Code::kNotFound, "there is no device " + approval.device_id);
}

Result<int64_t> FakeDesk::RevokeDevice(const core::Caller& caller,
                                       const std::string& device_id) {
  RETURN_IF_ERROR(RequireAdmin(caller));
  const std::lock_guard lock(mutex_);
  for (auto& device : devices_) {
    if (device.device_id != device_id) continue;
    device.approved_access.clear();
    Tell({core::Change::What::kDevice, 0, device_id});
    return 8;
  }
  return Fail(Code::kNotFound, "there is no device " + device_id);
}

Result<core::Page<core::Agent>> FakeDesk::ListAgents(
    const core::Caller&, const core::Paging& paging) {
  const std::lock_guard lock(mutex_);
  return Cut(agents_, paging);
}

Result<core::Agent> FakeDesk::GetAgent(const core::Caller&,
                                       const std::string& agent_id) {
  const std::lock_guard lock(mutex_);
  for (const auto& agent : agents_) {
    if (agent.agent_id == agent_id) return agent;
  }
  return Fail(Code::kNotFound, "there is no agent " + agent_id);
}

Status FakeDesk::RevokeAgent(const core::Caller& caller,
                             const std::string& agent_id,
                             const std::string& reason) {
  RETURN_IF_ERROR(RequireAdmin(caller));
  const std::lock_guard lock(mutex_);
  for (auto& agent : agents_) {
    if (agent.agent_id != agent_id) continue;
    agent.state = core::AgentState::kRevoked;
    agent.revoke_reason = reason;
    Tell({core::Change::What::kAgent, 0, agent_id});
    return {};
  }
  return Fail(Code::kNotFound, "there is no agent " + agent_id);
}

Status FakeDesk::ApproveRenewal(const core::Caller& caller,
                                const std::string& agent_id) {
  RETURN_IF_ERROR(RequireAdmin(caller));
  const std::lock_guard lock(mutex_);
  for (auto& agent : agents_) {
    if (agent.agent_id != agent_id) continue;
    if (agent.renewal != core::RenewalState::kAsked) {
      return Fail(Code::kFailedPrecondition, "it does not ask");
    }
    agent.renewal = core::RenewalState::kApproved;
    Tell({core::Change::What::kAgent, 0, agent_id});
    return {};
  }
  return Fail(Code::kNotFound, "there is no agent " + agent_id);
}

Result<core::Token> FakeDesk::CreateToken(const core::Caller& caller,
                                          const core::NewToken&) {
  RETURN_IF_ERROR(RequireAdmin(caller));
  return core::Token{"example-token", kNow + minutes(60 * 24)};
}

Result<core::Page<core::PolicyVersion>> FakeDesk::ListPolicyVersions(
    const core::Caller&, const core::Paging& paging) {
  const std::lock_guard lock(mutex_);
  return Cut(policies_, paging);
}

Result<core::Pushed> FakeDesk::PushPolicy(const core::Caller& caller,
                                          const std::string& text,
                                          const std::string& file_name,
                                          const std::string& comment) {
  RETURN_IF_ERROR(RequireAdmin(caller));
  auto parsed = policy::ParsePolicyDetailed(text, file_name);
  core::Pushed pushed;
  if (!parsed) {
    pushed.problems = parsed.error();
    return pushed;
  }
  const std::lock_guard lock(mutex_);
  core::PolicyVersion version;
  version.version = static_cast<int64_t>(policies_.size()) + 1;
  version.push_time = kNow;
  version.author = caller.user;
  version.comment = comment;
  version.file_name = file_name;
  version.mode = "enforce";
  version.text = text;
  policies_.insert(policies_.begin(), version);
  Tell({core::Change::What::kPolicy, version.version, ""});
  pushed.version = version.version;
  pushed.agent_count = 3;
  return pushed;
}

Result<core::Pushed> FakeDesk::RollbackPolicy(const core::Caller& caller,
                                              int64_t version) {
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& one : policies_) {
      if (one.version == version) text = one.text;
    }
  }
  if (text.empty()) {
    return Fail(Code::kNotFound,
                "there is no version " + std::to_string(version));
  }
  return PushPolicy(caller, text, "console", "as version before");
}

Result<core::Page<core::AuditEntry>> FakeDesk::ListAudit(
    const core::Caller& caller, const core::Paging&) {
  RETURN_IF_ERROR(RequireAdmin(caller));
  core::Page<core::AuditEntry> page;
  page.rows.push_back({1, kNow, "suzuki", "console", "10.20.1.5",
                       "device.approve", "device 0411:0282:A07110012345", "ok",
                       ""});
  return page;
}

// ---- live ----

std::unique_ptr<core::Subscription> FakeDesk::Subscribe(
    std::function<void(const core::Change&)> callback) {
  const std::lock_guard lock(mutex_);
  const int id = next_id_++;
  subscribers_[id] = std::move(callback);
  return std::make_unique<FakeSubscription>(*this, id);
}

void FakeDesk::Unsubscribe(int id) {
  const std::lock_guard lock(mutex_);
  subscribers_.erase(id);
}

size_t FakeDesk::subscriber_count() {
  const std::lock_guard lock(mutex_);
  return subscribers_.size();
}

void FakeDesk::Tell(const core::Change& change) {
  for (const auto& [id, callback] : subscribers_) callback(change);
}

}  // namespace sekisho::web
