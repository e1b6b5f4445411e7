#include "detect/text_judge.h"

#include <algorithm>
#include <array>

#include "detect/agreement.h"
#include "detect/characters.h"
#include "detect/column_judge.h"
#include "detect/fold.h"
#include "detect/row_counter.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

constexpr size_t kHeaderRows = 20;  // titles may stand above the header
constexpr size_t kSampleRows = 96;
constexpr size_t kLaterSampleRows = 24;  // of a table that is known already
constexpr size_t kGuessBytes = size_t{32} * 1024;
constexpr size_t kMaxFindings = 64;
constexpr size_t kMaxNameBytes = 200;
constexpr size_t kMaxSampledBytes = 400;

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

TextJudge::TextJudge(const IdentityHasher* hasher, const CustomTypes* custom)
    : hasher_(hasher),
      custom_(custom),
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
    CutRecords(text, delimiter_, ending, &block.records);
    if (block.records.consumed == 0 && text.size() > kMaxRecordBytes) {
      CutRecords(text, delimiter_, Ending::kLast, &block.records);
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
    inner->emplace_back(hasher_, custom_);
    inner->front().is_inner_ = true;
  }
  return &inner->front();
}

// A table may begin anywhere in a block.
void TextJudge::GuessDialect(std::string_view text) {
  for (size_t at = 0; at < text.size() && delimiter_ == 0;) {
    delimiter_ = GuessDelimiter(text.substr(at, kGuessBytes));
    const size_t line = text.find('\n', at + kGuessBytes / 2);
    at = line == std::string_view::npos ? text.size() : line + 1;
  }
  if (delimiter_ != 0) {
    format_delimiter_ = delimiter_;
  }
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
  for (size_t type = 0; type < custom_counts_.size(); ++type) {
    for (uint32_t i : block->lines) {
      custom_counts_[type] += custom_->has_header_words(type)
                                  ? 0
                                  : custom_->CountIn(type, line_at(i));
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
    prose_.Line(line, &tally_);
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

void TextJudge::JudgeTable(Block* block, std::span<const uint32_t> all_rows,
                           size_t width) {
  if (all_rows.empty()) {
    return;
  }
  // A few ragged records at the end of a file are still the same table.
  const bool changed =
      columns_.empty() ||
      (width != width_ && (all_rows.size() >= 3 || width_ == 1));
  if (changed) {
    FinishColumns(&finished_);
    columns_.assign(width, {});
    width_ = width;
    header_known_ = false;
  }
  size_t widest = columns_.size();
  for (uint32_t r : all_rows) {
    widest = std::max(widest, block->records.of(r).size());
  }
  columns_.resize(std::min(widest, kMaxColumns));
  std::vector<uint32_t> rows(all_rows.begin(), all_rows.end());
  uint32_t header = 0;
  if (FindHeader(*block, rows, &header)) {
    std::erase(rows, header);
  }
  const Rows table{block->text, &block->records, rows};
  DecideRoles(table);
  DecideTable(rows.size());
  if (table_.people) {
    rows_by_confidence_[static_cast<size_t>(table_.confidence)] +=
        static_cast<int64_t>(rows.size());
  }
  RowCounter(table, table_, *hasher_).Count(columns_, &tally_);
  CountCustom(table);
  ReadEncodedColumns(table);
  // The values of a list of companies are not read as if of people.
  if (!table_.people && !table_.companies) {
    const bool counted =
        std::any_of(columns_.begin(), columns_.end(),
                    [](const Column& column) { return column.custom >= 0; });
    auto& lines = counted ? block->counted_lines : block->lines;
    lines.insert(lines.end(), rows.begin(), rows.end());
  }
}

bool TextJudge::IsHeader(std::string_view folded) const {
  if (HintOf(folded) != HeaderHint::kNone) {
    return true;
  }
  for (size_t type = 0; type < custom_counts_.size(); ++type) {
    if (custom_->HeaderSays(type, folded)) {
      return true;
    }
  }
  return false;
}

bool TextJudge::FindHeader(const Block& block, std::span<const uint32_t> rows,
                           uint32_t* header_row) {
  if (header_known_) {
    return false;
  }
  header_known_ = true;
  size_t best_hints = 0;
  std::string folded;
  for (size_t r = 0; r < rows.size() && r < kHeaderRows; ++r) {
    size_t hints = 0;
    size_t filled = 0;
    bool numbers = false;
    for (const Field& field : block.records.of(rows[r])) {
      const std::string_view cell = Fold(block.Text(field), &folded);
      filled += cell.empty() ? 0u : 1u;
      numbers |= std::count_if(cell.begin(), cell.end(), IsDigit) >= 4;
      // "氏名: 山田花子" is an entry of a form, not a header.
      const size_t colon = cell.find(':');
      const bool is_entry =
          colon != std::string_view::npos && colon + 1 < cell.size();
      hints += !is_entry && IsHeader(cell) ? 1u : 0u;
    }
    const bool enough =
        hints >= 2 || (hints == 1 && !numbers && (r == 0 || filled <= 2));
    if (enough && hints > best_hints && !(numbers && hints * 2 < filled)) {
      best_hints = hints;
      *header_row = rows[r];
    }
  }
  if (best_hints == 0) {
    return false;
  }
  const auto fields = block.records.of(*header_row);
  for (size_t c = 0; c < fields.size() && c < columns_.size(); ++c) {
    const std::string_view cell = Fold(block.Text(fields[c]), &folded);
    columns_[c].hint = HintOf(cell);
    columns_[c].name = cell.substr(0, kMaxNameBytes);
  }
  return true;
}

void TextJudge::SampleColumn(const Rows& rows, size_t column, size_t step,
                             Sample* sample) {
  std::string folded;
  std::vector<uint64_t> hashes;
  std::string decoded;
  int encoded = 0;
  std::vector<int> custom(custom_counts_.size());
  for (size_t row = 0; row < rows.size(); row += step) {
    const std::string_view cell = Fold(rows.Cell(row, column), &folded);
    if (cell.empty() || cell.size() > kMaxSampledBytes) {
      sample->filled += cell.empty() ? 0 : 1;
      continue;
    }
    Take(cell, sample);
    hashes.push_back(hasher_->Value(cell));
    encoded += DecodeText(cell, &decoded) ? 1 : 0;
    for (size_t type = 0; type < custom.size(); ++type) {
      custom[type] += custom_->Matches(type, cell) ? 1 : 0;
    }
  }
  std::sort(hashes.begin(), hashes.end());
  sample->distinct = static_cast<int>(
      std::unique(hashes.begin(), hashes.end()) - hashes.begin());
  columns_[column].encoded = sample->filled >= 3 &&
                             sample->Share(encoded, 0.8) &&
                             sample->distinct * 3 >= sample->filled;
  for (size_t type = 0; type < custom.size(); ++type) {
    const bool by_header = custom_->has_header_words(type);
    const bool said =
        by_header && custom_->HeaderSays(type, columns_[column].name);
    if (sample->filled > 0 && (by_header ? said : sample->filled >= 3) &&
        sample->Share(custom[type], by_header ? 0.5 : 0.9)) {
      columns_[column].custom = static_cast<int>(type);
      break;
    }
  }
}

void TextJudge::DecideRole(const Sample& sample, Column* column) const {
  Role role = RoleByHeader(column->hint, sample);
  const bool silenced = column->hint == HeaderHint::kNotPersonal ||
                        column->hint == HeaderHint::kOrganisation ||
                        column->hint == HeaderHint::kRepresentative;
  if (role == Role::kNone && !silenced) {
    role = RoleByValues(sample);
  }
  column->organisations = column->hint == HeaderHint::kOrganisation ||
                          sample.Share(sample.organisation, 0.5);
  column->names_known =
      sample.Share(sample.name_strong + sample.name_weak, 0.5) ||
      sample.Share(sample.roman, 0.6);
  column->mobile = sample.Share(sample.mobile, 0.8);
  column->varied = sample.distinct * 3 >= sample.filled;
  // A few odd records do not undo what thousands said.
  const bool few = sample.filled < 8 && column->passed >= 32;
  if (!(few && role == Role::kNone)) {
    column->role = role;
  }
}

// 姓 and 名 in two columns without a header.
void TextJudge::SplitNames(std::span<const Sample> samples) {
  for (size_t c = 0; c + 1 < columns_.size(); ++c) {
    const Sample& a = samples[c];
    const Sample& b = samples[c + 1];
    const bool open = columns_[c].role == Role::kNone &&
                      columns_[c + 1].role == Role::kNone &&
                      columns_[c].hint == HeaderHint::kNone &&
                      columns_[c + 1].hint == HeaderHint::kNone;
    const bool certain =
        a.filled >= 3 && a.Share(a.surname, 0.8) && b.Share(b.given, 0.6);
    const bool likely =
        a.filled >= 20 && a.Share(a.surname, 0.5) && b.Share(b.given, 0.5);
    if (open && (certain || likely)) {
      columns_[c].role = Role::kSurname;
      columns_[c + 1].role = Role::kGivenName;
    }
  }
}

// What a column holds is looked into again in each block, unless nearly all
// values of the last block were of its type.
void TextJudge::DecideRoles(const Rows& rows) {
  const bool known =
      std::any_of(columns_.begin(), columns_.end(),
                  [](const Column& column) { return column.passed >= 200; });
  const size_t step = std::max<size_t>(
      1, rows.size() / (known ? kLaterSampleRows : kSampleRows));
  std::vector<Sample> samples(columns_.size());
  for (size_t c = 0; c < columns_.size(); ++c) {
    Column& column = columns_[c];
    if (column.steady && column.role != Role::kNone && rows.size() >= 8) {
      continue;
    }
    SampleColumn(rows, c, step, &samples[c]);
    if (samples[c].filled > 0) {  // else it stays what it was
      DecideRole(samples[c], &column);
    }
  }
  SplitNames(samples);
  if (!known) {
    CompareColumns(rows, step, columns_);
  }
}

void TextJudge::DecideTable(size_t row_count) {
  bool full = false, surname = false, given = false, kana = false;
  bool named_by_header = false, names_known = false;
  bool email = false, mobile = false, member = false, strong_id = false;
  bool organisations = false, representative = false;
  int others = 0;
  for (const Column& column : columns_) {
    organisations |= column.organisations;
    representative |= column.hint == HeaderHint::kRepresentative;
    switch (column.role) {
      case Role::kNone:
        break;
      case Role::kFullName:
        full = true;
        named_by_header |= column.hint == HeaderHint::kFullName;
        names_known |= column.names_known;
        break;
      case Role::kSurname:
        surname = true;
        break;
      case Role::kGivenName:
        given = true;
        break;
      case Role::kKana:
        kana = true;
        break;
      case Role::kEmail:
        email |= column.varied;
        ++others;
        break;
      case Role::kPhone:
        mobile |= column.mobile && column.varied;
        ++others;
        break;
      case Role::kMemberId:
        member |= column.varied || row_count < 4;
        ++others;
        break;
      case Role::kMyNumber:
      case Role::kDriversLicense:
      case Role::kResidenceCard:
      case Role::kPassport:
      case Role::kUsSsn:
      case Role::kBasicPension:
      case Role::kNationalId:
      case Role::kCard:
        strong_id = true;
        ++others;
        break;
      default:
        ++others;
        break;
    }
  }
  table_ = {};
  const bool name = full || (surname && given);
  // A list of companies may name its representatives, or look as if.
  const bool company_list = organisations && !named_by_header;
  table_.companies = company_list;
  table_.name_counts =
      !company_list && ((name && (others > 0 || kana)) || (kana && others > 0));
  // 名簿: nothing but names, but a header that says so and names that are
  // known.
  table_.name_alone = full && named_by_header && names_known && !organisations;
  table_.email_counts = email && !company_list;
  table_.phone_counts = mobile && !company_list;
  table_.member_counts = member && !company_list && !representative;
  table_.people = table_.name_counts || table_.name_alone ||
                  table_.email_counts || table_.phone_counts ||
                  table_.member_counts || strong_id;
  table_.confidence = table_.name_counts || strong_id ? Confidence::kHigh
                      : table_.name_alone || table_.email_counts
                          ? Confidence::kMedium
                          : Confidence::kLow;
}

void TextJudge::CountCustom(const Rows& rows) {
  std::string folded;
  for (size_t c = 0; c < columns_.size(); ++c) {
    Column& column = columns_[c];
    if (column.custom < 0) {
      continue;
    }
    const auto type = static_cast<size_t>(column.custom);
    int64_t found = 0;
    for (size_t row = 0; row < rows.size(); ++row) {
      const std::string_view cell = Fold(rows.Cell(row, c), &folded);
      column.filled += !cell.empty() && column.role == Role::kNone ? 1 : 0;
      found += !cell.empty() && custom_->Matches(type, cell) ? 1 : 0;
    }
    column.custom_passed += found;
    custom_counts_[type] += found;
  }
}

void TextJudge::FinishColumns(std::vector<ColumnFinding>* out) const {
  for (size_t c = 0; c < columns_.size() && out->size() < kMaxFindings; ++c) {
    const Column& column = columns_[c];
    ColumnFinding finding;
    finding.name =
        column.name.empty() ? "#" + std::to_string(c + 1) : column.name;
    finding.index = static_cast<int>(c);
    finding.confidence = Confidence::kMedium;  // as its administrator defined
    if (column.custom_passed > 0) {
      finding.custom = custom_->id(static_cast<size_t>(column.custom));
      finding.rows = column.custom_passed;
      finding.share = static_cast<double>(column.custom_passed) /
                      static_cast<double>(column.filled);
      out->push_back(finding);
      finding.custom.clear();
    }
    if (column.role == Role::kNone || column.passed == 0) {
      continue;
    }
    finding.type = TypeOf(column.role);
    finding.rows = column.passed;
    finding.share =
        static_cast<double>(column.passed) / static_cast<double>(column.filled);
    finding.confidence = ConfidenceOf(column);
    if (column.compared > 0) {
      const auto other = static_cast<size_t>(column.counterpart);
      finding.agreement = {.column = column.counterpart,
                           .name = other < columns_.size()
                                       ? columns_[other].name
                                       : std::string(),
                           .compared = column.compared,
                           .agreed = column.agreed};
    }
    out->push_back(std::move(finding));
  }
}

bool TextJudge::holds_nothing() const {
  const auto idle = [](const std::vector<TextJudge>& inner) {
    return inner.empty() || inner.front().holds_nothing();
  };
  return text_.empty() && runs_.empty() && idle(encoded_columns_) &&
         idle(encoded_text_);
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
  const bool lines = format_delimiter_ == 0 || format_delimiter_ == kAligned;
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
  }
}

}  // namespace sekisho::detect
