#include "cli/review_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "common/clock.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using admin::v1::Review;
using admin::v1::ReviewItem;

constexpr std::string_view kUsage =
    "usage: sekisho review list [--state open|all] [--limit N] [--json]\n"
    "       sekisho review show ID [--json]\n"
    "       sekisho review open ID ITEM [--json]\n"
    "       sekisho review judge ID ITEM --verdict in_order|violation|unclear\n"
    "               [--note TEXT]\n"
    "       sekisho review sign ID [--note TEXT]\n"
    "  An item is opened before it is judged, and every item is judged before\n"
    "  the review is signed. Nobody judges what concerns himself.\n";
constexpr std::string_view kReportUsage =
    "usage: sekisho report review --from DAY --to DAY [--json]\n"
    "  Who reviewed what and when, what was overdue or never done, of the\n"
    "  periods that ended in these days (UTC). Exit code 1: something is\n"
    "  overdue, or was late.\n";
constexpr std::string_view kOptions[] = {"--state", "--limit", "--verdict",
                                         "--note"};
constexpr int kDefaultLimit = 100;

std::string WhoReviews(const Review& review) {
  std::string text = review.role();
  for (const std::string& name : review.people()) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

std::string Period(const Review& review) {
  return ShortTime(review, "from_time") + " - " + ShortTime(review, "to_time");
}

int List(AdminClient& client, const AdminArgs& args) {
  admin::v1::ListReviewsRequest request;
  const std::string state = args.Get("--state");
  if (!state.empty() && state != "open" && state != "all") {
    return WrongUse(kUsage, "no such state: " + state);
  }
  request.set_open(state != "all");
  int64_t limit = kDefaultLimit;
  if (const std::string text = args.Get("--limit"); !text.empty()) {
    const auto number = ParseNumber(text);
    if (!number) return WrongUse(kUsage, number.error().message);
    limit = *number;
  }
  std::string json;
  Table table({"ID", "NAME", "PERIOD", "STATE", "DUE", "JUDGED", "FINDINGS",
               "REVIEWERS"});
  const Status listed = ForEachRow<admin::v1::ListReviewsResponse>(
      client, request, static_cast<int>(limit),
      [&](const admin::v1::ListReviewsResponse& page) {
        for (const Review& one : page.reviews()) {
          json += (json.empty() ? "" : ",\n") + ToJson(one);
          table.Add(
              {std::to_string(one.review_id()), one.name(), Period(one),
               one.state(), ShortTime(one, "due_time"),
               fmt::format("{} of {}", one.judged_count(), one.item_count()),
               std::to_string(one.finding_count()), WhoReviews(one)});
        }
        return page.reviews_size();
      });
  if (!listed) return Complain(args, listed.error());
  std::fputs(args.json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
             stdout);
  return kDone;
}

void AddFacts(Table& table, const Review& one) {
  table.Add({"period", Period(one)});
  table.Add({"terminals", one.groups().empty() ? "all" : one.groups()});
  table.Add({"state", one.state() + ", due " + ShortTime(one, "due_time")});
  table.Add({"reviewers", WhoReviews(one)});
  table.Add({"drawn", fmt::format("{} items of {} alerts, {} refused and {} "
                                  "other transfers",
                                  one.item_count(), one.alert_count(),
                                  one.refused_count(), one.passed_count())});
  table.Add({"judged", fmt::format("{}, of these {} not in order",
                                   one.judged_count(), one.finding_count())});
  if (one.has_sign_time()) {
    table.Add({"signed",
               ShortTime(one, "sign_time") + " by " + one.signed_by() +
                   (one.sign_note().empty() ? "" : ": ") + one.sign_note()});
  }
}

int Print(const AdminArgs& args, const Review& one) {
  if (args.json) {
    std::printf("%s\n", ToJson(one).c_str());
    return kDone;
  }
  Table table({"REVIEW", fmt::format("{} {}", one.review_id(), one.name())});
  AddFacts(table, one);
  std::fputs(table.Print().c_str(), stdout);
  return kDone;
}

int Show(AdminClient& client, const AdminArgs& args, int64_t id) {
  admin::v1::GetReviewRequest request;
  request.set_review_id(id);
  const auto found = client.Call<admin::v1::GetReviewResponse>(request);
  if (!found) return Complain(args, found.error());
  if (args.json) {
    std::printf("%s\n", ToJson(*found).c_str());
    return kDone;
  }
  Print(args, found->review());
  Table items({"ITEM", "WHAT", "ALERT", "EVENT", "TIME", "TERMINAL", "PERSON",
               "VERDICT", "BY", "NOTE"});
  for (const ReviewItem& one : found->items()) {
    items.Add(
        {std::to_string(one.item_no()), one.why(),
         one.alert_id() == 0 ? "-" : std::to_string(one.alert_id()),
         one.event_row_id() == 0 ? "-" : std::to_string(one.event_row_id()),
         ShortTime(one, "occur_time"), one.terminal(), one.person(),
         one.verdict(), one.judged_by(), one.note()});
  }
  std::printf("\n%s", items.Print().c_str());
  return kDone;
}

int Open(AdminClient& client, const AdminArgs& args, int64_t id, int64_t item) {
  admin::v1::OpenReviewItemRequest request;
  request.set_review_id(id);
  request.set_item_no(item);
  const auto found = client.Call<admin::v1::OpenReviewItemResponse>(request);
  if (!found) return Complain(args, found.error());
  if (args.json) {
    std::printf("%s\n", ToJson(*found).c_str());
    return kDone;
  }
  const auto& part = found->public_part();
  const auto& personal = found->personal_part();
  Table table({"ITEM", std::to_string(item)});
  table.Add({"what", found->item().why()});
  if (!found->title().empty()) table.Add({"alert", found->title()});
  table.Add({"terminal", found->item().terminal()});
  table.Add({"person", personal.person()});
  table.Add({"device", part.device().vendor_id() + ":" +
                           part.device().product_id() + ":" +
                           part.device().serial()});
  table.Add({"file", personal.file_path()});
  table.Add({"people", std::to_string(part.person_count())});
  table.Add({"rule", part.rule()});
  table.Add({"reason", part.reason()});
  std::fputs(table.Print().c_str(), stdout);
  return kDone;
}

int Judge(AdminClient& client, const AdminArgs& args, int64_t id,
          int64_t item) {
  admin::v1::JudgeReviewItemRequest request;
  request.set_review_id(id);
  request.set_item_no(item);
  request.set_verdict(args.Get("--verdict"));
  request.set_note(args.Get("--note"));
  if (request.verdict().empty()) return WrongUse(kUsage, "--verdict is needed");
  const auto done = client.Call<admin::v1::JudgeReviewItemResponse>(request);
  return done ? Print(args, done->review()) : Complain(args, done.error());
}

int Sign(AdminClient& client, const AdminArgs& args, int64_t id) {
  admin::v1::SignReviewRequest request;
  request.set_review_id(id);
  request.set_note(args.Get("--note"));
  const auto done = client.Call<admin::v1::SignReviewResponse>(request);
  return done ? Print(args, done->review()) : Complain(args, done.error());
}

Result<WallTime> DayOf(const std::string& text, bool end) {
  if (const auto time = ParseUtc(text)) return *time;
  const auto day = ParseUtc(text + "T00:00:00Z");
  if (text.size() != 10 || !day) {
    return Fail(Code::kInvalidArgument, "'" + EscapeUntrusted(text, 64) +
                                            "' is not a day such as "
                                            "2026-04-01");
  }
  return end ? *day + std::chrono::days(1) : *day;
}

void SetSeconds(google::protobuf::Timestamp* out, WallTime time) {
  out->set_seconds(std::chrono::floor<std::chrono::seconds>(time)
                       .time_since_epoch()
                       .count());
}

void PrintStatement(const admin::v1::GetReviewStatementResponse& statement) {
  Table table({"ID", "NAME", "PERIOD", "STATE", "DUE", "SIGNED", "BY", "JUDGED",
               "NOT IN ORDER", "JUDGED BY"});
  for (const auto& row : statement.reviews()) {
    const Review& one = row.review();
    std::string judges;
    for (const auto& [who, count] : row.judged_by()) {
      judges += fmt::format("{}{} {}", judges.empty() ? "" : ", ", who, count);
    }
    table.Add({std::to_string(one.review_id()), one.name(), Period(one),
               one.state(), ShortTime(one, "due_time"),
               ShortTime(one, "sign_time"), one.signed_by(),
               fmt::format("{} of {}", one.judged_count(), one.item_count()),
               std::to_string(one.finding_count()), judges});
  }
  std::fputs(table.Print().c_str(), stdout);
  for (const auto& row : statement.reviews()) {
    for (const ReviewItem& item : row.findings()) {
      std::printf(
          "%s\n",
          EscapeUntrusted(fmt::format("review {} item {}: {}, {}: {} ({})",
                                      row.review().review_id(), item.item_no(),
                                      item.why(), item.verdict(), item.note(),
                                      item.judged_by()))
              .c_str());
    }
  }
  Table clocks(
      {"SEVERITY", "ALERTS", "ACKNOWLEDGED", "LATE", "CLOSED", "LATE"});
  for (const auto& one : statement.sla()) {
    clocks.Add({one.severity(), std::to_string(one.alert_count()),
                std::to_string(one.acknowledged_count()),
                std::to_string(one.late_acknowledge_count()),
                std::to_string(one.closed_count()),
                std::to_string(one.late_close_count())});
  }
  std::printf("\n%s\n%s", clocks.Print().c_str(),
              statement.checkpoint().c_str());
}

}  // namespace

int RunReviewCommand(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kUsage, parsed.error().message);
  const std::vector<std::string>& words = parsed->words;
  const std::string verb = words.empty() ? "" : words[0];
  AdminClient client(parsed->socket);
  if (verb == "list" && words.size() == 1) return List(client, *parsed);
  if (words.size() < 2 || words.size() > 3) return WrongUse(kUsage);
  const auto id = ParseNumber(words[1]);
  if (!id) return WrongUse(kUsage, id.error().message);
  if (words.size() == 2 && verb == "show") return Show(client, *parsed, *id);
  if (words.size() == 2 && verb == "sign") return Sign(client, *parsed, *id);
  if (words.size() == 2) return WrongUse(kUsage);
  const auto item = ParseNumber(words[2]);
  if (!item) return WrongUse(kUsage, item.error().message);
  if (verb == "open") return Open(client, *parsed, *id, *item);
  if (verb == "judge") return Judge(client, *parsed, *id, *item);
  return WrongUse(kUsage);
}

int RunReportReview(std::span<const std::string_view> args) {
  static constexpr std::string_view kReportOptions[] = {"--from", "--to"};
  const auto parsed = ParseAdminArgs(args, kReportOptions);
  if (!parsed) return WrongUse(kReportUsage, parsed.error().message);
  if (!parsed->words.empty()) return WrongUse(kReportUsage, "too many words");
  const auto from = DayOf(parsed->Get("--from"), false);
  const auto to = DayOf(parsed->Get("--to"), true);
  for (const auto& time : {from, to}) {
    if (!time) return WrongUse(kReportUsage, time.error().message);
  }
  admin::v1::GetReviewStatementRequest request;
  SetSeconds(request.mutable_from_time(), *from);
  SetSeconds(request.mutable_to_time(), *to);
  AdminClient client(parsed->socket);
  const auto statement =
      client.Call<admin::v1::GetReviewStatementResponse>(request);
  if (!statement) return Complain(*parsed, statement.error());
  if (parsed->json) {
    std::printf("%s\n", ToJson(*statement).c_str());
  } else {
    PrintStatement(*statement);
  }
  for (const auto& row : statement->reviews()) {
    if (row.review().state() == "overdue" ||
        row.review().state() == "signed_late") {
      return kRefused;
    }
  }
  return kDone;
}

}  // namespace sekisho::cli
