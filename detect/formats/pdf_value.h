// The objects of PDF (ISO 32000-1, 7.3) and a parser of them, for files and for
// content streams. No recursion: nesting is a stack.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::detect {

inline constexpr size_t kMaxPdfNesting = 64;
inline constexpr size_t kMaxPdfItems = size_t{1} << 20;

struct PdfValue {
  enum class Kind : uint8_t {
    kNull,
    kNumber,
    kName,
    kString,
    kArray,
    kDict,
    kRef,
    kOperator,
  };
  Kind kind = Kind::kNull;
  double number = 0;            // of kRef: the object's number
  std::string text;             // of names without '/', strings, operators
  std::vector<PdfValue> items;  // of arrays; of dicts key, value, key, ...

  bool Is(Kind k) const { return kind == k; }
  bool IsName(std::string_view name) const {
    return kind == Kind::kName && text == name;
  }
  bool IsOperator(std::string_view name) const {
    return kind == Kind::kOperator && text == name;
  }
  // Of a dict; a null value when it is not there.
  const PdfValue& operator[](std::string_view key) const;
  // 0, which no object has, for what is none or out of range.
  uint32_t ref() const {
    return kind == Kind::kRef && number > 0 && number < 0x1p32
               ? static_cast<uint32_t>(number)
               : 0;
  }
  int64_t integer() const {
    return number > -1e15 && number < 1e15 ? static_cast<int64_t>(number) : 0;
  }
};

class PdfParser {
 public:
  explicit PdfParser(std::string_view text, size_t at = 0)
      : text_(text), at_(at) {}
  // The next object or operator; false at the end of the text, also when an
  // object is not finished there.
  bool Next(PdfValue* value);
  size_t at() const { return at_; }
  void Skip(size_t bytes) { at_ += bytes; }

 private:
  enum class Token : uint8_t {
    kEnd,
    kValue,
    kOpenArray,
    kCloseArray,
    kOpenDict,
    kCloseDict
  };
  Token NextToken(PdfValue* value);
  void SkipSpace();
  void LiteralString(std::string* out);
  void HexString(std::string* out);
  void Name(std::string* out);

  std::string_view text_;
  size_t at_;
};

}  // namespace sekisho::detect
