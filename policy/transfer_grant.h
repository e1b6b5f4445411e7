// Grants of one transfer: what the SOC lets through once although policy stops
// it, and the answers to what operators asked. The body of an envelope of type
// "grant" lists all that run; what is not in the newest list has ended. Pure.
// Text, one spelling only:
//   sekisho-grants-1
//   transfer <id> <from> <until> <persons> <types> <holder> <match>
//   answer <id> <from> <until> <approved|denied> <event id>
// Ids rise within each kind; `from` and `until` are the server's seconds since
// 1970; types are words joined by commas, or "-". The list goes to every
// terminal; `holder` and `match` say nothing to those that it is not for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace sekisho::policy {

inline constexpr size_t kMaxTransferGrants = 500;
inline constexpr size_t kMaxAnswers = 500;
inline constexpr int64_t kMaxGrantSeconds = int64_t{30} * 24 * 3600;

// What is let through: this content, by this person, on this terminal, to this
// device.
struct GrantedTransfer {
  std::string agent_id;
  std::string person;  // login name
  std::string device;  // DeviceKey of containment.h
  Bytes content_hash;  // SHA-256, 32 bytes
};

using GrantMatch = std::array<std::byte, 32>;
// SHA-256 over all of it, each part with its length before it.
GrantMatch MatchOf(const GrantedTransfer& transfer);
// The same of whatever content: who holds a grant for which device.
GrantMatch HolderOf(GrantedTransfer transfer);

struct TransferGrant {
  int64_t id = 0;
  int64_t from_seconds = 0;
  int64_t until_seconds = 0;       // at most kMaxGrantSeconds later
  int64_t persons = 0;             // at most so many
  std::vector<std::string> types;  // no others; sorted
  GrantMatch holder{};
  GrantMatch match{};
  bool operator==(const TransferGrant&) const = default;
};

// Of a request, known by its event. Told to the operator where he asked.
struct RequestAnswer {
  int64_t id = 0;  // of the request
  int64_t from_seconds = 0;
  int64_t until_seconds = 0;
  bool approved = false;
  std::array<std::byte, 16> event_id{};
  bool operator==(const RequestAnswer&) const = default;
};

struct GrantList {
  std::vector<TransferGrant> transfers;
  std::vector<RequestAnswer> answers;
  bool operator==(const GrantList&) const = default;
};

// kInvalidArgument: another form, ids that do not rise, a length that is not
// positive or over the cap; kResourceExhausted: too many of a kind.
Result<GrantList> ParseGrants(std::string_view text);
std::string PrintGrants(const GrantList& list);

// Whether `grant` runs by this clock and lets pass what was found.
bool Opens(const TransferGrant& grant, int64_t now_seconds, int64_t persons,
           const std::vector<std::string>& types);

}  // namespace sekisho::policy
