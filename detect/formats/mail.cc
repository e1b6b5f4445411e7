#include "detect/formats/mail.h"

#include <algorithm>

namespace sekisho::detect {
namespace {

constexpr size_t kMaxLineBytes = size_t{1} << 20;
constexpr size_t kMaxHeaderBytes = size_t{1} << 20;

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  }
  return out;
}

// `name=value` or `name="value"` of a header.
std::string Parameter(std::string_view header, std::string_view name) {
  const std::string lower = Lower(header);
  for (size_t at = lower.find(name); at != std::string::npos;
       at = lower.find(name, at + 1)) {
    size_t value = at + name.size();
    if (value >= header.size() || header[value] != '=') {
      continue;
    }
    ++value;
    if (value < header.size() && header[value] == '"') {
      ++value;
      return std::string(header.substr(value, header.find('"', value) - value));
    }
    return std::string(
        header.substr(value, header.find_first_of("; \t\r\n", value) - value));
  }
  return {};
}

}  // namespace

MailReader::MailReader(Kind kind, const Source* source, Budget* budget)
    : kind_(kind), cursor_(source, 0, source->size()), budget_(budget) {}

bool MailReader::Line(std::string* line) {
  line->clear();
  for (;;) {
    if (block_.empty()) {
      block_ = cursor_.Next();
      if (block_.empty()) {
        return !line->empty();
      }
    }
    const std::string_view text = AsText(block_);
    const size_t end = text.find('\n');
    const size_t n = end == std::string_view::npos ? text.size() : end + 1;
    line->append(text.substr(0, n));
    block_ = block_.subspan(n);
    // A line without end is handed on in pieces.
    if (end != std::string_view::npos || line->size() > kMaxLineBytes) {
      return true;
    }
  }
}

bool MailReader::IsBoundary(std::string_view line) {
  if (kind_ == Kind::kMailbox && line.starts_with("From ")) {
    boundaries_.clear();
    where_ = Where::kHeaders;
    return true;
  }
  if (!line.starts_with("--")) {
    return false;
  }
  std::string_view rest = line.substr(2);
  while (rest.ends_with('\n') || rest.ends_with('\r') || rest.ends_with(' ')) {
    rest.remove_suffix(1);
  }
  for (size_t i = boundaries_.size(); i-- > 0;) {
    if (rest == boundaries_[i]) {
      boundaries_.resize(i + 1);
      where_ = Where::kHeaders;
      return true;
    }
    if (rest.ends_with("--") &&
        rest.substr(0, rest.size() - 2) == boundaries_[i]) {
      boundaries_.resize(i);
      // What follows is an epilogue, read like a body.
      where_ = Where::kBody;
      transfer_ = Transfer::kNone;
      part_name_ = "epilogue";
      return true;
    }
  }
  return false;
}

void MailReader::TakeHeader(std::string_view header) {
  const std::string lower = Lower(header.substr(0, 64));
  if (lower.starts_with("content-transfer-encoding:")) {
    const std::string value = Lower(header.substr(26));
    transfer_ = value.find("base64") != std::string::npos ? Transfer::kBase64
                : value.find("quoted-printable") != std::string::npos
                    ? Transfer::kQuoted
                    : Transfer::kNone;
  } else if (lower.starts_with("content-type:")) {
    const std::string boundary = Parameter(header, "boundary");
    if (!boundary.empty()) {
      multipart_ = true;
      if (boundaries_.size() < kMaxBoundaries) {
        boundaries_.push_back(boundary);
      } else {
        Problem("limit:depth");
      }
    }
    if (lower.find("encrypted") != std::string::npos ||
        lower.find("pkcs7-mime") != std::string::npos) {
      Problem("encrypted");
    }
  }
  const std::string name = Parameter(header, "name");
  if (!name.empty() && part_name_.empty()) {
    part_name_ = DecodeHeaderWords(name);
  }
  if (header_text_.size() < kMaxHeaderBytes) {
    header_text_ += DecodeHeaderWords(header);
    header_text_ += '\n';
  }
}

void MailReader::ReadHeaders() {
  transfer_ = Transfer::kNone;
  multipart_ = false;
  part_name_.clear();
  header_text_.clear();
  base64_ = {};
  std::string header;
  std::string line;
  while (Line(&line)) {
    while (line.ends_with('\n') || line.ends_with('\r')) {
      line.pop_back();
    }
    const bool folded = line.starts_with(' ') || line.starts_with('\t');
    if (folded && header.size() < kMaxHeaderBytes) {
      header += line;
      continue;
    }
    if (!header.empty()) {
      TakeHeader(header);
    }
    header = line;
    if (line.empty()) {
      break;
    }
  }
  if (!header.empty()) {
    TakeHeader(header);
  }
}

bool MailReader::Next(Part* part) {
  std::byte skipped[4096];
  while (Read(skipped) > 0) {
  }
  in_part_ = false;
  ready_.clear();
  taken_ = 0;
  if (!budget_->Entry()) {
    return false;
  }
  if (where_ == Where::kHeaders) {
    ReadHeaders();
    ready_ = std::move(header_text_);
    where_ = Where::kHeaderText;
    if (!ready_.empty()) {
      in_part_ = true;
      *part = {"headers", PartKind::kText};
      return true;
    }
  }
  if (where_ == Where::kHeaderText) {
    where_ = Where::kBody;
    if (multipart_) {
      part_name_ = "preamble";
    }
  }
  if (where_ == Where::kBody) {
    if (block_.empty() && cursor_.left() <= 0) {
      return false;
    }
    in_part_ = true;
    *part = {part_name_.empty() ? "body" : part_name_, PartKind::kBytes};
    return true;
  }
  return false;
}

void MailReader::DecodeLine(const std::string& line) {
  switch (transfer_) {
    case Transfer::kNone:
      ready_ += line;
      break;
    case Transfer::kBase64:
      base64_.Feed(line, &ready_);
      break;
    case Transfer::kQuoted: {
      std::string_view text = line;
      while (text.ends_with('\n') || text.ends_with('\r')) {
        text.remove_suffix(1);
      }
      DecodeQuotedPrintable(text, &ready_);
      break;
    }
  }
}

size_t MailReader::Read(std::span<std::byte> out) {
  std::string line;
  while (taken_ == ready_.size()) {
    ready_.clear();
    taken_ = 0;
    if (!in_part_ || where_ != Where::kBody || !budget_->ok()) {
      return 0;
    }
    if (!Line(&line)) {
      where_ = Where::kEnd;
      return 0;
    }
    if (IsBoundary(line)) {
      in_part_ = false;
      return 0;
    }
    DecodeLine(line);
  }
  const size_t n = std::min(out.size(), ready_.size() - taken_);
  CopyBytes(out.data(), ready_.data() + taken_, n);
  taken_ += n;
  budget_->Output(static_cast<int64_t>(n));
  return n;
}

}  // namespace sekisho::detect
