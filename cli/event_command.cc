#include "cli/event_command.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/admin_client.h"
#include "cli/event_verify.h"
#include "cli/table.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using admin::v1::EventRow;
using nlohmann::json;

constexpr std::string_view kUsage =
    "usage: sekisho event list [--agent AGENT|TERMINAL] [--limit N] [--json]\n"
    "       sekisho event tail [--agent AGENT|TERMINAL] [--after ROW] "
    "[--json]\n"
    "       sekisho event export [--agent AGENT|TERMINAL] [--out FILE]\n"
    "               [--keys-out FILE]\n"
    "       sekisho event verify [--file EXPORT] [--keys FILE]\n"
    "               [--agent AGENT|TERMINAL] [--json]\n";
constexpr std::string_view kOptions[] = {
    "--agent", "--limit", "--after", "--out", "--keys-out", "--file", "--keys"};
constexpr int64_t kDefaultLimit = 100;
constexpr int kPollMs = 300;
constexpr size_t kMaxKeysBytes = size_t{16} << 20;
constexpr size_t kMaxLineBytes = size_t{1} << 20;

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
          event.personal_part().person(),
          DeviceOf(event),
          About(event)};
}

std::vector<std::string> Head() {
  return {"ROW",     "RECEIVED", "TERMINAL", "KIND",
          "OUTCOME", "PERSON",   "DEVICE",   "WHAT"};
}

// The agent's id for --agent; empty = all.
Result<std::string> AgentOf(AdminClient& client, const AdminArgs& args) {
  const std::string name = args.Get("--agent");
  if (name.empty()) {
    return name;
  }
  ASSIGN_OR_RETURN(const auto agent, FindAgent(client, name));
  return agent.agent_id();
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

event::Hash ToHash(const std::string& bytes) {
  event::Hash hash{};
  if (bytes.size() == hash.size()) {
    std::memcpy(hash.data(), bytes.data(), hash.size());
  }
  return hash;
}

// ---- export ----

int Export(AdminClient& client, const AdminArgs& args,
           const std::string& agent_id) {
  const std::string path = args.Get("--out");
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(nullptr, std::fclose);
  if (!path.empty()) {
    file.reset(std::fopen(path.c_str(), "we"));
    if (!file) {
      std::fprintf(stderr, "sekisho: %s: %s\n", path.c_str(),
                   std::strerror(errno));
      return kUnreachable;
    }
  }
  std::FILE* out = file ? file.get() : stdout;
  bool good = std::fprintf(out, "{\"format\":\"%s\"}\n", kExportFormat) > 0;
  std::map<std::string, KnownChain> keys;
  std::string open;
  admin::v1::ExportEventsRequest request;
  request.set_agent_id(agent_id);
  const Status sent = client.Export(
      request, [&](const admin::v1::ExportEventsResponse& part) -> Status {
        std::string text;
        if (open != part.agent_id()) {
          open = part.agent_id();
          keys[open].key = ToHash(part.chain_public_key());
          text += "{\"agent_id\":" + JsonQuote(open) +
                  ",\"terminal\":" + JsonQuote(part.terminal()) +
                  ",\"chain_public_key\":\"" +
                  ToHex(AsBytes(part.chain_public_key())) + "\"}\n";
        }
        int32_t epoch = keys[open].head ? keys[open].head->epoch : 1;
        for (const auto& record : part.records()) {
          epoch = record.epoch();
          text += RecordLine(record);
        }
        keys[open].head = {epoch, part.head_sequence(),
                           ToHash(part.head_hash())};
        if (!part.head_hash().empty()) {
          text += "{\"end\":" + JsonQuote(open) +
                  ",\"epoch\":" + std::to_string(epoch) +
                  ",\"head_sequence\":" + std::to_string(part.head_sequence()) +
                  ",\"head_hash\":\"" + ToHex(AsBytes(part.head_hash())) +
                  "\"}\n";
        }
        good = good &&
               std::fwrite(text.data(), 1, text.size(), out) == text.size();
        return good ? Status() : Fail(Code::kResourceExhausted, "cannot write");
      });
  if (!sent) {
    return Complain(args, sent.error());
  }
  if (!good || std::fflush(out) != 0) {
    std::fprintf(stderr, "sekisho: the export cannot be written\n");
    return kUnreachable;
  }
  if (const std::string keys_path = args.Get("--keys-out");
      !keys_path.empty()) {
    if (auto written = ReplaceFile(keys_path, PrintKeys(keys), 0644);
        !written) {
      std::fprintf(stderr, "sekisho: %s\n", written.error().message.c_str());
      return kUnreachable;
    }
  }
  return kDone;
}

// ---- verify ----

struct Verified {
  std::string agent_id;
  std::string terminal;
  bool key_known = false;
  std::unique_ptr<ChainCheck> chain;
  bool ended = false;
};

class Verifier {
 public:
  explicit Verifier(std::map<std::string, KnownChain> known)
      : known_(std::move(known)) {}

  void Begin(const std::string& agent_id, const std::string& terminal,
             const event::ChainPublicKey& said) {
    auto& chain = chains_.emplace_back();
    chain.agent_id = agent_id;
    chain.terminal = terminal;
    const auto known = known_.find(agent_id);
    chain.key_known = known != known_.end();
    chain.chain = std::make_unique<ChainCheck>(
        agent_id, chain.key_known ? known->second.key : said);
  }
  bool open() const { return !chains_.empty() && !chains_.back().ended; }
  const std::string& open_agent() const { return chains_.back().agent_id; }
  void Add(const event::v1::EventRecord& record) {
    chains_.back().chain->Add(record);
  }
  void End(const event::Head& head) {
    Verified& chain = chains_.back();
    chain.ended = true;
    chain.chain->End(head);
    const auto known = known_.find(chain.agent_id);
    if (known != known_.end() && known->second.head) {
      chain.chain->End(*known->second.head);
    }
  }

  // Problems that belong to no chain: the file's own.
  void Report(std::string what) { problems_.push_back(std::move(what)); }
  void Finish() {
    if (open()) {
      Report("cut off: the end of agent " + open_agent() + " is missing");
      chains_.back().ended = true;
    }
    for (const auto& [agent_id, known] : known_) {
      bool found = false;
      for (const Verified& chain : chains_) {
        found = found || chain.agent_id == agent_id;
      }
      if (!found && whole_) {
        Report("agent " + agent_id + " is missing");
      }
    }
  }
  void OnlyOne() { whole_ = false; }

  int Print(const AdminArgs& args) const;

 private:
  bool good() const {
    bool good = problems_.empty();
    for (const Verified& chain : chains_) {
      good = good && chain.chain->problems().empty();
    }
    return good;
  }
  void PrintJson() const;

  const std::map<std::string, KnownChain> known_;
  bool whole_ = true;  // every known agent must be there
  std::vector<Verified> chains_;
  std::vector<std::string> problems_;
};

void Verifier::PrintJson() const {
  json agents = json::array();
  for (const Verified& chain : chains_) {
    json problems = json::array();
    for (const ChainProblem& problem : chain.chain->problems()) {
      problems.push_back(
          {{"sequence", problem.sequence}, {"what", problem.what}});
    }
    agents.push_back({{"agent_id", chain.agent_id},
                      {"terminal", chain.terminal},
                      {"records", chain.chain->record_count()},
                      {"erased", chain.chain->erased_count()},
                      {"head_sequence", chain.chain->head().sequence},
                      {"key", chain.key_known ? "known" : "as delivered"},
                      {"problems", problems}});
  }
  const json all = {
      {"ok", good()}, {"problems", problems_}, {"agents", agents}};
  std::printf("%s\n",
              all.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
}

int Verifier::Print(const AdminArgs& args) const {
  if (args.json) {
    PrintJson();
    return good() ? kDone : kRefused;
  }
  bool all_known = true;
  Table table({"TERMINAL", "AGENT", "EVENTS", "ERASED", "CHAIN"});
  for (const Verified& chain : chains_) {
    const size_t count = chain.chain->problems().size();
    all_known = all_known && chain.key_known;
    table.Add({chain.terminal, chain.agent_id,
               std::to_string(chain.chain->record_count()),
               std::to_string(chain.chain->erased_count()),
               count == 0 ? "whole" : std::to_string(count) + " problems"});
  }
  std::fputs(table.Print().c_str(), stdout);
  for (const std::string& problem : problems_) {
    std::printf("%s\n", EscapeUntrusted(problem).c_str());
  }
  for (const Verified& chain : chains_) {
    for (const ChainProblem& problem : chain.chain->problems()) {
      std::printf(
          "%s: %s%s\n", EscapeUntrusted(chain.terminal).c_str(),
          problem.sequence == 0
              ? ""
              : ("event " + std::to_string(problem.sequence) + ": ").c_str(),
          EscapeUntrusted(problem.what).c_str());
    }
  }
  if (!all_known) {
    std::printf(
        "keys were taken as delivered with the events; with --keys they come "
        "from you\n");
  }
  return good() ? kDone : kRefused;
}

Status VerifyLive(AdminClient& client, const std::string& agent_id,
                  Verifier& verifier) {
  admin::v1::ExportEventsRequest request;
  request.set_agent_id(agent_id);
  return client.Export(
      request, [&](const admin::v1::ExportEventsResponse& part) -> Status {
        if (!verifier.open() || verifier.open_agent() != part.agent_id()) {
          verifier.Begin(part.agent_id(), part.terminal(),
                         ToHash(part.chain_public_key()));
        }
        int32_t epoch = 1;
        for (const auto& record : part.records()) {
          epoch = record.epoch();
          verifier.Add(record);
        }
        if (!part.head_hash().empty()) {
          verifier.End({epoch, part.head_sequence(), ToHash(part.head_hash())});
        }
        return {};
      });
}

std::string BytesOf(const json& line, const char* key) {
  const auto bytes = FromHex(line.value(key, ""));
  return bytes ? std::string(AsText(*bytes)) : "";
}

// A line of an export; false if it is none of its kinds.
bool VerifyLine(const json& line, Verifier& verifier) {
  if (!line.is_object()) {
    return false;
  }
  if (line.contains("agent_id")) {
    if (verifier.open()) {
      verifier.Report("cut off: the end of agent " + verifier.open_agent() +
                      " is missing");
    }
    verifier.Begin(line.value("agent_id", ""), line.value("terminal", ""),
                   ToHash(BytesOf(line, "chain_public_key")));
    return true;
  }
  if (!verifier.open()) {
    return false;
  }
  if (line.contains("end")) {
    verifier.End({line.value("epoch", 1), line.value("head_sequence", 0L),
                  ToHash(BytesOf(line, "head_hash"))});
    return true;
  }
  if (!line.contains("sequence")) {
    return false;
  }
  event::v1::EventRecord record;
  record.set_epoch(line.value("epoch", 0));
  record.set_sequence(line.value("sequence", 0L));
  record.set_public_part(BytesOf(line, "public_part"));
  record.set_personal_part(BytesOf(line, "personal_part"));
  record.set_salt(BytesOf(line, "salt"));
  record.set_personal_hash(BytesOf(line, "personal_hash"));
  record.set_prev_hash(BytesOf(line, "prev_hash"));
  record.set_hash(BytesOf(line, "hash"));
  record.set_signature(BytesOf(line, "signature"));
  verifier.Add(record);
  return true;
}

Status VerifyFile(const std::string& path, Verifier& verifier) {
  std::ifstream file(path);
  std::string text;
  int64_t number = 0;
  while (std::getline(file, text)) {
    ++number;
    const json line = text.size() > kMaxLineBytes
                          ? json()
                          : json::parse(text, nullptr, false);
    const std::string where = "line " + std::to_string(number) + " ";
    if (number == 1) {
      if (!line.is_object() || line.value("format", "") != kExportFormat) {
        return Fail(Code::kInvalidArgument,
                    path + " is not a " + kExportFormat + " file");
      }
      continue;
    }
    // nlohmann throws on a value of another type than asked for.
    try {
      if (!VerifyLine(line, verifier)) {
        verifier.Report(where + "is not part of an export");
      }
    } catch (const json::exception&) {
      verifier.Report(where + "is damaged");
    }
  }
  if (number == 0) {
    return Fail(Code::kUnavailable, path + " cannot be read or is empty");
  }
  return {};
}

int Verify(AdminClient& client, const AdminArgs& args) {
  std::map<std::string, KnownChain> known;
  if (const std::string path = args.Get("--keys"); !path.empty()) {
    const auto text = ReadFileAt(AT_FDCWD, path, kMaxKeysBytes);
    if (!text) {
      std::fprintf(stderr, "sekisho: %s\n", text.error().message.c_str());
      return kUnreachable;
    }
    auto keys = ParseKeys(*text);
    if (!keys) {
      return WrongUse(kUsage, path + ": " + keys.error().message);
    }
    known = std::move(*keys);
  }
  Verifier verifier(std::move(known));
  Status read;
  if (const std::string path = args.Get("--file"); !path.empty()) {
    read = VerifyFile(path, verifier);
    if (!read && read.error().code == Code::kUnavailable) {
      std::fprintf(stderr, "sekisho: %s\n", read.error().message.c_str());
      return kUnreachable;
    }
  } else {
    const auto agent_id = AgentOf(client, args);
    if (!agent_id) {
      return Complain(args, agent_id.error());
    }
    if (!agent_id->empty()) {
      verifier.OnlyOne();
    }
    read = VerifyLive(client, *agent_id, verifier);
  }
  if (!read) {
    return Complain(args, read.error());
  }
  verifier.Finish();
  return verifier.Print(args);
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
    return Verify(client, *parsed);
  }
  if (verb != "list" && verb != "tail" && verb != "export") {
    return WrongUse(kUsage);
  }
  const auto agent_id = AgentOf(client, *parsed);
  if (!agent_id) {
    return Complain(*parsed, agent_id.error());
  }
  if (verb == "list") {
    return List(client, *parsed, *agent_id);
  }
  if (verb == "tail") {
    return Tail(client, *parsed, *agent_id);
  }
  return Export(client, *parsed, *agent_id);
}

}  // namespace sekisho::cli
