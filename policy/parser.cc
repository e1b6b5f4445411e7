// The schema of a policy: a YamlNode tree to the model. Every problem is
// collected; nothing is guessed. docs/policy.md is the reference for people.
#include "policy/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_set>

#include "common/text.h"
#include "policy/problems.h"
#include "policy/words.h"
#include "policy/yaml_reader.h"

namespace sekisho::policy {
namespace {

using Words = std::span<const std::string_view>;

constexpr size_t kMaxIdBytes = 64;
constexpr size_t kMaxPatternBytes = 256;
constexpr size_t kMaxSentenceBytes = 2000;
constexpr size_t kMaxListItems = 1000;

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

bool IsPattern(std::string_view text) {
  return text.find_first_of("*?") != std::string_view::npos;
}

class PolicyReader {
 public:
  explicit PolicyReader(Problems& problems) : problems_(problems) {}

  Policy Read(const YamlNode& root);

 private:
  void Wrong(const YamlNode& node, std::string_view expected);
  bool IsMapping(const YamlNode& node, std::string_view expected);
  void CheckKeys(const YamlNode& mapping, std::string_view of, Words known);
  const YamlNode* Required(const YamlNode& mapping, std::string_view of,
                           std::string_view key, std::string_view example);

  std::optional<std::string> Text(const YamlNode& node, size_t cap_bytes,
                                  std::string_view expected);
  std::optional<std::string> Id(const YamlNode& node);
  std::optional<int64_t> Count(const YamlNode& node);
  void Flag(const YamlNode* node, bool* out);
  template <typename T>
  void Word(const YamlNode* node, std::optional<T> (*parse)(std::string_view),
            Words words, T* out);
  std::optional<IntRange> Range(const YamlNode* node);
  void Texts(const YamlNode* node, std::map<std::string, std::string>* out);
  // Calls `take` for each scalar of a list that must not be empty.
  template <typename F>
  void Items(const YamlNode* node, std::string_view expected, F take);
  void Patterns(const YamlNode* node, std::vector<std::string>* out);
  void Pattern(const YamlNode* node, std::optional<std::string>* out);
  void HexPattern(const YamlNode* node, std::optional<std::string>* out);
  void KnownPattern(const YamlNode* node, Words words,
                    std::optional<std::string>* out);
  void Interfaces(const YamlNode* node, std::vector<InterfacePattern>* out);

  void RuleId(const YamlNode& rule, std::string* out);
  template <typename F>
  void Rules(const YamlNode* node, std::string_view what, F read_one);
  DeviceRule ReadDeviceRule(const YamlNode& node);
  DeviceMatch ReadDeviceMatch(const YamlNode& node);
  ContentRule ReadContentRule(const YamlNode& node);
  ContentMatch ReadContentMatch(const YamlNode& node);

  Problems& problems_;
  std::unordered_set<std::string> ids_;
};

void PolicyReader::Wrong(const YamlNode& node, std::string_view expected) {
  if (node.kind == YamlNode::Kind::kRefused) return;
  problems_.Add(node.line, node.column,
                fmt::format("expected {}, found {}", expected, Describe(node)));
}

bool PolicyReader::IsMapping(const YamlNode& node, std::string_view expected) {
  if (node.kind == YamlNode::Kind::kMapping) return true;
  Wrong(node, expected);
  return false;
}

void PolicyReader::CheckKeys(const YamlNode& mapping, std::string_view of,
                             Words known) {
  for (const YamlNode::Key& key : mapping.keys) {
    if (std::ranges::find(known, key.name) != known.end()) continue;
    problems_.Add(
        key.line, key.column,
        fmt::format("expected a key of {} ({}), found {}{}", of, Joined(known),
                    Quoted(key.name), Suggestion(key.name, known)));
  }
}

const YamlNode* PolicyReader::Required(const YamlNode& mapping,
                                       std::string_view of,
                                       std::string_view key,
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

std::optional<std::string> PolicyReader::Text(const YamlNode& node,
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

std::optional<std::string> PolicyReader::Id(const YamlNode& node) {
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

std::optional<int64_t> PolicyReader::Count(const YamlNode& node) {
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

void PolicyReader::Flag(const YamlNode* node, bool* out) {
  if (node == nullptr) return;
  if (node->kind == YamlNode::Kind::kScalar && node->plain &&
      (node->text == "true" || node->text == "false")) {
    *out = node->text == "true";
    return;
  }
  Wrong(*node, "true or false");
}

template <typename T>
void PolicyReader::Word(const YamlNode* node,
                        std::optional<T> (*parse)(std::string_view),
                        Words words, T* out) {
  if (node == nullptr) return;
  if (node->kind == YamlNode::Kind::kScalar) {
    if (const auto value = parse(node->text)) {
      *out = *value;
      return;
    }
    problems_.Add(node->line, node->column,
                  fmt::format("expected one of {}, found {}{}", Joined(words),
                              Describe(*node), Suggestion(node->text, words)));
    return;
  }
  Wrong(*node, fmt::format("one of {}", Joined(words)));
}

std::optional<IntRange> PolicyReader::Range(const YamlNode* node) {
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

void PolicyReader::Texts(const YamlNode* node,
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

template <typename F>
void PolicyReader::Items(const YamlNode* node, std::string_view expected,
                         F take) {
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::kList || node->items.empty() ||
      node->items.size() > kMaxListItems) {
    if (node->kind == YamlNode::Kind::kList) {
      problems_.Add(node->line, node->column,
                    fmt::format("expected a list of 1 to {} entries, found {}",
                                kMaxListItems, node->items.size()));
    } else {
      Wrong(*node, expected);
    }
    return;
  }
  for (const YamlNode& item : node->items) take(item);
}

void PolicyReader::Patterns(const YamlNode* node,
                            std::vector<std::string>* out) {
  Items(node, "a list such as [\"a\", \"b*\"]", [&](const YamlNode& item) {
    if (auto text = Text(item, kMaxPatternBytes, "a text or pattern")) {
      out->push_back(std::move(*text));
    }
  });
}

void PolicyReader::Pattern(const YamlNode* node,
                           std::optional<std::string>* out) {
  if (node == nullptr) return;
  *out = Text(*node, kMaxPatternBytes, "a text or pattern");
}

// 4 hex digits of which some may be '?', or a pattern with '*'.
void PolicyReader::HexPattern(const YamlNode* node,
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

// A word of a closed list, or a pattern.
void PolicyReader::KnownPattern(const YamlNode* node, Words words,
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

void PolicyReader::Interfaces(const YamlNode* node,
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

void PolicyReader::RuleId(const YamlNode& rule, std::string* out) {
  const YamlNode* node = Required(rule, "a rule", "id", "my-rule");
  if (node == nullptr) return;
  auto id = Id(*node);
  if (!id) return;
  if (*id == kDefaultRule) {
    problems_.Add(node->line, node->column,
                  "expected another id: 'default' stands for what no rule "
                  "covers");
  } else if (!ids_.insert(*id).second) {
    problems_.Add(
        node->line, node->column,
        fmt::format("expected each rule id once, found '{}' again", *id));
  }
  *out = std::move(*id);
}

template <typename F>
void PolicyReader::Rules(const YamlNode* node, std::string_view what,
                         F read_one) {
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::kList) {
    Wrong(*node, fmt::format("a list of {}", what));
    return;
  }
  if (node->items.size() > kMaxRules) {
    problems_.Add(node->line, node->column,
                  fmt::format("expected at most {} {}, found {}", kMaxRules,
                              what, node->items.size()));
    return;
  }
  for (const YamlNode& item : node->items) {
    if (IsMapping(item, "a rule: a mapping that begins with 'id:'")) {
      read_one(item);
    }
  }
}

DeviceMatch PolicyReader::ReadDeviceMatch(const YamlNode& node) {
  DeviceMatch match;
  if (!IsMapping(node, "conditions such as { vendor_id: \"0951\" }")) {
    return match;
  }
  CheckKeys(node, "match", kDeviceMatchKeys);
  KnownPattern(node.Find("bus"), kBusWords, &match.bus);
  HexPattern(node.Find("vendor_id"), &match.vendor_id);
  HexPattern(node.Find("product_id"), &match.product_id);
  Pattern(node.Find("serial"), &match.serial);
  Pattern(node.Find("manufacturer"), &match.manufacturer);
  Pattern(node.Find("product"), &match.product);
  Pattern(node.Find("port"), &match.port);
  Pattern(node.Find("descriptor_hash"), &match.descriptor_hash);
  Pattern(node.Find("filesystem"), &match.filesystem);
  Pattern(node.Find("volume_uuid"), &match.volume_uuid);
  Pattern(node.Find("volume_label"), &match.volume_label);
  KnownPattern(node.Find("encryption"), kEncryptionWords, &match.encryption);
  Pattern(node.Find("medium_serial"), &match.medium_serial);
  match.size_bytes = Range(node.Find("size_bytes"));
  Interfaces(node.Find("interfaces_all"), &match.interfaces_all);
  Interfaces(node.Find("interfaces_any"), &match.interfaces_any);
  Patterns(node.Find("persons"), &match.persons);
  Items(node.Find("origins"), "a list such as [console, ssh]",
        [&](const YamlNode& item) {
          std::optional<std::string> word;
          KnownPattern(&item, kOriginWords, &word);
          if (word) match.origins.push_back(std::move(*word));
        });
  Patterns(node.Find("terminals"), &match.terminals);
  return match;
}

DeviceRule PolicyReader::ReadDeviceRule(const YamlNode& node) {
  DeviceRule rule;
  rule.line = node.line;
  CheckKeys(node, "a device rule", kDeviceRuleKeys);
  RuleId(node, &rule.id);
  const YamlNode* match = node.Find("match");
  const YamlNode* list = node.Find("list");
  const YamlNode* access = node.Find("access");
  if (match != nullptr) rule.match = ReadDeviceMatch(*match);
  if (list != nullptr) rule.list = Id(*list);
  if (match == nullptr && list == nullptr) {
    problems_.Add(node.line, node.column,
                  "expected 'match' or 'list' in the rule, found none; write "
                  "'match: {}' for every device");
  }
  if (list != nullptr && access != nullptr) {
    Wrong(*access,
          "no 'access' beside 'list' (each row of the list has its own)");
  }
  if (list == nullptr) Required(node, "the rule", "access", "block");
  Word(access, ParseAccess, kAccessWords, &rule.access);
  Flag(node.Find("encrypted_only"), &rule.encrypted_only);
  Flag(node.Find("no_exec"), &rule.no_exec);
  Texts(node.Find("notify"), &rule.notify);
  return rule;
}

ContentMatch PolicyReader::ReadContentMatch(const YamlNode& node) {
  ContentMatch match;
  if (!IsMapping(node, "conditions such as { persons: { at_least: 21 } }")) {
    return match;
  }
  CheckKeys(node, "when", kContentMatchKeys);
  match.persons = Range(node.Find("persons"));
  match.bytes = Range(node.Find("bytes"));
  Items(node.Find("data"), "a list such as [my_number, credit_card]",
        [&](const YamlNode& item) {
          auto text = Text(item, kMaxPatternBytes, "a data type");
          if (!text) return;
          if (!IsDataType(*text)) {
            problems_.Add(item.line, item.column,
                          fmt::format("expected a data type ({}, custom:<id>), "
                                      "found {}{}",
                                      Joined(kDataWords), Quoted(*text),
                                      Suggestion(*text, kDataWords)));
            return;
          }
          match.data.push_back(std::move(*text));
        });
  Items(node.Find("inspection"), "a list such as [partial, none]",
        [&](const YamlNode& item) {
          Inspection value = Inspection::kNone;
          Word(&item, ParseInspection, kInspectionWords, &value);
          match.inspection.push_back(value);
        });
  Items(node.Find("reason"), "a list such as [encrypted, \"limit:*\"]",
        [&](const YamlNode& item) {
          auto text = Text(item, kMaxPatternBytes, "a reason");
          if (!text) return;
          if (!IsPattern(*text) && !IsReason(*text)) {
            problems_.Add(item.line, item.column,
                          fmt::format("expected one of {}, limit:<name>, found "
                                      "{}{}",
                                      Joined(kReasonWords), Quoted(*text),
                                      Suggestion(*text, kReasonWords)));
            return;
          }
          match.reason.push_back(std::move(*text));
        });
  Patterns(node.Find("format"), &match.format);
  return match;
}

ContentRule PolicyReader::ReadContentRule(const YamlNode& node) {
  ContentRule rule;
  rule.line = node.line;
  CheckKeys(node, "a content rule", kContentRuleKeys);
  RuleId(node, &rule.id);
  if (const YamlNode* when =
          Required(node, "the rule", "when", "{ persons: { at_least: 21 } }")) {
    rule.match = ReadContentMatch(*when);
  }
  Word(Required(node, "the rule", "verdict", "block"), ParseVerdict,
       kVerdictWords, &rule.verdict);
  Texts(node.Find("notify"), &rule.notify);
  return rule;
}

Policy PolicyReader::Read(const YamlNode& root) {
  Policy policy;
  if (!IsMapping(root, "a policy: a mapping that begins with 'policy: 1'")) {
    return policy;
  }
  if (const YamlNode* version = Required(root, "the policy", "policy", "1")) {
    const auto number = Count(*version);
    if (number && *number > kSchemaVersion) {
      // What a newer schema means by its keys cannot be judged here.
      problems_.Add(version->line, version->column,
                    fmt::format("expected schema version {} or older, found "
                                "version {}: this policy is for a newer "
                                "Sekisho",
                                kSchemaVersion, *number));
      return policy;
    }
    if (number && *number < 1) Wrong(*version, "schema version 1");
  }
  CheckKeys(root, "the policy", kPolicyKeys);
  if (const YamlNode* name = Required(root, "the policy", "name", "office")) {
    if (auto text = Text(*name, kMaxPatternBytes, "a name")) {
      policy.name = std::move(*text);
    }
  }
  Word(Required(root, "the policy", "mode", "observe"), ParseMode, kModeWords,
       &policy.mode);
  Word(root.Find("when_stale"), ParseWhenStale, kWhenStaleWords,
       &policy.when_stale);
  Rules(root.Find("devices"), "device rules", [&](const YamlNode& node) {
    policy.devices.push_back(ReadDeviceRule(node));
  });
  Word(Required(root, "the policy", "device_default", "block"), ParseAccess,
       kAccessWords, &policy.device_default);
  Rules(root.Find("content"), "content rules", [&](const YamlNode& node) {
    policy.content.push_back(ReadContentRule(node));
  });
  Word(Required(root, "the policy", "content_default", "block"), ParseVerdict,
       kVerdictWords, &policy.content_default);
  Texts(root.Find("contact"), &policy.contact);
  return policy;
}

}  // namespace

std::expected<Policy, std::vector<Problem>> ParsePolicyDetailed(
    std::string_view text, std::string_view file_name) {
  Problems problems(file_name);
  if (text.size() > kMaxPolicyBytes) {
    problems.Add(1, 1,
                 fmt::format("expected at most {} bytes, found {}",
                             kMaxPolicyBytes, text.size()));
    return std::unexpected(problems.Take());
  }
  const auto root = ReadYaml(text, problems);
  if (!root) return std::unexpected(problems.Take());
  Policy policy = PolicyReader(problems).Read(*root);
  if (!problems.empty()) return std::unexpected(problems.Take());
  return policy;
}

Result<Policy> ParsePolicy(std::string_view text, std::string_view file_name) {
  auto policy = ParsePolicyDetailed(text, file_name);
  if (!policy) return std::unexpected(AsError(policy.error()));
  return std::move(*policy);
}

}  // namespace sekisho::policy
