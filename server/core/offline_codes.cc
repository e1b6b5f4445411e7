#include "server/core/offline_codes.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "common/file.h"
#include "common/text.h"
#include "policy/containment.h"
#include "policy/unlock.h"
#include "server/core/device_id.h"
#include "server/core/event_alert.h"
#include "server/core/event_words.h"
#include "server/core/requests.h"

namespace sekisho::core {
namespace {

constexpr size_t kMaxReasonBytes = 1024;
constexpr size_t kMaxPersonBytes = 128;

struct OpenedKey {
  policy::CodeKeyPair key;
  bool is_new = false;
};

Result<OpenedKey> OpenKey(const std::string& path) {
  OpenedKey opened;
  const auto hex = ReadFileAt(AT_FDCWD, path, 1024);
  if (!hex && hex.error().code == Code::kNotFound) {
    opened = {policy::NewCodeKeyPair(), true};
    RETURN_IF_ERROR(ReplaceFile(
        path,
        ToHex(opened.key.secret_key) + ToHex(opened.key.public_key) + "\n",
        0600));
    return opened;
  }
  RETURN_IF_ERROR(hex);
  const auto bytes = FromHex(Trim(*hex));
  if (!bytes || bytes->size() != 64) {
    return Fail(Code::kDataLoss, path + " is not a key of codes");
  }
  std::ranges::copy(ByteSpan(*bytes).first(32), opened.key.secret_key.begin());
  std::ranges::copy(ByteSpan(*bytes).last(32), opened.key.public_key.begin());
  return opened;
}

Status CheckText(const char* what, const std::string& text, size_t cap) {
  if (text.empty() || text.size() > cap || !IsValidUtf8(text)) {
    return Fail(Code::kInvalidArgument, std::string(what) +
                                            " is UTF-8 text of 1 to " +
                                            std::to_string(cap) + " bytes");
  }
  return {};
}

// Whether two names are of one person.
bool SamePerson(const std::string& user, const std::string& person) {
  Caller caller;
  caller.user = user;
  return Concerns(caller, person);
}

}  // namespace

Result<std::unique_ptr<OfflineCodes>> OfflineCodes::Open(
    store::Store& store, Publisher& publisher, Changes& changes,
    const Clock& clock, const std::string& key_path) {
  ASSIGN_OR_RETURN(const OpenedKey opened, OpenKey(key_path));
  std::unique_ptr<OfflineCodes> codes(
      new OfflineCodes(store, publisher, changes, clock, opened.key));
  ASSIGN_OR_RETURN(const auto versions, store.EnvelopeVersions());
  if (opened.is_new ||
      std::ranges::find(versions, "code",
                        &store::Store::EnvelopeVersion::type) ==
          versions.end()) {
    RETURN_IF_ERROR(publisher.PutCode(std::nullopt, opened.key.public_key));
  }
  return codes;
}

Result<OfflineCode> OfflineCodes::Put(const OfflineCode& row) {
  auto put = publisher_.PutCode(row, key_.public_key);
  if (put) changes_.Tell({Change::What::kAgent, 0, row.agent_id});
  return put;
}

// The challenge says which of the terminals of this name is meant.
Result<OfflineCode> OfflineCodes::RowFor(const Caller& caller,
                                         const CodeWish& wish) {
  RETURN_IF_ERROR(CheckText("a reason", wish.reason, kMaxReasonBytes));
  RETURN_IF_ERROR(
      CheckText("the person who calls", wish.person, kMaxPersonBytes));
  if (policy::PersonOf(caller.user).empty()) {
    return Fail(Code::kPermissionDenied,
                "nobody knows who you are: log in as yourself and use sudo");
  }
  if (Concerns(caller, wish.person)) {
    return Fail(Code::kPermissionDenied,
                "nobody issues a code for himself: ask a colleague");
  }
  if (!policy::IsCodePeriod(wish.seconds)) {
    return Fail(Code::kInvalidArgument,
                "a code is given for one of " + policy::CodePeriodsText());
  }
  ASSIGN_OR_RETURN(const auto agents, store_.AgentsIn(caller.scope));
  OfflineCode row;
  Status heard =
      Fail(Code::kNotFound,
           "there is no terminal '" + EscapeUntrusted(wish.terminal, 64) + "'");
  for (const Agent& agent : agents) {
    if (agent.state == AgentState::kRevoked ||
        (agent.terminal != wish.terminal && agent.agent_id != wish.terminal)) {
      continue;
    }
    const auto challenge =
        policy::ParseChallenge(wish.challenge, agent.agent_id, wish.device_id);
    heard = challenge ? Status() : std::unexpected(challenge.error());
    if (!challenge) continue;
    row.agent_id = agent.agent_id;
    row.terminal = agent.terminal;
    row.challenge = *challenge;
    break;
  }
  RETURN_IF_ERROR(heard);
  ASSIGN_OR_RETURN(const auto registered, store_.FindPerson(wish.person));
  WallTime end = clock_.Now() + std::chrono::seconds(wish.seconds);
  ASSIGN_OR_RETURN(const bool longer,
                   CutToContract(registered, clock_.Now(), &end));
  if (longer) {
    return Fail(Code::kFailedPrecondition, "the contract of " + wish.person +
                                               " ends " + FormatUtc(end) +
                                               ": give a shorter code");
  }
  ASSIGN_OR_RETURN(const auto lost, store_.LostDevices());
  if (lost.contains(wish.device_id)) {
    return Fail(Code::kFailedPrecondition,
                "this device was reported " + lost.at(wish.device_id).how);
  }
  ASSIGN_OR_RETURN(const auto contained,
                   store_.ListContainments(store::Contained::kRunning, {}));
  for (const store::Containment& one : contained) {
    const bool covers =
        (one.kind == "terminal" && one.target == row.agent_id) ||
        (one.kind == "device" && one.target == wish.device_id) ||
        (one.kind == "person" && SamePerson(one.target, wish.person));
    if (covers) {
      return Fail(Code::kFailedPrecondition, "containment " +
                                                 std::to_string(one.id) +
                                                 " covers it: lift that first");
    }
  }
  row.device_id = wish.device_id;
  row.seconds = wish.seconds;
  row.person = wish.person;
  row.reason = wish.reason;
  row.created_by = caller.user;
  row.create_time = clock_.Now();
  row.end_time = row.create_time +
                 std::chrono::seconds(policy::kChallengeSeconds + row.seconds);
  return row;
}

Result<SpokenCode> OfflineCodes::Issue(const Caller& caller,
                                       const CodeWish& wish) {
  ASSIGN_OR_RETURN(OfflineCode row, RowFor(caller, wish));
  ASSIGN_OR_RETURN(const std::string sealed, store_.CodeSecretOf(row.agent_id));
  ASSIGN_OR_RETURN(const policy::CodeSecret secret,
                   policy::OpenCodeSecret(sealed, key_));
  const policy::CodeTerms terms{.agent_id = row.agent_id,
                                .device = row.device_id,
                                .seconds = row.seconds,
                                .challenge = row.challenge};
  row.match = std::string(AsText(policy::MatchOf(terms)));
  ASSIGN_OR_RETURN(const auto before, store_.FindCode(row.agent_id, row.match));
  if (before && before->used_event_row_id != 0) {
    return Fail(Code::kFailedPrecondition,
                "a code for this challenge was used already");
  }
  ASSIGN_OR_RETURN(const auto running,
                   store_.ListCodes(store::WhichGrants::kRunning, {}));
  if (running.size() >= policy::kMaxIssuedCodes) {
    return Fail(Code::kResourceExhausted, "too many codes run");
  }
  // In the signed list before anybody hears it.
  SpokenCode spoken;
  ASSIGN_OR_RETURN(spoken.row, Put(row));
  spoken.row.terminal = row.terminal;
  spoken.code = policy::MakeCode(secret, terms);
  return spoken;
}

Result<OfflineCode> OfflineCodes::Revoke(int64_t code_id, const Scope& scope) {
  ASSIGN_OR_RETURN(const auto running,
                   store_.ListCodes(store::WhichGrants::kRunning, scope));
  const auto found = std::ranges::find(running, code_id, &OfflineCode::id);
  if (found == running.end()) {
    return Fail(Code::kFailedPrecondition, "this code is over, or never was");
  }
  OfflineCode code = *found;
  code.over_time = clock_.Now();
  code.over_why = "revoked";
  ASSIGN_OR_RETURN(OfflineCode put, Put(code));
  put.terminal = code.terminal;
  return put;
}

Status OfflineCodes::RevokeFor(const std::string& device_id) {
  ASSIGN_OR_RETURN(const auto running,
                   store_.ListCodes(store::WhichGrants::kRunning, {}));
  for (const OfflineCode& one : running) {
    if (one.device_id == device_id) RETURN_IF_ERROR(Revoke(one.id, {}));
  }
  return {};
}

Result<std::vector<OfflineCode>> OfflineCodes::EndDue() {
  std::vector<OfflineCode> ended;
  ASSIGN_OR_RETURN(const auto running,
                   store_.ListCodes(store::WhichGrants::kRunning, {}));
  for (OfflineCode code : running) {
    if (code.end_time > clock_.Now()) continue;
    code.over_time = clock_.Now();
    code.over_why = "ended";
    RETURN_IF_ERROR(Put(code));
    ended.push_back(std::move(code));
  }
  return ended;
}

store::NewAlert AlertOfUsedCode(const store::Event& event,
                                const std::optional<OfflineCode>& issued,
                                const Caller& issuer) {
  std::string kind = "code_used";
  std::string severity = "medium";
  std::string what = "A code over the phone opened " + event.device_id +
                     " on " + event.terminal;
  const std::string& person = PersonIn(event.personal_part);
  if (!issued) {
    kind = "code_never_issued";
    severity = "critical";
    what +=
        ", and nobody issued it: the terminal's or the server's secret is "
        "known to somebody";
  } else if (issued->used_event_row_id != 0 &&
             issued->used_event_row_id != event.row_id) {
    kind = "code_used_again";
    severity = "critical";
    what += " a second time: the terminal was restored from an image";
  } else if (issued->over_why == "revoked") {
    kind = "code_used_revoked";
    severity = "high";
    what += " although it was taken back before the terminal could know";
  } else if (Concerns(issuer, person)) {
    kind = "code_used_by_issuer";
    severity = "critical";
    what += " for whoever issued it";
  } else {
    what += " (code " + std::to_string(issued->id) + ")";
  }
  return AlertOf(event, std::move(kind), std::move(severity), std::move(what));
}

}  // namespace sekisho::core
