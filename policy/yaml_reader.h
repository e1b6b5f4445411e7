// YAML text to a small tree with positions, through libyaml's events. Takes a
// plain subset: one document of mappings, lists and scalars; anchors, aliases,
// tags, directives and duplicate keys are problems. Knows nothing of policy.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/problems.h"

namespace sekisho::policy {

inline constexpr size_t kMaxYamlDepth = 8;
inline constexpr size_t kMaxYamlNodes = 400'000;

struct YamlNode {
  enum class Kind {
    kScalar,
    kMapping,
    kList,
    kRefused,  // already reported; readers stay silent about it
  };
  struct Key {
    std::string name;
    int line = 0;
    int column = 0;
  };

  Kind kind = Kind::kScalar;
  int line = 0;                 // 1-based
  int column = 0;               // 1-based
  std::string text;             // of a scalar
  bool plain = false;           // a scalar written without quotes
  std::vector<Key> keys;        // of a mapping, one for each of `items`
  std::vector<YamlNode> items;  // of a list, or the values of a mapping

  // nullptr if the mapping has no such key.
  const YamlNode* Find(std::string_view key) const;
};

// nullopt if the text is not YAML at all; then `problems` says why. A tree may
// come back although problems were added.
std::optional<YamlNode> ReadYaml(std::string_view text, Problems& problems);

}  // namespace sekisho::policy
