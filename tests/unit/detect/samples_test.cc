#include "detect/samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/fold.h"
#include "detect/inspector.h"
#include "tests/unit/detect/people_list.h"

namespace sekisho::detect {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Findings LookAt(std::string_view text) {
  return Inspect(AsBytes(text), {.samples = SampleWish::kMasked});
}

TEST(MaskValue, ShowsWhatAValueIsAndNotTheValue) {
  struct Row {
    Role role;
    std::string_view value, masked;
  };
  for (const Row& row : {
           Row{Role::kFullName, "山田 太郎", "山田 太*"},
           Row{Role::kFullName, "山田太郎", "山田**"},
           Row{Role::kFullName, "林 誠", "林 *"},
           Row{Role::kFullName, "Taro Yamada", "Taro Y*****"},
           Row{Role::kSurname, "佐藤", "佐*"},
           Row{Role::kGivenName, "誠", "*"},
           Row{Role::kKana, "ヤマダ タロウ", "ヤマダ タ**"},
           Row{Role::kPhone, "090-1234-5678", "090-****-5678"},
           Row{Role::kPhone, "09012345678", "090****5678"},
           Row{Role::kPhone, "1234", "****"},
           Row{Role::kEmail, "taro.yamada@example.jp",
               "t**********@example.jp"},
           Row{Role::kEmail, "t@example.jp", "*@example.jp"},
           Row{Role::kBirthDate, "1985/01/02", "1985/**/**"},
           Row{Role::kBirthDate, "19850102", "1985****"},
           Row{Role::kBirthDate, "昭和60年1月2日", "昭和60年*月*日"},
           Row{Role::kBirthDate, "S600102", "S60****"},
           Row{Role::kMyNumber, "123456789018", "************"},
           Row{Role::kSex, "男", "*"},
           Row{Role::kAge, "41", "**"},
           Row{Role::kMemberId, "M0100042", "******42"},
           Row{Role::kPostal, "100-0001", "***-**01"},
           Row{Role::kCard, "4111 1111 1111 1111", "**** **** **** **11"},
           Row{Role::kMemberId, "12345", "*****"},
           Row{Role::kAddress, "東京都千代田区千代田1-2-3",
               "東京都千代田*****-*-*"},
           Row{Role::kNone, "備考あり", "備考**"},
           Row{Role::kNone, "12345678", "********"},
           Row{Role::kNone, "", ""},
       }) {
    const std::string masked = MaskValue(row.role, row.value);
    EXPECT_EQ(masked, row.masked) << row.value;
    if (!row.value.empty()) {
      EXPECT_NE(masked, row.value);
    }
  }
}

TEST(MaskValue, LeavesNoDigitOfAnAddressAndCutsWhatIsLong) {
  const std::string masked =
      MaskValue(Role::kAddress, "大阪府大阪市北区梅田1-12-345号室");
  EXPECT_THAT(masked, HasSubstr("大阪府大阪市"));
  EXPECT_EQ(masked.find_first_of("0123456789"), std::string::npos) << masked;
  const std::string cut = MaskValue(Role::kNone, std::string(500, 'x'));
  EXPECT_EQ(cut, "xxxxxx" + std::string(kMaxSampleChars - 6, '*') + "…");
}

TEST(MaskLine, ShowsTheFirstLetterOfEachWord) {
  EXPECT_EQ(MaskLine("山田太郎様(090-1234-5678)から電話がありました"),
            "山****(***-****-****)から電*がありました");
  EXPECT_EQ(MaskLine("contact: taro@example.jp"), "c******: t***@e******.j*");
}

TEST(Samples, AreMadeOnlyOnRequest) {
  EXPECT_TRUE(Inspect(AsBytes(CustomerCsv(50)), {}).samples.rows.empty());
}

TEST(Samples, AreThreeRowsUnderTheirHeaders) {
  const MaskedSamples samples = LookAt(CustomerCsv(50)).samples;
  ASSERT_EQ(samples.columns.size(), 9u);
  EXPECT_EQ(samples.columns[1].name, "氏名");
  EXPECT_EQ(samples.columns[1].type, "person_name");
  ASSERT_EQ(samples.rows.size(), kMaxSampleRows);
  EXPECT_THAT(samples.rows[0],
              ElementsAre("******00", "佐藤 健*", "サトウ ケ***", "*",
                          "1945/**/**", "***-**01", "東京都千代田*****-*-*",
                          "060-****-0000", "u****@example.jp"));
  // No value stands in them as it is in the file.
  const std::string text = SamplesJson(samples);
  for (int i = 0; i < 50; ++i) {
    const Person p = PersonAt(i);
    std::string folded;
    for (const std::string& value : {p.member, p.name, p.kana, p.birth,
                                     p.postal, p.address, p.phone, p.email}) {
      EXPECT_THAT(text, Not(HasSubstr(std::string(Fold(value, &folded)))));
    }
  }
}

TEST(Samples, AreOfTheLinesThatNameSomebody) {
  const MaskedSamples samples =
      LookAt(
          "本日の連絡\n山田太郎様(090-1234-5678)から電話がありました。\n"
          "担当: 鈴木\n")
          .samples;
  ASSERT_EQ(samples.rows.size(), 1u);
  EXPECT_EQ(samples.columns[0].type, "text");
  EXPECT_THAT(samples.rows[0][0], HasSubstr("から電*がありました"));
  EXPECT_THAT(samples.rows[0][0], Not(HasSubstr("太郎")));
  EXPECT_THAT(samples.rows[0][0], Not(HasSubstr("5678")));
}

TEST(Samples, OfWhatIsNobodysAreNone) {
  EXPECT_TRUE(LookAt("部品,数\nネジ,10\nナット,20\nワッシャ,30\n")
                  .samples.rows.empty());
  EXPECT_EQ(SamplesJson({}), "");
}

TEST(SamplesJson, StaysWithinItsBoundWhateverTheTable) {
  MaskedSamples samples;
  for (size_t c = 0; c < kMaxSampleColumns; ++c) {
    samples.columns.push_back({std::string(200, '\x01'), "address"});
  }
  samples.rows.assign(3, std::vector<std::string>(kMaxSampleColumns, "a*"));
  const std::string text = SamplesJson(samples);
  EXPECT_LE(text.size(), kMaxSamplesBytes);
  EXPECT_THAT(text, HasSubstr("a*"));
  samples.part = std::string(2 * kMaxSamplesBytes, 'x');
  EXPECT_EQ(SamplesJson(samples), "");
}

}  // namespace
}  // namespace sekisho::detect
