#include "policy/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::policy {
namespace {

using testing::HasSubstr;

std::vector<Problem> LintText(std::string_view mode, std::string_view rules) {
  const auto policy =
      ParsePolicy("policy: 1\nname: t\nmode: " + std::string(mode) +
                      "\ndevice_default: block\ncontent_default: block\n" +
                      std::string(rules),
                  "t.yaml");
  EXPECT_TRUE(policy) << policy.error().message;
  return Lint(policy.value_or(Policy{}), "t.yaml");
}

TEST(Lint, WarnsWhenEnforcingWouldTakeKeyboardsAndHubs) {
  const auto warnings = LintText("enforce", "");
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_THAT(warnings[0].message, HasSubstr("a keyboard would be blocked"));
  EXPECT_THAT(warnings[1].message, HasSubstr("a hub would be blocked"));
  EXPECT_TRUE(LintText("observe", "").empty());
}

TEST(Lint, WarnsAboutTypesThatVersionOneCannotDefine) {
  const auto warnings =
      LintText("observe",
               "content:\n  - { id: c, when: { data: [\"custom:ward\"] }, "
               "verdict: block }\n");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(Format(warnings[0]),
              HasSubstr("t.yaml:7:1: rule 'c' asks for 'custom:ward'"));
}

TEST(Lint, WarnsAboutRulesNothingReaches) {
  const auto warnings = LintText(
      "observe",
      "devices:\n"
      "  - { id: a, match: {}, access: full }\n"
      "  - { id: b, match: { bus: usb }, access: full }\n"
      "content:\n"
      "  - { id: c, when: {}, verdict: allow }\n"
      "  - { id: d, when: { persons: { at_least: 1 } }, verdict: block }\n");
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_EQ(Format(warnings[0]),
            "t.yaml:8:1: rule 'b' is never reached: rule 'a' (line 7) takes "
            "everything");
  EXPECT_THAT(warnings[1].message, HasSubstr("rule 'd' is never reached"));
}

}  // namespace
}  // namespace sekisho::policy
