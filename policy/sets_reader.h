// Groups, dates and windows: the names that a policy defines for its rules.
#pragma once

#include "policy/field_reader.h"

namespace sekisho::policy {

// Adds to `sets`, which may hold what an included policy defined; what has the
// same name here takes its place.
void ReadSets(const YamlNode& root, FieldReader& in, Sets* sets);

}  // namespace sekisho::policy
