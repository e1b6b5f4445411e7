// UTF-8 from the other encodings, fast: most of a Japanese list is decoded.
#include <bit>
#include <cstring>

#include "detect/encoding.h"
#include "detect/jis.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sekisho::detect {
namespace {

constexpr size_t kSlack = 16;  // copies of ASCII may write so far past the end

// Writes into room that is large enough for every decoder: three bytes for each
// byte or unit, and the slack.
class Writer {
 public:
  explicit Writer(char* to) : at_(to) {}
  char* at() const { return at_; }

  void Put(uint32_t cp) {
    const auto byte = [&](uint32_t value) {
      *at_++ = static_cast<char>(static_cast<unsigned char>(value));
    };
    if (cp < 0x80) {
      byte(cp);
    } else if (cp < 0x800) {
      byte(0xC0 | cp >> 6);
      byte(0x80 | (cp & 0x3F));
    } else if (cp < 0x10000) {
      byte(0xE0 | cp >> 12);
      byte(0x80 | (cp >> 6 & 0x3F));
      byte(0x80 | (cp & 0x3F));
    } else {
      byte(0xF0 | cp >> 18);
      byte(0x80 | (cp >> 12 & 0x3F));
      byte(0x80 | (cp >> 6 & 0x3F));
      byte(0x80 | (cp & 0x3F));
    }
  }

  // Of U+0800 to U+FFFF.
  void PutThree(uint32_t cp) {
    at_[0] = static_cast<char>(0xE0 | cp >> 12);
    at_[1] = static_cast<char>(0x80 | (cp >> 6 & 0x3F));
    at_[2] = static_cast<char>(0x80 | (cp & 0x3F));
    at_ += 3;
  }

  // The ASCII that `text` has from `from` on; returns its end.
  size_t PutAscii(std::string_view text, size_t from) {
#if defined(__SSE2__)
    while (from + 16 <= text.size()) {
      const __m128i bytes =
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + from));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(at_), bytes);
      const int high = _mm_movemask_epi8(bytes);
      if (high != 0) {
        const int run = std::countr_zero(static_cast<unsigned>(high));
        at_ += run;
        return from + static_cast<size_t>(run);
      }
      at_ += 16;
      from += 16;
    }
#endif
    while (from < text.size() && static_cast<signed char>(text[from]) >= 0) {
      *at_++ = text[from++];
    }
    return from;
  }

 private:
  char* at_;
};

template <typename Next>
void DecodeBytes(ByteSpan block, Next next, Writer* out, Decoded* decoded) {
  const std::string_view text = AsText(block);
  for (size_t at = 0; at < block.size();) {
    if (static_cast<signed char>(text[at]) >= 0) {
      at = out->PutAscii(text, at);
      continue;
    }
    const uint32_t cp = next(block, &at);
    ++decoded->characters;
    decoded->errors += cp == kMalformed ? 1u : 0u;
    out->Put(cp == kMalformed ? 0xFFFD : cp);
  }
}

// As DecodeBytes with NextCp932, the common case without a call.
void DecodeCp932(ByteSpan block, Writer* out, Decoded* decoded) {
  const std::string_view text = AsText(block);
  const unsigned char* const cells = Cp932Cells();
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<uint8_t>(text[at]);
    if (lead < 0x80) {
      at = out->PutAscii(text, at);
      continue;
    }
    ++decoded->characters;
    if (lead >= kCp932FirstLead && lead <= 0xFC && at + 1 < text.size() &&
        (lead < 0xA1 || lead > 0xDF)) {
      const size_t trail =
          static_cast<uint8_t>(text[at + 1]) - size_t{kCp932FirstTrail};
      if (trail < kCp932Trails) {
        uint16_t cp;
        std::memcpy(&cp,
                    cells + 2 * (static_cast<size_t>(lead - kCp932FirstLead) *
                                     kCp932Trails +
                                 trail),
                    2);
        if (cp >= 0x800) {
          out->PutThree(cp);
          at += 2;
          continue;
        }
      }
    }
    const uint32_t cp = NextCp932(block, &at);
    decoded->errors += cp == kMalformed ? 1u : 0u;
    out->Put(cp == kMalformed ? 0xFFFD : cp);
  }
}

void DecodeUtf16(bool little, ByteSpan block, Writer* out, Decoded* decoded) {
  const auto unit = [&](size_t i) {
    uint16_t value;
    std::memcpy(&value, &block[i], sizeof value);
    const bool swap = little != (std::endian::native == std::endian::little);
    return static_cast<uint32_t>(swap ? __builtin_bswap16(value) : value);
  };
  size_t at = 0;
  while (at + 1 < block.size()) {
    uint32_t cp = unit(at);
    at += 2;
    if (cp >= 0xD800 && cp < 0xE000) {
      const bool paired = cp < 0xDC00 && at + 1 < block.size() &&
                          unit(at) >= 0xDC00 && unit(at) < 0xE000;
      if (paired) {
        cp = 0x10000 + ((cp - 0xD800) << 10) + (unit(at) - 0xDC00);
        at += 2;
      } else {
        cp = 0xFFFD;
        ++decoded->errors;
      }
    }
    decoded->characters += cp >= 0x80 ? 1u : 0u;
    out->Put(cp);
  }
  decoded->errors += block.size() % 2;
}

// RFC 1468 with the supplement plane and the kana of Windows (code pages 50220
// to 50222): ESC $ @ and $ B kanji, $ ( D JIS X 0212, ( I kana; ( B and ( J,
// and every line end, ASCII.
class JisDecoder {
 public:
  JisDecoder(ByteSpan block, Writer* out, Decoded* decoded)
      : block_(block), out_(out), decoded_(decoded) {}

  void Run() {
    while (at_ < block_.size()) {
      const uint8_t byte = At(block_, at_);
      if (byte == 0x1B && Escape()) {
        continue;
      }
      if (byte == '\n') {
        plane_ = Plane::kAscii;
      }
      if (plane_ == Plane::kAscii || byte <= 0x20 || byte > 0x7E) {
        out_->Put(byte < 0x80 ? byte : 0xFFFDu);
        decoded_->errors += byte < 0x80 ? 0u : 1u;
        ++at_;
      } else {
        Japanese(byte);
      }
    }
  }

 private:
  enum class Plane { kAscii, kKanji, kSupplement, kKana };

  bool Escape() {
    const std::string_view rest = AsText(block_).substr(at_ + 1);
    const auto take = [&](std::string_view sequence, Plane plane) {
      if (!rest.starts_with(sequence)) {
        return false;
      }
      plane_ = plane;
      at_ += 1 + sequence.size();
      return true;
    };
    return take("$B", Plane::kKanji) || take("$@", Plane::kKanji) ||
           take("(B", Plane::kAscii) || take("(J", Plane::kAscii) ||
           take("(I", Plane::kKana) || take("$(D", Plane::kSupplement) ||
           take("$(B", Plane::kKanji);
  }

  void Japanese(uint8_t byte) {
    uint32_t cp = 0;
    size_t size = 2;
    if (plane_ == Plane::kKana) {
      cp = byte <= 0x5F ? 0xFF61u + (byte - 0x21u) : 0;
      size = 1;
    } else if (at_ + 1 < block_.size()) {
      const auto lead = static_cast<uint8_t>(byte | 0x80);
      const auto trail = static_cast<uint8_t>(At(block_, at_ + 1) | 0x80);
      const bool in_plane = trail >= 0xA1 && trail <= 0xFE;
      if (in_plane) {
        cp = plane_ == Plane::kKanji ? FromJis0208(lead, trail)
                                     : FromJis0212(lead, trail);
      }
    }
    ++decoded_->characters;
    if (cp == 0) {
      ++decoded_->errors;
      out_->Put(0xFFFD);
      ++at_;
      return;
    }
    out_->Put(cp);
    at_ += size;
  }

  ByteSpan block_;
  Writer* out_;
  Decoded* decoded_;
  Plane plane_ = Plane::kAscii;
  size_t at_ = 0;
};

uint32_t NextUtf8(ByteSpan bytes, size_t* at) {
  return NextStrictUtf8(AsText(bytes), at);
}
uint32_t NextLatin1(ByteSpan bytes, size_t* at) { return At(bytes, (*at)++); }

void DecodeInto(Encoding encoding, ByteSpan block, Writer* out,
                Decoded* decoded) {
  switch (encoding) {
    case Encoding::kUtf16Le:
    case Encoding::kUtf16Be:
      DecodeUtf16(encoding == Encoding::kUtf16Le, block, out, decoded);
      return;
    case Encoding::kCp932:
      DecodeCp932(block, out, decoded);
      return;
    case Encoding::kEucJp:
      DecodeBytes(block, NextEucJp, out, decoded);
      return;
    case Encoding::kUnknown8Bit:
      DecodeBytes(block, NextLatin1, out, decoded);
      return;
    case Encoding::kIso2022Jp:
      JisDecoder(block, out, decoded).Run();
      return;
    case Encoding::kAscii:
    case Encoding::kUtf8:
    case Encoding::kUtf8Bom:
    case Encoding::kMixed:
    case Encoding::kUtf7:  // by utf7.h
      break;
  }
  DecodeBytes(block, NextUtf8, out, decoded);
}

void DecodeLines(ByteSpan block, Writer* out, Decoded* decoded) {
  const std::string_view text = AsText(block);
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    end = end == std::string_view::npos ? text.size() : end + 1;
    const ByteSpan line = block.subspan(at, end - at);
    DecodeInto(LineEncoding(line), line, out, decoded);
    at = end;
  }
}

}  // namespace

Decoded Decode(Encoding encoding, ByteSpan block, std::string* out) {
  Decoded decoded;
  const size_t before = out->size();
  out->resize_and_overwrite(before + 3 * block.size() + kSlack,
                            [&](char* to, size_t) {
                              Writer writer(to + before);
                              if (encoding == Encoding::kMixed) {
                                DecodeLines(block, &writer, &decoded);
                              } else {
                                DecodeInto(encoding, block, &writer, &decoded);
                              }
                              return static_cast<size_t>(writer.at() - to);
                            });
  return decoded;
}

}  // namespace sekisho::detect
