// The half of Media that acts: what the decider asks for.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "agent/decide/interfaces.h"
#include "agent/enforce/mount.h"
#include "agent/media.h"
#include "agent/probe_client.h"
#include "agent/programs.h"
#include "agent/standing.h"
#include "agent/usb_interfaces.h"
#include "common/file.h"
#include "common/log.h"

namespace sekisho::agent {
namespace {

using decide::Authorization;
using decide::DeviceId;
using enforce::UsbDevice;

constexpr uint32_t kUsbMajor = 189;
constexpr int kStorageClass = 0x08;
constexpr std::chrono::seconds kRootHubPatience{5};
constexpr int kBulkOnly = 0x50;  // with UAS a full disk is asked again

// Without UsbDevice (its descriptors are over the cap) refusing still works.
Status AuthorizeByPath(const std::string& path, Authorization wanted) {
  if (wanted != Authorization::kNone) {
    return Fail(Code::kFailedPrecondition, "its descriptors are malformed");
  }
  return WriteOnceAt(AT_FDCWD, path + "/authorized", "0");
}

// Writes what is cached, then takes the mount out of everybody's sight.
void UnmountNative(const std::vector<enforce::DeviceNumber>& nodes) {
  const auto mounts = enforce::InitMounts();
  if (!mounts) return;
  for (const enforce::MountEntry& mount : enforce::MountsOf(*mounts, nodes)) {
    const UniqueFd root(
        ::open(mount.mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (root) ::syncfs(root.get());
    if (const Status done = enforce::Unmount(mount.mount_point); !done) {
      Log(LogLevel::kError, done.error().message);
    }
  }
}

std::string MarkerOf(const std::string& runtime_dir,
                     const enforce::DeviceNumber& number) {
  return fmt::format("{}/full/{}:{}", runtime_dir, number.major, number.minor);
}

}  // namespace

void Media::SetMode(policy::Mode mode) {
  const bool was_closed =
      mode_ == policy::Mode::kEnforce || options_.enforced_before;
  mode_ = mode;
  const bool enforce = mode == policy::Mode::kEnforce;
  if (gate_ != nullptr) {
    if (const Status opened = gate_->OpenSystemDisks(); !opened) {
      Problem("system disks", opened.error());
    }
    const Status set = gate_->SetMode(enforce ? enforce::GateMode::kEnforce
                                              : enforce::GateMode::kObserve);
    if (!set) Problem("kernel gate", set.error());
  }
  // An administrator's own defaults are left alone while nothing is enforced.
  if (enforce || was_closed) {
    const auto buses = enforce::UsbBuses(options_.sysfs_root);
    if (!buses && buses.error().code != Code::kNotFound) {
      Problem("USB buses", buses.error());
    }
    for (const std::string& bus : buses.value_or(std::vector<std::string>{})) {
      CloseBus(bus);
    }
    const Status set = enforce::SetAuthorizedDefaultOfNewBuses(
        enforce ? enforce::AuthorizedDefault::kNone
                : enforce::AuthorizedDefault::kAll,
        options_.sysfs_root);
    if (!set && set.error().code != Code::kNotFound) {
      Problem("USB buses that come later", set.error());
    }
  }
  if (enforce) {
    const Status set = enforce::SetStorageDelay(0, options_.sysfs_root);
    if (!set && set.error().code != Code::kNotFound) {
      Problem("usb-storage delay", set.error());
    }
  }
  StandBy();
  events_.mode_changed(mode);
}

// While nothing is enforced nobody waits for a gate; and at the start there is
// enough to do until everything attached was looked at.
void Media::StandBy() {
  standby_->Set(mode_ == policy::Mode::kEnforce && scanned_
                    ? Standby::Mode::kOn
                    : Standby::Mode::kOff);
}

// Closed in enforce, as the kernel does by itself in observe.
void Media::CloseBus(const std::string& path) {
  const bool enforce = mode_ == policy::Mode::kEnforce;
  const Status devices = enforce::SetAuthorizedDefault(
      path, enforce ? enforce::AuthorizedDefault::kNone
                    : enforce::AuthorizedDefault::kAll);
  if (!devices) Problem("bus " + path, devices.error());
  const Status interfaces = enforce::SetInterfaceAuthorizedDefault(
      path, enforce ? UsbDevice::InterfaceState::kBlocked
                    : UsbDevice::InterfaceState::kAllowed);
  if (!interfaces) Problem("bus " + path, interfaces.error());
  if (!enforce) return;
  jobs_.Run([path] { return enforce::LetRootHubIn(path, kRootHubPatience); },
            [this, path](const Status& in) {
              if (!in && in.error().code != Code::kNotFound) {
                Problem("bus " + path, in.error());
              }
            });
}

void Media::SetAuthorized(DeviceId id, Authorization wanted,
                          const decide::Interfaces& listed) {
  Entry* entry = EntryOf(id);
  CHECK(entry != nullptr);
  entry->whole = false;
  jobs_.Run(
      [usb = entry->usb, path = entry->sysfs_path, wanted, listed] {
        return usb != nullptr
                   ? Authorize(*usb, {.reach = wanted, .listed = listed})
                   : AuthorizeByPath(path, wanted);
      },
      [this, id, wanted, listed](const Status& status) {
        const auto found = entries_.find(id);
        if (found == entries_.end()) return;
        found->second.whole = status && wanted == Authorization::kAll;
        if (!decide::ReachesStorage(wanted, listed)) {
          DropMapping(found->second);
          CloseNodes(std::exchange(found->second.opened, {}));
          found->second.disks.clear();
        }
        decider_->OnAuthorized(id, status);
      });
}

std::vector<enforce::Disk> Media::DisksOf(const Entry& entry) const {
  std::vector<enforce::Disk> disks;
  for (const std::string& name : entry.disks) {
    auto disk = enforce::ReadDisk(name, options_.sysfs_root);
    if (disk && disk->sysfs_path.starts_with(entry.sysfs_path)) {
      disks.push_back(std::move(*disk));
    }
  }
  return disks;
}

// Tickets first, then a second look: a number that went to another disk in
// between has another epoch, and opens nothing.
Status Media::OpenNodes(Entry& entry, enforce::NodeAccess access, Nodes which) {
  if (gate_ == nullptr) return {};
  std::vector<enforce::DeviceTicket> tickets;
  const auto before = DisksOf(entry);
  const auto numbers = [&](const enforce::Disk& disk) {
    auto all = disk.AllNodes();
    if (which == Nodes::kBlock) {
      std::erase_if(all, [](const enforce::DeviceNumber& number) {
        return number.kind != enforce::NodeKind::kBlock;
      });
    }
    return all;
  };
  for (const enforce::Disk& disk : before) {
    for (const enforce::DeviceNumber& number : numbers(disk)) {
      ASSIGN_OR_RETURN(const enforce::DeviceTicket ticket,
                       gate_->TakeTicket(number));
      tickets.push_back(ticket);
    }
  }
  const auto after = DisksOf(entry);
  const bool same = std::ranges::equal(
      before, after, [](const enforce::Disk& a, const enforce::Disk& b) {
        return a.sequence == b.sequence && a.number == b.number;
      });
  if (!same) return Fail(Code::kAborted, "the disk changed meanwhile");
  for (const enforce::DeviceTicket& ticket : tickets) {
    entry.opened.insert(ticket.number);
    RETURN_IF_ERROR(gate_->OpenDevice(ticket, access));
  }
  return {};
}

void Media::CloseNodes(const std::set<enforce::DeviceNumber>& opened) {
  for (const enforce::DeviceNumber& number : opened) {
    ::unlink(MarkerOf(options_.runtime_dir, number).c_str());
    if (gate_ == nullptr) continue;
    if (const Status closed = gate_->CloseDevice(number); !closed) {
      Problem("close " + enforce::ToString(number), closed.error());
    }
  }
}

void Media::Probe(DeviceId id) {
  Entry* entry = EntryOf(id);
  CHECK(entry != nullptr);
  Status opened;
  if (mode_ == policy::Mode::kEnforce) {
    opened = OpenNodes(*entry, enforce::NodeAccess::kProbe, Nodes::kBlock);
    // What a disk that nobody can take authorisation from was given before may
    // still be on its way.
    const bool closed = entry->usb != nullptr || !entry->was_open;
    BeginWitness(id, *entry, closed ? MediumUse::kLookedAt : MediumUse::kOpen,
                 "");
  }
  const auto disks = DisksOf(*entry);
  if (!opened || disks.empty()) {
    const Error error =
        opened ? Error{Code::kNotFound, "the disk is gone"} : opened.error();
    loop_.Post(
        [this, id, error] { decider_->OnProbed(id, std::unexpected(error)); });
    return;
  }
  ProbeOptions options;
  options.socket_path =
      options_.runtime_dir + "/" + std::string(ipc::kProbeSocket);
  options.listener = options_.workers;
  options.sysfs_root = options_.sysfs_root;
  const auto waiting = std::make_shared<UniqueFd>(standby_->TakeProbe());
  jobs_.Run([disk = disks.front(), waiting,
             options] { return LookAt(disk, std::move(*waiting), options); },
            [this, id](Result<Probed> probed) {
              const auto found = entries_.find(id);
              if (found == entries_.end()) return;
              if (!probed) {
                decider_->OnProbed(id, std::unexpected(probed.error()));
                return;
              }
              found->second.volume = Volume{probed->node_path, probed->number};
              decider_->OnProbed(id, probed->medium);
            });
}

void Media::Wait(DeviceId id, std::chrono::milliseconds time) {
  loop_.After(time, [this, id] { decider_->OnWaited(id); });
}

void Media::Open(DeviceId id, const policy::DeviceFacts& facts,
                 const policy::DeviceDecision& decision) {
  Entry* entry = EntryOf(id);
  CHECK(entry != nullptr);
  if (decision.access != policy::Access::kFull) {
    Serve(id, *entry, facts, decision);
    return;
  }
  entry->was_open = true;
  BeginWitness(id, *entry, MediumUse::kOpen, "");
  const Status opened = OpenFully(*entry);
  loop_.Post([this, id, opened] {
    decider_->OnOpened(
        id, opened ? Result<std::string>("") : std::unexpected(opened.error()));
  });
}

// Counting is a second look: without it the medium is used all the same.
int64_t Media::BeginWitness(DeviceId id, const Entry& entry, MediumUse use,
                            const std::string& filesystem) {
  Witnesses::Subject subject;
  subject.disks = DisksOf(entry);
  subject.usb = entry.usb;
  subject.filesystem = filesystem;
  subject.mount_id = entry.mount.mount_id;
  subject.written_before = entry.mount.written_before;
  if (entry.usb != nullptr) {
    // Other slots of a reader have commands and transfers, too.
    auto all = enforce::DisksOfUsbDevice(entry.sysfs_path, options_.sysfs_root);
    if (all && !all->empty()) subject.disks = std::move(*all);
    const auto* device = decider_->Find(id);
    subject.judge_commands =
        device != nullptr &&
        std::ranges::all_of(device->plug.facts.interfaces,
                            [](const policy::UsbInterface& interface) {
                              return interface.klass == kStorageClass &&
                                     interface.protocol == kBulkOnly;
                            });
  }
  const auto begun = witnesses_.Begin(id, use, subject);
  if (!begun) {
    Log(LogLevel::kNotice, "not counted: " + begun.error().message);
    return -1;
  }
  return *begun;
}

Status Media::OpenFully(Entry& entry) {
  RETURN_IF_ERROR(OpenNodes(entry, enforce::NodeAccess::kFull, Nodes::kAll));
  if (entry.usb != nullptr && gate_ != nullptr && entry.whole) {
    ASSIGN_OR_RETURN(const uint32_t minor, entry.usb->UsbfsMinor());
    const enforce::DeviceNumber usbfs{enforce::NodeKind::kChar, kUsbMajor,
                                      minor};
    ASSIGN_OR_RETURN(const auto ticket, gate_->TakeTicket(usbfs));
    RETURN_IF_ERROR(entry.usb->VerifyUnchanged());
    entry.opened.insert(usbfs);
    RETURN_IF_ERROR(gate_->OpenDevice(ticket, enforce::NodeAccess::kFull));
  }
  // The desktop was refused when it first looked: let it look again.
  for (const enforce::Disk& disk : DisksOf(entry)) {
    for (const enforce::DeviceNumber& number : disk.AllNodes()) {
      const UniqueFd marker(
          ::open(MarkerOf(options_.runtime_dir, number).c_str(),
                 O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    }
    std::vector<std::string> places = {disk.sysfs_path};
    for (const enforce::Partition& partition : disk.partitions) {
      places.push_back(disk.sysfs_path + "/" + partition.name);
    }
    for (const std::string& place : places) {
      const Status told = WriteOnceAt(AT_FDCWD, place + "/uevent", "change");
      if (!told) Log(LogLevel::kNotice, told.error().message);
    }
  }
  return {};
}

void Media::Serve(DeviceId id, Entry& entry, const policy::DeviceFacts& facts,
                  const policy::DeviceDecision& decision) {
  const auto fail = [this, id](Error error) {
    loop_.Post([this, id, error = std::move(error)] {
      decider_->OnOpened(id, std::unexpected(error));
    });
  };
  const auto filesystem =
      enforce::ParseFilesystem(facts.medium ? facts.medium->filesystem : "");
  if (!filesystem) return fail(filesystem.error());
  if (!entry.volume) return fail({Code::kInternal, "no volume was found"});
  const Status opened =
      OpenNodes(entry, enforce::NodeAccess::kGate, Nodes::kBlock);
  if (!opened) return fail(opened.error());
  if (!facts.medium) {
    return fail(Error{Code::kFailedPrecondition, "the medium is not known"});
  }

  std::vector<std::string> taken;
  for (const std::string& path : names_) {
    taken.push_back(path.substr(path.rfind('/') + 1));
  }
  const Owner owner = OwnerNow();
  MountRecord record;
  record.mount_id = standby_->TakeGate();
  record.mount_point = options_.media_dir + "/" + MountName(facts, taken);
  record.access = policy::Name(decision.access);
  record.owner_uid = owner.uid;
  record.owner_gid = owner.gid;
  record.sysfs_path = entry.sysfs_path;
  record.device_number = entry.device_number;
  record.medium = *facts.medium;
  if (entry.mapping) record.mapping = entry.mapping->name;
  names_.insert(record.mount_point);

  const auto access = decision.access == policy::Access::kReadOnly
                          ? enforce::MountAccess::kReadOnly
                          : enforce::MountAccess::kReadWrite;
  const enforce::MediumMountOptions medium{
      .filesystem = *filesystem,
      .access = access,
      .uid = static_cast<uid_t>(options_.gate_uid),
      .gid = static_cast<gid_t>(options_.gate_gid)};
  const enforce::FuseMountOptions fuse{
      .mount_point = record.mount_point,
      .subtype = enforce::FilesystemName(*filesystem),
      .uid = static_cast<uid_t>(owner.uid),
      .gid = static_cast<gid_t>(owner.gid),
      .access = access,
      .no_exec = decision.no_exec};
  // The mount itself writes: FAT marks the volume as in use.
  witnesses_.End(id);
  jobs_.Run(
      [volume = VolumeToMount(entry), medium, fuse,
       media_dir = options_.media_dir]() -> Result<Mounted> {
        Mounted mounted;
        ASSIGN_OR_RETURN(
            mounted.root,
            enforce::MountDetached(volume.node_path, volume.number, medium));
        ::mkdir(media_dir.c_str(), 0755);
        if (::mkdir(fuse.mount_point.c_str(), 0755) != 0 && errno != EEXIST) {
          return FailErrno("mkdir " + fuse.mount_point);
        }
        ASSIGN_OR_RETURN(mounted.fuse, enforce::MountFuse(fuse));
        return mounted;
      },
      [this, id, record](Result<Mounted> mounted) {
        OnMounted(id, record, std::move(mounted));
      });
}

void Media::OnMounted(DeviceId id, MountRecord made, Result<Mounted> mounted) {
  const auto found = entries_.find(id);
  if (!mounted || found == entries_.end()) {
    // Failed, or the device went away while the mount was made.
    const Error why = mounted ? Error{Code::kNotFound, "the device is gone"}
                              : mounted.error();
    // It goes with the mount.
    if (found != entries_.end()) found->second.mapping.reset();
    TakeDown({.mount = made, .opened = {}, .nodes = {}}, why.message,
             [this, id, why] { decider_->OnOpened(id, std::unexpected(why)); });
    return;
  }
  Entry& entry = found->second;
  entry.mount = std::move(made);
  const bool read_only =
      entry.mount.access == policy::Name(policy::Access::kReadOnly);
  entry.mount.written_before = BeginWitness(
      id, entry, read_only ? MediumUse::kReadOnly : MediumUse::kGate,
      entry.mount.medium.filesystem);
  const MountRecord& record = entry.mount;
  const Status written = WriteRecord(options_.runtime_dir + "/mounts", record);
  if (!written) Problem("mount record", written.error());
  const bool waits = gates_->Waits(record.mount_id);
  gates_->Expect({.mount_id = record.mount_id,
                  .access = record.access,
                  .owner_uid = record.owner_uid,
                  .owner_gid = record.owner_gid},
                 std::move(mounted->fuse), std::move(mounted->root));
  if (!waits) standby_->StartGate(record.mount_id);
}

void Media::OnGateStarted(int64_t mount_id, const Status& status) {
  const DeviceId id = DeviceOfMount(mount_id);
  if (id == 0) return;
  if (status) {
    decider_->OnOpened(id, entries_[id].mount.mount_point);
    return;
  }
  TakeDown(TakeRemains(entries_[id]), status.error().message,
           [this, id, status] {
             decider_->OnOpened(id, std::unexpected(status.error()));
           });
}

void Media::OnUnmounted(int64_t mount_id) {
  if (const DeviceId id = DeviceOfMount(mount_id); id != 0) {
    decider_->OnEjected(id);
  }
}

void Media::OnGateLost(int64_t mount_id, const std::string& why) {
  if (const DeviceId id = DeviceOfMount(mount_id); id != 0) {
    decider_->OnGateLost(id, why);
  }
}

void Media::ChangeAccess(DeviceId id, policy::Access access) {
  Entry* entry = EntryOf(id);
  if (entry == nullptr || entry->mount.mount_id == 0) return;
  entry->mount.access = policy::Name(access);
  gates_->ChangeAccess(entry->mount.mount_id, entry->mount.access);
  const Status written =
      WriteRecord(options_.runtime_dir + "/mounts", entry->mount);
  if (!written) Problem("mount record", written.error());
}

Media::Remains Media::TakeRemains(Entry& entry) const {
  Remains remains;
  for (const enforce::Disk& disk : DisksOf(entry)) {
    for (const enforce::DeviceNumber& number : disk.AllNodes()) {
      if (number.kind == enforce::NodeKind::kBlock) {
        remains.nodes.push_back(number);
      }
    }
  }
  remains.mount = std::exchange(entry.mount, {});
  if (entry.mapping) remains.mount.mapping = entry.mapping->name;
  entry.mapping.reset();
  remains.opened = std::exchange(entry.opened, {});
  return remains;
}

void Media::Close(DeviceId id, const std::string& reason) {
  Entry* entry = EntryOf(id);
  CHECK(entry != nullptr);
  const decide::Decider::Device* device = decider_->Find(id);
  const bool contained =
      device != nullptr && policy::IsContainRule(device->judged.decision.rule);
  const int64_t mount_id = entry->mount.mount_id;
  if (mount_id != 0) closing_[mount_id] = id;
  Remains remains = TakeRemains(*entry);
  remains.id = id;
  TakeDown(
      std::move(remains), reason,
      [this, id, mount_id] {
        closing_.erase(mount_id);
        decider_->OnClosed(id);
      },
      contained ? kContainStopTime : kStopTime);
}

void Media::Removed(DeviceId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  witnesses_.End(id);
  Remains remains = TakeRemains(found->second);
  // Their numbers may belong to the next device already.
  remains.nodes.clear();
  entries_.erase(found);
  TakeDown(std::move(remains), "the medium was removed", [] {});
}

void Media::TakeDown(Remains remains, const std::string& reason,
                     std::function<void()> done,
                     std::chrono::milliseconds patience) {
  const int64_t mount_id = remains.mount.mount_id;
  auto rest = [this, remains = std::move(remains), done = std::move(done)] {
    jobs_.Run(
        [remains] {
          if (!remains.mount.mount_point.empty()) {
            const std::string& point = remains.mount.mount_point;
            if (const Status gone = enforce::Unmount(point); !gone) {
              Log(LogLevel::kError, gone.error().message);
            }
            ::rmdir(point.c_str());
          }
          if (!remains.mount.mapping.empty()) {
            const Status gone = enforce::RemoveMapping(remains.mount.mapping);
            if (!gone) Log(LogLevel::kError, gone.error().message);
          }
          if (!remains.nodes.empty()) UnmountNative(remains.nodes);
          return true;
        },
        [this, remains, done](bool) {
          // After the gate's last word and what the unmount wrote.
          if (remains.id != 0) witnesses_.End(remains.id);
          CloseNodes(remains.opened);
          names_.erase(remains.mount.mount_point);
          RemoveRecord(options_.runtime_dir + "/mounts",
                       remains.mount.mount_id);
          done();
        });
  };
  if (mount_id == 0) {
    rest();
    return;
  }
  gates_->Stop(mount_id, reason, std::move(rest), patience);
}

void Media::OnGateCounts(int64_t mount_id, const ipc::GateCounts& counts) {
  witnesses_.OnCounts(mount_id, counts);
}

std::optional<MediumFigures> Media::FiguresOf(DeviceId id) const {
  return witnesses_.FiguresOf(id);
}

void Media::Tell(const decide::Report& report) {
  events_.tell(report);
  if (report.kind == decide::Report::Kind::kRemoved) {
    witnesses_.Forget(report.id);
  }
}

}  // namespace sekisho::agent
