// PDF: text of all pages, form fields, comments, properties, attached files.
// Pictures are not read; a page that is nothing else makes the file "unknown"
// in part, as do fonts that do not say what their codes stand for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "detect/formats/pdf_file.h"
#include "detect/formats/pdf_page.h"
#include "detect/formats/text_parts.h"

namespace sekisho::detect {

class PdfReader final : public DocumentReader {
 public:
  PdfReader(const Source* source, Budget* budget);

 protected:
  bool Pump() override;
  size_t ReadBytes(std::span<std::byte> out) override;

 private:
  void TakeObject(uint32_t number);
  void TakePage(const PdfValue& page);
  void TakeStrings(const PdfValue& dict);
  PdfValue ResourcesOf(const PdfValue& page);
  void Finish();

  PdfFile file_;
  PdfFonts fonts_;
  std::vector<uint32_t> numbers_;
  size_t next_ = 0;
  std::string lines_;  // of fields and comments
  std::vector<std::string> attachments_;
  std::string attachment_;
  size_t taken_ = 0;
  int pages_ = 0;
  int64_t characters_ = 0;
  int64_t unknown_ = 0;
  bool finished_ = false;
};

// 7.9.2.2: UTF-16 or UTF-8 with a BOM, else PDFDocEncoding (as Latin-1);
// Japanese programs also write CP932.
std::string PdfText(std::string_view bytes);

}  // namespace sekisho::detect
