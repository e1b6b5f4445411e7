// Searches that people keep under a name.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kColumns =
    "search_id, place, name, filters, is_shared, owner, create_time, "
    "change_time";

// One "name=value" a line.
std::string TextOf(const std::map<std::string, std::string>& filters) {
  std::string text;
  for (const auto& [name, value] : filters) {
    if (!text.empty()) text += '\n';
    text += name;
    text += '=';
    text += value;
  }
  return text;
}

std::map<std::string, std::string> FiltersFrom(std::string_view text) {
  std::map<std::string, std::string> filters;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const size_t equals = std::min(line.find('='), line.size());
    filters[std::string(line.substr(0, equals))] =
        std::string(line.substr(std::min(equals + 1, line.size())));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return filters;
}

SavedSearch SearchFrom(const Statement& row) {
  SavedSearch one;
  one.id = row.Int(0);
  one.place = row.Text(1);
  one.name = row.Text(2);
  one.filters = FiltersFrom(row.View(3));
  one.is_shared = row.Int(4) != 0;
  one.owner = row.Text(5);
  one.create_time = row.Time(6);
  one.change_time = row.Time(7);
  return one;
}

Result<SavedSearch> ReadSearch(Connection& db, int64_t id) {
  ASSIGN_OR_RETURN(Statement row, db.Query(std::string("SELECT ") + kColumns +
                                               " FROM saved_searches WHERE "
                                               "search_id=?",
                                           id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound,
                "there is no saved search " + std::to_string(id));
  }
  return SearchFrom(row);
}

// Nobody else of the owner's in this place has the name.
Status CheckName(Connection& db, const SavedSearch& wish) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query("SELECT search_id FROM saved_searches WHERE "
                            "owner=? AND place=? AND name=? AND search_id<>?",
                            wish.owner, wish.place, wish.name, wish.id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return {};
  return Fail(Code::kAlreadyExists,
              "you have a saved search of this name: "
              "choose another name, or change that one");
}

}  // namespace

Result<int64_t> SqliteStore::AddSearch(const SavedSearch& row, int most) {
  int64_t id = 0;
  const Status written = Write([&](Connection& db) -> Status {
    SavedSearch wish = row;
    wish.id = 0;
    RETURN_IF_ERROR(CheckName(db, wish));
    ASSIGN_OR_RETURN(
        Statement sum,
        db.Query("SELECT (SELECT count(*) FROM saved_searches WHERE owner=?), "
                 "(SELECT coalesce(max(search_id), 0) + 1 FROM saved_searches)",
                 row.owner));
    RETURN_IF_ERROR(sum.Step());
    if (sum.Int(0) >= most) {
      return Fail(Code::kResourceExhausted,
                  "you keep " + std::to_string(most) +
                      " searches, the most there may be: remove one first");
    }
    id = sum.Int(1);
    return db.Run("INSERT INTO saved_searches VALUES (?,?,?,?,?,?,?,?)", id,
                  row.place, row.name, TextOf(row.filters),
                  row.is_shared ? 1 : 0, row.owner, row.create_time,
                  row.change_time);
  });
  RETURN_IF_ERROR(written);
  return id;
}

Result<std::vector<SavedSearch>> SqliteStore::ListSearches(
    const std::string& user) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query(std::string("SELECT ") + kColumns +
                                 " FROM saved_searches WHERE owner=? OR "
                                 "is_shared=1 ORDER BY place, name, search_id",
                             user));
  std::vector<SavedSearch> rows;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return rows;
    rows.push_back(SearchFrom(row));
  }
}

Result<SavedSearch> SqliteStore::PutSearch(int64_t id,
                                           const SearchChange& change) {
  SavedSearch row;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(row, ReadSearch(db, id));
    RETURN_IF_ERROR(change(row));
    RETURN_IF_ERROR(CheckName(db, row));
    return db.Run(
        "UPDATE saved_searches SET name=?2, filters=?3, is_shared=?4, "
        "change_time=?5 WHERE search_id=?1",
        id, row.name, TextOf(row.filters), row.is_shared ? 1 : 0,
        row.change_time);
  });
  RETURN_IF_ERROR(written);
  return row;
}

Result<SavedSearch> SqliteStore::RemoveSearch(
    int64_t id, const std::function<Status(const SavedSearch&)>& may) {
  SavedSearch row;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(row, ReadSearch(db, id));
    RETURN_IF_ERROR(may(row));
    return db.Run("DELETE FROM saved_searches WHERE search_id=?", id);
  });
  RETURN_IF_ERROR(written);
  return row;
}

}  // namespace sekisho::store
