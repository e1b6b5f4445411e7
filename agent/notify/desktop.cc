#include "agent/notify/desktop.h"

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include <cstdio>

#include "common/text.h"

namespace sekisho::notify {
namespace {

constexpr char kService[] = "org.freedesktop.Notifications";
constexpr char kObject[] = "/org/freedesktop/Notifications";
constexpr uint8_t kNormal = 1;
constexpr uint8_t kCritical = 2;
constexpr size_t kMaxTitleBytes = 256;
constexpr size_t kMaxBodyBytes = 2048;

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
  Status Show(const ipc::Notice& notice) override {
    auto shown = Try(notice);
    if (!shown) bus_.reset();
    return shown;
  }

 private:
  Status Try(const ipc::Notice& notice) {
    if (!bus_) {
      sd_bus* bus = nullptr;
      if (const int r = sd_bus_open_user(&bus); r < 0) return FailBus(r);
      bus_.reset(bus);
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
        raw, "susssasa{sv}i", "Sekisho", uint32_t{0},
        blocked ? "dialog-error" : "dialog-information", title.c_str(),
        body.c_str(), 0, 1, "urgency", "y", blocked ? kCritical : kNormal, -1);
    if (r < 0) return FailBus(r);
    // Waits for the answer: a refusal by the service is an error here.
    sd_bus_message* answer = nullptr;
    const int called =
        sd_bus_call(bus_.get(), raw, 5'000'000, nullptr, &answer);
    sd_bus_message_unref(answer);
    return called < 0 ? FailBus(called) : Status();
  }

  static Status FailBus(int negative_errno) {
    Error error = ErrnoError("desktop notification", -negative_errno);
    error.code = Code::kUnavailable;
    return std::unexpected(std::move(error));
  }

  std::unique_ptr<sd_bus, CloseBus> bus_;
};

class PrintScreen final : public Screen {
 public:
  Status Show(const ipc::Notice& notice) override {
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
