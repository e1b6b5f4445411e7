// What happened in the demo world: today's story, and ninety days before it.
#include <fcntl.h>

#include "common/file.h"
#include "server/core/device_id.h"
#include "tests/support/demo_world.h"

namespace sekisho::demo {
namespace {

using std::chrono::minutes;

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

// Long lists are a client's.
constexpr int64_t kOwnedFrom = 1'000;
constexpr char kOwner[] = "public:hokuto-city";

void FillTransfer(event::v1::PublicPart& open,
                  event::v1::PersonalPart& personal, int64_t persons,
                  const std::string& path) {
  open.set_person_count(persons);
  open.set_inspected_bytes(persons * 148 + 2048);
  open.set_inspection(event::v1::INSPECTION_FULL);
  open.set_format("csv");
  open.set_encoding("cp932");
  open.set_access("inspect");
  open.set_file_hash(std::string(32, '\x5a'));
  personal.set_file_path(path);
  if (persons == 0) return;
  if (persons >= kOwnedFrom) {
    open.set_data_owner(kOwner);
    auto& owner = *open.add_data_owners();
    owner.set_owner(kOwner);
    owner.set_person_count(persons - persons / 50);
  }
  SetData(open, "person_name", persons);
  SetData(open, "name_kana", persons);
  SetData(open, "address", persons - persons / 100);
  SetData(open, "phone", persons + persons / 6);
  SetData(open, "birth_date", persons);
  AddColumn(personal, "顧客番号", "member_id", persons, 1.0);
  AddColumn(personal, "氏名", "person_name", persons, 0.99);
  AddColumn(personal, "フリガナ", "name_kana", persons, 1.0);
  AddColumn(personal, "住所", "address", persons - persons / 100, 0.98);
  AddColumn(personal, "電話番号", "phone", persons, 0.97);
  AddColumn(personal, "生年月日", "birth_date", persons, 1.0);
}

void Block(event::v1::PublicPart& open, const char* rule, std::string reason) {
  open.set_outcome(event::v1::OUTCOME_BLOCKED);
  open.set_rule(rule);
  open.set_reason(std::move(reason));
}

// The same numbers on every machine.
class Dice {
 public:
  int64_t Roll(int64_t from, int64_t to) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return from + static_cast<int64_t>((state_ >> 33) %
                                       static_cast<uint64_t>(to - from + 1));
  }

 private:
  uint64_t state_ = 20261120;
};

constexpr const char* kPeople[] = {"op01 (yamada)", "op02 (mori)",
                                   "op03 (kato)", "op04 (ito)", "op05 (abe)"};
constexpr const char* kFiles[] = {"点検ログ", "障害報告", "設定一覧",
                                  "通話品質", "交換部品"};

}  // namespace

std::string SealedSamples() {
  const auto hex = ReadFileAt(
      AT_FDCWD,
      std::string(SEKISHO_SOURCE_DIR) + "/tests/data/seal/samples.hex", 16384);
  CHECK(hex);
  std::string bytes;
  for (size_t i = 0; i + 1 < hex->size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex->substr(i, 2), nullptr, 16));
  }
  return bytes;
}

// Terminals observed for half of the time; then they enforce. In the last
// weeks one person's copies grow.
void DemoWorld::TellPast() {
  Dice dice;
  for (int64_t day = 89; day >= 1; --day) {
    const bool weekend = (89 - day) % 7 >= 5;
    const int64_t copies = weekend ? dice.Roll(0, 2) : dice.Roll(5, 12);
    for (int64_t i = 0; i < copies; ++i) {
      const auto person = static_cast<size_t>(dice.Roll(0, 4));
      const auto place = static_cast<size_t>(dice.Roll(0, 12));
      const minutes ago(day * 1440 + 60 * (copies - i) / 2);
      auto copy = Begin(event::v1::EVENT_KIND_TRANSFER, place, ago);
      Plug(copy, std::array<size_t, 3>{
                     1, 4, 5}[static_cast<size_t>(dice.Roll(0, 2))]);
      copy.personal.set_person(kPeople[person]);
      copy.open.set_observe_only(day > 45);
      const bool large = dice.Roll(0, 11) == 0;
      const int64_t persons = large ? dice.Roll(24, 420) : dice.Roll(0, 14);
      FillTransfer(copy.open, copy.personal, persons,
                   std::string("/home/op/") + kFiles[dice.Roll(0, 4)] + "_" +
                       std::to_string(dice.Roll(100, 999)) + ".csv");
      if (large) {
        Block(copy.open, "too-many-people",
              std::to_string(persons) +
                  " people; the rule stops a copy from 21 people on");
      } else {
        copy.open.set_outcome(persons > 11 ? event::v1::OUTCOME_ALERTED
                                           : event::v1::OUTCOME_ALLOWED);
        copy.open.set_rule(persons > 11 ? "some-people" : "default");
        copy.open.set_persons_written_count(persons);
      }
      if (large && day > 45) copy.open.set_persons_written_count(persons);
      Tell(copy);
    }
    if (day % 3 == 0) {
      auto plug = Begin(event::v1::EVENT_KIND_DEVICE_PLUGGED,
                        static_cast<size_t>(dice.Roll(0, 12)),
                        minutes(day * 1440 + 30));
      Plug(plug, day % 6 == 0 ? 2 : 4);
      plug.open.set_access(day % 6 == 0 ? "block" : "inspect");
      plug.open.set_outcome(day % 6 == 0 ? event::v1::OUTCOME_BLOCKED
                                         : event::v1::OUTCOME_ALLOWED);
      plug.open.set_observe_only(day > 45);
      plug.open.set_rule(day % 6 == 0 ? "device_default" : "approved");
      Tell(plug);
    }
    if (day <= 24 && day % 4 == 0) {
      auto drip =
          Begin(event::v1::EVENT_KIND_TRANSFER, 0, minutes(day * 1440 + 20));
      Plug(drip, 1);
      FillTransfer(
          drip.open, drip.personal, 19,
          "/home/op01/export/抜粋_" + std::to_string(24 - day) + ".csv");
      drip.open.set_outcome(event::v1::OUTCOME_ALERTED);
      drip.open.set_rule("some-people");
      drip.open.set_persons_written_count(19);
      Tell(drip);
    }
  }
  Index();
  CloseOldAlerts();
}

// What is older than three days was looked at.
void DemoWorld::CloseOldAlerts() {
  int number = 0;
  std::string token;
  std::vector<core::Alert> old;
  do {
    auto page = store_->ListAlerts({}, {1000, token});
    if (!page) return;
    for (core::Alert& alert : page->rows) old.push_back(std::move(alert));
    token = page->next_token;
  } while (!token.empty());
  for (const core::Alert& alert : old) {
    if (alert.create_time > kDemoNow - minutes(3 * 1440)) continue;
    core::AlertChange change;
    change.alert_id = alert.alert_id;
    change.state = core::AlertState::kClosed;
    change.verdict = ++number % 4 == 0 ? "true_positive"
                     : number % 4 == 1 ? "false_positive"
                                       : "benign";
    (void)store_->UpdateAlert(change, number % 2 == 0 ? "tanaka" : "suzuki",
                              alert.create_time + minutes(95));
  }
}

void DemoWorld::TellToday() {
  auto started = Begin(event::v1::EVENT_KIND_AGENT_STARTED, 0, minutes(600));
  started.open.set_gate_state("full");
  started.personal.Clear();
  Tell(started);

  auto keyboard = Begin(event::v1::EVENT_KIND_DEVICE_PLUGGED, 0, minutes(590));
  Plug(keyboard, 3);
  keyboard.open.set_outcome(event::v1::OUTCOME_ALLOWED);
  keyboard.open.set_access("full");
  keyboard.open.set_rule("keyboards");
  Tell(keyboard);

  auto health = Begin(event::v1::EVENT_KIND_HEALTH, 3, minutes(300));
  health.open.set_gate_state("degraded");
  health.open.set_reason("the kernel has no BPF LSM");
  health.personal.Clear();
  Tell(health);

  auto used = Begin(event::v1::EVENT_KIND_DEVICE_PLUGGED, 1, minutes(145));
  Plug(used, 1);
  used.open.set_outcome(event::v1::OUTCOME_ALLOWED);
  used.open.set_access("inspect");
  used.open.set_rule("approved");
  used.personal.set_person("op02 (mori)");
  Tell(used);

  auto small = Begin(event::v1::EVENT_KIND_TRANSFER, 1, minutes(140));
  Plug(small, 1);
  FillTransfer(small.open, small.personal, 15, "/home/op02/点検対象15件.csv");
  small.open.set_outcome(event::v1::OUTCOME_ALLOWED);
  small.open.set_persons_written_count(15);
  small.open.set_rule("default");
  small.personal.set_person("op02 (mori)");
  Tell(small);

  auto plugged = Begin(event::v1::EVENT_KIND_DEVICE_PLUGGED, 0, minutes(97));
  Plug(plugged, 2);
  Block(plugged.open, "device_default", "no rule opens this device");
  plugged.open.set_access("block");
  plugged.personal.set_person("");
  Tell(plugged);

  Tell(Request(minutes(80)));

  auto hostile = Begin(event::v1::EVENT_KIND_TRANSFER, 0, minutes(55));
  Plug(hostile, 2);
  FillTransfer(hostile.open, hostile.personal, 24, kHostileFile);
  Block(hostile.open, "too-many-people", "24 people, 20 allowed");
  Tell(hostile);

  auto gap = Begin(event::v1::EVENT_KIND_GAP, 2, minutes(31));
  gap.open.set_lost_count(3);
  gap.open.mutable_lost_from_time()->set_seconds(1'795'163'900);
  gap.open.mutable_lost_to_time()->set_seconds(1'795'164'000);
  gap.personal.Clear();
  Tell(gap);
  Index();
  core::AlertChange seen;
  seen.alert_id = NewestAlert();
  seen.state = core::AlertState::kAcknowledged;
  seen.assignee = "tanaka";
  seen.comment = "Disk was full; IT has made room.";
  (void)store_->UpdateAlert(seen, "tanaka", kDemoNow - minutes(22));

  store::NewAlert silence;
  silence.key = "terminal_silent:demo";
  silence.alert.kind = "terminal_silent";
  silence.alert.severity = "high";
  silence.alert.title = "maint-nagoya-11 has not been heard of for 60 seconds";
  silence.alert.agent_id = terminals_[2].agent_id;
  silence.alert.terminal = terminals_[2].name;
  silence.alert.create_time = kDemoNow - minutes(25);
  (void)store_->AddAlert(silence);

  auto tamper = Begin(event::v1::EVENT_KIND_TAMPER, 1, minutes(12));
  Block(tamper.open, "", "signal 9 to sekishod by pid 50113");
  tamper.personal.set_person("op02 (mori)");
  tamper.personal.set_program("/usr/bin/kill");
  tamper.personal.set_command("kill -9 […]");
  Tell(tamper);
  Index();
}

DemoWorld::Draft DemoWorld::Request(minutes ago) {
  auto asked = Begin(event::v1::EVENT_KIND_REQUEST, 0, ago);
  Plug(asked, 0);
  asked.open.set_request_seconds(8 * 3600);
  asked.personal.set_purpose("障害ログを保守会社へ渡すため");
  return asked;
}

int64_t DemoWorld::AddRequest() {
  Tell(Request(minutes(0)));
  Index();
  return NewestAlert();
}

int64_t DemoWorld::AddCopyRequest(const std::string& stated) {
  auto asked = Request(minutes(0));
  FillTransfer(asked.open, asked.personal, 60,
               "/media/sekisho/1/引き継ぎ_2026-11.csv");
  asked.open.set_file_hash(std::string(32, 'h'));
  asked.open.set_requested_event_id(std::string(16, 'e'));
  asked.open.set_rule("too-many-people");
  asked.open.set_request_seconds(2 * 3600);
  asked.personal.set_purpose("月次の引き継ぎ");
  if (!stated.empty()) {
    asked.personal.set_person("maint");
    asked.personal.set_stated_person(stated);
    asked.personal.set_proven_by("pin");
  }
  Tell(asked);
  Index();
  return NewestAlert();
}

void DemoWorld::TellCode(event::v1::CodeStep step, const std::string& bytes,
                         const std::string& person) {
  auto code = Begin(event::v1::EVENT_KIND_CODE, 0, minutes(0));
  code.open.set_code_step(step);
  if (step == event::v1::CODE_STEP_SECRET) {
    code.open.set_sealed_code_secret(bytes);
  } else {
    Plug(code, 0);
    code.open.set_code_match(bytes);
    code.open.set_outcome(event::v1::OUTCOME_ALERTED);
    code.personal.set_person(person);
  }
  Tell(code);
  Index();
}

DemoWorld::Caller DemoWorld::AddCaller() {
  Caller caller;
  caller.terminal = terminals_[0].name;
  caller.agent_id = terminals_[0].agent_id;
  caller.device_id = core::DeviceIdOf(devices_[0]);
  caller.challenge =
      policy::PrintChallenge("28T5CY4T", caller.agent_id, caller.device_id);
  caller.secret.fill(std::byte{42});
  const auto sealed = store_->NewestEnvelope("code");
  const auto list =
      policy::ParseCodes(policy::ParseEnvelope(sealed.value())->body);
  TellCode(event::v1::CODE_STEP_SECRET,
           policy::SealCodeSecret(caller.secret, list->key));
  return caller;
}

int64_t DemoWorld::AddBlockedTransfer() {
  auto copy = Begin(event::v1::EVENT_KIND_TRANSFER, 0, minutes(0));
  Plug(copy, 1);
  FillTransfer(copy.open, copy.personal, 1500,
               "/home/op01/export/顧客一覧_2026-11.csv");
  Block(copy.open, "too-many-people",
        "1500 people; the rule stops a copy from 21 people on");
  copy.personal.set_sealed_samples(SealedSamples());
  // Each call is a matter of its own; the rules make one of what repeats.
  copy.personal.set_file_owner("owner" + std::to_string(++blocked_));
  Tell(copy);
  Index();
  return NewestAlert();
}

DemoWorld::Secret DemoWorld::AddSecret() {
  const std::string name = kSecretName;
  Secret secret;
  secret.terminal = terminals_[1].name;
  secret.agent_id = terminals_[1].agent_id;
  const auto begin = [&](event::v1::EventKind kind) {
    Draft draft = Begin(kind, 1, minutes(0));
    Plug(draft, 0);
    draft.open.mutable_device()->set_serial(name + "91");
    draft.personal.set_person("op91 (" + name + ")");
    secret.device_id = core::DeviceIdOf(draft.open.device());
    return draft;
  };
  auto plug = begin(event::v1::EVENT_KIND_DEVICE_PLUGGED);
  plug.open.set_outcome(event::v1::OUTCOME_ALLOWED);
  plug.open.set_access("inspect");
  Tell(plug);
  auto copy = begin(event::v1::EVENT_KIND_TRANSFER);
  FillTransfer(copy.open, copy.personal, 700, "/home/op91/" + name + ".csv");
  Block(copy.open, "too-many-people", "700 people of " + name);
  copy.personal.set_sealed_samples(SealedSamples());
  Tell(copy);
  Index();
  secret.alert_id = NewestAlert();
  core::AlertFilter filter;
  filter.alert_id = secret.alert_id;
  secret.event_row_id = store_->ListAlerts(filter, {})->rows.at(0).event_row_id;
  auto asked = begin(event::v1::EVENT_KIND_REQUEST);
  asked.open.set_request_seconds(3600);
  asked.personal.set_purpose("for " + name);
  Tell(asked);
  Index();
  secret.request_id = NewestAlert();
  FillTransfer(asked.open, asked.personal, 60, "/home/op91/" + name + "2.csv");
  asked.open.set_file_hash(std::string(32, 's'));
  asked.open.set_requested_event_id(std::string(16, 's'));
  Tell(asked);
  Index();
  secret.copy_request_id = NewestAlert();
  return secret;
}

DemoWorld::Draft DemoWorld::RefusedStick() {
  auto plug = Begin(event::v1::EVENT_KIND_DEVICE_PLUGGED, 0, minutes(0));
  Plug(plug, 1);
  plug.open.set_outcome(event::v1::OUTCOME_BLOCKED);
  plug.open.set_access("block");
  plug.open.set_rule("approved");
  return plug;
}

void DemoWorld::PlugStick() {
  Tell(RefusedStick());
  Index();
}

void DemoWorld::PlugImpostor() {
  auto clone = RefusedStick();
  clone.open.mutable_device()->set_descriptor_hash(std::string(64, 'b'));
  Tell(clone);
  auto twin = RefusedStick();
  twin.open.mutable_device()->set_product_id("0283");
  Tell(twin);
  Index();
}

}  // namespace sekisho::demo
