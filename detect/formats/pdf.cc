#include "detect/formats/pdf.h"

#include <algorithm>

#include "detect/encoding.h"

namespace sekisho::detect {
namespace {

using Kind = PdfValue::Kind;

constexpr size_t kMaxLines = size_t{8} << 20;
constexpr size_t kMaxAttachments = 64;
constexpr int kObjectsAtATime = 64;

}  // namespace

std::string PdfText(std::string_view bytes) {
  std::string text;
  if (bytes.starts_with("\xFE\xFF")) {
    const std::string_view wide = bytes.substr(2);
    Decode(Encoding::kUtf16Be, AsBytes(wide.substr(0, wide.size() & ~1ULL)),
           &text);
  } else if (bytes.starts_with("\xEF\xBB\xBF")) {
    text = bytes.substr(3);
  } else if (IsStrictUtf8(AsBytes(bytes))) {
    text = bytes;
  } else {
    Decode(Encoding::kCp932, AsBytes(bytes), &text);
  }
  return text;
}

PdfReader::PdfReader(const Source* source, Budget* budget)
    : DocumentReader(budget), file_(source, budget), fonts_(&file_) {
  Problem(file_.encrypted() ? "encrypted" : file_.problem());
  if (!file_.encrypted()) {
    numbers_ = file_.Numbers();
    if (numbers_.empty()) {
      Problem("damaged");
    }
  }
}

PdfValue PdfReader::ResourcesOf(const PdfValue& page) {
  PdfValue at = page;
  for (int i = 0; i < 32; ++i) {
    PdfValue resources = file_.Resolve(at["Resources"]);
    if (resources.Is(Kind::kDict)) {
      return resources;
    }
    if (!at["Parent"].Is(Kind::kRef)) {
      break;
    }
    at = file_.Resolve(at["Parent"]);
  }
  return {};
}

void PdfReader::TakePage(const PdfValue& page) {
  ++pages_;
  PdfPage drawn(&file_, &fonts_);
  std::string content;
  const PdfValue contents = page["Contents"].Is(Kind::kRef)
                                ? file_.Resolve(page["Contents"])
                                : page["Contents"];
  std::vector<uint32_t> streams;
  if (contents.Is(Kind::kArray)) {
    for (const PdfValue& item : contents.items) {
      streams.push_back(item.ref());
    }
  } else if (page["Contents"].Is(Kind::kRef)) {
    streams.push_back(page["Contents"].ref());
  }
  for (uint32_t stream : streams) {
    auto text = file_.Decode(file_.Load(stream));
    if (!text) {
      Problem("unknown");
      continue;
    }
    if (content.size() + text->size() > kMaxPdfStreamBytes) {
      Problem("limit:dictionary");
      break;
    }
    if (content.empty()) {
      content = std::move(*text);
    } else {
      content += *text;
    }
    content += '\n';
  }
  drawn.Draw(content, ResourcesOf(page));
  drawn.DrawForms();
  if (drawn.too_much()) {
    Problem("limit:entries");
  }
  if (drawn.characters() == 0 && drawn.pictures() > 0) {
    Problem("unknown");  // a scanned page
  }
  characters_ += drawn.characters();
  unknown_ += drawn.unknown();
  drawn.Write(&parts_);
}

// Values of form fields, comments, properties.
void PdfReader::TakeStrings(const PdfValue& dict) {
  const PdfValue& name = dict["T"];
  for (const char* key :
       {"V", "Contents", "RC", "Title", "Author", "Subject", "Keywords"}) {
    const PdfValue& value = dict[key];
    if (value.Is(Kind::kString) && lines_.size() < kMaxLines) {
      if (key[0] == 'V' && name.Is(Kind::kString)) {
        lines_ += PdfText(name.text) + ": ";
      }
      lines_ += PdfText(value.text) + "\n";
    }
  }
}

void PdfReader::TakeObject(uint32_t number) {
  const PdfObject object = file_.Load(number);
  const PdfValue& value = object.value;
  if (!value.Is(Kind::kDict)) {
    return;
  }
  if (value["Type"].IsName("Page")) {
    TakePage(value);
    return;
  }
  if (value["Type"].IsName("EmbeddedFile")) {
    auto data = file_.Decode(object);
    if (!data || attachments_.size() >= kMaxAttachments) {
      Problem(data ? "limit:entries" : "unknown");
    } else {
      attachments_.push_back(std::move(*data));
    }
    return;
  }
  TakeStrings(value);
}

void PdfReader::Finish() {
  finished_ = true;
  if (!lines_.empty()) {
    parts_.Begin("fields and comments");
    parts_.Line(lines_);
  }
  Problem(file_.problem());
  if (pages_ == 0) {
    Problem("damaged");
  }
  // A few ornaments have no meaning; a font without a map hides its text.
  if (unknown_ > 20 && unknown_ * 50 > characters_) {
    Problem("unknown");
  }
}

bool PdfReader::Pump() {
  if (!attachments_.empty()) {
    attachment_ = std::move(attachments_.back());
    attachments_.pop_back();
    taken_ = 0;
    OfferBytes("attachment");
    return true;
  }
  for (int i = 0;
       i < kObjectsAtATime && next_ < numbers_.size() && attachments_.empty();
       ++i) {
    TakeObject(numbers_[next_++]);
  }
  if (next_ < numbers_.size() || !attachments_.empty()) {
    return true;
  }
  if (!finished_ && !file_.encrypted()) {
    Finish();
    return true;
  }
  return false;
}

size_t PdfReader::ReadBytes(std::span<std::byte> out) {
  const size_t n = std::min(out.size(), attachment_.size() - taken_);
  CopyBytes(out.data(), attachment_.data() + taken_, n);
  taken_ += n;
  return n;
}

}  // namespace sekisho::detect
