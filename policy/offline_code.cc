#include "policy/offline_code.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "common/text.h"

namespace sekisho::policy {
namespace {

constexpr std::string_view kMagic = "sekisho-codes-1";
constexpr std::string_view kCodeLabel = "sekisho-code-1";
constexpr std::string_view kPlaceLabel = "sekisho-code-place-1";
constexpr std::string_view kMatchLabel = "sekisho-code-match-1";
constexpr std::string_view kLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kGroup = 4;
constexpr size_t kNonceLetters = 8;
constexpr size_t kPlaceLetters = 4;
constexpr size_t kCodeLetters = 16;
constexpr size_t kCodeBytes = 10;
// Added to the check letters, so that a group in another's place, or of a
// challenge where a code is asked for, does not pass.
constexpr uint8_t kFirstOfCode = 1;
constexpr uint8_t kFirstOfChallenge = 9;
constexpr int64_t kMaxListedSeconds =
    kChallengeSeconds + kCodePeriods.back() + 600;

// In GF(32) over x^5 + x^2 + 1.
uint8_t TimesX(uint8_t value) {
  const auto twice = static_cast<uint8_t>(value << 1U);
  return (twice & 0x20U) != 0 ? static_cast<uint8_t>(twice ^ 0x25U) : twice;
}

// Each letter of a group and the check letter have another weight that is not
// zero: one changed letter, or two that changed places, never pass.
char CheckLetter(const std::array<uint8_t, kGroup>& values, uint8_t place) {
  uint8_t sum = place;
  for (const uint8_t value : values) {
    sum = TimesX(static_cast<uint8_t>(sum ^ value));
  }
  return kLetters[sum];
}

std::optional<uint8_t> ValueOf(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (c == 'O') c = '0';
  if (c == 'I' || c == 'L') c = '1';
  const size_t at = kLetters.find(c);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<uint8_t>(at);
}

char CheckOf(std::string_view group, uint8_t place) {
  std::array<uint8_t, kGroup> values{};
  for (size_t i = 0; i < kGroup; ++i) values[i] = *ValueOf(group[i]);
  return CheckLetter(values, place);
}

// `letters` in groups with their check letters.
std::string Grouped(std::string_view letters, uint8_t first) {
  std::string text;
  for (size_t at = 0; at < letters.size(); at += kGroup) {
    const std::string_view group = letters.substr(at, kGroup);
    if (!text.empty()) text += '-';
    text += group;
    text += CheckOf(group, static_cast<uint8_t>(first + at / kGroup));
  }
  return text;
}

Result<std::string> Ungrouped(std::string_view text, size_t letters,
                              uint8_t first, std::string_view what) {
  if (text.size() > kMaxCodeTextBytes) {
    return Fail(Code::kInvalidArgument, fmt::format("{} is too long", what));
  }
  std::string all;
  for (const char c : text) {
    if (c == ' ' || c == '-' || c == '\t') continue;
    const auto value = ValueOf(c);
    if (!value) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("'{}' is in no {}: letters and digits without "
                              "I, L, O, U",
                              EscapeUntrusted(std::string(1, c), 8), what));
    }
    all += kLetters[*value];
  }
  const size_t groups = letters / kGroup;
  if (all.size() != groups * (kGroup + 1)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} has {} groups of 5 letters; these are {} "
                            "letters",
                            what, groups, all.size()));
  }
  std::string out;
  std::string wrong;
  for (size_t i = 0; i < groups; ++i) {
    const std::string group = all.substr(i * (kGroup + 1), kGroup);
    if (CheckOf(group, static_cast<uint8_t>(first + i)) !=
        all[i * (kGroup + 1) + kGroup]) {
      wrong += fmt::format("{}{} ({})", wrong.empty() ? "" : ", ", i + 1,
                           all.substr(i * (kGroup + 1), kGroup + 1));
    }
    out += group;
  }
  if (!wrong.empty()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("group {} of the {} was misheard or mistyped: read "
                            "it again; no try was used",
                            wrong, what));
  }
  return out;
}

std::string LettersOf(ByteSpan bytes, size_t letters) {
  std::string text;
  uint32_t bits = 0;
  int held = 0;
  for (const std::byte byte : bytes) {
    bits = bits << 8U | std::to_integer<uint32_t>(byte);
    held += 8;
    while (held >= 5 && text.size() < letters) {
      held -= 5;
      text += kLetters[bits >> static_cast<unsigned>(held) & 31U];
    }
  }
  return text;
}

// Each part with its length before it.
Bytes Joined(std::string_view label,
             std::initializer_list<std::string_view> parts) {
  Bytes all;
  const auto add = [&](std::string_view part) {
    std::array<std::byte, 4> size{};
    PutU32(size.data(), static_cast<uint32_t>(part.size()));
    all.insert(all.end(), size.begin(), size.end());
    const ByteSpan bytes = AsBytes(part);
    all.insert(all.end(), bytes.begin(), bytes.end());
  };
  add(label);
  for (const std::string_view part : parts) add(part);
  return all;
}

const unsigned char* Raw(ByteSpan bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* Raw(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

CodeMatch Hash(ByteSpan bytes) {
  CodeMatch hash{};
  crypto_hash_sha256(Raw(std::span<std::byte>(hash)), Raw(bytes), bytes.size());
  return hash;
}

std::string PlaceLetters(std::string_view agent_id, std::string_view device) {
  return LettersOf(Hash(Joined(kPlaceLabel, {agent_id, device})),
                   kPlaceLetters);
}

std::string CodeLettersOf(const CodeSecret& secret, const CodeTerms& terms) {
  const Bytes input =
      Joined(kCodeLabel, {terms.agent_id, terms.device,
                          std::to_string(terms.seconds), terms.challenge});
  std::array<std::byte, crypto_auth_hmacsha256_BYTES> mac{};
  crypto_auth_hmacsha256(Raw(std::span<std::byte>(mac)), Raw(ByteSpan(input)),
                         input.size(), Raw(ByteSpan(secret)));
  return LettersOf(ByteSpan(mac).first(kCodeBytes), kCodeLetters);
}

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 ||
      std::to_string(value) != text) {
    return std::nullopt;
  }
  return value;
}

bool ReadHex(std::string_view text, std::array<std::byte, 32>* out) {
  const auto bytes = FromHex(text);
  if (!bytes || bytes->size() != out->size() || ToHex(*bytes) != text) {
    return false;
  }
  std::ranges::copy(*bytes, out->begin());
  return true;
}

Status ReadIssued(std::string_view line, CodeList* list) {
  const auto words = Split(line, ' ');
  IssuedCode one;
  if (words.size() != 5 || words[0] != "code" ||
      !ReadHex(words[4], &one.match)) {
    return Fail(Code::kInvalidArgument,
                "expected 'code <id> <from> <until> <match>'");
  }
  const auto id = Number(words[1]);
  const auto from = Number(words[2]);
  const auto until = Number(words[3]);
  if (!id || !from || !until) {
    return Fail(Code::kInvalidArgument, "id and times are numbers");
  }
  if (*id <= (list->issued.empty() ? 0 : list->issued.back().id)) {
    return Fail(Code::kInvalidArgument, "ids must rise");
  }
  if (*until <= *from || *until - *from > kMaxListedSeconds) {
    return Fail(Code::kInvalidArgument, "it lasts a second to 8 days");
  }
  one.id = *id;
  one.from_seconds = *from;
  one.until_seconds = *until;
  list->issued.push_back(one);
  return {};
}

}  // namespace

bool IsCodePeriod(int64_t seconds) {
  return std::ranges::find(kCodePeriods, seconds) != kCodePeriods.end();
}

std::string CodePeriodsText() {
  std::string text;
  for (const int64_t seconds : kCodePeriods) {
    if (!text.empty()) text += ", ";
    text += seconds % 86400 == 0  ? fmt::format("{}d", seconds / 86400)
            : seconds % 3600 == 0 ? fmt::format("{}h", seconds / 3600)
                                  : fmt::format("{}m", seconds / 60);
  }
  return text;
}

std::string ChallengeOf(std::span<const std::byte, 5> random) {
  return LettersOf(random, kNonceLetters);
}

std::string PrintChallenge(std::string_view challenge,
                           std::string_view agent_id, std::string_view device) {
  return Grouped(std::string(challenge) + PlaceLetters(agent_id, device),
                 kFirstOfChallenge);
}

Result<std::string> ParseChallenge(std::string_view text,
                                   std::string_view agent_id,
                                   std::string_view device) {
  ASSIGN_OR_RETURN(const std::string letters,
                   Ungrouped(text, kNonceLetters + kPlaceLetters,
                             kFirstOfChallenge, "challenge"));
  if (letters.substr(kNonceLetters) != PlaceLetters(agent_id, device)) {
    return Fail(Code::kInvalidArgument,
                "this challenge is not of this terminal and this device: one "
                "of the two was misheard, most likely the device's serial");
  }
  return letters.substr(0, kNonceLetters);
}

std::string MakeCode(const CodeSecret& secret, const CodeTerms& terms) {
  return Grouped(CodeLettersOf(secret, terms), kFirstOfCode);
}

Result<std::string> ParseCode(std::string_view text) {
  return Ungrouped(text, kCodeLetters, kFirstOfCode, "code");
}

std::optional<int64_t> PeriodOf(const CodeSecret& secret, CodeTerms terms,
                                std::string_view letters) {
  if (letters.size() != kCodeLetters) return std::nullopt;
  std::optional<int64_t> found;
  for (const int64_t seconds : kCodePeriods) {
    terms.seconds = seconds;
    const std::string right = CodeLettersOf(secret, terms);
    if (sodium_memcmp(right.data(), letters.data(), kCodeLetters) == 0) {
      found = seconds;
    }
  }
  return found;
}

CodeMatch MatchOf(const CodeTerms& terms) {
  return Hash(
      Joined(kMatchLabel, {terms.agent_id, terms.device,
                           std::to_string(terms.seconds), terms.challenge}));
}

CodeKeyPair NewCodeKeyPair() {
  CodeKeyPair key;
  crypto_box_keypair(Raw(std::span<std::byte>(key.public_key)),
                     Raw(std::span<std::byte>(key.secret_key)));
  return key;
}

std::string SealCodeSecret(const CodeSecret& secret, const CodePublicKey& to) {
  static_assert(kSealedSecretBytes == CodeSecret{}.size() + 48);
  std::string sealed(kSealedSecretBytes, '\0');
  const int done =
      crypto_box_seal(reinterpret_cast<unsigned char*>(sealed.data()),
                      Raw(ByteSpan(secret)), secret.size(), Raw(ByteSpan(to)));
  return done == 0 ? sealed : std::string();
}

Result<CodeSecret> OpenCodeSecret(std::string_view sealed,
                                  const CodeKeyPair& key) {
  CodeSecret secret{};
  if (sealed.size() != kSealedSecretBytes ||
      crypto_box_seal_open(Raw(std::span<std::byte>(secret)),
                           Raw(AsBytes(sealed)), sealed.size(),
                           Raw(ByteSpan(key.public_key)),
                           Raw(ByteSpan(key.secret_key))) != 0) {
    return Fail(Code::kDataLoss,
                "the terminal's secret is sealed to another key");
  }
  return secret;
}

Result<CodeList> ParseCodes(std::string_view text) {
  const auto lines = Split(text, '\n');
  CodeList list;
  if (lines.size() < 3 || lines.front() != kMagic || !lines.back().empty() ||
      !lines[1].starts_with("key ") ||
      !ReadHex(lines[1].substr(4), &list.key)) {
    return Fail(Code::kInvalidArgument,
                "codes: expected 'sekisho-codes-1', a key and whole lines");
  }
  for (size_t i = 2; i + 1 < lines.size(); ++i) {
    if (list.issued.size() == kMaxIssuedCodes) {
      return Fail(Code::kResourceExhausted,
                  fmt::format("codes: more than {}", kMaxIssuedCodes));
    }
    if (const Status read = ReadIssued(lines[i], &list); !read) {
      return Wrap(fmt::format("codes:{}", i + 1), read.error());
    }
  }
  return list;
}

std::string PrintCodes(const CodeList& list) {
  std::string text = fmt::format("{}\nkey {}\n", kMagic, ToHex(list.key));
  for (const IssuedCode& one : list.issued) {
    text += fmt::format("code {} {} {} {}\n", one.id, one.from_seconds,
                        one.until_seconds, ToHex(one.match));
  }
  return text;
}

std::string CodeRuleName(const CodeMatch& match) {
  return "code:" + ToHex(ByteSpan(match).first(4));
}

bool IsCodeRule(std::string_view rule) { return rule.starts_with("code:"); }

}  // namespace sekisho::policy
