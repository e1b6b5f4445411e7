// Elastic Common Schema 9.2,
// https://www.elastic.co/docs/reference/ecs: field sets base, event, agent,
// host, user, device, file, rule, process, source; ours under "sekisho".
#include "server/export/formats.h"
#include "server/export/shown.h"

namespace sekisho::server_export {
namespace {

using nlohmann::ordered_json;

struct Kind {
  const char* category;
  std::vector<std::string> types;
};

// `denied` is not among the types that ECS expects of "host"; there is no
// category for what happens to a device.
Kind KindOf(const Record& record, const Shown& shown) {
  const bool stopped = shown.refused && !shown.observe_only;
  switch (shown.kind) {
    case event::v1::EVENT_KIND_TRANSFER:
    case event::v1::EVENT_KIND_LANDING:
      return {"file", {"creation", stopped ? "denied" : "allowed"}};
    case event::v1::EVENT_KIND_MEDIUM_FILES:
      return {"file", {"change"}};
    case event::v1::EVENT_KIND_MEDIUM_ERASED:
      return {"file", {"deletion"}};
    case event::v1::EVENT_KIND_DEVICE_PLUGGED:
    case event::v1::EVENT_KIND_DEVICE_REMOVED:
    case event::v1::EVENT_KIND_DEVICE_DECIDED:
    case event::v1::EVENT_KIND_MEDIUM_MOUNTED:
    case event::v1::EVENT_KIND_MEDIUM_UNMOUNTED:
      return {"host", {"device", "change", stopped ? "denied" : "allowed"}};
    case event::v1::EVENT_KIND_IDENTIFIED:
      return {"authentication", {"start", stopped ? "denied" : "allowed"}};
    case event::v1::EVENT_KIND_POLICY_CHANGED:
      return {"configuration", {"change"}};
    case event::v1::EVENT_KIND_AGENT_STARTED:
      return {"process", {"start"}};
    case event::v1::EVENT_KIND_AGENT_STOPPED:
      return {"process", {"end"}};
    case event::v1::EVENT_KIND_TAMPER:
      return {"process", {"change"}};
    default:
      return {"host", {record.what == RecordKind::kAlert ? "change" : "info"}};
  }
}

const char* OutcomeOf(const Record& record, const Shown& shown) {
  if (!record.event) {
    return "unknown";
  }
  return shown.refused && !shown.observe_only ? "failure" : "success";
}

void PutDevice(const Shown& shown, const Record& record, ordered_json* out) {
  if (record.device_id.empty()) {
    return;
  }
  ordered_json device = {{"id", record.device_id}};
  Put(&device, "serial_number", shown.serial);
  ordered_json vendor;
  Put(&vendor, "id", shown.vendor_id);
  Put(&vendor, "name", shown.vendor);
  ordered_json product;
  Put(&product, "id", shown.product_id);
  Put(&product, "name", shown.product);
  if (!vendor.empty()) {
    device["vendor"] = std::move(vendor);
  }
  if (!product.empty()) {
    device["product"] = std::move(product);
  }
  (*out)["device"] = std::move(device);
}

void PutFile(const Shown& shown, ordered_json* out) {
  ordered_json file;
  Put(&file, "name", shown.file_name);
  Put(&file, "path", shown.file_path);
  Put(&file, "size", shown.bytes);
  if (!shown.file_hash.empty()) {
    file["hash"] = {{"sha256", shown.file_hash}};
  }
  if (!file.empty()) {
    (*out)["file"] = std::move(file);
  }
}

}  // namespace

std::string RenderEcs(const Record& record) {
  const Shown shown = ShownOf(record);
  const Kind kind = KindOf(record, shown);
  const bool event_only = record.what == RecordKind::kEvent && !shown.refused;
  ordered_json out;
  out["@timestamp"] = Timestamp(record.time);
  out["ecs"] = {{"version", "9.2.0"}};
  out["message"] = record.title;
  out["event"] = {{"kind", event_only ? "event" : "alert"},
                  {"category", {kind.category}},
                  {"type", kind.types},
                  {"action", record.name},
                  {"id", record.uid},
                  {"outcome", OutcomeOf(record, shown)},
                  {"severity", RankOf(record.severity)},
                  {"dataset", "sekisho"},
                  {"provider", "sekisho-server"},
                  {"ingested", Timestamp(record.receive_time)}};
  Put(&out["event"], "sequence", shown.sequence);
  Put(&out["event"], "reason", shown.reason);
  Put(&out["event"], "url", record.link);
  out["observer"] = {{"vendor", std::string(kVendor)},
                     {"product", std::string(kProduct)},
                     {"version", std::string(kVersion)},
                     {"type", "dlp"}};
  if (!record.agent_id.empty()) {
    out["agent"] = {{"id", record.agent_id}, {"type", "sekisho"}};
  }
  if (!record.terminal.empty()) {
    out["host"] = {{"name", record.terminal}};
  }
  if (!record.person.empty()) {
    out["user"] = {{"name", record.person}};
  }
  if (!shown.ssh_source.empty()) {
    out["source"] = {{"address", shown.ssh_source}};
  }
  if (!shown.program.empty()) {
    out["process"] = {{"name", shown.program}};
    Put(&out["process"], "command_line", shown.command);
  }
  if (!record.rule.empty()) {
    out["rule"] = {{"name", record.rule},
                   {"version", std::to_string(shown.policy_version)}};
  }
  PutDevice(shown, record, &out);
  PutFile(shown, &out);
  ordered_json own;
  Put(&own, "persons", shown.persons);
  Put(&own, "persons_written", shown.persons_written);
  Put(&own, "data_types", shown.types);
  Put(&own, "inspection", shown.inspection);
  Put(&own, "inspection_reason", shown.inspection_reason);
  Put(&own, "severity", record.severity);
  Put(&own, "gap_count", record.gap_count);
  out["sekisho"] = std::move(own);
  return Line(out);
}

}  // namespace sekisho::server_export
