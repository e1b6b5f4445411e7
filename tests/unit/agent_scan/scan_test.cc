#include "agent/scan/scan.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>

#include "agent/scan/sandbox.h"
#include "common/file.h"
#include "common/unix_socket.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEKISHO_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SEKISHO_SANITIZED 1
#endif
#endif
#ifndef SEKISHO_SANITIZED
#define SEKISHO_SANITIZED 0
#endif

namespace sekisho::scan {
namespace {

// "氏名,電話番号" and two people with 髙 and 﨑 (IBM extensions) in CP932.
constexpr std::string_view kCp932List =
    "\x8e\x81\x96\xbc,\x93\x64\x98\x62\x94\xd4\x8d\x86\r\n"
    "\xfb\xfc\x8b\xb4\x81\x40\x90\xbd,090-1234-5678\r\n"
    "\x8e\x52\xfa\xb1\x81\x40\x89\xd4\x8e\x71,080-1111-2222\r\n";

UniqueFd MemoryFile(std::string_view content) {
  UniqueFd fd(::memfd_create("content", MFD_CLOEXEC));
  EXPECT_TRUE(WriteAll(fd.get(), AsBytes(content)).has_value());
  return fd;
}

class StoppedClock final : public Clock {
 public:
  WallTime Now() const override { return {}; }
  BootTime SinceBoot() const override {
    now_ += std::chrono::seconds(20);  // each look at it takes that long
    return now_;
  }

 private:
  mutable BootTime now_{};
};

// Runs `body` in a child; its wait status.
int InChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

TEST(ScanFd, TellsWhatContentHolds) {
  const UniqueFd fd = MemoryFile(kCp932List);
  const SystemClock clock;
  const ipc::Findings f =
      ScanFd(fd.get(), static_cast<int64_t>(kCp932List.size()), {}, clock);
  EXPECT_EQ(f.encoding, "cp932");
  EXPECT_EQ(f.format, "csv");
  EXPECT_EQ(f.persons, 2);
  EXPECT_EQ(f.inspection, "full");
  EXPECT_EQ(f.file_hash.size(), 32u);
  ASSERT_EQ(f.columns.size(), 2u);
  EXPECT_EQ(f.columns[0].name, "氏名");
  ASSERT_FALSE(f.sketches.empty());
  EXPECT_EQ(f.sketches[0].kind, "row");
  EXPECT_EQ(f.sketches[0].keyed_hashes.size(), 16u);
}

TEST(ScanFd, AFileThatIsCutOffIsNotClean) {
  const UniqueFd fd = MemoryFile(kCp932List);
  const SystemClock clock;
  const ipc::Findings f =
      ScanFd(fd.get(), static_cast<int64_t>(kCp932List.size()) + 1, {}, clock);
  EXPECT_EQ(f.inspection, "partial");
  EXPECT_EQ(f.reason, "damaged");
  EXPECT_EQ(f.persons, 2);
}

TEST(ScanFd, RunsOutOfTime) {
  const UniqueFd fd = MemoryFile(std::string(3'000'000, 'a'));
  const StoppedClock clock;
  const ipc::Findings f = ScanFd(fd.get(), 3'000'000, {}, clock);
  EXPECT_EQ(f.inspection, "partial");
  EXPECT_EQ(f.reason, "timeout");
}

TEST(ScanFd, ResultOfAHugeListFitsItsPacket) {
  std::string csv =
      "会員番号,氏名,生年月日,電話番号,メールアドレス,郵便番号,個人番号\n";
  for (int i = 0; i < 20000; ++i) {
    csv += "M" + std::to_string(1'000'000 + i) + ",佐藤 健" +
           std::string(i % 2 == 0 ? "一" : "二") + ",1970/01/" +
           std::to_string(1 + i % 28) + ",090-" +
           std::to_string(1000 + i / 100) + "-" +
           std::to_string(1000 + i % 9000) + ",u" + std::to_string(i) +
           "@example.jp,100-0001,123456789018\n";
  }
  const UniqueFd fd = MemoryFile(csv);
  const SystemClock clock;
  ipc::ScanResult result;
  result.findings =
      ScanFd(fd.get(), static_cast<int64_t>(csv.size()), {}, clock);
  EXPECT_NEAR(static_cast<double>(result.findings.persons), 20000, 400);
  EXPECT_LE(ipc::Encode(result).size(), kMaxPacketBytes);
}

TEST(Sandbox, KillsWhoOpensAFile) {
  if (SEKISHO_SANITIZED) {
    GTEST_SKIP() << "sanitizers need what the sandbox refuses";
  }
  const int status = InChild([] {
    if (!EnterSandbox()) {
      return 42;
    }
    return ::open("/etc/hostname", O_RDONLY | O_CLOEXEC) >= 0 ? 43 : 44;
  });
  ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
  EXPECT_EQ(WTERMSIG(status), SIGSYS);
}

TEST(Sandbox, KillsWhoMakesASocketOrExecutableMemory) {
  if (SEKISHO_SANITIZED) {
    GTEST_SKIP() << "sanitizers need what the sandbox refuses";
  }
  const std::function<int()> kAttempts[] = {
      [] { return ::socket(AF_INET, SOCK_STREAM, 0); },
      [] { return static_cast<int>(::fork()); },
      [] { return ::kill(::getppid(), 0); },
      [] {
        return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
      }};
  for (const auto& attempt : kAttempts) {
    const int status =
        InChild([&] { return EnterSandbox() ? attempt() & 0 : 42; });
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    EXPECT_EQ(WTERMSIG(status), SIGSYS);
  }
}

Result<ipc::ScanResult> Ask(int socket, std::string_view content,
                            uint64_t transfer_id) {
  const UniqueFd fd = MemoryFile(content);
  ipc::ScanRequest request;
  request.transfer_id = transfer_id;
  request.size_bytes = static_cast<int64_t>(content.size());
  RETURN_IF_ERROR(SendPacket(socket, ipc::Encode(request), {fd.get()}));
  ASSIGN_OR_RETURN(const Packet packet, ReceivePacket(socket));
  return ipc::Decode<ipc::ScanResult>(packet.bytes);
}

// The program as systemd starts it: the connection is its standard input.
class Worker {
 public:
  Worker() {
    int pair[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    ours_.Reset(pair[0]);
    const UniqueFd theirs(pair[1]);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(theirs.get(), STDIN_FILENO);
      ::execl(SEKISHO_SCAN_PROGRAM, SEKISHO_SCAN_PROGRAM, nullptr);
      ::_exit(127);
    }
  }
  int socket() const { return ours_.get(); }
  int Wait() {
    ours_.Reset();
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return status;
  }

 private:
  UniqueFd ours_;
  pid_t pid_ = -1;
};

TEST(Worker, AnswersManyRequestsFromInsideTheSandbox) {
  if (SEKISHO_SANITIZED) {
    GTEST_SKIP() << "sanitizers need what the sandbox refuses";
  }
  Worker worker;
  for (uint64_t i = 1; i <= 20; ++i) {
    const auto result = Ask(worker.socket(), kCp932List, i);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(result->transfer_id, i);
    EXPECT_EQ(result->findings.persons, 2);
    EXPECT_EQ(result->findings.encoding, "cp932");
  }
  const std::string big(8'000'000, 'x');
  const auto result = Ask(worker.socket(), big, 21);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->findings.bytes, 8'000'000);
  EXPECT_EQ(worker.Wait(), 0);
}

// What a format's library does behind its interface (locales, threads, files)
// shows only here: the sandbox kills the worker for it.
TEST(Worker, OpensEveryFormatInsideTheSandbox) {
  if (SEKISHO_SANITIZED) {
    GTEST_SKIP() << "sanitizers need what the sandbox refuses";
  }
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(SEKISHO_FORMATS_DIR)) {
    Worker worker;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(in), {}};
    const auto result = Ask(worker.socket(), content, 1);
    ASSERT_TRUE(result.has_value()) << entry.path();
    EXPECT_EQ(result->findings.inspection, "full") << entry.path();
    EXPECT_NEAR(static_cast<double>(result->findings.persons), 1500, 5)
        << entry.path();
    EXPECT_EQ(result->findings.file_hash.size(), 32u) << entry.path();
    EXPECT_EQ(worker.Wait(), 0) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 30);
}

TEST(Worker, OpensArchivesInsideTheSandbox) {
  if (SEKISHO_SANITIZED) {
    GTEST_SKIP() << "sanitizers need what the sandbox refuses";
  }
  struct Packed {
    const char* format;
    const char* filter;
  };
  for (const Packed& packed :
       {Packed{"7zip", nullptr}, Packed{"iso9660", nullptr},
        Packed{"pax", "zstd"}, Packed{"cpio", "lz4"}, Packed{"zip", "lzip"}}) {
    std::string archive(size_t{1} << 20, '\0');
    size_t used = 0;
    const std::unique_ptr<::archive, decltype(&::archive_write_free)> writer(
        ::archive_write_new(), &::archive_write_free);
    ASSERT_EQ(::archive_write_set_format_by_name(writer.get(), packed.format),
              ARCHIVE_OK);
    if (packed.filter != nullptr) {
      ASSERT_EQ(::archive_write_add_filter_by_name(writer.get(), packed.filter),
                ARCHIVE_OK);
    }
    ASSERT_EQ(::archive_write_open_memory(writer.get(), archive.data(),
                                          archive.size(), &used),
              ARCHIVE_OK);
    const std::unique_ptr<archive_entry, decltype(&::archive_entry_free)> entry(
        ::archive_entry_new(), &::archive_entry_free);
    ::archive_entry_set_pathname_utf8(entry.get(), "list.csv");
    ::archive_entry_set_size(entry.get(), kCp932List.size());
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    ::archive_entry_set_perm(entry.get(), 0644);
    ASSERT_EQ(::archive_write_header(writer.get(), entry.get()), ARCHIVE_OK);
    ASSERT_EQ(::archive_write_data(writer.get(), kCp932List.data(),
                                   kCp932List.size()),
              static_cast<la_ssize_t>(kCp932List.size()));
    ASSERT_EQ(::archive_write_close(writer.get()), ARCHIVE_OK);
    Worker worker;
    const auto result =
        Ask(worker.socket(), std::string_view(archive).substr(0, used), 1);
    ASSERT_TRUE(result.has_value()) << packed.format;
    EXPECT_EQ(result->findings.persons, 2) << packed.format;
    EXPECT_EQ(result->findings.inspection, "full") << packed.format;
    EXPECT_EQ(worker.Wait(), 0) << packed.format;
  }
}

TEST(Worker, EndsTheConnectionOnAMalformedRequest) {
  if (SEKISHO_SANITIZED) {
    GTEST_SKIP() << "sanitizers need what the sandbox refuses";
  }
  Worker worker;
  ASSERT_TRUE(SendPacket(worker.socket(), AsBytes("rubbish")).has_value());
  EXPECT_FALSE(ReceivePacket(worker.socket()).has_value());
  EXPECT_EQ(WEXITSTATUS(worker.Wait()), 1);
}

}  // namespace
}  // namespace sekisho::scan
