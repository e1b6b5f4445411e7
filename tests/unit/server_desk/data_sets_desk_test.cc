// Lists of people by data owner, through the desk.
#include <gmock/gmock.h>

#include "policy/envelope.h"
#include "server/core/data_sets.h"
#include "tests/support/demo_world.h"

namespace sekisho {
namespace {

using core::Caller;
using testing::HasSubstr;

const Caller kSuzuki{"suzuki", core::Roles::All(), "console", ""};

std::string Bytes(const std::string& id, const std::string& owner,
                  int64_t persons,
                  const std::string& key_id = "0123456789abcdef") {
  std::vector<uint64_t> hashes;
  for (int64_t i = 0; i < persons; ++i) {
    hashes.push_back(static_cast<uint64_t>(i + 1) << 40U);
  }
  auto set = policy::DataSet::Make({.id = id,
                                    .owner = owner,
                                    .key_id = key_id,
                                    .persons = persons,
                                    .made_seconds = 1'798'000'000,
                                    .kinds = {"email"}},
                                   hashes, size_t{1} << 20);
  CHECK(set.has_value());
  return set->Print();
}

class DataSetsDeskTest : public testing::Test {
 protected:
  std::string Audited() {
    std::string lines;
    const auto page = world_.desk().ListAudit(kSuzuki, {}, {});
    for (const auto& row : page->rows) {
      lines += row.action + " | " + row.object + " | " + row.detail + " | " +
               row.result + "\n";
    }
    return lines;
  }
  demo::DemoWorld world_;
};

TEST_F(DataSetsDeskTest, ListsAreSignedAndReplacedByName) {
  core::Desk& desk = world_.desk();
  EXPECT_TRUE(desk.ListDataSets(kSuzuki)->empty());
  ASSERT_TRUE(desk.PutDataSet(kSuzuki, Bytes("staff", "shop", 20)));
  ASSERT_TRUE(desk.PutDataSet(kSuzuki, Bytes("city", "public:city", 30)));
  const auto row = desk.PutDataSet(kSuzuki, Bytes("staff", "shop", 25));
  ASSERT_TRUE(row) << row.error().message;
  EXPECT_EQ(row->persons, 25);
  const auto rows = *desk.ListDataSets(kSuzuki);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].id, "city");
  EXPECT_EQ(rows[0].owner, "public:city");
  EXPECT_EQ(rows[1].persons, 25);
  EXPECT_EQ(rows[1].one_in, 1);
  const auto envelope =
      policy::ParseEnvelope(*world_.store().NewestEnvelope("data_sets"));
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->version, 3);
  EXPECT_EQ(envelope->audience, "*");
  EXPECT_EQ(policy::ParseDataSets(envelope->body)->size(), 2U);
  EXPECT_THAT(Audited(), HasSubstr("data_set.push | data set staff | owner "
                                   "shop, 25 people"));
}

TEST_F(DataSetsDeskTest, WhatIsNoneIsRefusedAndNothingChanges) {
  core::Desk& desk = world_.desk();
  ASSERT_TRUE(desk.PutDataSet(kSuzuki, Bytes("city", "public:city", 30)));
  const std::string before = *world_.store().NewestEnvelope("data_sets");
  const auto list = desk.PutDataSet(kSuzuki, "name,phone\nx,1\n");
  ASSERT_FALSE(list);
  EXPECT_THAT(list.error().message, HasSubstr("not a data set"));
  const auto foreign =
      desk.PutDataSet(kSuzuki, Bytes("shop", "shop", 5, "fedcba9876543210"));
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().message, HasSubstr("another key than 'city'"));
  EXPECT_EQ(*world_.store().NewestEnvelope("data_sets"), before);
}

TEST_F(DataSetsDeskTest, RemovingAsksWhy) {
  core::Desk& desk = world_.desk();
  ASSERT_TRUE(desk.PutDataSet(kSuzuki, Bytes("city", "public:city", 30)));
  EXPECT_FALSE(desk.RemoveDataSet(kSuzuki, "city", " "));
  EXPECT_EQ(desk.RemoveDataSet(kSuzuki, "town", "over").error().code,
            Code::kNotFound);
  ASSERT_TRUE(desk.RemoveDataSet(kSuzuki, "city", "contract is over"));
  EXPECT_TRUE(desk.ListDataSets(kSuzuki)->empty());
  EXPECT_THAT(Audited(), HasSubstr("contract is over"));
}

}  // namespace
}  // namespace sekisho
