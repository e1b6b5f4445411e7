// Volumes that cryptsetup made: the key is the one that their data opens with.
#include "agent/unlock/volume.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "common/unique_fd.h"

namespace sekisho::unlock {
namespace {

using testing::HasSubstr;

constexpr int64_t kImageBytes = int64_t{24} << 20;
constexpr char kPassphrase[] = "correct horse";
constexpr char kFast[] = " --pbkdf pbkdf2 --pbkdf-force-iterations 1000";

class VolumeTest : public testing::Test {
 protected:
  VolumeTest() {
    std::string name = "/tmp/volume-test-XXXXXX";
    dir_ = ::mkdtemp(name.data());
    image_ = dir_ + "/image";
  }
  ~VolumeTest() override { std::filesystem::remove_all(dir_); }

  bool Run(const std::string& command) {
    return std::system((command + " > /dev/null 2>&1").c_str()) == 0;
  }
  bool Make(const std::string& options) {
    std::ofstream(image_).close();
    std::filesystem::resize_file(image_, kImageBytes);
    return Run(fmt::format("printf %s '{}' | cryptsetup luksFormat -q {} {} -",
                           kPassphrase, options, image_));
  }
  Result<ipc::UnlockAnswer> Find(std::string_view passphrase = kPassphrase) {
    const UniqueFd fd(::open(image_.c_str(), O_RDONLY | O_CLOEXEC));
    return FindKey(fd.get(),
                   static_cast<int64_t>(std::filesystem::file_size(image_)),
                   passphrase);
  }
  // What cryptsetup says the volume's key is.
  std::string KeyByCryptsetup() {
    const std::string out = dir_ + "/key";
    std::filesystem::remove(out);  // cryptsetup overwrites nothing
    if (!Run(fmt::format("printf %s '{}' | cryptsetup luksDump -q "
                         "--dump-volume-key --volume-key-file {} {} -d -",
                         kPassphrase, out, image_))) {
      return {};
    }
    std::ifstream file(out, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string dir_;
  std::string image_;
};

TEST_F(VolumeTest, FindsTheKeyOfBothFormats) {
  for (const std::string& options :
       {std::string("--type luks1 --iter-time 10"),
        std::string("--type luks2 --sector-size 512") + kFast,
        std::string("--type luks2 --sector-size 4096") + kFast,
        std::string("--type luks2 --sector-size 512 --pbkdf argon2id "
                    "--pbkdf-force-iterations 4 "
                    "--pbkdf-memory 1024 --pbkdf-parallel 2"),
        std::string("--type luks2 --sector-size 512 --cipher "
                    "aes-cbc-essiv:sha256 --key-size 256") +
            kFast}) {
    ASSERT_TRUE(Make(options)) << options;
    const auto found = Find();
    ASSERT_TRUE(found) << options << ": " << found.error().message;
    EXPECT_EQ(found->key, KeyByCryptsetup()) << options;
    EXPECT_THAT(found->cipher, HasSubstr("aes-")) << options;
    ASSERT_EQ(found->segments.size(), 1u);
    const auto& data = found->segments[0];
    EXPECT_EQ(data.start_sector, 0);
    EXPECT_EQ((data.device_sector + data.length_sectors) * 512, kImageBytes);
    EXPECT_EQ(found->sector_bytes,
              options.find("4096") == std::string::npos ? 512 : 4096);
  }
}

TEST_F(VolumeTest, AWrongPassphraseIsSaidSo) {
  ASSERT_TRUE(Make(std::string("--type luks2") + kFast));
  for (const std::string_view wrong : {"", "wrong horse", "correct hors"}) {
    const auto found = Find(wrong);
    ASSERT_FALSE(found) << wrong;
    EXPECT_EQ(found.error().code, Code::kInvalidArgument) << wrong;
  }
}

TEST_F(VolumeTest, WhatIsNoVolumeIsRefused) {
  std::ofstream(image_) << std::string(1 << 20, 'x');
  EXPECT_EQ(Find().error().code, Code::kFailedPrecondition);
  std::ofstream(image_, std::ios::trunc).close();
  EXPECT_FALSE(Find());
  // A header without the data it speaks of.
  ASSERT_TRUE(Make(std::string("--type luks2") + kFast));
  std::filesystem::resize_file(image_, int64_t{1} << 20);
  EXPECT_FALSE(Find());
}

TEST_F(VolumeTest, ADamagedHeaderIsAnErrorAndNothingElse) {
  ASSERT_TRUE(Make("--type luks1 --iter-time 10"));
  const std::string whole = dir_ + "/whole";
  std::filesystem::copy_file(image_, whole);
  std::mt19937 random(7);
  int refused = 0;
  for (int round = 0; round < 40; ++round) {
    std::filesystem::copy_file(
        whole, image_, std::filesystem::copy_options::overwrite_existing);
    std::fstream file(image_, std::ios::in | std::ios::out | std::ios::binary);
    for (int i = 0; i < 8; ++i) {
      file.seekp(static_cast<int64_t>(random() % 592));
      file.put(static_cast<char>(random()));
    }
    file.close();
    refused += Find() ? 0 : 1;
  }
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace sekisho::unlock
