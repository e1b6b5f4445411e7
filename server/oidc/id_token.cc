#include "server/oidc/id_token.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <optional>

#include "common/text.h"
#include "server/oidc/strict_json.h"

namespace sekisho::oidc {
namespace {

using nlohmann::json;

std::unexpected<Error> Refuse(std::string why) {
  return Fail(Code::kUnauthenticated, "ID token: " + std::move(why));
}

struct Header {
  Algorithm algorithm;
  std::string key_id;
};

// The algorithm is ours to choose from, never the token's to name: "none" and
// those with a shared secret do not exist here.
Result<Header> ReadHeader(std::string_view part) {
  const auto text = FromBase64Url(part);
  if (!text) return Refuse("its header is no base64url");
  const auto tree = ParseObject("its header", *text, kMaxTokenBytes);
  if (!tree) return Refuse(tree.error().message);
  const std::string* algorithm = TextOf(*tree, "alg");
  Header header;
  if (algorithm != nullptr && *algorithm == "RS256") {
    header.algorithm = Algorithm::kRs256;
  } else if (algorithm != nullptr && *algorithm == "ES256") {
    header.algorithm = Algorithm::kEs256;
  } else {
    return Refuse(
        "its algorithm is " +
        (algorithm != nullptr ? "'" + EscapeUntrusted(*algorithm, 32) + "'"
                              : std::string("not said")) +
        ", and only RS256 and ES256 are taken: set one of them for this "
        "client at the provider");
  }
  if (tree->contains("crit")) return Refuse("it needs what we do not know");
  if (tree->contains("typ")) {
    const std::string* type = TextOf(*tree, "typ");
    if (type == nullptr || (*type != "JWT" && *type != "jwt")) {
      return Refuse("it is another kind of token");
    }
  }
  if (const std::string* id = TextOf(*tree, "kid")) header.key_id = *id;
  return header;
}

// By its id and kind; a token without an id is of the only key of its kind.
Result<const Key*> FindKey(const KeySet& keys, const Header& header) {
  const Key* found = nullptr;
  bool other_kind = false;
  for (const Key& key : keys.keys) {
    if (!header.key_id.empty() && key.id != header.key_id) continue;
    if (key.algorithm != header.algorithm) {
      other_kind = true;
      continue;
    }
    if (found != nullptr) return Refuse("more than one key could be its own");
    found = &key;
  }
  if (found != nullptr) return found;
  if (other_kind && !header.key_id.empty()) {
    return Refuse("its key is for another algorithm");
  }
  return Fail(Code::kNotFound, "ID token: its key '" +
                                   EscapeUntrusted(header.key_id, 64) +
                                   "' is not one of the provider's");
}

bool SameText(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Status CheckAudience(const json& claims, const std::string& client_id) {
  const auto audience = TextsOf(claims, "aud");
  if (std::ranges::find(audience, client_id) == audience.end()) {
    return Refuse("it is for another client");
  }
  const bool has_party = claims.contains("azp");
  const std::string* party = TextOf(claims, "azp");
  if (has_party && (party == nullptr || *party != client_id)) {
    return Refuse("it was made for another party (azp)");
  }
  if (audience.size() > 1 && !has_party) {
    return Refuse("it is for several clients and does not say for whom (azp)");
  }
  return {};
}

Status CheckTimes(const json& claims, WallTime now) {
  const auto at = [](int64_t seconds) {
    return WallTime(std::chrono::seconds(seconds));
  };
  constexpr const char* kClocks = "; are both clocks right?";
  const auto expiry = SecondsOf(claims, "exp");
  const auto issued = SecondsOf(claims, "iat");
  if (!expiry) return Refuse("it has no time of expiry");
  if (!issued) return Refuse("it has no time of issue");
  if (at(*expiry) + kClockSkew <= now) {
    return Refuse("it expired at " + FormatUtc(at(*expiry)) + kClocks);
  }
  if (at(*issued) - kClockSkew > now) {
    return Refuse("it was made in the future, at " + FormatUtc(at(*issued)) +
                  kClocks);
  }
  if (now - at(*issued) > kMaxTokenAge + kClockSkew) {
    return Refuse("it was made too long ago, at " + FormatUtc(at(*issued)) +
                  kClocks);
  }
  if (claims.contains("nbf")) {
    const auto begin = SecondsOf(claims, "nbf");
    if (!begin || at(*begin) - kClockSkew > now) {
      return Refuse(std::string("it is not valid yet") + kClocks);
    }
  }
  return {};
}

// Core, 3.1.3.6: half of the hash.
Status CheckAccessToken(const json& claims, const std::string& access_token) {
  if (!claims.contains("at_hash")) return {};
  const std::string* said = TextOf(claims, "at_hash");
  std::array<std::byte, SHA256_DIGEST_LENGTH> hash{};
  SHA256(reinterpret_cast<const unsigned char*>(access_token.data()),
         access_token.size(), reinterpret_cast<unsigned char*>(hash.data()));
  const std::string half =
      ToBase64Url(std::span<const std::byte>(hash).first(hash.size() / 2));
  if (said == nullptr || access_token.empty() || !SameText(*said, half)) {
    return Refuse("it came with another access token (at_hash)");
  }
  return {};
}

Status CheckClaims(const json& claims, const Expected& expected, WallTime now) {
  const std::string* issuer = TextOf(claims, "iss");
  if (issuer == nullptr || *issuer != expected.issuer) {
    return Refuse("it is of another issuer: " +
                  EscapeUntrusted(issuer != nullptr ? *issuer : "", 128));
  }
  RETURN_IF_ERROR(CheckAudience(claims, expected.client_id));
  RETURN_IF_ERROR(CheckTimes(claims, now));
  const std::string* nonce = TextOf(claims, "nonce");
  if (nonce == nullptr || expected.nonce.empty() ||
      !SameText(*nonce, expected.nonce)) {
    return Refuse("it belongs to another attempt (nonce)");
  }
  return CheckAccessToken(claims, expected.access_token);
}

}  // namespace

Result<IdToken> VerifyIdToken(std::string_view token, const KeySet& keys,
                              const Expected& expected, WallTime now) {
  if (token.size() > kMaxTokenBytes) return Refuse("it is over its limit");
  const size_t first = token.find('.');
  const size_t second =
      first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos ||
      token.find('.', second + 1) != std::string_view::npos) {
    return Refuse("it has not three parts");
  }
  ASSIGN_OR_RETURN(const Header header, ReadHeader(token.substr(0, first)));
  const auto signature = FromBase64Url(token.substr(second + 1));
  if (!signature) return Refuse("its signature is no base64url");
  ASSIGN_OR_RETURN(const Key* key, FindKey(keys, header));
  if (!Verify(*key, token.substr(0, second), *signature)) {
    return Refuse("its signature does not fit its key");
  }
  const auto payload =
      FromBase64Url(token.substr(first + 1, second - first - 1));
  if (!payload) return Refuse("its claims are no base64url");
  auto claims = ParseObject("its claims", *payload, kMaxTokenBytes);
  if (!claims) return Refuse(claims.error().message);
  RETURN_IF_ERROR(CheckClaims(*claims, expected, now));
  IdToken verified;
  const std::string* subject = TextOf(*claims, "sub");
  if (subject == nullptr || subject->empty() ||
      !IsOneLine(*subject, kMaxSubjectBytes)) {
    return Refuse("its subject is not 1 to 255 bytes of one line");
  }
  verified.subject = *subject;
  verified.claims = std::move(*claims);
  return verified;
}

}  // namespace sekisho::oidc
