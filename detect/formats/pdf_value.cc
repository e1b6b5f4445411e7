#include "detect/formats/pdf_value.h"

#include <algorithm>
#include <charconv>

namespace sekisho::detect {
namespace {

using Kind = PdfValue::Kind;

bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' ||
         c == '\0';
}

bool IsDelimiter(char c) {
  return c == '(' || c == ')' || c == '<' || c == '>' || c == '[' || c == ']' ||
         c == '{' || c == '}' || c == '/' || c == '%';
}

int HexDigit(char c) {
  return c >= '0' && c <= '9'                     ? c - '0'
         : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 87
                                                  : -1;
}

bool ToNumber(std::string_view word, double* value) {
  if (word.starts_with('+')) {
    word.remove_prefix(1);
  }
  const bool plausible =
      !word.empty() &&
      word.find_first_not_of("0123456789.-") == std::string_view::npos;
  if (!plausible) {
    return false;
  }
  const auto [end, error] =
      std::from_chars(word.data(), word.data() + word.size(), *value);
  return error == std::errc{};
}

}  // namespace

const PdfValue& PdfValue::operator[](std::string_view key) const {
  static const PdfValue kNone;
  if (kind == Kind::kDict) {
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      if (items[i].text == key) {
        return items[i + 1];
      }
    }
  }
  return kNone;
}

void PdfParser::SkipSpace() {
  while (at_ < text_.size()) {
    if (text_[at_] == '%') {
      while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') {
        ++at_;
      }
    } else if (!IsSpace(text_[at_])) {
      return;
    } else {
      ++at_;
    }
  }
}

// 7.3.4.2
void PdfParser::LiteralString(std::string* out) {
  int depth = 1;
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == ')' && --depth == 0) {
      ++at_;
      return;
    }
    depth += c == '(' ? 1 : 0;
    if (c != '\\') {
      out->push_back(c);
      continue;
    }
    if (++at_ == text_.size()) {
      return;
    }
    const char e = text_[at_];
    if (e >= '0' && e <= '7') {
      unsigned value = 0;
      for (int i = 0; i < 3 && at_ < text_.size() && text_[at_] >= '0' &&
                      text_[at_] <= '7';
           ++i, ++at_) {
        value = value * 8 + static_cast<unsigned>(text_[at_] - '0');
      }
      --at_;
      out->push_back(static_cast<char>(value & 0xFF));
    } else if (e == '\r' || e == '\n') {
      if (e == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') {
        ++at_;
      }
    } else {
      out->push_back(e == 'n'   ? '\n'
                     : e == 'r' ? '\r'
                     : e == 't' ? '\t'
                     : e == 'b' ? '\b'
                     : e == 'f' ? '\f'
                                : e);
    }
  }
}

void PdfParser::HexString(std::string* out) {
  int half = -1;
  for (; at_ < text_.size() && text_[at_] != '>'; ++at_) {
    const int digit = HexDigit(text_[at_]);
    if (digit < 0) {
      continue;
    }
    if (half < 0) {
      half = digit;
    } else {
      out->push_back(static_cast<char>(half * 16 + digit));
      half = -1;
    }
  }
  if (half >= 0) {
    out->push_back(static_cast<char>(half * 16));
  }
  at_ += at_ < text_.size() ? 1U : 0U;
}

void PdfParser::Name(std::string* out) {
  while (at_ < text_.size() && !IsSpace(text_[at_]) &&
         !IsDelimiter(text_[at_])) {
    if (text_[at_] == '#' && at_ + 2 < text_.size() &&
        HexDigit(text_[at_ + 1]) >= 0 && HexDigit(text_[at_ + 2]) >= 0) {
      out->push_back(static_cast<char>(HexDigit(text_[at_ + 1]) * 16 +
                                       HexDigit(text_[at_ + 2])));
      at_ += 3;
    } else {
      out->push_back(text_[at_++]);
    }
  }
}

PdfParser::Token PdfParser::NextToken(PdfValue* value) {
  SkipSpace();
  if (at_ >= text_.size()) {
    return Token::kEnd;
  }
  *value = {};
  const char c = text_[at_];
  const bool twice = at_ + 1 < text_.size() && text_[at_ + 1] == c;
  switch (c) {
    case '(':
      ++at_;
      value->kind = Kind::kString;
      LiteralString(&value->text);
      return Token::kValue;
    case '<':
      at_ += twice ? 2 : 1;
      if (twice) {
        return Token::kOpenDict;
      }
      value->kind = Kind::kString;
      HexString(&value->text);
      return Token::kValue;
    case '>':
      at_ += twice ? 2 : 1;
      return Token::kCloseDict;
    case '[':
      ++at_;
      return Token::kOpenArray;
    case ']':
      ++at_;
      return Token::kCloseArray;
    case '/':
      ++at_;
      value->kind = Kind::kName;
      Name(&value->text);
      return Token::kValue;
    case ')':
    case '{':
    case '}':
      ++at_;
      value->kind = Kind::kOperator;
      value->text = c;
      return Token::kValue;
    default:
      break;
  }
  const size_t begin = at_;
  while (at_ < text_.size() && !IsSpace(text_[at_]) &&
         !IsDelimiter(text_[at_])) {
    ++at_;
  }
  const std::string_view word = text_.substr(begin, at_ - begin);
  if (ToNumber(word, &value->number)) {
    value->kind = Kind::kNumber;
  } else if (word != "null") {
    value->kind = Kind::kOperator;
    value->text = word;
  }
  return Token::kValue;
}

bool PdfParser::Next(PdfValue* value) {
  std::vector<PdfValue> stack;
  size_t items = 0;
  for (;;) {
    PdfValue next;
    const Token token = NextToken(&next);
    switch (token) {
      case Token::kEnd:
        return false;
      case Token::kOpenArray:
      case Token::kOpenDict:
        if (stack.size() >= kMaxPdfNesting) {
          return false;
        }
        next.kind = token == Token::kOpenDict ? Kind::kDict : Kind::kArray;
        stack.push_back(std::move(next));
        continue;
      case Token::kCloseArray:
      case Token::kCloseDict:
        if (stack.empty()) {
          next.kind = Kind::kOperator;
          next.text = "]";
          break;
        }
        next = std::move(stack.back());
        stack.pop_back();
        break;
      case Token::kValue:
        break;
    }
    if (stack.empty()) {
      *value = std::move(next);
      return true;
    }
    std::vector<PdfValue>& in = stack.back().items;
    // "12 0 R"
    if (next.IsOperator("R") && in.size() >= 2 &&
        in[in.size() - 1].Is(Kind::kNumber) &&
        in[in.size() - 2].Is(Kind::kNumber)) {
      in.pop_back();
      in.back().kind = Kind::kRef;
      continue;
    }
    if (++items > kMaxPdfItems) {
      return false;
    }
    if (next.IsOperator("endobj") || next.IsOperator("stream")) {
      return false;  // never closed
    }
    in.push_back(std::move(next));
  }
}

}  // namespace sekisho::detect
