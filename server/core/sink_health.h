// How those outside who are told of alerts and events are doing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.h"

namespace sekisho::core {

struct SinkHealth {
  std::string name;
  std::string type;  // "syslog", "webhook", "mail", "chat", "file"
  int64_t sent_count = 0;
  int64_t gap_count = 0;
  int64_t waiting_count = 0;  // rows it was not told of, at most
  // Empty = the last try went well, or another server tells it.
  std::string last_error{};
  std::optional<WallTime> sent_time{};
  std::optional<WallTime> failing_since{};
  // The newest event it was told of; unset = it hears no events.
  std::optional<int64_t> event_row_id{};
};

}  // namespace sekisho::core
