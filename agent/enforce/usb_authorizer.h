// USB authorisation (layer 1) through a directory descriptor on the device's
// sysfs node, so that what was read is what gets authorised, also after a fast
// replug. Parsing descriptors and deciding are left to others.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::enforce {

inline constexpr size_t kMaxDescriptorBytes = size_t{64} * 1024;
inline constexpr size_t kMaxAttributeBytes = 4096;  // a sysfs page
inline constexpr size_t kMaxInterfaces = 256;

class UsbDevice {
 public:
  // `sysfs_path`: the device's directory, e.g. "/sys/bus/usb/devices/1-1" or
  // its /sys/devices path. Reads descriptors and devnum once, for
  // VerifyUnchanged. kNotFound when it is gone, kResourceExhausted when its
  // descriptors are over the cap: then leave it unauthorised.
  static Result<UsbDevice> Open(const std::string& sysfs_path);

  const std::string& name() const { return name_; }  // "1-1.2"
  // The binary `descriptors` file as read by Open.
  ByteSpan descriptors() const { return descriptors_; }
  int devnum() const { return devnum_; }
  int busnum() const { return busnum_; }

  // One attribute without its newline, at most `cap_bytes`. The text comes
  // from the device: untrusted. kNotFound: none, or the device is gone.
  Result<std::string> ReadAttribute(
      const std::string& attribute,
      size_t cap_bytes = kMaxAttributeBytes) const;

  // kAborted when the node is gone or devnum or descriptors differ from what
  // Open read. Whoever gets that must not authorise, or deauthorise again.
  Status VerifyUnchanged() const;

  // Verifies, writes 1, verifies again. If the second look differs it
  // deauthorises and returns kAborted. Failure: the device stays unauthorised,
  // unless the message says that taking it back failed too.
  Status Authorize();
  // Writes 0: drivers are unbound, open usbfs handles get ENODEV on claim.
  // Failure other than kNotFound (gone): the device may still be usable.
  Status Deauthorize();
  Result<bool> IsAuthorized() const;

  // Names of the interface directories ("1-1:1.0"); empty before the device
  // is authorised and configured.
  Result<std::vector<std::string>> Interfaces() const;
  // One attribute of one interface, e.g. "bInterfaceClass", as ReadAttribute.
  Result<std::string> ReadInterfaceAttribute(
      const std::string& interface, const std::string& attribute) const;
  enum class InterfaceState { kBlocked, kAllowed };
  // Allowed: writes 1, then asks the bus to find a driver (`drivers_probe`).
  // Blocked: writes 0, which also unbinds. Failure: a blocked interface stays
  // blocked; on kBlocked the driver may still be bound: Deauthorize() instead.
  Status SetInterface(const std::string& interface, InterfaceState state);

  // usbfs node of the device: major 189 and its minor.
  Result<uint32_t> UsbfsMinor() const;

  int directory_fd() const { return directory_.get(); }

 private:
  UsbDevice() = default;

  UniqueFd directory_;
  std::string name_;
  Bytes descriptors_;
  int devnum_ = 0;
  int busnum_ = 0;
};

enum class AuthorizedDefault { kNone = 0, kAll = 1, kInternal = 2 };

// Root hubs of the machine ("usb1", ...), as directories below
// `sysfs_root`/bus/usb/devices.
Result<std::vector<std::string>> UsbBuses(
    const std::string& sysfs_root = "/sys");
// `authorized_default` of one bus: what a new device on it starts with.
// Failure: the bus keeps its old default; treat its new devices by hand.
Status SetAuthorizedDefault(const std::string& bus_path,
                            AuthorizedDefault value);
// `interface_authorized_default` of one bus.
Status SetInterfaceAuthorizedDefault(const std::string& bus_path,
                                     UsbDevice::InterfaceState state);
// `authorized_default` of controllers that come later: a dock's devices are
// enumerated before anybody hears of its bus. kNotFound without usbcore.
// `value` kAll: as the kernel does by itself.
Status SetAuthorizedDefaultOfNewBuses(AuthorizedDefault value,
                                      const std::string& sysfs_root = "/sys");
// Root hubs cannot be refused, but the interface of one whose bus was closed
// while the kernel still made it is born unauthorised, and the whole bus is
// dead. Waits until it is there and lets it in. kDeadlineExceeded: none came;
// kNotFound: the bus is gone.
Status LetRootHubIn(const std::string& bus_path,
                    std::chrono::milliseconds patience);
// Seconds usb-storage waits before it looks at a new disk. kNotFound while
// the module is not loaded: set it through modprobe.d then.
Status SetStorageDelay(int seconds, const std::string& sysfs_root = "/sys");

}  // namespace sekisho::enforce
