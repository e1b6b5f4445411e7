// Does what the decider asks: authorises USB devices, asks the probe, opens
// nodes in the kernel gate, makes the mounts and starts gates for them. Knows
// which disks belong to which device. What should be done is left to others.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/attribute/attribution.h"
#include "agent/decide/decider.h"
#include "agent/enforce/crypt_mapping.h"
#include "agent/enforce/kernel_gate.h"
#include "agent/enforce/sysfs_disks.h"
#include "agent/enforce/usb_authorizer.h"
#include "agent/event_parts.h"
#include "agent/gates.h"
#include "agent/ipc/messages.h"
#include "agent/jobs.h"
#include "agent/mount_records.h"
#include "agent/standby.h"
#include "agent/standing.h"
#include "agent/witnesses.h"
#include "common/clock.h"
#include "common/unix_socket.h"

namespace sekisho::agent {

struct MediaOptions {
  std::string attribution_root;  // "" outside tests
  std::string sysfs_root = "/sys";
  std::string proc_root = "/proc";
  std::string runtime_dir = "/run/sekisho";
  std::string media_dir = "/media/sekisho";
  std::string systemctl = "/usr/bin/systemctl";
  Listener workers = Listener::kInit;  // who starts them
  int64_t gate_uid = -1;
  int64_t gate_gid = -1;
  // The last run enforced: buses may still be closed although this one
  // observes.
  bool enforced_before = false;
};

class Media final : public decide::Effects {
 public:
  struct Events {
    std::function<void(const decide::Report&)> tell;
    std::function<void(const std::string&)> problem;  // for HEALTH
    std::function<void(policy::Mode)> mode_changed;
    // The kernel counted more than the gate did.
    std::function<void(decide::DeviceId, const Difference&)> differs;
    // With what is known of him beside his login; null: nothing is.
    std::function<attribute::Who(attribute::Who)> knowing{};
  };

  // `gate` may be null (kernel without any of its layers): then only
  // authorisation and mounts stand between. All must outlive this.
  Media(EventLoop& loop, Jobs& jobs, const Clock& clock,
        enforce::KernelGate* gate, MediaOptions options, Events events);

  // Once, before anything else.
  void Join(decide::Decider& decider, Gates& gates);

  // From sekisho-devices; looked at again before anything is believed.
  void OnSeen(const ipc::DeviceSeen& seen);
  // Everything attached was told: mounts from before that found no device are
  // taken down; what comes from now on was plugged in.
  void OnScanned();

  // From Gates.
  void OnGateStarted(int64_t mount_id, const Status& status);
  void OnUnmounted(int64_t mount_id);
  void OnGateLost(int64_t mount_id, const std::string& why);
  void OnGateCounts(int64_t mount_id, const ipc::GateCounts& counts);

  // Opens the encrypted volume of a device that waits for its key; the rest is
  // the decider's. `done` on the loop, seconds later. One at a time a device.
  void Unlock(decide::DeviceId id, std::string passphrase,
              std::function<void(const Status&)> done);
  // Who the medium belongs to while it is served.
  Owner OwnerNow() const;

  decide::DeviceId DeviceOfMount(int64_t mount_id) const;  // 0: none
  // Also of a mount that is being closed; 0: none.
  decide::DeviceId DeviceBehind(int64_t mount_id) const;
  int64_t MountOf(decide::DeviceId id) const;           // 0: not mounted
  std::string MountPointOf(decide::DeviceId id) const;  // empty: not mounted
  decide::DeviceId DeviceOfNode(const enforce::DeviceNumber& number) const;
  // What was written to its medium; nullopt: that was not counted.
  std::optional<MediumFigures> FiguresOf(decide::DeviceId id) const;
  // Whether the terminal's way out leads through it now.
  bool CarriesRoute(decide::DeviceId id) const;
  // Who plugged it in, as told at that time.
  attribute::Who PlugPerson(decide::DeviceId id) const;

  // decide::Effects
  void SetMode(policy::Mode mode) override;
  void SetAuthorized(decide::DeviceId id, decide::Authorization wanted,
                     const decide::Interfaces& listed) override;
  void Probe(decide::DeviceId id) override;
  void Wait(decide::DeviceId id, std::chrono::milliseconds time) override;
  void Open(decide::DeviceId id, const policy::DeviceFacts& facts,
            const policy::DeviceDecision& decision) override;
  void ChangeAccess(decide::DeviceId id, policy::Access access) override;
  void Close(decide::DeviceId id, const std::string& reason) override;
  void Removed(decide::DeviceId id) override;
  void Tell(const decide::Report& report) override;

 private:
  struct Volume {  // the one that is served
    std::string node_path;
    enforce::DeviceNumber number;
  };
  struct Entry {
    std::string sysfs_path;  // of the USB device, or of the disk
    std::shared_ptr<enforce::UsbDevice> usb;  // null: a disk
    bool whole = false;     // all interfaces of `usb` are authorised
    bool was_open = false;  // anybody may have written to its disks
    attribute::Who person;
    std::set<std::string> disks;             // names with a medium in them
    std::set<enforce::DeviceNumber> opened;  // in the kernel gate
    std::optional<Volume> volume;
    std::optional<enforce::Mapping> mapping;  // of its volume, unlocked
    bool unlocking = false;
    MountRecord mount;          // mount_id 0: none
    int64_t device_number = 0;  // as in MountRecord
  };
  // What is left to take down of a device, which may be forgotten by then.
  struct Remains {
    decide::DeviceId id = 0;
    MountRecord mount;
    std::set<enforce::DeviceNumber> opened;
    std::vector<enforce::DeviceNumber> nodes;
  };
  struct Mounted {
    UniqueFd fuse;
    UniqueFd root;
    std::string mount_point;
  };

  void AddUsb(const std::string& path);
  void AddDisk(const std::string& path);
  void AddExternalDisk(const std::string& path, const enforce::Disk& disk);
  void OpenInternal(const enforce::Disk& disk);
  void RemovePath(const std::string& path);
  void RemoveDisk(const std::string& path);
  void DiskReady(decide::DeviceId id, const enforce::Disk& disk);
  decide::DeviceId Plug(decide::Plug plug, Entry entry, int64_t device_number);
  std::optional<MountRecord> TakeRecord(const std::string& sysfs_path,
                                        int64_t device_number);
  Entry* EntryOf(decide::DeviceId id);
  decide::DeviceId OwnerOf(const std::string& path) const;
  decide::DeviceId ByPath(const std::string& path) const;

  void CloseBus(const std::string& path);
  std::vector<enforce::Disk> DisksOf(const Entry& entry) const;
  enum class Nodes { kBlock, kAll };
  Status OpenNodes(Entry& entry, enforce::NodeAccess access, Nodes which);
  void CloseNodes(const std::set<enforce::DeviceNumber>& opened);
  Status OpenFully(Entry& entry);
  void Serve(decide::DeviceId id, Entry& entry,
             const policy::DeviceFacts& facts,
             const policy::DeviceDecision& decision);
  void OnMounted(decide::DeviceId id, MountRecord record,
                 Result<Mounted> mounted);
  // media_unlock.cc
  struct Opened {  // what an unlocking has come to
    enforce::Mapping mapping;
    policy::MediumFacts inside;
  };
  using Unlocked = std::function<void(const Status&)>;
  void OnKey(decide::DeviceId id, Result<ipc::UnlockAnswer> answer,
             const Unlocked& done);
  void OnMapped(decide::DeviceId id, Result<Opened> opened,
                const Unlocked& done);
  void DropMapping(Entry& entry);
  void DropStaleMappings() const;
  // From now on the medium is used so; what the kernel had counted, or -1.
  int64_t BeginWitness(decide::DeviceId id, const Entry& entry, MediumUse use,
                       const std::string& filesystem);
  // What holds the files: the decrypted view, if there is one.
  static Volume VolumeToMount(const Entry& entry);
  void StandBy();
  Remains TakeRemains(Entry& entry) const;
  // Gate, mounts, nodes; then `done`.
  void TakeDown(Remains remains, const std::string& reason,
                std::function<void()> done,
                std::chrono::milliseconds patience = kStopTime);
  void Problem(const std::string& what, const Error& error);

  EventLoop& loop_;
  Jobs& jobs_;
  const Clock& clock_;
  enforce::KernelGate* gate_;
  const MediaOptions options_;
  Events events_;
  decide::Decider* decider_ = nullptr;
  Gates* gates_ = nullptr;
  std::unique_ptr<Standby> standby_;
  Witnesses witnesses_;
  std::map<decide::DeviceId, Entry> entries_;
  std::optional<Entry> arriving_;     // while OnPlugged() runs
  std::vector<MountRecord> records_;  // of before the restart, not yet adopted
  std::map<int64_t, decide::DeviceId> closing_;  // by mount
  std::set<std::string> names_;                  // mount points in use
  policy::Mode mode_ = policy::Mode::kObserve;
  bool scanned_ = false;
};

}  // namespace sekisho::agent
