// The closed word lists of the policy language, for the parser, the printer
// and `policy explain`. docs/policy.md explains each word.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/model.h"

namespace sekisho::policy {

// The newest language this program knows. A policy of version 1 goes on
// unchanged; what came with 2 is refused in it, so that an older Sekisho says
// "newer" instead of "unknown key".
inline constexpr int64_t kSchemaVersion = 2;
inline constexpr std::string_view kDefaultRule = "default";
// Stands for `identify` where a rule's id is told.
inline constexpr std::string_view kIdentifyRule = "identify";
inline constexpr int kMaxIdentifyHours = 7 * 24;

template <typename... T>
constexpr auto WordList(T... words) {
  return std::array<std::string_view, sizeof...(T)>{words...};
}

inline constexpr auto kPolicyKeys =
    WordList("policy", "name", "mode", "when_stale", "devices",
             "device_default", "content", "content_default", "contact");
inline constexpr auto kDeviceRuleKeys = WordList(
    "id", "match", "list", "access", "encrypted_only", "no_exec", "notify");
inline constexpr auto kDeviceMatchKeys = WordList(
    "bus", "vendor_id", "product_id", "serial", "manufacturer", "product",
    "port", "descriptor_hash", "filesystem", "volume_uuid", "volume_label",
    "encryption", "medium_serial", "size_bytes", "interfaces_all",
    "interfaces_any", "persons", "origins", "terminals");
inline constexpr auto kContentRuleKeys =
    WordList("id", "when", "verdict", "notify");
inline constexpr auto kContentMatchKeys =
    WordList("persons", "bytes", "data", "inspection", "reason", "format");

// What came with version 2, by the same places.
inline constexpr auto kPolicyKeys2 =
    WordList("include", "zone", "groups", "holidays", "windows", "types",
             "samples", "landings", "identify", "jobs");
inline constexpr auto kLandingKeys = WordList("persons", "folders", "lies_for");
inline constexpr auto kIdentifyKeys = WordList("accounts", "proof", "lasts");
inline constexpr auto kJobKeys = WordList("unit", "owner");
inline constexpr auto kDeviceMatchKeys2 =
    WordList("device_groups", "person_groups", "terminal_groups", "during",
             "online", "interface_count", "all", "any", "not");
inline constexpr auto kContentRuleKeys2 = WordList("match", "grant");
inline constexpr auto kContentMatchKeys2 =
    WordList("data_owner", "file_groups", "totals");
inline constexpr auto kGroupKeys =
    WordList("devices", "persons", "terminals", "files");
inline constexpr auto kNameGroupKeys = WordList("any", "not");
inline constexpr auto kTypeKeys =
    WordList("pattern", "headers", "check", "values");
inline constexpr auto kSamplesKeys = WordList("key");
inline constexpr auto kWindowKeys =
    WordList("zone", "days", "from", "to", "except", "only_on");
inline constexpr auto kTotalKeys = WordList("of", "by", "over", "at_least");

inline constexpr auto kTotalOfWords = WordList("persons", "bytes", "files");
inline constexpr auto kTotalByWords = WordList("person", "device", "terminal");
inline constexpr auto kTypeCheckWords =
    WordList("none", "luhn", "mod11", "mod97", "verhoeff");
inline constexpr auto kDayWords =
    WordList("mon", "tue", "wed", "thu", "fri", "sat", "sun");
// Longest time a total runs over: 400 days.
inline constexpr int kMaxTotalHours = 400 * 24;

inline constexpr auto kModeWords = WordList("observe", "enforce");
inline constexpr auto kWhenStaleWords = WordList("keep", "stricter");
inline constexpr auto kProofWords = WordList("pin", "totp");
inline constexpr auto kGrantingWords = WordList("transfer", "never");
inline constexpr auto kAccessWords =
    WordList("block", "read_only", "inspect", "audit", "full");
inline constexpr auto kVerdictWords = WordList("allow", "alert", "block");
inline constexpr auto kInspectionWords = WordList("full", "partial", "none");
inline constexpr auto kBusWords =
    WordList("usb", "scsi", "mmc", "pci", "optical", "rdp", "spice", "nbd");
inline constexpr auto kEncryptionWords =
    WordList("none", "luks", "bitlocker", "unknown");
inline constexpr auto kOriginWords =
    WordList("console", "ssh", "network", "service", "unknown");
inline constexpr auto kReasonWords =
    WordList("encrypted", "bomb", "damaged", "unknown", "timeout", "crash");
inline constexpr auto kDataWords =
    WordList("person_name", "name_kana", "address", "postal_code", "phone",
             "email", "birth_date", "sex", "age", "my_number",
             "drivers_license", "passport", "residence_card",
             "health_insurance", "basic_pension", "bank_account", "credit_card",
             "health_record", "member_id", "iban", "us_ssn", "national_id");

inline constexpr std::string_view kCustomPrefix = "custom:";
// A known type, or "custom:" and an id of at most 64 characters.
bool IsDataType(std::string_view text);
// "a" of "custom:a"; of any other type nothing.
std::string_view CustomId(std::string_view type);
// A known reason, or "limit:" and a name.
bool IsReason(std::string_view text);
// "08/06/50", "03/*/*": 2 hex digits or '*' each.
std::optional<InterfacePattern> ParseInterfacePattern(std::string_view text);
std::string PrintInterfacePattern(const InterfacePattern& pattern);
// "2026-12-29", "2026-12-29..2027-01-03", "05-03" (every year).
std::optional<DateSpan> ParseDateSpan(std::string_view text);
std::string PrintDateSpan(const DateSpan& span);
// "09:30"; "24:00" is the end of the day. Minutes after midnight.
std::optional<int> ParseTimeOfDay(std::string_view text);
std::string PrintTimeOfDay(int minutes);
// "36h", "30d", at most kMaxTotalHours.
std::optional<int> ParseHours(std::string_view text);
std::string PrintHours(int hours);
// A system service by its whole name: "nightly-export.service".
bool IsServiceUnit(std::string_view text);
// Does the policy say anything that version 1 could not?
bool NeedsVersion2(const Policy& policy);

}  // namespace sekisho::policy
