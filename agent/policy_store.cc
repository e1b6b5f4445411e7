#include "agent/policy_store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "common/file.h"
#include "common/text.h"
#include "policy/parser.h"
#include "proto/event_bytes.h"

namespace sekisho::agent {
namespace {

constexpr size_t kMaxRootBytes = size_t{256} * 1024;
constexpr size_t kMaxLineBytes = 1024;
constexpr char kBeforeFile[] = "policy.before";
constexpr char kTrialFile[] = "policy.trial";
constexpr char kUndoneFile[] = "policy.undone";
constexpr char kPolicyType[] = "policy";
constexpr char kDevicesType[] = "devices";
constexpr char kUpgradeType[] = "upgrade";
constexpr char kUnlockType[] = "unlock";
constexpr char kContainType[] = "contain";
constexpr char kGrantType[] = "grant";
constexpr char kCodeType[] = "code";
constexpr char kPeopleType[] = "people";
constexpr char kDataSetsType[] = "data_sets";
constexpr std::string_view kTypes[] = {
    kPolicyType, kDevicesType, kUpgradeType, kUnlockType,  kContainType,
    kGrantType,  kCodeType,    kPeopleType,  kDataSetsType};

// A terminal that enrolled before there were containments, codes, people or
// data sets has no key for them: whoever may sign its policy may close and open
// everything anyway.
policy::Root WithLaterTypes(policy::Root root) {
  const auto policy = root.roles.find(kPolicyType);
  if (policy != root.roles.end()) {
    root.roles.try_emplace(kContainType, policy->second);
    root.roles.try_emplace(kCodeType, policy->second);
    root.roles.try_emplace(kPeopleType, policy->second);
    root.roles.try_emplace(kDataSetsType, policy->second);
  }
  return root;
}

std::string Remembered(const std::string& type, const std::string& sealed) {
  if (type != kDataSetsType) return sealed;
  const event::Hash hash = event::Sha256(AsBytes(sealed));
  return std::string(AsText(hash));
}

// "7\nwhat came of it\n": a version and a line.
struct VersionLine {
  int64_t version = 0;
  std::string text;
};

std::string Print(int64_t version, const std::string& text) {
  return fmt::format("{}\n{}\n", version, EscapeUntrusted(text, kMaxLineBytes));
}

std::optional<VersionLine> ReadVersionLine(const std::string& path) {
  const auto text = ReadFileAt(AT_FDCWD, path, size_t{4} * kMaxLineBytes);
  if (!text) return std::nullopt;
  const auto lines = Split(*text, '\n');
  VersionLine read;
  if (lines.size() < 2) return std::nullopt;
  const std::string_view number = lines[0];
  const auto [at, error] = std::from_chars(
      number.data(), number.data() + number.size(), read.version);
  if (error != std::errc() || at != number.data() + number.size()) {
    return std::nullopt;
  }
  read.text = std::string(lines[1]);
  return read;
}

Status RemoveFile(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return FailErrno("unlink " + path);
  }
  return {};
}

policy::DeviceRule AllowClass(const std::string& id, uint8_t klass) {
  policy::DeviceRule rule;
  rule.id = id;
  rule.match.interfaces_all = {
      {.klass = klass, .subclass = std::nullopt, .protocol = std::nullopt}};
  rule.access = policy::Access::kFull;
  return rule;
}

}  // namespace

policy::Policy ClosedPolicy() {
  policy::Policy policy;
  policy.name = "closed (no readable policy)";
  policy.mode = policy::Mode::kEnforce;
  policy.devices = {AllowClass("hubs", 0x09), AllowClass("keyboards", 0x03)};
  policy.device_default = policy::Access::kBlock;
  policy.content_default = policy::Verdict::kBlock;
  return policy;
}

PolicyStore::PolicyStore(std::string dir, std::string agent_id)
    : dir_(std::move(dir)), agent_id_(std::move(agent_id)) {
  const auto mode = ReadFileAt(AT_FDCWD, PathOf("mode"), 64);
  enforced_before_ = mode && mode->starts_with("enforce");
  const auto text = ReadFileAt(AT_FDCWD, PathOf("root"), kMaxRootBytes);
  if (text) {
    auto root = policy::ParseRoot(*text);
    if (root) {
      root_ = WithLaterTypes(std::move(*root));
      LoadUndone();
      for (const std::string_view type : kTypes) Load(std::string(type));
      LoadTrial();
      if (undone_ && version(kPolicyType) > undone_->version) undone_.reset();
    } else {
      problems_.push_back("root: " + root.error().message);
    }
  } else if (text.error().code != Code::kNotFound) {
    problems_.push_back("root: " + text.error().message);
  }
  if (enforced_before_ && !policy_) {
    problems_.push_back("the last policy enforced and cannot be loaded");
  }
  MakeSnapshot();
}

std::string PolicyStore::PathOf(const std::string& name) const {
  return dir_ + "/" + name;
}

void PolicyStore::Load(const std::string& type) {
  std::string name = type + ".envelope";
  auto sealed = ReadFileAt(AT_FDCWD, PathOf(name), policy::kMaxEnvelopeBytes);
  if (type == kPolicyType && undone_ && sealed) {
    const auto parsed = policy::ParseEnvelope(*sealed);
    if (parsed && parsed->version == undone_->version) {
      name = kBeforeFile;
      sealed = ReadFileAt(AT_FDCWD, PathOf(name), policy::kMaxEnvelopeBytes);
      // There was none: observe, as before the one that was undone.
      if (!sealed && sealed.error().code == Code::kNotFound) {
        enforced_before_ = false;
      }
    }
  }
  if (!sealed) {
    if (sealed.error().code != Code::kNotFound) {
      problems_.push_back(name + ": " + sealed.error().message);
    }
    return;
  }
  if (const Status applied = Apply(type, *sealed, 0); !applied) {
    problems_.push_back(name + ": " + applied.error().message);
  }
}

void PolicyStore::LoadUndone() {
  if (auto read = ReadVersionLine(PathOf(kUndoneFile))) {
    undone_ = Undone{.version = read->version, .why = std::move(read->text)};
  }
}

void PolicyStore::LoadTrial() {
  auto read = ReadVersionLine(PathOf(kTrialFile));
  if (read && read->version == version(kPolicyType)) {
    trial_ = std::move(read->text);
  }
}

Status PolicyStore::SetRoot(const std::string& root_text,
                            const std::string& agent_id) {
  ASSIGN_OR_RETURN(policy::Root root, policy::ParseRoot(root_text));
  RETURN_IF_ERROR(ReplaceFile(PathOf("root"), root_text, 0600));
  root_ = WithLaterTypes(std::move(root));
  agent_id_ = agent_id;
  return {};
}

Status PolicyStore::Apply(const std::string& type, const std::string& sealed,
                          int64_t oldest) {
  if (std::ranges::find(kTypes, type) == std::end(kTypes)) {
    return Fail(
        Code::kUnimplemented,
        fmt::format("envelope of type '{}' is not for this agent", type));
  }
  if (!root_) return Fail(Code::kFailedPrecondition, "not enrolled");
  ASSIGN_OR_RETURN(
      policy::Envelope envelope,
      policy::OpenEnvelope(sealed, type, *root_, agent_id_, oldest));
  if (type == kPolicyType) {
    ASSIGN_OR_RETURN(policy_, policy::ParsePolicy(envelope.body, "policy"));
  } else if (type == kUpgradeType) {
    ASSIGN_OR_RETURN(upgrade_, policy::ParseUpgradeManifest(envelope.body));
  } else if (type == kUnlockType) {
    ASSIGN_OR_RETURN(policy::Unlock unlock, policy::ParseUnlock(envelope.body));
    const int64_t length = envelope.expires_seconds - envelope.issued_seconds;
    if (length <= 0 || length > policy::kMaxUnlockSeconds) {
      return Fail(Code::kInvalidArgument, "an unlock lasts at most a day");
    }
    unlock_ = {.unlock = std::move(unlock),
               .issued_seconds = envelope.issued_seconds,
               .expires_seconds = envelope.expires_seconds};
  } else if (type == kContainType) {
    ASSIGN_OR_RETURN(containments_, policy::ParseContainments(envelope.body));
  } else if (type == kGrantType) {
    ASSIGN_OR_RETURN(grants_, policy::ParseGrants(envelope.body));
  } else if (type == kCodeType) {
    ASSIGN_OR_RETURN(codes_, policy::ParseCodes(envelope.body));
  } else if (type == kPeopleType) {
    ASSIGN_OR_RETURN(auto people, policy::ParsePeople(envelope.body));
    people_ = std::make_shared<const std::vector<policy::ListedPerson>>(
        std::move(people));
  } else if (type == kDataSetsType) {
    ASSIGN_OR_RETURN(auto sets, policy::ParseDataSets(envelope.body));
    data_sets_ =
        std::make_shared<const std::vector<policy::DataSet>>(std::move(sets));
  } else {
    ASSIGN_OR_RETURN(entries_,
                     policy::ParseDeviceList(envelope.body, "devices"));
  }
  held_[type] = {.version = envelope.version,
                 .expires_seconds = envelope.expires_seconds,
                 .sealed = Remembered(type, sealed)};
  return {};
}

Result<PolicyStore::Taken> PolicyStore::Take(const std::string& type,
                                             const std::string& sealed) {
  const auto held = held_.find(type);
  if (held != held_.end() && held->second.sealed == Remembered(type, sealed)) {
    return Taken{held->second.version, false};
  }
  int64_t oldest = version(type);
  if (type == kPolicyType && undone_) {
    const auto parsed = policy::ParseEnvelope(sealed);
    // The server offers its newest at each connection: told once, when it was
    // undone.
    if (parsed && parsed->version == undone_->version) {
      return Taken{version(type), false};
    }
    oldest = std::max(oldest, undone_->version + 1);
  }
  const auto policy_before = policy_;
  const auto entries_before = entries_;
  const auto upgrade_before = upgrade_;
  const auto unlock_before = unlock_;
  const auto containments_before = containments_;
  const auto grants_before = grants_;
  const auto codes_before = codes_;
  const auto people_before = people_;
  const auto data_sets_before = data_sets_;
  const auto held_before = held_;
  Status taken = Apply(type, sealed, oldest);
  if (taken && type == kPolicyType) {
    taken = held_before.contains(type)
                ? ReplaceFile(PathOf(kBeforeFile), held_before.at(type).sealed,
                              0600)
                : RemoveFile(PathOf(kBeforeFile));
  }
  if (taken) {
    taken = ReplaceFile(PathOf(type + ".envelope"), sealed, 0600);
  }
  if (!taken) {
    policy_ = policy_before;
    entries_ = entries_before;
    upgrade_ = upgrade_before;
    unlock_ = unlock_before;
    containments_ = containments_before;
    grants_ = grants_before;
    codes_ = codes_before;
    people_ = people_before;
    data_sets_ = data_sets_before;
    held_ = held_before;
    return std::unexpected(std::move(taken).error());
  }
  if (type == kPolicyType) {
    // What is left of them names another version, and so says nothing.
    undone_.reset();
    trial_.reset();
  }
  MakeSnapshot();
  return Taken{version(type), true};
}

Status PolicyStore::UndoPolicy(const std::string& why) {
  const int64_t version = this->version(kPolicyType);
  if (version == 0) return Fail(Code::kFailedPrecondition, "no policy to undo");
  const auto before =
      ReadFileAt(AT_FDCWD, PathOf(kBeforeFile), policy::kMaxEnvelopeBytes);
  if (!before && before.error().code != Code::kNotFound) {
    return std::unexpected(before.error());
  }
  const auto policy_now = policy_;
  const auto held_now = held_;
  const auto take_back = [&] {
    policy_ = policy_now;
    held_ = held_now;
  };
  policy_.reset();
  held_.erase(kPolicyType);
  if (before) {
    if (Status applied = Apply(kPolicyType, *before, 0); !applied) {
      take_back();
      return applied;
    }
  } else {
    enforced_before_ = false;
  }
  if (Status kept = ReplaceFile(PathOf(kUndoneFile), Print(version, why), 0600);
      !kept) {
    take_back();
    return kept;
  }
  undone_ =
      Undone{.version = version, .why = EscapeUntrusted(why, kMaxLineBytes)};
  trial_.reset();
  MakeSnapshot();
  return {};
}

Status PolicyStore::BeginTrial(const std::string& what) {
  RETURN_IF_ERROR(
      ReplaceFile(PathOf(kTrialFile), Print(version(kPolicyType), what), 0600));
  trial_ = EscapeUntrusted(what, kMaxLineBytes);
  return {};
}

Status PolicyStore::EndTrial() {
  trial_.reset();
  return RemoveFile(PathOf(kTrialFile));
}

void PolicyStore::MakeSnapshot() {
  policy::Policy policy = policy_            ? *policy_
                          : enforced_before_ ? ClosedPolicy()
                                             : policy::ObservePolicy();
  snapshot_ =
      policy::Snapshot::Make(std::move(policy), entries_, version(kPolicyType));
}

int64_t PolicyStore::version(const std::string& type) const {
  const auto held = held_.find(type);
  return held == held_.end() ? 0 : held->second.version;
}

std::optional<WallTime> PolicyStore::expires() const {
  const auto held = held_.find(kPolicyType);
  if (held == held_.end() || held->second.expires_seconds == 0) {
    return std::nullopt;
  }
  return WallTime(std::chrono::seconds(held->second.expires_seconds));
}

}  // namespace sekisho::agent
