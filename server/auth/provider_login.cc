// Who comes through an OpenID provider, of Accounts.
#include <algorithm>

#include "server/auth/accounts.h"

namespace sekisho::auth {

bool Accounts::MayUsePassword(const std::string& user) const {
  return !password_users_ ||
         std::ranges::find(*password_users_, user) != password_users_->end();
}

// A name at the provider may be chosen, changed and given to another: it opens
// no account that was somebody's before. The one who breaks the glass is never
// the provider's to name.
Result<std::string> Accounts::BindAtFirstTime(const ProviderLogin& arrival) {
  const auto unknown = [](std::string why) {
    return Fail(Code::kNotFound, std::move(why));
  };
  if (const Status named = CheckUserName(arrival.name); !named) {
    return unknown("the provider's name for him is none here: " +
                   named.error().message);
  }
  if (password_users_ && MayUsePassword(arrival.name)) {
    return unknown(arrival.name + " breaks the glass, with a password");
  }
  const Status bound =
      store_.BindUser(arrival.identity, arrival.name, arrival.made_roles,
                      arrival.made_scope, clock_.Now());
  if (bound) return arrival.name;
  switch (bound.error().code) {
    case Code::kNotFound:
    case Code::kFailedPrecondition:
    case Code::kAlreadyExists:
      return unknown(bound.error().message);
    default:
      return std::unexpected(bound.error());
  }
}

Result<Login> Accounts::LoginThroughProvider(const ProviderLogin& arrival,
                                             const std::string& address) {
  ASSIGN_OR_RETURN(auto name, store_.FindUserOf(arrival.identity));
  if (!name) {
    ASSIGN_OR_RETURN(name, BindAtFirstTime(arrival));
  }
  ASSIGN_OR_RETURN(const auto user, store_.FindUser(*name));
  if (!user || user->disable_time) {
    return Fail(Code::kNotFound, *name + " is disabled");
  }
  if (password_users_ && MayUsePassword(*name)) {  // since he was bound
    return Fail(Code::kNotFound, *name + " breaks the glass, with a password");
  }
  if (user->roles.HasAnyOf(require_totp_) && !arrival.second_factor) {
    return Fail(Code::kFailedPrecondition,
                "a role of " + *name +
                    " needs a second factor, and the token does not tell of "
                    "one (amr); let the provider ask for it, or say "
                    "oidc.second_factor: provider");
  }
  return MakeSession(*user, address, Password::kSet, &arrival);
}

Status Accounts::MoveToProvider(const std::string& user) {
  if (password_users_ && MayUsePassword(user)) {
    return Fail(Code::kFailedPrecondition,
                user + " breaks the glass (oidc.break_glass), with a password");
  }
  return store_.ReleaseUser(user);
}

}  // namespace sekisho::auth
