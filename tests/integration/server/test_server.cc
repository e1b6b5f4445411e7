#include "tests/integration/server/test_server.h"

#include <grpc/grpc.h>
#include <gtest/gtest.h>
#include <sodium.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>

#include "cli/admin_client.h"

namespace sekisho::testing {
namespace {

// gRPC ends its threads behind the scenes; what OpenSSL keeps for each of them
// counts as leaked where the process is faster.
class GrpcEnds final : public ::testing::Environment {
 public:
  void TearDown() override {
    grpc_init();
    grpc_shutdown_blocking();
  }
};
[[maybe_unused]] const auto* const kGrpcEnds =
    ::testing::AddGlobalTestEnvironment(new GrpcEnds);

}  // namespace

TestServer::TestServer(std::chrono::seconds agent_life, std::string database)
    : database_(std::move(database)) {
  CHECK(sodium_init() >= 0);
  char dir[] = "/tmp/sekisho-server-XXXXXX";
  CHECK(mkdtemp(dir) != nullptr);
  dir_ = dir;
  CHECK(mkdir((dir_ + "/run").c_str(), 0700) == 0);
  InitOptions init;
  init.state_dir = dir_;
  init.names = {"localhost", "127.0.0.1"};
  CHECK(InitServer(init, clock_).has_value());
  auto ca =
      auth::CertificateAuthority::OpenOrCreate(dir_ + "/ca", clock_.Now());
  CHECK(ca.has_value());
  ca_ = std::move(*ca);
  StartServer();
  link_ = std::make_unique<service::LinkClient>(dir_ + "/run/enrol.sock");
  auto enrol =
      service::EnrolServer::Start({"127.0.0.1:0", dir_ + "/ca", agent_life},
                                  *ca_, sketch_key_, *link_, clock_);
  CHECK(enrol.has_value());
  enrol_ = std::move(*enrol);
}

TestServer::~TestServer() {
  enrol_->Shutdown();
  server_.reset();
  std::filesystem::remove_all(dir_);
}

void TestServer::StartServer() {
  ServerOptions options;
  options.state_dir = dir_;
  options.database = database_;
  options.runtime_dir = dir_ + "/run";
  options.agents_listen = "127.0.0.1:0";
  options.console_port = -1;
  auto server = Server::Start(options, clock_);
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
  }
  CHECK(server.has_value());
  server_ = std::move(*server);
}

void TestServer::Restart(const std::function<void()>& between) {
  server_.reset();
  between();
  StartServer();
}

std::string TestServer::Token(const std::string& hostname) {
  cli::AdminClient client(socket());
  admin::v1::CreateTokenRequest request;
  request.set_hostname(hostname);
  auto token = client.Call<admin::v1::CreateTokenResponse>(request);
  CHECK(token.has_value());
  return token->token();
}

Enrolled TestServer::EnrolAs(const std::string& hostname) {
  auto enrolled = Enrol(enrol_port(), ca_pem(), Token(hostname), hostname);
  if (!enrolled) {
    std::fprintf(stderr, "%s\n", enrolled.error().message.c_str());
  }
  CHECK(enrolled.has_value());
  return std::move(*enrolled);
}

std::vector<std::string> TestServer::Audit(const std::string& action) const {
  std::vector<std::string> results;
  sqlite3* db = nullptr;
  sqlite3_stmt* row = nullptr;
  CHECK(sqlite3_open_v2((dir_ + "/server/sekisho.db").c_str(), &db,
                        SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK);
  CHECK(sqlite3_prepare_v2(db, "SELECT result FROM audit WHERE action=?", -1,
                           &row, nullptr) == SQLITE_OK);
  sqlite3_bind_text(row, 1, action.c_str(), -1, SQLITE_TRANSIENT);
  while (sqlite3_step(row) == SQLITE_ROW) {
    const void* text = sqlite3_column_blob(row, 0);
    results.emplace_back(static_cast<const char*>(text),
                         static_cast<size_t>(sqlite3_column_bytes(row, 0)));
  }
  sqlite3_finalize(row);
  sqlite3_close(db);
  return results;
}

}  // namespace sekisho::testing
