// `sekisho samples key` and `sekisho samples open`: the analysts' half of the
// masked samples that terminals seal (docs/adr/0107).
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// Exit code of the contract; 1: the key or the passphrase does not fit.
int RunSamplesKey(std::span<const std::string_view> args);
int RunSamplesOpen(std::span<const std::string_view> args);

}  // namespace sekisho::cli
