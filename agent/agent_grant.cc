// One refused copy that may go once: the operator asks for it, the SOC grants
// it, the same content passes, and nothing else does. And the answers to what
// was asked, told where it was asked.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/agent.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

constexpr size_t kMaxRefused = 64;
constexpr size_t kMaxAsked = 64;
constexpr char kUnknownPerson[] = "unknown";

WallTime At(int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

std::vector<std::string> TypesOf(const ipc::Findings& findings) {
  std::vector<std::string> types;
  for (const ipc::DataCount& count : findings.data) types.push_back(count.type);
  return types;
}

std::string_view LastPart(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

policy::GrantedTransfer Agent::GrantedBy(const attribute::Who& who,
                                         const policy::DeviceFacts& facts,
                                         const std::string& file_hash) const {
  const ByteSpan hash = AsBytes(file_hash);
  return {.agent_id = log_->agent_id(),
          .person = PersonName(who),
          .device = policy::DeviceKey(facts),
          .content_hash = Bytes(hash.begin(), hash.end())};
}

Result<int64_t> Agent::UseGrant(const ipc::Findings& findings,
                                const policy::DeviceFacts& facts,
                                const attribute::Who& who) {
  if (findings.file_hash.empty() || who.person == kUnknownPerson) return 0;
  const policy::TransferGrant* grant =
      grants_->Find(GrantedBy(who, facts, findings.file_hash), findings.persons,
                    TypesOf(findings));
  if (grant == nullptr) return 0;
  const int64_t id = grant->id;
  RETURN_IF_ERROR(grants_->Use(id));
  return id;
}

bool Agent::HoldsGrant(const attribute::Who& who,
                       const policy::DeviceFacts& facts) const {
  return who.person != kUnknownPerson &&
         grants_->Holds(GrantedBy(who, facts, {}));
}

void Agent::RememberRefused(RefusedCopy copy) {
  if (refused_.size() == kMaxRefused) refused_.pop_front();
  refused_.push_back(std::move(copy));
}

// The newest of this person that has this name; of any name if it is empty.
const Agent::RefusedCopy* Agent::FindRefused(const attribute::Who& who,
                                             std::string_view file) const {
  for (auto at = refused_.rbegin(); at != refused_.rend(); ++at) {
    const bool his =
        who.person == kUnknownPerson
            ? at->who.uid == who.uid
            : identities_->CountedAs(at->who) == identities_->CountedAs(who);
    const bool named = file.empty() || file == at->path ||
                       LastPart(file) == LastPart(at->path);
    if (his && named) return &*at;
  }
  return nullptr;
}

Result<Parts> Agent::CopyRequest(const attribute::Who& who,
                                 const std::string& file) {
  const RefusedCopy* copy = FindRefused(who, file);
  if (copy == nullptr) {
    return Fail(Code::kNotFound,
                "no refused copy of yours by this name since the agent "
                "started: copy the file again, then ask");
  }
  if (!copy->grantable) {
    return Fail(Code::kPermissionDenied,
                fmt::format("what rule '{}' stops cannot be granted: call the "
                            "security desk",
                            EscapeUntrusted(copy->rule, 128)));
  }
  if (copy->findings.file_hash.empty()) {
    return Fail(Code::kFailedPrecondition,
                "the file was not read to its end, so nobody can say what "
                "would be granted");
  }
  if (copy->who.person == kUnknownPerson) {
    return Fail(Code::kFailedPrecondition,
                "it is not known who made this copy: log in, copy it again, "
                "then ask");
  }
  Parts parts = NewParts(event::v1::EVENT_KIND_REQUEST);
  SetDevice(copy->device, parts);
  TellFindings(copy->findings, OwnersIn(copy->findings), parts);
  parts.open.set_rule(copy->rule);
  parts.open.set_requested_event_id(copy->event_id);
  parts.personal.set_file_path(copy->path);
  return parts;
}

void Agent::RememberAsked(AskedFor asked) {
  if (asked_.size() == kMaxAsked) asked_.pop_front();
  asked_.push_back(std::move(asked));
}

void Agent::TakeGrants() {
  const bool was_known = grants_->problem().empty();
  grants_->Take(store_->grants());
  if (!was_known) TellHealth(grants_->problem());
  for (const policy::RequestAnswer& answer : grants_->answers()) {
    const auto asked = std::ranges::find_if(asked_, [&](const AskedFor& one) {
      return std::ranges::equal(AsBytes(one.event_id), answer.event_id);
    });
    if (asked == asked_.end()) continue;
    Answer told{.kind = Answer::Kind::kDenied,
                .what = asked->what,
                .until = EndText(clock_.Now(), At(answer.until_seconds)),
                .request_id = answer.id};
    if (answer.approved) {
      told.kind =
          asked->of_copy ? Answer::Kind::kTransfer : Answer::Kind::kDevice;
    }
    Tell(asked->who, told);
    asked_.erase(asked);
  }
}

}  // namespace sekisho::agent
