#include "proto/event_bytes.h"

#include <gtest/gtest.h>

#include <functional>

namespace sekisho::event {
namespace {

struct Chain {
  ChainKeyPair keys = NewChainKeyPair();
  Head head;
  v1::EventRecord Next(std::string_view reason = "r") {
    v1::PublicPart part;
    part.set_agent_id("a1");
    part.set_reason(std::string(reason));
    v1::PersonalPart personal;
    personal.set_person("operator");
    return Append(head, part, personal, keys.secret_key).value();
  }
};

TEST(EventBytes, AChainVerifiesRecordByRecord) {
  Chain chain;
  Head seen;
  for (int i = 0; i < 5; ++i) {
    const auto record = chain.Next();
    const auto status = CheckNext(seen, record, chain.keys.public_key, "a1");
    ASSERT_TRUE(status) << status.error().message;
    seen = HeadOf(record);
  }
  EXPECT_EQ(seen, chain.head);
}

// The contract's formula, computed by hand from its parts.
TEST(EventBytes, HashIsTheContractsFormula) {
  Chain chain;
  const auto record = chain.Next();
  std::string message(1, '\x01');
  message += std::string(32, '\0');
  message += AsText(Sha256(AsBytes(record.public_part())));
  message += AsText(Sha256(AsBytes(record.salt() + record.personal_part())));
  EXPECT_EQ(record.hash(), AsText(Sha256(AsBytes(message))));
}

TEST(EventBytes, EveryFlippedByteIsFound) {
  Chain chain;
  const auto record = chain.Next();
  const auto broken = [&](auto change) {
    v1::EventRecord copy = record;
    change(copy);
    return !CheckNext(Head{}, copy, chain.keys.public_key, "a1");
  };
  for (size_t i = 0; i < record.public_part().size(); ++i) {
    EXPECT_TRUE(broken([&](auto& r) { (*r.mutable_public_part())[i] ^= 1; }));
  }
  for (size_t i = 0; i < record.personal_part().size(); ++i) {
    EXPECT_TRUE(broken([&](auto& r) { (*r.mutable_personal_part())[i] ^= 1; }));
  }
  EXPECT_TRUE(broken([](auto& r) { (*r.mutable_salt())[0] ^= 1; }));
  EXPECT_TRUE(broken([](auto& r) { (*r.mutable_hash())[0] ^= 1; }));
  EXPECT_TRUE(broken([](auto& r) { (*r.mutable_prev_hash())[0] ^= 1; }));
  EXPECT_TRUE(broken([](auto& r) { (*r.mutable_signature())[5] ^= 1; }));
}

TEST(EventBytes, TellsGapForkRepeatAndForeignKeyApart) {
  Chain chain;
  const auto first = chain.Next();
  const auto second = chain.Next();
  const auto third = chain.Next();
  const Head at_first = HeadOf(first);
  const auto code = [&](const Head& head, const v1::EventRecord& record) {
    return CheckNext(head, record, chain.keys.public_key, "a1").error().code;
  };
  EXPECT_EQ(code(at_first, third), Code::kDataLoss);
  EXPECT_EQ(code(at_first, first), Code::kAlreadyExists);
  Head other = at_first;
  other.hash[0] ^= std::byte{1};
  EXPECT_EQ(code(other, second), Code::kAborted);
  const auto foreign = NewChainKeyPair();
  EXPECT_EQ(CheckNext(Head{}, first, foreign.public_key, "a1").error().code,
            Code::kUnauthenticated);
  EXPECT_FALSE(CheckNext(Head{}, first, chain.keys.public_key, "a2"));
}

TEST(EventBytes, ErasureLeavesTheChainWhole) {
  Chain chain;
  auto first = chain.Next();
  const auto second = chain.Next();
  first.set_personal_hash(std::string(AsText(
      PersonalHash(AsBytes(first.salt()), AsBytes(first.personal_part())))));
  first.clear_salt();
  first.clear_personal_part();
  EXPECT_TRUE(CheckNext(Head{}, first, chain.keys.public_key, "a1"));
  EXPECT_TRUE(CheckNext(HeadOf(first), second, chain.keys.public_key, "a1"));
}

TEST(EventBytes, RefusesAnEventOverItsCap) {
  Chain chain;
  v1::PublicPart part;
  part.set_reason(std::string(kMaxPublicBytes + 1, 'x'));
  Head head;
  const auto record = Append(head, part, {}, chain.keys.secret_key);
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().code, Code::kResourceExhausted);
  EXPECT_EQ(head, Head{});
}

v1::EventRecord Opening(const Chain& chain, int32_t epoch,
                        const std::function<void(v1::PublicPart&)>& change) {
  v1::PublicPart part;
  part.set_agent_id("a1");
  part.set_kind(v1::EVENT_KIND_GAP);
  part.set_lost_count(1);
  part.set_closed_epoch(epoch - 1);
  change(part);
  Head head{epoch, 0, {}};
  return Append(head, part, {}, chain.keys.secret_key).value();
}

TEST(EventBytes, ALaterEpochOpensWithItsGapAlone) {
  Chain chain;
  chain.Next();
  chain.Next();
  const auto code = [&](const v1::EventRecord& record) {
    const auto status =
        CheckFollows(chain.head, record, chain.keys.public_key, "a1");
    return status ? Code::kOk : status.error().code;
  };
  const auto same = [](v1::PublicPart&) {};
  EXPECT_EQ(code(Opening(chain, 2, same)), Code::kOk);
  // Epochs that never reached the reader may lie between.
  EXPECT_EQ(code(Opening(chain, 5, same)), Code::kOk);
  using Part = v1::PublicPart&;
  EXPECT_EQ(code(Opening(chain, 2,
                         [](Part p) { p.set_kind(v1::EVENT_KIND_TRANSFER); })),
            Code::kInvalidArgument);
  EXPECT_EQ(code(Opening(chain, 2, [](Part p) { p.set_closed_epoch(0); })),
            Code::kInvalidArgument);
  EXPECT_EQ(code(Opening(chain, 2, [](Part p) { p.set_closed_epoch(2); })),
            Code::kInvalidArgument);
  EXPECT_EQ(code(Opening(chain, 2, [](Part p) { p.set_lost_count(0); })),
            Code::kInvalidArgument);
  EXPECT_EQ(code(Opening(chain, 2, [](Part p) { p.set_agent_id("b"); })),
            Code::kInvalidArgument);
  Chain other;
  EXPECT_EQ(code(Opening(other, 2, same)), Code::kUnauthenticated);

  // Not the first event of its epoch, and one that follows the old chain.
  Chain later = chain;
  later.head = {2, 1, {}};
  EXPECT_EQ(code(later.Next()), Code::kDataLoss);
  later.head = {2, 0, chain.head.hash};
  EXPECT_EQ(code(later.Next()), Code::kInvalidArgument);

  // After epoch 3 began, 2 and 1 are over.
  chain.head = HeadOf(Opening(chain, 3, same));
  EXPECT_EQ(code(Opening(chain, 2, same)), Code::kOutOfRange);
  later.head = {1, 2, {}};
  EXPECT_EQ(code(later.Next()), Code::kOutOfRange);
}

}  // namespace
}  // namespace sekisho::event
