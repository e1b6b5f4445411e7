// A list of people who do not exist, for tests that need many rows: every value
// is a function of the row's number.
#pragma once

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>

namespace sekisho::detect {

struct Person {
  std::string member, name, kana, sex, birth, postal, address, phone, email;
};

inline Person PersonAt(int i) {
  constexpr std::array<std::array<std::string_view, 2>, 10> kSurnames = {
      {{"佐藤", "サトウ"},
       {"鈴木", "スズキ"},
       {"髙橋", "タカハシ"},
       {"田中", "タナカ"},
       {"山﨑", "ヤマザキ"},
       {"渡邊", "ワタナベ"},
       {"小林", "コバヤシ"},
       {"吉田", "ヨシダ"},
       {"中村", "ナカムラ"},
       {"長谷川", "ハセガワ"}}};
  constexpr std::array<std::array<std::string_view, 2>, 8> kGiven = {
      {{"健一", "ケンイチ"},
       {"花子", "ハナコ"},
       {"誠", "マコト"},
       {"美咲", "ミサキ"},
       {"拓也", "タクヤ"},
       {"さくら", "サクラ"},
       {"直樹", "ナオキ"},
       {"由美", "ユミ"}}};
  constexpr std::array<std::array<std::string_view, 2>, 4> kPlaces = {
      {{"100-0001", "東京都千代田区千代田"},
       {"530-0001", "大阪府大阪市北区梅田"},
       {"060-0001", "北海道札幌市中央区北一条西"},
       {"900-0015", "沖縄県那覇市久茂地"}}};
  const auto at = [](const auto& list, int index) {
    return list[static_cast<size_t>(index) % list.size()];
  };
  const auto surname = at(kSurnames, i);
  const auto given = at(kGiven, i / 10);
  const auto place = at(kPlaces, i / 3);
  Person p;
  p.member = fmt::format("M{:07}", 100000 + i);
  p.name = fmt::format("{}　{}", surname[0], given[0]);
  p.kana = fmt::format("{} {}", surname[1], given[1]);
  p.sex = i % 2 == 0 ? "男" : "女";
  p.birth =
      fmt::format("{}/{:02}/{:02}", 1945 + i % 57, 1 + i / 7 % 12, 1 + i % 28);
  p.postal = place[0];
  p.address =
      fmt::format("{}{}-{}-{}", place[1], 1 + i % 5, 1 + i % 13, 1 + i % 31);
  p.phone = fmt::format("0{}0-{:04}-{:04}", 6 + i % 4, 1000 + i / 10000 % 9000,
                        i % 10000);
  p.email = fmt::format("user{}@example.jp", i);
  return p;
}

inline std::string CustomerCsv(int count, std::string_view separator = ",",
                               bool header = true) {
  std::string csv;
  const std::string_view s = separator;
  if (header) {
    csv += fmt::format(
        "会員番号{}氏名{}フリガナ{}性別{}生年月日{}郵便番号{}住所{}電話番号{}"
        "メールアドレス\r\n",
        s, s, s, s, s, s, s, s);
  }
  for (int i = 0; i < count; ++i) {
    const Person p = PersonAt(i);
    csv += fmt::format("{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}\r\n", p.member, s,
                       p.name, s, p.kana, s, p.sex, s, p.birth, s, p.postal, s,
                       p.address, s, p.phone, s, p.email);
  }
  return csv;
}

}  // namespace sekisho::detect
