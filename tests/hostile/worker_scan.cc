// Asks the scan worker that is shipped, in its sandbox, about the files named
// on standard input, one worker a file, and writes what came and what it cost:
// one JSON object a line.
//
//   worker_scan WORKER [TIMEOUT_MS]
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "agent/ipc/codec.h"
#include "agent/ipc/messages.h"
#include "common/file.h"
#include "common/text.h"
#include "common/unix_socket.h"

namespace {

using namespace sekisho;

struct Cost {
  int status = 0;
  double cpu_seconds = 0;
  long peak_kib = 0;
};

// The worker with one end of a socket as its standard input.
Result<pid_t> Start(const std::string& worker, UniqueFd* ours) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return FailErrno("socketpair");
  }
  *ours = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  // vfork: the peak a child starts with would be ours.
  const pid_t child = ::vfork();
  if (child < 0) {
    return FailErrno("vfork");
  }
  if (child == 0) {
    if (::dup2(theirs.get(), STDIN_FILENO) >= 0) {
      ::execl(worker.c_str(), worker.c_str(), nullptr);
    }
    ::_exit(127);
  }
  return child;
}

Cost WaitFor(pid_t child) {
  Cost cost;
  rusage usage{};
  ::wait4(child, &cost.status, 0, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  cost.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  cost.peak_kib = usage.ru_maxrss;
  return cost;
}

Result<ipc::Findings> Ask(int socket, const std::string& path,
                          int64_t timeout_ms) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenAt(AT_FDCWD, path, O_RDONLY));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) {
    return FailErrno(path);
  }
  ipc::ScanRequest request;
  request.size_bytes = info.st_size;
  request.timeout_ms = timeout_ms;
  RETURN_IF_ERROR(SendPacket(socket, ipc::Encode(request), {fd.get()}));
  ASSIGN_OR_RETURN(const Packet packet, ReceivePacket(socket));
  ASSIGN_OR_RETURN(ipc::ScanResult result,
                   ipc::Decode<ipc::ScanResult>(packet.bytes));
  return std::move(result.findings);
}

bool Judge(const std::string& worker, const std::string& path,
           int64_t timeout_ms) {
  const auto start = std::chrono::steady_clock::now();
  UniqueFd socket;
  const auto child = Start(worker, &socket);
  if (!child) {
    fmt::print(stderr, "{}\n", child.error().message);
    return false;
  }
  const auto findings = Ask(socket.get(), path, timeout_ms);
  socket = {};
  const Cost cost = WaitFor(*child);
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  const ipc::Findings f = findings ? *findings : ipc::Findings{};
  fmt::print(
      R"({{"path":{},"answered":{},"status":{},"format":{},"inspection":{},)"
      R"("reason":{},"persons":{},"cpu":{:.3f},"wall":{:.3f},"peak_kib":{}}})"
      "\n",
      JsonQuote(path), findings.has_value(), cost.status, JsonQuote(f.format),
      JsonQuote(f.inspection), JsonQuote(f.reason), f.persons, cost.cpu_seconds,
      wall, cost.peak_kib);
  std::fflush(stdout);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    fmt::print(stderr, "usage: worker_scan WORKER [TIMEOUT_MS]\n");
    return 2;
  }
  const int64_t timeout_ms = argc == 3 ? std::atoll(argv[2]) : 30'000;
  for (std::string path; std::getline(std::cin, path);) {
    if (!Judge(argv[1], path, timeout_ms)) {
      return 3;
    }
  }
  return 0;
}
