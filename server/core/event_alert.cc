#include "server/core/event_alert.h"

#include <utility>

#include "common/text.h"
#include "server/core/event_words.h"

namespace sekisho::core {
namespace {

constexpr size_t kMaxShownBytes = 200;

std::string Shown(const std::string& text) {
  return EscapeUntrusted(text, kMaxShownBytes);
}

}  // namespace

store::NewAlert AlertOf(const store::Event& event, std::string kind,
                        std::string severity, std::string title) {
  store::NewAlert made;
  made.key = kind + ":" + std::to_string(event.row_id);
  made.alert.kind = std::move(kind);
  made.alert.severity = std::move(severity);
  made.alert.title = std::move(title);
  made.alert.agent_id = event.agent_id;
  made.alert.terminal = event.terminal;
  made.alert.person = Shown(PersonIn(event.personal_part));
  made.alert.account = Shown(AccountIn(event.personal_part));
  made.alert.device_id = event.device_id;
  made.alert.create_time = event.receive_time;
  made.alert.event_row_id = event.row_id;
  made.alert.rule = Shown(event.public_part.rule());
  return made;
}

}  // namespace sekisho::core
