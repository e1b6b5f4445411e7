// One way to the provider and back. All of it follows from one secret in the
// browser's cookie, so that no server remembers it and any of several can end
// it: state, nonce and PKCE verifier (RFC 7636) are keyed hashes of it. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"

namespace sekisho::oidc {

inline constexpr auto kAttemptLife = std::chrono::minutes(10);

class Attempt {
 public:
  static Attempt New(WallTime now);
  // nullopt: not of the form that cookie() has.
  static std::optional<Attempt> FromCookie(std::string_view cookie);

  const std::string& cookie() const { return cookie_; }
  std::string State() const;
  std::string Nonce() const;
  std::string Verifier() const;
  std::string Challenge() const;  // S256
  bool IsOver(WallTime now) const;

 private:
  Attempt(std::string cookie, WallTime began)
      : cookie_(std::move(cookie)), began_(began) {}
  std::string Derived(std::string_view purpose) const;

  std::string cookie_;  // "SECONDS.SECRET"
  WallTime began_;
};

}  // namespace sekisho::oidc
