#include "cli/scan_files.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

namespace sekisho::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxAhead = 64;  // results that wait, for each thread
constexpr std::chrono::milliseconds kTick{200};

// A folder that cannot be listed is told, not passed over.
void ListFolder(const std::string& top, FileList* out) {
  std::vector<std::string> found;
  std::vector<fs::path> folders{top};
  while (!folders.empty()) {
    const fs::path folder = std::move(folders.back());
    folders.pop_back();
    std::error_code error;
    fs::directory_iterator it(folder, error);
    for (const fs::directory_iterator end; !error && it != end;
         it.increment(error)) {
      std::error_code ignored;
      const fs::file_type type = it->symlink_status(ignored).type();
      if (type == fs::file_type::regular) {
        found.push_back(it->path().string());
        const auto size = it->file_size(ignored);
        out->bytes += ignored ? 0 : static_cast<int64_t>(size);
      } else if (type == fs::file_type::directory) {
        folders.push_back(it->path());
      }
    }
    if (error) {
      out->problems.push_back(folder.string() + ": " + error.message());
    }
  }
  std::sort(found.begin(), found.end());
  out->paths.insert(out->paths.end(), found.begin(), found.end());
}

// What the threads share. The caller takes the results.
class Board {
 public:
  Board(const std::vector<std::string>& paths, const FileJudge& judge,
        size_t ahead)
      : paths_(paths), judge_(judge), ahead_(ahead) {}

  void Work() {
    for (;;) {
      size_t mine = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] {
          return next_ >= paths_.size() || next_ < taken_ + ahead_;
        });
        if (next_ >= paths_.size()) {
          return;
        }
        mine = next_++;
      }
      auto judged =
          judge_.Judge(paths_[mine], [this](int64_t bytes) { read_ += bytes; });
      const std::lock_guard lock(mutex_);
      done_.emplace(mine, std::move(judged));
      changed_.notify_all();
    }
  }

  Result<JudgedFile> Take(size_t index, const FileScan::Events& events) {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kTick,
                              [&] { return done_.contains(index); })) {
      lock.unlock();
      events.waiting(read_);
      lock.lock();
    }
    auto node = done_.extract(index);
    taken_ = index + 1;
    changed_.notify_all();
    return std::move(node.mapped());
  }

  int64_t read() const { return read_; }

 private:
  const std::vector<std::string>& paths_;
  const FileJudge& judge_;
  const size_t ahead_;
  std::atomic<int64_t> read_{0};

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  size_t next_ = 0;
  size_t taken_ = 0;
  std::map<size_t, Result<JudgedFile>> done_;
};

}  // namespace

FileList ListFiles(const std::vector<std::string>& paths) {
  FileList list;
  for (const std::string& path : paths) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      ListFolder(path, &list);
      continue;
    }
    const auto size = fs::file_size(path, error);
    list.bytes += error ? 0 : static_cast<int64_t>(size);
    list.paths.push_back(path);
  }
  return list;
}

void FileScan::Run(const std::vector<std::string>& paths,
                   const FileJudge& judge, int threads, const Events& events) {
  const size_t count = std::clamp<size_t>(static_cast<size_t>(threads), 1,
                                          std::max<size_t>(paths.size(), 1));
  Board board(paths, judge, kMaxAhead * count);
  std::vector<std::jthread> workers;
  for (size_t i = 0; i < count; ++i) {
    workers.emplace_back([&board] { board.Work(); });
  }
  for (size_t i = 0; i < paths.size(); ++i) {
    auto judged = board.Take(i, events);
    events.waiting(board.read());
    events.judged(std::move(judged));
  }
}

}  // namespace sekisho::cli
