#include "cli/policy_simulate_command.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/past_events.h"
#include "cli/table.h"
#include "common/file.h"
#include "common/text.h"
#include "policy/packs.h"
#include "policy/parser.h"
#include "policy/simulate.h"
#include "policy/suggest.h"

namespace sekisho::cli {
namespace {

using policy::ChangeCounts;
using policy::PastEvent;
using policy::Simulation;

constexpr std::string_view kSimulateUsage =
    "usage: sekisho policy simulate FILE [--devices LIST.csv]\n"
    "         [--events EXPORT] [--agent AGENT|TERMINAL]\n"
    "         [--since 2026-11-01] [--until 2026-12-01] [--json]\n"
    "       without --events the server's events are replayed\n";
constexpr std::string_view kSuggestUsage =
    "usage: sekisho policy suggest --out-policy FILE --out-devices LIST.csv\n"
    "         [--days N] [--pack NAME] [--events EXPORT]\n"
    "         [--agent AGENT|TERMINAL] [--since DAY] [--until DAY] [--json]\n";
constexpr std::string_view kSimulateOptions[] = {
    "--devices", "--events", "--agent", "--since", "--until"};
constexpr std::string_view kSuggestOptions[] = {
    "--out-policy", "--out-devices", "--days",  "--pack",
    "--events",     "--agent",       "--since", "--until"};
constexpr size_t kShownChanges = 50;

Result<std::shared_ptr<const policy::Snapshot>> LoadDraft(
    const std::string& file, const std::string& list_file) {
  ASSIGN_OR_RETURN(const std::string text,
                   ReadFileAt(AT_FDCWD, file, policy::kMaxPolicyBytes + 1));
  ASSIGN_OR_RETURN(policy::Policy draft, policy::ParsePolicy(text, file));
  std::vector<policy::DeviceEntry> rows;
  if (!list_file.empty()) {
    ASSIGN_OR_RETURN(
        const std::string csv,
        ReadFileAt(AT_FDCWD, list_file, policy::kMaxDeviceListBytes + 1));
    ASSIGN_OR_RETURN(rows, policy::ParseDeviceList(csv, list_file));
  }
  return policy::Snapshot::Make(std::move(draft), std::move(rows), 0);
}

std::string KindWord(PastEvent::Kind kind) {
  return kind == PastEvent::Kind::kDevice ? "device" : "transfer";
}

std::string AsJson(const ChangeCounts& c) {
  return fmt::format(
      R"("devices_blocked":{},"devices_freed":{},"devices_unclear":{},)"
      R"("transfers_blocked":{},"transfers_freed":{},"persons_blocked":{})",
      c.devices_blocked, c.devices_freed, c.devices_unclear,
      c.transfers_blocked, c.transfers_freed, c.persons_blocked);
}

std::string AsJson(const Simulation& simulation, const PastCounts& counts) {
  std::string places;
  for (const auto& [place, c] : simulation.places()) {
    places += fmt::format(R"({}{{"terminal":{},"person":{},{}}})",
                          places.empty() ? "" : ",", JsonQuote(place.terminal),
                          JsonQuote(place.person), AsJson(c));
  }
  std::string changes;
  for (const auto& [change, count] : simulation.changes()) {
    changes += fmt::format(
        R"({}{{"terminal":{},"person":{},"what":"{}","blocked":{},)"
        R"("device":{},"rule":{},"count":{}}})",
        changes.empty() ? "" : ",", JsonQuote(change.place.terminal),
        JsonQuote(change.place.person), KindWord(change.kind), change.blocked,
        JsonQuote(change.device), JsonQuote(change.rule), count);
  }
  std::string rules;
  for (const auto& [rule, count] : simulation.rules()) {
    rules += fmt::format("{}{}:{}", rules.empty() ? "" : ",", JsonQuote(rule),
                         count);
  }
  return fmt::format(
      R"({{"events":{},"judged":{},"damaged":{},"unlisted":{},"places":[{}],)"
      R"("changes":[{}],"rules":{{{}}}}})",
      counts.events, simulation.event_count(), counts.damaged,
      simulation.unlisted_count(), places, changes, rules);
}

void PrintText(const Simulation& simulation, const PastCounts& counts) {
  Table places({"TERMINAL", "PERSON", "DEVICES-", "DEVICES+", "UNCLEAR",
                "COPIES-", "COPIES+", "PEOPLE-"});
  for (const auto& [place, c] : simulation.places()) {
    places.Add(
        {place.terminal, place.person, std::to_string(c.devices_blocked),
         std::to_string(c.devices_freed), std::to_string(c.devices_unclear),
         std::to_string(c.transfers_blocked), std::to_string(c.transfers_freed),
         std::to_string(c.persons_blocked)});
  }
  fmt::print("{}", places.Print());
  std::vector<std::pair<int64_t, const Simulation::Change*>> changes;
  for (const auto& [change, count] : simulation.changes()) {
    changes.emplace_back(count, &change);
  }
  std::ranges::sort(changes, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : *a.second < *b.second;
  });
  Table list(
      {"TIMES", "WOULD BE", "WHAT", "TERMINAL", "PERSON", "DEVICE", "RULE"});
  if (changes.size() > kShownChanges) changes.resize(kShownChanges);
  for (const auto& [count, change] : changes) {
    list.Add({std::to_string(count), change->blocked ? "blocked" : "freed",
              KindWord(change->kind), change->place.terminal,
              change->place.person, change->device, change->rule});
  }
  if (!changes.empty()) fmt::print("\n{}", list.Print());
  const auto more =
      simulation.unlisted_count() +
      static_cast<int64_t>(simulation.changes().size() - changes.size());
  if (more > 0) fmt::print("... and {} more\n", more);
  fmt::print(
      "\n{} events, {} judged, {} damaged. '-': would be blocked and was "
      "not; '+': the other way.\n",
      counts.events, simulation.event_count(), counts.damaged);
}

bool ChangesNothing(const Simulation& simulation) {
  return simulation.changes().empty();
}

Status WriteOut(const std::string& path, std::string_view text) {
  return ReplaceFile(path, text, 0644);
}

std::string LossJson(const policy::Suggester::Draft& draft) {
  std::string losses;
  for (const auto& loss : draft.losses) {
    std::string persons;
    for (const std::string& person : loss.seen.persons) {
      persons += (persons.empty() ? "" : ",") + JsonQuote(person);
    }
    std::string terminals;
    for (const std::string& terminal : loss.seen.terminals) {
      terminals += (terminals.empty() ? "" : ",") + JsonQuote(terminal);
    }
    losses += fmt::format(
        R"({}{{"device":{},"why":{},"persons":[{}],"terminals":[{}],)"
        R"("plugs":{},"transfers":{},"people":{}}})",
        losses.empty() ? "" : ",", JsonQuote(loss.device), JsonQuote(loss.why),
        persons, terminals, loss.seen.plugs, loss.seen.transfers,
        loss.seen.people);
  }
  return losses;
}

void PrintLosses(const policy::Suggester::Draft& draft) {
  Table table({"DEVICE", "PERSONS", "TERMINALS", "COPIES", "PEOPLE",
               "NOT LISTED BECAUSE"});
  for (const auto& loss : draft.losses) {
    table.Add({loss.device,
               fmt::format("{}", fmt::join(loss.seen.persons, " ")),
               fmt::format("{}", fmt::join(loss.seen.terminals, " ")),
               std::to_string(loss.seen.transfers),
               std::to_string(loss.seen.people), loss.why});
  }
  if (!draft.losses.empty()) {
    fmt::print("Who would lose what:\n{}", table.Print());
  }
}

}  // namespace

int RunPolicySimulate(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, kSimulateOptions);
  if (!parsed || parsed->words.size() != 1) {
    return WrongUse(kSimulateUsage, parsed ? "" : parsed.error().message);
  }
  const auto query = ReadPastQuery(*parsed);
  if (!query) return WrongUse(kSimulateUsage, query.error().message);
  auto draft = LoadDraft(parsed->words[0], parsed->Get("--devices"));
  if (!draft) return Complain(*parsed, draft.error());
  Simulation simulation(std::move(*draft));
  const auto counts =
      ReadPastEvents(*query, parsed->socket,
                     [&](const PastEvent& event) { simulation.Add(event); });
  if (!counts) return Complain(*parsed, counts.error());
  if (parsed->json) {
    fmt::print("{}\n", AsJson(simulation, *counts));
  } else {
    PrintText(simulation, *counts);
  }
  return ChangesNothing(simulation) ? kDone : kRefused;
}

int RunPolicySuggest(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, kSuggestOptions);
  if (!parsed || !parsed->words.empty() ||
      parsed->Get("--out-policy").empty() ||
      parsed->Get("--out-devices").empty()) {
    return WrongUse(kSuggestUsage, parsed ? "" : parsed.error().message);
  }
  const auto query = ReadPastQuery(*parsed);
  if (!query) return WrongUse(kSuggestUsage, query.error().message);
  policy::Suggester::Options options;
  if (const std::string days = parsed->Get("--days"); !days.empty()) {
    const auto number = ParseNumber(days);
    if (!number || *number < 1) {
      return WrongUse(kSuggestUsage, "--days takes a number from 1");
    }
    options.days = static_cast<size_t>(*number);
  }
  if (const std::string pack = parsed->Get("--pack"); !pack.empty()) {
    if (policy::PackText(pack).empty()) {
      return WrongUse(kSuggestUsage, "there is no pack '" + pack + "'");
    }
    options.pack = pack;
  }
  policy::Suggester suggester;
  const auto counts =
      ReadPastEvents(*query, parsed->socket,
                     [&](const PastEvent& event) { suggester.Add(event); });
  if (!counts) return Complain(*parsed, counts.error());
  const auto draft = suggester.Make(options);
  for (const auto& [path, text] :
       {std::pair{parsed->Get("--out-policy"), draft.text},
        std::pair{parsed->Get("--out-devices"),
                  policy::PrintDeviceList(draft.rows)}}) {
    if (const Status written = WriteOut(path, text); !written) {
      return Complain(*parsed, written.error());
    }
  }
  if (parsed->json) {
    fmt::print(R"({{"events":{},"damaged":{},"devices":{},"listed":{},)"
               R"("losses":[{}]}})"
               "\n",
               counts->events, counts->damaged, suggester.device_count(),
               draft.rows.size(), LossJson(draft));
  } else {
    fmt::print("{} events, {} devices, {} of them listed\n", counts->events,
               suggester.device_count(), draft.rows.size());
    PrintLosses(draft);
  }
  return kDone;
}

}  // namespace sekisho::cli
