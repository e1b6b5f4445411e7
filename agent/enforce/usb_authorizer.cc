#include "agent/enforce/usb_authorizer.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <thread>

#include "common/file.h"
#include "common/text.h"

namespace sekisho::enforce {
namespace {

constexpr uint32_t kMaxUsbNumber = 4096;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

bool IsPlainName(std::string_view name) {
  return !name.empty() && name[0] != '.' &&
         name.find('/') == std::string_view::npos;
}

Result<std::vector<std::string>> ListAt(int directory_fd) {
  ASSIGN_OR_RETURN(UniqueFd again,
                   OpenAt(directory_fd, ".", O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, CloseDirectory> directory(fdopendir(again.get()));
  if (!directory) return FailErrno("list directory");
  again.Release();
  std::vector<std::string> names;
  while (const dirent* entry = readdir(directory.get())) {
    names.emplace_back(entry->d_name);
  }
  std::ranges::sort(names);
  return names;
}

Result<int> ReadSmallNumber(int directory_fd, const std::string& attribute) {
  ASSIGN_OR_RETURN(const std::string text,
                   ReadFileAt(directory_fd, attribute, 64));
  const std::string_view digits = Trim(text);
  uint32_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      value > kMaxUsbNumber) {
    return Fail(Code::kDataLoss, attribute + ": not a number");
  }
  return static_cast<int>(value);
}

Result<Bytes> ReadDescriptors(int directory_fd) {
  ASSIGN_OR_RETURN(
      const std::string text,
      ReadFileAt(directory_fd, "descriptors", kMaxDescriptorBytes));
  const ByteSpan bytes = AsBytes(text);
  return Bytes(bytes.begin(), bytes.end());
}

}  // namespace

Result<UsbDevice> UsbDevice::Open(const std::string& sysfs_path) {
  UsbDevice device;
  ASSIGN_OR_RETURN(device.directory_,
                   OpenAt(AT_FDCWD, sysfs_path, O_RDONLY | O_DIRECTORY));
  std::string_view path = sysfs_path;
  while (path.ends_with('/')) path.remove_suffix(1);
  device.name_ = std::string(path.substr(path.rfind('/') + 1));
  // Two numbers first: a directory that is not a USB device has none.
  ASSIGN_OR_RETURN(device.devnum_,
                   ReadSmallNumber(device.directory_.get(), "devnum"));
  ASSIGN_OR_RETURN(device.busnum_,
                   ReadSmallNumber(device.directory_.get(), "busnum"));
  ASSIGN_OR_RETURN(device.descriptors_,
                   ReadDescriptors(device.directory_.get()));
  return device;
}

Result<std::string> UsbDevice::ReadAttribute(const std::string& attribute,
                                             size_t cap_bytes) const {
  if (!IsPlainName(attribute)) {
    return Fail(Code::kInvalidArgument, "attribute name");
  }
  ASSIGN_OR_RETURN(std::string text,
                   ReadFileAt(directory_.get(), attribute, cap_bytes));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

Status UsbDevice::VerifyUnchanged() const {
  const auto devnum = ReadSmallNumber(directory_.get(), "devnum");
  const auto descriptors = ReadDescriptors(directory_.get());
  if (!devnum || !descriptors) {
    return Fail(Code::kAborted, name_ + ": the device is gone");
  }
  if (*devnum != devnum_ || *descriptors != descriptors_) {
    return Fail(Code::kAborted,
                name_ + ": the device is not the one that was looked at");
  }
  return {};
}

Status UsbDevice::Authorize() {
  RETURN_IF_ERROR(VerifyUnchanged());
  if (const Status wrote = WriteOnceAt(directory_.get(), "authorized", "1");
      !wrote) {
    return Wrap("authorize " + name_, wrote.error());
  }
  const Status unchanged = VerifyUnchanged();
  if (unchanged) return {};
  const Status back = Deauthorize();
  if (back || back.error().code == Code::kNotFound) return unchanged;
  return Fail(Code::kAborted,
              unchanged.error().message +
                  "; taking it back failed: " + back.error().message);
}

Status UsbDevice::Deauthorize() {
  if (const Status wrote = WriteOnceAt(directory_.get(), "authorized", "0");
      !wrote) {
    return Wrap("deauthorize " + name_, wrote.error());
  }
  return {};
}

Result<bool> UsbDevice::IsAuthorized() const {
  const auto text = ReadAttribute("authorized", 16);
  if (!text) return std::unexpected(text.error());
  return *text == "1";
}

Result<std::vector<std::string>> UsbDevice::Interfaces() const {
  ASSIGN_OR_RETURN(const auto names, ListAt(directory_.get()));
  std::vector<std::string> interfaces;
  for (const std::string& name : names) {
    // "1-1:1.0", not the children "1-1.2" nor the endpoints "ep_00".
    if (name.find(':') == std::string::npos || !name.starts_with(name_ + ":")) {
      continue;
    }
    if (interfaces.size() == kMaxInterfaces) {
      return Fail(Code::kResourceExhausted, name_ + ": too many interfaces");
    }
    interfaces.push_back(name);
  }
  return interfaces;
}

Result<std::string> UsbDevice::ReadInterfaceAttribute(
    const std::string& interface, const std::string& attribute) const {
  if (!IsPlainName(interface) || !IsPlainName(attribute)) {
    return Fail(Code::kInvalidArgument, "interface or attribute name");
  }
  ASSIGN_OR_RETURN(std::string text,
                   ReadFileAt(directory_.get(), interface + "/" + attribute,
                              kMaxAttributeBytes));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

Status UsbDevice::SetInterface(const std::string& interface,
                               InterfaceState state) {
  if (!IsPlainName(interface)) {
    return Fail(Code::kInvalidArgument, "interface name");
  }
  const bool allow = state == InterfaceState::kAllowed;
  if (allow) RETURN_IF_ERROR(VerifyUnchanged());
  if (const Status wrote = WriteOnceAt(
          directory_.get(), interface + "/authorized", allow ? "1" : "0");
      !wrote) {
    return Wrap((allow ? "allow " : "block ") + interface, wrote.error());
  }
  if (!allow) return {};
  // The bus takes a name, so ask only for one that is still this device's.
  RETURN_IF_ERROR(VerifyUnchanged());
  if (const Status probed =
          WriteOnceAt(directory_.get(), "subsystem/drivers_probe", interface);
      !probed) {
    return Wrap("find a driver for " + interface, probed.error());
  }
  return {};
}

Result<uint32_t> UsbDevice::UsbfsMinor() const {
  ASSIGN_OR_RETURN(const std::string text, ReadAttribute("dev", 64));
  const size_t colon = text.find(':');
  uint32_t minor = 0;
  if (colon == std::string::npos || text.substr(0, colon) != "189" ||
      std::from_chars(text.data() + colon + 1, text.data() + text.size(), minor)
              .ptr != text.data() + text.size()) {
    return Fail(Code::kDataLoss, name_ + ": unexpected device number");
  }
  return minor;
}

Result<std::vector<std::string>> UsbBuses(const std::string& sysfs_root) {
  const std::string devices = sysfs_root + "/bus/usb/devices";
  ASSIGN_OR_RETURN(const UniqueFd directory,
                   OpenAt(AT_FDCWD, devices, O_RDONLY | O_DIRECTORY));
  ASSIGN_OR_RETURN(const auto names, ListAt(directory.get()));
  std::vector<std::string> buses;
  for (const std::string& name : names) {
    if (name.size() > 3 && name.starts_with("usb") && name[3] >= '0' &&
        name[3] <= '9') {
      buses.push_back(devices);
      buses.back().append("/").append(name);
    }
  }
  return buses;
}

Status SetAuthorizedDefault(const std::string& bus_path,
                            AuthorizedDefault value) {
  return WriteOnceAt(AT_FDCWD, bus_path + "/authorized_default",
                     std::to_string(static_cast<int>(value)));
}

Status SetInterfaceAuthorizedDefault(const std::string& bus_path,
                                     UsbDevice::InterfaceState state) {
  return WriteOnceAt(AT_FDCWD, bus_path + "/interface_authorized_default",
                     state == UsbDevice::InterfaceState::kAllowed ? "1" : "0");
}

Status SetAuthorizedDefaultOfNewBuses(AuthorizedDefault value,
                                      const std::string& sysfs_root) {
  constexpr int kAsTheKernelDoes = -1;
  const int number = value == AuthorizedDefault::kAll ? kAsTheKernelDoes
                                                      : static_cast<int>(value);
  return WriteOnceAt(
      AT_FDCWD, sysfs_root + "/module/usbcore/parameters/authorized_default",
      std::to_string(number));
}

Status LetRootHubIn(const std::string& bus_path,
                    std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kPause{5};
  const auto until = std::chrono::steady_clock::now() + patience;
  ASSIGN_OR_RETURN(UsbDevice hub, UsbDevice::Open(bus_path));
  // The one interface of usb3 is called 3-0:1.0.
  const std::string interface = hub.name().substr(3) + "-0:1.0";
  while (true) {
    const auto authorized = hub.ReadInterfaceAttribute(interface, "authorized");
    if (authorized && *authorized == "1") return {};
    if (authorized) {
      return hub.SetInterface(interface, UsbDevice::InterfaceState::kAllowed);
    }
    if (std::chrono::steady_clock::now() >= until) {
      return Fail(Code::kDeadlineExceeded,
                  bus_path + ": no interface of its root hub came");
    }
    std::this_thread::sleep_for(kPause);
  }
}

Status SetStorageDelay(int seconds, const std::string& sysfs_root) {
  if (seconds < 0) return Fail(Code::kInvalidArgument, "negative delay");
  return WriteOnceAt(AT_FDCWD,
                     sysfs_root + "/module/usb_storage/parameters/delay_use",
                     std::to_string(seconds));
}

}  // namespace sekisho::enforce
