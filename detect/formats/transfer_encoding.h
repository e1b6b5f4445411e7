// The encodings that carry bytes as text: base64, quoted-printable, hex.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "detect/base64.h"
#include "detect/formats/reader.h"
#include "detect/formats/utf8_stream.h"

namespace sekisho::detect {

// RFC 2045, 6.7; one line without its end. Adds the line's end, unless the line
// goes on.
void DecodeQuotedPrintable(std::string_view line, std::string* out);
// RFC 2047: "=?utf-8?B?...?=" in a header; the rest stays as it is.
std::string DecodeHeaderWords(std::string_view header);

// A file that is one long base64 or hex text: the bytes it stands for.
class EncodedReader final : public Reader {
 public:
  enum class Kind : uint8_t { kBase64, kHex };
  EncodedReader(Kind kind, const Source* source, Budget* budget)
      : kind_(kind), stream_(source), budget_(budget) {}
  bool Next(Part* part) override;
  size_t Read(std::span<std::byte> out) override;

 private:
  Kind kind_;
  Utf8Stream stream_;
  Budget* budget_;
  Base64Decoder base64_;
  int half_ = -1;
  std::string decoded_;
  size_t taken_ = 0;
  bool begun_ = false;
};

// "base64", "hex" or "": what the whole of `head` is written in.
std::string_view SniffEncoded(std::string_view head);

}  // namespace sekisho::detect
