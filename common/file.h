// Files, by descriptor where identity matters. Every read has a cap.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho {

// O_CLOEXEC is added. `dir_fd` may be AT_FDCWD.
Result<UniqueFd> OpenAt(int dir_fd, const std::string& path, int flags,
                        mode_t mode = 0);

// Whole file, at most `cap_bytes`; one byte more is kResourceExhausted.
Result<std::string> ReadFileAt(int dir_fd, const std::string& path,
                               size_t cap_bytes);
Result<std::string> ReadAll(int fd, size_t cap_bytes);

Status WriteAll(int fd, ByteSpan bytes);
// One write(2) of the whole text, as sysfs attributes want it.
Status WriteOnceAt(int dir_fd, const std::string& path, std::string_view text);

// Temporary file, fsync, rename, fsync of the directory: after a crash either
// the old or the new content is there, whole.
Status ReplaceFile(const std::string& path, std::string_view content,
                   mode_t mode);

}  // namespace sekisho
