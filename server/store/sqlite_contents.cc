// What is known of the files on media. Every write is the same whatever came
// before it and however often it comes.
#include "proto/event_bytes.h"
#include "server/store/content_facts.h"
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

// A name may be longer than an engine's index takes.
std::string KeyOf(const std::string& path) {
  const event::Hash hash = event::Sha256(AsBytes(path));
  return std::string(AsText(hash));
}

Result<int64_t> MediumNo(Connection& db, const MediumNews& news) {
  RETURN_IF_ERROR(db.Run(
      "INSERT INTO media (device_id, volume, filesystem, label, encryption, "
      "last_time) VALUES (?1,?2,?3,?4,?5,?6) ON CONFLICT (device_id, volume) "
      "DO UPDATE SET filesystem=excluded.filesystem, label=excluded.label, "
      "encryption=excluded.encryption, last_time=CASE WHEN "
      "excluded.last_time>media.last_time THEN excluded.last_time ELSE "
      "media.last_time END",
      news.key.device_id, news.key.volume, news.filesystem, Blob{news.label},
      news.encryption, news.time));
  ASSIGN_OR_RETURN(Statement row,
                   db.Query("SELECT medium_no FROM media WHERE device_id=? AND "
                            "volume=?",
                            news.key.device_id, news.key.volume));
  RETURN_IF_ERROR(row.Step());
  return row.Int(0);
}

Status PutSeen(Connection& db, int64_t medium_no, int64_t agent_no,
               const MediumSeen& seen) {
  return db.Run(
      "INSERT INTO medium_seen (medium_no, path_hash, size_bytes, "
      "modify_time, path, first_time, last_time, agent_no) VALUES "
      "(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT (medium_no, path_hash, "
      "size_bytes, modify_time) DO UPDATE SET "
      "agent_no=CASE WHEN excluded.first_time<medium_seen.first_time THEN "
      "excluded.agent_no ELSE medium_seen.agent_no END, "
      "first_time=CASE WHEN excluded.first_time<medium_seen.first_time THEN "
      "excluded.first_time ELSE medium_seen.first_time END, "
      "last_time=CASE WHEN excluded.last_time>medium_seen.last_time THEN "
      "excluded.last_time ELSE medium_seen.last_time END",
      medium_no, Blob{KeyOf(seen.path)}, seen.size_bytes, seen.modify_time,
      Blob{seen.path}, seen.first_time, seen.last_time, agent_no);
}

template <typename Row>
Status Each(Statement& row, bool* cut, int most, const Row& take) {
  for (int count = 0;; ++count) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return {};
    if (count == most) {
      *cut = true;
      return {};
    }
    take();
  }
}

Status ReadFacts(Connection& db, int64_t medium_no, MediumLog* log) {
  const std::string limit = " LIMIT " + std::to_string(kMaxMediumFacts + 1);
  ASSIGN_OR_RETURN(
      Statement mark,
      db.Query("SELECT m.row_id, m.time, a.agent_id, a.terminal, m.kind, "
               "m.present_count FROM medium_marks m JOIN agents a ON "
               "a.agent_no=m.agent_no WHERE m.medium_no=? ORDER BY m.time "
               "DESC, m.row_id DESC" +
                   limit,
               medium_no));
  RETURN_IF_ERROR(Each(mark, &log->cut, kMaxMediumFacts, [&] {
    log->marks.push_back({mark.Int(0), mark.Time(1), mark.Text(2), mark.Text(3),
                          static_cast<MarkKind>(mark.Int(4)), mark.Int(5)});
  }));
  ASSIGN_OR_RETURN(
      Statement copy,
      db.Query("SELECT row_id, time, path, bytes FROM medium_copies WHERE "
               "medium_no=? ORDER BY time DESC, row_id DESC" +
                   limit,
               medium_no));
  RETURN_IF_ERROR(Each(copy, &log->cut, kMaxMediumFacts, [&] {
    log->copies.push_back(
        {copy.Int(0), copy.Time(1), copy.Text(2), copy.Int(3)});
  }));
  ASSIGN_OR_RETURN(
      Statement change,
      db.Query("SELECT row_id, place, time, change, path, old_path FROM "
               "medium_changes WHERE medium_no=? ORDER BY time DESC, row_id "
               "DESC, place DESC" +
                   limit,
               medium_no));
  RETURN_IF_ERROR(Each(change, &log->cut, kMaxMediumFacts, [&] {
    log->changes.push_back({change.Int(0), change.Int(1), change.Time(2),
                            static_cast<event::v1::FileChange>(change.Int(3)),
                            change.Text(4), change.Text(5)});
  }));
  ASSIGN_OR_RETURN(
      Statement seen,
      db.Query("SELECT s.path, s.size_bytes, s.modify_time, s.first_time, "
               "s.last_time, a.terminal FROM medium_seen s JOIN agents a ON "
               "a.agent_no=s.agent_no WHERE s.medium_no=? ORDER BY "
               "s.last_time DESC, s.path_hash" +
                   limit,
               medium_no));
  return Each(seen, &log->cut, kMaxMediumFacts, [&] {
    log->seen.push_back({seen.Text(0), seen.Int(1), seen.Time(2), seen.Time(3),
                         seen.Time(4), seen.Text(5)});
  });
}

}  // namespace

Status PutMediumNews(Connection& db, const MediumNews& news) {
  ASSIGN_OR_RETURN(const int64_t medium_no, MediumNo(db, news));
  ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(db, news.agent_id));
  for (const MediumMark& mark : news.marks) {
    RETURN_IF_ERROR(
        db.Run("INSERT OR IGNORE INTO medium_marks (medium_no, row_id, kind, "
               "agent_no, time, present_count) VALUES (?,?,?,?,?,?)",
               medium_no, news.row_id, static_cast<int>(mark.kind), agent_no,
               news.time, mark.present_count));
  }
  for (const MediumCopy& copy : news.copies) {
    RETURN_IF_ERROR(
        db.Run("INSERT OR IGNORE INTO medium_copies (medium_no, row_id, time, "
               "path, bytes) VALUES (?,?,?,?,?)",
               medium_no, news.row_id, news.time, Blob{copy.path}, copy.bytes));
  }
  for (const MediumChange& change : news.changes) {
    RETURN_IF_ERROR(db.Run(
        "INSERT OR IGNORE INTO medium_changes (medium_no, row_id, place, "
        "time, change, path, old_path) VALUES (?,?,?,?,?,?,?)",
        medium_no, news.row_id, change.place, news.time,
        static_cast<int>(change.change), Blob{change.path},
        Blob{change.old_path}));
  }
  for (const MediumSeen& seen : news.seen) {
    RETURN_IF_ERROR(PutSeen(db, medium_no, agent_no, seen));
  }
  return {};
}

// Copies and mounts of before: what was copied then may still be there.
Status FillContents(Connection& db) {
  constexpr int kAtOnce = 1000;
  for (int64_t after = 0;;) {
    std::vector<Event> events;
    {
      ASSIGN_OR_RETURN(
          Statement row,
          db.Query(std::string("SELECT ") + kEventColumns +
                       " FROM event_index i JOIN events e USING (row_id) JOIN "
                       "agents a ON a.agent_no = i.agent_no WHERE i.row_id>? "
                       "AND i.kind IN (4,6) AND i.repeats=0 ORDER BY i.row_id "
                       "LIMIT " +
                       std::to_string(kAtOnce),
                   after));
      for (;;) {
        ASSIGN_OR_RETURN(const bool more, row.Step());
        if (!more) break;
        events.push_back(EventFrom(row));
      }
    }
    for (const Event& event : events) {
      if (const auto news = MediumNewsOf(event)) {
        RETURN_IF_ERROR(PutMediumNews(db, *news));
      }
    }
    if (std::ssize(events) < kAtOnce) return {};
    after = events.back().row_id;
  }
}

Result<std::vector<MediumLog>> SqliteStore::ReadMedia(
    const std::string& device_id) {
  ASSIGN_OR_RETURN(Reading db, Read());
  std::vector<MediumLog> media;
  std::vector<int64_t> numbers;
  {
    ASSIGN_OR_RETURN(
        Statement row,
        db->Query("SELECT medium_no, volume, filesystem, label, encryption, "
                  "last_time FROM media WHERE device_id=? ORDER BY last_time "
                  "DESC, medium_no DESC LIMIT " +
                      std::to_string(kMaxMedia),
                  device_id));
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) break;
      numbers.push_back(row.Int(0));
      MediumLog& log = media.emplace_back();
      log.key = {device_id, row.Text(1)};
      log.filesystem = row.Text(2);
      log.label = row.Text(3);
      log.encryption = row.Text(4);
      log.last_time = row.Time(5);
    }
  }
  for (size_t i = 0; i < media.size(); ++i) {
    RETURN_IF_ERROR(ReadFacts(*db, numbers[i], &media[i]));
  }
  return media;
}

Result<std::vector<Event>> SqliteStore::ReadEvents(
    const std::vector<int64_t>& row_ids) {
  ASSIGN_OR_RETURN(Reading db, Read());
  std::vector<Event> events;
  for (const int64_t row_id : row_ids) {
    ASSIGN_OR_RETURN(Event event, ReadEvent(*db, row_id));
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace sekisho::store
