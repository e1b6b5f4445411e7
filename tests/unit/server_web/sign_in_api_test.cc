// What the door says of an OpenID provider where there is none; with one, the
// integration test has a real one.
#include <gmock/gmock.h>

#include "tests/unit/server_web/api_fixture.h"

namespace sekisho::web {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

class SignInApiTest : public LoggedInApi {};

TEST_F(SignInApiTest, TheDoorTellsItsWaysWithoutASession) {
  EXPECT_EQ(Get("signin"), (json{{"provider", ""}, {"passwords", true}}));
}

TEST_F(SignInApiTest, AnAttemptBeginsByAChangeOfOurOwnPage) {
  EXPECT_EQ(Send("POST", "provider:start", json::object()).status, 409);
  EXPECT_EQ(Send("GET", "provider:start").status, 401);
  Request form;
  form.method = "POST";
  form.path = "/api/v1/provider:start";
  form.content_type = "application/x-www-form-urlencoded";
  EXPECT_EQ(api_.Handle(form).status, 400);
  form.content_type = "application/json";
  form.origin = "https://evil.example";
  form.host = "sekisho.example";
  EXPECT_EQ(api_.Handle(form).status, 403);
}

TEST_F(SignInApiTest, WhatComesBackUnaskedEndsAtTheDoor) {
  const Response back =
      Send("GET", "provider:callback?state=x&code=%0d%0aSet-Cookie:%20a=b");
  EXPECT_EQ(back.status, 303);
  EXPECT_THAT(back.headers, Contains(Pair("Location", "/?signin=expired")));
  for (const auto& [name, value] : back.headers) {
    EXPECT_THAT(value, Not(HasSubstr("__Host-sekisho=")));
  }
  EXPECT_EQ(Send("POST", "provider:callback", json::object()).status, 401);
}

TEST_F(SignInApiTest, OnlyTheProvidersPathsMayWait) {
  EXPECT_TRUE(Api::MayWait("/api/v1/provider:start"));
  EXPECT_TRUE(Api::MayWait("/api/v1/provider:callback"));
  EXPECT_FALSE(Api::MayWait("/api/v1/login"));
  EXPECT_FALSE(Api::MayWait("/api/v1/signin"));
}

TEST_F(SignInApiTest, WithoutAProviderNobodyIsMovedToIt) {
  LogInAs("suzuki");
  const Response moved = Send("POST", "users:use_provider",
                              {{"user", "tanaka"}, {"reason", "one sign-in"}});
  EXPECT_EQ(moved.status, 409);
  EXPECT_THAT(moved.body, HasSubstr("server.yaml"));
  EXPECT_EQ(Send("POST", "users:use_provider", {{"user", "tanaka"}}).status,
            400);
  const json users = Get("users");
  EXPECT_EQ(users["rows"][0]["provider_issuer"], "");
}

}  // namespace
}  // namespace sekisho::web
