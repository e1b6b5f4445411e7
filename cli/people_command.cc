#include "cli/people_command.h"

#include <fcntl.h>

#include <cstdio>
#include <vector>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using admin::v1::ImportPeopleResponse;
using admin::v1::PersonRow;

constexpr size_t kMaxFileBytes = size_t{16} << 20;
constexpr int kMaxListed = 20'000;
constexpr std::string_view kUsage =
    "usage: sekisho people list [TEXT] [--json]\n"
    "       sekisho people show ID [--json]\n"
    "       sekisho people import FILE [--ldif] [--zone ZONE] [--accounts "
    "A;B]\n"
    "                             [--dry-run] [--json]\n"
    "       sekisho people pin ID [--json]\n"
    "       sekisho people totp ID [--json]\n"
    "       sekisho people remove ID --reason TEXT [--json]\n"
    "  import replaces the register: a CSV file in UTF-8 whose first line "
    "names "
    "the\n"
    "  columns id, name, employer, manager, contract_end, accounts; or, with "
    "--ldif,\n"
    "  what ldapsearch prints. One error, and nothing is taken.\n"
    "  --zone      whose days the dates are (UTC)\n"
    "  --accounts  of those for whom the file names none: logins, or *\n"
    "  pin and totp print what proves who he is once; the one before is none "
    "any more\n";

std::string OrDash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string StateOf(const PersonRow& person) {
  if (person.has_remove_time()) {
    return "removed " + ShortTime(person, "remove_time");
  }
  std::string proofs;
  if (person.has_pin()) proofs = "pin";
  if (person.has_totp()) proofs += proofs.empty() ? "totp" : ",totp";
  return OrDash(proofs);
}

int List(AdminClient& client, const AdminArgs& args) {
  admin::v1::ListPeopleRequest request;
  if (args.words.size() > 1) request.set_text(args.words[1]);
  std::string json;
  Table table({"ID", "NAME", "EMPLOYER", "MANAGER", "CONTRACT END", "ACCOUNTS",
               "PROOF"});
  const auto row = [&](const admin::v1::ListPeopleResponse& page) {
    for (const PersonRow& person : page.people()) {
      json += (json.empty() ? "" : ",\n") + ToJson(person);
      table.Add({person.id(), OrDash(person.name()), OrDash(person.employer()),
                 OrDash(person.manager()),
                 person.has_contract_end_time()
                     ? ShortTime(person, "contract_end_time")
                     : "-",
                 OrDash(person.accounts()), StateOf(person)});
    }
    return page.people_size();
  };
  const Status listed = ForEachRow<admin::v1::ListPeopleResponse>(
      client, request, kMaxListed, row);
  if (!listed) return Complain(args, listed.error());
  std::fputs(args.json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
             stdout);
  return kDone;
}

int Show(AdminClient& client, const AdminArgs& args) {
  admin::v1::ListPeopleRequest request;
  request.set_text(args.words[1]);
  std::optional<PersonRow> found;
  const Status listed = ForEachRow<admin::v1::ListPeopleResponse>(
      client, request, kMaxListed,
      [&](const admin::v1::ListPeopleResponse& page) {
        for (const PersonRow& person : page.people()) {
          if (person.id() == args.words[1]) found = person;
        }
        return page.people_size();
      });
  if (!listed) return Complain(args, listed.error());
  if (!found) {
    return Complain(
        args,
        {Code::kNotFound, "there is nobody of this id in the people register"});
  }
  if (args.json) {
    std::printf("%s\n", ToJson(*found).c_str());
    return kDone;
  }
  const std::pair<const char*, std::string> lines[] = {
      {"Id", found->id()},
      {"Name", OrDash(found->name())},
      {"Employer", OrDash(found->employer())},
      {"Manager", OrDash(found->manager())},
      {"Contract end", found->has_contract_end_time()
                           ? ShortTime(*found, "contract_end_time")
                           : "-"},
      {"Accounts", OrDash(found->accounts())},
      {"Proof", StateOf(*found)}};
  for (const auto& [name, value] : lines) {
    std::printf("%-13s %s\n", name, EscapeUntrusted(value).c_str());
  }
  return kDone;
}

void PrintChanges(const ImportPeopleResponse& done) {
  for (const std::string& id : done.added()) std::printf("+ %s\n", id.c_str());
  for (const auto& change : done.changed()) {
    std::string fields;
    for (const std::string& field : change.fields()) {
      fields += (fields.empty() ? "" : ", ") + field;
    }
    std::printf("~ %s: %s\n", change.name().c_str(),
                EscapeUntrusted(fields).c_str());
  }
  for (const std::string& id : done.removed()) {
    std::printf("- %s\n", id.c_str());
  }
  std::printf("%d added, %d changed, %d removed, %lld as before%s\n",
              done.added_size(), done.changed_size(), done.removed_size(),
              static_cast<long long>(done.same_count()),
              done.done() ? "" : "; nothing was changed");
}

void PrintProblems(const std::string& path, const ImportPeopleResponse& done) {
  for (const auto& problem : done.problems()) {
    std::string place;
    if (problem.column_number() > 0) {
      place = ":" + std::to_string(problem.column_number());
    }
    if (!problem.field().empty()) place += " (" + problem.field() + ")";
    std::fprintf(stderr, "%s:%lld%s: %s\n    write: %s\n",
                 EscapeUntrusted(path).c_str(),
                 static_cast<long long>(problem.line()), place.c_str(),
                 EscapeUntrusted(problem.message()).c_str(),
                 EscapeUntrusted(problem.fix()).c_str());
  }
  std::fprintf(stderr, "%d problems; nothing was taken\n",
               done.problems_size());
}

struct ImportWish {
  bool dry_run = false;
  bool ldif = false;
};

int Import(AdminClient& client, const AdminArgs& args, ImportWish wish) {
  const std::string& path = args.words[1];
  const auto text = ReadFileAt(AT_FDCWD, path, kMaxFileBytes);
  if (!text) return Complain(args, text.error());
  admin::v1::ImportPeopleRequest request;
  request.set_text(*text);
  request.set_format(wish.ldif ? admin::v1::PEOPLE_FORMAT_LDIF
                               : admin::v1::PEOPLE_FORMAT_CSV);
  request.set_zone(args.Get("--zone"));
  request.set_accounts(args.Get("--accounts"));
  request.set_dry_run(wish.dry_run);
  const auto done = client.Call<ImportPeopleResponse>(request);
  if (!done) return Complain(args, done.error());
  if (args.json) {
    std::printf("%s\n", ToJson(*done).c_str());
  } else if (done->problems().empty()) {
    PrintChanges(*done);
  } else {
    PrintProblems(path, *done);
  }
  return done->problems().empty() ? kDone : kRefused;
}

int MakePin(AdminClient& client, const AdminArgs& args) {
  admin::v1::MakePinRequest request;
  request.set_person(args.words[1]);
  const auto made = client.Call<admin::v1::MakePinResponse>(request);
  if (!made) return Complain(args, made.error());
  std::printf("%s\n", args.json ? ToJson(*made).c_str() : made->pin().c_str());
  if (!args.json) {
    std::fprintf(stderr, "shown once; give it to him and to nobody else\n");
  }
  return kDone;
}

int MakeTotp(AdminClient& client, const AdminArgs& args) {
  admin::v1::MakePersonTotpRequest request;
  request.set_person(args.words[1]);
  const auto made = client.Call<admin::v1::MakePersonTotpResponse>(request);
  if (!made) return Complain(args, made.error());
  std::printf("%s\n", args.json ? ToJson(*made).c_str() : made->uri().c_str());
  if (!args.json) {
    std::fprintf(stderr,
                 "shown once; his authenticator app takes it as a QR code\n");
  }
  return kDone;
}

int Remove(AdminClient& client, const AdminArgs& args) {
  admin::v1::RemovePersonRequest request;
  request.set_person(args.words[1]);
  request.set_reason(args.Get("--reason"));
  const auto done = client.Call<admin::v1::RemovePersonResponse>(request);
  if (!done) return Complain(args, done.error());
  std::printf("%s\n", args.json
                          ? "{}"
                          : EscapeUntrusted(args.words[1] +
                                            " is not in the register any more")
                                .c_str());
  return kDone;
}

}  // namespace

int RunPeopleCommand(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--zone", "--accounts",
                                                  "--reason"};
  std::vector<std::string_view> rest;
  ImportWish wish;
  for (const std::string_view arg : args) {
    if (arg == "--dry-run") {
      wish.dry_run = true;
    } else if (arg == "--ldif") {
      wish.ldif = true;
    } else {
      rest.push_back(arg);
    }
  }
  const auto parsed = ParseAdminArgs(rest, kOptions);
  if (!parsed) return WrongUse(kUsage, parsed.error().message);
  const auto& words = parsed->words;
  const std::string verb = words.empty() ? "" : words[0];
  AdminClient client(parsed->socket);
  if (verb == "list" && words.size() <= 2) return List(client, *parsed);
  if (words.size() != 2) return WrongUse(kUsage);
  if (verb == "show") return Show(client, *parsed);
  if (verb == "import") return Import(client, *parsed, wish);
  if (verb == "pin") return MakePin(client, *parsed);
  if (verb == "totp") return MakeTotp(client, *parsed);
  if (verb == "remove" && !parsed->Get("--reason").empty()) {
    return Remove(client, *parsed);
  }
  return WrongUse(kUsage);
}

}  // namespace sekisho::cli
