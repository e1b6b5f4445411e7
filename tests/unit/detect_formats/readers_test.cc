// What the readers of single formats make of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/formats/markup_text.h"
#include "detect/formats/string_store.h"
#include "detect/formats/transfer_encoding.h"
#include "detect/formats/workbook.h"
#include "samples.h"

namespace sekisho::detect {
namespace {

TEST(Workbook, DatesFromSerialNumbers) {
  EXPECT_EQ(DateOfSerial(1, DateSystem::k1900), "1900/01/01");
  EXPECT_EQ(DateOfSerial(59, DateSystem::k1900), "1900/02/28");
  EXPECT_EQ(DateOfSerial(61, DateSystem::k1900), "1900/03/01");
  EXPECT_EQ(DateOfSerial(29221, DateSystem::k1900), "1980/01/01");
  EXPECT_EQ(DateOfSerial(36585, DateSystem::k1900), "2000/02/29");
  EXPECT_EQ(DateOfSerial(27759, DateSystem::k1904), "1980/01/01");
  EXPECT_EQ(DateOfSerial(29221.5, DateSystem::k1900), "1980/01/01 12:00");
  EXPECT_EQ(DateOfSerial(0, DateSystem::k1900), "");
  EXPECT_EQ(DateOfSerial(1e10, DateSystem::k1900), "");
  EXPECT_EQ(DateOfSerial(-1, DateSystem::k1900), "");
}

TEST(Workbook, KnowsFormatsOfDates) {
  EXPECT_TRUE(IsDateFormat(14));
  EXPECT_TRUE(IsDateFormat(57));
  EXPECT_FALSE(IsDateFormat(0));
  EXPECT_FALSE(IsDateFormat(4));
  EXPECT_TRUE(IsDateFormat("yyyy/mm/dd"));
  EXPECT_TRUE(IsDateFormat("[$-411]ggge\"年\"m\"月\"d\"日\""));
  EXPECT_FALSE(IsDateFormat("#,##0_);[Red]\\(#,##0\\)"));
  EXPECT_FALSE(IsDateFormat("0.00\"day\""));
  EXPECT_FALSE(IsDateFormat("General"));
}

TEST(Workbook, NumbersAsTyped) {
  EXPECT_EQ(PlainNumber("9012345678"), "9012345678");
  EXPECT_EQ(PlainNumber("1.23456789018E11"), "123456789018");
  EXPECT_EQ(PlainNumber("1.5"), "1.5");
  EXPECT_EQ(PlainNumber("1E+400"), "1E+400");
}

TEST(Workbook, ReadsSharedStringsFormulasAndDates) {
  const Findings f = InspectText(MakeZip(WorkbookParts()));
  EXPECT_EQ(f.format, "xlsx");
  EXPECT_EQ(f.inspection, Inspection::kFull) << f.reason;
  EXPECT_EQ(f.persons, 2);
  EXPECT_EQ(f.of(DataType::kPersonName), 2);
  EXPECT_EQ(f.of(DataType::kPhone), 2);
  EXPECT_EQ(f.of(DataType::kBirthDate), 2);
  ASSERT_FALSE(f.columns.empty());
  EXPECT_EQ(f.columns[0].part, "名簿");
}

TEST(Workbook, StringsOfNoCellAreReadToo) {
  Entries parts = WorkbookParts();
  parts[5].second =
      "<sst><si><t>佐藤 花子</t></si><si><t>鈴木 一郎</t></si>"
      "<si><t>氏名：高橋 健一 電話：070-1111-2222</t></si></sst>";
  EXPECT_EQ(InspectText(MakeZip(parts)).persons, 3);
}

TEST(Workbook, PicturesBelongToTheDocument) {
  Entries parts = WorkbookParts();
  parts.push_back({"xl/media/image1.png", "\x89PNG\r\n\x1a\n and so on"});
  const Findings f = InspectText(MakeZip(parts));
  EXPECT_EQ(f.inspection, Inspection::kFull);
  EXPECT_EQ(f.media, 1);
}

TEST(Workbook, AnUnknownBinaryPartIsNotRead) {
  Entries parts = WorkbookParts();
  parts.push_back({"xl/vbaProject.bin", std::string("\0\1\2\3\0\0\0", 7)});
  const Findings f = InspectText(MakeZip(parts));
  EXPECT_EQ(f.inspection, Inspection::kPartial);
  EXPECT_EQ(f.reason, "unknown");
  EXPECT_EQ(f.persons, 2);
}

TEST(StringStore, KeepsManyStringsPacked) {
  Budget budget;
  StringStore store(&budget);
  for (int i = 0; i < 1'500'000; ++i) {
    ASSERT_TRUE(store.Add("東京都千代田区千代田" + std::to_string(i)));
  }
  EXPECT_TRUE(store.Add(""));
  for (size_t i : {1'499'999u, 0u, 1'200'000u, 1u, 1'123'456u}) {
    EXPECT_EQ(store.Get(i), "東京都千代田区千代田" + std::to_string(i));
    EXPECT_TRUE(store.asked(i));
  }
  EXPECT_EQ(store.Get(1'500'000), "");
  EXPECT_EQ(store.Get(9'999'999), "");
  EXPECT_FALSE(store.asked(2));
}

TEST(Odf, EncryptedByItsManifest) {
  const std::string odt =
      MakeZip({{"META-INF/manifest.xml",
                "<m:manifest xmlns:m=\"m\"><m:file-entry><m:encryption-data/>"
                "</m:file-entry></m:manifest>"},
               {"content.xml", "\x01\x02\x03random"}});
  // The type stands in an entry that is stored first.
  const Findings zip = InspectText(odt);
  EXPECT_NE(zip.inspection, Inspection::kFull);
}

TEST(Zip, EncryptedEntriesAreSaidToBe) {
  const Findings all =
      InspectText(MakeZip({{"a.csv", TwoPeople()}}, {.encrypted_flag = true}));
  EXPECT_EQ(all.inspection, Inspection::kNone);
  EXPECT_EQ(all.reason, "encrypted");
}

TEST(Zip, EntriesThatOverlapAreABomb) {
  const Findings f = InspectText(
      MakeZip({{"a", TwoPeople()}, {"a", TwoPeople()}}, {.overlap = true}));
  EXPECT_EQ(f.reason, "bomb");
  EXPECT_EQ(f.inspection, Inspection::kNone);
}

TEST(Zip, BytesOfNoEntryAreLookedAt) {
  const Findings text =
      InspectText(MakeZip({{"a.txt", "nothing"}}, {.gap = TwoPeople()}));
  EXPECT_EQ(text.persons, 2);
  EXPECT_EQ(text.inspection, Inspection::kFull);
  const Findings binary = InspectText(
      MakeZip({{"a.txt", "nothing"}}, {.gap = std::string(100, '\0')}));
  EXPECT_EQ(binary.inspection, Inspection::kPartial);
}

TEST(Zip, NamesInCp932) {
  const std::string zip = MakeZip({{"\x8c\xda\x8b\x71.csv", TwoPeople()}});
  const Findings f = InspectText(zip);
  ASSERT_FALSE(f.columns.empty());
  EXPECT_EQ(f.columns[0].part, "顧客.csv");
}

TEST(Json, GroupedValuesAreOnePerson) {
  const Findings f = InspectText(
      R"({"items":[{"氏名":"佐藤 花子","連絡先":{"電話番号":"090-1234-5678","住所":"東京都千代田区千代田1-1"}},
          {"氏名":"鈴木 一郎","連絡先":{"電話番号":"080-2345-6789","住所":"大阪府大阪市北区梅田2-2"}}]})");
  EXPECT_EQ(f.format, "json");
  EXPECT_EQ(f.persons, 2);
  EXPECT_EQ(f.of(DataType::kPhone), 2);
}

TEST(Json, ObjectsByKeyAreRecords) {
  const Findings f = InspectText(
      R"({"M01":{"氏名":"佐藤 花子","電話番号":"090-1234-5678"},
          "M02":{"氏名":"鈴木 一郎","電話番号":"080-2345-6789"},
          "M03":{"氏名":"高橋 健一","電話番号":"070-2345-6789"}})");
  EXPECT_EQ(f.persons, 3);
}

TEST(Json, BrokenJsonIsTextAllTheSame) {
  const Findings f =
      InspectText("{\"a\": [1, 2,\n氏名：佐藤 花子 電話：090-1234-5678\n");
  EXPECT_EQ(f.inspection, Inspection::kFull);
  EXPECT_EQ(f.persons, 1);
}

TEST(Html, Entities) {
  std::string out;
  EXPECT_TRUE(DecodeEntity("amp", &out));
  EXPECT_TRUE(DecodeEntity("#23383", &out));
  EXPECT_TRUE(DecodeEntity("#x5b57", &out));
  EXPECT_EQ(out, "&字字");
  EXPECT_FALSE(DecodeEntity("#xD800", &out));
  EXPECT_FALSE(DecodeEntity("#x110000", &out));
  EXPECT_FALSE(DecodeEntity("nothing", &out));
}

TEST(TransferEncoding, HeaderWords) {
  EXPECT_EQ(DecodeHeaderWords("=?utf-8?B?5Lya5ZOh?= a"), "会員 a");
  EXPECT_EQ(DecodeHeaderWords("=?Shift_JIS?Q?=89=EF=88=F5?="), "会員");
  EXPECT_EQ(DecodeHeaderWords("=?broken"), "=?broken");
}

TEST(TransferEncoding, TextInBase64AndHexIsLookedInto) {
  std::string hex;
  const std::string text = TwoPeople() + std::string(300, '\n');
  const std::string base64 = ToBase64(text);
  for (char c : text) {
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  EXPECT_EQ(InspectText(base64).persons, 2);
  EXPECT_EQ(InspectText(base64).format, "base64");
  EXPECT_EQ(InspectText(hex).persons, 2);
  EXPECT_EQ(InspectText(hex).format, "hex");
}

TEST(Cards, VCardAndLdif) {
  const Findings cards = InspectText(
      "BEGIN:VCARD\r\nVERSION:3.0\r\nN:佐藤;花子;;;\r\nFN:佐藤 花子\r\n"
      "TEL;TYPE=CELL:090-1234-5678\r\nEND:VCARD\r\n"
      "BEGIN:VCARD\r\nVERSION:2.1\r\n"
      "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E9=88=B4=E6=9C=A8=20=\r\n"
      "=E4=B8=80=E9=83=8E\r\nTEL:080-2345-6789\r\nEND:VCARD\r\n");
  EXPECT_EQ(cards.format, "vcard");
  EXPECT_EQ(cards.persons, 2);
  const Findings ldif = InspectText(
      "version: 1\n\ndn: uid=1,dc=example\ncn:: 5L2Q6JekIOiKseWtkA==\n"
      "telephoneNumber: 090-1234-5678\nmail: hanako@exam\n ple.jp\n\n"
      "dn: uid=2,dc=example\ncn: 鈴木 一郎\nmobile: 080-2345-6789\n"
      "mail: ichiro@example.jp\n");
  EXPECT_EQ(ldif.format, "ldif");
  EXPECT_EQ(ldif.persons, 2);
}

TEST(Mail, AnEncryptedAttachmentIsSaidToBe) {
  const std::string mail =
      "From: a@example.jp\nTo: b@example.jp\nSubject: x\nMIME-Version: 1.0\n"
      "Content-Type: multipart/mixed; boundary=cut\n\n--cut\n\nhello\n--cut\n"
      "Content-Type: application/zip; name=a.zip\n"
      "Content-Transfer-Encoding: base64\n\n" +
      ToBase64(MakeZip({{"a.csv", TwoPeople()}}, {.encrypted_flag = true})) +
      "\n--cut--\n";
  const Findings f = InspectText(mail);
  EXPECT_EQ(f.format, "eml");
  EXPECT_EQ(f.inspection, Inspection::kPartial);
  EXPECT_EQ(f.reason, "encrypted");
}

}  // namespace
}  // namespace sekisho::detect
