// What a person of the console is: one or several roles. What each may do is in
// server/core/roles.cc, nowhere else.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::store {

enum class Role {
  kViewer,
  kAnalyst,
  kApprover,
  kPolicyAuthor,
  kAuditor,
  kAdmin
};
inline constexpr std::array kEveryRole = {Role::kViewer,   Role::kAnalyst,
                                          Role::kApprover, Role::kPolicyAuthor,
                                          Role::kAuditor,  Role::kAdmin};
const char* Name(Role role);  // "viewer", "policy_author" ...
std::optional<Role> ParseRole(std::string_view name);

// Empty may nothing.
class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(Role role) : bits_(Bit(role)) {}  // NOLINT: a set of one
  constexpr Roles(std::initializer_list<Role> roles) {
    for (const Role role : roles) Add(role);
  }
  static constexpr Roles All() {
    Roles all;
    for (const Role role : kEveryRole) all.Add(role);
    return all;
  }

  constexpr void Add(Role role) { bits_ |= Bit(role); }
  constexpr bool Has(Role role) const { return (bits_ & Bit(role)) != 0; }
  constexpr bool HasAnyOf(Roles other) const {
    return (bits_ & other.bits_) != 0;
  }
  constexpr bool HasAllOf(Roles other) const {
    return (bits_ & other.bits_) == other.bits_;
  }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr Roles operator|(Roles other) const {
    Roles both = *this;
    both.bits_ |= other.bits_;
    return both;
  }
  constexpr Roles operator&(Roles other) const {
    Roles common = *this;
    common.bits_ &= other.bits_;
    return common;
  }
  friend constexpr bool operator==(Roles, Roles) = default;

 private:
  static constexpr uint32_t Bit(Role role) {
    return uint32_t{1} << static_cast<uint32_t>(role);
  }
  uint32_t bits_ = 0;
};

// "analyst,viewer": in the order of kEveryRole.
std::string Print(Roles roles);
// Nothing if a word is no role; an empty text is the empty set.
std::optional<Roles> ParseRoles(std::string_view text);

}  // namespace sekisho::store
