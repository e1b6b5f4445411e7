#include "detect/formats/transfer_encoding.h"

#include <algorithm>
#include <array>

#include "detect/encoding.h"

namespace sekisho::detect {
namespace {

constexpr size_t kMinEncodedBytes = 256;

Encoding EncodingOf(std::string charset) {
  for (char& c : charset) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  }
  return charset == "shift_jis" || charset == "windows-31j" ||
                 charset == "cp932"
             ? Encoding::kCp932
         : charset == "euc-jp" ? Encoding::kEucJp
                               : Encoding::kUtf8;
}

}  // namespace

void DecodeQuotedPrintable(std::string_view line, std::string* out) {
  while (line.ends_with(' ') || line.ends_with('\t')) {
    line.remove_suffix(1);
  }
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '=') {
      out->push_back(line[i]);
      continue;
    }
    if (i + 1 == line.size()) {
      return;  // goes on in the next line
    }
    const int high = HexDigit(line[i + 1]);
    const int low = i + 2 < line.size() ? HexDigit(line[i + 2]) : -1;
    if (high < 0 || low < 0) {
      out->push_back('=');
      continue;
    }
    out->push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  out->push_back('\n');
}

std::string DecodeHeaderWords(std::string_view header) {
  std::string out;
  size_t at = 0;
  while (at < header.size()) {
    const size_t begin = header.find("=?", at);
    const size_t charset_end =
        begin == std::string_view::npos ? begin : header.find('?', begin + 2);
    const size_t end = charset_end == std::string_view::npos ||
                               charset_end + 2 >= header.size()
                           ? std::string_view::npos
                           : header.find("?=", charset_end + 3);
    if (end == std::string_view::npos) {
      out += header.substr(at);
      break;
    }
    out += header.substr(at, begin - at);
    const std::string charset(
        header.substr(begin + 2, charset_end - begin - 2));
    const std::string_view word =
        header.substr(charset_end + 3, end - charset_end - 3);
    std::string bytes;
    if ((header[charset_end + 1] | 0x20) == 'b') {
      Base64Decoder().Feed(word, &bytes);
    } else {
      std::string text(word);
      std::replace(text.begin(), text.end(), '_', ' ');
      DecodeQuotedPrintable(text, &bytes);
      bytes.pop_back();  // the line's end
    }
    Decode(EncodingOf(charset), AsBytes(bytes), &out);
    at = end + 2;
  }
  return out;
}

bool EncodedReader::Next(Part* part) {
  if (begun_) {
    return false;
  }
  begun_ = true;
  *part = {"", PartKind::kBytes};
  return true;
}

size_t EncodedReader::Read(std::span<std::byte> out) {
  while (taken_ == decoded_.size()) {
    decoded_.clear();
    taken_ = 0;
    const std::string_view block = stream_.Block();
    if (block.empty()) {
      return 0;
    }
    if (kind_ == Kind::kBase64) {
      base64_.Feed(block, &decoded_);
      continue;
    }
    for (char c : block) {
      const int digit = HexDigit(c);
      if (digit < 0) {
        continue;
      }
      if (half_ < 0) {
        half_ = digit;
      } else {
        decoded_.push_back(static_cast<char>(half_ * 16 + digit));
        half_ = -1;
      }
    }
  }
  const size_t n = std::min(out.size(), decoded_.size() - taken_);
  CopyBytes(out.data(), decoded_.data() + taken_, n);
  taken_ += n;
  return budget_->Output(static_cast<int64_t>(n)) ? n : 0;
}

std::string_view SniffEncoded(std::string_view head) {
  size_t letters = 0;
  size_t spaces = 0;
  bool hex = true;
  bool upper = false;
  bool lower = false;
  bool digit = false;
  size_t padding = 0;
  for (char c : head) {
    if (c == '\r' || c == '\n') {
      continue;
    }
    if (c == ' ' || c == '\t') {
      ++spaces;
      continue;
    }
    if (c == '=') {
      ++padding;
      continue;
    }
    if (Base64Value(c) < 0) {
      return "";
    }
    ++letters;
    hex = hex && HexDigit(c) >= 0;
    upper |= c >= 'A' && c <= 'Z';
    lower |= c >= 'a' && c <= 'z';
    digit |= c >= '0' && c <= '9';
  }
  if (letters < kMinEncodedBytes) {
    return "";
  }
  if (hex && (upper || lower) && digit) {
    return "hex";
  }
  return spaces == 0 && padding <= 2 && upper && lower && digit ? "base64" : "";
}

}  // namespace sekisho::detect
