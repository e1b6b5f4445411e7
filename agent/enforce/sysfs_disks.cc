#include "agent/enforce/sysfs_disks.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "agent/enforce/mount.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::enforce {
namespace {

constexpr size_t kMaxProcBytes = size_t{4} * 1024 * 1024;
constexpr uint64_t kSectorBytes = 512;  // of sysfs, whatever the medium has

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

Result<std::vector<std::string>> List(const std::string& path) {
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
  if (!directory) return FailErrno("open " + path);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    if (names.size() == kMaxSysfsEntries) {
      return Fail(Code::kResourceExhausted, path + ": too many entries");
    }
    names.emplace_back(entry->d_name);
  }
  std::ranges::sort(names);
  return names;
}

// A directory that is not there has no entries.
std::vector<std::string> ListOrNone(const std::string& path) {
  auto names = List(path);
  return names ? std::move(*names) : std::vector<std::string>{};
}

std::optional<std::string> Attribute(const std::string& path) {
  const auto text = ReadFileAt(AT_FDCWD, path, 4096);
  if (!text) return std::nullopt;
  return std::string(Trim(*text));
}

uint64_t NumberOr(const std::string& path, uint64_t otherwise) {
  const auto text = Attribute(path);
  uint64_t value = 0;
  if (!text ||
      std::from_chars(text->data(), text->data() + text->size(), value).ec !=
          std::errc()) {
    return otherwise;
  }
  return value;
}

std::optional<DeviceNumber> ReadNumber(const std::string& dev_path,
                                       NodeKind kind) {
  const auto text = Attribute(dev_path);
  if (!text) return std::nullopt;
  const size_t colon = text->find(':');
  if (colon == std::string::npos) return std::nullopt;
  DeviceNumber number{kind, 0, 0};
  const char* const middle = text->data() + colon;
  const char* const end = text->data() + text->size();
  if (std::from_chars(text->data(), middle, number.major).ptr != middle ||
      std::from_chars(middle + 1, end, number.minor).ptr != end) {
    return std::nullopt;
  }
  return number;
}

Result<std::string> RealPath(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> real(
      realpath(path.c_str(), nullptr), &free);
  if (!real) return FailErrno("resolve " + path);
  return std::string(real.get());
}

// sg and bsg of a SCSI disk, controller and generic nodes of an NVMe one.
std::vector<DeviceNumber> GenericNodes(const std::string& disk_path) {
  std::vector<DeviceNumber> nodes;
  const auto add = [&nodes](const std::string& dev_path) {
    if (const auto number = ReadNumber(dev_path, NodeKind::kChar)) {
      nodes.push_back(*number);
    }
  };
  const std::string device = disk_path + "/device";
  const auto add_child = [&add](std::string path, const std::string& name) {
    path.append(name).append("/dev");
    add(path);
  };
  for (const char* const group : {"/scsi_generic/", "/bsg/", "/scsi_tape/"}) {
    const std::string directory = device + group;
    for (const std::string& name : ListOrNone(directory)) {
      add_child(directory, name);
    }
  }
  add(device + "/dev");  // nvme0
  for (const std::string& name : ListOrNone(device)) {
    if (name.starts_with("ng")) add_child(device + "/", name);
  }
  std::ranges::sort(nodes);
  const auto twice = std::ranges::unique(nodes);
  nodes.erase(twice.begin(), twice.end());
  return nodes;
}

// The medium can be carried away: on USB or FireWire, behind a PCI port that
// says so (Thunderbolt, ExpressCard), or a card in a reader.
bool IsExternal(const std::string& real_path, const std::string& sysfs_root) {
  if (real_path.find("/usb") != std::string::npos ||
      real_path.find("/fw") != std::string::npos ||
      real_path.find("/mmc_host/") != std::string::npos) {
    // Soldered eMMC says "MMC", a card "SD".
    const auto type = Attribute(real_path + "/device/type");
    return !(type && *type == "MMC");
  }
  std::string path = real_path;
  while (path.size() > sysfs_root.size()) {
    const auto removable = Attribute(path + "/removable");
    const bool whole_disk = path == real_path;
    if (!whole_disk && removable && *removable == "removable") return true;
    const auto facing = Attribute(path + "/external_facing");
    if (facing && *facing == "1") return true;
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) break;
    path.resize(slash);
  }
  return false;
}

Result<Disk> ReadDiskAt(const std::string& path,
                        const std::string& sysfs_root) {
  Disk disk;
  ASSIGN_OR_RETURN(disk.sysfs_path, RealPath(path));
  disk.name = disk.sysfs_path.substr(disk.sysfs_path.rfind('/') + 1);
  const auto number = ReadNumber(disk.sysfs_path + "/dev", NodeKind::kBlock);
  if (!number) return Fail(Code::kNotFound, path + ": has no device number");
  disk.number = *number;
  disk.size_bytes = NumberOr(disk.sysfs_path + "/size", 0) * kSectorBytes;
  disk.sequence = NumberOr(disk.sysfs_path + "/diskseq", 0);
  disk.removable = NumberOr(disk.sysfs_path + "/removable", 0) != 0;
  disk.read_only = NumberOr(disk.sysfs_path + "/ro", 0) != 0;
  ASSIGN_OR_RETURN(const std::string real_root, RealPath(sysfs_root));
  disk.external = IsExternal(disk.sysfs_path, real_root);
  for (const std::string& name : ListOrNone(disk.sysfs_path)) {
    const std::string part = disk.sysfs_path + "/" + name;
    const uint64_t index = NumberOr(part + "/partition", 0);
    if (index == 0 || index > INT_MAX) continue;
    const auto part_number = ReadNumber(part + "/dev", NodeKind::kBlock);
    if (!part_number) continue;
    disk.partitions.push_back({name, *part_number,
                               NumberOr(part + "/size", 0) * kSectorBytes,
                               static_cast<int>(index)});
  }
  disk.generic_nodes = GenericNodes(disk.sysfs_path);
  return disk;
}

bool IsVirtual(const std::string& name) {
  constexpr std::array<std::string_view, 6> kVirtual = {"loop", "ram", "zram",
                                                        "dm-",  "md",  "nbd"};
  return std::ranges::any_of(kVirtual, [&name](std::string_view prefix) {
    return name.starts_with(prefix);
  });
}

// Whole disk of a disk or partition, as its /sys/dev/block link tells.
Result<std::string> WholeDisk(const std::string& number,
                              const std::string& sysfs_root) {
  ASSIGN_OR_RETURN(std::string path,
                   RealPath(sysfs_root + "/dev/block/" + number));
  if (Attribute(path + "/partition")) path.resize(path.rfind('/'));
  return path;
}

enum class Which { kAll, kInternal };

// Block devices that carry `number`, down to real disks.
void AddStack(const std::string& number, const std::string& sysfs_root,
              Which which, std::vector<DeviceNumber>* nodes) {
  std::vector<std::pair<std::string, int>> open = {{number, 0}};
  std::set<std::string> seen;
  while (!open.empty()) {
    const auto [next, depth] = open.back();
    open.pop_back();
    const auto path = WholeDisk(next, sysfs_root);
    if (!path || depth > kMaxStackDepth || !seen.insert(*path).second) continue;
    const auto disk = ReadDiskAt(*path, sysfs_root);
    if (disk && (which == Which::kAll || !disk->external)) {
      const auto all = disk->AllNodes();
      nodes->insert(nodes->end(), all.begin(), all.end());
    }
    // A partition has no slaves of its own; the whole disk's are the stack.
    for (const std::string& slave : ListOrNone(*path + "/slaves")) {
      const auto text = Attribute(*path + "/slaves/" + slave + "/dev");
      if (text) open.emplace_back(*text, depth + 1);
    }
  }
}

// btrfs and overlay tell an anonymous device; then the source names a node.
std::optional<std::string> NumberOfNode(const std::string& node) {
  struct stat info = {};
  if (!node.starts_with("/dev/") || stat(node.c_str(), &info) != 0 ||
      !S_ISBLK(info.st_mode)) {
    return std::nullopt;
  }
  return std::to_string(major(info.st_rdev)) + ":" +
         std::to_string(minor(info.st_rdev));
}

std::optional<std::string> BackingFileNode(const std::string& number,
                                           const std::string& sysfs_root) {
  // A loop device over a file: its filesystem is found by its own mount.
  return Attribute(sysfs_root + "/dev/block/" + number + "/loop/backing_file");
}

}  // namespace

std::vector<DeviceNumber> Disk::AllNodes() const {
  std::vector<DeviceNumber> nodes = {number};
  for (const Partition& partition : partitions) {
    nodes.push_back(partition.number);
  }
  nodes.insert(nodes.end(), generic_nodes.begin(), generic_nodes.end());
  return nodes;
}

Result<Disk> ReadDisk(const std::string& name, const std::string& sysfs_root) {
  if (name.empty() || name.find('/') != std::string::npos || name[0] == '.') {
    return Fail(Code::kInvalidArgument, "disk name");
  }
  return ReadDiskAt(sysfs_root + "/block/" + name, sysfs_root);
}

Result<std::vector<Disk>> AllDisks(const std::string& sysfs_root) {
  ASSIGN_OR_RETURN(const auto names, List(sysfs_root + "/block"));
  std::vector<Disk> disks;
  for (const std::string& name : names) {
    if (IsVirtual(name)) continue;
    auto disk = ReadDisk(name, sysfs_root);
    if (disk) disks.push_back(std::move(*disk));
  }
  return disks;
}

Result<std::vector<Disk>> DisksOfUsbDevice(const std::string& device_sysfs_path,
                                           const std::string& sysfs_root) {
  ASSIGN_OR_RETURN(const std::string device, RealPath(device_sysfs_path));
  const std::string below = device + "/";
  const std::string block = sysfs_root + "/block/";
  ASSIGN_OR_RETURN(const auto names, List(sysfs_root + "/block"));
  std::vector<Disk> disks;
  for (const std::string& name : names) {
    const auto path = RealPath(std::string(block).append(name));
    if (!path || !path->starts_with(below)) continue;
    if (disks.size() == kMaxDisksOfDevice) {
      return Fail(Code::kResourceExhausted, device + ": too many disks");
    }
    auto disk = ReadDiskAt(*path, sysfs_root);
    if (disk) disks.push_back(std::move(*disk));
  }
  return disks;
}

Result<std::vector<DeviceNumber>> SystemDisks(const std::string& sysfs_root,
                                              const std::string& proc_root) {
  constexpr std::array<std::string_view, 6> kSystem = {
      "/", "/usr", "/var", "/boot", "/boot/efi", "/efi"};
  std::vector<DeviceNumber> nodes;
  ASSIGN_OR_RETURN(const auto mounts, InitMounts(proc_root));
  for (const MountEntry& mount : mounts) {
    const bool system =
        std::ranges::find(kSystem, mount.mount_point) != kSystem.end();
    const Which which = system ? Which::kAll : Which::kInternal;
    const std::string number = std::to_string(mount.device.major) + ":" +
                               std::to_string(mount.device.minor);
    if (mount.device.major != 0) {
      if (!BackingFileNode(number, sysfs_root)) {
        AddStack(number, sysfs_root, which, &nodes);
      }
    } else if (const auto node = NumberOfNode(mount.source)) {
      AddStack(*node, sysfs_root, which, &nodes);
    }
  }
  const auto swaps = ReadFileAt(AT_FDCWD, proc_root + "/swaps", kMaxProcBytes);
  if (swaps) {
    for (const std::string_view line : Split(*swaps, '\n')) {
      const std::string file(line.substr(0, line.find_first_of(" \t")));
      if (const auto node = NumberOfNode(file)) {
        AddStack(*node, sysfs_root, Which::kAll, &nodes);
      }
    }
  }
  std::ranges::sort(nodes);
  const auto twice = std::ranges::unique(nodes);
  nodes.erase(twice.begin(), twice.end());
  return nodes;
}

}  // namespace sekisho::enforce
