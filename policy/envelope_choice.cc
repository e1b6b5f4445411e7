#include "policy/envelope_choice.h"

#include <fmt/format.h>

#include <optional>

namespace sekisho::policy {

Result<ChosenEnvelope> ChooseEnvelope(std::span<const std::string> stored,
                                      std::string_view expected_type,
                                      const Root& root,
                                      std::string_view agent_id,
                                      int64_t newest_version_seen,
                                      int64_t now_seconds) {
  std::optional<ChosenEnvelope> best;
  std::vector<std::string> refused;
  for (size_t i = 0; i < stored.size(); ++i) {
    auto envelope = OpenEnvelope(stored[i], expected_type, root, agent_id,
                                 newest_version_seen);
    if (!envelope) {
      refused.push_back(fmt::format("{}: {}", i, envelope.error().message));
      continue;
    }
    if (best && envelope->version <= best->envelope.version) continue;
    best.emplace();
    best->expired = envelope->expires_seconds != 0 &&
                    envelope->expires_seconds <= now_seconds;
    best->envelope = std::move(*envelope);
    best->index = i;
  }
  if (!best) {
    return Fail(
        Code::kNotFound,
        fmt::format("no stored {} envelope is good ({} tried){}{}",
                    expected_type, stored.size(), refused.empty() ? "" : ": ",
                    fmt::join(refused, "; ")));
  }
  best->refused = std::move(refused);
  return std::move(*best);
}

}  // namespace sekisho::policy
