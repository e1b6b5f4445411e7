// Which reader opens which format.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "detect/formats/reader.h"

namespace sekisho::detect {

// How pictures and sounds within it count. In a document they belong to it; an
// archive that holds one was not read whole.
enum class Holds : uint8_t { kDocument, kArchive };

struct Opened {
  std::unique_ptr<Reader> reader;  // null: nothing opens this format
  Holds holds = Holds::kArchive;
  std::string format;  // a better name than the first bytes gave, or empty
};

// `format` as SniffFormat or SniffStructured names it. `source` and `budget`
// must outlive the reader.
Opened OpenFormat(std::string_view format, const Source* source,
                  Budget* budget);

// What kind of structured text `head` (the first bytes of a text) begins:
// "json", "xml", "html", "sql", "vcard", "ldif", "eml", "mbox"; "" for plain
// text.
std::string_view SniffStructured(ByteSpan head);

}  // namespace sekisho::detect
