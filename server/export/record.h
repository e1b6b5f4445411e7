// What is told to others: one alert, one event, or a word about the telling
// itself, before any format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "server/core/queries.h"

namespace sekisho::server_export {

// What a sink does not want to hear.
struct LeftOut {
  bool file_names = false;  // paths, commands, names of columns
  bool persons = false;     // who it was, his session and address
  bool devices = false;     // serials: "vid:pid" remains
};

enum class RecordKind {
  kAlert,
  kEvent,
  kGap,   // so many records were never sent to this sink
  kTest,  // somebody tries the sink out
};

struct Record {
  RecordKind what = RecordKind::kTest;
  std::string uid;        // "alert/12", "event/<hex of its id>": told twice, it
                          // is the same
  std::string name;       // "transfer_blocked", "device_plugged"
  std::string severity;   // "info", "low", "medium", "high", "critical"
  std::string title;      // one English sentence
  WallTime time;          // when it happened
  WallTime receive_time;  // when the server had it
  std::string terminal, agent_id, person, device_id, rule;
  std::string link;                  // the console's page; empty = not known
  int64_t gap_count = 0;             // of kGap
  std::optional<core::Event> event;  // of an alert: what it is about
};

// `console`: "https://sekisho.example:8443", or empty.
Record RecordOf(const core::Alert& alert, const std::string& console);
Record RecordOf(const core::Event& event);
Record GapRecord(int64_t count, WallTime now);
Record TestRecord(const std::string& sink, WallTime now);

// Takes out what must not be told, here once for every format. Masked samples
// and sketches are never told.
void LeaveOut(const LeftOut& what, Record* record);

// 0 "info" ... 4 "critical".
int RankOf(const std::string& severity);

}  // namespace sekisho::server_export
