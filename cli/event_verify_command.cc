#include "cli/event_verify_command.h"

#include <fcntl.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/event_export.h"
#include "cli/event_verify.h"
#include "cli/log_check.h"
#include "cli/table.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxKeysBytes = size_t{16} << 20;
constexpr size_t kMaxLineBytes = size_t{1} << 20;

struct Verified {
  std::string agent_id;
  std::string terminal;
  bool key_known = false;
  std::unique_ptr<ChainCheck> chain;
  bool ended = false;
};

class Verifier {
 public:
  Verifier(const KnownKeys& known, std::string earlier)
      : known_(known.chains), log_(known.log, std::move(earlier)) {}

  LogCheck& log() { return log_; }

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
  void Closed(const event::Head& head) { chains_.back().chain->Closed(head); }
  const std::string& open_agent() const { return chains_.back().agent_id; }
  void Add(const event::v1::EventRecord& record, int64_t leaf,
           const std::vector<std::string>& proof) {
    chains_.back().chain->Add(record);
    log_.Add(leaf, record.hash(), proof);
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
    log_.Finish();
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
    bool good = problems_.empty() && log_.problems().empty();
    for (const Verified& chain : chains_) {
      good = good && chain.chain->problems().empty();
    }
    return good;
  }
  void PrintJson() const;
  void PrintLog() const;

  const std::map<std::string, KnownChain> known_;
  bool whole_ = true;  // every known agent must be there
  std::vector<Verified> chains_;
  std::vector<std::string> problems_;
  LogCheck log_;
};

json GapsOf(const ChainCheck& chain) {
  json gaps = json::array();
  for (const ChainGap& gap : chain.gaps()) {
    gaps.push_back({{"epoch", gap.epoch},
                    {"sequence", gap.sequence},
                    {"lost", gap.lost_count},
                    {"at_least", gap.is_least},
                    {"closes_epoch", gap.closed_epoch}});
  }
  return gaps;
}

void Verifier::PrintJson() const {
  json agents = json::array();
  for (const Verified& chain : chains_) {
    json problems = json::array();
    for (const ChainProblem& problem : chain.chain->problems()) {
      problems.push_back({{"epoch", problem.epoch},
                          {"sequence", problem.sequence},
                          {"what", problem.what}});
    }
    agents.push_back({{"agent_id", chain.agent_id},
                      {"terminal", chain.terminal},
                      {"records", chain.chain->record_count()},
                      {"erased", chain.chain->erased_count()},
                      {"head_epoch", chain.chain->head().epoch},
                      {"head_sequence", chain.chain->head().sequence},
                      {"gaps", GapsOf(*chain.chain)},
                      {"key", chain.key_known ? "known" : "as delivered"},
                      {"problems", problems}});
  }
  json log;  // null: the export is of before there was a log
  if (log_.began() || !log_.problems().empty()) {
    log = {{"size", log_.head().size},
           {"whole", log_.whole()},
           {"newer", log_.newer_count()},
           {"key", log_.key_known() ? "known" : "as delivered"},
           {"problems", log_.problems()}};
  }
  const json all = {{"ok", good()},
                    {"problems", problems_},
                    {"log", log},
                    {"agents", agents}};
  std::printf("%s\n",
              all.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
}

std::string PlaceOf(int32_t epoch, int64_t sequence) {
  const std::string of = epoch == 1 ? "" : " of epoch " + std::to_string(epoch);
  return sequence == 0 ? "" : "event " + std::to_string(sequence) + of + ": ";
}

std::string LostOf(const ChainCheck& chain) {
  int64_t lost = 0;
  bool least = false;
  for (const ChainGap& gap : chain.gaps()) {
    lost += gap.lost_count;
    least = least || gap.is_least;
  }
  return (least ? "at least " : "") + std::to_string(lost);
}

void PrintGaps(const Verified& chain) {
  for (const ChainGap& gap : chain.chain->gaps()) {
    const std::string what = gap.closed_epoch > 0
                                 ? "the chain started anew here, "
                                 : "the agent says itself: ";
    std::printf("%s: %s%s%s%lld events were lost\n",
                EscapeUntrusted(chain.terminal).c_str(),
                PlaceOf(gap.epoch, gap.sequence).c_str(), what.c_str(),
                gap.is_least ? "at least " : "",
                static_cast<long long>(gap.lost_count));
  }
}

void Verifier::PrintLog() const {
  if (!log_.began() && log_.problems().empty()) {
    std::printf("log: none; this export is of before there was one\n");
    return;
  }
  std::printf("log: %lld events under a signed checkpoint; %s\n",
              static_cast<long long>(log_.head().size),
              !log_.problems().empty() ? "NOT WHOLE"
              : log_.whole()           ? "all of them are here"
                                       : "those of this export are in it");
  if (log_.newer_count() > 0) {
    std::printf("log: %lld events are newer than the checkpoint\n",
                static_cast<long long>(log_.newer_count()));
  }
  for (const std::string& problem : log_.problems()) {
    std::printf("log: %s\n", EscapeUntrusted(problem).c_str());
  }
}

int Verifier::Print(const AdminArgs& args) const {
  if (args.json) {
    PrintJson();
    return good() ? kDone : kRefused;
  }
  bool all_known = true;
  Table table({"TERMINAL", "AGENT", "EVENTS", "ERASED", "LOST", "CHAIN"});
  for (const Verified& chain : chains_) {
    const size_t count = chain.chain->problems().size();
    all_known = all_known && chain.key_known;
    table.Add({chain.terminal, chain.agent_id,
               std::to_string(chain.chain->record_count()),
               std::to_string(chain.chain->erased_count()),
               LostOf(*chain.chain),
               count == 0 ? "whole" : std::to_string(count) + " problems"});
  }
  std::fputs(table.Print().c_str(), stdout);
  for (const std::string& problem : problems_) {
    std::printf("%s\n", EscapeUntrusted(problem).c_str());
  }
  for (const Verified& chain : chains_) {
    for (const ChainProblem& problem : chain.chain->problems()) {
      std::printf("%s: %s%s\n", EscapeUntrusted(chain.terminal).c_str(),
                  PlaceOf(problem.epoch, problem.sequence).c_str(),
                  EscapeUntrusted(problem.what).c_str());
    }
    PrintGaps(chain);
  }
  PrintLog();
  if (!all_known || (log_.began() && !log_.key_known())) {
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
        if (!part.checkpoint().empty()) {
          verifier.log().Begin(part.log_key(), part.checkpoint(),
                               agent_id.empty());
        }
        if (part.agent_id().empty()) {
          return {};  // there is no agent yet
        }
        if (!verifier.open() || verifier.open_agent() != part.agent_id()) {
          verifier.Begin(part.agent_id(), part.terminal(),
                         ToHash(part.chain_public_key()));
        }
        for (int i = 0; i < part.records_size(); ++i) {
          const ExportedLeaf leaf = LeafOf(part, i);
          verifier.Add(part.records(i), leaf.index, leaf.proof);
        }
        if (!part.head_hash().empty()) {
          for (const auto& closed : part.closed_epochs()) {
            verifier.Closed(
                {closed.epoch(), closed.sequence(), ToHash(closed.hash())});
          }
          verifier.End({part.head_epoch(), part.head_sequence(),
                        ToHash(part.head_hash())});
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
  if (line.contains("checkpoint")) {
    verifier.log().Begin(line.value("log_key", ""),
                         line.value("checkpoint", ""),
                         line.value("whole", false));
    return true;
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
  if (line.contains("closed") || line.contains("end")) {
    const event::Head head{line.value("epoch", 1),
                           line.value("head_sequence", 0L),
                           ToHash(BytesOf(line, "head_hash"))};
    line.contains("end") ? verifier.End(head) : verifier.Closed(head);
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
  std::vector<std::string> proof;
  if (const auto hashes = line.find("proof"); hashes != line.end()) {
    for (const json& hash : *hashes) {
      const auto bytes = FromHex(hash.get<std::string>());
      proof.emplace_back(bytes ? AsText(*bytes) : "");
    }
  }
  verifier.Add(record, line.value("leaf", -1L), proof);
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
      const std::string format =
          line.is_object() ? line.value("format", "") : "";
      if (format != kExportFormat && format != kExportFormatBefore) {
        return Fail(Code::kInvalidArgument,
                    path + " is not a " + kExportFormat + " file");
      }
      if (format == kExportFormat) verifier.log().Expect();
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

}  // namespace

int VerifyEvents(AdminClient& client, const AdminArgs& args,
                 std::string_view usage) {
  KnownKeys known;
  if (const std::string path = args.Get("--keys"); !path.empty()) {
    const auto text = ReadFileAt(AT_FDCWD, path, kMaxKeysBytes);
    if (!text) {
      std::fprintf(stderr, "sekisho: %s\n", text.error().message.c_str());
      return kUnreachable;
    }
    auto keys = ParseKeys(*text);
    if (!keys) {
      return WrongUse(usage, path + ": " + keys.error().message);
    }
    known = std::move(*keys);
  }
  std::string earlier;
  if (const std::string path = args.Get("--checkpoint"); !path.empty()) {
    auto note = ReadFileAt(AT_FDCWD, path, 2 * merkle::kMaxNoteBytes);
    if (!note) {
      std::fprintf(stderr, "sekisho: %s\n", note.error().message.c_str());
      return kUnreachable;
    }
    // A terminal's file has the log's key in a line before the note.
    const size_t line = note->find('\n');
    const bool with_key = line != std::string::npos &&
                          merkle::ParseVerifier(note->substr(0, line));
    earlier = with_key ? note->substr(line + 1) : *note;
  }
  Verifier verifier(known, std::move(earlier));
  Status read;
  if (const std::string path = args.Get("--file"); !path.empty()) {
    read = VerifyFile(path, verifier);
    if (!read && read.error().code == Code::kUnavailable) {
      std::fprintf(stderr, "sekisho: %s\n", read.error().message.c_str());
      return kUnreachable;
    }
  } else {
    const auto agent_id = AgentIdOf(client, args);
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

}  // namespace sekisho::cli
