#include "server/operate_commands.h"

#include <signal.h>

#include <charconv>
#include <cstdio>
#include <thread>

#include "server/export/sink.h"
#include "server/oidc/provider.h"
#include "server/operate/backup.h"
#include "server/operate/doctor.h"
#include "server/operate/state_lock.h"
#include "server/server.h"
#include "server/store/move_to_postgres.h"

namespace sekisho {
namespace {

int Failed(const char* word, const Error& error) {
  std::fprintf(stderr, "sekisho-server %s: %s\n", word, error.message.c_str());
  return 1;
}

Status TrySink(const server_export::SinkConfig& sink, const Clock& clock) {
  const server_export::Record test[] = {
      server_export::TestRecord(sink.name, clock.Now())};
  const auto receiver = server_export::MakeSink(sink);
  RETURN_IF_ERROR(receiver->Deliver(test, clock.Now()));
  std::this_thread::sleep_for(receiver->settle_time());
  return receiver->StillThere();
}

// A line for each sink; 1 if one did not take it.
int CheckSinks(const Config& config, const Clock& clock) {
  const auto sinks = server_export::ReadSinks(config.Get("sinks"), true);
  if (!sinks) {
    std::fprintf(stderr, "%s\n", sinks.error().message.c_str());
    return 2;
  }
  int failed = 0;
  for (const auto& sink : sinks->sinks) {
    const Status sent = TrySink(sink, clock);
    std::printf("%s  %s%s%s\n", sent ? "ok  " : "FAIL", sink.name.c_str(),
                sent ? "" : ": ", sent ? "" : sent.error().message.c_str());
    failed += sent ? 0 : 1;
  }
  std::printf("%zu sinks, %d failed\n", sinks->sinks.size(), failed);
  return failed > 0 ? 1 : 0;
}

int Doctor(const Config& config, const Clock& clock) {
  operate::DoctorOptions options;
  options.state_dir = config.Get("state");
  options.database = config.Get("database");
  options.server_user = config.Get("server_user");
  options.enrol_user = config.Get("enrol_user");
  options.agents_listen = config.Get("agents_listen");
  options.enrol_listen = config.Get("enrol_listen");
  options.metrics_listen = config.Get("metrics_listen");
  options.console_address = config.Get("console_address");
  const std::string& port = config.Get("console_port");
  std::from_chars(port.data(), port.data() + port.size(), options.console_port);
  options.check_sinks = [&]() -> Result<std::vector<std::string>> {
    ASSIGN_OR_RETURN(const auto sinks,
                     server_export::ReadSinks(config.Get("sinks"), false));
    std::vector<std::string> failed;
    for (const auto& sink : sinks.sinks) {
      if (auto sent = TrySink(sink, clock); !sent) {
        failed.push_back(sink.name + ": " + sent.error().message);
      }
    }
    return failed;
  };
  const auto duties = core::ReadDuties(config.file);
  if (!duties) return Failed("doctor", duties.error());
  options.retention = duties->retention;
  options.check_provider = [&]() -> Result<std::string> {
    ASSIGN_OR_RETURN(auto settings, oidc::ReadSettings(config.file));
    if (!settings) return std::string();
    auto fetcher = std::make_unique<oidc::CurlFetcher>(settings->ca_file);
    return oidc::Provider(std::move(*settings), std::move(fetcher), clock)
        .Check();
  };
  const auto findings = operate::Examine(options, clock);
  const std::string text = config.flags.contains("json")
                               ? operate::FindingsJson(findings)
                               : operate::PrintFindings(findings);
  std::fputs(text.c_str(), stdout);
  return operate::ExitCode(findings);
}

void PrintManifestFor(const char* verb, const std::string& dir,
                      const operate::Manifest& manifest) {
  std::printf("%s %s: %zu files of %s, %lld events, root %s\n", verb,
              dir.c_str(), manifest.files.size(),
              FormatUtc(manifest.time).c_str(),
              static_cast<long long>(manifest.log.size),
              ToHex(manifest.log.root).c_str());
}

// A copy of the state folder would be without what counts.
constexpr const char* kOnPostgres =
    "the events are in PostgreSQL (database: in the settings), which is backed "
    "up and restored by its own means: pg_basebackup with WAL archiving, or "
    "pg_dump --format=custom. Keep a copy of state/server and state/ca with "
    "it, for the keys. See docs/operations.md, \"PostgreSQL and several "
    "servers\"";

int Backup(const Config& config, const std::string& dir, const Clock& clock) {
  if (!config.Get("database").empty()) {
    return Failed("backup", {Code::kFailedPrecondition, kOnPostgres});
  }
  const auto keys = config.flags.contains("with_keys")
                        ? operate::Keys::kIncluded
                        : operate::Keys::kLeftOut;
  const auto done = operate::MakeBackup(
      {config.Get("state"), config.file, config.Get("sinks")}, dir, keys,
      clock);
  if (!done) return Failed("backup", done.error());
  PrintManifestFor("backup", dir, *done);
  if (keys == operate::Keys::kLeftOut) {
    std::printf(
        "No private keys are in it: without them a restored server is "
        "another one to its terminals. Keep them apart, by --with-keys.\n");
  } else {
    std::printf(
        "Private keys are in it, those of the certificate authority, too: "
        "keep it where you keep such things.\n");
  }
  return 0;
}

int VerifyBackup(const std::string& dir) {
  const auto done = operate::VerifyBackup(dir);
  if (!done) return Failed("verify-backup", done.error());
  PrintManifestFor("whole", dir, *done);
  std::printf("%s private keys.\n",
              done->keys == operate::Keys::kIncluded ? "With" : "Without");
  return 0;
}

int Restore(const Config& config, const std::string& dir, const Clock& clock) {
  if (!config.Get("database").empty()) {
    return Failed("restore", {Code::kFailedPrecondition, kOnPostgres});
  }
  const std::string& state = config.Get("state");
  const auto done = operate::RestoreBackup(dir, state, clock);
  if (!done) return Failed("restore", done.error());
  if (auto given = GiveState(
          {state, {}, config.Get("server_user"), config.Get("enrol_user")});
      !given) {
    return Failed("restore", given.error());
  }
  PrintManifestFor("restored", dir, *done);
  const auto missing = operate::MissingKeys(state);
  for (const std::string& key : missing) {
    std::printf("Put %s/%s back before the server is started.\n", state.c_str(),
                key.c_str());
  }
  std::printf(
      "Settings are in %s/config; they were not put back.\n"
      "What was acknowledged after the backup is not in it. An alert says so, "
      "and another for each terminal that knows of more: see "
      "docs/operations.md.\n",
      dir.c_str());
  return 0;
}

int MoveToPostgres(const Config& config) {
  constexpr const char* kWord = "migrate sqlite-to-postgres";
  if (config.Get("database").empty()) {
    return Failed(kWord, {Code::kInvalidArgument,
                          "where to? Set database: in the settings, or give "
                          "--database"});
  }
  const std::string& state = config.Get("state");
  const auto lock = operate::StateLock::Take(state);
  if (!lock) return Failed(kWord, lock.error());
  const auto moved = store::MoveToPostgres(state + "/server/sekisho.db",
                                           config.Get("database"));
  if (!moved) return Failed(kWord, moved.error());
  std::printf(
      "moved: %lld rows of %lld tables, %lld events, root %s\n"
      "Start the server with database: in its settings. The file "
      "%s/server/sekisho.db is not used any more; keep it until the new "
      "database is backed up.\n",
      static_cast<long long>(moved->rows),
      static_cast<long long>(moved->tables),
      static_cast<long long>(moved->log.size), ToHex(moved->log.root).c_str(),
      state.c_str());
  return 0;
}

}  // namespace

std::optional<int> RunOperateCommand(const Config& config, const Clock& clock) {
  const auto& words = config.words;
  signal(SIGPIPE, SIG_IGN);
  if (words.size() == 1 && words[0] == "check-sinks") {
    return CheckSinks(config, clock);
  }
  if (words.size() == 1 && words[0] == "doctor") {
    return Doctor(config, clock);
  }
  if (words.size() != 2) return std::nullopt;
  if (words[0] == "migrate" && words[1] == "sqlite-to-postgres") {
    return MoveToPostgres(config);
  }
  if (words[0] == "backup") return Backup(config, words[1], clock);
  if (words[0] == "verify-backup") return VerifyBackup(words[1]);
  if (words[0] == "restore") return Restore(config, words[1], clock);
  return std::nullopt;
}

}  // namespace sekisho
