#include "detect/row_counter.h"

#include <algorithm>
#include <array>

#include "detect/characters.h"
#include "detect/fast_cells.h"
#include "detect/fold.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

// What the trimmed cell must not be for a fast reader to be asked.
[[gnu::always_inline]] inline std::string_view Trim(std::string_view cell) {
  while (!cell.empty() && IsOuter(cell.front())) {
    cell.remove_prefix(1);
  }
  while (!cell.empty() && IsOuter(cell.back())) {
    cell.remove_suffix(1);
  }
  return cell;
}

// Kana and spaces, none of them half-width or with a mark apart.
bool IsPlainKana(std::string_view cell) {
  size_t at = 0;
  while (at < cell.size()) {
    if (cell[at] == ' ') {
      ++at;
      continue;
    }
    if (at + 3 > cell.size()) {
      return false;
    }
    const auto byte = [&](size_t i) {
      return static_cast<unsigned char>(cell[at + i]);
    };
    const bool kana = (byte(1) >= 0x81 && byte(1) <= 0x83) ||
                      (byte(1) == 0x80 && byte(2) == 0x80);
    if (byte(0) != 0xE3 || !kana) {
      return false;
    }
    at += 3;
  }
  return cell.size() <= 60;
}

bool IsKanaKey(const NameKey& key) {
  return key.size >= 1 &&
         std::all_of(key.units.begin(),
                     key.units.begin() + static_cast<ptrdiff_t>(key.size),
                     [](char16_t unit) {
                       return IsKatakana(unit) || unit == 0x30FB /* ・ */;
                     });
}

// CouldBeName, of what one table look-up a character settled.
bool IsNameKey(const NameKey& key) {
  if (key.size < 2 || key.size > 24) {
    return false;
  }
  if (key.size > 4) {
    return true;
  }
  static constexpr std::array<std::u16string_view, 10> kNotNames = {
      u"合計",     u"小計", u"総計",   u"以上", u"氏名",
      u"該当ナシ", u"ナシ", u"未登録", u"不明", u"名前"};
  const std::u16string_view text(key.units.data(), key.size);
  return std::find(kNotNames.begin(), kNotNames.end(), text) == kNotNames.end();
}

}  // namespace

void RowCounter::Prepare(Hashes* hashes) {
  if (hashes->empty()) {
    hashes->assign(rows_.size(), 0);
  }
}

// Of two columns of one kind the first value stands.
void RowCounter::Set(Hashes* hashes, size_t row, std::string_view normal) {
  uint64_t& slot = (*hashes)[row];
  if (slot == 0) {
    slot = hasher_.Value(normal);
  }
}

// `read` gets the trimmed cell and its row, and says whether the value is of
// the column's type. The header may stand again where files were joined.
template <typename ReadCell>
[[gnu::always_inline]] inline void RowCounter::Each(size_t column, Column* of,
                                                    ReadCell read) {
  int64_t filled = 0;
  int64_t passed = 0;
  for (size_t row = 0; row < rows_.size(); ++row) {
    const std::string_view cell = Trim(rows_.Cell(row, column));
    if (cell.empty() || cell == of->name) {
      continue;
    }
    ++filled;
    passed += read(cell, row) ? 1 : 0;
  }
  of->filled += filled;
  of->passed += passed;
  of->steady = filled >= 32 && passed * 10 >= filled * 9;
}

void RowCounter::ReadNames(size_t column, Column* of) {
  Each(column, of, [&](std::string_view cell, size_t row) {
    const NameKey key = ReadName(cell, &folded_);
    const bool could_be =
        key.simple ? IsNameKey(key)
                   : key.size > 0 && CouldBeName(Fold(cell, &folded_));
    if (could_be) {
      Set(&name_, row, key.bytes());
    }
    return could_be;
  });
}

void RowCounter::ReadPart(size_t column, Column* of) {
  auto& parts = of->role == Role::kSurname ? surname_ : given_;
  if (parts.empty()) {
    parts.resize(rows_.size());
  }
  Each(column, of, [&](std::string_view cell, size_t row) {
    const NameKey key = ReadName(cell, &folded_);
    if (key.size == 0 || key.size > 14) {
      return false;
    }
    parts[row] = key;
    return true;
  });
}

// セイ and メイ may stand in two columns. Nobody asks for the kana of a row
// whose name is known.
void RowCounter::ReadKana(size_t column, Column* of) {
  Each(column, of, [&](std::string_view cell, size_t row) {
    if (!name_.empty() && name_[row] != 0 && IsPlainKana(cell)) {
      return true;
    }
    const NameKey key = ReadName(cell, &folded_);
    if (!IsKanaKey(key)) {
      return false;
    }
    uint64_t* slot = &kana_[row];
    *slot = *slot * 31 + hasher_.Value(key.bytes());
    return true;
  });
}

// The postal code is written one way, the address in many: it is read only
// where there is no code.
void RowCounter::ReadAddresses(size_t column, Column* of) {
  const bool whole = of->role == Role::kAddress;
  Each(column, of, [&](std::string_view cell, size_t row) {
    const bool needed = postal_.empty() || postal_[row] == 0;
    const bool plain = static_cast<unsigned char>(cell[0]) >= 0xE3;
    if (!needed && plain && cell.size() >= (whole ? 12u : 3u)) {
      return true;
    }
    const std::string_view folded = Fold(cell, &folded_);
    const bool is_address =
        whole ? IsAddress(folded) || IsAddressPart(folded) ||
                    (of->hint == HeaderHint::kAddress && CouldBeAddress(folded))
              : folded.size() >= 3;
    if (is_address && needed) {
      uint64_t* slot = &address_[row];
      *slot = *slot * 31 + hasher_.Value(folded);
    }
    return is_address;
  });
}

void RowCounter::ReadPostal(size_t column, Column* of) {
  Each(column, of, [&](std::string_view cell, size_t row) {
    uint32_t code = 0;
    if (!detect::ReadPostal(cell, &code)) {
      const Postal postal = ParsePostal(Fold(cell, &folded_));
      if (!postal.shaped) {
        return false;
      }
      code = postal.code;
    }
    postal_[row] = code + uint64_t{1};
    return true;
  });
}

void RowCounter::ReadPhones(size_t column, Column* of) {
  if (mobile_.empty()) {
    mobile_.resize(rows_.size());
  }
  Each(column, of, [&](std::string_view cell, size_t row) {
    std::array<char, 11> digits;
    if (ReadMobile(cell, digits.data())) {
      mobile_[row] = true;
      Set(&phone_, row, {digits.data(), digits.size()});
      return true;
    }
    const Phone phone = ParsePhoneCell(Fold(cell, &folded_));
    if (phone.kind == PhoneKind::kNone) {
      return false;
    }
    if (phone.kind == PhoneKind::kMobile ||
        phone.kind == PhoneKind::kInternational) {
      mobile_[row] = true;
    }
    if (phone.kind != PhoneKind::kShared) {
      Set(&phone_, row, phone.digits());
    }
    return true;
  });
}

void RowCounter::ReadEmails(size_t column, Column* of) {
  const char* const end = rows_.text.data() + rows_.text.size();
  std::array<char, kMaxFastEmail> lower;
  Each(column, of, [&](std::string_view cell, size_t row) {
    std::string_view email(lower.data(), cell.size());
    if (!ReadEmail(cell, static_cast<size_t>(end - cell.data()),
                   lower.data())) {
      const std::string_view folded = Fold(cell, &folded_);
      if (!IsEmail(folded)) {
        return false;
      }
      scratch_.assign(folded);
      std::transform(scratch_.begin(), scratch_.end(), scratch_.begin(), Lower);
      email = scratch_;
    }
    if (!IsRoleEmail(email)) {
      Set(&email_, row, email);
    }
    return true;
  });
}

void RowCounter::ReadBirths(size_t column, Column* of) {
  Each(column, of, [&](std::string_view cell, size_t row) {
    Date date;
    if (!ReadDate(cell, &date)) {
      const std::string_view folded = Fold(cell, &folded_);
      date = ParseDate(folded);
      date = date.year == 0 ? ParseCompactEra(folded) : date;
    }
    if (date.year == 0) {
      return false;
    }
    const std::array<char, 4> packed = PackDate(date);
    Set(&birth_, row, {packed.data(), packed.size()});
    return true;
  });
}

bool RowCounter::ReadNumber(Role role, std::string_view folded, size_t row) {
  std::array<char, 20> buffer;
  const auto digits = [&] { return BareDigits(folded, buffer.data(), 19); };
  const auto set = [&](bool is, Hashes* hashes, std::string_view value) {
    if (is) {
      Set(hashes, row, value);
    }
    return is;
  };
  switch (role) {
    case Role::kMyNumber:
      return set(IsMyNumber(digits()), &national_, digits());
    case Role::kDriversLicense:
      return set(IsDriversLicense(digits()), &national_, digits());
    case Role::kBasicPension:
      return set(digits().size() == 10, &national_, digits());
    case Role::kCard:
      return set(IsCardNumber(digits()), &card_, digits());
    case Role::kPassport:
      return set(IsIdentifier(folded), &national_, folded);
    case Role::kResidenceCard:
      return set(IsResidenceCard(folded), &national_, folded);
    case Role::kUsSsn:
      return set(IsUsSsn(folded), &national_, folded);
    case Role::kNationalId:
      return set(ParseNationalId(folded).kind != NationalIdKind::kNone,
                 &national_, folded);
    case Role::kMemberId:
      return set(IsIdentifier(folded), &member_, folded);
    case Role::kSex:
      return IsSex(folded);
    case Role::kAge:
      return IsAge(folded);
    case Role::kIban:
      return IsIban(folded);
    case Role::kBankAccount:
    case Role::kHealthInsurance:
    case Role::kHealthRecord:
      return true;
    default:
      return false;
  }
}

void RowCounter::ReadNumbers(size_t column, Column* of) {
  const Role role = of->role;
  Each(column, of, [&](std::string_view cell, size_t row) {
    if (role == Role::kSex && (cell == "男" || cell == "女")) {
      return true;
    }
    if (role == Role::kMemberId && IsIdentifier(cell)) {
      Set(&member_, row, cell);
      return true;
    }
    const std::string_view folded = Fold(cell, &folded_);
    return !folded.empty() && ReadNumber(role, folded, row);
  });
}

RowCounter::Hashes* RowCounter::HashesOf(Role role) {
  switch (role) {
    case Role::kFullName:
    case Role::kSurname:
    case Role::kGivenName:
      return &name_;
    case Role::kKana:
      return &kana_;
    case Role::kAddress:
    case Role::kAddressPart:
      return &address_;
    case Role::kPostal:
      return &postal_;
    case Role::kPhone:
      return &phone_;
    case Role::kEmail:
      return &email_;
    case Role::kBirthDate:
      return &birth_;
    case Role::kMemberId:
      return &member_;
    case Role::kCard:
      return &card_;
    case Role::kMyNumber:
    case Role::kDriversLicense:
    case Role::kBasicPension:
    case Role::kPassport:
    case Role::kResidenceCard:
    case Role::kUsSsn:
    case Role::kNationalId:
      return &national_;
    default:
      return nullptr;
  }
}

void RowCounter::Read(size_t column, Column* of) {
  if (Hashes* hashes = HashesOf(of->role)) {
    Prepare(hashes);
  }
  switch (of->role) {
    case Role::kNone:
      return;
    case Role::kFullName:
      return ReadNames(column, of);
    case Role::kSurname:
    case Role::kGivenName:
      return ReadPart(column, of);
    case Role::kKana:
      return ReadKana(column, of);
    case Role::kAddress:
    case Role::kAddressPart:
      return ReadAddresses(column, of);
    case Role::kPostal:
      return ReadPostal(column, of);
    case Role::kPhone:
      return ReadPhones(column, of);
    case Role::kEmail:
      return ReadEmails(column, of);
    case Role::kBirthDate:
      return ReadBirths(column, of);
    default:
      return ReadNumbers(column, of);
  }
}

// 姓 and 名 of two columns are the name that one column would have.
void RowCounter::JoinNames() {
  if (surname_.empty() || given_.empty()) {
    return;
  }
  for (size_t row = 0; row < rows_.size(); ++row) {
    NameKey name = surname_[row];
    const NameKey& given = given_[row];
    if (name.size == 0 || given.size == 0) {
      continue;
    }
    std::copy_n(given.units.begin(), given.size,
                name.units.begin() + static_cast<ptrdiff_t>(name.size));
    name.size += given.size;
    Set(&name_, row, name.bytes());
  }
}

// Without a name a row is somebody only where the table's judgement says so.
void RowCounter::DropWhatCountsNobody() {
  const bool names = table_.name_counts || table_.name_alone;
  if (name_.empty()) {
    name_ = std::move(kana_);
    kana_.clear();
  }
  for (size_t row = 0; row < rows_.size(); ++row) {
    if (!name_.empty()) {
      if (name_[row] == 0 && !kana_.empty()) {
        name_[row] = kana_[row];
      }
      if (name_[row] != 0 && names) {
        continue;
      }
      name_[row] = 0;
    }
    const auto keep = [&](Hashes* hashes, bool counts) {
      if (!hashes->empty() && !counts) {
        (*hashes)[row] = 0;
      }
    };
    keep(&email_, table_.email_counts);
    keep(&phone_, table_.phone_counts && mobile_[row]);
    keep(&member_, table_.member_counts);
  }
}

// Identities of one kind, of the rows that have `a` (and `b`).
void RowCounter::Add(IdentityKind kind, const Hashes& a, const Hashes* b,
                     bool only_without, PeopleSketch* people) {
  if (a.empty() || (b != nullptr && b->empty())) {
    return;
  }
  Hashes first;
  Hashes second;
  std::vector<uint32_t> of;
  first.reserve(a.size());
  second.reserve(a.size());
  of.reserve(a.size());
  for (size_t row = 0; row < a.size(); ++row) {
    const uint64_t other = b == nullptr ? 0 : (*b)[row];
    if (a[row] != 0 && (b == nullptr || other != 0) &&
        (!only_without || strongest_[row] == 0)) {
      first.push_back(a[row]);
      second.push_back(other);
      of.push_back(static_cast<uint32_t>(row));
    }
  }
  Hashes made(first.size());
  hasher_.Identities(kind, first, second, made);
  people->of(kind).Insert(made);
  for (size_t i = 0; i < made.size(); ++i) {
    uint64_t& strongest = strongest_[of[i]];
    strongest = strongest == 0 ? made[i] : strongest;
  }
}

// In the order of CountPerson.
void RowCounter::CountIdentities(PeopleSketch* people) {
  strongest_.assign(rows_.size(), 0);
  if (!postal_.empty()) {
    if (address_.empty()) {
      address_ = std::move(postal_);
    } else {
      for (size_t row = 0; row < rows_.size(); ++row) {
        address_[row] = postal_[row] != 0 ? postal_[row] : address_[row];
      }
    }
  }
  Add(IdentityKind::kNationalId, national_, nullptr, false, people);
  Add(IdentityKind::kNameBirth, name_, &birth_, false, people);
  Add(IdentityKind::kNamePhone, name_, &phone_, false, people);
  Add(IdentityKind::kEmail, email_, nullptr, false, people);
  Add(IdentityKind::kMemberId, member_, nullptr, false, people);
  Add(IdentityKind::kNameAddress, name_, &address_, false, people);
  Add(IdentityKind::kName, name_, nullptr, true, people);
  Add(IdentityKind::kPhone, phone_, nullptr, true, people);
  Add(IdentityKind::kCard, card_, nullptr, true, people);
  std::erase(strongest_, 0u);
  people->of(IdentityKind::kRow).Insert(strongest_);
}

void RowCounter::Count(std::span<Column> columns, Tally* tally) {
  // Names and postal codes first: what others need not read then.
  const auto is_first = [](Role role) {
    return role == Role::kFullName || role == Role::kSurname ||
           role == Role::kGivenName || role == Role::kPostal;
  };
  for (const bool first : {true, false}) {
    for (size_t c = 0; c < columns.size(); ++c) {
      Column& column = columns[c];
      if (column.role == Role::kNone || is_first(column.role) != first) {
        continue;
      }
      const int64_t before = column.passed;
      Read(c, &column);
      if (table_.people) {
        tally->data[Index(TypeOf(column.role))] += column.passed - before;
      }
    }
    if (first) {
      JoinNames();
    }
  }
  if (table_.people && rows_.size() > 0) {
    DropWhatCountsNobody();
    CountIdentities(&tally->people);
  }
}

}  // namespace sekisho::detect
