// The sets that a policy names, ready to be asked: groups of devices, persons,
// terminals and files, and windows. A name that stands for nothing (the parser
// refuses it) holds nobody.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/model.h"
#include "policy/window.h"

namespace sekisho::policy {

class NamedSets {
 public:
  NamedSets() = default;
  explicit NamedSets(const Sets& sets);

  const DeviceMatch* Device(std::string_view group) const;
  bool HasPerson(std::string_view group, std::string_view person) const;
  // Also true if the server put the terminal into a group of this name.
  bool HasTerminal(std::string_view group, const TerminalFacts& terminal) const;
  bool HasFile(std::string_view group, std::string_view hash) const;

  // Which windows are open, asked once a decision and not once a rule.
  using OpenWindows = std::vector<bool>;
  OpenWindows OpenAt(WallTime now) const;
  bool IsOpen(std::string_view window, const OpenWindows& open) const;
  std::optional<WallTime> NextChange(WallTime now) const;

 private:
  template <typename T>
  using ByName = std::map<std::string, T, std::less<>>;

  ByName<DeviceMatch> devices_;
  ByName<NameGroup> persons_;
  ByName<NameGroup> terminals_;
  ByName<std::vector<std::string>> files_;  // sorted hashes
  ByName<size_t> window_numbers_;
  std::vector<OpenTimes> windows_;
};

}  // namespace sekisho::policy
