// The whole of a policy: a YamlNode tree to the model. Every problem is
// collected; nothing is guessed. docs/policy.md is the reference for people.
#include "policy/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "common/text.h"
#include "policy/field_reader.h"
#include "policy/match_reader.h"
#include "policy/packs.h"
#include "policy/people_list.h"
#include "policy/samples_key.h"
#include "policy/sets_reader.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

// Rules that have the id of a rule here are left out; the others come after.
template <typename Rule>
void AddRules(std::vector<Rule> from, const Policy& known,
              std::vector<Rule>* out) {
  for (Rule& rule : from) {
    const bool taken =
        std::ranges::find(known.devices, rule.id, &DeviceRule::id) !=
            known.devices.end() ||
        std::ranges::find(known.content, rule.id, &ContentRule::id) !=
            known.content.end();
    if (taken) continue;
    rule.line = 0;  // a line of another file
    out->push_back(std::move(rule));
  }
}

void AddIncluded(Policy from, Policy* to) {
  const Policy known = *to;
  AddRules(std::move(from.devices), known, &to->devices);
  AddRules(std::move(from.content), known, &to->content);
}

class PolicyReader {
 public:
  explicit PolicyReader(Problems& problems)
      : in_(problems), conditions_(in_, policy_.sets) {}

  Policy Read(const YamlNode& root);

 private:
  // False: nothing more can be read.
  bool ReadVersion(const YamlNode& root);
  void ReadIncludes(const YamlNode* node);
  void ReadSamples(const YamlNode* node);
  void RuleId(const YamlNode& rule, std::string* out);
  template <typename F>
  void Rules(const YamlNode* node, std::string_view what, F read_one);
  DeviceRule ReadDeviceRule(const YamlNode& node);
  ContentRule ReadContentRule(const YamlNode& node);
  void ReadFolder(const YamlNode& node, std::vector<std::string>* out);
  void ReadLandings(const YamlNode& node);
  void ReadIdentify(const YamlNode& node);
  void ReadJob(const YamlNode& node);

  FieldReader in_;
  Policy policy_;
  MatchReader conditions_;
  std::optional<Policy> included_;
  std::unordered_set<std::string> ids_;
};

void PolicyReader::RuleId(const YamlNode& rule, std::string* out) {
  const YamlNode* node = in_.Required(rule, "a rule", "id", "my-rule");
  if (node == nullptr) return;
  auto id = in_.Id(*node);
  if (!id) return;
  if (*id == kDefaultRule) {
    in_.problems().Add(node->line, node->column,
                       "expected another id: 'default' stands for what no rule "
                       "covers");
  } else if (!ids_.insert(*id).second) {
    in_.problems().Add(
        node->line, node->column,
        fmt::format("expected each rule id once, found '{}' again", *id));
  }
  *out = std::move(*id);
}

template <typename F>
void PolicyReader::Rules(const YamlNode* node, std::string_view what,
                         F read_one) {
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::kList) {
    in_.Wrong(*node, fmt::format("a list of {}", what));
    return;
  }
  if (node->items.size() > kMaxRules) {
    in_.problems().Add(node->line, node->column,
                       fmt::format("expected at most {} {}, found {}",
                                   kMaxRules, what, node->items.size()));
    return;
  }
  for (const YamlNode& item : node->items) {
    if (in_.IsMapping(item, "a rule: a mapping that begins with 'id:'")) {
      read_one(item);
    }
  }
}

DeviceRule PolicyReader::ReadDeviceRule(const YamlNode& node) {
  DeviceRule rule;
  rule.line = node.line;
  in_.CheckKeys(node, "a device rule", kDeviceRuleKeys);
  RuleId(node, &rule.id);
  const YamlNode* match = node.Find("match");
  const YamlNode* list = node.Find("list");
  const YamlNode* access = node.Find("access");
  if (match != nullptr) rule.match = conditions_.ReadDevice(*match, "match");
  if (list != nullptr) rule.list = in_.Id(*list);
  if (match == nullptr && list == nullptr) {
    in_.problems().Add(
        node.line, node.column,
        "expected 'match' or 'list' in the rule, found none; write "
        "'match: {}' for every device");
  }
  if (list != nullptr && access != nullptr) {
    in_.Wrong(*access,
              "no 'access' beside 'list' (each row of the list has its own)");
  }
  if (list == nullptr) in_.Required(node, "the rule", "access", "block");
  in_.Word(access, ParseAccess, kAccessWords, &rule.access);
  in_.Flag(node.Find("encrypted_only"), &rule.encrypted_only);
  in_.Flag(node.Find("no_exec"), &rule.no_exec);
  in_.Texts(node.Find("notify"), &rule.notify);
  return rule;
}

ContentRule PolicyReader::ReadContentRule(const YamlNode& node) {
  ContentRule rule;
  rule.line = node.line;
  in_.CheckKeys(node, "a content rule", kContentRuleKeys, kContentRuleKeys2);
  RuleId(node, &rule.id);
  if (const YamlNode* when = in_.Required(node, "the rule", "when",
                                          "{ persons: { at_least: 21 } }")) {
    rule.match = conditions_.ReadContent(*when);
  }
  if (const YamlNode* match = node.Find("match")) {
    rule.situation = conditions_.ReadDevice(*match, "match");
  }
  in_.Word(in_.Required(node, "the rule", "verdict", "block"), ParseVerdict,
           kVerdictWords, &rule.verdict);
  in_.Word(node.Find("grant"), ParseGranting, kGrantingWords, &rule.granting);
  in_.Texts(node.Find("notify"), &rule.notify);
  return rule;
}

void PolicyReader::ReadFolder(const YamlNode& node,
                              std::vector<std::string>* out) {
  static constexpr std::string_view kExpected =
      "the full path of a folder such as /home";
  auto path = in_.Text(node, kMaxPatternBytes, kExpected);
  if (!path) return;
  while (path->size() > 1 && path->back() == '/') path->pop_back();
  const auto parts = Split(*path, '/');
  const bool plain =
      path->starts_with('/') &&
      std::ranges::none_of(parts.begin() + 1, parts.end(),
                           [&](std::string_view part) {
                             return part == "." || part == ".." ||
                                    (part.empty() && *path != "/");
                           });
  if (!plain) {
    in_.Wrong(node, kExpected);
    return;
  }
  out->push_back(std::move(*path));
}

void PolicyReader::ReadLandings(const YamlNode& node) {
  if (!in_.IsMapping(node,
                     "landings such as { persons: 100, folders: [\"/home\"] "
                     "}")) {
    return;
  }
  in_.CheckKeys(node, "landings", kLandingKeys);
  Landings landings;
  if (const YamlNode* persons = node.Find("persons")) {
    const auto count = in_.Count(*persons);
    if (count && *count < 1)
      in_.Wrong(*persons, "a number of people from 1 on");
    landings.persons = count.value_or(landings.persons);
  }
  in_.Items(
      in_.Required(node, "landings", "folders", "[\"/home\", \"/tmp\"]"),
      "a list of folders such as [\"/home\", \"/tmp\"]",
      [&](const YamlNode& item) { ReadFolder(item, &landings.folders); },
      kMaxLandingFolders);
  if (const YamlNode* lies = node.Find("lies_for")) {
    landings.lies_for_hours = lies->kind == YamlNode::Kind::kScalar
                                  ? ParseHours(lies->text)
                                  : std::nullopt;
    if (!landings.lies_for_hours) {
      in_.Wrong(*lies, "a time such as 30d, at most 400d");
    }
  }
  policy_.landings = std::move(landings);
}

void PolicyReader::ReadIdentify(const YamlNode& node) {
  if (!in_.IsMapping(node,
                     "identify such as { accounts: [maint], proof: [pin, totp] "
                     "}")) {
    return;
  }
  in_.CheckKeys(node, "identify", kIdentifyKeys);
  Identify identify;
  in_.Items(
      in_.Required(node, "identify", "accounts", "[maint, root]"),
      "a list of accounts such as [maint, root]",
      [&](const YamlNode& item) {
        static constexpr std::string_view kExpected =
            "the name of an account such as maint, whole";
        auto name = in_.Text(item, kMaxPatternBytes, kExpected);
        if (!name) return;
        if (!IsAccountName(*name)) {
          in_.Wrong(item, kExpected);
        } else if (std::ranges::find(identify.accounts, *name) !=
                   identify.accounts.end()) {
          in_.Wrong(item, "each account once");
        } else {
          identify.accounts.push_back(*std::move(name));
        }
      },
      kMaxSharedAccounts);
  in_.Items(
      in_.Required(node, "identify", "proof", "[pin, totp]"),
      "a list of pin and totp", [&](const YamlNode& item) {
        Proof proof = Proof::kPin;
        in_.Word(&item, ParseProof, kProofWords, &proof);
        if (std::ranges::find(identify.proof, proof) == identify.proof.end()) {
          identify.proof.push_back(proof);
        }
      });
  if (const YamlNode* lasts = node.Find("lasts")) {
    const auto hours = lasts->kind == YamlNode::Kind::kScalar
                           ? ParseHours(lasts->text)
                           : std::nullopt;
    if (!hours || *hours > kMaxIdentifyHours) {
      in_.Wrong(*lasts, "a time such as 8h, at most 7d");
    } else {
      identify.lasts_hours = *hours;
    }
  }
  policy_.identify = std::move(identify);
}

void PolicyReader::ReadJob(const YamlNode& node) {
  if (!in_.IsMapping(node,
                     "a job such as { unit: nightly.service, owner: yamada "
                     "}")) {
    return;
  }
  in_.CheckKeys(node, "a job", kJobKeys);
  Job job;
  if (const YamlNode* unit =
          in_.Required(node, "a job", "unit", "nightly-export.service")) {
    static constexpr std::string_view kExpected =
        "the whole name of a system service such as nightly-export.service";
    auto text = in_.Text(*unit, kMaxPatternBytes, kExpected);
    if (text && !IsServiceUnit(*text)) {
      in_.Wrong(*unit, kExpected);
    } else if (text && std::ranges::find(policy_.jobs, *text, &Job::unit) !=
                           policy_.jobs.end()) {
      in_.Wrong(*unit, "each service once");
    } else if (text) {
      job.unit = *std::move(text);
    }
  }
  if (const YamlNode* owner = in_.Required(node, "a job", "owner", "yamada")) {
    static constexpr std::string_view kExpected =
        "the id of the person whose job it is, as in the people register";
    auto text = in_.Text(*owner, kMaxPatternBytes, kExpected);
    if (text && !IsPersonId(*text)) {
      in_.Wrong(*owner, kExpected);
    } else if (text) {
      job.owner = *std::move(text);
    }
  }
  policy_.jobs.push_back(std::move(job));
}

bool PolicyReader::ReadVersion(const YamlNode& root) {
  const YamlNode* version = in_.Required(root, "the policy", "policy", "1");
  if (version == nullptr) return true;
  const auto number = in_.Count(*version);
  if (number && *number > kSchemaVersion) {
    // What a newer schema means by its keys cannot be judged here.
    in_.problems().Add(version->line, version->column,
                       fmt::format("expected schema version {} or older, found "
                                   "version {}: this policy is for a newer "
                                   "Sekisho",
                                   kSchemaVersion, *number));
    return false;
  }
  if (number && *number < 1) in_.Wrong(*version, "schema version 1 or 2");
  in_.SetVersion(number.value_or(1));
  return true;
}

void PolicyReader::ReadIncludes(const YamlNode* node) {
  if (node == nullptr) return;
  const auto take = [&](const YamlNode& item) {
    static constexpr std::string_view kPrefix = "pack:";
    const std::string_view text = item.text;
    const auto names = PackNames();
    const bool known = text.starts_with(kPrefix) &&
                       !PackText(text.substr(kPrefix.size())).empty();
    if (item.kind != YamlNode::Kind::kScalar || !known) {
      in_.Wrong(item,
                fmt::format("a pack ({}) such as pack:appi", Joined(names)));
      return;
    }
    auto pack = ParsePolicy(PackText(text.substr(kPrefix.size())), text);
    CHECK(pack);  // a test parses each
    if (included_) {
      AddIncluded(std::move(*pack), &*included_);
    } else {
      included_ = std::move(*pack);
    }
  };
  if (node->kind == YamlNode::Kind::kList) {
    in_.Items(node, "a list of packs", take);
  } else {
    take(*node);
  }
}

void PolicyReader::ReadSamples(const YamlNode* node) {
  static constexpr std::string_view kExpected =
      "samples such as { key: \"sekisho-p256:...\" }";
  if (node == nullptr || !in_.IsMapping(*node, kExpected)) return;
  in_.CheckKeys(*node, "samples", kSamplesKeys);
  const YamlNode* key = in_.Required(
      *node, "samples", "key", "the line that 'sekisho samples key' printed");
  if (key == nullptr) return;
  if (key->kind != YamlNode::Kind::kScalar || !ParseSamplesKey(key->text)) {
    in_.Wrong(*key,
              "a public key as 'sekisho samples key' prints it, whole "
              "(sekisho-p256:...)");
    return;
  }
  policy_.samples_key = key->text;
}

Policy PolicyReader::Read(const YamlNode& root) {
  if (!in_.IsMapping(root,
                     "a policy: a mapping that begins with 'policy: 1'") ||
      !ReadVersion(root)) {
    return policy_;
  }
  in_.CheckKeys(root, "the policy", kPolicyKeys, kPolicyKeys2);
  ReadIncludes(root.Find("include"));
  // What an included policy says holds where this one is silent.
  const auto needed = [&](std::string_view key, std::string_view example) {
    return included_ ? root.Find(key)
                     : in_.Required(root, "the policy", key, example);
  };
  if (included_) {
    policy_ = *included_;
    policy_.devices.clear();
    policy_.content.clear();
  }
  if (const YamlNode* name =
          in_.Required(root, "the policy", "name", "office")) {
    if (auto text = in_.Text(*name, kMaxPatternBytes, "a name")) {
      policy_.name = std::move(*text);
    }
  }
  in_.Word(needed("mode", "observe"), ParseMode, kModeWords, &policy_.mode);
  in_.Word(root.Find("when_stale"), ParseWhenStale, kWhenStaleWords,
           &policy_.when_stale);
  ReadSets(root, in_, &policy_.sets);
  Rules(root.Find("devices"), "device rules", [&](const YamlNode& node) {
    policy_.devices.push_back(ReadDeviceRule(node));
  });
  in_.Word(needed("device_default", "block"), ParseAccess, kAccessWords,
           &policy_.device_default);
  Rules(root.Find("content"), "content rules", [&](const YamlNode& node) {
    policy_.content.push_back(ReadContentRule(node));
  });
  in_.Word(needed("content_default", "block"), ParseVerdict, kVerdictWords,
           &policy_.content_default);
  ReadSamples(root.Find("samples"));
  in_.Texts(root.Find("contact"), &policy_.contact);
  if (const YamlNode* landings = root.Find("landings")) ReadLandings(*landings);
  if (const YamlNode* identify = root.Find("identify")) ReadIdentify(*identify);
  if (const YamlNode* jobs = root.Find("jobs")) {
    policy_.jobs.clear();
    in_.Items(
        jobs, "a list of jobs such as [{ unit: a.service, owner: yamada }]",
        [&](const YamlNode& item) { ReadJob(item); }, kMaxJobs);
  }
  if (included_) AddIncluded(std::move(*included_), &policy_);
  return std::move(policy_);
}

}  // namespace

std::expected<Policy, std::vector<Problem>> ParsePolicyDetailed(
    std::string_view text, std::string_view file_name) {
  Problems problems(file_name);
  if (text.size() > kMaxPolicyBytes) {
    problems.Add(1, 1,
                 fmt::format("expected at most {} bytes, found {}",
                             kMaxPolicyBytes, text.size()));
    return std::unexpected(problems.Take());
  }
  const auto root = ReadYaml(text, problems);
  if (!root) return std::unexpected(problems.Take());
  Policy policy = PolicyReader(problems).Read(*root);
  if (!problems.empty()) return std::unexpected(problems.Take());
  return policy;
}

Result<Policy> ParsePolicy(std::string_view text, std::string_view file_name) {
  auto policy = ParsePolicyDetailed(text, file_name);
  if (!policy) return std::unexpected(AsError(policy.error()));
  return std::move(*policy);
}

bool HasIncludes(std::string_view text) {
  Problems problems("");
  const auto root = ReadYaml(text, problems);
  return root && root->Find("include") != nullptr;
}

}  // namespace sekisho::policy
