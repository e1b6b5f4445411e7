#include "cli/options.h"

#include <algorithm>
#include <cstdlib>

namespace sekisho::cli {
namespace {

bool Contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

Result<Options> ParseOptions(std::span<const std::string_view> args,
                             std::span<const std::string_view> valued,
                             std::span<const std::string_view> flags) {
  Options options;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (!arg.starts_with("--")) {
      options.words.emplace_back(arg);
      continue;
    }
    const size_t equals = arg.find('=');
    const std::string_view name = arg.substr(0, equals);
    if (Contains(flags, arg)) {
      options.values[std::string(arg)] = "";
    } else if (!Contains(valued, name)) {
      return Fail(Code::kInvalidArgument, "unknown option " + std::string(arg));
    } else if (equals != std::string_view::npos) {
      options.values[std::string(name)] = arg.substr(equals + 1);
    } else if (i + 1 < args.size()) {
      options.values[std::string(name)] = args[++i];
    } else {
      return Fail(Code::kInvalidArgument, std::string(arg) + " wants a value");
    }
  }
  return options;
}

Language UserLanguage() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') {
      return std::string_view(value).starts_with("ja") ? Language::kJapanese
                                                       : Language::kEnglish;
    }
  }
  return Language::kEnglish;
}

}  // namespace sekisho::cli
