#include <gtest/gtest.h>

#include "policy/evaluator.h"
#include "policy/match.h"
#include "policy/parser.h"
#include "tests/unit/policy/random_policy.h"

namespace sekisho::policy {
namespace {

// Lines say where a rule stands in a file, not what it says.
Policy WithoutLines(Policy policy) {
  for (auto& rule : policy.devices) rule.line = 0;
  for (auto& rule : policy.content) rule.line = 0;
  return policy;
}

TEST(Property, EvaluatorAgreesWithTheReference) {
  int probes = 0;
  int listed = 0;
  for (uint64_t seed = 1; seed <= 330; ++seed) {
    RandomWorld world(seed);
    const Policy policy = world.MakePolicy(world.Below(20));
    const auto entries = world.MakeEntries(world.Below(40));
    const auto snapshot = Snapshot::Make(policy, entries, 1);
    for (int i = 0; i < 100; ++i) {
      const DeviceFacts device = world.MakeDevice();
      const PersonFacts person = world.MakePerson();
      const TerminalFacts terminal = world.MakeTerminal();
      const WallTime now = world.MakeTime();
      const auto expected =
          ReferenceDecision(policy, entries, device, person, terminal, now);
      const auto found = snapshot->DecideDevice(device, person, terminal, now);
      ASSERT_EQ(found.rule, expected.rule) << "seed " << seed;
      ASSERT_EQ(found.access, expected.access) << "seed " << seed;
      ASSERT_EQ(found.needs_probe, expected.needs_probe) << "seed " << seed;
      ASSERT_EQ(found.no_exec, expected.no_exec) << "seed " << seed;
      ASSERT_EQ(found.encrypted_only, expected.encrypted_only);
      ASSERT_FALSE(found.reason.empty());
      if (device.medium || !CanHoldMedium(device)) {
        ASSERT_FALSE(found.needs_probe);
      }
      const auto steps = snapshot->Explain(device, person, terminal, now);
      ASSERT_EQ(steps.back().rule, expected.rule) << "seed " << seed;
      probes += found.needs_probe ? 1 : 0;
      listed += found.reason.starts_with("list") ? 1 : 0;
    }
  }
  // The vocabulary must reach the interesting branches.
  EXPECT_GT(probes, 1000);
  EXPECT_GT(listed, 1000);
}

TEST(Property, ContentEvaluatorAgreesWithTheReference) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    RandomWorld world(seed);
    const Policy policy = world.MakePolicy(world.Below(12));
    const auto snapshot = Snapshot::Make(policy, {}, 1);
    for (int i = 0; i < 100; ++i) {
      const ContentFacts content = world.MakeContent();
      const DeviceFacts device = world.MakeDevice();
      const PersonFacts person = world.MakePerson();
      const TerminalFacts terminal = world.MakeTerminal();
      const WallTime now = world.MakeTime();
      const auto expected =
          ReferenceDecision(policy, content, device, person, terminal, now);
      const auto found =
          snapshot->DecideContent(content, device, person, terminal, now);
      const auto steps =
          snapshot->ExplainContent(content, device, person, terminal, now);
      ASSERT_EQ(steps.back().rule, expected.rule) << "seed " << seed;
      ASSERT_EQ(found.rule, expected.rule) << "seed " << seed;
      ASSERT_EQ(found.verdict, expected.verdict) << "seed " << seed;
    }
  }
}

TEST(Property, WhatThePrinterPrintsParsesToTheSamePolicy) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    RandomWorld world(seed);
    const Policy policy = world.MakePolicy(world.Below(15));
    const std::string text = PrintPolicy(policy);
    const auto read = ParsePolicy(text, "printed.yaml");
    ASSERT_TRUE(read) << read.error().message << "\n" << text;
    ASSERT_EQ(WithoutLines(*read), policy) << text;
    ASSERT_EQ(PrintPolicy(*read), text);
  }
}

TEST(Property, DeviceListsPrintAndReadBack) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    RandomWorld world(seed);
    const auto entries = world.MakeEntries(world.Below(50));
    const auto read = ParseDeviceList(PrintDeviceList(entries), "printed.csv");
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(*read, entries);
  }
}

}  // namespace
}  // namespace sekisho::policy
