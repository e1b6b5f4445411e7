// Trying a policy on history, and drafting one from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/parser.h"
#include "policy/simulate.h"
#include "policy/suggest.h"

namespace sekisho::policy {
namespace {

using std::chrono::days;
using std::chrono::hours;
using testing::HasSubstr;

std::shared_ptr<const Snapshot> Load(const std::string& rules,
                                     std::vector<DeviceEntry> rows = {}) {
  auto policy = ParsePolicy(
      "policy: 2\nname: draft\nmode: observe\ndevice_default: block\n"
      "content_default: allow\n" +
          rules,
      "draft.yaml");
  EXPECT_TRUE(policy) << policy.error().message;
  return Snapshot::Make(policy.value_or(Policy{}), std::move(rows), 0);
}

PastEvent Plug(const std::string& serial, int day = 0) {
  PastEvent event;
  event.time = WallTime(days(20'000 + day));
  event.terminal.terminal = "desk-1";
  event.person.person = "sato";
  event.device.vendor_id = "0951";
  event.device.product_id = "1666";
  event.device.serial = serial;
  event.device.interfaces = {{8, 6, 0x50}};
  return event;
}

PastEvent Copy(int64_t persons, int hour = 0) {
  PastEvent event = Plug("AA01");
  event.kind = PastEvent::Kind::kTransfer;
  event.time += hours(hour);
  event.content.persons = persons;
  event.content.bytes = 10;
  event.content.inspection = Inspection::kFull;
  return event;
}

constexpr char kOpen[] =
    "devices: [ { id: sticks, match: { vendor_id: \"0951\" }, access: inspect "
    "} ]\n";

TEST(Simulation, SaysWhoWouldHaveBeenBlockedAndWhoFreed) {
  Simulation simulation(
      Load(std::string(kOpen) +
           "content: [ { id: many, when: { persons: { at_least: 21 } }, "
           "verdict: block } ]\n"));
  simulation.Add(Plug("AA01"));  // open, and stays so
  PastEvent closed = Plug("AA01");
  closed.was_blocked = true;
  simulation.Add(closed);  // freed
  PastEvent other = Plug("BB");
  other.device.vendor_id = "0781";
  simulation.Add(other);  // blocked
  simulation.Add(Copy(20));
  simulation.Add(Copy(100));
  simulation.Add(Copy(100));
  ASSERT_EQ(simulation.places().size(), 1U);
  const auto& [place, counts] = *simulation.places().begin();
  EXPECT_EQ(place.terminal, "desk-1");
  EXPECT_EQ(place.person, "sato");
  EXPECT_EQ(counts.devices_blocked, 1);
  EXPECT_EQ(counts.devices_freed, 1);
  EXPECT_EQ(counts.transfers_blocked, 2);
  EXPECT_EQ(counts.transfers_freed, 0);
  EXPECT_EQ(counts.persons_blocked, 200);
  EXPECT_EQ(simulation.changes().size(), 3U);
  EXPECT_EQ(simulation.rules().at("many"), 2);
  EXPECT_EQ(simulation.event_count(), 6);
}

TEST(Simulation, ACopyToAMediumThatTheDraftClosesIsBlocked) {
  Simulation simulation(Load(""));
  simulation.Add(Copy(0));
  EXPECT_EQ(simulation.places().begin()->second.transfers_blocked, 1);
  EXPECT_EQ(simulation.rules().count("default"), 1U);
}

TEST(Simulation, SumsTotalsOverTimeOfWhatTheDraftLetsThrough) {
  Simulation simulation(
      Load(std::string(kOpen) +
           "content: [ { id: day, when: { totals: [ { of: persons, by: person, "
           "over: 24h, at_least: 21 } ] }, verdict: block } ]\n"));
  simulation.Add(Copy(15, 0));
  simulation.Add(Copy(10, 1));   // 25: blocked, and not counted
  simulation.Add(Copy(5, 2));    // 20
  simulation.Add(Copy(15, 40));  // the first is long ago
  EXPECT_EQ(simulation.places().begin()->second.transfers_blocked, 1);
  EXPECT_EQ(simulation.places().begin()->second.persons_blocked, 10);
}

TEST(Simulation, AMediumThatNobodyLookedAtIsUnclear) {
  Simulation simulation(
      Load("devices: [ { id: a, match: { filesystem: vfat }, access: inspect } "
           "]\n"));
  simulation.Add(Plug("AA01"));
  EXPECT_EQ(simulation.places().begin()->second.devices_unclear, 1);
  EXPECT_TRUE(simulation.changes().empty());
}

TEST(Suggester, ListsWhatIsUsedAgainAndTellsWhoLosesTheRest) {
  Suggester suggester;
  for (const int day : {0, 1}) {
    suggester.Add(Plug("AA0099887766", day));
    suggester.Add(Plug("", day));
    suggester.Add(Plug("0123456789ABCDEF", day));
  }
  suggester.Add(Plug("ONCE12345x"));
  PastEvent copy = Copy(7);
  copy.device.serial = "ONCE12345x";
  suggester.Add(copy);
  PastEvent camera = Plug("CAM");
  camera.device.interfaces = {{0x0e, 1, 0}};
  camera.device.vendor_id = "046d";
  suggester.Add(camera);
  camera.time += days(1);
  suggester.Add(camera);

  const auto draft = suggester.Make({});
  ASSERT_EQ(draft.rows.size(), 1U);
  EXPECT_EQ(draft.rows[0].serial, "AA0099887766");
  EXPECT_EQ(draft.rows[0].terminal, "desk-1");
  EXPECT_EQ(draft.rows[0].owner, "sato");
  ASSERT_EQ(draft.losses.size(), 3U);
  EXPECT_EQ(draft.losses[0].device, "0951:1666:ONCE12345x");
  EXPECT_EQ(draft.losses[0].why, "seen on 1 day only");
  EXPECT_EQ(draft.losses[0].seen.people, 7);

  const auto policy = ParsePolicy(draft.text, "draft.yaml");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->mode, Mode::kObserve);
  const auto snapshot = Snapshot::Make(*policy, draft.rows, 0);
  const auto access = [&](const PastEvent& event) {
    return snapshot
        ->DecideDevice(event.device, event.person, event.terminal, event.time)
        .access;
  };
  EXPECT_EQ(access(Plug("AA0099887766")), Access::kInspect);
  EXPECT_EQ(access(Plug("ONCE12345x")), Access::kBlock);
  EXPECT_EQ(access(camera), Access::kFull);
  const auto rows = ParseDeviceList(PrintDeviceList(draft.rows), "rows.csv");
  ASSERT_TRUE(rows) << rows.error().message;
}

TEST(Suggester, ASerialThatTellsNothingIsNamed) {
  EXPECT_EQ(WeakSerial(""), "it has no serial");
  for (const char* serial :
       {"0", "0000000000", "0123456789", "0123456789ABCDEF", "abc", "12345678",
        "\xd0\x89\x01\x02zz"}) {
    EXPECT_NE(WeakSerial(serial), "") << serial;
  }
  EXPECT_EQ(WeakSerial("AA04012700010613"), "");
}

}  // namespace
}  // namespace sekisho::policy
