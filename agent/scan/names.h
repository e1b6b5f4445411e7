// Names of files and directories carry data as well as their contents do.
#pragma once

#include <string_view>

#include "detect/inspector.h"

namespace sekisho::scan {

// What `name` says of people, one component of a path. As an inspected text.
detect::Findings InspectName(std::string_view name,
                             const detect::Options& options);

// Adds the people and values of a name to those of the content.
void AddName(const detect::Findings& name, detect::Findings* content);

}  // namespace sekisho::scan
