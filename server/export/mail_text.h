// What a mail or a chat message says: that something happened, how bad it is,
// where, and where to look. No names of people, files or devices: mail leaves
// the house (docs/adr/0410).
#pragma once

#include <span>
#include <string>

#include "server/export/record.h"
#include "server/export/sinks_config.h"

namespace sekisho::server_export {

struct MailText {
  std::string subject;
  std::string body;  // lines end with "\n"
};

// Of one record or several. `left_out`: so many more happened within the hour
// and have no line. `zone`: of the times shown, as policy::Zone finds it.
MailText MailOf(std::span<const Record> records, int64_t left_out,
                Language language, const std::string& zone);
// One line of a chat.
std::string ChatLineOf(const Record& record, Language language,
                       const std::string& zone);

}  // namespace sekisho::server_export
