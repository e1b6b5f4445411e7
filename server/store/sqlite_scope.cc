// What a scope sees, by the groups that the register has now: who changes his
// group takes his whole history with him (docs/adr/0424).
#include "common/text.h"
#include "server/store/names.h"
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

struct Table {
  const char* name;
  const char* id;
};

Table TableOf(Store::Row what) {
  switch (what) {
    case Store::Row::kEvent:
      return {"event_index", "row_id"};
    case Store::Row::kAlert:
      return {"alerts", "alert_id"};
    case Store::Row::kContainment:
      return {"containments", "contain_id"};
    case Store::Row::kCase:
      return {"cases", "case_id"};
  }
  return {"alerts", "alert_id"};
}

void AddSeen(Where& where, Store::Row what, const Scope& scope) {
  switch (what) {
    case Store::Row::kEvent:
      return where.SeenAgent("agent_no", scope);
    case Store::Row::kAlert:
      return where.SeenTerminal("terminal", scope);
    case Store::Row::kContainment:
      return where.SeenTarget(scope);
    case Store::Row::kCase:
      return where.SeenCase("cases.case_id", scope);
  }
}

Result<std::vector<std::string>> Texts(Statement& row) {
  std::vector<std::string> texts;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return texts;
    texts.push_back(row.Text(0));
  }
}

}  // namespace

std::optional<std::string> MaybeText(const Statement& row, int column) {
  return row.IsNull(column) ? std::nullopt : std::optional(row.Text(column));
}

// A terminal that left the register keeps its last groups, as its row does: who
// had it answers for what it did.
Status FillTerminalGroups(Connection& db) {
  RETURN_IF_ERROR(db.Run("DELETE FROM terminal_groups"));
  std::vector<std::pair<std::string, std::string>> terminals;
  {
    ASSIGN_OR_RETURN(Statement row,
                     db.Query("SELECT name, groups FROM terminal_register"));
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) break;
      terminals.emplace_back(row.Text(0), row.Text(1));
    }
  }
  for (const auto& [terminal, groups] : terminals) {
    for (const std::string& group : GroupsIn(groups)) {
      RETURN_IF_ERROR(
          db.Run("INSERT OR IGNORE INTO terminal_groups VALUES (?,?)", group,
                 terminal));
    }
  }
  return {};
}

Result<bool> SqliteStore::Sees(const Scope& scope,
                               const std::string& terminal) {
  if (scope.IsWholeFleet()) return true;
  Where where;
  where.And("t.terminal=?", {terminal});
  where.SeenTerminal("t.terminal", scope);
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Prepare("SELECT 1 FROM terminal_groups t" + where.sql() +
                               " LIMIT 1"));
  where.BindTo(row);
  return row.Step();
}

Result<std::vector<int64_t>> SqliteStore::RowsIn(
    const Scope& scope, Row what, const std::vector<int64_t>& ids) {
  if (ids.empty()) return ids;
  const Table table = TableOf(what);
  Where where;
  where.In(table.id, ids);
  AddSeen(where, what, scope);
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Prepare(std::string("SELECT ") + table.id + " FROM " +
                               table.name + where.sql()));
  where.BindTo(row);
  std::vector<int64_t> seen;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return seen;
    seen.push_back(row.Int(0));
  }
}

Result<std::vector<std::string>> SqliteStore::TerminalGroups() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query("SELECT DISTINCT group_name FROM terminal_groups "
                             "ORDER BY group_name"));
  return Texts(row);
}

Result<std::vector<std::string>> NamesOfPerson(Connection& db,
                                               const std::string& person_id) {
  std::vector<std::string> names;
  if (person_id.empty()) return names;
  names.push_back(person_id);
  {
    // Every account there is ("*") says nothing about whose it is.
    ASSIGN_OR_RETURN(
        Statement row,
        db.Query("SELECT accounts FROM people WHERE person_id=? AND "
                 "accounts<>'*'",
                 person_id));
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (found) {
      const std::string accounts = row.Text(0);
      for (const std::string_view account : Split(accounts, ',')) {
        if (!Trim(account).empty()) names.emplace_back(Trim(account));
      }
    }
  }
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT name FROM users WHERE person_id=? ORDER BY name",
               person_id));
  ASSIGN_OR_RETURN(const auto users, Texts(row));
  names.insert(names.end(), users.begin(), users.end());
  return names;
}

Result<std::vector<std::string>> SqliteStore::NamesOfPerson(
    const std::string& person_id) {
  ASSIGN_OR_RETURN(Reading db, Read());
  return store::NamesOfPerson(*db, person_id);
}

Result<std::vector<std::string>> NamesOfUser(Connection& db,
                                             const std::string& name) {
  std::vector<std::string> persons;
  {
    ASSIGN_OR_RETURN(
        Statement row,
        db.Query("SELECT name, person_id FROM users WHERE person_id<>''"));
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) break;
      if (ShareName(name, row.View(0))) persons.push_back(row.Text(1));
    }
  }
  std::vector<std::string> names;
  for (const std::string& person : persons) {
    ASSIGN_OR_RETURN(const auto more, NamesOfPerson(db, person));
    names.insert(names.end(), more.begin(), more.end());
  }
  return names;
}

Result<std::vector<std::string>> SqliteStore::NamesOfUser(
    const std::string& name) {
  ASSIGN_OR_RETURN(Reading db, Read());
  return store::NamesOfUser(*db, name);
}

}  // namespace sekisho::store
