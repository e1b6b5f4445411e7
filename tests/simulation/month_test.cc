// A week of 200 terminals; the whole month is `month` (README.md).
#include "tests/simulation/month.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace sekisho::simulation {
namespace {

constexpr int kMostSocAlertsADay = 10;

MonthResult Simulate(MonthOptions options) {
  std::string dir = std::filesystem::exists("/dev/shm")
                        ? "/dev/shm/sekisho-week-XXXXXX"
                        : "/tmp/sekisho-week-XXXXXX";
  if (mkdtemp(dir.data()) == nullptr) std::abort();
  options.dir = dir;
  MonthResult result = Month(std::move(options)).Run();
  std::filesystem::remove_all(dir);
  return result;
}

MonthOptions Week() {
  MonthOptions options;
  options.terminals = 200;
  options.days = 7;
  return options;
}

TEST(Month, AWeekIsQuietAndWhatIsPlantedIsFound) {
  const MonthResult result = Simulate(Week());
  for (const int count : result.SocAlertsByDay()) {
    EXPECT_LE(count, kMostSocAlertsADay);
  }
  for (const Incident one : kIncidents) {
    EXPECT_NE(result.Finding(one), nullptr) << Name(one);
  }
  if (HasFailure()) std::fputs(Report(result).c_str(), stdout);
}

// That the finding is the incident's and not something that is always there.
TEST(Month, WhatIsNotPlantedIsNotFound) {
  MonthOptions options = Week();
  options.planted.clear();
  const MonthResult result = Simulate(options);
  for (const Incident one : kIncidents) {
    EXPECT_EQ(result.Finding(one), nullptr) << Name(one);
  }
}

// Why rows of heartbeats that say nothing new may be left out.
TEST(Month, EveryHeartbeatKeptOpensTheSameAlerts) {
  MonthOptions options = Week();
  options.terminals = 60;
  options.days = 2;
  const auto alerts = [](const MonthResult& result) {
    std::vector<std::string> all;
    for (const Opened& one : result.opened) {
      all.push_back(FormatUtc(one.alert.create_time) + " " + one.alert.kind +
                    " " + one.alert.terminal + " " + one.alert.device_id);
    }
    return all;
  };
  const auto few = alerts(Simulate(options));
  options.keep_every_beat = true;
  EXPECT_EQ(few, alerts(Simulate(options)));
  EXPECT_FALSE(few.empty());
}

}  // namespace
}  // namespace sekisho::simulation
