#include "server/oidc/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace sekisho::oidc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kLeast[] =
    "oidc:\n"
    "  issuer: https://id.example/realms/soc\n"
    "  client_id: sekisho\n"
    "  redirect_base: https://sekisho.example:8443\n";

std::string ComplaintOf(const std::string& more) {
  const auto parsed = ParseSettings("server.yaml", kLeast + more);
  return parsed ? "" : parsed.error().message;
}

TEST(OidcSettingsTest, WithoutASectionThereIsNoProvider) {
  const auto none = ParseSettings("server.yaml", "state: /var/lib/sekisho\n");
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

TEST(OidcSettingsTest, LeastIsThreeLines) {
  const auto parsed = ParseSettings("server.yaml", kLeast);
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_TRUE(*parsed);
  const Settings& settings = **parsed;
  EXPECT_EQ(settings.RedirectUrl(),
            "https://sekisho.example:8443/api/v1/provider:callback");
  EXPECT_EQ(settings.user_claim, "preferred_username");
  EXPECT_EQ(settings.unknown_users, UnknownUsers::kRefuse);
  EXPECT_EQ(settings.second_factor, SecondFactor::kToken);
  EXPECT_FALSE(settings.only_but);
}

TEST(OidcSettingsTest, ReadsAllOfIt) {
  const auto parsed = ParseSettings(
      "server.yaml", std::string(kLeast) +
                         "  name: Example ID\n"
                         "  ca_file: /etc/ssl/id.pem\n"
                         "  scopes: openid groups\n"
                         "  user_claim: email\n"
                         "  groups_claim: roles\n"
                         "  required_group: sekisho\n"
                         "  roles:\n"
                         "    \"CN=SOC,OU=Groups\": [viewer, analyst]\n"
                         "    lead: [approver]\n"
                         "  terminals: { lead: all, soc: [tokyo, osaka] }\n"
                         "  unknown_users: create\n"
                         "  second_factor: provider\n"
                         "  only: true\n"
                         "  break_glass: [rescue]\n");
  ASSERT_TRUE(parsed) << parsed.error().message;
  const Settings& settings = **parsed;
  EXPECT_EQ(settings.name, "Example ID");
  EXPECT_EQ(settings.roles.size(), 2U);
  EXPECT_EQ(store::Print(settings.roles.at("CN=SOC,OU=Groups")),
            "viewer,analyst");
  EXPECT_TRUE(settings.terminals.at("lead").IsWholeFleet());
  EXPECT_EQ(settings.terminals.at("soc"), store::Scope({"tokyo", "osaka"}));
  EXPECT_EQ(settings.unknown_users, UnknownUsers::kCreate);
  EXPECT_EQ(settings.second_factor, SecondFactor::kTrusted);
  EXPECT_THAT(*settings.only_but, ElementsAre("rescue"));
}

TEST(OidcSettingsTest, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(ComplaintOf("  isuer: x\n"), HasSubstr("isuer"));
  EXPECT_THAT(ComplaintOf("  scopes: profile\n"), HasSubstr("'openid'"));
  EXPECT_THAT(ComplaintOf("  unknown_users: maybe\n"), HasSubstr("5:"));
  EXPECT_THAT(ComplaintOf("  unknown_users: create\n"), HasSubstr("'roles'"));
  EXPECT_THAT(ComplaintOf("  roles: { soc: [king] }\n"), HasSubstr("analyst"));
  EXPECT_THAT(ComplaintOf("  terminals: { soc: everything }\n"),
              HasSubstr("'all' or a list"));
  EXPECT_THAT(ComplaintOf("  terminals: all\n"), HasSubstr("groups"));
  // Nobody could come in when the provider is down.
  EXPECT_THAT(ComplaintOf("  only: true\n"), HasSubstr("break_glass"));
  EXPECT_THAT(ComplaintOf("  break_glass: [rescue]\n"), HasSubstr("only"));
  for (const char* issuer :
       {"http://id.example", "id.example", "https://", "https://a@b",
        "https://id.example?x=1", "https://id.example#x"}) {
    const auto parsed = ParseSettings(
        "server.yaml", "oidc:\n  issuer: \"" + std::string(issuer) +
                           "\"\n  client_id: x\n  redirect_base: https://s\n");
    ASSERT_FALSE(parsed) << issuer;
    EXPECT_THAT(parsed.error().message, HasSubstr("https://"));
  }
  const auto with_path = ParseSettings(
      "server.yaml",
      "oidc:\n  issuer: https://i\n  client_id: x\n  redirect_base: "
      "https://s/console\n");
  ASSERT_FALSE(with_path);
  EXPECT_THAT(with_path.error().message, HasSubstr("without a path"));
  EXPECT_THAT(ParseSettings("server.yaml", "oidc: yes\n").error().message,
              HasSubstr("server.yaml:1"));
}

TEST(OidcSettingsTest, TheSecretIsAFileThatNotEverybodyReads) {
  char dir[] = "/tmp/sekisho-oidc-XXXXXX";
  ASSERT_NE(mkdtemp(dir), nullptr);
  const std::string folder = dir;
  const std::string secret = folder + "/secret";
  std::ofstream(secret) << "  s3cret\n";
  ASSERT_EQ(chmod(secret.c_str(), 0640), 0);
  std::ofstream(folder + "/server.yaml")
      << kLeast << "  client_secret_file: " << secret << "\n";
  const auto read = ReadSettings(folder + "/server.yaml");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ((*read)->client_secret, "s3cret");
  ASSERT_EQ(chmod(secret.c_str(), 0644), 0);
  EXPECT_THAT(ReadSettings(folder + "/server.yaml").error().message,
              HasSubstr("chmod o="));
  std::ofstream(secret) << "\n";
  ASSERT_EQ(chmod(secret.c_str(), 0600), 0);
  EXPECT_THAT(ReadSettings(folder + "/server.yaml").error().message,
              HasSubstr("is empty"));
  std::filesystem::remove(secret);
  EXPECT_THAT(ReadSettings(folder + "/server.yaml").error().message,
              HasSubstr("client_secret_file"));
  EXPECT_TRUE(ReadSettings(folder + "/none.yaml"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sekisho::oidc
