// XML to a small tree with lines: elements, their attributes and texts. No
// document types, no namespaces beyond the prefix, no entities but the five and
// numbers. Knows nothing of policy.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/problems.h"

namespace sekisho::policy {

inline constexpr size_t kMaxXmlDepth = 32;
inline constexpr size_t kMaxXmlNodes = 200'000;

struct XmlNode {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;  // of the element itself, put together
  std::vector<XmlNode> children;
  int line = 1;

  const XmlNode* Find(std::string_view child) const;
  // The text of a child without blanks around it; empty if there is none.
  std::string Text(std::string_view child) const;
};

// The root element; nullopt with a problem if the text is no such XML.
std::optional<XmlNode> ReadXml(std::string_view text, Problems& problems);

}  // namespace sekisho::policy
