#include "server/core/enrolment.h"

#include <algorithm>

#include "common/text.h"
#include "server/core/audit.h"

namespace sekisho::core {
namespace {

constexpr size_t kMaxNameBytes = 253;

Status CheckName(std::string_view what, const std::string& name) {
  const bool good = !name.empty() && name.size() <= kMaxNameBytes &&
                    std::ranges::all_of(name, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                             c == '_';
                    });
  if (!good) {
    return Fail(Code::kInvalidArgument,
                std::string(what) + " is 1-253 of letters, digits and - . _");
  }
  return {};
}

Error Public(Error error) {
  // A peer that guesses learns nothing but "no"; the reasons that help an
  // honest one stay.
  if (error.code == Code::kNotFound) {
    return {Code::kUnauthenticated,
            "the token is wrong; ask for one: sekisho agent token"};
  }
  if (error.code == Code::kAlreadyExists) {
    return {Code::kUnauthenticated,
            "the token was used before; a token enrols one terminal, ask for "
            "a new one: sekisho agent token"};
  }
  if (error.code == Code::kDeadlineExceeded) {
    return {Code::kDeadlineExceeded,
            "the token has expired; ask for a new one: sekisho agent token"};
  }
  return error;
}

}  // namespace

Result<Granted> Enrolment::Grant(const Application& application) {
  Granted granted;
  granted.agent_id = FormatUuid(NewUuid7(clock_.Now()));
  granted.root_file = publisher_.RootFile();
  const Deed deed{.user = granted.agent_id,
                  .door = "enrol",
                  .address = application.address,
                  .action = "agent.enrol",
                  .object = "host " + application.hostname,
                  .detail = "machine " + application.machine_id};
  const store::SecretHash hash = event::Sha256(AsBytes(application.token));
  Result<store::StoredToken> token = [&]() -> Result<store::StoredToken> {
    RETURN_IF_ERROR(CheckName("a host name", application.hostname));
    if (application.machine_id.size() > 64 ||
        application.agent_version.size() > 64) {
      return Fail(Code::kInvalidArgument,
                  "machine id or version is over 64 bytes");
    }
    return store_.UseToken(hash, application.hostname, granted.agent_id,
                           clock_.Now());
  }();
  if (!token) {
    const Error& error = token.error();
    (void)WriteAudit(store_, clock_, deed, std::unexpected(error));
    if (error.code == Code::kAlreadyExists) {
      Alarm("token_reused", hash, application,
            "An enrolment token was used a second time, by host " +
                EscapeUntrusted(application.hostname, 64));
    } else if (error.code == Code::kPermissionDenied) {
      Alarm("token_wrong_host", hash, application,
            "An enrolment token was tried by host " +
                EscapeUntrusted(application.hostname, 64) +
                ", which it is not for");
    }
    return std::unexpected(Public(error));
  }
  granted.terminal =
      token->terminal.empty() ? application.hostname : token->terminal;
  const Status added =
      store_.AddAgent({granted.agent_id, granted.terminal, application.hostname,
                       application.machine_id, application.agent_version,
                       application.chain_key, clock_.Now()});
  (void)WriteAudit(store_, clock_, deed, added);
  RETURN_IF_ERROR(added);
  changes_.Tell({Change::What::kAgent, 0, granted.agent_id});
  return granted;
}

Status Enrolment::Certified(const std::string& agent_id,
                            const std::string& serial, WallTime not_after) {
  return store_.AddCertificate(agent_id, serial, not_after, clock_.Now());
}

void Enrolment::Refused(const std::string& hostname, const std::string& address,
                        const std::string& reason) {
  (void)WriteAudit(store_, clock_,
                   {.user = "",
                    .door = "enrol",
                    .address = address,
                    .action = "agent.enrol",
                    .object = "host " + hostname,
                    .detail = ""},
                   Fail(Code::kInvalidArgument, reason));
}

void Enrolment::Alarm(const std::string& kind, const store::SecretHash& token,
                      const Application& application,
                      const std::string& title) {
  store::NewAlert alert;
  alert.key = kind + ":" + ToHex(token) + ":" +
              EscapeUntrusted(application.hostname, 253);
  alert.alert.kind = kind;
  alert.alert.severity = "high";
  alert.alert.title = title;
  alert.alert.terminal = EscapeUntrusted(application.hostname, 253);
  alert.alert.create_time = clock_.Now();
  const auto id = store_.AddAlert(alert);
  if (id && *id) {
    changes_.Tell({Change::What::kAlert, **id, ""});
  }
}

}  // namespace sekisho::core
