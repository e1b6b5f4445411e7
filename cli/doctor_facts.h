// What `sekisho doctor` looks at, as values: reading apart from judging.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sekisho::cli {

struct DoctorFacts {
  std::string kernel_release;      // "6.1.0-18-amd64"
  bool btf = false;                // /sys/kernel/btf/vmlinux
  std::optional<std::string> lsm;  // nothing: securityfs is not there
  bool cgroup2 = false;
  bool fuse = false;
  bool mount_api = false;  // fsopen(2)
  bool systemd = false;
  bool usb = false;  // usbcore
  bool initramfs_tools = false;
  std::optional<bool> secure_boot;      // nothing: no UEFI
  std::optional<std::string> lockdown;  // "none", "integrity", ...

  // Never taken away, as found.
  std::vector<std::string> keyboards;
  std::vector<std::string> pointers;
  std::vector<std::string> card_readers;
  std::vector<std::string> fingerprint_readers;
  std::vector<std::string> audio;
  std::vector<std::string> network_adapters;  // on USB
  std::vector<std::string> boot_disks;
  bool boot_disk_on_usb = false;
};

// `root` is put before each path; "" but in tests. What cannot be read counts
// as not there.
DoctorFacts ReadDoctorFacts(const std::string& root);

}  // namespace sekisho::cli
