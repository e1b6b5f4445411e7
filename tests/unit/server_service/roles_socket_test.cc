// Every role and every rpc of the admin socket, through gRPC.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "server/service/admin_service.h"
#include "tests/support/demo_world.h"
#include "tests/support/role_table.h"

namespace sekisho::service {
namespace {

// Which method of the desk an rpc asks.
const std::map<std::string, std::string> kRpcMethods = {
    {"CreateToken", "CreateToken"},
    {"ListAgents", "ListAgents"},
    {"RevokeAgent", "RevokeAgent"},
    {"ApproveRenewal", "ApproveRenewal"},
    {"PushPolicy", "PushPolicy"},
    {"ListPolicyVersions", "ListPolicyVersions"},
    {"RollbackPolicy", "RollbackPolicy"},
    {"PushUpgrade", "PushUpgrade"},
    {"AskUnlock", "AskUnlock"},
    {"ConfirmUnlock", "ConfirmUnlock"},
    {"Contain", "Contain"},
    {"ListContainments", "ListContainments"},
    {"AskExtension", "AskExtension"},
    {"AgreeExtension", "AgreeExtension"},
    {"LiftContainment", "LiftContainment"},
    {"ListGrants", "ListGrants"},
    {"RevokeGrant", "RevokeGrant"},
    {"ListDevices", "ListDevices"},
    {"ApproveDevice", "ApproveDevice"},
    {"RevokeDevice", "RevokeDevice"},
    {"GetDeviceContents", "GetDeviceContents"},
    {"ConfirmDevice", "ConfirmDevice"},
    {"ReportLost", "MarkLost"},
    {"ReportFound", "ClearLost"},
    {"DecideRequest", "DecideRequest"},
    {"ListEvents", "ListEvents"},
    {"GetSamples", "GetSamples"},
    {"ExportEvents", "ExportEvents"},
    {"ListAlerts", "ListAlerts"},
    {"UpdateAlert", "UpdateAlert"},
    {"ListCases", "ListCases"},
    {"GetCase", "GetCase"},
    {"OpenCase", "OpenCase"},
    {"ChangeCase", "ChangeCase"},
    {"CloseCase", "CloseCase"},
    {"ReopenCase", "ReopenCase"},
    {"PlaceHold", "PlaceHold"},
    {"LiftHold", "LiftHold"},
    {"ListReviews", "ListReviews"},
    {"GetReview", "GetReview"},
    {"OpenReviewItem", "OpenReviewItem"},
    {"JudgeReviewItem", "JudgeReviewItem"},
    {"SignReview", "SignReview"},
    {"GetReviewStatement", "GetReviewStatement"},
    {"ListSuppressions", "ListSuppressions"},
    {"Suppress", "Suppress"},
    {"EndSuppression", "EndSuppression"},
    {"GetRollout", "GetRollout"},
    {"ChangeRollout", "ChangeRollout"},
    {"GetRings", "GetRings"},
    {"SetRings", "SetRings"},
    {"IssueCode", "IssueCode"},
    {"ListCodes", "ListCodes"},
    {"RevokeCode", "RevokeCode"},
    {"ImportTerminals", "ImportRegister"},
    {"ListTerminals", "ListTerminals"},
    {"ListPeople", "ListPeople"},
    {"ImportPeople", "ImportPeople"},
    {"MakePin", "MakePin"},
    {"MakePersonTotp", "MakePersonTotp"},
    {"RemovePerson", "RemovePerson"},
    {"ListDataSets", "ListDataSets"},
    {"PutDataSet", "PutDataSet"},
    {"RemoveDataSet", "RemoveDataSet"},
    {"RunInquiry", "RunInquiry"},
    {"ListInquiries", "ListInquiries"},
    {"GetInquiry", "GetInquiry"},
    {"CreateLogin", "CreateLogin"},
    {"ListUsers", "ListUsers"},
    {"AddUser", "AddUser"},
    {"SetRoles", "SetRoles"},
    {"SetScope", "SetScope"},
    {"LinkPerson", "LinkPerson"},
    {"DisableUser", "DisableUser"},
    {"EnableUser", "EnableUser"},
    {"ResetTotp", "ResetTotp"},
    {"MoveToProvider", "MoveToProvider"},
    {"ListApiTokens", "ListApiTokens"},
    {"AddApiToken", "AddApiToken"},
    {"RevokeApiToken", "RevokeApiToken"},
};

class RolesSocketTest : public ::testing::Test {
 protected:
  RolesSocketTest() {
    char dir[] = "/tmp/sekisho-roles-XXXXXX";
    CHECK(mkdtemp(dir) != nullptr);
    dir_ = dir;
    checkpoints_ = *core::Checkpoints::Open(world_.store(), dir_ + "/log.key");
    calls_ = std::make_unique<AdminCalls>(
        world_.desk(), world_.store(), *checkpoints_,
        [this](const std::string&) {
          return core::Caller{"mori", roles_, "socket", ""};
        },
        MakeExportGate(world_.store(), world_.clock()));
    grpc::ServerBuilder builder;
    builder.RegisterService(calls_.get());
    server_ = builder.BuildAndStart();
    stub_ = std::make_unique<grpc::GenericStub>(server_->InProcessChannel({}));
  }
  ~RolesSocketTest() override {
    server_->Shutdown();
    std::filesystem::remove_all(dir_);
  }

  // With an empty message, which nearly every rpc can read.
  grpc::Status Call(const std::string& rpc) {
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    const auto stream = stub_->PrepareCall(
        &context, "/sekisho.admin.v1.AdminService/" + rpc, &queue);
    const auto wait = [&queue] {
      void* tag = nullptr;
      bool fine = false;
      queue.Next(&tag, &fine);
      return fine;
    };
    stream->StartCall(nullptr);
    wait();
    // What to do is asked before who asks.
    grpc::Slice message(rpc == "ChangeRollout"   ? "\x08\x02"
                        : rpc == "DecideRequest" ? "\x10\x02"
                        : rpc == "ImportPeople"  ? "\x10\x01"
                                                 : "");
    grpc::ByteBuffer buffer(&message, 1);
    stream->WriteLast(buffer, grpc::WriteOptions(), nullptr);
    wait();
    grpc::ByteBuffer answer;
    do {
      stream->Read(&answer, nullptr);
    } while (wait());
    grpc::Status status;
    stream->Finish(&status, nullptr);
    wait();
    return status;
  }

  demo::DemoWorld world_;
  std::string dir_;
  core::Roles roles_;
  std::unique_ptr<core::Checkpoints> checkpoints_;
  std::unique_ptr<AdminCalls> calls_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

TEST_F(RolesSocketTest, EveryRoleAndEveryRpc) {
  const auto* service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
          "sekisho.admin.v1.AdminService");
  ASSERT_NE(service, nullptr);
  std::set<std::string> rpcs;
  for (int i = 0; i < service->method_count(); ++i) {
    rpcs.insert(service->method(i)->name());
  }
  std::set<std::string> tested;
  for (const auto& [rpc, method] : kRpcMethods) tested.insert(rpc);
  EXPECT_EQ(rpcs, tested);

  const auto refused = [&](const std::string& rpc, core::Roles roles) {
    roles_ = roles;
    const grpc::Status status = Call(rpc);
    return status.error_code() == grpc::StatusCode::PERMISSION_DENIED &&
           status.error_message().starts_with(testing::kRefusal);
  };
  for (const auto& [rpc, method] : kRpcMethods) {
    for (const core::Role role : store::kEveryRole) {
      EXPECT_EQ(refused(rpc, role), !testing::MayCall(method, role))
          << rpc << " by " << store::Name(role);
    }
    EXPECT_TRUE(refused(rpc, {})) << rpc;
  }
}

}  // namespace
}  // namespace sekisho::service
