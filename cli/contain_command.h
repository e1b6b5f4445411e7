// `sekisho contain`: close all media of a person, a terminal or a device at
// once; see how far it got; extend (two people) and lift.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunContainList(std::span<const std::string_view> args);
int RunContainExtend(std::span<const std::string_view> args);
int RunContainLift(std::span<const std::string_view> args);
int RunContain(std::span<const std::string_view> args);

}  // namespace sekisho::cli
