// Reads the values of a YAML tree and words what is wrong with them, the same
// way for every part of a policy. Knows nothing of rules.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/model.h"
#include "policy/problems.h"
#include "policy/yaml_reader.h"

namespace sekisho::policy {

inline constexpr size_t kMaxIdBytes = 64;
inline constexpr size_t kMaxPatternBytes = 256;
inline constexpr size_t kMaxSentenceBytes = 2000;
inline constexpr size_t kMaxListItems = 1000;
inline constexpr size_t kMaxLandingFolders = 64;
inline constexpr size_t kMaxFileHashes = 10'000;
inline constexpr size_t kMaxSharedAccounts = 64;
inline constexpr size_t kMaxJobs = 256;
// The engine's own caps (detect/custom.h); tests/unit/agent holds them equal.
inline constexpr size_t kMaxCustomTypes = 64;
inline constexpr size_t kMaxTypePatternBytes = 1024;
inline constexpr size_t kMaxTypeValues = 10'000;
inline constexpr size_t kMaxTypeHeaders = 64;
inline constexpr size_t kMaxTypeValueBytes = 256;

using Words = std::span<const std::string_view>;

// "'word'", "a list", "nothing": what stands there instead.
std::string Describe(const YamlNode& node);
bool IsPattern(std::string_view text);  // has '*' or '?'

class FieldReader {
 public:
  explicit FieldReader(Problems& problems) : problems_(problems) {}

  // The language version of the file; keys of a newer one are refused.
  void SetVersion(int64_t version) { version_ = version; }
  int64_t version() const { return version_; }
  Problems& problems() { return problems_; }

  void Wrong(const YamlNode& node, std::string_view expected);
  bool IsMapping(const YamlNode& node, std::string_view expected);
  // `newer` came with version 2 of the language.
  void CheckKeys(const YamlNode& mapping, std::string_view of, Words known,
                 Words newer = {});
  const YamlNode* Required(const YamlNode& mapping, std::string_view of,
                           std::string_view key, std::string_view example);

  std::optional<std::string> Text(const YamlNode& node, size_t cap_bytes,
                                  std::string_view expected);
  std::optional<std::string> Id(const YamlNode& node);
  // The key of a mapping that gives names to things.
  bool IsName(const YamlNode::Key& key);
  std::optional<int64_t> Count(const YamlNode& node);
  void Flag(const YamlNode* node, bool* out);
  template <typename T>
  void Word(const YamlNode* node, std::optional<T> (*parse)(std::string_view),
            Words words, T* out);
  std::optional<IntRange> Range(const YamlNode* node);
  void Texts(const YamlNode* node, std::map<std::string, std::string>* out);
  // Calls `take` for each entry of a list that must not be empty.
  template <typename F>
  void Items(const YamlNode* node, std::string_view expected, F take,
             size_t most = kMaxListItems);
  void Patterns(const YamlNode* node, std::vector<std::string>* out);
  void Pattern(const YamlNode* node, std::optional<std::string>* out);
  // 4 hex digits of which some may be '?', or a pattern with '*'.
  void HexPattern(const YamlNode* node, std::optional<std::string>* out);
  // A word of a closed list, or a pattern.
  void KnownPattern(const YamlNode* node, Words words,
                    std::optional<std::string>* out);
  void Interfaces(const YamlNode* node, std::vector<InterfacePattern>* out);
  // A list of names, each of which must be one of `known`.
  void Names(const YamlNode* node, std::string_view what,
             const std::vector<std::string_view>& known,
             std::vector<std::string>* out);

 private:
  Problems& problems_;
  int64_t version_ = 1;
};

template <typename T>
void FieldReader::Word(const YamlNode* node,
                       std::optional<T> (*parse)(std::string_view), Words words,
                       T* out) {
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

template <typename F>
void FieldReader::Items(const YamlNode* node, std::string_view expected, F take,
                        size_t most) {
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::kList || node->items.empty() ||
      node->items.size() > most) {
    if (node->kind == YamlNode::Kind::kList) {
      problems_.Add(node->line, node->column,
                    fmt::format("expected a list of 1 to {} entries, found {}",
                                most, node->items.size()));
    } else {
      Wrong(*node, expected);
    }
    return;
  }
  for (const YamlNode& item : node->items) take(item);
}

}  // namespace sekisho::policy
