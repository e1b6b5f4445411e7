#include "tests/support/demo_world.h"

#include <sodium.h>

#include <filesystem>
#include <future>

#include "common/file.h"
#include "common/text.h"
#include "policy/packs.h"
#include "server/alert/rules.h"
#include "server/auth/secrets.h"
#include "server/core/device_id.h"
#include "server/core/reviewing.h"
#include "tests/support/test_store.h"

namespace sekisho::demo {
namespace {

using std::chrono::minutes;

constexpr size_t kTodaysTerminals = 4;
constexpr size_t kAllTerminals = 14;
constexpr const char* kTerminals[kAllTerminals] = {
    "maint-osaka-07",   "maint-tokyo-02",   "maint-nagoya-11",
    "maint-fukuoka-03", "maint-osaka-08",   "maint-osaka-09",
    "maint-tokyo-03",   "maint-tokyo-04",   "maint-sendai-01",
    "maint-sapporo-02", "maint-nagoya-12",  "maint-hiroshima-05",
    "maint-fukuoka-04", "maint-kanazawa-01"};

std::string NewDir() {
  if (sodium_init() < 0) std::abort();
  std::string dir =
      std::filesystem::temp_directory_path() / "sekisho-demo-XXXXXX";
  if (mkdtemp(dir.data()) == nullptr) std::abort();
  return dir;
}

// A world that cannot be built is no world to test in.
template <typename T>
auto Must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "demo world: %s\n", result.error().message.c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

event::v1::Device MakeDevice(const char* vendor, const char* product_id,
                             const std::string& serial,
                             const char* manufacturer, const char* product,
                             int64_t size) {
  event::v1::Device device;
  device.set_bus("usb");
  device.set_vendor_id(vendor);
  device.set_product_id(product_id);
  device.set_serial(serial);
  device.set_manufacturer(manufacturer);
  device.set_product(product);
  device.set_port("2-1.4");
  device.set_descriptor_hash(std::string(64, 'a'));
  device.set_medium_size_bytes(size);
  device.set_filesystem(size > 0 ? "exfat" : "");
  device.set_volume_uuid(size > 0 ? "64A3-21F8" : "");
  auto* interface = device.add_interfaces();
  interface->set_class_code(size > 0 ? 8 : 3);
  interface->set_subclass_code(size > 0 ? 6 : 1);
  interface->set_protocol_code(size > 0 ? 0x50 : 1);
  return device;
}

std::vector<event::v1::Device> MakeDevices() {
  return {
      MakeDevice("0951", "1666", "60A44C413FAEE3B0B97A0A2F", "Kingston",
                 "DataTraveler 3.0", 30'943'995'904),
      MakeDevice("0411", "0282", "A07110012345", "BUFFALO", "RUF3-HSL32G",
                 32'010'928'128),
      MakeDevice("ffff", "5678", "", "Generic", kHostileProduct, 8'004'829'184),
      MakeDevice("046d", "c31c", "", "Logitech", "USB Keyboard", 0),
      MakeDevice("04bb", "1012", "07A0C1E2D3", "I-O DATA", "U3-MAX2/16K",
                 16'005'464'064),
      MakeDevice("0781", "5581", "4C530001230503117", "SanDisk", "Ultra",
                 61'524'148'224)};
}

core::SlaRules DemoSla() {
  core::SlaRules rules;
  rules.by_severity["critical"] = {minutes(15), std::chrono::hours(4), {}};
  rules.by_severity["high"] = {minutes(60), std::chrono::hours(24), {}};
  return rules;
}

// One that hears everything, and one whose server is away.
Result<std::vector<core::SinkHealth>> DemoSinks() {
  core::SinkHealth siem{.name = "siem", .type = "syslog"};
  siem.sent_count = 18'204;
  siem.sent_time = kDemoNow - minutes(1);
  core::SinkHealth mail{.name = "soc-mail", .type = "mail"};
  mail.sent_count = 412;
  mail.waiting_count = 3;
  mail.sent_time = kDemoNow - minutes(24);
  mail.failing_since = kDemoNow - minutes(22);
  mail.last_error = "smtp://mail.example:587: connection refused";
  return std::vector{siem, mail};
}

}  // namespace

DemoWorld::DemoWorld(Past past) : dir_(NewDir()), devices_(MakeDevices()) {
  clock_.Set(kDemoNow - minutes(60 * 24 * 90));
  store_ = Must(sekisho::support::OpenTestStore(dir_ + "/demo.db"));
  publisher_ =
      Must(core::Publisher::Open(*store_, clock_, dir_ + "/signing.key"));
  publisher_->SetAnnounce([](const std::string&, int64_t) { return 3; });
  checkpoints_ = Must(core::Checkpoints::Open(*store_, dir_ + "/log.key"));
  containing_ = std::make_unique<core::Containing>(*store_, *publisher_,
                                                   presence_, changes_, clock_);
  rollouts_ = std::make_unique<core::Rollouts>(*store_, *publisher_, presence_,
                                               changes_, clock_);
  Must(rollouts_->Refresh());
  codes_ = Must(core::OfflineCodes::Open(*store_, *publisher_, changes_, clock_,
                                         dir_ + "/code.key"));
  accounts_ = std::make_unique<auth::Accounts>(*store_, clock_);
  indexer_ =
      std::make_unique<core::Indexer>(*store_, changes_, alert::AlertsFor);
  desk_ = MakeDesk({*store_, *publisher_, presence_, changes_, *accounts_,
                    clock_, std::string(64, 'f'),
                    [](const std::string&, const std::string&) {}, *containing_,
                    *rollouts_, *codes_, *checkpoints_, DemoSla(), nullptr,
                    DemoSinks});
  AddTerminals(past == Past::kToday ? kTodaysTerminals : kAllTerminals);
  if (past == Past::kNinetyDays) TellPast();
  PushPolicies();
  TellToday();
  ApproveStick();
  clock_.Set(kDemoNow);
  Beat();
}

DemoWorld::~DemoWorld() {
  desk_.reset();
  indexer_.reset();
  accounts_.reset();
  rollouts_.reset();
  codes_.reset();
  containing_.reset();
  publisher_.reset();
  store_.reset();
  std::filesystem::remove_all(dir_);
}

void DemoWorld::AddTerminals(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    store::NewAgent agent;
    agent.agent_id = "0192f0c4-7b1a-7000-8000-00000000" +
                     std::to_string(1000 + static_cast<int>(i));
    agent.terminal = kTerminals[i];
    agent.hostname = agent.terminal + ".example.jp";
    agent.agent_version = "0.1.0";
    agent.chain_key = keys_.public_key;
    agent.enrol_time = clock_.Now();
    Must(store_->AddAgent(agent));
    terminals_.push_back({agent.agent_id, agent.terminal, {}});
  }
}

// A month: two thirds of it covered, with a hole here and there.
void DemoWorld::Cover() {
  const auto add = [&](const std::string& agent_id, store::Cover state,
                       int from, int to) {
    Must(store_->AddCoverSpan(agent_id, state, kDemoNow - minutes(60 * from),
                              kDemoNow - minutes(60 * to)));
  };
  if (terminals_.size() == kTodaysTerminals) return;
  for (size_t i = 0; i + 1 < terminals_.size(); ++i) {
    const int shift = static_cast<int>(i) * 17;
    add(terminals_[i].agent_id, store::Cover::kObserve, 720, 500 + shift);
    add(terminals_[i].agent_id, store::Cover::kCovered, 500 + shift,
        120 + shift / 4);
    if (i % 3 == 0) {
      add(terminals_[i].agent_id, store::Cover::kDegraded, 120 + shift / 4,
          90 + shift / 4);
    }
    add(terminals_[i].agent_id, store::Cover::kCovered, 90 + shift / 4, 0);
  }
}

// As the heartbeats leave it: one silent, one observing, and of the many one
// whose gate has a hole and one that was never heard.
void DemoWorld::Beat() {
  Cover();
  for (size_t i = 0; i < terminals_.size(); ++i) {
    if (terminals_[i].name == "maint-kanazawa-01") continue;
    store::AgentHeartbeat beat;
    beat.agent_id = terminals_[i].agent_id;
    beat.time = kDemoNow - std::chrono::seconds(7 + 5 * i);
    beat.mode = i == 3 ? "observe" : "enforce";
    beat.gate_state = i == 3 || i == 9 ? "degraded" : "full";
    beat.policy_version = i == 5 || i == 2 ? 1 : 2;
    beat.head = terminals_[i].head;
    if (i == 2) {
      beat.time = kDemoNow - minutes(26);
      beat.spooled_count = 3;
    }
    store_->PutHeartbeat(beat);
  }
  // Not waited for; what is written after them is.
  Must(store_->ResolveAlert(0, kDemoNow));
  presence_.Load(Must(store_->AllAgents()));
  presence_.MarkSilent(terminals_[2].agent_id);
}

void DemoWorld::PushPolicies() {
  clock_.Set(kDemoNow - minutes(60 * 24));
  Must(publisher_->PushPolicy("suzuki", std::string(policy::PackText("appi")),
                              "appi.yaml", "Agreed in CAB 2026-118"));
}

void DemoWorld::ApproveStick() {
  clock_.Set(kDemoNow - minutes(60 * 30));
  core::Approval approval;
  approval.device_id = core::DeviceIdOf(devices_[1]);
  approval.access = "inspect";
  approval.expire_time = kDemoNow + minutes(60 * 24 * 6);
  approval.owner = "保守一課 佐藤";
  approval.purpose = "月次点検ログの持ち出し";
  approval.ticket = "CHG-2211";
  Must(desk_->ApproveDevice(
      {"suzuki", core::Roles::All(), "console", "10.20.1.5"}, approval));
}

DemoWorld::Draft DemoWorld::Begin(event::v1::EventKind kind, size_t terminal,
                                  minutes ago) {
  Draft draft;
  draft.terminal = terminal;
  draft.time = kDemoNow - ago;
  draft.open.set_agent_id(terminals_[terminal].agent_id);
  draft.open.set_kind(kind);
  draft.open.set_policy_version(2);
  auto& who = draft.personal;
  who.set_person("op01 (yamada)");
  who.set_uid(1001);
  who.set_login_uid(1001);
  who.set_audit_session(31);
  who.set_tty("pts/2");
  who.set_origin("ssh");
  who.set_ssh_source("10.20.4.18");
  who.set_ssh_key("ED25519 SHA256:4vQ1uB9mQf0sY2Zk8cJ7dXwHnT5rLpE3aGiVoK6yMNs");
  who.mutable_login_time()->set_seconds(1'795'700'000);
  who.set_pid(48213);
  who.set_program("/usr/bin/cp");
  who.set_command("cp […] […]");
  return draft;
}

void DemoWorld::Plug(Draft& draft, size_t device) {
  *draft.open.mutable_device() = devices_[device];
}

void DemoWorld::Tell(const Draft& draft) {
  Terminal& terminal = terminals_[draft.terminal];
  event::v1::PublicPart open = draft.open;
  open.mutable_occur_time()->set_seconds(
      std::chrono::floor<std::chrono::seconds>(draft.time)
          .time_since_epoch()
          .count());
  open.set_event_id(terminal.name + std::to_string(terminal.head.sequence));
  auto record = Must(event::Append(terminal.head, std::move(open),
                                   draft.personal, keys_.secret_key));
  std::promise<Result<event::Head>> stored;
  store_->Append(
      {terminal.agent_id, {std::move(record)}, draft.time},
      [&](Result<event::Head> head) { stored.set_value(std::move(head)); });
  Must(stored.get_future().get());
}

void DemoWorld::Index() {
  while (Must(indexer_->RunOnce()) > 0) {
  }
}

int64_t DemoWorld::NewestAlert() {
  store::AlertFilter filter;
  filter.with_suppressed = true;
  return Must(store_->ListAlerts(filter, {1, ""})).rows.at(0).alert_id;
}

std::string DemoWorld::AddLoginCode(const std::string& user) {
  // With every role if he is new.
  if (!Must(store_->FindUser(user))) {
    Must(store_->PutUser({user, core::Roles::All(), ""}, clock_.Now()));
  }
  return Must(accounts_->CreateLogin(user));
}

void DemoWorld::AddUser(const std::string& user, const std::string& password,
                        core::Roles roles) {
  // As cheap as libsodium goes: what is tested is not how slow a guess is.
  std::string hash(crypto_pwhash_STRBYTES, '\0');
  if (crypto_pwhash_str(hash.data(), password.data(), password.size(),
                        crypto_pwhash_OPSLIMIT_MIN,
                        crypto_pwhash_MEMLIMIT_MIN) != 0) {
    std::abort();
  }
  hash.resize(hash.find('\0'));
  Must(store_->PutUser({user, roles, hash}, clock_.Now()));
}

void DemoWorld::EndSessions() {
  for (const auto& entry : Must(store_->ListAudit({}, {1000, ""})).rows) {
    const auto user = Must(store_->FindUser(entry.user));
    if (user) Must(store_->SetPassword(entry.user, user->password_hash, {}));
  }
}

void DemoWorld::SetGroups() {
  static constexpr const char* kGroups[] = {"osaka", "tokyo", "nagoya; tokyo"};
  std::vector<store::RegisteredTerminal> all;
  for (size_t i = 0; i < terminals_.size(); ++i) {
    store::RegisteredTerminal one;
    one.name = terminals_[i].name;
    one.site = i == 0 ? "Osaka" : "Elsewhere";
    one.groups = i < std::size(kGroups) ? kGroups[i] : "";
    all.push_back(std::move(one));
  }
  Must(store_->PutRegister(all, clock_.Now()));
}

int64_t DemoWorld::DrawReview() {
  core::ReviewRules rules;
  rules.zone = policy::Zone::Find("Asia/Tokyo").value();
  core::ReviewRule rule;
  rule.name = "call-centre";
  rule.role = core::Role::kAuditor;
  rule.sample = 6;
  rule.escalate_to = {"suzuki"};
  rules.periods.push_back(rule);
  // The line is in the settings since some days.
  Must(store_->NoteReviewRule(rule.name, clock_.Now() - std::chrono::days(12)));
  core::Reviewing reviewing(*store_, changes_, clock_, rules);
  Must(reviewing.Tick());
  return Must(store_->ListReviews({}, {})).rows.at(0).id;
}

size_t DemoWorld::subscriber_count() { return changes_.watcher_count(); }

}  // namespace sekisho::demo
