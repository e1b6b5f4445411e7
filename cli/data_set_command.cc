#include "cli/data_set_command.h"

#include <fcntl.h>

#include <cstdio>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "common/file.h"
#include "common/text.h"
#include "policy/data_sets.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho data-set list [--json]\n"
    "       sekisho data-set push FILE [--json]\n"
    "       sekisho data-set remove NAME --reason TEXT [--json]\n"
    "  a data set is what `sekisho data-set make` wrote on a terminal; push "
    "takes it\n"
    "  in the place of the one of its name and tells all terminals\n";

int List(AdminClient& client, const AdminArgs& args) {
  const auto listed = client.Call<admin::v1::ListDataSetsResponse>(
      admin::v1::ListDataSetsRequest());
  if (!listed) return Complain(args, listed.error());
  std::string json;
  Table table(
      {"NAME", "OWNER", "PEOPLE", "MADE", "KNOWN BY", "ONE IN", "BYTES"});
  for (const admin::v1::DataSetRow& row : listed->data_sets()) {
    json += (json.empty() ? "" : ",\n") + ToJson(row);
    std::string kinds;
    for (const std::string& kind : row.kinds()) {
      kinds += (kinds.empty() ? "" : ",") + kind;
    }
    table.Add({row.name(), row.owner(), std::to_string(row.person_count()),
               ShortTime(row, "make_time"), kinds.empty() ? "-" : kinds,
               std::to_string(row.one_in()), std::to_string(row.size_bytes())});
  }
  std::fputs(args.json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
             stdout);
  return kDone;
}

int Push(AdminClient& client, const AdminArgs& args) {
  const std::string& path = args.words[1];
  auto bytes = ReadFileAt(AT_FDCWD, path, policy::kMaxDataSetBytes);
  if (!bytes) return Complain(args, bytes.error());
  // Said here, where the file is: a list itself must not be sent anywhere.
  if (const auto set = policy::DataSet::Parse(*bytes); !set) {
    return Complain(args, {set.error().code, path + ": " + set.error().message +
                                                 "; `sekisho data-set make` "
                                                 "makes one of a list"});
  }
  admin::v1::PutDataSetRequest request;
  request.set_data_set(*std::move(bytes));
  const auto put = client.Call<admin::v1::PutDataSetResponse>(request);
  if (!put) return Complain(args, put.error());
  const admin::v1::DataSetRow& row = put->data_set();
  std::printf("%s\n",
              args.json
                  ? ToJson(row).c_str()
                  : (row.name() + ": " + std::to_string(row.person_count()) +
                     " people of " + row.owner() + " go to the terminals")
                        .c_str());
  return kDone;
}

int Remove(AdminClient& client, const AdminArgs& args) {
  admin::v1::RemoveDataSetRequest request;
  request.set_name(args.words[1]);
  request.set_reason(args.Get("--reason"));
  const auto done = client.Call<admin::v1::RemoveDataSetResponse>(request);
  if (!done) return Complain(args, done.error());
  std::printf(
      "%s\n",
      args.json
          ? "{}"
          : EscapeUntrusted(args.words[1] + " is not known any more").c_str());
  return kDone;
}

}  // namespace

int RunDataSetCommand(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--reason"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kUsage, parsed.error().message);
  const auto& words = parsed->words;
  const std::string verb = words.empty() ? "" : words[0];
  AdminClient client(parsed->socket);
  if (verb == "list" && words.size() == 1) return List(client, *parsed);
  if (words.size() != 2) return WrongUse(kUsage);
  if (verb == "push") return Push(client, *parsed);
  if (verb == "remove" && !parsed->Get("--reason").empty()) {
    return Remove(client, *parsed);
  }
  return WrongUse(kUsage);
}

}  // namespace sekisho::cli
