#include "detect/formats/inspect.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/file.h"
#include "detect/format.h"
#include "detect/formats/archive.h"
#include "detect/formats/open.h"
#include "detect/formats/reader.h"

namespace sekisho::detect {
namespace {

constexpr size_t kReadBytes = size_t{64} * 1024;
constexpr size_t kMaxColumnFindings = 64;
constexpr size_t kMaxPathBytes = 160;

// Which of two reasons says more; higher is worse.
int Weight(std::string_view reason) {
  return reason.empty()              ? 0
         : reason == "unknown"       ? 1
         : reason == "damaged"       ? 2
         : reason == "encrypted"     ? 3
         : reason.starts_with("lim") ? 4
         : reason == "timeout"       ? 5
                                     : 6;  // bomb
}

// A zip whose first entry is encrypted may hold others that are not.
Format SniffOpenable(ByteSpan head) {
  Format format = SniffFormat(head);
  if (format.kind == FormatClass::kEncrypted && format.name == "zip") {
    format.kind = FormatClass::kContainer;
  }
  return format;
}

// At the start of a character.
void CutPath(std::string* path) {
  if (path->size() > kMaxPathBytes) {
    size_t end = kMaxPathBytes;
    while (end > 0 &&
           (static_cast<unsigned char>((*path)[end]) & 0xC0) == 0x80) {
      --end;
    }
    path->resize(end);
  }
}

std::string JoinPath(const std::string& outer, const std::string& inner) {
  std::string path =
      outer.empty() || inner.empty() ? outer + inner : outer + "/" + inner;
  CutPath(&path);
  return path;
}

// Findings of several parts as one.
class Total {
 public:
  void Add(const Findings& part, const std::string& path) {
    people_.Merge(part.people);
    // Of the part that holds most of them.
    if (part.persons > most_persons_) {
      most_persons_ = part.persons;
      confidence_ = part.confidence;
      samples_ = part.samples;
      samples_.part = JoinPath(path, part.samples.part);
    }
    for (size_t i = 0; i < kDataTypeCount; ++i) {
      data_[i] += part.data[i];
    }
    for (const CustomCount& count : part.custom) {
      AddCustom(count);
    }
    for (const ColumnFinding& column : part.columns) {
      AddColumn(column, path);
    }
    media_ += part.media;
    if (part.inspection != Inspection::kNone) {
      any_read_ = true;
    }
    if (part.inspection != Inspection::kFull) {
      Unread(part.reason);
    }
  }
  void Unread(std::string_view reason) {
    if (Weight(reason) > Weight(reason_)) {
      reason_ = reason;
    }
  }
  void CountMedia() { ++media_; }

  void Report(Findings* out) const {
    out->people = people_;
    out->persons = people_.Persons();
    out->confidence = confidence_;
    out->data = data_;
    out->custom = custom_;
    out->columns = columns_;
    out->samples = samples_;
    out->media = media_;
    out->reason = reason_;
    out->inspection = reason_.empty() ? Inspection::kFull
                      : any_read_     ? Inspection::kPartial
                                      : Inspection::kNone;
  }

 private:
  void AddCustom(const CustomCount& count) {
    for (CustomCount& known : custom_) {
      if (known.id == count.id) {
        known.values += count.values;
        return;
      }
    }
    custom_.push_back(count);
  }

  // A table read in several pieces is one column each.
  void AddColumn(const ColumnFinding& column, const std::string& path) {
    const std::string part = JoinPath(path, column.part);
    for (ColumnFinding& known : columns_) {
      if (known.index == column.index && known.type == column.type &&
          known.custom == column.custom && known.name == column.name &&
          known.part == part) {
        const auto values = [](const ColumnFinding& c) {
          return c.share > 0 ? static_cast<double>(c.rows) / c.share : 0.0;
        };
        const double all = values(known) + values(column);
        known.rows += column.rows;
        known.share = all > 0 ? static_cast<double>(known.rows) / all : 0;
        known.confidence = std::max(known.confidence, column.confidence);
        known.agreement.compared += column.agreement.compared;
        known.agreement.agreed += column.agreement.agreed;
        return;
      }
    }
    if (columns_.size() < kMaxColumnFindings) {
      columns_.push_back(column);
      columns_.back().part = part;
    }
  }

  PeopleSketch people_;
  std::array<int64_t, kDataTypeCount> data_{};
  std::vector<CustomCount> custom_;
  std::vector<ColumnFinding> columns_;
  MaskedSamples samples_;
  int64_t media_ = 0;
  int64_t most_persons_ = 0;
  Confidence confidence_ = Confidence::kMedium;
  bool any_read_ = false;
  std::string reason_;
};

// A part held in memory, in pieces: a vector that grows would need twice as
// much.
class HeldSource final : public Source {
 public:
  void Append(ByteSpan bytes) {
    while (!bytes.empty()) {
      if (pieces_.empty() || pieces_.back().size() == kPieceBytes) {
        pieces_.emplace_back();
      }
      Bytes& last = pieces_.back();
      const size_t n = std::min(bytes.size(), kPieceBytes - last.size());
      last.insert(last.end(), bytes.begin(),
                  bytes.begin() + static_cast<std::ptrdiff_t>(n));
      bytes = bytes.subspan(n);
      size_ += static_cast<int64_t>(n);
    }
  }
  int64_t size() const override { return size_; }
  size_t Read(int64_t offset, std::span<std::byte> out) const override {
    size_t done = 0;
    while (offset >= 0 && offset < size_ && done < out.size()) {
      const Bytes& piece = pieces_[static_cast<size_t>(offset) / kPieceBytes];
      const size_t at = static_cast<size_t>(offset) % kPieceBytes;
      const size_t n = std::min(out.size() - done, piece.size() - at);
      CopyBytes(out.data() + done, piece.data() + at, n);
      done += n;
      offset += static_cast<int64_t>(n);
    }
    return done;
  }

 private:
  static constexpr size_t kPieceBytes = size_t{1} << 20;
  std::vector<Bytes> pieces_;
  int64_t size_ = 0;
};

// A part's bytes with those that were looked at first put back.
class PartBytes {
 public:
  explicit PartBytes(Reader* reader) : reader_(reader) {}
  const Bytes& Head() {
    head_.resize(kSniffBytes);
    size_t filled = 0;
    while (filled < head_.size()) {
      const size_t n = reader_->Read(std::span(head_).subspan(filled));
      if (n == 0) {
        break;
      }
      filled += n;
    }
    head_.resize(filled);
    return head_;
  }
  size_t Read(std::span<std::byte> out) {
    if (taken_ < head_.size()) {
      const size_t n = std::min(out.size(), head_.size() - taken_);
      CopyBytes(out.data(), head_.data() + taken_, n);
      taken_ += n;
      return n;
    }
    return reader_->Read(out);
  }

 private:
  Reader* reader_;
  Bytes head_;
  size_t taken_ = 0;
};

class Walk {
 public:
  Walk(const Options& options, Budget* budget)
      : options_(options), budget_(budget), buffer_(kReadBytes) {}

  Findings Run(const Source& source);

 private:
  // One opened container. Levels above read what it hands out.
  struct Level {
    std::unique_ptr<Source> source;  // null: the file itself, or a stream
    int64_t held_bytes = 0;
    std::unique_ptr<PartBytes> bytes;  // a stream's: of the level below
    Opened opened;
    std::string path;
    Total total;
    // What the same bytes hold when read as plain text.
    std::optional<Findings> as_text;
  };

  Findings ReadText(const std::function<size_t(std::span<std::byte>)>& read,
                    bool known_text);
  void TakePart(const Part& part);
  void TakeBytes(PartBytes* bytes, std::string path,
                 std::unique_ptr<PartBytes> owned);
  std::unique_ptr<Source> Hold(PartBytes* bytes, int64_t* held);
  void Push(Level level);
  void Pop();
  Findings Close(Level* level);

  const Options& options_;
  Budget* budget_;
  Bytes buffer_;
  std::vector<std::unique_ptr<Level>> stack_;
  std::optional<Findings> result_;
};

Findings Walk::ReadText(const std::function<size_t(std::span<std::byte>)>& read,
                        bool known_text) {
  Options options = options_;
  options.known_text = known_text;
  Inspector inspector(options);
  for (;;) {
    const size_t n = read(buffer_);
    if (n == 0 || !budget_->Tick()) {
      break;
    }
    inspector.Feed(ByteSpan(buffer_).first(n));
  }
  return inspector.Finish();
}

std::unique_ptr<Source> Walk::Hold(PartBytes* bytes, int64_t* held) {
  auto all = std::make_unique<HeldSource>();
  for (;;) {
    const size_t n = bytes->Read(buffer_);
    if (n == 0) {
      return all;
    }
    if (!budget_->Hold(static_cast<int64_t>(n))) {
      budget_->Release(*held);
      *held = 0;
      return nullptr;
    }
    *held += static_cast<int64_t>(n);
    all->Append(ByteSpan(buffer_).first(n));
  }
}

void Walk::Push(Level level) {
  stack_.push_back(std::make_unique<Level>(std::move(level)));
}

Findings Walk::Close(Level* level) {
  const std::string& problem = level->opened.reader->problem();
  // Text that is no good JSON is text all the same.
  if (!level->as_text) {
    level->total.Unread(problem);
  }
  Findings findings;
  level->total.Report(&findings);
  if (level->as_text) {
    Findings& text = *level->as_text;
    findings.encoding = text.encoding;
    if (text.persons > findings.persons) {
      text.media = findings.media;
      if (Weight(findings.reason) > Weight(text.reason)) {
        text.inspection = Inspection::kPartial;
        text.reason = findings.reason;
      }
      findings = std::move(text);
    } else if (text.inspection != Inspection::kFull &&
               findings.reason.empty()) {
      findings.inspection = text.inspection;
      findings.reason = text.reason;
    }
  }
  level->opened.reader.reset();
  budget_->Release(level->held_bytes);
  return findings;
}

void Walk::Pop() {
  const std::unique_ptr<Level> level = std::move(stack_.back());
  stack_.pop_back();
  Findings findings = Close(level.get());
  if (stack_.empty()) {
    result_ = std::move(findings);
  } else {
    stack_.back()->total.Add(findings, level->path);
  }
}

void Walk::TakePart(const Part& part) {
  Level& level = *stack_.back();
  Reader* reader = level.opened.reader.get();
  std::string path = part.name;
  CutPath(&path);
  if (part.kind == PartKind::kText) {
    const Findings findings = ReadText(
        [&](std::span<std::byte> out) { return reader->Read(out); }, true);
    level.total.Add(findings, path);
    return;
  }
  auto bytes = std::make_unique<PartBytes>(reader);
  PartBytes* view = bytes.get();
  TakeBytes(view, std::move(path), std::move(bytes));
}

void Walk::TakeBytes(PartBytes* bytes, std::string path,
                     std::unique_ptr<PartBytes> owned) {
  Level& level = *stack_.back();
  const Bytes& head = bytes->Head();
  if (head.empty()) {
    return;
  }
  const Format format = SniffOpenable(head);
  const auto read = [&](std::span<std::byte> out) { return bytes->Read(out); };
  std::string_view name = format.name;
  switch (format.kind) {
    case FormatClass::kMedia:
      level.total.CountMedia();
      if (level.opened.holds == Holds::kArchive) {
        level.total.Unread("unknown");
      }
      return;
    case FormatClass::kEncrypted:
      level.total.Unread("encrypted");
      return;
    case FormatClass::kUnknown:
      level.total.Unread("unknown");
      return;
    case FormatClass::kText:
      name = SniffStructured(head);
      if (name.empty()) {
        level.total.Add(ReadText(read, false), path);
        return;
      }
      break;
    case FormatClass::kContainer:
      break;
  }
  if (static_cast<int>(stack_.size()) >= budget_->limits().depth) {
    level.total.Unread("limit:depth");
    return;
  }
  Level inner;
  inner.path = std::move(path);
  if (IsStreamArchive(name) && name != "zip") {
    inner.bytes = std::move(owned);
    inner.opened.reader = OpenArchiveStream(
        name, [bytes](std::span<std::byte> out) { return bytes->Read(out); },
        budget_);
    Push(std::move(inner));
    return;
  }
  inner.source = Hold(bytes, &inner.held_bytes);
  if (!inner.source) {
    level.total.Unread("limit:dictionary");
    return;
  }
  inner.opened = OpenFormat(name, inner.source.get(), budget_);
  if (format.kind == FormatClass::kText) {
    Cursor cursor(inner.source.get(), 0, inner.source->size());
    inner.as_text = ReadText(
        [&](std::span<std::byte> out) {
          const ByteSpan next = cursor.Next();
          std::copy(next.begin(), next.end(), out.begin());
          return next.size();
        },
        false);
  }
  if (!inner.opened.reader) {
    budget_->Release(inner.held_bytes);
    level.total.Unread("unknown");
    return;
  }
  Push(std::move(inner));
}

Findings Walk::Run(const Source& source) {
  budget_->set_input_bytes(source.size());
  const Bytes head = source.Take(0, kSniffBytes);
  const Format format = SniffOpenable(head);
  std::string_view name = format.name;
  if (format.kind == FormatClass::kText) {
    name = SniffStructured(head);
  }
  Level top;
  if (format.kind == FormatClass::kContainer || !name.empty()) {
    top.opened = OpenFormat(name, &source, budget_);
  }
  if (format.kind == FormatClass::kText || !top.opened.reader) {
    // The Inspector alone knows what to say about the rest.
    Cursor cursor(&source, 0, source.size());
    Inspector inspector(options_);
    for (ByteSpan next = cursor.Next(); !next.empty() && budget_->Tick();
         next = cursor.Next()) {
      inspector.Feed(next);
    }
    Findings findings = inspector.Finish();
    if (cursor.left() > 0 || !budget_->ok()) {
      findings.reason = budget_->ok() ? "damaged" : budget_->reason();
      findings.inspection = findings.inspection == Inspection::kNone
                                ? Inspection::kNone
                                : Inspection::kPartial;
    }
    if (!top.opened.reader) {
      return findings;
    }
    top.as_text = std::move(findings);
  }
  const std::string better = top.opened.format;
  Push(std::move(top));
  while (!stack_.empty()) {
    Part part;
    if (budget_->ok() && stack_.back()->opened.reader->Next(&part)) {
      TakePart(part);
    } else {
      Pop();
    }
  }
  Findings findings = std::move(*result_);
  findings.format = better.empty() ? std::string(name) : better;
  findings.bytes = source.size();
  if (!budget_->ok()) {
    findings.reason = budget_->reason();
    if (findings.inspection == Inspection::kFull) {
      findings.inspection = Inspection::kPartial;
    }
  }
  return findings;
}

}  // namespace

Findings InspectSource(const Source& source, const Options& options,
                       Budget* budget) {
  Walk inspection(options, budget);
  return inspection.Run(source);
}

namespace {

// Tells how far the file was read.
class ToldSource final : public Source {
 public:
  ToldSource(int fd, int64_t size_bytes,
             const std::function<void(int64_t)>& read)
      : file_(fd, size_bytes), told_(read) {}
  int64_t size() const override { return file_.size(); }
  size_t Read(int64_t offset, std::span<std::byte> out) const override {
    const size_t n = file_.Read(offset, out);
    const int64_t end = offset + static_cast<int64_t>(n);
    if (told_ && end > furthest_) {
      told_(end - furthest_);
      furthest_ = end;
    }
    return n;
  }

 private:
  FdSource file_;
  const std::function<void(int64_t)>& told_;
  mutable int64_t furthest_ = 0;  // reading does not change what is read
};

}  // namespace

Result<Findings> InspectFile(const std::string& path, const Options& options,
                             const std::function<void(int64_t)>& read) {
  Budget budget;
  return InspectFile(path, options, &budget, read);
}

Result<Findings> InspectFile(const std::string& path, const Options& options,
                             Budget* budget,
                             const std::function<void(int64_t)>& read) {
  ASSIGN_OR_RETURN(const UniqueFd fd,
                   OpenAt(AT_FDCWD, path, O_RDONLY | O_NONBLOCK));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) {
    return FailErrno(path);
  }
  if (!S_ISREG(info.st_mode)) {
    return Fail(Code::kInvalidArgument, path + ": not a regular file");
  }
  const ToldSource source(fd.get(), info.st_size, read);
  return InspectSource(source, options, budget);
}

void PrepareFormats() { PrepareArchives(); }

}  // namespace sekisho::detect
