#include "agent/usb_interfaces.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "agent/decide/interfaces.h"

namespace sekisho::agent {
namespace {

using decide::Authorization;
using enforce::UsbDevice;
using policy::UsbInterface;

Result<uint8_t> HexAttribute(const UsbDevice& device,
                             const std::string& interface,
                             const char* attribute) {
  ASSIGN_OR_RETURN(const std::string text,
                   device.ReadInterfaceAttribute(interface, attribute));
  uint8_t value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value, 16);
  if (read.ec != std::errc() || read.ptr != end) {
    return Fail(Code::kDataLoss, interface + "/" + attribute + ": no number");
  }
  return value;
}

Result<UsbInterface> KindOf(const UsbDevice& device,
                            const std::string& interface) {
  UsbInterface kind;
  ASSIGN_OR_RETURN(kind.klass,
                   HexAttribute(device, interface, "bInterfaceClass"));
  ASSIGN_OR_RETURN(kind.subclass,
                   HexAttribute(device, interface, "bInterfaceSubClass"));
  ASSIGN_OR_RETURN(kind.protocol,
                   HexAttribute(device, interface, "bInterfaceProtocol"));
  return kind;
}

bool Wants(const Authorized& wanted, const UsbInterface& kind) {
  switch (wanted.reach) {
    case Authorization::kAll:
      return true;
    case Authorization::kMedium:
      return decide::IsStorage(kind);
    case Authorization::kListed:
      return std::ranges::find(wanted.listed, kind) != wanted.listed.end();
    case Authorization::kNone:
      return false;
  }
  return false;
}

}  // namespace

Authorized AuthorizedNow(const UsbDevice& device) {
  const auto authorized = device.IsAuthorized();
  if (!authorized || !*authorized) return {};
  const auto interfaces = device.Interfaces();
  // None yet: the kernel is about to make them, and how it makes them may just
  // have changed (a new bus is closed while its root hub is set up).
  if (!interfaces || interfaces->empty()) {
    return {.reach = Authorization::kListed, .listed = {}};
  }
  Authorized now{.reach = Authorization::kAll, .listed = {}};
  for (const std::string& interface : *interfaces) {
    const auto word = device.ReadInterfaceAttribute(interface, "authorized");
    const auto kind = KindOf(device, interface);
    if (word && *word == "0") {
      now.reach = Authorization::kListed;
    } else if (kind) {
      now.listed.push_back(*kind);
    }
  }
  if (now.reach == Authorization::kAll)
    return {.reach = now.reach, .listed = {}};
  if (!now.listed.empty() &&
      std::ranges::all_of(now.listed, decide::IsStorage)) {
    return {.reach = Authorization::kMedium, .listed = {}};
  }
  now.listed = decide::Sorted(std::move(now.listed));
  return now;
}

Status Authorize(UsbDevice& device, const Authorized& wanted) {
  if (wanted.reach == Authorization::kNone) return device.Deauthorize();
  ASSIGN_OR_RETURN(const bool authorized, device.IsAuthorized());
  RETURN_IF_ERROR(authorized ? device.VerifyUnchanged() : device.Authorize());
  // The kernel has set a configuration: interfaces are there, without drivers
  // where the bus starts them closed.
  ASSIGN_OR_RETURN(const auto interfaces, device.Interfaces());
  for (const std::string& interface : interfaces) {
    ASSIGN_OR_RETURN(const UsbInterface kind, KindOf(device, interface));
    RETURN_IF_ERROR(device.SetInterface(
        interface, Wants(wanted, kind) ? UsbDevice::InterfaceState::kAllowed
                                       : UsbDevice::InterfaceState::kBlocked));
  }
  return {};
}

}  // namespace sekisho::agent
