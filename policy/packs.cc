#include "policy/packs.h"

#include <array>

namespace sekisho::policy {
namespace {

struct Pack {
  std::string_view name;
  std::string_view text;
};

// Made from policy/packs/*.yaml when CMake runs.
constexpr Pack kPacks[] = {
#include "policy/packs.inc"
};

}  // namespace

std::vector<std::string_view> PackNames() {
  std::vector<std::string_view> names;
  for (const Pack& pack : kPacks) names.push_back(pack.name);
  return names;
}

std::string_view PackText(std::string_view name) {
  for (const Pack& pack : kPacks) {
    if (pack.name == name) return pack.text;
  }
  return {};
}

}  // namespace sekisho::policy
