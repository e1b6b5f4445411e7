#include "agent/scan/content_stream.h"

#include <unistd.h>

#include <algorithm>
#include <span>

#include "agent/scan/names.h"
#include "detect/format.h"
#include "detect/formats/open.h"

namespace sekisho::scan {
namespace {

constexpr size_t kReadBytes = size_t{256} * 1024;

}  // namespace

ContentStream::ContentStream(const ScanOptions& options)
    : options_(options),
      name_(InspectName(options.name, DetectingOf(options))),
      inspector_(DetectingOf(options)),
      buffer_(kReadBytes) {}

void ContentStream::Feed(int fd, int64_t size_bytes) {
  while (taken_ < size_bytes && !damaged_ && kind_ != Kind::kWhole) {
    const size_t want = std::min<size_t>(
        buffer_.size(), static_cast<size_t>(size_bytes - taken_));
    const ssize_t n = ::pread(fd, buffer_.data(), want, taken_);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      damaged_ = true;
      return;
    }
    Take(std::span(buffer_).first(static_cast<size_t>(n)));
  }
}

void ContentStream::Take(ByteSpan bytes) {
  taken_ += static_cast<int64_t>(bytes.size());
  hash_.Add(bytes);
  if (kind_ == Kind::kUndecided) {
    head_.insert(head_.end(), bytes.begin(), bytes.end());
    if (head_.size() >= detect::kSniffBytes) {
      Decide();
    }
    return;
  }
  inspector_.Feed(bytes);
  NotePoint();
}

void ContentStream::Decide() {
  const ByteSpan head =
      ByteSpan(head_).first(std::min(head_.size(), detect::kSniffBytes));
  const detect::Format format = detect::SniffFormat(head);
  format_ = format.name;
  switch (format.kind) {
    case detect::FormatClass::kText:
      kind_ =
          detect::SniffStructured(head).empty() ? Kind::kText : Kind::kWhole;
      break;
    case detect::FormatClass::kMedia:
    case detect::FormatClass::kUnknown:
      kind_ = Kind::kOpaque;
      break;
    case detect::FormatClass::kContainer:
    case detect::FormatClass::kEncrypted:
      kind_ = Kind::kWhole;
      break;
  }
  inspector_.Feed(head_);
  head_ = {};
  NotePoint();
}

void ContentStream::NotePoint() {
  Point point;
  if (kind_ == Kind::kOpaque) {
    point.bytes = taken_;
    points_.assign(2, point);
    return;
  }
  const detect::Inspector::Judged judged = inspector_.judged();
  const int64_t before = points_.empty() ? 0 : points_.back().bytes;
  if (kind_ != Kind::kText || judged.bytes <= before ||
      judged.persons > kMaxReleasedPersons) {
    return;
  }
  point.bytes = judged.bytes;
  point.released.persons = judged.persons;
  if (judged.persons > 0) {
    point.released.keyed_hashes = RowHashes(inspector_.FindingsSoFar().people);
  }
  points_.push_back(std::move(point));
  if (points_.size() > 2) {
    points_.pop_front();
  }
}

const std::string& ContentStream::Sealed(
    const detect::MaskedSamples& samples) const {
  if (samples.rows.size() != sealed_rows_) {
    sealed_rows_ = samples.rows.size();
    sealed_ = SealSamples(samples, options_);
  }
  return sealed_;
}

ipc::ScanProgress ContentStream::Progress(bool quiet) const {
  ipc::ScanProgress progress;
  // What is too short to tell is no reason to give up.
  progress.incremental =
      kind_ == Kind::kWhole ? ipc::Incremental::kNot : ipc::Incremental::kYes;
  if (kind_ != Kind::kText && kind_ != Kind::kOpaque) {
    return progress;
  }
  if (points_.size() == 2 && !damaged_) {
    progress.judged_bytes = points_.front().bytes;
    progress.judged = points_.front().released;
  }
  if (quiet) {
    return progress;
  }
  if (kind_ == Kind::kText) {
    detect::Findings findings = inspector_.FindingsSoFar();
    AddName(name_, &findings);
    progress.findings = ToMessage(findings);
    progress.findings.sealed_samples = Sealed(findings.samples);
  } else {
    detect::Findings findings;  // "none", "unknown"
    findings.format = format_;
    AddName(name_, &findings);
    progress.findings = ToMessage(findings);
  }
  progress.findings.bytes = taken_;
  return progress;
}

std::optional<ipc::Findings> ContentStream::Finish() {
  if (kind_ == Kind::kUndecided) {
    Decide();
  }
  if (kind_ == Kind::kWhole) {
    return std::nullopt;
  }
  detect::Findings all = inspector_.Finish();
  AddName(name_, &all);
  ipc::Findings findings = ToMessage(all);
  findings.sealed_samples = Sealed(all.samples);
  if (damaged_) {
    findings.inspection = findings.inspection == "none" ? "none" : "partial";
    findings.reason = "damaged";
    return findings;
  }
  findings.file_hash = hash_.Finish();
  return findings;
}

}  // namespace sekisho::scan
