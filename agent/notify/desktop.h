// Where notices appear: the desktop's notification service over D-Bus, or
// standard output.
#pragma once

#include <memory>

#include "agent/ipc/messages.h"
#include "common/result.h"

namespace sekisho::notify {

class Screen {
 public:
  virtual ~Screen() = default;
  // In its place, if it has one. kUnavailable: there is no notification service
  // now; try again later.
  virtual Status Show(const ipc::PlacedNotice& placed) = 0;
};

// org.freedesktop.Notifications on the session bus, connected when needed.
std::unique_ptr<Screen> NewDesktopScreen();
// One line a notice.
std::unique_ptr<Screen> NewPrintScreen();

// sekishod escaped what came from media and devices; here controls but line
// ends go, and what a desktop may read as markup is written out. At most about
// `cap_bytes` long.
enum class Markup { kNone, kEscaped };
std::string BodyText(const std::string& text, Markup markup, size_t cap_bytes);

}  // namespace sekisho::notify
