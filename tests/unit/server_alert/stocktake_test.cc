// Who answers for a device says from time to time that he still has it.
#include "server/alert/stocktake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>

#include "tests/support/test_store.h"

namespace sekisho::alert {
namespace {

using std::chrono::days;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr WallTime kStart{std::chrono::seconds(1'795'143'600)};
constexpr StocktakePlan kYearly{days(365), days(30)};

TEST(Stock, CountsFromWhatWasSaidLast) {
  store::Device device;
  device.approved_access = "inspect";
  device.approve_time = kStart;
  const auto stock = [&](int day) {
    return StockOf(device, kYearly, kStart + days(day));
  };
  EXPECT_EQ(stock(334), Stock::kFine);
  EXPECT_EQ(stock(335), Stock::kDue);
  EXPECT_EQ(stock(364), Stock::kDue);
  EXPECT_EQ(stock(365), Stock::kOverdue);
  device.confirm_time = kStart + days(340);
  EXPECT_EQ(stock(365), Stock::kFine);
  EXPECT_EQ(stock(705), Stock::kOverdue);
  // Approved anew after that.
  device.approve_time = kStart + days(400);
  EXPECT_EQ(stock(705), Stock::kFine);
}

TEST(Stock, OnlyWhatIsInUseIsAskedFor) {
  store::Device device;
  device.approve_time = kStart;
  const WallTime late = kStart + days(1000);
  EXPECT_EQ(StockOf(device, kYearly, late), Stock::kFine) << "not approved";
  device.approved_access = "block";
  EXPECT_EQ(StockOf(device, kYearly, late), Stock::kFine);
  device.approved_access = "read_only";
  EXPECT_EQ(StockOf(device, kYearly, late), Stock::kOverdue);
  EXPECT_EQ(StockOf(device, {days(0), days(30)}, late), Stock::kFine);
  device.lost.emplace();
  EXPECT_EQ(StockOf(device, kYearly, late), Stock::kFine);
}

class FakeClock final : public Clock {
 public:
  WallTime Now() const override { return kStart + past_; }
  BootTime SinceBoot() const override { return std::chrono::hours(1) + past_; }
  void Advance(days by) { past_ += by; }

 private:
  BootTime past_{0};
};

TEST(Stocktake, RemindsThenAlertsUntilSomebodyConfirms) {
  ASSERT_GE(sodium_init(), 0);
  char dir[] = "/tmp/sekisho-stocktake-XXXXXX";
  ASSERT_NE(mkdtemp(dir), nullptr);
  auto store = support::OpenTestStore(std::string(dir) + "/test.db").value();
  FakeClock clock;
  core::Changes changes;
  store::Approval approval;
  approval.device_id = "0951:1666:S1";
  approval.access = "inspect";
  approval.owner = "tanaka";
  ASSERT_TRUE(store->ChangeApproval(approval, "suzuki", clock.Now(),
                                    [](int64_t, const auto&) { return "x"; }));
  StocktakeWatch watch(*store, changes, clock, kYearly);
  ASSERT_TRUE(watch.Load());
  const auto open = [&] {
    store::AlertFilter filter;
    filter.only_unresolved = true;
    std::vector<std::string> kinds;
    const auto page = store->ListAlerts(filter, {}).value();
    for (const auto& alert : page.rows) {
      kinds.push_back(alert.kind + " " + alert.severity);
      EXPECT_EQ(alert.device_id, approval.device_id);
      EXPECT_NE(alert.title.find("tanaka"), std::string::npos);
    }
    return kinds;
  };
  ASSERT_TRUE(watch.Tick());
  EXPECT_THAT(open(), IsEmpty());
  clock.Advance(days(340));
  ASSERT_TRUE(watch.Tick());
  EXPECT_THAT(open(), ElementsAre("stocktake_due low"));
  clock.Advance(days(30));
  ASSERT_TRUE(watch.Tick());
  EXPECT_THAT(open(), ElementsAre("stocktake_overdue medium"));
  // A server that starts then knows of it, and tells it once.
  StocktakeWatch other(*store, changes, clock, kYearly);
  ASSERT_TRUE(other.Load());
  ASSERT_TRUE(other.Tick());
  EXPECT_EQ(open().size(), 1U);
  ASSERT_TRUE(store->ConfirmDevice(
      {approval.device_id, "in the safe", "suzuki", clock.Now()}));
  clock.Advance(days(1));
  ASSERT_TRUE(other.Tick());
  EXPECT_THAT(open(), IsEmpty());
  store::DeviceFilter filter;
  filter.device_id = approval.device_id;
  const auto devices = store->ListDevices(filter, {}, clock.Now()).value();
  EXPECT_EQ(devices.rows.at(0).confirmed_by, "suzuki");
  EXPECT_EQ(
      store->ConfirmDevice({"none", "", "suzuki", clock.Now()}).error().code,
      Code::kNotFound);
  store.reset();
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace sekisho::alert
