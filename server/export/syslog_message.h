// A record as an RFC 5424 message.
#pragma once

#include <string>

#include "server/export/formats.h"

namespace sekisho::server_export {

// `sequence` is meta's sequenceId: 1 after a start, then each one more.
std::string SyslogMessage(const Record& record, Format format,
                          int64_t sequence);
// Octet counting: "123 <...>".
std::string Framed(const std::string& message);

}  // namespace sekisho::server_export
