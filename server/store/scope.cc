#include "server/store/scope.h"

#include <algorithm>
#include <iterator>

#include "common/text.h"

namespace sekisho::store {

Scope::Scope(std::vector<std::string> groups) {
  std::ranges::sort(groups);
  const auto again = std::ranges::unique(groups);
  groups.erase(again.begin(), again.end());
  groups_ = std::move(groups);
}

Scope Scope::operator&(const Scope& other) const {
  if (!groups_) return other;
  if (!other.groups_) return *this;
  std::vector<std::string> both;
  std::ranges::set_intersection(*groups_, *other.groups_,
                                std::back_inserter(both));
  return Scope(std::move(both));
}

bool Scope::HasAllOf(const Scope& other) const {
  if (!groups_) return true;
  return other.groups_ && std::ranges::includes(*groups_, *other.groups_);
}

bool Scope::HasOneOf(const std::vector<std::string>& groups) const {
  return !groups_ || std::ranges::any_of(groups, [&](const std::string& one) {
    return std::ranges::binary_search(*groups_, one);
  });
}

std::string Print(const Scope& scope) {
  if (scope.IsWholeFleet()) return "the whole fleet";
  std::string text;
  for (const std::string& group : scope.groups()) {
    text += (text.empty() ? "" : ", ") + group;
  }
  return text.empty() ? "no terminal" : text;
}

std::optional<std::string> StoredScope(const Scope& scope) {
  if (scope.IsWholeFleet()) return std::nullopt;
  std::string text;
  for (const std::string& group : scope.groups()) {
    text += (text.empty() ? "" : ";") + group;
  }
  return text;
}

Scope ScopeFrom(const std::optional<std::string>& text) {
  return text ? Scope(GroupsIn(*text)) : Scope();
}

std::vector<std::string> GroupsIn(std::string_view text) {
  std::vector<std::string> groups;
  for (const std::string_view part : Split(text, ';')) {
    if (!Trim(part).empty()) groups.emplace_back(Trim(part));
  }
  return groups;
}

}  // namespace sekisho::store
