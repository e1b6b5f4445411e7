// The second factor at the door, and API tokens, of Accounts.
#include <algorithm>

#include "common/bytes.h"
#include "server/auth/accounts.h"
#include "server/auth/secrets.h"
#include "server/auth/totp.h"

namespace sekisho::auth {
namespace {

constexpr size_t kMaxTokensCounted = 10'000;

Status CheckTokenName(const std::string& name) {
  const bool good = !name.empty() && name.size() <= kMaxTokenNameBytes &&
                    std::ranges::all_of(name, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                             c == '_';
                    });
  if (good) return {};
  return Fail(Code::kInvalidArgument,
              "a token's name is 1-64 of letters, digits and . - _");
}

}  // namespace

Result<bool> Accounts::CheckSecondFactor(const store::User& user,
                                         const std::string& address,
                                         const std::string& second_factor) {
  ASSIGN_OR_RETURN(const auto totp, store_.FindTotp(user.name));
  if (!totp || !totp->in_force) return true;
  if (second_factor.empty()) return false;
  bool right = false;
  if (const auto step =
          MatchTotp(AsBytes(totp->secret), second_factor, clock_.Now())) {
    ASSIGN_OR_RETURN(right, store_.UseTotpStep(user.name, *step));
  } else {
    ASSIGN_OR_RETURN(
        right, store_.UseRecoveryCode(
                   user.name, HashSecret(PlainRecoveryCode(second_factor))));
  }
  if (right) return true;
  CountWrong("user " + user.name);
  CountWrong("address " + address);
  return Fail(Code::kUnauthenticated,
              "the second factor is wrong, or was used before");
}

Result<std::string> Accounts::BeginTotp(const std::string& token) {
  ASSIGN_OR_RETURN(const store::StoredSession session, FindSession(token));
  std::string secret = NewTotpSecret();
  RETURN_IF_ERROR(store_.BeginTotp(session.user, secret));
  return secret;
}

Result<std::vector<std::string>> Accounts::ConfirmTotp(
    const std::string& token, const std::string& code) {
  ASSIGN_OR_RETURN(const store::StoredSession session, FindSession(token));
  RETURN_IF_ERROR(CheckTries("user " + session.user));
  ASSIGN_OR_RETURN(const auto totp, store_.FindTotp(session.user));
  if (!totp || totp->in_force) {
    return Fail(Code::kFailedPrecondition, "no second factor was begun");
  }
  const auto step = MatchTotp(AsBytes(totp->secret), code, clock_.Now());
  if (!step) {
    CountWrong("user " + session.user);
    // Not kUnauthenticated: the session is fine.
    return Fail(Code::kInvalidArgument,
                "this is not the app's code; is its clock right?");
  }
  std::vector<std::string> codes;
  std::vector<store::SecretHash> hashes;
  for (size_t i = 0; i < kRecoveryCodes; ++i) {
    codes.push_back(NewRecoveryCode());
    hashes.push_back(HashSecret(PlainRecoveryCode(codes.back())));
  }
  RETURN_IF_ERROR(store_.ConfirmTotp(session.user, *step, hashes));
  return codes;
}

Result<Accounts::MadeToken> Accounts::AddApiToken(store::ApiToken wish,
                                                  std::chrono::seconds life) {
  RETURN_IF_ERROR(CheckTokenName(wish.name));
  if (life.count() < 1 || life > kMaxTokenLife) {
    return Fail(Code::kInvalidArgument, "a token lives at most a year");
  }
  ASSIGN_OR_RETURN(const auto user, store_.FindUser(wish.user));
  if (!user || user->disable_time) {
    return Fail(Code::kNotFound, "there is no user " + wish.user);
  }
  if (wish.roles.empty() || !user->roles.HasAllOf(wish.roles)) {
    return Fail(
        Code::kInvalidArgument,
        "a token has some of its user's roles: " + store::Print(user->roles));
  }
  if (!user->scope.HasAllOf(wish.scope) && !wish.scope.IsWholeFleet()) {
    return Fail(Code::kInvalidArgument,
                "a token sees some of its user's terminal groups: " +
                    store::Print(user->scope));
  }
  MadeToken made;
  made.secret = kTokenPrefix + NewSecret();
  made.token = std::move(wish);
  made.token.hash = HashSecret(made.secret);
  made.token.create_time = clock_.Now();
  made.token.expire_time = clock_.Now() + life;
  ASSIGN_OR_RETURN(made.token.id, store_.AddApiToken(made.token));
  return made;
}

Status Accounts::CheckCalls(int64_t token_id) {
  const std::lock_guard lock(mutex_);
  const int64_t minute = std::chrono::floor<std::chrono::minutes>(clock_.Now())
                             .time_since_epoch()
                             .count();
  if (calls_.size() >= kMaxTokensCounted) calls_.clear();
  Calls& calls = calls_[token_id];
  if (calls.minute != minute) calls = {minute, 0};
  if (++calls.count <= kTokenCallsPerMinute) return {};
  return Fail(Code::kResourceExhausted,
              "this token has made its calls for this minute");
}

Result<store::ApiToken> Accounts::UseApiToken(const std::string& secret,
                                              const std::string& address) {
  RETURN_IF_ERROR(CheckTries("address " + address));
  const WallTime now = clock_.Now();
  ASSIGN_OR_RETURN(auto token, store_.FindApiToken(HashSecret(secret)));
  if (!token) {
    CountWrong("address " + address);
    return Fail(Code::kUnauthenticated, "this token is not known");
  }
  if (token->revoke_time || token->expire_time <= now) {
    return Fail(Code::kUnauthenticated, "this token is over");
  }
  ASSIGN_OR_RETURN(const auto user, store_.FindUser(token->user));
  if (!user || user->disable_time) {
    return Fail(Code::kUnauthenticated, "this token is over");
  }
  RETURN_IF_ERROR(CheckCalls(token->id));
  token->roles = token->roles & user->roles;
  token->scope = token->scope & user->scope;
  token->person_id = user->person_id;
  if (!token->use_time || now - *token->use_time > std::chrono::minutes(1)) {
    store_.MarkApiTokenUsed(token->id, now);
  }
  return *token;
}

}  // namespace sekisho::auth
