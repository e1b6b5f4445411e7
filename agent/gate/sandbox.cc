#include "agent/gate/sandbox.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <memory>

namespace sekisho::gate {
namespace {

constexpr rlim_t kMaxFds = 8192;
constexpr rlim_t kNoCore = 0;

struct FilterDeleter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterDeleter>;

constexpr int kAllowed[] = {
    // data
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),  // to give back staged room
    SCMP_SYS(fadvise64),  // to read back from the medium
    SCMP_SYS(fsync),
    SCMP_SYS(sync_file_range),  // what is released goes out at once
    SCMP_SYS(syncfs),
    SCMP_SYS(close),
    SCMP_SYS(fcntl),
    SCMP_SYS(memfd_create),
    // names; every path is relative to a descriptor the gate holds
    SCMP_SYS(openat),
    SCMP_SYS(openat2),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstat),
    SCMP_SYS(fstatfs),
    SCMP_SYS(getdents64),
    SCMP_SYS(mkdirat),
    SCMP_SYS(unlinkat),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(symlinkat),
    SCMP_SYS(readlinkat),
    SCMP_SYS(fchmod),
    SCMP_SYS(utimensat),
    SCMP_SYS(fgetxattr),
    SCMP_SYS(flistxattr),
    // sockets of the agent
    SCMP_SYS(connect),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(getpeername),  // who listens there
    SCMP_SYS(getsockopt),
    SCMP_SYS(shutdown),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(geteuid),
    // threads, memory, time
    SCMP_SYS(futex),
    SCMP_SYS(munmap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(mremap),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(tgkill),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getrandom),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
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

Status AllowIf(const Filter& filter, int number, const scmp_arg_cmp& compare) {
  return Check(
      seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, number, 1, &compare),
      "seccomp rule with argument");
}

Status LoadFilter() {
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return Fail(Code::kInternal, "seccomp_init");
  for (const int number : kAllowed) {
    RETURN_IF_ERROR(
        Check(seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0),
              "seccomp rule"));
  }
  // Never executable memory.
  for (const int number : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    RETURN_IF_ERROR(
        AllowIf(filter, number, {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}));
  }
  // Threads, not processes. clone3's flags are behind a pointer; without it
  // the C library falls back to clone.
  RETURN_IF_ERROR(Check(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS),
                                         SCMP_SYS(clone3), 0),
                        "seccomp rule for clone3"));
  RETURN_IF_ERROR(AllowIf(filter, SCMP_SYS(clone),
                          {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD}));
  RETURN_IF_ERROR(
      AllowIf(filter, SCMP_SYS(socket), {0, SCMP_CMP_EQ, AF_UNIX, 0}));
  // A thread may step back, and not forward again.
  RETURN_IF_ERROR(
      AllowIf(filter, SCMP_SYS(setpriority),
              {2, SCMP_CMP_EQ, static_cast<scmp_datum_t>(kGoesLast), 0}));
  RETURN_IF_ERROR(
      AllowIf(filter, SCMP_SYS(ioprio_set), {2, SCMP_CMP_EQ, kIoprioIdle, 0}));
  return Check(seccomp_load(filter.get()), "seccomp_load");
}

}  // namespace

Status EnterSandbox() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return FailErrno("no_new_privs");
  }
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return FailErrno("dumpable");
  RETURN_IF_ERROR(Limit(RLIMIT_CORE, kNoCore));
  RETURN_IF_ERROR(Limit(RLIMIT_NOFILE, kMaxFds));
  return LoadFilter();
}

}  // namespace sekisho::gate
