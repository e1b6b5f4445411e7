#include "detect/prose.h"

#include <algorithm>
#include <span>

#include "detect/characters.h"
#include "detect/fold.h"
#include "detect/headers.h"
#include "detect/prose_names.h"
#include "detect/values.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sekisho::detect {
namespace {

constexpr size_t kPieceBytes = 4096;

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

// What of a line is worth a closer look, seen without reading it.
struct LineFacts {
  bool ascii = true;
  bool at_sign = false;
  bool colon = false;       // in the first bytes, where labels end
  bool wide_forms = false;  // full-width letters and digits
  size_t digits = 0;
};

LineFacts Look(std::string_view line) {
  LineFacts facts;
  size_t i = 0;
#if defined(__SSE2__)
  const __m128i zero = _mm_setzero_si128();
  __m128i digits = zero;
  for (; i + 16 <= line.size(); i += 16) {
    const __m128i x =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(line.data() + i));
    const auto any = [&](char c) {
      return _mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8(c))) != 0;
    };
    facts.at_sign |= any('@');
    facts.colon |= i < 48 && any(':');
    // A comparison gives -1: their sum is added up in halves of 8 bytes.
    const __m128i is_digit =
        _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8('0' - 1)),
                      _mm_cmpgt_epi8(_mm_set1_epi8('9' + 1), x));
    digits =
        _mm_add_epi64(digits, _mm_sad_epu8(_mm_sub_epi8(zero, is_digit), zero));
    if (_mm_movemask_epi8(x) != 0) {
      facts.ascii = false;
      facts.wide_forms |= any('\xef');
    }
  }
  facts.digits = static_cast<size_t>(
      _mm_cvtsi128_si64(digits) +
      _mm_cvtsi128_si64(_mm_unpackhi_epi64(digits, digits)));
#endif
  for (; i < line.size(); ++i) {
    const char c = line[i];
    facts.at_sign |= c == '@';
    facts.colon |= c == ':' && i < 48;
    facts.digits += IsDigit(c) ? 1u : 0u;
    facts.ascii &= static_cast<signed char>(c) >= 0;
    facts.wide_forms |= c == '\xef';
  }
  return facts;
}

// Numbers that are fewer are no phone, card or birth date.
constexpr size_t kMinDigits = 9;
constexpr size_t kMinDateDigits = 3;
// Of a phone, card or My Number, with what stands between its digits.
constexpr size_t kShortestNumber = 10;

bool IsOfNumber(char c) {
  return IsDigit(c) || c == '-' || c == ' ' || c == '(' || c == ')' || c == '+';
}

bool SpeaksOfBirth(std::string_view line) {
  return line.find("生年月日") != std::string_view::npos;
}

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
  LineFacts facts = Look(line);
  const auto says_something = [&] {
    return facts.at_sign || facts.colon || facts.digits >= kMinDigits ||
           (!facts.ascii && facts.digits >= kMinDateDigits);
  };
  if (!says_something() && !facts.wide_forms) {
    return;
  }
  if (!facts.ascii) {
    line = Fold(line, &folded_);
    facts = Look(line);
    if (!says_something()) {
      return;
    }
  }
  if (facts.colon && Label(line, tally)) {
    return;
  }
  // Each sentence may speak of somebody else.
  constexpr std::string_view kStop = "。";
  while (!line.empty()) {
    const size_t stop = facts.ascii ? line.size() : line.find(kStop);
    Sentence(line.substr(0, stop), tally);
    line.remove_prefix(stop >= line.size() ? line.size() : stop + kStop.size());
  }
}

void ProseReader::Sentence(std::string_view line, Tally* tally) {
  const LineFacts facts = Look(line);
  const bool birth =
      facts.digits >= kMinDateDigits && !facts.ascii && SpeaksOfBirth(line);
  if (!facts.at_sign && facts.digits < kMinDigits && !birth) {
    return;
  }
  Record record;
  if (facts.at_sign) {
    FindEmails(line, &record);
  }
  if (facts.digits >= kMinDigits) {
    FindNumbers(line, &record, tally);
  }
  if (birth) {
    FindBirth(line, &record);
  }
  if (record.kinds == 0) {
    return;
  }
  FindName(line, &record);
  if (record.identity.name == 0) {
    return;
  }
  for (size_t i = 0; i < kDataTypeCount; ++i) {
    tally->data[i] += record.data[i];
  }
  CountPerson(record.identity, *hasher_, &tally->people);
}

// "生年月日は昭和55年1月2日、住所は...".
void ProseReader::FindBirth(std::string_view line, Record* record) {
  const auto behind = [&](std::string_view word) {
    const size_t at = line.find(word);
    std::string_view rest =
        at == std::string_view::npos ? "" : line.substr(at + word.size());
    for (std::string_view mark : {"は", "が", ":", " ", "("}) {
      rest.remove_prefix(rest.starts_with(mark) ? mark.size() : 0);
    }
    size_t end = rest.size();
    for (std::string_view mark : {"、", "で", "の", "と", ")", ",", " "}) {
      end = std::min(end, rest.find(mark));
    }
    return rest.substr(0, end);
  };
  const Date date = ParseDate(behind("生年月日"));
  if (date.year == 0) {
    return;
  }
  const auto packed = PackDate(date);
  record->identity.birth = hasher_->Value({packed.data(), packed.size()});
  ++record->kinds;
  record->personal = true;
  ++record->data[Index(DataType::kBirthDate)];
  if (const std::string_view address = behind("住所"); IsAddress(address)) {
    record->identity.address = hasher_->Value(address);
    ++record->kinds;
    ++record->data[Index(DataType::kAddress)];
  }
}

bool ProseReader::Label(std::string_view line, Tally* tally) {
  const size_t colon = line.substr(0, 48).find(':');
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
      // The label says it; only what cannot be a name is none.
      const bool sure =
          MatchFullName(value) != Match::kNone || IsRomanName(value) ||
          (!IsAllAscii(value) && value.size() >= 6 && value.size() <= 36 &&
           CouldBeName(value) && HintOf(value) == HeaderHint::kNone);
      if (!sure) {
        return false;
      }
      if (form_.identity.name != 0) {
        Flush(tally);
      }
      return note(DataType::kPersonName, &form_.identity.name,
                  ReadName(value, &scratch_).bytes());
    }
    case HeaderHint::kNameKana:
      if (MatchKanaName(value) == Match::kNone) {
        return false;
      }
      return note(DataType::kNameKana, &form_.identity.kana,
                  ReadName(value, &scratch_).bytes());
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
      const auto packed = PackDate(date);
      return date.year != 0 && note(DataType::kBirthDate, &form_.identity.birth,
                                    {packed.data(), packed.size()});
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
        record->personal = true;
      }
      ++record->data[Index(DataType::kEmail)];
    }
  }
}

void ProseReader::FindNumbers(std::string_view line, Record* record,
                              Tally* tally) {
  for (size_t at = 0; at + kShortestNumber <= line.size();) {
    // From the end of a window back to what is no part of a number: a run that
    // holds it is too short, and most of a line is never looked at.
    size_t checked = at + kShortestNumber;
    while (checked > at && IsOfNumber(line[checked - 1])) {
      --checked;
    }
    if (checked > at) {
      at = checked;
      continue;
    }
    const bool starts =
        (IsDigit(line[at]) || (line[at] == '+' && IsDigit(line[at + 1]))) &&
        (at == 0 || (!IsAlnum(line[at - 1]) && line[at - 1] != '.' &&
                     line[at - 1] != '-' && line[at - 1] != '_'));
    if (!starts) {
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
    // The full stop of a sentence ends a number, that of a version does not.
    const bool bounded =
        end == line.size() || (!IsAlnum(line[end]) && line[end] != '_');
    const std::string_view run = line.substr(at, end - at);
    if (bounded && run.size() >= kShortestNumber) {
      const Phone phone = ParsePhone(run);
      const bool personal =
          phone.kind == PhoneKind::kMobile ||
          phone.kind == PhoneKind::kInternational ||
          (phone.separated && (phone.kind == PhoneKind::kLandline ||
                               phone.kind == PhoneKind::kIp));
      char buffer[20];
      const std::string_view digits = BareDigits(run, buffer, 19);
      if (personal) {
        if (record->identity.phone == 0) {
          record->identity.phone = hasher_->Value(phone.digits());
          ++record->kinds;
          record->personal |= phone.kind == PhoneKind::kMobile;
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
  const FoundName found = FindNameIn(line);
  if (found.first.empty() || (!found.sure && !record->personal)) {
    return;
  }
  std::string name(found.first);
  name += found.second;
  record->identity.name = hasher_->Value(ReadName(name, &scratch_).bytes());
  ++record->kinds;
  ++record->data[Index(DataType::kPersonName)];
}

}  // namespace sekisho::detect
