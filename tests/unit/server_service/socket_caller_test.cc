#include "server/service/socket_caller.h"

#include <gtest/gtest.h>

#include "tests/support/demo_world.h"

namespace sekisho::service {
namespace {

using core::Role;
using core::Roles;

constexpr uid_t kServer = 991;
constexpr uid_t kTanaka = 1001;

class SocketCallerTest : public ::testing::Test {
 protected:
  SocketCallerTest() {
    world_.AddUser("tanaka", "a long enough one", Role::kApprover);
    // One must stay.
    world_.AddUser("suzuki", "a long enough one", Role::kAdmin);
  }
  core::Caller Of(const SocketPeer& peer) {
    return CallerOf(peer, kServer, world_.store());
  }
  demo::DemoWorld world_;
};

TEST_F(SocketCallerTest, ThePersonBehindSudoHasHisOwnRoles) {
  const auto caller = Of({0, "root", "tanaka"});
  EXPECT_EQ(caller.user, "root (tanaka)");
  EXPECT_EQ(caller.roles, Roles(Role::kApprover));
  EXPECT_EQ(caller.door, "socket");
}

TEST_F(SocketCallerTest, AMemberOfTheGroupHasHisOwnRolesOrNone) {
  EXPECT_EQ(Of({kTanaka, "tanaka", ""}).roles, Roles(Role::kApprover));
  const auto stranger = Of({1002, "mori", ""});
  EXPECT_EQ(stranger.roles, Roles());
  EXPECT_EQ(stranger.user, "mori");
}

TEST_F(SocketCallerTest, ThePersonBehindSudoSeesWhatHeSees) {
  ASSERT_TRUE(world_.store().SetScope("tanaka", core::Scope({"tokyo"})));
  ASSERT_TRUE(world_.store().LinkPerson("tanaka", "E1001"));
  const auto caller = Of({0, "root", "tanaka"});
  EXPECT_EQ(caller.scope, core::Scope({"tokyo"}));
  EXPECT_EQ(caller.also_named, (std::vector<std::string>{"E1001", "tanaka"}));
}

TEST_F(SocketCallerTest, RootWithoutAKnownPersonBreaksTheGlass) {
  for (const SocketPeer& peer :
       {SocketPeer{0, "root", ""}, SocketPeer{0, "root", "mori"},
        SocketPeer{kServer, "sekisho-server", ""}}) {
    const auto caller = Of(peer);
    EXPECT_EQ(caller.roles, Roles::All()) << caller.user;
    EXPECT_EQ(caller.door, "socket (break-glass)") << caller.user;
  }
}

TEST_F(SocketCallerTest, ADisabledUserHasNoRoles) {
  const core::Caller admin{"suzuki", Roles::All(), "console", ""};
  ASSERT_TRUE(world_.desk().DisableUser(admin, "tanaka", "left"));
  EXPECT_EQ(Of({kTanaka, "tanaka", ""}).roles, Roles());
  EXPECT_EQ(Of({0, "root", "tanaka"}).roles, Roles());
}

// Who became another user with su is still himself.
TEST_F(SocketCallerTest, AnotherUsersNameGivesNothing) {
  EXPECT_EQ(Of({kTanaka, "tanaka", "mori"}).roles, Roles());
}

}  // namespace
}  // namespace sekisho::service
