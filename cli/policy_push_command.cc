#include "cli/policy_push_command.h"

#include <fcntl.h>

#include <cstdio>
#include <vector>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "common/file.h"
#include "common/text.h"
#include "policy/parser.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kPushUsage =
    "usage: sekisho policy push FILE [--rings|--now] [--comment TEXT] "
    "[--json]\n"
    "  --rings  through the rings (sekisho policy rings), as is done anyway if "
    "there are any\n"
    "  --now    to everybody, whatever is under way\n";
constexpr std::string_view kHistoryUsage =
    "usage: sekisho policy history [VERSION] [--limit N] [--json]\n"
    "       with VERSION, prints its text\n";
constexpr std::string_view kRollbackUsage =
    "usage: sekisho policy rollback VERSION [--json]\n";
constexpr std::string_view kPushOptions[] = {"--comment"};
constexpr std::string_view kHistoryOptions[] = {"--limit"};
constexpr int64_t kDefaultLimit = 50;

int PrintText(AdminClient& client, const AdminArgs& args, int64_t version) {
  admin::v1::ListPolicyVersionsRequest request;
  request.set_page_size(1);
  request.set_page_token(std::to_string(version + 1));
  const auto page = client.Call<admin::v1::ListPolicyVersionsResponse>(request);
  if (!page) {
    return Complain(args, page.error());
  }
  if (page->versions().empty() || page->versions(0).version() != version) {
    return Complain(args, {Code::kNotFound,
                           "no policy version " + std::to_string(version)});
  }
  if (args.json) {
    std::printf("%s\n", ToJson(page->versions(0)).c_str());
  } else {
    std::fputs(page->versions(0).text().c_str(), stdout);
  }
  return kDone;
}

}  // namespace

int RunPolicyPush(std::span<const std::string_view> all) {
  admin::v1::PushScope scope = admin::v1::PUSH_SCOPE_UNSPECIFIED;
  std::vector<std::string_view> args;
  for (const std::string_view arg : all) {
    const bool now = arg == "--now";
    if (!now && arg != "--rings") {
      args.push_back(arg);
      continue;
    }
    const auto wish =
        now ? admin::v1::PUSH_SCOPE_EVERYBODY : admin::v1::PUSH_SCOPE_RINGS;
    if (scope != admin::v1::PUSH_SCOPE_UNSPECIFIED && scope != wish) {
      return WrongUse(kPushUsage, "either --rings or --now");
    }
    scope = wish;
  }
  const auto parsed = ParseAdminArgs(args, kPushOptions);
  if (!parsed || parsed->words.size() != 1) {
    return WrongUse(kPushUsage, parsed ? "" : parsed.error().message);
  }
  const std::string& file = parsed->words[0];
  auto text = ReadFileAt(AT_FDCWD, file, policy::kMaxPolicyBytes + 1);
  if (!text) {
    std::fprintf(stderr, "sekisho: %s: %s\n", file.c_str(),
                 text.error().message.c_str());
    return kUnreachable;
  }
  // The server checks again; here every problem can be shown.
  if (const auto policy = policy::ParsePolicy(*text, file); !policy) {
    return Complain(*parsed, policy.error());
  }
  admin::v1::PushPolicyRequest request;
  request.set_text(std::move(*text));
  request.set_file_name(file);
  request.set_comment(parsed->Get("--comment"));
  request.set_scope(scope);
  AdminClient client(parsed->socket);
  const auto pushed = client.Call<admin::v1::PushPolicyResponse>(request);
  if (!pushed) {
    return Complain(*parsed, pushed.error());
  }
  if (parsed->json) {
    std::printf("%s\n", ToJson(*pushed).c_str());
  } else {
    std::printf("version %lld, %d connected agents told\n",
                static_cast<long long>(pushed->version()),
                pushed->agent_count());
    if (!pushed->ring().empty()) {
      std::printf(
          "staged: only ring '%s' is given it yet; see sekisho policy "
          "rollout\n",
          EscapeUntrusted(pushed->ring()).c_str());
    }
  }
  return kDone;
}

int RunPolicyHistory(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, kHistoryOptions);
  if (!parsed || parsed->words.size() > 1) {
    return WrongUse(kHistoryUsage, parsed ? "" : parsed.error().message);
  }
  AdminClient client(parsed->socket);
  if (parsed->words.size() == 1) {
    const auto version = ParseNumber(parsed->words[0]);
    return version ? PrintText(client, *parsed, *version)
                   : WrongUse(kHistoryUsage, version.error().message);
  }
  int64_t limit = kDefaultLimit;
  if (const std::string text = parsed->Get("--limit"); !text.empty()) {
    const auto number = ParseNumber(text);
    if (!number) {
      return WrongUse(kHistoryUsage, number.error().message);
    }
    limit = *number;
  }
  std::string json;
  Table table({"VERSION", "PUSHED", "BY", "COMMENT"});
  const Status listed = ForEachRow<admin::v1::ListPolicyVersionsResponse>(
      client, admin::v1::ListPolicyVersionsRequest(), static_cast<int>(limit),
      [&](const admin::v1::ListPolicyVersionsResponse& page) {
        for (const admin::v1::PolicyVersion& version : page.versions()) {
          json += (json.empty() ? "" : ",\n") + ToJson(version);
          table.Add({std::to_string(version.version()),
                     ShortTime(version, "push_time"), version.author(),
                     version.comment()});
        }
        return page.versions_size();
      });
  if (!listed) {
    return Complain(*parsed, listed.error());
  }
  std::fputs(
      parsed->json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
      stdout);
  return kDone;
}

int RunPolicyRollback(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, {});
  if (!parsed || parsed->words.size() != 1) {
    return WrongUse(kRollbackUsage, parsed ? "" : parsed.error().message);
  }
  const auto version = ParseNumber(parsed->words[0]);
  if (!version) {
    return WrongUse(kRollbackUsage, version.error().message);
  }
  AdminClient client(parsed->socket);
  admin::v1::RollbackPolicyRequest request;
  request.set_version(*version);
  const auto pushed = client.Call<admin::v1::RollbackPolicyResponse>(request);
  if (!pushed) {
    return Complain(*parsed, pushed.error());
  }
  if (parsed->json) {
    std::printf("%s\n", ToJson(*pushed).c_str());
  } else {
    std::printf("version %lld has the text of version %lld\n",
                static_cast<long long>(pushed->version()),
                static_cast<long long>(*version));
  }
  return kDone;
}

}  // namespace sekisho::cli
