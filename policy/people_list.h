// Who may say at a terminal that he is there: the body of an envelope of type
// "people". It goes to every terminal, where sekishod alone reads it. Pure.
// Text, one spelling only:
//   sekisho-people-1
//   person <id> <until> <accounts> <pin> <totp>
// Ids rise; `until` is the end of the contract, the server's seconds since
// 1970; `accounts` are joined by commas, or "*" for all; `pin` is what checks
// the PIN (person_proof.h), `totp` the secret of the authenticator, in hex.
// What is not there is "-".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace sekisho::policy {

inline constexpr size_t kMaxPeople = 10'000;
inline constexpr size_t kMaxPersonIdBytes = 64;
inline constexpr size_t kMaxAccountsEach = 32;
inline constexpr std::string_view kAnyAccount = "*";

struct ListedPerson {
  std::string id;
  std::optional<int64_t> until_seconds;  // unset: no end is known
  std::vector<std::string> accounts;     // sorted; {"*"}: all; empty: none
  std::string pin_verifier;              // empty: he has no PIN
  std::string totp_secret;               // raw bytes; empty: he has none
  bool operator==(const ListedPerson&) const = default;
};

// Letters, digits and . _ - @, a letter or digit first; never "unknown" or
// "root", which are no people.
bool IsPersonId(std::string_view text);
// Of a login account, as useradd(8) takes it.
bool IsAccountName(std::string_view text);

// kInvalidArgument: another form, ids that do not rise; kResourceExhausted: too
// many people. Errors name the line and no secret.
Result<std::vector<ListedPerson>> ParsePeople(std::string_view text);
std::string PrintPeople(const std::vector<ListedPerson>& people);

// nullptr: there is nobody of this id. `people` as ParsePeople gave them.
const ListedPerson* FindPerson(const std::vector<ListedPerson>& people,
                               std::string_view id);
bool MayUse(const ListedPerson& person, std::string_view account);
bool IsOver(const ListedPerson& person, int64_t now_seconds);

}  // namespace sekisho::policy
