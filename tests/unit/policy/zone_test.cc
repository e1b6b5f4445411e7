#include "policy/zone.h"

#include <gtest/gtest.h>
#include <time.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>

namespace sekisho::policy {
namespace {

using std::chrono::seconds;

WallTime At(int64_t unix_seconds) {
  return WallTime(std::chrono::seconds(unix_seconds));
}

int64_t LocalSeconds(const Zone& zone, int64_t unix_seconds) {
  return zone.ToLocal(At(unix_seconds)).time_since_epoch().count();
}

std::map<std::string, std::string> Table() {
  std::ifstream file(std::string(SEKISHO_SOURCE_DIR) +
                     "/policy/tables/zones.txt");
  std::map<std::string, std::string> rules;
  std::string name;
  std::string rule;
  while (file >> name >> rule) rules[name] = rule;
  return rules;
}

// The C library reads the same rules by itself.
TEST(Zone, AgreesWithTheCLibraryForEveryRuleOfTheTable) {
  std::set<std::string> rules;
  for (const auto& [name, rule] : Table()) {
    EXPECT_TRUE(Zone::Find(name)) << name;
    rules.insert(rule);
  }
  ASSERT_GT(rules.size(), 80U);
  rules.insert("XST-1XDT,J60/0,J300/3");
  rules.insert("XST5XDT4,59/2,200");
  std::mt19937_64 random(7);
  for (const std::string& rule : rules) {
    const auto zone = Zone::ParseRule(rule);
    ASSERT_TRUE(zone) << rule;
    ::setenv("TZ", rule.c_str(), 1);
    ::tzset();
    for (int i = 0; i < 2000; ++i) {
      const time_t now =
          1'700'000'000 + static_cast<time_t>(random() % 500'000'000U);
      tm local{};
      ::localtime_r(&now, &local);
      ASSERT_EQ(LocalSeconds(*zone, now), now + local.tm_gmtoff)
          << rule << " at " << now;
    }
  }
  ::unsetenv("TZ");
}

TEST(Zone, GoesBackToTheSameMomentButForTheHourThatComesTwice) {
  std::mt19937_64 random(8);
  for (const auto& [name, rule] : Table()) {
    const auto zone = Zone::Find(name);
    for (int i = 0; i < 200; ++i) {
      const WallTime now =
          At(1'700'000'000 + static_cast<int64_t>(random() % 500'000'000U));
      const WallTime back = zone->ToUtc(zone->ToLocal(now));
      ASSERT_EQ(zone->ToLocal(back), zone->ToLocal(now)) << name;
      ASSERT_LE(back, now) << name;
    }
  }
}

TEST(Zone, AnHourThatComesTwiceIsItsFirstAndOneThatIsSkippedIsAfterTheJump) {
  using std::chrono::local_days, std::chrono::year, std::chrono::hours,
      std::chrono::minutes;
  const auto berlin = Zone::Find("Europe/Berlin");
  ASSERT_TRUE(berlin);
  const auto autumn = local_days(year(2026) / 10 / 25) + hours(2) + minutes(30);
  EXPECT_EQ(FormatUtc(berlin->ToUtc(autumn)).substr(0, 16), "2026-10-25T00:30");
  const auto spring = local_days(year(2026) / 3 / 29) + hours(2) + minutes(30);
  EXPECT_EQ(FormatUtc(berlin->ToUtc(spring)).substr(0, 16), "2026-03-29T01:30");
}

TEST(Zone, RefusesWhatIsNoNameAndNoRule) {
  for (const char* text :
       {"", "Asia/Tokio", "JST", "JST-25", "JS-9", "<JST-9", "CET-1CEST",
        "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/168", "CET-1CEST,M3.5.0,M10.5.0x",
        "CET-1CEST,J0,J365", "Asia/Tokyo JST-9"}) {
    EXPECT_FALSE(Zone::Find(text)) << text;
  }
  EXPECT_FALSE(Zone::ParseRule(std::string(65, 'A') + "-9"));
}

}  // namespace
}  // namespace sekisho::policy
