#include "agent/attribute/process.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "common/file.h"
#include "common/text.h"

namespace sekisho::attribute {
namespace {

constexpr size_t kMaxProcFileBytes = size_t{64} * 1024;
constexpr int64_t kUnset = UINT32_MAX;

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  text = Trim(text);
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

int64_t AuditNumber(const std::string& path) {
  const auto read = ReadFileAt(AT_FDCWD, path, 64);
  const auto value = read ? Number(*read) : std::nullopt;
  return value && *value != kUnset ? *value : -1;
}

struct Stat {
  int64_t parent = 0;
  int64_t tty_number = 0;
  uint64_t start_time = 0;
};

// Fields after the name, which ends at the last ')' whatever it holds.
Result<Stat> ReadStat(const std::string& dir) {
  ASSIGN_OR_RETURN(const std::string text,
                   ReadFileAt(AT_FDCWD, dir + "/stat", kMaxProcFileBytes));
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= text.size()) {
    return Fail(Code::kDataLoss, dir + "/stat: malformed");
  }
  const auto fields =
      Split(Trim(std::string_view(text).substr(name_end + 2)), ' ');
  if (fields.size() < 20) {
    return Fail(Code::kDataLoss, dir + "/stat: too few fields");
  }
  Stat stat;
  stat.parent = Number(fields[1]).value_or(0);
  stat.tty_number = Number(fields[4]).value_or(0);
  stat.start_time = static_cast<uint64_t>(Number(fields[19]).value_or(0));
  return stat;
}

int64_t RealUid(const std::string& status) {
  for (const std::string_view line : Split(status, '\n')) {
    if (!line.starts_with("Uid:")) continue;
    const auto words = Split(Trim(line.substr(4)), '\t');
    return Number(words.front()).value_or(-1);
  }
  return -1;
}

std::string UnifiedCgroup(const std::string& text) {
  for (const std::string_view line : Split(text, '\n')) {
    if (line.starts_with("0::")) return std::string(line.substr(3));
  }
  return {};
}

std::string LinkTarget(const std::string& path) {
  std::array<char, 4096> buffer{};
  const ssize_t size = ::readlink(path.c_str(), buffer.data(), buffer.size());
  return size > 0 ? std::string(buffer.data(), static_cast<size_t>(size)) : "";
}

}  // namespace

Result<Process> ReadProcess(const std::string& root, pid_t pid) {
  const std::string dir = fmt::format("{}/proc/{}", root, pid);
  ASSIGN_OR_RETURN(const Stat before, ReadStat(dir));
  ASSIGN_OR_RETURN(const std::string status,
                   ReadFileAt(AT_FDCWD, dir + "/status", kMaxProcFileBytes));
  Process process;
  process.pid = pid;
  process.parent = before.parent;
  process.start_time = before.start_time;
  process.uid = RealUid(status);
  process.login_uid = AuditNumber(dir + "/loginuid");
  process.audit_session = AuditNumber(dir + "/sessionid");
  process.tty = TtyName(before.tty_number);
  if (const auto cgroup =
          ReadFileAt(AT_FDCWD, dir + "/cgroup", kMaxProcFileBytes)) {
    process.cgroup = UnifiedCgroup(*cgroup);
  }
  process.program = LinkTarget(dir + "/exe");
  // A long command line is over any cap; its beginning would do, but a read
  // that is cut tells no count.
  const auto cmdline =
      ReadFileAt(AT_FDCWD, dir + "/cmdline", size_t{256} * 1024);
  if (cmdline) process.command = RedactCommand(*cmdline);
  ASSIGN_OR_RETURN(const Stat after, ReadStat(dir));
  if (after.start_time != before.start_time) {
    return Fail(Code::kNotFound, fmt::format("process {} is gone", pid));
  }
  return process;
}

Result<uint64_t> StartTimeOf(const std::string& root, pid_t pid) {
  ASSIGN_OR_RETURN(const Stat stat,
                   ReadStat(fmt::format("{}/proc/{}", root, pid)));
  return stat.start_time;
}

std::string RedactCommand(std::string_view cmdline) {
  while (!cmdline.empty() && cmdline.back() == '\0') cmdline.remove_suffix(1);
  if (cmdline.empty()) return {};
  const auto words = std::ranges::count(cmdline, '\0');
  // A process may overwrite its words and put spaces between them.
  std::string_view first = cmdline.substr(0, cmdline.find('\0'));
  const size_t space = first.find(' ');
  const bool rewritten = words == 0 && space != std::string_view::npos;
  if (rewritten) first = first.substr(0, space);
  std::string shown(first.substr(0, kMaxCommandBytes - 64));
  if (rewritten) return shown + " (arguments not shown)";
  if (words == 0) return shown;
  return fmt::format("{} ({} argument{} not shown)", shown, words,
                     words == 1 ? "" : "s");
}

std::string TtyName(int64_t tty_number) {
  if (tty_number <= 0 || tty_number > UINT32_MAX) return {};
  const auto number = static_cast<uint32_t>(tty_number);
  const uint32_t major = number >> 8 & 0xfff;
  const uint32_t minor = (number & 0xff) | (number >> 12 & 0xfff00);
  if (major == 4) {
    return minor < 64 ? fmt::format("tty{}", minor)
                      : fmt::format("ttyS{}", minor - 64);
  }
  if (major >= 136 && major < 144) {
    return fmt::format("pts/{}", (major - 136) * 256 + minor);
  }
  if (major == 204 && minor >= 64 && minor < 68) {
    return fmt::format("ttyAMA{}", minor - 64);
  }
  if (major == 229) return fmt::format("hvc{}", minor);
  return fmt::format("tty({}:{})", major, minor);
}

}  // namespace sekisho::attribute
