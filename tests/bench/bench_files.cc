#include "tests/bench/bench_files.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"
#include "detect/tables.h"
#include "detect/utf8.h"
#include "tests/unit/detect/people_list.h"

namespace sekisho::detect {
namespace {

constexpr size_t kColumns = 10;

std::array<std::string, kColumns> Cells(int person) {
  constexpr std::array<std::string_view, 4> kNotes = {"", "", "折り返し希望",
                                                      "契約更新のため要連絡"};
  const Person p = PersonAt(person);
  return {p.member,  p.name,
          p.kana,    p.sex,
          p.birth,   p.postal,
          p.address, p.phone,
          p.email,   std::string(kNotes[static_cast<size_t>(person) % 4])};
}

// A zip whose entries are deflated as they come.
class ZipFile {
 public:
  explicit ZipFile(std::FILE* to) : to_(to), buffer_(size_t{1} << 16) {}

  void Begin(std::string_view name) {
    entries_.push_back({std::string(name), std::ftell(to_), 0, 0, 0});
    z_ = {};
    CHECK(::deflateInit2(&z_, 6, Z_DEFLATED, -MAX_WBITS, 8,
                         Z_DEFAULT_STRATEGY) == Z_OK);
    WriteLocal();
  }
  void Write(std::string_view text) {
    Entry& entry = entries_.back();
    entry.size += text.size();
    entry.crc =
        ::crc32(entry.crc, Pointer(text), static_cast<uInt>(text.size()));
    z_.next_in = const_cast<Bytef*>(Pointer(text));
    z_.avail_in = static_cast<uInt>(text.size());
    Deflate(Z_NO_FLUSH);
  }
  void End() {
    Deflate(Z_FINISH);
    ::deflateEnd(&z_);
    const long here = std::ftell(to_);
    std::fseek(to_, entries_.back().at, SEEK_SET);
    WriteLocal();
    std::fseek(to_, here, SEEK_SET);
  }
  void Finish() {
    const long begin = std::ftell(to_);
    for (const Entry& entry : entries_) {
      std::array<std::byte, 46> head{};
      PutU32(&head[0], 0x02014b50);
      PutU16(&head[6], 20);
      PutU16(&head[10], 8);
      PutSizes(entry, &head[16]);
      PutU16(&head[28], static_cast<uint16_t>(entry.name.size()));
      PutU32(&head[42], static_cast<uint32_t>(entry.at));
      Put(AsText(head));
      Put(entry.name);
    }
    const long size = std::ftell(to_) - begin;
    std::array<std::byte, 22> end{};
    PutU32(&end[0], 0x06054b50);
    PutU16(&end[8], static_cast<uint16_t>(entries_.size()));
    PutU16(&end[10], static_cast<uint16_t>(entries_.size()));
    PutU32(&end[12], static_cast<uint32_t>(size));
    PutU32(&end[16], static_cast<uint32_t>(begin));
    Put(AsText(end));
  }

 private:
  struct Entry {
    std::string name;
    long at;
    uint64_t stored;
    uint64_t size;
    uLong crc;
  };
  static const Bytef* Pointer(std::string_view text) {
    return reinterpret_cast<const Bytef*>(text.data());
  }
  static void PutSizes(const Entry& entry, std::byte* out) {
    PutU32(out, static_cast<uint32_t>(entry.crc));
    PutU32(out + 4, static_cast<uint32_t>(entry.stored));
    PutU32(out + 8, static_cast<uint32_t>(entry.size));
  }
  void Put(std::string_view bytes) {
    CHECK(std::fwrite(bytes.data(), 1, bytes.size(), to_) == bytes.size());
  }
  void WriteLocal() {
    const Entry& entry = entries_.back();
    std::array<std::byte, 30> head{};
    PutU32(&head[0], 0x04034b50);
    PutU16(&head[4], 20);
    PutU16(&head[8], 8);
    PutSizes(entry, &head[14]);
    PutU16(&head[26], static_cast<uint16_t>(entry.name.size()));
    Put(AsText(head));
    Put(entry.name);
  }
  void Deflate(int flush) {
    int e = Z_OK;
    do {
      z_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      z_.avail_out = static_cast<uInt>(buffer_.size());
      e = ::deflate(&z_, flush);
      const size_t made = buffer_.size() - z_.avail_out;
      Put({buffer_.data(), made});
      entries_.back().stored += made;
    } while (z_.avail_out == 0 || (flush == Z_FINISH && e != Z_STREAM_END));
  }

  std::FILE* to_;
  std::vector<char> buffer_;
  z_stream z_{};
  std::vector<Entry> entries_;
};

constexpr std::string_view kXml =
    R"(<?xml version="1.0" encoding="UTF-8" standalone="yes"?>)"
    "\n";
constexpr std::string_view kMain =
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
constexpr std::string_view kOffice =
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
constexpr std::string_view kPackage =
    "http://schemas.openxmlformats.org/package/2006";

void WriteEntry(std::string_view name, std::string_view text, ZipFile* zip) {
  zip->Begin(name);
  zip->Write(kXml);
  zip->Write(text);
  zip->End();
}

void WriteWorkbookParts(ZipFile* zip) {
  WriteEntry("[Content_Types].xml",
             fmt::format(R"(<Types xmlns="{}/content-types">)"
                         R"(<Default Extension="xml" ContentType="a/xml"/>)"
                         "</Types>",
                         kPackage),
             zip);
  WriteEntry("_rels/.rels",
             fmt::format(R"(<Relationships xmlns="{}/relationships">)"
                         R"(<Relationship Id="rId1" Type="{}/officeDocument" )"
                         R"(Target="xl/workbook.xml"/></Relationships>)",
                         kPackage, kOffice),
             zip);
  WriteEntry("xl/workbook.xml",
             fmt::format(R"(<workbook xmlns="{}" xmlns:r="{}"><sheets>)"
                         R"(<sheet name="顧客" sheetId="1" r:id="rId1"/>)"
                         "</sheets></workbook>",
                         kMain, kOffice),
             zip);
  WriteEntry("xl/_rels/workbook.xml.rels",
             fmt::format(R"(<Relationships xmlns="{}/relationships">)"
                         R"(<Relationship Id="rId1" Type="{}/worksheet" )"
                         R"(Target="worksheets/sheet1.xml"/></Relationships>)",
                         kPackage, kOffice),
             zip);
  WriteEntry("xl/styles.xml",
             fmt::format(R"(<styleSheet xmlns="{}"><cellXfs count="2">)"
                         R"(<xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>)"
                         "</styleSheet>",
                         kMain),
             zip);
}

// "1970/01/31" as Excel counts days.
int SerialOf(std::string_view date) {
  const auto number = [&](size_t at, size_t size) {
    int value = 0;
    for (const char c : date.substr(at, size)) value = value * 10 + (c - '0');
    return value;
  };
  const std::chrono::sys_days days = std::chrono::year_month_day(
      std::chrono::year(number(0, 4)),
      std::chrono::month(static_cast<unsigned>(number(5, 2))),
      std::chrono::day(static_cast<unsigned>(number(8, 2))));
  return static_cast<int>(days.time_since_epoch().count()) + 25569;
}

}  // namespace

std::string BenchHeader() {
  return "会員番号,氏名,フリガナ,性別,生年月日,郵便番号,住所,電話番号,"
         "メールアドレス,備考\r\n";
}

std::string BenchRow(int person) {
  return fmt::format("{}\r\n", fmt::join(Cells(person), ","));
}

std::string ToCp932(std::string_view utf8) {
  static const auto kBytesOf = [] {
    std::unordered_map<uint32_t, std::string> bytes_of;
    for (unsigned lead = 0x81; lead <= 0xFC; ++lead) {
      for (unsigned trail = 0x40; trail <= 0xFC; ++trail) {
        const auto a = static_cast<uint8_t>(lead);
        const auto b = static_cast<uint8_t>(trail);
        if (const char16_t cp = FromCp932(a, b); cp != 0) {
          bytes_of.try_emplace(
              cp, std::string{static_cast<char>(a), static_cast<char>(b)});
        }
      }
    }
    return bytes_of;
  }();
  std::string out;
  for (size_t at = 0; at < utf8.size();) {
    const uint32_t cp = NextCodePoint(utf8, &at);
    if (cp < 0x80) {
      out += static_cast<char>(cp);
    } else {
      out += kBytesOf.at(cp);
    }
  }
  return out;
}

void WriteCsv(int people, std::FILE* to) {
  fmt::print(to, "{}", BenchHeader());
  for (int i = 0; i < people; ++i) {
    const std::string row = BenchRow(i);
    std::fwrite(row.data(), 1, row.size(), to);
  }
}

void WriteCp932(int people, std::FILE* to) {
  const std::string head = ToCp932(BenchHeader());
  std::fwrite(head.data(), 1, head.size(), to);
  for (int i = 0; i < people; ++i) {
    const std::string row = ToCp932(BenchRow(i));
    std::fwrite(row.data(), 1, row.size(), to);
  }
}

void WriteZip(int people, std::FILE* to) {
  ZipFile zip(to);
  zip.Begin("list.csv");
  zip.Write(BenchHeader());
  for (int i = 0; i < people; ++i) {
    zip.Write(BenchRow(i));
  }
  zip.End();
  zip.Finish();
}

void WriteXlsx(int people, std::FILE* to) {
  ZipFile zip(to);
  WriteWorkbookParts(&zip);
  std::unordered_map<std::string, int> numbers;
  std::vector<std::string> strings;
  const auto shared = [&](const std::string& text) {
    const auto [at, is_new] =
        numbers.try_emplace(text, static_cast<int>(strings.size()));
    if (is_new) strings.push_back(text);
    return at->second;
  };
  zip.Begin("xl/worksheets/sheet1.xml");
  zip.Write(kXml);
  zip.Write(fmt::format(R"(<worksheet xmlns="{}"><sheetData>)", kMain));
  for (int row = 0; row <= people; ++row) {
    std::array<std::string, kColumns> cells;
    if (row == 0) {
      cells = {"会員番号", "氏名", "フリガナ", "性別",           "生年月日",
               "郵便番号", "住所", "電話番号", "メールアドレス", "備考"};
    } else {
      cells = Cells(row - 1);
    }
    std::string xml = fmt::format(R"(<row r="{}" spans="1:10">)", row + 1);
    for (size_t c = 0; c < kColumns; ++c) {
      const char column = static_cast<char>('A' + c);
      if (row > 0 && c == 4) {
        xml += fmt::format(R"(<c r="{}{}" s="1"><v>{}</v></c>)", column,
                           row + 1, SerialOf(cells[c]));
      } else if (!cells[c].empty()) {
        xml += fmt::format(R"(<c r="{}{}" t="s"><v>{}</v></c>)", column,
                           row + 1, shared(cells[c]));
      }
    }
    zip.Write(xml + "</row>");
  }
  zip.Write("</sheetData></worksheet>");
  zip.End();
  zip.Begin("xl/sharedStrings.xml");
  zip.Write(kXml);
  zip.Write(fmt::format(R"(<sst xmlns="{}" count="{}" uniqueCount="{}">)",
                        kMain, people * 9, strings.size()));
  for (const std::string& text : strings) {
    zip.Write(fmt::format("<si><t>{}</t></si>", text));
  }
  zip.Write("</sst>");
  zip.End();
  zip.Finish();
}

std::string Repeat(std::string_view text, size_t size_bytes) {
  std::string out;
  while (out.size() < size_bytes) {
    out += text;
  }
  return out;
}

}  // namespace sekisho::detect
