#include "cli/data_set_make_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdio>
#include <cstring>

#include "cli/options.h"
#include "cli/people_list_reader.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/number.h"
#include "common/text.h"
#include "policy/data_sets.h"

namespace sekisho::cli {
namespace {

constexpr int kDone = 0;
constexpr int kRefused = 1;
constexpr int kWrongUse = 2;
constexpr int kCannotReach = 3;
constexpr std::string_view kKeyFile = "/var/lib/sekisho/core/sketch.key";
constexpr size_t kDefaultMib = 8;
constexpr std::string_view kUsage =
    "usage: sekisho data-set make LIST.csv --name NAME --owner OWNER [--out "
    "FILE]\n"
    "                             [--max-mib N] [--key FILE] [--json]\n"
    "  as root on an enrolled terminal, whose key it needs; LIST is a table "
    "in\n"
    "  text, a person a record, its first line names the columns. What comes "
    "out\n"
    "  tells nothing about a person without that key: sekisho data-set push "
    "FILE\n"
    "  --owner    label of the client, small letters: public:city-office\n"
    "  --out      NAME.dataset\n"
    "  --max-mib  of what each terminal gets, 1 to 16 (8); of a list that "
    "takes\n"
    "             more, every second person is known again, every fourth, ...\n"
    "  --key      /var/lib/sekisho/core/sketch.key\n";

int Wrong(const std::string& why) {
  fmt::print(stderr, "sekisho: {}\n{}", why, kUsage);
  return kWrongUse;
}

int Complain(int code, const std::string& what) {
  fmt::print(stderr, "sekisho: {}\n", what);
  return code;
}

Result<detect::SketchKey> ReadKey(const std::string& path) {
  const auto bytes = ReadFileAt(AT_FDCWD, path, 64);
  detect::SketchKey key;
  if (!bytes) {
    return Fail(bytes.error().code,
                fmt::format("the installation's key: {}: {}; run this as root "
                            "on an enrolled terminal",
                            path, bytes.error().message));
  }
  if (bytes->size() != key.size()) {
    return Fail(Code::kInvalidArgument, path + " is no key of 32 bytes");
  }
  std::memcpy(key.data(), bytes->data(), key.size());
  return key;
}

int64_t NowSeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

int RunDataSetMake(std::span<const std::string_view> args) {
  static constexpr std::string_view kValued[] = {"--name", "--owner", "--out",
                                                 "--max-mib", "--key"};
  static constexpr std::string_view kFlags[] = {"--json"};
  const auto options = ParseOptions(args, kValued, kFlags);
  if (!options) return Wrong(options.error().message);
  const std::string name = options->Get("--name");
  const std::string owner = options->Get("--owner");
  if (options->words.size() != 1) return Wrong("one list is needed");
  if (!policy::IsDataSetId(name)) {
    return Wrong("--name: small letters, digits and . _ -");
  }
  if (!policy::IsDataOwner(owner)) {
    return Wrong("--owner: small letters, digits and . _ - :");
  }
  const auto mib = options->Has("--max-mib")
                       ? NumberOf<size_t>(options->Get("--max-mib"))
                       : kDefaultMib;
  if (!mib || *mib < 1 || *mib > policy::kMaxDataSetBytes >> 20) {
    return Wrong("--max-mib: 1 to 16");
  }
  const auto key = ReadKey(options->Has("--key") ? options->Get("--key")
                                                 : std::string(kKeyFile));
  if (!key) return Complain(kCannotReach, key.error().message);
  const std::string& list = options->words[0];
  auto people = ReadPeopleList(list, *key);
  if (!people) {
    return Complain(
        people.error().code == Code::kInvalidArgument ? kRefused : kCannotReach,
        list + ": " + people.error().message);
  }
  const auto set = policy::DataSet::Make({.id = name,
                                          .owner = owner,
                                          .key_id = policy::SketchKeyId(*key),
                                          .persons = people->persons,
                                          .made_seconds = NowSeconds(),
                                          .kinds = people->kinds},
                                         std::move(people->hashes), *mib << 20);
  if (!set) return Complain(kRefused, list + ": " + set.error().message);
  const std::string out =
      options->Has("--out") ? options->Get("--out") : name + ".dataset";
  const std::string bytes = set->Print();
  if (const Status written = ReplaceFile(out, bytes, 0600); !written) {
    return Complain(kCannotReach, written.error().message);
  }
  if (options->Has("--json")) {
    fmt::print(
        R"({{"file":"{}","name":"{}","owner":"{}","persons":{},"kinds":[{}],)"
        R"("one_in":{},"bytes":{}}})"
        "\n",
        EscapeUntrusted(out), name, owner, people->persons,
        people->kinds.empty()
            ? ""
            : fmt::format("\"{}\"", fmt::join(people->kinds, "\",\"")),
        set->one_in(), bytes.size());
    return kDone;
  }
  fmt::print("{}: {} people of {}, known by {}; {} bytes\n", out,
             people->persons, owner,
             people->kinds.empty()
                 ? "mixed columns"
                 : fmt::format("{}", fmt::join(people->kinds, ", ")),
             bytes.size());
  if (set->one_in() > 1) {
    fmt::print(
        "one person in {} is known again: a copy of few people may not "
        "be; --max-mib takes more\n",
        set->one_in());
  }
  if (people->records > 2 * people->persons + 2) {
    fmt::print("{} lines were read: look whether people are missing\n",
               people->records);
  }
  fmt::print("next, at the server: sekisho data-set push {}\n", out);
  return kDone;
}

}  // namespace sekisho::cli
