// Every forgery that we know of, and the tokens that are right.
#include "server/oidc/id_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/oidc/strict_json.h"
#include "tests/unit/server_oidc/token_maker.h"

namespace sekisho::oidc {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr int64_t kNow = 1'795'165'951;
constexpr char kHeader[] = R"({"alg":"RS256","kid":"r1","typ":"JWT"})";
constexpr char kEcHeader[] = R"({"alg":"ES256","kid":"e1"})";

// Made once: RSA keys take their time.
struct Keys {
  PrivateKey rsa = NewRsaKey();
  PrivateKey other_rsa = NewRsaKey();
  PrivateKey ec = NewEcKey();
  PrivateKey other_ec = NewEcKey();
};
const Keys& TheKeys() {
  static const Keys keys;
  return keys;
}

json GoodClaims() {
  return {{"iss", "https://id.example"},
          {"sub", "248289761001"},
          {"aud", "sekisho"},
          {"exp", kNow + 300},
          {"iat", kNow - 1},
          {"nonce", "n-0S6_WzA2Mj"}};
}

class IdTokenTest : public testing::Test {
 protected:
  IdTokenTest() {
    const auto set = ParseKeySet(R"({"keys":[)" + RsaJwk(keys_.rsa, "r1") +
                                 "," + RsaJwk(keys_.other_rsa, "r2") + "," +
                                 EcJwk(keys_.ec, "e1") + "]}");
    EXPECT_TRUE(set) << set.error().message;
    set_ = *set;
  }
  Result<IdToken> Judge(const std::string& token) {
    return VerifyIdToken(token, set_, expected_,
                         WallTime(std::chrono::seconds(kNow)));
  }
  // What is said of claims that are signed as they should be.
  std::string Complaint(const json& claims) {
    return ComplaintOf(Sign(keys_.rsa, kHeader, claims.dump()));
  }
  std::string ComplaintOf(const std::string& token) {
    const auto judged = Judge(token);
    if (judged) return "";
    EXPECT_EQ(judged.error().code, Code::kUnauthenticated)
        << judged.error().message;
    return judged.error().message;
  }
  // Good claims with one changed.
  static json With(const char* name, const json& value) {
    json claims = GoodClaims();
    claims[name] = value;
    return claims;
  }
  static json Without(const char* name) {
    json claims = GoodClaims();
    claims.erase(name);
    return claims;
  }

  const Keys& keys_ = TheKeys();
  KeySet set_;
  Expected expected_ = {.issuer = "https://id.example",
                        .client_id = "sekisho",
                        .nonce = "n-0S6_WzA2Mj",
                        .access_token = ""};
};

TEST_F(IdTokenTest, TakesWhatIsRight) {
  const auto rsa = Judge(Sign(keys_.rsa, kHeader, GoodClaims().dump()));
  ASSERT_TRUE(rsa) << rsa.error().message;
  EXPECT_EQ(rsa->subject, "248289761001");
  const auto ec = Judge(Sign(keys_.ec, kEcHeader, GoodClaims().dump()));
  ASSERT_TRUE(ec) << ec.error().message;
  // A hundred signatures: R and S begin with a zero byte now and then.
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Judge(
        Sign(keys_.ec, kEcHeader, With("jti", std::to_string(i)).dump())));
  }
}

TEST_F(IdTokenTest, NoAlgorithmIsTheTokensToChoose) {
  const std::string claims = GoodClaims().dump();
  const std::string unsigned_text = Base64Url(claims) + ".";
  for (const char* none : {"none", "None", "nOnE", "NONE", ""}) {
    const std::string header = R"({"alg":")" + std::string(none) + "\"}";
    EXPECT_THAT(ComplaintOf(Base64Url(header) + "." + unsigned_text),
                HasSubstr("only RS256 and ES256"));
  }
  EXPECT_THAT(ComplaintOf(Base64Url(R"({"typ":"JWT"})") + "." + unsigned_text),
              HasSubstr("not said"));
  EXPECT_THAT(
      ComplaintOf(Base64Url(R"({"alg":["RS256"]})") + "." + unsigned_text),
      HasSubstr("not said"));
  // The public key, which everybody has, as a shared secret.
  for (const char* hmac : {"HS256", "hs256", "HS384"}) {
    const std::string header =
        R"({"alg":")" + std::string(hmac) + R"(","kid":"r1"})";
    EXPECT_THAT(ComplaintOf(SignHs256(PublicPem(keys_.rsa), header, claims)),
                HasSubstr("only RS256 and ES256"));
  }
  // A signature of HMAC under a name that we take.
  EXPECT_THAT(ComplaintOf(SignHs256(PublicPem(keys_.rsa), kHeader, claims)),
              HasSubstr("signature does not fit"));
}

TEST_F(IdTokenTest, TheSignatureIsOfTheKeyThatIsNamed) {
  const std::string claims = GoodClaims().dump();
  const std::string good = Sign(keys_.rsa, kHeader, claims);
  // Of another key, which names itself as a good one.
  EXPECT_THAT(ComplaintOf(Sign(NewRsaKey(), kHeader, claims)),
              HasSubstr("signature does not fit"));
  EXPECT_THAT(ComplaintOf(Sign(keys_.other_ec, kEcHeader, claims)),
              HasSubstr("signature does not fit"));
  // Ids swapped, between keys of a kind and of different kinds.
  EXPECT_THAT(
      ComplaintOf(Sign(keys_.rsa, R"({"alg":"RS256","kid":"r2"})", claims)),
      HasSubstr("signature does not fit"));
  EXPECT_THAT(
      ComplaintOf(Sign(keys_.rsa, R"({"alg":"RS256","kid":"e1"})", claims)),
      HasSubstr("for another algorithm"));
  EXPECT_THAT(
      ComplaintOf(Sign(keys_.ec, R"({"alg":"ES256","kid":"r1"})", claims)),
      HasSubstr("for another algorithm"));
  // No signature, a short one, one bit turned, claims of another token.
  const size_t dot = good.rfind('.');
  EXPECT_THAT(ComplaintOf(good.substr(0, dot + 1)),
              HasSubstr("signature does not fit"));
  EXPECT_THAT(ComplaintOf(good.substr(0, dot + 9)),
              HasSubstr("signature does not fit"));
  std::string turned = good;
  turned[dot + 5] = turned[dot + 5] == 'A' ? 'B' : 'A';
  EXPECT_THAT(ComplaintOf(turned), HasSubstr("signature does not fit"));
  const std::string other =
      Sign(keys_.rsa, kHeader, With("sub", "admin").dump());
  EXPECT_THAT(ComplaintOf(other.substr(0, other.rfind('.')) + good.substr(dot)),
              HasSubstr("signature does not fit"));
  // A key of the token's own.
  EXPECT_THAT(ComplaintOf(Sign(NewRsaKey(),
                               R"({"alg":"RS256","kid":"r1","jwk":)" +
                                   RsaJwk(NewRsaKey(), "r1") + "}",
                               claims)),
              HasSubstr("signature does not fit"));
}

TEST_F(IdTokenTest, AnUnknownKeyMayBeANewOne) {
  const auto judged = Judge(
      Sign(NewRsaKey(), R"({"alg":"RS256","kid":"r3"})", GoodClaims().dump()));
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().code, Code::kNotFound);
}

TEST_F(IdTokenTest, WithoutAnIdItIsOfTheOnlyKeyOfItsKind) {
  const std::string claims = GoodClaims().dump();
  EXPECT_TRUE(Judge(Sign(keys_.ec, R"({"alg":"ES256"})", claims)));
  EXPECT_THAT(ComplaintOf(Sign(keys_.rsa, R"({"alg":"RS256"})", claims)),
              HasSubstr("more than one key"));
}

TEST_F(IdTokenTest, IsForUsAndFromTheOneWeAsked) {
  EXPECT_THAT(Complaint(With("iss", "https://id.example/")),
              HasSubstr("another issuer"));
  EXPECT_THAT(Complaint(With("iss", "https://evil.example")),
              HasSubstr("another issuer"));
  EXPECT_THAT(Complaint(Without("iss")), HasSubstr("another issuer"));
  EXPECT_THAT(Complaint(With("aud", "other")), HasSubstr("another client"));
  EXPECT_THAT(Complaint(With("aud", "Sekisho")), HasSubstr("another client"));
  EXPECT_THAT(Complaint(With("aud", json::array())),
              HasSubstr("another client"));
  EXPECT_THAT(Complaint(With("aud", json::array({"sekisho", 1}))),
              HasSubstr("another client"));
  EXPECT_THAT(Complaint(Without("aud")), HasSubstr("another client"));
  EXPECT_EQ(Complaint(With("aud", json::array({"sekisho"}))), "");
  // Of several, it must say for which (Core, 3.1.3.7).
  json two = With("aud", json::array({"sekisho", "other"}));
  EXPECT_THAT(Complaint(two), HasSubstr("several clients"));
  two["azp"] = "other";
  EXPECT_THAT(Complaint(two), HasSubstr("another party"));
  two["azp"] = "sekisho";
  EXPECT_EQ(Complaint(two), "");
  EXPECT_THAT(Complaint(With("azp", "other")), HasSubstr("another party"));
  EXPECT_THAT(Complaint(With("azp", 7)), HasSubstr("another party"));
}

TEST_F(IdTokenTest, IsOfThisAttempt) {
  EXPECT_THAT(Complaint(With("nonce", "another")), HasSubstr("nonce"));
  EXPECT_THAT(Complaint(With("nonce", "")), HasSubstr("nonce"));
  EXPECT_THAT(Complaint(With("nonce", nullptr)), HasSubstr("nonce"));
  EXPECT_THAT(Complaint(Without("nonce")), HasSubstr("nonce"));
  expected_.nonce.clear();
  EXPECT_THAT(Complaint(With("nonce", "")), HasSubstr("nonce"));
}

TEST_F(IdTokenTest, IsOfNow) {
  const struct {
    const char* name;
    json value;
    const char* complaint;  // empty = taken
  } kCases[] = {
      {"exp", kNow - 59, ""},
      {"exp", kNow - 60, "expired"},
      {"exp", kNow - 86'400, "expired"},
      {"exp", "never", "no time of expiry"},
      {"exp", nullptr, "no time of expiry"},
      {"exp", -1, "no time of expiry"},
      {"exp", 1e300, "no time of expiry"},
      {"exp", static_cast<double>(kNow) + 0.5, ""},
      {"iat", kNow + 60, ""},
      {"iat", kNow + 61, "in the future"},
      {"iat", kNow - 660, ""},
      {"iat", kNow - 661, "too long ago"},
      {"iat", nullptr, "no time of issue"},
      {"nbf", kNow + 60, ""},
      {"nbf", kNow + 61, "not valid yet"},
      {"nbf", "soon", "not valid yet"},
  };
  for (const auto& one : kCases) {
    const std::string said = Complaint(With(one.name, one.value));
    if (*one.complaint == '\0') {
      EXPECT_EQ(said, "") << one.name << one.value;
    } else {
      EXPECT_THAT(said, HasSubstr(one.complaint)) << one.name << one.value;
    }
  }
}

// The example of OpenID Connect Core, A.3: the hash of that access token.
TEST_F(IdTokenTest, CameWithItsAccessToken) {
  const json hashed = With("at_hash", "77QmUPtjPfzWtF2AnpK9RQ");
  expected_.access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
  EXPECT_EQ(Complaint(hashed), "");
  expected_.access_token += "x";
  EXPECT_THAT(Complaint(hashed), HasSubstr("at_hash"));
  expected_.access_token.clear();
  EXPECT_THAT(Complaint(hashed), HasSubstr("at_hash"));
  EXPECT_THAT(Complaint(With("at_hash", 5)), HasSubstr("at_hash"));
}

TEST_F(IdTokenTest, NamesOneSubject) {
  EXPECT_EQ(Complaint(With("sub", std::string(255, 's'))), "");
  EXPECT_THAT(Complaint(With("sub", std::string(256, 's'))),
              HasSubstr("subject"));
  EXPECT_THAT(Complaint(With("sub", "")), HasSubstr("subject"));
  EXPECT_THAT(Complaint(With("sub", "a\nb")), HasSubstr("subject"));
  EXPECT_THAT(Complaint(With("sub", std::string("a\0b", 3))),
              HasSubstr("subject"));
  EXPECT_THAT(Complaint(With("sub", 17)), HasSubstr("subject"));
  EXPECT_THAT(Complaint(Without("sub")), HasSubstr("subject"));
}

// Two readers of one text would see two people.
TEST_F(IdTokenTest, NothingStandsTwice) {
  std::string twice = GoodClaims().dump();
  twice.pop_back();
  EXPECT_THAT(
      ComplaintOf(Sign(keys_.rsa, kHeader, twice + R"(,"sub":"admin"})")),
      HasSubstr("twice"));
  EXPECT_THAT(
      ComplaintOf(Sign(keys_.rsa, kHeader, twice + R"(,"x":{"a":1,"a":2}})")),
      HasSubstr("twice"));
  EXPECT_THAT(ComplaintOf(Sign(keys_.rsa, kHeader,
                               twice + ",\"s\\u0075b\":\"admin\"}")),
              HasSubstr("twice"));
  EXPECT_THAT(
      ComplaintOf(Sign(keys_.rsa, R"({"alg":"RS256","kid":"r1","alg":"none"})",
                       GoodClaims().dump())),
      HasSubstr("twice"));
  // The same name in two objects is no such thing.
  EXPECT_EQ(ComplaintOf(Sign(keys_.rsa, kHeader,
                             twice + R"(,"x":{"sub":1},"y":{"sub":2}})")),
            "");
}

TEST_F(IdTokenTest, IsThreePartsOfPlainBase64Url) {
  const std::string good = Sign(keys_.rsa, kHeader, GoodClaims().dump());
  EXPECT_THAT(ComplaintOf(""), HasSubstr("three parts"));
  EXPECT_THAT(ComplaintOf("a.b"), HasSubstr("three parts"));
  EXPECT_THAT(ComplaintOf(good + "."), HasSubstr("three parts"));
  EXPECT_THAT(ComplaintOf("." + good), HasSubstr("three parts"));
  EXPECT_THAT(ComplaintOf("!" + good.substr(1)), HasSubstr("no base64url"));
  EXPECT_THAT(ComplaintOf(good + "="), HasSubstr("no base64url"));
  EXPECT_THAT(ComplaintOf(good + "\n"), HasSubstr("no base64url"));
  // Bits that stand for nothing: another text with the same meaning.
  std::string loose = good;
  ASSERT_EQ(good.size() - good.rfind('.') - 1, 342U);  // 256 bytes, 4 bits over
  loose.back() = loose.back() == 'A'   ? 'B'
                 : loose.back() == 'Q' ? 'R'
                 : loose.back() == 'g' ? 'h'
                                       : 'x';
  EXPECT_THAT(ComplaintOf(loose), HasSubstr("no base64url"));
}

TEST_F(IdTokenTest, OtherKindsOfTokensAreNone) {
  const std::string claims = GoodClaims().dump();
  EXPECT_THAT(
      ComplaintOf(Sign(keys_.rsa,
                       R"({"alg":"RS256","kid":"r1","typ":"at+jwt"})", claims)),
      HasSubstr("another kind"));
  EXPECT_THAT(
      ComplaintOf(Sign(
          keys_.rsa, R"({"alg":"RS256","kid":"r1","crit":["b64"],"b64":false})",
          claims)),
      HasSubstr("do not know"));
  for (const char* text : {"", "[]", "\"x\"", "null", "{", "{}}", "\xff"}) {
    EXPECT_NE(ComplaintOf(Sign(keys_.rsa, kHeader, text)), "") << text;
  }
}

TEST_F(IdTokenTest, GiantsAreRefusedUnread) {
  const json big = With("x", std::string(20'000, 'x'));
  EXPECT_EQ(Complaint(big), "");  // 26 KiB
  EXPECT_THAT(Complaint(With("x", std::string(30'000, 'x'))),
              HasSubstr("over its limit"));
  EXPECT_THAT(ComplaintOf(std::string(50'000'000, '.')),
              HasSubstr("over its limit"));
  std::string deep = GoodClaims().dump();
  deep.pop_back();
  deep += ",\"x\":" + std::string(5000, '[') + std::string(5000, ']') + "}";
  EXPECT_THAT(ComplaintOf(Sign(keys_.rsa, kHeader, deep)), HasSubstr("deep"));
}

TEST(KeySetTest, TakesTheKeysThatFitAndPassesOverTheRest) {
  const Keys& keys = TheKeys();
  const auto set = ParseKeySet(
      R"({"keys":[)" +
      RsaJwk(keys.rsa, "sig", R"(,"use":"sig","alg":"RS256")") + "," +
      RsaJwk(keys.rsa, "enc", R"(,"use":"enc")") + "," +
      RsaJwk(keys.rsa, "ps", R"(,"alg":"PS256")") + "," +
      RsaJwk(keys.rsa, "ops", R"(,"key_ops":["encrypt"])") + "," +
      RsaJwk(NewRsaKey(1024), "short") + "," +
      EcJwk(keys.ec, "ec", R"(,"key_ops":["verify"])") +
      R"(,{"kty":"oct","k":"c2VjcmV0","kid":"oct"},{"kty":"OKP"},17]})");
  ASSERT_TRUE(set) << set.error().message;
  ASSERT_EQ(set->keys.size(), 2U);
  EXPECT_EQ(set->keys[0].id, "sig");
  EXPECT_EQ(set->keys[1].id, "ec");
}

TEST(KeySetTest, RefusesWhatIsNoPointAndNoExponent) {
  const Keys& keys = TheKeys();
  std::string off_curve = EcJwk(keys.ec, "ec");
  const size_t y = off_curve.find("\"y\":\"") + 5;
  off_curve[y] = off_curve[y] == 'A' ? 'B' : 'A';
  std::string exponent_one = RsaJwk(keys.rsa, "r");
  const size_t e = exponent_one.find("AQAB");
  ASSERT_NE(e, std::string::npos);
  exponent_one.replace(e, 4, "AQ");
  for (const std::string& key : {off_curve, exponent_one}) {
    const auto set = ParseKeySet(R"({"keys":[)" + key + "]}");
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().code, Code::kFailedPrecondition);
  }
}

TEST(KeySetTest, SaysWhatIsWrong) {
  EXPECT_THAT(ParseKeySet("<html>").error().message, HasSubstr("no JSON"));
  EXPECT_THAT(ParseKeySet("{}").error().message, HasSubstr("no 'keys'"));
  EXPECT_THAT(ParseKeySet(R"({"keys":[],"keys":[]})").error().message,
              HasSubstr("twice"));
  std::string many = R"({"keys":[0)";
  for (size_t i = 1; i <= kMaxKeys; ++i) many += ",0";
  EXPECT_THAT(ParseKeySet(many + "]}").error().message, HasSubstr("64"));
  EXPECT_THAT(
      ParseKeySet(std::string(kMaxKeySetBytes + 1, ' ')).error().message,
      HasSubstr("over its limit"));
}

TEST(StrictJsonTest, Base64UrlHasOneTextForOneValue) {
  for (const std::string_view bytes :
       {std::string_view(""), std::string_view("f"), std::string_view("fo"),
        std::string_view("foo"), std::string_view("\xff\xfe\xfd\xfc")}) {
    EXPECT_EQ(ToBase64Url(AsBytes(bytes)), Base64Url(bytes));
    EXPECT_EQ(FromBase64Url(Base64Url(bytes)), std::string(bytes));
  }
  for (const char* bad : {"A", "AB==", "AB", "A+B/", "AA A", "AAAAA"}) {
    EXPECT_FALSE(FromBase64Url(bad)) << bad;
  }
}

}  // namespace
}  // namespace sekisho::oidc
