// `sekisho unlock`: an operator opens an encrypted medium with its passphrase.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunUnlock(std::span<const std::string_view> args);

}  // namespace sekisho::cli
