#include "policy/envelope.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>

#include "policy/envelope_choice.h"

namespace sekisho::policy {
namespace {

// The key pair of the seed 00 01 02 ... 1f plus `offset` in the first byte.
KeyPair Key(unsigned char offset = 0) {
  std::array<unsigned char, crypto_sign_SEEDBYTES> seed;
  for (size_t i = 0; i < seed.size(); ++i) {
    seed[i] = static_cast<unsigned char>(i);
  }
  seed[0] = offset;
  KeyPair pair;
  EXPECT_EQ(crypto_sign_seed_keypair(
                reinterpret_cast<unsigned char*>(pair.public_key.data()),
                reinterpret_cast<unsigned char*>(pair.secret_key.data()),
                seed.data()),
            0);
  return pair;
}

Envelope PolicyEnvelope(int64_t version = 7) {
  Envelope envelope;
  envelope.type = "policy";
  envelope.version = version;
  envelope.issued_seconds = 1'763'900'000;
  envelope.body = "policy: 1\n";
  return envelope;
}

Root RootOf(std::vector<PublicKey> keys, int threshold = 1) {
  Root root;
  root.roles["policy"] = {threshold, std::move(keys)};
  return root;
}

Code Refusal(std::string_view sealed, const Root& root,
             std::string_view type = "policy", std::string_view agent = "a-1",
             int64_t newest = 0) {
  const auto envelope = OpenEnvelope(sealed, type, root, agent, newest);
  return envelope ? Code::kOk : envelope.error().code;
}

// Frozen: made with openssl from the bytes the header comment describes.
constexpr std::string_view kVectorPublicKey =
    "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
constexpr std::string_view kVectorKeyId = "56475aa75463474c0285df5dbf2bcab7";
constexpr std::string_view kVectorSealed =
    "53454b4953484f2d454e56454c4f50452d310a3d000000747970653d706f6c6963790a76"
    "657273696f6e3d370a6973737565643d313736333930303030300a657870697265733d30"
    "0a61756469656e63653d2a0a0a000000706f6c6963793a20310a010056475aa75463474c"
    "0285df5dbf2bcab77d98711a0d7c96f54517c19ebc3ac1b05118ef8f41bd4e982a060691"
    "627d99bc98531722a61ea2eadf20a584a0b6b79ff75f045913ec2326bc6cc7cc95a3bf0"
    "0";

TEST(Envelope, SealsExactlyTheFrozenBytes) {
  const KeyPair key = Key();
  EXPECT_EQ(ToHex(key.public_key), kVectorPublicKey);
  EXPECT_EQ(ToHex(IdOf(key.public_key)), kVectorKeyId);
  EXPECT_EQ(ToHex(AsBytes(Seal(PolicyEnvelope(), {key}))), kVectorSealed);
}

TEST(Envelope, OpensTheFrozenBytes) {
  const auto bytes = FromHex(kVectorSealed);
  ASSERT_TRUE(bytes);
  const auto envelope = OpenEnvelope(AsText(*bytes), "policy",
                                     RootOf({Key().public_key}), "a-1", 7);
  ASSERT_TRUE(envelope) << envelope.error().message;
  EXPECT_EQ(envelope->version, 7);
  EXPECT_EQ(envelope->issued_seconds, 1'763'900'000);
  EXPECT_EQ(envelope->expires_seconds, 0);
  EXPECT_EQ(envelope->audience, "*");
  EXPECT_EQ(envelope->body, "policy: 1\n");
}

TEST(Envelope, RefusesEveryAlteredByte) {
  const std::string sealed = Seal(PolicyEnvelope(), {Key()});
  const Root root = RootOf({Key().public_key});
  ASSERT_EQ(Refusal(sealed, root), Code::kOk);
  for (size_t i = 0; i < sealed.size(); ++i) {
    for (const unsigned mask : {0x01U, 0x80U, 0xffU}) {
      std::string altered = sealed;
      altered[i] =
          static_cast<char>(static_cast<unsigned char>(altered[i]) ^ mask);
      EXPECT_NE(Refusal(altered, root), Code::kOk) << "byte " << i;
    }
  }
}

TEST(Envelope, RefusesEveryTruncationAndAnyByteMore) {
  const std::string sealed = Seal(PolicyEnvelope(), {Key()});
  const Root root = RootOf({Key().public_key});
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_EQ(Refusal(sealed.substr(0, size), root), Code::kInvalidArgument);
  }
  EXPECT_EQ(Refusal(sealed + '\0', root), Code::kInvalidArgument);
}

TEST(Envelope, RefusesUnsignedAndForeignKeys) {
  const Root root = RootOf({Key().public_key});
  EXPECT_EQ(Refusal(Seal(PolicyEnvelope(), {}), root), Code::kUnauthenticated);
  EXPECT_EQ(Refusal(Seal(PolicyEnvelope(), {Key(9)}), root),
            Code::kUnauthenticated);
  EXPECT_EQ(Refusal(Seal(PolicyEnvelope(), {Key()}), Root{}),
            Code::kUnauthenticated);
  // A key id may be claimed by anyone; the signature decides.
  KeyPair thief = Key(9);
  thief.public_key = Key().public_key;
  EXPECT_EQ(Refusal(Seal(PolicyEnvelope(), {thief}), root),
            Code::kUnauthenticated);
}

TEST(Envelope, RefusesOtherTypeAudienceAndOlderVersion) {
  const Root root = RootOf({Key().public_key});
  const std::string sealed = Seal(PolicyEnvelope(7), {Key()});
  EXPECT_EQ(Refusal(sealed, root, "devices"), Code::kInvalidArgument);
  EXPECT_EQ(Refusal(sealed, root, "policy", "a-1", 7), Code::kOk);
  EXPECT_EQ(Refusal(sealed, root, "policy", "a-1", 8),
            Code::kFailedPrecondition);
  Envelope personal = PolicyEnvelope();
  personal.audience = "a-1";
  const std::string for_one = Seal(personal, {Key()});
  EXPECT_EQ(Refusal(for_one, root, "policy", "a-1"), Code::kOk);
  EXPECT_EQ(Refusal(for_one, root, "policy", "a-2"), Code::kPermissionDenied);
}

TEST(Envelope, TwoEyesAreTwoDifferentKeys) {
  const Root root = RootOf({Key(1).public_key, Key(2).public_key}, 2);
  EXPECT_EQ(Refusal(Seal(PolicyEnvelope(), {Key(1), Key(2)}), root), Code::kOk);
  EXPECT_EQ(Refusal(Seal(PolicyEnvelope(), {Key(1)}), root),
            Code::kUnauthenticated);
  EXPECT_EQ(Refusal(Seal(PolicyEnvelope(), {Key(1), Key(1)}), root),
            Code::kUnauthenticated);
  EXPECT_EQ(Refusal(Seal(PolicyEnvelope(), {Key(1), Key(3)}), root),
            Code::kUnauthenticated);
  // A root made by hand that names one key twice still wants two keys.
  const Root doubled = RootOf({Key(1).public_key, Key(1).public_key}, 2);
  EXPECT_EQ(Refusal(Seal(PolicyEnvelope(), {Key(1), Key(1)}), doubled),
            Code::kUnauthenticated);
}

TEST(Envelope, CoSignAddsOneSignatureOnce) {
  const std::string one = Seal(PolicyEnvelope(), {Key(1)});
  const auto two = CoSign(one, Key(2));
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_EQ(*two, Seal(PolicyEnvelope(), {Key(1), Key(2)}));
  EXPECT_EQ(CoSign(*two, Key(2)).error().code, Code::kAlreadyExists);
  EXPECT_EQ(CoSign("x", Key(2)).error().code, Code::kInvalidArgument);
}

TEST(Envelope, HoldsTheMostSignaturesAndRefusesOneMore) {
  std::vector<KeyPair> keys;
  for (unsigned char i = 0; i < kMaxSignatures; ++i) keys.push_back(Key(i));
  std::string sealed = Seal(PolicyEnvelope(), keys);
  EXPECT_EQ(ParseEnvelope(sealed)->signatures.size(), kMaxSignatures);
  EXPECT_EQ(CoSign(sealed, Key(99)).error().code, Code::kResourceExhausted);
  const size_t count_at = sealed.size() - kMaxSignatures * 80 - 2;
  sealed[count_at] = static_cast<char>(kMaxSignatures + 1);
  sealed += std::string(80, 'x');
  EXPECT_EQ(ParseEnvelope(sealed).error().code, Code::kInvalidArgument);
}

TEST(Envelope, RefusesMoreThanTheSizeCap) {
  const std::string large(kMaxEnvelopeBytes + 1, 'x');
  EXPECT_EQ(ParseEnvelope(large).error().code, Code::kInvalidArgument);
}

TEST(Envelope, HeaderHasOneSpelling) {
  const auto with_header = [](const std::string& header) {
    std::string bytes = "SEKISHO-ENVELOPE-1\n";
    bytes += static_cast<char>(header.size());
    bytes += std::string(3, '\0') + header + std::string(4, '\0');
    bytes += std::string(2, '\0');
    return ParseEnvelope(bytes).has_value();
  };
  const std::string tail = "issued=0\nexpires=0\naudience=*\n";
  EXPECT_TRUE(with_header("type=policy\nversion=1\n" + tail));
  EXPECT_FALSE(with_header("type=policy\nversion=01\n" + tail));
  EXPECT_FALSE(with_header("type=policy\nversion=+1\n" + tail));
  EXPECT_FALSE(with_header("type=policy\nversion=-1\n" + tail));
  EXPECT_FALSE(with_header("type=policy\nversion=\n" + tail));
  EXPECT_FALSE(
      with_header("type=policy\nversion=99999999999999999999\n" + tail));
  EXPECT_FALSE(with_header("type=Policy\nversion=1\n" + tail));
  EXPECT_FALSE(with_header("version=1\ntype=policy\n" + tail));
  EXPECT_FALSE(with_header("type=policy\nversion=1\n" + tail + "x=1\n"));
  EXPECT_FALSE(
      with_header("type=policy\nversion=1\nissued=0\nexpires=0\n"
                  "audience=\n"));
}

TEST(Envelope, AnExpiredOneIsReturned) {
  Envelope envelope = PolicyEnvelope();
  envelope.expires_seconds = 1;
  EXPECT_EQ(Refusal(Seal(envelope, {Key()}), RootOf({Key().public_key})),
            Code::kOk);
}

TEST(Root, PrintsAndReadsBack) {
  Root root = RootOf({Key(1).public_key, Key(2).public_key}, 2);
  root.roles["devices"] = {1, {Key(3).public_key}};
  const auto read = ParseRoot(PrintRoot(root));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->roles.at("policy").threshold, 2);
  EXPECT_EQ(read->roles.at("policy").keys, root.roles["policy"].keys);
  EXPECT_EQ(PrintRoot(*read), PrintRoot(root));
}

TEST(Root, RefusesWhatIsNotOne) {
  const std::string key = ToHex(Key(1).public_key);
  const std::string head = "sekisho-root-1\n";
  EXPECT_TRUE(ParseRoot(head + "policy 1 " + key + "\n"));
  EXPECT_TRUE(ParseRoot(head + "policy 1 " + key));
  for (const std::string& text :
       {std::string(), std::string("sekisho-root-2\n"),
        head + "policy 0 " + key, head + "policy 2 " + key,
        head + "policy -1 " + key, head + "policy 1", head + "policy " + key,
        head + "policy 1 " + key.substr(2),
        head + "policy 2 " + key + " " + key,
        head + "policy 1 " + key + "\npolicy 1 " + key,
        head + "\npolicy 1 " + key, head + "Policy 1 " + key}) {
    EXPECT_FALSE(ParseRoot(text)) << text;
  }
}

TEST(ChooseEnvelope, TakesTheNewestGoodOne) {
  const Root root = RootOf({Key().public_key});
  std::string damaged = Seal(PolicyEnvelope(9), {Key()});
  damaged[30] ^= 1;
  Envelope old = PolicyEnvelope(6);
  old.expires_seconds = 5;
  const std::vector<std::string> stored{
      Seal(old, {Key()}), damaged, Seal(PolicyEnvelope(8), {Key()}),
      Seal(PolicyEnvelope(7), {Key()}), "junk"};
  const auto chosen = ChooseEnvelope(stored, "policy", root, "a-1", 0, 100);
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_EQ(chosen->envelope.version, 8);
  EXPECT_EQ(chosen->index, 2U);
  EXPECT_FALSE(chosen->expired);
  EXPECT_EQ(chosen->refused.size(), 2U);

  const auto only_old =
      ChooseEnvelope(std::span(stored).first(1), "policy", root, "a-1", 6, 5);
  ASSERT_TRUE(only_old);
  EXPECT_TRUE(only_old->expired);

  const auto none = ChooseEnvelope(stored, "policy", root, "a-1", 9, 100);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace sekisho::policy
