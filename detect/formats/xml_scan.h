// Events of an XML document in UTF-8 that has no document type, which nearly
// every document is: several times as fast as expat, which reads the others.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "detect/formats/xml.h"

namespace sekisho::detect {

// XML 1.0 (fifth edition), sections 2 and 3.1. Whatever expat reads is read to
// the same events (`detect_xml_scan_fuzz` holds them side by side); of what
// expat refuses it lets pass names with any letters beyond ASCII, and comments
// and instructions with any bytes in them.
class XmlScanner {
 public:
  // `handler` must outlive the scanner.
  explicit XmlScanner(XmlHandler* handler) : handler_(handler) {}

  // Whether the document that begins with `head` is one of these. `head` must
  // reach its first element: one that does not is none.
  static bool CanRead(std::string_view head, XmlEncoding encoding);

  // False once the document is malformed; then problem() says how: "damaged",
  // "bomb" (too deep), "limit:dictionary" (a tag of more than 16 MiB).
  bool Feed(ByteSpan bytes);
  bool Finish();
  const std::string& problem() const { return problem_; }

 private:
  enum class State { kContent, kComment, kInstruction, kCdata };

  // All of these take what is there and return where they stopped: nullptr
  // where more bytes are needed, or the document is malformed.
  const char* Step(const char* at, const char* end);
  const char* Characters(const char* at, const char* end);
  const char* Run(const char* at, const char* end);
  const char* Reference(const char* at, const char* end);
  const char* Markup(const char* at, const char* end);
  const char* StartTag(const char* at, const char* end);
  const char* Attribute(const char* at, const char* end);
  const char* EndTag(const char* at, const char* end);
  const char* Declaration(const char* at, const char* end);
  const char* Comment(const char* at, const char* end);
  const char* Instruction(const char* at, const char* end);
  const char* Cdata(const char* at, const char* end);

  size_t Scan(std::string_view data);
  bool Open(std::string_view name);
  void Close();
  bool TakeText(std::string_view text);
  bool NormalValue(std::string_view raw, std::string* out) const;
  bool HasTwins();
  const char* Fail(const char* problem);

  XmlHandler* handler_;
  State state_ = State::kContent;
  bool began_ = false;  // behind the byte order mark
  bool had_root_ = false;
  std::string open_names_;    // of the elements around, one behind the other
  std::vector<size_t> open_;  // where each begins
  std::vector<XmlAttribute> attributes_;
  unsigned tag_kinds_ = 0;  // of the bytes of its names and values
  std::vector<std::string_view> sorted_;
  std::deque<std::string> values_;  // of attributes that had to be decoded
  size_t values_used_ = 0;
  std::string held_;   // the beginning of what was not whole yet
  size_t wanted_ = 0;  // bytes of it before another look is worth it
  std::string problem_;
};

}  // namespace sekisho::detect
