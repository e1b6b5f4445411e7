#include "policy/people_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/bytes.h"
#include "common/text.h"
#include "policy/person_proof.h"

namespace sekisho::policy {
namespace {

constexpr std::string_view kMagic = "sekisho-people-1";
constexpr std::string_view kNothing = "-";
constexpr size_t kMaxAccountBytes = 64;

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}

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

bool ReadAccounts(std::string_view text, std::vector<std::string>* out) {
  if (text == kNothing) return true;
  for (const std::string_view name : Split(text, ',')) {
    const bool good = text == kAnyAccount || IsAccountName(name);
    if (!good || out->size() == kMaxAccountsEach ||
        (!out->empty() && name <= out->back())) {
      return false;
    }
    out->emplace_back(name);
  }
  return true;
}

bool ReadSecret(std::string_view text, std::string* out) {
  if (text == kNothing) return true;
  const auto bytes = FromHex(text);
  if (!bytes || bytes->size() != kTotpBytes || ToHex(*bytes) != text) {
    return false;
  }
  *out = std::string(AsText(*bytes));
  return true;
}

Result<ListedPerson> ReadPerson(std::string_view line) {
  const auto words = Split(line, ' ');
  if (words.size() != 6 || words[0] != "person") {
    return Fail(Code::kInvalidArgument,
                "expected 'person <id> <until> <accounts> <pin> <totp>'");
  }
  ListedPerson person;
  if (!IsPersonId(words[1])) return Fail(Code::kInvalidArgument, "the id");
  person.id = words[1];
  if (words[2] != kNothing) {
    person.until_seconds = Number(words[2]);
    if (!person.until_seconds) {
      return Fail(Code::kInvalidArgument, "the end of the contract");
    }
  }
  if (!ReadAccounts(words[3], &person.accounts)) {
    return Fail(Code::kInvalidArgument, "the accounts");
  }
  if (words[4] != kNothing) {
    if (!IsPinVerifier(words[4])) {
      return Fail(Code::kInvalidArgument, "what checks the PIN");
    }
    person.pin_verifier = words[4];
  }
  if (!ReadSecret(words[5], &person.totp_secret)) {
    return Fail(Code::kInvalidArgument, "the authenticator's secret");
  }
  return person;
}

}  // namespace

bool IsPersonId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPersonIdBytes &&
         IsAlnum(text.front()) && text != "unknown" && text != "root" &&
         std::ranges::all_of(text, [](char c) {
           return IsAlnum(c) || c == '.' || c == '_' || c == '-' || c == '@';
         });
}

bool IsAccountName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxAccountBytes &&
         (IsAlnum(text.front()) || text.front() == '_') &&
         std::ranges::all_of(text, [](char c) {
           return IsAlnum(c) || c == '.' || c == '_' || c == '-' || c == '@' ||
                  c == '$';
         });
}

Result<std::vector<ListedPerson>> ParsePeople(std::string_view text) {
  const auto lines = Split(text, '\n');
  if (lines.size() < 2 || lines.front() != kMagic || !lines.back().empty()) {
    return Fail(Code::kInvalidArgument,
                "people: expected 'sekisho-people-1' and whole lines");
  }
  if (lines.size() - 2 > kMaxPeople) {
    return Fail(Code::kResourceExhausted,
                fmt::format("people: more than {}", kMaxPeople));
  }
  std::vector<ListedPerson> people;
  people.reserve(lines.size() - 2);
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    auto person = ReadPerson(lines[i]);
    if (person && !people.empty() && person->id <= people.back().id) {
      person = Fail(Code::kInvalidArgument, "ids must rise");
    }
    if (!person) return Wrap(fmt::format("people:{}", i + 1), person.error());
    people.push_back(*std::move(person));
  }
  return people;
}

std::string PrintPeople(const std::vector<ListedPerson>& people) {
  const auto shown = [](std::string text) {
    return text.empty() ? std::string(kNothing) : text;
  };
  std::string text = std::string(kMagic) + "\n";
  for (const ListedPerson& one : people) {
    text += fmt::format("person {} {} {} {} {}\n", one.id,
                        one.until_seconds ? std::to_string(*one.until_seconds)
                                          : std::string(kNothing),
                        shown(fmt::format("{}", fmt::join(one.accounts, ","))),
                        shown(one.pin_verifier),
                        shown(ToHex(AsBytes(one.totp_secret))));
  }
  return text;
}

const ListedPerson* FindPerson(const std::vector<ListedPerson>& people,
                               std::string_view id) {
  const auto at = std::ranges::lower_bound(people, id, {}, &ListedPerson::id);
  return at == people.end() || at->id != id ? nullptr : &*at;
}

bool MayUse(const ListedPerson& person, std::string_view account) {
  return std::ranges::any_of(person.accounts, [&](const std::string& name) {
    return name == kAnyAccount || name == account;
  });
}

bool IsOver(const ListedPerson& person, int64_t now_seconds) {
  return person.until_seconds && *person.until_seconds <= now_seconds;
}

}  // namespace sekisho::policy
