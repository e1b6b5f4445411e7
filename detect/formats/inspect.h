// Looks into one file whatever its format: opens it, and what is in it, and
// what is in that, and adds up the people of all parts.
//
// A file is "full" only if every byte of it that can carry text was read: one
// part that was not makes it "partial" with that part's reason. Depth is a
// stack, not recursion. Never fails.
#pragma once

#include <functional>
#include <string>

#include "common/result.h"
#include "detect/formats/budget.h"
#include "detect/formats/source.h"
#include "detect/inspector.h"

namespace sekisho::detect {

Findings InspectSource(const Source& source, const Options& options,
                       Budget* budget);

// The regular file at `path`, within the default limits. `read` may be empty;
// it is told each time how many bytes were read for the first time. Fails only
// where the file cannot be opened.
Result<Findings> InspectFile(const std::string& path, const Options& options,
                             const std::function<void(int64_t)>& read = {});
// Within a budget of the caller's.
Result<Findings> InspectFile(const std::string& path, const Options& options,
                             Budget* budget,
                             const std::function<void(int64_t)>& read = {});

// Call before entering a sandbox that refuses to open files.
void PrepareFormats();

}  // namespace sekisho::detect
