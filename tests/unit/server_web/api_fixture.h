// The JSON API as two people of the demo world use it: suzuki, who may
// everything, and tanaka, an analyst.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "server/web/api.h"
#include "tests/support/demo_world.h"

namespace sekisho::web {

class LoggedInApi : public testing::Test {
 protected:
  LoggedInApi() {
    world_.AddUser("suzuki", kPassword, core::Roles::All());
    world_.AddUser("tanaka", kPassword, core::Role::kAnalyst);
  }
  Response Send(const std::string& method, const std::string& target,
                const nlohmann::json& body = nullptr) {
    const auto parsed = ParseTarget("/api/v1/" + target);
    EXPECT_TRUE(parsed) << target;
    Request request;
    request.method = method;
    request.path = parsed->path;
    request.query = parsed->query;
    request.session_token = token_;
    request.csrf = csrf_;
    if (method != "GET") {
      request.body = body.dump();
      request.content_type = "application/json";
    }
    return api_.Handle(request);
  }
  nlohmann::json Get(const std::string& target) {
    const Response response = Send("GET", target);
    EXPECT_EQ(response.status, 200) << response.body;
    return nlohmann::json::parse(response.body);
  }
  void LogInAs(const std::string& user) {
    token_.clear();
    const Response response =
        Send("POST", "login", {{"user", user}, {"password", kPassword}});
    ASSERT_EQ(response.status, 200);
    csrf_ = nlohmann::json::parse(response.body)["csrf"].get<std::string>();
    for (const auto& [name, value] : response.headers) {
      if (name != "Set-Cookie") continue;
      const size_t equals = value.find('=');
      token_ = value.substr(equals + 1, value.find(';') - equals - 1);
    }
  }

  static constexpr char kPassword[] = "a long enough one";

  demo::DemoWorld world_;
  Api api_{world_.desk()};
  std::string token_, csrf_;
};

}  // namespace sekisho::web
