// The probe on images made by the filesystems' own tools, and on broken ones.
#include "agent/probe/probe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "common/file.h"
#include "common/unix_socket.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEKISHO_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SEKISHO_SANITIZED 1
#endif
#endif

namespace sekisho::probe {
namespace {

constexpr int64_t kImageBytes = int64_t{64} << 20;

class Probing : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "probe-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    image_ = directory_ + "/image";
    fd_.Reset(::open(image_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::ftruncate(fd_.get(), kImageBytes), 0);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // False when the tool is not installed.
  bool Make(const std::string& command) {
    const std::string line =
        "PATH=$PATH:/sbin:/usr/sbin; " + command + " >/dev/null 2>&1";
    return std::system(line.c_str()) == 0;
  }
  ipc::ProbeAnswer Ask() { return Probe(fd_.get(), kImageBytes); }
  void Put(int64_t offset, std::string_view bytes) {
    ASSERT_EQ(::pwrite(fd_.get(), bytes.data(), bytes.size(), offset),
              static_cast<ssize_t>(bytes.size()));
  }

  std::string directory_;
  std::string image_;
  UniqueFd fd_;
};

TEST_F(Probing, TellsFat) {
  if (!Make("mkfs.vfat -n STICK -i 1234abcd " + image_)) GTEST_SKIP();
  const auto answer = Ask();
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.filesystem, "vfat");
  EXPECT_EQ(answer.volume_uuid, "1234-ABCD");
  EXPECT_EQ(answer.volume_label, "STICK");
  EXPECT_EQ(answer.encryption, "none");
  EXPECT_EQ(answer.partition_table, "");
}

TEST_F(Probing, TellsExfatAndExt4) {
  if (!Make("mkfs.exfat -L card " + image_)) GTEST_SKIP();
  EXPECT_EQ(Ask().filesystem, "exfat");
  EXPECT_EQ(Ask().volume_label, "card");
  if (!Make("mkfs.ext4 -F -L disk " + image_)) GTEST_SKIP();
  EXPECT_EQ(Ask().filesystem, "ext4");
  EXPECT_EQ(Ask().volume_uuid.size(), 36U);
}

TEST_F(Probing, TellsBothLuksFormats) {
  for (const std::string format : {"luks1", "luks2"}) {
    if (!Make("echo -n secret | cryptsetup luksFormat -q --type " + format +
              " --pbkdf pbkdf2 --pbkdf-force-iterations 1000 " + image_ +
              " -")) {
      GTEST_SKIP();
    }
    const auto answer = Ask();
    EXPECT_EQ(answer.encryption, "luks") << format;
    EXPECT_EQ(answer.filesystem, "crypto_LUKS") << format;
    EXPECT_EQ(answer.volume_uuid.size(), 36U) << format;
  }
}

TEST_F(Probing, TellsDosPartitionTable) {
  // One partition of type 0c from sector 2048 on, and the end marker.
  Put(446, std::string_view("\x00\x00\x00\x00\x0c\x00\x00\x00"
                            "\x00\x08\x00\x00\x00\xe8\x01\x00",
                            16));
  Put(510, "\x55\xaa");
  EXPECT_EQ(Ask().partition_table, "dos");
  EXPECT_EQ(Ask().filesystem, "");
}

TEST_F(Probing, TellsGptPartitionTable) {
  if (!Make("echo 'label: gpt' | sfdisk " + image_)) {
    GTEST_SKIP() << "no sfdisk";
  }
  EXPECT_EQ(Ask().partition_table, "gpt");
  EXPECT_EQ(Ask().filesystem, "");
}

TEST_F(Probing, TellsBitlockerByItsBootSector) {
  Put(3, "-FVE-FS-");
  EXPECT_EQ(Ask().encryption, "bitlocker");
}

TEST_F(Probing, TellsBitlockerToGo) {
  Put(3, "MSWIN4.1");
  EXPECT_EQ(Ask().encryption, "none");
  Put(424, std::string_view("\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3"
                            "\x39\xe3\xd0\x01",
                            16));
  EXPECT_EQ(Ask().encryption, "bitlocker");
}

TEST_F(Probing, EmptyDeviceIsAnAnswer) {
  const auto answer = Ask();
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.filesystem, "");
  EXPECT_EQ(answer.encryption, "none");
}

// Whoever mounts it would otherwise decide by another one than policy did.
TEST_F(Probing, TwoFilesystemsAtOnceAreNone) {
  if (!Make("mkfs.ext4 -F " + image_)) GTEST_SKIP();
  std::string superblock(1024, '\0');
  ASSERT_EQ(::pread(fd_.get(), superblock.data(), superblock.size(), 1024),
            1024);
  if (!Make("mkfs.vfat -F 32 " + image_)) GTEST_SKIP();
  ASSERT_EQ(Ask().filesystem, "vfat");
  Put(1024, superblock);
  EXPECT_TRUE(Ask().ok);
  EXPECT_EQ(Ask().filesystem, "");
}

TEST_F(Probing, DamagedFilesystemIsAnAnswer) {
  if (!Make("mkfs.vfat " + image_)) GTEST_SKIP();
  // 64 devices that lie at one place each in their boot sector.
  for (int64_t at = 0; at < 512; at += 8) {
    ASSERT_TRUE(Make("mkfs.vfat " + image_));
    Put(at, "\xff\xff\xff\xff\xff\xff\xff\xff");
    EXPECT_TRUE(Ask().ok) << at;
  }
}

TEST_F(Probing, ShorterThanItSaysIsAnAnswer) {
  ASSERT_EQ(::ftruncate(fd_.get(), 100), 0);
  EXPECT_TRUE(Ask().ok);
}

TEST_F(Probing, UnreadableDeviceIsAnError) {
  const UniqueFd closed(::open(image_.c_str(), O_WRONLY | O_CLOEXEC));
  const auto answer = Probe(closed.get(), kImageBytes);
  EXPECT_FALSE(answer.ok);
  EXPECT_NE(answer.error, "");
}

TEST_F(Probing, FirstNodeWithAVolumeIsTheAnswer) {
  if (!Make("mkfs.vfat -n PART " + image_)) GTEST_SKIP();
  std::vector<Node> nodes(3);
  for (Node& node : nodes) {
    node.fd.Reset(::open((directory_ + "/empty").c_str(),
                         O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    node.size_bytes = 1 << 20;
    ASSERT_EQ(::ftruncate(node.fd.get(), node.size_bytes), 0);
  }
  auto answer = ProbeAll(nodes);
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.node, 0);
  EXPECT_EQ(answer.filesystem, "");
  nodes[1] = {.fd = UniqueFd(::open(image_.c_str(), O_RDONLY | O_CLOEXEC)),
              .size_bytes = kImageBytes};
  answer = ProbeAll(nodes);
  EXPECT_EQ(answer.node, 1);
  EXPECT_EQ(answer.volume_label, "PART");
  nodes[0].fd.Reset(::open(image_.c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_FALSE(ProbeAll(nodes).ok);
}

// The program itself, in its sandbox, as systemd starts it.
TEST_F(Probing, ProgramAnswersFromInsideItsSandbox) {
#ifdef SEKISHO_SANITIZED
  GTEST_SKIP() << "a sanitizer's runtime cannot live in the sandbox";
#endif
  if (!Make("mkfs.ext4 -F -L inside " + image_)) GTEST_SKIP();
  int pair[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  UniqueFd ours(pair[0]);
  UniqueFd theirs(pair[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(theirs.get(), STDIN_FILENO);
    ::execl(SEKISHO_PROBE_PROGRAM, "sekisho-probe", nullptr);
    ::_exit(127);
  }
  theirs.Reset();
  const UniqueFd device(::open(image_.c_str(), O_RDONLY | O_CLOEXEC));
  // An empty disk with one partition: a question of two packets.
  const UniqueFd nothing(::open((directory_ + "/empty").c_str(),
                                O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(nothing.get(), 4096), 0);
  const ipc::ProbeRequest disk{.size_bytes = 4096, .more = true};
  const ipc::ProbeRequest request{.size_bytes = kImageBytes, .more = false};
  ASSERT_TRUE(SendPacket(ours.get(), ipc::Encode(disk), {nothing.get()}));
  ASSERT_TRUE(SendPacket(ours.get(), ipc::Encode(request), {device.get()}));
  const auto packet = ReceivePacket(ours.get());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ASSERT_TRUE(packet.has_value()) << packet.error().message;
  const auto answer = ipc::Decode<ipc::ProbeAnswer>(packet->bytes);
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->ok);
  EXPECT_EQ(answer->filesystem, "ext4");
  EXPECT_EQ(answer->volume_label, "inside");
  EXPECT_EQ(answer->node, 1);
}

TEST_F(Probing, ProgramThatIsNeverAskedEndsWithItsConnection) {
#ifdef SEKISHO_SANITIZED
  GTEST_SKIP() << "a sanitizer's runtime cannot live in the sandbox";
#endif
  int pair[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  UniqueFd ours(pair[0]);
  UniqueFd theirs(pair[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(theirs.get(), STDIN_FILENO);
    ::execl(SEKISHO_PROBE_PROGRAM, "sekisho-probe", nullptr);
    ::_exit(127);
  }
  theirs.Reset();
  ours.Reset();
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace sekisho::probe
