// What the kernel's messages of before the agent say of USB devices: each line
// of `journalctl -o json`, and what lines of one plug have in common. Pure. The
// texts are chosen by devices: every field is bounded, what does not fit is cut
// or passed over, and nothing here is proven.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"

namespace sekisho::past {

// A longer line is none of ours.
inline constexpr size_t kMaxLineBytes = size_t{16} * 1024;
inline constexpr size_t kMaxMessageBytes = 1024;
inline constexpr size_t kMaxTextBytes = 256;  // of a device's string
inline constexpr size_t kMaxPortBytes = 32;
inline constexpr size_t kMaxOpenPorts = 256;

struct KernelMessage {
  WallTime time;
  std::string text;  // any bytes
};

// One line. nullopt: no object with a message and a time, or too long.
std::optional<KernelMessage> ParseJournalLine(std::string_view line);

enum class Kind {
  kOther,
  kStorage,  // usb-storage or uas took it
  kHub,
};

struct Attachment {
  WallTime time;
  std::string port;        // "1-1.2"
  std::string vendor_id;   // four lower-case hex digits
  std::string product_id;  // four lower-case hex digits
  std::string manufacturer, product, serial;
  Kind kind = Kind::kOther;
};

// Takes messages newest first and says when a plug is complete: the kernel
// names the device first and tells the rest afterwards.
class Attachments {
 public:
  // An attachment, if this message is its beginning. Root hubs are none.
  std::optional<Attachment> Take(const KernelMessage& message);

 private:
  std::map<std::string, Attachment, std::less<>> open_;  // by port
  // uas does not say at which port it is: at the one that was told of before.
  bool uas_ = false;
};

}  // namespace sekisho::past
