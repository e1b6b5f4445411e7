#include "detect/encoded_text.h"

#include <algorithm>

#include "detect/base64.h"
#include "detect/encoding.h"

namespace sekisho::detect {
namespace {

// Short runs of bytes are valid in CP932 by chance.
constexpr size_t kMinDoubtfulBytes = 24;
// A run of at least so many bytes may be a piece of a longer one.
constexpr size_t kMinPieceBytes = 4096;

bool IsRunLetter(char c) { return Base64Value(c) >= 0 || c == '='; }

bool HasControls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\r' && c != '\n') || byte == 0x7F;
  });
}

bool Continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// A long run is read in pieces, which may begin and end within a character.
void DropCutCharacters(std::string* bytes) {
  size_t begin = 0;
  while (begin < 3 && Continues((*bytes)[begin])) {
    ++begin;
  }
  bytes->erase(0, begin);
  size_t end = bytes->size();
  while (end > bytes->size() - 4 && Continues((*bytes)[end - 1])) {
    --end;
  }
  const auto lead = static_cast<unsigned char>((*bytes)[end - 1]);
  const size_t needed = lead >= 0xF0   ? 4
                        : lead >= 0xE0 ? 3
                        : lead >= 0xC0 ? 2
                                       : 1;
  if (bytes->size() - (end - 1) < needed) {
    bytes->resize(end - 1);
  }
}

// Replaces `bytes` by the text it is.
bool ToText(std::string* bytes) {
  if (bytes->empty() || HasControls(*bytes)) {
    return false;
  }
  if (bytes->size() >= kMinPieceBytes) {
    std::string whole = *bytes;
    DropCutCharacters(&whole);
    if (IsStrictUtf8(AsBytes(whole))) {
      *bytes = std::move(whole);
      return true;
    }
  }
  if (IsStrictUtf8(AsBytes(*bytes))) {
    return true;
  }
  const Encoding encoding = PossibleEncodings(AsBytes(*bytes)).front();
  if (bytes->size() < kMinDoubtfulBytes ||
      (encoding != Encoding::kCp932 && encoding != Encoding::kEucJp)) {
    return false;
  }
  std::string text;
  const Decoded decoded = Decode(encoding, AsBytes(*bytes), &text);
  *bytes = std::move(text);
  return decoded.errors == 0 && decoded.characters > 0;
}

bool DecodeHex(std::string_view run, std::string* out) {
  out->clear();
  if (run.size() % 2 != 0 || run.size() < 2 * kMinEncodedCell) {
    return false;
  }
  for (size_t i = 0; i < run.size(); i += 2) {
    const int high = HexDigit(run[i]);
    const int low = HexDigit(run[i + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    out->push_back(static_cast<char>(high * 16 + low));
  }
  return ToText(out);
}

}  // namespace

bool DecodeText(std::string_view run, std::string* out) {
  while (run.ends_with('=')) {
    run.remove_suffix(1);
  }
  if (run.size() + 1 < kMinEncodedCell || run.size() % 4 == 1 ||
      run.size() > kMaxEncodedRun ||
      !std::all_of(run.begin(), run.end(),
                   [](char c) { return Base64Value(c) >= 0; })) {
    return false;
  }
  if (DecodeHex(run, out)) {
    return true;
  }
  out->clear();
  Base64Decoder().Feed(run, out);
  return ToText(out);
}

void EncodedRuns::Take(std::string_view run, std::string* out) {
  std::string text;
  if (run.size() >= kMinEncodedRun && DecodeText(run, &text)) {
    *out += text;
    out->push_back('\n');
  }
}

void EncodedRuns::Flush(std::string* out) {
  if (!open_.empty()) {
    Take(open_, out);
    open_.clear();
  }
}

void EncodedRuns::Line(std::string_view line, std::string* out) {
  const bool whole = std::all_of(line.begin(), line.end(), IsRunLetter);
  // A block of lines ends with one that is shorter than the others.
  if (whole && !line.empty() && line.size() <= kMaxEncodedRun &&
      (line.size() >= kMinEncodedRun - 4 || !open_.empty())) {
    if (open_.size() + line.size() > kMaxEncodedRun) {
      Flush(out);
    }
    open_ += line;
    if (line.ends_with('=')) {
      Flush(out);
    }
    return;
  }
  Flush(out);
  // From the end of a window of the shortest run back to what is none of it:
  // most of a line is never looked at.
  for (size_t at = 0; at + kMinEncodedRun <= line.size();) {
    size_t checked = at + kMinEncodedRun;
    while (checked > at && IsRunLetter(line[checked - 1])) {
      --checked;
    }
    if (checked > at) {
      at = checked;
      continue;
    }
    size_t end = at + kMinEncodedRun;
    while (end < line.size() && IsRunLetter(line[end])) {
      ++end;
    }
    Take(line.substr(at, end - at), out);
    at = end;
  }
}

}  // namespace sekisho::detect
