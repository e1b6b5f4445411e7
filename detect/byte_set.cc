#include "detect/byte_set.h"

#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sekisho::detect {
namespace {

#if defined(__x86_64__)
bool HasAvx2() { return __builtin_cpu_supports("avx2"); }

__attribute__((target("avx2"))) __m256i LoadAvx2(std::string_view text,
                                                 size_t at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at));
}

// Up to where whole steps reach, or the hit.
__attribute__((target("avx2"))) size_t FindAvx2(
    const std::array<uint8_t, 16>& rows, std::string_view text, size_t at) {
  const __m256i low_four = _mm256_set1_epi8(0xF);
  const __m256i row = _mm256_broadcastsi128_si256(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows.data())));
  // The bit of each high half; none for bytes that are not ASCII.
  const __m256i bit = _mm256_broadcastsi128_si256(_mm_setr_epi8(
      1, 2, 4, 8, 16, 32, 64, static_cast<char>(128), 0, 0, 0, 0, 0, 0, 0, 0));
  for (; at + 32 <= text.size(); at += 32) {
    const __m256i bytes = LoadAvx2(text, at);
    const __m256i high =
        _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_four);
    const __m256i hit = _mm256_and_si256(
        _mm256_shuffle_epi8(row, _mm256_and_si256(bytes, low_four)),
        _mm256_shuffle_epi8(bit, high));
    const auto misses = static_cast<uint32_t>(
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(hit, _mm256_setzero_si256())));
    if (misses != ~uint32_t{0}) {
      return at + static_cast<size_t>(std::countr_one(misses));
    }
  }
  return at;
}

// `text` has a byte behind each one looked at.
__attribute__((target("avx2"))) size_t
FindTwoBlanksAvx2(std::string_view text) {
  size_t at = 0;
  const __m256i blank = _mm256_set1_epi8(' ');
  for (; at + 33 <= text.size(); at += 32) {
    const __m256i pairs =
        _mm256_and_si256(_mm256_cmpeq_epi8(LoadAvx2(text, at), blank),
                         _mm256_cmpeq_epi8(LoadAvx2(text, at + 1), blank));
    const auto hits = static_cast<uint32_t>(_mm256_movemask_epi8(pairs));
    if (hits != 0) {
      return at + static_cast<size_t>(std::countr_zero(hits));
    }
  }
  return at;
}
#endif

}  // namespace

size_t ByteSet::Find(std::string_view text, size_t at) const {
#if defined(__x86_64__)
  if (HasAvx2()) {
    at = FindAvx2(rows_, text, at);
  }
#endif
  while (at < text.size() && !Has(text[at])) {
    ++at;
  }
  return at;
}

size_t FindTwoBlanks(std::string_view text) {
  size_t at = 0;
#if defined(__x86_64__)
  if (HasAvx2()) {
    at = FindTwoBlanksAvx2(text);
  }
#endif
  const size_t found = text.find("  ", at);
  return found == std::string_view::npos ? text.size() : found;
}

}  // namespace sekisho::detect
