#include "server/store/move_to_postgres.h"

#include <algorithm>
#include <set>
#include <vector>

#include "server/store/log_tree.h"
#include "server/store/postgres.h"
#include "server/store/sqlite.h"
#include "server/store/sqlite_backup.h"
#include "server/store/sqlite_schema.h"

namespace sekisho::store {
namespace {

struct Column {
  std::string name;  // quoted, as both take it
  std::string type;  // PostgreSQL's
};
struct Table {
  std::string name;
  std::set<std::string> refers_to;
};

Result<int64_t> OneNumber(Connection& db, const std::string& sql) {
  ASSIGN_OR_RETURN(Statement row, db.Query(sql));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  return found ? row.Int(0) : 0;
}

Result<std::vector<std::string>> Names(Connection& db, const std::string& sql) {
  ASSIGN_OR_RETURN(Statement row, db.Query(sql));
  std::vector<std::string> names;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return names;
    names.push_back(row.Text(0));
  }
}

// What is referred to comes first.
Result<std::vector<std::string>> TablesInOrder(Connection& to) {
  ASSIGN_OR_RETURN(
      const auto names,
      Names(to,
            "SELECT relname::text FROM pg_class WHERE relkind='r' AND "
            "relnamespace=current_schema()::regnamespace AND "
            "relname<>'schema_version' ORDER BY 1"));
  std::vector<Table> left;
  for (const std::string& name : names) {
    Table& table = left.emplace_back();
    table.name = name;
    ASSIGN_OR_RETURN(
        const auto refers,
        Names(to,
              "SELECT f.relname::text FROM pg_constraint c JOIN pg_class f ON "
              "f.oid=c.confrelid WHERE c.contype='f' AND c.conrelid='" +
                  name + "'::regclass"));
    table.refers_to = {refers.begin(), refers.end()};
  }
  std::vector<std::string> ordered;
  while (!left.empty()) {
    const auto next = std::ranges::find_if(left, [&](const Table& table) {
      return std::ranges::all_of(table.refers_to, [&](const std::string& name) {
        return std::ranges::find(ordered, name) != ordered.end();
      });
    });
    if (next == left.end()) {
      return Fail(Code::kInternal, "tables refer to each other in a ring");
    }
    ordered.push_back(next->name);
    left.erase(next);
  }
  return ordered;
}

Result<std::vector<Column>> ColumnsOf(Connection& to,
                                      const std::string& table) {
  ASSIGN_OR_RETURN(
      Statement row,
      to.Query("SELECT attname::text, format_type(atttypid, NULL) FROM "
               "pg_attribute WHERE attrelid='" +
               table +
               "'::regclass AND attnum>0 AND NOT attisdropped "
               "ORDER BY attnum"));
  std::vector<Column> columns;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return columns;
    columns.push_back({"\"" + row.Text(0) + "\"", row.Text(1)});
  }
}

void BindColumn(Statement& to, int index, const Column& column,
                const Statement& from) {
  const int at = index - 1;
  if (from.IsNull(at)) {
    to.Bind(index, std::optional<int64_t>());
  } else if (column.type == "bigint") {
    to.Bind(index, from.Int(at));
  } else if (column.type == "bytea") {
    to.Bind(index, Blob{from.View(at)});
  } else {
    to.Bind(index, from.View(at));
  }
}

Result<int64_t> CopyTable(Connection& from, Connection& to,
                          const std::string& table) {
  ASSIGN_OR_RETURN(const auto columns, ColumnsOf(to, table));
  std::string names, marks;
  for (const Column& column : columns) {
    names += (names.empty() ? "" : ",") + column.name;
    marks += marks.empty() ? "?" : ",?";
  }
  // What the migrations put there.
  RETURN_IF_ERROR(to.Run("DELETE FROM " + table));
  const std::string insert =
      "INSERT INTO " + table + " (" + names + ") VALUES (" + marks + ")";
  int64_t rows = 0;
  ASSIGN_OR_RETURN(Statement row,
                   from.Query("SELECT " + names + " FROM " + table));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) break;
    ASSIGN_OR_RETURN(Statement put, to.Prepare(insert));
    for (size_t i = 0; i < columns.size(); ++i) {
      BindColumn(put, static_cast<int>(i) + 1, columns[i], row);
    }
    RETURN_IF_ERROR(put.Step());
    ++rows;
  }
  ASSIGN_OR_RETURN(const int64_t there,
                   OneNumber(to, "SELECT count(*) FROM " + table));
  if (there != rows) {
    return Fail(Code::kDataLoss, table + " had " + std::to_string(rows) +
                                     " rows, " + std::to_string(there) +
                                     " came out");
  }
  return rows;
}

// Numbers go on where the file's ended.
Status SetSequences(Connection& to) {
  ASSIGN_OR_RETURN(
      const auto all,
      Names(to,
            "SELECT format('SELECT setval(pg_get_serial_sequence(%L, %L), "
            "max(%I)) FROM %I HAVING max(%I) > 0', c.relname, a.attname, "
            "a.attname, c.relname, a.attname) FROM pg_attribute a JOIN "
            "pg_class c ON c.oid=a.attrelid WHERE a.attidentity<>'' AND "
            "c.relnamespace=current_schema()::regnamespace"));
  for (const std::string& sql : all) RETURN_IF_ERROR(to.Script(sql));
  return {};
}

Status CheckSides(Connection& from, Connection& to) {
  ASSIGN_OR_RETURN(const int64_t schema,
                   OneNumber(from, "PRAGMA user_version"));
  if (schema != NewestSchema()) {
    return Fail(Code::kFailedPrecondition,
                "the file has schema " + std::to_string(schema) +
                    ", this program " + std::to_string(NewestSchema()) +
                    ": start this version's server on it once");
  }
  for (const char* table : {"agents", "events", "users", "policies", "audit"}) {
    ASSIGN_OR_RETURN(
        const int64_t rows,
        OneNumber(to, std::string("SELECT count(*) FROM ") + table));
    if (rows > 0) {
      return Fail(Code::kFailedPrecondition,
                  std::string("the target is not empty: its table ") + table +
                      " has " + std::to_string(rows) + " rows");
    }
  }
  return {};
}

Result<Moved> CopyAll(Connection& from, Connection& to) {
  RETURN_IF_ERROR(CheckSides(from, to));
  ASSIGN_OR_RETURN(const auto tables, TablesInOrder(to));
  ASSIGN_OR_RETURN(
      const int64_t had,
      OneNumber(from,
                "SELECT count(*) FROM sqlite_master WHERE type='table' AND "
                "name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"));
  if (had != std::ssize(tables)) {
    return Fail(Code::kDataLoss, "the file has " + std::to_string(had) +
                                     " tables, the target " +
                                     std::to_string(tables.size()));
  }
  Moved moved;
  for (const std::string& table : tables) {
    ASSIGN_OR_RETURN(const int64_t rows, CopyTable(from, to, table));
    ++moved.tables;
    moved.rows += rows;
  }
  RETURN_IF_ERROR(SetSequences(to));
  ASSIGN_OR_RETURN(const LogTree was, LogTree::Load(from));
  ASSIGN_OR_RETURN(const LogTree is, LogTree::Load(to));
  if (was.head() != is.head()) {
    return Fail(Code::kDataLoss, "the log has another root than it had");
  }
  RETURN_IF_ERROR(CheckEvents(to));
  moved.log = is.head();
  return moved;
}

}  // namespace

Result<Moved> MoveToPostgres(const std::string& path,
                             const std::string& conninfo) {
  // Looks, and makes none where there is none.
  RETURN_IF_ERROR(CheckDatabase(path, Check::kQuick));
  ASSIGN_OR_RETURN(const auto from,
                   SqliteConnection::Open(path, Connection::Kind::kReader));
  ASSIGN_OR_RETURN(const auto to, PostgresConnection::Open(
                                      conninfo, Connection::Kind::kWriter));
  RETURN_IF_ERROR(Migrate(*to));
  RETURN_IF_ERROR(from->BeginRead());
  RETURN_IF_ERROR(to->BeginWrite());
  auto moved = CopyAll(*from, *to);
  if (!moved) {
    (void)to->Script("ROLLBACK");
    return moved;
  }
  RETURN_IF_ERROR(to->Commit());
  return moved;
}

}  // namespace sekisho::store
