#include "server/core/ldif_reader.h"

#include <sodium.h>

#include <algorithm>
#include <cctype>

#include "common/text.h"

namespace sekisho::core {
namespace {

constexpr size_t kMaxLdifLine = size_t{1} << 20;

std::string Small(std::string_view text) {
  std::string small(text);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return small;
}

bool Decode(std::string_view text, std::string* out) {
  out->resize(text.size() / 4 * 3 + 3);
  size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(out->data()),
                        out->size(), text.data(), text.size(), nullptr, &size,
                        nullptr, sodium_base64_VARIANT_ORIGINAL) != 0) {
    return false;
  }
  out->resize(size);
  return true;
}

}  // namespace

const LdifValue* LdifEntry::Find(std::string_view name) const {
  const auto at = std::ranges::find(values, name, &LdifValue::name);
  return at == values.end() ? nullptr : &*at;
}

bool LdifReader::Line(std::string* out) {
  if (at_ == text_.size()) return false;
  out->clear();
  begin_ = line_ + 1;
  for (;;) {
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view part = text_.substr(at_, end - at_);
    at_ = std::min(end + 1, text_.size());
    ++line_;
    if (part.ends_with('\r')) part.remove_suffix(1);
    if (line_ > begin_) part.remove_prefix(1);
    *out += part;
    if (at_ == text_.size() || text_[at_] != ' ') return true;
  }
}

std::string LdifReader::Take(const std::string& line, int64_t number,
                             LdifEntry* out) {
  const size_t colon = line.find(':');
  if (colon == std::string::npos || colon == 0) {
    return "'" + EscapeUntrusted(line, 64) + "' is no 'attribute: value'";
  }
  if (line.size() > kMaxLdifLine) return "the value is over 1 MiB";
  const std::string_view name = std::string_view(line).substr(0, colon);
  std::string_view rest = std::string_view(line).substr(colon + 1);
  LdifValue value{.line = number, .name = Small(name), .value = ""};
  if (rest.starts_with('<')) return "values in other files are not read";
  const bool coded = rest.starts_with(':');
  if (coded) rest.remove_prefix(1);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  if (!coded) {
    value.value = rest;
  } else if (!Decode(rest, &value.value)) {
    return "the value of " + EscapeUntrusted(value.name, 64) + " is no base64";
  }
  if (value.name == "changetype") {
    return "this file holds changes, not entries";
  }
  if (value.name.find(';') != std::string::npos) return "";
  if (out->values.size() == kMaxLdifAttributes) {
    return "the entry has more than 2,000 values";
  }
  out->values.push_back(std::move(value));
  return "";
}

bool LdifReader::Next(LdifEntry* out) {
  *out = {};
  std::string line;
  while (Line(&line)) {
    if (line.starts_with('#')) continue;
    if (line.empty()) {
      if (!out->values.empty()) return true;
      continue;
    }
    if (out->line == 0) out->line = begin_;
    out->broken = Take(line, begin_, out);
    if (!out->broken.empty()) {
      out->line = begin_;
      at_ = text_.size();
      return true;
    }
  }
  return !out->values.empty();
}

}  // namespace sekisho::core
