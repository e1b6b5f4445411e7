// Codes for a terminal without network: what an approver reads out over the
// phone, so that one blocked device opens for a while. Pure.
//
// A code is 80 bits of HMAC-SHA-256 under the terminal's own secret, over
// terminal, device, period and a challenge that this terminal drew for this
// device. Challenge and code are letters of Crockford's base32 (no I, L, O, U)
// in groups of four with a check letter behind each group, so that a misheard
// letter is found, and its group named, before it costs a try.
//
//   challenge  NNNN? NNNN? TTTT?   40 random bits; 20 bits of SHA-256 over
//                                  terminal and device: misheard names show
//   code       MMMM? MMMM? MMMM? MMMM?
//
// What was issued is also a signed list (envelope of type "code"), by which a
// terminal that is back on the network learns that its code was a real one.
// Text, one spelling only:
//   sekisho-codes-1
//   key <64 hex digits>
//   code <id> <from> <until> <match>
// `key`: X25519, to which terminals seal their secrets. Ids rise; `from` and
// `until` are the server's seconds since 1970. The list goes to every terminal;
// a match says nothing to those that did not see the challenge.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace sekisho::policy {

// A code does not say its period: the terminal tries each of these.
inline constexpr std::array<int64_t, 11> kCodePeriods = {
    900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 259200, 604800};
// A challenge that was read out is worth so long.
inline constexpr int64_t kChallengeSeconds = int64_t{24} * 3600;
inline constexpr int kCodeTries = 5;
inline constexpr size_t kMaxIssuedCodes = 500;
inline constexpr size_t kMaxCodeTextBytes = 128;

using CodeSecret = std::array<std::byte, 32>;
using CodePublicKey = std::array<std::byte, 32>;
using CodeMatch = std::array<std::byte, 32>;
inline constexpr size_t kSealedSecretBytes = 80;

struct CodeTerms {
  std::string agent_id;
  std::string device;     // DeviceKey of containment.h
  int64_t seconds = 0;    // one of kCodePeriods
  std::string challenge;  // its 8 random letters
};

bool IsCodePeriod(int64_t seconds);
// "15m, 30m, 1h, ..."
std::string CodePeriodsText();

// 8 letters of 5 random bytes.
std::string ChallengeOf(std::span<const std::byte, 5> random);
// "7KQ2X-M9HT4-0ABCD": to be read out.
std::string PrintChallenge(std::string_view challenge,
                           std::string_view agent_id, std::string_view device);
// The 8 letters; case, spaces and dashes do not count. kInvalidArgument: a
// group was misheard (says which), or terminal or device was.
Result<std::string> ParseChallenge(std::string_view text,
                                   std::string_view agent_id,
                                   std::string_view device);

// "XXXXX-XXXXX-XXXXX-XXXXX"
std::string MakeCode(const CodeSecret& secret, const CodeTerms& terms);
// 16 letters. kInvalidArgument: a group was misheard, and which.
Result<std::string> ParseCode(std::string_view text);
// The period that makes `letters` the code of `terms`, whose own is ignored;
// nothing: it is not the code. Takes the same time wherever it differs.
std::optional<int64_t> PeriodOf(const CodeSecret& secret, CodeTerms terms,
                                std::string_view letters);

// SHA-256 over the terms: names a code without being one.
CodeMatch MatchOf(const CodeTerms& terms);

struct CodeKeyPair {
  CodePublicKey public_key{};
  std::array<std::byte, 32> secret_key{};
};
CodeKeyPair NewCodeKeyPair();
// Whoever carries it cannot read it.
std::string SealCodeSecret(const CodeSecret& secret, const CodePublicKey& to);
// kDataLoss: sealed to another key, or damaged.
Result<CodeSecret> OpenCodeSecret(std::string_view sealed,
                                  const CodeKeyPair& key);

struct IssuedCode {
  int64_t id = 0;
  int64_t from_seconds = 0;
  int64_t until_seconds = 0;
  CodeMatch match{};
  bool operator==(const IssuedCode&) const = default;
};

struct CodeList {
  CodePublicKey key{};
  std::vector<IssuedCode> issued;
  bool operator==(const CodeList&) const = default;
};

// kInvalidArgument: another form, ids that do not rise, a length that is not
// positive or over the cap; kResourceExhausted: too many.
Result<CodeList> ParseCodes(std::string_view text);
std::string PrintCodes(const CodeList& list);

// "code:1a2b3c4d", in the place of a rule's id.
std::string CodeRuleName(const CodeMatch& match);
bool IsCodeRule(std::string_view rule);

}  // namespace sekisho::policy
