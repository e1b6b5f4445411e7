// What else is known about a person: birth date, sex, age, health.
#include <algorithm>
#include <array>

#include "detect/characters.h"
#include "detect/fold.h"
#include "detect/tables.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

struct Era {
  std::string_view kanji;
  std::string_view short_kanji;
  char letter;
  int first_year;
  int last;  // number of its last year
};
// 昭和64 ended on 1989-01-07, 平成31 on 2019-04-30 (政令 of each change).
constexpr std::array<Era, 5> kEras = {{{"明治", "明", 'M', 1868, 45},
                                       {"大正", "大", 'T', 1912, 15},
                                       {"昭和", "昭", 'S', 1926, 64},
                                       {"平成", "平", 'H', 1989, 31},
                                       {"令和", "令", 'R', 2019, 99}}};

const Era* TakeEra(std::string_view* text) {
  for (const Era& era : kEras) {
    for (std::string_view name : {era.kanji, era.short_kanji}) {
      if (text->starts_with(name)) {
        text->remove_prefix(name.size());
        return &era;
      }
    }
    if (text->size() >= 3 && Lower(text->front()) == Lower(era.letter) &&
        (IsDigit((*text)[1]) || (*text)[1] == '.')) {
      text->remove_prefix((*text)[1] == '.' ? 2 : 1);
      return &era;
    }
  }
  return nullptr;
}

int TakeNumber(std::string_view* text, size_t max_digits) {
  int value = 0;
  size_t count = 0;
  while (!text->empty() && IsDigit(text->front()) && count < max_digits) {
    value = value * 10 + static_cast<int>(Value(text->front()));
    text->remove_prefix(1);
    ++count;
  }
  return count == 0 ? -1 : value;
}

bool TakeSeparator(std::string_view* text, std::string_view kanji) {
  while (!text->empty() && text->front() == ' ') {
    text->remove_prefix(1);
  }
  bool found = false;
  if (text->starts_with(kanji)) {
    text->remove_prefix(kanji.size());
    found = true;
  } else if (!text->empty() && (text->front() == '/' || text->front() == '-' ||
                                text->front() == '.')) {
    text->remove_prefix(1);
    found = true;
  }
  while (!text->empty() && text->front() == ' ') {
    text->remove_prefix(1);
  }
  return found;
}

bool IsCalendarDay(int year, int month, int day) {
  constexpr std::array<int, 12> kDays = {31, 29, 31, 30, 31, 30,
                                         31, 31, 30, 31, 30, 31};
  return year >= 1868 && year <= 2100 && month >= 1 && month <= 12 &&
         day >= 1 && day <= kDays[static_cast<size_t>(month - 1)];
}

}  // namespace

Date ParseDate(std::string_view text) {
  if (text.size() < 6 || text.size() > 40) {
    return {};
  }
  const Era* era = nullptr;
  int year = -1;
  if (IsDigit(text[0])) {
    const bool bare =
        text.size() == 8 && std::all_of(text.begin(), text.end(), IsDigit);
    year = TakeNumber(&text, 4);
    if (bare) {
      const int month = TakeNumber(&text, 2);
      const int day = TakeNumber(&text, 2);
      return IsCalendarDay(year, month, day) ? Date{year, month, day} : Date{};
    }
    if (year < 1868) {
      return {};
    }
  } else {
    era = TakeEra(&text);
    if (era == nullptr) {
      return {};
    }
    if (text.starts_with("元")) {
      text.remove_prefix(3);
      year = 1;
    } else {
      year = TakeNumber(&text, 2);
    }
    if (year < 1 || year > era->last) {
      return {};
    }
    year += era->first_year - 1;
  }
  if (!TakeSeparator(&text, "年")) {
    return {};
  }
  const int month = TakeNumber(&text, 2);
  if (!TakeSeparator(&text, "月")) {
    return {};
  }
  const int day = TakeNumber(&text, 2);
  if (text.starts_with("日")) {
    text.remove_prefix(3);
  }
  // A time of day may follow midnight exports ("1980/01/02 0:00:00").
  if (!text.empty() && text[0] != ' ' && text[0] != 'T') {
    return {};
  }
  return IsCalendarDay(year, month, day) ? Date{year, month, day} : Date{};
}

bool IsSex(std::string_view text) {
  static constexpr std::array<std::string_view, 16> kWords = {
      "男", "女", "男性", "女性",   "1",    "2",      "M",      "F",
      "m",  "f",  "male", "female", "Male", "Female", "その他", "9"};
  return std::find(kWords.begin(), kWords.end(), text) != kWords.end();
}

bool IsAge(std::string_view text) {
  if (text.ends_with("歳") || text.ends_with("才")) {
    text.remove_suffix(3);
  }
  const bool is_number = !text.empty() && text.size() <= 3 &&
                         std::all_of(text.begin(), text.end(), IsDigit);
  return is_number && TakeNumber(&text, 3) <= 120;
}

// 3550401: era (1 明治 to 5 令和) and yymmdd, as insurers and hospitals write
// it.
Date ParseCompactEra(std::string_view text) {
  if (text.size() != 7 || !AllDigits(text) || text[0] < '1' || text[0] > '5') {
    return {};
  }
  const Era& era = kEras[Value(text[0]) - 1];
  text.remove_prefix(1);
  const int number = TakeNumber(&text, 2);
  const int month = TakeNumber(&text, 2);
  const int day = TakeNumber(&text, 2);
  const int year = era.first_year + number - 1;
  return number >= 1 && number <= era.last && IsCalendarDay(year, month, day)
             ? Date{year, month, day}
             : Date{};
}

// Illness and the results of health checks: special care-required personal
// information (APPI article 2(3); Cabinet Order article 2, items 1 to 3).
bool IsHealthWord(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kResults = {
      "異常なし", "異常あり", "要精密検査", "要精検",     "要再検査", "要再検",
      "要治療",   "要医療",   "経過観察",   "要経過観察", "陽性",     "陰性"};
  static constexpr std::array<std::string_view, 16> kEnds = {
      "症",   "炎",   "病",   "癌",   "がん", "ガン", "腫",   "腫瘍",
      "喘息", "疾患", "障害", "骨折", "梗塞", "出血", "貧血", "不全"};
  if (text.size() < 6 || text.size() > 60) {
    return false;
  }
  return std::find(kResults.begin(), kResults.end(), text) != kResults.end() ||
         std::any_of(kEnds.begin(), kEnds.end(),
                     [&](std::string_view end) { return text.ends_with(end); });
}

}  // namespace sekisho::detect
