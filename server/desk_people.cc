#include "common/text.h"
#include "server/joined_desk.h"

namespace sekisho {

Result<core::Session> JoinedDesk::SessionOf(
    const store::StoredSession& stored) const {
  core::Session session;
  session.scope = stored.scope;
  session.person_id = stored.person_id;
  ASSIGN_OR_RETURN(session.also_named,
                   p_.store.NamesOfPerson(stored.person_id));
  session.csrf = stored.csrf;
  session.user = stored.user;
  session.id = SessionIdOf(stored.hash);
  session.roles = stored.roles;
  session.expire_time = stored.expire_time;
  session.must_set_password = stored.must_set_password;
  session.must_enrol_totp = p_.accounts.MustEnrolTotp(stored);
  session.has_totp = stored.has_totp;
  session.via_provider = !stored.issuer.empty();
  return session;
}

Result<core::Pushed> JoinedDesk::WrittenPush(const Caller& caller,
                                             const char* action,
                                             std::string object,
                                             Result<core::Pushed> pushed) {
  Status status = pushed ? Status() : std::unexpected(pushed.error());
  std::string detail;
  if (pushed && !pushed->problems.empty()) {
    status =
        Fail(Code::kInvalidArgument, policy::Format(pushed->problems.front()));
  } else if (pushed) {
    detail = "version=" + std::to_string(pushed->version);
    if (!pushed->ring.empty()) detail += " ring=" + pushed->ring;
    p_.changes.Tell({core::Change::What::kPolicy, pushed->version, ""});
  }
  RETURN_IF_ERROR(Note(p_.store, p_.clock, caller, action, std::move(object),
                       std::move(detail), status));
  return pushed;
}

Result<core::Pushed> JoinedDesk::PushPolicy(const Caller& caller,
                                            const std::string& text,
                                            const std::string& file_name,
                                            const std::string& comment,
                                            core::PushHow how) {
  return WrittenPush(
      caller, "policy.push", "policy " + file_name,
      p_.rollouts.Push(caller.user, text, file_name, comment, how));
}

Result<core::Pushed> JoinedDesk::RollbackPolicy(const Caller& caller,
                                                int64_t version) {
  return WrittenPush(caller, "policy.rollback",
                     "policy version " + std::to_string(version),
                     p_.rollouts.RollbackTo(caller.user, version));
}

Result<core::Session> JoinedDesk::WrittenLogin(const std::string& user,
                                               const std::string& address,
                                               const char* action,
                                               Result<auth::Login> login,
                                               std::string detail) {
  Caller caller;
  caller.user = login ? login->session.user : user;
  caller.door = "console";
  caller.address = address;
  if (login && login->needs_second_factor) {
    // The password was right: worth knowing if nobody comes back with a code.
    RETURN_IF_ERROR(Note(p_.store, p_.clock, caller, "login.ask_second_factor",
                         "", "", {}));
    core::Session asking;
    asking.user = login->session.user;
    asking.needs_second_factor = true;
    return asking;
  }
  ASSIGN_OR_RETURN(const auth::Login made,
                   Written<auth::Login>(p_.store, p_.clock, caller, action, "",
                                        std::move(detail), std::move(login)));
  ASSIGN_OR_RETURN(core::Session session, SessionOf(made.session));
  session.token = made.token;
  return session;
}

Result<core::Session> JoinedDesk::LoginWithPassword(
    const std::string& user, const std::string& password,
    const std::string& address, const std::string& second_factor) {
  return WrittenLogin(
      user, address, "login.password",
      p_.accounts.LoginWithPassword(user, password, address, second_factor));
}

Result<core::Session> JoinedDesk::LoginWithCode(
    const std::string& code, const std::string& address,
    const std::string& second_factor) {
  return WrittenLogin("", address, "login.code",
                      p_.accounts.LoginWithCode(code, address, second_factor));
}

Result<core::Session> JoinedDesk::FindSession(const std::string& token) {
  ASSIGN_OR_RETURN(const auto stored, p_.accounts.FindSession(token));
  return SessionOf(stored);
}

Status JoinedDesk::Logout(const std::string& token) {
  ASSIGN_OR_RETURN(const auto stored, p_.accounts.FindSession(token));
  return Written<void>(p_.store, p_.clock, Of(stored), "logout", "", "",
                       p_.accounts.Logout(token));
}

Status JoinedDesk::SetPassword(const std::string& session_token,
                               const std::string& password) {
  ASSIGN_OR_RETURN(const auto stored, p_.accounts.FindSession(session_token));
  return Written<void>(p_.store, p_.clock, Of(stored), "password.set",
                       "user " + stored.user, "",
                       p_.accounts.SetPassword(session_token, password));
}

}  // namespace sekisho
