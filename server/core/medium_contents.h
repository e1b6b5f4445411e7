// What is on a medium now, from all that is known of it (docs/adr/0308). Pure:
// the same facts give the same answer in whatever order they came in.
//
//   copies, removals, renames, what listings saw  --by their time-->  files
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/core/queries.h"
#include "server/store/store.h"

namespace sekisho::core {

struct ContentFile {
  std::string path;         // raw
  int64_t size_bytes = -1;  // -1: not known
  std::optional<WallTime> modify_time{};
  int64_t copy_row_id = 0;  // the TRANSFER; 0: came from elsewhere
  WallTime since{};         // copied, or seen first
  std::string terminal{};   // where it was seen first
  // It is not as it was copied: another size, or only another time.
  bool other_size = false;
  bool other_time = false;
  // Not on it any more.
  std::optional<WallTime> gone_time{};
  enum class Gone { kRemoved, kElsewhere, kErased } gone = Gone::kRemoved;
};

struct MediumState {
  std::vector<ContentFile> files;  // by path
  std::vector<ContentFile> gone;   // newest first
};

// What is at the same place on FAT has one key however it is spelled.
std::string NameKey(const std::string& path, const std::string& filesystem);

MediumState StateOf(const store::MediumLog& log);

// kNotFound: nobody ever saw or approved the device.
Result<DeviceContents> ReadDeviceContents(store::Store& store,
                                          const std::string& device_id,
                                          WallTime now);

// "12 files, 3 with personal data of 4,567 people (address, person_name)": for
// the audit and the alert. No names.
std::string SumText(const DeviceContents& contents);

}  // namespace sekisho::core
