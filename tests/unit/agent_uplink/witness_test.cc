// A terminal holds its server to the history it has shown.
#include "agent/uplink/witness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace sekisho::uplink {
namespace {

using ::testing::HasSubstr;

// A server's log, honest or not.
class Log {
 public:
  explicit Log(merkle::Signer signer) : signer_(std::move(signer)) {}
  void Add(int count, const std::string& what = "event") {
    for (int i = 0; i < count; ++i) {
      leaves_.push_back(
          merkle::LeafHash(AsBytes(what + std::to_string(leaves_.size()))));
    }
  }
  void Change(size_t leaf) { leaves_[leaf] = merkle::LeafHash(AsBytes("no")); }
  void Cut(size_t size) { leaves_.resize(size); }
  event::v1::LogState StateFrom(int64_t from) const {
    const auto size = static_cast<int64_t>(leaves_.size());
    event::v1::LogState state;
    state.set_key(merkle::PrintVerifier(signer_.verifier));
    state.set_checkpoint(merkle::SignCheckpoint(
        {size, *merkle::RootOf(size, Reading())}, signer_));
    if (from <= size) {
      state.set_from_size(from);
      const auto proof = merkle::ConsistencyProof(from, size, Reading());
      for (const auto& hash : *proof) {
        state.add_consistency(std::string(AsText(hash)));
      }
    }
    return state;
  }

 private:
  merkle::ReadHash Reading() const {
    return [this](int level, int64_t index) -> Result<merkle::Hash> {
      EXPECT_EQ(level, 0) << "small trees only";
      return leaves_[static_cast<size_t>(index)];
    };
  }
  const merkle::Signer signer_;
  std::vector<merkle::Hash> leaves_;
};

class WitnessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "witness-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
    Start();
    log_.Add(5);
    ASSERT_TRUE(witness_->Take(log_.StateFrom(0)));
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  // As a restart of the uplink.
  void Start() {
    witness_ = std::make_unique<Witness>(dir_ + "/log.witness", clock_);
  }
  std::string Refusal(const event::v1::LogState& state) {
    const std::string before = witness_->checkpoint();
    const Status taken = witness_->Take(state);
    EXPECT_EQ(witness_->checkpoint() == before, !taken.has_value());
    return taken ? "" : taken.error().message;
  }

  std::string dir_;
  SystemClock clock_;
  const merkle::Signer signer_ = merkle::NewSigner();
  Log log_{signer_};
  std::unique_ptr<Witness> witness_;
};

TEST_F(WitnessTest, GoesAlongWithALogThatGrows) {
  log_.Add(6);
  EXPECT_EQ(Refusal(log_.StateFrom(5)), "");
  EXPECT_EQ(witness_->checkpoint(), log_.StateFrom(0).checkpoint());
  EXPECT_TRUE(witness_->Take(log_.StateFrom(11))) << "nothing new";
}

TEST_F(WitnessTest, KeepsWhatItSawOverARestart) {
  const std::string seen = witness_->checkpoint();
  Start();
  EXPECT_EQ(witness_->checkpoint(), seen);
  log_.Change(2);
  log_.Add(1);
  EXPECT_THAT(Refusal(log_.StateFrom(5)), HasSubstr("do not begin with"));
}

TEST_F(WitnessTest, RefusesAHistoryThatWasChanged) {
  log_.Change(0);
  EXPECT_THAT(Refusal(log_.StateFrom(5)), HasSubstr("do not begin with"))
      << "of the same size";
  log_.Add(3);
  EXPECT_THAT(Refusal(log_.StateFrom(5)), HasSubstr("do not begin with"));
}

TEST_F(WitnessTest, RefusesAHistoryThatWasCutOff) {
  log_.Cut(3);
  EXPECT_THAT(Refusal(log_.StateFrom(5)), HasSubstr("does not know the 5"));
  log_.Cut(0);
  EXPECT_THAT(Refusal(log_.StateFrom(0)), HasSubstr("does not know the 5"));
  log_.Add(9, "other");
  EXPECT_THAT(Refusal(log_.StateFrom(5)), HasSubstr("do not begin with"));
}

TEST_F(WitnessTest, RefusesAnotherKeyAndNoKey) {
  Log other(merkle::NewSigner());
  other.Add(7);
  EXPECT_THAT(Refusal(other.StateFrom(5)), HasSubstr("another key"));
  auto state = log_.StateFrom(5);
  state.set_checkpoint(other.StateFrom(5).checkpoint());
  EXPECT_THAT(Refusal(state), HasSubstr("not signed by"));
  EXPECT_THAT(Refusal({}), HasSubstr("no log any more"));
}

TEST_F(WitnessTest, RefusesProofsThatAreNone) {
  log_.Add(4);
  auto state = log_.StateFrom(5);
  *state.mutable_consistency(0) += "x";
  EXPECT_THAT(Refusal(state), HasSubstr("no proof"));
  state = log_.StateFrom(5);
  state.clear_consistency();
  EXPECT_NE(Refusal(state), "");
  for (size_t i = 0; i <= merkle::kMaxProofHashes; ++i) {
    state.add_consistency(std::string(32, 'x'));
  }
  EXPECT_THAT(Refusal(state), HasSubstr("too long"));
}

TEST_F(WitnessTest, AServerOfBeforeThereWasALogIsTaken) {
  std::filesystem::remove(dir_ + "/log.witness");
  Start();
  EXPECT_TRUE(witness_->Take({}));
  EXPECT_EQ(witness_->checkpoint(), "");
}

TEST_F(WitnessTest, ADamagedFileCountsAsNone) {
  std::ofstream(dir_ + "/log.witness") << "what\never\n";
  Start();
  EXPECT_EQ(witness_->checkpoint(), "");
  EXPECT_TRUE(witness_->Take(log_.StateFrom(0)));
}

}  // namespace
}  // namespace sekisho::uplink
