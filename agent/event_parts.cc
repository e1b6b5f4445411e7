#include "agent/event_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/scan_rules.h"
#include "common/text.h"
#include "proto/event_bytes.h"

namespace sekisho::agent {
namespace {

constexpr size_t kMaxDeviceTextBytes = 256;
constexpr size_t kMaxPathBytes = 4096;
constexpr size_t kMaxColumnNameBytes = 128;
constexpr size_t kMaxColumns = 64;
constexpr size_t kMaxInterfaces = 64;
constexpr size_t kMaxOthers = 64;
constexpr size_t kMaxSketches = 16;
constexpr size_t kMaxOwners = 16;
constexpr size_t kMaxSampleBytes = size_t{512} * 8;

std::string Cut(const std::string& text, size_t cap) {
  return text.substr(0, cap);
}

}  // namespace

Parts NewParts(event::v1::EventKind kind) {
  Parts parts;
  parts.open.set_kind(kind);
  parts.personal.set_uid(-1);
  parts.personal.set_login_uid(-1);
  parts.personal.set_audit_session(-1);
  return parts;
}

void SetDevice(const policy::DeviceFacts& facts, Parts& parts) {
  event::v1::Device& device = *parts.open.mutable_device();
  device.set_bus(facts.bus);
  device.set_vendor_id(facts.vendor_id);
  device.set_product_id(facts.product_id);
  device.set_serial(Cut(facts.serial, kMaxDeviceTextBytes));
  device.set_manufacturer(Cut(facts.manufacturer, kMaxDeviceTextBytes));
  device.set_product(Cut(facts.product, kMaxDeviceTextBytes));
  for (size_t i = 0; i < std::min(facts.interfaces.size(), kMaxInterfaces);
       ++i) {
    auto& interface = *device.add_interfaces();
    interface.set_class_code(facts.interfaces[i].klass);
    interface.set_subclass_code(facts.interfaces[i].subclass);
    interface.set_protocol_code(facts.interfaces[i].protocol);
  }
  device.set_port(facts.port);
  device.set_descriptor_hash(facts.descriptor_hash);
  if (!facts.medium) return;
  device.set_medium_size_bytes(facts.medium->size_bytes);
  device.set_filesystem(facts.medium->filesystem);
  device.set_volume_uuid(facts.medium->volume_uuid);
  device.set_volume_label(Cut(facts.medium->volume_label, kMaxDeviceTextBytes));
  device.set_encryption(facts.medium->encryption);
  device.set_medium_serial(
      Cut(facts.medium->medium_serial, kMaxDeviceTextBytes));
}

void SetDecision(const policy::DeviceDecision& decision, Parts& parts) {
  parts.open.set_access(policy::Name(decision.access));
  parts.open.set_rule(decision.rule);
  parts.open.set_reason(decision.reason);
  if (decision.needs_probe) {
    parts.open.set_access("");
    return;
  }
  parts.open.set_outcome(decision.access == policy::Access::kBlock
                             ? event::v1::OUTCOME_BLOCKED
                             : event::v1::OUTCOME_ALLOWED);
}

void SetWho(const attribute::Who& who, Parts& parts) {
  event::v1::PersonalPart& out = parts.personal;
  out.set_person(who.person);
  out.set_stated_person(who.stated_person);
  out.set_proven_by(who.proven_by);
  out.set_uid(who.uid);
  out.set_login_uid(who.login_uid);
  out.set_audit_session(who.audit_session);
  out.set_seat(who.seat);
  out.set_tty(who.tty);
  out.set_origin(who.origin);
  out.set_ssh_source(who.ssh_source);
  if (who.login_seconds > 0) {
    out.mutable_login_time()->set_seconds(who.login_seconds);
  }
  out.set_pid(who.pid);
  out.set_program(Cut(who.program, kMaxPathBytes));
  out.set_command(Cut(who.command, kMaxPathBytes));
  for (size_t i = 0; i < std::min(who.others.size(), kMaxOthers); ++i) {
    out.add_other_persons(who.others[i]);
  }
}

void SetFindings(const ipc::Findings& findings, Parts& parts) {
  event::v1::PublicPart& open = parts.open;
  open.set_person_count(findings.persons);
  for (const ipc::DataCount& count : findings.data) {
    auto& data = *open.add_data();
    data.set_type(count.type);
    data.set_value_count(count.count);
  }
  open.set_inspected_bytes(findings.bytes);
  const auto facts = ContentOf(findings);
  open.set_inspection(facts.inspection == policy::Inspection::kFull
                          ? event::v1::INSPECTION_FULL
                      : facts.inspection == policy::Inspection::kPartial
                          ? event::v1::INSPECTION_PARTIAL
                          : event::v1::INSPECTION_NONE);
  open.set_inspection_reason(findings.reason);
  open.set_format(findings.format);
  open.set_encoding(findings.encoding);
  open.set_file_hash(findings.file_hash);
  for (size_t i = 0; i < std::min(findings.columns.size(), kMaxColumns); ++i) {
    const ipc::ColumnFinding& from = findings.columns[i];
    auto& column = *parts.personal.add_columns();
    column.set_name(Cut(from.name, kMaxColumnNameBytes));
    column.set_type(from.type);
    column.set_row_count(from.rows);
    column.set_share(from.share);
  }
  if (findings.sealed_samples.size() <= kMaxSealedSamplesBytes) {
    parts.personal.set_sealed_samples(findings.sealed_samples);
  }
  for (size_t i = 0; i < std::min(findings.sketches.size(), kMaxSketches);
       ++i) {
    const ipc::SketchFinding& from = findings.sketches[i];
    auto& sketch = *parts.personal.add_sketches();
    sketch.set_kind(from.kind);
    sketch.set_keyed_hashes(from.keyed_hashes);
    if (!from.blob.empty()) {
      const event::Hash hash = event::Sha256(AsBytes(from.blob));
      sketch.set_blob_hash(std::string(AsText(hash)));
    }
    sketch.set_person_count(from.persons);
    if (from.kind == "row" && from.keyed_hashes.empty()) {
      parts.personal.set_people_sample(
          findings.people_sample.substr(0, kMaxSampleBytes));
    }
  }
}

policy::PeopleSeen PeopleIn(const ipc::Findings& findings) {
  policy::PeopleSeen people{.kinds = {}, .sample = findings.people_sample};
  for (const ipc::SketchFinding& one : findings.sketches) {
    people.kinds.push_back(
        {.kind = one.kind, .hashes = one.keyed_hashes, .persons = one.persons});
  }
  return people;
}

void SetOwners(const std::vector<policy::OwnerFound>& owners,
               const std::string& key_id, Parts& parts) {
  if (parts.personal.sketches_size() > 0) parts.open.set_key_id(key_id);
  if (owners.empty()) return;
  parts.open.set_data_owner(owners.front().owner);
  for (size_t i = 0; i < std::min(owners.size(), kMaxOwners); ++i) {
    auto& out = *parts.open.add_data_owners();
    out.set_owner(owners[i].owner);
    out.set_person_count(owners[i].persons);
  }
}

void SetFigures(const MediumFigures& figures, Parts& parts) {
  parts.open.set_kernel_written_bytes(figures.kernel_written_bytes);
  parts.open.set_kernel_read_bytes(figures.kernel_read_bytes);
  parts.open.set_gate_written_bytes(figures.gate_written_bytes);
}

void SetLanding(const Landings::Match& from, Parts& parts) {
  parts.open.set_landing_event_id(from.landing.event_id);
  SetTime(from.landing.time, parts.open.mutable_landing_time());
  parts.open.set_landing_match(from.by == Landings::By::kContent ? "content"
                                                                 : "people");
  parts.personal.set_landing_path(from.landing.path);
  parts.personal.set_landing_person(from.landing.person);
  if (parts.personal.source_hosts_size() > 0) return;
  for (const std::string& host : from.landing.source_hosts) {
    parts.personal.add_source_hosts(host);
  }
}

void SetTime(WallTime time, google::protobuf::Timestamp* out) {
  const auto micros = time.time_since_epoch().count();
  out->set_seconds(micros / 1'000'000);
  out->set_nanos(static_cast<int32_t>(micros % 1'000'000 * 1000));
}

event::v1::Outcome OutcomeOf(policy::Verdict verdict) {
  switch (verdict) {
    case policy::Verdict::kAllow:
      return event::v1::OUTCOME_ALLOWED;
    case policy::Verdict::kAlert:
      return event::v1::OUTCOME_ALERTED;
    case policy::Verdict::kBlock:
      return event::v1::OUTCOME_BLOCKED;
  }
  return event::v1::OUTCOME_BLOCKED;
}

policy::ContentFacts ContentOf(const ipc::Findings& findings) {
  policy::ContentFacts facts;
  facts.format = findings.format;
  facts.encoding = findings.encoding;
  facts.bytes = findings.bytes;
  facts.persons = findings.persons;
  for (const ipc::DataCount& count : findings.data) {
    facts.data[count.type] += count.count;
  }
  facts.inspection = policy::ParseInspection(findings.inspection)
                         .value_or(policy::Inspection::kNone);
  facts.reason = findings.reason;
  return facts;
}

policy::PersonFacts PersonOf(const attribute::Who& who) {
  return {.person = PersonName(who),
          .uid = who.uid,
          .login_uid = who.login_uid,
          .origin = who.origin,
          .account = who.stated_person.empty() ? "" : who.person};
}

const std::string& PersonName(const attribute::Who& who) {
  return who.stated_person.empty() ? who.person : who.stated_person;
}

std::string ShownId(const policy::DeviceFacts& facts) {
  return EscapeUntrusted(
      fmt::format("{}:{}:{}", facts.vendor_id, facts.product_id, facts.serial),
      600);
}

}  // namespace sekisho::agent
