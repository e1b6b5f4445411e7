// Types of data that an administrator defines: a pattern, words of the header,
// a check, or a list of values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace sekisho::detect {

enum class CustomCheck : uint8_t {
  kNone,
  kLuhn,      // ISO/IEC 7812-1 annex B, as cards
  kMod11,     // weights 2 to 7 from the right, as My Number
  kMod97,     // ISO 7064 MOD 97-10, as IBAN
  kVerhoeff,  // as Aadhaar
};

// "none", "luhn", "mod11", "mod97", "verhoeff".
std::optional<CustomCheck> CustomCheckFromName(std::string_view name);

struct CustomType {
  std::string id{};       // of "custom:<id>"
  std::string pattern{};  // RE2, of a whole folded value; empty: any
  std::vector<std::string> header_words{};  // any of them in the header
  CustomCheck check = CustomCheck::kNone;
  std::vector<std::string> values{};  // empty: any
};

inline constexpr size_t kMaxCustomTypes = 64;
inline constexpr size_t kMaxCustomPatternBytes = 1024;
inline constexpr size_t kMaxCustomValues = 10'000;
inline constexpr size_t kMaxCustomHeaderWords = 64;
inline constexpr size_t kMaxCustomValueBytes = 256;
// Program and caches of one pattern; of all types 16 MiB.
inline constexpr int64_t kMaxCustomPatternMemory = int64_t{256} << 10;

// Compiled and immutable; may be shared between inspectors.
class CustomTypes {
 public:
  // Errors name the type: a bad pattern, a limit, nothing to go by.
  static Result<std::shared_ptr<const CustomTypes>> Make(
      std::span<const CustomType> types);
  virtual ~CustomTypes() = default;

  virtual size_t size() const = 0;
  virtual const std::string& id(size_t type) const = 0;
  // Types without header words are judged by their values alone.
  virtual bool has_header_words(size_t type) const = 0;
  virtual bool HeaderSays(size_t type, std::string_view folded) const = 0;
  virtual bool Matches(size_t type, std::string_view folded) const = 0;
  // How many values stand in a line of running text; of a type with header
  // words those behind one of them: "病棟番号は W123456". `folded`: as by Fold.
  virtual int64_t CountIn(size_t type, std::string_view folded) const = 0;
};

}  // namespace sekisho::detect
