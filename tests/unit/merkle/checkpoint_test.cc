// Signed checkpoints: the C2SP forms, and what must not pass for one.
#include "merkle/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::merkle {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The example key of C2SP signed-note.
constexpr char kPeter[] =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
// The note of Go's golang.org/x/mod/sumdb/note, which this key signed.
constexpr char kPeterNote[] =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIu"
    "GUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

Head SomeHead() {
  Head head;
  head.size = 1234;
  head.root.fill(std::byte{7});
  return head;
}

TEST(Checkpoint, SpeaksTheFormThatOthersSpeak) {
  const auto peter = ParseVerifier(kPeter);
  ASSERT_TRUE(peter) << peter.error().message;
  EXPECT_EQ(peter->name, "PeterNeumann");
  EXPECT_EQ(PrintVerifier(*peter), kPeter);
  // His signature holds; only then is it seen that this is no checkpoint.
  const auto opened = OpenCheckpoint(kPeterNote, *peter);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kInvalidArgument);
  std::string forged = kPeterNote;
  forged[0] = 'i';
  EXPECT_EQ(OpenCheckpoint(forged, *peter).error().code,
            Code::kUnauthenticated);
}

TEST(Checkpoint, OpensWhatWasSigned) {
  const Signer signer = NewSigner();
  const std::string note = SignCheckpoint(SomeHead(), signer);
  EXPECT_THAT(note, StartsWith(signer.verifier.name + "\n1234\nBwcH"));
  EXPECT_EQ(*OpenCheckpoint(note, signer.verifier), SomeHead());
  // Other signers' lines, a witness's for one, stand beside it.
  EXPECT_EQ(*OpenCheckpoint(note + "\xe2\x80\x94 witness AAAAAAAA\n",
                            signer.verifier),
            SomeHead());
}

TEST(Checkpoint, KeysComeBack) {
  const Signer signer = NewSigner();
  const auto back = ParseSigner(PrintSigner(signer));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->verifier, signer.verifier);
  EXPECT_EQ(back->key, signer.key);
  std::string damaged = PrintSigner(signer);
  damaged[damaged.size() - 3] = damaged[damaged.size() - 3] == '0' ? '1' : '0';
  EXPECT_FALSE(ParseSigner(damaged));
  EXPECT_FALSE(ParseSigner(""));
  std::string slip = kPeter;
  slip[slip.find('+') + 1] = 'd';
  for (const std::string& bad :
       {slip, std::string("x"), std::string("a+b"), std::string("++"),
        std::string("a+00000000+AAAA")}) {
    EXPECT_FALSE(ParseVerifier(bad)) << bad;
  }
}

TEST(Checkpoint, NothingChangedOpens) {
  const Signer signer = NewSigner();
  const std::string note = SignCheckpoint(SomeHead(), signer);
  for (size_t i = 0; i < note.size(); ++i) {
    std::string changed = note;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(OpenCheckpoint(changed, signer.verifier)) << i;
  }
  for (size_t i = 0; i < note.size(); ++i) {
    EXPECT_FALSE(OpenCheckpoint(note.substr(0, i), signer.verifier)) << i;
  }
  EXPECT_FALSE(OpenCheckpoint(note, NewSigner().verifier));
  EXPECT_FALSE(
      OpenCheckpoint(std::string(kMaxNoteBytes, 'x') + note, signer.verifier));
  std::string many = note;
  for (int i = 0; i < 40; ++i) many += "\xe2\x80\x94 w AAAA\n";
  EXPECT_FALSE(OpenCheckpoint(many, signer.verifier));
}

}  // namespace
}  // namespace sekisho::merkle
