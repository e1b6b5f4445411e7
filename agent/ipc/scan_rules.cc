#include "agent/ipc/scan_rules.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/file.h"

namespace sekisho::ipc {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

Result<SharedScanRules> SealScanRules(const ScanRules& rules) {
  if (rules.types.empty() && rules.samples_key.empty())
    return SharedScanRules();
  const Bytes bytes = Encode(rules);
  if (bytes.size() > static_cast<size_t>(kMaxScanRulesBytes)) {
    return Fail(Code::kResourceExhausted, "too many types of policy's own");
  }
  auto file = std::make_shared<ScanRulesFile>();
  file->fd.Reset(
      ::memfd_create("sekisho-rules", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file->fd) return FailErrno("memfd");
  RETURN_IF_ERROR(WriteAll(file->fd.get(), bytes));
  if (::fcntl(file->fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return FailErrno("seal");
  }
  file->size_bytes = static_cast<int64_t>(bytes.size());
  return file;
}

Result<SharedScanRules> TakeScanRules(UniqueFd fd, int64_t size_bytes) {
  if (size_bytes <= 0 || size_bytes > kMaxScanRulesBytes) {
    return Fail(Code::kInvalidArgument, "scan rules: size out of range");
  }
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) {
    return Fail(Code::kInvalidArgument, "scan rules: not sealed");
  }
  auto file = std::make_shared<ScanRulesFile>();
  file->fd = std::move(fd);
  file->size_bytes = size_bytes;
  return file;
}

Result<ScanRules> ReadScanRules(const ScanRulesFile& file) {
  if (file.size_bytes <= 0 || file.size_bytes > kMaxScanRulesBytes) {
    return Fail(Code::kInvalidArgument, "scan rules: size out of range");
  }
  Bytes bytes(static_cast<size_t>(file.size_bytes));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pread(file.fd.get(), bytes.data() + done,
                              bytes.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("scan rules");
    if (n == 0) return Fail(Code::kInvalidArgument, "scan rules: cut off");
    done += static_cast<size_t>(n);
  }
  return Decode<ScanRules>(bytes);
}

}  // namespace sekisho::ipc
