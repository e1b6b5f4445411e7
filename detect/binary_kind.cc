#include "detect/binary_kind.h"

#include <cstdint>

namespace sekisho::detect {
namespace {

using namespace std::string_view_literals;

int64_t Little(std::string_view head, size_t at, size_t bytes) {
  int64_t value = 0;
  for (size_t i = bytes; i > 0; --i) {
    if (at + i > head.size()) {
      return -1;
    }
    value = value << 8 | static_cast<unsigned char>(head[at + i - 1]);
  }
  return value;
}
int64_t Big(std::string_view head, size_t at, size_t bytes) {
  int64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) {
    if (at + i >= head.size()) {
      return -1;
    }
    value = value << 8 | static_cast<unsigned char>(head[at + i]);
  }
  return value;
}
bool Has(std::string_view head, size_t at, std::string_view bytes) {
  return head.size() >= at + bytes.size() &&
         head.substr(at, bytes.size()) == bytes;
}
bool Between(int64_t value, int64_t low, int64_t high) {
  return value >= low && value <= high;
}

// System V ABI, ELF header: class, data, version.
bool IsElf(std::string_view head) {
  return Has(head, 0,
             "\x7f"
             "ELF"sv) &&
         Between(Little(head, 4, 1), 1, 2) &&
         Between(Little(head, 5, 1), 1, 2) && Little(head, 6, 1) == 1;
}

// Microsoft PE format: the DOS header says where the signature is.
bool IsPe(std::string_view head) {
  const int64_t at = Little(head, 0x3C, 4);
  return Has(head, 0, "MZ"sv) && at > 0 &&
         Has(head, static_cast<size_t>(at), "PE\0\0"sv);
}

// OpenType 1.9, table directory: how many tables, and their names.
bool IsFont(std::string_view head) {
  if (!Has(head, 0, "\0\1\0\0"sv) && !Has(head, 0, "OTTO"sv)) {
    return false;
  }
  const int64_t tables = Big(head, 4, 2);
  for (size_t i = 12; i < 16; ++i) {
    if (!Between(Big(head, i, 1), 0x20, 0x7E)) {
      return false;
    }
  }
  return Between(tables, 3, 64);
}

// libpcap's savefile(5), either byte order, micro- or nanoseconds.
bool IsPcap(std::string_view head) {
  const int64_t little = Little(head, 0, 4);
  const int64_t big = Big(head, 0, 4);
  return ((little == 0xA1B2C3D4 || little == 0xA1B23C4D) &&
          Little(head, 4, 2) == 2) ||
         ((big == 0xA1B2C3D4 || big == 0xA1B23C4D) && Big(head, 4, 2) == 2);
}

// draft-ietf-opsawg-pcapng: section header block with its byte order.
bool IsPcapng(std::string_view head) {
  return Has(head, 0, "\x0a\x0d\x0d\x0a"sv) &&
         (Has(head, 8, "\x4d\x3c\x2b\x1a"sv) ||
          Has(head, 8, "\x1a\x2b\x3c\x4d"sv));
}

// GNU gettext's .mo: magic, revision 0, tables behind the header.
bool IsGettext(std::string_view head) {
  return (Has(head, 0, "\xde\x12\x04\x95"sv) && Little(head, 4, 2) <= 1 &&
          Between(Little(head, 12, 4), 28, 1 << 20)) ||
         (Has(head, 0, "\x95\x04\x12\xde"sv) && Big(head, 6, 2) <= 1 &&
          Between(Big(head, 12, 4), 28, 1 << 20));
}

// CPython 3.x: a magic number with CR LF, flags, then a marshalled code object.
bool IsPyc(std::string_view head) {
  return Between(Little(head, 0, 2), 3000, 3800) && Has(head, 2, "\r\n"sv) &&
         Between(Little(head, 4, 4), 0, 3) &&
         (Little(head, 16, 1) & 0x7F) == 'c';
}

// PC firmware's option ROM: its size in sectors, and bytes that add up to zero.
bool IsOptionRom(std::string_view head) {
  const int64_t size = Little(head, 2, 1) * 512;
  if (!Has(head, 0, "\x55\xaa"sv) || size <= 0 ||
      size > static_cast<int64_t>(head.size())) {
    return false;
  }
  unsigned sum = 0;
  for (char c : head.substr(0, static_cast<size_t>(size))) {
    sum += static_cast<unsigned char>(c);
  }
  return (sum & 0xFF) == 0;
}

// What the first sector of a volume or a disk says.
std::string_view SniffVolume(std::string_view head) {
  const bool boot = Has(head, 510, "\x55\xaa"sv);
  if (boot && Has(head, 3, "EXFAT   "sv)) {
    return "exfat";
  }
  if (boot && Has(head, 3, "NTFS    "sv)) {
    return "ntfs";
  }
  if (boot && (Has(head, 54, "FAT1"sv) || Has(head, 82, "FAT32"sv))) {
    return "fat";
  }
  if (boot && Has(head, 512, "EFI PART"sv)) {
    return "gpt";
  }
  // ext4's superblock: magic, state, block size.
  if (Has(head, 0x438, "\x53\xef"sv) && Between(Little(head, 0x43A, 2), 0, 7) &&
      Between(Little(head, 0x418, 4), 0, 6)) {
    return "ext";
  }
  if (!boot || head.size() % 512 != 0) {
    return "";
  }
  // Four partitions, each active or not.
  for (size_t at = 446; at < 510; at += 16) {
    if ((Little(head, at, 1) & 0x7F) != 0) {
      return "";
    }
  }
  return "mbr";
}

}  // namespace

std::string_view SniffBinary(std::string_view head) {
  if (IsElf(head)) {
    return "elf";
  }
  if (IsPe(head)) {
    return "pe";
  }
  // JVM specification 4.1: minor and major version; a fat Mach-O, which has the
  // same magic, has fewer architectures.
  if (Has(head, 0, "\xca\xfe\xba\xbe"sv) && Between(Big(head, 6, 2), 45, 90)) {
    return "java-class";
  }
  if (Has(head, 0, "\xcf\xfa\xed\xfe"sv) ||
      Has(head, 0, "\xce\xfa\xed\xfe"sv)) {
    return Between(Little(head, 12, 4), 1, 16) ? "mach-o" : "";
  }
  if (Has(head, 0, "\0asm\1\0\0\0"sv)) {
    return "wasm";
  }
  if (Has(head, 0, "ttcf\0"sv)) {
    return "ttc";
  }
  if (IsFont(head)) {
    return head[0] == 'O' ? "opentype" : "truetype";
  }
  if (IsPcap(head)) {
    return "pcap";
  }
  if (IsPcapng(head)) {
    return "pcapng";
  }
  if (IsGettext(head)) {
    return "gettext";
  }
  if (IsPyc(head)) {
    return "pyc";
  }
  // RFC 8536: version, then 15 unused bytes.
  if (Has(head, 0, "TZif"sv) && Has(head, 5,
                                    std::string_view("\0\0\0\0\0\0\0"
                                                     "\0\0\0\0\0\0\0",
                                                     14))) {
    return "tzif";
  }
  if (Has(head, 0, "LPKSHHRH"sv)) {
    return "journal";
  }
  // term(5): the legacy and the 32-bit number format, size of the names.
  if ((Has(head, 0, "\x1a\x01"sv) || Has(head, 0, "\x1e\x02"sv)) &&
      Between(Little(head, 2, 2), 2, 512) && Little(head, 4, 2) <= 64) {
    return "terminfo";
  }
  if (Has(head, 0, "\xd0\x0d\xfe\xed"sv) && Between(Big(head, 20, 4), 1, 32)) {
    return "devicetree";
  }
  if (Has(head, 0, "\x27\x05\x19\x56"sv) && Between(Big(head, 31, 1), 0, 10)) {
    return "u-boot";
  }
  // ICU's data header: its size, two magic bytes.
  if (Has(head, 2, "\xda\x27\x14\0"sv)) {
    return "icu";
  }
  // UEFI platform initialization: a firmware volume.
  if (Has(head, 40, "_FVH"sv) && Has(head, 0, "\0\0\0\0\0\0\0\0"sv)) {
    return "efi-firmware";
  }
  if (Has(head, 0, "\x3c\xb8\x64\x18\xca\xef\x9c\x95"sv)) {
    return "qt-translation";
  }
  if (Has(head, 0, "glibc-ld.so.cache1."sv)) {
    return "ld-cache";
  }
  if (head.size() >= 512 && head.find_first_not_of('\0') == head.npos) {
    return "zeros";
  }
  return IsOptionRom(head) ? "option-rom" : SniffVolume(head);
}

}  // namespace sekisho::detect
