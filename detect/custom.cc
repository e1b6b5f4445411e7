#include "detect/custom.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "detect/fold.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

struct Compiled {
  std::string id;
  std::unique_ptr<const RE2> pattern;  // null: any value
  std::vector<std::string> header_words;
  CustomCheck check = CustomCheck::kNone;
  std::unordered_set<std::string> values;
};

bool IsAlnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
         (c >= 'a' && c <= 'z');
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return lower;
}

bool Passes(CustomCheck check, std::string_view value) {
  if (check == CustomCheck::kNone) {
    return true;
  }
  if (check == CustomCheck::kMod97) {
    return IsMod97(value);
  }
  char buffer[32];
  const std::string_view digits = BareDigits(value, buffer, sizeof buffer);
  switch (check) {
    case CustomCheck::kLuhn:
      return IsLuhn(digits);
    case CustomCheck::kMod11:
      return IsMod11(digits);
    case CustomCheck::kVerhoeff:
      return IsVerhoeff(digits);
    case CustomCheck::kNone:
    case CustomCheck::kMod97:
      break;
  }
  return false;
}

constexpr std::array<std::pair<std::string_view, CustomCheck>, 5> kChecks{{
    {"none", CustomCheck::kNone},
    {"luhn", CustomCheck::kLuhn},
    {"mod11", CustomCheck::kMod11},
    {"mod97", CustomCheck::kMod97},
    {"verhoeff", CustomCheck::kVerhoeff},
}};

int64_t CountPattern(const Compiled& t, std::string_view line) {
  if (t.pattern == nullptr) {
    return 0;
  }
  int64_t count = 0;
  const re2::StringPiece text(line.data(), line.size());
  re2::StringPiece match;
  for (size_t at = 0; at < line.size();) {
    if (!t.pattern->Match(text, at, line.size(), RE2::UNANCHORED, &match, 1) ||
        match.empty()) {
      break;
    }
    const std::string_view value(match.data(), match.size());
    count += (t.values.empty() || t.values.contains(std::string(value))) &&
                     Passes(t.check, value)
                 ? 1
                 : 0;
    at = static_cast<size_t>(match.data() - line.data()) + match.size();
  }
  return count;
}

// What people write between a word and its value: "病棟番号は: W123456".
std::string_view SkipLinks(std::string_view text) {
  constexpr std::string_view kLinks[] = {" ",  "\t", ":",  "=",  "(", "[",
                                         "は", "が", "の", "「", "、"};
  for (bool skipped = true; skipped;) {
    skipped = false;
    for (const std::string_view link : kLinks) {
      if (text.starts_with(link)) {
        text.remove_prefix(link.size());
        skipped = true;
      }
    }
  }
  return text;
}

// Bytes of the value that `text` begins with; 0: none.
size_t ValueAt(const Compiled& t, std::string_view text) {
  const auto ends = [&](size_t size) {
    return size == text.size() || !IsAlnum(text[size]) ||
           !IsAlnum(text[size - 1]);
  };
  const auto is_value = [&](std::string_view value) {
    return !value.empty() && ends(value.size()) &&
           (t.values.empty() || t.values.contains(std::string(value))) &&
           Passes(t.check, value);
  };
  if (t.pattern != nullptr) {
    re2::StringPiece match;
    const bool found =
        t.pattern->Match({text.data(), text.size()}, 0, text.size(),
                         RE2::ANCHOR_START, &match, 1);
    return found && is_value({match.data(), match.size()}) ? match.size() : 0;
  }
  // Without a pattern, as far as something else than a letter or a digit.
  size_t size = 0;
  while (size < text.size() && size < kMaxCustomValueBytes &&
         (IsAlnum(text[size]) || text[size] == '-' ||
          static_cast<signed char>(text[size]) < 0)) {
    ++size;
  }
  const bool known = !t.values.empty() || t.check != CustomCheck::kNone;
  for (; known && size > 0; --size) {
    if (is_value(text.substr(0, size))) {
      return size;
    }
  }
  return 0;
}

int64_t CountBehindWords(const Compiled& t, std::string_view line) {
  const std::string lower = Lower(line);  // as long as the line
  int64_t count = 0;
  for (size_t at = 0; at < line.size();) {
    size_t behind = std::string::npos;  // the word that ends first
    for (const std::string& word : t.header_words) {
      const size_t found = lower.find(word, at);
      behind = found == std::string::npos
                   ? behind
                   : std::min(behind, found + word.size());
    }
    if (behind == std::string::npos) {
      return count;
    }
    const std::string_view rest = SkipLinks(line.substr(behind));
    const size_t size = ValueAt(t, rest);
    count += size > 0 ? 1 : 0;
    at = size > 0 ? line.size() - rest.size() + size : behind;
  }
  return count;
}

class CompiledTypes : public CustomTypes {
 public:
  Status Add(const CustomType& type) {
    const auto fail = [&](std::string_view why) {
      return Fail(Code::kInvalidArgument,
                  "custom type '" + type.id + "': " + std::string(why));
    };
    const bool nothing = type.pattern.empty() && type.values.empty() &&
                         type.check == CustomCheck::kNone;
    if (type.id.empty()) {
      return fail("no id");
    }
    if (nothing && type.header_words.empty()) {
      return fail("neither pattern, values, check nor header words");
    }
    if (type.pattern.size() > kMaxCustomPatternBytes) {
      return fail("the pattern is too long");
    }
    if (type.values.size() > kMaxCustomValues ||
        type.header_words.size() > kMaxCustomHeaderWords) {
      return fail("too many values or header words");
    }
    const auto bad = [](const std::string& text) {
      return text.empty() || text.size() > kMaxCustomValueBytes;
    };
    if (std::ranges::any_of(type.values, bad) ||
        std::ranges::any_of(type.header_words, bad)) {
      return fail("a value or header word is empty or too long");
    }
    Compiled compiled{type.id, nullptr, {}, type.check, {}};
    if (!type.pattern.empty()) {
      RE2::Options options;
      options.set_log_errors(false);
      options.set_max_mem(kMaxCustomPatternMemory);
      compiled.pattern = std::make_unique<const RE2>(type.pattern, options);
      if (!compiled.pattern->ok()) {
        return fail(compiled.pattern->error());
      }
    }
    std::string buffer;
    for (const std::string& word : type.header_words) {
      compiled.header_words.push_back(Lower(Fold(word, &buffer)));
    }
    for (const std::string& value : type.values) {
      compiled.values.emplace(Fold(value, &buffer));
    }
    types_.push_back(std::move(compiled));
    return {};
  }

  size_t size() const override { return types_.size(); }
  const std::string& id(size_t type) const override { return types_[type].id; }
  bool has_header_words(size_t type) const override {
    return !types_[type].header_words.empty();
  }

  bool HeaderSays(size_t type, std::string_view folded) const override {
    const std::string header = Lower(folded);
    const auto& words = types_[type].header_words;
    return std::any_of(words.begin(), words.end(),
                       [&](const std::string& word) {
                         return header.find(word) != std::string::npos;
                       });
  }

  bool Matches(size_t type, std::string_view folded) const override {
    const Compiled& t = types_[type];
    return (t.pattern == nullptr ||
            RE2::FullMatch({folded.data(), folded.size()}, *t.pattern)) &&
           (t.values.empty() || t.values.contains(std::string(folded))) &&
           Passes(t.check, folded);
  }

  int64_t CountIn(size_t type, std::string_view line) const override {
    return has_header_words(type) ? CountBehindWords(types_[type], line)
                                  : CountPattern(types_[type], line);
  }

 private:
  std::vector<Compiled> types_;
};

}  // namespace

std::optional<CustomCheck> CustomCheckFromName(std::string_view name) {
  for (const auto& [word, check] : kChecks) {
    if (word == name) {
      return check;
    }
  }
  return std::nullopt;
}

Result<std::shared_ptr<const CustomTypes>> CustomTypes::Make(
    std::span<const CustomType> types) {
  if (types.size() > kMaxCustomTypes) {
    return Fail(Code::kInvalidArgument, "too many custom types");
  }
  auto compiled = std::make_shared<CompiledTypes>();
  for (const CustomType& type : types) {
    RETURN_IF_ERROR(compiled->Add(type));
  }
  return compiled;
}

}  // namespace sekisho::detect
