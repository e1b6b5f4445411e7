#include "server/store/log_tree.h"

#include <cstring>
#include <memory>

namespace sekisho::store {
namespace {

constexpr size_t kHashBytes = sizeof(merkle::Hash);
constexpr size_t kTileBytes = kHashBytes * merkle::kTileWidth;
constexpr int kLevelShift = 55;  // 2^55 tiles a level are enough
constexpr int kMaxLevels = 8;
constexpr int64_t kSaveEvery = 16 * merkle::kTileWidth;

int64_t TileId(int level, int64_t tile) {
  return (int64_t{level} << kLevelShift) + tile;
}

merkle::Hash HashAt(std::string_view bytes) {
  merkle::Hash hash;
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

Result<std::string> ReadTile(Connection& db, int64_t id) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT hashes FROM log_tiles WHERE tile_id=?", id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found || row.View(0).size() % kHashBytes != 0) {
    return Fail(Code::kDataLoss, "a tile of the log is missing");
  }
  return row.Text(0);
}

// The last tile of a level; nothing = the level is empty.
struct LastTile {
  int64_t tile = 0;
  std::string hashes;
};
Result<std::optional<LastTile>> ReadLast(Connection& db, int level) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT tile_id, hashes FROM log_tiles WHERE tile_id >= ? AND "
               "tile_id < ? ORDER BY tile_id DESC LIMIT 1",
               TileId(level, 0), TileId(level + 1, 0)));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::nullopt;
  return LastTile{row.Int(0) - TileId(level, 0), row.Text(1)};
}

}  // namespace

merkle::ReadHash ReadingTiles(Connection& db) {
  auto tiles = std::make_shared<std::map<int64_t, std::string>>();
  return [&db, tiles](int level, int64_t index) -> Result<merkle::Hash> {
    const int64_t id = TileId(level, index >> merkle::kTileHeight);
    auto it = tiles->find(id);
    if (it == tiles->end()) {
      ASSIGN_OR_RETURN(std::string tile, ReadTile(db, id));
      it = tiles->emplace(id, std::move(tile)).first;
    }
    const size_t at =
        static_cast<size_t>(index % merkle::kTileWidth) * kHashBytes;
    if (at + kHashBytes > it->second.size()) {
      return Fail(Code::kDataLoss, "a tile of the log is too short");
    }
    return HashAt(std::string_view(it->second).substr(at, kHashBytes));
  };
}

Result<LogTree> LogTree::Load(Connection& db) {
  LogTree log;
  int64_t size = 0;
  for (int level = 0; level < kMaxLevels; ++level) {
    ASSIGN_OR_RETURN(const auto last, ReadLast(db, level));
    if (!last) break;
    // A full tile stays the last until the next begins.
    const bool full = last->hashes.size() == kTileBytes;
    log.open_.push_back(full ? "" : last->hashes);
    if (level == 0) {
      size = last->tile * merkle::kTileWidth +
             static_cast<int64_t>(last->hashes.size() / kHashBytes);
    }
  }
  ASSIGN_OR_RETURN(log.tree_, merkle::Growing::Load(size, ReadingTiles(db)));
  return log;
}

Result<int64_t> LogTree::SizeIn(Connection& db) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT tile_id, length(hashes) FROM log_tiles WHERE "
               "tile_id < ? ORDER BY tile_id DESC LIMIT 1",
               TileId(1, 0)));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return 0;
  return row.Int(0) * merkle::kTileWidth +
         row.Int(1) / static_cast<int64_t>(kHashBytes);
}

void LogTree::Append(const merkle::Hash& event_hash) {
  const merkle::Hash leaf = merkle::LeafHash(event_hash);
  tree_.Append(leaf);
  Push(0, leaf);
}

// `tree_` has the leaf already: the tile's number follows from its size.
void LogTree::Push(size_t level, const merkle::Hash& hash) {
  if (open_.size() == level) open_.emplace_back();
  open_[level] += AsText(hash);
  const int shift = merkle::kTileHeight * static_cast<int>(level);
  const int64_t index = (tree_.size() >> shift) - 1;
  unsaved_[TileId(static_cast<int>(level), index >> merkle::kTileHeight)] =
      open_[level];
  if (open_[level].size() < kTileBytes) return;
  merkle::Growing tile;
  for (size_t at = 0; at < kTileBytes; at += kHashBytes) {
    tile.Append(HashAt(std::string_view(open_[level]).substr(at, kHashBytes)));
  }
  open_[level].clear();
  Push(level + 1, tile.head().root);
}

Status LogTree::Save(Connection& db) {
  for (const auto& [id, hashes] : unsaved_) {
    RETURN_IF_ERROR(
        db.Run("INSERT INTO log_tiles VALUES (?1,?2) ON CONFLICT (tile_id) "
               "DO UPDATE SET hashes=?2",
               id, Blob{hashes}));
  }
  unsaved_.clear();
  return {};
}

Status CheckEvents(Connection& db) {
  ASSIGN_OR_RETURN(const LogTree log, LogTree::Load(db));
  ASSIGN_OR_RETURN(Statement row,
                   db.Scan("SELECT row_id, hash FROM events ORDER BY row_id"));
  merkle::Growing again;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) break;
    merkle::Hash hash;
    if (row.Int(0) != again.size() + 1 || row.View(1).size() != hash.size()) {
      return Fail(Code::kDataLoss, "event row " +
                                       std::to_string(again.size() + 1) +
                                       " is missing or damaged");
    }
    std::memcpy(hash.data(), row.View(1).data(), hash.size());
    again.Append(merkle::LeafHash(hash));
  }
  if (again.head() != log.head()) {
    return Fail(Code::kDataLoss, "the log says " + std::to_string(log.size()) +
                                     " events with another root than the " +
                                     std::to_string(again.size()) +
                                     " that are there have");
  }
  return {};
}

Status FillLog(Connection& db) {
  ASSIGN_OR_RETURN(LogTree log, LogTree::Load(db));
  ASSIGN_OR_RETURN(Statement row,
                   db.Scan("SELECT row_id, hash FROM events ORDER BY row_id"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return log.Save(db);
    if (row.Int(0) != log.size() + 1 || row.View(1).size() != kHashBytes) {
      return Fail(Code::kDataLoss, "event row " +
                                       std::to_string(log.size() + 1) +
                                       " is missing or damaged");
    }
    log.Append(HashAt(row.View(1)));
    if (log.size() % kSaveEvery == 0) RETURN_IF_ERROR(log.Save(db));
  }
}

}  // namespace sekisho::store
