// The register of terminals, their coverage, and inquiries.
#include <algorithm>
#include <map>
#include <set>

#include "common/text.h"
#include "server/core/coverage.h"
#include "server/core/inquiry.h"
#include "server/core/terminal_register.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

constexpr int kTerminalsAPage = 50;

std::string CountsOf(const core::RegisterDiff& diff) {
  return std::to_string(diff.added.size()) + " added, " +
         std::to_string(diff.changed.size()) + " changed, " +
         std::to_string(diff.removed.size()) + " removed, " +
         std::to_string(diff.same) + " as before";
}

// What was asked for, in one line.
std::string Asked(const core::InquiryWish& wish) {
  std::string text;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += (text.empty() ? "" : " ") + (name + value);
  };
  add("owner=", wish.owner);
  add("person=", wish.person);
  add("device=", wish.device_id);
  add("file_hash=", wish.file_hash);
  return EscapeUntrusted(
      text + " from " + FormatUtc(wish.from) + " to " + FormatUtc(wish.to),
      1024);
}

}  // namespace

Result<core::RegisterImport> JoinedDesk::PreviewRegister(
    const Caller&, const std::string& csv) {
  const core::ParsedRegister parsed = core::ParseRegister(csv);
  core::RegisterImport import;
  import.problems = parsed.problems;
  if (!import.problems.empty()) return import;
  ASSIGN_OR_RETURN(const auto before, p_.store.RegisteredTerminals());
  import.diff = core::CompareRegister(before, parsed.rows);
  return import;
}

Result<core::RegisterImport> JoinedDesk::ImportRegister(
    const Caller& caller, const std::string& csv) {
  core::RegisterImport import;
  const auto work = [&]() -> Result<core::RegisterImport> {
    ASSIGN_OR_RETURN(import, PreviewRegister(caller, csv));
    if (!import.problems.empty()) return import;
    RETURN_IF_ERROR(
        p_.store.PutRegister(core::ParseRegister(csv).rows, p_.clock.Now()));
    import.done = true;
    return import;
  };
  const Result<core::RegisterImport> result = work();
  const bool refused = result && !result->done;
  RETURN_IF_ERROR(
      Note(p_.store, p_.clock, caller, "register.import", "terminal register",
           refused ? "" : CountsOf(import.diff),
           !result   ? Status(std::unexpected(result.error()))
           : refused ? Status(Fail(Code::kInvalidArgument,
                                   "the file has " +
                                       std::to_string(result->problems.size()) +
                                       " problems"))
                     : Status()));
  return result;
}

Result<Page<core::TerminalRow>> JoinedDesk::ListTerminals(
    const Caller& caller, int days, const Paging& paging) {
  if (days < 1 || days > core::kMaxCoverDays) {
    return Fail(Code::kInvalidArgument, "1 to 92 days");
  }
  const WallTime now = p_.clock.Now();
  const int size = paging.size > 0 ? std::min(paging.size, kTerminalsAPage)
                                   : kTerminalsAPage;
  ASSIGN_OR_RETURN(const auto registered, p_.store.RegisteredTerminals());
  std::map<std::string, const core::RegisteredTerminal*> by_name;
  for (const auto& one : registered) by_name[one.name] = &one;
  ASSIGN_OR_RETURN(const auto agents, p_.store.AgentsIn(caller.scope));
  std::set<std::string> alive;
  for (const core::Agent& agent : agents) {
    if (agent.state != core::AgentState::kRevoked) alive.insert(agent.terminal);
  }
  Page<core::TerminalRow> page;
  const store::WhichTerminals which{"", paging.token, caller.scope};
  const Status read =
      core::ReadTerminals(p_.store, now - std::chrono::days(days), now, which,
                          [&](const core::TerminalCover& cover) -> Status {
                            if (std::ssize(page.rows) == size) {
                              page.next_token = page.rows.back().cover.terminal;
                              return Fail(Code::kCancelled, "enough");
                            }
                            core::TerminalRow row;
                            row.cover = cover;
                            const auto found = by_name.find(cover.terminal);
                            if (found != by_name.end())
                              row.registered = *found->second;
                            row.has_agent = alive.contains(cover.terminal);
                            page.rows.push_back(std::move(row));
                            return {};
                          });
  if (!read && page.next_token.empty()) {
    return std::unexpected(read.error());
  }
  return page;
}

Result<std::vector<core::SiteOutage>> JoinedDesk::ListSiteOutages(
    const Caller& caller) {
  return p_.store.ListSiteOutages(caller.scope);
}

Result<core::Inquiry> JoinedDesk::RunInquiry(const Caller& caller,
                                             const core::InquiryWish& wish) {
  const WallTime now = p_.clock.Now();
  const auto result = [&]() -> Result<core::Inquiry> {
    ASSIGN_OR_RETURN(
        core::InquiryAnswer answer,
        core::AnswerInquiry(p_.store, p_.checkpoints, wish, caller.user, now));
    core::Inquiry inquiry = {.id = 0,
                             .time = now,
                             .user = caller.user,
                             .reason = wish.reason,
                             .owner = wish.owner,
                             .person = wish.person,
                             .device_id = wish.device_id,
                             .file_hash = wish.file_hash,
                             .from = wish.from,
                             .to = wish.to,
                             .answer = core::Name(answer.answer),
                             .document = std::move(answer.document)};
    ASSIGN_OR_RETURN(inquiry.id, p_.store.AddInquiry(inquiry));
    return inquiry;
  }();
  return Written<core::Inquiry>(
      p_.store, p_.clock, caller, "report.inquiry",
      result ? "inquiry " + std::to_string(result->id) : "inquiry",
      Asked(wish) + ": " + EscapeUntrusted(wish.reason, 512), result);
}

Result<Page<core::Inquiry>> JoinedDesk::ListInquiries(const Caller&,
                                                      const Paging& paging) {
  return p_.store.ListInquiries(paging);
}

// Each look names people and files again: it is written down like a run.
Result<core::Inquiry> JoinedDesk::GetInquiry(const Caller& caller, int64_t id) {
  return Written<core::Inquiry>(p_.store, p_.clock, caller, "report.read",
                                "inquiry " + std::to_string(id), "",
                                p_.store.GetInquiry(id));
}

}  // namespace sekisho
