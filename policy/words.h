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

inline constexpr int64_t kSchemaVersion = 1;
inline constexpr std::string_view kDefaultRule = "default";

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

inline constexpr auto kModeWords = WordList("observe", "enforce");
inline constexpr auto kWhenStaleWords = WordList("keep", "stricter");
inline constexpr auto kAccessWords =
    WordList("block", "read_only", "inspect", "audit", "full");
inline constexpr auto kVerdictWords = WordList("allow", "alert", "block");
inline constexpr auto kInspectionWords = WordList("full", "partial", "none");
inline constexpr auto kBusWords =
    WordList("usb", "scsi", "mmc", "pci", "optical");
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

// A known type, or "custom:" and an id of at most 64 characters.
bool IsDataType(std::string_view text);
// A known reason, or "limit:" and a name.
bool IsReason(std::string_view text);
// "08/06/50", "03/*/*": 2 hex digits or '*' each.
std::optional<InterfacePattern> ParseInterfacePattern(std::string_view text);
std::string PrintInterfacePattern(const InterfacePattern& pattern);

}  // namespace sekisho::policy
