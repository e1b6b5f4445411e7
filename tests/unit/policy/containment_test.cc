#include "policy/containment.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sekisho::policy {
namespace {

constexpr std::string_view kGood =
    "sekisho-contain-1\n"
    "3 person 1000 15400 tanaka\n"
    "7 terminal 1000 1001 0b0e7c1a\n"
    "8 device 0 86400 0411:0282:A0 71\\u{202e}\n";

TEST(Containment, ListHasOneSpelling) {
  const auto all = ParseContainments(kGood);
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ((*all)[0], (Containment{.id = 3,
                                    .kind = ContainKind::kPerson,
                                    .target = "tanaka",
                                    .from_seconds = 1000,
                                    .until_seconds = 15400}));
  EXPECT_EQ((*all)[2].target, "0411:0282:A0 71\\u{202e}");
  EXPECT_EQ(PrintContainments(*all), kGood);
  EXPECT_TRUE(ParseContainments("sekisho-contain-1\n")->empty());
}

TEST(Containment, RefusesAnyOtherForm) {
  const char* bad[] = {
      "",
      "sekisho-contain-1",
      "sekisho-contain-2\n",
      "sekisho-contain-1\n1 person 0 60 a",
      "sekisho-contain-1\n\n",
      "sekisho-contain-1\n0 person 0 60 a\n",
      "sekisho-contain-1\n-1 person 0 60 a\n",
      "sekisho-contain-1\n01 person 0 60 a\n",
      "sekisho-contain-1\n+1 person 0 60 a\n",
      "sekisho-contain-1\n1 everyone 0 60 a\n",
      "sekisho-contain-1\n1 person 0 60 \n",
      "sekisho-contain-1\n1 person 0 60\n",
      "sekisho-contain-1\n1 person  0 60 a\n",
      "sekisho-contain-1\n1 person -1 60 a\n",
      "sekisho-contain-1\n1 person 60 60 a\n",
      "sekisho-contain-1\n1 person 61 60 a\n",
      "sekisho-contain-1\n1 person 0 86401 a\n",
      "sekisho-contain-1\n1 person -9223372036854775808 60 a\n",
      "sekisho-contain-1\n1 person 0 9223372036854775808 a\n",
      "sekisho-contain-1\n1 person 0 60 a\xff\n",
      "sekisho-contain-1\n1 person 0 60 a\tb\n",
      "sekisho-contain-1\n2 person 0 60 a\n1 person 0 60 b\n",
      "sekisho-contain-1\n1 person 0 60 a\n1 person 0 60 b\n",
  };
  for (const char* text : bad) EXPECT_FALSE(ParseContainments(text)) << text;
}

TEST(Containment, CapsTargetAndNumber) {
  const auto with = [](size_t count, size_t target) {
    std::string text = "sekisho-contain-1\n";
    for (size_t i = 1; i <= count; ++i) {
      text += fmt::format("{} device 0 60 {}\n", i, std::string(target, 'x'));
    }
    return ParseContainments(text);
  };
  EXPECT_TRUE(with(1, kMaxContainTargetBytes));
  EXPECT_FALSE(with(1, kMaxContainTargetBytes + 1));
  EXPECT_TRUE(with(kMaxContainments, 1));
  EXPECT_EQ(with(kMaxContainments + 1, 1).error().code,
            Code::kResourceExhausted);
}

Containment Of(ContainKind kind, std::string target) {
  return {.id = 1,
          .kind = kind,
          .target = std::move(target),
          .from_seconds = 0,
          .until_seconds = 60};
}

TEST(Containment, CoversExactlyItsTarget) {
  DeviceFacts stick;
  stick.vendor_id = "0411";
  stick.product_id = "0282";
  stick.serial = "A\n";
  EXPECT_EQ(DeviceKey(stick), "0411:0282:A\\n");
  EXPECT_TRUE(
      Covers(Of(ContainKind::kDevice, "0411:0282:A\\n"), stick, "tanaka"));
  EXPECT_FALSE(
      Covers(Of(ContainKind::kDevice, "0411:0282:A"), stick, "tanaka"));
  EXPECT_TRUE(Covers(Of(ContainKind::kPerson, "tanaka"), stick, "tanaka"));
  EXPECT_FALSE(Covers(Of(ContainKind::kPerson, "tanaka"), stick, "tanaka2"));
  EXPECT_FALSE(Covers(Of(ContainKind::kPerson, "tanaka"), stick, ""));
  EXPECT_TRUE(Covers(Of(ContainKind::kTerminal, "x"), stick, ""));
}

TEST(Containment, TouchesNothingButWhatHandsOutFiles) {
  DeviceFacts device;
  device.interfaces = {{0x03, 1, 1}, {0x09, 0, 0}, {0x0b, 0, 0}, {0x01, 1, 0}};
  EXPECT_FALSE(CarriesFiles(device)) << "keyboard, hub, card reader, headset";
  device.interfaces.push_back({0x06, 1, 1});
  EXPECT_TRUE(CarriesFiles(device)) << "a camera";
  device.interfaces = {{0x08, 6, 0x50}};
  EXPECT_TRUE(CarriesFiles(device));
}

TEST(Containment, NoticeNamesItInBothLanguagesAndItsEnd) {
  const auto notice = NoticeOf(Of(ContainKind::kPerson, "tanaka"), "18:30");
  EXPECT_NE(notice.at("ja").find("封じ込め 1"), std::string::npos);
  EXPECT_NE(notice.at("ja").find("18:30まで"), std::string::npos);
  EXPECT_NE(notice.at("en").find("containment 1"), std::string::npos);
  EXPECT_NE(notice.at("en").find("until 18:30"), std::string::npos);
  EXPECT_EQ(notice.at("en").find("tanaka"), std::string::npos);
}

}  // namespace
}  // namespace sekisho::policy
