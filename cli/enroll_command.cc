#include "cli/enroll_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "cli/control_client.h"
#include "cli/enrolment_call.h"
#include "cli/options.h"
#include "common/file.h"
#include "common/text.h"
#include "proto/certificate_request.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sudo sekisho enroll --server HOST:7444 --token TOKEN\n"
    "           [--ca FILE | --ca-fingerprint SHA256] [--agent-server "
    "HOST:7443]\n"
    "           [--again] [--json]\n"
    "  TOKEN as `sekisho agent token` gives it. If it does not carry the CA's\n"
    "  fingerprint, say whom to trust with --ca or --ca-fingerprint.\n"
    "  --agent-server  where events go; the port below the enrolment's "
    "unless given\n";
constexpr char kUplinkUser[] = "sekisho";
constexpr char kUplinkDir[] = "/var/lib/sekisho/uplink";
constexpr char kConfigPath[] = "/etc/sekisho/agent.yaml";
constexpr size_t kMaxPemBytes = size_t{64} * 1024;
constexpr size_t kMaxConfigBytes = size_t{64} * 1024;

struct Places {
  std::string prefix;  // "" but in tests
  std::string runtime;
};

int WrongUse(std::string_view why) {
  fmt::print(stderr, "sekisho enroll: {}\n{}", why, kUsage);
  return 2;
}

std::string HostName() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

// The uplink's directory belongs to the uplink's user: nothing there is
// followed or reused, and the file is whole before it has its name.
Status WriteOwned(int dir_fd, const std::string& name, std::string_view content,
                  const struct stat& owner) {
  const std::string temporary = name + ".new";
  if (::unlinkat(dir_fd, temporary.c_str(), 0) != 0 && errno != ENOENT) {
    return FailErrno("remove " + temporary);
  }
  ASSIGN_OR_RETURN(const UniqueFd fd,
                   OpenAt(dir_fd, temporary,
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  RETURN_IF_ERROR(WriteAll(fd.get(), AsBytes(content)));
  if (::fchown(fd.get(), owner.st_uid, owner.st_gid) != 0 ||
      ::fsync(fd.get()) != 0) {
    return FailErrno("write " + name);
  }
  if (::renameat(dir_fd, temporary.c_str(), dir_fd, name.c_str()) != 0 ||
      ::fsync(dir_fd) != 0) {
    return FailErrno("rename " + name);
  }
  return {};
}

Result<UniqueFd> OpenUplinkDir(const Places& places) {
  const std::string path = places.prefix + kUplinkDir;
  auto dir = OpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (dir || dir.error().code != Code::kNotFound) return dir;
  if (::mkdir(path.c_str(), 0700) != 0) return FailErrno("mkdir " + path);
  ASSIGN_OR_RETURN(UniqueFd made,
                   OpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
  const passwd* user = ::getpwnam(kUplinkUser);
  if (user != nullptr &&
      ::fchown(made.get(), user->pw_uid, user->pw_gid) != 0) {
    return FailErrno("chown " + path);
  }
  return made;
}

Status WriteIdentity(const Places& places, const std::string& key_pem,
                     const Enrolment& enrolment) {
  ASSIGN_OR_RETURN(const UniqueFd dir, OpenUplinkDir(places));
  struct stat owner{};
  if (::fstat(dir.get(), &owner) != 0) return FailErrno("stat");
  RETURN_IF_ERROR(WriteOwned(dir.get(), "agent.key", key_pem, owner));
  RETURN_IF_ERROR(WriteOwned(dir.get(), "ca.crt", enrolment.ca_pem, owner));
  // Last: with it the uplink's unit starts.
  return WriteOwned(dir.get(), "agent.crt", enrolment.certificate_pem, owner);
}

Status WriteConfig(const Places& places, const std::string& address,
                   const std::string& enrolment) {
  const std::string path = places.prefix + kConfigPath;
  auto text = ReadFileAt(AT_FDCWD, path, kMaxConfigBytes);
  if (!text && text.error().code != Code::kNotFound) {
    return std::unexpected(text.error());
  }
  const std::string with_server = WithServer(text ? *text : "", address);
  return ReplaceFile(path, WithSetting(with_server, "enrolment", enrolment),
                     0644);
}

// Without systemd there is nothing to restart; with it, a failure is told.
Status RestartUplink() {
  if (::access("/run/systemd/system", F_OK) != 0) return {};
  std::string program = "/usr/bin/systemctl";
  std::string verb = "restart";
  std::string unit = "sekisho-uplink.service";
  std::array<char*, 4> argv{program.data(), verb.data(), unit.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  pid_t child = 0;
  if (const int error = ::posix_spawn(&child, program.c_str(), nullptr, nullptr,
                                      argv.data(), environment.data());
      error != 0) {
    return FailErrno("systemctl", error);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) {
    return Fail(Code::kUnknown,
                "sekisho-uplink does not start: journalctl -u sekisho-uplink");
  }
  return {};
}

Result<std::string> TrustedCa(const Options& options, const Token& token) {
  if (options.Has("--ca")) {
    return ReadFileAt(AT_FDCWD, options.Get("--ca"), kMaxPemBytes);
  }
  Bytes fingerprint = token.fingerprint;
  if (options.Has("--ca-fingerprint")) {
    ASSIGN_OR_RETURN(fingerprint,
                     ParseFingerprint(options.Get("--ca-fingerprint")));
  }
  if (fingerprint.empty()) {
    return Fail(Code::kInvalidArgument,
                "the token does not say whom to trust: add --ca FILE or "
                "--ca-fingerprint SHA256");
  }
  return FetchTrusted(options.Get("--server"), fingerprint);
}

Result<Enrolment> EnrolHere(const Options& options, const Places& places,
                            const std::string& agent_address) {
  const Token token = ParseToken(options.Get("--token"));
  ASSIGN_OR_RETURN(auto core, ControlClient::Connect(places.runtime));
  ASSIGN_OR_RETURN(const auto identity,
                   core.Ask<ipc::IdentityAnswer>(ipc::IdentityRequest{}));
  if (!identity.agent_id.empty() && !options.Has("--again")) {
    return Fail(Code::kAlreadyExists,
                fmt::format("this terminal is enrolled already, as {}; --again "
                            "enrols it anew",
                            EscapeUntrusted(identity.agent_id)));
  }
  EnrolmentWish wish;
  wish.server = options.Get("--server");
  wish.token = token.secret;
  wish.hostname = HostName();
  wish.agent_version = SEKISHO_VERSION;
  wish.chain_public_key = identity.chain_public_key;
  ASSIGN_OR_RETURN(wish.ca_pem, TrustedCa(options, token));
  if (auto id = ReadFileAt(AT_FDCWD, "/etc/machine-id", 64)) {
    wish.machine_id = Trim(*id);
  }
  ASSIGN_OR_RETURN(const auto made, enrolment::NewKeyAndCsr(wish.hostname));
  wish.csr_pem = made.csr_pem;
  ASSIGN_OR_RETURN(const Enrolment enrolment, Enrol(wish));
  RETURN_IF_ERROR(WriteConfig(places, agent_address, wish.server));
  RETURN_IF_ERROR(WriteIdentity(places, made.key_pem, enrolment));
  ASSIGN_OR_RETURN(const auto reply, core.Ask<ipc::Reply>(ipc::EnrolmentDone{
                                         enrolment.agent_id, enrolment.terminal,
                                         enrolment.root_file, enrolment.epoch,
                                         enrolment.sketch_key}));
  if (!reply.ok) return Fail(Code::kFailedPrecondition, reply.message);
  if (places.prefix.empty()) RETURN_IF_ERROR(RestartUplink());
  return enrolment;
}

}  // namespace

std::string WithServer(std::string_view text, std::string_view address) {
  return WithSetting(text, "server", address);
}

std::string WithSetting(std::string_view text, std::string_view key,
                        std::string_view value) {
  const std::string line = fmt::format("{}: {}\n", key, value);
  std::string out;
  bool written = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    std::string_view old = text.substr(0, end);
    text.remove_prefix(end);
    if (old.starts_with(fmt::format("{}:", key))) {
      if (!std::exchange(written, true)) out += line;
      continue;
    }
    out += old;
    if (!old.ends_with('\n')) out += '\n';
  }
  return written ? out : out + line;
}

Result<std::string> AgentAddressOf(std::string_view enrol_address) {
  const size_t colon = enrol_address.rfind(':');
  int port = 0;
  if (colon != std::string_view::npos && colon != 0) {
    const char* const end = enrol_address.data() + enrol_address.size();
    const auto [stop, error] =
        std::from_chars(enrol_address.data() + colon + 1, end, port);
    if (error != std::errc() || stop != end) port = 0;
  }
  if (port <= 1 || port > 65'535) {
    return Fail(Code::kInvalidArgument, "--server is HOST:PORT (port 7444)");
  }
  return fmt::format("{}:{}", enrol_address.substr(0, colon), port - 1);
}

int RunEnroll(std::span<const std::string_view> args) {
  static constexpr std::string_view kValued[] = {
      "--server",       "--token",   "--ca",    "--ca-fingerprint",
      "--agent-server", "--runtime", "--prefix"};
  static constexpr std::string_view kFlags[] = {"--again", "--json", "--help"};
  const auto options = ParseOptions(args, kValued, kFlags);
  if (options && options->Has("--help")) {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (!options) return WrongUse(options.error().message);
  if (!options->words.empty()) return WrongUse("no words are expected");
  if (options->Get("--token").empty()) return WrongUse("--token is needed");
  const auto address = AgentAddressOf(options->Get("--server"));
  if (!address) return WrongUse(address.error().message);
  const Places places{options->Get("--prefix"), options->Get("--runtime")};
  if (places.prefix.empty() && ::geteuid() != 0) {
    fmt::print(stderr, "sekisho enroll: needs root: sudo sekisho enroll ...\n");
    return 1;
  }
  const std::string agent_address = options->Has("--agent-server")
                                        ? options->Get("--agent-server")
                                        : *address;
  const auto enrolment = EnrolHere(*options, places, agent_address);
  if (!enrolment) {
    fmt::print(stderr, "sekisho enroll: {}\n", enrolment.error().message);
    return enrolment.error().code == Code::kInvalidArgument
               ? 2
               : ExitCodeOf(enrolment.error());
  }
  if (options->Has("--json")) {
    fmt::print("{{\"agent_id\":{},\"terminal\":{},\"server\":{}}}\n",
               JsonQuote(enrolment->agent_id), JsonQuote(enrolment->terminal),
               JsonQuote(agent_address));
  } else {
    fmt::print("This terminal is enrolled as {} ({}). Events go to {}.\n",
               EscapeUntrusted(enrolment->terminal), enrolment->agent_id,
               agent_address);
  }
  return 0;
}

}  // namespace sekisho::cli
