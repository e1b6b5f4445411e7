#include "agent/enforce/gated_majors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "common/text.h"

namespace sekisho::enforce {
namespace {

// Linux Documentation/admin-guide/devices.txt.
constexpr std::array<uint32_t, 21> kBlockMajors = {
    2,                                       // fd
    43,                                      // nbd: another machine's disk
    8,   65,  66,  67,  68,  69,  70,  71,   // sd
    128, 129, 130, 131, 132, 133, 134, 135,  // sd
    11,                                      // sr
    179,                                     // mmcblk
    259,                                     // blkext: NVMe, late partitions
};
constexpr std::array<uint32_t, 5> kCharMajors = {
    9,    // st
    21,   // sg
    86,   // ch: media changers
    189,  // usbfs
    206,  // osst
};
constexpr std::array<std::string_view, 3> kBlockNames = {"mspblk", "ms_block",
                                                         "rssd"};
constexpr std::array<std::string_view, 4> kCharNames = {"bsg", "nvme",
                                                        "nvme-generic", "rpmb"};

}  // namespace

std::vector<DeviceNumber> GatedMajors(std::string_view proc_devices) {
  std::vector<DeviceNumber> result;
  result.reserve(kBlockMajors.size() + kCharMajors.size() + 8);
  for (const uint32_t major : kBlockMajors) {
    result.push_back({NodeKind::kBlock, major, 0});
  }
  for (const uint32_t major : kCharMajors) {
    result.push_back({NodeKind::kChar, major, 0});
  }
  result.push_back({NodeKind::kRemote, 0, 0});
  NodeKind kind = NodeKind::kChar;
  for (const std::string_view line : Split(proc_devices, '\n')) {
    if (line.starts_with("Character devices")) kind = NodeKind::kChar;
    if (line.starts_with("Block devices")) kind = NodeKind::kBlock;
    const std::string_view text = Trim(line);
    const size_t space = text.find(' ');
    if (space == std::string_view::npos) continue;
    const std::string digits(text.substr(0, space));
    const char* const digits_end = digits.data() + digits.size();
    uint32_t major = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits_end, major);
    if (error != std::errc() || end != digits_end) continue;
    const std::string_view name = Trim(text.substr(space));
    const bool gated =
        kind == NodeKind::kBlock
            ? std::ranges::find(kBlockNames, name) != kBlockNames.end()
            : std::ranges::find(kCharNames, name) != kCharNames.end();
    if (gated) result.push_back({kind, major, 0});
  }
  std::ranges::sort(result);
  const auto twice = std::ranges::unique(result);
  result.erase(twice.begin(), twice.end());
  return result;
}

}  // namespace sekisho::enforce
