#include "agent/probe_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>

#include "agent/device/facts.h"
#include "common/file.h"
#include "common/unix_socket.h"

namespace sekisho::agent {
namespace {

constexpr size_t kMaxAnswerTextBytes = 256;

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

Result<ipc::ProbeAnswer> Ask(const std::string& node,
                             const enforce::DeviceNumber& number,
                             uint64_t size_bytes, const ProbeOptions& options) {
  ASSIGN_OR_RETURN(const UniqueFd disk, OpenNode(node, number));
  ASSIGN_OR_RETURN(const UniqueFd probe, ConnectSeqpacket(options.socket_path));
  const timeval timeout{.tv_sec = options.timeout_seconds, .tv_usec = 0};
  if (::setsockopt(probe.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout,
                   sizeof timeout) != 0) {
    return FailErrno("probe: timeout");
  }
  const ipc::ProbeRequest request{.size_bytes =
                                      static_cast<int64_t>(size_bytes)};
  RETURN_IF_ERROR(SendPacket(probe.get(), ipc::Encode(request), {disk.get()}));
  auto packet = ReceivePacket(probe.get());
  if (!packet) return Wrap("probe", std::move(packet).error());
  ASSIGN_OR_RETURN(ipc::ProbeAnswer answer,
                   ipc::Decode<ipc::ProbeAnswer>(packet->bytes));
  if (!answer.ok) return Fail(Code::kUnknown, "probe: " + answer.error);
  for (std::string* text :
       {&answer.filesystem, &answer.volume_uuid, &answer.volume_label,
        &answer.encryption, &answer.partition_table}) {
    if (text->size() > kMaxAnswerTextBytes) text->resize(kMaxAnswerTextBytes);
  }
  return answer;
}

bool HoldsVolume(const ipc::ProbeAnswer& answer) {
  return !answer.filesystem.empty() ||
         (!answer.encryption.empty() && answer.encryption != "none");
}

}  // namespace

Result<Probed> LookAt(const enforce::Disk& disk, const ProbeOptions& options) {
  Probed found;
  found.node_path = options.dev_dir + "/" + disk.name;
  found.number = disk.number;
  ASSIGN_OR_RETURN(ipc::ProbeAnswer answer,
                   Ask(found.node_path, disk.number, disk.size_bytes, options));
  if (!HoldsVolume(answer)) {
    size_t asked = 0;
    for (const enforce::Partition& partition : disk.partitions) {
      if (++asked > kMaxProbedPartitions) break;
      const std::string node = options.dev_dir + "/" + partition.name;
      auto part = Ask(node, partition.number, partition.size_bytes, options);
      if (!part) return std::unexpected(std::move(part).error());
      if (!HoldsVolume(*part)) continue;
      found.node_path = node;
      found.number = partition.number;
      answer = std::move(*part);
      break;
    }
  }
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
