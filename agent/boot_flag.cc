#include "agent/boot_flag.h"

#include <unistd.h>

#include "common/file.h"

namespace sekisho::agent {

Result<FlagChange> WriteBootFlag(const std::string& state_dir,
                                 policy::Mode mode) {
  const std::string mode_path = state_dir + "/core/mode";
  const std::string flag_path = state_dir + "/boot/enforce";
  const std::string word = std::string(policy::Name(mode)) + "\n";
  const auto before = ReadFileAt(AT_FDCWD, mode_path, 64);
  if (!before || *before != word) {
    RETURN_IF_ERROR(ReplaceFile(mode_path, word, 0600));
  }
  const bool there = ::access(flag_path.c_str(), F_OK) == 0;
  const bool wanted = mode == policy::Mode::kEnforce;
  if (there == wanted) return FlagChange::kNone;
  if (wanted) {
    RETURN_IF_ERROR(ReplaceFile(flag_path, "", 0644));
  } else if (::unlink(flag_path.c_str()) != 0) {
    return FailErrno("unlink " + flag_path);
  }
  return FlagChange::kChanged;
}

}  // namespace sekisho::agent
