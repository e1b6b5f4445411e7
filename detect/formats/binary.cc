#include "detect/formats/binary.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "detect/encoding.h"
#include "detect/utf8.h"

namespace sekisho::detect {
namespace {

using namespace std::string_view_literals;

// Shorter runs are code that looks like letters.
constexpr size_t kMinPlainBytes = 5;
constexpr size_t kMinForeignBytes = 8;
constexpr size_t kMaxLineBytes = 8192;
constexpr size_t kMinWideUnits = 5;
// Bits a byte. Machine code has 6.3, glyphs 7.4, deflate 7.95, and 4,096 random
// bytes as much.
constexpr double kPackedBits = 7.85;
// The longest header that is looked for.
constexpr size_t kTailBytes = 32;

constexpr std::string_view kBinaryFormats[] = {"elf",          "pe",
                                               "java-class",   "wasm",
                                               "mach-o",       "truetype",
                                               "ttc",          "opentype",
                                               "pcap",         "pcapng",
                                               "gettext",      "pyc",
                                               "tzif",         "ext",
                                               "fat",          "exfat",
                                               "ntfs",         "mbr",
                                               "journal",      "terminfo",
                                               "devicetree",   "u-boot",
                                               "icu",          "gpt",
                                               "efi-firmware", "qt-translation",
                                               "option-rom",   "ld-cache",
                                               "zeros"};

// Whether pairs of bytes fit: most runs of code fail at their first two.
template <typename Lead, typename Trail, typename Single>
bool IsPaired(std::string_view line, Lead lead, Trail trail, Single single) {
  for (size_t i = 0; i < line.size(); ++i) {
    const auto c = static_cast<unsigned char>(line[i]);
    if (c < 0x80 || single(c)) {
      continue;
    }
    if (!lead(c) || i + 1 == line.size() ||
        !trail(static_cast<unsigned char>(line[i + 1]))) {
      return false;
    }
    ++i;
  }
  return true;
}

bool MayBeCp932(std::string_view line) {
  return IsPaired(
      line, [](unsigned c) { return c >= 0x81 && c <= 0xFC; },
      [](unsigned c) { return c >= 0x40 && c <= 0xFC && c != 0x7F; },
      [](unsigned c) { return c >= 0xA1 && c <= 0xDF; });
}
bool MayBeEucJp(std::string_view line) {
  return IsPaired(
      line, [](unsigned c) { return c >= 0x8E; },
      [](unsigned c) { return c >= 0xA1; },
      [](unsigned c) { return c == 0x8F; });
}

// A run in UTF-8, CP932 or EUC-JP, or what only looks like one. Of two bytes
// each, code is CP932 by chance; hardly ever in common characters alone.
bool DecodeForeign(std::string_view line, std::string* out) {
  if (line.size() < kMinForeignBytes ||
      !(IsStrictUtf8(AsBytes(line)) || MayBeCp932(line) || MayBeEucJp(line))) {
    return false;
  }
  const Encoding encoding = LineEncoding(AsBytes(line));
  const size_t before = out->size();
  const Decoded decoded = Decode(encoding, AsBytes(line), out);
  const bool whole = decoded.errors == 0;
  if (encoding == Encoding::kUtf8 && whole) {
    return true;
  }
  size_t common = 0;
  for (size_t i = before; whole && i + 2 < out->size(); ++i) {
    const auto byte = [&](size_t k) {
      return static_cast<unsigned char>((*out)[k]);
    };
    if ((byte(i) & 0xF0) == 0xE0) {
      const unsigned code = (byte(i) & 0xFU) << 12 |
                            (byte(i + 1) & 0x3FU) << 6 | (byte(i + 2) & 0x3FU);
      common += (code >= 0x3000 && code < 0x3100) ||
                (code >= 0x4E00 && code < 0xA000) || code >= 0xFF00;
    }
  }
  // Half-width kana are one byte, any byte: they do not count as common.
  if (whole && common * 10 >= decoded.characters * 9 && common >= 2) {
    return true;
  }
  out->resize(before);
  return false;
}

struct Container {
  std::string_view magic;
  bool (*plausible)(std::string_view);  // what begins with the magic
};

int ByteAt(std::string_view text, size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : -1;
}
// PKWARE APPNOTE 4.3.7: version, flags, method.
bool IsZipEntry(std::string_view at) {
  const int method = ByteAt(at, 8) | ByteAt(at, 9) << 8;
  const int name = ByteAt(at, 26) | ByteAt(at, 27) << 8;
  return ByteAt(at, 4) <= 63 && method >= 0 && method < 100 && name > 0 &&
         name < 1024;
}
// RFC 1952: flags, extra flags, system.
bool IsGzip(std::string_view at) {
  const int system = ByteAt(at, 9);
  const int extra = ByteAt(at, 8);
  return (ByteAt(at, 3) & 0xE0) == 0 &&
         (extra == 0 || extra == 2 || extra == 4) &&
         (system <= 13 || system == 255);
}
bool IsBzip2(std::string_view at) {
  return at.size() >= 10 && at[3] >= '1' && at[3] <= '9' &&
         at.substr(4, 6) == "\x31\x41\x59\x26\x53\x59"sv;
}
bool IsPdf(std::string_view at) {
  return ByteAt(at, 5) >= '1' && ByteAt(at, 5) <= '2' && ByteAt(at, 6) == '.' &&
         ByteAt(at, 7) >= '0' && ByteAt(at, 7) <= '9' && ByteAt(at, 8) <= '\r';
}
// The .xz file format 2.1.1.2: a zero byte, then the kind of check.
bool IsXz(std::string_view at) {
  const int check = ByteAt(at, 7);
  return ByteAt(at, 6) == 0 &&
         (check == 0 || check == 1 || check == 4 || check == 10);
}
bool IsLuks(std::string_view at) {
  return ByteAt(at, 6) == 0 && (ByteAt(at, 7) == 1 || ByteAt(at, 7) == 2);
}
bool IsPgp(std::string_view at) {
  return ByteAt(at, 27) == '\n' || ByteAt(at, 27) == '\r';
}
bool Always(std::string_view /*at*/) { return true; }

constexpr Container kContainers[] = {
    {"PK\3\4"sv, &IsZipEntry},
    {"\x1f\x8b\x08"sv, &IsGzip},
    {"BZh"sv, &IsBzip2},
    {"%PDF-"sv, &IsPdf},
    {"7z\xbc\xaf\x27\x1c\0"sv, &Always},
    {"Rar!\x1a\x07"sv, &Always},
    {"\xfd"
     "7zXZ\0"sv,
     &IsXz},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0"sv, &Always},
    {"LUKS\xba\xbe"sv, &IsLuks},
    {"-----BEGIN PGP MESSAGE-----"sv, &IsPgp},
};

size_t Find(std::string_view text, std::string_view word, size_t from) {
  const void* at = from >= text.size()
                       ? nullptr
                       : ::memmem(text.data() + from, text.size() - from,
                                  word.data(), word.size());
  return at == nullptr
             ? std::string_view::npos
             : static_cast<size_t>(static_cast<const char*>(at) - text.data());
}

bool IsWideText(char16_t u) {
  return (u >= 0x20 && u < 0x7F) || u == '\t' || u == '\r' || u == '\n' ||
         (u >= 0x3000 && u < 0x3100) || (u >= 0x4E00 && u < 0xA000) ||
         (u >= 0xFF01 && u < 0xFFA0);
}

void AppendUtf8Unit(char16_t u, std::string* out) {
  if (u < 0x80) {
    out->push_back(static_cast<char>(u));
    return;
  }
  // Nothing below U+0800 is taken, nor surrogates.
  out->push_back(static_cast<char>(0xE0 | u >> 12));
  out->push_back(static_cast<char>(0x80 | (u >> 6 & 0x3F)));
  out->push_back(static_cast<char>(0x80 | (u & 0x3F)));
}

}  // namespace

bool IsBinaryFormat(std::string_view format) {
  return std::find(std::begin(kBinaryFormats), std::end(kBinaryFormats),
                   format) != std::end(kBinaryFormats);
}

void PackedMeter::Add(ByteSpan bytes) {
  while (!bytes.empty()) {
    const size_t n = std::min(bytes.size(), kWindowBytes - filled_);
    for (std::byte b : bytes.first(n)) {
      ++counts_[std::to_integer<size_t>(b)];
    }
    filled_ += n;
    bytes = bytes.subspan(n);
    if (filled_ == kWindowBytes) {
      Close();
    }
  }
}

void PackedMeter::Close() {
  double sum = 0;
  for (uint32_t n : counts_) {
    if (n > 0) {
      sum += n * std::log2(static_cast<double>(n));
    }
  }
  const double bits = std::log2(static_cast<double>(kWindowBytes)) -
                      sum / static_cast<double>(kWindowBytes);
  in_a_row_ = bits >= kPackedBits ? in_a_row_ + 1 : 0;
  packed_ = packed_ || in_a_row_ >= kWindows;
  counts_.fill(0);
  filled_ = 0;
}

void WideRun::AddUnit(unsigned low, unsigned high, std::string* out) {
  const auto u = static_cast<char16_t>(low | high << 8);
  if (!IsWideText(u)) {
    if (!units_.empty()) {
      Flush(out);
    }
    return;
  }
  plain_ += u < 0x80;
  japanese_ += u >= 0x3000 && (u < 0x3100 || u >= 0xFF00);
  units_.push_back(u);
  if (units_.size() >= kMaxLineBytes) {
    Flush(out);
  }
}

void WideRun::Add(std::string_view bytes, std::string* out) {
  const auto at = [&](size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(bytes[i]));
  };
  size_t i = 0;
  if (half_ >= 0 && !bytes.empty()) {
    AddUnit(static_cast<unsigned>(half_), at(0), out);
    half_ = -1;
    i = 1;
  }
  for (; i + 1 < bytes.size(); i += 2) {
    AddUnit(at(i), at(i + 1), out);
  }
  if (i < bytes.size()) {
    half_ = static_cast<int>(at(i));
  }
}

void WideRun::Flush(std::string* out) {
  // Two letters of ASCII are one Chinese character; only text in UTF-16 has
  // digits, spaces or kana among them.
  if (units_.size() >= kMinWideUnits && plain_ > 0 &&
      (plain_ + japanese_) * 5 >= units_.size()) {
    for (char16_t u : units_) {
      AppendUtf8Unit(u, out);
    }
    out->push_back('\n');
  }
  units_.clear();
  plain_ = japanese_ = 0;
}

void BinaryReader::FlushLine() {
  std::string* out = parts_.out();
  if (plain_) {
    if (line_.size() >= kMinPlainBytes) {
      *out += line_;
      out->push_back('\n');
    }
  } else if (DecodeForeign(line_, out)) {
    out->push_back('\n');
  }
  line_.clear();
  plain_ = true;
}

void BinaryReader::Narrow(std::string_view chunk) {
  size_t begin = 0;
  const auto take = [&](size_t end) {
    const std::string_view run = chunk.substr(begin, end - begin);
    for (size_t i = 0; plain_ && i < run.size(); ++i) {
      plain_ = static_cast<unsigned char>(run[i]) < 0x80;
    }
    line_ += run;
  };
  for (size_t i = 0; i < chunk.size(); ++i) {
    const auto c = static_cast<unsigned char>(chunk[i]);
    const bool text = (c >= 0x20 && c != 0x7F) || c == '\t';
    if (text && line_.size() + (i - begin) < kMaxLineBytes) {
      continue;
    }
    take(i);
    if (!line_.empty()) {
      FlushLine();
    }
    begin = text ? i : i + 1;
  }
  take(chunk.size());
}

bool BinaryReader::HoldsContainer(std::string_view text, size_t begin_before) {
  for (const Container& container : kContainers) {
    for (size_t at = Find(text, container.magic, 0); at < begin_before;
         at = Find(text, container.magic, at + 1)) {
      if (container.plausible(text.substr(at))) {
        return true;
      }
    }
  }
  return false;
}

// A header that the chunk cuts is seen whole where the next one begins.
void BinaryReader::FindContainers(std::string_view chunk) {
  if (!problem().empty()) {
    return;
  }
  const size_t whole = cursor_.left() == 0
                           ? chunk.size()
                           : chunk.size() - std::min(chunk.size(), kTailBytes);
  const std::string seam =
      tail_ + std::string(chunk.substr(0, std::min(chunk.size(), kTailBytes)));
  if (HoldsContainer(seam, tail_.size()) || HoldsContainer(chunk, whole)) {
    Problem("unknown");
  }
  tail_ = chunk.substr(whole);
}

bool BinaryReader::Pump() {
  if (!begun_) {
    begun_ = true;
    parts_.Begin("");
    return true;
  }
  const ByteSpan chunk = cursor_.Next();
  if (chunk.empty()) {
    if (!line_.empty()) {
      FlushLine();
    }
    for (WideRun& run : wide_) {
      run.Flush(parts_.out());
    }
    if (cursor_.left() > 0) {
      Problem("damaged");
    } else if (meter_.packed()) {
      Problem("unknown");
    }
    return false;
  }
  const std::string_view text = AsText(chunk);
  const bool first = cursor_.at() == static_cast<int64_t>(chunk.size());
  meter_.Add(chunk);
  Narrow(text);
  wide_[0].Add(text, parts_.out());
  wide_[1].Add(text.substr(first ? 1 : 0), parts_.out());
  FindContainers(text);
  return budget_->Tick();
}

}  // namespace sekisho::detect
