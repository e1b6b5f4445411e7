#include "policy/field_reader.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "policy/words.h"

namespace sekisho::policy {
namespace {

bool IsIdText(std::string_view text) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= kMaxIdBytes && is_word(text[0]) &&
         std::ranges::all_of(text, [&](char c) {
           return is_word(c) || c == '-' || c == '_' || c == '.';
         });
}

bool IsLanguage(std::string_view text) {
  return text.size() >= 2 && text.size() <= 16 && text[0] >= 'a' &&
         text[0] <= 'z' && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
         });
}

}  // namespace

std::string Describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kMapping:
      return "a mapping";
    case YamlNode::Kind::kList:
      return "a list";
    default:
      break;
  }
  if (node.plain && (node.text.empty() || node.text == "~")) return "nothing";
  if (node.plain) return Quoted(node.text);
  return "the quoted text " + Quoted(node.text);
}

bool IsPattern(std::string_view text) {
  return text.find_first_of("*?") != std::string_view::npos;
}

void FieldReader::Wrong(const YamlNode& node, std::string_view expected) {
  if (node.kind == YamlNode::Kind::kRefused) return;
  problems_.Add(node.line, node.column,
                fmt::format("expected {}, found {}", expected, Describe(node)));
}

bool FieldReader::IsMapping(const YamlNode& node, std::string_view expected) {
  if (node.kind == YamlNode::Kind::kMapping) return true;
  Wrong(node, expected);
  return false;
}

void FieldReader::CheckKeys(const YamlNode& mapping, std::string_view of,
                            Words known, Words newer) {
  std::vector<std::string_view> all(known.begin(), known.end());
  if (version_ >= 2) all.insert(all.end(), newer.begin(), newer.end());
  for (const YamlNode::Key& key : mapping.keys) {
    if (std::ranges::find(all, key.name) != all.end()) continue;
    if (std::ranges::find(newer, key.name) != newer.end()) {
      problems_.Add(key.line, key.column,
                    fmt::format("expected 'policy: 2' above for the key '{}', "
                                "found 'policy: {}'",
                                key.name, version_));
      continue;
    }
    problems_.Add(
        key.line, key.column,
        fmt::format("expected a key of {} ({}), found {}{}", of, Joined(all),
                    Quoted(key.name), Suggestion(key.name, all)));
  }
}

const YamlNode* FieldReader::Required(const YamlNode& mapping,
                                      std::string_view of, std::string_view key,
                                      std::string_view example) {
  const YamlNode* node = mapping.Find(key);
  if (node == nullptr) {
    problems_.Add(mapping.line, mapping.column,
                  fmt::format("expected '{}' in {}, found none; write for "
                              "example '{}: {}'",
                              key, of, key, example));
  }
  return node;
}

std::optional<std::string> FieldReader::Text(const YamlNode& node,
                                             size_t cap_bytes,
                                             std::string_view expected) {
  const bool absent = node.plain && (node.text.empty() || node.text == "~");
  if (node.kind != YamlNode::Kind::kScalar || absent) {
    Wrong(node, expected);
    return std::nullopt;
  }
  if (node.text.size() > cap_bytes) {
    problems_.Add(node.line, node.column,
                  fmt::format("expected at most {} bytes, found {}", cap_bytes,
                              node.text.size()));
    return std::nullopt;
  }
  return node.text;
}

std::optional<std::string> FieldReader::Id(const YamlNode& node) {
  static constexpr std::string_view kExpected =
      "an id of at most 64 small letters, digits, '-', '_' and '.'";
  auto text = Text(node, kMaxPatternBytes, kExpected);
  if (!text) return std::nullopt;
  if (!IsIdText(*text)) {
    Wrong(node, kExpected);
    return std::nullopt;
  }
  return text;
}

std::optional<int64_t> FieldReader::Count(const YamlNode& node) {
  int64_t value = 0;
  const char* end = node.text.data() + node.text.size();
  const bool digits = node.kind == YamlNode::Kind::kScalar && node.plain &&
                      !node.text.empty() && node.text[0] != '-';
  if (digits) {
    const auto [at, error] = std::from_chars(node.text.data(), end, value);
    if (error == std::errc() && at == end) return value;
  }
  Wrong(node, "a whole number from 0 to 9223372036854775807");
  return std::nullopt;
}

void FieldReader::Flag(const YamlNode* node, bool* out) {
  if (node == nullptr) return;
  if (node->kind == YamlNode::Kind::kScalar && node->plain &&
      (node->text == "true" || node->text == "false")) {
    *out = node->text == "true";
    return;
  }
  Wrong(*node, "true or false");
}

std::optional<IntRange> FieldReader::Range(const YamlNode* node) {
  static constexpr std::array<std::string_view, 2> kKeys{"at_least", "at_most"};
  if (node == nullptr) return std::nullopt;
  if (!IsMapping(*node, "a range such as { at_least: 21 }")) {
    return std::nullopt;
  }
  CheckKeys(*node, "a range", kKeys);
  IntRange range;
  if (const YamlNode* low = node->Find("at_least"))
    range.at_least = Count(*low);
  if (const YamlNode* high = node->Find("at_most"))
    range.at_most = Count(*high);
  if (node->keys.empty()) {
    problems_.Add(node->line, node->column,
                  "expected at_least or at_most in the range, found none");
  }
  if (range.at_least && range.at_most && *range.at_least > *range.at_most) {
    problems_.Add(node->line, node->column,
                  fmt::format("expected at_least to be at most at_most, found "
                              "{} and {}: nothing can match",
                              *range.at_least, *range.at_most));
  }
  return range;
}

void FieldReader::Texts(const YamlNode* node,
                        std::map<std::string, std::string>* out) {
  if (node == nullptr) return;
  if (!IsMapping(*node, "texts by language such as { en: \"...\" }")) return;
  for (size_t i = 0; i < node->items.size(); ++i) {
    const YamlNode::Key& key = node->keys[i];
    if (!IsLanguage(key.name)) {
      problems_.Add(key.line, key.column,
                    fmt::format("expected a language such as en or ja, found "
                                "{}",
                                Quoted(key.name)));
      continue;
    }
    if (auto text = Text(node->items[i], kMaxSentenceBytes, "a text")) {
      (*out)[key.name] = std::move(*text);
    }
  }
}

void FieldReader::Patterns(const YamlNode* node,
                           std::vector<std::string>* out) {
  Items(node, "a list such as [\"a\", \"b*\"]", [&](const YamlNode& item) {
    if (auto text = Text(item, kMaxPatternBytes, "a text or pattern")) {
      out->push_back(std::move(*text));
    }
  });
}

void FieldReader::Pattern(const YamlNode* node,
                          std::optional<std::string>* out) {
  if (node == nullptr) return;
  *out = Text(*node, kMaxPatternBytes, "a text or pattern");
}

void FieldReader::HexPattern(const YamlNode* node,
                             std::optional<std::string>* out) {
  static constexpr std::string_view kExpected =
      "4 hex digits such as \"0951\", or a pattern with '*' or '?'";
  if (node == nullptr) return;
  auto text = Text(*node, kMaxPatternBytes, kExpected);
  if (!text) return;
  for (char& c : *text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  const bool hex = std::ranges::all_of(*text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '*' ||
           c == '?';
  });
  const bool any_run = text->find('*') != std::string::npos;
  if (!hex || text->size() > 8 || (!any_run && text->size() != 4)) {
    Wrong(*node, kExpected);
    return;
  }
  *out = std::move(*text);
}

void FieldReader::Interfaces(const YamlNode* node,
                             std::vector<InterfacePattern>* out) {
  Items(node, "a list such as [\"08/06/50\", \"03/*/*\"]",
        [&](const YamlNode& item) {
          const auto text =
              Text(item, kMaxPatternBytes, "an interface such as \"08/06/50\"");
          if (!text) return;
          if (const auto pattern = ParseInterfacePattern(*text)) {
            out->push_back(*pattern);
          } else {
            Wrong(item,
                  "class/subclass/protocol, each 2 hex digits or '*', such as "
                  "\"08/06/50\" or \"03/*/*\"");
          }
        });
}

void FieldReader::KnownPattern(const YamlNode* node, Words words,
                               std::optional<std::string>* out) {
  if (node == nullptr) return;
  auto text = Text(*node, kMaxPatternBytes, "one of " + Joined(words));
  if (!text) return;
  if (!IsPattern(*text) && std::ranges::find(words, *text) == words.end()) {
    problems_.Add(node->line, node->column,
                  fmt::format("expected one of {}, found {}{}", Joined(words),
                              Describe(*node), Suggestion(*text, words)));
    return;
  }
  *out = std::move(*text);
}

bool FieldReader::IsName(const YamlNode::Key& key) {
  if (IsIdText(key.name)) return true;
  problems_.Add(key.line, key.column,
                fmt::format("expected a name of at most {} small letters, "
                            "digits, '-', '_' and '.', found {}",
                            kMaxIdBytes, Quoted(key.name)));
  return false;
}

void FieldReader::Names(const YamlNode* node, std::string_view what,
                        const std::vector<std::string_view>& known,
                        std::vector<std::string>* out) {
  Items(
      node, fmt::format("a list of {}s such as [a]", what),
      [&](const YamlNode& item) {
        auto name = Id(item);
        if (!name) return;
        if (std::ranges::find(known, *name) == known.end()) {
          problems_.Add(
              item.line, item.column,
              fmt::format("expected the name of a {} of this "
                          "policy ({}), found {}{}",
                          what, known.empty() ? "there is none" : Joined(known),
                          Quoted(*name), Suggestion(*name, known)));
          return;
        }
        out->push_back(std::move(*name));
      });
}

}  // namespace sekisho::policy
