// A table of a block: what each of its columns holds, what they say together,
// and what its rows count.
#include <algorithm>
#include <array>

#include "detect/agreement.h"
#include "detect/characters.h"
#include "detect/column_judge.h"
#include "detect/encoded_text.h"
#include "detect/fold.h"
#include "detect/row_counter.h"
#include "detect/text_judge.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

constexpr size_t kHeaderRows = 20;  // titles may stand above the header
constexpr size_t kSampleRows = 96;
constexpr size_t kLaterSampleRows = 24;  // of a table that is known already
constexpr size_t kMaxFindings = 64;
constexpr size_t kMaxNameBytes = 200;
constexpr size_t kMaxSampledBytes = 400;

}  // namespace

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
  if (table_.people && wish_ == SampleWish::kMasked) {
    TakeSamples(table);
  }
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

// Of the first table of people.
void TextJudge::TakeSamples(const Rows& rows) {
  std::vector<size_t> chosen;
  size_t judged = 0;
  for (const bool of_people : {true, false}) {
    for (size_t c = 0; c < columns_.size(); ++c) {
      const bool has =
          columns_[c].role != Role::kNone || columns_[c].custom >= 0;
      if (has == of_people && chosen.size() < kMaxSampleColumns) {
        chosen.push_back(c);
        judged += has ? 1u : 0u;
      }
    }
  }
  std::ranges::sort(chosen);
  if (samples_.rows.empty()) {
    for (const size_t c : chosen) {
      samples_.columns.push_back({HeaderOf(c), TypeNameOf(columns_[c])});
    }
  } else if (samples_.columns.size() != chosen.size()) {
    return;  // another table
  }
  std::string folded;
  for (size_t row = 0; row < rows.size() && !samples_.full(); ++row) {
    std::vector<std::string> masked;
    size_t filled = 0;
    for (const size_t c : chosen) {
      const std::string_view cell = Fold(rows.Cell(row, c), &folded);
      filled += columns_[c].role != Role::kNone && !cell.empty() ? 1u : 0u;
      masked.push_back(MaskValue(columns_[c].role, cell));
    }
    if (filled > 0 && filled * 2 >= judged) {
      samples_.rows.push_back(std::move(masked));
    }
  }
}

std::string TextJudge::HeaderOf(size_t column) const {
  const std::string& name = columns_[column].name;
  return name.empty() ? "#" + std::to_string(column + 1) : name;
}

std::string TextJudge::TypeNameOf(const Column& column) const {
  return column.role != Role::kNone ? std::string(Name(TypeOf(column.role)))
         : column.custom < 0
             ? std::string()
             : CustomName(custom_->id(static_cast<size_t>(column.custom)));
}

void TextJudge::FinishColumns(std::vector<ColumnFinding>* out) const {
  for (size_t c = 0; c < columns_.size() && out->size() < kMaxFindings; ++c) {
    const Column& column = columns_[c];
    ColumnFinding finding;
    finding.name = HeaderOf(c);
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

}  // namespace sekisho::detect
