// The other ends of a gate for benchmarks: a sekishod that allows everything
// at once and, unless the real one listens there, a scan worker that reads
// every byte and finds nothing. What is left is the gate's own cost.
//
// usage: gate_peers SOCKETS_DIR FUSE_FD ROOT_FD [worker]
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "agent/ipc/messages.h"
#include "common/unix_socket.h"

namespace {

using namespace sekisho;

Result<UniqueFd> AcceptBlocking(int listener) {
  pollfd wait{listener, POLLIN, 0};
  if (::poll(&wait, 1, -1) < 0) return FailErrno("poll");
  ASSIGN_OR_RETURN(UniqueFd fd, AcceptSeqpacket(listener));
  if (::fcntl(fd.get(), F_SETFL, 0) != 0) return FailErrno("fcntl");
  return fd;
}

// What one connection asks about.
struct Scan {
  uint64_t transfer_id = 0;
  UniqueFd content;
  int64_t read_bytes = 0;
};

Status AnswerScan(int fd, Packet packet, Scan* scan,
                  std::vector<std::byte>& room) {
  int64_t size_bytes = 0;
  bool last = true;
  if (ipc::TypeOf(packet.bytes) == ipc::ScanMore::kType) {
    ASSIGN_OR_RETURN(const auto more, ipc::Decode<ipc::ScanMore>(packet.bytes));
    size_bytes = more.size_bytes;
    last = more.last;
  } else {
    ASSIGN_OR_RETURN(const auto request,
                     ipc::Decode<ipc::ScanRequest>(packet.bytes));
    scan->transfer_id = request.transfer_id;
    scan->read_bytes = 0;
    size_bytes = request.size_bytes;
    last = !request.follows;
  }
  if (!packet.fds.empty()) scan->content = std::move(packet.fds[0]);
  while (scan->read_bytes < size_bytes) {
    const ssize_t n = ::pread(scan->content.get(), room.data(), room.size(),
                              scan->read_bytes);
    if (n <= 0) break;
    scan->read_bytes += n;
  }
  ipc::Findings findings;
  findings.inspection = "full";
  findings.bytes = scan->read_bytes;
  if (last) {
    ipc::ScanResult result;
    result.transfer_id = scan->transfer_id;
    result.findings = std::move(findings);
    return SendPacket(fd, ipc::Encode(result));
  }
  ipc::ScanProgress progress;
  progress.transfer_id = scan->transfer_id;
  progress.incremental = ipc::Incremental::kYes;
  progress.judged_bytes = scan->read_bytes;
  progress.findings = std::move(findings);
  return SendPacket(fd, ipc::Encode(progress));
}

Status AnswerGate(int fd, const Packet& packet, int fuse_fd, int root_fd) {
  switch (ipc::TypeOf(packet.bytes)) {
    case ipc::GateHello::kType: {
      ASSIGN_OR_RETURN(const auto hello,
                       ipc::Decode<ipc::GateHello>(packet.bytes));
      ipc::GateStart start;
      start.mount_id = hello.mount_id;
      start.access = "inspect";
      start.staging_bytes = int64_t{4} << 30;
      start.file_bytes = int64_t{4} << 30;
      return SendPacket(fd, ipc::Encode(start), {fuse_fd, root_fd});
    }
    case ipc::WhoQuestion::kType: {
      ASSIGN_OR_RETURN(const auto question,
                       ipc::Decode<ipc::WhoQuestion>(packet.bytes));
      ipc::WhoAnswer answer;
      answer.question_id = question.question_id;
      answer.who = 1;
      return SendPacket(fd, ipc::Encode(answer));
    }
    case ipc::ReleaseQuestion::kType: {
      ASSIGN_OR_RETURN(const auto question,
                       ipc::Decode<ipc::ReleaseQuestion>(packet.bytes));
      ipc::TransferAnswer answer;
      answer.question_id = question.question_id;
      answer.verdict = ipc::TransferVerdict::kAllow;
      return SendPacket(fd, ipc::Encode(answer));
    }
    case ipc::TransferQuestion::kType: {
      ASSIGN_OR_RETURN(const auto question,
                       ipc::Decode<ipc::TransferQuestion>(packet.bytes));
      ipc::TransferAnswer answer;
      answer.question_id = question.question_id;
      answer.verdict = ipc::TransferVerdict::kAllow;
      return SendPacket(fd, ipc::Encode(answer));
    }
    default:
      return {};
  }
}

void ServeScan(UniqueFd fd) {
  std::vector<std::byte> room(size_t{1} << 20);
  Scan scan;
  while (true) {
    auto packet = ReceivePacket(fd.get());
    if (!packet || !AnswerScan(fd.get(), *std::move(packet), &scan, room)) {
      return;
    }
  }
}

void ServeScans(int listener) {
  while (true) {
    auto fd = AcceptBlocking(listener);
    if (!fd) return;
    std::thread(ServeScan, *std::move(fd)).detach();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) return 2;
  const std::string directory = std::string(argv[1]) + "/";
  const int fuse_fd = ::atoi(argv[2]);
  const int root_fd = ::atoi(argv[3]);
  const auto gates = ListenSeqpacket(directory + "gate.sock", 0600);
  if (!gates) return 1;
  UniqueFd scans;
  if (argc == 5) {
    auto listening = ListenSeqpacket(directory + "scan.sock", 0600);
    if (!listening) return 1;
    scans = *std::move(listening);
    std::thread([listener = scans.get()] { ServeScans(listener); }).detach();
  }
  std::puts("ready");
  std::fflush(stdout);
  const auto gate = AcceptBlocking(gates->get());
  if (!gate) return 1;
  bool started = false;
  while (true) {
    const auto packet = ReceivePacket(gate->get());
    if (!packet) ::_exit(0);
    if (!AnswerGate(gate->get(), *packet, fuse_fd, root_fd)) ::_exit(1);
    if (!started) {
      // Else the mount would outlive the gate's end of it.
      ::close(fuse_fd);
      ::close(root_fd);
      started = true;
    }
  }
}
