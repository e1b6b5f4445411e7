#include "cli/event_command.h"

#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "cli/admin_client.h"
#include "cli/event_export.h"
#include "cli/event_verify_command.h"
#include "cli/table.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

// With the account at which he proved who he is.
std::string PersonOf(const event::v1::PersonalPart& personal) {
  if (personal.proven_by().empty()) return personal.person();
  return personal.stated_person() + " (" + personal.person() + ")";
}

using admin::v1::EventRow;

constexpr std::string_view kUsage =
    "usage: sekisho event list [--agent AGENT|TERMINAL] [--limit N] [--json]\n"
    "               [--file NAME] [--file-hash SHA256] [--owner OWNER]\n"
    "       sekisho event tail [--agent AGENT|TERMINAL] [--after ROW] "
    "[--json]\n"
    "       sekisho event export [--agent AGENT|TERMINAL] [--out FILE]\n"
    "               [--keys-out FILE]\n"
    "       sekisho event verify [--file EXPORT] [--keys FILE]\n"
    "               [--checkpoint FILE] [--agent AGENT|TERMINAL] [--json]\n"
    "         NAME: the last part of the path, * for any run\n"
    "         FILE: a checkpoint kept from before, or a terminal's "
    "log.witness\n";
constexpr std::string_view kOptions[] = {
    "--agent", "--limit", "--after",      "--out",       "--keys-out",
    "--file",  "--keys",  "--checkpoint", "--file-hash", "--owner"};
constexpr int64_t kDefaultLimit = 100;
constexpr int kPollMs = 300;

// What happened, in one cell.
std::string About(const EventRow& event) {
  const auto& part = event.public_part();
  std::string text = event.personal_part().file_path();
  if (part.person_count() > 0) {
    text += " (" + std::to_string(part.person_count()) + " people)";
  }
  return text.empty() ? part.reason() : text;
}

std::string DeviceOf(const EventRow& event) {
  const auto& device = event.public_part().device();
  return event.public_part().has_device()
             ? device.vendor_id() + ":" + device.product_id() + ":" +
                   device.serial()
             : "";
}

std::vector<std::string> Cells(const EventRow& event) {
  const auto& part = event.public_part();
  return {std::to_string(event.row_id()),
          ShortTime(event, "receive_time"),
          event.terminal(),
          Word(part, "kind"),
          Word(part, "outcome") + (part.observe_only() ? " (observe)" : ""),
          PersonOf(event.personal_part()),
          DeviceOf(event),
          About(event)};
}

std::vector<std::string> Head() {
  return {"ROW",     "RECEIVED", "TERMINAL", "KIND",
          "OUTCOME", "PERSON",   "DEVICE",   "WHAT"};
}

int List(AdminClient& client, const AdminArgs& args,
         const std::string& agent_id) {
  int64_t limit = kDefaultLimit;
  if (const std::string text = args.Get("--limit"); !text.empty()) {
    const auto number = ParseNumber(text);
    if (!number) {
      return WrongUse(kUsage, number.error().message);
    }
    limit = *number;
  }
  admin::v1::ListEventsRequest request;
  request.set_agent_id(agent_id);
  request.set_file(args.Get("--file"));
  request.set_file_hash(args.Get("--file-hash"));
  request.set_data_owner(args.Get("--owner"));
  Table table(Head());
  bool first = true;
  if (args.json) {
    std::fputs("[", stdout);
  }
  const Status listed = ForEachRow<admin::v1::ListEventsResponse>(
      client, request, static_cast<int>(limit),
      [&](const admin::v1::ListEventsResponse& page) {
        for (const EventRow& event : page.events()) {
          if (args.json) {
            std::printf("%s%s", first ? "" : ",\n", ToJson(event).c_str());
            first = false;
          } else {
            table.Add(Cells(event));
          }
        }
        return page.events_size();
      });
  if (args.json) {
    std::fputs("]\n", stdout);
  }
  if (!listed) {
    return Complain(args, listed.error());
  }
  if (!args.json) {
    std::fputs(table.Print().c_str(), stdout);
  }
  return kDone;
}

// Until the reader goes away.
int Tail(AdminClient& client, const AdminArgs& args,
         const std::string& agent_id) {
  admin::v1::ListEventsRequest request;
  request.set_agent_id(agent_id);
  int64_t after = 0;
  if (const std::string text = args.Get("--after"); !text.empty()) {
    const auto number = ParseNumber(text);
    if (!number) {
      return WrongUse(kUsage, number.error().message);
    }
    after = *number;
  } else {
    request.set_page_size(1);
    const auto newest = client.Call<admin::v1::ListEventsResponse>(request);
    if (!newest) {
      return Complain(args, newest.error());
    }
    after = newest->events().empty() ? 0 : newest->events(0).row_id();
  }
  for (;;) {
    // With nothing there yet, "newest first" and "after row 0" are the same
    // question.
    request.set_after_row_id(after);
    request.set_page_size(after == 0 ? 1 : 500);
    const auto page = client.Call<admin::v1::ListEventsResponse>(request);
    if (!page) {
      return Complain(args, page.error());
    }
    for (const EventRow& event : page->events()) {
      after = event.row_id();
      if (args.json) {
        std::printf("%s\n", ToJson(event).c_str());
        continue;
      }
      std::string line;
      for (const std::string& cell : Cells(event)) {
        line += EscapeUntrusted(cell.empty() ? "-" : cell, 256) + "  ";
      }
      std::printf("%s\n", line.c_str());
    }
    if (std::fflush(stdout) != 0) {
      return kDone;
    }
    if (page->events().empty()) {
      pollfd out{STDOUT_FILENO, 0, 0};
      if (poll(&out, 1, kPollMs) > 0 && (out.revents & POLLERR) != 0) {
        return kDone;
      }
    }
  }
}

}  // namespace

int RunEventCommand(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed || parsed->words.size() != 1) {
    return WrongUse(kUsage, parsed ? "" : parsed.error().message);
  }
  const std::string& verb = parsed->words[0];
  AdminClient client(parsed->socket);
  if (verb == "verify") {
    return VerifyEvents(client, *parsed, kUsage);
  }
  if (verb != "list" && verb != "tail" && verb != "export") {
    return WrongUse(kUsage);
  }
  const auto agent_id = AgentIdOf(client, *parsed);
  if (!agent_id) {
    return Complain(*parsed, agent_id.error());
  }
  if (verb == "list") {
    return List(client, *parsed, *agent_id);
  }
  if (verb == "tail") {
    return Tail(client, *parsed, *agent_id);
  }
  return ExportEvents(client, *parsed, *agent_id);
}

}  // namespace sekisho::cli
