#include "agent/identities.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/file.h"
#include "common/text.h"
#include "policy/person_proof.h"

namespace sekisho::agent {
namespace {

constexpr std::string_view kMagic = "sekisho-identified-1";
constexpr size_t kMaxFileBytes = size_t{4} << 20;
constexpr size_t kMaxTries = 4 * Identities::kMaxLogins;
constexpr size_t kMaxSteps = policy::kMaxPeople;
// Codes this old are wrong anyway.
constexpr int64_t kStepsKept = 10;
constexpr int64_t kStepSeconds = 30;

constexpr std::string_view kNobodysVerifier =
    "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAA";

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::string PersonKey(const std::string& person) { return "person:" + person; }

bool IsOneWord(std::string_view text) {
  return !text.empty() && text.size() <= 128 &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Identities::Identities(const Clock& clock, std::string path,
                       std::string boot_id)
    : clock_(clock),
      path_(std::move(path)),
      boot_id_(std::move(boot_id)),
      people_(std::make_shared<const std::vector<policy::ListedPerson>>()) {
  if (const Status loaded = Load(); !loaded) {
    known_.clear();
    problem_ = "who said who he is: " + loaded.error().message;
  }
}

std::string Identities::LoginOf(const attribute::Who& who) {
  if (who.login_over || who.person == attribute::kUnknown) return "";
  std::string login;
  if (!who.session.empty()) {
    login = "session:" + who.session;
  } else if (who.audit_session >= 0) {
    login = fmt::format("audit:{}", who.audit_session);
  }
  return IsOneWord(login) ? login : "";
}

Status Identities::Load() {
  const auto text = ReadFileAt(AT_FDCWD, path_, kMaxFileBytes);
  if (!text) {
    if (text.error().code == Code::kNotFound) return {};
    return std::unexpected(text.error());
  }
  const auto lines = Split(*text, '\n');
  if (lines.size() < 3 || lines.front() != kMagic || !lines.back().empty() ||
      !lines[1].starts_with("boot ")) {
    return Fail(Code::kDataLoss, path_ + " is damaged");
  }
  const bool same_boot = lines[1].substr(5) == boot_id_;
  for (size_t i = 2; i + 1 < lines.size(); ++i) {
    if (const Status read = LoadLine(Split(lines[i], ' '), same_boot); !read) {
      return Wrap(fmt::format("{}:{}", path_, i + 1), read.error());
    }
  }
  return {};
}

Status Identities::LoadLine(const std::vector<std::string_view>& words,
                            bool same_boot) {
  const auto damaged = [] { return Fail(Code::kDataLoss, "damaged"); };
  if (words[0] == "step" && words.size() == 3) {
    const auto step = Number(words[2]);
    if (!step) return damaged();
    steps_[std::string(words[1])] = *step;
    return {};
  }
  if (words[0] == "tries" && words.size() == 4) {
    const auto count = Number(words[2]);
    const auto begin = Number(words[3]);
    if (!count || !begin || *count < 0 || *count > kTriesOfPerson) {
      return damaged();
    }
    if (same_boot) {
      tries_[std::string(words[1])] = {.count = static_cast<int>(*count),
                                       .begin = BootTime(*begin)};
    }
    return {};
  }
  if (words[0] != "known" || words.size() != 8) return damaged();
  const auto audit = Number(words[2]);
  const auto proof = policy::ParseProof(words[5]);
  const auto begin = Number(words[6]);
  const auto end = Number(words[7]);
  if (!audit || !proof || !begin || !end) return damaged();
  if (same_boot) {
    known_[std::string(words[1])] = {.audit_session = *audit,
                                     .account = std::string(words[3]),
                                     .begin = BootTime(*begin),
                                     .known = {.person = std::string(words[4]),
                                               .proof = *proof,
                                               .end = BootTime(*end)}};
  }
  return {};
}

Status Identities::Write() const {
  std::string text = fmt::format("{}\nboot {}\n", kMagic, boot_id_);
  for (const auto& [login, one] : known_) {
    text += fmt::format("known {} {} {} {} {} {} {}\n", login,
                        one.audit_session, one.account, one.known.person,
                        policy::Name(one.known.proof), one.begin.count(),
                        one.known.end.count());
  }
  for (const auto& [key, tries] : tries_) {
    text +=
        fmt::format("tries {} {} {}\n", key, tries.count, tries.begin.count());
  }
  for (const auto& [person, step] : steps_) {
    text += fmt::format("step {} {}\n", person, step);
  }
  return ReplaceFile(path_, text, 0600);
}

int64_t Identities::NowSeconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(
             clock_.Now().time_since_epoch())
      .count();
}

void Identities::Use(People people, std::optional<policy::Identify> identify) {
  people_ = std::move(people);
  identify_ = std::move(identify);
}

bool Identities::IsShared(const std::string& account) const {
  return identify_ && std::ranges::find(identify_->accounts, account) !=
                          identify_->accounts.end();
}

void Identities::DropOldTries() {
  const BootTime now = clock_.SinceBoot();
  std::erase_if(tries_, [&](const auto& one) {
    return one.second.count <= 0 || now - one.second.begin >= kTriesTime;
  });
  const int64_t oldest = NowSeconds() / kStepSeconds - kStepsKept;
  std::erase_if(steps_, [&](const auto& one) { return one.second < oldest; });
}

std::optional<BootTime> Identities::WaitOf(const std::string& key,
                                           int most) const {
  const auto found = tries_.find(key);
  if (found == tries_.end() || found->second.count < most) return std::nullopt;
  return found->second.begin + kTriesTime - clock_.SinceBoot();
}

void Identities::Count(const std::string& key) {
  const auto [found, first] =
      tries_.try_emplace(key, Tries{0, clock_.SinceBoot()});
  ++found->second.count;
  // The wait begins with the last try.
  found->second.begin = clock_.SinceBoot();
}

void Identities::Uncount(const std::string& key) {
  const auto found = tries_.find(key);
  if (found != tries_.end() && --found->second.count <= 0) tries_.erase(found);
}

Result<Identities::Question> Identities::Begin(const attribute::Who& who,
                                               const std::string& person,
                                               const std::string& typed) {
  if (!identify_) {
    return Fail(Code::kFailedPrecondition,
                "policy does not ask here who you are");
  }
  const std::string login = LoginOf(who);
  if (login.empty() || !IsOneWord(who.person)) {
    return Fail(Code::kFailedPrecondition,
                "this runs in no login: log in, then say who you are");
  }
  if (!IsShared(who.person)) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("the account '{}' is yours alone: it says who you "
                            "are",
                            EscapeUntrusted(who.person, 64)));
  }
  if (!policy::IsPersonId(person)) {
    return Fail(Code::kInvalidArgument, "this is no id of a person");
  }
  Question question{.login = login,
                    .audit_session = who.audit_session,
                    .account = who.person,
                    .person = person,
                    .proof = policy::IsPin(typed) ? policy::Proof::kPin
                                                  : policy::Proof::kTotp,
                    .typed = typed,
                    .listed = {},
                    .now_seconds = NowSeconds()};
  if (!policy::IsPin(typed) && !policy::IsTotpCode(typed)) {
    return Fail(Code::kInvalidArgument,
                "a PIN has 8 digits, the code of an authenticator 6");
  }
  if (std::ranges::find(identify_->proof, question.proof) ==
      identify_->proof.end()) {
    return Fail(Code::kInvalidArgument,
                question.proof == policy::Proof::kPin
                    ? "policy wants the code of an authenticator, no PIN"
                    : "policy wants a PIN, no code of an authenticator");
  }
  DropOldTries();
  for (const auto& [key, most] :
       {std::pair(login, kTries),
        std::pair(PersonKey(person), kTriesOfPerson)}) {
    if (const auto wait = WaitOf(key, most)) {
      return Fail(
          Code::kResourceExhausted,
          fmt::format("too many wrong tries: wait {} minutes",
                      std::chrono::ceil<std::chrono::minutes>(*wait).count()));
    }
  }
  if (tries_.size() + 2 > kMaxTries ||
      (known_.size() >= kMaxLogins && !known_.contains(login))) {
    return Fail(Code::kResourceExhausted, "too many logins: wait 15 minutes");
  }
  // Before it is known whether it is right.
  Count(login);
  Count(PersonKey(person));
  RETURN_IF_ERROR(Write());
  if (const auto* listed = policy::FindPerson(*people_, person)) {
    question.listed = *listed;
  }
  return question;
}

Identities::Checked Identities::Check(const Question& question) {
  Checked checked;
  if (question.proof == policy::Proof::kPin) {
    // As long for one that nobody has, so that time does not tell who is there.
    const bool has_pin = !question.listed.pin_verifier.empty();
    checked.right = policy::IsPinOf(has_pin ? question.listed.pin_verifier
                                            : std::string(kNobodysVerifier),
                                    question.typed) &&
                    has_pin;
  } else if (const auto step =
                 policy::TotpStepOf(question.listed.totp_secret, question.typed,
                                    question.now_seconds)) {
    checked = {.right = true, .step = *step};
  }
  return checked;
}

Result<Identities::Known> Identities::Finish(const Question& question,
                                             const Checked& checked) {
  const auto wrong = [&] {
    const auto found = tries_.find(question.login);
    const int left =
        found == tries_.end() ? kTries : kTries - found->second.count;
    return Fail(
        left > 0 ? Code::kPermissionDenied : Code::kResourceExhausted,
        left > 0
            ? fmt::format("this id and what was typed do not belong together; "
                          "{} tries are left",
                          left)
            : std::string("this id and what was typed do not belong together; "
                          "the next try is in 15 minutes"));
  };
  // As the list says now, not as it said when he began.
  const auto* listed = policy::FindPerson(*people_, question.person);
  if (!checked.right || listed == nullptr || *listed != question.listed) {
    return wrong();
  }
  if (question.proof == policy::Proof::kTotp) {
    const auto used = steps_.find(question.person);
    if (used != steps_.end() && checked.step <= used->second) {
      return Fail(Code::kPermissionDenied,
                  "this code was used already: wait for the next");
    }
    if (steps_.size() >= kMaxSteps && used == steps_.end()) {
      return Fail(Code::kResourceExhausted, "too many codes at once");
    }
    steps_[question.person] = checked.step;
    // Whatever follows, it is not good again.
    RETURN_IF_ERROR(Write());
  }
  if (policy::IsOver(*listed, NowSeconds())) {
    return Fail(Code::kPermissionDenied, "your contract is over");
  }
  if (!policy::MayUse(*listed, question.account)) {
    return Fail(Code::kPermissionDenied,
                fmt::format("you may not use the account '{}'",
                            EscapeUntrusted(question.account, 64)));
  }
  if (!IsShared(question.account)) {
    return Fail(Code::kFailedPrecondition,
                "policy does not ask here any more who you are");
  }
  Uncount(question.login);
  Uncount(PersonKey(question.person));
  const BootTime now = clock_.SinceBoot();
  const Entry entry{
      .audit_session = question.audit_session,
      .account = question.account,
      .begin = now,
      .known = {.person = question.person,
                .proof = question.proof,
                .end = now + std::chrono::hours(identify_->lasts_hours)}};
  const auto before = known_;
  known_[question.login] = entry;
  if (const Status written = Write(); !written) {
    known_ = before;
    return std::unexpected(written.error());
  }
  return entry.known;
}

// By the policy and the list of now: both may say less than when he said it.
bool Identities::Holds(const Entry& entry) const {
  if (!IsShared(entry.account)) return false;
  const BootTime now = clock_.SinceBoot();
  const auto* listed = policy::FindPerson(*people_, entry.known.person);
  return now < entry.known.end &&
         now < entry.begin + std::chrono::hours(identify_->lasts_hours) &&
         std::ranges::find(identify_->proof, entry.known.proof) !=
             identify_->proof.end() &&
         listed != nullptr && !policy::IsOver(*listed, NowSeconds()) &&
         policy::MayUse(*listed, entry.account);
}

const Identities::Known* Identities::Of(const attribute::Who& who) const {
  const auto found = known_.find(LoginOf(who));
  return found != known_.end() && found->second.account == who.person &&
                 Holds(found->second)
             ? &found->second.known
             : nullptr;
}

const Identities::Known* Identities::OfAuditSession(
    int64_t audit_session) const {
  if (audit_session < 0) return nullptr;
  const auto found = std::ranges::find_if(known_, [&](const auto& one) {
    return one.second.audit_session == audit_session && Holds(one.second);
  });
  return found == known_.end() ? nullptr : &found->second.known;
}

bool Identities::IsAsked(const attribute::Who& who) const {
  return IsShared(who.person) && Of(who) == nullptr;
}

std::string Identities::CountedAs(const attribute::Who& who) const {
  if (!who.stated_person.empty()) return who.stated_person;
  if (!IsShared(who.person)) return who.person;
  // A reboot gives the same number to another.
  const std::string login = LoginOf(who);
  return fmt::format("{} ({} {})", who.person,
                     login.empty() ? "no login" : login,
                     std::string_view(boot_id_).substr(0, 8));
}

bool Identities::IsOver(const std::string& person) const {
  const auto* listed = policy::FindPerson(*people_, person);
  return listed != nullptr && policy::IsOver(*listed, NowSeconds());
}

std::vector<std::string> Identities::logins() const {
  std::vector<std::string> names;
  for (const auto& [login, entry] : known_) names.push_back(login);
  return names;
}

bool Identities::EndDue() {
  const size_t gone = std::erase_if(
      known_, [&](const auto& one) { return !Holds(one.second); });
  if (gone == 0) return false;
  // If that fails they are over all the same.
  [[maybe_unused]] const Status written = Write();
  return true;
}

void Identities::EndLogin(const std::string& login) {
  if (known_.erase(login) == 0) return;
  [[maybe_unused]] const Status written = Write();
}

}  // namespace sekisho::agent
