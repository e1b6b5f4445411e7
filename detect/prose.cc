#include "detect/prose.h"

#include <algorithm>
#include <span>

#include "detect/fold.h"
#include "detect/headers.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

constexpr size_t kPieceBytes = 4096;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlnum(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Characters that can stand in an address before and behind '@'.
bool IsMailChar(char c) {
  return IsAlnum(c) || c == '.' || c == '_' || c == '-' || c == '+' || c == '%';
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return lower;
}

bool HasWord(std::string_view line, std::span<const std::string_view> words) {
  const std::string lower = LowerCase(line);
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return lower.find(word) != std::string::npos;
  });
}

constexpr std::array<std::string_view, 8> kCardWords = {
    "カード", "クレジット", "card", "visa", "jcb", "master", "amex", "credit"};
constexpr std::array<std::string_view, 4> kMyNumberWords = {
    "個人番号", "マイナンバー", "mynumber", "my number"};

// Between tokens of a line that may hold a name.
bool IsBreak(char c) {
  return c == ' ' || c == '\t' || c == ',' || c == '"' || c == ':' ||
         c == ';' || c == '<' || c == '>' || c == '(' || c == ')' || c == '{' ||
         c == '}' || c == '[' || c == ']' || c == '/' || c == '|' ||
         c == '\'' || c == '=';
}

}  // namespace

void CountPerson(const Identity& id, const IdentityHasher& hasher,
                 PeopleSketch* people) {
  uint64_t strongest = 0;
  const auto add = [&](IdentityKind kind, uint64_t a, uint64_t b = 0) {
    const uint64_t hash = hasher.Identity(kind, a, b);
    people->of(kind).Insert(hash);
    if (strongest == 0) {
      strongest = hash;
    }
  };
  const uint64_t name = id.name != 0 ? id.name : id.kana;
  if (id.national_id != 0) {
    add(IdentityKind::kNationalId, id.national_id);
  }
  if (name != 0 && id.birth != 0) {
    add(IdentityKind::kNameBirth, name, id.birth);
  }
  if (name != 0 && id.phone != 0) {
    add(IdentityKind::kNamePhone, name, id.phone);
  }
  if (id.email != 0) {
    add(IdentityKind::kEmail, id.email);
  }
  if (id.member != 0) {
    add(IdentityKind::kMemberId, id.member);
  }
  if (name != 0 && id.address != 0) {
    add(IdentityKind::kNameAddress, name, id.address);
  }
  if (strongest == 0 && name != 0) {
    add(IdentityKind::kName, name);
  }
  if (strongest == 0 && id.phone != 0) {
    add(IdentityKind::kPhone, id.phone);
  }
  if (strongest == 0 && id.card != 0) {
    add(IdentityKind::kCard, id.card);
  }
  if (strongest != 0) {
    people->of(IdentityKind::kRow).Insert(strongest);
  }
}

void ProseReader::Line(std::string_view line, Tally* tally) {
  while (line.size() > kPieceBytes) {
    // Cut where no value is cut: at a space or a comma, else at a character.
    size_t cut = kPieceBytes;
    while (cut > kPieceBytes / 2 && !IsBreak(line[cut])) {
      --cut;
    }
    if (cut == kPieceBytes / 2) {
      cut = kPieceBytes;
      while (cut > 1 &&
             (static_cast<unsigned char>(line[cut]) & 0xC0) == 0x80) {
        --cut;
      }
    }
    Piece(line.substr(0, cut), tally);
    line.remove_prefix(cut);
  }
  Piece(line, tally);
}

void ProseReader::Piece(std::string_view line, Tally* tally) {
  if (line.size() < 3) {
    if (form_.kinds > 0) {
      Flush(tally);
    }
    return;
  }
  bool ascii = true;
  bool at_sign = false;
  size_t digits = 0;
  for (char c : line) {
    ascii &= static_cast<signed char>(c) >= 0;
    at_sign |= c == '@';
    digits += static_cast<size_t>(c >= '0' && c <= '9');
  }
  if (!ascii) {
    line = Fold(line, &folded_);
    at_sign = line.find('@') != std::string_view::npos;
    digits =
        static_cast<size_t>(std::count_if(line.begin(), line.end(), IsDigit));
  }
  if (Label(line, tally)) {
    return;
  }
  if (!at_sign && digits < 9) {
    return;
  }
  Record record;
  if (at_sign) {
    FindEmails(line, &record);
  }
  if (digits >= 9) {
    FindNumbers(line, &record, tally);
  }
  if (record.kinds == 0) {
    return;
  }
  FindName(line, &record);
  const bool has_name = record.identity.name != 0 || record.identity.kana != 0;
  if (!has_name || record.kinds < 2) {
    return;
  }
  for (size_t i = 0; i < kDataTypeCount; ++i) {
    tally->data[i] += record.data[i];
  }
  CountPerson(record.identity, *hasher_, &tally->people);
}

bool ProseReader::Label(std::string_view line, Tally* tally) {
  size_t colon = line.substr(0, 48).find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return false;
  }
  std::string_view label = line.substr(0, colon);
  while (!label.empty() && (label.front() == ' ' || label.front() == '-' ||
                            label.front() == '*')) {
    label.remove_prefix(1);
  }
  // "Jan  2 03:04:05": a line of a log, not of a form.
  if (std::any_of(label.begin(), label.end(), IsDigit)) {
    return false;
  }
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) {
    value.remove_prefix(1);
  }
  if (value.empty() || value.size() > 200 || label.empty()) {
    return false;
  }
  const auto note = [&](DataType type, uint64_t* slot, std::string_view text) {
    *slot = hasher_->Value(text);
    ++form_.data[Index(type)];
    ++form_.kinds;
    return true;
  };
  switch (HintOf(label)) {
    case HeaderHint::kFullName:
    case HeaderHint::kAmbiguousName: {
      const bool sure =
          MatchFullName(value) != Match::kNone || IsRomanName(value);
      if (!sure) {
        return false;
      }
      if (form_.identity.name != 0) {
        Flush(tally);
      }
      std::string compact;
      ToKatakana(value, &compact);
      return note(DataType::kPersonName, &form_.identity.name, compact);
    }
    case HeaderHint::kNameKana:
      if (MatchKanaName(value) == Match::kNone) {
        return false;
      }
      ToKatakana(value, &kana_);
      return note(DataType::kNameKana, &form_.identity.kana, kana_);
    case HeaderHint::kPhone: {
      const Phone phone = ParsePhone(value);
      return phone.kind != PhoneKind::kNone &&
             phone.kind != PhoneKind::kShared &&
             note(DataType::kPhone, &form_.identity.phone, phone.digits());
    }
    case HeaderHint::kEmail:
      return IsEmail(value) &&
             note(DataType::kEmail, &form_.identity.email, LowerCase(value));
    case HeaderHint::kAddress:
      return IsAddress(value) &&
             note(DataType::kAddress, &form_.identity.address, value);
    case HeaderHint::kBirthDate: {
      const Date date = ParseDate(value);
      const int packed = (date.year * 100 + date.month) * 100 + date.day;
      return date.year != 0 && note(DataType::kBirthDate, &form_.identity.birth,
                                    std::to_string(packed));
    }
    default:
      return false;
  }
}

void ProseReader::Flush(Tally* tally) {
  const bool has_name = form_.identity.name != 0 || form_.identity.kana != 0;
  if (has_name && form_.kinds >= 2) {
    for (size_t i = 0; i < kDataTypeCount; ++i) {
      tally->data[i] += form_.data[i];
    }
    CountPerson(form_.identity, *hasher_, &tally->people);
  }
  form_ = {};
}

void ProseReader::FindEmails(std::string_view line, Record* record) {
  for (size_t at = line.find('@'); at != std::string_view::npos;
       at = line.find('@', at + 1)) {
    size_t begin = at;
    while (begin > 0 && at - begin < 64 && IsMailChar(line[begin - 1])) {
      --begin;
    }
    size_t end = at + 1;
    while (end < line.size() && end - at < 190 && IsMailChar(line[end])) {
      ++end;
    }
    while (end > at && (line[end - 1] == '.' || line[end - 1] == '-')) {
      --end;
    }
    const std::string_view email = line.substr(begin, end - begin);
    if (IsEmail(email) && !IsRoleEmail(email)) {
      if (record->identity.email == 0) {
        record->identity.email = hasher_->Value(LowerCase(email));
        ++record->kinds;
      }
      ++record->data[Index(DataType::kEmail)];
    }
  }
}

void ProseReader::FindNumbers(std::string_view line, Record* record,
                              Tally* tally) {
  for (size_t at = 0; at < line.size();) {
    const bool starts =
        (IsDigit(line[at]) ||
         (line[at] == '+' && at + 1 < line.size() && IsDigit(line[at + 1]))) &&
        (at == 0 || (!IsAlnum(line[at - 1]) && line[at - 1] != '.' &&
                     line[at - 1] != '-' && line[at - 1] != '_'));
    if (!starts) {
      // To the end of this run, so that its tail is not read as a number.
      ++at;
      continue;
    }
    size_t end = at + 1;
    while (end < line.size() && end - at < 24 &&
           (IsDigit(line[end]) ||
            ((line[end] == '-' || line[end] == ' ' || line[end] == '(' ||
              line[end] == ')') &&
             end + 1 < line.size() &&
             (IsDigit(line[end + 1]) || line[end + 1] == '(')))) {
      ++end;
    }
    const bool bounded =
        end == line.size() || (!IsAlnum(line[end]) && line[end] != '_');
    const std::string_view run = line.substr(at, end - at);
    if (bounded && run.size() >= 10) {
      const Phone phone = ParsePhone(run);
      const bool personal =
          phone.kind == PhoneKind::kMobile ||
          (phone.separated && (phone.kind == PhoneKind::kLandline ||
                               phone.kind == PhoneKind::kIp));
      char buffer[20];
      const std::string_view digits = BareDigits(run, buffer, 19);
      if (personal) {
        if (record->identity.phone == 0) {
          record->identity.phone = hasher_->Value(phone.digits());
          ++record->kinds;
        }
        ++record->data[Index(DataType::kPhone)];
      } else if (IsCardNumber(digits) && HasWord(line, kCardWords)) {
        tally->Count(DataType::kCreditCard);
        CountPerson({.card = hasher_->Value(digits)}, *hasher_, &tally->people);
      } else if (IsMyNumber(digits) && HasWord(line, kMyNumberWords)) {
        tally->Count(DataType::kMyNumber);
        CountPerson({.national_id = hasher_->Value(digits)}, *hasher_,
                    &tally->people);
      }
    }
    at = end;
  }
}

void ProseReader::FindName(std::string_view line, Record* record) {
  const auto take = [&](std::string_view name) {
    std::string compact;
    ToKatakana(name, &compact);
    record->identity.name = hasher_->Value(compact);
    ++record->kinds;
    ++record->data[Index(DataType::kPersonName)];
  };
  // "Taro Yamada <taro@...>", as in mail headers and AUTHORS.
  const size_t angle = line.find('<');
  if (angle != std::string_view::npos && record->identity.email != 0) {
    std::string_view before = line.substr(0, angle);
    while (!before.empty() && (before.back() == ' ' || before.back() == '"')) {
      before.remove_suffix(1);
    }
    const size_t start = before.find_last_of(":;,\"");
    if (start != std::string_view::npos) {
      before.remove_prefix(start + 1);
    }
    while (!before.empty() && !IsAlnum(before.front()) &&
           static_cast<signed char>(before.front()) >= 0) {
      before.remove_prefix(1);
    }
    if (IsRomanName(before) || MatchFullName(before) != Match::kNone) {
      take(before);
      return;
    }
  }
  std::string_view previous;
  for (size_t at = 0; at < line.size();) {
    while (at < line.size() && IsBreak(line[at])) {
      ++at;
    }
    size_t end = at;
    while (end < line.size() && !IsBreak(line[end])) {
      ++end;
    }
    std::string_view token = line.substr(at, end - at);
    for (std::string_view suffix : {"様", "氏", "さん", "殿"}) {
      if (token.size() > suffix.size() + 3 && token.ends_with(suffix)) {
        token.remove_suffix(suffix.size());
      }
    }
    if (!token.empty() && static_cast<signed char>(token[0]) < 0) {
      if (MatchFullName(token) == Match::kStrong) {
        take(token);
        return;
      }
      if (!previous.empty() && IsSurname(previous) && IsGivenName(token)) {
        take(std::string(previous) + std::string(token));
        return;
      }
      previous = token;
    } else {
      previous = {};
    }
    at = end;
  }
}

}  // namespace sekisho::detect
