// The key that masked samples are sealed to, as policy writes it:
// "sekisho-p256:" and the base64 of the uncompressed point on P-256 and the
// first four bytes of its SHA-256, so that a slip of the pen is noticed.
// Whether the point lies on the curve only the worker that uses it finds out.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::policy {

using SamplesPoint = std::array<std::byte, 65>;

std::string PrintSamplesKey(const SamplesPoint& point);
std::optional<SamplesPoint> ParseSamplesKey(std::string_view text);

}  // namespace sekisho::policy
