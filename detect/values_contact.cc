// How to reach someone: phones, e-mail, postal codes, addresses.
#include <algorithm>
#include <array>

#include "detect/area_codes.h"
#include "detect/characters.h"
#include "detect/fold.h"
#include "detect/tables.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

// Source: Ministry of Internal Affairs, 電気通信番号計画 (2019), table 1. A
// landline number has 10 digits and an area code (area_codes.h).
PhoneKind KindOf(std::string_view n) {
  if (n.size() < 10 || n.size() > 11 || n[0] != '0' || n[1] == '0') {
    return PhoneKind::kNone;
  }
  if (n.size() == 11) {
    // 060 joined the mobile numbers in 2024-12; the digit after 0x0 is 1-9.
    if (n[2] == '0' && n[1] >= '6' && n[3] != '0') {
      return PhoneKind::kMobile;
    }
    if (n[2] == '0' && n[1] == '5' && n[3] != '0') {
      return PhoneKind::kIp;
    }
    return n.starts_with("0800") ? PhoneKind::kShared : PhoneKind::kNone;
  }
  if (n.starts_with("0120") || n.starts_with("0570") || n.starts_with("0990") ||
      n.starts_with("0180") || n.starts_with("0170")) {
    return PhoneKind::kShared;
  }
  return IsLandline(n) ? PhoneKind::kLandline : PhoneKind::kNone;
}

// Group sizes people write: 3-4-4, 2-4-4, 3-3-4, 4-2-4, 5-1-4, 4-3-3, 4-3-4.
bool GroupsFit(const std::array<uint8_t, 4>& groups, size_t count) {
  if (count == 1) {
    return true;
  }
  if (count == 2) {
    return groups[0] >= 2 && groups[0] <= 7 && groups[1] >= 4;
  }
  return count == 3 && groups[0] >= 2 && groups[0] <= 5 && groups[1] >= 1 &&
         groups[1] <= 4 && groups[2] >= 3 && groups[2] <= 4;
}

// E.164: + and 8 to 15 digits that begin with the country code, 1 to 9; in the
// North American plan the area code and the exchange begin with 2 to 9.
Phone ParseInternational(std::string_view text) {
  Phone phone;
  bool pending = true;
  for (char c : text.substr(1)) {
    if (IsDigit(c)) {
      if (phone.size == 15) {
        return {};
      }
      phone.national[phone.size++] = c;
      pending = false;
    } else if ((c == '-' || c == ' ' || c == '.' || c == '(' || c == ')') &&
               (!pending || c == '(')) {
      pending = c != ')';
    } else {
      return {};
    }
  }
  const std::string_view digits = phone.digits();
  const bool american = digits.starts_with('1');
  if (digits.size() < 8 || digits[0] == '0' ||
      (american &&
       (digits.size() != 11 || digits[1] < '2' || digits[4] < '2'))) {
    return {};
  }
  phone.kind = PhoneKind::kInternational;
  phone.separated = true;
  return phone;
}

bool StartsWithPrefecture(std::string_view text, size_t* end) {
  // All end in 都 道 府 県 at the third or fourth character.
  static constexpr std::array<std::string_view, 47> kPrefectures = {
      "北海道", "青森県",   "岩手県", "宮城県",   "秋田県", "山形県",
      "福島県", "茨城県",   "栃木県", "群馬県",   "埼玉県", "千葉県",
      "東京都", "神奈川県", "新潟県", "富山県",   "石川県", "福井県",
      "山梨県", "長野県",   "岐阜県", "静岡県",   "愛知県", "三重県",
      "滋賀県", "京都府",   "大阪府", "兵庫県",   "奈良県", "和歌山県",
      "鳥取県", "島根県",   "岡山県", "広島県",   "山口県", "徳島県",
      "香川県", "愛媛県",   "高知県", "福岡県",   "佐賀県", "長崎県",
      "熊本県", "大分県",   "宮崎県", "鹿児島県", "沖縄県"};
  const auto ends_at = [&](size_t byte) {
    const std::string_view last = text.substr(std::min(byte, text.size()), 3);
    return last == "県" || last == "都" || last == "府" || last == "道";
  };
  if (!ends_at(6) && !ends_at(9)) {
    return false;
  }
  for (std::string_view name : kPrefectures) {
    // Folding turns 埼 into 崎: both readings are tried.
    if (text.starts_with(name) ||
        (name == "埼玉県" && text.starts_with("崎玉県"))) {
      *end = name.size();
      return true;
    }
  }
  return false;
}

// Length in bytes of the municipality `text` starts with, or 0.
size_t MunicipalityPrefix(std::string_view text) {
  size_t best = 0;
  size_t at = 0;
  for (size_t count = 1; at < text.size() && count <= 12; ++count) {
    const uint32_t cp = NextCodePoint(text, &at);
    const bool is_end = cp == 0x5E02 /* 市 */ || cp == 0x533A /* 区 */ ||
                        cp == 0x753A /* 町 */ || cp == 0x6751 /* 村 */;
    if (cp < 0x80) {
      break;
    }
    if (is_end && count >= 2 &&
        Contains(WordSet::kMunicipality, text.substr(0, at))) {
      best = at;
    }
  }
  return best;
}

}  // namespace

Phone ParsePhone(std::string_view text) {
  Phone phone;
  // 0..., +81..., (03)..., TEL...
  constexpr std::string_view kStarts = "0+(Tt";
  if (text.size() < 9 || text.size() > 24 ||
      kStarts.find(text[0]) == std::string_view::npos) {
    return phone;
  }
  if (text.starts_with("TEL") || text.starts_with("tel") ||
      text.starts_with("Tel")) {
    text.remove_prefix(3);
    while (!text.empty() &&
           (text[0] == ':' || text[0] == ' ' || text[0] == '.')) {
      text.remove_prefix(1);
    }
  }
  if (text.starts_with('+') && !text.starts_with("+81")) {
    return ParseInternational(text);
  }
  std::array<uint8_t, 4> groups{};
  size_t group = 0;
  if (text.starts_with("+81")) {
    text.remove_prefix(3);
    phone.separated = true;
    while (!text.empty() && (text[0] == '-' || text[0] == ' ')) {
      text.remove_prefix(1);
    }
    if (text.starts_with("(0)")) {
      text.remove_prefix(3);
    }
    if (!text.starts_with('0')) {
      phone.national[phone.size++] = '0';
      groups[0] = 1;
    }
  }
  bool pending = false;
  for (char c : text) {
    if (IsDigit(c)) {
      if (phone.size == 11) {
        return {};
      }
      if (pending && groups[group] > 0) {
        if (++group == groups.size()) {
          return {};
        }
      }
      pending = false;
      phone.national[phone.size++] = c;
      ++groups[group];
    } else if ((c == '-' || c == '(' || c == ')' || c == ' ' || c == '.') &&
               !(pending && c == '-')) {
      pending = true;
      phone.separated = true;
    } else {
      return {};
    }
  }
  phone.kind = KindOf(phone.digits());
  const bool cut_well = phone.kind != PhoneKind::kLandline || group != 2 ||
                        HasAreaCodeOf(phone.digits(), groups[0]);
  if (phone.kind != PhoneKind::kNone &&
      (!cut_well || !GroupsFit(groups, group + 1))) {
    phone.kind = PhoneKind::kNone;
  }
  return phone;
}

// The part of RFC 5322's addr-spec that people have: dot-atom on both sides, a
// top-level domain of letters. Old Japanese carriers allowed "..", so we do.
bool IsEmail(std::string_view text) {
  const size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || text.size() > 254 ||
      text.size() - at < 5) {
    return false;
  }
  for (char c : text.substr(0, at)) {
    if (!IsAlpha(c) && !IsDigit(c) &&
        std::string_view(".!#$%&'*+/=?^_`{|}~-").find(c) ==
            std::string_view::npos) {
      return false;
    }
  }
  const std::string_view domain = text.substr(at + 1);
  const size_t dot = domain.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || domain.size() - dot < 3) {
    return false;
  }
  for (char c : domain) {
    if (!IsAlpha(c) && !IsDigit(c) && c != '.' && c != '-') {
      return false;
    }
  }
  return std::all_of(domain.begin() + static_cast<ptrdiff_t>(dot) + 1,
                     domain.end(), IsAlpha);
}

// RFC 2142 mailbox names and what Japanese companies add.
constexpr std::array<std::string_view, 34> kRoles = {
    "info",         "support",    "sales",    "admin",      "administrator",
    "root",         "noreply",    "no-reply", "postmaster", "webmaster",
    "abuse",        "contact",    "help",     "hostmaster", "security",
    "office",       "mail",       "inquiry",  "recruit",    "soumu",
    "jinji",        "eigyo",      "toiawase", "customer",   "cs",
    "shop",         "news",       "daemon",   "nobody",     "mailer-daemon",
    "do-not-reply", "donotreply", "service",  "press"};

// Most addresses are told by one bit: a Bloom filter over the role names.
constexpr uint64_t RoleBit(std::string_view local) {
  const auto at = [&](size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(local[i]) | 0x20);
  };
  return uint64_t{1} << ((at(0) * 7 + at(local.size() - 1) * 3 +
                          static_cast<unsigned>(local.size()) * 11) %
                         64);
}
constexpr uint64_t kRoleBits = [] {
  uint64_t bits = 0;
  for (std::string_view role : kRoles) {
    bits |= RoleBit(role);
  }
  return bits;
}();

bool IsRoleEmail(std::string_view text) {
  const std::string_view local = text.substr(0, text.find('@'));
  if (local.empty() || (RoleBit(local) & kRoleBits) == 0) {
    return false;
  }
  return std::any_of(kRoles.begin(), kRoles.end(), [&](std::string_view role) {
    return local.size() == role.size() &&
           std::equal(local.begin(), local.end(), role.begin(),
                      [](char a, char b) { return Lower(a) == b; });
  });
}

Postal ParsePostal(std::string_view text) {
  Postal postal;
  if (text.starts_with("〒")) {
    text.remove_prefix(3);
    postal.separated = true;
    while (!text.empty() && text.front() == ' ') {
      text.remove_prefix(1);
    }
  }
  const bool hyphen = text.size() == 8 && text[3] == '-';
  if (!hyphen && text.size() != 7) {
    return {};
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (hyphen && i == 3) {
      continue;
    }
    if (!IsDigit(text[i])) {
      return {};
    }
    postal.code = postal.code * 10 + Value(text[i]);
  }
  postal.separated |= hyphen;
  postal.shaped = true;
  postal.in_use = IsPostalCode(postal.code);
  return postal;
}

bool IsAddress(std::string_view text) {
  if (text.size() < 12 || text.size() > 400 ||
      static_cast<unsigned char>(text[0]) < 0xE3) {
    return false;
  }
  if (text.starts_with("〒") && text.size() > 12) {
    text.remove_prefix(3);
    while (!text.empty() && (IsDigit(text.front()) || text.front() == '-' ||
                             text.front() == ' ')) {
      text.remove_prefix(1);
    }
  }
  size_t end = 0;
  if (StartsWithPrefecture(text, &end)) {
    return text.size() >= end + 6;
  }
  end = MunicipalityPrefix(text);
  return end > 0 && text.size() >= end + 3;
}

bool IsAddressPart(std::string_view text) {
  size_t end = 0;
  return text.size() <= 40 &&
         ((StartsWithPrefecture(text, &end) && end == text.size()) ||
          MunicipalityPrefix(text) == text.size());
}

// Spreadsheets drop the leading 0 of a phone number.
Phone ParsePhoneCell(std::string_view cell) {
  const bool lost_zero = (cell.size() == 9 || cell.size() == 10) &&
                         cell[0] != '0' &&
                         std::all_of(cell.begin(), cell.end(), IsDigit);
  return ParsePhone(lost_zero ? "0" + std::string(cell) : cell);
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

}  // namespace sekisho::detect
