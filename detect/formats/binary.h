// Programs, fonts, captures, cores, disk images: binary files of a kind that is
// known, with text among other bytes. Runs of characters in any encoding are
// lines of one part. Bytes that are packed or encrypted, and documents and
// archives within, are not opened: they make the file "partial", `unknown`.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "detect/formats/text_parts.h"

namespace sekisho::detect {

// Whether files of that kind are read so.
bool IsBinaryFormat(std::string_view format);

// Tells code, tables and text from what a packer or a cipher puts out: their
// bytes are all equally frequent.
class PackedMeter {
 public:
  // So many windows in a row are packed; tables of a cipher or of a C library
  // fill two.
  static constexpr size_t kWindowBytes = 4096;
  static constexpr int kWindows = 3;

  void Add(ByteSpan bytes);
  bool packed() const { return packed_; }

 private:
  void Close();

  std::array<uint32_t, 256> counts_{};
  size_t filled_ = 0;
  int in_a_row_ = 0;
  bool packed_ = false;
};

// UTF-16LE among other bytes, at even or at odd places.
class WideRun {
 public:
  // Appends the runs that end in `bytes` to `out`.
  void Add(std::string_view bytes, std::string* out);
  void Flush(std::string* out);

 private:
  void AddUnit(unsigned low, unsigned high, std::string* out);

  int half_ = -1;  // the first byte of a unit that `bytes` cut
  std::u16string units_;
  size_t plain_ = 0;     // of them ASCII
  size_t japanese_ = 0;  // kana and full-width forms
};

class BinaryReader final : public DocumentReader {
 public:
  BinaryReader(const Source* source, Budget* budget)
      : DocumentReader(budget), cursor_(source, 0, source->size()) {}

 protected:
  bool Pump() override;

 private:
  void Narrow(std::string_view chunk);
  void FlushLine();
  void FindContainers(std::string_view chunk);
  // One that begins in the first `begin_before` bytes of `text`.
  static bool HoldsContainer(std::string_view text, size_t begin_before);

  Cursor cursor_;
  PackedMeter meter_;
  std::string line_;
  bool plain_ = true;  // the line is ASCII so far
  std::array<WideRun, 2> wide_;
  std::string tail_;  // the last bytes, where a container may begin
  bool begun_ = false;
};

}  // namespace sekisho::detect
