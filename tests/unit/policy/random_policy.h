// Random policies, devices and contents from a small vocabulary, so that rules
// often match, and a slow reading of the rules that is obviously right.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "policy/model.h"

namespace sekisho::policy {

class RandomWorld {
 public:
  explicit RandomWorld(uint64_t seed) : random_(seed) {}

  Policy MakePolicy(int rules);
  std::vector<DeviceEntry> MakeEntries(int count);
  DeviceFacts MakeDevice();
  PersonFacts MakePerson();
  TerminalFacts MakeTerminal();
  ContentFacts MakeContent();
  WallTime MakeTime();
  int Below(int end);
  bool Chance(int percent) { return Below(100) < percent; }

 private:
  std::string Pick(const std::vector<std::string>& words);
  std::optional<std::string> MaybePick(int percent,
                                       const std::vector<std::string>& words);
  UsbInterface MakeInterface();
  InterfacePattern MakeInterfacePattern();
  IntRange MakeRange(int end);
  // `depth`: how deep conditions may nest.
  DeviceMatch MakeDeviceMatch(int depth);
  Sets MakeSets();
  TotalKey MakeTotal();
  ContentMatch MakeContentMatch();
  std::map<std::string, std::string> MakeTexts();

  std::mt19937_64 random_;
};

// Straight from docs/policy.md, rule by rule, without index or shared code.
DeviceDecision ReferenceDecision(const Policy& policy,
                                 const std::vector<DeviceEntry>& entries,
                                 const DeviceFacts& device,
                                 const PersonFacts& person,
                                 const TerminalFacts& terminal, WallTime now);
ContentDecision ReferenceDecision(const Policy& policy,
                                  const ContentFacts& content,
                                  const DeviceFacts& device,
                                  const PersonFacts& person,
                                  const TerminalFacts& terminal, WallTime now);

}  // namespace sekisho::policy
