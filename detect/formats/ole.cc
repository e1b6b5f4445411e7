#include "detect/formats/ole.h"

#include <algorithm>

#include "detect/encoding.h"
#include "detect/formats/word_text.h"
#include "detect/formats/xls.h"

namespace sekisho::detect {
namespace {

constexpr size_t kMaxStreamBytes = size_t{64} << 20;
constexpr size_t kSmallStream = 4096;
constexpr int kRecordsAtATime = 512;

// Streams that belong to the main one or hold no content: tables, properties,
// pictures of documents, names of printers.
bool IsKnown(std::string_view name) {
  constexpr std::string_view kKnown[] = {"Workbook",
                                         "Book",
                                         "WordDocument",
                                         "0Table",
                                         "1Table",
                                         "Data",
                                         "PowerPoint Document",
                                         "Pictures",
                                         "Current User",
                                         "\x05SummaryInformation",
                                         "\x05\x44ocumentSummaryInformation",
                                         "\x01\x43ompObj",
                                         "\x01Ole"};
  return std::find(std::begin(kKnown), std::end(kKnown), name) !=
         std::end(kKnown);
}

// The reader of the main stream; what other streams hold (macros, embedded
// objects) is handed on after it.
class OleReader final : public Reader {
 public:
  OleReader(const Source* source, Budget* budget)
      : budget_(budget), file_(source) {
    Problem(file_.problem());
    // [MS-OFFCRYPTO] 2.3
    if (file_.Find("EncryptedPackage") != nullptr) {
      Problem("encrypted");
      next_ = file_.streams().size();
      return;
    }
    const auto* sheet = file_.Find("Workbook");
    sheet = sheet != nullptr ? sheet : file_.Find("Book");
    if (sheet != nullptr) {
      main_ = std::make_unique<XlsReader>(file_, *sheet, budget);
      format_ = "xls";
    } else if (const auto* text = file_.Find("WordDocument")) {
      main_ = std::make_unique<DocReader>(file_, *text, budget);
      format_ = "doc";
    } else if (const auto* slides = file_.Find("PowerPoint Document")) {
      main_ = std::make_unique<PptReader>(file_.Read(*slides, kMaxStreamBytes),
                                          budget);
    }
    document_ = main_ != nullptr;
  }

  std::string_view format() const { return format_; }

  bool Next(Part* part) override {
    if (main_) {
      if (main_->Next(part)) {
        return true;
      }
      Problem(main_->problem());
      const bool encrypted = main_->problem() == "encrypted";
      main_.reset();
      if (encrypted) {
        return false;
      }
    }
    while (next_ < file_.streams().size() && budget_->Entry()) {
      const CompoundFile::Stream& stream = file_.streams()[next_++];
      if (document_ && (IsKnown(stream.name) ||
                        stream.size < static_cast<int64_t>(kSmallStream))) {
        continue;
      }
      if (stream.size > static_cast<int64_t>(kMaxStreamBytes)) {
        Problem("limit:dictionary");
        continue;
      }
      bytes_ = file_.Read(stream, kMaxStreamBytes);
      Problem(file_.problem());
      budget_->Output(static_cast<int64_t>(bytes_.size()));
      taken_ = 0;
      // [MS-OXMSG] 2.2.1: the name ends in the property's type.
      if (stream.name.starts_with("__substg1.0_") &&
          stream.name.ends_with("001F")) {
        std::string text;
        Decode(Encoding::kUtf16Le,
               ByteSpan(bytes_).first(bytes_.size() & ~size_t{1}), &text);
        text += '\n';
        const ByteSpan utf8 = AsBytes(text);
        bytes_.assign(utf8.begin(), utf8.end());
        *part = {stream.name, PartKind::kText};
      } else {
        *part = {stream.name, PartKind::kBytes};
      }
      return true;
    }
    return false;
  }

  size_t Read(std::span<std::byte> out) override {
    if (main_) {
      const size_t n = main_->Read(out);
      Problem(main_->problem());
      return n;
    }
    const size_t n = std::min(out.size(), bytes_.size() - taken_);
    CopyBytes(out.data(), bytes_.data() + taken_, n);
    taken_ += n;
    return n;
  }

 private:
  Budget* budget_;
  CompoundFile file_;
  std::unique_ptr<Reader> main_;
  std::string_view format_ = "ole";
  bool document_ = false;
  size_t next_ = 0;
  Bytes bytes_;
  size_t taken_ = 0;
};

}  // namespace

bool PptReader::Pump() {
  for (int i = 0; i < kRecordsAtATime; ++i) {
    if (at_ + 8 > stream_.size()) {
      return false;
    }
    const unsigned version = GetU16(&stream_[at_]) & 0xF;
    const unsigned type = GetU16(&stream_[at_ + 2]);
    const size_t size = GetU32(&stream_[at_ + 4]);
    at_ += 8;
    if (version == 0xF) {
      continue;  // a container: its records follow
    }
    if (size > stream_.size() - at_) {
      Problem("damaged");
      return false;
    }
    if (type == 0x0FA0 || type == 0x0FA8 || type == 0x0FBA) {
      std::string text;
      Decode(type == 0x0FA8 ? Encoding::kUnknown8Bit : Encoding::kUtf16Le,
             ByteSpan(stream_).subspan(at_, size & ~size_t{type != 0x0FA8}),
             &text);
      std::replace(text.begin(), text.end(), '\r', '\n');
      parts_.Line(text);
    }
    at_ += size;
  }
  return true;
}

std::unique_ptr<Reader> OpenCompound(const Source* source, Budget* budget,
                                     std::string* format) {
  auto reader = std::make_unique<OleReader>(source, budget);
  *format = reader->format();
  return reader;
}

}  // namespace sekisho::detect
