#include "cli/doctor_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "cli/options.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage = "usage: sekisho doctor [--json]\n";

// The kernel of Debian 12, on which every hook was tried.
constexpr std::pair<int, int> kTestedKernel{6, 1};
// BPF LSM with the hooks that are needed, ring buffer, fsopen: below, no layer
// stands.
constexpr std::pair<int, int> kOldestKernel{5, 15};

std::pair<int, int> KernelVersion(std::string_view release) {
  std::pair<int, int> version{0, 0};
  const char* const end = release.data() + release.size();
  const auto [dot, error] = std::from_chars(release.data(), end, version.first);
  if (error == std::errc() && dot != end && *dot == '.') {
    std::from_chars(dot + 1, end, version.second);
  }
  return version;
}

bool ListHas(std::string_view list, std::string_view item) {
  const auto items = Split(list, ',');
  return std::ranges::find(items, item) != items.end();
}

Check Need(std::string name, bool there, Finding otherwise, std::string good,
           std::string bad) {
  return {std::move(name), there ? Finding::kGood : otherwise,
          there ? std::move(good) : std::move(bad)};
}

Check JudgeKernel(const DoctorFacts& facts) {
  const auto version = KernelVersion(facts.kernel_release);
  const std::string shown = EscapeUntrusted(facts.kernel_release, 128);
  if (version < kOldestKernel) {
    return {"kernel", Finding::kUnsupported,
            shown + ": 5.15 or newer is needed, 6.1 is tested"};
  }
  if (version < kTestedKernel) {
    return {"kernel", Finding::kDegraded,
            shown + ": older than 6.1, on which Sekisho is tested"};
  }
  return {"kernel", Finding::kGood, shown};
}

Check JudgeBpf(const DoctorFacts& facts) {
  if (!facts.lsm) {
    return {"BPF LSM", Finding::kDegraded,
            "cannot tell: /sys/kernel/security is not mounted (run as root?)"};
  }
  return Need("BPF LSM", ListHas(*facts.lsm, "bpf"), Finding::kDegraded, "on",
              "not on; the kernel gate cannot stand. Add bpf to lsm= on the "
              "kernel command line: lsm=" +
                  EscapeUntrusted(*facts.lsm, 256) + ",bpf");
}

Check JudgeLandlock(const DoctorFacts& facts) {
  return Need("Landlock", facts.lsm && ListHas(*facts.lsm, "landlock"),
              Finding::kDegraded, "on",
              "not on; the scan worker has one wall less. Add landlock to lsm= "
              "on the kernel command line");
}

Check JudgeLockdown(const DoctorFacts& facts) {
  const std::string mode = facts.lockdown.value_or("not available");
  if (mode == "confidentiality") {
    return {"lockdown", Finding::kDegraded,
            "confidentiality forbids the kernel gate to read what it needs; "
            "use integrity"};
  }
  return {"lockdown", Finding::kGood, EscapeUntrusted(mode, 64)};
}

Check JudgeSecureBoot(const DoctorFacts& facts) {
  if (facts.secure_boot.value_or(false)) {
    return {"Secure Boot", Finding::kGood, "on"};
  }
  return {"Secure Boot", Finding::kNote,
          "off; somebody who starts the terminal from other media is found "
          "afterwards, not stopped"};
}

std::vector<std::pair<std::string, const std::vector<std::string>*>>
NeverTakenAway(const DoctorFacts& facts) {
  return {{"keyboards", &facts.keyboards},
          {"pointers", &facts.pointers},
          {"card readers", &facts.card_readers},
          {"fingerprint readers", &facts.fingerprint_readers},
          {"audio on USB", &facts.audio},
          {"network on USB", &facts.network_adapters},
          {"boot disks", &facts.boot_disks}};
}

std::string_view Word(Finding finding) {
  switch (finding) {
    case Finding::kGood:
      return "ok";
    case Finding::kNote:
      return "note";
    case Finding::kDegraded:
      return "degraded";
    case Finding::kUnsupported:
      return "unsupported";
  }
  return "unsupported";
}

void PrintText(const DoctorFacts& facts, const std::vector<Check>& checks) {
  for (const Check& check : checks) {
    fmt::print("{:<12} {:<16} {}\n", Word(check.finding), check.name,
               check.text);
  }
  fmt::print("\nNever taken away from this terminal, as found:\n");
  for (const auto& [name, list] : NeverTakenAway(facts)) {
    if (list->empty()) fmt::print("  {:<20} none found\n", name);
    std::string_view shown = name;
    for (const std::string& item : *list) {
      fmt::print("  {:<20} {}\n", std::exchange(shown, ""),
                 EscapeUntrusted(item, 256));
    }
  }
  fmt::print("\nThis terminal: {}\n", Verdict(checks));
}

void PrintJson(const DoctorFacts& facts, const std::vector<Check>& checks) {
  std::string rows;
  for (const Check& check : checks) {
    rows += fmt::format(R"({}{{"name":{},"finding":{},"text":{}}})",
                        rows.empty() ? "" : ",", JsonQuote(check.name),
                        JsonQuote(Word(check.finding)), JsonQuote(check.text));
  }
  std::string kept;
  for (const auto& [name, list] : NeverTakenAway(facts)) {
    std::vector<std::string> items;
    for (const std::string& item : *list) items.push_back(JsonQuote(item));
    kept += fmt::format("{}{}:[{}]", kept.empty() ? "" : ",", JsonQuote(name),
                        fmt::join(items, ","));
  }
  fmt::print(R"({{"verdict":{},"checks":[{}],"never_taken_away":{{{}}}}})"
             "\n",
             JsonQuote(Verdict(checks)), rows, kept);
}

}  // namespace

std::vector<Check> Judge(const DoctorFacts& facts) {
  using enum Finding;
  std::vector<Check> checks;
  checks.push_back(JudgeKernel(facts));
  checks.push_back(Need("systemd", facts.systemd, kUnsupported, "runs",
                        "does not run this system; Sekisho's processes are "
                        "systemd units"));
  checks.push_back(Need("FUSE", facts.fuse, kUnsupported, "there",
                        "missing; the media gate is a FUSE file system"));
  checks.push_back(Need("fsopen", facts.mount_api, kUnsupported, "there",
                        "missing; media are mounted where nobody can enter"));
  checks.push_back(JudgeBpf(facts));
  checks.push_back(Need("BTF", facts.btf, kDegraded, "there",
                        "missing; the kernel gate cannot be loaded. Use "
                        "Debian's kernel"));
  checks.push_back(Need("cgroup v2", facts.cgroup2, kDegraded, "mounted",
                        "not mounted; the device program of the kernel gate "
                        "cannot stand. Remove "
                        "systemd.unified_cgroup_hierarchy=0"));
  checks.push_back(JudgeLandlock(facts));
  checks.push_back(JudgeLockdown(facts));
  checks.push_back(Need("USB core", facts.usb, kNote, "there",
                        "not loaded; there is no USB to control now"));
  checks.push_back(Need("initramfs-tools", facts.initramfs_tools, kDegraded,
                        "there",
                        "missing; devices that are plugged in at boot are "
                        "usable until the agent starts"));
  checks.push_back(JudgeSecureBoot(facts));
  if (facts.keyboards.empty()) {
    checks.push_back({"keyboard", kNote,
                      "none found; if one is plugged in later over USB, it "
                      "must be a plain keyboard to be let through"});
  }
  if (facts.boot_disk_on_usb) {
    checks.push_back({"boot disk", kNote,
                      "is on USB; it stays usable, and so does everything on "
                      "it"});
  }
  return checks;
}

std::string_view Verdict(const std::vector<Check>& checks) {
  Finding worst = Finding::kGood;
  for (const Check& check : checks) worst = std::max(worst, check.finding);
  return worst <= Finding::kNote ? "full" : Word(worst);
}

int RunDoctor(std::span<const std::string_view> args) {
  static constexpr std::string_view kValued[] = {"--root"};
  static constexpr std::string_view kFlags[] = {"--json", "--help"};
  const auto options = ParseOptions(args, kValued, kFlags);
  if (options && options->Has("--help")) {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (!options || !options->words.empty()) {
    fmt::print(
        stderr, "{}{}",
        options ? "" : "sekisho doctor: " + options.error().message + "\n",
        kUsage);
    return 2;
  }
  const DoctorFacts facts = ReadDoctorFacts(options->Get("--root"));
  const auto checks = Judge(facts);
  if (options->Has("--json")) {
    PrintJson(facts, checks);
  } else {
    PrintText(facts, checks);
  }
  return Verdict(checks) == "full" ? 0 : 1;
}

}  // namespace sekisho::cli
