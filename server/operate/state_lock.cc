#include "server/operate/state_lock.h"

#include <sys/file.h>
#include <unistd.h>

#include "common/file.h"
#include "common/text.h"

namespace sekisho::operate {
namespace {

constexpr size_t kMaxPidBytes = 32;

std::string PathOf(const std::string& state_dir) {
  return state_dir + "/server/server.lock";
}

}  // namespace

Result<StateLock> StateLock::Take(const std::string& state_dir) {
  const std::string path = PathOf(state_dir);
  ASSIGN_OR_RETURN(UniqueFd fd, OpenAt(AT_FDCWD, path, O_RDWR | O_CREAT, 0600));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return FailErrno("lock " + path);
    // Who it is stands in it, for people; the lock is what counts.
    const auto holder = ReadAll(fd.get(), kMaxPidBytes);
    return Fail(Code::kAlreadyExists,
                state_dir + " is in use by another sekisho-server" +
                    (holder && !holder->empty()
                         ? " (process " + EscapeUntrusted(Trim(*holder)) + ")"
                         : "") +
                    "; two servers on one state would break its log");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0) return FailErrno("write " + path);
  RETURN_IF_ERROR(WriteAll(fd.get(), AsBytes(pid)));
  return StateLock(std::move(fd));
}

bool IsLocked(const std::string& state_dir) {
  const auto fd = OpenAt(AT_FDCWD, PathOf(state_dir), O_RDONLY);
  return fd && ::flock(fd->get(), LOCK_SH | LOCK_NB) != 0 &&
         errno == EWOULDBLOCK;
}

}  // namespace sekisho::operate
