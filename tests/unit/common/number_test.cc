#include "common/number.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace sekisho {
namespace {

TEST(NumberOf, ReadsTheWholeText) {
  EXPECT_EQ(NumberOf<int>("-12"), -12);
  EXPECT_EQ(NumberOf<uint64_t>("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(NumberOf<unsigned>("3fA", 16), 0x3faU);
}

TEST(NumberOf, RefusesWhatIsMoreThanANumber) {
  for (const char* text : {"", " 1", "1 ", "+1", "0x1", "1.0", "one", "1\n"}) {
    EXPECT_EQ(NumberOf<int>(text), std::nullopt) << text;
  }
}

TEST(NumberOf, RefusesWhatDoesNotFit) {
  EXPECT_EQ(NumberOf<uint8_t>("256"), std::nullopt);
  EXPECT_EQ(NumberOf<unsigned>("-1"), std::nullopt);
  EXPECT_EQ(NumberOf<int64_t>("9223372036854775808"), std::nullopt);
}

}  // namespace
}  // namespace sekisho
