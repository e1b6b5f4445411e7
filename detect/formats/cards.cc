#include "detect/formats/cards.h"

#include <algorithm>

#include "detect/formats/transfer_encoding.h"

namespace sekisho::detect {
namespace {

constexpr size_t kMaxLineBytes = size_t{256} * 1024;
constexpr int kLinesAtATime = 256;

struct Word {
  std::string_view key;
  std::string_view header;  // what a column with such values is called
};
constexpr Word kWords[] = {
    {"FN", "氏名"},
    {"TEL", "電話番号"},
    {"EMAIL", "メールアドレス"},
    {"ADR", "住所"},
    {"BDAY", "生年月日"},
    {"ORG", "会社名"},
    {"SORT-STRING", "フリガナ"},
    {"X-PHONETIC-LAST-NAME", "セイ"},
    {"X-PHONETIC-FIRST-NAME", "メイ"},
    {"cn", "氏名"},
    {"sn", "姓"},
    {"givenname", "名"},
    {"mail", "メールアドレス"},
    {"telephonenumber", "電話番号"},
    {"mobile", "携帯電話"},
    {"homephone", "自宅電話"},
    {"postalcode", "郵便番号"},
    {"postaladdress", "住所"},
    {"homepostaladdress", "住所"},
    {"street", "住所"},
    {"employeenumber", "社員番号"},
};

std::string HeaderOf(std::string_view key) {
  for (const Word& word : kWords) {
    if (word.key == key) {
      return std::string(word.header);
    }
  }
  return std::string(key);
}

std::string WithCase(std::string_view text, bool upper) {
  std::string out(text);
  for (char& c : out) {
    if (upper && c >= 'a' && c <= 'z') {
      c = static_cast<char>(c - 32);
    } else if (!upper && c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c + 32);
    }
  }
  return out;
}

}  // namespace

CardReader::CardReader(Kind kind, const Source* source, Budget* budget)
    : DocumentReader(budget), kind_(kind), stream_(source), tables_(&parts_) {}

bool CardReader::Unfolded(std::string* line) {
  if (has_ahead_) {
    *line = std::move(ahead_);
    has_ahead_ = false;
  } else if (!stream_.Line(line, kMaxLineBytes)) {
    return false;
  }
  while (stream_.Line(&ahead_, kMaxLineBytes)) {
    // Quoted-printable goes on behind a '='.
    const bool soft = kind_ == Kind::kVCard && line->ends_with('=') &&
                      line->find("QUOTED-PRINTABLE") != std::string::npos;
    if (soft) {
      line->pop_back();
      *line += ahead_;
    } else if (ahead_.starts_with(' ') || ahead_.starts_with('\t')) {
      *line += std::string_view(ahead_).substr(1);
    } else {
      has_ahead_ = true;
      break;
    }
    if (line->size() > kMaxLineBytes) {
      line->resize(kMaxLineBytes);
    }
  }
  return true;
}

void CardReader::EndRecord() {
  tables_.Add("", record_);
  record_.clear();
}

void CardReader::TakeVCard(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return;
  }
  const std::string params = WithCase(line.substr(0, colon), true);
  std::string_view key = std::string_view(params).substr(0, params.find(';'));
  key = key.substr(key.find('.') == std::string_view::npos ? 0
                                                           : key.find('.') + 1);
  std::string value(line.substr(colon + 1));
  if (key == "BEGIN" || key == "END") {
    EndRecord();
    return;
  }
  if (params.find("QUOTED-PRINTABLE") != std::string::npos) {
    std::string decoded;
    DecodeQuotedPrintable(value, &decoded);
    value = std::move(decoded);
  }
  if (key == "PHOTO" || key == "LOGO" || key == "SOUND" || key == "KEY" ||
      key == "N" || key == "VERSION" || record_.size() >= kMaxRecordValues) {
    return;
  }
  std::replace(value.begin(), value.end(), ';', ' ');
  std::erase(value, '\\');
  const size_t begin = value.find_first_not_of(" \n");
  value.erase(0, begin == std::string::npos ? value.size() : begin);
  record_.push_back({HeaderOf(key), std::move(value)});
}

void CardReader::TakeLdif(std::string_view line) {
  if (line.empty()) {
    EndRecord();
    return;
  }
  const size_t colon = line.find(':');
  if (line.starts_with('#') || colon == std::string_view::npos ||
      record_.size() >= kMaxRecordValues) {
    return;
  }
  std::string key = WithCase(line.substr(0, colon), false);
  key.resize(std::min(key.size(), key.find(';')));
  std::string_view value = line.substr(colon + 1);
  std::string decoded;
  if (value.starts_with(':')) {
    Base64Decoder().Feed(value.substr(1), &decoded);
  } else {
    const size_t begin = value.find_first_not_of(' ');
    decoded = begin == std::string_view::npos ? "" : value.substr(begin);
  }
  record_.push_back({HeaderOf(key), std::move(decoded)});
}

bool CardReader::Pump() {
  std::string line;
  for (int i = 0; i < kLinesAtATime; ++i) {
    if (!Unfolded(&line)) {
      EndRecord();
      tables_.Flush();
      return false;
    }
    if (kind_ == Kind::kVCard) {
      TakeVCard(line);
    } else {
      TakeLdif(line);
    }
  }
  return true;
}

}  // namespace sekisho::detect
