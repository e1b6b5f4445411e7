#include "detect/formats/markup_text.h"

#include <algorithm>
#include <charconv>

#include "detect/fold.h"

namespace sekisho::detect {
namespace {

constexpr int kBytesAtATime = 65536;
constexpr size_t kMaxTagBytes = size_t{64} * 1024;

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

}  // namespace

XmlReader::XmlReader(const Source* source, Budget* budget)
    : DocumentReader(budget),
      stream_(source),
      tables_(&parts_),
      records_(&tables_),
      parser_(this, XmlEncoding::kUtf8) {}

bool XmlReader::Pump() {
  const std::string_view block = stream_.Block();
  const bool more = block.empty() ? false : parser_.Feed(AsBytes(block));
  if (more) {
    return true;
  }
  if (block.empty()) {
    parser_.Finish();
  }
  Problem(parser_.problem());
  while (records_.depth() > 0) {
    records_.Close();
  }
  tables_.Flush();
  return false;
}

void XmlReader::OpenAsRecord(Element* element) {
  if (!element->opened) {
    element->opened = true;
    records_.Open(element->name, RecordStack::Kind::kMember);
  }
}

void XmlReader::Start(std::string_view name, const XmlAttributes& attrs) {
  if (!stack_.empty()) {
    OpenAsRecord(&stack_.back());
  }
  Element element;
  element.name = name;
  stack_.push_back(std::move(element));
  attrs.ForEach([&](std::string_view key, std::string_view value) {
    if (!key.starts_with("xmlns") && !value.empty()) {
      OpenAsRecord(&stack_.back());
      records_.Value(LocalName(key), value);
    }
  });
}

void XmlReader::End(std::string_view /*name*/) {
  Element element = std::move(stack_.back());
  stack_.pop_back();
  const std::string_view text = Trim(element.text);
  records_.Value(element.name, text);
  if (element.opened) {
    records_.Close();
  }
}

void XmlReader::Text(std::string_view text) {
  if (!stack_.empty()) {
    std::string* to = &stack_.back().text;
    to->append(
        text.substr(0, kMaxValueBytes - std::min(kMaxValueBytes, to->size())));
  }
}

bool DecodeEntity(std::string_view name, std::string* out) {
  if (name.starts_with('#')) {
    const bool hex = name.size() > 1 && (name[1] | 0x20) == 'x';
    const std::string_view digits = name.substr(hex ? 2 : 1);
    uint32_t code = 0;
    const auto [end, error] = std::from_chars(
        digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
    if (error != std::errc{} || end != digits.data() + digits.size() ||
        code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
      return false;
    }
    AppendCodePoint(code, out);
    return true;
  }
  struct Named {
    std::string_view name;
    std::string_view text;
  };
  constexpr Named kNamed[] = {{"amp", "&"},    {"lt", "<"},    {"gt", ">"},
                              {"quot", "\""},  {"apos", "'"},  {"nbsp", " "},
                              {"ensp", " "},   {"emsp", " "},  {"copy", "©"},
                              {"yen", "¥"},    {"ndash", "–"}, {"mdash", "—"},
                              {"middot", "·"}, {"hyphen", "-"}};
  for (const Named& named : kNamed) {
    if (named.name == name) {
      *out += named.text;
      return true;
    }
  }
  return false;
}

HtmlReader::HtmlReader(const Source* source, Budget* budget)
    : DocumentReader(budget), stream_(source), flow_(&parts_, "") {}

void HtmlReader::SkipUntil(std::string_view end) {
  size_t matched = 0;
  for (int c = stream_.Get(); c >= 0; c = stream_.Get()) {
    const char lower = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    matched = lower == end[matched] ? matched + 1 : (lower == end[0] ? 1 : 0);
    if (matched == end.size()) {
      return;
    }
  }
}

void HtmlReader::Tag() {
  std::string tag;
  char quote = 0;
  for (int c = stream_.Get(); c >= 0; c = stream_.Get()) {
    if (quote == 0 && c == '>') {
      break;
    }
    if (tag == "!--") {
      SkipUntil("-->");
      return;
    }
    if ((c == '"' || c == '\'') && tag.size() > 1) {
      quote = quote == 0 ? static_cast<char>(c) : quote == c ? '\0' : quote;
    }
    if (tag.size() < kMaxTagBytes) {
      tag.push_back(static_cast<char>(c));
    } else {
      quote = 0;  // a quote that never closes
    }
  }
  std::string name;
  for (char c : tag) {
    if (c == '/' && name.empty()) {
      name += c;
      continue;
    }
    const char lower = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    if (!((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9'))) {
      break;
    }
    name += lower;
  }
  if (name == "script" || name == "style") {
    SkipUntil(name == "script" ? "</script" : "</style");
    SkipUntil(">");
  } else if (name == "table") {
    flow_.OpenTable();
  } else if (name == "/table") {
    flow_.CloseTable();
  } else if (name == "tr") {
    flow_.OpenRow();
  } else if (name == "/tr") {
    flow_.CloseRow();
  } else if (name == "td" || name == "th") {
    flow_.OpenCell();
  } else if (name == "/td" || name == "/th") {
    flow_.CloseCell();
  } else if (name == "input" || name == "option") {
    const size_t value = tag.find("value=\"");
    if (value != std::string::npos) {
      flow_.Text(tag.substr(value + 7, tag.find('"', value + 7) - value - 7));
      flow_.Text(" ");
    }
  } else if (name != "a" && name != "/a" && name != "b" && name != "/b" &&
             name != "span" && name != "/span" && name != "font" &&
             name != "/font" && name != "i" && name != "/i" &&
             name != "strong" && name != "/strong" && name != "em" &&
             name != "/em" && name != "ruby" && name != "rt") {
    flow_.Break();
  }
}

void HtmlReader::Entity() {
  std::string name;
  while (name.size() < 12) {
    const int c = stream_.Peek();
    const bool part = c == '#' || (c >= '0' && c <= '9') ||
                      ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    if (!part) {
      break;
    }
    name.push_back(static_cast<char>(stream_.Get()));
  }
  std::string text;
  if (DecodeEntity(name, &text)) {
    if (stream_.Peek() == ';') {
      stream_.Get();
    }
  } else {
    text = "&" + name;
  }
  flow_.Text(text);
}

bool HtmlReader::Pump() {
  std::string run;
  const auto flush = [&] {
    flow_.Text(run);
    run.clear();
  };
  for (int i = 0; i < kBytesAtATime && !over_; ++i) {
    const int c = stream_.Get();
    if (c < 0) {
      flush();
      flow_.Finish();
      over_ = true;
    } else if (c == '<') {
      flush();
      Tag();
    } else if (c == '&') {
      flush();
      Entity();
    } else if (c == '\r' || c == '\n' || c == '\t' || c == ' ') {
      if (!run.empty() && run.back() != ' ') {
        run.push_back(' ');
      }
    } else {
      run.push_back(static_cast<char>(c));
    }
  }
  flush();
  return !over_;
}

}  // namespace sekisho::detect
