#include "cli/policy_import_command.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "cli/attached_devices.h"
#include "cli/options.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/text.h"
#include "policy/import.h"
#include "policy/parser.h"
#include "policy/suggest.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho policy import --from usbguard FILE [--media inspect]\n"
    "         [--implicit block|allow] [--zone Asia/Tokyo] [--without-hashes]\n"
    "         [--out-policy FILE] [--json]\n"
    "       sekisho policy import --from defender FILE... [--out-policy FILE]\n"
    "         [--json]\n"
    "       sekisho policy import --from csv FILE [--list approvals]\n"
    "         [--media inspect] [--out-devices LIST.csv] [--json]\n"
    "       sekisho policy import --from attached --out-policy FILE\n"
    "         --out-devices LIST.csv [--json]\n"
    "       without --out-... the result is printed\n";
constexpr std::string_view kExportUsage =
    "usage: sekisho policy export --to usbguard FILE [--devices LIST.csv]\n"
    "         [--out FILE]\n";
constexpr std::string_view kValued[] = {
    "--from", "--media",      "--implicit",    "--zone",
    "--list", "--out-policy", "--out-devices", "--sysfs"};
constexpr std::string_view kFlags[] = {"--without-hashes", "--json"};
constexpr std::string_view kExportValued[] = {"--to", "--devices", "--out"};
constexpr std::string_view kExportFlags[] = {"--json"};

int WrongUse(std::string_view usage, const std::string& why) {
  fmt::print(stderr, "{}{}{}", why, why.empty() ? "" : "\n", usage);
  return 2;
}

int Unreadable(const Error& error) {
  fmt::print(stderr, "{}\n", error.message);
  return error.code == Code::kInvalidArgument ? 1 : 3;
}

// To the file, or to the terminal.
Status PutOut(const std::string& path, std::string_view text) {
  if (!path.empty()) return ReplaceFile(path, text, 0644);
  fmt::print("{}", text);
  return {};
}

std::string AsJson(const std::vector<policy::Problem>& problems) {
  std::string out;
  for (const policy::Problem& problem : problems) {
    out +=
        fmt::format(R"({}{{"line":{},"message":{}}})", out.empty() ? "" : ",",
                    problem.line, JsonQuote(problem.message));
  }
  return "[" + out + "]";
}

void Tell(const std::vector<policy::Problem>& problems, std::string_view kind) {
  for (const policy::Problem& problem : problems) {
    fmt::print(stderr, "{}:{}: {}: {}\n", problem.file, problem.line, kind,
               problem.message);
  }
}

// What was left out is told, and makes the exit code 1.
int PutPolicy(const Options& options, const policy::Imported& imported) {
  const std::string text = policy::PrintPolicy(imported.policy);
  const std::string path = options.Get("--out-policy");
  if (options.Has("--json")) {
    if (!path.empty()) {
      if (const Status put = PutOut(path, text); !put) {
        return Unreadable(put.error());
      }
    }
    fmt::print(R"({{"policy":{},"left_out":{},"changed":{}}})"
               "\n",
               JsonQuote(text), AsJson(imported.left_out),
               AsJson(imported.changed));
  } else {
    if (const Status put = PutOut(path, text); !put) {
      return Unreadable(put.error());
    }
    Tell(imported.left_out, "left out");
    Tell(imported.changed, "changed");
  }
  return imported.left_out.empty() ? 0 : 1;
}

int FromUsbguard(const Options& options, policy::Access media) {
  if (options.words.size() != 1) return WrongUse(kUsage, "");
  policy::UsbguardOptions how;
  how.media = media;
  const std::string otherwise = options.Get("--implicit");
  if (otherwise == "allow") how.otherwise = policy::Access::kFull;
  if (!otherwise.empty() && otherwise != "allow" && otherwise != "block") {
    return WrongUse(kUsage, "--implicit takes allow or block");
  }
  how.zone = options.Get("--zone");
  how.without_hashes = options.Has("--without-hashes");
  const auto text =
      ReadFileAt(AT_FDCWD, options.words[0], policy::kMaxImportBytes + 1);
  if (!text) return Unreadable(text.error());
  const auto imported = policy::ImportUsbguard(*text, options.words[0], how);
  if (!imported) return Unreadable(imported.error());
  return PutPolicy(options, *imported);
}

int FromCsv(const Options& options, policy::Access access) {
  if (options.words.size() != 1) return WrongUse(kUsage, "");
  const std::string list =
      options.Has("--list") ? options.Get("--list") : "approvals";
  const auto text =
      ReadFileAt(AT_FDCWD, options.words[0], policy::kMaxDeviceListBytes + 1);
  if (!text) return Unreadable(text.error());
  const auto imported =
      policy::ImportDeviceCsv(*text, options.words[0], list, access);
  if (!imported) return Unreadable(imported.error());
  for (const std::string& column : imported->ignored_columns) {
    fmt::print(stderr, "column '{}' is not used\n", EscapeUntrusted(column));
  }
  const Status put = PutOut(options.Get("--out-devices"),
                            policy::PrintDeviceList(imported->rows));
  return put ? 0 : Unreadable(put.error());
}

int FromAttached(const Options& options) {
  const std::string policy_file = options.Get("--out-policy");
  const std::string list_file = options.Get("--out-devices");
  if (!options.words.empty() || policy_file.empty() || list_file.empty()) {
    return WrongUse(kUsage, "");
  }
  policy::Suggester suggester;
  policy::PastEvent event;
  event.time = SystemClock().Now();
  event.terminal.terminal.assign(1, '*');  // = "*" warns falsely in g++ 12
  for (const auto& device : AttachedDevices(
           options.Has("--sysfs") ? options.Get("--sysfs") : "/sys")) {
    event.device = device;
    suggester.Add(event);
  }
  policy::Suggester::Options how;
  how.days = 1;
  const auto draft = suggester.Make(how);
  for (const auto& [path, text] :
       {std::pair{policy_file, draft.text},
        std::pair{list_file, policy::PrintDeviceList(draft.rows)}}) {
    if (const Status put = ReplaceFile(path, text, 0644); !put) {
      return Unreadable(put.error());
    }
  }
  for (const auto& loss : draft.losses) {
    fmt::print(stderr, "{} is not listed: {}\n", EscapeUntrusted(loss.device),
               loss.why);
  }
  if (options.Has("--json")) {
    fmt::print(R"({{"devices":{},"listed":{},"left_out":{}}})"
               "\n",
               suggester.device_count(), draft.rows.size(),
               draft.losses.size());
  } else {
    fmt::print("{} devices, {} of them listed\n", suggester.device_count(),
               draft.rows.size());
  }
  return draft.losses.empty() ? 0 : 1;
}

int FromDefender(const Options& options, policy::Access media) {
  if (options.words.empty()) return WrongUse(kUsage, "");
  std::vector<policy::SourceFile> files;
  for (const std::string& name : options.words) {
    auto text = ReadFileAt(AT_FDCWD, name, policy::kMaxImportBytes + 1);
    if (!text) return Unreadable(text.error());
    files.push_back({name, std::move(*text)});
  }
  const auto imported = policy::ImportDefender(files, media);
  if (!imported) return Unreadable(imported.error());
  return PutPolicy(options, *imported);
}

}  // namespace

int RunPolicyImport(std::span<const std::string_view> args) {
  const auto options = ParseOptions(args, kValued, kFlags);
  if (!options) return WrongUse(kUsage, options.error().message);
  policy::Access media = policy::Access::kInspect;
  if (options->Has("--media")) {
    const auto access = policy::ParseAccess(options->Get("--media"));
    if (!access) {
      return WrongUse(kUsage, "--media takes an access such as inspect");
    }
    media = *access;
  }
  const std::string from = options->Get("--from");
  if (from == "usbguard") return FromUsbguard(*options, media);
  if (from == "defender") return FromDefender(*options, media);
  if (from == "csv") return FromCsv(*options, media);
  if (from == "attached") return FromAttached(*options);
  return WrongUse(kUsage, "--from takes usbguard, defender, csv or attached");
}

int RunPolicyExport(std::span<const std::string_view> args) {
  const auto options = ParseOptions(args, kExportValued, kExportFlags);
  if (!options || options->words.size() != 1 ||
      options->Get("--to") != "usbguard") {
    return WrongUse(kExportUsage, options ? "" : options.error().message);
  }
  const std::string& file = options->words[0];
  const auto text = ReadFileAt(AT_FDCWD, file, policy::kMaxPolicyBytes + 1);
  if (!text) return Unreadable(text.error());
  const auto policy = policy::ParsePolicy(*text, file);
  if (!policy) return Unreadable(policy.error());
  std::vector<policy::DeviceEntry> rows;
  if (const std::string list = options->Get("--devices"); !list.empty()) {
    const auto csv =
        ReadFileAt(AT_FDCWD, list, policy::kMaxDeviceListBytes + 1);
    if (!csv) return Unreadable(csv.error());
    auto parsed = policy::ParseDeviceList(*csv, list);
    if (!parsed) return Unreadable(parsed.error());
    rows = std::move(*parsed);
  }
  const auto exported = policy::ExportUsbguard(*policy, rows, file);
  if (options->Has("--json")) {
    fmt::print(R"({{"rules":{},"left_out":{}}})"
               "\n",
               JsonQuote(exported.text), AsJson(exported.left_out));
  } else if (const Status put = PutOut(options->Get("--out"), exported.text);
             !put) {
    return Unreadable(put.error());
  } else {
    Tell(exported.left_out, "left out");
  }
  return exported.left_out.empty() ? 0 : 1;
}

}  // namespace sekisho::cli
