#include "cli/rollout_command.h"

#include <fcntl.h>

#include <cstdio>
#include <optional>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "common/file.h"
#include "common/text.h"
#include "policy/problems.h"
#include "policy/rings.h"

namespace sekisho::cli {
namespace {

using admin::v1::Rollout;
using admin::v1::RolloutAct;

constexpr std::string_view kRolloutUsage =
    "usage: sekisho policy rollout [status] [--json]\n"
    "       sekisho policy rollout advance|halt|resume|rollback "
    "[--reason TEXT] [--json]\n"
    "  advance opens the next ring (or ends it), halt opens no further one, "
    "resume\n"
    "  goes on after a halt, rollback gives everybody the text from before as "
    "a new version\n";
constexpr std::string_view kRingsUsage =
    "usage: sekisho policy rings [--json]      prints them\n"
    "       sekisho policy rings FILE          sets them, from the next push "
    "on\n"
    "       sekisho policy rings off           every push is for everybody\n";
constexpr std::string_view kActOptions[] = {"--reason"};

std::optional<RolloutAct> ActOf(const std::string& word) {
  if (word == "advance") return admin::v1::ROLLOUT_ACT_ADVANCE;
  if (word == "halt") return admin::v1::ROLLOUT_ACT_HALT;
  if (word == "resume") return admin::v1::ROLLOUT_ACT_RESUME;
  if (word == "rollback") return admin::v1::ROLLOUT_ACT_ROLLBACK;
  return std::nullopt;
}

int64_t CountOf(const admin::v1::RolloutRing& ring, const char* answer) {
  const auto found = ring.answer_counts().find(answer);
  return found == ring.answer_counts().end() ? 0 : found->second;
}

std::string SoakText(int64_t seconds) {
  if (seconds == 0) return "manual";
  if (seconds % 86400 == 0) return std::to_string(seconds / 86400) + "d";
  if (seconds % 3600 == 0) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 60) + "m";
}

std::string WaitsText(const Rollout& rollout) {
  if (rollout.waits_for() == "person") return "waits for a person";
  if (rollout.waits_for() == "first_terminal") {
    return "waits for the first terminal of its ring that takes it";
  }
  if (rollout.waits_for() == "answers") return "waits for terminals to answer";
  return rollout.has_next_time()
             ? "goes on at " + ShortTime(rollout, "next_time")
             : "goes on";
}

bool IsLive(const Rollout& rollout) {
  return rollout.version() != 0 && !rollout.has_end_time();
}

void PrintHead(const Rollout& rollout) {
  if (rollout.version() == 0) {
    std::printf("version %lld is for everybody; nothing went through rings\n",
                static_cast<long long>(rollout.newest_version()));
    return;
  }
  std::printf("version %lld: %s", static_cast<long long>(rollout.version()),
              rollout.state().c_str());
  if (!IsLive(rollout)) {
    std::printf(" %s; version %lld is for everybody\n",
                ShortTime(rollout, "end_time").c_str(),
                static_cast<long long>(rollout.newest_version()));
    return;
  }
  std::printf(", %s; others are given version %lld\n",
              WaitsText(rollout).c_str(),
              static_cast<long long>(rollout.base_version()));
  if (rollout.state() == "halted") {
    std::printf("halted %s by %s: %s\n",
                ShortTime(rollout, "halt_time").c_str(),
                rollout.halted_by().empty()
                    ? "itself"
                    : EscapeUntrusted(rollout.halted_by()).c_str(),
                EscapeUntrusted(rollout.halt_reason()).c_str());
  }
  std::printf("blocks under it: %lld in %.1f terminal hours, %.1f expected\n",
              static_cast<long long>(rollout.block_count()),
              rollout.terminal_hours(), rollout.expected_block_count());
}

void Print(const Rollout& rollout) {
  PrintHead(rollout);
  Table rings({"RING", "OPEN", "SOAK", "TERMINALS", "HAVE IT", "NOT REACHED",
               "REFUSED", "NO ANSWER", "SILENT"});
  for (const auto& ring : rollout.rings()) {
    rings.Add({ring.name(), ring.open() ? "yes" : "no",
               SoakText(ring.soak_seconds()),
               std::to_string(ring.terminal_count()),
               std::to_string(CountOf(ring, "has_it")),
               std::to_string(CountOf(ring, "not_reached") +
                              CountOf(ring, "offered")),
               std::to_string(CountOf(ring, "refused")),
               std::to_string(CountOf(ring, "unanswered")),
               std::to_string(CountOf(ring, "silent"))});
  }
  if (!rollout.rings().empty()) std::fputs(rings.Print().c_str(), stdout);
  Table table(
      {"TERMINAL", "RING", "GIVEN", "HAS", "SINCE", "ANSWER", "REASON"});
  int rows = 0;
  for (const auto& one : rollout.terminals()) {
    const bool open = one.answer() != "closed" && one.answer() != "has_it";
    if (!open) continue;
    ++rows;
    table.Add({one.terminal(), rollout.rings(one.ring()).name(),
               std::to_string(one.wanted_version()),
               std::to_string(one.policy_version()), ShortTime(one, "ack_time"),
               one.answer(), one.reason()});
  }
  if (rows > 0) std::fputs(table.Print().c_str(), stdout);
}

int Show(const AdminArgs& args, const Rollout& rollout) {
  if (args.json) {
    std::printf("%s\n", ToJson(rollout).c_str());
  } else {
    Print(rollout);
  }
  return rollout.state() == "halted" ? kRefused : kDone;
}

int PrintRings(const AdminArgs& args) {
  AdminClient client(args.socket);
  const auto rings =
      client.Call<admin::v1::GetRingsResponse>(admin::v1::GetRingsRequest());
  if (!rings) return Complain(args, rings.error());
  if (args.json) {
    std::printf("%s\n", ToJson(*rings).c_str());
  } else if (rings->text().empty()) {
    std::printf("no rings: every push is for everybody\n");
  } else {
    std::fputs(rings->text().c_str(), stdout);
  }
  return kDone;
}

}  // namespace

int RunPolicyRollout(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, kActOptions);
  if (!parsed || parsed->words.size() > 1) {
    return WrongUse(kRolloutUsage, parsed ? "" : parsed.error().message);
  }
  AdminClient client(parsed->socket);
  const std::string word = parsed->words.empty() ? "status" : parsed->words[0];
  if (word == "status") {
    const auto now = client.Call<admin::v1::GetRolloutResponse>(
        admin::v1::GetRolloutRequest());
    return now ? Show(*parsed, now->rollout()) : Complain(*parsed, now.error());
  }
  const auto act = ActOf(word);
  if (!act) return WrongUse(kRolloutUsage, "no such act: " + word);
  admin::v1::ChangeRolloutRequest request;
  request.set_act(*act);
  request.set_reason(parsed->Get("--reason"));
  const auto done = client.Call<admin::v1::ChangeRolloutResponse>(request);
  if (!done) return Complain(*parsed, done.error());
  (void)Show(*parsed, done->rollout());
  return kDone;
}

int RunPolicyRings(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, {});
  if (!parsed || parsed->words.size() > 1) {
    return WrongUse(kRingsUsage, parsed ? "" : parsed.error().message);
  }
  if (parsed->words.empty()) return PrintRings(*parsed);
  admin::v1::SetRingsRequest request;
  if (const std::string& file = parsed->words[0]; file != "off") {
    auto text = ReadFileAt(AT_FDCWD, file, policy::kMaxRingsBytes + 1);
    if (!text) {
      std::fprintf(stderr, "sekisho: %s: %s\n", file.c_str(),
                   text.error().message.c_str());
      return kUnreachable;
    }
    // The server checks again; here its own name can stand before a problem.
    if (const auto rings = policy::ParseRings(*text, file); !rings) {
      return Complain(*parsed, policy::AsError(rings.error()));
    }
    request.set_text(std::move(*text));
  }
  AdminClient client(parsed->socket);
  const auto set = client.Call<admin::v1::SetRingsResponse>(request);
  if (!set) return Complain(*parsed, set.error());
  return PrintRings(*parsed);
}

}  // namespace sekisho::cli
