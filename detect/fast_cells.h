// The commonest spellings of values, read in a few instructions. Each function
// says no to whatever it is not sure of; the caller then asks values.h.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "detect/values.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sekisho::detect {

// Eight digits in a word.
inline bool AreDigits(uint64_t word) {
  constexpr uint64_t kHigh = 0xF0F0F0F0F0F0F0F0;
  constexpr uint64_t kZeros = 0x3030303030303030;
  return (word & kHigh) == kZeros &&
         ((word + 0x0606060606060606) & kHigh) == kZeros;
}

// 090-1234-5678 and 05012345678 without its hyphens; `digits` gets 11 bytes.
inline bool ReadMobile(std::string_view cell, char* digits) {
  if (cell.size() == 13 && cell[3] == '-' && cell[8] == '-') {
    std::memcpy(digits, cell.data(), 3);
    std::memcpy(digits + 3, cell.data() + 4, 4);
    std::memcpy(digits + 7, cell.data() + 9, 4);
  } else if (cell.size() == 11) {
    std::memcpy(digits, cell.data(), 11);
  } else {
    return false;
  }
  uint64_t first;
  uint64_t last;
  std::memcpy(&first, digits, 8);
  std::memcpy(&last, digits + 3, 8);
  return AreDigits(first) && AreDigits(last) && digits[0] == '0' &&
         digits[1] >= '6' && digits[2] == '0' && digits[3] != '0';
}

// NNN-NNNN.
inline bool ReadPostal(std::string_view cell, uint32_t* code) {
  if (cell.size() != 8 || cell[3] != '-') {
    return false;
  }
  uint64_t word;
  std::memcpy(&word, cell.data(), 8);
  constexpr uint64_t kHyphen =
      uint64_t{0xFF} << (std::endian::native == std::endian::little ? 24 : 32);
  if (!AreDigits((word & ~kHyphen) | (0x3030303030303030 & kHyphen))) {
    return false;
  }
  uint32_t value = 0;
  for (size_t i : {0u, 1u, 2u, 4u, 5u, 6u, 7u}) {
    value = value * 10 + static_cast<uint32_t>(cell[i] - '0');
  }
  *code = value;
  return true;
}

// YYYY/MM/DD, with - or . too.
inline bool ReadDate(std::string_view cell, Date* date) {
  if (cell.size() != 10 || cell[4] != cell[7] ||
      (cell[4] != '/' && cell[4] != '-' && cell[4] != '.')) {
    return false;
  }
  char digits[8];
  std::memcpy(digits, cell.data(), 4);
  std::memcpy(digits + 4, cell.data() + 5, 2);
  std::memcpy(digits + 6, cell.data() + 8, 2);
  uint64_t word;
  std::memcpy(&word, digits, 8);
  if (!AreDigits(word)) {
    return false;
  }
  const auto at = [&](size_t i) { return digits[i] - '0'; };
  date->year = at(0) * 1000 + at(1) * 100 + at(2) * 10 + at(3);
  date->month = at(4) * 10 + at(5);
  date->day = at(6) * 10 + at(7);
  return date->year >= 1868 && date->year <= 2100 && date->month >= 1 &&
         date->month <= 12 && date->day >= 1 && date->day <= 28;
}

inline constexpr size_t kMaxFastEmail = 48;
// A plain address as IsEmail knows it, in lower case; `lower` has room for
// kMaxFastEmail bytes, and `readable` bytes from the start of the cell may be
// read.
inline bool ReadEmail([[maybe_unused]] std::string_view cell,
                      [[maybe_unused]] size_t readable,
                      [[maybe_unused]] char* lower) {
#if defined(__SSE2__)
  if (cell.size() > kMaxFastEmail || cell.size() < 7 ||
      readable < kMaxFastEmail) {
    return false;
  }
  uint64_t at_signs = 0;
  uint64_t dots = 0;
  uint64_t letters = 0;
  uint64_t domain = 0;  // what a domain may hold
  uint64_t valid = 0;
  const auto both = [](__m128i x, char from, char to) {
    return _mm_and_si128(
        _mm_cmpgt_epi8(x, _mm_set1_epi8(static_cast<char>(from - 1))),
        _mm_cmpgt_epi8(_mm_set1_epi8(static_cast<char>(to + 1)), x));
  };
  const auto bits = [](__m128i x, unsigned part) {
    return uint64_t{static_cast<unsigned>(_mm_movemask_epi8(x))} << (16 * part);
  };
  for (unsigned part = 0; part < 3; ++part) {
    const __m128i raw = _mm_loadu_si128(
        reinterpret_cast<const __m128i*>(cell.data() + size_t{16} * part));
    const __m128i upper = both(raw, 'A', 'Z');
    const __m128i x =
        _mm_or_si128(raw, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(lower + size_t{16} * part), x);
    const __m128i alpha = both(x, 'a', 'z');
    const __m128i dot = _mm_cmpeq_epi8(x, _mm_set1_epi8('.'));
    const __m128i at = _mm_cmpeq_epi8(x, _mm_set1_epi8('@'));
    const __m128i plain =
        _mm_or_si128(_mm_or_si128(alpha, both(x, '0', '9')),
                     _mm_or_si128(dot, _mm_cmpeq_epi8(x, _mm_set1_epi8('-'))));
    const __m128i local = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('_')),
                                       _mm_cmpeq_epi8(x, _mm_set1_epi8('+')));
    at_signs |= bits(at, part);
    dots |= bits(dot, part);
    letters |= bits(alpha, part);
    domain |= bits(plain, part);
    valid |= bits(_mm_or_si128(_mm_or_si128(plain, local), at), part);
  }
  const uint64_t all = (uint64_t{1} << cell.size()) - 1;
  at_signs &= all;
  const bool one = at_signs != 0 && (at_signs & (at_signs - 1)) == 0;
  if ((valid & all) != all || !one || (at_signs & 1) != 0) {
    return false;
  }
  const int at = std::countr_zero(at_signs);
  const uint64_t behind = all & (~uint64_t{1} << at);
  const uint64_t domain_dots = dots & behind;
  if ((domain & behind) != behind || domain_dots == 0) {
    return false;
  }
  const int dot = 63 - std::countl_zero(domain_dots);
  const uint64_t top = all & (~uint64_t{1} << dot);
  const bool long_enough = (top & (top - 1)) != 0;
  return dot > at + 1 && long_enough && (letters & top) == top;
#else
  return false;
#endif
}

}  // namespace sekisho::detect
