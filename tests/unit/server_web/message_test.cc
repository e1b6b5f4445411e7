#include "server/web/message.h"

#include <gtest/gtest.h>

namespace sekisho::web {
namespace {

TEST(Message, DecodesPathAndQuery) {
  const auto target = ParseTarget("/api/v1/a%20b?person=%E4%BD%90+x&y");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/api/v1/a b");
  EXPECT_EQ(target->query.at("person"), "佐 x");
  EXPECT_EQ(target->query.at("y"), "");
}

TEST(Message, RefusesBadTargets) {
  for (const char* target : {"/%", "/%2", "/%zz", "/%00", "/a/../b",
                             "/%2e%2e/etc/passwd", "/?a=%G0"}) {
    const auto parsed = ParseTarget(target);
    ASSERT_FALSE(parsed) << target;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument) << target;
  }
}

TEST(Message, FindsTheCookieByItsWholeName) {
  EXPECT_EQ(CookieValue("a=1; __Host-sekisho=secret; b=2", "__Host-sekisho"),
            "secret");
  EXPECT_EQ(CookieValue("x__Host-sekisho=no", "__Host-sekisho"), "");
  EXPECT_EQ(CookieValue("", "__Host-sekisho"), "");
}

}  // namespace
}  // namespace sekisho::web
