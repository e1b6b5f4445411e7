#include "common/unix_socket.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "common/file.h"

namespace sekisho {
namespace {

TEST(UnixSocket, CarriesPacketsDescriptorsAndIdentity) {
  char name[] = "/tmp/sekisho-socket-XXXXXX";
  const std::string directory = ::mkdtemp(name);
  const std::string path = directory + "/s";
  const auto listener = ListenSeqpacket(path, 0600);
  ASSERT_TRUE(listener) << listener.error().message;
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);

  const auto client = ConnectSeqpacket(path);
  ASSERT_TRUE(client) << client.error().message;
  const auto server = AcceptSeqpacket(listener->get());
  ASSERT_TRUE(server);
  const auto peer = PeerOf(server->get());
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->pid, ::getpid());

  ASSERT_TRUE(ReplaceFile(directory + "/f", "inside", 0600));
  const auto file = OpenAt(AT_FDCWD, directory + "/f", O_RDONLY);
  ASSERT_TRUE(file);
  ASSERT_TRUE(SendPacket(client->get(), AsBytes("hello"), {file->get()}));
  auto packet = ReceivePacket(server->get());
  ASSERT_TRUE(packet) << packet.error().message;
  EXPECT_EQ(AsText(packet->bytes), "hello");
  ASSERT_EQ(packet->fds.size(), 1U);
  EXPECT_EQ(ReadAll(packet->fds[0].get(), 100).value(), "inside");

  const auto nothing = ReceivePacket(server->get());
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, Code::kUnavailable);
  std::filesystem::remove_all(directory);
}

TEST(UnixSocket, KnowsASocketThatWasPutInAnothersPlace) {
  char name[] = "/tmp/sekisho-socket-XXXXXX";
  const std::string directory = ::mkdtemp(name);
  const std::string path = directory + "/s";
  const auto listener = ListenSeqpacket(path, 0600);
  ASSERT_TRUE(listener);
  EXPECT_TRUE(ConnectSeqpacket(path, Listener::kProcess));
  const auto no_init = ConnectSeqpacket(path, Listener::kInit);
  ASSERT_FALSE(no_init);
  EXPECT_EQ(no_init.error().code, Code::kPermissionDenied);
  EXPECT_EQ(no_init.error().message,
            path + " is served by process " + std::to_string(::getpid()));

  std::filesystem::rename(path, path + "2");
  EXPECT_TRUE(ConnectSeqpacket(path + "2"));
  const auto moved = ConnectSeqpacket(path + "2", Listener::kProcess);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, Code::kPermissionDenied);
  EXPECT_EQ(moved.error().message, path + "2 is another socket, moved there");
  std::filesystem::remove_all(directory);
}

TEST(UnixSocket, TheBiggestPacketPassesAndOneMoreIsRefused) {
  char name[] = "/tmp/sekisho-socket-XXXXXX";
  const std::string directory = ::mkdtemp(name);
  const auto listener = ListenSeqpacket(directory + "/s", 0600);
  ASSERT_TRUE(listener);
  const auto client = ConnectSeqpacket(directory + "/s");
  const auto server = AcceptSeqpacket(listener->get());
  ASSERT_TRUE(client && server);
  const Bytes largest(kMaxPacketBytes);
  ASSERT_TRUE(SendPacket(client->get(), largest));
  EXPECT_EQ(ReceivePacket(server->get())->bytes.size(), kMaxPacketBytes);
  EXPECT_FALSE(SendPacket(client->get(), Bytes(kMaxPacketBytes + 1)));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace sekisho
