// The register of people at accounts that several use. A PIN and an
// authenticator's secret are in no log: only whoever asked for them sees them.
#include <algorithm>

#include "common/text.h"
#include "policy/person_proof.h"
#include "server/auth/totp.h"
#include "server/core/people_register.h"
#include "server/core/requests.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

constexpr size_t kMaxReasonBytes = 512;

std::string ObjectOf(const std::string& person) {
  return "person " + EscapeUntrusted(person, 128);
}

std::string CountsOf(const core::RegisterDiff& diff) {
  return std::to_string(diff.added.size()) + " added, " +
         std::to_string(diff.changed.size()) + " changed, " +
         std::to_string(diff.removed.size()) + " removed, " +
         std::to_string(diff.same) + " as before";
}

core::PersonRow ShownRow(const store::RegisteredPerson& row) {
  return {.id = row.id,
          .name = row.name,
          .employer = row.employer,
          .manager = row.manager,
          .contract_end = row.contract_end,
          .accounts = row.accounts,
          .has_pin = !row.pin_verifier.empty(),
          .has_totp = !row.totp_secret.empty(),
          .remove_time = row.remove_time};
}

bool Holds(const store::RegisteredPerson& row, const std::string& text) {
  return row.id.find(text) != std::string::npos ||
         row.name.find(text) != std::string::npos ||
         row.employer.find(text) != std::string::npos;
}

}  // namespace

Result<Page<core::PersonRow>> JoinedDesk::ListPeople(const Caller&,
                                                     const std::string& text,
                                                     const Paging& paging) {
  ASSIGN_OR_RETURN(const auto people, p_.store.AllPeople());
  const auto size = static_cast<size_t>(
      paging.size > 0 ? std::min(paging.size, core::kMaxPageSize)
                      : core::kDefaultPageSize);
  Page<core::PersonRow> page;
  for (const store::RegisteredPerson& row : people) {
    if (row.id <= paging.token || !Holds(row, text)) continue;
    if (page.rows.size() == size) {
      page.next_token = page.rows.back().id;
      break;
    }
    page.rows.push_back(ShownRow(row));
  }
  return page;
}

Result<core::RegisterImport> JoinedDesk::PreviewPeople(
    const Caller&, const core::PeopleFile& file) {
  const core::ParsedPeople parsed = core::ParsePeopleFile(file);
  core::RegisterImport import;
  import.problems = parsed.problems;
  if (!import.problems.empty()) return import;
  ASSIGN_OR_RETURN(const auto before, p_.store.AllPeople());
  import.diff = core::ComparePeople(before, parsed.rows);
  return import;
}

Result<core::RegisterImport> JoinedDesk::ImportPeople(
    const Caller& caller, const core::PeopleFile& file) {
  core::RegisterImport import;
  const auto work = [&]() -> Result<core::RegisterImport> {
    ASSIGN_OR_RETURN(import, PreviewPeople(caller, file));
    if (!import.problems.empty()) return import;
    store::PeopleChange change;
    change.all = core::ParsePeopleFile(file).rows;
    RETURN_IF_ERROR(p_.publisher.PutPeople(change));
    RETURN_IF_ERROR(CutGrants());
    import.done = true;
    return import;
  };
  const Result<core::RegisterImport> result = work();
  const bool refused = result && !result->done;
  RETURN_IF_ERROR(
      Note(p_.store, p_.clock, caller, "people.import", "people register",
           refused ? "" : CountsOf(import.diff),
           !result   ? Status(std::unexpected(result.error()))
           : refused ? Status(Fail(Code::kInvalidArgument,
                                   "the file has " +
                                       std::to_string(result->problems.size()) +
                                       " problems"))
                     : Status()));
  return result;
}

Status JoinedDesk::CutGrants() {
  ASSIGN_OR_RETURN(const auto running,
                   p_.store.ListGrants(core::WhichGrants::kRunning, {}));
  const WallTime now = p_.clock.Now();
  for (core::TransferGrant grant : running) {
    if (grant.used_event_row_id != 0) continue;
    ASSIGN_OR_RETURN(const auto person, p_.store.FindPerson(grant.person));
    const auto cut = core::CutToContract(person, now, &grant.end_time);
    if (cut && !*cut) continue;
    if (!cut) {
      grant.over_time = now;
      grant.over_why = "ended";
    }
    RETURN_IF_ERROR(
        p_.publisher.PutGrant({.grant = std::move(grant), .answer = {}}));
  }
  return {};
}

Result<core::MadePin> JoinedDesk::MakePin(const Caller& caller,
                                          const std::string& person) {
  return WriteDown<core::MadePin>(
      caller, "people.pin", ObjectOf(person), "",
      [&]() -> Result<core::MadePin> {
        core::MadePin made{policy::NewPin()};
        store::PeopleChange change;
        change.id = person;
        {
          // Each takes 64 MiB.
          const std::lock_guard one_at_a_time(pin_mutex_);
          ASSIGN_OR_RETURN(change.pin_verifier,
                           policy::PinVerifierOf(made.pin));
        }
        RETURN_IF_ERROR(p_.publisher.PutPeople(change));
        return made;
      });
}

Result<core::TotpSecret> JoinedDesk::MakePersonTotp(const Caller& caller,
                                                    const std::string& person) {
  return WriteDown<core::TotpSecret>(
      caller, "people.totp", ObjectOf(person), "",
      [&]() -> Result<core::TotpSecret> {
        const std::string secret = auth::NewTotpSecret();
        store::PeopleChange change;
        change.id = person;
        change.totp_secret = secret;
        RETURN_IF_ERROR(p_.publisher.PutPeople(change));
        return core::TotpSecret{auth::ToBase32(secret),
                                auth::OtpauthUri(person, secret)};
      });
}

Status JoinedDesk::RemovePerson(const Caller& caller, const std::string& person,
                                const std::string& reason) {
  return WriteDown<void>(caller, "people.remove", ObjectOf(person),
                         EscapeUntrusted(reason, kMaxReasonBytes),
                         [&]() -> Status {
                           RETURN_IF_ERROR(CheckReason(reason));
                           store::PeopleChange change;
                           change.id = person;
                           change.remove = true;
                           RETURN_IF_ERROR(p_.publisher.PutPeople(change));
                           return CutGrants();
                         });
}

}  // namespace sekisho
