#include "detect/inspector.h"

#include <algorithm>
#include <span>

#include "detect/byte_set.h"
#include "detect/utf7.h"

namespace sekisho::detect {
namespace {

constexpr size_t kBlockBytes = size_t{256} * 1024;

// Where a block may end: behind a line end, which is no part of a character in
// any of the encodings; without one behind a byte below 0x40, which is not
// either; else everything.
size_t BlockEnd(std::string_view raw) {
  const size_t line = raw.rfind('\n');
  if (line != std::string_view::npos) {
    return line + 1;
  }
  for (size_t i = raw.size(); i > 0; --i) {
    if (static_cast<unsigned char>(raw[i - 1]) < 0x40) {
      return i;
    }
  }
  return raw.size();
}

// Controls other than backspace to carriage return, U+0001 between columns and
// the escape of coloured logs.
constexpr ByteSet kControls = [] {
  ByteSet set({});
  for (char c = 0; c < 0x20; ++c) {
    if ((c < 0x08 || c > 0x0D) && c != 1 && c != 0x1B) {
      set.Add(c);
    }
  }
  return set;
}();

bool HasControls(std::string_view block) {
  return kControls.Find(block, 0) < block.size();
}

// Even, and not between the halves of a surrogate pair.
size_t BlockEndUtf16(std::string_view raw, Encoding encoding) {
  size_t end = raw.size() & ~size_t{1};
  if (end >= 2) {
    const auto high = static_cast<unsigned char>(
        raw[encoding == Encoding::kUtf16Le ? end - 1 : end - 2]);
    if (high >= 0xD8 && high < 0xDC) {
      end -= 2;
    }
  }
  return end;
}

}  // namespace

Inspector::Inspector(const Options& options)
    : options_(options),
      hasher_(std::make_unique<const IdentityHasher>(options.key)) {
  state_.readings.push_back(
      {Encoding::kAscii,
       TextJudge(hasher_.get(), options_.custom.get(), options_.samples)});
  state_.known_text = options.known_text;
}
Inspector::Inspector(Inspector&&) noexcept = default;
Inspector& Inspector::operator=(Inspector&&) noexcept = default;
Inspector::~Inspector() = default;

void Inspector::Feed(ByteSpan bytes) {
  std::string_view text = AsText(bytes);
  if (options_.max_bytes > 0 &&
      state_.bytes + static_cast<int64_t>(text.size()) > options_.max_bytes) {
    text =
        text.substr(0, static_cast<size_t>(options_.max_bytes - state_.bytes));
    state_.over_limit = true;
  }
  state_.Take(text);
}

void Inspector::State::Take(std::string_view text) {
  bytes += static_cast<int64_t>(text.size());
  while (!text.empty()) {
    if (sniffed && format.kind != FormatClass::kText) {
      SkipBinary(text);
      return;
    }
    // Blocks end at the same bytes however the stream was cut.
    const size_t target = sniffed ? kBlockBytes : kSniffBytes;
    const size_t part = std::min(text.size(), target - raw.size());
    raw.append(text.substr(0, part));
    text.remove_prefix(part);
    if (raw.size() < target) {
      return;
    }
    if (sniffed) {
      JudgeRaw(Ending::kMoreFollows);
    } else {
      Sniff();
    }
  }
}

// Of a PDF the trailer, which may be anywhere, says whether it is encrypted.
void Inspector::State::SkipBinary(std::string_view text) {
  if (format.name != "pdf" || says_encrypt) {
    return;
  }
  constexpr std::string_view kWord = "/Encrypt";
  raw.append(text.substr(0, kWord.size()));
  says_encrypt = raw.find(kWord) != std::string::npos ||
                 text.find(kWord) != std::string_view::npos;
  raw.append(text.substr(std::min(kWord.size(), text.size())));
  raw.erase(0, raw.size() - std::min(raw.size(), kWord.size()));
}

void Inspector::State::Sniff() {
  sniffed = true;
  if (known_text) {
    readings[0].encoding = Encoding::kUtf8;
    return;
  }
  format = SniffFormat(AsBytes(raw));
  if (format.kind != FormatClass::kText) {
    says_encrypt =
        format.name == "pdf" && raw.find("/Encrypt") != std::string::npos;
    raw.erase(0, raw.size() - std::min<size_t>(raw.size(), 8));
    return;
  }
  size_t skip = 0;
  const Encoding encoding = SniffUtf16(AsBytes(raw), &skip);
  if (encoding != Encoding::kAscii) {
    readings[0].encoding = encoding;
    utf16 = true;
  } else if (raw.starts_with("\xEF\xBB\xBF")) {
    readings[0].encoding = Encoding::kUtf8Bom;
    skip = 3;
  }
  bom_bytes = skip;
  raw.erase(0, skip);
}

void Inspector::State::JudgeRaw(Ending ending) {
  size_t end = raw.size();
  if (ending == Ending::kMoreFollows) {
    end = utf16 ? BlockEndUtf16(raw, readings[0].encoding) : BlockEnd(raw);
  }
  const std::string_view block = std::string_view(raw).substr(0, end);
  JudgeBlock(block, ending);
  NoteJudged(block);
  raw.erase(0, end);
}

void Inspector::State::NoteJudged(std::string_view block) {
  const Reading& only = readings[0];
  plain = plain && !utf16 && only.encoding != Encoding::kUnknown8Bit &&
          only.encoding != Encoding::kMixed && only.errors == 0 &&
          !HasControls(block) && !HasJisEscapes(AsBytes(block));
  // Two readings: more text can end the doubt.
  if (plain && readings.size() == 1 && only.judge.holds_nothing()) {
    judged = {static_cast<int64_t>(bom_bytes + text_bytes),
              only.judge.persons()};
  }
}

void Inspector::State::JudgeBlock(std::string_view block, Ending ending) {
  text_bytes += block.size();
  const bool seven_bit = !utf16 && IsAllAscii(block);
  if (seven_bit && !HasJisEscapes(AsBytes(block))) {
    const bool only_ascii =
        readings.size() == 1 && readings[0].encoding == Encoding::kAscii;
    if (only_ascii && HasUtf7Runs(block)) {
      readings.push_back(readings[0]);
      readings[1].encoding = Encoding::kUtf7;
    }
    for (Reading& reading : readings) {
      AddSevenBit(&reading, block, ending);
    }
    return;
  }
  if (readings[0].encoding == Encoding::kAscii) {
    const std::vector<Encoding> possible = PossibleEncodings(AsBytes(block));
    // What went before was ASCII, the same in all of them.
    readings.resize(1, readings[0]);
    for (size_t i = 1; i < possible.size(); ++i) {
      readings.push_back(readings[0]);
    }
    for (size_t i = 0; i < possible.size(); ++i) {
      readings[i].encoding = possible[i];
    }
  }
  for (Reading& reading : readings) {
    AddDecoded(&reading, block, ending);
  }
  // More text can end the doubt.
  const auto is_wrong = [](const Reading& reading) {
    return reading.errors * 50 > reading.characters;
  };
  if (!std::all_of(readings.begin(), readings.end(), is_wrong)) {
    std::erase_if(readings, is_wrong);
  }
}

void Inspector::State::AddSevenBit(Reading* reading, std::string_view block,
                                   Ending ending) {
  if (reading->encoding != Encoding::kUtf7) {
    reading->judge.Add(block, ending);
    return;
  }
  DecodeUtf7(block, &reading->decoded);
  reading->judge.Add(reading->decoded, ending);
  reading->decoded.clear();
}

void Inspector::State::AddDecoded(Reading* reading, std::string_view block,
                                  Ending ending) {
  // Seven bits come here only with escapes to Japanese, in whatever file.
  const bool seven_bit = !utf16 && IsAllAscii(block);
  const bool utf8 = reading->encoding == Encoding::kUtf8 ||
                    reading->encoding == Encoding::kUtf8Bom;
  if (utf8 && !seven_bit && IsStrictUtf8(AsBytes(block))) {
    reading->characters += 1;
    reading->judge.Add(block, ending);
    return;
  }
  std::string& text = reading->decoded;
  Decoded decoded = Decode(seven_bit ? Encoding::kIso2022Jp : reading->encoding,
                           AsBytes(block), &text);
  if (!utf16 && readings.size() == 1 &&
      decoded.errors * 50 > decoded.characters) {
    // Files joined from several sources change their encoding on the way.
    const Encoding other = PossibleEncodings(AsBytes(block)).front();
    plain = false;  // a guess by this block alone
    if (other != Encoding::kUnknown8Bit) {
      text.clear();
      decoded = Decode(other, AsBytes(block), &text);
    }
  }
  reading->characters += decoded.characters;
  reading->errors += decoded.errors;
  reading->judge.Add(text, ending);
  text.clear();
}

const Inspector::Reading& Inspector::State::Best() const {
  const Reading* best = &readings[0];
  for (const Reading& reading : readings) {
    const int64_t more = reading.judge.persons() - best->judge.persons();
    // ASCII counts the same people by what of them needs no UTF-7.
    const bool says_more = reading.encoding == Encoding::kUtf7 &&
                           reading.judge.values() > best->judge.values();
    if (more > 0 || (more == 0 && says_more)) {
      best = &reading;
    }
  }
  return *best;
}

Findings Inspector::State::Finish() {
  if (!sniffed) {
    Sniff();
  }
  Findings findings;
  findings.bytes = bytes;
  if (format.kind != FormatClass::kText) {
    findings.format = format.name;
    findings.inspection = Inspection::kNone;
    findings.reason = format.kind == FormatClass::kEncrypted || says_encrypt
                          ? "encrypted"
                          : "unknown";
    return findings;
  }
  JudgeRaw(Ending::kLast);
  const Reading* const best = &Best();
  best->judge.Report(&findings);
  if (bytes == 0) {
    findings.format = "empty";
  }
  findings.encoding = Name(best->encoding);
  findings.inspection = Inspection::kFull;
  findings.reason.clear();
  if (best->encoding == Encoding::kUnknown8Bit &&
      best->characters * 10 > text_bytes) {
    // Accented Latin letters are few; this is a script we do not read.
    findings.inspection = Inspection::kPartial;
    findings.reason = "unknown";
  } else if (best->errors * 50 > best->characters) {
    findings.inspection = Inspection::kPartial;
    findings.reason = "damaged";
  }
  if (over_limit) {
    findings.inspection = Inspection::kPartial;
    findings.reason = "limit:bytes";
  }
  return findings;
}

Findings Inspector::FindingsSoFar() const {
  Findings findings;
  const Reading& best = state_.Best();
  best.judge.Report(&findings);
  findings.bytes = state_.bytes;
  findings.encoding = Name(best.encoding);
  findings.inspection = state_.plain ? Inspection::kFull : Inspection::kPartial;
  findings.reason = state_.plain ? "" : "unknown";
  return findings;
}

int64_t Inspector::PersonsSoFar() const {
  State copy = state_;
  return copy.Finish().persons;
}

Findings Inspector::Finish() { return state_.Finish(); }

Findings Inspect(ByteSpan bytes, const Options& options) {
  Inspector inspector(options);
  inspector.Feed(bytes);
  return inspector.Finish();
}

}  // namespace sekisho::detect
