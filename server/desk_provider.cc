// People who come through an OpenID provider.
#include "common/log.h"
#include "common/text.h"
#include "server/core/requests.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

constexpr size_t kMaxToldNameBytes = 128;

// What somebody at the door is told; the log and the audit log have the reason.
Error ToldOf(const Error& error) {
  switch (error.code) {
    case Code::kAborted:
      return {error.code, "this attempt is over; begin again"};
    case Code::kCancelled:
      return {error.code, "the provider did not let you through"};
    case Code::kNotFound:
      return {error.code, "you are not known here"};
    case Code::kPermissionDenied:
      return {error.code, "you are in no group that may come in"};
    case Code::kFailedPrecondition:
      return {error.code, "your role needs a second factor at the provider"};
    case Code::kResourceExhausted:
      return error;
    case Code::kUnauthenticated:
      return {error.code, "the sign-in failed; the audit log says why"};
    default:
      return {Code::kUnavailable,
              "the provider does not answer; the server's log says why"};
  }
}

}  // namespace

core::SignInWays JoinedDesk::GetSignInWays() {
  core::SignInWays ways;
  if (p_.provider == nullptr) return ways;
  ways.provider = p_.provider->settings().name;
  ways.passwords = !p_.provider->settings().only_but.has_value();
  return ways;
}

// Once for each trouble: who waits at the door tries again and again.
void JoinedDesk::LogTrouble(const Error& error) {
  const std::lock_guard lock(trouble_mutex_);
  if (error.message == provider_trouble_) return;
  provider_trouble_ = error.message;
  Log(error.message.empty() ? LogLevel::kNotice : LogLevel::kWarning,
      error.message.empty()
          ? "the OpenID provider answers again"
          : "OpenID provider: " + EscapeUntrusted(error.message));
}

Result<core::ProviderStart> JoinedDesk::BeginProviderLogin(
    const std::string& address) {
  if (p_.provider == nullptr) {
    return Fail(Code::kFailedPrecondition,
                "no OpenID provider is set (oidc in server.yaml)");
  }
  RETURN_IF_ERROR(p_.accounts.CheckProviderTries(address));
  const auto attempt = oidc::Attempt::New(p_.clock.Now());
  const auto url = p_.provider->Url(attempt);
  if (!url) {
    LogTrouble(url.error());
    return std::unexpected(ToldOf(url.error()));
  }
  LogTrouble({});
  return core::ProviderStart{*url, attempt.cookie()};
}

Result<auth::Login> JoinedDesk::ProviderLoginOf(const oidc::Arrival& arrival,
                                                const std::string& address) {
  const oidc::Settings& settings = p_.provider->settings();
  ASSIGN_OR_RETURN(const auto made_roles, oidc::Admit(settings, arrival));
  return p_.accounts.LoginThroughProvider(
      {.identity = {settings.issuer, arrival.subject},
       .name = arrival.name,
       .made_roles = made_roles,
       .made_scope = oidc::ScopeOfNew(settings, arrival),
       .second_factor = arrival.second_factor},
      address);
}

Result<core::Session> JoinedDesk::LoginWithProvider(
    const core::ProviderAnswer& answer, const std::string& address) {
  const auto attempt = oidc::Attempt::FromCookie(answer.attempt);
  if (p_.provider == nullptr || !attempt) {
    return std::unexpected(ToldOf({Code::kAborted, ""}));
  }
  RETURN_IF_ERROR(p_.accounts.CheckProviderTries(address));
  const auto arrival = p_.provider->Finish(
      *attempt, {answer.state, answer.code, answer.issuer, answer.error});
  std::string detail = "issuer=" + p_.provider->settings().issuer;
  std::string user;
  Result<auth::Login> login = std::unexpected(Error{});
  if (arrival) {
    detail += " subject=" + EscapeUntrusted(arrival->subject, 255) +
              " name=" + EscapeUntrusted(arrival->name, kMaxToldNameBytes);
    user = EscapeUntrusted(arrival->name, auth::kMaxUserBytes);
    login = ProviderLoginOf(*arrival, address);
  } else if (arrival.error().code == Code::kAborted) {
    // Anybody can make these up, and nobody is known.
    return std::unexpected(ToldOf(arrival.error()));
  } else if (arrival.error().code == Code::kUnavailable) {
    LogTrouble(arrival.error());
    return std::unexpected(ToldOf(arrival.error()));
  } else {
    p_.accounts.CountWrongAnswer(address);
    login = std::unexpected(arrival.error());
  }
  auto session = WrittenLogin(user, address, "login.provider", std::move(login),
                              std::move(detail));
  if (!session) return std::unexpected(ToldOf(session.error()));
  return session;
}

Status JoinedDesk::MoveToProvider(const Caller& caller, const std::string& user,
                                  const std::string& reason) {
  return WriteDown<void>(
      caller, "user.use_provider", "user " + user, reason, [&]() -> Status {
        RETURN_IF_ERROR(CheckReason(reason));
        if (core::IsHimself(caller, user)) {
          return Fail(Code::kPermissionDenied,
                      "nobody changes himself; ask another admin");
        }
        if (p_.provider == nullptr) {
          return Fail(Code::kFailedPrecondition,
                      "no OpenID provider is set (oidc in server.yaml)");
        }
        return p_.accounts.MoveToProvider(user);
      });
}

}  // namespace sekisho
