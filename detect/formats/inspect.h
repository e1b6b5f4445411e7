// Looks into one file whatever its format: opens it, and what is in it, and
// what is in that, and adds up the people of all parts.
//
// A file is "full" only if every byte of it that can carry text was read: one
// part that was not makes it "partial" with that part's reason. Depth is a
// stack, not recursion. Never fails.
#pragma once

#include "detect/formats/budget.h"
#include "detect/formats/source.h"
#include "detect/inspector.h"

namespace sekisho::detect {

Findings InspectSource(const Source& source, const Options& options,
                       Budget* budget);

// Call before entering a sandbox that refuses to open files.
void PrepareFormats();

}  // namespace sekisho::detect
