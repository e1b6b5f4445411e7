// What is known of the files on media, as the index keeps it: facts, each with
// its time by the terminal's clock. What is on a medium now follows from all of
// them (core/medium_contents.h), in whatever order they came in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "sekisho/event/v1/event.pb.h"

namespace sekisho::store {

// One filesystem that was in a device. A stick that is formatted anew, and each
// card in a reader, is another one (docs/adr/0308).
struct MediumKey {
  std::string device_id;
  std::string volume;  // its uuid; else the medium's serial; else empty
  bool operator==(const MediumKey&) const = default;
};

enum class MarkKind {  // the numbers stand in the database
  kMounted = 1,        // became usable; a listing begins
  kListed = 2,         // the listing ended and was complete
  kCutShort = 3,       // the listing ended without all
  kLost = 4,           // changes of names could not be told
  kErased = 5,         // it was overwritten: nothing of before is on it
};

struct MediumMark {
  int64_t row_id = 0;  // of its event, in all of these
  WallTime time;
  std::string agent_id;
  std::string terminal;
  MarkKind kind = MarkKind::kMounted;
  int64_t present_count = 0;  // of a listing; kErased: bytes
};

// A content reached the medium under this name.
struct MediumCopy {
  int64_t row_id = 0;
  WallTime time;
  std::string path;
  int64_t bytes = 0;
};

struct MediumChange {
  int64_t row_id = 0;
  int64_t place = 0;  // in its event
  WallTime time;
  event::v1::FileChange change{};
  std::string path;
  std::string old_path;
};

// Seen there with this size and time, by listings from the first to the last.
struct MediumSeen {
  std::string path;
  int64_t size_bytes = 0;
  WallTime modify_time;
  WallTime first_time, last_time;
  std::string first_terminal;
};

// All that is known of one medium. More copies and changes, or more names seen,
// than these are not read; `cut` says so.
inline constexpr int kMaxMediumFacts = 200'000;
// Of one device, the newest.
inline constexpr int kMaxMedia = 20;
struct MediumLog {
  MediumKey key;
  std::string filesystem{};
  std::string label{};
  std::string encryption{};
  WallTime last_time{};
  std::vector<MediumMark> marks{};
  std::vector<MediumCopy> copies{};
  std::vector<MediumChange> changes{};
  std::vector<MediumSeen> seen{};
  bool cut = false;
};

// What one event says of a medium.
struct MediumNews {
  MediumKey key;
  std::string filesystem, label, encryption;
  std::string agent_id;
  int64_t row_id = 0;
  WallTime time;
  std::vector<MediumMark> marks;
  std::vector<MediumCopy> copies;
  std::vector<MediumChange> changes;
  std::vector<MediumSeen> seen;
};

}  // namespace sekisho::store
