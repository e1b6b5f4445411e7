// Names of files on the medium that are not whole yet.
#pragma once

#include <string>

namespace sekisho::gate {

std::string TemporaryName();

}  // namespace sekisho::gate
