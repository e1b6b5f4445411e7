// Mail (RFC 5322, MIME RFC 2045-2047) and mbox: headers as text, each part's
// bytes handed on, base64 and quoted-printable taken off.
#pragma once

#include <string>
#include <vector>

#include "detect/formats/reader.h"
#include "detect/formats/source.h"
#include "detect/formats/transfer_encoding.h"

namespace sekisho::detect {

// Multiparts within one another.
inline constexpr size_t kMaxBoundaries = 64;

class MailReader final : public Reader {
 public:
  enum class Kind : uint8_t { kMessage, kMailbox };
  MailReader(Kind kind, const Source* source, Budget* budget);

  bool Next(Part* part) override;
  size_t Read(std::span<std::byte> out) override;

 private:
  enum class Where : uint8_t { kHeaders, kHeaderText, kBody, kEnd };
  enum class Transfer : uint8_t { kNone, kBase64, kQuoted };

  bool Line(std::string* line);
  // What ends the part: a boundary, in a mailbox a new message.
  bool IsBoundary(std::string_view line);
  void ReadHeaders();
  void TakeHeader(std::string_view header);
  void DecodeLine(const std::string& line);

  Kind kind_;
  Cursor cursor_;
  ByteSpan block_;
  Budget* budget_;
  Where where_ = Where::kHeaders;
  bool in_part_ = false;  // Next announced what Read hands out
  std::vector<std::string> boundaries_;
  // Of the part being read.
  Transfer transfer_ = Transfer::kNone;
  bool multipart_ = false;
  std::string part_name_;
  std::string header_text_;
  Base64Decoder base64_;
  std::string ready_;  // decoded, to be read
  size_t taken_ = 0;
};

}  // namespace sekisho::detect
