#include "agent/past_logs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "agent/programs.h"
#include "common/file.h"

namespace sekisho::agent {
namespace {

// Some forty thousand records.
constexpr int64_t kMaxWtmpBytes = int64_t{16} << 20;
constexpr int64_t kRecord = past::kRecordBytes;

Status ReadJournal(const std::string& program, WallTime before,
                   past::Past* past) {
  if (::access(program.c_str(), X_OK) != 0) return {};
  past::AttachmentFilter filter;
  ASSIGN_OR_RETURN(
      const bool whole,
      ReadProgram(
          {program, "--no-pager", "--quiet", "--reverse", "--output=json",
           "--output-fields=MESSAGE", "_TRANSPORT=kernel"},
          {.line_bytes = past::kMaxLineBytes}, [&](std::string_view line) {
            const auto message = past::ParseJournalLine(line);
            if (message && message->time < before) {
              filter.Take(*message, past);
            }
          }));
  past->cut = past->cut || !whole;
  return {};
}

Status ReadWtmp(const std::string& path, WallTime before, past::Past* past) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return {};
  if (!file) return FailErrno("open " + path);
  struct stat about{};
  if (::fstat(file.get(), &about) != 0) return FailErrno("stat " + path);
  // A torn record at the end is none.
  const int64_t end = about.st_size / kRecord * kRecord;
  const int64_t begin =
      std::max<int64_t>(0, end - kMaxWtmpBytes / kRecord * kRecord);
  past->cut = past->cut || begin > 0;
  Bytes records(static_cast<size_t>(end - begin));
  size_t done = 0;
  while (done < records.size()) {
    const ssize_t n =
        ::pread(file.get(), records.data() + done, records.size() - done,
                begin + static_cast<int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("read " + path);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  records.resize(done / past::kRecordBytes * past::kRecordBytes);
  past::TakeLogins(records, before, past);
  return {};
}

}  // namespace

PastRead ReadPast(const PastLogs& logs, WallTime before) {
  PastRead read;
  const auto note = [&](const Status& status) {
    if (status) return;
    read.problem += (read.problem.empty() ? "" : "; ") + status.error().message;
  };
  note(ReadJournal(logs.journalctl, before, &read.past));
  note(ReadWtmp(logs.wtmp, before, &read.past));
  return read;
}

}  // namespace sekisho::agent
