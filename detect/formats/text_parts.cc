#include "detect/formats/text_parts.h"

#include <algorithm>
#include <span>

namespace sekisho::detect {
namespace {

constexpr size_t kCompactBytes = size_t{64} * 1024;
constexpr size_t kMaxRowCells = 1024;

}  // namespace

void AppendCell(std::string_view cell, std::string* row) {
  // A quote at the start would open a quoted field.
  if (!cell.empty() && cell[0] == '"') {
    row->push_back(' ');
  }
  const size_t begin = row->size();
  row->append(cell.substr(0, kMaxCellBytes));
  for (char& c : std::span(*row).subspan(begin)) {
    c = c == '\t' || c == '\n' || c == '\r' || c == '\0' ? ' ' : c;
  }
}

std::string* TextParts::out() {
  if (parts_.empty()) {
    Begin("");
  }
  return &parts_.back().text;
}

void TextParts::Line(std::string_view line) {
  std::string* text = out();
  text->append(line);
  text->push_back('\n');
}

void TextParts::Row(const std::vector<std::string>& cells, size_t count) {
  std::string* text = out();
  count = std::min({count, cells.size(), kMaxRowCells});
  size_t& width = parts_.back().width;
  width = std::max(width, count);
  for (size_t i = 0; i < width; ++i) {
    if (i > 0) {
      text->push_back('\t');
    }
    if (i < count) {
      AppendCell(cells[i], text);
    }
  }
  text->push_back('\n');
  for (size_t i = 0; i < count; ++i) {
    if (cells[i].size() > kMaxCellBytes) {
      text->append(cells[i]);
      text->push_back('\n');
    }
  }
}

size_t TextParts::Take(std::span<std::byte> out) {
  if (parts_.empty()) {
    return 0;
  }
  std::string& text = parts_.front().text;
  const size_t n = std::min(out.size(), text.size() - taken_);
  CopyBytes(out.data(), text.data() + taken_, n);
  taken_ += n;
  if (taken_ == text.size() || taken_ > kCompactBytes) {
    text.erase(0, taken_);
    taken_ = 0;
  }
  return n;
}

void TextParts::PopFront() {
  parts_.pop_front();
  taken_ = 0;
}

size_t DocumentReader::ReadBytes(std::span<std::byte> /*out*/) { return 0; }

bool DocumentReader::PumpOnce() {
  pumping_ = pumping_ && budget_->ok() && Pump();
  return pumping_;
}

bool DocumentReader::Next(Part* part) {
  std::byte skipped[4096];
  while ((in_text_ || in_bytes_) && Read(skipped) > 0) {
  }
  for (;;) {
    if (!budget_->ok()) {
      return false;
    }
    if (!parts_.empty()) {
      in_text_ = true;
      *part = {parts_.front_name(), PartKind::kText};
      return true;
    }
    if (offered_) {
      offered_ = false;
      in_bytes_ = true;
      *part = {std::move(offer_name_), PartKind::kBytes};
      return true;
    }
    if (!PumpOnce() && parts_.empty() && !offered_) {
      return false;
    }
  }
}

size_t DocumentReader::Read(std::span<std::byte> out) {
  if (in_bytes_) {
    const size_t n = ReadBytes(out);
    in_bytes_ = n > 0;
    return n;
  }
  while (in_text_) {
    const size_t n = parts_.Take(out);
    if (n > 0) {
      budget_->Text(static_cast<int64_t>(n));
      return n;
    }
    // An offer ends the text before it: what comes behind is another part.
    if (parts_.FrontDone() || offered_ || !PumpOnce()) {
      if (parts_.pending() == 0) {
        parts_.PopFront();
        in_text_ = false;
      }
    }
  }
  return 0;
}

}  // namespace sekisho::detect
