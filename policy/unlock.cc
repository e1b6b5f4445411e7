#include "policy/unlock.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "common/text.h"

namespace sekisho::policy {
namespace {

constexpr std::string_view kMagic = "sekisho-unlock-1";

}  // namespace

Result<Unlock> ParseUnlock(std::string_view text) {
  const auto lines = Split(text, '\n');
  if (lines.size() != 5 || lines[0] != kMagic || !lines[4].empty()) {
    return Fail(Code::kInvalidArgument,
                "unlock: expected 'sekisho-unlock-1' and three lines");
  }
  Unlock unlock;
  const std::array<std::pair<std::string_view, std::string*>, 3> fields = {{
      {"requested_by ", &unlock.requested_by},
      {"confirmed_by ", &unlock.confirmed_by},
      {"reason ", &unlock.reason},
  }};
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto& [key, value] = fields[i];
    if (!lines[i + 1].starts_with(key) ||
        !IsOneLine(lines[i + 1].substr(key.size()), kMaxUnlockTextBytes)) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("unlock:{}: expected '{}' and one line of text",
                              i + 2, Trim(key)));
    }
    *value = lines[i + 1].substr(key.size());
  }
  const std::string one = PersonOf(unlock.requested_by);
  const std::string other = PersonOf(unlock.confirmed_by);
  if (one.empty() || other.empty() || one == other) {
    return Fail(Code::kInvalidArgument, "unlock: two people must agree");
  }
  return unlock;
}

std::string PrintUnlock(const Unlock& unlock) {
  return fmt::format("{}\nrequested_by {}\nconfirmed_by {}\nreason {}\n",
                     kMagic, unlock.requested_by, unlock.confirmed_by,
                     unlock.reason);
}

std::string PersonOf(std::string_view user) {
  if (const size_t open = user.find('('); open != std::string_view::npos) {
    user.remove_prefix(open + 1);
    user = user.substr(0, user.find(')'));
  }
  user = Trim(user);
  return user == "root" ? std::string() : std::string(user);
}

}  // namespace sekisho::policy
