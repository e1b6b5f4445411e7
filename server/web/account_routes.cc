// Users, sessions, API tokens, the second factor.
#include <algorithm>
#include <chrono>

#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

constexpr int64_t kMaxDays = 10'000;  // the desk refuses long before

Result<core::Roles> RolesOf(const json& body) {
  const auto found = body.find("roles");
  if (found == body.end() || !found->is_array()) {
    return Fail(Code::kInvalidArgument, "'roles' must be a list");
  }
  core::Roles roles;
  for (const json& one : *found) {
    const auto role = one.is_string() ? store::ParseRole(one.get<std::string>())
                                      : std::nullopt;
    if (!role) {
      return Fail(Code::kInvalidArgument,
                  "a role is one of " + store::Print(core::Roles::All()));
    }
    roles.Add(*role);
  }
  return roles;
}

// Nothing, or null: the whole fleet.
Result<core::Scope> ScopeOf(const json& body) {
  const auto found = body.find("groups");
  if (found == body.end() || found->is_null()) return core::Scope();
  const auto wrong = [] {
    return Fail(Code::kInvalidArgument,
                "'groups' must be a list of terminal groups, or null for the "
                "whole fleet");
  };
  if (!found->is_array() || found->size() > store::kMaxScopeGroups) {
    return wrong();
  }
  std::vector<std::string> groups;
  for (const json& one : *found) {
    if (!one.is_string()) return wrong();
    groups.push_back(one.get<std::string>());
  }
  return core::Scope(std::move(groups));
}

json MaybeTimeJson(const std::optional<WallTime>& time) {
  return time ? json(FormatUtc(*time)) : json(nullptr);
}

json ToJson(const core::User& user) {
  return {{"name", user.name},
          {"roles", RolesJson(user.roles)},
          {"create_time", FormatUtc(user.create_time)},
          {"disable_time", MaybeTimeJson(user.disable_time)},
          {"has_password", !user.password_hash.empty()},
          {"has_totp", user.has_totp},
          {"provider_issuer", user.identity.issuer},
          {"provider_subject", user.identity.subject},
          {"groups", ScopeJson(user.scope)},
          {"person", user.person_id}};
}

json ToJson(const core::SessionRow& row) {
  return {{"id", row.id},
          {"user", row.user},
          {"address", row.address},
          {"provider_issuer", row.issuer},
          {"create_time", FormatUtc(row.create_time)},
          {"use_time", FormatUtc(row.use_time)},
          {"expire_time", FormatUtc(row.expire_time)},
          {"current", row.current}};
}

json ToJson(const core::ApiToken& token) {
  return {{"id", token.id},
          {"name", token.name},
          {"user", token.user},
          {"roles", RolesJson(token.roles)},
          {"groups", ScopeJson(token.scope)},
          {"created_by", token.created_by},
          {"create_time", FormatUtc(token.create_time)},
          {"expire_time", FormatUtc(token.expire_time)},
          {"use_time", MaybeTimeJson(token.use_time)},
          {"revoke_time", MaybeTimeJson(token.revoke_time)},
          {"revoked_by", token.revoked_by}};
}

template <typename T>
json RowsJson(const std::vector<T>& rows) {
  json out = json::array();
  for (const T& row : rows) out.push_back(ToJson(row));
  return {{"rows", std::move(out)}};
}

Result<core::ApiTokenWish> WishOf(const json& body) {
  core::ApiTokenWish wish;
  ASSIGN_OR_RETURN(wish.name, Text(body, "name", true));
  ASSIGN_OR_RETURN(wish.user, Text(body, "user"));
  ASSIGN_OR_RETURN(wish.roles, RolesOf(body));
  ASSIGN_OR_RETURN(wish.scope, ScopeOf(body));
  ASSIGN_OR_RETURN(const auto days, MaybeNumber(body, "days"));
  wish.life =
      std::chrono::days(std::clamp<int64_t>(days.value_or(0), 0, kMaxDays));
  return wish;
}

Result<int64_t> IdOf(const json& body) {
  ASSIGN_OR_RETURN(const auto id, MaybeNumber(body, "id"));
  if (!id) return Fail(Code::kInvalidArgument, "'id' must be a whole number");
  return *id;
}

json MadeJson(const core::MadeApiToken& made) {
  return {{"secret", made.secret}, {"token", ToJson(made.token)}};
}

}  // namespace

json RolesJson(core::Roles roles) {
  json names = json::array();
  for (const core::Role role : store::kEveryRole) {
    if (roles.Has(role)) names.push_back(store::Name(role));
  }
  return names;
}

json ScopeJson(const core::Scope& scope) {
  return scope.IsWholeFleet() ? json(nullptr) : json(scope.groups());
}

Result<json> ListUsers(const Call& call) {
  ASSIGN_OR_RETURN(const auto users, call.desk.ListUsers(call.caller));
  return RowsJson(users);
}

Result<json> AddUser(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string user, Text(body, "user", true));
  ASSIGN_OR_RETURN(const core::Roles roles, RolesOf(body));
  ASSIGN_OR_RETURN(const core::Scope scope, ScopeOf(body));
  ASSIGN_OR_RETURN(const std::string code,
                   call.desk.AddUser(call.caller, user, roles, scope));
  return json{{"code", code}};
}

Result<json> SetRoles(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string user, Text(body, "user", true));
  ASSIGN_OR_RETURN(const core::Roles roles, RolesOf(body));
  RETURN_IF_ERROR(call.desk.SetRoles(call.caller, user, roles));
  return json::object();
}

// What is forgotten is no consent to the whole fleet.
Result<json> SetScope(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string user, Text(body, "user", true));
  if (!body.contains("groups")) {
    return Fail(Code::kInvalidArgument,
                "'groups' is missing: a list, or null for the whole fleet");
  }
  ASSIGN_OR_RETURN(const core::Scope scope, ScopeOf(body));
  RETURN_IF_ERROR(call.desk.SetScope(call.caller, user, scope));
  return json::object();
}

Result<json> LinkPerson(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string user, Text(body, "user", true));
  if (!body.contains("person")) {
    return Fail(Code::kInvalidArgument,
                "'person' is missing: an id of the people register, or empty "
                "for nobody");
  }
  ASSIGN_OR_RETURN(const std::string person, Text(body, "person"));
  RETURN_IF_ERROR(call.desk.LinkPerson(call.caller, user, person));
  return json::object();
}

Result<json> DisableUser(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string user, Text(body, "user", true));
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason", true));
  RETURN_IF_ERROR(call.desk.DisableUser(call.caller, user, reason));
  return json::object();
}

Result<json> EnableUser(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string user, Text(body, "user", true));
  RETURN_IF_ERROR(call.desk.EnableUser(call.caller, user));
  return json::object();
}

Result<json> ResetTotp(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string user, Text(body, "user", true));
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason", true));
  RETURN_IF_ERROR(call.desk.ResetTotp(call.caller, user, reason));
  return json::object();
}

Result<json> MoveToProvider(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string user, Text(body, "user", true));
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason", true));
  RETURN_IF_ERROR(call.desk.MoveToProvider(call.caller, user, reason));
  return json::object();
}

Result<json> CreateLogin(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string user, Text(body, "user", true));
  ASSIGN_OR_RETURN(const std::string code,
                   call.desk.CreateLogin(call.caller, user));
  return json{{"code", code}};
}

Result<json> ListSessions(const Call& call) {
  ASSIGN_OR_RETURN(const auto rows, call.desk.ListSessions(call.caller));
  return RowsJson(rows);
}

Result<json> EndSession(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string id, Text(body, "session", true));
  RETURN_IF_ERROR(call.desk.EndSession(call.caller, id));
  return json::object();
}

Result<json> ListMySessions(const Call& call) {
  ASSIGN_OR_RETURN(const auto rows, call.desk.ListMySessions(call.caller));
  return RowsJson(rows);
}

Result<json> EndMySession(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string id, Text(body, "session", true));
  RETURN_IF_ERROR(call.desk.EndMySession(call.caller, id));
  return json::object();
}

Result<json> ListApiTokens(const Call& call) {
  ASSIGN_OR_RETURN(const auto rows, call.desk.ListApiTokens(call.caller));
  return RowsJson(rows);
}

Result<json> AddApiToken(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const core::ApiTokenWish wish, WishOf(body));
  ASSIGN_OR_RETURN(const auto made, call.desk.AddApiToken(call.caller, wish));
  return MadeJson(made);
}

Result<json> RevokeApiToken(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const int64_t id, IdOf(body));
  RETURN_IF_ERROR(call.desk.RevokeApiToken(call.caller, id));
  return json::object();
}

Result<json> ListMyApiTokens(const Call& call) {
  ASSIGN_OR_RETURN(const auto rows, call.desk.ListMyApiTokens(call.caller));
  return RowsJson(rows);
}

Result<json> AddMyApiToken(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const core::ApiTokenWish wish, WishOf(body));
  ASSIGN_OR_RETURN(const auto made, call.desk.AddMyApiToken(call.caller, wish));
  return MadeJson(made);
}

Result<json> RevokeMyApiToken(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const int64_t id, IdOf(body));
  RETURN_IF_ERROR(call.desk.RevokeMyApiToken(call.caller, id));
  return json::object();
}

// ---- about the session itself ----

Result<json> BeginTotp(core::Desk& desk, const Request& request) {
  ASSIGN_OR_RETURN(const auto secret, desk.BeginTotp(request.session_token));
  return json{{"secret", secret.text}, {"uri", secret.uri}};
}

Result<json> ConfirmTotp(core::Desk& desk, const Request& request) {
  ASSIGN_OR_RETURN(const json body, BodyOf(request));
  ASSIGN_OR_RETURN(const std::string code, Text(body, "code", true));
  ASSIGN_OR_RETURN(const auto codes,
                   desk.ConfirmTotp(request.session_token, code));
  return json{{"recovery_codes", codes}};
}

}  // namespace sekisho::web
