// The other ends of a gate for benchmarks: a sekishod that allows everything
// at once and a scan worker that reads every byte and finds nothing. What is
// left is the gate's own cost.
//
// usage: gate_peers SOCKETS_DIR FUSE_FD ROOT_FD
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

Status AnswerScan(int fd, const Packet& packet, std::vector<std::byte>& room) {
  ASSIGN_OR_RETURN(const auto request,
                   ipc::Decode<ipc::ScanRequest>(packet.bytes));
  ipc::ScanResult result;
  result.transfer_id = request.transfer_id;
  result.findings.inspection = "full";
  for (off_t at = 0; at < request.size_bytes;) {
    const ssize_t n =
        ::pread(packet.fds[0].get(), room.data(), room.size(), at);
    if (n <= 0) break;
    at += n;
    result.findings.bytes = at;
  }
  return SendPacket(fd, ipc::Encode(result));
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

void ServeScans(int listener) {
  std::vector<std::byte> room(size_t{1} << 20);
  while (true) {
    const auto fd = AcceptBlocking(listener);
    if (!fd) return;
    while (true) {
      const auto packet = ReceivePacket(fd->get());
      if (!packet || !AnswerScan(fd->get(), *packet, room)) break;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string directory = std::string(argv[1]) + "/";
  const int fuse_fd = ::atoi(argv[2]);
  const int root_fd = ::atoi(argv[3]);
  const auto scans = ListenSeqpacket(directory + "scan.sock", 0600);
  const auto gates = ListenSeqpacket(directory + "gate.sock", 0600);
  if (!scans || !gates) return 1;
  std::thread([listener = scans->get()] { ServeScans(listener); }).detach();
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
