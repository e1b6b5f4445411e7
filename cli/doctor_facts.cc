#include "cli/doctor_facts.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "common/file.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxTextBytes = size_t{1} << 20;
constexpr char kSecureBoot[] =
    "/sys/firmware/efi/efivars/"
    "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

class Reader {
 public:
  explicit Reader(std::string root) : root_(std::move(root)) {}

  std::string Path(const std::string& path) const { return root_ + path; }
  bool Has(const std::string& path) const {
    std::error_code error;
    return fs::exists(Path(path), error);
  }
  std::optional<std::string> Text(const std::string& path) const {
    auto text = ReadFileAt(AT_FDCWD, Path(path), kMaxTextBytes);
    if (!text) return std::nullopt;
    return std::move(*text);
  }
  std::string Line(const std::string& path) const {
    const auto text = Text(path);
    return text ? std::string(Trim(*text)) : "";
  }
  // Names in a directory, sorted; none if it is not there.
  std::vector<std::string> Names(const std::string& path) const {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(Path(path), error), end; !error && it != end;
         it.increment(error)) {
      names.push_back(it->path().filename());
    }
    std::ranges::sort(names);
    return names;
  }
  // Where a link leads, without `root`.
  std::string Real(const std::string& path) const {
    std::error_code error;
    const fs::path real = fs::canonical(Path(path), error);
    return error ? "" : real.string();
  }

 private:
  const std::string root_;
};

// "none [integrity] confidentiality" -> "integrity".
std::string Chosen(const std::string& text) {
  const size_t open = text.find('[');
  const size_t close = text.find(']', open);
  return close == std::string::npos ? text
                                    : text.substr(open + 1, close - open - 1);
}

bool HasMountApi() {
  const long fd = ::syscall(SYS_fsopen, "tmpfs", 1U /* FSOPEN_CLOEXEC */);
  if (fd >= 0) ::close(static_cast<int>(fd));
  return fd >= 0 || errno != ENOSYS;
}

// One block of /proc/bus/input/devices a device. A keyboard is what can send
// letters (EV=120013 and the like: keys, LEDs, repeat), not a power button.
void ReadInput(const Reader& reader, DoctorFacts& facts) {
  const auto text = reader.Text("/proc/bus/input/devices");
  if (!text) return;
  std::string name;
  std::string_view handlers;
  for (const std::string_view line : Split(*text, '\n')) {
    if (line.starts_with("N: Name=")) name = Trim(line.substr(8));
    if (line.starts_with("H: Handlers=")) handlers = line.substr(12);
    if (!line.starts_with("B: EV=")) continue;
    if (name.size() > 1) name = name.substr(1, name.size() - 2);
    const unsigned long bits =
        std::strtoul(std::string(line.substr(6)).c_str(), nullptr, 16);
    constexpr unsigned long kRepeat = 1UL << 20;
    if (handlers.find("kbd") != std::string_view::npos &&
        (bits & kRepeat) != 0) {
      facts.keyboards.push_back(name);
    }
    if (handlers.find("mouse") != std::string_view::npos) {
      facts.pointers.push_back(name);
    }
  }
}

std::string UsbName(const Reader& reader, const std::string& device) {
  const std::string dir = "/sys/bus/usb/devices/" + device;
  std::string name =
      reader.Line(dir + "/manufacturer") + " " + reader.Line(dir + "/product");
  return std::string(Trim(name)) + " (" + reader.Line(dir + "/idVendor") + ":" +
         reader.Line(dir + "/idProduct") + ", port " + device + ")";
}

void AddOnce(std::vector<std::string>& list, const std::string& item) {
  if (std::ranges::find(list, item) == list.end()) list.push_back(item);
}

void ReadUsb(const Reader& reader, DoctorFacts& facts) {
  for (const std::string& entry : reader.Names("/sys/bus/usb/devices")) {
    const size_t colon = entry.find(':');
    if (colon == std::string::npos) continue;  // a device, not an interface
    const std::string device = entry.substr(0, colon);
    const std::string usb_class =
        reader.Line("/sys/bus/usb/devices/" + entry + "/bInterfaceClass");
    if (usb_class == "0b") {
      AddOnce(facts.card_readers, UsbName(reader, device));
    } else if (usb_class == "01") {
      AddOnce(facts.audio, UsbName(reader, device));
    } else if (usb_class == "ff") {
      // No class of its own: the name is all there is.
      const std::string name = UsbName(reader, device);
      if (name.find("inger") != std::string::npos) {
        AddOnce(facts.fingerprint_readers, name);
      }
    }
  }
}

void ReadNetwork(const Reader& reader, DoctorFacts& facts) {
  for (const std::string& name : reader.Names("/sys/class/net")) {
    const std::string device =
        reader.Real("/sys/class/net/" + name + "/device");
    if (device.find("/usb") != std::string::npos) {
      facts.network_adapters.push_back(name);
    }
  }
}

// The disk a block device is on, through partitions and device-mapper. Bounded:
// stacks are a few deep.
void AddDisks(const Reader& reader, const std::string& sysfs, int depth,
              DoctorFacts& facts) {
  if (sysfs.empty() || depth > 8) return;
  std::error_code error;
  const fs::path node(sysfs);
  bool stacked = false;
  for (fs::directory_iterator it(node / "slaves", error), end;
       !error && it != end; it.increment(error)) {
    stacked = true;
    AddDisks(reader, fs::canonical(it->path(), error).string(), depth + 1,
             facts);
  }
  if (stacked) return;
  const fs::path disk =
      fs::exists(node / "partition", error) ? node.parent_path() : node;
  const auto model =
      ReadFileAt(AT_FDCWD, (disk / "device/model").string(), 4096);
  std::string shown = disk.filename();
  if (model) shown += " (" + std::string(Trim(*model)) + ")";
  AddOnce(facts.boot_disks, shown);
  if (sysfs.find("/usb") != std::string::npos) facts.boot_disk_on_usb = true;
}

void ReadBootDisks(const Reader& reader, DoctorFacts& facts) {
  static const std::set<std::string_view> kPlaces = {
      "/", "/boot", "/boot/efi", "/efi", "/usr", "/var", "/home"};
  const auto mounts = reader.Text("/proc/self/mountinfo");
  if (!mounts) return;
  for (const std::string_view line : Split(*mounts, '\n')) {
    const auto fields = Split(line, ' ');
    if (fields.size() < 5 || !kPlaces.contains(fields[4])) continue;
    AddDisks(reader, reader.Real("/sys/dev/block/" + std::string(fields[2])), 0,
             facts);
  }
}

}  // namespace

DoctorFacts ReadDoctorFacts(const std::string& root) {
  const Reader reader(root);
  DoctorFacts facts;
  facts.kernel_release = reader.Line("/proc/sys/kernel/osrelease");
  facts.btf = reader.Has("/sys/kernel/btf/vmlinux");
  if (const auto lsm = reader.Text("/sys/kernel/security/lsm")) {
    facts.lsm = Trim(*lsm);
  }
  facts.cgroup2 = reader.Has("/sys/fs/cgroup/cgroup.controllers");
  const auto filesystems = reader.Text("/proc/filesystems").value_or("");
  facts.fuse = filesystems.find("\tfuse\n") != std::string::npos ||
               reader.Has("/dev/fuse") ||
               reader.Has("/lib/modules/" + facts.kernel_release +
                          "/kernel/fs/fuse/fuse.ko");
  facts.mount_api = HasMountApi();
  facts.systemd = reader.Has("/run/systemd/system");
  facts.usb = reader.Has("/sys/module/usbcore");
  facts.initramfs_tools = reader.Has("/usr/sbin/update-initramfs");
  if (reader.Has("/sys/firmware/efi")) {
    // Four bytes of attributes, then the value.
    const auto value = reader.Text(kSecureBoot).value_or("");
    facts.secure_boot = value.size() == 5 && value[4] == 1;
  }
  if (const auto lockdown = reader.Text("/sys/kernel/security/lockdown")) {
    facts.lockdown = Chosen(*lockdown);
  }
  ReadInput(reader, facts);
  ReadUsb(reader, facts);
  ReadNetwork(reader, facts);
  ReadBootDisks(reader, facts);
  return facts;
}

}  // namespace sekisho::cli
