// Judges a content while it is still being written: what of it can be released
// before the rest is known, and in the end the same findings as of the whole.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "agent/ipc/messages.h"
#include "agent/scan/content_hash.h"
#include "agent/scan/scan.h"
#include "detect/inspector.h"

namespace sekisho::scan {

// Above this many people nothing more is released, and nobody asks who they
// are before the end. A policy may release fewer, never more.
inline constexpr int64_t kMaxReleasedPersons = 1'000;

class ContentStream {
 public:
  explicit ContentStream(const ScanOptions& options);

  // Looks at the bytes up to `size_bytes`, which lie in `fd` from where the
  // last call ended. A read error is "damaged" from then on.
  void Feed(int fd, int64_t size_bytes);
  // Without findings when `quiet`.
  ipc::ScanProgress Progress(bool quiet) const;
  // nullopt: it can only be judged whole, and must be asked about so.
  std::optional<ipc::Findings> Finish();

 private:
  // Plain text is judged record by record. Pictures, films and binaries of no
  // known kind are "none" whatever follows. All others only as a whole.
  enum class Kind { kUndecided, kText, kOpaque, kWhole };
  struct Point {
    int64_t bytes = 0;
    ipc::Released released;
  };

  void Take(ByteSpan bytes);
  void Decide();
  void NotePoint();
  const std::string& Sealed(const detect::MaskedSamples& samples) const;

  const ScanOptions options_;
  const detect::Findings name_;
  detect::Inspector inspector_;
  ContentHash hash_;
  Kind kind_ = Kind::kUndecided;
  std::string format_;
  Bytes head_;
  Bytes buffer_;
  int64_t taken_ = 0;
  bool damaged_ = false;
  // The last points at which all had been judged: the newest, and the one
  // before it, which may be released.
  std::deque<Point> points_;
  // Samples are added and never changed: sealed once for each number of rows.
  mutable size_t sealed_rows_ = 0;
  mutable std::string sealed_;
};

}  // namespace sekisho::scan
