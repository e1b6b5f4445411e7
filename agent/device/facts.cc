#include "agent/device/facts.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "agent/device/descriptors.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::device {
namespace {

constexpr size_t kSysfsPage = 4096;

// Without the trailing newline, cut to the cap; empty when there is none.
std::string TextAt(int dir_fd, const std::string& attribute) {
  const auto read = ReadFileAt(dir_fd, attribute, kSysfsPage);
  if (!read) return {};
  std::string text = *read;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) {
    text.pop_back();
  }
  if (text.size() > kMaxStringBytes) text.resize(kMaxStringBytes);
  return text;
}

std::string TrimmedAt(int dir_fd, const std::string& attribute) {
  return std::string(Trim(TextAt(dir_fd, attribute)));
}

void ReadTexts(int dir_fd, const std::string& name, policy::DeviceFacts& out) {
  out.bus = "usb";
  out.serial = TextAt(dir_fd, "serial");
  out.manufacturer = TextAt(dir_fd, "manufacturer");
  out.product = TextAt(dir_fd, "product");
  out.speed = TrimmedAt(dir_fd, "speed");
  out.port = name.substr(0, kMaxStringBytes);
}

bool Any(const policy::DeviceFacts& facts, uint8_t klass) {
  return std::ranges::any_of(facts.interfaces,
                             [&](const auto& i) { return i.klass == klass; });
}

}  // namespace

Result<policy::DeviceFacts> UsbFacts(int dir_fd, const std::string& name) {
  ASSIGN_OR_RETURN(const std::string raw,
                   ReadFileAt(dir_fd, "descriptors", kMaxDescriptorBytes));
  ASSIGN_OR_RETURN(UsbDescriptors descriptors, ParseDescriptors(AsBytes(raw)));
  policy::DeviceFacts facts;
  ReadTexts(dir_fd, name, facts);
  facts.vendor_id = std::move(descriptors.vendor_id);
  facts.product_id = std::move(descriptors.product_id);
  facts.interfaces = std::move(descriptors.interfaces);
  facts.descriptor_hash = std::move(descriptors.hash);
  return facts;
}

policy::DeviceFacts IdentityOnly(int dir_fd, const std::string& name) {
  policy::DeviceFacts facts;
  ReadTexts(dir_fd, name, facts);
  facts.vendor_id = TrimmedAt(dir_fd, "idVendor").substr(0, 4);
  facts.product_id = TrimmedAt(dir_fd, "idProduct").substr(0, 4);
  return facts;
}

std::string MediumSerial(int disk_dir_fd) {
  // VPD page 0x80: 4 bytes of header, the last two the length.
  const auto page = ReadFileAt(disk_dir_fd, "device/vpd_pg80", kSysfsPage);
  if (page && page->size() > 4) {
    const ByteSpan bytes = AsBytes(*page);
    const size_t told = std::to_integer<size_t>(bytes[2]) << 8 |
                        std::to_integer<size_t>(bytes[3]);
    const std::string_view text = std::string_view(*page).substr(
        4, std::min({told, page->size() - 4, kMaxStringBytes}));
    return std::string(Trim(text));
  }
  for (const char* attribute : {"device/cid", "device/serial"}) {
    std::string text = TrimmedAt(disk_dir_fd, attribute);
    if (!text.empty()) return text;
  }
  return {};
}

Result<policy::DeviceFacts> DiskFacts(int dir_fd,
                                      const std::string& sysfs_path) {
  if (::faccessat(dir_fd, "size", F_OK, 0) != 0) {
    return FailErrno("disk '" + EscapeUntrusted(sysfs_path) + "'");
  }
  policy::DeviceFacts facts;
  const std::string name = sysfs_path.substr(sysfs_path.rfind('/') + 1);
  if (sysfs_path.contains("/mmc_host/")) {
    facts.bus = "mmc";
    facts.product = TrimmedAt(dir_fd, "device/name");
    facts.vendor_id = TrimmedAt(dir_fd, "device/manfid");
    if (facts.vendor_id.starts_with("0x") && facts.vendor_id.size() == 8) {
      facts.vendor_id = facts.vendor_id.substr(4);
    }
  } else if (name.starts_with("nvme")) {
    facts.bus = "pci";
    facts.product = TrimmedAt(dir_fd, "device/model");
  } else {
    facts.bus = name.starts_with("sr") ? "optical" : "scsi";
    facts.manufacturer = TrimmedAt(dir_fd, "device/vendor");
    facts.product = TrimmedAt(dir_fd, "device/model");
  }
  facts.serial = MediumSerial(dir_fd);
  facts.port = name;
  return facts;
}

bool HoldsMedium(const policy::DeviceFacts& facts) {
  return facts.bus != "usb" || Any(facts, 0x08);
}

bool IsHub(const policy::DeviceFacts& facts) { return Any(facts, 0x09); }

bool IsKeyboard(const policy::DeviceFacts& facts) {
  return std::ranges::any_of(facts.interfaces, [](const auto& i) {
    return i == policy::UsbInterface{0x03, 0x01, 0x01};
  });
}

}  // namespace sekisho::device
