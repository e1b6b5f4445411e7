// Cases as the browser works on them.
#include <gmock/gmock.h>

#include "tests/unit/server_web/api_fixture.h"

namespace sekisho::web {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CasesApiTest : public LoggedInApi {
 protected:
  json Post(const std::string& target, const json& body) {
    const Response response = Send("POST", target, body);
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    return json::parse(response.body);
  }
};

TEST_F(CasesApiTest, FromAnAlertToItsVerdict) {
  const int64_t alert = world_.AddBlockedTransfer();
  const std::string alert_path = "alerts/" + std::to_string(alert);
  LogInAs("tanaka");
  const json opened = Post("cases", {{"title", "The <list>"},
                                     {"alert_ids", {alert}},
                                     {"hold_reason", "the court"}});
  EXPECT_EQ(opened["case_id"], 1);
  EXPECT_EQ(opened["owner"], "tanaka");
  EXPECT_EQ(opened["hold"]["by"], "tanaka");
  EXPECT_EQ(Get(alert_path)["case_ids"], json({1}));

  const json row = Get(alert_path);
  Post("cases/1", {{"comment", "a\x1b[2J word"},
                   {"add_event_row_ids", {row["event_row_id"]}}});
  const json story = Get("cases/1");
  EXPECT_EQ(story["title"], "The <list>");
  EXPECT_EQ(story["comments"][0]["text"], "a\\u{1b}[2J word");
  EXPECT_EQ(story["alerts"][0]["alert"]["alert_id"], alert);
  EXPECT_EQ(story["alerts"][0]["alert"]["event"]["kind"], "transfer");
  EXPECT_EQ(story["events"][0]["event"]["row_id"], row["event_row_id"]);
  EXPECT_EQ(story["history"][0]["action"], "case.change");

  EXPECT_EQ(Send("POST", "cases:release/1", {{"reason", "r"}}).status, 403);
  EXPECT_EQ(Send("POST", "cases/1", {{"remove_alert_ids", {alert}}}).status,
            409);
  Post("cases:close/1", {{"verdict", "true_positive"},
                         {"reason", "he said so"},
                         {"with_alerts", true}});
  EXPECT_EQ(Get(alert_path)["verdict"], "true_positive");
  EXPECT_EQ(Post("cases:reopen/1", {{"reason", "more"}})["state"], "open");
  LogInAs("suzuki");
  const json released = Post("cases:release/1", {{"reason", "done"}});
  EXPECT_TRUE(released["hold"].is_null());
  EXPECT_EQ(released["release"]["by"], "suzuki");
  EXPECT_EQ(Post("cases:hold/1", {{"reason", "again"}})["hold"]["by"],
            "suzuki");
}

TEST_F(CasesApiTest, ListsByWhatIsAsked) {
  const int64_t alert = world_.AddBlockedTransfer();
  LogInAs("tanaka");
  Post("cases", {{"title", "one"}, {"alert_ids", {alert}}});
  Post("cases", {{"title", "two"}, {"owner", ""}, {"hold_reason", "r"}});
  Post("cases:close/1", {{"verdict", "benign"}, {"reason", "r"}});
  const auto titles = [&](const std::string& query) {
    std::string all;
    const json page = Get("cases" + query);
    for (const json& row : page["rows"]) {
      all += row["title"].get<std::string>() + " ";
    }
    return all;
  };
  EXPECT_EQ(titles(""), "two one ");
  EXPECT_EQ(titles("?state=open"), "two ");
  EXPECT_EQ(titles("?state=closed"), "one ");
  EXPECT_EQ(titles("?held=true"), "two ");
  EXPECT_EQ(titles("?alert_id=" + std::to_string(alert)), "one ");
  EXPECT_EQ(titles("?owner=nobody"), "");
  EXPECT_EQ(Send("GET", "cases?state=held").status, 400);
  EXPECT_EQ(Send("GET", "cases/9").status, 404);
  EXPECT_EQ(Send("GET", "cases/x").status, 400);
}

TEST_F(CasesApiTest, RefusesWhatIsNoListOfNumbers) {
  LogInAs("tanaka");
  for (const json& ids : {json("7"), json({"7"}), json({1.5}), json(7)}) {
    const Response response =
        Send("POST", "cases", {{"title", "t"}, {"alert_ids", ids}});
    EXPECT_EQ(response.status, 400) << ids;
    EXPECT_THAT(response.body, HasSubstr("list of whole numbers"));
  }
  json many = json::array();
  for (int i = 0; i < 501; ++i) many.push_back(i);
  EXPECT_EQ(Send("POST", "cases", {{"title", "t"}, {"alert_ids", many}}).status,
            400);
}

}  // namespace
}  // namespace sekisho::web
