// The event's frozen bytes: hash chain and signature (see event.proto). Used
// by the agent that makes them, the server that checks them and the verifier.
#pragma once

#include <array>
#include <cstdint>

#include "common/bytes.h"
#include "common/result.h"
#include "sekisho/event/v1/event.pb.h"

namespace sekisho::event {

using Hash = std::array<std::byte, 32>;
using Signature = std::array<std::byte, 64>;
using ChainPublicKey = std::array<std::byte, 32>;
using ChainSecretKey = std::array<std::byte, 64>;  // libsodium's form

inline constexpr size_t kMaxPublicBytes = size_t{32} * 1024;
inline constexpr size_t kMaxPersonalBytes = size_t{64} * 1024;
inline constexpr size_t kSaltBytes = 32;

struct Head {
  int32_t epoch = 1;
  int64_t sequence = 0;  // 0 = no event yet
  Hash hash{};           // 32 zero bytes while sequence is 0
  bool operator==(const Head&) const = default;
};

Hash Sha256(ByteSpan bytes);
Hash PersonalHash(ByteSpan salt, ByteSpan personal);
Hash ChainHash(const Hash& prev, ByteSpan public_part,
               const Hash& personal_hash);

struct ChainKeyPair {
  ChainPublicKey public_key;
  ChainSecretKey secret_key;
};
ChainKeyPair NewChainKeyPair();

// Serialises both parts once and signs: `public_part.epoch/sequence` are set
// to head's next. Returns the record; `head` becomes the record's.
Result<v1::EventRecord> Append(Head& head, v1::PublicPart public_part,
                               const v1::PersonalPart& personal_part,
                               const ChainSecretKey& key);

// Checks that `record` follows `head` (sequence + 1, prev_hash), that its hash
// is right and its signature is by `key`, and that PublicPart says the same
// agent, epoch and sequence. kDataLoss: a gap; kAlreadyExists: at or before the
// head; kAborted: a fork (does not follow the head's hash); kInvalidArgument:
// malformed or over a cap; kUnauthenticated: signature. `agent_id` empty = not
// compared. An erased record (no salt) is checked by its personal_hash.
Status CheckNext(const Head& head, const v1::EventRecord& record,
                 const ChainPublicKey& key, std::string_view agent_id);
// Checks that `record` opens an epoch after head's: sequence 1, prev_hash of
// zeros, a GAP whose closed_epoch is head's or later; besides all of
// CheckNext() that needs no predecessor. kOutOfRange: an epoch before head's
// (rolled back or replayed); kDataLoss: not the epoch's first event; others as
// CheckNext().
Status CheckEpochStart(const Head& head, const v1::EventRecord& record,
                       const ChainPublicKey& key, std::string_view agent_id);
// The one of the two that the record's epoch calls for.
Status CheckFollows(const Head& head, const v1::EventRecord& record,
                    const ChainPublicKey& key, std::string_view agent_id);
Head HeadOf(const v1::EventRecord& record);

}  // namespace sekisho::event
