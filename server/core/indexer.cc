#include "server/core/indexer.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "common/bytes.h"
#include "common/log.h"
#include "common/text.h"
#include "server/core/clones.h"
#include "server/core/device_id.h"
#include "server/core/event_alert.h"
#include "server/core/event_words.h"
#include "server/core/offline_codes.h"
#include "server/store/content_facts.h"
#include "server/store/event_files.h"

namespace sekisho::core {
namespace {

constexpr int kBatchRows = 500;
constexpr int kMassStorage = 8;  // class of a USB interface
constexpr auto kRetry = std::chrono::seconds(1);

store::Event Decode(const store::LoggedEvent& logged) {
  store::Event event;
  event.row_id = logged.row_id;
  event.agent_id = logged.agent_id;
  event.terminal = logged.terminal;
  event.receive_time = logged.receive_time;
  event.hash_hex = ToHex(AsBytes(logged.record.hash()));
  event.public_part.ParseFromString(logged.record.public_part());
  event.personal_part.ParseFromString(logged.record.personal_part());
  if (event.public_part.has_device()) {
    event.device_id = DeviceIdOf(event.public_part.device());
  }
  return event;
}

bool UsedCode(const store::Event& event) {
  return event.public_part.kind() == event::v1::EVENT_KIND_CODE &&
         event.public_part.code_step() == event::v1::CODE_STEP_USED;
}

store::IndexedEvent IndexRow(const store::Event& event) {
  store::IndexedEvent row;
  row.row_id = event.row_id;
  row.agent_id = event.agent_id;
  row.epoch = event.public_part.epoch();
  row.sequence = event.public_part.sequence();
  row.kind = event.public_part.kind();
  row.outcome = event.public_part.outcome();
  row.person = EscapeUntrusted(PersonIn(event.personal_part), 256);
  row.device_id = event.device_id;
  row.receive_time = event.receive_time;
  row.event_id = event.public_part.event_id();
  row.observe_only = event.public_part.observe_only();
  row.persons = event.public_part.person_count();
  row.persons_written = event.public_part.persons_written_count();
  row.grant_id = event.public_part.grant_id();
  row.bytes = event.public_part.inspected_bytes();
  row.policy_version = event.public_part.policy_version();
  row.file_name = store::FileNameOf(event.personal_part.file_path());
  row.file_hash = ToHex(AsBytes(event.public_part.file_hash()));
  row.data_owners = store::OwnersOf(event.public_part);
  row.sealed_code_secret = event.public_part.sealed_code_secret();
  if (UsedCode(event)) row.used_code_match = event.public_part.code_match();
  return row;
}

bool IsAboutDevice(event::v1::EventKind kind) {
  return kind == event::v1::EVENT_KIND_DEVICE_PLUGGED ||
         kind == event::v1::EVENT_KIND_DEVICE_DECIDED ||
         kind == event::v1::EVENT_KIND_MEDIUM_MOUNTED;
}

bool IsPast(const store::Event& event) {
  return event.public_part.kind() == event::v1::EVENT_KIND_PAST;
}

bool IsPastStorage(const store::Event& event) {
  const auto& interfaces = event.public_part.device().interfaces();
  return IsPast(event) &&
         std::any_of(interfaces.begin(), interfaces.end(), [](const auto& one) {
           return one.class_code() == kMassStorage;
         });
}

// One a terminal, for information: nobody can prove it, and nothing can be done
// but to ask.
store::NewAlert PastStorage(const store::Event& event) {
  store::NewAlert past;
  past.key = "past_storage:" + event.agent_id;
  past.alert.kind = "past_storage";
  past.alert.severity = "low";
  past.alert.title =
      "Before Sekisho, storage that is not approved was attached "
      "to " +
      event.terminal + ", " + event.device_id +
      " among it: from its logs, not proven";
  past.alert.agent_id = event.agent_id;
  past.alert.terminal = event.terminal;
  past.alert.device_id = event.device_id;
  past.alert.create_time = event.receive_time;
  past.alert.event_row_id = event.row_id;
  return past;
}

store::DeviceSeen DeviceRow(const store::Event& event) {
  store::DeviceSeen seen;
  seen.device_id = event.device_id;
  seen.facts = event.public_part.device();
  seen.terminal = event.terminal;
  seen.person = EscapeUntrusted(PersonIn(event.personal_part), 256);
  seen.time = event.receive_time;
  if (IsAboutDevice(event.public_part.kind())) {
    seen.access = EscapeUntrusted(event.public_part.access(), 32);
  }
  seen.weak_identity = IsWeakSerial(seen.facts.serial());
  seen.past = IsPast(event);
  if (seen.past)
    seen.time = std::min(store::TimeOf(event.public_part.past_time()),
                         event.receive_time);
  return seen;
}

// Once for each report of the loss and terminal: plugging it again and again
// tells nothing new.
store::NewAlert LostSeen(const store::Event& event,
                         const store::LostMark& mark) {
  store::NewAlert seen =
      AlertOf(event, "lost_device", "critical",
              "Device " + event.device_id + ", reported " + mark.how +
                  ", was seen on " + event.terminal);
  seen.key = seen.alert.kind + ":" + event.device_id + ":" + event.agent_id +
             ":" + FormatUtc(mark.mark_time);
  return seen;
}

}  // namespace

Indexer::~Indexer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Indexer::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Indexer::SetActive(bool active) {
  {
    std::lock_guard lock(mutex_);
    active_ = active;
    awake_ = true;
  }
  wake_.notify_one();
}

void Indexer::Wake() {
  {
    std::lock_guard lock(mutex_);
    awake_ = true;
  }
  wake_.notify_one();
}

bool Indexer::CatchUp(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  return caught_up_.wait_until(lock, until,
                               [this] { return idle_ && !awake_; });
}

void Indexer::Loop() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      idle_ = !awake_;
      caught_up_.notify_all();
      wake_.wait(lock, [this] { return stopping_ || awake_; });
      if (stopping_) {
        return;
      }
      awake_ = false;
      if (!active_) continue;
      idle_ = false;
    }
    for (;;) {
      const auto rows = RunOnce();
      if (!rows) {
        Log(LogLevel::kError, "indexer: " + rows.error().message);
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, kRetry, [this] { return stopping_; });
        awake_ = true;
        break;
      }
      std::lock_guard lock(mutex_);
      if (*rows < kBatchRows || stopping_) {
        break;
      }
    }
  }
}

// What a chain that started anew carried over although it had come before.
Result<std::set<int64_t>> Indexer::RepeatsIn(
    const std::vector<store::Event>& events) {
  using Key = std::pair<std::string, std::string>;
  std::map<std::string, std::vector<std::string>> asked;
  for (const store::Event& event : events) {
    if (event.public_part.epoch() > 1) {
      asked[event.agent_id].push_back(event.public_part.event_id());
    }
  }
  std::set<int64_t> repeats;
  if (asked.empty()) {
    return repeats;
  }
  std::set<Key> seen;
  for (const auto& [agent_id, ids] : asked) {
    ASSIGN_OR_RETURN(const auto found, store_.IndexedIds(agent_id, ids));
    for (const std::string& id : found) {
      seen.emplace(agent_id, id);
    }
  }
  for (const store::Event& event : events) {
    const bool first =
        seen.emplace(event.agent_id, event.public_part.event_id()).second;
    if (!first && event.public_part.epoch() > 1) {
      repeats.insert(event.row_id);
    }
  }
  return repeats;
}

Result<bool> Indexer::IsApproved(const store::Event& event) {
  store::DeviceFilter filter;
  filter.device_id = event.device_id;
  ASSIGN_OR_RETURN(const auto found,
                   store_.ListDevices(filter, {1, ""}, event.receive_time));
  return !found.rows.empty() && !found.rows[0].approved_access.empty() &&
         found.rows[0].approved_access != "block";
}

Result<int> Indexer::RunOnce() {
  store::IndexBatch batch;
  ASSIGN_OR_RETURN(batch.from_row, store_.IndexMark());
  ASSIGN_OR_RETURN(const auto logged,
                   store_.ReadLog(batch.from_row, kBatchRows));
  if (logged.empty()) {
    lag_ = 0;
    return 0;
  }
  std::vector<store::Event> events;
  for (const store::LoggedEvent& row : logged) {
    events.push_back(Decode(row));
  }
  ASSIGN_OR_RETURN(const std::set<int64_t> repeats, RepeatsIn(events));
  ASSIGN_OR_RETURN(const auto lost, store_.LostDevices());
  std::vector<Change> changes;
  std::set<std::string> told_past;
  for (size_t i = 0; i < events.size(); ++i) {
    const store::Event& event = events[i];
    batch.events.push_back(IndexRow(event));
    if (repeats.contains(event.row_id)) {
      batch.events.back().repeats = true;
      continue;
    }
    changes.push_back({Change::What::kEvent, event.row_id, ""});
    if (!event.device_id.empty()) {
      batch.devices.push_back(DeviceRow(event));
      changes.push_back({Change::What::kDevice, 0, event.device_id});
      if (IsPastStorage(event) && !told_past.contains(event.agent_id)) {
        ASSIGN_OR_RETURN(const bool approved, IsApproved(event));
        if (!approved) {
          batch.alerts.push_back(PastStorage(event));
          told_past.insert(event.agent_id);
        }
      }
      if (const auto mark = lost.find(event.device_id);
          mark != lost.end() && !IsPast(event)) {
        batch.alerts.push_back(LostSeen(event, mark->second));
      }
      ASSIGN_OR_RETURN(auto clones, ClonesIn(store_, events, i));
      std::ranges::move(clones, std::back_inserter(batch.alerts));
    }
    if (UsedCode(event)) {
      ASSIGN_OR_RETURN(
          const auto issued,
          store_.FindCode(event.agent_id, event.public_part.code_match()));
      Caller issuer;
      if (issued) {
        issuer.user = issued->created_by;
        ASSIGN_OR_RETURN(issuer.also_named, store_.NamesOfUser(issuer.user));
      }
      batch.alerts.push_back(AlertOfUsedCode(event, issued, issuer));
    }
    if (auto news = store::MediumNewsOf(event)) {
      batch.media.push_back(*std::move(news));
    }
    for (store::NewAlert& alert : rule_(event)) {
      batch.alerts.push_back(std::move(alert));
    }
  }
  batch.to_row = logged.back().row_id;
  ASSIGN_OR_RETURN(const auto alerts, store_.WriteIndex(batch));
  for (const Change& change : changes) {
    changes_.Tell(change);
  }
  for (const int64_t alert_id : alerts) {
    changes_.Tell({Change::What::kAlert, alert_id, ""});
  }
  lag_ = std::ssize(logged) == kBatchRows ? kBatchRows : 0;
  return static_cast<int>(logged.size());
}

}  // namespace sekisho::core
