#include "detect/formats/office.h"

#include <algorithm>
#include <utility>

#include "detect/formats/flow_xml.h"

namespace sekisho::detect {
namespace {

constexpr size_t kReadBytes = size_t{64} * 1024;

std::string_view BaseName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// What others refer to comes first.
int Rank(const ZipEntry& entry) {
  const std::string_view name = BaseName(entry.name);
  return name == "workbook.xml"                  ? 0
         : name == "workbook.xml.rels"           ? 1
         : entry.name == "META-INF/manifest.xml" ? 1
         : name == "styles.xml"                  ? 2
         : name == "sharedStrings.xml"           ? 3
                                                 : 4;
}

// Small binary parts that programs write and that hold no content: a DEVMODE
// (names of printers, driver data), LibreOffice's page breaks.
bool IsMachinery(const ZipEntry& entry) {
  const bool printer = BaseName(entry.name).starts_with("printerSettings") &&
                       entry.name.ends_with(".bin");
  return (printer || entry.name == "layout-cache") && entry.size < 65536;
}

class Ignored final : public XmlHandler {
 public:
  void Start(std::string_view /*n*/, const XmlAttributes& /*a*/) override {}
  void End(std::string_view /*n*/) override {}
  void Text(std::string_view /*t*/) override {}
};

// ODF 1.2 part 3, 3.4: an entry with encryption data is encrypted.
class Manifest final : public XmlHandler {
 public:
  explicit Manifest(bool* encrypted) : encrypted_(encrypted) {}
  void Start(std::string_view name, const XmlAttributes& /*attrs*/) override {
    *encrypted_ = *encrypted_ || name == "encryption-data";
  }
  void End(std::string_view /*n*/) override {}
  void Text(std::string_view /*t*/) override {}

 private:
  bool* encrypted_;
};

}  // namespace

class OfficeReader::Root final : public XmlHandler {
 public:
  explicit Root(OfficeReader* reader) : reader_(reader) {}
  void Start(std::string_view name, const XmlAttributes& attrs) override {
    if (!handler_) {
      handler_ = reader_->HandlerFor(name);
    }
    handler_->Start(name, attrs);
  }
  void End(std::string_view name) override { handler_->End(name); }
  void Text(std::string_view text) override {
    if (handler_) {
      handler_->Text(text);
    }
  }
  void Finish() override {
    if (handler_) {
      handler_->Finish();
    }
  }

 private:
  OfficeReader* reader_;
  std::unique_ptr<XmlHandler> handler_;
};

OfficeReader::OfficeReader(const Source* source, ZipDirectory directory,
                           Budget* budget)
    : DocumentReader(budget),
      source_(source),
      directory_(std::move(directory)),
      buffer_(kReadBytes),
      workbook_(budget) {
  Problem(directory_.problem);
  for (const auto& [begin, end] : directory_.gaps) {
    // Nothing writes a document with bytes that no entry owns.
    if (end - begin > 4096) {
      Problem("unknown");
    }
  }
  order_.resize(directory_.entries.size());
  for (size_t i = 0; i < order_.size(); ++i) {
    order_[i] = i;
  }
  std::sort(order_.begin(), order_.end(), [this](size_t a, size_t b) {
    return std::pair(Rank(directory_.entries[a]), a) <
           std::pair(Rank(directory_.entries[b]), b);
  });
}

OfficeReader::~OfficeReader() = default;

std::unique_ptr<XmlHandler> OfficeReader::HandlerFor(std::string_view root) {
  const std::string_view base = BaseName(name_);
  if (root == "worksheet" || root == "dialogsheet") {
    const auto sheet = workbook_.targets.find(std::string(base));
    return MakeSheetHandler(
        &workbook_, &parts_,
        sheet != workbook_.targets.end() ? sheet->second : std::string(base));
  }
  if (root == "sst") {
    return MakeStringsHandler(&workbook_);
  }
  if (root == "workbook") {
    return MakeWorkbookHandler(&workbook_);
  }
  if (root == "Relationships") {
    return base == "workbook.xml.rels" ? MakeRelationsHandler(&workbook_)
                                       : std::make_unique<Ignored>();
  }
  if (root == "styleSheet") {
    return MakeStylesHandler(&workbook_);
  }
  if (root == "manifest") {
    return std::make_unique<Manifest>(&encrypted_);
  }
  if (root == "Types") {
    return std::make_unique<Ignored>();
  }
  if (root == "document-content" || root == "document-styles" ||
      root == "document") {
    // "document" is WordprocessingML's and flat OpenDocument's name.
    return name_.ends_with("document.xml") || name_.find("word/") == 0
               ? MakeOfficeFlow(&parts_, std::string(base))
               : MakeOpenDocumentFlow(&parts_, std::string(base));
  }
  constexpr std::string_view kFlows[] = {
      "hdr",         "ftr",           "footnotes", "endnotes",
      "sld",         "wsDr",          "notes",     "sldMaster",
      "notesMaster", "handoutMaster", "sldLayout", "glossaryDocument"};
  const bool word_comments = root == "comments" && name_.starts_with("word/");
  if (word_comments || std::find(std::begin(kFlows), std::end(kFlows), root) !=
                           std::end(kFlows)) {
    return MakeOfficeFlow(&parts_, std::string(base));
  }
  return MakeLinesFlow(&parts_, std::string(base));
}

bool OfficeReader::NextEntry() {
  while (next_ < order_.size()) {
    const ZipEntry& entry = directory_.entries[order_[next_++]];
    if (encrypted_) {
      // The manifest itself is readable, nothing behind it is.
      Problem("encrypted");
      return false;
    }
    if (IsMachinery(entry)) {
      continue;
    }
    if (!budget_->Entry()) {
      return false;
    }
    name_ = entry.name;
    stream_ = std::make_unique<ZipStream>(source_, entry, budget_);
    return true;
  }
  return false;
}

void OfficeReader::EndEntry() {
  if (xml_) {
    if (stream_->problem().empty() && budget_->ok()) {
      xml_->Finish();
    }
    root_->Finish();
    Problem(xml_->problem());
  }
  Problem(stream_->problem());
  xml_.reset();
  root_.reset();
  stream_.reset();
  if (workbook_.strings_full) {
    Problem("limit:dictionary");
  }
}

// Strings that no cell shows are in the file all the same.
void OfficeReader::LeftStrings() {
  size_t bytes = 0;
  const StringStore& strings = workbook_.strings;
  if (left_string_ == 0) {
    while (left_string_ < strings.size() && strings.asked(left_string_)) {
      ++left_string_;
    }
    if (left_string_ < strings.size()) {
      parts_.Begin("strings of no cell");
    }
  }
  for (; left_string_ < strings.size() && bytes < kReadBytes; ++left_string_) {
    if (!strings.asked(left_string_)) {
      const std::string_view text = workbook_.strings.Get(left_string_);
      parts_.Line(text);
      bytes += text.size();
    }
  }
}

bool OfficeReader::Pump() {
  if (!stream_) {
    if (!NextEntry()) {
      LeftStrings();
      return left_string_ < workbook_.strings.size();
    }
    const size_t n = stream_->Read(buffer_);
    const ByteSpan head = ByteSpan(buffer_).first(n);
    if (!LooksLikeXml(AsText(head))) {
      if (n == 0) {
        EndEntry();
        return true;
      }
      head_.assign(head.begin(), head.end());
      head_taken_ = 0;
      OfferBytes(name_);
      return true;
    }
    root_ = std::make_unique<Root>(this);
    xml_ = std::make_unique<XmlParser>(root_.get(), XmlEncoding::kAsDeclared);
    if (!xml_->Feed(head)) {
      EndEntry();
    }
    return true;
  }
  if (!xml_) {  // its bytes were handed on
    EndEntry();
    return true;
  }
  const size_t n = stream_->Read(buffer_);
  if (n == 0 || !xml_->Feed(ByteSpan(buffer_).first(n))) {
    EndEntry();
  }
  return true;
}

size_t OfficeReader::ReadBytes(std::span<std::byte> out) {
  if (head_taken_ < head_.size()) {
    const size_t n = std::min(out.size(), head_.size() - head_taken_);
    CopyBytes(out.data(), head_.data() + head_taken_, n);
    head_taken_ += n;
    return n;
  }
  return stream_ ? stream_->Read(out) : 0;
}

}  // namespace sekisho::detect
