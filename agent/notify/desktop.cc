#include "agent/notify/desktop.h"

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include <cstdio>
#include <map>

#include "common/text.h"

namespace sekisho::notify {
namespace {

constexpr char kService[] = "org.freedesktop.Notifications";
constexpr char kObject[] = "/org/freedesktop/Notifications";
constexpr uint8_t kNormal = 1;
constexpr uint8_t kCritical = 2;
constexpr size_t kMaxTitleBytes = 256;
constexpr size_t kMaxBodyBytes = 2048;
constexpr size_t kMaxPlaces = 64;

struct CloseBus {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
};
struct FreeMessage {
  void operator()(sd_bus_message* message) const {
    sd_bus_message_unref(message);
  }
};

class DesktopScreen final : public Screen {
 public:
  Status Show(const ipc::PlacedNotice& placed) override {
    auto shown = Try(placed);
    if (!shown) {
      bus_.reset();
      places_.clear();
    }
    return shown;
  }

 private:
  Status Try(const ipc::PlacedNotice& placed) {
    const ipc::Notice& notice = placed.notice;
    if (!bus_) {
      sd_bus* bus = nullptr;
      if (const int r = sd_bus_open_user(&bus); r < 0) return FailBus(r);
      bus_.reset(bus);
    }
    const auto shown = places_.find(placed.place);
    const uint32_t before = shown == places_.end() ? 0 : shown->second;
    if (notice.title.empty() && notice.text.empty()) {
      if (before == 0) return {};
      places_.erase(shown);
      const int r = sd_bus_call_method(bus_.get(), kService, kObject, kService,
                                       "CloseNotification", nullptr, nullptr,
                                       "u", before);
      return r < 0 ? FailBus(r) : Status();
    }
    sd_bus_message* raw = nullptr;
    if (const int r = sd_bus_message_new_method_call(
            bus_.get(), &raw, kService, kObject, kService, "Notify");
        r < 0) {
      return FailBus(r);
    }
    const std::unique_ptr<sd_bus_message, FreeMessage> message(raw);
    const bool blocked = notice.severity == "blocked";
    const std::string title =
        BodyText(notice.title, Markup::kNone, kMaxTitleBytes);
    const std::string body =
        BodyText(notice.text, Markup::kEscaped, kMaxBodyBytes);
    // app, replaces, icon, summary, body, actions, hints, timeout (-1: the
    // desktop's own).
    const int r = sd_bus_message_append(
        raw, "susssasa{sv}i", "Sekisho", before,
        blocked ? "dialog-error" : "dialog-information", title.c_str(),
        body.c_str(), 0, 1, "urgency", "y", blocked ? kCritical : kNormal, -1);
    if (r < 0) return FailBus(r);
    // Waits for the answer: a refusal by the service is an error here.
    sd_bus_message* answer = nullptr;
    const int called =
        sd_bus_call(bus_.get(), raw, 5'000'000, nullptr, &answer);
    const std::unique_ptr<sd_bus_message, FreeMessage> answered(answer);
    if (called < 0) return FailBus(called);
    if (!placed.place.empty()) Remember(placed.place, answer);
    return {};
  }

  void Remember(const std::string& place, sd_bus_message* answer) {
    uint32_t id = 0;
    if (sd_bus_message_read(answer, "u", &id) < 0 || id == 0) return;
    // Of media that were pulled in the middle.
    if (places_.size() >= kMaxPlaces) places_.clear();
    places_[place] = id;
  }

  static Status FailBus(int negative_errno) {
    Error error = ErrnoError("desktop notification", -negative_errno);
    error.code = Code::kUnavailable;
    return std::unexpected(std::move(error));
  }

  std::unique_ptr<sd_bus, CloseBus> bus_;
  std::map<std::string, uint32_t> places_;  // the notification's id there
};

class PrintScreen final : public Screen {
 public:
  Status Show(const ipc::PlacedNotice& placed) override {
    const ipc::Notice& notice = placed.notice;
    if (notice.title.empty() && notice.text.empty()) return {};
    fmt::print("[{}] {}: {}\n",
               BodyText(notice.severity, Markup::kNone, kMaxTitleBytes),
               BodyText(notice.title, Markup::kNone, kMaxTitleBytes),
               BodyText(notice.text, Markup::kNone, kMaxBodyBytes));
    std::fflush(stdout);
    return {};
  }
};

}  // namespace

std::string BodyText(const std::string& text, Markup markup, size_t cap_bytes) {
  if (!IsValidUtf8(text)) {
    return BodyText(EscapeUntrusted(text, cap_bytes), markup, cap_bytes);
  }
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // Only between characters.
    if (out.size() >= cap_bytes && (byte & 0xc0) != 0x80) return out + "...";
    if ((byte < 0x20 && c != '\n') || byte == 0x7f) continue;
    if (markup == Markup::kEscaped && c == '&') {
      out += "&amp;";
    } else if (markup == Markup::kEscaped && c == '<') {
      out += "&lt;";
    } else if (markup == Markup::kEscaped && c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

std::unique_ptr<Screen> NewDesktopScreen() {
  return std::make_unique<DesktopScreen>();
}
std::unique_ptr<Screen> NewPrintScreen() {
  return std::make_unique<PrintScreen>();
}

}  // namespace sekisho::notify
