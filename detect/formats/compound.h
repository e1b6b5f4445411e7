// Compound files ([MS-CFB]): the streams of legacy Office documents. Sector
// chains are followed without recursion, each at most as long as the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/formats/source.h"

namespace sekisho::detect {

class CompoundFile {
 public:
  struct Stream {
    std::string name;  // UTF-8
    uint32_t start = 0;
    int64_t size = 0;
  };
  // `source` must outlive the file. What is broken is said by problem().
  explicit CompoundFile(const Source* source);

  const std::vector<Stream>& streams() const { return streams_; }
  const Stream* Find(std::string_view name) const;
  // All of a stream, at most `cap` bytes.
  Bytes Read(const Stream& stream, size_t cap) const;
  const std::string& problem() const { return problem_; }

 private:
  Bytes Chain(uint32_t start, int64_t size, size_t cap) const;
  void ReadTable(const Bytes& header);
  void LookBehind();
  void ReadDirectory(uint32_t start);

  const Source* source_;
  size_t sector_ = 512;
  size_t mini_sector_ = 64;
  uint32_t mini_cutoff_ = 4096;
  std::vector<uint32_t> table_;       // FAT: the sector after each
  std::vector<uint32_t> mini_table_;  // of the short streams' container
  uint32_t root_start_ = 0;
  int64_t root_size_ = 0;
  std::vector<Stream> streams_;
  // Of the short streams, read when the first of them is.
  mutable Bytes container_;
  mutable bool has_container_ = false;
  mutable std::string problem_;
};

}  // namespace sekisho::detect
