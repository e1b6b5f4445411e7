// Which terminals somebody of the console sees: all, or those that the register
// of terminals has in one of his groups. A terminal in no group is seen by who
// sees the whole fleet, and by nobody else.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::store {

inline constexpr size_t kMaxScopeGroups = 64;

// Ordered, so that what was counted of one can be kept.
class Scope {
 public:
  Scope() = default;  // the whole fleet
  // Of no group: no terminal.
  explicit Scope(std::vector<std::string> groups);

  bool IsWholeFleet() const { return !groups_; }
  // By name; empty for the whole fleet too.
  std::vector<std::string> groups() const {
    return groups_.value_or(std::vector<std::string>());
  }
  // What both see, by the names of the groups.
  Scope operator&(const Scope& other) const;
  bool HasAllOf(const Scope& other) const;
  bool HasOneOf(const std::vector<std::string>& groups) const;
  auto operator<=>(const Scope&) const = default;
  bool operator==(const Scope&) const = default;

 private:
  std::optional<std::vector<std::string>> groups_;  // sorted, each once
};

// "tokyo, osaka"; "the whole fleet"; "no terminal"
std::string Print(const Scope& scope);

// As the database has it: nothing for the whole fleet, else the groups with ;
// between them.
std::optional<std::string> StoredScope(const Scope& scope);
Scope ScopeFrom(const std::optional<std::string>& text);

// Groups as the register writes them: separated by ; and trimmed.
std::vector<std::string> GroupsIn(std::string_view text);

}  // namespace sekisho::store
