#include "server/auth/accounts.h"

#include <algorithm>

#include "server/auth/secrets.h"

namespace sekisho::auth {
namespace {

constexpr size_t kMaxTries = 10'000;  // names and addresses remembered

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

}  // namespace

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
                                    bool must_set_password) {
  Login login;
  login.token = NewSecret();
  login.session.hash = HashSecret(login.token);
  login.session.csrf = NewSecret();
  login.session.user = user.name;
  login.session.role = user.role;
  login.session.create_time = clock_.Now();
  login.session.use_time = login.session.create_time;
  login.session.expire_time = login.session.create_time + kSessionLife;
  login.session.must_set_password = must_set_password;
  RETURN_IF_ERROR(store_.AddSession(login.session));
  return login;
}

Result<Login> Accounts::LoginWithPassword(const std::string& user,
                                          const std::string& password,
                                          const std::string& address) {
  RETURN_IF_ERROR(CheckTries("user " + user));
  RETURN_IF_ERROR(CheckTries("address " + address));
  if (password.size() > kMaxPasswordBytes || user.size() > kMaxUserBytes) {
    return Fail(Code::kInvalidArgument, "name or password is too long");
  }
  ASSIGN_OR_RETURN(const auto found, store_.FindUser(user));
  bool right = false;
  {
    std::lock_guard turn(hashing_);
    if (found && !found->password_hash.empty()) {
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
  return MakeSession(*found, false);
}

Result<Login> Accounts::LoginWithCode(const std::string& code,
                                      const std::string& address) {
  RETURN_IF_ERROR(CheckTries("address " + address));
  auto name = store_.UseLoginCode(HashSecret(code), clock_.Now());
  if (!name) {
    CountWrong("address " + address);
    return std::unexpected(std::move(name).error());
  }
  ASSIGN_OR_RETURN(const auto user, store_.FindUser(*name));
  if (!user) {
    return Fail(Code::kUnauthenticated, "code is wrong, used or expired");
  }
  return MakeSession(*user, true);
}

Result<store::StoredSession> Accounts::FindSession(const std::string& token) {
  const WallTime now = clock_.Now();
  return store_.FindSession(HashSecret(token), now, now - kSessionIdle);
}

Status Accounts::Logout(const std::string& token) {
  return store_.EndSession(HashSecret(token));
}

Status Accounts::SetPassword(const std::string& token,
                             const std::string& password) {
  ASSIGN_OR_RETURN(const store::StoredSession session, FindSession(token));
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
  const WallTime now = clock_.Now();
  ASSIGN_OR_RETURN(const auto found, store_.FindUser(user));
  if (!found) {
    RETURN_IF_ERROR(store_.PutUser({user, store::Role::kAdmin, ""}, now));
  }
  std::string code = NewSecret();
  RETURN_IF_ERROR(
      store_.AddLoginCode(HashSecret(code), user, now + kLoginCodeLife));
  return code;
}

}  // namespace sekisho::auth
