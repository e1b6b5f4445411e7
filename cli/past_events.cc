#include "cli/past_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/event_verify.h"
#include "policy/replay/past_event.h"
#include "policy/words.h"
#include "sekisho/event/v1/event.pb.h"

namespace sekisho::cli {
namespace {

using policy::PastEvent;

constexpr size_t kMaxLineBytes = size_t{1} << 20;

// Fills `past` anew; its buffers are used again. False: no event of ours.
class Reader {
 public:
  Reader(const PastQuery& query,
         const std::function<void(const PastEvent&)>& take)
      : query_(query), take_(take) {}

  void SetTerminal(const std::string& terminal) {
    past_.terminal.terminal = terminal;
  }

  void Take(std::string_view open_bytes, std::string_view personal_bytes) {
    ++counts_.events;
    if (!open_.ParseFromArray(open_bytes.data(),
                              static_cast<int>(open_bytes.size())) ||
        !personal_.ParseFromArray(personal_bytes.data(),
                                  static_cast<int>(personal_bytes.size()))) {
      ++counts_.damaged;
      return;
    }
    if (!replay::FillPast(open_, personal_, &past_) ||
        (query_.since && past_.time < *query_.since) ||
        (query_.until && past_.time >= *query_.until)) {
      return;
    }
    take_(past_);
  }
  void Damaged() { ++counts_.damaged; }
  const PastCounts& counts() const { return counts_; }

 private:
  const PastQuery& query_;
  const std::function<void(const PastEvent&)>& take_;
  PastCounts counts_;
  PastEvent past_;
  event::v1::PublicPart open_;
  event::v1::PersonalPart personal_;
};

constexpr std::array<int8_t, 256> kHexDigits = [] {
  std::array<int8_t, 256> digits{};
  digits.fill(-1);
  for (size_t i = 0; i < 10; ++i) digits[48 + i] = static_cast<int8_t>(i);
  for (size_t i = 0; i < 6; ++i) digits[97 + i] = static_cast<int8_t>(10 + i);
  return digits;
}();

// The bytes of a field of one of our own lines. A line of an export has no
// spaces and only hex and numbers, so that it need not be parsed as JSON: a
// million of them is gigabytes.
bool HexField(std::string_view line, std::string_view key, std::string* out) {
  const size_t at = line.find(key);
  if (at == std::string_view::npos) return false;
  line.remove_prefix(at + key.size());
  const size_t end = line.find('"');
  if (end == std::string_view::npos || end % 2 != 0) return false;
  out->resize(end / 2);
  for (size_t i = 0; i < end; i += 2) {
    const int high = kHexDigits[static_cast<unsigned char>(line[i])];
    const int low = kHexDigits[static_cast<unsigned char>(line[i + 1])];
    if (high < 0 || low < 0) return false;
    (*out)[i / 2] = static_cast<char>(high * 16 + low);
  }
  return true;
}

// The terminal whose events follow, or "end" and header lines.
void TakeOtherLine(const std::string& line, const PastQuery& query,
                   bool* wanted, Reader& reader) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) {
    reader.Damaged();
    return;
  }
  const auto text = [&](const char* key) {
    const auto at = json.find(key);
    return at != json.end() && at->is_string() ? at->get<std::string>()
                                               : std::string();
  };
  if (!json.contains("agent_id")) return;
  *wanted = query.agent_id.empty() || query.agent_id == text("agent_id") ||
            query.agent_id == text("terminal");
  reader.SetTerminal(text("terminal"));
}

Status ReadFile(const PastQuery& query, Reader& reader) {
  std::ifstream file(query.file);
  std::string line;
  std::string open;
  std::string personal;
  bool wanted = true;
  bool first = true;
  while (std::getline(file, line)) {
    if (first && line.find(kExportFormat) == std::string::npos) {
      return Fail(
          Code::kInvalidArgument,
          fmt::format("{} is not a {} file", query.file, kExportFormat));
    }
    if (std::exchange(first, false)) continue;
    if (!line.starts_with("{\"epoch\":")) {
      TakeOtherLine(line, query, &wanted, reader);
      continue;
    }
    if (!wanted) continue;
    if (line.size() > kMaxLineBytes ||
        !HexField(line, "\"public_part\":\"", &open) ||
        !HexField(line, "\"personal_part\":\"", &personal)) {
      reader.Damaged();
      continue;
    }
    reader.Take(open, personal);
  }
  if (first) {
    return Fail(Code::kUnavailable, query.file + " cannot be read or is empty");
  }
  return {};
}

std::optional<WallTime> Day(const std::string& text) {
  const auto span = policy::ParseDateSpan(text);
  if (!span || span->every_year || span->first != span->last) {
    return std::nullopt;
  }
  return WallTime(std::chrono::sys_days(span->first));
}

}  // namespace

Result<PastQuery> ReadPastQuery(const AdminArgs& args) {
  PastQuery query;
  query.file = args.Get("--events");
  query.agent_id = args.Get("--agent");
  for (const auto& [name, out] : {std::pair{"--since", &query.since},
                                  std::pair{"--until", &query.until}}) {
    const std::string text = args.Get(name);
    if (text.empty()) continue;
    *out = Day(text);
    if (!*out) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{} takes a day such as 2026-11-01", name));
    }
  }
  return query;
}

Result<PastCounts> ReadPastEvents(
    const PastQuery& query, const std::string& socket,
    const std::function<void(const PastEvent&)>& take) {
  Reader reader(query, take);
  if (!query.file.empty()) {
    RETURN_IF_ERROR(ReadFile(query, reader));
    return reader.counts();
  }
  AdminClient client(socket);
  admin::v1::ExportEventsRequest request;
  if (!query.agent_id.empty()) {
    ASSIGN_OR_RETURN(const auto agent, FindAgent(client, query.agent_id));
    request.set_agent_id(agent.agent_id());
  }
  RETURN_IF_ERROR(client.Export(
      request, [&](const admin::v1::ExportEventsResponse& part) -> Status {
        reader.SetTerminal(part.terminal());
        for (const auto& record : part.records()) {
          reader.Take(record.public_part(), record.personal_part());
        }
        return {};
      }));
  return reader.counts();
}

}  // namespace sekisho::cli
