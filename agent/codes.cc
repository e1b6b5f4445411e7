#include "agent/codes.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/bytes.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

constexpr std::string_view kMagic = "sekisho-codes-state-1";
constexpr size_t kMaxFileBytes = size_t{256} * 1024;
// A clock that was set back by less takes no challenge away.
constexpr int64_t kClockSlack = 600;

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// "-" is empty.
std::string Hex(std::string_view text) {
  return text.empty() ? "-" : ToHex(AsBytes(text));
}
std::optional<std::string> Unhex(std::string_view text) {
  if (text == "-") return std::string();
  const auto bytes = FromHex(text);
  if (!bytes) return std::nullopt;
  return std::string(AsText(*bytes));
}

template <size_t kSize>
std::optional<std::array<std::byte, kSize>> Unhex32(std::string_view text) {
  const auto bytes = FromHex(text);
  if (!bytes || bytes->size() != kSize) return std::nullopt;
  std::array<std::byte, kSize> out{};
  std::ranges::copy(*bytes, out.begin());
  return out;
}

int64_t MicrosOf(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

Codes::Codes(const Clock& clock, std::string path, std::string boot_id)
    : clock_(clock), path_(std::move(path)), boot_id_(std::move(boot_id)) {
  if (const Status loaded = Load(); !loaded) {
    secret_.reset();
    told_to_.reset();
    waiting_.clear();
    open_.clear();
    problem_ = "codes over the phone: " + loaded.error().message;
  }
}

Status Codes::Load() {
  const auto text = ReadFileAt(AT_FDCWD, path_, kMaxFileBytes);
  if (!text) {
    if (text.error().code == Code::kNotFound) return {};
    return std::unexpected(text.error());
  }
  const auto lines = Split(*text, '\n');
  if (lines.size() < 2 || lines.front() != kMagic || !lines.back().empty()) {
    return Fail(Code::kDataLoss, path_ + " is damaged");
  }
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    if (const Status read = LoadLine(Split(lines[i], ' ')); !read) {
      return Wrap(fmt::format("{}:{}", path_, i + 1), read.error());
    }
  }
  return {};
}

Status Codes::LoadLine(const std::vector<std::string_view>& words) {
  const auto damaged = [] { return Fail(Code::kDataLoss, "damaged"); };
  if (words[0] == "secret" && words.size() == 3) {
    secret_ = Unhex32<32>(words[1]);
    told_to_ = Unhex32<32>(words[2]);
    return secret_ && told_to_ ? Status() : damaged();
  }
  if (words[0] == "challenge" && words.size() == 6) {
    const auto tries = Number(words[2]);
    const auto made = Number(words[3]);
    auto key = Unhex(words[4]);
    auto descriptors = Unhex(words[5]);
    if (!tries || !made || !key || !descriptors) return damaged();
    if (*tries < policy::kCodeTries) {
      waiting_.push_back(
          {.device = {*std::move(key), *std::move(descriptors)},
           .letters = std::string(words[1]),
           .tries = static_cast<int>(std::max<int64_t>(*tries, 0)),
           .made_seconds = *made});
    }
    return {};
  }
  if (words[0] != "open" || words.size() != 9) return damaged();
  const auto seconds = Number(words[1]);
  const auto until = Number(words[2]);
  const auto end = Number(words[4]);
  const auto match = Unhex32<32>(words[6]);
  auto key = Unhex(words[7]);
  auto descriptors = Unhex(words[8]);
  if (!seconds || !until || !end || !match || !key || !descriptors) {
    return damaged();
  }
  Open one{.device = {*std::move(key), *std::move(descriptors)},
           .seconds = *seconds,
           .match = *match,
           .end = BootTime(*end),
           .until = WallTime(std::chrono::microseconds(*until)),
           .confirmed = words[5] == "1"};
  if (words[3] != boot_id_) {
    // Another boot: what the wall clock leaves, and never more than there was.
    const auto left = std::clamp(
        std::chrono::duration_cast<BootTime>(one.until - clock_.Now()),
        BootTime(0), BootTime(std::chrono::seconds(one.seconds)));
    one.end = clock_.SinceBoot() + left;
  }
  open_.push_back(std::move(one));
  return {};
}

Status Codes::Write() const {
  std::string text = std::string(kMagic) + "\n";
  if (secret_ && told_to_) {
    text += fmt::format("secret {} {}\n", ToHex(*secret_), ToHex(*told_to_));
  }
  for (const Waiting& one : waiting_) {
    text += fmt::format("challenge {} {} {} {} {}\n", one.letters, one.tries,
                        one.made_seconds, Hex(one.device.key),
                        Hex(one.device.descriptor_hash));
  }
  for (const Open& one : open_) {
    text += fmt::format("open {} {} {} {} {} {} {} {}\n", one.seconds,
                        MicrosOf(one.until), boot_id_, one.end.count(),
                        one.confirmed ? 1 : 0, ToHex(one.match),
                        Hex(one.device.key), Hex(one.device.descriptor_hash));
  }
  return ReplaceFile(path_, text, 0600);
}

int64_t Codes::NowSeconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(
             clock_.Now().time_since_epoch())
      .count();
}

Status Codes::SetSecret(const policy::CodeSecret& secret,
                        const policy::CodePublicKey& key) {
  secret_ = secret;
  told_to_ = key;
  waiting_.clear();
  const Status written = Write();
  if (!written) told_to_.reset();  // told again at the next start
  return written;
}

Status Codes::Reset() {
  secret_.reset();
  told_to_.reset();
  waiting_.clear();
  open_.clear();
  return Write();
}

void Codes::DropOld() {
  const int64_t now = NowSeconds();
  std::erase_if(waiting_, [&](const Waiting& one) {
    return one.tries >= policy::kCodeTries ||
           now - one.made_seconds >= policy::kChallengeSeconds ||
           one.made_seconds > now + kClockSlack;
  });
}

Result<Codes::Challenge> Codes::ChallengeFor(const std::string& agent_id,
                                             const Device& device) {
  if (!secret_) {
    return Fail(Code::kFailedPrecondition,
                "no code can be issued for this terminal: it has not told its "
                "secret to the server yet, which needs the network once");
  }
  DropOld();
  const auto found = std::ranges::find(waiting_, device, &Waiting::device);
  const bool is_new = found == waiting_.end();
  Waiting one = is_new ? Waiting{} : *found;
  if (is_new) {
    std::array<std::byte, 5> random{};
    FillRandom(random);
    one = {.device = device,
           .letters = policy::ChallengeOf(random),
           .tries = 0,
           .made_seconds = NowSeconds()};
    if (waiting_.size() == kMaxChallenges) waiting_.erase(waiting_.begin());
    waiting_.push_back(one);
    RETURN_IF_ERROR(Write());
  }
  return Challenge{
      .text = policy::PrintChallenge(one.letters, agent_id, device.key),
      .tries_left = policy::kCodeTries - one.tries,
      .is_new = is_new};
}

Result<Codes::Tried> Codes::Redeem(const std::string& agent_id,
                                   std::string_view code,
                                   const std::vector<Device>& blocked) {
  ASSIGN_OR_RETURN(const std::string letters, policy::ParseCode(code));
  DropOld();
  std::vector<Waiting*> candidates;
  for (Waiting& one : waiting_) {
    if (std::ranges::find(blocked, one.device) != blocked.end()) {
      candidates.push_back(&one);
    }
  }
  if (!secret_ || candidates.empty()) {
    return Fail(Code::kFailedPrecondition,
                "no blocked device waits for a code: `sekisho code` shows the "
                "challenge to read out first");
  }
  if (open_.size() >= kMaxOpen) {
    return Fail(Code::kResourceExhausted, "too many codes are in use");
  }
  // Counted on disk before it is looked at: whoever cuts the power has used
  // the try up.
  for (Waiting* one : candidates) ++one->tries;
  RETURN_IF_ERROR(Write());
  Tried tried;
  tried.tries_left = policy::kCodeTries;
  for (const Waiting* one : candidates) {
    tried.devices.push_back(one->device);
    tried.tries_left =
        std::min(tried.tries_left, policy::kCodeTries - one->tries);
  }
  for (const Waiting* one : candidates) {
    policy::CodeTerms terms{.agent_id = agent_id,
                            .device = one->device.key,
                            .seconds = 0,
                            .challenge = one->letters};
    const auto period = policy::PeriodOf(*secret_, terms, letters);
    if (!period) continue;
    terms.seconds = *period;
    const auto length = std::chrono::seconds(*period);
    Open open{.device = one->device,
              .seconds = *period,
              .match = policy::MatchOf(terms),
              .end = clock_.SinceBoot() + length,
              .until = clock_.Now() + length,
              .confirmed = false};
    tried.open = open;
    tried.devices = {open.device};
    // It was not a wrong guess for the others.
    for (Waiting* other : candidates) --other->tries;
    std::erase_if(waiting_,
                  [&](const Waiting& at) { return at.device == open.device; });
    open_.push_back(std::move(open));
    if (const Status written = Write(); !written) {
      open_.pop_back();
      return std::unexpected(written.error());
    }
    return tried;
  }
  return tried;
}

template <typename Pred>
std::vector<Codes::Ended> Codes::End(Pred pred, const char* why) {
  std::vector<Ended> ended;
  for (const Open& one : open_) {
    if (pred(one)) ended.push_back({.open = one, .why = why});
  }
  if (ended.empty()) return ended;
  std::erase_if(open_, pred);
  // If that fails, a restart finds it again and ends it the same way.
  [[maybe_unused]] const Status written = Write();
  return ended;
}

std::vector<Codes::Ended> Codes::Take(const policy::CodeList& list) {
  const auto listed = [&](const Open& one) {
    return std::ranges::find(list.issued, one.match,
                             &policy::IssuedCode::match) != list.issued.end();
  };
  bool changed = false;
  for (Open& one : open_) {
    if (one.confirmed || !listed(one)) continue;
    one.confirmed = true;
    changed = true;
  }
  if (changed) {
    // Otherwise it is confirmed again by the same list at the next start.
    [[maybe_unused]] const Status written = Write();
  }
  return End([&](const Open& one) { return one.confirmed && !listed(one); },
             "the server took it back");
}

bool Codes::HasUnconfirmed() const {
  return std::ranges::any_of(open_, [](const Open& o) { return !o.confirmed; });
}

std::vector<Codes::Ended> Codes::EndUnconfirmed() {
  return End([](const Open& one) { return !one.confirmed; },
             "the server was reached and did not confirm it");
}

std::vector<Codes::Ended> Codes::EndOne(const policy::CodeMatch& match,
                                        const char* why) {
  return End([&](const Open& one) { return one.match == match; }, why);
}

std::vector<Codes::Ended> Codes::EndDue() {
  const BootTime now = clock_.SinceBoot();
  return End([&](const Open& one) { return one.end <= now; },
             "its time is over");
}

std::optional<BootTime> Codes::UntilNextEnd() const {
  if (open_.empty()) return std::nullopt;
  const BootTime next = std::ranges::min(open_, {}, &Open::end).end;
  return std::max(next - clock_.SinceBoot(), BootTime(0));
}

}  // namespace sekisho::agent
