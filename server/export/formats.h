// A record as one line of the formats that other systems read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/export/record.h"

namespace sekisho::server_export {

enum class Format {
  kJson,  // our own: docs/operations.md, "What a line says"
  kCef,   // ArcSight Common Event Format, version 25
  kLeef,  // QRadar Log Event Extended Format 2.0
  kOcsf,  // Open Cybersecurity Schema Framework 1.7
  kEcs,   // Elastic Common Schema 9.2
};
std::optional<Format> ParseFormat(std::string_view word);
const char* Name(Format format);  // "json", "cef"...

// One line without its end: no control character, valid UTF-8. Text that came
// from a device, a medium or a terminal is escaped, so that no name can end a
// field or a line.
std::string Render(Format format, const Record& record);

std::string RenderCef(const Record& record);
std::string RenderLeef(const Record& record);
std::string RenderJson(const Record& record);
std::string RenderOcsf(const Record& record);
std::string RenderEcs(const Record& record);

}  // namespace sekisho::server_export
