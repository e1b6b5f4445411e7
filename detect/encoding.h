// Which encoding a text is in, and UTF-8 from it. Our own, because the common
// detectors call a CP932 list with one 﨑 "ISO-8859-1" and UTF-16 without a BOM
// "GB18030".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "detect/utf8.h"

namespace sekisho::detect {

enum class Encoding : uint8_t {
  kAscii,
  kUtf8,
  kUtf8Bom,
  kUtf16Le,
  kUtf16Be,
  kCp932,
  kEucJp,
  kUnknown8Bit,
  kIso2022Jp,
  kMixed,  // line by line one of UTF-8, CP932 and EUC-JP
  kUtf7,   // a second reading of what is ASCII (utf7.h)
};
// "us-ascii", "utf-8", "utf-8-bom", "utf-16le", "utf-16be", "cp932", "euc-jp",
// "unknown-8bit", "iso-2022-jp", "mixed", "utf-7".
std::string_view Name(Encoding encoding);

// UTF-16 by its BOM or, without one, by where its zero bytes stand; kAscii when
// the text is not UTF-16. `*bom_bytes` is how many bytes to skip.
Encoding SniffUtf16(ByteSpan head, size_t* bom_bytes);

// A 7-bit text that switches to Japanese by escape sequences (RFC 1468, and
// what Windows adds to it).
bool HasJisEscapes(ByteSpan block);

// The encodings in which `block` may be, best first. `block` starts at the
// start of a character. Never empty; one entry when there is no doubt; kMixed
// where none fits the whole block and some fit each line.
std::vector<Encoding> PossibleEncodings(ByteSpan block);

// The likeliest encoding of one line of a mixed file.
Encoding LineEncoding(ByteSpan line);

struct Decoded {
  size_t characters = 0;  // outside ASCII
  size_t errors = 0;      // malformed sequences, each one U+FFFD
};
// Appends `block` as UTF-8 to `out`. A character cut off at the end of the
// block is an error.
Decoded Decode(Encoding encoding, ByteSpan block, std::string* out);

}  // namespace sekisho::detect
