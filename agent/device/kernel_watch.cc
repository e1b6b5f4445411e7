#include "agent/device/kernel_watch.h"

#include <libudev.h>
#include <sys/sysmacros.h>

#include <array>
#include <optional>
#include <string_view>

namespace sekisho::device {
namespace {

struct UdevDeleter {
  void operator()(udev* p) const { ::udev_unref(p); }
  void operator()(udev_monitor* p) const { ::udev_monitor_unref(p); }
  void operator()(udev_device* p) const { ::udev_device_unref(p); }
  void operator()(udev_enumerate* p) const { ::udev_enumerate_unref(p); }
};
template <typename T>
using Udev = std::unique_ptr<T, UdevDeleter>;

constexpr int kReceiveBufferBytes = 8 << 20;
constexpr int kMaxEventsARead = 1024;

// In the order of Scan(); {subsystem, devtype or nullptr}.
constexpr std::array<std::pair<const char*, const char*>, 4> kWatched = {{
    {"usb", "usb_device"},
    {"block", nullptr},
    {"mmc", nullptr},
    {"scsi_generic", nullptr},
}};

std::string Text(const char* text) { return text == nullptr ? "" : text; }

std::optional<ipc::DeviceAction> ActionOf(const char* word) {
  const std::string_view action = word == nullptr ? "" : word;
  if (action == "add") return ipc::DeviceAction::kAdd;
  if (action == "remove") return ipc::DeviceAction::kRemove;
  // A driver that binds or a device that moves: look again.
  if (action == "change" || action == "bind" || action == "move") {
    return ipc::DeviceAction::kChange;
  }
  return std::nullopt;
}

class LibudevWatch final : public KernelWatch {
 public:
  LibudevWatch(const Clock& clock, Udev<udev> context,
               Udev<udev_monitor> monitor)
      : clock_(clock),
        udev_(std::move(context)),
        monitor_(std::move(monitor)) {}

  int fd() const override { return ::udev_monitor_get_fd(monitor_.get()); }

  Drained Read(const Sink& sink) override {
    bool lost = false;
    for (int i = 0; i < kMaxEventsARead; ++i) {
      errno = 0;
      const Udev<udev_device> device(
          ::udev_monitor_receive_device(monitor_.get()));
      if (device == nullptr) {
        if (errno == ENOBUFS) {
          lost = true;
          continue;
        }
        break;
      }
      const auto action = ActionOf(::udev_device_get_action(device.get()));
      if (action) sink(Describe(device.get(), *action));
    }
    return lost ? Drained::kLost : Drained::kAll;
  }

  Status Scan(const Sink& sink) override {
    for (const auto& [subsystem, devtype] : kWatched) {
      const Udev<udev_enumerate> list(::udev_enumerate_new(udev_.get()));
      if (list == nullptr) return FailErrno("list devices");
      ::udev_enumerate_add_match_subsystem(list.get(), subsystem);
      if (const int r = ::udev_enumerate_scan_devices(list.get()); r < 0) {
        return FailErrno("list devices", -r);
      }
      // Sorted by path by libudev: a parent comes before its children.
      udev_list_entry* entry = nullptr;
      udev_list_entry_foreach(entry,
                              ::udev_enumerate_get_list_entry(list.get())) {
        const Udev<udev_device> device(::udev_device_new_from_syspath(
            udev_.get(), ::udev_list_entry_get_name(entry)));
        if (device == nullptr) continue;  // gone since
        if (devtype != nullptr &&
            Text(::udev_device_get_devtype(device.get())) != devtype) {
          continue;
        }
        sink(Describe(device.get(), ipc::DeviceAction::kAdd));
      }
    }
    return {};
  }

 private:
  ipc::DeviceSeen Describe(udev_device* device,
                           ipc::DeviceAction action) const {
    ipc::DeviceSeen seen;
    seen.action = action;
    seen.sysfs_path = Text(::udev_device_get_syspath(device));
    seen.subsystem = Text(::udev_device_get_subsystem(device));
    seen.devtype = Text(::udev_device_get_devtype(device));
    const dev_t number = ::udev_device_get_devnum(device);
    seen.major = major(number);
    seen.minor = minor(number);
    seen.kernel_sequence =
        static_cast<int64_t>(::udev_device_get_seqnum(device));
    seen.since_boot_us = clock_.SinceBoot().count();
    return seen;
  }

  const Clock& clock_;
  Udev<udev> udev_;
  Udev<udev_monitor> monitor_;
};

}  // namespace

Result<std::unique_ptr<KernelWatch>> KernelWatch::Open(const Clock& clock) {
  Udev<udev> context(::udev_new());
  if (context == nullptr) return FailErrno("udev");
  Udev<udev_monitor> monitor(
      ::udev_monitor_new_from_netlink(context.get(), "kernel"));
  if (monitor == nullptr) return FailErrno("kernel uevents");
  for (const auto& [subsystem, devtype] : kWatched) {
    const int r = ::udev_monitor_filter_add_match_subsystem_devtype(
        monitor.get(), subsystem, devtype);
    if (r < 0) return FailErrno("kernel uevents: filter", -r);
  }
  // Needs CAP_NET_ADMIN above rmem_max: without it the default stands, and a
  // lost uevent is answered by a rescan.
  ::udev_monitor_set_receive_buffer_size(monitor.get(), kReceiveBufferBytes);
  if (const int r = ::udev_monitor_enable_receiving(monitor.get()); r < 0) {
    return FailErrno("kernel uevents: listen", -r);
  }
  return std::make_unique<LibudevWatch>(clock, std::move(context),
                                        std::move(monitor));
}

}  // namespace sekisho::device
