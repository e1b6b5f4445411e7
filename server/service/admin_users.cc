// The admin socket's calls about users and API tokens.
#include "server/service/admin_parts.h"
#include "server/service/admin_service.h"

namespace sekisho::service {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

Result<core::Roles> RolesOf(const Names& names) {
  core::Roles roles;
  for (const std::string& name : names) {
    const auto role = store::ParseRole(name);
    if (!role) {
      return Fail(Code::kInvalidArgument,
                  "a role is one of " + store::Print(core::Roles::All()));
    }
    roles.Add(*role);
  }
  return roles;
}

void SetNames(Names* out, core::Roles roles) {
  for (const core::Role role : store::kEveryRole) {
    if (roles.Has(role)) out->Add(store::Name(role));
  }
}

void SetGroups(Names* out, const core::Scope& scope) {
  for (const std::string& group : scope.groups()) out->Add(std::string(group));
}

core::Scope ScopeOf(const Names& groups) {
  if (groups.empty()) return {};
  return core::Scope({groups.begin(), groups.end()});
}

void Fill(admin::v1::UserRow* out, const core::User& user) {
  out->set_user(user.name);
  SetNames(out->mutable_roles(), user.roles);
  SetTime(out->mutable_create_time(), user.create_time);
  if (user.disable_time) {
    SetTime(out->mutable_disable_time(), *user.disable_time);
  }
  out->set_has_password(!user.password_hash.empty());
  out->set_has_totp(user.has_totp);
  out->set_provider_issuer(user.identity.issuer);
  out->set_provider_subject(user.identity.subject);
  out->set_has_scope(!user.scope.IsWholeFleet());
  SetGroups(out->mutable_groups(), user.scope);
  out->set_person(user.person_id);
}

void Fill(admin::v1::ApiTokenRow* out, const core::ApiToken& token) {
  out->set_token_id(token.id);
  out->set_name(token.name);
  out->set_user(token.user);
  SetNames(out->mutable_roles(), token.roles);
  out->set_created_by(token.created_by);
  SetTime(out->mutable_create_time(), token.create_time);
  SetTime(out->mutable_expire_time(), token.expire_time);
  if (token.use_time) SetTime(out->mutable_use_time(), *token.use_time);
  if (token.revoke_time) {
    SetTime(out->mutable_revoke_time(), *token.revoke_time);
  }
  out->set_revoked_by(token.revoked_by);
  out->set_has_scope(!token.scope.IsWholeFleet());
  SetGroups(out->mutable_groups(), token.scope);
}

grpc::Status Told(const Status& status) {
  return status ? grpc::Status::OK : ToGrpc(status.error());
}

}  // namespace

grpc::Status AdminCalls::ListUsers(grpc::ServerContext* context,
                                   const admin::v1::ListUsersRequest*,
                                   admin::v1::ListUsersResponse* response) {
  return Hand(desk_.ListUsers(Who(*context)),
              [&](const std::vector<core::User>& users) {
                for (const auto& user : users)
                  Fill(response->add_users(), user);
              });
}

grpc::Status AdminCalls::AddUser(grpc::ServerContext* context,
                                 const admin::v1::AddUserRequest* request,
                                 admin::v1::AddUserResponse* response) {
  const auto roles = RolesOf(request->roles());
  if (!roles) return ToGrpc(roles.error());
  return Hand(desk_.AddUser(Who(*context), request->user(), *roles,
                            ScopeOf(request->groups())),
              [&](const std::string& code) { response->set_code(code); });
}

grpc::Status AdminCalls::SetRoles(grpc::ServerContext* context,
                                  const admin::v1::SetRolesRequest* request,
                                  admin::v1::SetRolesResponse*) {
  const auto roles = RolesOf(request->roles());
  if (!roles) return ToGrpc(roles.error());
  return Told(desk_.SetRoles(Who(*context), request->user(), *roles));
}

grpc::Status AdminCalls::SetScope(grpc::ServerContext* context,
                                  const admin::v1::SetScopeRequest* request,
                                  admin::v1::SetScopeResponse*) {
  return Told(desk_.SetScope(Who(*context), request->user(),
                             ScopeOf(request->groups())));
}

grpc::Status AdminCalls::LinkPerson(grpc::ServerContext* context,
                                    const admin::v1::LinkPersonRequest* request,
                                    admin::v1::LinkPersonResponse*) {
  return Told(
      desk_.LinkPerson(Who(*context), request->user(), request->person()));
}

grpc::Status AdminCalls::DisableUser(
    grpc::ServerContext* context, const admin::v1::DisableUserRequest* request,
    admin::v1::DisableUserResponse*) {
  return Told(
      desk_.DisableUser(Who(*context), request->user(), request->reason()));
}

grpc::Status AdminCalls::EnableUser(grpc::ServerContext* context,
                                    const admin::v1::EnableUserRequest* request,
                                    admin::v1::EnableUserResponse*) {
  return Told(desk_.EnableUser(Who(*context), request->user()));
}

grpc::Status AdminCalls::ResetTotp(grpc::ServerContext* context,
                                   const admin::v1::ResetTotpRequest* request,
                                   admin::v1::ResetTotpResponse*) {
  return Told(
      desk_.ResetTotp(Who(*context), request->user(), request->reason()));
}

grpc::Status AdminCalls::MoveToProvider(
    grpc::ServerContext* context,
    const admin::v1::MoveToProviderRequest* request,
    admin::v1::MoveToProviderResponse*) {
  return Told(
      desk_.MoveToProvider(Who(*context), request->user(), request->reason()));
}

grpc::Status AdminCalls::ListApiTokens(
    grpc::ServerContext* context, const admin::v1::ListApiTokensRequest*,
    admin::v1::ListApiTokensResponse* response) {
  return Hand(desk_.ListApiTokens(Who(*context)),
              [&](const std::vector<core::ApiToken>& tokens) {
                for (const auto& token : tokens) {
                  Fill(response->add_tokens(), token);
                }
              });
}

grpc::Status AdminCalls::AddApiToken(
    grpc::ServerContext* context, const admin::v1::AddApiTokenRequest* request,
    admin::v1::AddApiTokenResponse* response) {
  const auto roles = RolesOf(request->roles());
  if (!roles) return ToGrpc(roles.error());
  core::ApiTokenWish wish;
  wish.name = request->name();
  wish.user = request->user();
  wish.roles = *roles;
  wish.scope = ScopeOf(request->groups());
  wish.life = std::chrono::seconds(request->life_seconds());
  return Hand(desk_.AddApiToken(Who(*context), wish),
              [&](const core::MadeApiToken& made) {
                response->set_secret(made.secret);
                Fill(response->mutable_token(), made.token);
              });
}

grpc::Status AdminCalls::RevokeApiToken(
    grpc::ServerContext* context,
    const admin::v1::RevokeApiTokenRequest* request,
    admin::v1::RevokeApiTokenResponse*) {
  return Told(desk_.RevokeApiToken(Who(*context), request->token_id()));
}

}  // namespace sekisho::service
