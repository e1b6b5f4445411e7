#include "detect/formats/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <iconv.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "detect/encoding.h"

namespace sekisho::detect {
namespace {

constexpr size_t kReadBytes = size_t{64} * 1024;
// An archive of nothing: a tape's two blocks of zeros and their padding.
constexpr int64_t kEmptyBytes = 10240;

struct Kind {
  std::string_view name;
  bool stream;
  int (*enable)(archive*);
  bool filter;
};
constexpr Kind kKinds[] = {
    {"gzip", true, &archive_read_support_filter_gzip, true},
    {"bzip2", true, &archive_read_support_filter_bzip2, true},
    {"xz", true, &archive_read_support_filter_xz, true},
    {"zstd", true, &archive_read_support_filter_zstd, true},
    {"lz4", true, &archive_read_support_filter_lz4, true},
    {"lzip", true, &archive_read_support_filter_lzip, true},
    {"compress", true, &archive_read_support_filter_compress, true},
    {"tar", true, &archive_read_support_format_tar, false},
    {"cpio", true, &archive_read_support_format_cpio, false},
    {"ar", true, &archive_read_support_format_ar, false},
    {"lha", true, &archive_read_support_format_lha, false},
    {"cab", true, &archive_read_support_format_cab, false},
    {"7z", false, &archive_read_support_format_7zip, false},
    {"rar", false, &archive_read_support_format_rar, false},
    {"rar5", false, &archive_read_support_format_rar5, false},
    {"iso9660", false, &archive_read_support_format_iso9660, false},
    {"zip", true, &archive_read_support_format_zip_streamable, false},
};

const Kind* Find(std::string_view name) {
  const auto* const kind =
      std::find_if(std::begin(kKinds), std::end(kKinds),
                   [&](const Kind& k) { return k.name == name; });
  return kind == std::end(kKinds) ? nullptr : kind;
}

class ArchiveReader final : public Reader {
 public:
  ArchiveReader(const Kind& kind, const Source* source, ByteStream stream,
                Budget* budget, std::string_view problem)
      : reads_on_(kind.enable == &archive_read_support_format_cab),
        source_(source),
        stream_(std::move(stream)),
        budget_(budget),
        buffer_(kReadBytes),
        archive_(::archive_read_new()) {
    Problem(problem);
    if (!archive_) {
      Problem("limit:dictionary");
      return;
    }
    kind.enable(archive_.get());
    if (kind.filter) {
      // Whatever is compressed is one part, which the frame looks at:
      // libarchive takes anything that begins with two blocks of zeros for an
      // empty tape.
      ::archive_read_support_format_raw(archive_.get());
      ::archive_read_support_format_empty(archive_.get());
    }
    ::archive_read_set_callback_data(archive_.get(), this);
    ::archive_read_set_read_callback(archive_.get(), &ReadMore);
    if (source_ != nullptr) {
      ::archive_read_set_seek_callback(archive_.get(), &Seek);
      ::archive_read_set_skip_callback(archive_.get(), &Skip);
    }
    if (::archive_read_open1(archive_.get()) != ARCHIVE_OK) {
      Explain();
      over_ = true;
      return;
    }
    opened_ = true;
  }

  bool Next(Part* part) override {
    if (reads_on_) {
      ReadOn();
    }
    in_part_ = false;
    while (archive_ && !over_ && budget_->ok()) {
      archive_entry* entry = nullptr;
      const int e = ::archive_read_next_header(archive_.get(), &entry);
      if (e == ARCHIVE_EOF) {
        over_ = true;
        if (count_ == 0 && at_ > kEmptyBytes) {
          Problem("damaged");  // bytes, but nothing in them
        }
        if (drained_) {
          LookBehind();
        }
        break;
      }
      if (e == ARCHIVE_RETRY) {
        Problem("damaged");  // bytes that belong to no entry
        continue;
      }
      if (e < ARCHIVE_WARN) {
        Explain();
        over_ = true;
        break;
      }
      ++count_;
      if (!budget_->Entry()) {
        return false;
      }
      if (::archive_entry_is_encrypted(entry) != 0) {
        Problem("encrypted");
        continue;
      }
      // Whatever else an entry says it is, its bytes would be unpacked.
      const auto type = ::archive_entry_filetype(entry);
      if (type == AE_IFDIR || type == AE_IFLNK) {
        continue;
      }
      *part = {NameOf(entry), PartKind::kBytes};
      drained_ = false;
      in_part_ = true;
      return true;
    }
    return false;
  }

  size_t Read(std::span<std::byte> out) override {
    while (in_part_ && budget_->ok()) {
      const la_ssize_t n =
          ::archive_read_data(archive_.get(), out.data(), out.size());
      if (n == ARCHIVE_RETRY) {
        continue;
      }
      in_part_ = n > 0;
      drained_ = n == 0;
      if (n < 0) {
        Explain();
        over_ = over_ || reads_on_;
        return 0;
      }
      budget_->Output(n);
      return static_cast<size_t>(n);
    }
    return 0;
  }

 private:
  struct Free {
    void operator()(archive* a) const { ::archive_read_free(a); }
  };

  // What is left of a part. libarchive 3.6 skips a cabinet's data block that
  // the file's end cuts off by reading address 4: it never skips here.
  void ReadOn() {
    std::array<std::byte, 4096> rest{};
    while (in_part_ && budget_->ok()) {
      Read(rest);
    }
    over_ = over_ || in_part_;
  }

  static la_ssize_t ReadMore(archive* /*a*/, void* data, const void** out) {
    auto* self = static_cast<ArchiveReader*>(data);
    *out = self->buffer_.data();
    if (!self->budget_->Tick()) {
      return 0;
    }
    const size_t n = self->source_ != nullptr
                         ? self->source_->Read(self->at_, self->buffer_)
                         : self->stream_(self->buffer_);
    self->at_ += static_cast<int64_t>(n);
    self->last_read_ = n;
    return static_cast<la_ssize_t>(n);
  }
  static la_int64_t Seek(archive* /*a*/, void* data, la_int64_t offset,
                         int whence) {
    auto* self = static_cast<ArchiveReader*>(data);
    const int64_t size = self->source_->size();
    const int64_t base = whence == SEEK_CUR   ? self->at_
                         : whence == SEEK_END ? size
                                              : 0;
    if (offset > size || base + offset < 0) {
      return ARCHIVE_FATAL;
    }
    self->at_ = std::min(size, base + offset);
    return self->at_;
  }
  static la_int64_t Skip(archive* /*a*/, void* data, la_int64_t request) {
    auto* self = static_cast<ArchiveReader*>(data);
    const int64_t n =
        std::clamp<int64_t>(request, 0, self->source_->size() - self->at_);
    self->at_ += n;
    return n;
  }

  // What stands behind the end is not shown by any program, and hidden by
  // some people. Zeros only fill up a tape's last block.
  void LookBehind() {
    const bool raw = ::archive_format(archive_.get()) == ARCHIVE_FORMAT_RAW ||
                     ::archive_format(archive_.get()) == ARCHIVE_FORMAT_EMPTY;
    const bool plain_tape = ::archive_filter_count(archive_.get()) == 1 &&
                            (::archive_format(archive_.get()) &
                             ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
    if (!raw && !plain_tape) {
      return;
    }
    const int64_t left = at_ - ::archive_filter_bytes(archive_.get(), -1);
    const auto in_buffer = static_cast<size_t>(
        std::clamp<int64_t>(left, 0, static_cast<int64_t>(last_read_)));
    ByteSpan rest =
        ByteSpan(buffer_).subspan(last_read_ - in_buffer, in_buffer);
    for (;;) {
      if (std::any_of(rest.begin(), rest.end(),
                      [](std::byte b) { return b != std::byte{0}; })) {
        Problem("damaged");
        return;
      }
      const void* more = nullptr;
      const la_ssize_t n = ReadMore(archive_.get(), this, &more);
      if (n <= 0) {
        return;
      }
      rest = ByteSpan(buffer_).first(static_cast<size_t>(n));
    }
  }

  std::string NameOf(archive_entry* entry) {
    if (::archive_format(archive_.get()) == ARCHIVE_FORMAT_RAW) {
      return {};
    }
    const char* raw = ::archive_entry_pathname(entry);
    if (raw == nullptr) {
      raw = ::archive_entry_pathname_utf8(entry);
    }
    if (raw == nullptr) {
      return "entry " + std::to_string(count_);
    }
    const std::string_view text(raw);
    std::string name;
    Decode(IsStrictUtf8(AsBytes(text)) ? Encoding::kUtf8 : Encoding::kCp932,
           AsBytes(text), &name);
    return name;
  }

  // libarchive says why in words only. Asked about encryption after it failed
  // to open, it reads what it has freed (3.6.2).
  void Explain() {
    const char* words = ::archive_error_string(archive_.get());
    const std::string_view text = words == nullptr ? "" : words;
    const auto says = [&](std::string_view word) {
      return text.find(word) != std::string_view::npos;
    };
    if (says("ncrypt") || says("assphrase") ||
        (opened_ &&
         ::archive_read_has_encrypted_entries(archive_.get()) == 1)) {
      Problem("encrypted");
    } else if (says("memory") || says("too large") || says("allocate")) {
      Problem("limit:dictionary");
    } else if (says("nsupported") || says("not supported")) {
      Problem("unknown");
    } else {
      Problem("damaged");
    }
  }

  const bool reads_on_;
  const Source* source_;
  ByteStream stream_;
  Budget* budget_;
  int64_t at_ = 0;
  Bytes buffer_;
  size_t last_read_ = 0;  // bytes of `buffer_`
  std::unique_ptr<archive, Free> archive_;
  int64_t count_ = 0;
  bool opened_ = false;
  bool in_part_ = false;
  bool drained_ = false;  // the last part was read to its end
  bool over_ = false;
};

// How much memory decoding needs, where the head says so; 0 otherwise.
int64_t DictionaryBytes(std::string_view format, ByteSpan head) {
  const auto at = [&](size_t i) {
    return i < head.size() ? std::to_integer<uint32_t>(head[i]) : 0U;
  };
  if (format == "xz") {
    // The .xz file format 1.1.0, 3.1 and 5.3.1: LZMA2 has id 0x21 and one byte.
    for (size_t i = 14; i + 2 < std::min<size_t>(head.size(), 64); ++i) {
      if (at(i) == 0x21 && at(i + 1) == 1) {
        const uint32_t bits = at(i + 2) & 0x3F;
        return bits > 39 ? int64_t{4} << 30
                         : int64_t{2 | (bits & 1)} << (bits / 2 + 11);
      }
    }
  } else if (format == "zstd" && head.size() > 6 && (at(4) & 0x20) == 0) {
    // RFC 8878, 3.1.1.1.2.
    return int64_t{1} << (10 + (at(5) >> 3));
  }
  return 0;
}

std::unique_ptr<Reader> Open(std::string_view format, const Source* source,
                             ByteStream stream, Budget* budget,
                             std::string_view problem) {
  const Kind* kind = Find(format);
  if (kind == nullptr) {
    return nullptr;
  }
  return std::make_unique<ArchiveReader>(*kind, source, std::move(stream),
                                         budget, problem);
}

// Says no to what cannot be held.
class TooLarge final : public Reader {
 public:
  TooLarge() { Problem("limit:dictionary"); }
  bool Next(Part* /*part*/) override { return false; }
  size_t Read(std::span<std::byte> /*out*/) override { return 0; }
};

}  // namespace

bool IsStreamArchive(std::string_view format) {
  const Kind* kind = Find(format);
  return kind != nullptr && kind->stream;
}

bool IsArchive(std::string_view format) { return Find(format) != nullptr; }

std::unique_ptr<Reader> OpenArchive(std::string_view format,
                                    const Source* source, Budget* budget,
                                    std::string_view problem) {
  const int64_t need = DictionaryBytes(format, source->Take(0, 64));
  if (need > budget->limits().dictionary_bytes) {
    return std::make_unique<TooLarge>();
  }
  return Open(format, source, {}, budget, problem);
}

std::unique_ptr<Reader> OpenArchiveStream(std::string_view format,
                                          ByteStream stream, Budget* budget) {
  return Open(format, nullptr, std::move(stream), budget, {});
}

void PrepareArchives() {
  // Dates of entries: without TZ every conversion looks for /etc/localtime.
  ::setenv("TZ", "UTC0", 1);
  ::tzset();
  constexpr std::array<const char*, 5> kNames = {
      "UTF-8", "UTF-16LE", "UTF-16BE", "ANSI_X3.4-1968", "US-ASCII"};
  for (const char* from : kNames) {
    for (const char* to : kNames) {
      const iconv_t cd = ::iconv_open(to, from);
      // NOLINTNEXTLINE(performance-no-int-to-ptr): how iconv says "none"
      if (cd != reinterpret_cast<iconv_t>(-1)) {
        ::iconv_close(cd);
      }
    }
  }
}

}  // namespace sekisho::detect
