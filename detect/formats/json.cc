#include "detect/formats/json.h"

#include <algorithm>

#include "detect/fold.h"

namespace sekisho::detect {
namespace {

constexpr int kTokensAtATime = 4096;
constexpr size_t kMaxCells = 1024;

bool IsSpace(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

JsonReader::JsonReader(const Source* source, Budget* budget)
    : DocumentReader(budget),
      stream_(source),
      tables_(&parts_),
      records_(&tables_) {}

bool JsonReader::Pump() {
  for (int i = 0; i < kTokensAtATime && !over_; ++i) {
    if (!Token()) {
      over_ = true;
      if (!stack_.empty()) {
        Problem("damaged");
      }
      tables_.Flush();
    }
  }
  return !over_;
}

bool JsonReader::Damaged() {
  Problem("damaged");
  return false;
}

bool JsonReader::Token() {
  int c = stream_.Get();
  while (IsSpace(c)) {
    c = stream_.Get();
  }
  switch (c) {
    case -1:
      return false;
    case '{':
    case '[':
      return Open(c == '{');
    case '}':
    case ']':
      return Close(c == '}');
    case ':':
      return !stack_.empty() || Damaged();
    case ',':
      if (!stack_.empty()) {
        stack_.back().wants_key = stack_.back().object;
      }
      return true;
    case '"': {
      std::string text;
      String(&text);
      if (!stack_.empty() && stack_.back().wants_key) {
        stack_.back().key = std::move(text);
        stack_.back().wants_key = false;
      } else {
        Scalar(std::move(text));
      }
      return true;
    }
    default:
      break;
  }
  std::string word(1, static_cast<char>(c));
  for (c = stream_.Peek();
       c > ' ' && c < 0x7F && c != ',' && c != '}' && c != ']' && c != '{' &&
       c != '[' && c != '"' && c != ':';
       c = stream_.Peek()) {
    word.push_back(static_cast<char>(stream_.Get()));
    if (word.size() > 64) {
      return Damaged();
    }
  }
  const bool number = word[0] == '-' || (word[0] >= '0' && word[0] <= '9');
  if (!number && word != "true" && word != "false" && word != "null") {
    return Damaged();
  }
  Scalar(word == "null" ? std::string() : std::move(word));
  return true;
}

uint32_t JsonReader::Hex4() {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const int c = stream_.Peek();
    const int digit = c >= '0' && c <= '9'                     ? c - '0'
                      : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 87
                                                               : -1;
    if (digit < 0) {
      return 0xFFFD;
    }
    stream_.Get();
    value = value * 16 + static_cast<uint32_t>(digit);
  }
  return value;
}

void JsonReader::Escape(std::string* out) {
  const int c = stream_.Get();
  if (c != 'u') {
    out->push_back(c == 'n' || c == 'r' ? '\n'
                   : c == 't'           ? ' '
                                        : static_cast<char>(c));
    return;
  }
  uint32_t code = Hex4();
  if (code >= 0xD800 && code < 0xDC00 && stream_.Peek() == '\\') {
    stream_.Get();
    if (stream_.Peek() == 'u') {
      stream_.Get();
      const uint32_t low = Hex4();
      code = low >= 0xDC00 && low < 0xE000
                 ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                 : 0xFFFD;
    } else {
      Escape(out);
      return;
    }
  }
  AppendCodePoint(code >= 0xD800 && code < 0xE000 ? 0xFFFD : code, out);
}

void JsonReader::String(std::string* out) {
  for (int c = stream_.Get(); c >= 0 && c != '"'; c = stream_.Get()) {
    if (c == '\\') {
      Escape(out);
    } else {
      out->push_back(static_cast<char>(c));
    }
    if (out->size() > kMaxValueBytes + 8) {
      out->resize(kMaxValueBytes);
    }
  }
}

void JsonReader::Scalar(std::string value) {
  if (stack_.empty()) {
    return;
  }
  Level& level = stack_.back();
  if (level.object) {
    records_.Value(level.key, value);
  } else if (level.cells.size() < kMaxCells) {
    level.cells.push_back(std::move(value));
  }
}

bool JsonReader::Open(bool object) {
  if (stack_.size() >= kMaxJsonDepth) {
    return Damaged();
  }
  const bool member = !stack_.empty() && stack_.back().object;
  if (object) {
    // The nearest member's name, through any number of arrays.
    const auto named =
        std::find_if(stack_.rbegin(), stack_.rend(),
                     [](const Level& level) { return level.object; });
    records_.Open(
        named == stack_.rend() ? "" : named->key,
        member ? RecordStack::Kind::kMember : RecordStack::Kind::kElement);
  }
  Level level;
  level.object = object;
  level.wants_key = object;
  stack_.push_back(std::move(level));
  return true;
}

bool JsonReader::Close(bool object) {
  if (stack_.empty() || stack_.back().object != object) {
    return Damaged();
  }
  const Level level = std::move(stack_.back());
  stack_.pop_back();
  if (object) {
    records_.Close();
    return true;
  }
  if (level.cells.empty()) {
    return true;
  }
  if (!stack_.empty() && stack_.back().object) {
    // The first may be the value there is; the others stand beside it.
    records_.Value(stack_.back().key, level.cells.front());
    for (size_t i = 1; i < level.cells.size(); ++i) {
      records_.Value(stack_.back().key + " 2", level.cells[i]);
    }
  } else {
    tables_.AddRow("rows", level.cells);
  }
  return true;
}

}  // namespace sekisho::detect
