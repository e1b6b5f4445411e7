// A server may add to its history; one that was set back is found out by its
// terminals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "cli/admin_client.h"
#include "common/file.h"
#include "common/text.h"
#include "tests/integration/server/test_server.h"
#include "tests/integration/server/uplinked_terminal.h"

namespace sekisho::testing {
namespace {

using ::testing::HasSubstr;

class LogTest : public ::testing::Test {
 protected:
  template <typename Condition>
  static bool Eventually(Condition condition) {
    const auto limit =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < limit) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  void Happen(UplinkedTerminal& terminal, int64_t upto) {
    while (happened_ < upto) {
      terminal.Happen();
      ++happened_;
    }
    ASSERT_TRUE(Eventually([&] { return terminal.acked() == upto; }));
  }
  bool HasAlert(const std::string& kind) {
    cli::AdminClient client(server_.socket());
    admin::v1::ListAlertsRequest request;
    request.set_kind(kind);
    return !client.Call<admin::v1::ListAlertsResponse>(request)
                ->alerts()
                .empty();
  }

  TestServer server_;
  int64_t happened_ = 0;
};

TEST_F(LogTest, ATerminalGoesAlongWithARestartAndNotWithASetBackServer) {
  const std::string database = server_.dir() + "/server/sekisho.db";
  const std::string backup = server_.dir() + "/backup.db";
  UplinkedTerminal terminal(server_.EnrolAs("a"), server_.agents_port(),
                            server_.enrol_port(), server_.clock());
  terminal.Start();
  Happen(terminal, 20);
  server_.Restart([&] { std::filesystem::copy_file(database, backup); });
  terminal.SetServer(server_.agents_port());
  Happen(terminal, 30);
  EXPECT_FALSE(HasAlert("history_rewritten"));
  // A heartbeat's answer brings the checkpoint over all thirty; kept on disk
  // every five minutes.
  server_.clock().Advance(std::chrono::minutes(6));
  ASSERT_TRUE(Eventually([&] { return terminal.witnessed() == 30; }));

  server_.Restart([&] {
    std::filesystem::remove(database + "-wal");
    std::filesystem::remove(database + "-shm");
    std::filesystem::copy_file(
        backup, database, std::filesystem::copy_options::overwrite_existing);
  });
  terminal.SetServer(server_.agents_port());
  ASSERT_TRUE(Eventually([&] { return HasAlert("history_rewritten"); }));
  ASSERT_TRUE(Eventually([&] { return !terminal.rewritten().empty(); }));
  EXPECT_THAT(terminal.rewritten(), HasSubstr("does not know the 30 events"));
  ASSERT_TRUE(Eventually([&] {
    return terminal.trouble().find("rewritten") != std::string::npos;
  })) << terminal.trouble();
  // It gives that server nothing more.
  terminal.Happen();
  EXPECT_EQ(terminal.acked(), 30);
  EXPECT_EQ(terminal.witnessed(), 30);
}

}  // namespace
}  // namespace sekisho::testing
