// The words of policy as values: what is known about a device, a medium, a
// person and a file (facts), what a policy says (rules), and what comes out
// (decisions). No I/O, no clock: whatever varies is an argument.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"

namespace sekisho::policy {

enum class Mode { kObserve, kEnforce };
// From closed to open. Unknown words never parse to an open one.
enum class Access { kBlock, kReadOnly, kInspect, kAudit, kFull };
enum class Verdict { kAllow, kAlert, kBlock };
enum class Inspection { kFull, kPartial, kNone };
enum class WhenStale { kKeep, kStricter };
// Whether the SOC can let through one transfer that a rule stops.
enum class Granting { kTransfer, kNever };

const char* Name(Mode mode);              // "observe" ...
const char* Name(Access access);          // "read_only" ...
const char* Name(Verdict verdict);        // "allow" ...
const char* Name(Inspection inspection);  // "full" ...
const char* Name(WhenStale when);         // "keep" ...
const char* Name(Granting granting);      // "transfer" ...
std::optional<Access> ParseAccess(std::string_view word);
std::optional<Mode> ParseMode(std::string_view word);
std::optional<Verdict> ParseVerdict(std::string_view word);
std::optional<Inspection> ParseInspection(std::string_view word);
std::optional<WhenStale> ParseWhenStale(std::string_view word);
std::optional<Granting> ParseGranting(std::string_view word);

struct UsbInterface {
  uint8_t klass = 0;
  uint8_t subclass = 0;
  uint8_t protocol = 0;
  bool operator==(const UsbInterface&) const = default;
};

// Known only after the probe looked at the medium (two-step decision).
struct MediumFacts {
  int64_t size_bytes = 0;
  std::string filesystem;     // "vfat", "exfat", "ext4", "ntfs", "" = none
  std::string volume_uuid;    // as blkid prints it
  std::string volume_label;   // raw bytes from the medium
  std::string encryption;     // "none", "luks", "bitlocker", "unknown"
  std::string medium_serial;  // SCSI VPD 0x80, NVMe, CID; raw bytes
  bool operator==(const MediumFacts&) const = default;
};

// Strings come from the device: raw bytes, escaped only where shown.
struct DeviceFacts {
  // "usb", "scsi", "mmc", "pci", "optical"; of what somebody far away lends
  // this terminal: "rdp", "spice", "nbd".
  std::string bus = "usb";
  std::string vendor_id;   // 4 lower-case hex digits
  std::string product_id;  // 4 lower-case hex digits
  std::string serial;
  std::string manufacturer;
  std::string product;
  std::vector<UsbInterface> interfaces;
  std::string port;             // "1-1.2": bus and port path
  std::string speed;            // "480", as sysfs prints it
  std::string descriptor_hash;  // hex SHA-256 of the descriptors
  std::optional<MediumFacts> medium;
  bool operator==(const DeviceFacts&) const = default;
};

// Who is at the keyboard, and through what. Empty text = not known.
struct PersonFacts {
  std::string person;  // "operator", or "unknown"
  int64_t uid = -1;
  int64_t login_uid = -1;
  std::string origin;  // "console", "ssh", "network", "service", "unknown"
  // The account that several people use, at which `person` proved who he is;
  // empty: `person` is the login.
  std::string account{};
  bool operator==(const PersonFacts&) const = default;
};

struct TerminalFacts {
  std::string terminal;  // name of the machine as enrolled
  std::vector<std::string> groups;
  bool online = true;
};

enum class TotalOf { kPersons, kBytes, kFiles };
enum class TotalBy { kPerson, kDevice, kTerminal };

const char* Name(TotalOf of);  // "persons" ...
const char* Name(TotalBy by);  // "person" ...
std::optional<TotalOf> ParseTotalOf(std::string_view word);
std::optional<TotalBy> ParseTotalBy(std::string_view word);

// A running total: of what, for whom, over how long.
struct TotalKey {
  TotalOf of = TotalOf::kPersons;
  TotalBy by = TotalBy::kPerson;
  int hours = 24;
  auto operator<=>(const TotalKey&) const = default;
};

// What a scan found in one file on its way to a medium.
struct ContentFacts {
  std::string format;
  std::string encoding;
  int64_t bytes = 0;
  int64_t persons = 0;
  std::map<std::string, int64_t> data;  // contract TYPE -> count
  Inspection inspection = Inspection::kNone;
  std::string reason;  // why not full; contract words
  // Labels of the clients who entrusted it, as far as known.
  std::vector<std::string> data_owners{};
  std::string file_hash;  // 64 lower-case hex digits, or "" = not known
  // What was written under the same key within the time, with this file added.
  // A total that is not here is this file alone.
  std::map<TotalKey, int64_t> totals;
};

// "vid:pid:serial" lists and approvals: one row of a device list.
struct DeviceEntry {
  std::string list;  // "approvals" or a named list
  std::string vendor_id;
  std::string product_id;
  std::string serial;
  std::string descriptor_hash;  // empty = not bound to it
  Access access = Access::kBlock;
  std::string terminal;             // empty = every terminal
  std::optional<WallTime> expires;  // from then on the row is not there
  std::string owner;
  std::string purpose;
  std::string ticket;
  bool operator==(const DeviceEntry&) const = default;
};

struct IntRange {  // inclusive; unset = open
  std::optional<int64_t> at_least;
  std::optional<int64_t> at_most;
  bool operator==(const IntRange&) const = default;
};

struct InterfacePattern {  // "08/*/50"; unset = any
  std::optional<uint8_t> klass, subclass, protocol;
  bool operator==(const InterfacePattern&) const = default;
};

// All that is set must hold (and). Text patterns know '*' (any run) and '?'.
struct DeviceMatch {
  std::optional<std::string> bus, vendor_id, product_id, serial, manufacturer,
      product, port, descriptor_hash, filesystem, volume_uuid, volume_label,
      encryption, medium_serial;
  std::optional<IntRange> size_bytes;
  // Every interface of the device must match one of these.
  std::vector<InterfacePattern> interfaces_all;
  // At least one interface must match one of these.
  std::vector<InterfacePattern> interfaces_any;
  std::optional<IntRange> interface_count;
  std::vector<std::string> persons;    // any of
  std::vector<std::string> origins;    // any of
  std::vector<std::string> terminals;  // names or patterns, any of
  // Names of the policy's own sets, any of.
  std::vector<std::string> device_groups, person_groups, terminal_groups;
  std::vector<std::string> during;  // names of windows, any of
  std::optional<bool> online;       // the terminal reaches its server
  std::vector<DeviceMatch> all, any, none;
  bool operator==(const DeviceMatch&) const = default;
  // True if a fact of this condition itself (not of those nested in it or of
  // its groups) is one that only the probe can give.
  bool NeedsMedium() const;
};

// A named set of persons or terminals: one of `any`, none of `none`. Patterns.
struct NameGroup {
  std::string name;
  std::vector<std::string> any, none;
  bool operator==(const NameGroup&) const = default;
};

struct DeviceGroup {
  std::string name;
  DeviceMatch match;  // names no device_groups itself
  bool operator==(const DeviceGroup&) const = default;
};

struct FileGroup {  // known files by the SHA-256 of their content
  std::string name;
  std::vector<std::string> hashes;  // 64 lower-case hex digits
  bool operator==(const FileGroup&) const = default;
};

// One day or a run of days, both ends included.
struct DateSpan {
  std::chrono::year_month_day first, last;
  bool every_year = false;  // one day, its year is 2000
  bool operator==(const DateSpan&) const = default;
};

struct DateSet {
  std::string name;
  std::vector<DateSpan> spans;
  bool operator==(const DateSet&) const = default;
};

// A stretch of time that comes again, by the clock of a zone. It belongs to
// the day on which it begins, also when it ends on the next.
struct Window {
  std::string name;
  std::string zone;     // as Zone::Find takes it
  uint8_t days = 0x7f;  // bit 0 = Monday
  int from_minute = 0;
  int to_minute = 24 * 60;           // <= from_minute: ends on the next day
  std::vector<std::string> except;   // does not begin on these dates
  std::vector<std::string> only_on;  // begins on these dates only
  bool operator==(const Window&) const = default;
};

enum class TypeCheck { kNone, kLuhn, kMod11, kMod97, kVerhoeff };

const char* Name(TypeCheck check);  // "luhn" ...
std::optional<TypeCheck> ParseTypeCheck(std::string_view word);

// A type of data of the policy's own: rules call it "custom:<name>". A value
// is of the type if all that is set holds.
struct CustomType {
  std::string name;
  std::string pattern;               // RE2, of a whole value; "" = any
  std::vector<std::string> headers;  // any of them in the column's header
  TypeCheck check = TypeCheck::kNone;
  std::vector<std::string> values;  // any of
  bool operator==(const CustomType&) const = default;
};

// Names that rules use. In the order of the file.
struct Sets {
  std::vector<CustomType> types;
  std::vector<DeviceGroup> devices;
  std::vector<NameGroup> persons;
  std::vector<NameGroup> terminals;
  std::vector<FileGroup> files;
  std::vector<DateSet> holidays;
  std::vector<Window> windows;
  bool operator==(const Sets&) const = default;
};

struct DeviceRule {
  std::string id;
  DeviceMatch match;
  // Set: the rule stands for the rows of this device list ("approvals"), each
  // with its own access; `access` is not used.
  std::optional<std::string> list;
  Access access = Access::kBlock;
  bool encrypted_only = false;
  bool no_exec = true;
  std::map<std::string, std::string> notify;  // language -> text
  int line = 0;                               // in the policy file, 1-based
  bool operator==(const DeviceRule&) const = default;
};

struct TotalLimit {
  TotalKey key;
  int64_t at_least = 0;
  bool operator==(const TotalLimit&) const = default;
};

struct ContentMatch {
  std::optional<IntRange> persons;
  std::optional<IntRange> bytes;
  // Any of these types with a count of at least one.
  std::vector<std::string> data;
  std::vector<Inspection> inspection;    // any of
  std::vector<std::string> reason;       // any of; patterns ("limit:*")
  std::vector<std::string> format;       // any of; patterns
  std::vector<std::string> data_owner;   // any of; patterns
  std::vector<std::string> file_groups;  // names, any of
  std::vector<TotalLimit> totals;        // each must be reached
  bool operator==(const ContentMatch&) const = default;
};

struct ContentRule {
  std::string id;
  ContentMatch match;
  DeviceMatch situation;  // device, person, terminal and time must match too
  Verdict verdict = Verdict::kBlock;
  Granting granting = Granting::kTransfer;  // of what it blocks
  std::map<std::string, std::string> notify;
  int line = 0;
  bool operator==(const ContentRule&) const = default;
};

// What is reported when it arrives on the terminal's own disks. Nothing is
// refused by it, in either mode.
struct Landings {
  int64_t persons = 100;              // from this many people in one file on
  std::vector<std::string> folders;   // absolute, with all below
  std::optional<int> lies_for_hours;  // unset: what lies there is not walked
  bool operator==(const Landings&) const = default;
};

enum class Proof { kPin, kTotp };

const char* Name(Proof proof);  // "pin" ...
std::optional<Proof> ParseProof(std::string_view word);

// Accounts that several people use: whoever copies people's data says first who
// he is (policy/people_list.h).
struct Identify {
  std::vector<std::string> accounts;
  std::vector<Proof> proof;  // any of
  int lasts_hours = 8;       // at most, of one login
  bool operator==(const Identify&) const = default;
};

// What runs without a login, under whose name.
struct Job {
  std::string unit;   // "nightly-export.service"
  std::string owner;  // id of a person
  bool operator==(const Job&) const = default;
};

struct Policy {
  std::string name;
  Mode mode = Mode::kObserve;
  WhenStale when_stale = WhenStale::kKeep;
  Sets sets;
  std::vector<DeviceRule> devices;  // first match wins
  Access device_default = Access::kBlock;
  std::vector<ContentRule> content;  // first match wins
  Verdict content_default = Verdict::kBlock;
  // Whom masked samples of files are sealed to (samples_key.h); empty: none
  // are made.
  std::string samples_key;
  // How to ask for approval, shown to the operator; language -> text.
  std::map<std::string, std::string> contact;
  std::optional<Landings> landings;  // unset: not watched
  std::optional<Identify> identify;  // unset: nobody is asked who he is
  std::vector<Job> jobs;
  bool operator==(const Policy&) const = default;
};

struct DeviceDecision {
  Access access = Access::kBlock;
  bool encrypted_only = false;
  bool no_exec = true;
  // The rule that decided: its id, or "default".
  std::string rule;
  int rule_line = 0;
  std::string reason;  // one plain sentence
  std::map<std::string, std::string> notify;
  // The answer hangs on facts only the probe can give: authorise for probing,
  // then ask again with `medium` set. Never true once `medium` is set.
  bool needs_probe = false;
};

struct ContentDecision {
  Verdict verdict = Verdict::kBlock;
  std::string rule;
  int rule_line = 0;
  std::string reason;
  std::map<std::string, std::string> notify;
  // Of a block: whether a grant of one transfer opens it. False too where it
  // is no rule that blocks.
  bool grantable = false;
};

}  // namespace sekisho::policy
