#include "detect/text_judge.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "detect/fold.h"
#include "detect/row_counter.h"

namespace sekisho::detect {
namespace {

constexpr int kMaxFixedInVain = 2;
constexpr size_t kGuessBytes = size_t{32} * 1024;

bool IsBlank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == ',';
  });
}

// As old Macs did; cells of such a list may hold line feeds.
bool EndsLinesWithReturn(std::string_view text) {
  size_t returns = 0;
  size_t feeds = 0;
  text = text.substr(0, kGuessBytes);
  for (size_t at = 0; at + 1 < text.size(); ++at) {
    returns += text[at] == '\r' && text[at + 1] != '\n' ? 1u : 0u;
    feeds += text[at] == '\n' ? 1u : 0u;
  }
  return returns > feeds;
}

}  // namespace

TextJudge::TextJudge(const IdentityHasher* hasher, const CustomTypes* custom,
                     SampleWish wish)
    : hasher_(hasher),
      custom_(custom),
      wish_(wish),
      custom_counts_(custom == nullptr ? 0 : custom->size()),
      prose_(hasher) {}

void TextJudge::Add(std::string_view text, Ending ending) {
  if (!begun_ && !text.empty()) {
    begun_ = true;
    return_ends_lines_ = EndsLinesWithReturn(text);
  }
  // Judged where it lies, unless something is to be put before it.
  if (text_.empty() && !return_ends_lines_) {
    Judge(text, ending);
    return;
  }
  std::string joined = std::move(text_);
  text_.clear();
  joined.append(text);
  if (return_ends_lines_) {
    std::replace(joined.begin(), joined.end(), '\r', '\n');
  }
  Judge(joined, ending);
}

void TextJudge::Judge(std::string_view text, Ending ending) {
  if (!text.empty()) {
    GuessDialect(text);
    Block block{text, std::move(records_), {}, {}};
    CutText(text, ending, &block.records);
    if (block.records.consumed == 0 && text.size() > kMaxRecordBytes) {
      CutText(text, Ending::kLast, &block.records);
    }
    JudgeBlock(&block);
    text_ = text.substr(block.records.consumed);
    records_ = std::move(block.records);
    records_.Clear();
  }
  if (ending == Ending::kLast) {
    prose_.Flush(&tally_);
    if (!is_inner_) {
      std::string decoded;
      runs_.Flush(&decoded);
      if (!decoded.empty()) {
        Inner(&encoded_text_)->Add(decoded, Ending::kMoreFollows);
      }
    }
    for (std::vector<TextJudge>* inner : {&encoded_columns_, &encoded_text_}) {
      if (!inner->empty()) {
        inner->front().Add({}, Ending::kLast);
      }
    }
  }
}

TextJudge* TextJudge::Inner(std::vector<TextJudge>* inner) {
  if (inner->empty()) {
    inner->emplace_back(hasher_, custom_, wish_);
    inner->front().is_inner_ = true;
  }
  return &inner->front();
}

// A table may begin anywhere in a block.
void TextJudge::GuessDialect(std::string_view text) {
  for (size_t at = 0; at < text.size() && delimiter_ == 0;) {
    delimiter_ = GuessDelimiter(text.substr(at, kGuessBytes));
    // Such a text is so from its first line on.
    if (at == 0 && fixed_in_vain_ < kMaxFixedInVain &&
        (delimiter_ == 0 || delimiter_ == kAligned)) {
      GuessFixed(text.substr(at, kGuessBytes));
    }
    const size_t line = text.find('\n', at + kGuessBytes / 2);
    at = line == std::string_view::npos ? text.size() : line + 1;
  }
  if (delimiter_ != 0) {
    format_delimiter_ = delimiter_;
  }
}

// Where cells stand apart only sometimes, places tell more of them apart.
void TextJudge::GuessFixed(std::string_view text) {
  FixedWidths found = GuessFixedWidths(text);
  if (found.empty()) {
    return;
  }
  if (delimiter_ == kAligned) {
    Records aligned;
    CutRecords(text, kAligned, Ending::kMoreFollows, &aligned);
    if (aligned.fields.size() >= found.cuts.size() * aligned.size()) {
      return;
    }
  }
  fixed_ = std::move(found);
  delimiter_ = kFixed;
}

void TextJudge::CutText(std::string_view text, Ending ending,
                        Records* out) const {
  if (delimiter_ != kFixed) {
    CutRecords(text, delimiter_, ending, out);
    return;
  }
  out->Clear();
  CutFixed(text, fixed_, ending, out);
}

void TextJudge::JudgeBlock(Block* block) {
  const Records& records = block->records;
  if (delimiter_ == 0) {
    JudgeList(block);
    return;
  }
  std::array<uint32_t, kMaxColumns + 1> histogram{};
  size_t blank = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    const auto fields = records.of(i);
    ++histogram[std::min(fields.size(), kMaxColumns)];
    blank += fields.size() == 1 && fields[0].size == 0 ? 1u : 0u;
  }
  const auto mode = std::max_element(histogram.begin() + 2, histogram.end());
  const auto width = static_cast<size_t>(mode - histogram.begin());
  if (size_t{*mode} * 10 < (records.size() - blank) * 6) {
    JudgeRuns(block);
    return;
  }
  std::vector<uint32_t> rows;
  rows.reserve(records.size());
  for (uint32_t i = 0; i < records.size(); ++i) {
    const size_t size = records.of(i).size();
    const bool fits = size >= 2 && size * 2 >= width + 1;
    (fits ? rows : block->lines).push_back(i);
  }
  JudgeTable(block, rows, width);
  ReadLines(block);
  // A log whose lines are of one length; other readings cost less.
  if (delimiter_ == kFixed && !table_.people) {
    delimiter_ = 0;
    ++fixed_in_vain_;
  }
}

// A list of one column has short lines; text has long ones.
void TextJudge::JudgeList(Block* block) {
  const Records& records = block->records;
  size_t line_bytes = 0;
  for (const Field& field : records.fields) {
    line_bytes += field.size;
  }
  const bool list = line_bytes <= 64 * records.size();
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < records.size(); ++i) {
    const bool is_row = list && !IsBlank(block->Text(records.of(i)[0]));
    (is_row ? rows : block->lines).push_back(i);
  }
  JudgeTable(block, rows, 1);
  ReadLines(block);
}

// Tables among text: each run of records of one width by itself.
void TextJudge::JudgeRuns(Block* block) {
  const Records& records = block->records;
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < records.size();) {
    const size_t size = records.of(i).size();
    uint32_t end = i + 1;
    while (end < records.size() && records.of(end).size() == size) {
      ++end;
    }
    rows.clear();
    const bool is_run = size >= 2 && end - i >= 2;
    for (; i < end; ++i) {
      (is_run ? rows : block->lines).push_back(i);
    }
    JudgeTable(block, rows, std::min(size, kMaxColumns));
  }
  delimiter_ = 0;  // the next block may need another
  ReadLines(block);
}

void TextJudge::ReadLines(Block* block) {
  const auto line_at = [&](uint32_t record) {
    const auto fields = block->records.of(record);
    const size_t begin = fields.front().begin;
    const size_t end = fields.back().begin + fields.back().size;
    return block->text.substr(begin, end - begin);
  };
  std::string folded;
  for (uint32_t i :
       custom_counts_.empty() ? std::vector<uint32_t>() : block->lines) {
    const std::string_view line = Fold(line_at(i), &folded);
    for (size_t type = 0; type < custom_counts_.size(); ++type) {
      custom_counts_[type] += custom_->CountIn(type, line);
    }
  }
  auto& lines = block->lines;
  lines.insert(lines.end(), block->counted_lines.begin(),
               block->counted_lines.end());
  std::sort(lines.begin(), lines.end());
  std::string decoded;
  uint32_t next = 0;  // a row of a table ends what went before it
  for (uint32_t i : lines) {
    const std::string_view line = line_at(i);
    ReadProse(line);
    if (!is_inner_) {
      if (i != next) {
        runs_.Flush(&decoded);
      }
      runs_.Line(line, &decoded);
      next = i + 1;
    }
  }
  if (next != block->records.size()) {
    runs_.Flush(&decoded);
  }
  if (!decoded.empty()) {
    Inner(&encoded_text_)->Add(decoded, Ending::kMoreFollows);
  }
}

// With samples, those lines count at which somebody was found. A form ends at a
// later line than that which names him, so the one before is shown, too.
void TextJudge::ReadProse(std::string_view line) {
  if (wish_ == SampleWish::kNone || samples_.full()) {
    prose_.Line(line, &tally_);
    return;
  }
  const int64_t before = tally_.people.Persons();
  prose_.Line(line, &tally_);
  std::string folded;
  std::string masked = MaskLine(Fold(line, &folded));
  if (tally_.people.Persons() > before &&
      (samples_.rows.empty() || samples_.columns.size() == 1)) {
    samples_.columns = {{.name = "", .type = "text"}};
    samples_.rows.push_back(
        {line_before_.empty() ? masked : line_before_ + " / " + masked});
  }
  line_before_ = std::move(masked);
}

// The encoded columns of the rows as a table of their own, under their names.
void TextJudge::ReadEncodedColumns(const Rows& rows) {
  std::vector<size_t> encoded;
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (columns_[c].encoded) {
      encoded.push_back(c);
    }
  }
  if (encoded.empty() || is_inner_) {
    return;
  }
  std::string table;
  if (encoded_columns_.empty()) {
    for (const size_t c : encoded) {
      table += columns_[c].name;
      table += c == encoded.back() ? '\n' : '\t';
    }
  }
  std::string folded;
  std::string text;
  for (size_t row = 0; row < rows.size(); ++row) {
    for (const size_t c : encoded) {
      if (DecodeText(Fold(rows.Cell(row, c), &folded), &text)) {
        std::replace(text.begin(), text.end(), '\n', ' ');
        std::replace(text.begin(), text.end(), '\t', ' ');
        table += text;
      }
      table += c == encoded.back() ? '\n' : '\t';
    }
  }
  Inner(&encoded_columns_)->Add(table, Ending::kMoreFollows);
}

bool TextJudge::holds_nothing() const {
  const auto idle = [](const std::vector<TextJudge>& inner) {
    return inner.empty() || inner.front().holds_nothing();
  };
  return text_.empty() && runs_.empty() && idle(encoded_columns_) &&
         idle(encoded_text_);
}

int64_t TextJudge::values() const {
  return std::accumulate(tally_.data.begin(), tally_.data.end(), int64_t{0});
}

PeopleSketch TextJudge::People() const {
  PeopleSketch people = tally_.people;
  for (const auto* inner : {&encoded_columns_, &encoded_text_}) {
    if (!inner->empty()) {
      people.Merge(inner->front().tally_.people);
    }
  }
  return people;
}

void TextJudge::Report(Findings* findings) const {
  const bool lines = format_delimiter_ == 0 || format_delimiter_ == kAligned ||
                     format_delimiter_ == kFixed;
  findings->format = lines ? "text" : format_delimiter_ == '\t' ? "tsv" : "csv";
  findings->people = People();
  findings->persons = findings->people.Persons();
  findings->data = tally_.data;
  // What most rows say; people of running text have no rows.
  const auto most = std::max_element(rows_by_confidence_.rbegin(),
                                     rows_by_confidence_.rend());
  findings->confidence =
      *most == 0
          ? Confidence::kMedium
          : static_cast<Confidence>(rows_by_confidence_.rend() - most - 1);
  findings->samples = samples_;
  findings->columns = finished_;
  FinishColumns(&findings->columns);
  for (size_t type = 0; type < custom_counts_.size(); ++type) {
    if (custom_counts_[type] > 0) {
      findings->custom.push_back({custom_->id(type), custom_counts_[type]});
    }
  }
  for (const auto* inner : {&encoded_columns_, &encoded_text_}) {
    if (inner->empty()) {
      continue;
    }
    Findings decoded;
    inner->front().Report(&decoded);
    for (size_t type = 0; type < kDataTypeCount; ++type) {
      findings->data[type] += decoded.data[type];
    }
    for (ColumnFinding& column : decoded.columns) {
      column.part = "(encoded)";
      findings->columns.push_back(std::move(column));
    }
    for (const CustomCount& count : decoded.custom) {
      findings->custom.push_back(count);
    }
    if (findings->samples.rows.empty()) {
      findings->samples = std::move(decoded.samples);
    }
  }
}

}  // namespace sekisho::detect
