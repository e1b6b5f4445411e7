#include "server/core/publisher.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "common/file.h"
#include "common/text.h"
#include "policy/containment.h"
#include "policy/packs.h"
#include "policy/people_list.h"
#include "policy/transfer_grant.h"
#include "policy/upgrade_manifest.h"
#include "server/core/data_sets.h"
#include "server/core/device_id.h"

namespace sekisho::core {
namespace {

constexpr std::string_view kSignedTypes[] = {"policy", "devices", "grant",
                                             "unlock", "upgrade", "contain",
                                             "code",   "people",  "data_sets"};
constexpr size_t kMaxNoteBytes = 256;
constexpr int64_t kAnswerSeconds = int64_t{24} * 3600;

Result<policy::KeyPair> OpenKey(const std::string& path) {
  policy::KeyPair key;
  auto hex = ReadFileAt(AT_FDCWD, path, 1024);
  if (!hex && hex.error().code == Code::kNotFound) {
    key = policy::NewKeyPair();
    RETURN_IF_ERROR(ReplaceFile(
        path, ToHex(key.secret_key) + ToHex(key.public_key) + "\n", 0600));
    return key;
  }
  if (!hex) {
    return std::unexpected(std::move(hex).error());
  }
  ASSIGN_OR_RETURN(const Bytes bytes, FromHex(Trim(*hex)));
  if (bytes.size() != key.secret_key.size() + key.public_key.size()) {
    return Fail(Code::kDataLoss, path + " is not a signing key");
  }
  std::memcpy(key.secret_key.data(), bytes.data(), key.secret_key.size());
  std::memcpy(key.public_key.data(), bytes.data() + key.secret_key.size(),
              key.public_key.size());
  return key;
}

int64_t SecondsOf(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(
             time.time_since_epoch())
      .count();
}

policy::TransferGrant SignedGrant(const TransferGrant& row) {
  policy::TransferGrant grant{.id = row.id,
                              .from_seconds = SecondsOf(row.create_time),
                              .until_seconds = SecondsOf(row.end_time),
                              .persons = row.persons,
                              .types = {},
                              .holder = {},
                              .match = {}};
  for (const std::string_view word : Split(row.types, ',')) {
    if (!word.empty()) grant.types.emplace_back(word);
  }
  const ByteSpan hash = AsBytes(row.file_hash);
  const policy::GrantedTransfer transfer{
      .agent_id = row.agent_id,
      .person = row.person,
      .device = row.device_id,
      .content_hash = Bytes(hash.begin(), hash.end())};
  grant.holder = policy::HolderOf(transfer);
  grant.match = policy::MatchOf(transfer);
  return grant;
}

policy::RequestAnswer SignedAnswer(const store::RequestAnswer& row) {
  policy::RequestAnswer answer{
      .id = row.alert_id,
      .from_seconds = SecondsOf(row.answer_time),
      .until_seconds = SecondsOf(row.answer_time) + kAnswerSeconds,
      .approved = row.approved,
      .event_id = {}};
  // A terminal's word: one of another length names nothing there.
  const size_t size = std::min(row.event_id.size(), answer.event_id.size());
  std::ranges::copy(AsBytes(row.event_id).first(size), answer.event_id.begin());
  return answer;
}

policy::ListedPerson SignedPerson(const store::RegisteredPerson& row) {
  policy::ListedPerson person;
  person.id = row.id;
  if (row.contract_end) person.until_seconds = SecondsOf(*row.contract_end);
  for (const std::string_view word : Split(row.accounts, ',')) {
    if (!word.empty()) person.accounts.emplace_back(word);
  }
  person.pin_verifier = row.pin_verifier;
  person.totp_secret = row.totp_secret;
  return person;
}

Status CheckNote(std::string_view what, const std::string& text) {
  if (text.size() > kMaxNoteBytes || !IsValidUtf8(text)) {
    return Fail(Code::kInvalidArgument,
                std::string(what) + " is UTF-8 text of at most 256 bytes");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Publisher>> Publisher::Open(
    store::Store& store, const Clock& clock, const std::string& key_path) {
  ASSIGN_OR_RETURN(const policy::KeyPair key, OpenKey(key_path));
  std::unique_ptr<Publisher> publisher(new Publisher(store, clock, key));
  ASSIGN_OR_RETURN(const auto policies, store.ListPolicies({1, ""}));
  if (policies.rows.empty()) {
    ASSIGN_OR_RETURN(const Pushed pushed,
                     publisher->PushPolicy(
                         "sekisho", std::string(policy::PackText("observe")),
                         "observe.yaml", "what a fresh install does"));
    if (!pushed.problems.empty()) {
      return Fail(Code::kInternal, "the observe pack does not parse");
    }
  } else if (store.IsShared()) {
    RETURN_IF_ERROR(publisher->CheckKeyIsShared(key_path));
  }
  return publisher;
}

// Terminals that enrolled by another server know its key.
Status Publisher::CheckKeyIsShared(const std::string& key_path) const {
  ASSIGN_OR_RETURN(const std::string sealed, store_.NewestEnvelope("policy"));
  ASSIGN_OR_RETURN(const policy::Root root, policy::ParseRoot(RootFile()));
  const auto opened = policy::OpenEnvelope(sealed, "policy", root, "", 0);
  if (!opened && opened.error().code == Code::kUnauthenticated) {
    return Fail(Code::kFailedPrecondition,
                key_path +
                    " is another key than the policy in this database is "
                    "signed with: servers of one database have the same keys, "
                    "copy state/server and state/ca of the first");
  }
  return {};
}

std::string Publisher::RootFile() const {
  policy::Root root;
  for (const std::string_view type : kSignedTypes) {
    root.roles[std::string(type)] = {1, {key_.public_key}};
  }
  return policy::PrintRoot(root);
}

std::string Publisher::Seal(const std::string& type, int64_t version,
                            std::string body) const {
  policy::Envelope envelope;
  envelope.type = type;
  envelope.version = version;
  envelope.issued_seconds = NowSeconds();
  envelope.body = std::move(body);
  return policy::Seal(std::move(envelope), {key_});
}

int64_t Publisher::NowSeconds() const { return SecondsOf(clock_.Now()); }

Result<Pushed> Publisher::PushPolicy(const std::string& author,
                                     const std::string& text,
                                     const std::string& file_name,
                                     const std::string& comment) {
  return Push({.version = 0,
               .push_time = {},
               .author = author,
               .comment = comment,
               .file_name = file_name,
               .mode = "",
               .text = text},
              [this](PolicyVersion policy, const store::Store::Sealer& seal) {
                return store_.AddPolicy(std::move(policy), seal);
              });
}

Result<Pushed> Publisher::StagePolicy(const std::string& author,
                                      const std::string& text,
                                      const std::string& file_name,
                                      const std::string& comment,
                                      const store::Rollout& rollout) {
  return Push({.version = 0,
               .push_time = {},
               .author = author,
               .comment = comment,
               .file_name = file_name,
               .mode = "",
               .text = text},
              [&](PolicyVersion policy, const store::Store::Sealer& seal) {
                return store_.StagePolicy(std::move(policy), rollout, seal);
              });
}

Result<Pushed> Publisher::Push(PolicyVersion policy, const AddPolicy& add) {
  RETURN_IF_ERROR(CheckNote("a comment", policy.comment));
  Pushed pushed;
  auto parsed = policy::ParsePolicyDetailed(policy.text, policy.file_name);
  if (!parsed) {
    pushed.problems = std::move(parsed).error();
    return pushed;
  }
  policy.push_time = clock_.Now();
  policy.file_name = EscapeUntrusted(policy.file_name, kMaxNoteBytes);
  policy.mode = policy::Name(parsed->mode);
  // A pack that is named is signed with its rules written out, so that what a
  // terminal does hangs on no agent's own packs.
  if (policy::HasIncludes(policy.text)) {
    policy.text = policy::PrintPolicy(*parsed);
  }
  const std::string signed_text = policy.text;
  ASSIGN_OR_RETURN(pushed.version, add(std::move(policy), [&](int64_t version) {
                     return Seal("policy", version, signed_text);
                   }));
  pushed.agent_count = Tell("policy", pushed.version);
  return pushed;
}

Result<Pushed> Publisher::Rollback(const std::string& author, int64_t version) {
  ASSIGN_OR_RETURN(const PolicyVersion old, store_.GetPolicy(version));
  return PushPolicy(author, old.text, old.file_name,
                    "back to version " + std::to_string(version));
}

Result<Pushed> Publisher::PushUpgrade(const std::string& manifest) {
  RETURN_IF_ERROR(policy::ParseUpgradeManifest(manifest));
  Pushed pushed;
  ASSIGN_OR_RETURN(pushed.version,
                   store_.AddEnvelope("upgrade", [&](int64_t version) {
                     return Seal("upgrade", version, manifest);
                   }));
  pushed.agent_count = Tell("upgrade", pushed.version);
  return pushed;
}

Result<Unlocked> Publisher::PushUnlock(const std::string& agent_id,
                                       std::chrono::seconds length,
                                       const policy::Unlock& unlock) {
  policy::Envelope envelope;
  envelope.type = "unlock";
  envelope.issued_seconds = NowSeconds();
  envelope.expires_seconds = envelope.issued_seconds + length.count();
  envelope.audience = agent_id;
  envelope.body = policy::PrintUnlock(unlock);
  RETURN_IF_ERROR(policy::ParseUnlock(envelope.body));
  Unlocked unlocked{
      .version = 0,
      .end_time = WallTime(std::chrono::seconds(envelope.expires_seconds)),
      .requested_by = unlock.requested_by,
      .reason = unlock.reason};
  ASSIGN_OR_RETURN(unlocked.version,
                   store_.AddEnvelope("unlock", [&](int64_t version) {
                     envelope.version = version;
                     return policy::Seal(envelope, {key_});
                   }));
  Tell("unlock", unlocked.version);
  return unlocked;
}

Result<Containment> Publisher::PutContainment(const Containment& row) {
  ASSIGN_OR_RETURN(
      Containment put,
      store_.PutContainment(
          row, clock_.Now(),
          [&](int64_t version, const std::vector<Containment>& running) {
            std::vector<policy::Containment> list;
            for (const Containment& one : running) {
              list.push_back(
                  {.id = one.id,
                   .kind = policy::ParseContainKind(one.kind).value_or(
                       policy::ContainKind::kTerminal),
                   .target = one.target,
                   .from_seconds = SecondsOf(one.from_time),
                   .until_seconds = SecondsOf(one.end_time)});
            }
            return Seal("contain", version, policy::PrintContainments(list));
          }));
  Tell("contain", put.version);
  return put;
}

Result<TransferGrant> Publisher::PutGrant(
    const store::Store::GrantChange& change) {
  ASSIGN_OR_RETURN(
      const TransferGrant put,
      store_.PutGrant(
          change, clock_.Now(),
          [&](int64_t version, const std::vector<TransferGrant>& running,
              const std::vector<store::RequestAnswer>& answers) {
            policy::GrantList list;
            for (const TransferGrant& one : running) {
              list.transfers.push_back(SignedGrant(one));
            }
            for (const store::RequestAnswer& one : answers) {
              list.answers.push_back(SignedAnswer(one));
            }
            return Seal("grant", version, policy::PrintGrants(list));
          }));
  Tell("grant", put.version);
  return put;
}

Result<int64_t> Publisher::PutPeople(const store::PeopleChange& change) {
  ASSIGN_OR_RETURN(
      const int64_t version,
      store_.PutPeople(change, clock_.Now(),
                       [&](int64_t next,
                           const std::vector<store::RegisteredPerson>& people) {
                         std::vector<policy::ListedPerson> list;
                         list.reserve(people.size());
                         for (const auto& row : people)
                           list.push_back(SignedPerson(row));
                         return Seal("people", next, policy::PrintPeople(list));
                       }));
  Tell("people", version);
  return version;
}

// `sets`: by name, and stay so.
Result<int64_t> Publisher::ChangeDataSets(
    const std::function<Status(std::vector<policy::DataSet>& sets)>& change) {
  ASSIGN_OR_RETURN(
      const int64_t version,
      store_.ChangeEnvelope(
          "data_sets",
          [&](const std::string& newest, int64_t next) -> Result<std::string> {
            ASSIGN_OR_RETURN(auto sets, DataSetsIn(newest));
            RETURN_IF_ERROR(change(sets));
            ASSIGN_OR_RETURN(const std::string body,
                             policy::PrintDataSets(sets));
            return Seal("data_sets", next, body);
          }));
  Tell("data_sets", version);
  return version;
}

Result<int64_t> Publisher::PutDataSet(const policy::DataSet& set) {
  return ChangeDataSets([&](std::vector<policy::DataSet>& sets) -> Status {
    const std::string& id = set.facts().id;
    for (const policy::DataSet& other : sets) {
      if (other.facts().id != id &&
          other.facts().key_id != set.facts().key_id) {
        return Fail(Code::kInvalidArgument,
                    "it was made with another key than '" + other.facts().id +
                        "': make both on terminals of this installation");
      }
    }
    std::erase_if(sets, [&](const auto& one) { return one.facts().id == id; });
    const auto after = std::ranges::find_if(
        sets, [&](const policy::DataSet& one) { return one.facts().id > id; });
    sets.insert(after, set);
    return {};
  });
}

Result<int64_t> Publisher::RemoveDataSet(const std::string& id) {
  return ChangeDataSets([&](std::vector<policy::DataSet>& sets) -> Status {
    if (std::erase_if(
            sets, [&](const auto& one) { return one.facts().id == id; }) == 0) {
      return Fail(Code::kNotFound, "no data set '" + id + "' is registered");
    }
    return {};
  });
}

Result<OfflineCode> Publisher::PutCode(const std::optional<OfflineCode>& code,
                                       const policy::CodePublicKey& key) {
  ASSIGN_OR_RETURN(
      const OfflineCode put,
      store_.PutCode(
          code, clock_.Now(),
          [&](int64_t version, const std::vector<OfflineCode>& running) {
            policy::CodeList list;
            list.key = key;
            for (const OfflineCode& row : running) {
              policy::IssuedCode one{.id = row.id,
                                     .from_seconds = SecondsOf(row.create_time),
                                     .until_seconds = SecondsOf(row.end_time),
                                     .match = {}};
              std::ranges::copy(AsBytes(row.match).first(one.match.size()),
                                one.match.begin());
              list.issued.push_back(one);
            }
            return Seal("code", version, policy::PrintCodes(list));
          }));
  Tell("code", put.version);
  return put;
}

Result<event::v1::Device> Publisher::FactsOf(
    const std::string& device_id) const {
  store::DeviceFilter filter;
  filter.device_id = device_id;
  ASSIGN_OR_RETURN(const auto seen,
                   store_.ListDevices(filter, {1, ""}, clock_.Now()));
  if (!seen.rows.empty() && DeviceIdOf(seen.rows[0].facts) == device_id) {
    return seen.rows[0].facts;
  }
  return DeviceFromId(device_id);
}

Result<policy::DeviceEntry> Publisher::EntryOf(
    const Approval& approval, const event::v1::Device& facts) const {
  policy::DeviceEntry entry;
  entry.list = "approvals";
  entry.vendor_id = facts.vendor_id();
  entry.product_id = facts.product_id();
  entry.serial = facts.serial();
  entry.terminal = approval.terminal;
  entry.expires = approval.expire_time;
  entry.owner = approval.owner;
  entry.purpose = approval.purpose;
  entry.ticket = approval.ticket;
  const auto access = policy::ParseAccess(approval.access);
  if (!access) {
    return Fail(Code::kInvalidArgument,
                "access is one of block, read_only, inspect, audit, full");
  }
  entry.access = *access;
  // "*" stands for every device in a list; here it would be a device that
  // calls itself so.
  if (entry.serial == "*" || entry.product_id == "*") {
    return Fail(Code::kInvalidArgument,
                "a device whose serial is '*' cannot be approved");
  }
  const auto back =
      policy::ParseDeviceList(policy::PrintDeviceList({entry}), "approval");
  if (!back) {
    return std::unexpected(back.error());
  }
  if (back->size() != 1 || (*back)[0].serial != entry.serial ||
      (*back)[0].vendor_id != entry.vendor_id ||
      (*back)[0].product_id != entry.product_id) {
    return Fail(Code::kInvalidArgument,
                "the device cannot be written into a list");
  }
  return entry;
}

Result<int64_t> Publisher::ChangeApproval(const std::string& author,
                                          const Approval& approval) {
  const bool takes_back = approval.access.empty();
  if (!takes_back) {
    const std::pair<const char*, const std::string*> notes[] = {
        {"owner", &approval.owner},
        {"purpose", &approval.purpose},
        {"ticket", &approval.ticket},
        {"terminal", &approval.terminal}};
    for (const auto& [what, text] : notes) {
      RETURN_IF_ERROR(CheckNote(what, *text));
    }
    if (approval.expire_time && *approval.expire_time <= clock_.Now()) {
      return Fail(Code::kInvalidArgument, "the approval's end is in the past");
    }
    ASSIGN_OR_RETURN(const auto facts, FactsOf(approval.device_id));
    RETURN_IF_ERROR(EntryOf(approval, facts));
  }
  ASSIGN_OR_RETURN(
      const int64_t version,
      store_.ChangeApproval(
          approval, author, clock_.Now(),
          [&](int64_t next, const std::vector<store::ApprovedDevice>& all) {
            std::vector<policy::DeviceEntry> entries;
            for (const store::ApprovedDevice& row : all) {
              auto facts = DeviceIdOf(row.facts) == row.approval.device_id
                               ? Result<event::v1::Device>(row.facts)
                               : DeviceFromId(row.approval.device_id);
              if (!facts) {
                continue;  // was checked when it was approved
              }
              if (auto entry = EntryOf(row.approval, *facts)) {
                entries.push_back(std::move(*entry));
              }
            }
            return Seal("devices", next, policy::PrintDeviceList(entries));
          }));
  Tell("devices", version);
  return version;
}

}  // namespace sekisho::core
