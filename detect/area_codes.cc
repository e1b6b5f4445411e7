// Source: a public listing of 市外局番 as of 2011, read with table 1 of the
// Ministry of Internal Affairs' 電気通信番号計画 (2019); the ministry's own
// list was not at hand. Which digits follow the 0 and how long the code is.
// Where a place has a code of three digits (0 and two more), all exchanges
// behind it are taken, since new ones are opened there.
#include "detect/area_codes.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "detect/characters.h"

namespace sekisho::detect {
namespace {

constexpr uint16_t kAny = 0x3FF;
// Lengths of area codes.
constexpr uint8_t k2 = 1 << 2;
constexpr uint8_t k3 = 1 << 3;
constexpr uint8_t k4 = 1 << 4;

struct Area {
  uint16_t third = 0;  // bit n: digit n may follow
  uint8_t sizes = 0;
};

constexpr uint16_t With(unsigned bits, unsigned digit) {
  return static_cast<uint16_t>(bits | 1U << digit);
}
constexpr uint16_t Digits(unsigned from, unsigned to) {
  uint16_t bits = 0;
  for (unsigned digit = from; digit <= to; ++digit) {
    bits = With(bits, digit);
  }
  return bits;
}

// By the two digits after the 0.
constexpr auto kAreas = [] {
  std::array<Area, 100> areas{};
  for (unsigned second = 1; second <= 9; ++second) {
    areas[30 + second] = {kAny, k2};  // 03 東京
    areas[60 + second] = {kAny, k2};  // 06 大阪
  }
  for (const unsigned only : {11U, 44U, 45U, 52U, 75U, 78U}) {
    areas[only] = {kAny, k3};
  }
  for (const unsigned both : {22U, 23U, 24U, 25U, 26U, 27U, 28U, 29U, 42U, 43U,
                              47U, 48U, 53U, 54U, 55U, 58U, 59U, 72U, 76U, 77U,
                              79U, 82U, 86U, 87U, 89U, 92U, 93U, 95U, 98U}) {
    areas[both] = {kAny, k3 | k4};
  }
  areas[42].sizes = k2 | k3 | k4;  // 04-29
  areas[47].sizes = k2 | k3 | k4;  // 04-71
  areas[12] = {Digits(3, 6), k4};
  areas[13] = {Digits(3, 9), k4};
  areas[14] = {Digits(2, 6), k4};
  areas[15] = {Digits(2, 8), k3 | k4};
  areas[16] = {Digits(2, 7), k4};
  areas[17] = {Digits(2, 9), k3 | k4};
  areas[18] = {Digits(2, 8), k3 | k4};
  areas[19] = {Digits(1, 9), k3 | k4};
  areas[46] = {With(Digits(2, 8), 0), k3 | k4};
  areas[49] = {With(Digits(2, 5), 9), k3 | k4};
  areas[56] = {Digits(1, 9), k4};
  areas[57] = {Digits(2, 8), k4};
  areas[73] = {Digits(4, 9), k3 | k4};
  areas[74] = {With(Digits(2, 9), 0), k4};
  areas[83] = {Digits(2, 9), k3 | k4};
  areas[84] = {Digits(5, 9), k3 | k4};
  areas[85] = {Digits(1, 9), k4};
  areas[88] = {With(Digits(3, 9), 0), k3 | k4};
  areas[94] = {kAny, k4};
  areas[96] = {Digits(1, 9), k3 | k4};
  areas[97] = {Digits(1, 9), k3 | k4};
  areas[99] = {Digits(1, 9), k3 | k4};
  return areas;
}();

// Area codes of five digits, without the 0.
constexpr std::array<unsigned, 40> kLongCodes = {
    1267, 1372, 1374, 1377, 1392, 1397, 1398, 1456, 1457, 1466,
    1547, 1558, 1564, 1586, 1587, 1632, 1634, 1635, 1648, 1654,
    1655, 1656, 1658, 4992, 4994, 4996, 4998, 5769, 5979, 7468,
    8387, 8388, 8396, 8477, 8512, 8514, 9802, 9912, 9913, 9969};
static_assert(std::ranges::is_sorted(kLongCodes));

const Area& AreaOf(std::string_view number) {
  return kAreas[Value(number[1]) * 10 + Value(number[2])];
}

}  // namespace

bool IsLandline(std::string_view number) {
  return number.size() == 10 && number[0] == '0' &&
         (unsigned{AreaOf(number).third} >> Value(number[3]) & 1U) != 0;
}

bool HasAreaCodeOf(std::string_view number, size_t size) {
  if (size == 5) {
    const unsigned code = Value(number[1]) * 1000 + Value(number[2]) * 100 +
                          Value(number[3]) * 10 + Value(number[4]);
    return std::ranges::binary_search(kLongCodes, code);
  }
  return size < 5 && (unsigned{AreaOf(number).sizes} >> size & 1U) != 0;
}

}  // namespace sekisho::detect
