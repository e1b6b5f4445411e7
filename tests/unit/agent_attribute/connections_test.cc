#include "agent/attribute/connections.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/attribute/process.h"
#include "common/unique_fd.h"

namespace sekisho::attribute {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr char kTable[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
    "retrnsmt"
    "   uid  timeout inode\n"
    "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 "
    "00000000"
    "     0        0 100 1 0\n"
    "   1: 0202000A:A3F0 0502000A:1538 01 00000000:00000000 00:00000000 "
    "00000000"
    "  1000        0 101 1 0\n"
    "   2: 0100007F:A3F0 0100007F:1538 01 00000000:00000000 00:00000000 "
    "00000000"
    "  1000        0 102 1 0\n"
    "   3: 0202000A:A3F1 0602000A:01BB 08 00000000:00000000 00:00000000 "
    "00000000"
    "  1000        0 103 1 0\n";

TEST(Connections, OtherEndsOfTheSocketsOfOneProcess) {
  EXPECT_THAT(RemoteEnds(kTable, {101, 102}),
              ElementsAre("10.0.2.5:5432", "127.0.0.1:5432"));
  EXPECT_THAT(RemoteEnds(kTable, {103}), ElementsAre("10.0.2.6:443"));
  EXPECT_THAT(RemoteEnds(kTable, {100}), IsEmpty()) << "it listens";
  EXPECT_THAT(RemoteEnds(kTable, {7}), IsEmpty()) << "of another process";
}

TEST(Connections, SixAndMappedFour) {
  const std::string table =
      "0: 00000000000000000000000001000000:1F90 "
      "B80D0120000000000000000001000000:01BB 01 0:0 0:0 0 0 0 5 1\n"
      "1: 0000000000000000FFFF00000202000A:1F90 "
      "0000000000000000FFFF00000502000A:1538 01 0:0 0:0 0 0 0 6 1\n";
  EXPECT_THAT(RemoteEnds(table, {5, 6}),
              ElementsAre("[2001:db8::1]:443", "10.0.2.5:5432"));
}

TEST(Connections, WhatIsNoTableIsPassedOver) {
  for (const char* text :
       {"", "\n\n", "a b c d e f g h i j k\n", "0: 1:1 2:2 01 0 0 0 0 0 5 1\n",
        "0: 0202000A:A3F0 0502000A:99999 01 0:0 0:0 0 0 0 5\n",
        "0: 0202000A:A3F0 ZZ02000A:1538 01 0:0 0:0 0 0 0 5\n",
        "0: 0202000A:A3F0 0502000A:0000 01 0:0 0:0 0 0 0 5\n"}) {
    EXPECT_THAT(RemoteEnds(text, {5}), IsEmpty()) << text;
  }
}

TEST(Connections, OfThisProcessAreFound) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof here;
  auto* address = reinterpret_cast<sockaddr*>(&here);
  ASSERT_EQ(::bind(listener.get(), address, size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), address, &size), 0);
  const std::string end = "127.0.0.1:" + std::to_string(ntohs(here.sin_port));
  EXPECT_THAT(ConnectionsOf("", ::getpid()), Not(Contains(end)));
  const UniqueFd connected(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(connected.get(), address, size), 0);
  EXPECT_THAT(ConnectionsOf("", ::getpid()), Contains(end));
}

TEST(Connections, OfAProcessThatIsGoneThereAreNone) {
  EXPECT_THAT(ConnectionsOf("", 999'999'999), IsEmpty());
  EXPECT_FALSE(StartTimeOf("", 999'999'999));
}

}  // namespace
}  // namespace sekisho::attribute
