#include "cli/samples_command.h"

#include <fcntl.h>
#include <sodium.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/admin_client.h"
#include "cli/hidden_line.h"
#include "cli/table.h"
#include "common/file.h"
#include "common/text.h"
#include "policy/samples_key.h"
#include "seal/seal.h"

namespace sekisho::cli {
namespace {

using nlohmann::json;

constexpr std::string_view kKeyUsage =
    "usage: sekisho samples key --out FILE [--passphrase-file FILE] [--json]\n"
    "  Makes the analysts' key. The file stays with them, not on the server;\n"
    "  what is printed goes into the policy.\n";
constexpr std::string_view kOpenUsage =
    "usage: sekisho samples open (EVENT | --sealed FILE) --key FILE\n"
    "               [--passphrase-file FILE] [--json]\n"
    "  EVENT: row of the event, of the server on this machine\n"
    "  --sealed: what the console's alert page handed out; needs no server\n";
constexpr std::string_view kKeyOptions[] = {"--out", "--passphrase-file"};
constexpr std::string_view kOpenOptions[] = {"--sealed", "--key",
                                             "--passphrase-file"};
constexpr size_t kMinPassphraseBytes = 12;
constexpr size_t kMaxPassphraseBytes = 1024;
constexpr size_t kMaxFileBytes = size_t{64} * 1024;

// Wiped when it goes.
class Passphrase {
 public:
  explicit Passphrase(std::string text) : text_(std::move(text)) {}
  Passphrase(Passphrase&& other) noexcept : text_(std::move(other.text_)) {}
  Passphrase& operator=(Passphrase&&) = delete;
  ~Passphrase() { sodium_memzero(text_.data(), text_.size()); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

enum class Ask { kOnce, kTwice };

Result<Passphrase> PassphraseOf(const AdminArgs& args, Ask ask) {
  const std::string path = args.Get("--passphrase-file");
  if (!path.empty()) {
    ASSIGN_OR_RETURN(std::string text,
                     ReadFileAt(AT_FDCWD, path, kMaxPassphraseBytes));
    return Passphrase(text.substr(0, text.find('\n')));
  }
  ASSIGN_OR_RETURN(std::string text, ReadHidden("Passphrase: "));
  Passphrase first(std::move(text));
  if (ask == Ask::kTwice) {
    ASSIGN_OR_RETURN(std::string again, ReadHidden("The same again: "));
    const Passphrase second(std::move(again));
    if (second.text() != first.text()) {
      return Fail(Code::kInvalidArgument, "the passphrases differ");
    }
  }
  return first;
}

Status MakeKey(const AdminArgs& args) {
  ASSIGN_OR_RETURN(const Passphrase passphrase,
                   PassphraseOf(args, Ask::kTwice));
  if (passphrase.text().size() < kMinPassphraseBytes) {
    return Fail(Code::kInvalidArgument,
                "a passphrase has at least " +
                    std::to_string(kMinPassphraseBytes) + " characters");
  }
  ASSIGN_OR_RETURN(const auto key, seal::PrivateKey::Generate());
  ASSIGN_OR_RETURN(const std::string text, key.ToText(passphrase.text()));
  const std::string path = args.Get("--out");
  // Never over another key: what was sealed to that one would be lost.
  ASSIGN_OR_RETURN(const UniqueFd file,
                   OpenAt(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  RETURN_IF_ERROR(WriteAll(file.get(), AsBytes(text)));
  if (::fsync(file.get()) != 0) {
    return FailErrno(path);
  }
  const std::string line = policy::PrintSamplesKey(key.public_key());
  const std::string id = ToHex(seal::IdOf(key.public_key()));
  if (args.json) {
    std::printf("{\"file\":%s,\"id\":\"%s\",\"key\":\"%s\"}\n",
                JsonQuote(path).c_str(), id.c_str(), line.c_str());
  } else {
    std::printf("samples:\n  key: %s\n", line.c_str());
    std::fprintf(stderr, "sekisho: the private key %s is in %s\n", id.c_str(),
                 EscapeUntrusted(path).c_str());
  }
  return {};
}

Result<std::string> SealedOf(const AdminArgs& args) {
  const std::string path = args.Get("--sealed");
  if (!path.empty()) {
    return ReadFileAt(AT_FDCWD, path, kMaxFileBytes);
  }
  ASSIGN_OR_RETURN(const int64_t row, ParseNumber(args.words[0]));
  AdminClient client(args.socket);
  admin::v1::GetSamplesRequest request;
  request.set_row_id(row);
  ASSIGN_OR_RETURN(const auto answer,
                   client.Call<admin::v1::GetSamplesResponse>(request));
  return answer.sealed();
}

// What the worker wrote; the key vouches for nothing, since all the world can
// seal to it.
std::string Print(const json& samples) {
  const auto text = [](const json& of, const char* member) {
    const auto found = of.find(member);
    return found != of.end() && found->is_string() ? found->get<std::string>()
                                                   : std::string();
  };
  std::vector<std::string> head;
  for (const json& column : samples.value("columns", json::array())) {
    const std::string type = text(column, "type");
    head.push_back(text(column, "name") +
                   (type.empty() ? "" : " (" + type + ")"));
  }
  Table table(head);
  for (const json& row : samples.value("rows", json::array())) {
    std::vector<std::string> cells;
    for (const json& cell : row) {
      cells.push_back(cell.is_string() ? cell.get<std::string>() : "");
    }
    cells.resize(head.size());
    table.Add(std::move(cells));
  }
  const std::string part = text(samples, "part");
  return (part.empty() ? "" : EscapeUntrusted(part) + "\n") + table.Print();
}

Status OpenSamples(const AdminArgs& args) {
  ASSIGN_OR_RETURN(const std::string sealed, SealedOf(args));
  if (const auto id = seal::SealedFor(AsBytes(sealed)); !id) {
    return std::unexpected(id.error());
  }
  ASSIGN_OR_RETURN(const std::string file,
                   ReadFileAt(AT_FDCWD, args.Get("--key"), kMaxFileBytes));
  ASSIGN_OR_RETURN(const Passphrase passphrase, PassphraseOf(args, Ask::kOnce));
  ASSIGN_OR_RETURN(const auto key,
                   seal::PrivateKey::FromText(file, passphrase.text()));
  ASSIGN_OR_RETURN(const std::string text, key.Open(AsBytes(sealed)));
  const json samples = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!samples.is_object()) {
    return Fail(Code::kInvalidArgument, "what was sealed are no samples");
  }
  if (args.json) {
    std::printf("%s\n", samples.dump().c_str());
  } else {
    std::fputs(Print(samples).c_str(), stdout);
  }
  return {};
}

}  // namespace

int RunSamplesKey(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, kKeyOptions);
  if (!parsed || !parsed->words.empty() || parsed->Get("--out").empty()) {
    return WrongUse(kKeyUsage, parsed ? "" : parsed.error().message);
  }
  const Status done = MakeKey(*parsed);
  return done ? kDone : Complain(*parsed, done.error());
}

int RunSamplesOpen(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, kOpenOptions);
  const bool sane =
      parsed && !parsed->Get("--key").empty() &&
      parsed->words.size() == (parsed->Get("--sealed").empty() ? 1u : 0u);
  if (!sane) {
    return WrongUse(kOpenUsage, parsed ? "" : parsed.error().message);
  }
  const Status done = OpenSamples(*parsed);
  return done ? kDone : Complain(*parsed, done.error());
}

}  // namespace sekisho::cli
