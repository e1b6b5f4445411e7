#include "agent/device/descriptors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>

namespace sekisho::device {
namespace {

using Raw = std::vector<uint8_t>;

Raw Device() {
  return {18,   1,    0x00, 0x02, 0, 0, 0, 64, 0x51,
          0x09, 0x66, 0x16, 0,    1, 1, 2, 3,  1};
}

Raw Interface(uint8_t klass, uint8_t subclass, uint8_t protocol) {
  return {9, 4, 0, 0, 2, klass, subclass, protocol, 0};
}

Raw Config(std::initializer_list<Raw> content) {
  Raw out = {9, 2, 0, 0, 1, 1, 0, 0x80, 50};
  for (const Raw& part : content) {
    out.insert(out.end(), part.begin(), part.end());
  }
  out[2] = static_cast<uint8_t>(out.size());
  out[3] = static_cast<uint8_t>(out.size() >> 8);
  return out;
}

Raw Join(std::initializer_list<Raw> parts) {
  Raw out;
  for (const Raw& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

Raw Stick() { return Join({Device(), Config({Interface(8, 6, 0x50)})}); }

Result<UsbDescriptors> Parse(const Raw& raw) {
  return ParseDescriptors(std::as_bytes(std::span(raw)));
}

TEST(Descriptors, ReadsAStick) {
  const auto parsed = Parse(Stick());
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->vendor_id, "0951");
  EXPECT_EQ(parsed->product_id, "1666");
  EXPECT_EQ(parsed->configurations, 1);
  EXPECT_THAT(parsed->interfaces,
              testing::ElementsAre(policy::UsbInterface{8, 6, 0x50}));
  EXPECT_EQ(parsed->hash.size(), 64u);
}

TEST(Descriptors, CountsAlternateSettingsAndAllConfigurationsOnce) {
  const Raw endpoint = {7, 5, 0x81, 2, 0, 2, 0};
  const auto parsed = Parse(
      Join({Device(),
            Config({Interface(8, 6, 0x50), endpoint, Interface(8, 6, 0x62)}),
            Config({Interface(3, 1, 1), Interface(8, 6, 0x50)})}));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->configurations, 2);
  EXPECT_THAT(parsed->interfaces,
              testing::ElementsAre(policy::UsbInterface{8, 6, 0x50},
                                   policy::UsbInterface{8, 6, 0x62},
                                   policy::UsbInterface{3, 1, 1}));
}

TEST(Descriptors, HashFollowsEveryByte) {
  Raw other = Stick();
  other[12] = 1;  // bcdDevice
  EXPECT_NE(Parse(Stick())->hash, Parse(other)->hash);
}

struct Lie {
  const char* name;
  std::function<void(Raw&)> make;
};

class LyingDescriptors : public testing::TestWithParam<Lie> {};

TEST_P(LyingDescriptors, AreAnError) {
  Raw raw = Stick();
  GetParam().make(raw);
  const auto parsed = Parse(raw);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Code::kInvalidArgument)
      << parsed.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Table, LyingDescriptors,
    testing::Values(Lie{"Empty", [](Raw& r) { r.clear(); }},
                    Lie{"OnlyHalfADevice", [](Raw& r) { r.resize(17); }},
                    Lie{"NoConfiguration", [](Raw& r) { r.resize(18); }},
                    Lie{"DeviceLength", [](Raw& r) { r[0] = 17; }},
                    Lie{"DeviceType", [](Raw& r) { r[1] = 2; }},
                    Lie{"ConfigurationLength", [](Raw& r) { r[18] = 8; }},
                    Lie{"ConfigurationType", [](Raw& r) { r[19] = 4; }},
                    Lie{"TotalLengthTooLong", [](Raw& r) { ++r[20]; }},
                    Lie{"TotalLengthHuge", [](Raw& r) { r[21] = 0xff; }},
                    Lie{"TotalLengthTooShort", [](Raw& r) { r[20] = 8; }},
                    Lie{"TotalLengthCutsAnInterface", [](Raw& r) { --r[20]; }},
                    Lie{"InterfaceLengthZero", [](Raw& r) { r[27] = 0; }},
                    Lie{"InterfaceLengthOne", [](Raw& r) { r[27] = 1; }},
                    Lie{"InterfaceTooShort", [](Raw& r) { r[27] = 8; }},
                    Lie{"InterfaceLengthOver", [](Raw& r) { r[27] = 255; }},
                    Lie{"NestedConfiguration", [](Raw& r) { r[28] = 2; }},
                    Lie{"NoInterface", [](Raw& r) { r[28] = 5; }},
                    Lie{"TrailingByte", [](Raw& r) { r.push_back(0); }}),
    [](const auto& lie) { return lie.param.name; });

TEST(Descriptors, EveryCutOfAGoodBlobIsAnError) {
  const Raw whole = Stick();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(
        Parse(Raw(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size))))
        << size;
  }
}

Raw WithInterfaces(size_t count) {
  Raw content;
  for (size_t i = 0; i < count; ++i) {
    const Raw one = Interface(static_cast<uint8_t>(i), 0, 0);
    content.insert(content.end(), one.begin(), one.end());
  }
  return Join({Device(), Config({content})});
}

TEST(Descriptors, KindsOfInterfacesHaveACap) {
  EXPECT_TRUE(Parse(WithInterfaces(kMaxDistinctInterfaces)));
  const auto over = Parse(WithInterfaces(kMaxDistinctInterfaces + 1));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::kResourceExhausted);
}

Raw WithSameInterfaces(size_t count) {
  Raw content;
  for (size_t i = 0; i < count; ++i) {
    const Raw one = Interface(8, 6, 0x50);
    content.insert(content.end(), one.begin(), one.end());
  }
  return Join({Device(), Config({content})});
}

TEST(Descriptors, InterfaceDescriptorsHaveACap) {
  EXPECT_TRUE(Parse(WithSameInterfaces(kMaxInterfaceDescriptors)));
  const auto over = Parse(WithSameInterfaces(kMaxInterfaceDescriptors + 1));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::kResourceExhausted);
}

TEST(Descriptors, SizeHasACap) {
  Raw raw = Stick();
  raw.resize(kMaxDescriptorBytes + 1);
  const auto over = Parse(raw);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::kResourceExhausted);
}

}  // namespace
}  // namespace sekisho::device
