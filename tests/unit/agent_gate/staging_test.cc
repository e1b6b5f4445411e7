#include "agent/gate/staging.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/agent_gate/fakes.h"

namespace sekisho::gate {
namespace {

class Staging : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = TemporaryDirectory();
    auto area =
        StagingArea::Open(directory_, {int64_t{4} << 20, int64_t{3} << 20});
    ASSERT_TRUE(area);
    area_ = *std::move(area);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string directory_;
  std::unique_ptr<StagingArea> area_;
};

std::string Content(const StagedFile& file) {
  std::string text(static_cast<size_t>(file.size()) + 10, '?');
  const auto n =
      file.Read(std::as_writable_bytes(std::span(text.data(), text.size())), 0);
  CHECK(n.has_value());
  text.resize(*n);
  return text;
}

TEST_F(Staging, MovesToDiskAboveTheMemoryBoundAndKeepsItsContent) {
  auto file = area_->NewFile();
  ASSERT_TRUE(file);
  const std::string small(1 << 20, 'a');
  ASSERT_TRUE((*file)->Write(AsBytes(small), 0));
  const int memory = (*file)->fd();
  ASSERT_TRUE((*file)->Write(AsBytes("b"), 1 << 20));
  EXPECT_NE((*file)->fd(), memory);
  EXPECT_EQ(Content(**file), small + "b");
  EXPECT_TRUE(std::filesystem::is_empty(directory_));  // it has no name
}

TEST_F(Staging, BoundsOfAFileAndOfAll) {
  auto one = area_->NewFile();
  auto two = area_->NewFile();
  const int64_t most = int64_t{3} << 20;
  EXPECT_TRUE((*one)->Truncate(most));
  EXPECT_EQ((*one)->Truncate(most + 1).error(), EFBIG);
  EXPECT_TRUE((*two)->Truncate(int64_t{1} << 20));
  EXPECT_EQ((*two)->Truncate((int64_t{1} << 20) + 1).error(), ENOSPC);
  EXPECT_EQ((*two)->size(), int64_t{1} << 20);
  one->reset();
  EXPECT_TRUE((*two)->Truncate((int64_t{1} << 20) + 1));
  two->reset();
  EXPECT_EQ(area_->used_bytes(), 0);
}

TEST_F(Staging, ReadOnlyDescriptorCannotWrite) {
  for (const int64_t size : {int64_t{10}, int64_t{2} << 20}) {
    auto file = area_->NewFile();
    ASSERT_TRUE((*file)->Truncate(size));
    auto fd = (*file)->OpenReadOnly();
    ASSERT_TRUE(fd);
    EXPECT_EQ(::pwrite(fd->get(), "x", 1, 0), -1);
    EXPECT_EQ(::ftruncate(fd->get(), 0), -1);
  }
}

TEST_F(Staging, CloneIsPaidAndIndependent) {
  auto file = area_->NewFile();
  ASSERT_TRUE((*file)->Write(AsBytes("abc"), 0));
  auto copy = (*file)->Clone();
  ASSERT_TRUE(copy);
  EXPECT_EQ(area_->used_bytes(), 6);
  ASSERT_TRUE((*copy)->Write(AsBytes("X"), 0));
  EXPECT_EQ(Content(**file), "abc");
  EXPECT_EQ(Content(**copy), "Xbc");
}

TEST_F(Staging, RejectsOffsetsBeyondAnyFile) {
  auto file = area_->NewFile();
  EXPECT_EQ((*file)->Write(AsBytes("x"), INT64_MAX).error(), EFBIG);
  EXPECT_EQ((*file)->Write(AsBytes("x"), -1).error(), EFBIG);
  EXPECT_EQ((*file)->Truncate(-1).error(), EINVAL);
}

TEST_F(Staging, CopyKeepsHolesAndTheLength) {
  auto from = area_->NewFile();
  ASSERT_TRUE((*from)->Write(AsBytes("end"), 1 << 20));
  ASSERT_TRUE((*from)->Truncate(2 << 20));
  const UniqueFd to(::open(directory_.c_str(), O_TMPFILE | O_RDWR, 0600));
  ASSERT_TRUE(to);
  ASSERT_TRUE(CopyContent((*from)->fd(), to.get(), (*from)->size()));
  struct stat about{};
  ASSERT_EQ(::fstat(to.get(), &about), 0);
  EXPECT_EQ(about.st_size, 2 << 20);
  EXPECT_LT(about.st_blocks * 512, 1 << 20);
  std::string text(3, '\0');
  EXPECT_EQ(::pread(to.get(), text.data(), 3, 1 << 20), 3);
  EXPECT_EQ(text, "end");
}

}  // namespace
}  // namespace sekisho::gate
