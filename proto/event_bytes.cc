#include "proto/event_bytes.h"

#include <sodium.h>

#include <cstring>

namespace sekisho::event {
namespace {

constexpr std::string_view kSignatureDomain = "sekisho-event-1";

const unsigned char* U(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* U(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

class Sha256Stream {
 public:
  Sha256Stream() { crypto_hash_sha256_init(&state_); }
  Sha256Stream& Add(ByteSpan bytes) {
    crypto_hash_sha256_update(&state_, U(bytes.data()), bytes.size());
    return *this;
  }
  Hash Final() {
    Hash hash;
    crypto_hash_sha256_final(&state_, U(hash.data()));
    return hash;
  }

 private:
  crypto_hash_sha256_state state_;
};

Result<Hash> ToHash(std::string_view bytes, std::string_view what) {
  Hash hash;
  if (bytes.size() != hash.size()) {
    return Fail(Code::kInvalidArgument,
                std::string(what) + " is not 32 bytes long");
  }
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

std::string SignedMessage(const Hash& hash) {
  std::string message(kSignatureDomain);
  message += AsText(hash);
  return message;
}

Result<Hash> PersonalHashOf(const v1::EventRecord& record) {
  if (record.salt().empty()) {
    if (!record.personal_part().empty()) {
      return Fail(Code::kInvalidArgument, "personal part without a salt");
    }
    return ToHash(record.personal_hash(), "personal_hash");
  }
  if (record.salt().size() != kSaltBytes) {
    return Fail(Code::kInvalidArgument, "salt is not 32 bytes long");
  }
  return PersonalHash(AsBytes(record.salt()), AsBytes(record.personal_part()));
}

struct Checked {
  Hash prev;
  v1::PublicPart part;
};

Result<v1::PublicPart> CheckPublicPart(const v1::EventRecord& record,
                                       std::string_view agent_id) {
  v1::PublicPart part;
  if (!part.ParseFromString(record.public_part())) {
    return Fail(Code::kInvalidArgument, "public part does not parse");
  }
  if (part.epoch() != record.epoch() || part.sequence() != record.sequence()) {
    return Fail(Code::kInvalidArgument,
                "public part names another epoch or sequence");
  }
  if (!agent_id.empty() && part.agent_id() != agent_id) {
    return Fail(Code::kInvalidArgument, "public part names another agent");
  }
  return part;
}

// What can be said of a record without the one before it.
Result<Checked> CheckAlone(const v1::EventRecord& record,
                           const ChainPublicKey& key,
                           std::string_view agent_id) {
  if (record.public_part().size() > kMaxPublicBytes ||
      record.personal_part().size() > kMaxPersonalBytes) {
    return Fail(Code::kInvalidArgument, "event is over its size cap");
  }
  Checked checked;
  ASSIGN_OR_RETURN(const Hash claimed, ToHash(record.hash(), "hash"));
  ASSIGN_OR_RETURN(checked.prev, ToHash(record.prev_hash(), "prev_hash"));
  ASSIGN_OR_RETURN(const Hash personal, PersonalHashOf(record));
  if (ChainHash(checked.prev, AsBytes(record.public_part()), personal) !=
      claimed) {
    return Fail(Code::kInvalidArgument, "hash does not fit the event's bytes");
  }
  const std::string message = SignedMessage(claimed);
  if (record.signature().size() != sizeof(Signature) ||
      crypto_sign_ed25519_verify_detached(U(AsBytes(record.signature()).data()),
                                          U(AsBytes(message).data()),
                                          message.size(), U(key.data())) != 0) {
    return Fail(Code::kUnauthenticated,
                "signature is not by the agent's chain key");
  }
  ASSIGN_OR_RETURN(checked.part, CheckPublicPart(record, agent_id));
  return checked;
}

}  // namespace

Hash Sha256(ByteSpan bytes) { return Sha256Stream().Add(bytes).Final(); }

Hash PersonalHash(ByteSpan salt, ByteSpan personal) {
  return Sha256Stream().Add(salt).Add(personal).Final();
}

Hash ChainHash(const Hash& prev, ByteSpan public_part,
               const Hash& personal_hash) {
  static constexpr std::array<std::byte, 1> kLeaf{std::byte{1}};
  const Hash public_hash = Sha256(public_part);
  return Sha256Stream()
      .Add(kLeaf)
      .Add(prev)
      .Add(public_hash)
      .Add(personal_hash)
      .Final();
}

ChainKeyPair NewChainKeyPair() {
  ChainKeyPair pair;
  crypto_sign_ed25519_keypair(U(pair.public_key.data()),
                              U(pair.secret_key.data()));
  return pair;
}

Result<v1::EventRecord> Append(Head& head, v1::PublicPart public_part,
                               const v1::PersonalPart& personal_part,
                               const ChainSecretKey& key) {
  v1::EventRecord record;
  record.set_epoch(head.epoch);
  record.set_sequence(head.sequence + 1);
  public_part.set_epoch(record.epoch());
  public_part.set_sequence(record.sequence());
  if (!public_part.SerializeToString(record.mutable_public_part()) ||
      !personal_part.SerializeToString(record.mutable_personal_part())) {
    return Fail(Code::kInternal, "event does not serialise");
  }
  if (record.public_part().size() > kMaxPublicBytes ||
      record.personal_part().size() > kMaxPersonalBytes) {
    return Fail(Code::kResourceExhausted, "event is over its size cap");
  }
  std::array<std::byte, kSaltBytes> salt;
  FillRandom(salt);
  record.set_salt(std::string(AsText(salt)));
  const Hash hash =
      ChainHash(head.hash, AsBytes(record.public_part()),
                PersonalHash(salt, AsBytes(record.personal_part())));
  record.set_prev_hash(std::string(AsText(head.hash)));
  record.set_hash(std::string(AsText(hash)));
  const std::string message = SignedMessage(hash);
  Signature signature;
  crypto_sign_ed25519_detached(U(signature.data()), nullptr,
                               U(AsBytes(message).data()), message.size(),
                               U(key.data()));
  record.set_signature(std::string(AsText(signature)));
  head.sequence = record.sequence();
  head.hash = hash;
  return record;
}

Status CheckNext(const Head& head, const v1::EventRecord& record,
                 const ChainPublicKey& key, std::string_view agent_id) {
  ASSIGN_OR_RETURN(const Checked checked, CheckAlone(record, key, agent_id));
  if (record.epoch() != head.epoch || record.sequence() > head.sequence + 1) {
    return Fail(Code::kDataLoss,
                "gap: expected sequence " + std::to_string(head.sequence + 1) +
                    " of epoch " + std::to_string(head.epoch) + ", got " +
                    std::to_string(record.sequence()) + " of epoch " +
                    std::to_string(record.epoch()));
  }
  if (record.sequence() <= head.sequence) {
    return Fail(Code::kAlreadyExists, "sequence " +
                                          std::to_string(record.sequence()) +
                                          " is at or before the head");
  }
  if (checked.prev != head.hash) {
    return Fail(Code::kAborted, "fork: prev_hash is not the head's hash");
  }
  return {};
}

Status CheckEpochStart(const Head& head, const v1::EventRecord& record,
                       const ChainPublicKey& key, std::string_view agent_id) {
  ASSIGN_OR_RETURN(const Checked checked, CheckAlone(record, key, agent_id));
  const std::string epoch = "epoch " + std::to_string(record.epoch());
  if (record.epoch() <= head.epoch) {
    return Fail(
        Code::kOutOfRange,
        epoch + " is over: epoch " + std::to_string(head.epoch) + " has begun");
  }
  if (record.sequence() != 1) {
    return Fail(Code::kDataLoss, "gap: " + epoch + " begins at sequence " +
                                     std::to_string(record.sequence()));
  }
  if (checked.prev != Hash{}) {
    return Fail(Code::kInvalidArgument,
                epoch + " does not begin with a prev_hash of zeros");
  }
  if (checked.part.kind() != v1::EVENT_KIND_GAP ||
      checked.part.lost_count() < 1 ||
      checked.part.closed_epoch() < head.epoch ||
      checked.part.closed_epoch() >= record.epoch()) {
    return Fail(Code::kInvalidArgument,
                epoch + " does not open with a GAP that closes epoch " +
                    std::to_string(head.epoch));
  }
  return {};
}

Status CheckFollows(const Head& head, const v1::EventRecord& record,
                    const ChainPublicKey& key, std::string_view agent_id) {
  return record.epoch() == head.epoch
             ? CheckNext(head, record, key, agent_id)
             : CheckEpochStart(head, record, key, agent_id);
}

Head HeadOf(const v1::EventRecord& record) {
  Head head;
  head.epoch = record.epoch();
  head.sequence = record.sequence();
  if (record.hash().size() == head.hash.size()) {
    std::memcpy(head.hash.data(), record.hash().data(), head.hash.size());
  }
  return head;
}

}  // namespace sekisho::event
