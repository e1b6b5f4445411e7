#include "server/oidc/provider.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>

#include "common/text.h"
#include "server/oidc/strict_json.h"

namespace sekisho::oidc {
namespace {

using nlohmann::json;

constexpr size_t kMaxUrlBytes = 2048;
constexpr size_t kMaxGroups = 1000;

std::string Encoded(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                       c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  return out;
}

// An endpoint that is not behind TLS is none.
Result<std::string> Endpoint(const json& document, const char* name) {
  const std::string* url = TextOf(document, name);
  if (url == nullptr || !url->starts_with("https://") ||
      !IsOneLine(*url, kMaxUrlBytes) || url->find('#') != std::string::npos) {
    return Fail(Code::kUnavailable,
                std::string("the provider's discovery document has no ") +
                    name + " that begins with https://");
  }
  return *url;
}

// RFC 8176: of what more than a password or a cookie is needed for.
bool TellsOfSecondFactor(const std::vector<std::string>& amr) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"mfa", "otp", "hwk", "sc", "swk", "sms", "tel"});
  return std::ranges::any_of(amr, [](const std::string& word) {
    return std::ranges::find(kWords, word) != kWords.end();
  });
}

// What can be known without the provider: it is asked about nothing that
// somebody made up.
Status CheckAttempt(const Attempt& attempt, const Answer& answer,
                    WallTime now) {
  if (attempt.IsOver(now)) {
    return Fail(Code::kAborted, "this attempt took more than ten minutes");
  }
  const std::string state = attempt.State();
  if (answer.state.size() != state.size() ||
      CRYPTO_memcmp(answer.state.data(), state.data(), state.size()) != 0) {
    return Fail(Code::kAborted, "this answer is of another attempt (state)");
  }
  if (answer.error.empty() &&
      (answer.code.empty() || answer.code.size() > kMaxCodeBytes)) {
    return Fail(Code::kAborted, "the answer has no code that we can take");
  }
  return {};
}

Error Outward(const std::string& what, Error error) {
  error.message = what + ": " + error.message;
  return error;
}

}  // namespace

Result<std::optional<store::Roles>> Admit(const Settings& settings,
                                          const Arrival& arrival) {
  const auto is_in = [&](const std::string& group) {
    return std::ranges::find(arrival.groups, group) != arrival.groups.end();
  };
  if (!settings.required_group.empty() && !is_in(settings.required_group)) {
    return Fail(Code::kPermissionDenied,
                "he is not in the group " + settings.required_group);
  }
  store::Roles roles;
  bool in_one = settings.roles.empty();
  for (const auto& [group, of_group] : settings.roles) {
    if (!is_in(group)) continue;
    in_one = true;
    for (const store::Role role : store::kEveryRole) {
      if (of_group.Has(role)) roles.Add(role);
    }
  }
  if (!in_one) {
    return Fail(Code::kPermissionDenied,
                "he is in none of the groups of oidc.roles");
  }
  if (settings.unknown_users == UnknownUsers::kRefuse) return std::nullopt;
  return roles;
}

store::Scope ScopeOfNew(const Settings& settings, const Arrival& arrival) {
  if (settings.terminals.empty()) return {};
  std::vector<std::string> groups;
  for (const auto& [group, scope] : settings.terminals) {
    if (std::ranges::find(arrival.groups, group) == arrival.groups.end()) {
      continue;
    }
    if (scope.IsWholeFleet()) return {};
    for (const std::string& one : scope.groups()) groups.push_back(one);
  }
  return store::Scope(std::move(groups));
}

Result<json> Provider::FetchObject(const std::string& what,
                                   const std::string& url) {
  ASSIGN_OR_RETURN(
      const Fetched fetched,
      fetcher_->Get({.url = url, .form = {}, .user = {}, .secret = {}}));
  if (fetched.status != 200) {
    return Fail(Code::kUnavailable,
                url + " answered HTTP " + std::to_string(fetched.status));
  }
  auto object = ParseObject(what, fetched.body, kMaxAnswerBytes);
  if (!object) {
    return Fail(Code::kUnavailable, url + ": " + object.error().message);
  }
  return object;
}

// OpenID Connect Discovery 1.0, 4: the issuer it names must be the one that
// was asked for, or it speaks for another.
Result<Provider::Facts> Provider::FetchFacts() {
  std::string base = settings_.issuer;
  while (base.ends_with('/')) base.pop_back();
  ASSIGN_OR_RETURN(const json document,
                   FetchObject("the discovery document",
                               base + "/.well-known/openid-configuration"));
  const std::string* issuer = TextOf(document, "issuer");
  if (issuer == nullptr || *issuer != settings_.issuer) {
    return Fail(Code::kUnavailable,
                "the provider calls itself '" +
                    EscapeUntrusted(issuer != nullptr ? *issuer : "", 256) +
                    "', and oidc.issuer says '" + settings_.issuer +
                    "': set what it calls itself, letter by letter");
  }
  Facts facts;
  ASSIGN_OR_RETURN(facts.authorization_endpoint,
                   Endpoint(document, "authorization_endpoint"));
  ASSIGN_OR_RETURN(facts.token_endpoint, Endpoint(document, "token_endpoint"));
  ASSIGN_OR_RETURN(facts.jwks_uri, Endpoint(document, "jwks_uri"));
  const auto names =
      document.find("authorization_response_iss_parameter_supported");
  facts.names_itself =
      names != document.end() && names->is_boolean() && names->get<bool>();
  const std::string methods_name = "token_endpoint_auth_methods_supported";
  const auto methods = TextsOf(document, methods_name);
  facts.takes_basic =
      methods.empty() ||
      std::ranges::find(methods, "client_secret_basic") != methods.end();
  facts.time = clock_.Now();
  return facts;
}

// With mutex_ held.
Result<Provider::Facts> Provider::GetFacts() {
  const WallTime now = clock_.Now();
  if (facts_ && now >= facts_->time && now - facts_->time < kFactsLife) {
    return *facts_;
  }
  if (trouble_ && now >= trouble_time_ && now - trouble_time_ < kRetryAfter) {
    return std::unexpected(*trouble_);
  }
  auto facts = FetchFacts();
  if (!facts) {
    trouble_ = facts.error();
    trouble_time_ = now;
    return std::unexpected(facts.error());
  }
  trouble_.reset();
  facts_ = *facts;
  return facts;
}

Result<KeySet> Provider::FetchKeys(const Facts& facts) {
  ASSIGN_OR_RETURN(
      const Fetched fetched,
      fetcher_->Get(
          {.url = facts.jwks_uri, .form = {}, .user = {}, .secret = {}}));
  if (fetched.status != 200) {
    return Fail(Code::kUnavailable, facts.jwks_uri + " answered HTTP " +
                                        std::to_string(fetched.status));
  }
  auto keys = ParseKeySet(fetched.body);
  if (!keys) {
    return Fail(Code::kUnavailable,
                facts.jwks_uri + ": " + keys.error().message);
  }
  return keys;
}

Result<std::string> Provider::Url(const Attempt& attempt) {
  Facts facts;
  {
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(facts, GetFacts());
  }
  std::string url = facts.authorization_endpoint;
  url += url.find('?') == std::string::npos ? '?' : '&';
  url += "response_type=code&client_id=" + Encoded(settings_.client_id) +
         "&redirect_uri=" + Encoded(settings_.RedirectUrl()) +
         "&scope=" + Encoded(settings_.scopes) + "&state=" + attempt.State() +
         "&nonce=" + attempt.Nonce() +
         "&code_challenge=" + attempt.Challenge() +
         "&code_challenge_method=S256";
  return url;
}

// RFC 9207, 2.4.
Status Provider::CheckIssuer(const Answer& answer, const Facts& facts) const {
  if (answer.issuer.empty() ? facts.names_itself
                            : answer.issuer != settings_.issuer) {
    return Fail(Code::kUnauthenticated,
                "the answer is of another provider (iss): " +
                    EscapeUntrusted(answer.issuer, 256));
  }
  return {};
}

Result<json> Provider::Exchange(const Attempt& attempt, const Answer& answer,
                                const Facts& facts) {
  Fetch fetch;
  fetch.url = facts.token_endpoint;
  fetch.form = {{"grant_type", "authorization_code"},
                {"code", answer.code},
                {"redirect_uri", settings_.RedirectUrl()},
                {"code_verifier", attempt.Verifier()}};
  if (!settings_.client_secret.empty() && facts.takes_basic) {
    fetch.user = settings_.client_id;
    fetch.secret = settings_.client_secret;
  } else {
    fetch.form.emplace_back("client_id", settings_.client_id);
    if (!settings_.client_secret.empty()) {
      fetch.form.emplace_back("client_secret", settings_.client_secret);
    }
  }
  ASSIGN_OR_RETURN(const Fetched fetched, fetcher_->Get(fetch));
  if (fetched.status >= 500) {
    return Fail(Code::kUnavailable, facts.token_endpoint + " answered HTTP " +
                                        std::to_string(fetched.status));
  }
  const auto body =
      ParseObject("the token answer", fetched.body, kMaxAnswerBytes);
  if (fetched.status != 200) {
    const std::string* error = body ? TextOf(*body, "error") : nullptr;
    return Fail(Code::kUnauthenticated,
                facts.token_endpoint + " answered HTTP " +
                    std::to_string(fetched.status) + ": " +
                    (error != nullptr ? EscapeUntrusted(*error, 128)
                                      : std::string("no reason given")) +
                    " (invalid_client: look at client_id and "
                    "client_secret_file)");
  }
  if (!body) return Fail(Code::kUnauthenticated, body.error().message);
  return *body;
}

Result<IdToken> Provider::VerifyWithNewestKeys(const std::string& token,
                                               const Expected& expected,
                                               const Facts& facts) {
  const WallTime now = clock_.Now();
  const std::lock_guard lock(mutex_);
  const bool stale =
      !keys_ || now < keys_time_ || now - keys_time_ >= kFactsLife;
  if (stale) {
    ASSIGN_OR_RETURN(keys_, FetchKeys(facts));
    keys_time_ = now;
  }
  auto verified = VerifyIdToken(token, *keys_, expected, now);
  if (verified || verified.error().code != Code::kNotFound) return verified;
  // The provider may have new keys; who invents key ids does not make us ask
  // it for each of them.
  if (!stale && now - keys_time_ >= kKeysAgainAfter) {
    ASSIGN_OR_RETURN(keys_, FetchKeys(facts));
    keys_time_ = now;
    verified = VerifyIdToken(token, *keys_, expected, now);
  }
  if (!verified && verified.error().code == Code::kNotFound) {
    return Fail(Code::kUnauthenticated, verified.error().message);
  }
  return verified;
}

Result<Arrival> Provider::ToArrival(const IdToken& token) const {
  Arrival arrival;
  arrival.subject = token.subject;
  const json& claims = token.claims;
  if (const std::string* name = TextOf(claims, settings_.user_claim.c_str())) {
    arrival.name = *name;
  }
  // An address that anybody may write down is nobody's name.
  if (settings_.user_claim == "email") {
    const auto verified = claims.find("email_verified");
    if (verified == claims.end() || !verified->is_boolean() ||
        !verified->get<bool>()) {
      arrival.name.clear();
    }
  }
  arrival.groups = TextsOf(claims, settings_.groups_claim);
  if (arrival.groups.size() > kMaxGroups) {
    return Fail(Code::kUnauthenticated,
                "ID token: more than 1,000 groups; let the provider name only "
                "those of this client");
  }
  arrival.second_factor = settings_.second_factor == SecondFactor::kTrusted ||
                          TellsOfSecondFactor(TextsOf(claims, "amr"));
  return arrival;
}

Result<Arrival> Provider::Finish(const Attempt& attempt, const Answer& answer) {
  RETURN_IF_ERROR(CheckAttempt(attempt, answer, clock_.Now()));
  Facts facts;
  {
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(facts, GetFacts());
  }
  RETURN_IF_ERROR(CheckIssuer(answer, facts));
  if (!answer.error.empty()) {
    return Fail(Code::kCancelled, "the provider sent him back: " +
                                      EscapeUntrusted(answer.error, 128));
  }
  ASSIGN_OR_RETURN(const json body, Exchange(attempt, answer, facts));
  const std::string* token = TextOf(body, "id_token");
  if (token == nullptr) {
    return Fail(Code::kUnauthenticated,
                "the token answer has no id_token: is 'openid' among the "
                "scopes of this client?");
  }
  const std::string* access = TextOf(body, "access_token");
  const Expected expected = {.issuer = settings_.issuer,
                             .client_id = settings_.client_id,
                             .nonce = attempt.Nonce(),
                             .access_token = access ? *access : ""};
  ASSIGN_OR_RETURN(const IdToken verified,
                   VerifyWithNewestKeys(*token, expected, facts));
  return ToArrival(verified);
}

Result<std::string> Provider::Check() {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(const Facts facts, FetchFacts());
  auto keys = FetchKeys(facts);
  if (!keys) {
    return std::unexpected(Outward("keys", std::move(keys).error()));
  }
  size_t rsa = 0;
  for (const Key& key : keys->keys) {
    rsa += key.algorithm == Algorithm::kRs256 ? 1 : 0;
  }
  return settings_.issuer + " answers, " + std::to_string(rsa) +
         " keys for RS256, " + std::to_string(keys->keys.size() - rsa) +
         " for ES256";
}

}  // namespace sekisho::oidc
