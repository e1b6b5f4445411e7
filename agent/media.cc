#include "agent/media.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "agent/device/facts.h"
#include "agent/standing.h"
#include "agent/usb_interfaces.h"
#include "common/file.h"
#include "common/log.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

using decide::Authorization;
using decide::DeviceId;

constexpr size_t kMaxSysfsPathBytes = 1024;

std::string LastPart(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

Media::Media(EventLoop& loop, Jobs& jobs, const Clock& clock,
             enforce::KernelGate* gate, MediaOptions options, Events events)
    : loop_(loop),
      jobs_(jobs),
      clock_(clock),
      gate_(gate),
      options_(std::move(options)),
      events_(std::move(events)),
      witnesses_(
          loop, clock,
          {.differs =
               [this](DeviceId id, const Difference& difference) {
                 if (events_.differs) events_.differs(id, difference);
               },
           .ask = [this](int64_t mount_id) { gates_->AskCounts(mount_id); }}) {}

void Media::Join(decide::Decider& decider, Gates& gates) {
  decider_ = &decider;
  gates_ = &gates;
  standby_ = std::make_unique<Standby>(
      loop_, jobs_, clock_, gates,
      Standby::Options{.probe_socket = options_.runtime_dir + "/" +
                                       std::string(ipc::kProbeSocket),
                       .listener = options_.workers,
                       .systemctl = options_.systemctl},
      [this](const std::string& what, const Error& error) {
        Problem(what, error);
      });
  ::mkdir((options_.runtime_dir + "/full").c_str(), 0755);
  records_ = ReadRecords(options_.runtime_dir + "/mounts");
  for (const MountRecord& record : records_) {
    names_.insert(record.mount_point);
    gates_->Adopt({.mount_id = record.mount_id,
                   .access = record.access,
                   .owner_uid = record.owner_uid,
                   .owner_gid = record.owner_gid});
  }
}

void Media::OnSeen(const ipc::DeviceSeen& seen) {
  const std::string& path = seen.sysfs_path;
  if (path.size() > kMaxSysfsPathBytes ||
      !path.starts_with(options_.sysfs_root + "/devices/") ||
      path.find("..") != std::string::npos) {
    Log(LogLevel::kWarning, "devices: not a device: " + path);
    return;
  }
  const bool removed = seen.action == ipc::DeviceAction::kRemove;
  if (seen.subsystem == "usb" && seen.devtype == "usb_device") {
    removed ? RemovePath(path) : AddUsb(path);
  } else if (seen.subsystem == "block" && seen.devtype == "disk") {
    removed ? RemoveDisk(path) : AddDisk(path);
  } else if (seen.subsystem == "block" && seen.devtype == "partition" &&
             !removed) {
    // Only a medium that is open to everybody needs its new nodes opened.
    const DeviceId id = OwnerOf(path);
    const auto* device = decider_->Find(id);
    if (device != nullptr && device->open == policy::Access::kFull) {
      decider_->OnDiskReady(id);
    }
  }
}

void Media::OnScanned() {
  if (scanned_) return;
  scanned_ = true;
  for (const MountRecord& record : records_) {
    Log(LogLevel::kNotice, "the medium of a mount from before is gone");
    TakeDown({.mount = record, .opened = {}, .nodes = {}}, "the medium is gone",
             [] {});
  }
  records_.clear();
  DropStaleMappings();
  StandBy();
}

DeviceId Media::ByPath(const std::string& path) const {
  for (const auto& [id, entry] : entries_) {
    if (entry.sysfs_path == path) return id;
  }
  return 0;
}

// The nearest device above: a hub is above too.
DeviceId Media::OwnerOf(const std::string& path) const {
  DeviceId best = 0;
  size_t length = 0;
  for (const auto& [id, entry] : entries_) {
    const bool above =
        path == entry.sysfs_path || path.starts_with(entry.sysfs_path + "/");
    if (above && entry.sysfs_path.size() > length) {
      best = id;
      length = entry.sysfs_path.size();
    }
  }
  return best;
}

Media::Entry* Media::EntryOf(DeviceId id) {
  const auto found = entries_.find(id);
  if (found != entries_.end()) return &found->second;
  if (!arriving_) return nullptr;
  // The decider asks before OnPlugged() has returned the id.
  Entry& entry = entries_[id];
  entry = std::move(*arriving_);
  arriving_.reset();
  return &entry;
}

std::optional<MountRecord> Media::TakeRecord(const std::string& sysfs_path,
                                             int64_t device_number) {
  const auto found =
      std::ranges::find_if(records_, [&](const MountRecord& record) {
        return record.sysfs_path == sysfs_path &&
               record.device_number == device_number;
      });
  if (found == records_.end()) return std::nullopt;
  MountRecord record = std::move(*found);
  records_.erase(found);
  return record;
}

DeviceId Media::Plug(decide::Plug plug, Entry entry, int64_t device_number) {
  plug.attached_at_start = !scanned_;
  entry.person = attribute::OfPlug(options_.attribution_root);
  plug.person =
      PersonOf(events_.knowing ? events_.knowing(entry.person) : entry.person);
  entry.device_number = device_number;
  if (auto record = TakeRecord(entry.sysfs_path, device_number)) {
    const auto access = policy::ParseAccess(record->access);
    plug.adopted =
        decide::Plug::Adopted{.access = access.value_or(policy::Access::kBlock),
                              .mount_point = record->mount_point,
                              .medium = record->medium};
    if (!record->mapping.empty()) {
      entry.mapping = enforce::Mapping{.name = record->mapping,
                                       .node_path = {},
                                       .number = {},
                                       .size_bytes = 0};
    }
    entry.mount = std::move(*record);
  }
  arriving_ = std::move(entry);
  const DeviceId id = decider_->OnPlugged(std::move(plug));
  EntryOf(id);
  return id;
}

void Media::AddUsb(const std::string& path) {
  if (const DeviceId known = ByPath(path); known != 0) {
    const auto& usb = entries_[known].usb;
    if (usb != nullptr && usb->VerifyUnchanged()) return;
    decider_->OnRemoved(known);
  }
  const std::string name = LastPart(path);
  if (name.starts_with("usb") && mode_ == policy::Mode::kEnforce) {
    CloseBus(path);
  }
  const auto dir = OpenAt(AT_FDCWD, path, O_DIRECTORY | O_PATH);
  if (!dir) return;  // gone
  Entry entry;
  entry.sysfs_path = path;
  decide::Plug plug;
  int64_t device_number = 0;
  auto opened = enforce::UsbDevice::Open(path);
  if (opened) {
    entry.usb = std::make_shared<enforce::UsbDevice>(std::move(*opened));
    device_number = entry.usb->devnum();
    Authorized now = AuthorizedNow(*entry.usb);
    plug.authorized = now.reach;
    plug.listed = std::move(now.listed);
    entry.whole = plug.authorized == Authorization::kAll;
  } else if (opened.error().code == Code::kNotFound) {
    return;
  } else {
    plug.malformed = opened.error().message;
  }
  auto facts = device::UsbFacts(
      entry.usb != nullptr ? entry.usb->directory_fd() : dir->get(), name);
  if (facts) {
    plug.facts = std::move(*facts);
    plug.standing =
        StandingOf(path, plug.facts, options_.sysfs_root, options_.proc_root);
  } else if (facts.error().code == Code::kNotFound) {
    return;
  } else {
    plug.facts = device::IdentityOnly(dir->get(), name);
    plug.malformed = facts.error().message;
  }
  Plug(std::move(plug), std::move(entry), device_number);
}

void Media::RemovePath(const std::string& path) {
  if (const DeviceId id = ByPath(path); id != 0) decider_->OnRemoved(id);
}

void Media::AddDisk(const std::string& path) {
  if (path.find("/devices/virtual/") != std::string::npos) return;
  const auto disk = enforce::ReadDisk(LastPart(path), options_.sysfs_root);
  if (!disk) return;
  const DeviceId owner = OwnerOf(path);
  if (owner != 0) {
    DiskReady(owner, *disk);
    return;
  }
  const auto system = enforce::SystemDisks(options_.sysfs_root);
  const bool carries_system =
      system && std::ranges::find(*system, disk->number) != system->end();
  const bool optical = disk->name.starts_with("sr");
  // A disk that came later was plugged in, whatever it says about itself.
  if (!carries_system && (disk->external || optical || scanned_)) {
    AddExternalDisk(path, *disk);
    return;
  }
  OpenInternal(*disk);
}

void Media::OpenInternal(const enforce::Disk& disk) {
  if (gate_ == nullptr) return;
  for (const enforce::DeviceNumber& number : disk.AllNodes()) {
    const Status opened = gate_->OpenNow(number, enforce::NodeAccess::kFull);
    if (!opened) {
      Problem("internal disk " + disk.name, opened.error());
      return;
    }
  }
}

void Media::AddExternalDisk(const std::string& path,
                            const enforce::Disk& disk) {
  const auto dir = OpenAt(AT_FDCWD, path, O_DIRECTORY);
  if (!dir) return;
  auto facts = device::DiskFacts(dir->get(), path);
  if (!facts) return;
  Entry entry;
  entry.sysfs_path = path;
  decide::Plug plug;
  plug.facts = std::move(*facts);
  const bool in_use = !scanned_ || mode_ == policy::Mode::kObserve;
  plug.authorized = in_use ? Authorization::kAll : Authorization::kNone;
  const DeviceId id = Plug(std::move(plug), std::move(entry),
                           static_cast<int64_t>(disk.sequence));
  DiskReady(id, disk);
}

void Media::DiskReady(DeviceId id, const enforce::Disk& disk) {
  Entry* entry = EntryOf(id);
  if (entry == nullptr) return;
  if (disk.size_bytes == 0) {
    // A reader without a card in it.
    if (entry->disks.erase(disk.name) != 0 && entry->disks.empty()) {
      decider_->OnDiskGone(id);
    }
    return;
  }
  if (!entry->disks.insert(disk.name).second) return;
  if (entry->mount.mount_id != 0) {
    // Mounted since before sekishod's restart.
    BeginWitness(
        id, *entry,
        entry->mount.written_before >= 0 ? MediumUse::kGate : MediumUse::kOpen,
        entry->mount.medium.filesystem);
  } else if (mode_ == policy::Mode::kObserve) {
    entry->was_open = true;
    BeginWitness(id, *entry, MediumUse::kOpen, "");
  }
  decider_->OnDiskReady(id);
}

void Media::RemoveDisk(const std::string& path) {
  const DeviceId id = OwnerOf(path);
  if (id == 0) return;
  Entry& entry = entries_[id];
  if (entry.sysfs_path == path) {
    decider_->OnRemoved(id);
    return;
  }
  if (entry.disks.erase(LastPart(path)) != 0 && entry.disks.empty()) {
    decider_->OnDiskGone(id);
  }
}

DeviceId Media::DeviceOfMount(int64_t mount_id) const {
  for (const auto& [id, entry] : entries_) {
    if (mount_id != 0 && entry.mount.mount_id == mount_id) return id;
  }
  return 0;
}

DeviceId Media::DeviceBehind(int64_t mount_id) const {
  const auto closing = closing_.find(mount_id);
  return closing == closing_.end() ? DeviceOfMount(mount_id) : closing->second;
}

int64_t Media::MountOf(DeviceId id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? 0 : found->second.mount.mount_id;
}

std::string Media::MountPointOf(DeviceId id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() || found->second.mount.mount_id == 0
             ? ""
             : found->second.mount.mount_point;
}

DeviceId Media::DeviceOfNode(const enforce::DeviceNumber& number) const {
  for (const auto& [id, entry] : entries_) {
    for (const enforce::Disk& disk : DisksOf(entry)) {
      const auto nodes = disk.AllNodes();
      if (std::ranges::find(nodes, number) != nodes.end()) return id;
    }
  }
  return 0;
}

bool Media::CarriesRoute(DeviceId id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() &&
         agent::CarriesRoute(found->second.sysfs_path, options_.sysfs_root,
                             options_.proc_root);
}

attribute::Who Media::PlugPerson(DeviceId id) const {
  const auto found = entries_.find(id);
  if (found != entries_.end()) return found->second.person;
  return arriving_ ? arriving_->person : attribute::Who{};
}

void Media::Problem(const std::string& what, const Error& error) {
  events_.problem(what + ": " + error.message);
}

}  // namespace sekisho::agent
