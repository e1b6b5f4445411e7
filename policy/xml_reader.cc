#include "policy/xml_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/text.h"

namespace sekisho::policy {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' ||
         c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

class XmlReader {
 public:
  XmlReader(std::string_view text, Problems& problems)
      : rest_(text), problems_(problems) {}

  std::optional<XmlNode> Read();

 private:
  bool Fail(std::string_view message) {
    problems_.Add(line_, 1, std::string(message));
    return false;
  }
  void Skip(size_t count) {
    line_ += static_cast<int>(std::ranges::count(rest_.substr(0, count), '\n'));
    rest_.remove_prefix(count);
  }
  void SkipBlanks() {
    size_t count = 0;
    while (count < rest_.size() && IsBlank(rest_[count])) ++count;
    Skip(count);
  }
  // Past `end`; false if it does not come.
  bool SkipPast(std::string_view end) {
    const size_t at = rest_.find(end);
    if (at == std::string_view::npos) return false;
    Skip(at + end.size());
    return true;
  }
  std::string_view Name() {
    size_t size = 0;
    while (size < rest_.size() && IsNameCharacter(rest_[size])) ++size;
    const std::string_view name = rest_.substr(0, size);
    Skip(size);
    return name;
  }
  bool Decode(std::string_view raw, std::string* out);
  bool TakeMarkup();
  bool TakeOpening();
  bool TakeClosing();
  bool TakeAttribute(XmlNode* node);
  void Close() {
    XmlNode node = std::move(stack_.back());
    stack_.pop_back();
    if (stack_.empty()) {
      root_ = std::move(node);
    } else {
      stack_.back().children.push_back(std::move(node));
    }
  }

  std::string_view rest_;
  Problems& problems_;
  int line_ = 1;
  std::vector<XmlNode> stack_;
  std::optional<XmlNode> root_;
  size_t nodes_ = 0;
};

bool XmlReader::Decode(std::string_view raw, std::string* out) {
  while (!raw.empty()) {
    const size_t at = raw.find('&');
    *out += raw.substr(0, at);
    if (at == std::string_view::npos) return true;
    raw.remove_prefix(at + 1);
    const size_t end = raw.find(';');
    if (end == std::string_view::npos || end > 8) {
      return Fail("expected an entity such as &amp;");
    }
    const std::string_view name = raw.substr(0, end);
    raw.remove_prefix(end + 1);
    if (name == "lt") {
      *out += '<';
    } else if (name == "gt") {
      *out += '>';
    } else if (name == "amp") {
      *out += '&';
    } else if (name == "quot") {
      *out += '"';
    } else if (name == "apos") {
      *out += '\'';
    } else if (name == "#10" || name == "#13" || name == "#9") {
      *out += ' ';
    } else {
      return Fail("expected one of &lt; &gt; &amp; &quot; &apos;");
    }
  }
  return true;
}

bool XmlReader::TakeAttribute(XmlNode* node) {
  const std::string name(Name());
  SkipBlanks();
  if (name.empty() || !rest_.starts_with('=')) {
    return Fail("expected an attribute such as Id=\"...\"");
  }
  Skip(1);
  SkipBlanks();
  if (rest_.empty() || (rest_[0] != '"' && rest_[0] != '\'')) {
    return Fail("expected a quoted value of an attribute");
  }
  const size_t end = rest_.find(rest_[0], 1);
  if (end == std::string_view::npos) return Fail("expected a closing quote");
  std::string value;
  if (!Decode(rest_.substr(1, end - 1), &value)) return false;
  Skip(end + 1);
  if (!node->attributes.emplace(name, std::move(value)).second) {
    return Fail("expected each attribute once");
  }
  return true;
}

bool XmlReader::TakeOpening() {
  XmlNode node;
  node.line = line_;
  Skip(1);
  node.name = Name();
  if (node.name.empty()) return Fail("expected the name of an element");
  if (root_ && stack_.empty()) return Fail("expected one root element");
  if (++nodes_ > kMaxXmlNodes || stack_.size() >= kMaxXmlDepth) {
    return Fail("expected fewer elements, or less deep ones");
  }
  while (true) {
    SkipBlanks();
    if (rest_.starts_with("/>")) {
      Skip(2);
      stack_.push_back(std::move(node));
      Close();
      return true;
    }
    if (rest_.starts_with('>')) {
      Skip(1);
      stack_.push_back(std::move(node));
      return true;
    }
    if (rest_.empty()) return Fail("expected '>'");
    if (!TakeAttribute(&node)) return false;
  }
}

bool XmlReader::TakeClosing() {
  Skip(2);
  const std::string_view name = Name();
  SkipBlanks();
  if (stack_.empty() || name != stack_.back().name || !rest_.starts_with('>')) {
    return Fail(
        fmt::format("expected the end of {}, found that of {}",
                    stack_.empty() ? "the file" : Quoted(stack_.back().name),
                    Quoted(name)));
  }
  Skip(1);
  Close();
  return true;
}

bool XmlReader::TakeMarkup() {
  if (rest_.starts_with("<!--")) {
    return SkipPast("-->") || Fail("expected the end of a comment");
  }
  if (rest_.starts_with("<?")) {
    return SkipPast("?>") || Fail("expected '?>'");
  }
  if (rest_.starts_with("<![CDATA[")) {
    const size_t end = rest_.find("]]>");
    if (end == std::string_view::npos || stack_.empty()) {
      return Fail("expected the end of CDATA in an element");
    }
    stack_.back().text += rest_.substr(9, end - 9);
    Skip(end + 3);
    return true;
  }
  if (rest_.starts_with("<!")) {
    return Fail("expected no document type and no declarations");
  }
  return rest_.starts_with("</") ? TakeClosing() : TakeOpening();
}

std::optional<XmlNode> XmlReader::Read() {
  if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  while (!rest_.empty()) {
    if (rest_[0] == '<') {
      if (!TakeMarkup()) return std::nullopt;
      continue;
    }
    const std::string_view raw =
        rest_.substr(0, std::min(rest_.find('<'), rest_.size()));
    if (stack_.empty()) {
      if (!std::ranges::all_of(raw, IsBlank)) {
        Fail("expected an element, found text");
        return std::nullopt;
      }
    } else if (!Decode(raw, &stack_.back().text)) {
      return std::nullopt;
    }
    Skip(raw.size());
  }
  if (!stack_.empty() || !root_) {
    Fail("expected the end of the root element, found the end of the file");
    return std::nullopt;
  }
  return std::move(root_);
}

}  // namespace

const XmlNode* XmlNode::Find(std::string_view child) const {
  const auto at = std::ranges::find(children, child, &XmlNode::name);
  return at == children.end() ? nullptr : &*at;
}

std::string XmlNode::Text(std::string_view child) const {
  const XmlNode* node = Find(child);
  return node == nullptr ? "" : std::string(Trim(node->text));
}

std::optional<XmlNode> ReadXml(std::string_view text, Problems& problems) {
  return XmlReader(text, problems).Read();
}

}  // namespace sekisho::policy
