// What is asked of the Merkle log; it is written in sqlite_store.cc, with the
// events.
#include "server/store/log_tree.h"
#include "server/store/sqlite_store.h"

namespace sekisho::store {

// Of a database that others write to, it is asked; what was seen once stays
// true, so mostly its size is enough.
Result<merkle::Head> SqliteStore::LogHead() {
  merkle::Head known;
  {
    std::lock_guard lock(mutex_);
    known = log_head_;
  }
  if (!engine_->IsShared()) return known;
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(const int64_t size, LogTree::SizeIn(*db));
  if (size == known.size) return known;
  ASSIGN_OR_RETURN(const LogTree log, LogTree::Load(*db));
  std::lock_guard lock(mutex_);
  if (log.size() > log_head_.size) log_head_ = log.head();
  return log.head();
}

Result<merkle::Head> SqliteStore::LogHeadAt(int64_t size) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(const merkle::Hash root,
                   merkle::RootOf(size, ReadingTiles(*db)));
  return merkle::Head{size, root};
}

Result<std::vector<merkle::Proof>> SqliteStore::ProveInclusion(
    const std::vector<int64_t>& leaves, int64_t size) {
  ASSIGN_OR_RETURN(Reading db, Read());
  const merkle::ReadHash read = ReadingTiles(*db);
  std::vector<merkle::Proof> proofs;
  for (const int64_t leaf : leaves) {
    if (leaf >= size) {
      proofs.emplace_back();  // newer than the checkpoint
      continue;
    }
    ASSIGN_OR_RETURN(merkle::Proof proof,
                     merkle::InclusionProof(leaf, size, read));
    proofs.push_back(std::move(proof));
  }
  return proofs;
}

Result<merkle::Proof> SqliteStore::ProveConsistency(int64_t from, int64_t to) {
  ASSIGN_OR_RETURN(Reading db, Read());
  return merkle::ConsistencyProof(from, to, ReadingTiles(*db));
}

}  // namespace sekisho::store
