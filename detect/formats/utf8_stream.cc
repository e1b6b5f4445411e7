#include "detect/formats/utf8_stream.h"

#include <algorithm>

namespace sekisho::detect {
namespace {

bool IsUtf16(Encoding encoding) {
  return encoding == Encoding::kUtf16Le || encoding == Encoding::kUtf16Be;
}

// How much of `raw` is surely whole characters (see Inspector).
size_t SafeEnd(std::string_view raw, Encoding encoding) {
  if (IsUtf16(encoding)) {
    size_t end = raw.size() & ~size_t{1};
    const size_t high = encoding == Encoding::kUtf16Le ? 1 : 2;
    if (end >= 2 &&
        (static_cast<unsigned char>(raw[end - high]) & 0xFC) == 0xD8) {
      end -= 2;
    }
    return end;
  }
  for (size_t i = raw.size(); i > 0; --i) {
    if (static_cast<unsigned char>(raw[i - 1]) < 0x40) {
      return i;
    }
  }
  return raw.size();
}

// ISO-2022-JP: what the last escape begins may go on.
size_t SafeEndJis(std::string_view raw) {
  const size_t last = raw.rfind('\x1b');
  if (last == std::string_view::npos || last == 0) {
    return raw.size();
  }
  const std::string_view to = raw.substr(last + 1, 2);
  return to == "(B" || to == "(J" ? raw.size() : last;
}

}  // namespace

bool Utf8Stream::Fill() {
  text_.clear();
  at_ = 0;
  while (text_.empty()) {
    const ByteSpan next = cursor_.Next();
    if (next.empty() && raw_.empty()) {
      return false;
    }
    raw_ += AsText(next);
    if (!sniffed_) {
      sniffed_ = true;
      size_t skip = 0;
      encoding_ = SniffUtf16(AsBytes(raw_), &skip);
      if (encoding_ == Encoding::kAscii && raw_.starts_with("\xEF\xBB\xBF")) {
        skip = 3;
      }
      raw_.erase(0, skip);
    }
    if (encoding_ == Encoding::kAscii && IsAllAscii(raw_) &&
        HasJisEscapes(AsBytes(raw_))) {
      encoding_ = Encoding::kIso2022Jp;
    }
    const size_t end = next.empty() ? raw_.size()
                       : encoding_ == Encoding::kIso2022Jp
                           ? SafeEndJis(raw_)
                           : SafeEnd(raw_, encoding_);
    const std::string_view block = std::string_view(raw_).substr(0, end);
    if (!IsUtf16(encoding_)) {
      const bool high = std::any_of(block.begin(), block.end(), [](char c) {
        return static_cast<signed char>(c) < 0;
      });
      if (high &&
          (encoding_ == Encoding::kAscii ||
           (encoding_ == Encoding::kUtf8 && !IsStrictUtf8(AsBytes(block))))) {
        encoding_ = PossibleEncodings(AsBytes(block)).front();
      }
    }
    if (encoding_ == Encoding::kAscii) {
      text_ += block;
    } else {
      Decode(encoding_, AsBytes(block), &text_);
    }
    raw_.erase(0, end);
  }
  return true;
}

bool Utf8Stream::Line(std::string* line, size_t cap) {
  line->clear();
  int c = Get();
  if (c < 0) {
    return false;
  }
  for (; c >= 0 && c != '\n'; c = Get()) {
    if (line->size() < cap) {
      line->push_back(static_cast<char>(c));
    }
  }
  if (line->ends_with('\r')) {
    line->pop_back();
  }
  return true;
}

std::string_view Utf8Stream::Block() {
  if (at_ == text_.size() && !Fill()) {
    return {};
  }
  const std::string_view block = std::string_view(text_).substr(at_);
  at_ = text_.size();
  return block;
}

}  // namespace sekisho::detect
