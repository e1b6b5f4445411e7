#include "agent/probe/probe.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string_view>

namespace sekisho::probe {
namespace {

constexpr size_t kSectorBytes = 512;
// Where the signatures are that blkid knows.
constexpr int64_t kHeadBytes = int64_t{256} << 10;
constexpr int64_t kTailBytes = int64_t{128} << 10;

struct ProbeDeleter {
  void operator()(blkid_probe probe) const { blkid_free_probe(probe); }
};
using BlkidProbe =
    std::unique_ptr<std::remove_pointer_t<blkid_probe>, ProbeDeleter>;

bool HasAt(ByteSpan bytes, size_t offset, std::string_view magic) {
  return bytes.size() >= offset + magic.size() &&
         AsText(bytes.subspan(offset, magic.size())) == magic;
}

std::string Value(blkid_probe probe, const char* name) {
  const char* data = nullptr;
  size_t size = 0;
  if (blkid_probe_lookup_value(probe, name, &data, &size) != 0 ||
      data == nullptr) {
    return {};
  }
  std::string_view text(data, size);
  text = text.substr(0, text.find('\0'));
  return std::string(text.substr(0, kMaxTextBytes));
}

// A partition table is looked for on its own: a boot sector of FAT carries the
// same end marker as a DOS table.
void ReadPartitionTable(blkid_probe probe, ipc::ProbeAnswer& answer) {
  blkid_probe_enable_superblocks(probe, 0);
  blkid_probe_enable_partitions(probe, 1);
  if (blkid_do_fullprobe(probe) == 0) {
    answer.partition_table = Value(probe, "PTTYPE");
  }
}

void ReadSuperblock(blkid_probe probe, ipc::ProbeAnswer& answer) {
  blkid_probe_enable_partitions(probe, 0);
  blkid_probe_enable_superblocks(probe, 1);
  blkid_probe_set_superblocks_flags(
      probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL |
                 BLKID_SUBLKS_USAGE | BLKID_SUBLKS_BADCSUM);
  // Safe: two signatures on one device are an error, not a guess. Whoever
  // mounts it would otherwise decide by another one than policy did.
  if (blkid_do_safeprobe(probe) != 0) return;
  answer.filesystem = Value(probe, "TYPE");
  answer.volume_uuid = Value(probe, "UUID");
  answer.volume_label = Value(probe, "LABEL");
}

// blkid reads a few hundred bytes at some forty places and tells the kernel not
// to read ahead; over USB each of these is a transfer of its own. An advice:
// what fails is read as blkid asks.
void ReadAhead(int fd, int64_t size_bytes) {
  ::posix_fadvise(fd, 0, kHeadBytes, POSIX_FADV_WILLNEED);
  if (size_bytes > kHeadBytes + kTailBytes) {
    ::posix_fadvise(fd, size_bytes - kTailBytes, kTailBytes,
                    POSIX_FADV_WILLNEED);
  }
}

}  // namespace

const char* EncryptionOf(ByteSpan first_sector) {
  // LUKS1 and LUKS2 on-disk formats: "LUKS" 0xba 0xbe at 0.
  if (HasAt(first_sector, 0, "LUKS\xba\xbe")) return "luks";
  // BitLocker: the OEM id of the boot sector; BitLocker To Go keeps a FAT boot
  // sector ("MSWIN4.1") and has its GUID at 424.
  if (HasAt(first_sector, 3, "-FVE-FS-")) return "bitlocker";
  constexpr std::string_view kToGo(
      "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01", 16);
  if (HasAt(first_sector, 3, "MSWIN4.1") && HasAt(first_sector, 424, kToGo)) {
    return "bitlocker";
  }
  return "none";
}

ipc::ProbeAnswer Probe(int fd, int64_t size_bytes) {
  ipc::ProbeAnswer answer;
  std::array<std::byte, kSectorBytes> sector{};
  const ssize_t n = ::pread(fd, sector.data(), sector.size(), 0);
  if (n < 0) {
    answer.error = ErrnoError("read").message;
    return answer;
  }
  answer.ok = true;
  answer.encryption =
      EncryptionOf(std::span(sector).first(static_cast<size_t>(n)));

  const BlkidProbe probe(blkid_new_probe());
  if (!probe || blkid_probe_set_device(probe.get(), fd, 0, size_bytes) != 0) {
    answer.encryption =
        answer.encryption == "none" ? "unknown" : answer.encryption;
    return answer;
  }
  ReadPartitionTable(probe.get(), answer);
  ReadSuperblock(probe.get(), answer);
  // blkid's word counts where it sees more: a second LUKS2 header, BitLocker
  // found by its metadata.
  if (answer.filesystem == "crypto_LUKS") answer.encryption = "luks";
  if (answer.filesystem == "BitLocker") answer.encryption = "bitlocker";
  return answer;
}

bool HoldsVolume(const ipc::ProbeAnswer& answer) {
  return !answer.filesystem.empty() ||
         (!answer.encryption.empty() && answer.encryption != "none");
}

ipc::ProbeAnswer ProbeAll(const std::vector<Node>& nodes) {
  ipc::ProbeAnswer first;
  for (const Node& node : nodes) ReadAhead(node.fd.get(), node.size_bytes);
  for (size_t i = 0; i < nodes.size(); ++i) {
    ipc::ProbeAnswer answer = Probe(nodes[i].fd.get(), nodes[i].size_bytes);
    answer.node = static_cast<int64_t>(i);
    if (!answer.ok || HoldsVolume(answer)) return answer;
    if (i == 0) first = std::move(answer);
  }
  return first;
}

}  // namespace sekisho::probe
