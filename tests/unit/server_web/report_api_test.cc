// Register, coverage and inquiries as the browser asks for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/server_web/api_fixture.h"

namespace sekisho::web {
namespace {

using nlohmann::json;
using testing::HasSubstr;

using ReportApiTest = LoggedInApi;

TEST_F(ReportApiTest, EveryPathNeedsASession) {
  for (const char* path :
       {"terminals", "outages", "inquiries", "inquiries/1"}) {
    EXPECT_EQ(Send("GET", path).status, 401) << path;
  }
  for (const char* path :
       {"terminals:preview", "terminals:import", "inquiries"}) {
    EXPECT_EQ(Send("POST", path, json::object()).status, 401) << path;
  }
}

TEST_F(ReportApiTest, ARegisterIsPreviewedThenTakenByAnAdmin) {
  LogInAs("tanaka");
  const json file = {{"csv", "name,site\nmaint-osaka-07,Osaka\n"}};
  json preview = json::parse(Send("POST", "terminals:preview", file).body);
  EXPECT_EQ(preview["added"], json({"maint-osaka-07"}));
  EXPECT_EQ(preview["done"], false);
  EXPECT_EQ(Send("POST", "terminals:import", file).status, 403);
  const json broken =
      json::parse(Send("POST", "terminals:preview",
                       {{"csv", "name,site\na b,<img src=x>\n"}})
                      .body);
  EXPECT_EQ(broken["problems"][0]["line"], 2);
  EXPECT_EQ(broken["problems"][0]["column"], 1);
  EXPECT_EQ(Send("POST", "terminals:import", {{"csv", 5}}).status, 400);

  LogInAs("suzuki");
  EXPECT_EQ(json::parse(Send("POST", "terminals:import", file).body)["done"],
            true);
  const json page = Get("terminals?days=1");
  ASSERT_EQ(page["rows"].size(), 4U);
  EXPECT_EQ(page["rows"][2]["terminal"], "maint-osaka-07");
  EXPECT_EQ(page["rows"][2]["site"], "Osaka");
  EXPECT_EQ(page["rows"][2]["registered"], true);
  EXPECT_EQ(page["rows"][0]["registered"], false);
  EXPECT_FALSE(page["rows"][0]["parts"].empty());
  EXPECT_EQ(Send("GET", "terminals?days=93").status, 400);
  EXPECT_EQ(Get("outages")["rows"].size(), 0U);
}

TEST_F(ReportApiTest, AnInquiryIsAskedListedAndRead) {
  LogInAs("tanaka");
  json wish = {{"owner", "Client X"},
               {"reason", "their letter"},
               {"from", "2026-11-20T00:00:00Z"},
               {"to", "2026-11-20T09:00:00Z"}};
  const json inquiry = json::parse(Send("POST", "inquiries", wish).body);
  EXPECT_EQ(inquiry["answer"], "cannot_say") << inquiry;
  EXPECT_EQ(inquiry["user"], "tanaka");
  EXPECT_EQ(Get("inquiries")["rows"][0]["id"], inquiry["id"]);
  const json read = Get("inquiries/" + inquiry["id"].dump());
  EXPECT_THAT(read["document"].get<std::string>(),
              testing::StartsWith("sekisho-inquiry-1\n{\"answer\":"));
  EXPECT_EQ(Send("GET", "inquiries/99").status, 404);
  EXPECT_EQ(Send("GET", "inquiries/x").status, 400);
  for (const char* name : {"reason", "from", "to", "owner"}) {
    json bad = wish;
    bad.erase(name);
    EXPECT_EQ(Send("POST", "inquiries", bad).status, 400) << name;
  }
  wish["from"] = "yesterday";
  EXPECT_EQ(Send("POST", "inquiries", wish).status, 400);
}

TEST_F(ReportApiTest, PeopleAreImportedAndGivenTheirProofsByAnAdmin) {
  EXPECT_EQ(Send("GET", "people").status, 401);
  LogInAs("suzuki");
  const json file = {{"text", "id,contract_end\nyamada,2027-03-31\nsato,\n"},
                     {"accounts", "maint"},
                     {"zone", "Asia/Tokyo"}};
  json done = json::parse(Send("POST", "people:preview", file).body);
  EXPECT_EQ(done["added"], json({"sato", "yamada"}));
  EXPECT_EQ(done["done"], false);
  EXPECT_EQ(Get("people")["rows"].size(), 0U);
  done = json::parse(Send("POST", "people:import", file).body);
  EXPECT_EQ(done["done"], true);
  const json row = Get("people?text=yam")["rows"][0];
  EXPECT_EQ(row["contract_end"], "2027-03-31T15:00:00.000000Z");
  EXPECT_EQ(row["accounts"], "maint");
  EXPECT_EQ(row["has_pin"], false);
  const json pin =
      json::parse(Send("POST", "people:pin", {{"person", "yamada"}}).body);
  EXPECT_EQ(pin["pin"].get<std::string>().size(), 8U);
  const json totp =
      json::parse(Send("POST", "people:totp", {{"person", "yamada"}}).body);
  EXPECT_THAT(totp["uri"].get<std::string>(), HasSubstr("otpauth://"));
  EXPECT_EQ(Send("POST", "people:pin", {{"person", "none"}}).status, 404);
  const std::string all = Get("people").dump();
  EXPECT_THAT(all, HasSubstr("\"has_pin\":true"));
  EXPECT_EQ(all.find("argon2"), std::string::npos);
  EXPECT_EQ(
      Send("POST", "people:import", {{"text", "dn: x"}, {"format", "xml"}})
          .status,
      400);
  done = json::parse(
      Send("POST", "people:import",
           {{"text", "dn: uid=sato,dc=x\nuid: sato\n"}, {"format", "ldif"}})
          .body);
  EXPECT_EQ(done["removed"], json({"yamada"}));
  LogInAs("tanaka");
  EXPECT_EQ(Send("GET", "people").status, 200);
  EXPECT_EQ(Send("POST", "people:pin", {{"person", "sato"}}).status, 403);
  EXPECT_EQ(Send("POST", "people:import", file).status, 403);
}

}  // namespace
}  // namespace sekisho::web
