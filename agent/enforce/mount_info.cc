// Reads /proc/PID/mountinfo (proc(5)).
#include <fcntl.h>

#include <algorithm>
#include <charconv>

#include "agent/enforce/mount.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::enforce {
namespace {

constexpr size_t kMaxMountInfoBytes = size_t{4} * 1024 * 1024;

template <typename Number>
bool ParseNumber(std::string_view text, Number* out) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size() &&
         !text.empty();
}

// Space, tab, newline and backslash stand as \040, \011, \012, \134.
std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](size_t at) {
      return at < text.size() && text[at] >= '0' && text[at] <= '7';
    };
    if (text[i] == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out.push_back(static_cast<char>((text[i + 1] - '0') * 64 +
                                      (text[i + 2] - '0') * 8 +
                                      (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

bool ParseLine(std::string_view line, MountEntry* out) {
  const std::vector<std::string_view> fields = Split(line, ' ');
  // id parent major:minor root mount-point options [tags...] - type source opts
  const auto dash = std::ranges::find(fields, std::string_view("-"));
  if (dash - fields.begin() < 6 || fields.end() - dash < 4) return false;
  const size_t colon = fields[2].find(':');
  if (colon == std::string_view::npos) return false;
  if (!ParseNumber(fields[0], &out->id) ||
      !ParseNumber(fields[2].substr(0, colon), &out->device.major) ||
      !ParseNumber(fields[2].substr(colon + 1), &out->device.minor)) {
    return false;
  }
  out->root = Unescape(fields[3]);
  out->mount_point = Unescape(fields[4]);
  out->options = std::string(fields[5]);
  out->type = std::string(dash[1]);
  out->source = Unescape(dash[2]);
  return true;
}

}  // namespace

Result<std::vector<MountEntry>> ParseMountInfo(const std::string& text) {
  std::vector<MountEntry> entries;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.empty()) continue;
    MountEntry entry;
    if (!ParseLine(line, &entry)) {
      return Fail(Code::kDataLoss, "mountinfo: cannot read '" +
                                       EscapeUntrusted(line, 200) + "'");
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::vector<MountEntry>> InitMounts(const std::string& proc_root) {
  ASSIGN_OR_RETURN(
      const std::string text,
      ReadFileAt(AT_FDCWD, proc_root + "/1/mountinfo", kMaxMountInfoBytes));
  return ParseMountInfo(text);
}

std::vector<MountEntry> MountsOf(const std::vector<MountEntry>& mounts,
                                 const std::vector<DeviceNumber>& devices) {
  std::vector<MountEntry> found;
  for (const MountEntry& entry : mounts) {
    if (std::ranges::find(devices, entry.device) != devices.end()) {
      found.push_back(entry);
    }
  }
  return found;
}

}  // namespace sekisho::enforce
