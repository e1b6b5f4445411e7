#include "cli/inquiry_document.h"

#include <algorithm>
#include <map>
#include <optional>

#include "cli/event_verify.h"
#include "common/clock.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using nlohmann::json;

constexpr std::string_view kForm = "sekisho-inquiry-1\n";
constexpr std::string_view kUncovered[] = {"observe",  "no_core", "degraded",
                                           "unlocked", "clock",   "events_lost",
                                           "silent",   "no_agent"};
constexpr std::string_view kUnclear[] = {"owner_unknown", "person_unknown",
                                         "device_unknown", "hash_unknown",
                                         "not_inspected"};
constexpr size_t kMaxProblems = 50;

// ---- reading without exceptions: what is missing is empty ----

const json& At(const json& from, const char* name) {
  static const json kNothing;
  if (!from.is_object()) return kNothing;
  const auto found = from.find(name);
  return found == from.end() ? kNothing : *found;
}
int64_t Number(const json& from, const char* name) {
  const json& value = At(from, name);
  return value.is_number_integer() ? value.get<int64_t>() : -1;
}
std::string Text(const json& from, const char* name) {
  const json& value = At(from, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}
const json& Rows(const json& from, const char* name) {
  static const json kNone = json::array();
  const json& value = At(from, name);
  return value.is_array() ? value : kNone;
}

bool IsUncovered(std::string_view state) {
  return std::ranges::find(kUncovered, state) != std::end(kUncovered);
}

class Checker {
 public:
  Checker(const json& document, const merkle::Verifier& key)
      : document_(document), key_(key) {}

  std::vector<std::string> Run() {
    CheckLog();
    for (const char* list : {"found", "stopped", "unclear"}) CheckCopies(list);
    CheckCoverage();
    CheckAnswer();
    return std::move(problems_);
  }

 private:
  void Report(std::string what) {
    if (problems_.size() < kMaxProblems) problems_.push_back(std::move(what));
  }
  void Equal(const char* what, int64_t said, int64_t is) {
    if (said == is) return;
    Report(std::string(what) + ": it says " + std::to_string(said) +
           ", what is listed gives " + std::to_string(is));
  }

  void CheckLog() {
    const auto head =
        merkle::OpenCheckpoint(Text(document_, "checkpoint"), key_);
    if (!head) return Report("checkpoint: " + head.error().message);
    head_ = *head;
    Equal("log_size", Number(document_, "log_size"), head_->size);
    if (Text(document_, "log_root") != ToHex(head_->root)) {
      Report("log_root is not that of the checkpoint");
    }
  }

  void CheckCopies(const char* list) {
    const json& part = At(document_, list);
    for (const json& row : Rows(part, "rows")) {
      const auto bytes = FromHex(Text(row, "hash"));
      merkle::Proof path;
      bool good = bytes && bytes->size() == sizeof(merkle::Hash) && head_;
      for (const json& one : Rows(row, "proof")) {
        const auto hash =
            FromHex(one.is_string() ? one.get<std::string>() : std::string());
        good = good && hash && hash->size() == sizeof(merkle::Hash) &&
               path.size() < merkle::kMaxProofHashes;
        if (!good) break;
        std::copy(hash->begin(), hash->end(), path.emplace_back().begin());
      }
      const int64_t leaf = Number(row, "leaf");
      if (!good || !merkle::VerifyInclusion(merkle::LeafHash(*bytes), leaf,
                                            *head_, path)) {
        Report(std::string(list) + ": leaf " + std::to_string(leaf) +
               " is not an event of the log");
      }
    }
  }

  void CheckCoverage() {
    const json& coverage = At(document_, "coverage");
    int64_t covered = 0, off = 0;
    for (const auto& [state, length] :
         At(coverage, "seconds_by_state").items()) {
      const int64_t value =
          length.is_number_integer() ? length.get<int64_t>() : -1;
      if (value < 0) Report("seconds_by_state: " + state);
      (IsUncovered(state) ? uncovered_
       : state == "off"   ? off
                          : covered) += value;
    }
    Equal("covered_seconds", Number(coverage, "covered_seconds"), covered);
    Equal("off_seconds", Number(coverage, "off_seconds"), off);
    Equal("uncovered_seconds", Number(coverage, "uncovered_seconds"),
          uncovered_);
    int64_t listed = 0;
    for (const json& span : Rows(coverage, "spans")) {
      const auto from = ParseUtc(Text(span, "from"));
      const auto to = ParseUtc(Text(span, "to"));
      const int64_t length = Number(span, "seconds");
      if (!from || !to || *to - *from != std::chrono::seconds(length) ||
          !IsUncovered(Text(span, "state"))) {
        Report("a span of " + Text(span, "terminal") + " from " +
               Text(span, "from") + " does not add up");
      }
      listed += length;
    }
    if (Number(coverage, "spans_cut") == 0) {
      Equal("spans", uncovered_, listed);
    } else if (listed > uncovered_) {
      Report("more uncovered time is listed than there is");
    }
  }

  // Whatever makes "not found" impossible must stand among the causes.
  void CheckAnswer() {
    std::map<std::string, int64_t> causes;
    for (const json& cause : Rows(document_, "causes")) {
      causes[Text(cause, "cause")] = Number(cause, "count");
    }
    Equal("cause uncovered", causes["uncovered"], uncovered_);
    if (uncovered_ == 0) causes.erase("uncovered");
    const json& unclear = At(document_, "unclear");
    std::map<std::string, int64_t> why;
    for (const json& row : Rows(unclear, "rows")) {
      for (const json& one : Rows(row, "why")) {
        if (one.is_string()) ++why[one.get<std::string>()];
      }
    }
    for (const std::string_view word : kUnclear) {
      const auto cause = causes.find(std::string(word));
      const int64_t said = cause == causes.end() ? 0 : cause->second;
      if (Number(unclear, "cut") == 0 || said < why[std::string(word)]) {
        Equal(("cause " + std::string(word)).c_str(), said,
              why[std::string(word)]);
      }
    }
    const json& found = At(document_, "found");
    Equal("found", Number(found, "count"),
          std::ssize(Rows(found, "rows")) + Number(found, "cut"));
    const char* answer = Number(found, "count") > 0 ? "found"
                         : causes.empty()           ? "not_found"
                                                    : "cannot_say";
    if (Text(document_, "answer") != answer) {
      Report("answer: it says '" +
             EscapeUntrusted(Text(document_, "answer"), 32) +
             "', what is listed gives '" + answer + "'");
    }
  }

  const json& document_;
  const merkle::Verifier& key_;
  std::optional<merkle::Head> head_;
  int64_t uncovered_ = 0;
  std::vector<std::string> problems_;
};

// ---- printing ----

std::string Hours(int64_t seconds) {
  const int64_t tenths = (seconds + 180) / 360;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " h";
}

std::string Share(const json& coverage) {
  const int64_t covered = Number(coverage, "covered_seconds");
  const int64_t all = covered + Number(coverage, "uncovered_seconds");
  if (all <= 0) return "-";
  // Rounded down: 100 % is said of the whole only.
  const int64_t tenths = covered * 1000 / all;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

const char* Sentence(const std::string& answer) {
  if (answer == "found") return "FOUND: copies reached a removable medium.";
  if (answer == "not_found") {
    return "NOT FOUND: no such copy, and no hour, terminal or copy of which "
           "nothing is known.";
  }
  return "CANNOT SAY: no such copy is known, but not everything is known.";
}

using Cells = std::vector<std::string>;
struct Section {
  std::string title;
  std::vector<std::string> lines;
  Cells head;
  std::vector<Cells> rows;
};

Section Copies(const json& document, const char* list, const char* title) {
  const json& part = At(document, list);
  Section section{title,
                  {},
                  {"time", "terminal", "person", "device", "file", "people",
                   "written", "verdict", "leaf"},
                  {}};
  for (const json& row : Rows(part, "rows")) {
    std::string verdict = Text(row, "verdict");
    for (const json& why : Rows(row, "why")) {
      if (why.is_string()) verdict += ", " + why.get<std::string>();
    }
    section.rows.push_back({Text(row, "time"), Text(row, "terminal"),
                            Text(row, "person"), Text(row, "device"),
                            Text(row, "file"),
                            std::to_string(Number(row, "persons")),
                            std::to_string(Number(row, "persons_written")),
                            verdict, std::to_string(Number(row, "leaf"))});
  }
  if (const int64_t cut = Number(part, "cut"); cut > 0) {
    section.lines.push_back("and " + std::to_string(cut) + " more");
  }
  return section;
}

std::vector<Section> SectionsOf(const json& document) {
  std::vector<Section> sections;
  const json& asked = At(document, "asked");
  Section first{"Asked", {}, {}, {}};
  for (const auto& [name, title] :
       std::initializer_list<std::pair<const char*, const char*>>{
           {"owner", "data owner"},
           {"person", "person"},
           {"device", "device"},
           {"file_hash", "file (SHA-256)"},
           {"from", "from"},
           {"to", "to"},
           {"by", "asked by"},
           {"time", "at"},
           {"reason", "reason"}}) {
    const std::string value = Text(asked, name);
    if (!value.empty()) first.rows.push_back({title, value});
  }
  for (const json& set : Rows(document, "data_sets")) {
    first.rows.push_back(
        {"list of people", Text(set, "name") + ": " +
                               std::to_string(Number(set, "persons")) +
                               " people, made " + Text(set, "made")});
  }
  sections.push_back(std::move(first));
  Section causes{"What is not known", {}, {}, {}};
  for (const json& cause : Rows(document, "causes")) {
    const int64_t count = Number(cause, "count");
    causes.rows.push_back({Text(cause, "cause"),
                           Text(cause, "cause") == "uncovered"
                               ? Hours(count)
                               : std::to_string(count),
                           Text(cause, "text")});
  }
  if (causes.rows.empty()) causes.lines.emplace_back("nothing");
  sections.push_back(std::move(causes));
  sections.push_back(Copies(document, "found", "Copies found"));
  sections.push_back(
      Copies(document, "stopped", "Copies stopped: nothing reached a medium"));
  sections.push_back(Copies(document, "unclear", "Copies that may be of it"));
  const json& coverage = At(document, "coverage");
  Section covered{"Coverage until " + Text(coverage, "until"), {}, {}, {}};
  covered.lines.push_back(
      std::to_string(Number(coverage, "terminals")) + " terminals (" +
      std::to_string(Number(coverage, "unregistered_terminals")) +
      " of them not in the register): covered " +
      Hours(Number(coverage, "covered_seconds")) + ", switched off " +
      Hours(Number(coverage, "off_seconds")) + ", uncovered " +
      Hours(Number(coverage, "uncovered_seconds")) + "; " + Share(coverage) +
      " of the hours on are covered");
  covered.head = {"terminal", "site", "state", "from", "to", "hours"};
  for (const json& span : Rows(coverage, "spans")) {
    covered.rows.push_back({Text(span, "terminal"), Text(span, "site"),
                            Text(span, "state"), Text(span, "from"),
                            Text(span, "to"), Hours(Number(span, "seconds"))});
  }
  sections.push_back(std::move(covered));
  Section limits{"Limits", {}, {}, {}};
  for (const json& limit : Rows(document, "limits")) {
    limits.lines.push_back(Text(limit, "text"));
  }
  sections.push_back(std::move(limits));
  return sections;
}

std::string Html(std::string_view text) {
  std::string out;
  for (const char c : EscapeUntrusted(text, 65536)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string HtmlRow(const Cells& cells, const char* tag) {
  std::string out = "<tr>";
  for (const std::string& cell : cells) {
    out += std::string("<") + tag + ">" + Html(cell) + "</" + tag + ">";
  }
  return out + "</tr>\n";
}

// On each printed page: which log, how large, which root.
std::string Bound(const json& document) {
  const std::string note = Text(document, "checkpoint");
  return note.substr(0, note.find('\n')) + " size " +
         std::to_string(Number(document, "log_size")) + " root " +
         Text(document, "log_root");
}

constexpr const char* kStyle =
    "body{font:14px/1.5 sans-serif;margin:2em;color:#111}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{border:1px solid #999;padding:2px 6px;text-align:left;"
    "overflow-wrap:anywhere;vertical-align:top}"
    "thead{display:table-header-group}tr{break-inside:avoid}"
    "footer{font:11px monospace;overflow-wrap:anywhere}"
    "@media print{body{margin:0 0 3em}footer{position:fixed;bottom:0}}";

}  // namespace

Result<json> ReadInquiry(std::string_view note) {
  const size_t end = note.rfind("\n\n");
  if (note.size() > kMaxInquiryBytes || !note.starts_with(kForm) ||
      end == std::string_view::npos || end < kForm.size()) {
    return Fail(Code::kInvalidArgument, "not the answer to an inquiry");
  }
  json document = json::parse(note.substr(kForm.size(), end - kForm.size()),
                              nullptr, false);
  if (!document.is_object()) {
    return Fail(Code::kInvalidArgument, "the answer is no JSON object");
  }
  return document;
}

std::vector<std::string> CheckInquiry(std::string_view note,
                                      const merkle::Verifier& key) {
  const auto text = merkle::OpenNote(note, key, kMaxInquiryBytes);
  if (!text) return {"signature: " + text.error().message};
  const auto document = ReadInquiry(note);
  if (!document) return {document.error().message};
  const std::string spelled =
      std::string(kForm) +
      document->dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  if (spelled != *text) return {"the answer is not in its one spelling"};
  return Checker(*document, key).Run();
}

Result<merkle::Verifier> ParseLogKey(std::string_view text) {
  if (auto key = merkle::ParseVerifier(Trim(text))) return key;
  ASSIGN_OR_RETURN(const KnownKeys keys, ParseKeys(text));
  if (!keys.log) {
    return Fail(Code::kInvalidArgument, "no line 'log name+hash+key' in it");
  }
  return *keys.log;
}

std::string InquiryText(const json& document) {
  std::string out = std::string(Sentence(Text(document, "answer"))) + "\n";
  for (const Section& section : SectionsOf(document)) {
    out += "\n" + section.title + "\n";
    for (const std::string& line : section.lines) {
      out += "  " + EscapeUntrusted(line, 65536) + "\n";
    }
    if (!section.head.empty() && section.rows.empty() &&
        section.lines.empty()) {
      out += "  none\n";
    }
    for (const Cells& row : section.rows) {
      std::string line;
      for (const std::string& cell : row) {
        line += (line.empty() ? "  " : " | ") + EscapeUntrusted(cell, 65536);
      }
      out += line + "\n";
    }
  }
  return out + "\nBound to " + Bound(document) + "\n";
}

std::string InquiryHtml(const json& document) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
      "'none'; style-src 'unsafe-inline'\"><title>Inquiry</title><style>" +
      std::string(kStyle) + "</style></head><body>\n<h1>Did data leave?</h1>" +
      "<p><strong>" + Sentence(Text(document, "answer")) + "</strong></p>\n";
  for (const Section& section : SectionsOf(document)) {
    out += "<h2>" + Html(section.title) + "</h2>\n";
    for (const std::string& line : section.lines) {
      out += "<p>" + Html(line) + "</p>\n";
    }
    if (section.rows.empty()) continue;
    out += "<table>\n";
    if (!section.head.empty()) {
      out += "<thead>" + HtmlRow(section.head, "th") + "</thead>\n";
    }
    out += "<tbody>\n";
    for (const Cells& row : section.rows) out += HtmlRow(row, "td");
    out += "</tbody></table>\n";
  }
  return out + "<footer>" + Html(Bound(document)) +
         "</footer>\n</body></html>\n";
}

}  // namespace sekisho::cli
