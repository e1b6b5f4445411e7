#include "cli/policy_explain_command.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/file.h"
#include "common/text.h"
#include "policy/evaluator.h"
#include "policy/parser.h"
#include "policy/words.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho policy explain [--json] --policy FILE\n"
    "         --device VENDOR:PRODUCT[:SERIAL] [--interfaces 08/06/50,...]\n"
    "         [--devices LIST.csv] [--person NAME]... [--origin ORIGIN]\n"
    "         [--terminal NAME] [--bus BUS] [--filesystem FS]\n"
    "         [--encryption STATE] [--at 2026-11-02T09:00] [--offline yes]\n"
    "       and about a file on its way to the device, one or more of\n"
    "         --persons N, --bytes N, --data my_number=3,..., --format csv,\n"
    "         --inspection full|partial|none, --reason WORD,\n"
    "         --data-owner NAME, --file-hash SHA256\n";

struct Options {
  bool json = false;
  std::string policy_file;
  std::string list_file;
  std::string device;
  std::string interfaces;
  std::vector<std::string> persons;
  std::string origin;
  std::string terminal;
  std::string bus = "usb";
  std::string filesystem;
  std::string encryption;
  std::string at;
  std::string offline;
  std::string count, bytes, data, format, inspection, reason, data_owner,
      file_hash;

  bool AsksAboutFile() const {
    return !(count + bytes + data + format + inspection + reason + data_owner +
             file_hash)
                .empty();
  }
};

Status SetOption(Options& options, std::string_view name, std::string value) {
  const std::pair<std::string_view, std::string*> texts[] = {
      {"--policy", &options.policy_file},
      {"--devices", &options.list_file},
      {"--device", &options.device},
      {"--interfaces", &options.interfaces},
      {"--origin", &options.origin},
      {"--terminal", &options.terminal},
      {"--bus", &options.bus},
      {"--filesystem", &options.filesystem},
      {"--encryption", &options.encryption},
      {"--at", &options.at},
      {"--offline", &options.offline},
      {"--persons", &options.count},
      {"--bytes", &options.bytes},
      {"--data", &options.data},
      {"--format", &options.format},
      {"--inspection", &options.inspection},
      {"--reason", &options.reason},
      {"--data-owner", &options.data_owner},
      {"--file-hash", &options.file_hash}};
  if (name == "--person") {
    options.persons.push_back(std::move(value));
    return {};
  }
  for (const auto& [known, text] : texts) {
    if (known != name) continue;
    *text = std::move(value);
    return {};
  }
  return Fail(Code::kInvalidArgument,
              fmt::format("unknown option '{}'", EscapeUntrusted(name, 60)));
}

Result<Options> ReadOptions(std::span<const std::string_view> args) {
  Options options;
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--json") {
      options.json = true;
      continue;
    }
    if (i + 1 >= args.size()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("'{}' needs a value", args[i]));
    }
    RETURN_IF_ERROR(SetOption(options, args[i], std::string(args[i + 1])));
    ++i;
  }
  if (options.policy_file.empty() || options.device.empty()) {
    return Fail(Code::kInvalidArgument, "--policy and --device are needed");
  }
  return options;
}

bool IsHex4(std::string_view text) {
  return text.size() == 4 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<std::vector<policy::UsbInterface>> ReadInterfaces(
    std::string_view text) {
  std::vector<policy::UsbInterface> interfaces;
  if (text.empty()) return interfaces;
  for (const std::string_view part : Split(text, ',')) {
    const auto pattern = policy::ParseInterfacePattern(part);
    if (!pattern || !pattern->klass || !pattern->subclass ||
        !pattern->protocol) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("expected an interface such as 08/06/50, found "
                              "'{}'",
                              EscapeUntrusted(part, 60)));
    }
    interfaces.push_back(
        {*pattern->klass, *pattern->subclass, *pattern->protocol});
  }
  return interfaces;
}

Result<policy::DeviceFacts> ReadDevice(const Options& options) {
  policy::DeviceFacts device;
  device.bus = options.bus;
  const std::string_view text = options.device;
  const size_t first = text.find(':');
  const size_t second =
      first == std::string_view::npos ? first : text.find(':', first + 1);
  if (first != std::string_view::npos) {
    device.vendor_id = text.substr(0, first);
    device.product_id = text.substr(first + 1, second - first - 1);
    // A serial may hold colons of its own.
    if (second != std::string_view::npos) {
      device.serial = text.substr(second + 1);
    }
  }
  for (std::string* id : {&device.vendor_id, &device.product_id}) {
    for (char& c : *id) {
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    }
  }
  if (!IsHex4(device.vendor_id) || !IsHex4(device.product_id)) {
    return Fail(Code::kInvalidArgument,
                "expected --device VENDOR:PRODUCT[:SERIAL] such as 0951:1666");
  }
  ASSIGN_OR_RETURN(device.interfaces, ReadInterfaces(options.interfaces));
  if (!options.filesystem.empty() || !options.encryption.empty()) {
    device.medium.emplace();
    device.medium->filesystem = options.filesystem;
    device.medium->encryption =
        options.encryption.empty() ? "none" : options.encryption;
  }
  return device;
}

Result<int64_t> ReadCount(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    return Fail(Code::kInvalidArgument,
                fmt::format("expected a number from 0, found '{}'",
                            EscapeUntrusted(text, 60)));
  }
  return value;
}

Result<policy::ContentFacts> ReadContent(const Options& options) {
  policy::ContentFacts content;
  content.format = options.format;
  content.reason = options.reason;
  if (!options.data_owner.empty()) {
    content.data_owners.push_back(options.data_owner);
  }
  content.file_hash = options.file_hash;
  if (!options.count.empty()) {
    ASSIGN_OR_RETURN(content.persons, ReadCount(options.count));
  }
  if (!options.bytes.empty()) {
    ASSIGN_OR_RETURN(content.bytes, ReadCount(options.bytes));
  }
  const auto inspection = policy::ParseInspection(
      options.inspection.empty() ? "full" : options.inspection);
  if (!inspection) {
    return Fail(Code::kInvalidArgument,
                "--inspection takes full, partial or none");
  }
  content.inspection = *inspection;
  if (options.data.empty()) return content;
  for (const std::string_view part : Split(options.data, ',')) {
    const size_t equals = part.find('=');
    const std::string_view type = part.substr(0, equals);
    if (!policy::IsDataType(type)) {
      return Fail(
          Code::kInvalidArgument,
          fmt::format("'{}' is no data type", EscapeUntrusted(type, 60)));
    }
    int64_t count = 1;
    if (equals != std::string_view::npos) {
      ASSIGN_OR_RETURN(count, ReadCount(part.substr(equals + 1)));
    }
    content.data[std::string(type)] += count;
  }
  return content;
}

// "2026-11-02T09:00", UTC.
Result<WallTime> ReadTime(const std::string& text) {
  if (text.empty()) return SystemClock().Now();
  const size_t at = std::min(text.find('T'), text.size());
  const auto day = policy::ParseDateSpan(std::string_view(text).substr(0, at));
  std::string_view clock =
      std::string_view(text).substr(std::min(at + 1, text.size()));
  if (clock.ends_with('Z')) clock.remove_suffix(1);
  const auto minutes = policy::ParseTimeOfDay(clock.empty() ? "00:00" : clock);
  if (!day || day->every_year || day->first != day->last || !minutes) {
    return Fail(Code::kInvalidArgument,
                "--at takes a time in UTC such as 2026-11-02T09:00");
  }
  return WallTime(std::chrono::sys_days(day->first) +
                  std::chrono::minutes(*minutes));
}

struct Explanation {
  std::string person;
  policy::DeviceDecision decision;
  std::vector<policy::Snapshot::Step> steps;
  // Only if a file was asked about.
  std::optional<policy::ContentDecision> content;
  std::vector<policy::Snapshot::Step> content_steps;
};

std::string AsJson(const std::vector<policy::Snapshot::Step>& steps) {
  std::vector<std::string> items;
  items.reserve(steps.size());
  for (const auto& step : steps) {
    items.push_back(fmt::format(
        R"({{"rule":{},"line":{},"matched":{},"why":{}}})",
        JsonQuote(step.rule), step.line, step.matched, JsonQuote(step.why)));
  }
  return fmt::format("[{}]", fmt::join(items, ","));
}

void PrintSteps(const std::vector<policy::Snapshot::Step>& steps) {
  for (const auto& step : steps) {
    fmt::print("  {} {}{}: {}\n", step.matched ? "->" : "  ", step.rule,
               step.line > 0 ? fmt::format(" (line {})", step.line) : "",
               step.why);
  }
}

std::string AsJson(const Explanation& e, policy::Mode mode) {
  std::string file;
  if (e.content) {
    file = fmt::format(
        R"(,"file":{{"verdict":"{}","rule":{},"line":{},"reason":{},)"
        R"("steps":{}}})",
        policy::Name(e.content->verdict), JsonQuote(e.content->rule),
        e.content->rule_line, JsonQuote(e.content->reason),
        AsJson(e.content_steps));
  }
  return fmt::format(
      R"({{"person":{},"mode":"{}","access":"{}","rule":{},"line":{},)"
      R"("encrypted_only":{},"no_exec":{},"needs_probe":{},"reason":{},)"
      R"("steps":{}{}}})",
      JsonQuote(e.person), policy::Name(mode), policy::Name(e.decision.access),
      JsonQuote(e.decision.rule), e.decision.rule_line,
      e.decision.encrypted_only, e.decision.no_exec, e.decision.needs_probe,
      JsonQuote(e.decision.reason), AsJson(e.steps), file);
}

void PrintFile(const Explanation& e) {
  if (!e.content) return;
  fmt::print("the file:\n");
  PrintSteps(e.content_steps);
  fmt::print("verdict: {}\n", policy::Name(e.content->verdict));
}

void PrintText(const Explanation& e, policy::Mode mode) {
  if (!e.person.empty()) fmt::print("person {}:\n", EscapeUntrusted(e.person));
  PrintSteps(e.steps);
  if (e.decision.needs_probe) {
    fmt::print(
        "decision: closed until the medium was looked at; give "
        "--filesystem or --encryption to go on\n");
    PrintFile(e);
    return;
  }
  const bool usable = e.decision.access != policy::Access::kBlock;
  fmt::print("decision: {}{}{}{}\n", policy::Name(e.decision.access),
             usable && e.decision.encrypted_only ? ", encrypted_only" : "",
             usable && e.decision.no_exec ? ", no_exec" : "",
             mode == policy::Mode::kObserve
                 ? " (in observe this is only recorded)"
                 : "");
  PrintFile(e);
}

struct Loaded {
  std::shared_ptr<const policy::Snapshot> snapshot;
  int exit_code = 0;
};

Loaded Load(const Options& options) {
  const auto fail = [](const Error& error, int exit_code) {
    fmt::print(stderr, "{}\n", error.message);
    return Loaded{nullptr, exit_code};
  };
  const auto text =
      ReadFileAt(AT_FDCWD, options.policy_file, policy::kMaxPolicyBytes + 1);
  if (!text) return fail(text.error(), 3);
  auto parsed = policy::ParsePolicy(*text, options.policy_file);
  if (!parsed) return fail(parsed.error(), 1);
  std::vector<policy::DeviceEntry> entries;
  if (!options.list_file.empty()) {
    const auto csv = ReadFileAt(AT_FDCWD, options.list_file,
                                policy::kMaxDeviceListBytes + 1);
    if (!csv) return fail(csv.error(), 3);
    auto rows = policy::ParseDeviceList(*csv, options.list_file);
    if (!rows) return fail(rows.error(), 1);
    entries = std::move(*rows);
  }
  return {policy::Snapshot::Make(std::move(*parsed), std::move(entries), 0), 0};
}

}  // namespace

int RunPolicyExplain(std::span<const std::string_view> args) {
  auto options = ReadOptions(args);
  const auto device =
      options ? ReadDevice(*options)
              : Result<policy::DeviceFacts>(std::unexpected(options.error()));
  const auto content =
      device ? ReadContent(*options)
             : Result<policy::ContentFacts>(std::unexpected(device.error()));
  const auto at = content ? ReadTime(options->at)
                          : Result<WallTime>(std::unexpected(content.error()));
  if (!at) {
    fmt::print(stderr, "sekisho policy explain: {}\n{}", at.error().message,
               kUsage);
    return 2;
  }
  const WallTime now = *at;
  const Loaded loaded = Load(*options);
  if (loaded.snapshot == nullptr) return loaded.exit_code;

  if (options->persons.empty()) options->persons.emplace_back();
  policy::TerminalFacts terminal;
  terminal.terminal = options->terminal;
  terminal.online = options->offline.empty();
  const policy::Mode mode = loaded.snapshot->policy().mode;
  for (const std::string& name : options->persons) {
    policy::PersonFacts person;
    person.person = name;
    person.origin = options->origin;
    Explanation explanation{
        name,
        loaded.snapshot->DecideDevice(*device, person, terminal, now),
        loaded.snapshot->Explain(*device, person, terminal, now),
        std::nullopt,
        {}};
    if (options->AsksAboutFile()) {
      explanation.content = loaded.snapshot->DecideContent(
          *content, *device, person, terminal, now);
      explanation.content_steps = loaded.snapshot->ExplainContent(
          *content, *device, person, terminal, now);
    }
    if (options->json) {
      fmt::print("{}\n", AsJson(explanation, mode));
    } else {
      PrintText(explanation, mode);
    }
  }
  return 0;
}

}  // namespace sekisho::cli
