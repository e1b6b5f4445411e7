#include "cli/terminal_command.h"

#include <fcntl.h>

#include <cstdio>
#include <vector>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using admin::v1::ImportTerminalsResponse;
using admin::v1::TerminalRow;

constexpr size_t kMaxCsvBytes = size_t{16} << 20;
constexpr std::string_view kImportUsage =
    "usage: sekisho terminal import FILE [--dry-run] [--json]\n"
    "  Replaces the register of terminals: a CSV file in UTF-8 whose first "
    "line names the\n"
    "  columns name, site, groups, expected_hours, owner, in_service_from, "
    "in_service_to.\n"
    "  With --dry-run it says what would change. One error, and nothing is "
    "taken.\n";
constexpr std::string_view kListUsage =
    "usage: sekisho terminal list [--days N] [--json]\n"
    "  Terminals of the register and those that enrolled, with how long each "
    "was covered.\n";

void PrintChanges(const ImportTerminalsResponse& done) {
  for (const std::string& name : done.added()) {
    std::printf("+ %s\n", EscapeUntrusted(name).c_str());
  }
  for (const auto& change : done.changed()) {
    std::string fields;
    for (const std::string& field : change.fields()) {
      fields += (fields.empty() ? "" : ", ") + field;
    }
    std::printf("~ %s: %s\n", EscapeUntrusted(change.name()).c_str(),
                EscapeUntrusted(fields).c_str());
  }
  for (const std::string& name : done.removed()) {
    std::printf("- %s\n", EscapeUntrusted(name).c_str());
  }
  std::printf("%d added, %d changed, %d removed, %lld as before%s\n",
              done.added_size(), done.changed_size(), done.removed_size(),
              static_cast<long long>(done.same_count()),
              done.done() ? "" : "; nothing was changed");
}

void PrintProblems(const std::string& path,
                   const ImportTerminalsResponse& done) {
  for (const auto& problem : done.problems()) {
    const std::string column =
        problem.column_number() == 0
            ? ""
            : ":" + std::to_string(problem.column_number()) +
                  (problem.field().empty() ? "" : " (" + problem.field() + ")");
    std::fprintf(stderr, "%s:%lld%s: %s\n    write: %s\n",
                 EscapeUntrusted(path).c_str(),
                 static_cast<long long>(problem.line()), column.c_str(),
                 EscapeUntrusted(problem.message()).c_str(),
                 EscapeUntrusted(problem.fix()).c_str());
  }
  std::fprintf(stderr, "%d problems; nothing was taken\n",
               done.problems_size());
}

int64_t MicrosOf(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1'000'000 + time.nanos() / 1000;
}

std::string Hours(int64_t micros) {
  const int64_t tenths = micros / 360'000'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

std::vector<std::string> CellsOf(const TerminalRow& row) {
  int64_t covered = 0, off = 0, uncovered = 0;
  for (const auto& part : row.parts()) {
    const int64_t length =
        MicrosOf(part.to_time()) - MicrosOf(part.from_time());
    if (part.state() == "covered" || part.state() == "proven") {
      covered += length;
    } else if (part.state() == "off") {
      off += length;
    } else {
      uncovered += length;
    }
  }
  const std::string now =
      row.parts().empty() ? "-" : row.parts(row.parts_size() - 1).state();
  const char* note = row.has_remove_time() ? "removed"
                     : !row.registered()   ? "not registered"
                     : !row.has_agent()    ? "no agent"
                                           : "";
  return {row.terminal(), row.site(), row.expected_hours(), now,
          Hours(covered), Hours(off), Hours(uncovered),     note};
}

}  // namespace

int RunTerminalImport(std::span<const std::string_view> args) {
  std::vector<std::string_view> rest;
  bool dry_run = false;
  for (const std::string_view arg : args) {
    if (arg == "--dry-run") {
      dry_run = true;
    } else {
      rest.push_back(arg);
    }
  }
  const auto parsed = ParseAdminArgs(rest, {});
  if (!parsed) return WrongUse(kImportUsage, parsed.error().message);
  if (parsed->words.size() != 1) return WrongUse(kImportUsage, "which file?");
  const std::string& path = parsed->words[0];
  const auto csv = ReadFileAt(AT_FDCWD, path, kMaxCsvBytes);
  if (!csv) return Complain(*parsed, csv.error());
  admin::v1::ImportTerminalsRequest request;
  request.set_csv(*csv);
  request.set_dry_run(dry_run);
  AdminClient client(parsed->socket);
  const auto done = client.Call<ImportTerminalsResponse>(request);
  if (!done) return Complain(*parsed, done.error());
  if (parsed->json) {
    std::printf("%s\n", ToJson(*done).c_str());
  } else if (done->problems().empty()) {
    PrintChanges(*done);
  } else {
    PrintProblems(path, *done);
  }
  return done->problems().empty() ? kDone : kRefused;
}

int RunTerminalList(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--days"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kListUsage, parsed.error().message);
  if (!parsed->words.empty()) return WrongUse(kListUsage, "too many words");
  admin::v1::ListTerminalsRequest request;
  if (const std::string days = parsed->Get("--days"); !days.empty()) {
    const auto number = ParseNumber(days);
    if (!number || *number > 92) return WrongUse(kListUsage, "1 to 92 days");
    request.set_day_count(static_cast<int32_t>(*number));
  }
  AdminClient client(parsed->socket);
  std::string json;
  Table table({"TERMINAL", "SITE", "EXPECTED HOURS", "NOW", "COVERED H",
               "OFF H", "UNCOVERED H", "NOTE"});
  for (;;) {
    const auto page = client.Call<admin::v1::ListTerminalsResponse>(request);
    if (!page) return Complain(*parsed, page.error());
    for (const TerminalRow& row : page->terminals()) {
      json += (json.empty() ? "" : ",\n") + ToJson(row);
      table.Add(CellsOf(row));
    }
    if (page->next_page_token().empty()) break;
    request.set_page_token(page->next_page_token());
  }
  std::fputs(
      parsed->json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
      stdout);
  return kDone;
}

}  // namespace sekisho::cli
