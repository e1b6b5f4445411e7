#include "agent/probe_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <vector>

#include "agent/device/facts.h"
#include "common/file.h"
#include "common/unix_socket.h"

namespace sekisho::agent {
namespace {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC

constexpr size_t kMaxAnswerTextBytes = 256;

Result<std::vector<ProbeNode>> OpenNodes(const enforce::Disk& disk,
                                         const ProbeOptions& options) {
  std::vector<ProbeNode> nodes(1);
  nodes[0].path = options.dev_dir + "/" + disk.name;
  nodes[0].number = disk.number;
  nodes[0].size_bytes = static_cast<int64_t>(disk.size_bytes);
  for (const enforce::Partition& partition : disk.partitions) {
    if (nodes.size() == ipc::kMaxProbedNodes) break;
    ProbeNode& node = nodes.emplace_back();
    node.path = options.dev_dir + "/" + partition.name;
    node.number = partition.number;
    node.size_bytes = static_cast<int64_t>(partition.size_bytes);
  }
  for (ProbeNode& node : nodes) {
    ASSIGN_OR_RETURN(node.fd, OpenNode(node.path, node.number));
  }
  return nodes;
}

Status SendQuestion(int probe, const std::vector<ProbeNode>& nodes) {
  for (size_t i = 0; i < nodes.size(); ++i) {
    const ipc::ProbeRequest request{.size_bytes = nodes[i].size_bytes,
                                    .more = i + 1 < nodes.size()};
    RETURN_IF_ERROR(
        SendPacket(probe, ipc::Encode(request), {nodes[i].fd.get()}));
  }
  return {};
}

// kCancelled: the probe is gone.
Result<Packet> ReceiveUntil(int probe, Clock::time_point deadline) {
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd wait{probe, POLLIN, 0};
    const int ready =
        ::poll(&wait, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready > 0) return ReceivePacket(probe);
    if (ready == 0) return Fail(Code::kDeadlineExceeded, "no answer");
    if (errno != EINTR) return FailErrno("probe: poll");
  }
}

Result<ipc::ProbeAnswer> AnswerOf(const Packet& packet, size_t node_count) {
  ASSIGN_OR_RETURN(ipc::ProbeAnswer answer,
                   ipc::Decode<ipc::ProbeAnswer>(packet.bytes));
  if (!answer.ok) {
    return Fail(Code::kUnknown,
                "the probe could not read it: " + answer.error.substr(0, 256));
  }
  if (answer.node < 0 || static_cast<size_t>(answer.node) >= node_count) {
    return Fail(Code::kDataLoss, "the probe answered about no node");
  }
  for (std::string* text :
       {&answer.filesystem, &answer.volume_uuid, &answer.volume_label,
        &answer.encryption, &answer.partition_table}) {
    if (text->size() > kMaxAnswerTextBytes) text->resize(kMaxAnswerTextBytes);
  }
  return answer;
}

}  // namespace

Result<UniqueFd> OpenNode(const std::string& path,
                          const enforce::DeviceNumber& expected) {
  ASSIGN_OR_RETURN(UniqueFd fd,
                   OpenAt(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
  struct stat about{};
  if (::fstat(fd.get(), &about) != 0) return FailErrno("stat " + path);
  if (!S_ISBLK(about.st_mode) || major(about.st_rdev) != expected.major ||
      minor(about.st_rdev) != expected.minor) {
    return Fail(Code::kAborted, path + " is another device by now");
  }
  return fd;
}

Result<ipc::ProbeAnswer> AskProbe(const std::vector<ProbeNode>& nodes,
                                  UniqueFd waiting,
                                  const ProbeOptions& options) {
  const auto deadline = Clock::now() + options.patience;
  // Two tries at most: what waited, then one that is started for this.
  for (bool last = !waiting;; last = true) {
    if (!waiting) {
      auto started = ConnectSeqpacket(options.socket_path, options.listener);
      if (!started) {
        return Wrap("the probe cannot be started", std::move(started).error());
      }
      waiting = std::move(*started);
    }
    const Status sent = SendQuestion(waiting.get(), nodes);
    auto packet = sent ? ReceiveUntil(waiting.get(), deadline)
                       : Result<Packet>(std::unexpected(sent.error()));
    if (packet) return AnswerOf(*packet, nodes.size());
    if (packet.error().code == Code::kDeadlineExceeded) {
      return Fail(Code::kDeadlineExceeded,
                  fmt::format("the probe gave no answer within {} s",
                              options.patience.count() / 1000));
    }
    if (last) {
      return Fail(Code::kUnavailable,
                  "the probe ended without an answer: it crashed, or the "
                  "medium kept it busy for too long");
    }
    waiting.Reset();
  }
}

bool StillWaits(const UniqueFd& probe) {
  if (!probe) return false;
  // Nothing comes before the question but the end.
  pollfd now{probe.get(), POLLIN, 0};
  return ::poll(&now, 1, 0) == 0;
}

Result<Probed> LookAt(const enforce::Disk& disk, UniqueFd waiting,
                      const ProbeOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<ProbeNode> nodes,
                   OpenNodes(disk, options));
  ASSIGN_OR_RETURN(const ipc::ProbeAnswer answer,
                   AskProbe(nodes, std::move(waiting), options));
  const ProbeNode& node = nodes[static_cast<size_t>(answer.node)];
  Probed found;
  found.node_path = node.path;
  found.number = node.number;
  found.medium = {.size_bytes = static_cast<int64_t>(disk.size_bytes),
                  .filesystem = answer.filesystem,
                  .volume_uuid = answer.volume_uuid,
                  .volume_label = answer.volume_label,
                  .encryption = answer.encryption,
                  .medium_serial = ""};
  // The kernel kept it; nothing is read from the device here.
  if (const auto dir = OpenAt(AT_FDCWD, disk.sysfs_path, O_DIRECTORY)) {
    found.medium.medium_serial = device::MediumSerial(dir->get());
  }
  return found;
}

}  // namespace sekisho::agent
