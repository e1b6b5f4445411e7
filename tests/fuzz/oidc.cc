// A provider's keys and tokens, and the cookie of an attempt, as somebody else
// would write them: nothing that he did not sign for this attempt is believed.
#include <cstddef>
#include <cstdint>

#include "server/oidc/attempt.h"
#include "server/oidc/id_token.h"
#include "server/oidc/strict_json.h"

namespace {

using namespace sekisho;
using namespace sekisho::oidc;

// Of tests/fuzz/corpus/oidc/key_set; nobody has the private keys.
constexpr char kKeySet[] =
    R"({"keys": [{"kty": "EC", "crv": "P-256", "kid": "e1", "x": "Wx8TFmdqSB1)"
    R"(ybcCL4lX2Jz4EzEdWfzEs-MRHoInlk78", "y": "iTXk7z4bM96cIfooMkgd8VvUy7iKK)"
    R"(tV_MddgzJFOaMw"}, {"kty": "RSA", "kid": "r1", "use": "sig", "alg": "RS)"
    R"(256", "n": "uFEdDIyj7ud3Xnb5Ne3OFghrx37PwsKKzUzm7bNp59tfYZqDOwNoWwfbic)"
    R"(jLlNGrkTlZz85ozD1hr9QRq0DcAQWlFC5_GIB1rFbpKhfFWi_4D8NHtub58NP61c-zWlQW)"
    R"(UC-8XEzPwEOuzT2ZnglVB9t0hWWQnSgwfj-9h6BvrOWw6kCZODFl3bM6fL-XpHOipn971j)"
    R"(2UZ54NofuEfsyYAcchwKR1gd_vzjpDyNCa-CMd2su_x4cPKP7n_d0mMzUIL-p9LuaObuSZ)"
    R"(4kYoGJdN8SlhASCmFR_8051vBmOGykOdwSC9WwH0t5O-pL229SnihFvxN9sM59QE0lfHqR)"
    R"(Kpiw", "e": "AQAB"}]})";

const KeySet& Keys() {
  static const KeySet keys = *ParseKeySet(kKeySet);
  return keys;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const Expected expected = {.issuer = "https://id.example",
                                    .client_id = "sekisho",
                                    .nonce = "a nonce that no seed has",
                                    .access_token = ""};
  const WallTime now(std::chrono::seconds(1'795'165'951));
  CHECK(!VerifyIdToken(text, Keys(), expected, now));
  if (const auto bytes = FromBase64Url(text)) {
    CHECK(ToBase64Url(AsBytes(*bytes)) == text);
  }
  if (const auto keys = ParseKeySet(text)) {
    CHECK(!keys->keys.empty() && keys->keys.size() <= kMaxKeys);
    CHECK(!Verify(keys->keys.front(), text, text.substr(0, 64)));
  }
  if (const auto object = ParseObject("it", text, kMaxTokenBytes)) {
    CHECK(object->is_object());
    (void)TextsOf(*object, "aud");
    (void)SecondsOf(*object, "exp");
  }
  if (const auto attempt = Attempt::FromCookie(text)) {
    CHECK(attempt->cookie() == text && attempt->State() != attempt->Nonce());
  }
  return 0;
}
