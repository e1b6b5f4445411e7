// A gate without a kernel, a sekishod or a scan worker: the filesystem runs on
// a temporary directory and whoever would be asked answers from memory.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "agent/gate/filesystem.h"
#include "common/file.h"

namespace sekisho::gate {

inline std::string TemporaryDirectory() {
  std::string pattern = "/tmp/gate-unit-XXXXXX";
  CHECK(::mkdtemp(pattern.data()) != nullptr);
  return pattern;
}

// SECRET in the content is one person.
class FakeScanner final : public Scanner {
 public:
  ipc::Findings Scan(int fd, int64_t size_bytes, const std::string&,
                     const SoFar& so_far) override {
    if (so_far && says_so_far) so_far(size_bytes / 2);
    ipc::Findings findings;
    findings.bytes = size_bytes;
    std::string content(static_cast<size_t>(size_bytes), '\0');
    const ssize_t n = ::pread(fd, content.data(), content.size(), 0);
    findings.inspection = n == size_bytes ? inspection : "none";
    findings.persons = content.find("SECRET") != std::string::npos ? 1 : 0;
    if (during) during();
    return findings;
  }
  ipc::Findings ScanName(const std::string& name) override {
    ipc::Findings findings;
    findings.format = "name";
    findings.inspection = "full";
    findings.persons = name.find("SECRET") != std::string::npos ? 1 : 0;
    return findings;
  }
  std::unique_ptr<ContentStream> Begin(int fd, int64_t size_bytes,
                                       const std::string& name) override;
  std::string inspection = "full";
  std::function<void()> during;
  bool streams = false;
  bool says_so_far = false;
  ipc::Incremental incremental = ipc::Incremental::kYes;
  std::atomic<bool> crashed{false};
};

// All but the last 64 KiB are judged for good; SECRET is a person each time.
class FakeStream final : public ContentStream {
 public:
  FakeStream(FakeScanner* scanner, int fd, int64_t size_bytes)
      : scanner_(scanner) {
    Take(fd, size_bytes);
  }
  std::optional<ipc::ScanProgress> Feed(int fd, int64_t size_bytes,
                                        Want) override {
    if (scanner_->crashed) return std::nullopt;
    Take(fd, size_bytes);
    ipc::ScanProgress progress;
    progress.incremental = scanner_->incremental;
    progress.judged_bytes = std::max<int64_t>(0, size_bytes - (1 << 16));
    progress.judged.persons =
        Persons(static_cast<size_t>(progress.judged_bytes));
    progress.findings = Findings();
    return progress;
  }
  std::optional<ipc::Findings> Finish(int fd, int64_t size_bytes) override {
    if (scanner_->incremental == ipc::Incremental::kNot) return std::nullopt;
    if (scanner_->crashed) {
      ipc::Findings lost;
      lost.reason = "crash";
      return lost;
    }
    Take(fd, size_bytes);
    if (scanner_->during) scanner_->during();
    return Findings();
  }

 private:
  ipc::Findings Findings() const {
    ipc::Findings findings;
    findings.inspection = scanner_->inspection;
    findings.bytes = static_cast<int64_t>(content_.size());
    findings.persons = Persons(content_.size());
    return findings;
  }
  // Only what is new: what came before may be discarded by now.
  void Take(int fd, int64_t size_bytes) {
    if (fd >= 0) fd_.Reset(::dup(fd));
    const size_t before = content_.size();
    content_.resize(static_cast<size_t>(size_bytes));
    const size_t more = content_.size() - before;
    CHECK(::pread(fd_.get(), content_.data() + before, more,
                  static_cast<off_t>(before)) == static_cast<ssize_t>(more));
  }
  int64_t Persons(size_t end) const {
    int64_t persons = 0;
    for (size_t at = content_.find("SECRET"); at < end;
         at = content_.find("SECRET", at + 1)) {
      ++persons;
    }
    return persons;
  }
  FakeScanner* scanner_;
  UniqueFd fd_;
  std::string content_;
};

inline std::unique_ptr<ContentStream> FakeScanner::Begin(int fd,
                                                         int64_t size_bytes,
                                                         const std::string&) {
  if (!streams) return nullptr;
  return std::make_unique<FakeStream>(this, fd, size_bytes);
}

class FakeCore final : public Core {
 public:
  struct Question {
    std::string path;
    std::string operation;
    ipc::Findings findings;
    Released released;
  };
  std::optional<Who> AskWho(const Requester& requester) override {
    if (away) return std::nullopt;
    return Who{1, requester.pid};
  }
  Judgement Judge(const Who&, const std::string& path,
                  const std::string& operation, const ipc::Findings& findings,
                  const Released& released, Deadline) override {
    const std::lock_guard lock(mutex);
    questions.push_back({path, operation, findings, released});
    Judgement judgement;
    judgement.question_id = questions.size();
    judgement.answered = !away;
    judgement.allowed =
        !away && findings.persons == 0 && findings.inspection == "full";
    return judgement;
  }
  Judgement AskRelease(const Who&, ipc::ReleaseQuestion ask,
                       Deadline) override {
    const std::lock_guard lock(mutex);
    releases.push_back(ask);
    Judgement judgement;
    judgement.answered = !away;
    judgement.allowed = !away && ask.findings.persons <= most_released &&
                        ask.findings.inspection == "full";
    return judgement;
  }
  void TellChecking(const Who& who, ipc::Checking told) override {
    const std::lock_guard lock(mutex);
    told.who = who.id;
    checking.push_back(told);
  }
  void TellFile(ipc::ToldFile told) override {
    const std::lock_guard lock(mutex);
    files.push_back(std::move(told));
  }
  void TellEnded(const Who&, ipc::StreamEnded told) override {
    const std::lock_guard lock(mutex);
    ended.push_back(told);
  }
  void TellFailed(uint64_t, const std::string& path,
                  const std::string& error) override {
    const std::lock_guard lock(mutex);
    failures.push_back(path + ": " + error);
  }

  std::mutex mutex;
  std::atomic<bool> away{false};
  int64_t most_released = 20;
  std::vector<ipc::ReleaseQuestion> releases;
  std::vector<ipc::StreamEnded> ended;
  std::vector<Question> questions;
  std::vector<ipc::Checking> checking;
  std::vector<ipc::ToldFile> files;
  std::vector<std::string> failures;
};

class FakeChannel final : public FuseChannel {
 public:
  struct Sent {
    uint64_t unique = 0;
    int error = 0;
    Bytes bytes;
  };
  ErrnoOr<size_t> Read(std::span<std::byte>) override { return Errno(ENODEV); }
  void Reply(uint64_t unique, ByteSpan first, ByteSpan second) override {
    const std::lock_guard lock(mutex);
    Sent reply{unique, 0, Bytes(first.begin(), first.end())};
    reply.bytes.insert(reply.bytes.end(), second.begin(), second.end());
    sent.push_back(std::move(reply));
  }
  void ReplyError(uint64_t unique, int error_number) override {
    const std::lock_guard lock(mutex);
    sent.push_back({unique, error_number, {}});
  }
  void ForgetPages(uint64_t) override {}
  void ForgetName(uint64_t, std::string_view name) override {
    const std::lock_guard lock(mutex);
    forgotten.emplace_back(name);
  }

  std::mutex mutex;
  std::vector<Sent> sent;
  std::vector<std::string> forgotten;
};

// Everything around one Filesystem, in the order it has to live.
struct Gate {
  explicit Gate(Access access = Access::kInspect,
                StagingLimits limits = {int64_t{16} << 20, int64_t{8} << 20})
      : root(TemporaryDirectory()), staging_directory(TemporaryDirectory()) {
    auto root_fd = OpenAt(AT_FDCWD, root, O_PATH | O_DIRECTORY);
    CHECK(root_fd.has_value());
    auto opened = Medium::Open(*std::move(root_fd));
    CHECK(opened.has_value());
    medium = *std::move(opened);
    auto area = StagingArea::Open(staging_directory, limits);
    CHECK(area.has_value());
    staging = *std::move(area);
    filesystem = std::make_unique<Filesystem>(
        Filesystem::Settings{access, 1000, 1000},
        Filesystem::Parts{medium.get(), staging.get(), &scanner, &core, &pool,
                          &channel});
  }
  ~Gate() {
    pool.Drain();
    filesystem.reset();
    std::filesystem::remove_all(root);
    std::filesystem::remove_all(staging_directory);
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  Requester requester() const {
    return {42, 1000, std::chrono::steady_clock::now() + kCoreWait};
  }
  uint64_t Create(const std::string& name) {
    auto made =
        filesystem->Create(FUSE_ROOT_ID, name, O_RDWR, 0644, requester());
    CHECK(made.has_value());
    return made->fh;
  }
  int Write(uint64_t fh, std::string_view text, int64_t offset = 0) {
    const auto n = filesystem->Write(fh, offset, AsBytes(text));
    return n ? 0 : n.error();
  }
  int Flush(uint64_t fh) {
    int result = -1;
    filesystem->Flush(fh, [&](int error_number) { result = error_number; });
    return result;
  }
  std::string OnMedium(const std::string& name) const {
    auto content = ReadFileAt(AT_FDCWD, root + "/" + name, 1 << 20);
    return content ? *content : "(" + content.error().message + ")";
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(root)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  std::string root;
  std::string staging_directory;
  FakeScanner scanner;
  FakeCore core;
  FakeChannel channel;
  WorkerPool pool{2};
  std::unique_ptr<Medium> medium;
  std::unique_ptr<StagingArea> staging;
  std::unique_ptr<Filesystem> filesystem;
};

}  // namespace sekisho::gate
