#include "cli/report_command.h"

#include <fcntl.h>

#include <chrono>
#include <cstdio>
#include <vector>

#include "cli/admin_client.h"
#include "cli/inquiry_document.h"
#include "cli/table.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using admin::v1::InquiryRow;

constexpr size_t kMaxKeyBytes = size_t{16} << 20;
constexpr std::string_view kUsage =
    "usage: sekisho report inquiry --reason TEXT --from TIME --to TIME\n"
    "         [--owner NAME] [--person NAME] [--device ID] [--file-hash "
    "SHA256]\n"
    "         [-o FILE] [--html FILE] [--key-out FILE] [--json]\n"
    "  Did data leave in that time? At least one of owner, person, device and "
    "file hash;\n"
    "  all that are given must fit. Times are 2026-04-01 (whole days, UTC) or "
    "2026-04-01T00:00:00Z.\n"
    "  -o writes the signed answer. Exit code 0: not found; 1: found, or "
    "cannot say.\n";
constexpr std::string_view kListUsage =
    "usage: sekisho report list [--limit N] [--json]\n"
    "  The inquiries that were answered, newest first.\n";
constexpr std::string_view kShowUsage =
    "usage: sekisho report show NUMBER|FILE [--html FILE] [-o FILE] [--json]\n"
    "  An answer in words; from the server by its number, or from a signed "
    "file.\n";
constexpr std::string_view kVerifyUsage =
    "usage: sekisho report verify FILE --key FILE [--json]\n"
    "  Proves a signed answer offline: signature, checkpoint, every listed "
    "copy's place in\n"
    "  the log, and that answer and sums follow from what is listed. The key "
    "file has the\n"
    "  log's line as `sekisho event export --keys-out` writes it.\n";

// "-o" is the one short option there is.
Result<AdminArgs> Parse(std::span<const std::string_view> args,
                        std::span<const std::string_view> known) {
  std::vector<std::string_view> all(args.begin(), args.end());
  for (std::string_view& arg : all) {
    if (arg == "-o") arg = "--output";
  }
  return ParseAdminArgs(all, known);
}

// A day is all of it: the first begins at 0:00, the last ends at 24:00, UTC.
Result<WallTime> TimeOf(const std::string& text, bool end) {
  if (const auto time = ParseUtc(text)) return *time;
  const auto day = ParseUtc(text + "T00:00:00Z");
  if (text.size() != 10 || !day) {
    return Fail(Code::kInvalidArgument,
                "'" + EscapeUntrusted(text, 64) +
                    "' is not a time such as 2026-04-01 or "
                    "2026-04-01T00:00:00Z");
  }
  return end ? *day + std::chrono::days(1) : *day;
}

void SetSeconds(google::protobuf::Timestamp* out, WallTime time) {
  out->set_seconds(std::chrono::floor<std::chrono::seconds>(time)
                       .time_since_epoch()
                       .count());
}

int WriteOut(const std::string& path, const std::string& text) {
  if (path.empty()) return kDone;
  if (auto written = ReplaceFile(path, text, 0600); !written) {
    std::fprintf(stderr, "sekisho: %s\n", written.error().message.c_str());
    return kUnreachable;
  }
  return kDone;
}

// What --output, --html and --key-out ask for, then the answer itself.
int Show(const AdminArgs& args, const std::string& note,
         const std::string& key) {
  const auto document = ReadInquiry(note);
  if (!document) return Complain(args, document.error());
  for (const int code : {WriteOut(args.Get("--output"), note),
                         WriteOut(args.Get("--html"), InquiryHtml(*document)),
                         WriteOut(args.Get("--key-out"),
                                  key.empty() ? "" : "log " + key + "\n")}) {
    if (code != kDone) return code;
  }
  const std::string text =
      args.json ? document->dump(-1, ' ', false,
                                 nlohmann::json::error_handler_t::replace) +
                      "\n"
                : InquiryText(*document);
  std::fputs(text.c_str(), stdout);
  return document->value("answer", "") == "not_found" ? kDone : kRefused;
}

int ShowNumber(const AdminArgs& args, AdminClient& client, int64_t id) {
  admin::v1::GetInquiryRequest request;
  request.set_inquiry_id(id);
  const auto got = client.Call<admin::v1::GetInquiryResponse>(request);
  if (!got) return Complain(args, got.error());
  return Show(args, got->document(), got->log_key());
}

}  // namespace

int RunReportInquiry(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {
      "--owner", "--person", "--device", "--file-hash", "--from",
      "--to",    "--reason", "--output", "--html",      "--key-out"};
  const auto parsed = Parse(args, kOptions);
  if (!parsed) return WrongUse(kUsage, parsed.error().message);
  if (!parsed->words.empty()) return WrongUse(kUsage, "too many words");
  admin::v1::RunInquiryRequest request;
  request.set_owner(parsed->Get("--owner"));
  request.set_person(parsed->Get("--person"));
  request.set_device_id(parsed->Get("--device"));
  request.set_file_hash(parsed->Get("--file-hash"));
  request.set_reason(parsed->Get("--reason"));
  if (request.reason().empty()) return WrongUse(kUsage, "--reason is missing");
  const auto from = TimeOf(parsed->Get("--from"), false);
  if (!from) return WrongUse(kUsage, "--from: " + from.error().message);
  const auto to = TimeOf(parsed->Get("--to"), true);
  if (!to) return WrongUse(kUsage, "--to: " + to.error().message);
  SetSeconds(request.mutable_from_time(), *from);
  SetSeconds(request.mutable_to_time(), *to);
  AdminClient client(parsed->socket);
  const auto done = client.Call<admin::v1::RunInquiryResponse>(request);
  if (!done) return Complain(*parsed, done.error());
  return ShowNumber(*parsed, client, done->inquiry().inquiry_id());
}

int RunReportList(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--limit"};
  const auto parsed = Parse(args, kOptions);
  if (!parsed) return WrongUse(kListUsage, parsed.error().message);
  int64_t limit = 100;
  if (const std::string text = parsed->Get("--limit"); !text.empty()) {
    const auto number = ParseNumber(text);
    if (!number) return WrongUse(kListUsage, number.error().message);
    limit = std::min<int64_t>(*number, 100'000);
  }
  AdminClient client(parsed->socket);
  std::string json;
  Table table({"NO", "ASKED", "BY", "ANSWER", "FROM", "TO", "FOR", "REASON"});
  const Status listed = ForEachRow<admin::v1::ListInquiriesResponse>(
      client, admin::v1::ListInquiriesRequest(), static_cast<int>(limit),
      [&](const admin::v1::ListInquiriesResponse& page) {
        for (const InquiryRow& row : page.inquiries()) {
          json += (json.empty() ? "" : ",\n") + ToJson(row);
          std::string what;
          for (const std::string& text :
               {row.owner(), row.person(), row.device_id(), row.file_hash()}) {
            if (!text.empty()) what += (what.empty() ? "" : ", ") + text;
          }
          table.Add({std::to_string(row.inquiry_id()),
                     ShortTime(row, "ask_time"), row.user(), row.answer(),
                     ShortTime(row, "from_time"), ShortTime(row, "to_time"),
                     what, row.reason()});
        }
        return page.inquiries_size();
      });
  if (!listed) return Complain(*parsed, listed.error());
  std::fputs(
      parsed->json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
      stdout);
  return kDone;
}

int RunReportShow(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--html", "--output",
                                                  "--key-out"};
  const auto parsed = Parse(args, kOptions);
  if (!parsed) return WrongUse(kShowUsage, parsed.error().message);
  if (parsed->words.size() != 1) return WrongUse(kShowUsage, "which answer?");
  if (const auto id = ParseNumber(parsed->words[0])) {
    AdminClient client(parsed->socket);
    return ShowNumber(*parsed, client, *id);
  }
  const auto note = ReadFileAt(AT_FDCWD, parsed->words[0], kMaxInquiryBytes);
  if (!note) return Complain(*parsed, note.error());
  return Show(*parsed, *note, "");
}

int RunReportVerify(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--key"};
  const auto parsed = Parse(args, kOptions);
  if (!parsed) return WrongUse(kVerifyUsage, parsed.error().message);
  if (parsed->words.size() != 1 || parsed->Get("--key").empty()) {
    return WrongUse(kVerifyUsage, "a file and --key");
  }
  const auto note = ReadFileAt(AT_FDCWD, parsed->words[0], kMaxInquiryBytes);
  if (!note) return Complain(*parsed, note.error());
  const auto text = ReadFileAt(AT_FDCWD, parsed->Get("--key"), kMaxKeyBytes);
  if (!text) return Complain(*parsed, text.error());
  const auto key = ParseLogKey(*text);
  if (!key) return Complain(*parsed, key.error());
  const auto problems = CheckInquiry(*note, *key);
  const auto document = ReadInquiry(*note);
  const std::string answer =
      problems.empty() && document ? document->value("answer", "") : "";
  if (parsed->json) {
    const nlohmann::json out = {{"good", problems.empty()},
                                {"answer", answer},
                                {"key", merkle::PrintVerifier(*key)},
                                {"problems", problems}};
    std::printf("%s\n", out.dump().c_str());
  } else if (problems.empty()) {
    std::printf("good: signed by %s; the answer is %s\n", key->name.c_str(),
                answer.c_str());
  } else {
    std::printf("NOT GOOD\n");
    for (const std::string& problem : problems) {
      std::printf("  %s\n", EscapeUntrusted(problem, 512).c_str());
    }
  }
  return problems.empty() ? kDone : kRefused;
}

}  // namespace sekisho::cli
