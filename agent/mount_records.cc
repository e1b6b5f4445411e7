#include "agent/mount_records.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "common/bytes.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

constexpr size_t kMaxRecordFileBytes = size_t{64} * 1024;
constexpr size_t kMaxNameBytes = 48;
// The last one; a record of before an upgrade has none.
constexpr char kNewest[] = "mapping";

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

// Each member once, for both directions.
template <typename Record, typename Visit>
void Members(Record& record, Visit visit) {
  visit("mount_id", record.mount_id);
  visit("mount_point", record.mount_point);
  visit("access", record.access);
  visit("owner_uid", record.owner_uid);
  visit("owner_gid", record.owner_gid);
  visit("sysfs_path", record.sysfs_path);
  visit("device_number", record.device_number);
  visit("size_bytes", record.medium.size_bytes);
  visit("filesystem", record.medium.filesystem);
  visit("volume_uuid", record.medium.volume_uuid);
  visit("volume_label", record.medium.volume_label);
  visit("encryption", record.medium.encryption);
  visit("medium_serial", record.medium.medium_serial);
  visit("written_before", record.written_before);
  visit(kNewest, record.mapping);
}

std::string ToText(int64_t value) { return std::to_string(value); }
std::string ToText(const std::string& value) { return ToHex(AsBytes(value)); }

bool FromText(std::string_view text, int64_t& value) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}
bool FromText(std::string_view text, std::string& value) {
  const auto bytes = FromHex(text);
  if (!bytes) return false;
  value = AsText(*bytes);
  return true;
}

std::string PathOf(const std::string& dir, int64_t mount_id) {
  return fmt::format("{}/{}", dir, mount_id);
}

// Bytes of UTF-8 above ASCII pass: the whole is checked as UTF-8 before.
bool Keeps(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0 || c == '-' || c == '_' ||
         c == '.' || c == ' ';
}

std::string Clean(const std::string& raw) {
  // Escaping finds controls and direction overrides of any script.
  if (!IsValidUtf8(raw) || EscapeUntrusted(raw) != raw) {
    std::string plain;
    for (const char c : raw) {
      const bool ascii = static_cast<unsigned char>(c) < 0x80;
      plain.push_back(ascii && Keeps(c) ? c : '_');
    }
    return plain.substr(0, kMaxNameBytes);
  }
  std::string name(Trim(raw));
  std::ranges::replace_if(name, [](char c) { return !Keeps(c); }, '_');
  size_t size = std::min(name.size(), kMaxNameBytes);
  while (size > 0 && !IsValidUtf8(name.substr(0, size))) --size;
  name.resize(size);
  if (!name.empty() && name[0] == '.') name[0] = '_';
  return name;
}

}  // namespace

std::string Print(const MountRecord& record) {
  std::string text;
  Members(record, [&](const char* key, const auto& value) {
    text += fmt::format("{}={}\n", key, ToText(value));
  });
  return text;
}

Result<MountRecord> ParseMountRecord(const std::string& text) {
  MountRecord record;
  const auto lines = Split(text, '\n');
  size_t at = 0;
  bool ok = true;
  Members(record, [&](const char* key, auto& value) {
    const std::string start = std::string(key) + "=";
    if (key == kNewest && (at >= lines.size() || lines[at].empty())) return;
    ok = ok && at < lines.size() && lines[at].starts_with(start) &&
         FromText(lines[at].substr(start.size()), value);
    ++at;
  });
  if (!ok || record.mount_id <= 0) {
    return Fail(Code::kDataLoss, "mount record is malformed");
  }
  return record;
}

Status WriteRecord(const std::string& dir, const MountRecord& record) {
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) {
    return FailErrno("mkdir " + dir);
  }
  return ReplaceFile(PathOf(dir, record.mount_id), Print(record), 0600);
}

void RemoveRecord(const std::string& dir, int64_t mount_id) {
  ::unlink(PathOf(dir, mount_id).c_str());
}

std::vector<MountRecord> ReadRecords(const std::string& dir) {
  std::vector<MountRecord> records;
  const std::unique_ptr<DIR, DirCloser> open(::opendir(dir.c_str()));
  if (open == nullptr) return records;
  while (const dirent* entry = ::readdir(open.get())) {
    if (entry->d_name[0] == '.') continue;
    const auto text =
        ReadFileAt(AT_FDCWD, dir + "/" + entry->d_name, kMaxRecordFileBytes);
    if (!text) continue;
    if (auto record = ParseMountRecord(*text)) {
      records.push_back(std::move(*record));
    }
  }
  return records;
}

std::string MountName(const policy::DeviceFacts& facts,
                      const std::vector<std::string>& taken) {
  std::string base;
  if (facts.medium) base = Clean(facts.medium->volume_label);
  if (base.empty()) base = Clean(facts.serial);
  if (base.empty() && facts.medium) base = Clean(facts.medium->volume_uuid);
  if (base.empty()) base = "medium";
  std::string name = base;
  for (int i = 2; std::ranges::find(taken, name) != taken.end(); ++i) {
    name = fmt::format("{}-{}", base, i);
  }
  return name;
}

}  // namespace sekisho::agent
