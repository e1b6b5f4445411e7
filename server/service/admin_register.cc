// The admin socket's calls about people at accounts that several use.
#include "server/service/admin_parts.h"
#include "server/service/admin_service.h"

namespace sekisho::service {
namespace {

void Fill(admin::v1::PersonRow* out, const core::PersonRow& row) {
  out->set_id(row.id);
  out->set_name(row.name);
  out->set_employer(row.employer);
  out->set_manager(row.manager);
  if (row.contract_end) {
    SetTime(out->mutable_contract_end_time(), *row.contract_end);
  }
  out->set_accounts(row.accounts);
  out->set_has_pin(row.has_pin);
  out->set_has_totp(row.has_totp);
  if (row.remove_time) SetTime(out->mutable_remove_time(), *row.remove_time);
}

void Fill(admin::v1::ImportPeopleResponse* out,
          const core::RegisterImport& import) {
  for (const core::RegisterProblem& problem : import.problems) {
    auto* one = out->add_problems();
    one->set_line(problem.line);
    one->set_column_number(problem.column);
    one->set_field(problem.field);
    one->set_message(problem.message);
    one->set_fix(problem.fix);
  }
  for (const std::string& id : import.diff.added) out->add_added(id);
  for (const core::RegisterChange& change : import.diff.changed) {
    auto* one = out->add_changed();
    one->set_name(change.name);
    for (const std::string& field : change.fields) one->add_fields(field);
  }
  for (const std::string& id : import.diff.removed) out->add_removed(id);
  out->set_same_count(import.diff.same);
  out->set_done(import.done);
}

}  // namespace

grpc::Status AdminCalls::ListPeople(grpc::ServerContext* context,
                                    const admin::v1::ListPeopleRequest* request,
                                    admin::v1::ListPeopleResponse* response) {
  return Hand(desk_.ListPeople(Who(*context), request->text(),
                               {request->page_size(), request->page_token()}),
              [&](const core::Page<core::PersonRow>& page) {
                for (const core::PersonRow& row : page.rows) {
                  Fill(response->add_people(), row);
                }
                response->set_next_page_token(page.next_token);
              });
}

grpc::Status AdminCalls::ImportPeople(
    grpc::ServerContext* context, const admin::v1::ImportPeopleRequest* request,
    admin::v1::ImportPeopleResponse* response) {
  core::PeopleFile file;
  file.text = request->text();
  if (!request->zone().empty()) file.zone = request->zone();
  file.accounts = request->accounts();
  switch (request->format()) {
    case admin::v1::PEOPLE_FORMAT_CSV:
      break;
    case admin::v1::PEOPLE_FORMAT_LDIF:
      file.format = core::PeopleFormat::kLdif;
      break;
    default:
      return ToGrpc({Code::kInvalidArgument, "the format is CSV or LDIF"});
  }
  const core::Caller who = Who(*context);
  return Hand(
      request->dry_run() ? desk_.PreviewPeople(who, file)
                         : desk_.ImportPeople(who, file),
      [&](const core::RegisterImport& import) { Fill(response, import); });
}

grpc::Status AdminCalls::MakePin(grpc::ServerContext* context,
                                 const admin::v1::MakePinRequest* request,
                                 admin::v1::MakePinResponse* response) {
  return Hand(desk_.MakePin(Who(*context), request->person()),
              [&](const core::MadePin& made) { response->set_pin(made.pin); });
}

grpc::Status AdminCalls::MakePersonTotp(
    grpc::ServerContext* context,
    const admin::v1::MakePersonTotpRequest* request,
    admin::v1::MakePersonTotpResponse* response) {
  return Hand(desk_.MakePersonTotp(Who(*context), request->person()),
              [&](const core::TotpSecret& made) {
                response->set_secret(made.text);
                response->set_uri(made.uri);
              });
}

grpc::Status AdminCalls::RemovePerson(
    grpc::ServerContext* context, const admin::v1::RemovePersonRequest* request,
    admin::v1::RemovePersonResponse*) {
  const Status done =
      desk_.RemovePerson(Who(*context), request->person(), request->reason());
  return done ? grpc::Status::OK : ToGrpc(done.error());
}

}  // namespace sekisho::service
