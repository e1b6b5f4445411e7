#include "tests/unit/policy/random_policy.h"

#include <algorithm>

namespace sekisho::policy {
namespace {

const std::vector<std::string> kBuses{"usb", "usb", "usb", "mmc", "scsi"};
const std::vector<std::string> kVendors{"0951", "0781", "abcd"};
const std::vector<std::string> kProducts{"1666", "5581"};
const std::vector<std::string> kSerials{"", "AA00", "AA01", "B\"B\n", "山田"};
const std::vector<std::string> kFilesystems{"", "vfat", "ext4"};
const std::vector<std::string> kEncryptions{"none", "luks", "bitlocker",
                                            "unknown"};
const std::vector<std::string> kPersons{"", "operator", "contractor-1"};
const std::vector<std::string> kOrigins{"", "console", "ssh"};
const std::vector<std::string> kTerminals{"desk-1", "desk-2", "server"};
const std::vector<std::string> kData{"my_number", "phone", "email"};
const std::vector<std::string> kReasons{"", "encrypted", "limit:depth"};

template <typename T>
std::vector<T> Filled(int count, auto make) {
  std::vector<T> out;
  for (int i = 0; i < count; ++i) out.push_back(make());
  return out;
}

}  // namespace

int RandomWorld::Below(int end) {
  return static_cast<int>(random_() % static_cast<uint64_t>(end));
}

std::string RandomWorld::Pick(const std::vector<std::string>& words) {
  return words[static_cast<size_t>(Below(static_cast<int>(words.size())))];
}

std::optional<std::string> RandomWorld::MaybePick(
    int percent, const std::vector<std::string>& words) {
  if (!Chance(percent)) return std::nullopt;
  return Pick(words);
}

UsbInterface RandomWorld::MakeInterface() {
  static constexpr uint8_t kClasses[] = {0x03, 0x08, 0x08, 0x09, 0xff};
  return {kClasses[Below(5)], static_cast<uint8_t>(Below(2)),
          static_cast<uint8_t>(Below(2))};
}

InterfacePattern RandomWorld::MakeInterfacePattern() {
  const UsbInterface one = MakeInterface();
  InterfacePattern pattern;
  if (Chance(90)) pattern.klass = one.klass;
  if (Chance(30)) pattern.subclass = one.subclass;
  if (Chance(30)) pattern.protocol = one.protocol;
  return pattern;
}

IntRange RandomWorld::MakeRange(int end) {
  IntRange range;
  const int low = Below(end);
  if (Chance(70)) range.at_least = low;
  if (!range.at_least || Chance(40)) range.at_most = low + Below(end);
  return range;
}

DeviceMatch RandomWorld::MakeDeviceMatch() {
  DeviceMatch match;
  match.bus = MaybePick(15, {"usb", "mmc", "*"});
  match.vendor_id = MaybePick(50, {"0951", "0781", "09*", "????", "ab?d"});
  match.product_id = MaybePick(30, {"1666", "5581", "*"});
  match.serial = MaybePick(20, {"AA*", "AA00", "?*", "*\"*", "??"});
  match.filesystem = MaybePick(15, {"vfat", "", "?*"});
  match.encryption = MaybePick(10, {"luks", "none", "*"});
  match.volume_label = MaybePick(5, {"*", "W*"});
  if (Chance(8)) match.size_bytes = MakeRange(100);
  if (Chance(20)) {
    match.interfaces_all = Filled<InterfacePattern>(
        1 + Below(2), [&] { return MakeInterfacePattern(); });
  }
  if (Chance(20)) {
    match.interfaces_any = Filled<InterfacePattern>(
        1 + Below(2), [&] { return MakeInterfacePattern(); });
  }
  if (Chance(10)) match.persons = {Pick({"operator", "contractor-*"})};
  if (Chance(10)) match.origins = {Pick({"console", "ssh", "unknown"})};
  if (Chance(10)) match.terminals = {Pick({"desk-*", "server"})};
  return match;
}

ContentMatch RandomWorld::MakeContentMatch() {
  ContentMatch match;
  if (Chance(40)) match.persons = MakeRange(50);
  if (Chance(10)) match.bytes = MakeRange(1000);
  if (Chance(30)) match.data = {Pick(kData), Pick(kData)};
  if (Chance(30)) match.inspection = {static_cast<Inspection>(Below(3))};
  if (Chance(15)) match.reason = {Pick({"encrypted", "limit:*"})};
  if (Chance(15)) match.format = {Pick({"csv", "*s*"})};
  return match;
}

std::map<std::string, std::string> RandomWorld::MakeTexts() {
  std::map<std::string, std::string> texts;
  if (Chance(30)) {
    texts["en"] =
        Pick({"plain", " lead: [\"#\"] ", "two\nlines\n", "", "~",
              "tab\there \\ \x7f", "\xc2\x85 \xe2\x80\xa8 \xef\xbb\xbf"});
  }
  if (Chance(20))
    texts["ja"] = Pick({"承認を申請してください。", "\xf0\x9f\x94\x92"});
  if (Chance(5)) texts["no"] = "norsk";
  return texts;
}

Policy RandomWorld::MakePolicy(int rules) {
  Policy policy;
  policy.name = Pick({"office", "名前", "a: b # c"});
  policy.mode = static_cast<Mode>(Below(2));
  policy.when_stale = static_cast<WhenStale>(Below(2));
  policy.device_default = static_cast<Access>(Below(5));
  policy.content_default = static_cast<Verdict>(Below(3));
  policy.contact = MakeTexts();
  for (int i = 0; i < rules; ++i) {
    DeviceRule rule;
    rule.id = "d" + std::to_string(i);
    rule.match = MakeDeviceMatch();
    if (Chance(25)) {
      rule.list = Pick({"approvals", "known"});
    } else {
      rule.access = static_cast<Access>(Below(5));
    }
    rule.encrypted_only = Chance(15);
    rule.no_exec = Chance(50);
    rule.notify = MakeTexts();
    policy.devices.push_back(std::move(rule));

    ContentRule content;
    content.id = "c" + std::to_string(i);
    content.match = MakeContentMatch();
    content.verdict = static_cast<Verdict>(Below(3));
    content.notify = MakeTexts();
    policy.content.push_back(std::move(content));
  }
  return policy;
}

std::vector<DeviceEntry> RandomWorld::MakeEntries(int count) {
  return Filled<DeviceEntry>(count, [&] {
    DeviceEntry row;
    row.list = Pick({"approvals", "known"});
    row.vendor_id = Pick(kVendors);
    row.product_id = Pick(kProducts);
    row.serial = Pick(kSerials);
    if (Chance(15)) row.serial = "*";
    if (row.serial == "*" && Chance(40)) row.product_id = "*";
    row.access = static_cast<Access>(Below(5));
    if (Chance(30)) row.terminal = Pick(kTerminals);
    if (Chance(20))
      row.descriptor_hash = std::string(64, Chance(50) ? 'a' : 'b');
    if (Chance(40)) row.expires = MakeTime();
    row.owner = Pick({"", "山田, 太郎", "\"quoted\""});
    return row;
  });
}

DeviceFacts RandomWorld::MakeDevice() {
  DeviceFacts device;
  device.bus = Pick(kBuses);
  device.vendor_id = Pick(kVendors);
  device.product_id = Pick(kProducts);
  device.serial = Pick(kSerials);
  if (Chance(50)) device.descriptor_hash = std::string(64, 'a');
  device.interfaces =
      Filled<UsbInterface>(Below(4), [&] { return MakeInterface(); });
  if (Chance(50)) {
    device.medium.emplace();
    device.medium->size_bytes = Below(200);
    device.medium->filesystem = Pick(kFilesystems);
    device.medium->encryption = Pick(kEncryptions);
    device.medium->volume_label = Pick({"", "WORK"});
  }
  return device;
}

PersonFacts RandomWorld::MakePerson() {
  PersonFacts person;
  person.person = Pick(kPersons);
  person.origin = Pick(kOrigins);
  return person;
}

TerminalFacts RandomWorld::MakeTerminal() {
  TerminalFacts terminal;
  terminal.terminal = Pick(kTerminals);
  return terminal;
}

ContentFacts RandomWorld::MakeContent() {
  ContentFacts content;
  content.format = Pick({"csv", "xlsx", "text"});
  content.bytes = Below(2000);
  content.persons = Below(100);
  if (Chance(50)) content.data[Pick(kData)] = Below(3);
  content.inspection = static_cast<Inspection>(Below(3));
  content.reason = Pick(kReasons);
  return content;
}

WallTime RandomWorld::MakeTime() {
  return WallTime(std::chrono::seconds(1'763'900'000 + Below(10)));
}

namespace {

// Characters of UTF-8 text.
std::vector<std::string> Characters(const std::string& text) {
  std::vector<std::string> out;
  for (const char c : text) {
    const bool follows = (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
    if (follows && !out.empty()) {
      out.back() += c;
    } else {
      out.emplace_back(1, c);
    }
  }
  return out;
}

// fits[p][t]: the first p of the pattern take the first t of the text.
bool Fits(const std::string& pattern, const std::string& text) {
  const auto p = Characters(pattern);
  const auto t = Characters(text);
  std::vector<std::vector<bool>> fits(p.size() + 1,
                                      std::vector<bool>(t.size() + 1));
  fits[0][0] = true;
  for (size_t i = 1; i <= p.size(); ++i) {
    for (size_t j = 0; j <= t.size(); ++j) {
      if (p[i - 1] == "*") {
        fits[i][j] = fits[i - 1][j] || (j > 0 && fits[i][j - 1]);
      } else if (j > 0 && (p[i - 1] == "?" || p[i - 1] == t[j - 1])) {
        fits[i][j] = fits[i - 1][j - 1];
      }
    }
  }
  return fits[p.size()][t.size()];
}

bool Fits(const std::optional<std::string>& pattern, const std::string& text) {
  return !pattern || Fits(*pattern, text);
}

bool FitsOne(const std::vector<std::string>& patterns, std::string text) {
  if (patterns.empty()) return true;
  if (text.empty()) text = "unknown";
  for (const auto& pattern : patterns) {
    if (Fits(pattern, text)) return true;
  }
  return false;
}

bool Fits(const InterfacePattern& pattern, const UsbInterface& interface) {
  return (!pattern.klass || *pattern.klass == interface.klass) &&
         (!pattern.subclass || *pattern.subclass == interface.subclass) &&
         (!pattern.protocol || *pattern.protocol == interface.protocol);
}

bool FitsOne(const std::vector<InterfacePattern>& patterns,
             const UsbInterface& interface) {
  for (const auto& pattern : patterns) {
    if (Fits(pattern, interface)) return true;
  }
  return false;
}

bool Fits(const std::optional<IntRange>& range, int64_t value) {
  if (!range) return true;
  if (range->at_least && value < *range->at_least) return false;
  return !range->at_most || value <= *range->at_most;
}

bool KnownFactsFit(const DeviceMatch& m, const DeviceFacts& d,
                   const PersonFacts& p, const TerminalFacts& t) {
  if (!m.interfaces_all.empty()) {
    if (d.interfaces.empty()) return false;
    for (const auto& interface : d.interfaces) {
      if (!FitsOne(m.interfaces_all, interface)) return false;
    }
  }
  if (!m.interfaces_any.empty()) {
    bool any = false;
    for (const auto& interface : d.interfaces) {
      if (FitsOne(m.interfaces_any, interface)) any = true;
    }
    if (!any) return false;
  }
  return Fits(m.bus, d.bus) && Fits(m.vendor_id, d.vendor_id) &&
         Fits(m.product_id, d.product_id) && Fits(m.serial, d.serial) &&
         FitsOne(m.persons, p.person) && FitsOne(m.origins, p.origin) &&
         FitsOne(m.terminals, t.terminal);
}

bool MediumFits(const DeviceMatch& m, const MediumFacts& medium) {
  return Fits(m.size_bytes, medium.size_bytes) &&
         Fits(m.filesystem, medium.filesystem) &&
         Fits(m.encryption, medium.encryption) &&
         Fits(m.volume_label, medium.volume_label);
}

bool HoldsMedium(const DeviceFacts& device) {
  if (device.bus != "usb") return true;
  for (const auto& interface : device.interfaces) {
    if (interface.klass == 8) return true;
  }
  return false;
}

// 3: names the serial, 2: all serials, 1: all products, 0: not this device.
int Closeness(const DeviceEntry& row, const DeviceFacts& device) {
  if (row.vendor_id != device.vendor_id) return 0;
  if (row.product_id == "*") return 1;
  if (row.product_id != device.product_id) return 0;
  if (row.serial == "*") return 2;
  return row.serial == device.serial ? 3 : 0;
}

std::optional<Access> ListedAccess(const std::string& list,
                                   const std::vector<DeviceEntry>& entries,
                                   const DeviceFacts& device,
                                   const TerminalFacts& terminal,
                                   WallTime now) {
  for (int closeness = 3; closeness >= 1; --closeness) {
    std::vector<Access> here;
    std::vector<Access> everywhere;
    for (const auto& row : entries) {
      if (row.list != list || Closeness(row, device) != closeness) continue;
      if (row.expires && now >= *row.expires) continue;
      if (!row.descriptor_hash.empty() &&
          row.descriptor_hash != device.descriptor_hash) {
        continue;
      }
      if (row.terminal.empty()) everywhere.push_back(row.access);
      if (row.terminal == terminal.terminal) here.push_back(row.access);
    }
    if (here.empty() && everywhere.empty()) continue;
    for (const Access access : everywhere) {
      if (access == Access::kBlock) return Access::kBlock;
    }
    return std::ranges::min(here.empty() ? everywhere : here);
  }
  return std::nullopt;
}

}  // namespace

DeviceDecision ReferenceDecision(const Policy& policy,
                                 const std::vector<DeviceEntry>& entries,
                                 const DeviceFacts& device,
                                 const PersonFacts& person,
                                 const TerminalFacts& terminal, WallTime now) {
  DeviceDecision decision;
  for (const DeviceRule& rule : policy.devices) {
    const DeviceMatch& m = rule.match;
    if (!KnownFactsFit(m, device, person, terminal)) continue;
    const bool asks_medium =
        m.size_bytes || m.filesystem || m.encryption || m.volume_label;
    if (asks_medium && !device.medium && !HoldsMedium(device)) continue;
    if (asks_medium && device.medium && !MediumFits(m, *device.medium)) {
      continue;
    }
    Access access = rule.access;
    if (rule.list) {
      const auto listed =
          ListedAccess(*rule.list, entries, device, terminal, now);
      if (!listed) continue;
      access = *listed;
    }
    decision.rule = rule.id;
    decision.encrypted_only = rule.encrypted_only;
    decision.no_exec = rule.no_exec;
    const bool wants_encrypted =
        rule.encrypted_only && access != Access::kBlock;
    if (!device.medium && HoldsMedium(device) &&
        (asks_medium || wants_encrypted)) {
      decision.needs_probe = true;
      return decision;
    }
    const bool encrypted =
        device.medium && (device.medium->encryption == "luks" ||
                          device.medium->encryption == "bitlocker");
    decision.access = wants_encrypted && !encrypted ? Access::kBlock : access;
    return decision;
  }
  decision.rule = "default";
  decision.access = policy.device_default;
  return decision;
}

ContentDecision ReferenceDecision(const Policy& policy,
                                  const ContentFacts& content) {
  ContentDecision decision;
  for (const ContentRule& rule : policy.content) {
    const ContentMatch& m = rule.match;
    bool data = m.data.empty();
    for (const auto& type : m.data) {
      for (const auto& [found, count] : content.data) {
        if (found == type && count > 0) data = true;
      }
    }
    bool inspection = m.inspection.empty();
    for (const auto value : m.inspection) {
      if (value == content.inspection) inspection = true;
    }
    const auto fits_one = [](const std::vector<std::string>& patterns,
                             const std::string& text) {
      if (patterns.empty()) return true;
      for (const auto& pattern : patterns) {
        if (Fits(pattern, text)) return true;
      }
      return false;
    };
    if (data && inspection && Fits(m.persons, content.persons) &&
        Fits(m.bytes, content.bytes) && fits_one(m.reason, content.reason) &&
        fits_one(m.format, content.format)) {
      decision.verdict = rule.verdict;
      decision.rule = rule.id;
      return decision;
    }
  }
  decision.verdict = policy.content_default;
  decision.rule = "default";
  return decision;
}

}  // namespace sekisho::policy
