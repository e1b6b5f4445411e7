#include "server/export/formats.h"

#include <utility>
#include <vector>

#include "common/text.h"
#include "server/export/shown.h"

namespace sekisho::server_export {
namespace {

constexpr std::pair<Format, const char*> kNames[] = {{Format::kJson, "json"},
                                                     {Format::kCef, "cef"},
                                                     {Format::kLeef, "leef"},
                                                     {Format::kOcsf, "ocsf"},
                                                     {Format::kEcs, "ecs"}};

using Fields = std::vector<std::pair<const char*, std::string>>;

std::string Number(int64_t value) {
  return value == 0 ? "" : std::to_string(value);
}

// CEF: severity 0 to 10. LEEF: 1 to 10.
constexpr int kScale[] = {1, 3, 5, 8, 10};

// Of a header of CEF: a bar ends it. A line end cannot stand there at all.
std::string CefHeader(std::string_view text) {
  std::string out;
  for (const char c : EscapeUntrusted(text, 512)) {
    if (c == '\\' || c == '|') {
      out += '\\';
    }
    out += c;
  }
  return out;
}

// EscapeUntrusted leaves no line end; what it writes with a backslash is
// escaped once more, as every backslash is.
std::string CefValue(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '=') {
      out += '\\';
    }
    out += c;
  }
  return out;
}

Fields CefFields(const Record& record, const Shown& shown) {
  return {{"rt", std::to_string(Milliseconds(record.time))},
          {"externalId", record.uid},
          {"dvchost", record.terminal},
          {"deviceExternalId", record.device_id},
          {"suser", record.person},
          {"src", shown.ssh_source},
          {"sproc", shown.program},
          {"fname", shown.file_name},
          {"filePath", shown.file_path},
          {"fileHash", shown.file_hash},
          {"fileType", shown.format},
          {"fsize", Number(shown.bytes)},
          {"act", shown.outcome},
          {"reason", shown.reason},
          {"cs1", record.rule},
          {"cs1Label", record.rule.empty() ? "" : "rule"},
          {"cs2", shown.types},
          {"cs2Label", shown.types.empty() ? "" : "dataTypes"},
          {"cs3", record.link},
          {"cs3Label", record.link.empty() ? "" : "console"},
          {"cs4", shown.inspection},
          {"cs4Label", shown.inspection.empty() ? "" : "inspection"},
          {"cn1", Number(shown.persons)},
          {"cn1Label", shown.persons == 0 ? "" : "persons"},
          {"cn2", Number(shown.persons_written)},
          {"cn2Label", shown.persons_written == 0 ? "" : "personsWritten"},
          {"cn3", Number(record.gap_count)},
          {"cn3Label", record.gap_count == 0 ? "" : "gap"},
          {"msg", record.title}};
}

// A tab ends a field, and nothing escapes it.
std::string LeefValue(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c == '\t' || c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

Fields LeefFields(const Record& record, const Shown& shown) {
  return {{"devTime", std::to_string(Milliseconds(record.time))},
          {"sev", std::to_string(kScale[RankOf(record.severity)])},
          {"cat", record.what == RecordKind::kEvent ? "event" : "alert"},
          {"identHostName", record.terminal},
          {"usrName", record.person},
          {"src", shown.ssh_source},
          {"resource", record.device_id},
          {"policy", record.rule},
          {"uid", record.uid},
          {"action", shown.outcome},
          {"fileName", shown.file_name},
          {"filePath", shown.file_path},
          {"fileHash", shown.file_hash},
          {"persons", Number(shown.persons)},
          {"personsWritten", Number(shown.persons_written)},
          {"dataTypes", shown.types},
          {"inspection", shown.inspection},
          {"gap", Number(record.gap_count)},
          {"console", record.link},
          {"msg", record.title}};
}

}  // namespace

std::optional<Format> ParseFormat(std::string_view word) {
  for (const auto& [format, name] : kNames) {
    if (word == name) {
      return format;
    }
  }
  return std::nullopt;
}

const char* Name(Format format) {
  return kNames[static_cast<size_t>(format)].second;
}

std::string Render(Format format, const Record& record) {
  switch (format) {
    case Format::kCef:
      return RenderCef(record);
    case Format::kLeef:
      return RenderLeef(record);
    case Format::kOcsf:
      return RenderOcsf(record);
    case Format::kEcs:
      return RenderEcs(record);
    case Format::kJson:
      break;
  }
  return RenderJson(record);
}

std::string RenderCef(const Record& record) {
  std::string line = "CEF:0|" + std::string(kVendor) + "|" +
                     std::string(kProduct) + "|" + std::string(kVersion) + "|" +
                     CefHeader(record.name) + "|" + CefHeader(record.title) +
                     "|" + std::to_string(kScale[RankOf(record.severity)]) +
                     "|";
  const char* gap = "";
  for (const auto& [key, value] : CefFields(record, ShownOf(record))) {
    if (!value.empty()) {
      line += std::string(gap) + key + "=" + CefValue(value);
      gap = " ";
    }
  }
  return line;
}

std::string RenderLeef(const Record& record) {
  std::string line = "LEEF:2.0|" + std::string(kVendor) + "|" +
                     std::string(kProduct) + "|" + std::string(kVersion) + "|" +
                     CefHeader(record.name) + "|x09|";
  const char* gap = "";
  for (const auto& [key, value] : LeefFields(record, ShownOf(record))) {
    if (!value.empty()) {
      line += std::string(gap) + key + "=" + LeefValue(value);
      gap = "\t";
    }
  }
  return line;
}

std::string RenderJson(const Record& record) {
  const Shown shown = ShownOf(record);
  nlohmann::ordered_json out;
  out["time"] = Timestamp(record.time);
  out["uid"] = record.uid;
  out["kind"] = record.name;
  out["severity"] = record.severity;
  out["title"] = record.title;
  Put(&out, "terminal", record.terminal);
  Put(&out, "agent_id", record.agent_id);
  Put(&out, "person", record.person);
  Put(&out, "device_id", record.device_id);
  Put(&out, "outcome", shown.outcome);
  if (shown.observe_only) {
    out["observe_only"] = true;
  }
  Put(&out, "rule", record.rule);
  Put(&out, "reason", shown.reason);
  Put(&out, "persons", shown.persons);
  Put(&out, "persons_written", shown.persons_written);
  Put(&out, "data_types", shown.types);
  Put(&out, "file_path", shown.file_path);
  Put(&out, "file_sha256", shown.file_hash);
  Put(&out, "file_format", shown.format);
  Put(&out, "inspected_bytes", shown.bytes);
  Put(&out, "inspection", shown.inspection);
  Put(&out, "inspection_reason", shown.inspection_reason);
  Put(&out, "program", shown.program);
  Put(&out, "command", shown.command);
  Put(&out, "ssh_source", shown.ssh_source);
  Put(&out, "ssh_key", shown.ssh_key);
  Put(&out, "event_id", shown.event_id);
  Put(&out, "epoch", shown.epoch);
  Put(&out, "sequence", shown.sequence);
  Put(&out, "policy_version", shown.policy_version);
  Put(&out, "gap_count", record.gap_count);
  out["receive_time"] = Timestamp(record.receive_time);
  Put(&out, "link", record.link);
  return Line(out);
}

}  // namespace sekisho::server_export
