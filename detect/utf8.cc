#include "detect/utf8.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sekisho::detect {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080;

bool IsStrictScalar(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    if (text.size() - at >= 8) {
      uint64_t word;
      std::memcpy(&word, text.data() + at, 8);
      if ((word & kHighBits) == 0) {
        at += 8;
        continue;
      }
    }
    if (NextStrictUtf8(text, &at) == kMalformed) {
      return false;
    }
  }
  return true;
}

#if defined(__x86_64__)
// What can be wrong with two bytes in a row: John Keiser and Daniel Lemire,
// "Validating UTF-8 in less than one instruction per byte" (2021). The first
// three tables are theirs: by the high half of the first byte, its low half,
// the high half of the second; a bit that all three have is an error.
constexpr char kTooShort = 1 << 0;
constexpr char kTooLong = 1 << 1;
constexpr char kOverlong3 = 1 << 2;
constexpr char kTooLarge = 1 << 3;
constexpr char kSurrogate = 1 << 4;
constexpr char kOverlong2 = 1 << 5;
constexpr char kTooLarge1000 = 1 << 6;  // and overlong in four bytes
constexpr char kTwoConts = static_cast<char>(0x80);
constexpr char kCarry = static_cast<char>(kTooShort | kTooLong | kTwoConts);
constexpr char kLarge = static_cast<char>(kCarry | kTooLarge | kTooLarge1000);
constexpr char kConts = static_cast<char>(kTooLong | kOverlong2 | kTwoConts);

alignas(16) constexpr char kFirstHigh[16] = {
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTwoConts,
    kTwoConts,
    kTwoConts,
    kTwoConts,
    kTooShort | kOverlong2,
    kTooShort,
    kTooShort | kOverlong3 | kSurrogate,
    kTooShort | kTooLarge | kTooLarge1000};
alignas(16) constexpr char kFirstLow[16] = {
    static_cast<char>(kCarry | kOverlong3 | kOverlong2 | kTooLarge1000),
    static_cast<char>(kCarry | kOverlong2),
    kCarry,
    kCarry,
    static_cast<char>(kCarry | kTooLarge),
    kLarge,
    kLarge,
    kLarge,
    kLarge,
    kLarge,
    kLarge,
    kLarge,
    kLarge,
    static_cast<char>(kLarge | kSurrogate),
    kLarge,
    kLarge};
alignas(16) constexpr char kSecondHigh[16] = {
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    static_cast<char>(kConts | kOverlong3 | kTooLarge1000),
    static_cast<char>(kConts | kOverlong3 | kTooLarge),
    static_cast<char>(kConts | kSurrogate | kTooLarge),
    static_cast<char>(kConts | kSurrogate | kTooLarge),
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort};

__attribute__((target("avx2"))) bool IsStrictAvx2(std::string_view text) {
  const __m256i first_high = _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(kFirstHigh)));
  const __m256i first_low = _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(kFirstLow)));
  const __m256i second_high = _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(kSecondHigh)));
  const __m256i nibble = _mm256_set1_epi8(0x0F);
  __m256i error = _mm256_setzero_si256();
  __m256i previous = _mm256_setzero_si256();
  // The last block is filled up with zeros, and there always is one: a
  // character that is cut off at the end is followed by ASCII, and wrong.
  alignas(32) char rest[32] = {};
  const size_t whole = text.size() / 32 * 32;
  std::memcpy(rest, text.data() + whole, text.size() - whole);
  for (size_t at = 0; at <= whole; at += 32) {
    const char* p = at < whole ? text.data() + at : rest;
    const __m256i input =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i shifted = _mm256_permute2x128_si256(previous, input, 0x21);
    const __m256i one = _mm256_alignr_epi8(input, shifted, 15);
    const __m256i two = _mm256_alignr_epi8(input, shifted, 14);
    const __m256i three = _mm256_alignr_epi8(input, shifted, 13);
    const __m256i pairs = _mm256_and_si256(
        _mm256_and_si256(
            _mm256_shuffle_epi8(
                first_high,
                _mm256_and_si256(_mm256_srli_epi16(one, 4), nibble)),
            _mm256_shuffle_epi8(first_low, _mm256_and_si256(one, nibble))),
        _mm256_shuffle_epi8(
            second_high,
            _mm256_and_si256(_mm256_srli_epi16(input, 4), nibble)));
    // Third and fourth bytes must be continuations, all others not.
    const __m256i must =
        _mm256_or_si256(_mm256_subs_epu8(two, _mm256_set1_epi8(0x60)),
                        _mm256_subs_epu8(three, _mm256_set1_epi8(0x70)));
    error = _mm256_or_si256(
        error, _mm256_xor_si256(_mm256_and_si256(must, _mm256_set1_epi8(-128)),
                                pairs));
    previous = input;
  }
  return _mm256_testz_si256(error, error) != 0;
}
#endif

}  // namespace

void AppendCodePoint(uint32_t cp, std::string* out) {
  const auto put = [&](uint32_t byte) {
    out->push_back(static_cast<char>(static_cast<unsigned char>(byte)));
  };
  if (cp < 0x80) {
    put(cp);
  } else if (cp < 0x800) {
    put(0xC0 | cp >> 6);
    put(0x80 | (cp & 0x3F));
  } else if (cp < 0x10000) {
    put(0xE0 | cp >> 12);
    put(0x80 | (cp >> 6 & 0x3F));
    put(0x80 | (cp & 0x3F));
  } else {
    put(0xF0 | cp >> 18);
    put(0x80 | (cp >> 12 & 0x3F));
    put(0x80 | (cp >> 6 & 0x3F));
    put(0x80 | (cp & 0x3F));
  }
}

uint32_t NextStrictUtf8(std::string_view text, size_t* at) {
  const size_t start = *at;
  const uint32_t cp = NextCodePoint(text, at);
  const size_t size = *at - start;
  if (cp == 0xFFFD && size == 1) {
    return kMalformed;
  }
  const bool overlong =
      (size == 3 && cp < 0x800) || (size == 4 && cp < 0x10000);
  const bool outside = cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000);
  if (overlong || outside) {
    *at = start + 1;
    return kMalformed;
  }
  return cp;
}

bool IsStrictUtf8(ByteSpan block) {
  if (block.empty()) {
    return true;
  }
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    return IsStrictAvx2(AsText(block));
  }
#endif
  return IsStrictScalar(AsText(block));
}

bool IsAllAscii(std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  for (; end - p >= 32; p += 32) {
    std::array<uint64_t, 4> words;
    std::memcpy(words.data(), p, 32);
    if (((words[0] | words[1] | words[2] | words[3]) & kHighBits) != 0) {
      return false;
    }
  }
  uint64_t high = 0;
  for (; p < end; ++p) {
    high |= static_cast<unsigned char>(*p);
  }
  return (high & 0x80) == 0;
}

}  // namespace sekisho::detect
