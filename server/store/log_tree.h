// The Merkle log over all events as the database keeps it: tiles of 256 hashes
// (C2SP tlog-tiles, height 8), a leaf for each row of `events` in the order of
// the rows. The writer adds to the tree in memory and saves it with the events,
// in one transaction.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "merkle/tree.h"
#include "server/store/sql.h"

namespace sekisho::store {

class LogTree {
 public:
  // kDataLoss: tiles are missing.
  static Result<LogTree> Load(Connection& db);

  // Leaves in the database, without a look at the tree.
  static Result<int64_t> SizeIn(Connection& db);

  void Append(const merkle::Hash& event_hash);
  // Writes what was added since the last time.
  Status Save(Connection& db);
  merkle::Head head() const { return tree_.head(); }
  int64_t size() const { return tree_.size(); }

 private:
  void Push(size_t level, const merkle::Hash& hash);

  merkle::Growing tree_;
  // By level: the hashes of the last tile, which is not full.
  std::vector<std::string> open_;
  std::map<int64_t, std::string> unsaved_;  // by tile id
};

// For merkle's proofs, from one read transaction; keeps the tiles it read.
merkle::ReadHash ReadingTiles(Connection& db);

// Builds the log again from the events. kDataLoss: an event is missing, or they
// make another root. In a transaction.
Status CheckEvents(Connection& db);

// For the migration: the log of the events that are there. kDataLoss: rows are
// missing between them.
Status FillLog(Connection& db);

}  // namespace sekisho::store
