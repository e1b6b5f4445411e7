#include "agent/scan/sandbox.h"

#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "common/unique_fd.h"

namespace sekisho::scan {
namespace {

constexpr int kLowestPriority = 19;
// linux/ioprio.h, which Debian 12 does not install.
constexpr int kIoOfProcess = 1;
constexpr int kIoIdle = 3 << 13;

Status SetLimit(__rlimit_resource resource, rlim_t value, const char* name) {
  const rlimit limit{value, value};
  if (::setrlimit(resource, &limit) != 0) {
    return FailErrno(name);
  }
  return {};
}

Status SetLimits() {
  RETURN_IF_ERROR(SetLimit(RLIMIT_CORE, 0, "RLIMIT_CORE"));
  RETURN_IF_ERROR(SetLimit(RLIMIT_FSIZE, 0, "RLIMIT_FSIZE"));
  RETURN_IF_ERROR(SetLimit(RLIMIT_NPROC, 0, "RLIMIT_NPROC"));
  // Descriptors come with messages: at most four, beside the three standard
  // ones.
  RETURN_IF_ERROR(SetLimit(RLIMIT_NOFILE, 16, "RLIMIT_NOFILE"));
  return SetLimit(RLIMIT_AS, kMaxAddressSpaceBytes, "RLIMIT_AS");
}

// No rule is added: no path may be read, written, executed or listed.
Status RestrictPaths() {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0,
                             LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 0) {
    return errno == ENOSYS || errno == EOPNOTSUPP ? Status{}
                                                  : FailErrno("landlock");
  }
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs =
      LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
      LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
      LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
      LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
      LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
      LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
      LANDLOCK_ACCESS_FS_MAKE_SYM;
  const UniqueFd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes,
                                 sizeof attributes.handled_access_fs, 0)));
  if (!ruleset) {
    return FailErrno("landlock_create_ruleset");
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return FailErrno("landlock_restrict_self");
  }
  return {};
}

Status Allow(scmp_filter_ctx filter, int number) {
  if (const int e = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
      e < 0) {
    return FailErrno("seccomp rule", -e);
  }
  return {};
}

Status RestrictSyscalls() {
  using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;
  const Filter filter(::seccomp_init(SCMP_ACT_KILL_PROCESS), &seccomp_release);
  if (!filter) {
    return Fail(Code::kInternal, "seccomp_init");
  }
  // Messages in and out, the content by pread, memory, time, leaving.
  constexpr std::array kAllowed = {SCMP_SYS(recvmsg),
                                   SCMP_SYS(sendmsg),
                                   SCMP_SYS(pread64),
                                   SCMP_SYS(close),
                                   SCMP_SYS(brk),
                                   SCMP_SYS(munmap),
                                   SCMP_SYS(mremap),
                                   SCMP_SYS(madvise),
                                   SCMP_SYS(clock_gettime),
                                   SCMP_SYS(clock_nanosleep),
                                   SCMP_SYS(futex),
                                   SCMP_SYS(getrandom),
                                   SCMP_SYS(getpid),  // OpenSSL, after forks
                                   SCMP_SYS(setitimer),
                                   SCMP_SYS(rt_sigreturn),
                                   SCMP_SYS(rt_sigprocmask),
                                   SCMP_SYS(restart_syscall),
                                   SCMP_SYS(exit),
                                   SCMP_SYS(exit_group)};
  for (int number : kAllowed) {
    RETURN_IF_ERROR(Allow(filter.get(), number));
  }
  // Anonymous memory only, and never executable.
  const std::array<scmp_arg_cmp, 2> anonymous = {
      scmp_arg_cmp{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0},
      scmp_arg_cmp{3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS}};
  int e = ::seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(mmap),
                                   anonymous.size(), anonymous.data());
  // Down to the lowest priority, its own, and nothing else.
  const std::array<scmp_arg_cmp, 3> nice = {
      scmp_arg_cmp{0, SCMP_CMP_EQ, PRIO_PROCESS, 0},
      scmp_arg_cmp{1, SCMP_CMP_EQ, 0, 0},
      scmp_arg_cmp{2, SCMP_CMP_EQ, kLowestPriority, 0}};
  e = e < 0 ? e
            : ::seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW,
                                       SCMP_SYS(setpriority), nice.size(),
                                       nice.data());
  const std::array<scmp_arg_cmp, 3> idle = {
      scmp_arg_cmp{0, SCMP_CMP_EQ, kIoOfProcess, 0},
      scmp_arg_cmp{1, SCMP_CMP_EQ, 0, 0},
      scmp_arg_cmp{2, SCMP_CMP_EQ, kIoIdle, 0}};
  e = e < 0 ? e
            : ::seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW,
                                       SCMP_SYS(ioprio_set), idle.size(),
                                       idle.data());
  // A line to the journal when something is wrong.
  const scmp_arg_cmp to_stderr{0, SCMP_CMP_EQ, STDERR_FILENO, 0};
  e = e < 0 ? e
            : ::seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW,
                                       SCMP_SYS(write), 1, &to_stderr);
  e = e < 0 ? e : ::seccomp_load(filter.get());
  if (e < 0) {
    return FailErrno("seccomp", -e);
  }
  return {};
}

}  // namespace

Status GoToTheBackground() {
  if (::setpriority(PRIO_PROCESS, 0, kLowestPriority) != 0) {
    return FailErrno("setpriority");
  }
  if (::syscall(SYS_ioprio_set, kIoOfProcess, 0, kIoIdle) != 0) {
    return FailErrno("ioprio_set");
  }
  return {};
}

Status EnterSandbox() {
  if (::close_range(3, ~0U, 0) != 0) {
    return FailErrno("close_range");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return FailErrno("prctl");
  }
  RETURN_IF_ERROR(SetLimits());
  RETURN_IF_ERROR(RestrictPaths());
  return RestrictSyscalls();
}

}  // namespace sekisho::scan
