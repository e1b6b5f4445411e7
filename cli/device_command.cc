#include "cli/device_command.h"

#include <cstdio>
#include <ctime>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using admin::v1::DeviceRecord;

constexpr std::string_view kUsage =
    "usage: sekisho device list [--limit N] [--json]\n"
    "       sekisho device show VID:PID:SERIAL [--json]\n"
    "       sekisho device approve VID:PID:SERIAL --access "
    "read_only|inspect|audit|full|block\n"
    "               [--terminal NAME] [--until TIME | --for 8h] [--owner WHO]\n"
    "               [--purpose TEXT] [--ticket TEXT]\n"
    "       sekisho device revoke VID:PID:SERIAL\n"
    "       sekisho device contents VID:PID:SERIAL [--json]\n"
    "       sekisho device confirm VID:PID:SERIAL [--note TEXT]\n"
    "       sekisho device lost VID:PID:SERIAL [--how lost|stolen] "
    "[--note TEXT]\n"
    "       sekisho device found VID:PID:SERIAL [--note TEXT]\n";
constexpr std::string_view kOptions[] = {
    "--limit", "--access",  "--terminal", "--until", "--for",
    "--owner", "--purpose", "--ticket",   "--how",   "--note"};
constexpr int kDefaultLimit = 1000;

std::string NameOf(const DeviceRecord& record) {
  const auto& device = record.device();
  return device.manufacturer() +
         (device.manufacturer().empty() || device.product().empty() ? ""
                                                                    : " ") +
         device.product();
}

int List(AdminClient& client, const AdminArgs& args) {
  int64_t limit = kDefaultLimit;
  if (const std::string text = args.Get("--limit"); !text.empty()) {
    const auto number = ParseNumber(text);
    if (!number) {
      return WrongUse(kUsage, number.error().message);
    }
    limit = *number;
  }
  std::string json;
  Table table({"DEVICE", "NAME", "APPROVED", "LAST ACCESS", "TERMINAL",
               "PERSON", "LAST SEEN", "EVENTS", ""});
  const Status listed = ForEachRow<admin::v1::ListDevicesResponse>(
      client, admin::v1::ListDevicesRequest(), static_cast<int>(limit),
      [&](const admin::v1::ListDevicesResponse& page) {
        for (const DeviceRecord& record : page.devices()) {
          json += (json.empty() ? "" : ",\n") + ToJson(record);
          table.Add({record.device_id(), NameOf(record),
                     record.approved_access(), record.last_access(),
                     record.last_terminal(), record.last_person(),
                     ShortTime(record, "last_seen_time"),
                     std::to_string(record.event_count()),
                     record.weak_identity() ? "weak serial" : " "});
        }
        return page.devices_size();
      });
  if (!listed) {
    return Complain(args, listed.error());
  }
  std::fputs(args.json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
             stdout);
  return kDone;
}

int Show(AdminClient& client, const AdminArgs& args) {
  admin::v1::ListDevicesRequest request;
  request.set_device_id(args.words[1]);
  const auto page = client.Call<admin::v1::ListDevicesResponse>(request);
  if (!page) {
    return Complain(args, page.error());
  }
  if (page->devices().empty()) {
    return Complain(args, {Code::kNotFound, "no device " + args.words[1]});
  }
  const DeviceRecord& record = page->devices(0);
  if (args.json) {
    std::printf("%s\n", ToJson(record).c_str());
    return kDone;
  }
  const auto& device = record.device();
  Table table({"DEVICE", record.device_id()});
  table.Add({"name", NameOf(record)});
  table.Add({"bus and port", device.bus() + " " + device.port()});
  table.Add({"medium", std::to_string(device.medium_size_bytes()) + " bytes, " +
                           device.filesystem() + " " + device.volume_label()});
  table.Add({"encryption", device.encryption()});
  table.Add({"approved", record.approved_access()});
  table.Add({"approved by", record.approved_by()});
  table.Add({"until", ShortTime(record, "expire_time")});
  table.Add({"owner", record.owner()});
  table.Add({"confirmed", record.has_confirm_time()
                              ? ShortTime(record, "confirm_time") + " by " +
                                    record.confirmed_by()
                              : ""});
  table.Add({"last access", record.last_access()});
  table.Add({"last terminal", record.last_terminal()});
  table.Add({"last person", record.last_person()});
  table.Add({"first seen", ShortTime(record, "first_seen_time")});
  table.Add({"last seen", ShortTime(record, "last_seen_time")});
  table.Add({"events", std::to_string(record.event_count())});
  table.Add({"weak serial", record.weak_identity() ? "yes" : "no"});
  std::fputs(table.Print().c_str(), stdout);
  return kDone;
}

// 0: no end.
Result<int64_t> EndOf(const AdminArgs& args) {
  const std::string until = args.Get("--until");
  const std::string span = args.Get("--for");
  if (!until.empty() && !span.empty()) {
    return Fail(Code::kInvalidArgument, "--until and --for exclude each other");
  }
  if (!until.empty()) {
    return ParseTime(until);
  }
  if (!span.empty()) {
    ASSIGN_OR_RETURN(const int64_t seconds, ParseSeconds(span));
    return seconds + static_cast<int64_t>(std::time(nullptr));
  }
  return 0;
}

int ShowVersion(const AdminArgs& args, int64_t version) {
  if (args.json) {
    std::printf("{\"device_id\":%s,\"version\":%lld}\n",
                JsonQuote(args.words[1]).c_str(),
                static_cast<long long>(version));
  } else {
    std::printf("pushed as version %lld of the device list\n",
                static_cast<long long>(version));
  }
  return kDone;
}

int Approve(AdminClient& client, const AdminArgs& args) {
  if (args.Get("--access").empty()) {
    return WrongUse(kUsage, "--access is needed");
  }
  const auto end = EndOf(args);
  if (!end) {
    return WrongUse(kUsage, end.error().message);
  }
  admin::v1::ApproveDeviceRequest request;
  request.set_device_id(args.words[1]);
  request.set_access(args.Get("--access"));
  request.set_terminal(args.Get("--terminal"));
  if (*end != 0) {
    request.mutable_expire_time()->set_seconds(*end);
  }
  request.set_owner(args.Get("--owner"));
  request.set_purpose(args.Get("--purpose"));
  request.set_ticket(args.Get("--ticket"));
  const auto done = client.Call<admin::v1::ApproveDeviceResponse>(request);
  return done ? ShowVersion(args, done->version())
              : Complain(args, done.error());
}

int Revoke(AdminClient& client, const AdminArgs& args) {
  admin::v1::RevokeDeviceRequest request;
  request.set_device_id(args.words[1]);
  const auto done = client.Call<admin::v1::RevokeDeviceResponse>(request);
  return done ? ShowVersion(args, done->version())
              : Complain(args, done.error());
}

// "address 12, person_name 40".
template <typename Data>
std::string DataText(const Data& data) {
  std::string text;
  for (const auto& count : data) {
    text += (text.empty() ? "" : ", ") + count.type() + " " +
            std::to_string(count.value_count());
  }
  return text;
}

std::string NoteOn(const admin::v1::ContentFile& file) {
  if (file.gone() == "removed") return "removed";
  if (file.gone() == "elsewhere") return "gone elsewhere";
  if (file.gone() == "erased") return "erased";
  if (file.from_elsewhere()) return "came from elsewhere";
  if (file.other_size()) return "changed elsewhere: other size";
  if (file.other_time()) return "other time than before";
  return " ";
}

void AddFile(const admin::v1::ContentFile& file, Table* table) {
  table->Add({file.path(),
              file.size_bytes() < 0 ? "?" : std::to_string(file.size_bytes()),
              file.from_elsewhere() ? "?" : std::to_string(file.person_count()),
              DataText(file.data()), file.data_owner(), file.person(),
              file.terminal(), ShortTime(file, "since_time"),
              file.gone().empty() ? "" : ShortTime(file, "gone_time"),
              NoteOn(file)});
}

void PrintMedium(const admin::v1::MediumContents& medium) {
  std::printf("%s %s (%s, %s)\n", medium.volume().c_str(),
              medium.label().c_str(), medium.filesystem().c_str(),
              medium.encryption().c_str());
  std::printf(
      "%lld files on it now, %lld of them with personal data of %lld people "
      "(added up over files)%s%s\n",
      static_cast<long long>(medium.file_count()),
      static_cast<long long>(medium.personal_count()),
      static_cast<long long>(medium.person_count()),
      medium.data().empty() ? "" : ": ", DataText(medium.data()).c_str());
  if (!medium.has_list_time()) {
    std::printf("never listed: only what was copied is known\n");
  } else {
    std::printf("listed %s on %s: %lld files%s\n",
                ShortTime(medium, "list_time").c_str(),
                medium.list_terminal().c_str(),
                static_cast<long long>(medium.list_count()),
                medium.list_complete() ? "" : ", not all of what is on it");
  }
  if (medium.behind()) {
    std::printf("changes were lost since: the next listing shows them\n");
  }
  if (medium.has_erase_time()) {
    std::printf("erased %s: %lld bytes overwritten and read back\n",
                ShortTime(medium, "erase_time").c_str(),
                static_cast<long long>(medium.erased_bytes()));
  }
  if (medium.cut()) std::printf("there is more than is shown\n");
  Table table({"FILE", "BYTES", "PEOPLE", "DATA", "DATA OWNER", "BY",
               "TERMINAL", "SINCE", "GONE", ""});
  for (const auto& file : medium.files()) AddFile(file, &table);
  for (const auto& file : medium.gone()) AddFile(file, &table);
  std::fputs(table.Print().c_str(), stdout);
}

int Contents(AdminClient& client, const AdminArgs& args) {
  admin::v1::GetDeviceContentsRequest request;
  request.set_device_id(args.words[1]);
  const auto contents =
      client.Call<admin::v1::GetDeviceContentsResponse>(request);
  if (!contents) return Complain(args, contents.error());
  if (args.json) {
    std::printf("%s\n", ToJson(*contents).c_str());
    return kDone;
  }
  if (contents->media().empty()) {
    std::printf("no medium of it was ever used\n");
  }
  for (const auto& medium : contents->media()) PrintMedium(medium);
  return kDone;
}

int Confirm(AdminClient& client, const AdminArgs& args) {
  admin::v1::ConfirmDeviceRequest request;
  request.set_device_id(args.words[1]);
  request.set_note(args.Get("--note"));
  const auto done = client.Call<admin::v1::ConfirmDeviceResponse>(request);
  if (!done) return Complain(args, done.error());
  std::printf("%s\n", args.json ? "{}" : "confirmed");
  return kDone;
}

int Lost(AdminClient& client, const AdminArgs& args) {
  admin::v1::ReportLostRequest request;
  request.set_device_id(args.words[1]);
  const std::string how = args.Get("--how");
  request.set_how(how.empty() ? "lost" : how);
  request.set_note(args.Get("--note"));
  const auto done = client.Call<admin::v1::ReportLostResponse>(request);
  if (!done) return Complain(args, done.error());
  ShowVersion(args, done->version());
  if (args.json) return kDone;
  // One may report what was never seen: then there is nothing to print.
  [[maybe_unused]] const int printed = Contents(client, args);
  return kDone;
}

int Found(AdminClient& client, const AdminArgs& args) {
  admin::v1::ReportFoundRequest request;
  request.set_device_id(args.words[1]);
  request.set_note(args.Get("--note"));
  const auto done = client.Call<admin::v1::ReportFoundResponse>(request);
  return done ? ShowVersion(args, done->version())
              : Complain(args, done.error());
}

}  // namespace

int RunDeviceCommand(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) {
    return WrongUse(kUsage, parsed.error().message);
  }
  const std::vector<std::string>& words = parsed->words;
  const std::string verb = words.empty() ? "" : words[0];
  AdminClient client(parsed->socket);
  if (verb == "list" && words.size() == 1) {
    return List(client, *parsed);
  }
  if (words.size() != 2) {
    return WrongUse(kUsage);
  }
  if (verb == "show") {
    return Show(client, *parsed);
  }
  if (verb == "approve") {
    return Approve(client, *parsed);
  }
  if (verb == "revoke") {
    return Revoke(client, *parsed);
  }
  if (verb == "confirm") {
    return Confirm(client, *parsed);
  }
  if (verb == "contents") {
    return Contents(client, *parsed);
  }
  if (verb == "lost") {
    return Lost(client, *parsed);
  }
  if (verb == "found") {
    return Found(client, *parsed);
  }
  return WrongUse(kUsage);
}

}  // namespace sekisho::cli
