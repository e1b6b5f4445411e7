// XML files as records, and web pages as text and tables.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "detect/formats/flow.h"
#include "detect/formats/record_tables.h"
#include "detect/formats/text_parts.h"
#include "detect/formats/utf8_stream.h"
#include "detect/formats/xml.h"

namespace sekisho::detect {

// Elements with only text, and attributes, are the values of the element around
// them; elements that repeat are records.
class XmlReader final : public DocumentReader, private XmlHandler {
 public:
  XmlReader(const Source* source, Budget* budget);

 protected:
  bool Pump() override;

 private:
  void Start(std::string_view name, const XmlAttributes& attrs) override;
  void End(std::string_view name) override;
  void Text(std::string_view text) override;

  struct Element {
    std::string name;
    std::string text;
    bool opened = false;  // a record, because it has attributes or elements
  };
  void OpenAsRecord(Element* element);

  Utf8Stream stream_;
  RecordTables tables_;
  RecordStack records_;
  std::vector<Element> stack_;
  XmlParser parser_;
};

// HTML as browsers are lenient about it. Scripts and styles are left out.
class HtmlReader final : public DocumentReader {
 public:
  HtmlReader(const Source* source, Budget* budget);

 protected:
  bool Pump() override;

 private:
  void Tag();
  void Entity();
  void SkipUntil(std::string_view end);

  Utf8Stream stream_;
  Flow flow_;
  bool over_ = false;
};

// "&amp;", "&#23383;" without & and ; to UTF-8; false for an unknown name.
bool DecodeEntity(std::string_view name, std::string* out);

}  // namespace sekisho::detect
