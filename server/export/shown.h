// What formats show of a record's event, escaped. Used by this folder only.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "server/export/record.h"

namespace sekisho::server_export {

inline constexpr std::string_view kVendor = "Sekisho";
inline constexpr std::string_view kProduct = "Sekisho";
inline constexpr std::string_view kVersion = "0.1.0";

struct Shown {
  std::string file_path, file_name, file_hash, format;
  std::string program, command, ssh_source, ssh_key, tty, origin;
  std::string types;  // "email,phone"
  std::string reason, access, outcome, inspection, inspection_reason;
  std::string vendor, product, serial, vendor_id, product_id, bus, filesystem;
  std::string event_id;
  int64_t persons = 0;
  int64_t persons_written = 0;
  int64_t bytes = 0;
  int64_t sequence = 0;
  int64_t epoch = 0;
  int64_t policy_version = 0;
  bool refused = false;
  bool observe_only = false;
  event::v1::EventKind kind{};
};
Shown ShownOf(const Record& record);

// "2026-11-27T01:50:00.123456Z"
std::string Timestamp(WallTime time);
int64_t Milliseconds(WallTime time);
// Without what is empty or 0.
void Put(nlohmann::ordered_json* to, const char* key, const std::string& value);
void Put(nlohmann::ordered_json* to, const char* key, int64_t value);
std::string Line(const nlohmann::ordered_json& json);

}  // namespace sekisho::server_export
