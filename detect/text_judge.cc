#include "detect/text_judge.h"

#include <algorithm>
#include <array>

#include "detect/fold.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

using Role = TextJudge::Role;

constexpr size_t kHeaderRows = 20;  // titles may stand above the header
constexpr size_t kSampleRows = 96;
constexpr size_t kLaterSampleRows = 24;  // of a table that is known already
constexpr size_t kGuessBytes = size_t{32} * 1024;
constexpr size_t kMaxFindings = 64;
constexpr size_t kMaxNameBytes = 200;

DataType TypeOf(Role role) {
  switch (role) {
    case Role::kKana:
      return DataType::kNameKana;
    case Role::kAddress:
    case Role::kAddressPart:
      return DataType::kAddress;
    case Role::kPostal:
      return DataType::kPostalCode;
    case Role::kPhone:
      return DataType::kPhone;
    case Role::kEmail:
      return DataType::kEmail;
    case Role::kBirthDate:
      return DataType::kBirthDate;
    case Role::kSex:
      return DataType::kSex;
    case Role::kAge:
      return DataType::kAge;
    case Role::kMyNumber:
      return DataType::kMyNumber;
    case Role::kDriversLicense:
      return DataType::kDriversLicense;
    case Role::kPassport:
      return DataType::kPassport;
    case Role::kResidenceCard:
      return DataType::kResidenceCard;
    case Role::kHealthInsurance:
      return DataType::kHealthInsurance;
    case Role::kBasicPension:
      return DataType::kBasicPension;
    case Role::kBankAccount:
      return DataType::kBankAccount;
    case Role::kCard:
      return DataType::kCreditCard;
    case Role::kHealthRecord:
      return DataType::kHealthRecord;
    case Role::kMemberId:
      return DataType::kMemberId;
    case Role::kIban:
      return DataType::kIban;
    case Role::kUsSsn:
      return DataType::kUsSsn;
    case Role::kNone:
    case Role::kFullName:
    case Role::kSurname:
    case Role::kGivenName:
      break;
  }
  return DataType::kPersonName;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Spreadsheets drop the leading 0 of a phone number.
Phone ParsePhoneCell(std::string_view cell) {
  const bool lost_zero = (cell.size() == 9 || cell.size() == 10) &&
                         cell[0] != '0' &&
                         std::all_of(cell.begin(), cell.end(), IsDigit);
  return ParsePhone(lost_zero ? "0" + std::string(cell) : cell);
}

bool IsIdentifier(std::string_view cell) {
  return cell.size() >= 3 && cell.size() <= 32 &&
         std::any_of(cell.begin(), cell.end(), IsDigit) &&
         std::all_of(cell.begin(), cell.end(), [](char c) {
           return IsDigit(c) || (c >= 'a' && c <= 'z') ||
                  (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
         });
}

// Letters of some script and not only numbers and dots.
bool CouldBeAddress(std::string_view cell) {
  bool wide = false;
  bool letter = false;
  bool space = false;
  for (char c : cell) {
    wide |= static_cast<signed char>(c) < 0;
    letter |= (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    space |= c == ' ';
  }
  return cell.size() >= 4 && (wide || (letter && space));
}

// How many values of a sample are what.
struct Sample {
  int filled = 0;
  int distinct = 0;
  int name_strong = 0, name_weak = 0, could_be_name = 0, roman = 0;
  int surname = 0, given = 0;
  int kana_strong = 0, kana = 0;
  int address = 0, address_part = 0, could_be_address = 0;
  int postal = 0, postal_in_use = 0, postal_separated = 0;
  int phone = 0, phone_separated = 0, mobile = 0;
  int email = 0;
  int date = 0, date_before_2010 = 0;
  int first_year = 9999, last_year = 0;
  int sex = 0, sex_word = 0, age = 0;
  int my_number = 0, license = 0, insurer = 0, card = 0, digits10 = 0;
  int account = 0;
  int residence_card = 0, passport = 0, iban = 0, ssn = 0;
  int identifier = 0;
  int organisation = 0;

  bool Share(int count, double share) const {
    return filled > 0 && count >= share * filled;
  }
};

void TakeNumbers(std::string_view cell, Sample* s) {
  char buffer[20];
  const std::string_view digits = BareDigits(cell, buffer, 19);
  if (digits.empty()) {
    return;
  }
  s->my_number += IsMyNumber(digits);
  s->license += IsDriversLicense(digits);
  s->insurer += IsInsurerNumber(digits);
  s->card += IsCardNumber(digits);
  s->digits10 += digits.size() == 10;
  s->account += digits.size() >= 4 && digits.size() <= 8;
}

void TakeWide(std::string_view cell, Sample* s) {
  const Match name = MatchFullName(cell);
  s->name_strong += name == Match::kStrong;
  s->name_weak += name == Match::kWeak;
  s->surname += IsSurname(cell);
  s->given += IsGivenName(cell);
  s->kana_strong += MatchKanaName(cell) == Match::kStrong;
  s->kana += IsKana(cell);
  s->address += IsAddress(cell);
  s->address_part += IsAddressPart(cell);
  s->organisation += IsOrganisation(cell);
}

void Take(std::string_view cell, Sample* s) {
  ++s->filled;
  const bool wide = std::any_of(cell.begin(), cell.end(), [](char c) {
    return static_cast<signed char>(c) < 0;
  });
  if (wide) {
    TakeWide(cell, s);
  } else {
    TakeNumbers(cell, s);
    s->roman += IsRomanName(cell);
    s->email += IsEmail(cell);
    s->iban += IsIban(cell);
    s->ssn += IsUsSsn(cell);
    s->residence_card += IsResidenceCard(cell);
    s->passport += IsJapanesePassport(cell);
    s->identifier += IsIdentifier(cell);
  }
  s->could_be_name += CouldBeName(cell);
  s->could_be_address += CouldBeAddress(cell);
  const Postal postal = ParsePostal(cell);
  s->postal += postal.shaped;
  s->postal_in_use += postal.in_use;
  s->postal_separated += postal.separated && postal.in_use;
  const Phone phone = ParsePhoneCell(cell);
  s->phone += phone.kind != PhoneKind::kNone;
  s->phone_separated += phone.kind != PhoneKind::kNone && phone.separated;
  s->mobile += phone.kind == PhoneKind::kMobile && cell.size() >= 11;
  const Date date = ParseDate(cell);
  if (date.year != 0) {
    ++s->date;
    s->date_before_2010 += date.year < 2010;
    s->first_year = std::min(s->first_year, date.year);
    s->last_year = std::max(s->last_year, date.year);
  }
  s->sex += IsSex(cell);
  s->sex_word += IsSex(cell) && static_cast<signed char>(cell[0]) < 0;
  s->age += IsAge(cell);
}

// The header says what the column is; the values only have to agree.
Role RoleByHeader(HeaderHint hint, const Sample& s) {
  const auto when = [](bool agrees, Role role) {
    return agrees ? role : Role::kNone;
  };
  const int names = s.name_strong + s.name_weak;
  switch (hint) {
    case HeaderHint::kFullName:
      return when(
          s.Share(s.could_be_name, 0.6) && !s.Share(s.organisation, 0.5),
          Role::kFullName);
    case HeaderHint::kAmbiguousName:
      return when(s.Share(names, 0.5) || s.Share(s.roman, 0.6),
                  Role::kFullName);
    case HeaderHint::kSurname:
      return when(s.Share(s.could_be_name, 0.6),
                  s.Share(s.name_strong, 0.5) && !s.Share(s.surname, 0.5)
                      ? Role::kFullName
                      : Role::kSurname);
    case HeaderHint::kGivenName:
      return when(s.Share(s.could_be_name, 0.6), Role::kGivenName);
    case HeaderHint::kNameKana:
      return when(s.Share(s.kana, 0.6), Role::kKana);
    case HeaderHint::kAddress:
      return when(s.Share(s.could_be_address, 0.5), s.Share(s.address, 0.4)
                                                        ? Role::kAddress
                                                        : Role::kAddressPart);
    case HeaderHint::kAddressPart:
      return when(
          s.Share(s.could_be_address, 0.5) || s.Share(s.address_part, 0.5),
          Role::kAddressPart);
    case HeaderHint::kPostalCode:
      return when(s.Share(s.postal, 0.5), Role::kPostal);
    case HeaderHint::kPhone:
      return when(s.Share(s.phone, 0.5), Role::kPhone);
    case HeaderHint::kEmail:
      return when(s.Share(s.email, 0.5), Role::kEmail);
    case HeaderHint::kBirthDate:
      return when(s.Share(s.date, 0.5), Role::kBirthDate);
    case HeaderHint::kSex:
      return when(s.Share(s.sex, 0.7), Role::kSex);
    case HeaderHint::kAge:
      return when(s.Share(s.age, 0.7), Role::kAge);
    case HeaderHint::kMyNumber:
      return when(s.Share(s.my_number, 0.5), Role::kMyNumber);
    case HeaderHint::kDriversLicense:
      return when(s.Share(s.license, 0.5), Role::kDriversLicense);
    case HeaderHint::kPassport:
      return when(s.Share(s.passport, 0.5) || s.Share(s.identifier, 0.8),
                  Role::kPassport);
    case HeaderHint::kResidenceCard:
      return when(s.Share(s.residence_card, 0.5), Role::kResidenceCard);
    case HeaderHint::kInsurerNumber:
      return when(s.Share(s.insurer, 0.5), Role::kHealthInsurance);
    case HeaderHint::kHealthInsurance:
      return when(s.filled > 0, Role::kHealthInsurance);
    case HeaderHint::kBasicPension:
      return when(s.Share(s.digits10, 0.5), Role::kBasicPension);
    case HeaderHint::kBankAccount:
      return when(s.Share(s.account, 0.5), Role::kBankAccount);
    case HeaderHint::kCreditCard:
      return when(s.Share(s.card, 0.5), Role::kCard);
    case HeaderHint::kHealthRecord:
      return when(s.filled > 0, Role::kHealthRecord);
    case HeaderHint::kMemberId:
      return when(s.Share(s.identifier, 0.6), Role::kMemberId);
    case HeaderHint::kUsSsn:
      return when(s.Share(s.ssn, 0.5), Role::kUsSsn);
    case HeaderHint::kNone:
    case HeaderHint::kOrganisation:
    case HeaderHint::kRepresentative:
    case HeaderHint::kNotPersonal:
      break;
  }
  return Role::kNone;
}

// No word says what the column is: the values alone have to be convincing. A
// check digit passes by chance for 1 in 10 values, 20 values in a row never.
Role RoleByValues(const Sample& s) {
  const bool varied = s.distinct * 3 >= s.filled;
  if (s.Share(s.email, 0.7)) {
    return Role::kEmail;
  }
  if (s.filled >= 5 && varied && s.Share(s.card, 0.9)) {
    return Role::kCard;
  }
  if (s.filled >= 10 && varied && s.Share(s.my_number, 0.9)) {
    return Role::kMyNumber;
  }
  if (s.filled >= 10 && varied && s.Share(s.license, 0.9)) {
    return Role::kDriversLicense;
  }
  if (s.filled >= 3 && s.Share(s.residence_card, 0.9)) {
    return Role::kResidenceCard;
  }
  if (s.filled >= 3 && s.Share(s.iban, 0.9)) {
    return Role::kIban;
  }
  if (s.filled >= 3 && varied && s.Share(s.ssn, 0.9)) {
    return Role::kUsSsn;
  }
  if (s.Share(s.phone, 0.6) &&
      (s.phone_separated * 2 >= s.phone || s.Share(s.mobile, 0.8))) {
    return Role::kPhone;
  }
  if (s.Share(s.postal_separated, 0.7) ||
      (s.filled >= 5 && s.Share(s.postal_in_use, 0.9))) {
    return Role::kPostal;
  }
  if (s.Share(s.address, 0.5)) {
    return Role::kAddress;
  }
  if (s.Share(s.name_strong, 0.4) &&
      s.Share(s.name_strong + s.name_weak, 0.7)) {
    return Role::kFullName;
  }
  if (s.Share(s.kana_strong, 0.4) && s.Share(s.kana, 0.8)) {
    return Role::kKana;
  }
  // Birth dates spread over a generation; order dates do not.
  if (s.Share(s.date, 0.8) && s.Share(s.date_before_2010, 0.5) &&
      (s.filled < 4 || s.last_year - s.first_year >= 15)) {
    return Role::kBirthDate;
  }
  if (s.filled >= 2 && s.Share(s.sex_word, 0.9)) {
    return Role::kSex;
  }
  return Role::kNone;
}

bool IsBlank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == ',';
  });
}

}  // namespace

TextJudge::TextJudge(const IdentityHasher* hasher)
    : hasher_(hasher), prose_(hasher) {}

void TextJudge::Add(std::string_view text, Ending ending) {
  text_.append(text);
  if (text_.empty()) {
    return;
  }
  if (delimiter_ == 0) {
    // A table may begin anywhere in the block.
    const std::string_view all = text_;
    for (size_t at = 0; at < all.size() && delimiter_ == 0;) {
      delimiter_ = GuessDelimiter(all.substr(at, kGuessBytes));
      const size_t line = all.find('\n', at + kGuessBytes / 2);
      at = line == std::string_view::npos ? all.size() : line + 1;
    }
    if (delimiter_ != 0) {
      format_delimiter_ = delimiter_;
    }
  }
  CutRecords(text_, delimiter_, ending, &records_);
  if (records_.consumed == 0 && text_.size() > kMaxRecordBytes) {
    CutRecords(text_, delimiter_, Ending::kLast, &records_);
  }
  JudgeBlock(records_);
  text_.erase(0, records_.consumed);
  records_.fields.clear();
  records_.first.clear();
  if (ending == Ending::kLast) {
    prose_.Flush(&tally_);
  }
}

void TextJudge::JudgeBlock(const Records& records) {
  std::array<uint32_t, kMaxColumns + 1> histogram{};
  size_t line_bytes = 0;
  size_t blank = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    const auto fields = records.of(i);
    ++histogram[std::min(fields.size(), kMaxColumns)];
    line_bytes += fields.front().size;
    blank += fields.size() == 1 && fields[0].size == 0 ? 1u : 0u;
  }
  std::vector<uint32_t> rows;
  std::vector<uint32_t> lines;
  if (delimiter_ == 0) {
    // A list of one column has short lines; text has long ones.
    const bool list = line_bytes <= 64 * records.size();
    for (uint32_t i = 0; i < records.size(); ++i) {
      (list && !IsBlank(Text(records.of(i)[0])) ? rows : lines).push_back(i);
    }
    JudgeTable(records, rows, 1, &lines);
    std::sort(lines.begin(), lines.end());
    ReadLines(records, lines);
    return;
  }
  const auto mode = std::max_element(histogram.begin() + 2, histogram.end());
  const size_t width = static_cast<size_t>(mode - histogram.begin());
  const bool one_table = size_t{*mode} * 10 >= (records.size() - blank) * 6;
  if (one_table) {
    for (uint32_t i = 0; i < records.size(); ++i) {
      const size_t size = records.of(i).size();
      const bool fits = size >= 2 && size * 2 >= width + 1;
      (fits ? rows : lines).push_back(i);
    }
    JudgeTable(records, rows, width, &lines);
  } else {
    // Tables among text: each run of records of one width by itself.
    for (uint32_t i = 0; i < records.size();) {
      const size_t size = records.of(i).size();
      uint32_t end = i + 1;
      while (end < records.size() && records.of(end).size() == size) {
        ++end;
      }
      rows.clear();
      const bool is_run = size >= 2 && end - i >= 2;
      for (; i < end; ++i) {
        (is_run ? rows : lines).push_back(i);
      }
      JudgeTable(records, rows, std::min(size, kMaxColumns), &lines);
    }
    delimiter_ = 0;  // the next block may need another
  }
  std::sort(lines.begin(), lines.end());
  ReadLines(records, lines);
}

void TextJudge::ReadLines(const Records& records,
                          std::span<const uint32_t> lines) {
  for (uint32_t i : lines) {
    const auto fields = records.of(i);
    const size_t begin = fields.front().begin;
    const size_t end = fields.back().begin + fields.back().size;
    prose_.Line(std::string_view(text_).substr(begin, end - begin), &tally_);
  }
}

void TextJudge::JudgeTable(const Records& records,
                           std::span<const uint32_t> all_rows, size_t width,
                           std::vector<uint32_t>* lines) {
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
  for (uint32_t r : all_rows) {
    const size_t size = std::min(records.of(r).size(), kMaxColumns);
    if (size > columns_.size()) {
      columns_.resize(size);
    }
  }
  std::vector<uint32_t> rows(all_rows.begin(), all_rows.end());
  uint32_t header = 0;
  if (FindHeader(records, rows, &header)) {
    std::erase(rows, header);
  }
  DecideRoles(records, rows);
  DecideTable(rows.size());
  CountRows(records, rows);
  // The values of a list of companies are not read as if of people.
  if (!table_.people && !table_.companies) {
    lines->insert(lines->end(), rows.begin(), rows.end());
  }
}

bool TextJudge::FindHeader(const Records& records,
                           std::span<const uint32_t> rows,
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
    for (const Field& field : records.of(rows[r])) {
      const std::string_view cell = Fold(Text(field), &folded);
      filled += cell.empty() ? 0u : 1u;
      numbers |= std::count_if(cell.begin(), cell.end(), IsDigit) >= 4;
      // "氏名: 山田花子" is an entry of a form, not a header.
      const size_t colon = cell.find(':');
      const bool is_entry =
          colon != std::string_view::npos && colon + 1 < cell.size();
      hints += !is_entry && HintOf(cell) != HeaderHint::kNone ? 1u : 0u;
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
  const auto fields = records.of(*header_row);
  for (size_t c = 0; c < fields.size() && c < columns_.size(); ++c) {
    const std::string_view cell = Fold(Text(fields[c]), &folded);
    columns_[c].hint = HintOf(cell);
    columns_[c].name = cell.substr(0, kMaxNameBytes);
  }
  return true;
}

void TextJudge::DecideRoles(const Records& records,
                            std::span<const uint32_t> rows) {
  const bool known =
      std::any_of(columns_.begin(), columns_.end(),
                  [](const Column& column) { return column.passed >= 200; });
  const size_t step = std::max<size_t>(
      1, rows.size() / (known ? kLaterSampleRows : kSampleRows));
  std::string folded;
  std::vector<uint64_t> hashes;
  std::vector<Sample> samples(columns_.size());
  for (size_t c = 0; c < columns_.size(); ++c) {
    Sample& sample = samples[c];
    hashes.clear();
    for (size_t r = 0; r < rows.size(); r += step) {
      const auto fields = records.of(rows[r]);
      if (c >= fields.size()) {
        continue;
      }
      const std::string_view cell = Fold(Text(fields[c]), &folded);
      if (cell.empty() || cell.size() > 400) {
        sample.filled += cell.empty() ? 0 : 1;
        continue;
      }
      Take(cell, &sample);
      hashes.push_back(hasher_->Value(cell));
    }
    std::sort(hashes.begin(), hashes.end());
    sample.distinct = static_cast<int>(
        std::unique(hashes.begin(), hashes.end()) - hashes.begin());
  }
  for (size_t c = 0; c < columns_.size(); ++c) {
    Column& column = columns_[c];
    const Sample& sample = samples[c];
    if (sample.filled == 0) {
      continue;  // keeps what it was
    }
    Role role = RoleByHeader(column.hint, sample);
    const bool silenced = column.hint == HeaderHint::kNotPersonal ||
                          column.hint == HeaderHint::kOrganisation ||
                          column.hint == HeaderHint::kRepresentative;
    if (role == Role::kNone && !silenced) {
      role = RoleByValues(sample);
    }
    column.organisations = column.hint == HeaderHint::kOrganisation ||
                           sample.Share(sample.organisation, 0.5);
    column.names_known =
        sample.Share(sample.name_strong + sample.name_weak, 0.5) ||
        sample.Share(sample.roman, 0.6);
    column.mobile = sample.Share(sample.mobile, 0.8);
    column.varied = sample.distinct * 3 >= sample.filled;
    // A few odd records do not undo what thousands said.
    const bool few = sample.filled < 8 && column.passed >= 32;
    if (!(few && role == Role::kNone)) {
      column.role = role;
    }
  }
  // 姓 and 名 in two columns without a header.
  for (size_t c = 0; c + 1 < columns_.size(); ++c) {
    const Sample& a = samples[c];
    const Sample& b = samples[c + 1];
    if (a.filled >= 3 && columns_[c].role == Role::kNone &&
        columns_[c + 1].role == Role::kNone &&
        columns_[c].hint == HeaderHint::kNone &&
        columns_[c + 1].hint == HeaderHint::kNone && a.Share(a.surname, 0.8) &&
        b.Share(b.given, 0.6)) {
      columns_[c].role = Role::kSurname;
      columns_[c + 1].role = Role::kGivenName;
    }
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
}

void TextJudge::CountRows(const Records& records,
                          std::span<const uint32_t> rows) {
  std::vector<size_t> active;
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (columns_[c].role != Role::kNone) {
      active.push_back(c);
    }
  }
  if (active.empty()) {
    return;
  }
  Row row;
  for (uint32_t r : rows) {
    const auto fields = records.of(r);
    row.Clear();
    for (size_t c : active) {
      if (c >= fields.size()) {
        break;
      }
      Column& column = columns_[c];
      const std::string_view cell = Fold(Text(fields[c]), &row.folded);
      // The header again: several files in one.
      if (cell.empty() || cell == column.name) {
        continue;
      }
      ++column.filled;
      if (TakeCell(column.role, cell, &row)) {
        ++column.passed;
        if (table_.people) {
          tally_.Count(TypeOf(column.role));
        }
      }
    }
    if (table_.people) {
      FinishRow(&row);
    }
  }
}

bool TextJudge::TakeCell(Role role, std::string_view cell, Row* row) const {
  char buffer[20];
  Identity& id = row->identity;
  const auto set = [&](uint64_t* slot, std::string_view normal) {
    if (*slot == 0) {
      *slot = hasher_->Value(normal);
    }
    return true;
  };
  switch (role) {
    case Role::kNone:
      return false;
    case Role::kFullName:
      if (!CouldBeName(cell)) {
        return false;
      }
      ToKatakana(cell, &row->scratch);
      return set(&id.name, row->scratch);
    case Role::kSurname:
    case Role::kGivenName:
      if (cell.size() > 40) {
        return false;
      }
      (role == Role::kSurname ? row->surname : row->given) = cell;
      return true;
    case Role::kKana:
      if (!IsKana(cell)) {
        return false;
      }
      ToKatakana(cell, &row->scratch);
      // セイ and メイ may stand in two columns.
      id.kana = id.kana * 31 + hasher_->Value(row->scratch);
      return true;
    case Role::kAddress:
    case Role::kAddressPart:
      if (role == Role::kAddress ? !IsAddress(cell) && !IsAddressPart(cell)
                                 : cell.size() < 3) {
        return false;
      }
      row->address = row->address * 31 + hasher_->Value(cell);
      return true;
    case Role::kPostal: {
      const Postal postal = ParsePostal(cell);
      row->postal = postal.shaped ? postal.code + 1 : row->postal;
      return postal.shaped;
    }
    case Role::kPhone: {
      const Phone phone = ParsePhoneCell(cell);
      if (phone.kind == PhoneKind::kNone) {
        return false;
      }
      row->mobile |= phone.kind == PhoneKind::kMobile;
      return phone.kind == PhoneKind::kShared || set(&id.phone, phone.digits());
    }
    case Role::kEmail:
      if (!IsEmail(cell)) {
        return false;
      }
      if (!IsRoleEmail(cell)) {
        row->scratch.assign(cell);
        for (char& c : row->scratch) {
          c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        }
        set(&id.email, row->scratch);
      }
      return true;
    case Role::kBirthDate: {
      const Date date = ParseDate(cell);
      if (date.year == 0) {
        return false;
      }
      const std::array<char, 4> packed = {static_cast<char>(date.year / 100),
                                          static_cast<char>(date.year % 100),
                                          static_cast<char>(date.month),
                                          static_cast<char>(date.day)};
      return set(&id.birth, {packed.data(), packed.size()});
    }
    case Role::kSex:
      return IsSex(cell);
    case Role::kAge:
      return IsAge(cell);
    case Role::kMyNumber: {
      const std::string_view digits = BareDigits(cell, buffer, 19);
      return IsMyNumber(digits) && set(&id.national_id, digits);
    }
    case Role::kDriversLicense: {
      const std::string_view digits = BareDigits(cell, buffer, 19);
      return IsDriversLicense(digits) && set(&id.national_id, digits);
    }
    case Role::kBasicPension: {
      const std::string_view digits = BareDigits(cell, buffer, 19);
      return digits.size() == 10 && set(&id.national_id, digits);
    }
    case Role::kPassport:
      return IsIdentifier(cell) && set(&id.national_id, cell);
    case Role::kResidenceCard:
      return IsResidenceCard(cell) && set(&id.national_id, cell);
    case Role::kUsSsn:
      return IsUsSsn(cell) && set(&id.national_id, cell);
    case Role::kCard: {
      const std::string_view digits = BareDigits(cell, buffer, 19);
      return IsCardNumber(digits) && set(&id.card, digits);
    }
    case Role::kMemberId:
      return IsIdentifier(cell) && set(&id.member, cell);
    case Role::kIban:
      return IsIban(cell);
    case Role::kBankAccount:
    case Role::kHealthInsurance:
    case Role::kHealthRecord:
      return true;
  }
  return false;
}

void TextJudge::FinishRow(Row* row) {
  Identity& id = row->identity;
  if (!row->surname.empty() && !row->given.empty() && id.name == 0) {
    row->surname += row->given;
    ToKatakana(row->surname, &row->scratch);
    id.name = hasher_->Value(row->scratch);
  }
  // The postal code is written one way, the address in many.
  id.address = row->postal != 0 ? row->postal : row->address;
  const bool named = id.name != 0 || id.kana != 0;
  if (named && (table_.name_counts || table_.name_alone)) {
    CountPerson(id, *hasher_, &tally_.people);
    return;
  }
  id.name = 0;
  id.kana = 0;
  id.email = table_.email_counts ? id.email : 0;
  id.phone = table_.phone_counts && row->mobile ? id.phone : 0;
  id.member = table_.member_counts ? id.member : 0;
  CountPerson(id, *hasher_, &tally_.people);
}

void TextJudge::FinishColumns(std::vector<ColumnFinding>* out) const {
  for (size_t c = 0; c < columns_.size() && out->size() < kMaxFindings; ++c) {
    const Column& column = columns_[c];
    if (column.role == Role::kNone || column.passed == 0) {
      continue;
    }
    ColumnFinding finding;
    finding.name =
        column.name.empty() ? "#" + std::to_string(c + 1) : column.name;
    finding.index = static_cast<int>(c);
    finding.type = TypeOf(column.role);
    finding.rows = column.passed;
    finding.share =
        static_cast<double>(column.passed) / static_cast<double>(column.filled);
    out->push_back(std::move(finding));
  }
}

void TextJudge::Report(Findings* findings) const {
  findings->format = format_delimiter_ == 0      ? "text"
                     : format_delimiter_ == '\t' ? "tsv"
                                                 : "csv";
  findings->people = tally_.people;
  findings->persons = tally_.people.Persons();
  findings->data = tally_.data;
  findings->columns = finished_;
  FinishColumns(&findings->columns);
}

}  // namespace sekisho::detect
