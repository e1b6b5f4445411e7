#include "samples.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <memory>

namespace sekisho::detect {
namespace {

// Little endian; zeros beyond the eighth byte.
void Put(std::string* out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out->push_back(static_cast<char>(value & 0xFF));
    value >>= 8;
  }
}

std::string Deflate(std::string_view content, int window_bits) {
  z_stream z{};
  EXPECT_EQ(
      ::deflateInit2(&z, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY),
      Z_OK);
  std::string out(::deflateBound(&z, content.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  z.avail_in = static_cast<uInt>(content.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  ::deflateEnd(&z);
  return out;
}

}  // namespace

std::string Gzip(std::string_view content) { return Deflate(content, 31); }

std::string MakeZip(const Entries& entries, const ZipOptions& options) {
  std::string out;
  std::string directory;
  size_t count = 0;
  const unsigned flags = options.encrypted_flag ? 0x801 : 0x800;
  for (const auto& [name, content] : entries) {
    const std::string data = Deflate(content, -15);
    const auto crc = static_cast<uint32_t>(
        ::crc32(0, reinterpret_cast<const Bytef*>(content.data()),
                static_cast<uInt>(content.size())));
    const size_t local = options.overlap ? 0 : out.size();
    if (!options.overlap || out.empty()) {
      Put(&out, 0x04034b50, 4);
      Put(&out, 20, 2);
      Put(&out, flags, 2);
      Put(&out, 8, 2);
      Put(&out, 0, 4);
      Put(&out, crc, 4);
      Put(&out, data.size(), 4);
      Put(&out, content.size(), 4);
      Put(&out, name.size(), 2);
      Put(&out, 0, 2);
      out += name;
      out += data;
    }
    for (int i = 0; i < options.copies; ++i, ++count) {
      Put(&directory, 0x02014b50, 4);
      Put(&directory, 20, 2);
      Put(&directory, 20, 2);
      Put(&directory, flags, 2);
      Put(&directory, 8, 2);
      Put(&directory, 0, 4);
      Put(&directory, crc, 4);
      Put(&directory, data.size(), 4);
      Put(&directory, content.size(), 4);
      Put(&directory, name.size(), 2);
      Put(&directory, 0, 12);
      Put(&directory, local, 4);
      directory += name;
    }
  }
  out += options.gap;
  const size_t at = out.size();
  out += directory;
  Put(&out, 0x06054b50, 4);
  Put(&out, 0, 4);
  Put(&out, count, 2);
  Put(&out, count, 2);
  Put(&out, directory.size(), 4);
  Put(&out, at, 4);
  Put(&out, 0, 2);
  return out;
}

std::string MakeArchive(const char* format, const char* filter,
                        const Entries& entries) {
  const std::unique_ptr<archive, decltype(&::archive_write_free)> writer(
      ::archive_write_new(), &::archive_write_free);
  EXPECT_EQ(::archive_write_set_format_by_name(writer.get(), format),
            ARCHIVE_OK);
  if (std::string_view(filter) != "none") {
    EXPECT_EQ(::archive_write_add_filter_by_name(writer.get(), filter),
              ARCHIVE_OK);
  }
  std::string out(size_t{8} << 20, '\0');
  size_t used = 0;
  EXPECT_EQ(
      ::archive_write_open_memory(writer.get(), out.data(), out.size(), &used),
      ARCHIVE_OK);
  for (const auto& [name, content] : entries) {
    const std::unique_ptr<archive_entry, decltype(&::archive_entry_free)> entry(
        ::archive_entry_new(), &::archive_entry_free);
    ::archive_entry_set_pathname(entry.get(), name.c_str());
    ::archive_entry_set_size(entry.get(),
                             static_cast<la_int64_t>(content.size()));
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    ::archive_entry_set_perm(entry.get(), 0644);
    EXPECT_EQ(::archive_write_header(writer.get(), entry.get()), ARCHIVE_OK)
        << ::archive_error_string(writer.get());
    EXPECT_EQ(
        ::archive_write_data(writer.get(), content.data(), content.size()),
        static_cast<la_ssize_t>(content.size()));
  }
  EXPECT_EQ(::archive_write_close(writer.get()), ARCHIVE_OK);
  out.resize(used);
  return out;
}

std::string ToBase64(std::string_view bytes) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t k = i; k < i + 3; ++k) {
      bits = bits << 8 |
             (k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      out += i + k <= bytes.size() ? kLetters[bits >> (18 - 6 * k) & 63] : '=';
    }
    if (i % 57 == 54) {
      out += '\n';
    }
  }
  return out;
}

std::string TwoPeople() {
  return "氏名,フリガナ,電話番号,メールアドレス\n"
         "佐藤 花子,サトウ ハナコ,090-1234-5678,hanako@example.jp\n"
         "鈴木 一郎,スズキ イチロウ,080-2345-6789,ichiro@example.jp\n";
}

Entries WorkbookParts() {
  std::string sheet =
      "<worksheet xmlns=\"m\"><sheetData><row r=\"1\">"
      "<c r=\"A1\" t=\"inlineStr\"><is><t>氏名</t></is></c>"
      "<c r=\"B1\" t=\"inlineStr\"><is><t>電話番号</t></is></c>"
      "<c r=\"C1\" t=\"inlineStr\"><is><t>生年月日</t></is></c></row>"
      "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c>"
      "<c r=\"B2\" t=\"str\"><f>A1</f><v>090-1234-5678</v></c>"
      "<c r=\"C2\" s=\"1\"><v>29221</v></c></row>"
      "<row r=\"3\"><c r=\"A3\" t=\"s\"><v>1</v></c>"
      "<c r=\"B3\"><v>8023456789</v></c>"
      "<c r=\"C3\" s=\"1\"><v>31413.5</v></c></row></sheetData></worksheet>";
  return {
      {"[Content_Types].xml", "<Types/>"},
      {"xl/workbook.xml",
       "<workbook xmlns:r=\"r\"><sheets><sheet name=\"名簿\" sheetId=\"7\" "
       "r:id=\"rId3\"/></sheets></workbook>"},
      {"xl/_rels/workbook.xml.rels",
       "<Relationships><Relationship Id=\"rId3\" "
       "Target=\"worksheets/sheet1.xml\"/></Relationships>"},
      {"xl/worksheets/sheet1.xml", sheet},
      {"xl/styles.xml",
       "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/>"
       "</cellXfs></styleSheet>"},
      {"xl/sharedStrings.xml",
       "<sst><si><t>佐藤 花子</t></si><si><r><t>鈴木</t></r><r><t> "
       "一郎</t></r><rPh><t>スズキ</t></rPh></si></sst>"},
  };
}

Findings InspectText(std::string_view bytes, Budget* budget) {
  const MemorySource source(AsBytes(bytes));
  return InspectSource(source, {}, budget);
}

Findings InspectText(std::string_view bytes) {
  Budget budget;
  return InspectText(bytes, &budget);
}

}  // namespace sekisho::detect
