// Address books: vCard (RFC 2426, 6350) and LDIF (RFC 2849), a record a card.
#pragma once

#include <string>

#include "detect/formats/record_tables.h"
#include "detect/formats/text_parts.h"
#include "detect/formats/utf8_stream.h"

namespace sekisho::detect {

class CardReader final : public DocumentReader {
 public:
  enum class Kind : uint8_t { kVCard, kLdif };
  CardReader(Kind kind, const Source* source, Budget* budget);

 protected:
  bool Pump() override;

 private:
  // A line with its continuations.
  bool Unfolded(std::string* line);
  void TakeVCard(std::string_view line);
  void TakeLdif(std::string_view line);
  void EndRecord();

  Kind kind_;
  Utf8Stream stream_;
  std::string ahead_;
  bool has_ahead_ = false;
  RecordTables tables_;
  Record record_;
};

}  // namespace sekisho::detect
