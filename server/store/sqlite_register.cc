// The register of people, and the sealed list of it. Who was removed stays as a
// row without what he proved himself with: events of the past name him.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kColumns =
    "SELECT person_id, name, employer, manager, contract_end, accounts, "
    "pin_verifier, totp_secret, remove_time FROM people";

RegisteredPerson PersonFrom(const Statement& row) {
  return {.id = row.Text(0),
          .name = row.Text(1),
          .employer = row.Text(2),
          .manager = row.Text(3),
          .contract_end = row.MaybeTime(4),
          .accounts = row.Text(5),
          .pin_verifier = row.Text(6),
          .totp_secret = std::string(row.View(7)),
          .remove_time = row.MaybeTime(8)};
}

Result<std::vector<RegisteredPerson>> ReadPeople(Statement& row) {
  std::vector<RegisteredPerson> people;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return people;
    people.push_back(PersonFrom(row));
  }
}

Status PutAll(Connection& db, const std::vector<RegisteredPerson>& all,
              WallTime now) {
  // Marked first: who is in the list is not removed below.
  RETURN_IF_ERROR(
      db.Run("UPDATE people SET remove_time=? WHERE remove_time IS NULL", now));
  for (const RegisteredPerson& one : all) {
    RETURN_IF_ERROR(db.Run(
        "INSERT INTO people (person_id, name, employer, manager, contract_end, "
        "accounts, pin_verifier, totp_secret, remove_time) VALUES "
        "(?1,?2,?3,?4,?5,?6,'',?7,NULL) ON CONFLICT (person_id) DO UPDATE SET "
        "name=?2, employer=?3, manager=?4, contract_end=?5, accounts=?6, "
        "remove_time=NULL",
        one.id, one.name, one.employer, one.manager, one.contract_end,
        one.accounts, Blob{""}));
  }
  return db.Run(
      "UPDATE people SET pin_verifier='', totp_secret=? WHERE remove_time IS "
      "NOT NULL",
      Blob{""});
}

Status PutOne(Connection& db, const PeopleChange& change, WallTime now) {
  const auto found = [&](const Status& run) -> Status {
    RETURN_IF_ERROR(run);
    if (db.Changes() > 0) return {};
    return Fail(Code::kNotFound,
                "there is nobody of this id in the people register");
  };
  if (change.remove) {
    return found(
        db.Run("UPDATE people SET remove_time=?2, pin_verifier='', "
               "totp_secret=?3 WHERE person_id=?1 AND remove_time IS NULL",
               change.id, now, Blob{""}));
  }
  if (change.pin_verifier) {
    RETURN_IF_ERROR(
        found(db.Run("UPDATE people SET pin_verifier=?2 WHERE person_id=?1 AND "
                     "remove_time IS NULL",
                     change.id, *change.pin_verifier)));
  }
  if (change.totp_secret) {
    RETURN_IF_ERROR(
        found(db.Run("UPDATE people SET totp_secret=?2 WHERE person_id=?1 AND "
                     "remove_time IS NULL",
                     change.id, Blob{*change.totp_secret})));
  }
  return {};
}

}  // namespace

Result<int64_t> SqliteStore::PutPeople(const PeopleChange& change, WallTime now,
                                       const PeopleSealer& seal) {
  int64_t version = 0;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(version, NextVersion(db, "people"));
    RETURN_IF_ERROR(change.all ? PutAll(db, *change.all, now)
                               : PutOne(db, change, now));
    ASSIGN_OR_RETURN(Statement row,
                     db.Query(std::string(kColumns) +
                              " WHERE remove_time IS NULL ORDER BY person_id"));
    ASSIGN_OR_RETURN(const auto people, ReadPeople(row));
    return PutEnvelope(db, "people", version, seal(version, people));
  });
  RETURN_IF_ERROR(written);
  return version;
}

Result<std::vector<RegisteredPerson>> SqliteStore::AllPeople() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query(std::string(kColumns) + " ORDER BY person_id"));
  return ReadPeople(row);
}

Result<std::optional<RegisteredPerson>> SqliteStore::FindPerson(
    const std::string& id) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query(std::string(kColumns) + " WHERE person_id=?", id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::nullopt;
  return PersonFrom(row);
}

}  // namespace sekisho::store
