// What gates tell of the names on their media, as events.
#include <fmt/format.h>

#include "agent/agent.h"

namespace sekisho::agent {
namespace {

event::v1::FileChange ChangeOf(ipc::FileChange change) {
  switch (change) {
    case ipc::FileChange::kPresent:
      return event::v1::FILE_CHANGE_PRESENT;
    case ipc::FileChange::kRemoved:
      return event::v1::FILE_CHANGE_REMOVED;
    case ipc::FileChange::kRenamed:
      return event::v1::FILE_CHANGE_RENAMED;
  }
  return event::v1::FILE_CHANGE_UNSPECIFIED;
}

}  // namespace

void Agent::OnFilesTold(int64_t mount_id, const ipc::FilesTold& told) {
  // Kept for what is told when the device is gone already.
  const decide::DeviceId id = media_->DeviceOfMount(mount_id);
  if (const auto* device = decider_->Find(id)) {
    served_[mount_id] = {device->Facts(), media_->PlugPerson(id)};
  }
  files_->Add(mount_id, told);
}

void Agent::TellFiles(int64_t mount_id, const MediumFiles::Batch& batch) {
  Parts parts = NewParts(event::v1::EVENT_KIND_MEDIUM_FILES);
  const auto served = served_.find(mount_id);
  if (served == served_.end()) return;  // of no medium that was ever served
  SetDevice(served->second.facts, parts);
  SetWho(served->second.person, parts);
  for (const ipc::ToldFile& file : batch.files) {
    event::v1::ListedFile& out = *parts.personal.add_files();
    out.set_path(file.path);
    out.set_change(ChangeOf(file.change));
    out.set_old_path(file.old_path);
    if (file.change != ipc::FileChange::kPresent) continue;
    out.set_size_bytes(file.size_bytes);
    SetTime(WallTime(std::chrono::microseconds(file.modified_us)),
            out.mutable_modify_time());
  }
  parts.open.set_present_count(batch.present_count);
  parts.open.set_listing_complete(batch.complete);
  parts.open.set_lost_count(batch.lost_count);
  if (batch.lost_count > 0) {
    parts.open.set_reason(fmt::format(
        "{} changes of names could not be told; the next listing shows them",
        batch.lost_count));
  } else if (batch.listing_ends && !batch.complete) {
    parts.open.set_reason(
        "not everything on the medium was listed: it holds too much, or "
        "changed meanwhile");
  }
  WriteSoon(std::move(parts));
}

void Agent::EndFiles(int64_t mount_id) {
  files_->End(mount_id);
  served_.erase(mount_id);
}

}  // namespace sekisho::agent
