// An OpenID provider behind the Fetcher interface: what it says can be bent,
// what it was asked is kept.
#pragma once

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/oidc/provider.h"
#include "tests/unit/server_oidc/token_maker.h"

namespace sekisho::oidc {

class FakeProvider {
 public:
  explicit FakeProvider(const Clock& clock) : clock_(clock) {}

  static constexpr char kIssuer[] = "https://id.example/realms/soc";

  Settings SettingsFor() const {
    Settings settings;
    settings.name = "Example ID";
    settings.issuer = kIssuer;
    settings.client_id = "sekisho";
    settings.client_secret = "s3cret/+ value";
    settings.redirect_base = "https://sekisho.example:8443";
    return settings;
  }
  std::unique_ptr<Fetcher> NewFetcher() {
    return std::make_unique<Line>(*this);
  }
  // The browser signs in there: what it brings back. The provider keeps the
  // nonce and the challenge that `url` names.
  Answer SignIn(const std::string& url, nlohmann::json claims) {
    const auto now = std::chrono::floor<std::chrono::seconds>(
                         clock_.Now().time_since_epoch())
                         .count();
    claims.emplace("iss", kIssuer);
    claims.emplace("aud", "sekisho");
    claims.emplace("exp", now + 60);
    claims.emplace("iat", now);
    claims.emplace("nonce", Part(url, "nonce"));
    token =
        Sign(key, R"({"alg":"ES256","kid":")" + key_id + "\"}", claims.dump());
    challenge = Part(url, "code_challenge");
    return {
        .state = Part(url, "state"), .code = "c0de", .issuer = "", .error = ""};
  }
  static std::string Part(const std::string& url, const std::string& name) {
    const size_t at = url.find("&" + name + "=");
    if (at == std::string::npos) return "";
    const size_t begin = at + name.size() + 2;
    return url.substr(begin, url.find('&', begin) - begin);
  }

  // ---- what it says ----
  bool is_down = false;
  int status = 200;
  nlohmann::json discovery = {
      {"issuer", kIssuer},
      {"authorization_endpoint", "https://id.example/auth"},
      {"token_endpoint", "https://id.example/token"},
      {"jwks_uri", "https://id.example/jwks"}};
  PrivateKey key = NewEcKey();
  std::string key_id = "e1";
  std::string token;         // of the next exchange
  std::string token_answer;  // in the place of one with `token`, if not empty
  int token_status = 200;
  std::string challenge;

  // ---- what it was asked ----
  std::vector<Fetch> asked;
  size_t CountOf(const std::string& end) const {
    size_t count = 0;
    for (const Fetch& one : asked) count += one.url.ends_with(end) ? 1U : 0U;
    return count;
  }

 private:
  class Line final : public Fetcher {
   public:
    explicit Line(FakeProvider& provider) : provider_(provider) {}
    Result<Fetched> Get(const Fetch& fetch) override {
      return provider_.Take(fetch);
    }

   private:
    FakeProvider& provider_;
  };

  Result<Fetched> Take(const Fetch& fetch) {
    const std::lock_guard lock(mutex_);
    asked.push_back(fetch);
    if (is_down) {
      return Fail(Code::kUnavailable, fetch.url + ": Connection refused");
    }
    if (fetch.url.ends_with("/.well-known/openid-configuration")) {
      return Fetched{status, discovery.dump()};
    }
    if (fetch.url == "https://id.example/jwks") {
      return Fetched{status, R"({"keys":[)" + EcJwk(key, key_id) + "]}"};
    }
    if (!token_answer.empty()) return Fetched{token_status, token_answer};
    return Fetched{
        token_status,
        nlohmann::json{{"id_token", token}, {"access_token", "at"}}.dump()};
  }

  const Clock& clock_;
  std::mutex mutex_;
};

}  // namespace sekisho::oidc
