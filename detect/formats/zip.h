// ZIP (PKWARE APPNOTE 6.3.10): the central directory, ZIP64, and the bytes of
// one entry, stored or deflated. For archives and for the documents that are
// zips.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detect/formats/reader.h"

namespace sekisho::detect {

struct ZipEntry {
  std::string name;    // UTF-8; from CP932 where the flag says it is not
  int64_t begin = 0;   // of the data; -1: the local header is damaged
  int64_t stored = 0;  // bytes in the file
  int64_t size = 0;    // bytes when read, as the directory says
  uint32_t crc = 0;
  uint16_t method = 0;
  bool encrypted = false;
};

struct ZipDirectory {
  std::vector<ZipEntry> entries;  // folders left out, in order of the file
  // Stretches of the file that belong to no entry: [begin, end).
  std::vector<std::pair<int64_t, int64_t>> gaps;
  std::string problem;  // "damaged", "bomb" (entries overlap), "limit:..."

  const ZipEntry* Find(std::string_view name) const;
  // Never fails: what cannot be made out is in `problem`.
  static ZipDirectory Load(const Source& source, const Budget& budget);
};

// One entry's bytes. At the end size and CRC are compared.
class ZipStream {
 public:
  ZipStream(const Source* source, const ZipEntry& entry, Budget* budget);
  ~ZipStream();
  ZipStream(const ZipStream&) = delete;
  ZipStream& operator=(const ZipStream&) = delete;

  size_t Read(std::span<std::byte> out);
  // "damaged", "encrypted", "unknown" (the method); empty while all is well.
  const std::string& problem() const { return problem_; }

 private:
  struct Inflater;
  size_t Fill(std::span<std::byte> out);

  Cursor cursor_;
  ByteSpan input_;
  ZipEntry entry_;
  Budget* budget_;
  std::unique_ptr<Inflater> inflater_;
  uint32_t crc_;
  int64_t made_ = 0;
  bool done_ = false;
  std::string problem_;
};

// A zip as an archive.
class ZipReader final : public Reader {
 public:
  ZipReader(const Source* source, ZipDirectory directory, Budget* budget);
  bool Next(Part* part) override;
  size_t Read(std::span<std::byte> out) override;

 private:
  void Leave();

  const Source* source_;
  ZipDirectory directory_;
  Budget* budget_;
  size_t next_ = 0;
  size_t next_gap_ = 0;
  std::unique_ptr<ZipStream> stream_;
  std::unique_ptr<Cursor> gap_;
  ByteSpan gap_bytes_;
};

}  // namespace sekisho::detect
