// Reviews, verdicts and suppressions as the browser works on them.
#include <gmock/gmock.h>

#include "tests/unit/server_web/api_fixture.h"

namespace sekisho::web {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class DutiesApiTest : public LoggedInApi {
 protected:
  json Post(const std::string& target, const json& body) {
    const Response response = Send("POST", target, body);
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    return json::parse(response.body);
  }
};

TEST_F(DutiesApiTest, AReviewFromTheDrawToTheStatement) {
  const std::string id = std::to_string(world_.DrawReview());
  LogInAs("suzuki");
  const json reviews = Get("reviews?open=true");
  ASSERT_GE(reviews["rows"].size(), 1U);
  json review = Get("reviews/" + id);
  EXPECT_TRUE(review["is_reviewer"]);
  EXPECT_EQ(review["log_root"].get<std::string>().size(), 64U);
  EXPECT_EQ(Send("POST", "reviews:judge/" + id,
                 {{"item_no", 1}, {"verdict", "in_order"}})
                .status,
            review["items"].empty() ? 404 : 409);
  for (const json& item : review["items"]) {
    const json opened = Post("reviews:open/" + id, {{"item_no", item["no"]}});
    EXPECT_TRUE(opened.contains("alert") || opened.contains("event"));
    EXPECT_EQ(opened["item"]["opened_by"], json({"suzuki"}));
    Post("reviews:judge/" + id,
         {{"item_no", item["no"]}, {"verdict", "unclear"}, {"note", "asked"}});
  }
  EXPECT_EQ(Post("reviews:sign/" + id, {{"note", "all"}})["signed_by"],
            "suzuki");
  const json statement = Get(
      "reviews:statement?from=2026-11-01T00:00:00Z&to=2026-11-21T00:00:00Z");
  EXPECT_EQ(statement["made_by"], "suzuki");
  EXPECT_THAT(statement["checkpoint"].get<std::string>(), HasSubstr("\n\n"));
  const json& row = statement["reviews"].back();
  EXPECT_EQ(row["findings"].size(), review["items"].size());
  EXPECT_EQ(Send("GET", "reviews:statement").status, 400);
}

TEST_F(DutiesApiTest, AnAlertSaysItsClocks) {
  const std::string path =
      "alerts/" + std::to_string(world_.AddBlockedTransfer());
  LogInAs("tanaka");
  const json fresh = Get(path);
  EXPECT_EQ(fresh["acknowledge_due"], "2026-11-20T10:12:31.000000Z");
  EXPECT_EQ(fresh["close_due"], "2026-11-21T09:12:31.000000Z");
  Post(path, {{"state", "acknowledged"}});
  EXPECT_TRUE(Get(path)["acknowledge_due"].is_null());
  EXPECT_FALSE(Get(path)["close_due"].is_null());
  Post(path, {{"state", "closed"}, {"verdict", "false_positive"}});
  EXPECT_TRUE(Get(path)["close_due"].is_null());
  const json verdicts = Get("alerts:verdicts?days=1");
  int64_t wrong = 0;
  for (const json& row : verdicts["rows"]) {
    wrong += row["false_positive"].get<int64_t>();
  }
  EXPECT_GE(wrong, 1);
  EXPECT_EQ(Send("GET", "alerts:verdicts?days=0").status, 400);
}

TEST_F(DutiesApiTest, WhatIsKeptBackIsListedAndEnded) {
  LogInAs("tanaka");
  const json made = Post("suppressions", {{"kind", "transfer_blocked"},
                                          {"terminal", "maint-osaka-07"},
                                          {"hours", 24},
                                          {"reason", "a drill"}});
  EXPECT_EQ(made["end_time"], "2026-11-21T09:12:31.000000Z");
  const int64_t kept = world_.AddBlockedTransfer();
  EXPECT_EQ(Get("alerts/" + std::to_string(kept))["suppression_id"], 1);
  EXPECT_EQ(Get("suppressions")["rows"][0]["alert_count"], 1);
  Post("suppressions:end", {{"id", 1}, {"reason", "over"}});
  EXPECT_TRUE(Get("suppressions")["rows"].empty());
  EXPECT_EQ(Get("suppressions?state=all")["rows"][0]["ended_by"], "tanaka");
  EXPECT_EQ(Send("POST", "suppressions",
                 {{"kind", "tamper"},
                  {"terminal", "x"},
                  {"hours", 1},
                  {"reason", "r"}})
                .status,
            400);
  EXPECT_EQ(Send("POST", "suppressions", {{"kind", "device_blocked"}}).status,
            400);
}

}  // namespace
}  // namespace sekisho::web
