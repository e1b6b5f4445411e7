#include "policy/replay/past_event.h"

#include "common/bytes.h"

namespace sekisho::replay {
namespace {

using policy::PastEvent;

WallTime TimeOf(const google::protobuf::Timestamp& time) {
  return WallTime(std::chrono::seconds(time.seconds()) +
                  std::chrono::microseconds(time.nanos() / 1000));
}

policy::ContentFacts ContentOf(const event::v1::PublicPart& open) {
  policy::ContentFacts content;
  content.format = open.format();
  content.encoding = open.encoding();
  content.bytes = open.inspected_bytes();
  content.persons = open.person_count();
  for (const event::v1::DataCount& one : open.data()) {
    content.data[one.type()] += one.value_count();
  }
  switch (open.inspection()) {
    case event::v1::INSPECTION_FULL:
      content.inspection = policy::Inspection::kFull;
      break;
    case event::v1::INSPECTION_PARTIAL:
      content.inspection = policy::Inspection::kPartial;
      break;
    default:
      content.inspection = policy::Inspection::kNone;
  }
  content.reason = open.inspection_reason();
  for (const event::v1::DataOwner& one : open.data_owners()) {
    content.data_owners.push_back(one.owner());
  }
  if (content.data_owners.empty() && !open.data_owner().empty()) {
    content.data_owners.push_back(open.data_owner());
  }
  content.file_hash = ToHex(AsBytes(open.file_hash()));
  return content;
}

}  // namespace

policy::DeviceFacts FactsOf(const event::v1::Device& from) {
  policy::DeviceFacts device;
  device.bus = from.bus();
  device.vendor_id = from.vendor_id();
  device.product_id = from.product_id();
  device.serial = from.serial();
  device.manufacturer = from.manufacturer();
  device.product = from.product();
  for (const event::v1::UsbInterface& one : from.interfaces()) {
    device.interfaces.push_back({static_cast<uint8_t>(one.class_code()),
                                 static_cast<uint8_t>(one.subclass_code()),
                                 static_cast<uint8_t>(one.protocol_code())});
  }
  device.port = from.port();
  device.descriptor_hash = from.descriptor_hash();
  // What the probe found, if it had looked by then.
  if (from.medium_size_bytes() > 0 || !from.filesystem().empty() ||
      !from.encryption().empty()) {
    auto& medium = device.medium.emplace();
    medium.size_bytes = from.medium_size_bytes();
    medium.filesystem = from.filesystem();
    medium.volume_uuid = from.volume_uuid();
    medium.volume_label = from.volume_label();
    medium.encryption = from.encryption();
    medium.medium_serial = from.medium_serial();
  }
  return device;
}

bool FillPast(const event::v1::PublicPart& open,
              const event::v1::PersonalPart& personal, PastEvent* past) {
  const bool device = open.kind() == event::v1::EVENT_KIND_DEVICE_PLUGGED ||
                      open.kind() == event::v1::EVENT_KIND_DEVICE_DECIDED;
  if (!device && open.kind() != event::v1::EVENT_KIND_TRANSFER) return false;
  past->time = TimeOf(open.occur_time());
  past->kind = device ? PastEvent::Kind::kDevice : PastEvent::Kind::kTransfer;
  past->was_blocked =
      open.outcome() == event::v1::OUTCOME_BLOCKED && !open.observe_only();
  past->device = FactsOf(open.device());
  past->content = device ? policy::ContentFacts{} : ContentOf(open);
  past->person.person = personal.person();
  if (!personal.proven_by().empty()) {
    past->person.account = past->person.person;
    past->person.person = personal.stated_person();
  }
  past->person.uid = personal.uid();
  past->person.login_uid = personal.login_uid();
  past->person.origin = personal.origin();
  return true;
}

}  // namespace sekisho::replay
