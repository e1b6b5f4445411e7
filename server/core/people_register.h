// The register of people as a file: who may use accounts that several people
// share, for whom he works, until when. Pure. What is not understood is an
// error with its place and what to write instead; nothing is guessed, nothing
// half taken.
//
// CSV (RFC 4180, UTF-8): the first line names columns in any order: id (the one
// that must be there), name, employer, manager (the id of another line),
// contract_end, accounts (separated by ;, or *).
//
// LDIF (RFC 2849) as ldapsearch prints it: entries that have a uid (or
// sAMAccountName) are people; displayName (or cn) is the name, o (or company)
// the employer, manager a DN whose person is named by its uid or stands in the
// file, shadowExpire (days) or accountExpires (Active Directory) the end of the
// contract. A search that did not end well is an error.
//
// contract_end: a date such as 2027-03-31 is a day of `zone`, its last; a time
// such as 2027-03-31T15:00:00Z is that moment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/core/report_queries.h"
#include "server/store/people_rows.h"

namespace sekisho::core {

using store::RegisteredPerson;

struct ParsedPeople {
  std::vector<RegisteredPerson> rows;     // by id
  std::vector<RegisterProblem> problems;  // any: `rows` must not be used
};
ParsedPeople ParsePeopleFile(const PeopleFile& file);

// `before`: with those who were removed.
RegisterDiff ComparePeople(const std::vector<RegisteredPerson>& before,
                           const std::vector<RegisteredPerson>& after);

// The last moment that `date`, or the moment itself, stands for.
std::optional<WallTime> EndOfContract(std::string_view text,
                                      const std::string& zone);

}  // namespace sekisho::core
