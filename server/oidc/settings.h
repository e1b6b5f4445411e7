// The section `oidc` of server.yaml: at which OpenID provider people of the
// console sign in, and who of them may come in. Pure but for the files.
//
//   oidc:
//     name: Example ID            # on the button
//     issuer: https://id.example/realms/soc
//     client_id: sekisho
//     client_secret_file: /etc/sekisho/oidc.secret
//     redirect_base: https://sekisho.example:8443
//     groups_claim: groups
//     roles: { soc: [viewer, analyst], soc-lead: [analyst, approver] }
//     terminals: { soc-tokyo: [tokyo], soc-lead: all }
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "server/store/role_set.h"
#include "server/store/scope.h"

namespace sekisho::oidc {

enum class UnknownUsers { kRefuse, kCreate };
// Who asked for the second factor that a role needs (require_totp).
enum class SecondFactor {
  kToken,    // the provider, if its token says so (amr, RFC 8176)
  kTrusted,  // the provider, always: the admin says so
};

struct Settings {
  std::string name;
  std::string issuer;
  std::string client_id;
  std::string client_secret;  // of the file; empty = a public client
  std::string redirect_base;  // https://host[:port]
  std::string ca_file;        // empty = the system's store
  std::string scopes = "openid profile email";
  std::string user_claim = "preferred_username";
  std::string groups_claim = "groups";
  std::string required_group;  // empty = none
  // By group; who is not known yet and is made gets them all.
  std::map<std::string, store::Roles> roles;
  // By group: which terminal groups who is not known yet and is made sees; of
  // several, all of them. Empty: the whole fleet. Who is in none of these
  // groups sees no terminal before an admin says which.
  std::map<std::string, store::Scope> terminals;
  UnknownUsers unknown_users = UnknownUsers::kRefuse;
  SecondFactor second_factor = SecondFactor::kToken;
  // Passwords are for these alone; unset = for everybody.
  std::optional<std::vector<std::string>> only_but;

  std::string RedirectUrl() const;
};

// nullopt: there is no section. kInvalidArgument: each line is a problem with
// file, line and column. What other settings the file has does not matter.
Result<std::optional<Settings>> ParseSettings(std::string_view file_name,
                                              std::string_view text);
// Reads the secret, too. A file that is not there says nothing.
Result<std::optional<Settings>> ReadSettings(const std::string& path);

}  // namespace sekisho::oidc
