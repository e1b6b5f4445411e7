// LDIF (RFC 2849) as ldapsearch prints it, entry by entry. Values of attributes
// with options ("cn;lang-ja") are left out. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::core {

inline constexpr size_t kMaxLdifAttributes = 2'000;  // of an entry

struct LdifValue {
  int64_t line = 0;
  std::string name;  // in small letters
  std::string value;
};

struct LdifEntry {
  int64_t line = 0;
  std::vector<LdifValue> values;  // as they stand; "dn" among them
  std::string broken;             // why nothing more can be read

  // The first; nullptr: there is none.
  const LdifValue* Find(std::string_view name) const;
};

class LdifReader {
 public:
  explicit LdifReader(std::string_view text) : text_(text) {}

  // False: there is no more.
  bool Next(LdifEntry* out);

 private:
  // A line with what continues it; false: the end.
  bool Line(std::string* out);
  std::string Take(const std::string& line, int64_t number, LdifEntry* out);

  const std::string_view text_;
  size_t at_ = 0;
  int64_t line_ = 0;   // of the line that was read last
  int64_t begin_ = 0;  // where it began
};

}  // namespace sekisho::core
