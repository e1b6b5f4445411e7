// Events of an XML document as its bytes come, by expat. No entity is fetched
// from outside; expat's own guard stops entities that grow ("bomb").
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/bytes.h"

namespace sekisho::detect {

// Elements deeper than this are a bomb.
inline constexpr int kMaxXmlDepth = 512;

// Attributes of one element, by their local names.
class XmlAttributes {
 public:
  explicit XmlAttributes(const char** pairs) : pairs_(pairs) {}
  // Empty when there is none of that name.
  std::string_view operator[](std::string_view local_name) const;
  template <typename F>
  void ForEach(F&& each) const {
    for (const char** p = pairs_; *p != nullptr; p += 2) {
      each(std::string_view(p[0]), std::string_view(p[1]));
    }
  }
  // Of the attributes whose name is one letter, as those of a workbook's cells
  // are: millions of them.
  template <typename F>
  void ForEachLetter(F&& each) const {
    for (const char** p = pairs_; *p != nullptr; p += 2) {
      if (p[0][0] != '\0' && p[0][1] == '\0') {
        each(p[0][0], std::string_view(p[1]));
      }
    }
  }

 private:
  const char** pairs_;
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
  bool Check(int status);
  std::unique_ptr<Expat> expat_;
  std::string problem_;
};

// "w:tbl" -> "tbl".
inline std::string_view LocalName(std::string_view name) {
  const size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}
inline std::string_view LocalName(const char* name) {
  const char* begin = name;
  const char* end = name;
  for (; *end != '\0'; ++end) {
    begin = *end == ':' ? end + 1 : begin;
  }
  return {begin, static_cast<size_t>(end - begin)};
}

// Whether `head` begins like XML, behind a BOM and spaces.
bool LooksLikeXml(std::string_view head);

}  // namespace sekisho::detect
