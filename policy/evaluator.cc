#include "policy/evaluator.h"

#include <fmt/format.h>

#include <algorithm>

#include "policy/device_index.h"
#include "policy/match.h"
#include "policy/packs.h"
#include "policy/parser.h"
#include "policy/rule_index.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

constexpr uint8_t kImagingClass = 0x06;  // cameras and phones over PTP, MTP

bool IsEncrypted(const MediumFacts& medium) {
  return medium.encryption == "luks" || medium.encryption == "bitlocker";
}

constexpr std::string_view kImplausible =
    "what the scan reported makes no sense";

bool IsPlausible(const ContentFacts& content) {
  return content.persons >= 0 && content.bytes >= 0 &&
         (content.inspection == Inspection::kFull ||
          content.inspection == Inspection::kPartial ||
          content.inspection == Inspection::kNone);
}

std::string UnidentifiedReason(const PersonFacts& person) {
  return fmt::format(
      "several people use the account '{}', and nobody has said who he is",
      person.person);
}

struct Answer {
  Match match = Match::kNo;
  Access access = Access::kBlock;
  bool refused_plain = false;  // encrypted_only, and the medium is not
};

class IndexedSnapshot final : public Snapshot {
 public:
  IndexedSnapshot(Policy policy, const std::vector<DeviceEntry>& entries,
                  int64_t version)
      : policy_(std::move(policy)),
        version_(version),
        sets_(policy_.sets),
        rules_(policy_.devices),
        rows_(entries),
        totals_(TotalsOf(policy_)) {}

  const Policy& policy() const override { return policy_; }
  int64_t version() const override { return version_; }

  DeviceDecision DecideDevice(const DeviceFacts& device,
                              const PersonFacts& person,
                              const TerminalFacts& terminal,
                              WallTime now) const override {
    const Question question(sets_, device, person, terminal, now);
    DeviceDecision decision = DefaultDecision();
    rules_.ForEach(device, person, terminal, [&](uint32_t number) {
      const DeviceRule& rule = policy_.devices[number];
      const Answer answer = Ask(rule, question, nullptr);
      if (answer.match == Match::kNo) return false;
      decision = Decision(rule, answer);
      return true;
    });
    return decision;
  }

  ContentDecision DecideContent(const ContentFacts& content,
                                const DeviceFacts& device,
                                const PersonFacts& person,
                                const TerminalFacts& terminal,
                                WallTime now) const override;

  std::optional<WallTime> NextExpiry(WallTime now) const override {
    return rows_.NextExpiry(now);
  }
  std::optional<WallTime> NextChange(WallTime now) const override {
    const auto expiry = rows_.NextExpiry(now);
    const auto window = sets_.NextChange(now);
    if (expiry && window) return std::min(*expiry, *window);
    return expiry ? expiry : window;
  }

  const std::vector<TotalKey>& totals() const override { return totals_; }

  std::vector<Step> Explain(const DeviceFacts& device,
                            const PersonFacts& person,
                            const TerminalFacts& terminal,
                            WallTime now) const override;
  std::vector<Step> ExplainContent(const ContentFacts& content,
                                   const DeviceFacts& device,
                                   const PersonFacts& person,
                                   const TerminalFacts& terminal,
                                   WallTime now) const override;

 private:
  static std::vector<TotalKey> TotalsOf(const Policy& policy);
  bool Covers(const ContentRule& rule, const ContentFacts& content,
              const Question& question, std::string* why) const;
  Answer Ask(const DeviceRule& rule, const Question& question,
             std::string* why) const;
  DeviceDecision Decision(const DeviceRule& rule, const Answer& answer) const;
  DeviceDecision DefaultDecision() const;

  const Policy policy_;
  const int64_t version_;
  const NamedSets sets_;
  const RuleIndex rules_;
  const DeviceIndex rows_;
  const std::vector<TotalKey> totals_;
};

std::vector<TotalKey> IndexedSnapshot::TotalsOf(const Policy& policy) {
  std::vector<TotalKey> keys;
  for (const ContentRule& rule : policy.content) {
    for (const TotalLimit& limit : rule.match.totals) keys.push_back(limit.key);
  }
  std::ranges::sort(keys);
  const auto repeated = std::ranges::unique(keys);
  keys.erase(repeated.begin(), repeated.end());
  return keys;
}

Answer IndexedSnapshot::Ask(const DeviceRule& rule, const Question& question,
                            std::string* why) const {
  Answer answer;
  answer.access = rule.access;
  answer.match = MatchDevice(rule.match, question, why);
  if (answer.match == Match::kNo) return answer;
  if (rule.list) {
    const auto access = rows_.Find(*rule.list, question.device,
                                   question.terminal.terminal, question.now);
    if (!access) {
      if (why != nullptr) {
        *why = fmt::format("no row of list '{}' covers this device now",
                           *rule.list);
      }
      answer.match = Match::kNo;
      return answer;
    }
    answer.access = *access;
  }
  if (answer.match == Match::kAskMedium || !rule.encrypted_only ||
      answer.access == Access::kBlock) {
    return answer;
  }
  if (question.device.medium) {
    answer.refused_plain = !IsEncrypted(*question.device.medium);
  } else if (CanHoldMedium(question.device)) {
    answer.match = Match::kAskMedium;
    if (why != nullptr) *why = "the medium was not looked at yet";
  } else {
    answer.refused_plain = true;
  }
  if (answer.refused_plain) answer.access = Access::kBlock;
  return answer;
}

DeviceDecision IndexedSnapshot::Decision(const DeviceRule& rule,
                                         const Answer& answer) const {
  DeviceDecision decision;
  decision.encrypted_only = rule.encrypted_only;
  decision.no_exec = rule.no_exec;
  decision.rule = rule.id;
  decision.rule_line = rule.line;
  decision.notify = rule.notify;
  if (answer.match == Match::kAskMedium) {
    decision.needs_probe = true;
    decision.reason = fmt::format(
        "rule '{}' asks about the medium, which must be looked at first",
        rule.id);
    return decision;
  }
  decision.access = answer.access;
  if (answer.refused_plain) {
    decision.reason =
        fmt::format("rule '{}' wants an encrypted medium", rule.id);
  } else if (rule.list) {
    decision.reason = fmt::format("list '{}' gives {} (rule '{}')", *rule.list,
                                  Name(answer.access), rule.id);
  } else {
    decision.reason =
        fmt::format("rule '{}' gives {}", rule.id, Name(answer.access));
  }
  return decision;
}

DeviceDecision IndexedSnapshot::DefaultDecision() const {
  DeviceDecision decision;
  decision.access = policy_.device_default;
  decision.rule = kDefaultRule;
  decision.reason = fmt::format("no rule matches; the default is {}",
                                Name(policy_.device_default));
  return decision;
}

// What a rule asks about a medium that nobody looked at stays open; a rule that
// blocks takes it for true, any other for false.
bool IndexedSnapshot::Covers(const ContentRule& rule,
                             const ContentFacts& content,
                             const Question& question, std::string* why) const {
  if (!MatchContent(rule.match, content, sets_, why)) return false;
  const Match situation = MatchDevice(rule.situation, question, why);
  return situation == Match::kYes ||
         (situation == Match::kAskMedium && rule.verdict == Verdict::kBlock);
}

ContentDecision IndexedSnapshot::DecideContent(const ContentFacts& content,
                                               const DeviceFacts& device,
                                               const PersonFacts& person,
                                               const TerminalFacts& terminal,
                                               WallTime now) const {
  ContentDecision decision;
  decision.rule = kDefaultRule;
  if (!IsPlausible(content)) {
    decision.reason = kImplausible;
    return decision;
  }
  // A file without people is no reason to ask anybody who he is.
  if (content.persons > 0 && IsUnidentified(policy_, person)) {
    decision.rule = kIdentifyRule;
    decision.reason = UnidentifiedReason(person);
    decision.notify = IdentifyNotice(person.person);
    return decision;
  }
  const Question question(sets_, device, person, terminal, now);
  for (const ContentRule& rule : policy_.content) {
    if (!Covers(rule, content, question, nullptr)) continue;
    decision.verdict = rule.verdict;
    decision.rule = rule.id;
    decision.rule_line = rule.line;
    decision.reason =
        fmt::format("rule '{}' gives {}", rule.id, Name(rule.verdict));
    decision.notify = rule.notify;
    decision.grantable = rule.granting == Granting::kTransfer;
    return decision;
  }
  decision.verdict = policy_.content_default;
  decision.grantable = true;
  decision.reason = fmt::format("no rule matches; the default is {}",
                                Name(policy_.content_default));
  return decision;
}

std::vector<Snapshot::Step> IndexedSnapshot::ExplainContent(
    const ContentFacts& content, const DeviceFacts& device,
    const PersonFacts& person, const TerminalFacts& terminal,
    WallTime now) const {
  if (!IsPlausible(content)) {
    return {{std::string(kDefaultRule), 0, true, std::string(kImplausible)}};
  }
  const Question question(sets_, device, person, terminal, now);
  std::vector<Step> steps;
  if (policy_.identify) {
    const bool asked = content.persons > 0 && IsUnidentified(policy_, person);
    steps.push_back({std::string(kIdentifyRule), 0, asked,
                     asked ? UnidentifiedReason(person)
                     : content.persons > 0
                         ? "the person is known"
                         : "there are no people in the file"});
    if (asked) return steps;
  }
  for (const ContentRule& rule : policy_.content) {
    Step step;
    step.rule = rule.id;
    step.line = rule.line;
    step.matched = Covers(rule, content, question, &step.why);
    if (step.matched) {
      step.why = fmt::format("rule '{}' gives {}", rule.id, Name(rule.verdict));
    }
    steps.push_back(std::move(step));
    if (steps.back().matched) return steps;
  }
  steps.push_back({std::string(kDefaultRule), 0, true,
                   fmt::format("no rule matches; the default is {}",
                               Name(policy_.content_default))});
  return steps;
}

std::vector<Snapshot::Step> IndexedSnapshot::Explain(
    const DeviceFacts& device, const PersonFacts& person,
    const TerminalFacts& terminal, WallTime now) const {
  const Question question(sets_, device, person, terminal, now);
  std::vector<Step> steps;
  for (const DeviceRule& rule : policy_.devices) {
    Step step;
    step.rule = rule.id;
    step.line = rule.line;
    const Answer answer = Ask(rule, question, &step.why);
    step.matched = answer.match == Match::kYes;
    if (step.matched) step.why = Decision(rule, answer).reason;
    steps.push_back(std::move(step));
    if (answer.match != Match::kNo) return steps;
  }
  Step last;
  last.rule = kDefaultRule;
  last.matched = true;
  last.why = DefaultDecision().reason;
  steps.push_back(std::move(last));
  return steps;
}

}  // namespace

std::shared_ptr<const Snapshot> Snapshot::Make(Policy policy,
                                               std::vector<DeviceEntry> entries,
                                               int64_t version) {
  return std::make_shared<const IndexedSnapshot>(std::move(policy), entries,
                                                 version);
}

ContentDecision Snapshot::DecideContent(const ContentFacts& content) const {
  return DecideContent(content, {}, {}, {}, {});
}

bool IsUnidentified(const Policy& policy, const PersonFacts& person) {
  return policy.identify && person.account.empty() &&
         std::ranges::find(policy.identify->accounts, person.person) !=
             policy.identify->accounts.end();
}

std::map<std::string, std::string> IdentifyNotice(const std::string& account) {
  return {{"en", fmt::format("Several people use the account '{}'. Say who you "
                             "are, then copy again: sekisho iam YOUR-ID",
                             account)},
          {"ja", fmt::format("アカウント「{}」は複数の人が使用します。"
                             "「sekisho iam 自分のID」で本人確認をしてから、"
                             "もう一度コピーしてください。",
                             account)}};
}

DeviceDecision StricterWhenStale(DeviceDecision decision,
                                 const DeviceFacts& device) {
  const bool takes_files =
      CanHoldMedium(device) ||
      std::ranges::any_of(device.interfaces, [](const UsbInterface& i) {
        return i.klass == kImagingClass;
      });
  if (takes_files && decision.access > Access::kReadOnly) {
    decision.access = Access::kReadOnly;
    decision.reason += "; the policy is stale, so nothing may be written";
  }
  return decision;
}

Policy ObservePolicy() {
  auto policy = ParsePolicy(PackText("observe"), "observe.yaml");
  CHECK(policy);
  return std::move(*policy);
}

}  // namespace sekisho::policy
