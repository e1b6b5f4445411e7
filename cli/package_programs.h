// Which of the agent's programs a Debian package brings, read from the package
// itself. Nothing is unpacked to disk.
#pragma once

#include <string>

#include "common/result.h"
#include "policy/upgrade_manifest.h"

namespace sekisho::cli {

// Name and version are those of the package's control file; `programs` is empty
// for a package without programs of the agent. kNotFound: no such file;
// kInvalidArgument: not a Debian package, or one that names no package.
Result<policy::PackagePrograms> ReadPackagePrograms(const std::string& path);

}  // namespace sekisho::cli
