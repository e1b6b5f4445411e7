#include "server/web/json.h"

#include "common/bytes.h"
#include "common/text.h"

namespace sekisho::web {
namespace {

using nlohmann::json;

// Device ids come escaped from the core; everything else is escaped here.
std::string Shown(std::string_view text) { return EscapeUntrusted(text); }

json Time(const WallTime& time) { return FormatUtc(time); }
json Time(const std::optional<WallTime>& time) {
  return time ? json(FormatUtc(*time)) : json(nullptr);
}
json Time(const google::protobuf::Timestamp& time) {
  return FormatUtc(WallTime(std::chrono::seconds(time.seconds()) +
                            std::chrono::microseconds(time.nanos() / 1000)));
}

const char* InspectionName(event::v1::Inspection inspection) {
  switch (inspection) {
    case event::v1::INSPECTION_FULL:
      return "full";
    case event::v1::INSPECTION_PARTIAL:
      return "partial";
    default:
      return "none";
  }
}

json DeviceFacts(const event::v1::Device& device) {
  return {{"bus", Shown(device.bus())},
          {"vendor_id", Shown(device.vendor_id())},
          {"product_id", Shown(device.product_id())},
          {"serial", Shown(device.serial())},
          {"manufacturer", Shown(device.manufacturer())},
          {"product", Shown(device.product())},
          {"port", Shown(device.port())},
          {"size_bytes", device.medium_size_bytes()},
          {"filesystem", Shown(device.filesystem())},
          {"volume_uuid", Shown(device.volume_uuid())},
          {"volume_label", Shown(device.volume_label())},
          {"encryption", Shown(device.encryption())}};
}

json Transfer(const event::v1::PublicPart& p,
              const event::v1::PersonalPart& q) {
  json data = json::object();
  for (const auto& count : p.data()) {
    data[Shown(count.type())] = count.value_count();
  }
  json columns = json::array();
  for (const auto& column : q.columns()) {
    columns.push_back({{"name", Shown(column.name())},
                       {"type", Shown(column.type())},
                       {"rows", column.row_count()},
                       {"share", column.share()}});
  }
  json owners = json::array();
  for (const auto& one : p.data_owners()) {
    owners.push_back(
        {{"owner", Shown(one.owner())}, {"persons", one.person_count()}});
  }
  return {{"file_path", Shown(q.file_path())},
          {"persons", p.person_count()},
          {"data_owners", std::move(owners)},
          {"persons_written", p.persons_written_count()},
          {"data", std::move(data)},
          {"columns", std::move(columns)},
          {"inspected_bytes", p.inspected_bytes()},
          {"inspection", InspectionName(p.inspection())},
          {"inspection_reason", Shown(p.inspection_reason())},
          {"format", Shown(p.format())},
          {"encoding", Shown(p.encoding())},
          {"file_sha256", ToHex(AsBytes(p.file_hash()))},
          {"samples_kept", !q.sealed_samples().empty()}};
}

// Of a landing where it came from; of a copy the landing of its content.
json Landing(const event::v1::PublicPart& p, const event::v1::PersonalPart& q) {
  json hosts = json::array();
  for (const auto& host : q.source_hosts()) hosts.push_back(Shown(host));
  return {
      {"event_id", ToHex(AsBytes(p.landing_event_id()))},
      {"path", Shown(q.landing_path())},
      {"person", Shown(q.landing_person())},
      {"time", p.has_landing_time() ? Time(p.landing_time()) : json()},
      {"match", Shown(p.landing_match())},
      {"source_hosts", std::move(hosts)},
      {"unchanged_since",
       p.has_unchanged_since_time() ? Time(p.unchanged_since_time()) : json()},
      {"file_owner", Shown(q.file_owner())}};
}

// What lies on a medium, or was removed or renamed there.
json ListedFiles(const event::v1::PublicPart& p,
                 const event::v1::PersonalPart& q) {
  json files = json::array();
  for (const auto& file : q.files()) {
    const char* change =
        file.change() == event::v1::FILE_CHANGE_REMOVED   ? "removed"
        : file.change() == event::v1::FILE_CHANGE_RENAMED ? "renamed"
                                                          : "present";
    files.push_back({{"path", Shown(file.path())},
                     {"change", change},
                     {"old_path", Shown(file.old_path())},
                     {"size", file.size_bytes()}});
  }
  return {{"rows", std::move(files)},
          {"present_count", p.present_count()},
          {"complete", p.listing_complete()},
          {"lost_count", p.lost_count()}};
}

json Who(const event::v1::PersonalPart& q) {
  json others = json::array();
  for (const auto& other : q.other_persons()) others.push_back(Shown(other));
  return {{"person", Shown(q.person())},
          {"stated_person", Shown(q.stated_person())},
          {"proven_by", Shown(q.proven_by())},
          {"uid", q.uid()},
          {"login_uid", q.login_uid()},
          {"audit_session", q.audit_session()},
          {"seat", Shown(q.seat())},
          {"tty", Shown(q.tty())},
          {"origin", Shown(q.origin())},
          {"ssh_source", Shown(q.ssh_source())},
          {"ssh_key", Shown(q.ssh_key())},
          {"login_time", q.has_login_time() ? Time(q.login_time()) : json()},
          {"pid", q.pid()},
          {"program", Shown(q.program())},
          {"command", Shown(q.command())},
          {"other_persons", std::move(others)}};
}

}  // namespace

json ToJson(const core::Event& event) {
  const auto& p = event.public_part;
  json out = {{"row_id", event.row_id},
              {"agent_id", event.agent_id},
              {"terminal", Shown(event.terminal)},
              {"receive_time", Time(event.receive_time)},
              {"occur_time", Time(p.occur_time())},
              {"hash", event.hash_hex},
              {"epoch", p.epoch()},
              {"sequence", p.sequence()},
              {"kind", Name(p.kind())},
              {"outcome", Name(p.outcome())},
              {"observe_only", p.observe_only()},
              {"access", Shown(p.access())},
              {"rule", Shown(p.rule())},
              {"reason", Shown(p.reason())},
              {"policy_version", p.policy_version()},
              {"gate_state", Shown(p.gate_state())},
              {"device_id", event.device_id},
              {"who", Who(event.personal_part)}};
  if (p.has_device()) out["device"] = DeviceFacts(p.device());
  const bool landing = p.kind() == event::v1::EVENT_KIND_LANDING;
  const bool of_copy = !p.requested_event_id().empty();
  if (p.kind() == event::v1::EVENT_KIND_TRANSFER || landing || of_copy) {
    out["transfer"] = Transfer(p, event.personal_part);
  }
  if (p.kernel_written_bytes() > 0 || p.kernel_read_bytes() > 0) {
    out["counters"] = {{"kernel_written", p.kernel_written_bytes()},
                       {"kernel_read", p.kernel_read_bytes()},
                       {"gate_written", p.gate_written_bytes()}};
  }
  if (landing || !p.landing_event_id().empty()) {
    out["landing"] = Landing(p, event.personal_part);
  }
  if (p.kind() == event::v1::EVENT_KIND_MEDIUM_FILES) {
    out["files"] = ListedFiles(p, event.personal_part);
  }
  if (p.kind() == event::v1::EVENT_KIND_PAST && p.has_past_time()) {
    out["past"] = {{"time", Time(p.past_time())},
                   {"source", Shown(p.past_source())}};
  }
  if (p.kind() == event::v1::EVENT_KIND_GAP) {
    out["gap"] = {{"lost", p.lost_count()},
                  {"from", Time(p.lost_from_time())},
                  {"to", Time(p.lost_to_time())},
                  {"at_least", p.lost_count_is_least()},
                  {"opens_epoch", p.closed_epoch() > 0 ? p.epoch() : 0}};
  }
  if (p.kind() == event::v1::EVENT_KIND_REQUEST) {
    out["request"] = {{"purpose", Shown(event.personal_part.purpose())},
                      {"seconds", p.request_seconds()},
                      {"of_copy", of_copy}};
  }
  if (p.grant_id() != 0) out["grant_id"] = p.grant_id();
  return out;
}

json ToJson(const core::Alert& alert) {
  json comments = json::array();
  for (const auto& comment : alert.comments) {
    comments.push_back({{"time", Time(comment.time)},
                        {"author", Shown(comment.author)},
                        {"text", Shown(comment.text)}});
  }
  json out = {{"alert_id", alert.alert_id},
              {"kind", alert.kind},
              {"severity", alert.severity},
              {"state", core::Name(alert.state)},
              // Title and person come escaped from the rule that made it.
              {"title", alert.title},
              {"agent_id", alert.agent_id},
              {"terminal", Shown(alert.terminal)},
              {"person", alert.person},
              {"account", alert.account},
              {"device_id", alert.device_id},
              {"create_time", Time(alert.create_time)},
              {"update_time", Time(alert.update_time)},
              {"resolve_time", Time(alert.resolve_time)},
              {"event_row_id", alert.event_row_id},
              {"assignee", Shown(alert.assignee)},
              {"verdict", alert.verdict},
              {"verdict_by", Shown(alert.verdict_by)},
              {"verdict_time", Time(alert.verdict_time)},
              {"rule", alert.rule},
              {"case_ids", alert.case_ids},
              {"suppression_id", alert.suppression_id},
              {"acknowledge_due", Time(alert.acknowledge_due)},
              {"close_due", Time(alert.close_due)},
              {"told_level", alert.told_level},
              {"comments", std::move(comments)}};
  if (alert.event) out["event"] = ToJson(*alert.event);
  return out;
}

json ToJson(const core::Device& device) {
  json lost = nullptr;
  if (device.lost) {
    lost = {{"how", device.lost->how},
            {"note", Shown(device.lost->note)},
            {"marked_by", Shown(device.lost->marked_by)},
            {"mark_time", Time(device.lost->mark_time)}};
  }
  return {{"device_id", device.device_id},
          {"name", device.name},
          {"lost", std::move(lost)},
          {"facts", DeviceFacts(device.facts)},
          {"last_terminal", Shown(device.last_terminal)},
          {"last_person", Shown(device.last_person)},
          {"first_seen_time", Time(device.first_seen_time)},
          {"last_seen_time", Time(device.last_seen_time)},
          {"last_access", Shown(device.last_access)},
          {"event_count", device.event_count},
          {"weak_identity", device.weak_identity},
          {"approved_access", device.approved_access},
          {"approved_terminal", Shown(device.approved_terminal)},
          {"approved_by", Shown(device.approved_by)},
          {"approve_time", Time(device.approve_time)},
          {"confirm_time", Time(device.confirm_time)},
          {"confirmed_by", Shown(device.confirmed_by)},
          {"expire_time", Time(device.expire_time)},
          {"owner", Shown(device.owner)},
          {"purpose", Shown(device.purpose)},
          {"ticket", Shown(device.ticket)}};
}

json ToJson(const core::Agent& agent) {
  return {{"agent_id", agent.agent_id},
          {"terminal", Shown(agent.terminal)},
          {"hostname", Shown(agent.hostname)},
          {"state", core::Name(agent.state)},
          {"agent_version", Shown(agent.agent_version)},
          {"mode", Shown(agent.mode)},
          {"gate_state", Shown(agent.gate_state)},
          {"core_alive", agent.core_alive},
          {"policy_version", agent.policy_version},
          {"last_seen_time", Time(agent.last_seen_time)},
          {"acked_sequence", agent.acked_sequence},
          {"head_sequence", agent.head_sequence},
          {"spooled_count", agent.spooled_count},
          {"enrol_time", Time(agent.enrol_time)},
          {"revoke_reason", Shown(agent.revoke_reason)},
          {"certificate_expire_time", Time(agent.certificate_not_after)},
          {"renewal", core::Name(agent.renewal)}};
}

json ToJson(const core::PolicyVersion& version) {
  return {{"version", version.version},
          {"push_time", Time(version.push_time)},
          {"author", Shown(version.author)},
          {"comment", Shown(version.comment)},
          {"file_name", Shown(version.file_name)},
          {"mode", version.mode},
          // The text as it was pushed: line breaks matter.
          {"text", version.text}};
}

json ToJson(const core::AuditEntry& entry) {
  return {{"row_id", entry.row_id},          {"time", Time(entry.time)},
          {"user", Shown(entry.user)},       {"door", entry.door},
          {"address", Shown(entry.address)}, {"action", entry.action},
          {"object", Shown(entry.object)},   {"result", Shown(entry.result)},
          {"detail", Shown(entry.detail)}};
}

json ToJson(const core::Change& change) {
  const char* what = "event";
  switch (change.what) {
    case core::Change::What::kEvent:
      break;
    case core::Change::What::kAlert:
      what = "alert";
      break;
    case core::Change::What::kDevice:
      what = "device";
      break;
    case core::Change::What::kAgent:
      what = "agent";
      break;
    case core::Change::What::kPolicy:
      what = "policy";
      break;
    case core::Change::What::kContain:
      what = "containment";
      break;
    case core::Change::What::kCase:
      what = "case";
      break;
    case core::Change::What::kReview:
      what = "review";
      break;
  }
  return {{"what", what}, {"row_id", change.row_id}, {"id", change.id}};
}

json ToJson(const core::ContainmentStatus& status) {
  const core::Containment& row = status.containment;
  json terminals = json::array();
  for (const core::ContainedTerminal& one : status.terminals) {
    terminals.push_back(
        {{"agent_id", one.agent_id},
         {"terminal", Shown(one.terminal)},
         {"answer", core::Name(one.answer)},
         {"close_time",
          one.close_time ? json(FormatUtc(*one.close_time)) : json(nullptr)},
         {"media", one.media},
         {"open_media", one.open_media}});
  }
  return {{"id", row.id},
          {"kind", row.kind},
          {"target", Shown(row.target)},
          {"terminal", Shown(status.terminal)},
          {"reason", Shown(row.reason)},
          {"created_by", Shown(row.created_by)},
          {"create_time", FormatUtc(row.create_time)},
          {"end_time", FormatUtc(row.end_time)},
          {"over_time",
           row.over_time ? json(FormatUtc(*row.over_time)) : json(nullptr)},
          {"lifted_by", Shown(row.lifted_by)},
          {"lift_reason", Shown(row.lift_reason)},
          {"alert_id", row.alert_id},
          {"extension_asked_by", Shown(status.extension_asked_by)},
          {"extension_minutes", status.extension.count() / 60},
          {"extension_reason", Shown(status.extension_reason)},
          {"counts", status.counts},
          {"terminals", std::move(terminals)}};
}

json ToJson(const core::TransferGrant& grant) {
  json types = json::array();
  for (const std::string_view type : Split(grant.types, ',')) {
    if (!type.empty()) types.push_back(Shown(std::string(type)));
  }
  return {{"id", grant.id},
          {"alert_id", grant.alert_id},
          {"terminal", Shown(grant.terminal)},
          {"person", Shown(grant.person)},
          {"device_id", Shown(grant.device_id)},
          {"file_hash", ToHex(AsBytes(grant.file_hash))},
          {"persons", grant.persons},
          {"types", std::move(types)},
          {"purpose", Shown(grant.purpose)},
          {"created_by", Shown(grant.created_by)},
          {"create_time", FormatUtc(grant.create_time)},
          {"end_time", FormatUtc(grant.end_time)},
          {"used_time",
           grant.used_time ? json(FormatUtc(*grant.used_time)) : json(nullptr)},
          {"used_event_row_id", grant.used_event_row_id},
          {"erase_time", grant.erase_time ? json(FormatUtc(*grant.erase_time))
                                          : json(nullptr)},
          {"state", store::StateOf(grant)}};
}

json ToJson(const core::OfflineCode& code) {
  return {{"id", code.id},
          {"terminal", Shown(code.terminal)},
          {"device_id", Shown(code.device_id)},
          {"seconds", code.seconds},
          {"person", Shown(code.person)},
          {"reason", Shown(code.reason)},
          {"created_by", Shown(code.created_by)},
          {"create_time", FormatUtc(code.create_time)},
          {"end_time", FormatUtc(code.end_time)},
          {"used_time",
           code.used_time ? json(FormatUtc(*code.used_time)) : json(nullptr)},
          {"used_event_row_id", code.used_event_row_id},
          {"used_person", Shown(code.used_person)},
          {"state", store::StateOf(code)}};
}

json ToJson(const policy::Problem& problem) {
  return {{"file", Shown(problem.file)},
          {"line", problem.line},
          {"column", problem.column},
          {"message", Shown(problem.message)}};
}

}  // namespace sekisho::web
