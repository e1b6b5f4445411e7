// What is on a device, and that somebody still has it, over the admin socket.
#include "common/text.h"
#include "server/core/event_words.h"
#include "server/service/admin_parts.h"
#include "server/service/admin_service.h"

namespace sekisho::service {
namespace {

// A message of gRPC holds 4 MiB unless both sides say otherwise.
constexpr size_t kMostBytes = size_t{3} << 20;

void SetData(const std::string& type, int64_t count,
             google::protobuf::RepeatedPtrField<admin::v1::ContentData>* out) {
  admin::v1::ContentData& data = *out->Add();
  data.set_type(EscapeUntrusted(type));
  data.set_value_count(count);
}

void SetFile(const core::DeviceFile& file, admin::v1::ContentFile* out) {
  out->set_path(EscapeUntrusted(file.path));
  out->set_size_bytes(file.size_bytes);
  if (file.modify_time) SetTime(out->mutable_modify_time(), *file.modify_time);
  SetTime(out->mutable_since_time(), file.since);
  out->set_terminal(EscapeUntrusted(file.terminal));
  out->set_from_elsewhere(file.from_elsewhere);
  out->set_other_size(file.other_size);
  out->set_other_time(file.other_time);
  if (file.gone_time) SetTime(out->mutable_gone_time(), *file.gone_time);
  out->set_gone(file.gone);
  if (!file.copy) return;
  const auto& part = file.copy->public_part;
  out->set_event_row_id(file.copy->row_id);
  out->set_person(EscapeUntrusted(core::PersonIn(file.copy->personal_part)));
  out->set_person_count(part.person_count());
  for (const auto& count : part.data()) {
    SetData(count.type(), count.value_count(), out->mutable_data());
  }
  out->set_data_owner(EscapeUntrusted(part.data_owner()));
  out->set_file_hash(part.file_hash());
  out->set_encryption(EscapeUntrusted(part.device().encryption()));
}

// False: they did not all have room.
bool SetFiles(const std::vector<core::DeviceFile>& files, size_t* bytes,
              google::protobuf::RepeatedPtrField<admin::v1::ContentFile>* out) {
  for (const core::DeviceFile& file : files) {
    admin::v1::ContentFile one;
    SetFile(file, &one);
    *bytes += one.ByteSizeLong() + 8;
    if (*bytes > kMostBytes) return false;
    *out->Add() = std::move(one);
  }
  return true;
}

void SetMedium(const core::MediumContents& medium, size_t* bytes,
               admin::v1::MediumContents* out) {
  out->set_volume(medium.volume);
  out->set_filesystem(medium.filesystem);
  out->set_label(EscapeUntrusted(medium.label));
  out->set_encryption(medium.encryption);
  SetTime(out->mutable_last_time(), medium.last_time);
  if (medium.list_time) SetTime(out->mutable_list_time(), *medium.list_time);
  out->set_list_terminal(EscapeUntrusted(medium.list_terminal));
  out->set_list_complete(medium.list_complete);
  out->set_list_count(medium.list_count);
  out->set_behind(medium.behind);
  if (medium.erase_time) SetTime(out->mutable_erase_time(), *medium.erase_time);
  out->set_erased_bytes(medium.erased_bytes);
  out->set_file_count(medium.file_count);
  out->set_total_bytes(medium.bytes);
  out->set_from_elsewhere_count(medium.from_elsewhere_count);
  out->set_personal_count(medium.personal_count);
  out->set_person_count(medium.persons);
  for (const auto& [type, count] : medium.data) {
    SetData(type, count, out->mutable_data());
  }
  const bool all = SetFiles(medium.files, bytes, out->mutable_files()) &&
                   SetFiles(medium.gone, bytes, out->mutable_gone());
  out->set_cut(medium.cut || !all);
}

}  // namespace

grpc::Status AdminCalls::GetDeviceContents(
    grpc::ServerContext* context,
    const admin::v1::GetDeviceContentsRequest* request,
    admin::v1::GetDeviceContentsResponse* response) {
  return Hand(desk_.GetDeviceContents(Who(*context), request->device_id()),
              [&](const core::DeviceContents& contents) {
                size_t bytes = 0;
                for (const core::MediumContents& medium : contents.media) {
                  SetMedium(medium, &bytes, response->add_media());
                }
              });
}

grpc::Status AdminCalls::ConfirmDevice(
    grpc::ServerContext* context,
    const admin::v1::ConfirmDeviceRequest* request,
    admin::v1::ConfirmDeviceResponse*) {
  core::Confirmation confirmation;
  confirmation.device_id = request->device_id();
  confirmation.note = request->note();
  const Status done = desk_.ConfirmDevice(Who(*context), confirmation);
  return done ? grpc::Status::OK : ToGrpc(done.error());
}

}  // namespace sekisho::service
