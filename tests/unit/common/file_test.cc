#include "common/file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

namespace sekisho {
namespace {

class FileTest : public testing::Test {
 protected:
  FileTest() {
    char name[] = "/tmp/sekisho-file-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~FileTest() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(FileTest, ReplaceFileLeavesNoTemporaryAndSetsTheMode) {
  const std::string path = directory_ + "/state";
  ASSERT_TRUE(ReplaceFile(path, "one", 0600));
  ASSERT_TRUE(ReplaceFile(path, "two", 0640));
  const auto content = ReadFileAt(AT_FDCWD, path, 100);
  ASSERT_TRUE(content);
  EXPECT_EQ(*content, "two");
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640U);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_F(FileTest, ReadHonoursTheCap) {
  const std::string path = directory_ + "/f";
  ASSERT_TRUE(ReplaceFile(path, "12345", 0600));
  EXPECT_TRUE(ReadFileAt(AT_FDCWD, path, 5));
  const auto over = ReadFileAt(AT_FDCWD, path, 4);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::kResourceExhausted);
}

TEST_F(FileTest, ErrorsNameThePath) {
  const auto missing = ReadFileAt(AT_FDCWD, directory_ + "/none", 5);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_NE(missing.error().message.find("/none"), std::string::npos);
}

}  // namespace
}  // namespace sekisho
