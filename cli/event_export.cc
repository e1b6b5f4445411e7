#include "cli/event_export.h"

#include <cstdio>
#include <cstring>
#include <map>
#include <memory>

#include "cli/event_verify.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

std::string Hex(const std::string& bytes) { return ToHex(AsBytes(bytes)); }

std::string BeginLine(const admin::v1::ExportEventsResponse& part) {
  return "{\"agent_id\":" + JsonQuote(part.agent_id()) +
         ",\"terminal\":" + JsonQuote(part.terminal()) +
         ",\"chain_public_key\":\"" + Hex(part.chain_public_key()) + "\"}\n";
}

std::string LogLine(const admin::v1::ExportEventsResponse& part, bool whole) {
  return "{\"log_key\":" + JsonQuote(part.log_key()) +
         ",\"checkpoint\":" + JsonQuote(part.checkpoint()) +
         ",\"whole\":" + (whole ? "true" : "false") + "}\n";
}

std::string HeadFields(int32_t epoch, int64_t sequence,
                       const std::string& hash) {
  return ",\"epoch\":" + std::to_string(epoch) +
         ",\"head_sequence\":" + std::to_string(sequence) +
         ",\"head_hash\":\"" + Hex(hash) + "\"}\n";
}

std::string EndLines(const admin::v1::ExportEventsResponse& part) {
  const std::string agent = JsonQuote(part.agent_id());
  std::string text;
  for (const auto& closed : part.closed_epochs()) {
    text += "{\"closed\":" + agent +
            HeadFields(closed.epoch(), closed.sequence(), closed.hash());
  }
  return text + "{\"end\":" + agent +
         HeadFields(part.head_epoch(), part.head_sequence(), part.head_hash());
}

}  // namespace

ExportedLeaf LeafOf(const admin::v1::ExportEventsResponse& part, int record) {
  if (record >= part.leaves_size()) {
    return {};
  }
  const auto& leaf = part.leaves(record);
  return {leaf.index(), {leaf.proof().begin(), leaf.proof().end()}};
}

int ExportEvents(AdminClient& client, const AdminArgs& args,
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
  KnownKeys keys;
  std::string open;
  admin::v1::ExportEventsRequest request;
  request.set_agent_id(agent_id);
  const Status sent = client.Export(
      request, [&](const admin::v1::ExportEventsResponse& part) -> Status {
        std::string text;
        if (!part.checkpoint().empty()) {
          text += LogLine(part, agent_id.empty());
          if (const auto log = merkle::ParseVerifier(part.log_key())) {
            keys.log = *log;
          }
        }
        if (open != part.agent_id()) {
          open = part.agent_id();
          keys.chains[open].key = ToHash(part.chain_public_key());
          text += BeginLine(part);
        }
        for (int i = 0; i < part.records_size(); ++i) {
          const auto leaf = LeafOf(part, i);
          text += RecordLine(part.records(i), leaf.index, leaf.proof);
        }
        if (!part.head_hash().empty()) {
          keys.chains[open].head = {part.head_epoch(), part.head_sequence(),
                                    ToHash(part.head_hash())};
          text += EndLines(part);
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

}  // namespace sekisho::cli
