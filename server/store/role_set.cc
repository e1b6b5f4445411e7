#include "server/store/role_set.h"

#include "common/text.h"

namespace sekisho::store {

const char* Name(Role role) {
  switch (role) {
    case Role::kViewer:
      return "viewer";
    case Role::kAnalyst:
      return "analyst";
    case Role::kApprover:
      return "approver";
    case Role::kPolicyAuthor:
      return "policy_author";
    case Role::kAuditor:
      return "auditor";
    case Role::kAdmin:
      return "admin";
  }
  return "";
}

std::optional<Role> ParseRole(std::string_view name) {
  for (const Role role : kEveryRole) {
    if (name == Name(role)) return role;
  }
  return std::nullopt;
}

std::string Print(Roles roles) {
  std::string text;
  for (const Role role : kEveryRole) {
    if (!roles.Has(role)) continue;
    text += (text.empty() ? "" : ",");
    text += Name(role);
  }
  return text;
}

std::optional<Roles> ParseRoles(std::string_view text) {
  Roles roles;
  if (text.empty()) return roles;
  for (const std::string_view word : Split(text, ',')) {
    const auto role = ParseRole(Trim(word));
    if (!role) return std::nullopt;
    roles.Add(*role);
  }
  return roles;
}

}  // namespace sekisho::store
