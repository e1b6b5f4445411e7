// Saved searches and changes of many alerts as the browser asks for them.
#include <gmock/gmock.h>

#include "tests/unit/server_web/api_fixture.h"

namespace sekisho::web {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class SearchesApiTest : public LoggedInApi {
 protected:
  json Post(const std::string& target, const json& body) {
    const Response response = Send("POST", target, body);
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    return json::parse(response.body);
  }
};

TEST_F(SearchesApiTest, IsKeptOpenedChangedSharedAndRemoved) {
  LogInAs("tanaka");
  const json made =
      Post("searches", {{"place", "alerts"},
                        {"name", "<b>Night</b> \\ 夜"},
                        {"filters", {{"state", "new"}, {"owner", "mine"}}}});
  EXPECT_EQ(made["name"], "<b>Night</b> \\ 夜");
  EXPECT_EQ(made["filters"]["owner"], "mine");
  EXPECT_FALSE(made["shared"]);
  EXPECT_TRUE(made["mine"]);
  EXPECT_EQ(made["problems"], json::array());
  const std::string id = std::to_string(made["id"].get<int64_t>());
  EXPECT_EQ(Post("searches/" + id, {{"name", "Night"}})["filters"],
            made["filters"]);
  EXPECT_TRUE(Post("searches:share/" + id, {{"shared", true}})["shared"]);
  LogInAs("suzuki");
  const json seen = Get("searches")["rows"].at(0);
  EXPECT_EQ(seen["name"], "Night");
  EXPECT_EQ(seen["owner"], "tanaka");
  EXPECT_FALSE(seen["mine"]);
  EXPECT_EQ(Send("POST", "searches/" + id, {{"name", "x"}}).status, 403);
  LogInAs("tanaka");
  Post("searches:remove/" + id, json::object());
  EXPECT_TRUE(Get("searches")["rows"].empty());
  EXPECT_EQ(Send("POST", "searches:remove/" + id, json::object()).status, 404);
}

TEST_F(SearchesApiTest, AWrongOneIsRefusedInWords) {
  LogInAs("tanaka");
  const json good = {
      {"place", "events"}, {"name", "a"}, {"filters", {{"kind", "transfer"}}}};
  const std::pair<json, const char*> kCases[] = {
      {{{"filters", {{"colour", "red"}}}}, "colour=red"},
      {{{"filters", {{"kind", 7}}}}, "'filters.kind' must be text"},
      {{{"filters", json::array()}}, "'filters' must be an object"},
      {{{"name", nullptr}}, "'name' is missing"},
      {{{"place", "cases"}}, "events or alerts"},
  };
  for (const auto& [change, says] : kCases) {
    json body = good;
    body.update(change);
    const Response response = Send("POST", "searches", body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_THAT(response.body, HasSubstr(says));
  }
  Post("searches", good);
  EXPECT_EQ(Send("POST", "searches", good).status, 409);
  EXPECT_EQ(Send("POST", "searches/1", json::object()).status, 400);
  EXPECT_EQ(Send("POST", "searches:share/1", {{"shared", "yes"}}).status, 400);
}

TEST_F(SearchesApiTest, EveryAlertOfAFilterIsChanged) {
  LogInAs("tanaka");
  const json count = Get("alerts:count?state=new");
  ASSERT_GT(count["count"], 2);
  const json change = {{"filter", {{"state", "new"}}},
                       {"upto_id", count["newest_id"]},
                       {"state", "acknowledged"}};
  const json step = Post("alerts:update_matching", change);
  EXPECT_EQ(step["updated"], count["count"]);
  EXPECT_EQ(step["next_after_id"], 0);
  EXPECT_EQ(Get("alerts:count?state=new")["count"], 0);
  // A filter that nobody knows would change more than was meant.
  json wrong = change;
  wrong["filter"] = {{"sate", "new"}};
  const Response refused = Send("POST", "alerts:update_matching", wrong);
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("'sate'"));
  wrong = change;
  wrong.erase("upto_id");
  EXPECT_EQ(Send("POST", "alerts:update_matching", wrong).status, 400);
}

TEST_F(SearchesApiTest, AWindowOfTheQueueIsReadByItsPlace) {
  LogInAs("tanaka");
  const json all = Get("alerts")["rows"];
  ASSERT_GT(all.size(), 3U);
  const json window = Get("alerts?skip=2&page_size=1")["rows"];
  ASSERT_EQ(window.size(), 1U);
  EXPECT_EQ(window[0]["alert_id"], all[2]["alert_id"]);
  EXPECT_TRUE(Get("alerts?skip=100000")["rows"].empty());
  EXPECT_EQ(Send("GET", "alerts?skip=-1").status, 400);
  EXPECT_EQ(Send("GET", "alerts?skip=1&page_token=7").status, 400);
}

TEST_F(SearchesApiTest, AVerdictSaysWhoGaveItAndWhen) {
  LogInAs("tanaka");
  const std::string path =
      "alerts/" + std::to_string(world_.AddBlockedTransfer());
  EXPECT_EQ(Get(path)["verdict_by"], "");
  EXPECT_TRUE(Get(path)["verdict_time"].is_null());
  Post(path, {{"state", "closed"}, {"verdict", "true_positive"}});
  EXPECT_EQ(Get(path)["verdict_by"], "tanaka");
  EXPECT_EQ(Get(path)["verdict_time"], "2026-11-20T09:12:31.000000Z");
}

}  // namespace
}  // namespace sekisho::web
