// Documents that are zips of XML: Office Open XML (xlsx, docx, pptx) and
// OpenDocument (ods, odt, odp). Every part is read: the sheets, hidden ones
// too, text, comments, properties, charts' and pivot tables' caches; parts that
// are not XML are handed on as they are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "detect/formats/text_parts.h"
#include "detect/formats/workbook.h"
#include "detect/formats/xml.h"
#include "detect/formats/zip.h"

namespace sekisho::detect {

class OfficeReader final : public DocumentReader {
 public:
  OfficeReader(const Source* source, ZipDirectory directory, Budget* budget);
  ~OfficeReader() override;

 protected:
  bool Pump() override;
  size_t ReadBytes(std::span<std::byte> out) override;

 private:
  // Picks the handler by the document's first element.
  class Root;
  bool NextEntry();
  void EndEntry();
  void LeftStrings();
  std::unique_ptr<XmlHandler> HandlerFor(std::string_view root);

  const Source* source_;
  ZipDirectory directory_;
  std::vector<size_t> order_;
  size_t next_ = 0;
  std::string name_;  // of the entry
  std::unique_ptr<ZipStream> stream_;
  std::unique_ptr<Root> root_;
  std::unique_ptr<XmlParser> xml_;
  Bytes buffer_;
  Bytes head_;  // of an entry that is not XML
  size_t head_taken_ = 0;
  Workbook workbook_;
  size_t left_string_ = 0;
  bool encrypted_ = false;
};

}  // namespace sekisho::detect
