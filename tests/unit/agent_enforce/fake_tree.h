// A directory tree that looks like sysfs or proc, gone with the test.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace sekisho::enforce {

class FakeTree {
 public:
  FakeTree() {
    std::string name = ::testing::TempDir() + "sekisho-tree-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) abort();
    root_ = std::filesystem::canonical(name).string();
  }
  ~FakeTree() { std::filesystem::remove_all(root_); }
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;

  const std::string& root() const { return root_; }
  std::string Path(const std::string& path) const { return root_ + "/" + path; }

  void File(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(
        std::filesystem::path(Path(path)).parent_path());
    std::ofstream(Path(path), std::ios::binary) << text;
  }
  // `target` is relative to the root.
  void Link(const std::string& path, const std::string& target) const {
    std::filesystem::create_directories(
        std::filesystem::path(Path(path)).parent_path());
    std::filesystem::create_symlink(Path(target), Path(path));
  }
  std::string Read(const std::string& path) const {
    std::ifstream file(Path(path), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string root_;
};

}  // namespace sekisho::enforce
