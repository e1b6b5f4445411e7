#include "server/export/record.h"

#include <algorithm>
#include <array>

#include "common/bytes.h"
#include "common/text.h"
#include "server/core/event_words.h"

namespace sekisho::server_export {
namespace {

constexpr std::array<std::string_view, 5> kSeverities = {
    "info", "low", "medium", "high", "critical"};

WallTime OccurTime(const core::Event& event) {
  const auto& time = event.public_part.occur_time();
  return WallTime(std::chrono::seconds(time.seconds()) +
                  std::chrono::microseconds(time.nanos() / 1000));
}

std::string SeverityOf(const core::Event& event) {
  const auto& part = event.public_part;
  if (part.kind() == event::v1::EVENT_KIND_TAMPER ||
      part.kind() == event::v1::EVENT_KIND_GAP) {
    return "high";
  }
  if (store::IsRefusal(part.outcome())) {
    return part.observe_only() ? "low" : "medium";
  }
  return part.outcome() == event::v1::OUTCOME_ALERTED ? "low" : "info";
}

std::string TitleOf(const core::Event& event) {
  const auto& part = event.public_part;
  std::string title = std::string(core::Name(part.kind())) + ", " +
                      core::Name(part.outcome()) + ", on " + event.terminal;
  if (part.person_count() > 0) {
    title += ", about " + std::to_string(part.person_count()) + " people";
  }
  return title;
}

// "0411:0282:A07110012345" -> "0411:0282".
std::string WithoutSerial(const std::string& device_id) {
  const size_t first = device_id.find(':');
  const size_t second =
      first == std::string::npos ? first : device_id.find(':', first + 1);
  return device_id.substr(0, second);
}

void Replace(std::string* text, const std::string& from,
             const std::string& to) {
  if (from.empty() || from == to) {
    return;
  }
  for (size_t at = text->find(from); at != std::string::npos;
       at = text->find(from, at + to.size())) {
    text->replace(at, from.size(), to);
  }
}

}  // namespace

int RankOf(const std::string& severity) {
  const auto found = std::ranges::find(kSeverities, severity);
  return found == kSeverities.end()
             ? 4
             : static_cast<int>(found - kSeverities.begin());
}

Record RecordOf(const core::Alert& alert, const std::string& console) {
  Record record;
  record.what = RecordKind::kAlert;
  record.uid = "alert/" + std::to_string(alert.alert_id);
  record.name = alert.kind;
  record.severity = alert.severity;
  record.title = alert.title;
  record.time = alert.event ? OccurTime(*alert.event) : alert.create_time;
  record.receive_time = alert.create_time;
  record.terminal = alert.terminal;
  record.agent_id = alert.agent_id;
  record.person = alert.person;
  record.device_id = alert.device_id;
  record.rule = alert.rule;
  record.event = alert.event;
  if (!console.empty()) {
    record.link = console + "/alerts/" + std::to_string(alert.alert_id);
  }
  return record;
}

Record RecordOf(const core::Event& event) {
  Record record;
  record.what = RecordKind::kEvent;
  record.uid = "event/" + ToHex(AsBytes(event.public_part.event_id()));
  record.name = core::Name(event.public_part.kind());
  record.severity = SeverityOf(event);
  record.title = TitleOf(event);
  record.time = OccurTime(event);
  record.receive_time = event.receive_time;
  record.terminal = event.terminal;
  record.agent_id = event.agent_id;
  record.person = EscapeUntrusted(core::PersonIn(event.personal_part), 200);
  record.device_id = event.device_id;
  record.rule = EscapeUntrusted(event.public_part.rule(), 200);
  record.event = event;
  return record;
}

Record GapRecord(int64_t count, WallTime now) {
  Record record;
  record.what = RecordKind::kGap;
  record.uid = "gap/" + std::to_string(now.time_since_epoch().count());
  record.name = "sink_gap";
  record.severity = "high";
  record.title = std::to_string(count) +
                 " records were never sent here: too many waited. They are in "
                 "the console.";
  record.time = record.receive_time = now;
  record.gap_count = count;
  return record;
}

Record TestRecord(const std::string& sink, WallTime now) {
  Record record;
  record.uid = "test/" + std::to_string(now.time_since_epoch().count());
  record.name = "sink_test";
  record.severity = "info";
  record.title = "Sekisho reaches the sink " + sink + ". This is a test.";
  record.time = record.receive_time = now;
  return record;
}

void LeaveOut(const LeftOut& what, Record* record) {
  if (record->event) {
    auto& part = record->event->personal_part;
    part.clear_sealed_samples();
    part.clear_sketches();
    part.clear_row_fingerprints();
  }
  if (what.file_names && record->event) {
    auto& part = record->event->personal_part;
    part.clear_file_path();
    part.clear_landing_path();
    part.clear_command();
    part.clear_columns();
  }
  if (what.persons) {
    Replace(&record->title, record->person, "somebody");
    record->person.clear();
    if (record->event) {
      event::v1::PersonalPart left;
      left.set_file_path(record->event->personal_part.file_path());
      left.set_program(record->event->personal_part.program());
      record->event->personal_part = left;
    }
  }
  if (what.devices && !record->device_id.empty()) {
    const std::string left = WithoutSerial(record->device_id);
    Replace(&record->title, record->device_id, left);
    record->device_id = left;
    if (record->event) {
      record->event->device_id = left;
      auto* device = record->event->public_part.mutable_device();
      device->clear_serial();
      device->clear_medium_serial();
      device->clear_volume_uuid();
      device->clear_volume_label();
    }
  }
}

}  // namespace sekisho::server_export
