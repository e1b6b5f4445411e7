#include "detect/formats/flow_xml.h"

#include <charconv>

namespace sekisho::detect {
namespace {

constexpr size_t kMaxNoteBytes = size_t{1} << 20;

class OfficeFlow final : public XmlHandler {
 public:
  OfficeFlow(TextParts* parts, std::string name)
      : flow_(parts, std::move(name)) {}
  void Start(std::string_view name, const XmlAttributes& /*attrs*/) override {
    if (name == "t" || name == "instrText" || name == "delText") {
      in_text_ = true;
    } else if (name == "tbl") {
      flow_.OpenTable();
    } else if (name == "tr") {
      flow_.OpenRow();
    } else if (name == "tc") {
      flow_.OpenCell();
    } else if (name == "tab") {
      flow_.Text(" ");
    } else if (name == "br" || name == "cr") {
      flow_.Break();
    }
  }
  void End(std::string_view name) override {
    if (name == "t" || name == "instrText" || name == "delText") {
      in_text_ = false;
    } else if (name == "p") {
      flow_.Break();
    } else if (name == "tc") {
      flow_.CloseCell();
    } else if (name == "tr") {
      flow_.CloseRow();
    } else if (name == "tbl") {
      flow_.CloseTable();
    }
  }
  void Text(std::string_view text) override {
    if (in_text_) {
      flow_.Text(text);
    }
  }
  void Finish() override { flow_.Finish(); }

 private:
  Flow flow_;
  bool in_text_ = false;
};

class OpenDocumentFlow final : public XmlHandler {
 public:
  OpenDocumentFlow(TextParts* parts, std::string name)
      : parts_(parts), name_(name), flow_(parts, std::move(name)) {}
  void Start(std::string_view name, const XmlAttributes& attrs) override {
    if (note_depth_ > 0 || name == "annotation") {
      ++note_depth_;
    } else if (name == "table") {
      flow_.OpenTable(attrs["name"]);
    } else if (name == "table-row") {
      flow_.OpenRow();
    } else if (name == "table-cell" || name == "covered-table-cell") {
      StartCell(attrs);
    } else if (name == "s" || name == "tab") {
      flow_.Text(" ");
    } else if (name == "line-break") {
      flow_.Break();
    }
  }
  void End(std::string_view name) override {
    if (note_depth_ > 0) {
      --note_depth_;
      if (name == "p" || note_depth_ == 0) {
        notes_ += '\n';
      }
    } else if (name == "p" || name == "h") {
      flow_.Break();
    } else if (name == "table-cell" || name == "covered-table-cell") {
      flow_.CloseCell(value_, repeat_);
      value_.clear();
    } else if (name == "table-row") {
      flow_.CloseRow();
    } else if (name == "table") {
      flow_.CloseTable();
    }
  }
  void Text(std::string_view text) override {
    if (note_depth_ == 0) {
      flow_.Text(text);
    } else if (notes_.size() < kMaxNoteBytes) {
      notes_ += text;
    }
  }
  void Finish() override {
    flow_.Finish();
    if (!notes_.empty()) {
      parts_->Begin(name_ + "/comments");
      parts_->Line(notes_);
    }
  }

 private:
  void StartCell(const XmlAttributes& attrs) {
    flow_.OpenCell();
    value_.clear();
    const std::string_view type = attrs["value-type"];
    if (type == "date") {
      value_ = attrs["date-value"].substr(0, 10);
    } else if (type == "float") {
      value_ = attrs["value"];
    }
    repeat_ = 1;
    const std::string_view repeat = attrs["number-columns-repeated"];
    std::from_chars(repeat.data(), repeat.data() + repeat.size(), repeat_);
  }

  TextParts* parts_;
  std::string name_;
  Flow flow_;
  std::string value_;
  std::string notes_;
  size_t repeat_ = 1;
  int note_depth_ = 0;
};

class LinesFlow final : public XmlHandler {
 public:
  LinesFlow(TextParts* parts, std::string name)
      : flow_(parts, std::move(name)) {}
  void Start(std::string_view name, const XmlAttributes& attrs) override {
    // Pivot caches and filters keep their values in attributes.
    const std::string_view value = attrs[name == "filter" ? "val" : "v"];
    if (!value.empty()) {
      flow_.Text(value);
      flow_.Break();
    }
  }
  void End(std::string_view name) override {
    // Runs of one cell or paragraph.
    if (name != "t" && name != "r" && name != "rPr") {
      flow_.Break();
    }
  }
  void Text(std::string_view text) override { flow_.Text(text); }
  void Finish() override { flow_.Finish(); }

 private:
  Flow flow_;
};

}  // namespace

std::unique_ptr<XmlHandler> MakeOfficeFlow(TextParts* parts, std::string name) {
  return std::make_unique<OfficeFlow>(parts, std::move(name));
}
std::unique_ptr<XmlHandler> MakeOpenDocumentFlow(TextParts* parts,
                                                 std::string name) {
  return std::make_unique<OpenDocumentFlow>(parts, std::move(name));
}
std::unique_ptr<XmlHandler> MakeLinesFlow(TextParts* parts, std::string name) {
  return std::make_unique<LinesFlow>(parts, std::move(name));
}

}  // namespace sekisho::detect
