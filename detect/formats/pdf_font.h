// What the codes of a PDF font stand for (ISO 32000-1, 9.6 to 9.10): by its
// ToUnicode CMap, by a predefined CMap of Japanese, or by a Latin encoding.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "detect/formats/pdf_file.h"

namespace sekisho::detect {

class PdfFont {
 public:
  static PdfFont Load(PdfFile* file, const PdfValue& dict);

  struct Shown {
    std::string text;  // UTF-8
    double width = 0;  // in ems, about
    int characters = 0;
    int unknown = 0;  // codes that nothing explains
    int spaces = 0;   // single-byte spaces, which word spacing widens
  };
  Shown Show(std::string_view codes) const;

 private:
  enum class Kind : uint8_t { kLatin, kTwoBytes, kCp932, kEucJp, kUtf16 };
  void TakeToUnicode(std::string_view cmap);
  void TakeDifferences(PdfFile* file, const PdfValue& differences);
  void TakeWidths(PdfFile* file, const PdfValue& dict);
  double WidthOf(uint32_t code, bool wide) const;
  void Append(uint32_t code, Shown* shown) const;

  Kind kind_ = Kind::kLatin;
  bool has_map_ = false;
  std::unordered_map<uint32_t, std::string> to_unicode_;
  std::array<uint16_t, 256> latin_{};
  std::unordered_map<uint32_t, float> widths_;
};

}  // namespace sekisho::detect
