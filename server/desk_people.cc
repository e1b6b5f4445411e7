#include "common/text.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

core::Session SessionOf(const store::StoredSession& stored) {
  core::Session session;
  session.csrf = stored.csrf;
  session.user = stored.user;
  session.role = stored.role;
  session.expire_time = stored.expire_time;
  session.must_set_password = stored.must_set_password;
  return session;
}

}  // namespace

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
  const Status may = CheckAdmin(caller);
  return WrittenPush(
      caller, "policy.push", "policy " + file_name,
      may ? p_.rollouts.Push(caller.user, text, file_name, comment, how)
          : std::unexpected(may.error()));
}

Result<core::Pushed> JoinedDesk::RollbackPolicy(const Caller& caller,
                                                int64_t version) {
  const Status may = CheckAdmin(caller);
  return WrittenPush(caller, "policy.rollback",
                     "policy version " + std::to_string(version),
                     may ? p_.rollouts.RollbackTo(caller.user, version)
                         : std::unexpected(may.error()));
}

Result<core::Session> JoinedDesk::WrittenLogin(const std::string& user,
                                               const std::string& address,
                                               const char* action,
                                               Result<auth::Login> login) {
  const Caller caller{login ? login->session.user : user, core::Role::kAnalyst,
                      "console", address};
  ASSIGN_OR_RETURN(const auth::Login made,
                   Written<auth::Login>(p_.store, p_.clock, caller, action, "",
                                        "", std::move(login)));
  core::Session session = SessionOf(made.session);
  session.token = made.token;
  return session;
}

Result<core::Session> JoinedDesk::LoginWithPassword(
    const std::string& user, const std::string& password,
    const std::string& address) {
  return WrittenLogin(user, address, "login.password",
                      p_.accounts.LoginWithPassword(user, password, address));
}

Result<core::Session> JoinedDesk::LoginWithCode(const std::string& code,
                                                const std::string& address) {
  return WrittenLogin("", address, "login.code",
                      p_.accounts.LoginWithCode(code, address));
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

Result<std::string> JoinedDesk::CreateLogin(const Caller& caller,
                                            const std::string& user) {
  return AsAdmin<std::string>(caller, "login.create", "user " + user, "",
                              [&] { return p_.accounts.CreateLogin(user); });
}

}  // namespace sekisho
