#include "agent/standing.h"

#include <limits.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "agent/attribute/attribution.h"
#include "agent/enforce/sysfs_disks.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

constexpr size_t kMaxRouteBytes = size_t{256} * 1024;
constexpr int64_t kFirstOrdinaryUid = 1000;

std::string RealPath(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  return ::realpath(path.c_str(), buffer.data()) == nullptr ? ""
                                                            : buffer.data();
}

// Interfaces of IPv4 default routes.
std::vector<std::string> DefaultRoutes(const std::string& proc_root) {
  std::vector<std::string> names;
  const auto text =
      ReadFileAt(AT_FDCWD, proc_root + "/net/route", kMaxRouteBytes);
  if (!text) return names;
  for (const std::string_view line : Split(*text, '\n')) {
    const auto fields = Split(line, '\t');
    if (fields.size() > 2 && fields[1] == "00000000") {
      names.emplace_back(fields[0]);
    }
  }
  return names;
}

bool CarriesSystem(const std::string& sysfs_path, const std::string& sysfs_root,
                   const std::string& proc_root) {
  const auto disks = enforce::DisksOfUsbDevice(sysfs_path, sysfs_root);
  if (!disks || disks->empty()) return false;
  const auto system = enforce::SystemDisks(sysfs_root, proc_root);
  if (!system) return false;
  for (const enforce::Disk& disk : *disks) {
    for (const enforce::DeviceNumber& node : disk.AllNodes()) {
      if (std::ranges::find(*system, node) != system->end()) return true;
    }
  }
  return false;
}

}  // namespace

bool CarriesRoute(const std::string& sysfs_path, const std::string& sysfs_root,
                  const std::string& proc_root) {
  for (const std::string& name : DefaultRoutes(proc_root)) {
    std::string device = sysfs_root;
    device.append("/class/net/").append(name).append("/device");
    const std::string real = RealPath(device);
    if (real.starts_with(sysfs_path + "/")) return true;
  }
  return false;
}

decide::Standing StandingOf(const std::string& sysfs_path,
                            const policy::DeviceFacts& facts,
                            const std::string& sysfs_root,
                            const std::string& proc_root) {
  if (facts.port.starts_with("usb")) return decide::Standing::kSystem;
  if (decide::HoldsMedium(facts) &&
      CarriesSystem(sysfs_path, sysfs_root, proc_root)) {
    return decide::Standing::kSystem;
  }
  constexpr std::array<uint8_t, 4> kNeeded = {0x01, 0x03, 0x09, 0x0b};
  const bool needed = std::ranges::any_of(facts.interfaces, [&](auto& i) {
    return std::ranges::find(kNeeded, i.klass) != kNeeded.end();
  });
  if (!decide::HoldsMedium(facts) &&
      (needed || CarriesRoute(sysfs_path, sysfs_root, proc_root))) {
    return decide::Standing::kEssential;
  }
  return decide::Standing::kOrdinary;
}

Owner OwnerOfMedium(const std::string& root) {
  const attribute::Who who = attribute::OfPlug(root);
  int64_t uid = who.uid;
  if (uid < 0) {
    std::set<int64_t> ordinary;
    for (const attribute::Session& session : attribute::ReadSessions(root)) {
      if (attribute::IsLogin(session) && session.uid >= kFirstOrdinaryUid) {
        ordinary.insert(session.uid);
      }
    }
    if (ordinary.size() == 1) uid = *ordinary.begin();
  }
  if (uid < 0) return {};
  const auto account = attribute::AccountOf(root, uid);
  return {.uid = uid, .gid = account ? account->gid : uid};
}

}  // namespace sekisho::agent
