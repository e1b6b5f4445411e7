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

Status Enrolment::Note(const Certified& made) {
  const store::NewCertificate& certificate = made.certificate;
  const Status added = store_.AddCertificate(certificate, clock_.Now());
  if (!made.replaces.empty()) {
    RETURN_IF_ERROR(
        WriteAudit(store_, clock_,
                   {.user = certificate.agent_id,
                    .door = "enrol",
                    .address = made.address,
                    .action = "agent.renew",
                    .object = "certificate " + made.replaces,
                    .detail = "next=" + certificate.serial +
                              " until=" + FormatUtc(certificate.not_after)},
                   added));
    changes_.Tell({Change::What::kAgent, 0, certificate.agent_id});
  }
  return added;
}

Status Enrolment::MayRenew(const RenewalWish& wish) {
  auto found = store_.FindRenewal(wish.agent_id, wish.serial, wish.key_hash,
                                  clock_.Now() - std::chrono::days(1));
  if (!found && found.error().code == Code::kNotFound) {
    found = Fail(Code::kUnauthenticated,
                 "this certificate is not one of the server's; enrol again");
  }
  const Status may =
      found ? CheckRenewal(wish, *found) : std::unexpected(found.error());
  // An approval that is waited for is written down once, when it is asked for.
  if (!may && may.error().code != Code::kFailedPrecondition) {
    (void)Written(wish, may);
  }
  return may;
}

Status Enrolment::CheckRenewal(const RenewalWish& wish,
                               const store::RenewalCase& found) {
  if (found.revoked) {
    return Fail(Code::kPermissionDenied,
                "agent " + found.terminal + " is revoked");
  }
  if (found.retired) {
    ReportRetiredCertificate(store_, clock_, changes_, wish.agent_id,
                             found.terminal, wish.serial);
    return Fail(Code::kUnauthenticated,
                "a newer certificate of this agent is in use; enrol again");
  }
  if (!found.key_is_new) {
    return Fail(Code::kAlreadyExists,
                "this key was certified before; a renewal needs a new one");
  }
  if (found.issued_count >= kMaxCertificatesADay) {
    return Fail(Code::kResourceExhausted,
                "this agent got too many certificates today");
  }
  const bool approved =
      found.approve_time &&
      clock_.Now() - *found.approve_time < kRenewalApprovalLife;
  return found.not_after > clock_.Now() || approved
             ? Status()
             : AwaitApproval(wish, found);
}

Status Enrolment::AwaitApproval(const RenewalWish& wish,
                                const store::RenewalCase& found) {
  // One alert a certificate, made first: who asks is seen, whatever fails then.
  store::NewAlert alert;
  alert.key = "renewal_asked:" + wish.agent_id + ":" + wish.serial;
  alert.alert.kind = "renewal_asked";
  alert.alert.severity = "medium";
  alert.alert.title =
      found.terminal +
      " was off past the end of its certificate and asks from " + wish.address +
      " to renew it";
  alert.alert.agent_id = wish.agent_id;
  alert.alert.terminal = found.terminal;
  alert.alert.create_time = clock_.Now();
  ASSIGN_OR_RETURN(const auto id, store_.AddAlert(alert));
  if (id) {
    changes_.Tell({Change::What::kAlert, *id, ""});
  }
  ASSIGN_OR_RETURN(const bool is_new,
                   store_.AskRenewal(wish.agent_id, wish.serial, clock_.Now()));
  const Status waits =
      Fail(Code::kFailedPrecondition,
           "the certificate of " + found.terminal + " expired on " +
               FormatUtc(found.not_after) +
               "; an admin approves its renewal: sekisho agent renew " +
               found.terminal);
  if (is_new) {
    RETURN_IF_ERROR(Written(wish, waits));
    changes_.Tell({Change::What::kAgent, 0, wish.agent_id});
  }
  return waits;
}

Status Enrolment::Written(const RenewalWish& wish, const Status& result) {
  return WriteAudit(store_, clock_,
                    {.user = wish.agent_id,
                     .door = "enrol",
                     .address = wish.address,
                     .action = "agent.renew",
                     .object = "certificate " + wish.serial,
                     .detail = ""},
                    result);
}

void ReportRetiredCertificate(store::Store& store, const Clock& clock,
                              Changes& changes, const std::string& agent_id,
                              const std::string& terminal,
                              const std::string& serial) {
  store::NewAlert alert;
  alert.key = "certificate_copied:" + agent_id + ":" + serial;
  alert.alert.kind = "certificate_copied";
  alert.alert.severity = "critical";
  alert.alert.title = "An older certificate of " + terminal +
                      " was used after its newest one: the terminal was "
                      "restored from an image, or its key was copied";
  alert.alert.agent_id = agent_id;
  alert.alert.terminal = terminal;
  alert.alert.create_time = clock.Now();
  const auto id = store.AddAlert(alert);
  if (id && *id) {
    changes.Tell({Change::What::kAlert, **id, ""});
  }
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
