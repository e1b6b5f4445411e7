// The conditions of rules and groups, from the YAML tree to the model. Names of
// sets are checked against those that the policy defines.
#pragma once

#include <string_view>

#include "policy/field_reader.h"

namespace sekisho::policy {

class MatchReader {
 public:
  // Both must outlive the reader.
  MatchReader(FieldReader& in, const Sets& sets) : in_(in), sets_(sets) {}

  // `key` is where it stands, for messages: "match", "any", "a group".
  DeviceMatch ReadDevice(const YamlNode& node, std::string_view key);
  ContentMatch ReadContent(const YamlNode& node);

 private:
  void ReadSituation(const YamlNode& node, DeviceMatch* match);
  void ReadNested(const YamlNode& node, DeviceMatch* match);
  void ReadData(const YamlNode* node, std::vector<std::string>* out);
  void ReadReasons(const YamlNode* node, std::vector<std::string>* out);
  TotalLimit ReadTotal(const YamlNode& node);

  FieldReader& in_;
  const Sets& sets_;
};

}  // namespace sekisho::policy
