// `sekisho erase`: a medium is emptied and overwritten, and that is proven.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunErase(std::span<const std::string_view> args);

}  // namespace sekisho::cli
