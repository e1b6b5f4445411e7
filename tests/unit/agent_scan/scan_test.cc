#include "agent/scan/scan.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>

#include "agent/scan/content_stream.h"
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

// Each look at it takes long.
class StoppedClock final : public Clock {
 public:
  explicit StoppedClock(BootTime step = std::chrono::seconds(20))
      : step_(step) {}
  WallTime Now() const override { return {}; }
  BootTime SinceBoot() const override {
    now_ += step_;
    return now_;
  }

 private:
  const BootTime step_;
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

std::string Lines(size_t size, std::string_view line = "nothing here\n") {
  std::string text;
  while (text.size() < size) {
    text += line;
  }
  return text;
}

// Fed in pieces of `piece`; the last progress before the end.
struct Streamed {
  ipc::ScanProgress progress;
  std::optional<ipc::Findings> findings;
};
Streamed Stream(std::string_view content, size_t piece) {
  const UniqueFd fd = MemoryFile(content);
  ContentStream stream({});
  Streamed out;
  int64_t judged = 0;
  for (size_t at = 0; at < content.size(); at += piece) {
    stream.Feed(fd.get(),
                static_cast<int64_t>(std::min(at + piece, content.size())));
    out.progress = stream.Progress(false);
    EXPECT_GE(out.progress.judged_bytes, judged);
    judged = out.progress.judged_bytes;
  }
  out.findings = stream.Finish();
  return out;
}

TEST(ContentStream, EndsAsTheWholeDoes) {
  const std::string list = "氏名,電話番号\n" +
                           Lines(700'000, "佐藤 健一,090-1234-5678\n") +
                           Lines(700'000, "鈴木 花子,080-1111-2222\n");
  for (const std::string& content : {Lines(3'000'000), Lines(1'000'000) + list,
                                     Lines(100'000) + kCp932List.data(),
                                     std::string("\x7f"
                                                 "ELF\0\1",
                                                 6) +
                                         std::string(2'000'000, '\0')}) {
    const UniqueFd fd = MemoryFile(content);
    const SystemClock clock;
    const ipc::Findings whole =
        ScanFd(fd.get(), static_cast<int64_t>(content.size()), {}, clock);
    for (const size_t piece : {size_t{70'001}, size_t{1} << 20}) {
      const auto streamed = Stream(content, piece).findings;
      ASSERT_TRUE(streamed.has_value());
      EXPECT_EQ(ipc::Encode(ipc::ScanResult{1, *streamed}),
                ipc::Encode(ipc::ScanResult{1, whole}));
    }
  }
}

TEST(ContentStream, ReleasesBehindWhatItHasLookedAt) {
  const Streamed plain = Stream(Lines(3'000'000), 1 << 20);
  EXPECT_EQ(plain.progress.incremental, ipc::Incremental::kYes);
  EXPECT_GT(plain.progress.judged_bytes, 2'000'000);
  EXPECT_LT(plain.progress.judged_bytes, 3'000'000 - 256 * 1024);
  EXPECT_EQ(plain.progress.findings.inspection, "full");
  EXPECT_EQ(plain.progress.judged.persons, 0);

  // The people in the block after it are in the findings, not in `judged`.
  const std::string before = Lines(1'200'000);
  const Streamed people =
      Stream(before + "氏名,電話番号\n" +
                 Lines(40'000, "佐藤 健一,090-1234-5678\n") + Lines(280'000),
             1 << 14);
  EXPECT_LE(people.progress.judged_bytes, static_cast<int64_t>(before.size()));
  EXPECT_EQ(people.progress.judged.persons, 0);
  EXPECT_EQ(people.progress.findings.persons, 1);
}

TEST(ContentStream, NamesThePeopleOfWhatMayBeReleased) {
  const Streamed s = Stream(
      "氏名,電話番号\n佐藤 健一,090-1234-5678\n"
      "鈴木 花子,080-1111-2222\n" +
          Lines(2'000'000),
      1 << 18);
  EXPECT_GT(s.progress.judged_bytes, 1'000'000);
  EXPECT_EQ(s.progress.judged.persons, 2);
  EXPECT_EQ(s.progress.judged.keyed_hashes.size(), 16u);
}

TEST(ContentStream, WhatIsJudgedWholeOnlyIsNotIncremental) {
  for (const std::string& content :
       {"[" + Lines(200'000, "{\"a\": 1, \"b\": \"c\"},\n"),
        "<html><body>" + Lines(200'000, "<p>text</p>\n"),
        "%PDF-1.4\n" + Lines(200'000), "PK\3\4" + Lines(200'000),
        Lines(200'000, "INSERT INTO t VALUES (1, 'a');\n"),
        Lines(200'000, "5pel5pys6Kqe44Gu44OG44Kt44K544OI\n"),
        "SQLite format 3" + std::string(200'000, '\0')}) {
    const Streamed s = Stream(content, 1 << 16);
    EXPECT_EQ(s.progress.incremental, ipc::Incremental::kNot)
        << content.substr(0, 12);
    EXPECT_EQ(s.progress.judged_bytes, 0);
    EXPECT_FALSE(s.findings.has_value());
  }
}

TEST(ContentStream, StandsStillWhereTextIsNoLongerPlain) {
  const std::string before = Lines(1'000'000);
  for (const std::string& bytes :
       {std::string("\0\1\2", 3), std::string("\x1b$B%F%9%H\x1b(B"),
        std::string("\xff\xfe\xfd\xfc"), std::string("\x05")}) {
    const Streamed s =
        Stream(before + bytes + "\n" + Lines(2'000'000), 1 << 18);
    EXPECT_LE(s.progress.judged_bytes, static_cast<int64_t>(before.size()));
  }
  const Streamed wide = Stream(
      std::string("\xff\xfe", 2) + Lines(2'000'000, {"a\0\n\0", 4}), 1 << 18);
  EXPECT_EQ(wide.progress.judged_bytes, 0);
}

TEST(ContentStream, AFileThatIsCutOffIsNotClean) {
  const UniqueFd fd = MemoryFile(Lines(500'000));
  ContentStream stream({});
  stream.Feed(fd.get(), 400'000);
  stream.Feed(fd.get(), 9'000'000);
  EXPECT_EQ(stream.Progress(false).judged_bytes, 0);
  const ipc::Findings f = stream.Finish().value_or(ipc::Findings{});
  EXPECT_EQ(f.inspection, "partial");
  EXPECT_EQ(f.reason, "damaged");
}

TEST(ScanFd, FindsPeopleInTheName) {
  const UniqueFd fd = MemoryFile("nothing\n");
  const SystemClock clock;
  const auto persons = [&](const std::string& name) {
    return ScanFd(fd.get(), 8, {.name = name}, clock).persons;
  };
  EXPECT_EQ(persons("山田太郎_090-1234-5678.txt"), 1);
  EXPECT_EQ(persons("山田太郎 090-1234-5678"), 1);
  EXPECT_EQ(persons("個人番号_123456789018.tar.gz"), 1);
  EXPECT_EQ(persons("山田太郎.txt"), 0);
  EXPECT_EQ(persons("IMG_20240102_123456.jpg"), 0);
  EXPECT_EQ(persons("2024年度_売上報告_第3版.xlsx"), 0);
  EXPECT_EQ(persons("\xff\xfe\n\r\x01"), 0);
  ContentStream stream({.name = "山田太郎_090-1234-5678.txt"});
  stream.Feed(fd.get(), 8);
  EXPECT_EQ(stream.Finish().value_or(ipc::Findings{}).persons, 1);
}

TEST(ScanFd, TellsNowAndThenHowFarItIs) {
  std::string list = "name,phone\n";
  while (list.size() < 4'000'000) list += "Bob Miller,03-1234-5678\n";
  const UniqueFd fd = MemoryFile(list);
  const StoppedClock clock(std::chrono::milliseconds(100));
  std::vector<int64_t> told;
  ScanOptions options;
  options.timeout_ms = kMaxTimeoutMs;
  options.so_far = [&](int64_t bytes) { told.push_back(bytes); };
  const auto size = static_cast<int64_t>(list.size());
  ScanFd(fd.get(), size, options, clock);
  ASSERT_GT(told.size(), 2U);
  EXPECT_TRUE(std::ranges::is_sorted(told));
  EXPECT_GT(told.front(), 0);
  EXPECT_LE(told.back(), size);
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
  pid_t pid() const { return pid_; }
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

TEST(Worker, GoesToTheBackgroundFromInsideTheSandbox) {
  if (SEKISHO_SANITIZED) {
    GTEST_SKIP() << "sanitizers need what the sandbox refuses";
  }
  Worker worker;
  ASSERT_TRUE(
      SendPacket(worker.socket(), ipc::Encode(ipc::ScanInBackground{})));
  const auto result = Ask(worker.socket(), kCp932List, 1);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->findings.persons, 2);
  EXPECT_EQ(result->findings.people_sample.size(), 16U);
  EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(worker.pid())), 19);
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
