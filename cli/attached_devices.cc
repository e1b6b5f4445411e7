#include "cli/attached_devices.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "common/file.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr size_t kMaxAttributeBytes = 4096;
constexpr size_t kMaxDescriptorBytes = size_t{64} * 1024;
constexpr uint8_t kInterfaceDescriptor = 4;
constexpr size_t kMaxInterfaces = 255;

std::string Attribute(const std::string& dir, const std::string& name) {
  const auto text = ReadFileAt(AT_FDCWD, dir + "/" + name, kMaxAttributeBytes);
  if (!text) return "";
  std::string_view value = *text;
  if (value.ends_with('\n')) value.remove_suffix(1);
  return std::string(value);
}

// Descriptors are records of length and type.
std::vector<policy::UsbInterface> Interfaces(std::string_view bytes) {
  std::vector<policy::UsbInterface> out;
  while (bytes.size() >= 2 && out.size() < kMaxInterfaces) {
    const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
    const size_t length = at(0);
    if (length < 2 || length > bytes.size()) break;
    if (at(1) == kInterfaceDescriptor && length >= 9) {
      out.push_back({at(5), at(6), at(7)});
    }
    bytes.remove_prefix(length);
  }
  return out;
}

}  // namespace

std::vector<policy::DeviceFacts> AttachedDevices(
    const std::string& sysfs_root) {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::error_code error;
  const std::string base = sysfs_root + "/bus/usb/devices";
  for (auto at = fs::directory_iterator(base, error);
       !error && at != fs::directory_iterator(); at.increment(error)) {
    std::string name = at->path().filename().string();
    // Interfaces have a colon; root hubs are the machine's own.
    if (name.find(':') == std::string::npos && !name.starts_with("usb")) {
      names.push_back(std::move(name));
    }
  }
  std::ranges::sort(names);
  std::vector<policy::DeviceFacts> devices;
  for (const std::string& name : names) {
    const std::string dir = base + "/" + name;
    policy::DeviceFacts device;
    device.vendor_id = Attribute(dir, "idVendor");
    device.product_id = Attribute(dir, "idProduct");
    if (device.vendor_id.size() != 4 || device.product_id.size() != 4) continue;
    device.serial = Attribute(dir, "serial");
    device.manufacturer = Attribute(dir, "manufacturer");
    device.product = Attribute(dir, "product");
    device.port = name;
    const auto descriptors =
        ReadFileAt(AT_FDCWD, dir + "/descriptors", kMaxDescriptorBytes);
    if (descriptors) device.interfaces = Interfaces(*descriptors);
    devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace sekisho::cli
