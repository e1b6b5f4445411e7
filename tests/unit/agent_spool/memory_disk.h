// A disk in memory that fails, loses and tears as real ones do: what was not
// synced may survive a power cut in part, sector by sector; after a failed sync
// the kernel calls the pages clean and a later sync proves nothing.
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "agent/spool/disk.h"

namespace sekisho::spool {

class MemoryDisk final : public Disk {
 public:
  static constexpr size_t kSectorBytes = 512;

  struct File {
    Bytes durable;
    Bytes cached;
    std::set<size_t> dirty;  // sectors
  };

  explicit MemoryDisk(uint64_t seed = 1) : random_(seed) {}

  // ---- what a test does to it ----

  std::map<std::string, File> files;
  int64_t free_bytes = int64_t{1} << 40;
  // The operation that many writes and syncs from now fails; -1 = none.
  int fail_in = -1;
  bool keep_failing = false;
  int operations = 0;

  // Power is cut: each dirty sector reached the disk or did not.
  void Crash() {
    for (auto& [name, file] : files) {
      for (const size_t sector : file.dirty) {
        if (random_() % 2 == 0) Settle(file, sector);
      }
      file.dirty.clear();
      file.cached = file.durable;
    }
    locked_ = false;
  }
  void Close() { locked_ = false; }  // the process ended, the machine did not

  // ---- Disk ----

  Status Claim(const std::string&) override {
    if (locked_) return Fail(Code::kFailedPrecondition, "in use");
    locked_ = true;
    return {};
  }
  Result<std::vector<std::string>> List() override {
    std::vector<std::string> names;
    for (const auto& [name, file] : files) names.push_back(name);
    return names;
  }
  Result<std::unique_ptr<DiskFile>> Open(const std::string& name) override {
    if (!files.contains(name)) return Fail(Code::kNotFound, name);
    return std::make_unique<Handle>(*this, name);
  }
  Status Create(const std::string& name, int64_t size) override {
    if (size > free_bytes) return Fail(Code::kResourceExhausted, "no space");
    free_bytes -= size;
    const Bytes zeros(static_cast<size_t>(size));
    files[name] = {zeros, zeros, {}};
    return {};
  }
  Status Rename(const std::string& from, const std::string& to) override {
    if (!files.contains(from)) return Fail(Code::kNotFound, from);
    auto node = files.extract(from);
    node.key() = to;
    files.insert(std::move(node));
    return {};
  }
  Status Remove(const std::string& name) override {
    if (!files.contains(name)) return Fail(Code::kNotFound, name);
    free_bytes += static_cast<int64_t>(files[name].durable.size());
    files.erase(name);
    return {};
  }

 private:
  class Handle final : public DiskFile {
   public:
    Handle(MemoryDisk& disk, std::string name)
        : disk_(disk), name_(std::move(name)) {}
    int64_t size_bytes() const override {
      return static_cast<int64_t>(disk_.files.at(name_).cached.size());
    }
    Status ReadAt(int64_t offset, std::span<std::byte> out) override {
      const Bytes& from = disk_.files.at(name_).cached;
      const auto at = static_cast<size_t>(offset);
      if (at > from.size() || out.size() > from.size() - at) {
        return Fail(Code::kDataLoss, "file ends early");
      }
      std::copy_n(from.begin() + offset, out.size(), out.begin());
      return {};
    }
    Status WriteAt(int64_t offset, ByteSpan bytes) override {
      if (disk_.FailsNow()) return Fail(Code::kUnknown, "write: EIO");
      File& file = disk_.files.at(name_);
      const auto at = static_cast<size_t>(offset);
      CHECK(at + bytes.size() <= file.cached.size());
      std::ranges::copy(bytes, file.cached.begin() + offset);
      for (size_t s = at / kSectorBytes; s * kSectorBytes < at + bytes.size();
           ++s) {
        file.dirty.insert(s);
      }
      return {};
    }
    Status Sync() override {
      File& file = disk_.files.at(name_);
      if (disk_.FailsNow()) {
        file.dirty.clear();  // "clean", and never written
        return Fail(Code::kUnknown, "fdatasync: EIO");
      }
      for (const size_t sector : file.dirty) disk_.Settle(file, sector);
      file.dirty.clear();
      return {};
    }

   private:
    MemoryDisk& disk_;
    std::string name_;
  };

  bool FailsNow() {
    ++operations;
    if (fail_in < 0) return false;
    if (fail_in > 0) {
      --fail_in;
      return false;
    }
    if (!keep_failing) fail_in = -1;
    return true;
  }
  static void Settle(File& file, size_t sector) {
    const size_t from = sector * kSectorBytes;
    const size_t count = std::min(kSectorBytes, file.cached.size() - from);
    std::copy_n(file.cached.begin() + static_cast<ptrdiff_t>(from), count,
                file.durable.begin() + static_cast<ptrdiff_t>(from));
  }

  std::mt19937_64 random_;
  bool locked_ = false;
};

}  // namespace sekisho::spool
