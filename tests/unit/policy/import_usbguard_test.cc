// USBGuard's rules in ours: the grammar, what is left out, and that devices are
// judged the same as by reading the rules themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <utility>

#include "policy/evaluator.h"
#include "policy/import.h"

namespace sekisho::policy {
namespace {

using testing::HasSubstr;

Imported Import(const std::string& text, UsbguardOptions options = {}) {
  auto imported = ImportUsbguard(text, "rules.conf", options);
  EXPECT_TRUE(imported) << imported.error().message;
  return imported ? std::move(*imported) : Imported{};
}

std::string Refused(const std::string& text) {
  const auto imported = ImportUsbguard(text, "rules.conf", {});
  return imported ? "accepted" : imported.error().message;
}

DeviceFacts Device(std::string vendor, std::string product, std::string serial,
                   std::vector<UsbInterface> interfaces) {
  DeviceFacts device;
  device.vendor_id = std::move(vendor);
  device.product_id = std::move(product);
  device.serial = std::move(serial);
  device.interfaces = std::move(interfaces);
  return device;
}

TEST(ImportUsbguard, ReadsTheGrammarOfTheManPage) {
  const Imported imported = Import(
      "# a comment\n"
      "\n"
      "allow id 1d6b:0002 serial \"0000:00:14.0\" name \"xHCI \\\"Host\\\" "
      "\\x41\" via-port \"usb1\" with-interface 09:00:00 label \"root hub\"\n"
      "allow 1050:*  # the vendor\n"
      "reject with-interface all-of { 08:*:* 03:00:* }\n"
      "block id one-of { 0781:5581 0951:* } with-interface equals { 08:06:50 "
      "}\n"
      "allow with-interface match-all { 03:*:* } if true\n"
      "block\n");
  EXPECT_TRUE(imported.left_out.empty());
  const auto& rules = imported.policy.devices;
  ASSERT_EQ(rules.size(), 7U);  // the second opens media too
  EXPECT_EQ(rules[0].id, "usbguard-1-root-hub");
  EXPECT_EQ(rules[0].line, 3);
  EXPECT_EQ(rules[1].id, "usbguard-2-media");
  EXPECT_EQ(rules[1].access, Access::kInspect);
  EXPECT_EQ(rules[2].access, Access::kFull);
  EXPECT_EQ(rules[6].match, DeviceMatch{});
  EXPECT_EQ(imported.policy.mode, Mode::kObserve);
  const auto again = ParsePolicy(PrintPolicy(imported.policy), "printed");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(PrintPolicy(*again), PrintPolicy(imported.policy));
}

TEST(ImportUsbguard, NamesThePlaceOfWhatIsNotTheGrammar) {
  EXPECT_THAT(Refused("permit 1d6b:0002\n"),
              HasSubstr("rules.conf:1:7: expected a target (allow, block, "
                        "reject), found 'permit'"));
  EXPECT_THAT(Refused("allow id 1d6b\n"), HasSubstr("an id such as"));
  EXPECT_THAT(Refused("allow id *:0002\n"), HasSubstr("an id such as"));
  EXPECT_THAT(Refused("allow serial abc\n"), HasSubstr("double quotes"));
  EXPECT_THAT(Refused("allow serial \"abc\n"), HasSubstr("closing quote"));
  EXPECT_THAT(Refused("allow serial \"\\q\"\n"), HasSubstr("the escape 'q'"));
  EXPECT_THAT(Refused("allow serial \"a\" serial \"b\"\n"),
              HasSubstr("expected 'serial' once"));
  EXPECT_THAT(Refused("allow with-interface 08:*:50\n"),
              HasSubstr("an interface such as"));
  EXPECT_THAT(Refused("allow with-interface one-of 08:*:*\n"),
              HasSubstr("expected '{'"));
  EXPECT_THAT(Refused("allow with-interface { 08:*:*\n"),
              HasSubstr("expected '}'"));
  EXPECT_THAT(Refused("allow if sometimes\n"), HasSubstr("a condition"));
  EXPECT_THAT(Refused("allow if true serial \"a\"\n"),
              HasSubstr("nothing after the conditions"));
  EXPECT_THAT(Refused("allow wth-interface 08:*:*\n"),
              HasSubstr("did you mean 'with-interface'?"));
}

TEST(ImportUsbguard, WhatOursCannotSayIsLeftOutWithTheReason) {
  const auto why = [](const std::string& rule, UsbguardOptions options = {}) {
    const Imported imported = Import(rule + "\n", options);
    return imported.left_out.empty() ? "taken" : imported.left_out[0].message;
  };
  EXPECT_THAT(why("allow hash \"abc=\""), HasSubstr("own way"));
  EXPECT_THAT(why("allow 0951:1666 parent-hash \"abc=\""),
              HasSubstr("'parent-hash'"));
  EXPECT_THAT(why("allow with-connect-type \"hotplug\""),
              HasSubstr("no fact of ours"));
  EXPECT_THAT(why("allow name \"a*\""), HasSubstr("patterns in ours"));
  EXPECT_THAT(why("allow with-interface equals-ordered { 03:*:* 08:*:* }"),
              HasSubstr("order of interfaces"));
  EXPECT_THAT(why("allow if random(0.1)"), HasSubstr("'random'"));
  EXPECT_THAT(why("allow if !rule-applied(1h)"), HasSubstr("'rule-applied'"));
  EXPECT_THAT(why("allow if allowed-matches(1d6b:*)"),
              HasSubstr("'allowed-matches'"));
  EXPECT_THAT(why("allow if localtime(08:00-17:00)"), HasSubstr("--zone"));
  UsbguardOptions hashes;
  hashes.without_hashes = true;
  EXPECT_EQ(why("allow 0951:1666 hash \"abc=\"", hashes), "taken");
  EXPECT_EQ(Import("allow 0951:1666 hash \"abc=\"\n", hashes).changed.size(),
            1U);
  EXPECT_THAT(why("allow hash \"abc=\"", hashes), HasSubstr("every device"));
}

TEST(ImportUsbguard, TimesBecomeWindowsInTheNamedZone) {
  UsbguardOptions options;
  options.zone = "Asia/Tokyo";
  const Imported imported = Import(
      "allow 0951:1666 if localtime(22:00-06:00:00)\n"
      "allow 0951:1667 if none-of { localtime(09:00-17:00) false }\n",
      options);
  EXPECT_TRUE(imported.left_out.empty());
  const auto snapshot = Snapshot::Make(imported.policy, {}, 1);
  const auto blocked = [&](const std::string& product, int hour_in_tokyo) {
    const WallTime now =
        std::chrono::sys_days(std::chrono::year(2026) / 11 / 2) +
        std::chrono::hours(hour_in_tokyo - 9);
    return snapshot
               ->DecideDevice(Device("0951", product, "", {{3, 1, 1}}), {}, {},
                              now)
               .access == Access::kBlock;
  };
  EXPECT_FALSE(blocked("1666", 23));
  EXPECT_FALSE(blocked("1666", 5));
  EXPECT_TRUE(blocked("1666", 12));
  EXPECT_TRUE(blocked("1667", 12));
  EXPECT_FALSE(blocked("1667", 20));
}

// ---- the rules as USBGuard reads them, with nothing of the importer ----

struct Plain {  // an attribute
  std::string name;
  std::string op;  // "" = one value
  std::vector<std::string> values;
};

struct PlainRule {
  bool allows = false;
  std::vector<Plain> attributes;
};

bool PartFits(const std::string& pattern, const std::string& text) {
  return pattern == "*" || pattern == text;
}

bool InterfaceFits(const std::string& pattern, const UsbInterface& i) {
  char text[9];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x", i.klass, i.subclass,
                i.protocol);
  // "08:*:*" to parts.
  std::vector<std::string> parts;
  std::string part;
  for (const char c : pattern + ":") {
    if (c == ':') {
      parts.push_back(std::exchange(part, ""));
    } else {
      part += c;
    }
  }
  const std::string all = text;
  return PartFits(parts[0], all.substr(0, 2)) &&
         PartFits(parts[1], all.substr(3, 2)) &&
         PartFits(parts[2], all.substr(6, 2));
}

// A set operator over what the device has, as the man page explains each.
template <typename Has>
bool SetFits(const Plain& a, size_t device_count, Has has) {
  const auto holds = [&](const std::string& value) {
    for (size_t i = 0; i < device_count; ++i) {
      if (has(value, i)) return true;
    }
    return false;
  };
  const bool all = std::ranges::all_of(a.values, holds);
  const bool any = std::ranges::any_of(a.values, holds);
  if (a.op == "all-of") return all;
  if (a.op == "one-of") return any;
  if (a.op == "none-of") return !any;
  if (a.op == "match-all") {
    for (size_t i = 0; i < device_count; ++i) {
      const bool known = std::ranges::any_of(
          a.values, [&](const std::string& value) { return has(value, i); });
      if (!known) return false;
    }
    return true;
  }
  return all && a.values.size() == device_count;
}

bool Fits(const Plain& a, const DeviceFacts& d) {
  if (a.name == "with-interface") {
    return SetFits(a, d.interfaces.size(),
                   [&](const std::string& value, size_t i) {
                     return InterfaceFits(value, d.interfaces[i]);
                   });
  }
  return SetFits(a, 1, [&](const std::string& value, size_t) {
    if (a.name == "id") {
      return PartFits(value.substr(0, value.find(':')), d.vendor_id) &&
             PartFits(value.substr(value.find(':') + 1), d.product_id);
    }
    if (a.name == "serial") return value == d.serial;
    if (a.name == "name") return value == d.product;
    return value == d.port;
  });
}

std::string Print(const PlainRule& rule) {
  std::string out = rule.allows ? "allow" : "block";
  for (const Plain& a : rule.attributes) {
    out += " " + a.name + " " + a.op;
    if (!a.op.empty() || a.values.size() > 1) out += " {";
    for (const std::string& value : a.values) {
      const bool bare = a.name == "id" || a.name == "with-interface";
      out += bare ? " " + value : " \"" + value + "\"";
    }
    if (!a.op.empty() || a.values.size() > 1) out += " }";
  }
  return out + "\n";
}

class UsbguardWorld {
 public:
  explicit UsbguardWorld(uint64_t seed) : random_(seed) {}

  size_t Below(size_t end) { return random_() % end; }
  std::string Pick(const std::vector<std::string>& words) {
    return words[Below(words.size())];
  }

  Plain MakeAttribute(const std::string& name) {
    static const std::vector<std::string> kIds{"0951:1666", "0951:*", "*:*",
                                               "0781:5581"};
    static const std::vector<std::string> kInterfaces{
        "08:06:50", "08:*:*", "03:01:*", "03:*:*", "09:00:00"};
    static const std::vector<std::string> kTexts{"", "A1", "B2"};
    Plain a;
    a.name = name;
    const bool set = name == "with-interface";
    if (Below(2) == 0) {
      a.op = Pick(
          set ? std::vector<std::string>{"all-of", "one-of", "none-of",
                                         "equals", "match-all"}
              : std::vector<std::string>{"one-of", "none-of", "match-all"});
    }
    const size_t count = a.op.empty() ? 1 : 1 + Below(2);
    for (size_t i = 0; i < count; ++i) {
      a.values.push_back(name == "id" ? Pick(kIds)
                         : set        ? Pick(kInterfaces)
                                      : Pick(kTexts));
    }
    return a;
  }

  PlainRule MakeRule() {
    PlainRule rule;
    rule.allows = Below(3) != 0;
    for (const char* name :
         {"id", "serial", "name", "via-port", "with-interface"}) {
      const bool often = std::string_view(name) == "with-interface";
      if (Below(often ? 2 : 4) == 0) {
        rule.attributes.push_back(MakeAttribute(name));
      }
    }
    return rule;
  }

  DeviceFacts MakeDevice() {
    static const std::vector<UsbInterface> kInterfaces{
        {8, 6, 0x50}, {8, 6, 0x62}, {3, 1, 1}, {3, 0, 0}, {9, 0, 0}};
    DeviceFacts d = Device(Pick({"0951", "0781"}), Pick({"1666", "5581"}),
                           Pick({"", "A1", "B2"}), {});
    d.product = Pick({"", "A1", "B2"});
    d.port = Pick({"A1", "B2"});
    for (size_t i = 1 + Below(3); i > 0; --i) {
      d.interfaces.push_back(kInterfaces[Below(kInterfaces.size())]);
    }
    return d;
  }

 private:
  std::mt19937_64 random_;
};

TEST(ImportUsbguard, DevicesAreJudgedAsTheRulesThemselvesSay) {
  int allowed = 0;
  int blocked = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    UsbguardWorld world(seed);
    std::vector<PlainRule> rules;
    std::string text;
    for (size_t i = world.Below(8); i > 0; --i) {
      rules.push_back(world.MakeRule());
      text += Print(rules.back());
    }
    UsbguardOptions options;
    options.otherwise = seed % 2 == 0 ? Access::kFull : Access::kBlock;
    const Imported imported = Import(text, options);
    ASSERT_TRUE(imported.left_out.empty())
        << text << imported.left_out[0].message;
    const auto read = ParsePolicy(PrintPolicy(imported.policy), "printed");
    ASSERT_TRUE(read) << read.error().message << text;
    const auto snapshot = Snapshot::Make(*read, {}, 1);
    for (int i = 0; i < 100; ++i) {
      const DeviceFacts device = world.MakeDevice();
      bool expected = options.otherwise == Access::kFull;
      for (const PlainRule& rule : rules) {
        const bool fits = std::ranges::all_of(
            rule.attributes,
            [&](const Plain& attribute) { return Fits(attribute, device); });
        if (!fits) continue;
        expected = rule.allows;
        break;
      }
      const auto decision = snapshot->DecideDevice(device, {}, {}, {});
      ASSERT_EQ(decision.access != Access::kBlock, expected)
          << text << "rule " << decision.rule;
      ++(expected ? allowed : blocked);
    }
  }
  EXPECT_GT(allowed, 5000);
  EXPECT_GT(blocked, 5000);
}

TEST(ExportUsbguard, WhatItPrintsIsReadBackWithTheSameDecisions) {
  const auto policy = ParsePolicy(
      "policy: 1\nname: a\nmode: enforce\ndevice_default: block\n"
      "content_default: block\ndevices:\n"
      "  - { id: keyboards, match: { interfaces_all: [\"03/*/*\"] }, access: "
      "full }\n"
      "  - { id: stick, match: { vendor_id: \"0951\", product_id: \"1666\", "
      "serial: \"A\\\"1\" }, access: inspect }\n"
      "  - { id: night, match: { persons: [a] }, access: block }\n"
      "  - { id: late, match: { vendor_id: \"0781\" }, access: full }\n",
      "p.yaml");
  ASSERT_TRUE(policy);
  const Exported exported = ExportUsbguard(*policy, {}, "p.yaml");
  EXPECT_EQ(exported.text,
            "allow with-interface match-all { 03:*:* } label \"keyboards\"\n"
            "allow id 0951:1666 serial \"A\\\"1\" label \"stick\"\n");
  ASSERT_EQ(exported.left_out.size(), 2U);
  EXPECT_THAT(exported.left_out[0].message, HasSubstr("'night'"));
  EXPECT_THAT(exported.left_out[1].message,
              HasSubstr("a rule before it that blocks was left out"));
  const Imported back = Import(exported.text);
  EXPECT_TRUE(back.left_out.empty());
}

TEST(ExportUsbguard, RowsOfAListBecomeRulesTheBlockedFirst) {
  const auto policy = ParsePolicy(
      "policy: 1\nname: a\nmode: enforce\ndevice_default: block\n"
      "content_default: block\ndevices: [ { id: approved, list: approvals } "
      "]\n",
      "p.yaml");
  ASSERT_TRUE(policy);
  DeviceEntry good;
  good.list = "approvals";
  good.vendor_id = "0951";
  good.product_id = "*";
  good.serial = "*";
  good.access = Access::kInspect;
  DeviceEntry bad = good;
  bad.product_id = "1666";
  bad.serial = "LOST";
  bad.access = Access::kBlock;
  DeviceEntry ends = good;
  ends.expires = WallTime{};
  const Exported exported =
      ExportUsbguard(*policy, {good, ends, bad}, "p.yaml");
  EXPECT_EQ(exported.text,
            "block id 0951:1666 serial \"LOST\" label \"approved\"\n"
            "allow id 0951:* label \"approved\"\n");
  EXPECT_EQ(exported.left_out.size(), 1U);
}

}  // namespace
}  // namespace sekisho::policy
