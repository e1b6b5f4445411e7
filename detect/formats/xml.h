// Events of an XML document as its bytes come: by our own scanner where it is
// UTF-8 without a document type, else by expat. No entity is fetched from
// outside; expat's own guard stops entities that grow ("bomb").
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/bytes.h"

namespace sekisho::detect {

// Elements deeper than this are a bomb.
inline constexpr int kMaxXmlDepth = 512;

struct XmlAttribute {
  std::string_view name;  // as it stands there, with its prefix
  std::string_view value;
};

// Attributes of one element, by their local names.
class XmlAttributes {
 public:
  explicit XmlAttributes(std::span<const XmlAttribute> all) : all_(all) {}
  // Empty when there is none of that name.
  std::string_view operator[](std::string_view local_name) const;
  template <typename F>
  void ForEach(F&& each) const {
    for (const XmlAttribute& one : all_) {
      each(one.name, one.value);
    }
  }
  // Of the attributes whose name is one letter, as those of a workbook's cells
  // are: millions of them.
  template <typename F>
  void ForEachLetter(F&& each) const {
    for (const XmlAttribute& one : all_) {
      if (one.name.size() == 1) {
        each(one.name[0], one.value);
      }
    }
  }

 private:
  std::span<const XmlAttribute> all_;
};

// Names come without their namespace's prefix.
class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  virtual void Start(std::string_view name, const XmlAttributes& attrs) = 0;
  virtual void End(std::string_view name) = 0;
  virtual void Text(std::string_view text) = 0;  // in any number of pieces
  virtual void Finish() {}                       // the document is over
};

enum class XmlEncoding { kAsDeclared, kUtf8 };

class XmlScanner;

class XmlParser {
 public:
  // `handler` must outlive the parser. kUtf8: whatever the document says.
  XmlParser(XmlHandler* handler, XmlEncoding encoding);
  ~XmlParser();
  XmlParser(const XmlParser&) = delete;
  XmlParser& operator=(const XmlParser&) = delete;

  // False once the document is malformed; then problem() says how.
  bool Feed(ByteSpan bytes);
  bool Finish();
  const std::string& problem() const { return problem_; }

 private:
  struct Expat;
  void Choose(ByteSpan head);
  bool Check(int status);
  XmlHandler* handler_;
  XmlEncoding encoding_;
  std::unique_ptr<XmlScanner> scanner_;
  std::unique_ptr<Expat> expat_;
  std::string problem_;
};

// "w:tbl" -> "tbl".
inline std::string_view LocalName(std::string_view name) {
  const size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

// Whether `head` begins like XML, behind a BOM and spaces.
bool LooksLikeXml(std::string_view head);

}  // namespace sekisho::detect
