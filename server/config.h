// The server's settings, for both its programs: /etc/sekisho/server.yaml (flat
// `key: value`), overridden by `--key value` on the command line.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace sekisho {

struct Config {
  std::map<std::string, std::string> values;  // every key, with its default
  std::vector<std::string> names;             // each --name
  std::vector<std::string> words;             // what is no option: "init"
  std::set<std::string> flags;                // options without a value: "json"
  std::string file;  // what was read, or would have been

  const std::string& Get(const std::string& key) const {
    return values.at(key);
  }
};

// Settings in the order of `--help`, one a line.
std::string ConfigHelp();

// kInvalidArgument with file, line and column, or naming the option. A config
// file that is not there counts as empty unless it was named.
Result<Config> ReadConfig(std::span<const std::string_view> args);

}  // namespace sekisho
