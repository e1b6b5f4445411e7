// What the desk is asked of terminals and answers of inquiries: plain values.
#pragma once

#include <string>
#include <vector>

#include "server/store/people_rows.h"
#include "server/store/report_rows.h"

namespace sekisho::core {

using store::Cover;
using store::Inquiry;
using store::IsUncovered;
using store::RegisteredTerminal;
using store::SiteOutage;

// ---- coverage ----

struct CoverPart {
  Cover state = Cover::kSilent;
  WallTime from, to;
  bool operator==(const CoverPart&) const = default;
};

struct TerminalCover {
  std::string terminal;
  std::string site;  // as registered
  bool registered = false;
  std::vector<CoverPart> parts;  // empty: not in service then
};

struct TerminalRow {
  TerminalCover cover;
  RegisteredTerminal registered;  // empty if it is in no register
  bool has_agent = false;         // one that is not revoked
};
inline constexpr int kMaxCoverDays = 92;

// ---- the register ----

struct RegisterProblem {
  int64_t line = 0;     // from 1; a record with line breaks: where it begins
  int64_t column = 0;   // the cell's number from 1; 0 = the whole line
  std::string field;    // name of the column; empty = none
  std::string message;  // what is wrong
  std::string fix;      // what to write instead
};

// What an import changes of what is there.
struct RegisterChange {
  std::string name;
  std::vector<std::string> fields;  // "site: Osaka -> Kobe"
};
struct RegisterDiff {
  std::vector<std::string> added;
  std::vector<RegisterChange> changed;
  std::vector<std::string> removed;
  int64_t same = 0;
};

struct RegisterImport {
  std::vector<RegisterProblem> problems;  // any: nothing was taken
  RegisterDiff diff;
  bool done = false;
};

// ---- people at accounts that several use (people_register.h) ----

enum class PeopleFormat { kCsv, kLdif };

struct PeopleFile {
  std::string text;
  PeopleFormat format = PeopleFormat::kCsv;
  std::string zone = "UTC";  // whose days the dates are
  // Of those for whom the file names no accounts: separated by ;, or "*".
  // Empty: they may use none.
  std::string accounts{};
};

// As people see him; never what proves who he is.
struct PersonRow {
  std::string id, name, employer, manager;
  std::optional<WallTime> contract_end;
  std::string accounts;  // sorted, with commas; "*": all; empty: none
  bool has_pin = false;
  bool has_totp = false;
  std::optional<WallTime> remove_time;
};

// Shown once.
struct MadePin {
  std::string pin;
};

// ---- data sets: people whom clients entrusted ----

struct DataSetRow {
  std::string id;
  std::string owner;
  int64_t persons = 0;
  WallTime make_time{};
  std::vector<std::string> kinds;  // of identity that nearly all people have
  int64_t one_in = 1;  // 1: all of its people are known again, else a part
  int64_t size_bytes = 0;
};

// ---- inquiries ----

// At least one of the four is asked for; all that are must fit.
struct InquiryWish {
  std::string owner;      // label of the data owner
  std::string person;     // as events name him
  std::string device_id;  // "vid:pid:serial"
  std::string file_hash;  // SHA-256, 64 hex digits
  WallTime from, to;
  std::string reason;
};

}  // namespace sekisho::core
