#include "policy/schema.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "policy/yaml_reader.h"

namespace sekisho::policy {
namespace {

// After a change of the language: `policy_test --gtest_filter=Schema.* ` tells,
// and SEKISHO_WRITE_SCHEMA=1 writes the file anew.
TEST(Schema, ThePublishedFileIsWhatTheParserKnows) {
  const std::string path =
      std::string(SEKISHO_SOURCE_DIR) + "/docs/api/policy.schema.json";
  if (::getenv("SEKISHO_WRITE_SCHEMA") != nullptr) {
    std::ofstream(path) << PolicySchema();
  }
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), PolicySchema())
      << "write it anew with SEKISHO_WRITE_SCHEMA=1";
}

TEST(Schema, HasAPlaceForEveryKey) {
  const std::string text = PolicySchema();
  EXPECT_EQ(text.find(": false,\n        \""), std::string::npos)
      << "a key of words.h has no value in schema.cc";
  EXPECT_NE(text.find("\"interface_count\""), std::string::npos);
  // Brackets close, also for a reader that is not ours.
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    if (quoted) continue;
    if (text[i] == '{' || text[i] == '[') ++depth;
    if (text[i] == '}' || text[i] == ']') --depth;
    ASSERT_GE(depth, 0);
  }
  EXPECT_EQ(depth, 0);
}

}  // namespace
}  // namespace sekisho::policy
