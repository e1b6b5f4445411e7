#include "agent/enforce/crypt_mapping.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/dm-ioctl.h>
#include <linux/keyctl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <memory>

#include "common/file.h"
#include "common/text.h"
#include "common/unique_fd.h"

namespace sekisho::enforce {
namespace {

constexpr char kControl[] = "/dev/mapper/control";
constexpr size_t kMaxSegments = 16;
constexpr size_t kBufferBytes = size_t{16} << 10;
constexpr size_t kMaxCipherBytes = 64;
constexpr size_t kMaxNameBytes = 64;

// One ioctl's arguments and answer, wiped when it goes.
class Request {
 public:
  explicit Request(const std::string& name) : bytes_(kBufferBytes) {
    head().version[0] = DM_VERSION_MAJOR;
    head().version[1] = 0;
    head().version[2] = 0;
    head().data_size = kBufferBytes;
    head().data_start = sizeof(dm_ioctl);
    name.copy(head().name, sizeof(head().name) - 1);
  }
  ~Request() { ::explicit_bzero(bytes_.data(), bytes_.size()); }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  dm_ioctl& head() { return *reinterpret_cast<dm_ioctl*>(bytes_.data()); }

  Status AddLine(const TableLine& line) {
    const size_t whole =
        (sizeof(dm_target_spec) + line.parameters.size() + 1 + 7) & ~size_t{7};
    if (at_ + whole > bytes_.size()) {
      return Fail(Code::kResourceExhausted, "the table is too long");
    }
    dm_target_spec spec{};
    spec.sector_start = static_cast<uint64_t>(line.start_sector);
    spec.length = static_cast<uint64_t>(line.length_sectors);
    spec.next = static_cast<uint32_t>(whole);
    line.target.copy(spec.target_type, sizeof(spec.target_type) - 1);
    std::memcpy(&bytes_[at_], &spec, sizeof spec);
    line.parameters.copy(&bytes_[at_ + sizeof spec], line.parameters.size());
    at_ += whole;
    ++head().target_count;
    return {};
  }

  Status Send(int control, unsigned long command, const char* what) {
    if (::ioctl(control, command, bytes_.data()) != 0) {
      return FailErrno(std::string("device-mapper: ") + what);
    }
    return {};
  }

 private:
  std::vector<char> bytes_;
  size_t at_ = sizeof(dm_ioctl);
};

// In the keyring of this thread, for as long as the table is being loaded.
class LoadedKey {
 public:
  static Result<LoadedKey> Add(const std::string& name, std::string_view key) {
    const long serial =
        ::syscall(SYS_add_key, "logon", name.c_str(), key.data(), key.size(),
                  KEY_SPEC_THREAD_KEYRING);
    if (serial < 0) return FailErrno("add_key");
    return LoadedKey(serial);
  }
  LoadedKey(LoadedKey&& other) noexcept : serial_(other.serial_) {
    other.serial_ = 0;
  }
  LoadedKey& operator=(LoadedKey&&) = delete;
  ~LoadedKey() {
    if (serial_ == 0) return;
    ::syscall(SYS_keyctl, KEYCTL_REVOKE, serial_);
    ::syscall(SYS_keyctl, KEYCTL_UNLINK, serial_, KEY_SPEC_THREAD_KEYRING);
  }

 private:
  explicit LoadedKey(long serial) : serial_(serial) {}
  long serial_;
};

bool IsCipherName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxCipherBytes &&
         std::ranges::all_of(text, [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                  c == '-' || c == '_' || c == ':' || c == '(' || c == ')';
         });
}

Status Misfit(std::string_view what) {
  return Fail(Code::kInvalidArgument, fmt::format("its header names {}", what));
}

}  // namespace

Status CheckVolume(const CryptVolume& volume, int64_t device_sectors) {
  if (!IsCipherName(volume.cipher)) return Misfit("no cipher");
  if (volume.key.empty() || volume.key.size() > 128) return Misfit("no key");
  const int64_t sector = volume.sector_bytes;
  if (sector < 512 || sector > 4096 || (sector & (sector - 1)) != 0) {
    return Misfit("a sector size that does not exist");
  }
  if (volume.segments.empty() || volume.segments.size() > kMaxSegments) {
    return Misfit("no data");
  }
  int64_t next = 0;
  for (const CryptSegment& segment : volume.segments) {
    if (segment.start_sector != next || segment.length_sectors <= 0 ||
        segment.length_sectors > device_sectors || segment.iv_sector < 0) {
      return Misfit("data with gaps");
    }
    next += segment.length_sectors;
    if (segment.device_sector < 0) continue;
    if (segment.device_sector > device_sectors - segment.length_sectors) {
      return Misfit("data behind the end of the device");
    }
  }
  return {};
}

std::vector<TableLine> TableOf(const CryptVolume& volume,
                               const std::string& key_name) {
  std::vector<TableLine> table;
  for (const CryptSegment& segment : volume.segments) {
    TableLine& line = table.emplace_back();
    line.start_sector = segment.start_sector;
    line.length_sectors = segment.length_sectors;
    if (segment.device_sector < 0) {
      line.target = "zero";
      continue;
    }
    line.target = "crypt";
    line.parameters = fmt::format("{} :{}:logon:{} {} {}:{} {}", volume.cipher,
                                  volume.key.size(), key_name,
                                  segment.iv_sector, volume.device.major,
                                  volume.device.minor, segment.device_sector);
    if (volume.sector_bytes == 512) continue;
    line.parameters += fmt::format(" {} sector_size:{}{}",
                                   volume.large_iv ? 2 : 1, volume.sector_bytes,
                                   volume.large_iv ? " iv_large_sectors" : "");
  }
  return table;
}

Result<Mapping> CreateMapping(const std::string& name) {
  if (name.size() > kMaxNameBytes || !name.starts_with(kMappingPrefix)) {
    return Fail(Code::kInvalidArgument, "no name of a mapping: " + name);
  }
  ASSIGN_OR_RETURN(const UniqueFd control, OpenAt(AT_FDCWD, kControl, O_RDWR));
  Request create(name);
  RETURN_IF_ERROR(create.Send(control.get(), DM_DEV_CREATE, "create"));
  const auto dev = static_cast<dev_t>(create.head().dev);
  return Mapping{.name = name,
                 .node_path = fmt::format("/dev/dm-{}", minor(dev)),
                 .number = {NodeKind::kBlock, major(dev), minor(dev)},
                 .size_bytes = 0};
}

Status LoadMapping(Mapping& mapping, const CryptVolume& volume) {
  ASSIGN_OR_RETURN(const UniqueFd control, OpenAt(AT_FDCWD, kControl, O_RDWR));
  const std::string key_name = "sekisho:" + mapping.name;
  ASSIGN_OR_RETURN(const LoadedKey key, LoadedKey::Add(key_name, volume.key));
  Request load(mapping.name);
  load.head().flags = DM_SECURE_DATA_FLAG;
  for (const TableLine& line : TableOf(volume, key_name)) {
    RETURN_IF_ERROR(load.AddLine(line));
  }
  RETURN_IF_ERROR(load.Send(control.get(), DM_TABLE_LOAD, "table"));
  Request resume(mapping.name);
  RETURN_IF_ERROR(resume.Send(control.get(), DM_DEV_SUSPEND, "resume"));
  const CryptSegment& last = volume.segments.back();
  mapping.size_bytes = (last.start_sector + last.length_sectors) * 512;
  return {};
}

Status RemoveMapping(const std::string& name) {
  const auto control = OpenAt(AT_FDCWD, kControl, O_RDWR);
  // Without the module there is no mapping.
  if (!control) return {};
  Request remove(name);
  remove.head().flags = DM_DEFERRED_REMOVE;
  const Status done = remove.Send(control->get(), DM_DEV_REMOVE, "remove");
  if (!done && done.error().code == Code::kNotFound) return {};
  return done;
}

std::vector<std::string> OurMappings(const std::string& sysfs_root) {
  std::vector<std::string> names;
  const std::string block = sysfs_root + "/block";
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(block.c_str()),
                                                ::closedir);
  if (!dir) return names;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (std::strncmp(entry->d_name, "dm-", 3) != 0) continue;
    const auto text = ReadFileAt(
        AT_FDCWD, fmt::format("{}/{}/dm/name", block, entry->d_name), 256);
    if (!text) continue;
    std::string name(Trim(*text));
    if (name.starts_with(kMappingPrefix)) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace sekisho::enforce
