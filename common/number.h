// Numbers as they stand in files, arguments and messages.
#ifndef SEKISHO_COMMON_NUMBER_H_
#define SEKISHO_COMMON_NUMBER_H_

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace sekisho {

// The whole of `text` as a number to `base` (2 to 36); nullopt if it is empty,
// does not fit T, or has anything else in it: a blank, a plus sign, "0x".
template <std::integral T>
std::optional<T> NumberOf(std::string_view text, int base = 10) {
  T value{};
  const char* const end = text.data() + text.size();
  const char* const begin = text.data();
  const auto [at, error] = std::from_chars(begin, end, value, base);
  if (error != std::errc{} || at != end) return std::nullopt;
  return value;
}

}  // namespace sekisho

#endif  // SEKISHO_COMMON_NUMBER_H_
