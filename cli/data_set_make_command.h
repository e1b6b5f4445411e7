// `sekisho data-set make`: turns a client's list of people into the keyed
// hashes by which terminals know again whose data a copy holds.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "data-set make". Returns the exit code: 0 done, 1 the
// list cannot be used, 2 wrong use, 3 a file cannot be read or written.
int RunDataSetMake(std::span<const std::string_view> args);

}  // namespace sekisho::cli
