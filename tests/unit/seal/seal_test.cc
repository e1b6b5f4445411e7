#include "seal/seal.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <set>

#include "common/file.h"

namespace sekisho::seal {
namespace {

class SealTest : public testing::Test {
 protected:
  static PrivateKey NewKey() {
    auto key = PrivateKey::Generate();
    EXPECT_TRUE(key) << key.error().message;
    return *std::move(key);
  }
  const PrivateKey key_ = NewKey();
};

TEST_F(SealTest, OnlyTheHolderOfTheKeyReadsIt) {
  const auto sealed = Seal("山田 太*", key_.public_key());
  ASSERT_TRUE(sealed) << sealed.error().message;
  EXPECT_EQ(sealed->find("山田"), std::string::npos);
  EXPECT_EQ(key_.Open(AsBytes(*sealed)), "山田 太*");
  EXPECT_EQ(SealedFor(AsBytes(*sealed)), IdOf(key_.public_key()));
  const PrivateKey other = NewKey();
  EXPECT_EQ(other.Open(AsBytes(*sealed)).error().code, Code::kPermissionDenied);
}

TEST_F(SealTest, TheSameTextIsNeverSealedTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) {
    seen.insert(*Seal("a", key_.public_key()));
  }
  EXPECT_EQ(seen.size(), 20u);
}

TEST_F(SealTest, AnyChangedByteIsNoticed) {
  const std::string sealed = *Seal("a text", key_.public_key());
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(key_.Open(AsBytes(changed))) << i;
  }
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(key_.Open(AsBytes(sealed.substr(0, size)))) << size;
  }
  EXPECT_FALSE(key_.Open(AsBytes(sealed + "x")));
}

TEST_F(SealTest, TakesTextUpToItsBound) {
  const std::string longest(kMaxTextBytes, 'x');
  const auto sealed = Seal(longest, key_.public_key());
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->size(), kMaxSealedBytes);
  EXPECT_EQ(key_.Open(AsBytes(*sealed)), longest);
  EXPECT_EQ(Seal(longest + "x", key_.public_key()).error().code,
            Code::kInvalidArgument);
  EXPECT_FALSE(key_.Open(Bytes(kMaxSealedBytes + 1, std::byte{1})));
}

TEST_F(SealTest, RefusesPointsOffTheCurve) {
  PublicKey off = key_.public_key();
  off[64] ^= std::byte{1};
  EXPECT_EQ(Seal("a", off).error().code, Code::kInvalidArgument);
  EXPECT_EQ(Seal("a", PublicKey{}).error().code, Code::kInvalidArgument);
}

TEST_F(SealTest, AKeyIsKeptUnderItsPassphrase) {
  const std::string text = *key_.ToText("correct horse");
  const auto again = PrivateKey::FromText(text, "correct horse");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->public_key(), key_.public_key());
  EXPECT_EQ(again->Open(AsBytes(*Seal("b", key_.public_key()))), "b");
  EXPECT_EQ(PrivateKey::FromText(text, "correct hors").error().code,
            Code::kPermissionDenied);
  // The same key twice is two texts.
  EXPECT_NE(*key_.ToText("correct horse"), text);
}

// The console opens the same two files (openSamples.test.ts).
TEST_F(SealTest, OpensWhatWasSealedBefore) {
  const auto read = [](const char* name) {
    return *ReadFileAt(
        AT_FDCWD, std::string(SEKISHO_SOURCE_DIR) + "/tests/data/seal/" + name,
        4096);
  };
  const auto key =
      PrivateKey::FromText(read("analysts.key"), "a long passphrase");
  ASSERT_TRUE(key) << key.error().message;
  const std::string hex = read("samples.hex");
  std::string sealed;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    sealed += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  const auto text = key->Open(AsBytes(sealed));
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_NE(text->find("山田 太*"), std::string::npos);
}

TEST_F(SealTest, WhatIsNoKeyIsRefused) {
  const std::string text = *key_.ToText("p");
  for (const std::string& bad :
       {std::string(), std::string("sekisho-private-key 1\n"),
        text.substr(0, text.size() / 2), "x" + text,
        "sekisho-private-key 1\nid 00\npbkdf2-sha256 1 AAAA\nAAAA\n" +
            std::string(5000, 'x')}) {
    EXPECT_FALSE(PrivateKey::FromText(bad, "p")) << bad;
  }
  // Nobody makes it weaker by hand.
  std::string weak = text;
  weak.replace(weak.find("600000"), 6, "1");
  EXPECT_EQ(PrivateKey::FromText(weak, "p").error().code,
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace sekisho::seal
