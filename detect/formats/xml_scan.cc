#include "detect/formats/xml_scan.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "detect/encoding.h"
#include "detect/formats/markup_text.h"

namespace sekisho::detect {
namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";
constexpr size_t kMaxTokenBytes = size_t{16} << 20;
// "&#" and leading zeros without an end.
constexpr ptrdiff_t kMaxReferenceBytes = 4096;
constexpr size_t kFewAttributes = 8;

// What a byte may be.
enum Kind : uint8_t {
  kName = 1,
  kNameStart = 2,
  kSpace = 4,
  kEndsRun = 8,    // of character data
  kDecodeIn = 16,  // an attribute's value
  kHigh = 32,
  kControl = 64,
};

constexpr std::array<uint8_t, 256> MakeKinds() {
  std::array<uint8_t, 256> kinds{};
  for (size_t c = 0; c < kinds.size(); ++c) {
    const size_t lower = c | 0x20;
    const bool letter = lower >= 'a' && lower <= 'z' && c < 0x80;
    unsigned kind = 0;
    if (letter || c == '_' || c == ':' || c >= 0x80) {
      kind |= kName | kNameStart;
    }
    if ((c >= '0' && c <= '9') || c == '-' || c == '.') {
      kind |= kName;
    }
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      kind |= kSpace;
    } else if (c < 0x20) {
      kind |= kControl | kEndsRun | kDecodeIn;
    }
    if (c == '<' || c == '&' || c == ']' || c == '\r') {
      kind |= kEndsRun;
    }
    if (c == '<' || c == '&' || c == '\t' || c == '\r' || c == '\n') {
      kind |= kDecodeIn;
    }
    if (c >= 0x80) {
      kind |= kHigh;
    }
    kinds[c] = static_cast<uint8_t>(kind);
  }
  return kinds;
}

constexpr std::array<uint8_t, 256> kKinds = MakeKinds();

unsigned KindOf(char c) { return kKinds[static_cast<unsigned char>(c)]; }
bool IsOf(char c, unsigned kind) { return (KindOf(c) & kind) != 0; }

const char* SkipSpace(const char* at, const char* end) {
  while (at < end && IsOf(*at, kSpace)) {
    ++at;
  }
  return at;
}

// `seen`: the kinds of its bytes, beside others.
const char* SkipName(const char* at, const char* end, unsigned* seen) {
  while (at < end && IsOf(*at, kName)) {
    *seen |= KindOf(*at);
    ++at;
  }
  return at;
}

std::string_view Between(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

// How many bytes at the end are a character that is not whole.
size_t CutTail(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto c = static_cast<unsigned char>(text[text.size() - back]);
    if (c >= 0xC0) {
      const size_t size = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
      return size > back ? back : 0;
    }
    if (c < 0x80) {
      return 0;
    }
  }
  return 0;
}

// Section 4.6 and 4.1: the five names and the numbers of characters.
bool DecodeReference(std::string_view name, std::string* out) {
  if (!name.starts_with('#')) {
    return (name == "amp" || name == "lt" || name == "gt" || name == "quot" ||
            name == "apos") &&
           DecodeEntity(name, out);
  }
  if (name.starts_with("#X") || !DecodeEntity(name, out)) {
    return false;
  }
  const auto c = static_cast<unsigned char>(out->back());
  const bool control = c < 0x20 && c != '\t' && c != '\n' && c != '\r';
  return !control && !out->ends_with("\xEF\xBF\xBE") &&
         !out->ends_with("\xEF\xBF\xBF");
}

// Of `name="value"`, as the declaration has them; false for anything else.
bool TakePseudo(std::string_view* rest, std::string_view name,
                std::string_view* value) {
  const char* at = rest->data();
  const char* end = at + rest->size();
  const char* word = SkipSpace(at, end);
  if (word == at || !Between(word, end).starts_with(name)) {
    return false;
  }
  word = SkipSpace(word + name.size(), end);
  if (word == end || *word != '=') {
    return false;
  }
  word = SkipSpace(word + 1, end);
  if (word == end || (*word != '"' && *word != '\'')) {
    return false;
  }
  const std::string_view behind = Between(word + 1, end);
  const size_t close = behind.find(*word);
  if (close == std::string_view::npos) {
    return false;
  }
  *value = behind.substr(0, close);
  *rest = behind.substr(close + 1);
  return true;
}

bool IsUtf8Name(std::string_view name) {
  constexpr std::string_view kUtf8 = "utf-8";
  return std::equal(name.begin(), name.end(), kUtf8.begin(), kUtf8.end(),
                    [](char a, char b) {
                      return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b;
                    });
}

// Section 2.8. What is unusual is left to expat.
bool IsPlainDeclaration(std::string_view inside, XmlEncoding encoding) {
  std::string_view value;
  if (!TakePseudo(&inside, "version", &value) || value != "1.0") {
    return false;
  }
  if (TakePseudo(&inside, "encoding", &value) && !IsUtf8Name(value) &&
      encoding == XmlEncoding::kAsDeclared) {
    return false;
  }
  if (TakePseudo(&inside, "standalone", &value) && value != "yes" &&
      value != "no") {
    return false;
  }
  return SkipSpace(inside.data(), inside.data() + inside.size()) ==
         inside.data() + inside.size();
}

// Behind one comment, instruction or space; npos when it is none of these.
size_t BehindMisc(std::string_view head, size_t at) {
  const std::string_view rest = head.substr(at);
  const bool comment = rest.starts_with("<!--");
  if (!comment && !rest.starts_with("<?")) {
    return std::string_view::npos;
  }
  const std::string_view close = comment ? "-->" : "?>";
  const size_t end = rest.find(close, comment ? 4 : 2);
  return end == std::string_view::npos ? end : at + end + close.size();
}

}  // namespace

bool XmlScanner::CanRead(std::string_view head, XmlEncoding encoding) {
  size_t at = head.starts_with(kMark) ? kMark.size() : 0;
  if (head.substr(at).starts_with("<?xml") && head.size() > at + 5 &&
      IsOf(head[at + 5], kSpace)) {
    const size_t end = head.find("?>", at);
    if (end == std::string_view::npos ||
        !IsPlainDeclaration(head.substr(at + 5, end - at - 5), encoding)) {
      return false;
    }
    at = end + 2;
  }
  while (at < head.size()) {
    if (IsOf(head[at], kSpace)) {
      ++at;
    } else if (head[at] == '<' && at + 1 < head.size() &&
               IsOf(head[at + 1], kNameStart)) {
      return true;
    } else {
      at = BehindMisc(head, at);
    }
  }
  return false;
}

const char* XmlScanner::Fail(const char* problem) {
  if (problem_.empty()) {
    problem_ = problem;
  }
  return nullptr;
}

bool XmlScanner::Feed(ByteSpan bytes) {
  if (!problem_.empty()) {
    return false;
  }
  std::string_view data = AsText(bytes);
  const bool joined = !held_.empty();
  if (joined) {
    held_ += data;
    if (held_.size() < wanted_) {
      return true;
    }
    data = held_;
  }
  const size_t used = Scan(data);
  if (data.size() - used > kMaxTokenBytes) {
    Fail("limit:dictionary");
  }
  if (joined) {
    held_.erase(0, used);
  } else {
    held_ = data.substr(used);
  }
  // Twice as much each time: a token is not looked at once for every block.
  wanted_ = std::min(held_.size() * 2, kMaxTokenBytes + 1);
  return problem_.empty();
}

bool XmlScanner::Finish() {
  if (!problem_.empty()) {
    return false;
  }
  const bool whole = Scan(held_) == held_.size();
  if (!whole || !open_.empty() || !had_root_ || state_ != State::kContent) {
    Fail("damaged");
  }
  held_.clear();
  return problem_.empty();
}

size_t XmlScanner::Scan(std::string_view data) {
  const char* at = data.data();
  const char* const end = at + data.size();
  if (!began_) {
    if (data.size() < kMark.size() && kMark.starts_with(data)) {
      return 0;
    }
    began_ = true;
    at += data.starts_with(kMark) ? kMark.size() : 0;
  }
  while (at < end) {
    const char* next = Step(at, end);
    if (next == nullptr) {
      break;
    }
    at = next;
  }
  return data.size() - static_cast<size_t>(end - at);
}

const char* XmlScanner::Step(const char* at, const char* end) {
  switch (state_) {
    case State::kContent:
      return *at == '<' ? Markup(at, end) : Characters(at, end);
    case State::kComment:
      return Comment(at, end);
    case State::kInstruction:
      return Instruction(at, end);
    case State::kCdata:
      return Cdata(at, end);
  }
  return nullptr;
}

bool XmlScanner::TakeText(std::string_view text) {
  if (!IsStrictUtf8(AsBytes(text))) {
    Fail("damaged");
    return false;
  }
  handler_->Text(text);
  return true;
}

const char* XmlScanner::Run(const char* at, const char* end) {
  const char* const begin = at;
  unsigned seen = 0;
  while (at < end && !IsOf(*at, kEndsRun)) {
    seen |= KindOf(*at);
    ++at;
  }
  if ((seen & kHigh) == 0) {
    handler_->Text(Between(begin, at));
    return at;
  }
  if (at == end) {
    at -= CutTail(Between(begin, at));
  }
  if (at == begin) {
    return nullptr;
  }
  return TakeText(Between(begin, at)) ? at : nullptr;
}

const char* XmlScanner::Characters(const char* at, const char* end) {
  if (open_.empty()) {
    const char* behind = SkipSpace(at, end);
    return behind == at ? Fail("damaged") : behind;
  }
  if (!IsOf(*at, kEndsRun)) {
    return Run(at, end);
  }
  switch (*at) {
    case '&':
      return Reference(at, end);
    case '\r':  // section 2.11
      if (end - at < 2) {
        return nullptr;
      }
      handler_->Text("\n");
      return at + (at[1] == '\n' ? 2 : 1);
    case ']': {
      if (end - at < 3) {
        return nullptr;
      }
      if (at[1] == ']' && at[2] == '>') {
        return Fail("damaged");
      }
      handler_->Text("]");
      return at + 1;
    }
    default:
      return Fail("damaged");
  }
}

const char* XmlScanner::Reference(const char* at, const char* end) {
  const char* const stop =
      end - at > kMaxReferenceBytes ? at + kMaxReferenceBytes : end;
  const char* const close = std::find(at, stop, ';');
  if (close == stop) {
    return stop == end ? nullptr : Fail("damaged");
  }
  std::string text;
  if (!DecodeReference(Between(at + 1, close), &text)) {
    return Fail("damaged");
  }
  handler_->Text(text);
  return close + 1;
}

const char* XmlScanner::Markup(const char* at, const char* end) {
  if (end - at < 2) {
    return nullptr;
  }
  switch (at[1]) {
    case '/':
      return EndTag(at, end);
    case '!':
      return Declaration(at, end);
    case '?':
      state_ = State::kInstruction;
      return at + 2;
    default:
      return StartTag(at, end);
  }
}

const char* XmlScanner::StartTag(const char* at, const char* end) {
  const char* const begin = at + 1;
  if (!IsOf(*begin, kNameStart) || (had_root_ && open_.empty())) {
    return Fail("damaged");
  }
  tag_kinds_ = 0;
  at = SkipName(begin, end, &tag_kinds_);
  const std::string_view name = Between(begin, at);
  attributes_.clear();
  values_used_ = 0;
  while (true) {
    const char* const word = SkipSpace(at, end);
    if (word == end) {
      return nullptr;
    }
    if (*word == '>' || *word == '/') {
      at = word;
      break;
    }
    if (word == at) {
      return Fail("damaged");
    }
    at = Attribute(word, end);
    if (at == nullptr) {
      return nullptr;
    }
  }
  const bool empty = *at == '/';
  if (empty && ++at == end) {
    return nullptr;
  }
  const bool legible =
      (tag_kinds_ & kHigh) == 0 || IsStrictUtf8(AsBytes(Between(begin, at)));
  if (*at != '>' || !legible || HasTwins() || !Open(name)) {
    return Fail("damaged");
  }
  if (empty) {
    Close();
  }
  return at + 1;
}

const char* XmlScanner::Attribute(const char* at, const char* end) {
  if (!IsOf(*at, kNameStart)) {
    return Fail("damaged");
  }
  XmlAttribute attribute;
  const char* const name = at;
  at = SkipName(at, end, &tag_kinds_);
  attribute.name = Between(name, at);
  at = SkipSpace(at, end);
  if (at == end) {
    return nullptr;
  }
  if (*at != '=') {
    return Fail("damaged");
  }
  at = SkipSpace(at + 1, end);
  if (at == end) {
    return nullptr;
  }
  const char quote = *at;
  if (quote != '"' && quote != '\'') {
    return Fail("damaged");
  }
  const char* const begin = ++at;
  unsigned seen = 0;
  while (at < end && *at != quote) {
    seen |= KindOf(*at);
    ++at;
  }
  if (at == end) {
    return nullptr;
  }
  tag_kinds_ |= seen;
  attribute.value = Between(begin, at);
  if ((seen & kDecodeIn) != 0) {
    if (values_used_ == values_.size()) {
      values_.emplace_back();
    }
    std::string* value = &values_[values_used_++];
    if (!NormalValue(attribute.value, value)) {
      return Fail("damaged");
    }
    attribute.value = *value;
  }
  attributes_.push_back(attribute);
  return at + 1;
}

// Section 3.3.3, without a document type: white space is a blank each.
bool XmlScanner::NormalValue(std::string_view raw, std::string* out) const {
  out->clear();
  for (size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (c == '<' || IsOf(c, kControl)) {
      return false;
    }
    if (c == '&') {
      const size_t close = raw.find(';', i);
      if (close == std::string_view::npos ||
          !DecodeReference(raw.substr(i + 1, close - i - 1), out)) {
        return false;
      }
      i = close;
    } else if (IsOf(c, kSpace)) {
      i +=
          static_cast<size_t>(c == '\r' && raw.substr(i + 1).starts_with('\n'));
      *out += ' ';
    } else {
      *out += c;
    }
  }
  return true;
}

bool XmlScanner::HasTwins() {
  if (attributes_.size() <= kFewAttributes) {
    for (size_t i = 1; i < attributes_.size(); ++i) {
      for (size_t k = 0; k < i; ++k) {
        if (attributes_[i].name == attributes_[k].name) {
          return true;
        }
      }
    }
    return false;
  }
  sorted_.clear();
  for (const XmlAttribute& attribute : attributes_) {
    sorted_.push_back(attribute.name);
  }
  std::sort(sorted_.begin(), sorted_.end());
  return std::adjacent_find(sorted_.begin(), sorted_.end()) != sorted_.end();
}

bool XmlScanner::Open(std::string_view name) {
  if (open_.size() >= static_cast<size_t>(kMaxXmlDepth)) {
    Fail("bomb");
    return false;
  }
  had_root_ = true;
  open_.push_back(open_names_.size());
  open_names_ += name;
  handler_->Start(LocalName(name), XmlAttributes(attributes_));
  return true;
}

void XmlScanner::Close() {
  const std::string_view name =
      std::string_view(open_names_).substr(open_.back());
  handler_->End(LocalName(name));
  open_names_.resize(open_.back());
  open_.pop_back();
}

const char* XmlScanner::EndTag(const char* at, const char* end) {
  const char* const name = at + 2;
  unsigned seen = 0;
  const char* const close = SkipName(name, end, &seen);
  const char* const behind = SkipSpace(close, end);
  if (behind == end) {
    return nullptr;
  }
  if (*behind != '>' || open_.empty() ||
      std::string_view(open_names_).substr(open_.back()) !=
          Between(name, close)) {
    return Fail("damaged");
  }
  Close();
  return behind + 1;
}

const char* XmlScanner::Declaration(const char* at, const char* end) {
  constexpr std::string_view kComment = "<!--";
  constexpr std::string_view kCdata = "<![CDATA[";
  const std::string_view rest = Between(at, end);
  if (rest.starts_with(kComment)) {
    state_ = State::kComment;
    return at + kComment.size();
  }
  if (rest.starts_with(kCdata) && !open_.empty()) {
    state_ = State::kCdata;
    return at + kCdata.size();
  }
  const bool cut = kComment.starts_with(rest) || kCdata.starts_with(rest);
  return cut ? nullptr : Fail("damaged");
}

const char* XmlScanner::Comment(const char* at, const char* end) {
  const std::string_view rest = Between(at, end);
  const size_t dashes = rest.find("--");
  if (dashes == std::string_view::npos) {
    const char* const left = rest.ends_with('-') ? end - 1 : end;
    return left == at ? nullptr : left;
  }
  if (dashes + 2 == rest.size()) {
    return dashes == 0 ? nullptr : at + dashes;
  }
  if (rest[dashes + 2] != '>') {
    return Fail("damaged");
  }
  state_ = State::kContent;
  return at + dashes + 3;
}

const char* XmlScanner::Instruction(const char* at, const char* end) {
  const std::string_view rest = Between(at, end);
  const size_t close = rest.find("?>");
  if (close == std::string_view::npos) {
    const char* const left = rest.ends_with('?') ? end - 1 : end;
    return left == at ? nullptr : left;
  }
  state_ = State::kContent;
  return at + close + 2;
}

const char* XmlScanner::Cdata(const char* at, const char* end) {
  if (*at == ']') {
    if (end - at < 3) {
      return nullptr;
    }
    if (at[1] == ']' && at[2] == '>') {
      state_ = State::kContent;
      return at + 3;
    }
    handler_->Text("]");
    return at + 1;
  }
  if (*at == '\r') {
    if (end - at < 2) {
      return nullptr;
    }
    handler_->Text("\n");
    return at + (at[1] == '\n' ? 2 : 1);
  }
  if (*at == '<' || *at == '&') {
    handler_->Text(Between(at, at + 1));
    return at + 1;
  }
  return IsOf(*at, kControl) ? Fail("damaged") : Run(at, end);
}

}  // namespace sekisho::detect
