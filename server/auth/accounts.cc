#include "server/auth/accounts.h"

#include <algorithm>

#include "server/auth/secrets.h"

namespace sekisho::auth {
namespace {

constexpr size_t kMaxTries = 10'000;  // names and addresses remembered

Login Asking(const std::string& user) {
  Login login;
  login.session.user = user;
  login.needs_second_factor = true;
  return login;
}

}  // namespace

Status CheckUserName(const std::string& user) {
  const bool good = !user.empty() && user.size() <= kMaxUserBytes &&
                    std::ranges::all_of(user, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                             c == '_' || c == '@';
                    });
  if (!good) {
    return Fail(Code::kInvalidArgument,
                "a user name is 1-64 of letters, digits and . - _ @");
  }
  return {};
}

Status Accounts::CheckTries(const std::string& key) {
  std::lock_guard lock(mutex_);
  const auto it = tries_.find(key);
  if (it == tries_.end() || it->second.wrong < kMaxWrongTries) {
    return {};
  }
  if (clock_.Now() - it->second.last > kWrongTriesWait) {
    tries_.erase(it);
    return {};
  }
  return Fail(Code::kResourceExhausted,
              "too many wrong tries; wait five minutes");
}

void Accounts::CountWrong(const std::string& key) {
  std::lock_guard lock(mutex_);
  const WallTime now = clock_.Now();
  if (tries_.size() >= kMaxTries) {
    std::erase_if(tries_, [now](const auto& entry) {
      return now - entry.second.last > kWrongTriesWait;
    });
    if (tries_.size() >= kMaxTries) {
      tries_.clear();
    }
  }
  Tries& tries = tries_[key];
  if (now - tries.last > kWrongTriesWait) {
    tries.wrong = 0;
  }
  ++tries.wrong;
  tries.last = now;
}

Result<Login> Accounts::MakeSession(const store::User& user,
                                    const std::string& address,
                                    Password password,
                                    const ProviderLogin* through) {
  Login login;
  login.token = NewSecret();
  login.session.hash = HashSecret(login.token);
  login.session.csrf = NewSecret();
  login.session.user = user.name;
  login.session.address = address;
  login.session.has_totp = user.has_totp;
  login.session.roles = user.roles;
  login.session.scope = user.scope;
  login.session.person_id = user.person_id;
  login.session.create_time = clock_.Now();
  login.session.use_time = login.session.create_time;
  login.session.expire_time = login.session.create_time + kSessionLife;
  login.session.must_set_password = password == Password::kToBeSet;
  if (through != nullptr) {
    login.session.issuer = through->identity.issuer;
    login.session.second_factor = through->second_factor;
  }
  RETURN_IF_ERROR(store_.AddSession(login.session));
  return login;
}

Result<Login> Accounts::LoginWithPassword(const std::string& user,
                                          const std::string& password,
                                          const std::string& address,
                                          const std::string& second_factor) {
  RETURN_IF_ERROR(CheckTries("user " + user));
  RETURN_IF_ERROR(CheckTries("address " + address));
  if (password.size() > kMaxPasswordBytes || user.size() > kMaxUserBytes) {
    return Fail(Code::kInvalidArgument, "name or password is too long");
  }
  ASSIGN_OR_RETURN(const auto found, store_.FindUser(user));
  bool right = false;
  {
    std::lock_guard turn(hashing_);
    if (found && !found->disable_time && !found->password_hash.empty() &&
        MayUsePassword(user)) {
      right = VerifyPassword(found->password_hash, password);
    } else {
      (void)HashPassword(password);  // the same time for an unknown name
    }
  }
  if (!right) {
    CountWrong("user " + user);
    CountWrong("address " + address);
    return Fail(Code::kUnauthenticated, "name or password is wrong");
  }
  ASSIGN_OR_RETURN(const bool complete,
                   CheckSecondFactor(*found, address, second_factor));
  if (!complete) return Asking(user);
  return MakeSession(*found, address, Password::kSet);
}

Result<Login> Accounts::LoginWithCode(const std::string& code,
                                      const std::string& address,
                                      const std::string& second_factor) {
  RETURN_IF_ERROR(CheckTries("address " + address));
  auto name = store_.FindLoginCode(HashSecret(code), clock_.Now());
  if (!name) {
    CountWrong("address " + address);
    return std::unexpected(std::move(name).error());
  }
  ASSIGN_OR_RETURN(const auto user, store_.FindUser(*name));
  if (!user || user->disable_time || !MayUsePassword(*name)) {
    return Fail(Code::kUnauthenticated, "code is wrong, used or expired");
  }
  ASSIGN_OR_RETURN(const bool complete,
                   CheckSecondFactor(*user, address, second_factor));
  if (!complete) return Asking(*name);
  RETURN_IF_ERROR(store_.UseLoginCode(HashSecret(code), clock_.Now()));
  return MakeSession(*user, address, Password::kToBeSet);
}

Result<store::StoredSession> Accounts::FindSession(const std::string& token) {
  const WallTime now = clock_.Now();
  ASSIGN_OR_RETURN(auto session, store_.FindSession(HashSecret(token), now,
                                                    now - kSessionIdle));
  // He was given such a role since: only the provider can ask him.
  if (!session.issuer.empty() && !session.second_factor &&
      session.roles.HasAnyOf(require_totp_)) {
    return Fail(Code::kUnauthenticated, "please log in");
  }
  return session;
}

Status Accounts::Logout(const std::string& token) {
  return store_.EndSession(HashSecret(token));
}

Status Accounts::SetPassword(const std::string& token,
                             const std::string& password) {
  ASSIGN_OR_RETURN(const store::StoredSession session, FindSession(token));
  // It would outlive what the provider takes from him.
  if (!session.issuer.empty() || !MayUsePassword(session.user)) {
    return Fail(Code::kFailedPrecondition,
                "you sign in through the OpenID provider, without a password "
                "here");
  }
  if (password.size() < kMinPasswordBytes ||
      password.size() > kMaxPasswordBytes) {
    return Fail(Code::kInvalidArgument,
                "a password has at least 12 characters");
  }
  std::string hash;
  {
    std::lock_guard turn(hashing_);
    ASSIGN_OR_RETURN(hash, HashPassword(password));
  }
  return store_.SetPassword(session.user, hash, session.hash);
}

Result<std::string> Accounts::CreateLogin(const std::string& user) {
  RETURN_IF_ERROR(CheckUserName(user));
  if (!MayUsePassword(user)) {
    return Fail(Code::kFailedPrecondition,
                user +
                    " comes in through the OpenID provider only "
                    "(oidc.only); oidc.break_glass names who does not");
  }
  const WallTime now = clock_.Now();
  ASSIGN_OR_RETURN(const auto found, store_.FindUser(user));
  if (!found) {
    ASSIGN_OR_RETURN(const int64_t count, store_.CountUsers());
    if (count > 0) {
      return Fail(Code::kNotFound, "there is no user " + user);
    }
    RETURN_IF_ERROR(store_.PutUser({user, store::Roles::All(), ""}, now));
  } else if (found->disable_time) {
    return Fail(Code::kFailedPrecondition, user + " is disabled");
  }
  std::string code = NewSecret();
  RETURN_IF_ERROR(
      store_.AddLoginCode(HashSecret(code), user, now + kLoginCodeLife));
  return code;
}

Result<std::string> Accounts::AddUser(const std::string& user,
                                      store::Roles roles,
                                      const store::Scope& scope) {
  RETURN_IF_ERROR(CheckUserName(user));
  ASSIGN_OR_RETURN(const auto found, store_.FindUser(user));
  if (found) return Fail(Code::kAlreadyExists, user + " is there already");
  store::User added;
  added.name = user;
  added.roles = roles;
  added.scope = scope;
  RETURN_IF_ERROR(store_.PutUser(added, clock_.Now()));
  if (!MayUsePassword(user)) return std::string();
  return CreateLogin(user);
}

}  // namespace sekisho::auth
