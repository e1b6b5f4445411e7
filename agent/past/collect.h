// What of the past is worth an event, newest first, up to a bound. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "agent/past/journal.h"
#include "agent/past/wtmp.h"

namespace sekisho::past {

inline constexpr size_t kMaxAttachments = 1'000;
inline constexpr size_t kMaxLogins = 1'000;

struct Past {
  std::vector<Attachment> attachments;  // newest first
  std::vector<PastLogin> logins;        // newest first
  int64_t left_out = 0;                 // older ones, beyond the bounds
  bool cut = false;                     // not all of the logs was read
};

// Each attachment of storage, and the newest of every other device: a terminal
// sees its own camera and keyboard at each boot. Hubs are left out.
class AttachmentFilter {
 public:
  void Take(const KernelMessage& message, Past* past);

 private:
  Attachments attachments_;
  std::set<std::string> seen_;  // other devices
};

// `records` as in wtmp, oldest first; the rest of a record at its beginning is
// passed over.
void TakeLogins(ByteSpan records, WallTime before, Past* past);

}  // namespace sekisho::past
