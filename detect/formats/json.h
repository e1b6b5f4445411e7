// JSON (RFC 8259) and one object a line: objects become records, arrays of
// arrays rows. Forgiving: what is no JSON ends the reading ("damaged").
#pragma once

#include <string>
#include <vector>

#include "detect/formats/record_tables.h"
#include "detect/formats/text_parts.h"
#include "detect/formats/utf8_stream.h"

namespace sekisho::detect {

inline constexpr size_t kMaxJsonDepth = 512;

class JsonReader final : public DocumentReader {
 public:
  JsonReader(const Source* source, Budget* budget);

 protected:
  bool Pump() override;

 private:
  struct Level {
    bool object = false;
    bool wants_key = false;
    std::string key;                 // of the member being read
    std::vector<std::string> cells;  // of an array
  };
  bool Token();
  bool Damaged();
  void String(std::string* out);
  void Escape(std::string* out);
  uint32_t Hex4();
  void Scalar(std::string value);
  bool Open(bool object);
  bool Close(bool object);

  Utf8Stream stream_;
  RecordTables tables_;
  RecordStack records_;
  std::vector<Level> stack_;
  bool over_ = false;
};

}  // namespace sekisho::detect
