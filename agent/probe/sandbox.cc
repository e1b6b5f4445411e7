#include "agent/probe/sandbox.h"

#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

#include "common/unique_fd.h"

namespace sekisho::probe {
namespace {

constexpr rlim_t kMaxMemoryBytes = rlim_t{128} << 20;
constexpr rlim_t kMaxFds = 32;  // 17 nodes and what the process came with
constexpr rlim_t kMaxProcessorSeconds = 5;

using Filter = std::unique_ptr<void, void (*)(void*)>;

constexpr int kAllowed[] = {
    SCMP_SYS(read),          SCMP_SYS(pread64),      SCMP_SYS(lseek),
    SCMP_SYS(write),         SCMP_SYS(close),        SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),    SCMP_SYS(fcntl),        SCMP_SYS(fadvise64),
    SCMP_SYS(recvmsg),       SCMP_SYS(sendmsg),      SCMP_SYS(munmap),
    SCMP_SYS(mremap),        SCMP_SYS(madvise),      SCMP_SYS(brk),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(getrandom),     SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(futex),         SCMP_SYS(getpid),       SCMP_SYS(gettid),
    SCMP_SYS(exit),          SCMP_SYS(exit_group),   SCMP_SYS(restart_syscall),
};

// Sizes of the device. Everything else, above all SG_IO, stays shut.
constexpr unsigned kAllowedIoctls[] = {
    0x80081272,  // BLKGETSIZE64
    0x1260,      // BLKGETSIZE
    0x1268,      // BLKSSZGET
    0x127b,      // BLKPBSZGET
};

Status Check(int rc, const char* what) {
  if (rc == 0) return {};
  return FailErrno(what, -rc);
}

Status Limit(__rlimit_resource resource, rlim_t value) {
  const rlimit limit{value, value};
  if (::setrlimit(resource, &limit) != 0) return FailErrno("setrlimit");
  return {};
}

// seccomp already leaves no call that takes a path, so an old kernel, or one
// booted without Landlock, is no reason to stop.
Status ShutPaths() {
  landlock_ruleset_attr attr{};
  attr.handled_access_fs = (uint64_t{LANDLOCK_ACCESS_FS_MAKE_SYM} << 1) - 1;
  const long fd = ::syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
  if (fd < 0) {
    if (errno == ENOSYS || errno == EOPNOTSUPP) return {};
    return FailErrno("landlock");
  }
  const UniqueFd ruleset(static_cast<int>(fd));
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return FailErrno("landlock");
  }
  return {};
}

Status AllowIf(const Filter& filter, int number, const scmp_arg_cmp& compare) {
  return Check(
      seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, number, 1, &compare),
      "seccomp rule with argument");
}

Result<Filter> MakeFilter() {
  Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release);
  if (!filter) return Fail(Code::kInternal, "seccomp_init");
  for (const int number : kAllowed) {
    RETURN_IF_ERROR(
        Check(seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0),
              "seccomp rule"));
  }
  for (const unsigned request : kAllowedIoctls) {
    RETURN_IF_ERROR(
        AllowIf(filter, SCMP_SYS(ioctl), {1, SCMP_CMP_EQ, request, 0}));
  }
  for (const int number : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    RETURN_IF_ERROR(
        AllowIf(filter, number, {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}));
  }
  return filter;
}

}  // namespace

Result<Sandbox> Sandbox::Prepare() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return FailErrno("no_new_privs");
  }
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return FailErrno("dumpable");
  RETURN_IF_ERROR(Limit(RLIMIT_CORE, 0));
  RETURN_IF_ERROR(Limit(RLIMIT_NOFILE, kMaxFds));
  RETURN_IF_ERROR(Limit(RLIMIT_AS, kMaxMemoryBytes));
  RETURN_IF_ERROR(Limit(RLIMIT_CPU, kMaxProcessorSeconds));
  RETURN_IF_ERROR(ShutPaths());
  ASSIGN_OR_RETURN(Filter filter, MakeFilter());
  return Sandbox(std::move(filter));
}

Status Sandbox::Enter(unsigned seconds) {
  ::alarm(seconds);  // SIGALRM ends the process: no answer is an answer
  return Check(seccomp_load(filter_.get()), "seccomp_load");
}

}  // namespace sekisho::probe
