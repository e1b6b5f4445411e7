#include "tests/unit/policy/random_policy.h"

#include <time.h>

#include <algorithm>
#include <cstdlib>

#include "policy/words.h"

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
const std::vector<std::string> kData{"my_number", "phone", "email",
                                     "custom:ward"};
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

DeviceMatch RandomWorld::MakeDeviceMatch(int depth) {
  DeviceMatch match;
  match.bus = MaybePick(15, {"usb", "mmc", "*"});
  match.vendor_id = MaybePick(50, {"0951", "0781", "09*", "????", "ab?d"});
  match.product_id = MaybePick(30, {"1666", "5581", "*"});
  match.serial = MaybePick(20, {"AA*", "AA00", "?*", "*\"*", "??"});
  match.manufacturer =
      MaybePick(15, {"Kingston", "Kingston *", "* Works", "*st?n*", "日本?機"});
  match.port = MaybePick(10, {"1-2", "1-*", "*.4"});
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
  if (Chance(10)) match.person_groups = {Pick({"staff", "guests"})};
  if (Chance(10)) match.terminal_groups = {Pick({"desks", "branch"})};
  if (Chance(10)) match.during = {Pick({"office", "night", "new-year"})};
  if (Chance(8)) match.online = Chance(50);
  if (Chance(8)) match.interface_count = MakeRange(4);
  if (depth == 0) return match;
  if (depth > 1 && Chance(10)) {
    match.device_groups = {Pick({"sticks", "odd"})};
  }
  // Lists in lists would go past the levels that a file may have.
  const auto inner = [&] { return MakeDeviceMatch(0); };
  if (Chance(10)) match.all = Filled<DeviceMatch>(1 + Below(2), inner);
  if (Chance(10)) match.any = Filled<DeviceMatch>(1 + Below(3), inner);
  if (Chance(10)) match.none = {MakeDeviceMatch(depth - 1)};
  return match;
}

Sets RandomWorld::MakeSets() {
  using std::chrono::day, std::chrono::month, std::chrono::year;
  Sets sets;
  for (const char* name : {"sticks", "odd"}) {
    sets.devices.push_back({name, MakeDeviceMatch(1)});
    sets.devices.back().match.device_groups.clear();
  }
  sets.persons = {{"staff", {"op*", "contractor-1"}, {}},
                  {"guests", {"*"}, {"operator"}}};
  sets.terminals = {{"desks", {"desk-*"}, {}}, {"branch", {"none"}, {}}};
  sets.types = {{"ward",
                 Pick({"W[0-9]{6}", "\\p{Han}+", "a\"b\\\\c"}),
                 {"病棟番号", "ward no."},
                 static_cast<TypeCheck>(Below(5)),
                 {}},
                {"client", "", {}, TypeCheck::kNone, {"A-17", "㈱ \"甲\""}}};
  sets.files = {{"known", {std::string(64, 'a'), std::string(64, 'c')}}};
  const auto date = [](int y, unsigned m, unsigned d) {
    return std::chrono::year_month_day(year(y), month(m), day(d));
  };
  sets.holidays = {{"feast", {{date(2000, 1, 1), date(2000, 1, 1), true}}},
                   {"week", {{date(2026, 12, 29), date(2027, 1, 3), false}}}};
  const std::string zone =
      Pick({"Asia/Tokyo", "Europe/Berlin", "America/New_York", "JST-9"});
  sets.windows.push_back({"office", zone, 0x1f, 9 * 60, 18 * 60, {}, {}});
  sets.windows.push_back(
      {"night", zone, 0x7f, 22 * 60 + 30, 6 * 60, {"feast"}, {}});
  sets.windows.push_back(
      {"new-year", zone, 0x7f, 0, 24 * 60, {}, {"feast", "week"}});
  return sets;
}

ContentMatch RandomWorld::MakeContentMatch() {
  ContentMatch match;
  if (Chance(40)) match.persons = MakeRange(50);
  if (Chance(10)) match.bytes = MakeRange(1000);
  if (Chance(30)) match.data = {Pick(kData), Pick(kData)};
  if (Chance(30)) match.inspection = {static_cast<Inspection>(Below(3))};
  if (Chance(15)) match.reason = {Pick({"encrypted", "limit:*"})};
  if (Chance(15)) match.format = {Pick({"csv", "*s*"})};
  if (Chance(10)) match.data_owner = {Pick({"client-*", "public"})};
  if (Chance(5)) match.file_groups = {"known"};
  if (Chance(15)) match.totals = {{MakeTotal(), Below(300)}};
  return match;
}

TotalKey RandomWorld::MakeTotal() {
  return {static_cast<TotalOf>(Below(3)), static_cast<TotalBy>(Below(3)),
          Chance(50) ? 24 : 30 * 24};
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

namespace {

DeviceMatch Version1(DeviceMatch match) {
  match.device_groups.clear();
  match.person_groups.clear();
  match.terminal_groups.clear();
  match.during.clear();
  match.interface_count.reset();
  match.online.reset();
  match.all.clear();
  match.any.clear();
  match.none.clear();
  return match;
}

}  // namespace

Policy RandomWorld::MakePolicy(int rules) {
  Policy policy;
  policy.name = Pick({"office", "名前", "a: b # c"});
  policy.mode = static_cast<Mode>(Below(2));
  policy.when_stale = static_cast<WhenStale>(Below(2));
  policy.device_default = static_cast<Access>(Below(5));
  policy.content_default = static_cast<Verdict>(Below(3));
  policy.contact = MakeTexts();
  const bool newer = Chance(70);  // the rest says what version 1 can
  if (newer) policy.sets = MakeSets();
  if (newer && Chance(30)) {
    policy.samples_key =
        "sekisho-p256:BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+N"
        "C4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfVpi+pj";
  }
  if (newer && Chance(50)) {
    policy.landings = {.persons = 1 + Below(1000),
                       .folders = {"/home", "/mnt/\"ä"},
                       .lies_for_hours = std::nullopt};
    if (Chance(50)) policy.landings->lies_for_hours = 1 + Below(9600);
  }
  if (newer && Chance(30)) {
    policy.identify = {.accounts = {"operator", "maint"},
                       .proof = {Proof::kTotp},
                       .lasts_hours = 1 + Below(kMaxIdentifyHours)};
    if (Chance(50)) policy.identify->proof.push_back(Proof::kPin);
  }
  if (newer && Chance(30)) {
    policy.jobs = {{.unit = "nightly\\x2dexport.service", .owner = "yamada"}};
  }
  for (int i = 0; i < rules; ++i) {
    DeviceRule rule;
    rule.id = "d" + std::to_string(i);
    rule.match = MakeDeviceMatch(2);
    if (!newer) rule.match = Version1(rule.match);
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
    if (newer && Chance(30)) content.situation = MakeDeviceMatch(1);
    if (!newer) {
      content.match.data_owner.clear();
      content.match.file_groups.clear();
      content.match.totals.clear();
    }
    content.verdict = static_cast<Verdict>(Below(3));
    if (newer && Chance(20)) content.granting = Granting::kNever;
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
  device.manufacturer =
      Pick({"", "Kingston", "Kingston Fixed Works", "Stone Works", "日本電機"});
  device.port = Pick({"", "1-2", "1-2.4", "12-2.4"});
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
  if (Chance(30)) person.account = "operator";
  return person;
}

TerminalFacts RandomWorld::MakeTerminal() {
  TerminalFacts terminal;
  terminal.terminal = Pick(kTerminals);
  if (Chance(20)) terminal.groups = {Pick({"branch", "desks"})};
  terminal.online = Chance(70);
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
  for (const char* owner : {"client-1", "public"}) {
    if (Chance(30)) content.data_owners.emplace_back(owner);
  }
  if (Chance(30)) content.file_hash = std::string(64, Chance(50) ? 'a' : 'b');
  for (int i = Below(4); i > 0; --i) content.totals[MakeTotal()] = Below(400);
  return content;
}

WallTime RandomWorld::MakeTime() {
  return WallTime(std::chrono::seconds(1'798'300'000 + Below(200) * 5400));
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

bool HoldsMedium(const DeviceFacts& device) {
  if (device.bus != "usb") return true;
  for (const auto& interface : device.interfaces) {
    if (interface.klass == 8) return true;
  }
  return false;
}

// What a condition is worth: 0 no, 1 only the medium can tell, 2 yes.
using Worth = int;

// Local time by the C library, which knows the rule of each zone by itself.
tm LocalTm(const std::string& zone, WallTime now) {
  static const std::map<std::string, std::string> kRules{
      {"Asia/Tokyo", "JST-9"},
      {"Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"},
      {"America/New_York", "EST5EDT,M3.2.0,M11.1.0"},
      {"JST-9", "JST-9"}};
  ::setenv("TZ", kRules.at(zone).c_str(), 1);
  ::tzset();
  const time_t seconds =
      std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  tm local{};
  ::localtime_r(&seconds, &local);
  return local;
}

bool OnDates(const Policy& policy, const std::vector<std::string>& names,
             const tm& day) {
  const int number =
      (day.tm_year + 1900) * 10000 + (day.tm_mon + 1) * 100 + day.tm_mday;
  const auto as_number = [](std::chrono::year_month_day date) {
    return static_cast<int>(date.year()) * 10000 +
           static_cast<int>(static_cast<unsigned>(date.month())) * 100 +
           static_cast<int>(static_cast<unsigned>(date.day()));
  };
  for (const DateSet& set : policy.sets.holidays) {
    if (std::ranges::find(names, set.name) == names.end()) continue;
    for (const DateSpan& span : set.spans) {
      const int first = as_number(span.first);
      const int last = as_number(span.last);
      if (span.every_year && first % 10000 == number % 10000) return true;
      if (!span.every_year && first <= number && number <= last) return true;
    }
  }
  return false;
}

bool BeginsOn(const Policy& policy, const Window& window, const tm& day) {
  const int monday_first = (day.tm_wday + 6) % 7;
  if ((window.days >> monday_first & 1) == 0) return false;
  if (OnDates(policy, window.except, day)) return false;
  return window.only_on.empty() || OnDates(policy, window.only_on, day);
}

// By the minutes that the clock on the wall shows: right wherever the clock is
// not set between the ends of a window.
bool IsOpen(const Policy& policy, const std::string& name, WallTime now) {
  for (const Window& window : policy.sets.windows) {
    if (window.name != name) continue;
    const tm today = LocalTm(window.zone, now);
    const tm yesterday = LocalTm(window.zone, now - std::chrono::hours(24));
    const int minute = today.tm_hour * 60 + today.tm_min;
    const bool overnight = window.to_minute <= window.from_minute;
    if (BeginsOn(policy, window, today) && minute >= window.from_minute &&
        (overnight || minute < window.to_minute)) {
      return true;
    }
    return overnight && BeginsOn(policy, window, yesterday) &&
           minute < window.to_minute;
  }
  return false;
}

bool InGroup(const std::vector<NameGroup>& groups, const std::string& group,
             std::string name) {
  if (name.empty()) name = "unknown";
  for (const NameGroup& one : groups) {
    if (one.name != group) continue;
    bool in = false;
    for (const auto& pattern : one.any) in = in || Fits(pattern, name);
    for (const auto& pattern : one.none) in = in && !Fits(pattern, name);
    return in;
  }
  return false;
}

bool SituationFits(const Policy& policy, const DeviceMatch& m,
                   const PersonFacts& p, const TerminalFacts& t, WallTime now) {
  bool person = m.person_groups.empty();
  for (const auto& group : m.person_groups) {
    person = person || InGroup(policy.sets.persons, group, p.person);
  }
  bool terminal = m.terminal_groups.empty();
  for (const auto& group : m.terminal_groups) {
    for (const auto& given : t.groups) terminal = terminal || given == group;
    terminal = terminal || InGroup(policy.sets.terminals, group, t.terminal);
  }
  bool during = m.during.empty();
  for (const auto& name : m.during) {
    during = during || IsOpen(policy, name, now);
  }
  return person && terminal && during && (!m.online || *m.online == t.online);
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
  const auto count = static_cast<int64_t>(d.interfaces.size());
  return Fits(m.interface_count, count) && Fits(m.bus, d.bus) &&
         Fits(m.vendor_id, d.vendor_id) && Fits(m.product_id, d.product_id) &&
         Fits(m.serial, d.serial) && Fits(m.manufacturer, d.manufacturer) &&
         Fits(m.port, d.port) && FitsOne(m.persons, p.person) &&
         FitsOne(m.origins, p.origin) && FitsOne(m.terminals, t.terminal);
}

bool MediumFits(const DeviceMatch& m, const MediumFacts& medium) {
  return Fits(m.size_bytes, medium.size_bytes) &&
         Fits(m.filesystem, medium.filesystem) &&
         Fits(m.encryption, medium.encryption) &&
         Fits(m.volume_label, medium.volume_label);
}

bool AsksMedium(const DeviceMatch& m) {
  return m.size_bytes || m.filesystem || m.encryption || m.volume_label;
}

Worth Value(const Policy& policy, const DeviceMatch& m, const DeviceFacts& d,
            const PersonFacts& p, const TerminalFacts& t, WallTime now) {
  Worth all = 2;
  if (!KnownFactsFit(m, d, p, t) || !SituationFits(policy, m, p, t, now)) {
    all = 0;
  }
  if (AsksMedium(m)) {
    const Worth unseen = HoldsMedium(d) ? 1 : 0;
    const Worth medium = d.medium ? (MediumFits(m, *d.medium) ? 2 : 0) : unseen;
    all = std::min(all, medium);
  }
  const auto value = [&](const DeviceMatch& part) {
    return Value(policy, part, d, p, t, now);
  };
  if (!m.device_groups.empty()) {
    Worth best = 0;
    for (const auto& name : m.device_groups) {
      for (const auto& group : policy.sets.devices) {
        if (group.name == name) best = std::max(best, value(group.match));
      }
    }
    all = std::min(all, best);
  }
  for (const auto& part : m.all) all = std::min(all, value(part));
  if (!m.any.empty()) {
    Worth best = 0;
    for (const auto& part : m.any) best = std::max(best, value(part));
    all = std::min(all, best);
  }
  for (const auto& part : m.none) all = std::min(all, 2 - value(part));
  return all;
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
    const Worth worth = Value(policy, m, device, person, terminal, now);
    if (worth == 0) continue;
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
        (worth == 1 || wants_encrypted)) {
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
                                  const ContentFacts& content,
                                  const DeviceFacts& device,
                                  const PersonFacts& person,
                                  const TerminalFacts& terminal, WallTime now) {
  ContentDecision decision;
  if (content.persons >= 1 && person.account.empty() && policy.identify) {
    for (const std::string& shared : policy.identify->accounts) {
      if (shared != person.person) continue;
      decision.verdict = Verdict::kBlock;
      decision.rule = "identify";
      return decision;
    }
  }
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
    const Worth worth =
        Value(policy, rule.situation, device, person, terminal, now);
    const bool there =
        worth == 2 || (worth == 1 && rule.verdict == Verdict::kBlock);
    bool known = m.file_groups.empty();
    for (const auto& name : m.file_groups) {
      for (const auto& group : policy.sets.files) {
        for (const auto& hash : group.hashes) {
          if (group.name == name && hash == content.file_hash) known = true;
        }
      }
    }
    bool totals = true;
    for (const TotalLimit& limit : m.totals) {
      int64_t total = limit.key.of == TotalOf::kPersons ? content.persons
                      : limit.key.of == TotalOf::kBytes ? content.bytes
                                                        : 1;
      for (const auto& [key, sum] : content.totals) {
        if (key == limit.key) total = sum;
      }
      if (total < limit.at_least) totals = false;
    }
    bool owned = content.data_owners.empty() && fits_one(m.data_owner, "");
    for (const auto& owner : content.data_owners) {
      if (fits_one(m.data_owner, owner)) owned = true;
    }
    if (there && known && totals && owned && data && inspection &&
        Fits(m.persons, content.persons) && Fits(m.bytes, content.bytes) &&
        fits_one(m.reason, content.reason) &&
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
