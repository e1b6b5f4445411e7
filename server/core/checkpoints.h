// Signed checkpoints of the Merkle log, and what agents are told so that they
// can hold the server to its history.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "merkle/checkpoint.h"
#include "server/store/store.h"

namespace sekisho::core {

// What one agent is told: the newest checkpoint, and that the tree of `from`
// leaves, which it saw before, is the beginning of it.
struct LogNews {
  std::string checkpoint;
  int64_t from = 0;
  int64_t size = 0;
  merkle::Proof consistency;
};

// Thread-safe.
class Checkpoints {
 public:
  // Makes the key file (0600) if it is not there.
  static Result<std::unique_ptr<Checkpoints>> Open(store::Store& store,
                                                   const std::string& key_path);

  const merkle::Verifier& verifier() const { return signer_.verifier; }
  // Signed once a size. Covers every event that was acknowledged before.
  Result<std::string> Newest();
  // As Newest(), with what it says.
  struct Signed {
    merkle::Head head;
    std::string note;
  };
  Result<Signed> NewestSigned();
  // Text of whole lines as a note of the same signer; merkle/checkpoint.h.
  std::string SignNote(const std::string& text) {
    return merkle::SignNote(text, signer_);
  }
  // `from` beyond the log is told as 0, without proof: what can be proved.
  Result<LogNews> Since(int64_t from);
  // What an agent shows as the last it saw. kUnauthenticated: not signed with
  // this key; kDataLoss: signed with it, but not the beginning of this log, so
  // that history was lost or rewritten here.
  Result<merkle::Head> CheckSeen(const std::string& note);

 private:
  Checkpoints(store::Store& store, merkle::Signer signer)
      : store_(store), signer_(std::move(signer)) {}
  std::string Sign(const merkle::Head& head);

  store::Store& store_;
  const merkle::Signer signer_;
  std::mutex mutex_;  // guards all below
  merkle::Head head_;
  std::string note_;
};

}  // namespace sekisho::core
