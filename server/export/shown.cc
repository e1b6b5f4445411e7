#include "server/export/shown.h"

#include "common/bytes.h"
#include "common/text.h"
#include "server/core/event_words.h"

namespace sekisho::server_export {
namespace {

constexpr size_t kNameBytes = 512;

std::string Text(std::string_view text) {
  return EscapeUntrusted(text, kNameBytes);
}

const char* InspectionWord(event::v1::Inspection inspection) {
  switch (inspection) {
    case event::v1::INSPECTION_FULL:
      return "full";
    case event::v1::INSPECTION_PARTIAL:
      return "partial";
    case event::v1::INSPECTION_NONE:
      return "none";
    default:
      return "";
  }
}

}  // namespace

Shown ShownOf(const Record& record) {
  Shown out;
  if (!record.event) {
    return out;
  }
  const auto& p = record.event->public_part;
  const auto& q = record.event->personal_part;
  out.kind = p.kind();
  out.file_path = Text(q.file_path());
  out.file_name = Text(q.file_path().substr(q.file_path().rfind('/') + 1));
  out.file_hash = ToHex(AsBytes(p.file_hash()));
  out.format = Text(p.format());
  out.program = Text(q.program());
  out.command = Text(q.command());
  out.ssh_source = Text(q.ssh_source());
  out.ssh_key = Text(q.ssh_key());
  out.tty = Text(q.tty());
  out.origin = Text(q.origin());
  for (const auto& count : p.data()) {
    out.types += (out.types.empty() ? "" : ",") + Text(count.type());
  }
  out.reason = Text(p.reason());
  out.access = Text(p.access());
  out.outcome = core::Name(p.outcome());
  out.inspection = InspectionWord(p.inspection());
  out.inspection_reason = Text(p.inspection_reason());
  out.vendor = Text(p.device().manufacturer());
  out.product = Text(p.device().product());
  out.serial = Text(p.device().serial());
  out.vendor_id = Text(p.device().vendor_id());
  out.product_id = Text(p.device().product_id());
  out.bus = Text(p.device().bus());
  out.filesystem = Text(p.device().filesystem());
  out.event_id = ToHex(AsBytes(p.event_id()));
  out.persons = p.person_count();
  out.persons_written = p.persons_written_count();
  out.bytes = p.inspected_bytes();
  out.sequence = p.sequence();
  out.epoch = p.epoch();
  out.policy_version = p.policy_version();
  out.refused = store::IsRefusal(p.outcome());
  out.observe_only = p.observe_only();
  return out;
}

std::string Timestamp(WallTime time) { return FormatUtc(time); }

int64_t Milliseconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             time.time_since_epoch())
      .count();
}

void Put(nlohmann::ordered_json* to, const char* key,
         const std::string& value) {
  if (!value.empty()) {
    (*to)[key] = value;
  }
}

void Put(nlohmann::ordered_json* to, const char* key, int64_t value) {
  if (value != 0) {
    (*to)[key] = value;
  }
}

std::string Line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace sekisho::server_export
