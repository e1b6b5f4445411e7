// The text of a Source as UTF-8, whatever its encoding, a byte at a time: what
// the readers of structured text stand on.
#pragma once

#include <string>
#include <string_view>

#include "detect/encoding.h"
#include "detect/formats/source.h"

namespace sekisho::detect {

class Utf8Stream {
 public:
  // `source` must outlive the stream.
  explicit Utf8Stream(const Source* source)
      : cursor_(source, 0, source->size()) {}

  // The next byte, or -1 at the end.
  int Get() {
    if (at_ == text_.size() && !Fill()) {
      return -1;
    }
    return static_cast<unsigned char>(text_[at_++]);
  }
  int Peek() {
    if (at_ == text_.size() && !Fill()) {
      return -1;
    }
    return static_cast<unsigned char>(text_[at_]);
  }
  // A line without its end, at most `cap` bytes of it; false at the end.
  bool Line(std::string* line, size_t cap);
  // What is at hand; empty at the end. Moves past it.
  std::string_view Block();

 private:
  bool Fill();

  Cursor cursor_;
  bool sniffed_ = false;
  Encoding encoding_ = Encoding::kAscii;
  std::string raw_;
  std::string text_;
  size_t at_ = 0;
};

}  // namespace sekisho::detect
