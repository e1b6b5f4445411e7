#include "policy/transfer_grant.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "common/text.h"

namespace sekisho::policy {
namespace {

constexpr std::string_view kMagic = "sekisho-grants-1";
constexpr std::string_view kMatchLabel = "sekisho-transfer-1";
constexpr size_t kMaxTypesBytes = 2048;
// A server's clock that is ahead of the terminal's by less takes nothing away.
constexpr int64_t kClockSlack = 600;

// Digits only, as it is printed.
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

template <size_t kSize>
bool ReadHex(std::string_view text, std::array<std::byte, kSize>* out) {
  const auto bytes = FromHex(text);
  if (!bytes || bytes->size() != kSize || ToHex(*bytes) != text) return false;
  std::ranges::copy(*bytes, out->begin());
  return true;
}

struct Span {
  int64_t id = 0;
  int64_t from = 0;
  int64_t until = 0;
};

Result<Span> ReadSpan(const std::vector<std::string_view>& words,
                      int64_t after) {
  const auto id = Number(words[1]);
  const auto from = Number(words[2]);
  const auto until = Number(words[3]);
  if (!id || !from || !until) {
    return Fail(Code::kInvalidArgument, "expected '<id> <from> <until>'");
  }
  if (*id <= after) return Fail(Code::kInvalidArgument, "ids must rise");
  if (*until <= *from || *until - *from > kMaxGrantSeconds) {
    return Fail(Code::kInvalidArgument, "it lasts a second to 30 days");
  }
  return Span{*id, *from, *until};
}

bool IsTypeWord(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ':' || c == '-' || c == '.';
  });
}

Status ReadTransfer(const std::vector<std::string_view>& words,
                    GrantList* list) {
  if (words.size() != 8) {
    return Fail(Code::kInvalidArgument,
                "expected 'transfer <id> <from> <until> <persons> <types> "
                "<holder> <match>'");
  }
  ASSIGN_OR_RETURN(
      const Span span,
      ReadSpan(words, list->transfers.empty() ? 0 : list->transfers.back().id));
  TransferGrant grant{.id = span.id,
                      .from_seconds = span.from,
                      .until_seconds = span.until,
                      .persons = 0,
                      .types = {},
                      .holder = {},
                      .match = {}};
  const auto persons = Number(words[4]);
  if (!persons) {
    return Fail(Code::kInvalidArgument, "persons is a number");
  }
  grant.persons = *persons;
  if (words[5].size() > kMaxTypesBytes) {
    return Fail(Code::kInvalidArgument, "too many types");
  }
  if (words[5] != "-") {
    for (const std::string_view word : Split(words[5], ',')) {
      if (!IsTypeWord(word) ||
          (!grant.types.empty() && word <= grant.types.back())) {
        return Fail(Code::kInvalidArgument,
                    "types are sorted words joined by commas, or '-'");
      }
      grant.types.emplace_back(word);
    }
  }
  if (!ReadHex(words[6], &grant.holder) || !ReadHex(words[7], &grant.match)) {
    return Fail(Code::kInvalidArgument,
                "holder and match are 64 hex digits each");
  }
  list->transfers.push_back(std::move(grant));
  return {};
}

Status ReadAnswer(const std::vector<std::string_view>& words, GrantList* list) {
  if (words.size() != 6) {
    return Fail(Code::kInvalidArgument,
                "expected 'answer <id> <from> <until> <approved|denied> "
                "<event id>'");
  }
  ASSIGN_OR_RETURN(
      const Span span,
      ReadSpan(words, list->answers.empty() ? 0 : list->answers.back().id));
  RequestAnswer answer{.id = span.id,
                       .from_seconds = span.from,
                       .until_seconds = span.until,
                       .approved = words[4] == "approved",
                       .event_id = {}};
  if (!answer.approved && words[4] != "denied") {
    return Fail(Code::kInvalidArgument, "an answer is approved or denied");
  }
  if (!ReadHex(words[5], &answer.event_id)) {
    return Fail(Code::kInvalidArgument, "the event id is 32 hex digits");
  }
  list->answers.push_back(answer);
  return {};
}

}  // namespace

GrantMatch MatchOf(const GrantedTransfer& transfer) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  const auto add = [&](ByteSpan bytes) {
    std::array<std::byte, 4> size{};
    PutU32(size.data(), static_cast<uint32_t>(bytes.size()));
    for (const ByteSpan part : {ByteSpan(size), bytes}) {
      crypto_hash_sha256_update(
          &state, reinterpret_cast<const unsigned char*>(part.data()),
          part.size());
    }
  };
  add(AsBytes(kMatchLabel));
  add(AsBytes(transfer.agent_id));
  add(AsBytes(transfer.person));
  add(AsBytes(transfer.device));
  add(transfer.content_hash);
  GrantMatch match{};
  crypto_hash_sha256_final(&state,
                           reinterpret_cast<unsigned char*>(match.data()));
  return match;
}

GrantMatch HolderOf(GrantedTransfer transfer) {
  transfer.content_hash.clear();
  return MatchOf(transfer);
}

Result<GrantList> ParseGrants(std::string_view text) {
  const auto lines = Split(text, '\n');
  if (lines.size() < 2 || lines.front() != kMagic || !lines.back().empty()) {
    return Fail(Code::kInvalidArgument,
                "grants: expected 'sekisho-grants-1' and whole lines");
  }
  GrantList list;
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    const auto words = Split(lines[i], ' ');
    const Status read =
        words.front() == "transfer" ? ReadTransfer(words, &list)
        : words.front() == "answer"
            ? ReadAnswer(words, &list)
            : Fail(Code::kInvalidArgument, "expected 'transfer' or 'answer'");
    if (!read) return Wrap(fmt::format("grants:{}", i + 1), read.error());
    if (list.transfers.size() > kMaxTransferGrants ||
        list.answers.size() > kMaxAnswers) {
      return Fail(
          Code::kResourceExhausted,
          fmt::format("grants: more than {} of a kind", kMaxTransferGrants));
    }
  }
  return list;
}

std::string PrintGrants(const GrantList& list) {
  std::string text = std::string(kMagic) + "\n";
  for (const TransferGrant& one : list.transfers) {
    text += fmt::format(
        "transfer {} {} {} {} {} {} {}\n", one.id, one.from_seconds,
        one.until_seconds, one.persons,
        one.types.empty() ? "-" : fmt::format("{}", fmt::join(one.types, ",")),
        ToHex(one.holder), ToHex(one.match));
  }
  for (const RequestAnswer& one : list.answers) {
    text += fmt::format("answer {} {} {} {} {}\n", one.id, one.from_seconds,
                        one.until_seconds, one.approved ? "approved" : "denied",
                        ToHex(one.event_id));
  }
  return text;
}

bool Opens(const TransferGrant& grant, int64_t now_seconds, int64_t persons,
           const std::vector<std::string>& types) {
  return now_seconds + kClockSlack >= grant.from_seconds &&
         now_seconds < grant.until_seconds && persons <= grant.persons &&
         std::ranges::all_of(
             types,
             [&](const std::string& type) {
               return std::ranges::binary_search(grant.types, type);
             });
}

}  // namespace sekisho::policy
