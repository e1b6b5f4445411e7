#include "policy/named_sets.h"

#include <algorithm>

#include "policy/match.h"

namespace sekisho::policy {
namespace {

bool MatchesOne(const std::vector<std::string>& patterns,
                std::string_view text) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return MatchesPattern(pattern, text);
  });
}

bool Holds(const NameGroup& group, std::string_view name) {
  return MatchesOne(group.any, name) && !MatchesOne(group.none, name);
}

}  // namespace

NamedSets::NamedSets(const Sets& sets) {
  for (const DeviceGroup& group : sets.devices) {
    devices_.emplace(group.name, group.match);
  }
  for (const NameGroup& group : sets.persons) {
    persons_.emplace(group.name, group);
  }
  for (const NameGroup& group : sets.terminals) {
    terminals_.emplace(group.name, group);
  }
  for (const FileGroup& group : sets.files) {
    auto& hashes = files_[group.name];
    hashes = group.hashes;
    std::ranges::sort(hashes);
  }
  for (const Window& window : sets.windows) {
    window_numbers_.emplace(window.name, windows_.size());
    windows_.emplace_back(window, sets.holidays);
  }
}

const DeviceMatch* NamedSets::Device(std::string_view group) const {
  const auto at = devices_.find(group);
  return at == devices_.end() ? nullptr : &at->second;
}

bool NamedSets::HasPerson(std::string_view group,
                          std::string_view person) const {
  const auto at = persons_.find(group);
  return at != persons_.end() && Holds(at->second, person);
}

bool NamedSets::HasTerminal(std::string_view group,
                            const TerminalFacts& terminal) const {
  if (std::ranges::find(terminal.groups, group) != terminal.groups.end()) {
    return true;
  }
  const auto at = terminals_.find(group);
  return at != terminals_.end() && Holds(at->second, terminal.terminal);
}

bool NamedSets::HasFile(std::string_view group, std::string_view hash) const {
  const auto at = files_.find(group);
  return at != files_.end() && !hash.empty() &&
         std::ranges::binary_search(at->second, hash);
}

NamedSets::OpenWindows NamedSets::OpenAt(WallTime now) const {
  OpenWindows open;
  open.reserve(windows_.size());
  for (const OpenTimes& window : windows_) open.push_back(window.IsOpenAt(now));
  return open;
}

bool NamedSets::IsOpen(std::string_view window, const OpenWindows& open) const {
  const auto at = window_numbers_.find(window);
  return at != window_numbers_.end() && at->second < open.size() &&
         open[at->second];
}

std::optional<WallTime> NamedSets::NextChange(WallTime now) const {
  std::optional<WallTime> next;
  for (const OpenTimes& window : windows_) {
    const auto change = window.NextChange(now);
    if (change && (!next || *change < *next)) next = change;
  }
  return next;
}

}  // namespace sekisho::policy
