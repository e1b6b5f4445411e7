#include "agent/unlock/volume.h"

#include <fmt/format.h>
#include <libcryptsetup.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "agent/unlock/bitlocker.h"
#include "common/unique_fd.h"

namespace sekisho::unlock {
namespace {

constexpr int64_t kSectorBytes = 512;
constexpr int kMaxKeyBytes = 128;
constexpr size_t kCopyBytes = size_t{1} << 20;
// LUKS2: both metadata areas and keyslots as cryptsetup makes them.
constexpr int64_t kUsualHeaderBytes = int64_t{16} << 20;

struct FreeDevice {
  void operator()(crypt_device* device) const { crypt_free(device); }
};
using CryptDevice = std::unique_ptr<crypt_device, FreeDevice>;

Status CopyRange(int from, int to, int64_t begin, int64_t end) {
  std::vector<char> buffer(kCopyBytes);
  while (begin < end) {
    const auto want = static_cast<size_t>(
        std::min<int64_t>(end - begin, static_cast<int64_t>(buffer.size())));
    const ssize_t got = ::pread(from, buffer.data(), want, begin);
    if (got < 0) return FailErrno("read the header");
    if (got == 0) break;
    const auto size = static_cast<size_t>(got);
    if (::pwrite(to, buffer.data(), size, begin) != got) {
      return FailErrno("copy the header");
    }
    begin += got;
  }
  return {};
}

Error LoadError(int rc) {
  return {Code::kFailedPrecondition,
          fmt::format("its header cannot be read ({})", -rc)};
}

Status CheckKind(crypt_device* device) {
  uint32_t requirements = 0;
  const std::string type = crypt_get_type(device);
  if (type == CRYPT_LUKS2 &&
      (crypt_persistent_flags_get(device, CRYPT_FLAGS_REQUIREMENTS,
                                  &requirements) != 0 ||
       requirements != 0)) {
    return Fail(Code::kFailedPrecondition,
                "it is being encrypted anew, or asks for a feature that is not "
                "known");
  }
  crypt_params_integrity integrity{};
  if (crypt_get_integrity_info(device, &integrity) == 0 &&
      (integrity.tag_size != 0 || integrity.journal_size != 0)) {
    return Fail(Code::kFailedPrecondition,
                "volumes with integrity tags cannot be unlocked here");
  }
  return {};
}

Error KeyError(int rc) {
  if (rc == -EPERM || rc == -ENOENT) {
    return {Code::kInvalidArgument, "no key slot opens with this passphrase"};
  }
  if (rc == -ENOMEM) {
    return {Code::kResourceExhausted,
            "its key derivation needs more memory than there is; make a slot "
            "with less: cryptsetup luksConvertKey --pbkdf-memory"};
  }
  return {Code::kFailedPrecondition,
          fmt::format("its key cannot be found ({})", -rc)};
}

// A copy of what the key is found in, as long as the volume, so that offsets
// are inside it; holes cost nothing.
Result<UniqueFd> NewCopy(int64_t size_bytes) {
  UniqueFd copy(::memfd_create("header", MFD_CLOEXEC));
  if (!copy) return FailErrno("memfd");
  if (::ftruncate(copy.get(), size_bytes) != 0) return FailErrno("memfd");
  return copy;
}

Result<CryptDevice> Load(int copy, const char* type) {
  crypt_set_log_callback(nullptr, [](int, const char*, void*) {}, nullptr);
  crypt_device* raw = nullptr;
  const std::string path = fmt::format("/proc/self/fd/{}", copy);
  if (const int rc = crypt_init(&raw, path.c_str()); rc < 0) {
    return std::unexpected(LoadError(rc));
  }
  CryptDevice device(raw);
  crypt_metadata_locking(device.get(), 0);
  if (const int rc = crypt_load(device.get(), type, nullptr); rc < 0) {
    return std::unexpected(LoadError(rc));
  }
  return device;
}

// Cipher and key; the segments are the caller's.
Result<ipc::UnlockAnswer> KeyOf(crypt_device* device,
                                std::string_view passphrase) {
  ipc::UnlockAnswer answer;
  const int key_bytes = crypt_get_volume_key_size(device);
  if (key_bytes <= 0 || key_bytes > kMaxKeyBytes) {
    return std::unexpected(LoadError(0));
  }
  auto size = static_cast<size_t>(key_bytes);
  answer.key.resize(size);
  const int slot =
      crypt_volume_key_get(device, CRYPT_ANY_SLOT, answer.key.data(), &size,
                           passphrase.data(), passphrase.size());
  if (slot < 0) return std::unexpected(KeyError(slot));
  answer.key.resize(size);
  const char* cipher = crypt_get_cipher(device);
  const char* mode = crypt_get_cipher_mode(device);
  if (cipher == nullptr || mode == nullptr)
    return std::unexpected(LoadError(0));
  answer.cipher = fmt::format("{}-{}", cipher, mode);
  answer.sector_bytes = crypt_get_sector_size(device);
  answer.ok = true;
  return answer;
}

Result<ipc::UnlockAnswer> FindLuksKey(int fd, int64_t size_bytes,
                                      std::string_view passphrase) {
  ASSIGN_OR_RETURN(const UniqueFd copy, NewCopy(size_bytes));
  const int64_t copied = std::min(size_bytes, kUsualHeaderBytes);
  RETURN_IF_ERROR(CopyRange(fd, copy.get(), 0, copied));
  ASSIGN_OR_RETURN(const CryptDevice device, Load(copy.get(), CRYPT_LUKS));
  RETURN_IF_ERROR(CheckKind(device.get()));
  const auto offset = static_cast<int64_t>(crypt_get_data_offset(device.get()));
  if (offset <= 0 || offset >= size_bytes / kSectorBytes) {
    return Fail(Code::kFailedPrecondition,
                "its data lies elsewhere than behind the header");
  }
  const int64_t whole = offset * kSectorBytes;
  if (whole > kMaxHeaderBytes) {
    return Fail(Code::kFailedPrecondition, "its header is over 64 MiB");
  }
  RETURN_IF_ERROR(CopyRange(fd, copy.get(), copied, whole));
  ASSIGN_OR_RETURN(ipc::UnlockAnswer answer, KeyOf(device.get(), passphrase));
  answer.segments.push_back(
      {.start_sector = 0,
       .length_sectors = size_bytes / kSectorBytes - offset,
       .device_sector = offset,
       .iv_sector = static_cast<int64_t>(crypt_get_iv_offset(device.get()))});
  return answer;
}

Result<ipc::UnlockAnswer> FindBitlockerKey(int fd, int64_t size_bytes,
                                           std::string_view passphrase) {
  ASSIGN_OR_RETURN(const BitlockerLayout layout,
                   ReadBitlockerLayout(fd, size_bytes));
  ASSIGN_OR_RETURN(auto segments, BitlockerSegments(layout, size_bytes));
  ASSIGN_OR_RETURN(const UniqueFd copy, NewCopy(size_bytes));
  RETURN_IF_ERROR(CopyRange(fd, copy.get(), 0, kSectorBytes));
  for (const int64_t offset : layout.metadata_offsets) {
    RETURN_IF_ERROR(
        CopyRange(fd, copy.get(), offset, offset + kBitlockerMetadataBytes));
  }
  ASSIGN_OR_RETURN(const CryptDevice device, Load(copy.get(), CRYPT_BITLK));
  ASSIGN_OR_RETURN(ipc::UnlockAnswer answer, KeyOf(device.get(), passphrase));
  answer.large_iv = answer.sector_bytes != kSectorBytes;
  answer.segments = std::move(segments);
  return answer;
}

}  // namespace

Result<ipc::UnlockAnswer> FindKey(int fd, int64_t size_bytes,
                                  std::string_view passphrase) {
  return LooksLikeBitlocker(fd) ? FindBitlockerKey(fd, size_bytes, passphrase)
                                : FindLuksKey(fd, size_bytes, passphrase);
}

}  // namespace sekisho::unlock
