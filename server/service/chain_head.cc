#include "server/service/chain_head.h"

#include <cstring>

namespace sekisho::service {

event::v1::ChainHead ToProto(const event::Head& head) {
  event::v1::ChainHead said;
  said.set_epoch(head.epoch);
  said.set_sequence(head.sequence);
  said.set_hash(std::string(AsText(head.hash)));
  return said;
}

event::Head FromProto(const event::v1::ChainHead& said) {
  event::Head head;
  head.epoch = said.epoch();
  head.sequence = said.sequence();
  if (said.hash().size() == head.hash.size()) {
    std::memcpy(head.hash.data(), said.hash().data(), head.hash.size());
  }
  return head;
}

event::v1::LogState ToProto(const core::LogNews& news,
                            const merkle::Verifier& log) {
  event::v1::LogState state;
  state.set_key(merkle::PrintVerifier(log));
  state.set_checkpoint(news.checkpoint);
  state.set_from_size(news.from);
  for (const merkle::Hash& hash : news.consistency) {
    state.add_consistency(std::string(AsText(hash)));
  }
  return state;
}

}  // namespace sekisho::service
