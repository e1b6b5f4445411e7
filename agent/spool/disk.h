// The operating system as the spool needs it: files of fixed size in one
// directory. Tests put a disk in its place that fails, tears and loses.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace sekisho::spool {

class DiskFile {
 public:
  virtual ~DiskFile() = default;
  virtual int64_t size_bytes() const = 0;
  // Exactly out.size() bytes or an error.
  virtual Status ReadAt(int64_t offset, std::span<std::byte> out) = 0;
  virtual Status WriteAt(int64_t offset, ByteSpan bytes) = 0;
  // fdatasync(2). After an error the kernel may call the pages clean: the
  // caller must never trust this file's later syncs.
  virtual Status Sync() = 0;
};

class Disk {
 public:
  virtual ~Disk() = default;
  // Makes and locks the directory. kFailedPrecondition: locked by another.
  virtual Status Claim(const std::string& dir) = 0;
  virtual Result<std::vector<std::string>> List() = 0;  // names, sorted
  virtual Result<std::unique_ptr<DiskFile>> Open(const std::string& name) = 0;
  // A file of zeros whose blocks are written, so that no later write of it can
  // run out of space; there whole and durable, or not at all.
  virtual Status Create(const std::string& name, int64_t size_bytes) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& name) = 0;
};

std::unique_ptr<Disk> NewPosixDisk();

}  // namespace sekisho::spool
