// `--name VALUE`, `--name=VALUE`, `--flag` and words, for commands that need
// no more than that.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace sekisho::cli {

struct Options {
  std::map<std::string, std::string, std::less<>> values;  // flags: ""
  std::vector<std::string> words;

  bool Has(std::string_view name) const { return values.contains(name); }
  // Empty when it was not given.
  std::string Get(std::string_view name) const {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  }
};

// `valued` and `flags` name what is known, with the dashes. kInvalidArgument
// names what is not.
Result<Options> ParseOptions(std::span<const std::string_view> args,
                             std::span<const std::string_view> valued,
                             std::span<const std::string_view> flags);

enum class Language { kEnglish, kJapanese };
// From LC_ALL, LC_MESSAGES or LANG.
Language UserLanguage();

}  // namespace sekisho::cli
