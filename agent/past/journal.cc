#include "agent/past/journal.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/number.h"

namespace sekisho::past {
namespace {

bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
         (c >= 'A' && c <= 'F');
}

char LowerHex(char c) {
  return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
}

// A flat JSON object, as journalctl writes it: values are text, lists of bytes
// (of what is no text), or null.
class FlatJson {
 public:
  explicit FlatJson(std::string_view in) : in_(in) {}

  // The next member; false at the end, or where it is no such object.
  bool Next(std::string* key, std::string* value) {
    Skip();
    if (!Eat(first_ ? '{' : ',')) return false;
    first_ = false;
    Skip();
    if (!Text(key)) return false;
    Skip();
    if (!Eat(':')) return false;
    Skip();
    return Value(value);
  }

 private:
  void Skip() {
    while (!in_.empty() && (in_[0] == ' ' || in_[0] == '\t')) {
      in_.remove_prefix(1);
    }
  }
  bool Eat(char c) {
    if (in_.empty() || in_[0] != c) return false;
    in_.remove_prefix(1);
    return true;
  }
  bool EatWord(std::string_view word) {
    if (!in_.starts_with(word)) return false;
    in_.remove_prefix(word.size());
    return true;
  }

  bool Value(std::string* out) {
    out->clear();
    if (in_.empty()) return false;
    if (in_[0] == '"') return Text(out);
    if (in_[0] == '[') return Bytes(out);
    return EatWord("null");
  }

  bool Bytes(std::string* out) {
    in_.remove_prefix(1);
    Skip();
    if (Eat(']')) return true;
    for (;;) {
      Skip();
      unsigned number = 0;
      const auto parsed =
          std::from_chars(in_.data(), in_.data() + in_.size(), number);
      if (parsed.ec != std::errc{} || number > 255) return false;
      in_.remove_prefix(static_cast<size_t>(parsed.ptr - in_.data()));
      Put(static_cast<char>(number), out);
      Skip();
      if (Eat(']')) return true;
      if (!Eat(',')) return false;
    }
  }

  bool Text(std::string* out) {
    out->clear();
    if (!Eat('"')) return false;
    while (!in_.empty()) {
      const char c = in_[0];
      in_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\') {
        Put(c, out);
      } else if (!Escaped(out)) {
        return false;
      }
    }
    return false;
  }

  bool Escaped(std::string* out) {
    if (in_.empty()) return false;
    const char c = in_[0];
    in_.remove_prefix(1);
    switch (c) {
      case '"':
      case '\\':
      case '/':
        Put(c, out);
        return true;
      case 'b':
        Put('\b', out);
        return true;
      case 'f':
        Put('\f', out);
        return true;
      case 'n':
        Put('\n', out);
        return true;
      case 'r':
        Put('\r', out);
        return true;
      case 't':
        Put('\t', out);
        return true;
      case 'u':
        return Unicode(out);
      default:
        return false;
    }
  }

  // journalctl escapes control characters only; halves of a pair stay as they
  // are, which is no UTF-8 and is escaped where it is shown.
  bool Unicode(std::string* out) {
    if (in_.size() < 4 || !std::ranges::all_of(in_.substr(0, 4), IsHex)) {
      return false;
    }
    const unsigned code = NumberOf<unsigned>(in_.substr(0, 4), 16).value_or(0);
    in_.remove_prefix(4);
    if (code < 0x80) {
      Put(static_cast<char>(code), out);
    } else if (code < 0x800) {
      Put(static_cast<char>(0xc0U | code >> 6U), out);
      Put(static_cast<char>(0x80U | (code & 0x3fU)), out);
    } else {
      Put(static_cast<char>(0xe0U | code >> 12U), out);
      Put(static_cast<char>(0x80U | (code >> 6U & 0x3fU)), out);
      Put(static_cast<char>(0x80U | (code & 0x3fU)), out);
    }
    return true;
  }

  static void Put(char c, std::string* out) {
    if (out->size() < kMaxMessageBytes) *out += c;
  }

  std::string_view in_;
  bool first_ = true;
};

// "1-1.2", also as the first part of "1-1.2:1.0". Empty: no port.
std::string_view PortAt(std::string_view text) {
  const size_t end = text.find_first_not_of("0123456789.-");
  const std::string_view port = text.substr(0, end);
  if (port.size() > kMaxPortBytes || port.find('-') == std::string_view::npos) {
    return {};
  }
  return port;
}

// What follows `prefix` and is four hex digits.
std::string HexAfter(std::string_view text, std::string_view prefix) {
  const size_t at = text.find(prefix);
  if (at == std::string_view::npos) return {};
  const std::string_view digits = text.substr(at + prefix.size(), 4);
  if (digits.size() != 4 || !std::ranges::all_of(digits, IsHex)) return {};
  std::string hex;
  for (const char c : digits) hex += LowerHex(c);
  return hex;
}

}  // namespace

std::optional<KernelMessage> ParseJournalLine(std::string_view line) {
  if (line.size() > kMaxLineBytes) return std::nullopt;
  FlatJson json(line);
  KernelMessage message;
  bool has_text = false;
  bool has_time = false;
  std::string key, value;
  while (json.Next(&key, &value)) {
    if (key == "MESSAGE") {
      message.text = value;
      has_text = true;
    } else if (key == "__REALTIME_TIMESTAMP") {
      const auto micros = NumberOf<int64_t>(value).value_or(-1);
      has_time = micros >= 0;
      message.time = WallTime(std::chrono::microseconds(micros));
    }
  }
  if (!has_text || !has_time) return std::nullopt;
  return message;
}

std::optional<Attachment> Attachments::Take(const KernelMessage& message) {
  std::string_view text = message.text;
  Kind driver = Kind::kOther;
  if (text.starts_with("usb-storage ")) {
    driver = Kind::kStorage;
  } else if (text.starts_with("hub ")) {
    driver = Kind::kHub;
  } else if (!text.starts_with("usb ") && !text.starts_with("scsi host")) {
    return std::nullopt;
  }
  const bool scsi = text.starts_with("scsi host");
  text.remove_prefix(text.find(' ') + 1);
  if (scsi) {  // "scsi host6: usb-storage 1-1:1.0", "scsi host6: uas"
    if (text.ends_with(": uas")) uas_ = true;
    const size_t at = text.find(": usb-storage ");
    if (at == std::string_view::npos) return std::nullopt;
    text.remove_prefix(at + std::string_view(": usb-storage ").size());
    driver = Kind::kStorage;
  }
  const std::string_view port = PortAt(text);
  if (port.empty()) return std::nullopt;
  auto at = open_.find(port);
  const bool driven = driver != Kind::kOther;
  text.remove_prefix(port.size());
  if (!driven && !text.starts_with(": ")) return std::nullopt;
  if (!driven) text.remove_prefix(2);
  const bool begins = !driven && text.starts_with("New USB device found, ");
  if (at == open_.end()) {
    if (open_.size() >= kMaxOpenPorts && !begins) return std::nullopt;
    at = open_.emplace(std::string(port), Attachment{}).first;
  }
  Attachment& open = at->second;
  if (!driven && std::exchange(uas_, false)) open.kind = Kind::kStorage;
  const auto put = [&](std::string_view name, std::string* out) {
    if (!text.starts_with(name)) return false;
    // The newest of one plug is the first that comes.
    if (out->empty()) *out = text.substr(name.size(), kMaxTextBytes);
    return true;
  };
  if (driven) {
    open.kind = driver;
  } else if (begins) {
    Attachment done = std::move(open);
    open_.erase(at);
    done.time = message.time;
    done.port = port;
    done.vendor_id = HexAfter(text, "idVendor=");
    done.product_id = HexAfter(text, "idProduct=");
    if (done.vendor_id.empty() || done.product_id.empty()) return std::nullopt;
    return done;
  } else if (text.starts_with("USB disconnect")) {
    // What was told before this is of another plug.
    open_.erase(at);
  } else if (!put("Product: ", &open.product) &&
             !put("Manufacturer: ", &open.manufacturer)) {
    put("SerialNumber: ", &open.serial);
  }
  return std::nullopt;
}

}  // namespace sekisho::past
