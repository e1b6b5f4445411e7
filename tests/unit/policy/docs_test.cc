// docs/policy.md is run: each example parses, and each key and word is there.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "policy/parser.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

struct Example {
  std::string kind;  // what follows the three backticks
  std::string text;
  int line = 0;
};

std::string ReadReference() {
  std::ifstream file(std::string(SEKISHO_SOURCE_DIR) + "/docs/policy.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<Example> Examples() {
  std::istringstream lines(ReadReference());
  std::vector<Example> examples;
  std::string line;
  bool inside = false;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) examples.push_back({line.substr(3), "", number});
    } else if (inside) {
      examples.back().text += line + "\n";
    }
  }
  return examples;
}

std::string AsPolicy(const Example& example) {
  const std::string head =
      "policy: 1\nname: example\nmode: observe\ndevice_default: block\n"
      "content_default: block\n";
  if (example.kind == "yaml") return example.text;
  if (example.kind == "yaml device") return head + "devices:\n" + example.text;
  if (example.kind == "yaml content") {
    return head + "content:\n" + example.text;
  }
  return "";
}

TEST(PolicyReference, EveryExampleParses) {
  int policies = 0;
  int lists = 0;
  for (const Example& example : Examples()) {
    const std::string name =
        "docs/policy.md from " + std::to_string(example.line);
    if (example.kind == "csv") {
      const auto rows = ParseDeviceList(example.text, name);
      EXPECT_TRUE(rows) << rows.error().message;
      ++lists;
    } else if (example.kind.starts_with("yaml")) {
      const auto policy = ParsePolicy(AsPolicy(example), name);
      EXPECT_TRUE(policy) << policy.error().message;
      ++policies;
    }
  }
  EXPECT_GE(policies, 5);
  EXPECT_EQ(lists, 1);
}

TEST(PolicyReference, EveryKeyStandsInAnExample) {
  std::string all;
  for (const Example& example : Examples()) {
    if (example.kind.starts_with("yaml")) all += example.text;
  }
  const auto expect = [&](const auto& keys) {
    for (const std::string_view key : keys) {
      EXPECT_NE(all.find(std::string(key) + ":"), std::string::npos) << key;
    }
  };
  expect(kPolicyKeys);
  expect(kDeviceRuleKeys);
  expect(kDeviceMatchKeys);
  expect(kContentRuleKeys);
  expect(kContentMatchKeys);
  expect(kPolicyKeys2);
  expect(kDeviceMatchKeys2);
  expect(kContentRuleKeys2);
  expect(kContentMatchKeys2);
  expect(kGroupKeys);
  expect(kNameGroupKeys);
  expect(kWindowKeys);
  expect(kTotalKeys);
  expect(kIdentifyKeys);
  expect(kJobKeys);
}

TEST(PolicyReference, EveryWordIsExplained) {
  const std::string text = ReadReference();
  const auto expect = [&](const auto& words) {
    for (const std::string_view word : words) {
      EXPECT_NE(text.find(word), std::string::npos) << word;
    }
  };
  expect(kModeWords);
  expect(kWhenStaleWords);
  expect(kAccessWords);
  expect(kVerdictWords);
  expect(kInspectionWords);
  expect(kBusWords);
  expect(kEncryptionWords);
  expect(kOriginWords);
  expect(kReasonWords);
  expect(kDataWords);
  expect(kTotalOfWords);
  expect(kTotalByWords);
  expect(kDayWords);
  expect(kProofWords);
}

}  // namespace
}  // namespace sekisho::policy
