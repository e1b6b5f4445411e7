// Open Cybersecurity Schema Framework 1.7, https://schema.ocsf.io/1.7.0:
// class_uid of each kind, with the attributes that the class requires.
#include "server/export/formats.h"
#include "server/export/shown.h"

namespace sekisho::server_export {
namespace {

using nlohmann::ordered_json;

enum class Class {
  kFileActivity = 1001,  // File System Activity
  kLogActivity = 1008,   // Event Log Activity
  kPeripheral = 1010,    // Peripheral Activity
  kDetection = 2004,     // Detection Finding
  kDataSecurity = 2006,  // Data Security Finding
  kEntity = 3004,        // Entity Management
  kDeviceState = 5019,   // Device Config State Change
  kLifecycle = 6002,     // Application Lifecycle
};
constexpr int kOther = 99;

struct Place {
  Class type;
  int activity;
};

Place PlaceOfAlert(const Record& record) {
  const bool data =
      record.name.starts_with("transfer_") || record.name.starts_with("data_");
  return {data ? Class::kDataSecurity : Class::kDetection, 1};  // Create
}

Place PlaceOf(const Record& record, const Shown& shown) {
  if (record.what == RecordKind::kAlert) {
    return PlaceOfAlert(record);
  }
  if (record.what != RecordKind::kEvent) {
    return {Class::kLogActivity, kOther};
  }
  switch (shown.kind) {
    case event::v1::EVENT_KIND_DEVICE_PLUGGED:
      return {Class::kPeripheral, 1};
    case event::v1::EVENT_KIND_DEVICE_REMOVED:
      return {Class::kPeripheral, 2};
    case event::v1::EVENT_KIND_DEVICE_DECIDED:
      return {Class::kPeripheral, shown.refused ? 4 : 3};  // Disable, Enable
    case event::v1::EVENT_KIND_MEDIUM_MOUNTED:
      return {Class::kFileActivity, 12};
    case event::v1::EVENT_KIND_MEDIUM_UNMOUNTED:
      return {Class::kFileActivity, 13};
    case event::v1::EVENT_KIND_TRANSFER:
      return {Class::kFileActivity, 1};  // Create: there is no "Copy"
    case event::v1::EVENT_KIND_MEDIUM_FILES:
      return {Class::kFileActivity, kOther};
    case event::v1::EVENT_KIND_MEDIUM_ERASED:
      return {Class::kFileActivity, 4};  // Delete
    case event::v1::EVENT_KIND_POLICY_CHANGED:
      return {Class::kEntity, 3};  // Update
    case event::v1::EVENT_KIND_IDENTIFIED:
    case event::v1::EVENT_KIND_REQUEST:
    case event::v1::EVENT_KIND_CODE:
      return {Class::kEntity, kOther};
    case event::v1::EVENT_KIND_AGENT_STARTED:
      return {Class::kLifecycle, 3};
    case event::v1::EVENT_KIND_AGENT_STOPPED:
      return {Class::kLifecycle, 4};
    case event::v1::EVENT_KIND_TAMPER:
      return {Class::kDetection, 1};
    case event::v1::EVENT_KIND_LANDING:
      return {Class::kDataSecurity, 1};
    case event::v1::EVENT_KIND_HEALTH:
      return {Class::kDeviceState, 1};
    default:
      return {Class::kLogActivity, kOther};
  }
}

// Informational, Low, Medium, High, Critical.
int SeverityId(const Record& record) { return RankOf(record.severity) + 1; }

ordered_json Device(const Record& record) {
  ordered_json device = {{"type_id", 0}};  // Unknown
  Put(&device, "hostname", record.terminal);
  Put(&device, "uid", record.agent_id);
  return device;
}

ordered_json Actor(const Record& record, const Shown& shown) {
  ordered_json user = {
      {"name", record.person.empty() ? "unknown" : record.person}};
  ordered_json actor = {{"user", std::move(user)}};
  if (!shown.program.empty()) {
    ordered_json process = {{"name", shown.program}};
    Put(&process, "cmd_line", shown.command);
    actor["process"] = std::move(process);
  }
  return actor;
}

ordered_json File(const Shown& shown) {
  // Required; a volume when it is mounted.
  ordered_json file = {
      {"name", shown.file_name.empty() ? "unknown" : shown.file_name},
      {"type_id", 1}};
  Put(&file, "path", shown.file_path);
  Put(&file, "size", shown.bytes);
  Put(&file, "mime_type", shown.format);
  if (!shown.file_hash.empty()) {
    file["hashes"] = {{{"algorithm_id", 3}, {"value", shown.file_hash}}};
  }
  return file;
}

ordered_json Peripheral(const Record& record, const Shown& shown) {
  ordered_json device = {
      {"name", shown.product.empty() ? "unknown" : shown.product}};
  Put(&device, "vendor_name", shown.vendor);
  Put(&device, "model", shown.product);
  Put(&device, "serial_number", shown.serial);
  Put(&device, "uid", record.device_id);
  if (!shown.vendor_id.empty()) {
    device["vendor_id_list"] = {shown.vendor_id};
  }
  return device;
}

// Profile security_control.
void PutControl(const Record& record, const Shown& shown, ordered_json* out) {
  const bool stopped = shown.refused && !shown.observe_only;
  (*out)["action_id"] = stopped ? 2 : shown.observe_only ? 3 : 1;
  (*out)["disposition_id"] = stopped ? 2 : shown.observe_only ? 17 : 1;
  if (!record.rule.empty()) {
    (*out)["policy"] = {{"name", record.rule},
                        {"version", std::to_string(shown.policy_version)}};
  }
}

void PutFinding(const Record& record, const Shown& shown, bool data,
                ordered_json* out) {
  (*out)["finding_info"] = {{"uid", record.uid}, {"title", record.title}};
  (*out)["status_id"] = 1;  // New
  (*out)["is_alert"] = true;
  if (data) {
    (*out)["data_security"] = {{"category_id", 1},  // Personal
                               {"data_lifecycle_state_id", 3},
                               {"detection_system_id", 1}};  // Endpoint
    Put(&(*out)["data_security"], "detection_pattern", shown.types);
  }
}

void PutClass(const Record& record, const Shown& shown, Class type,
              ordered_json* out) {
  switch (type) {
    case Class::kFileActivity:
      (*out)["file"] = File(shown);
      PutControl(record, shown, out);
      break;
    case Class::kPeripheral:
      (*out)["peripheral_device"] = Peripheral(record, shown);
      PutControl(record, shown, out);
      break;
    case Class::kDetection:
    case Class::kDataSecurity:
      PutFinding(record, shown, type == Class::kDataSecurity, out);
      if (!shown.file_name.empty()) {
        (*out)["file"] = File(shown);
      }
      break;
    case Class::kEntity:
      (*out)["entity"] = {{"name", record.name},
                          {"version", std::to_string(shown.policy_version)}};
      break;
    case Class::kLifecycle:
      (*out)["app"] = {{"name", "sekisho-agent"},
                       {"vendor_name", std::string(kVendor)}};
      break;
    case Class::kLogActivity:
      (*out)["log_name"] = "sekisho";
      break;
    case Class::kDeviceState:
      break;
  }
}

}  // namespace

std::string RenderOcsf(const Record& record) {
  const Shown shown = ShownOf(record);
  const Place place = PlaceOf(record, shown);
  const int uid = static_cast<int>(place.type);
  ordered_json out;
  out["class_uid"] = uid;
  out["category_uid"] = uid / 1000;
  out["activity_id"] = place.activity;
  out["type_uid"] = uid * 100 + place.activity;
  out["time"] = Milliseconds(record.time);
  out["severity_id"] = SeverityId(record);
  out["message"] = record.title;
  out["metadata"] = {{"version", "1.7.0"},
                     {"uid", record.uid},
                     {"product",
                      {{"name", std::string(kProduct)},
                       {"vendor_name", std::string(kVendor)},
                       {"version", std::string(kVersion)}}},
                     {"logged_time", Milliseconds(record.receive_time)}};
  out["metadata"]["profiles"] = {"security_control", "host"};
  Put(&out["metadata"], "sequence", shown.sequence);
  out["device"] = Device(record);
  out["actor"] = Actor(record, shown);
  PutClass(record, shown, place.type, &out);
  // What the schema has no field for.
  ordered_json unmapped = {{"kind", record.name}};
  Put(&unmapped, "outcome", shown.outcome);
  Put(&unmapped, "device_id", record.device_id);
  Put(&unmapped, "persons", shown.persons);
  Put(&unmapped, "persons_written", shown.persons_written);
  Put(&unmapped, "data_types", shown.types);
  Put(&unmapped, "inspection", shown.inspection);
  Put(&unmapped, "inspection_reason", shown.inspection_reason);
  Put(&unmapped, "gap_count", record.gap_count);
  Put(&unmapped, "console", record.link);
  out["unmapped"] = std::move(unmapped);
  return Line(out);
}

}  // namespace sekisho::server_export
