#include "detect/format.h"

#include <algorithm>

#include "detect/binary_kind.h"
#include "detect/encoding.h"

namespace sekisho::detect {
namespace {

struct Magic {
  size_t offset;
  std::string_view bytes;
  FormatClass kind;
  std::string_view name;
};
using namespace std::string_view_literals;

constexpr Magic kMagics[] = {
    {0, "\x89PNG\r\n\x1a\n"sv, FormatClass::kMedia, "png"},
    {0, "\xff\xd8\xff"sv, FormatClass::kMedia, "jpeg"},
    {0, "GIF87a"sv, FormatClass::kMedia, "gif"},
    {0, "GIF89a"sv, FormatClass::kMedia, "gif"},
    {0, "II*\0"sv, FormatClass::kMedia, "tiff"},
    {0, "MM\0*"sv, FormatClass::kMedia, "tiff"},
    {8, "WEBP"sv, FormatClass::kMedia, "webp"},
    {8, "WAVEfmt "sv, FormatClass::kMedia, "wav"},
    {8, "AVI LIST"sv, FormatClass::kMedia, "avi"},
    {0, "fLaC"sv, FormatClass::kMedia, "flac"},
    {0, "OggS"sv, FormatClass::kMedia, "ogg"},
    {0, "ID3"sv, FormatClass::kMedia, "mp3"},
    {0, "\x1a\x45\xdf\xa3"sv, FormatClass::kMedia, "matroska"},
    {4, "ftypheic"sv, FormatClass::kMedia, "heic"},
    {4, "ftyp"sv, FormatClass::kMedia, "mp4"},
    {0, "LUKS\xba\xbe"sv, FormatClass::kEncrypted, "luks"},
    {0, "-----BEGIN PGP MESSAGE-----"sv, FormatClass::kEncrypted, "pgp"},
    {0, "age-encryption.org/"sv, FormatClass::kEncrypted, "age"},
    {0, "-FVE-FS-"sv, FormatClass::kEncrypted, "bitlocker"},
    {3, "-FVE-FS-"sv, FormatClass::kEncrypted, "bitlocker"},
    {0, "\xd7\xcd\xc6\x9a"sv, FormatClass::kMedia, "wmf"},
    {40, " EMF"sv, FormatClass::kMedia, "emf"},
    {0, "\0\0\1\0"sv, FormatClass::kMedia, "ico"},
    {0, "8BPS"sv, FormatClass::kMedia, "psd"},
    {0, "\x1f\x9d"sv, FormatClass::kContainer, "compress"},
    {0, "LZIP"sv, FormatClass::kContainer, "lzip"},
    {0, "070701"sv, FormatClass::kContainer, "cpio"},
    {0, "070707"sv, FormatClass::kContainer, "cpio"},
    {0, "Rar!\x1a\x07\1\0"sv, FormatClass::kContainer, "rar5"},
    {0, "%PDF-"sv, FormatClass::kContainer, "pdf"},
    {0, "{\\rtf"sv, FormatClass::kContainer, "rtf"},
    {0, "7z\xbc\xaf\x27\x1c"sv, FormatClass::kContainer, "7z"},
    {0, "Rar!\x1a\x07"sv, FormatClass::kContainer, "rar"},
    {0, "\x1f\x8b\x08"sv, FormatClass::kContainer, "gzip"},
    {0, "BZh"sv, FormatClass::kContainer, "bzip2"},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     FormatClass::kContainer, "xz"},
    {0, "\x28\xb5\x2f\xfd"sv, FormatClass::kContainer, "zstd"},
    {0, "\x04\x22\x4d\x18"sv, FormatClass::kContainer, "lz4"},
    {257, "ustar"sv, FormatClass::kContainer, "tar"},
    {32769, "CD001"sv, FormatClass::kContainer, "iso9660"},
    {0, "MSCF"sv, FormatClass::kContainer, "cab"},
    {2, "-lh"sv, FormatClass::kContainer, "lha"},
    {0, "SQLite format 3\0"sv, FormatClass::kContainer, "sqlite"},
    {0, "PAR1"sv, FormatClass::kContainer, "parquet"},
    {0, "KDMV"sv, FormatClass::kContainer, "vmdk"},
    {0, "QFI\xfb"sv, FormatClass::kContainer, "qcow2"},
    {0, "hsqs"sv, FormatClass::kContainer, "squashfs"},
    {0, "wOFF"sv, FormatClass::kUnknown, "woff"},
    {0, "wOF2"sv, FormatClass::kUnknown, "woff2"},
    {0, "!<arch>\n"sv, FormatClass::kContainer, "ar"},
};

std::string Utf16(std::string_view ascii) {
  std::string wide;
  for (char c : ascii) {
    wide += c;
    wide += '\0';
  }
  return wide;
}

// PKWARE APPNOTE 4.3.7: local header, bit 0 of the flags says encrypted.
Format SniffZip(std::string_view text, ByteSpan head) {
  Format format{FormatClass::kContainer, "zip"};
  if (head.size() >= 8 && (std::to_integer<int>(head[6]) & 1) != 0) {
    return {FormatClass::kEncrypted, "zip"};
  }
  const auto holds = [&](std::string_view name) {
    return text.find(name) != std::string_view::npos;
  };
  if (holds("mimetypeapplication/vnd.oasis.opendocument.spreadsheet")) {
    format.name = "ods";
  } else if (holds("mimetypeapplication/vnd.oasis.opendocument.text")) {
    format.name = "odt";
  } else if (holds("mimetypeapplication/vnd.oasis.opendocument.")) {
    format.name = "odf";
  } else if (holds("[Content_Types].xml") || holds("_rels/.rels")) {
    format.name = holds("xl/")     ? "xlsx"
                  : holds("word/") ? "docx"
                  : holds("ppt/")  ? "pptx"
                                   : "ooxml";
  }
  return format;
}

// [MS-OFFCRYPTO] 2.3: an encrypted workbook is a compound file with these two
// streams; directory names are UTF-16LE.
Format SniffCompound(std::string_view text) {
  const auto holds = [&](std::string_view name) {
    return text.find(Utf16(name)) != std::string_view::npos;
  };
  if (holds("EncryptedPackage") || holds("EncryptionInfo")) {
    return {FormatClass::kEncrypted, "ooxml"};
  }
  return {FormatClass::kContainer, holds("Workbook") || holds("Book") ? "xls"
                                   : holds("WordDocument")            ? "doc"
                                   : holds("PowerPoint Document")     ? "ppt"
                                                                      : "ole"};
}

// POSIX.1-1988 and before: no magic, but a sum of the header, in octal digits.
bool IsOldTar(std::string_view head) {
  if (head.size() < 512 || head[0] <= ' ') {
    return false;
  }
  unsigned sum = 0;
  for (size_t i = 0; i < 512; ++i) {
    sum += i >= 148 && i < 156 ? unsigned{' '}
                               : static_cast<unsigned char>(head[i]);
  }
  size_t at = 148;
  while (at < 154 && head[at] == ' ') {
    ++at;
  }
  unsigned said = 0;
  for (; at < 156 && head[at] >= '0' && head[at] <= '7'; ++at) {
    said = said * 8 + static_cast<unsigned>(head[at] - '0');
  }
  return said == sum;
}

bool LooksLikeText(ByteSpan head) {
  size_t bom = 0;
  if (SniffUtf16(head, &bom) != Encoding::kAscii) {
    return true;
  }
  size_t controls = 0;
  for (std::byte b : head) {
    const unsigned c = std::to_integer<unsigned>(b);
    if (c == 0) {
      return false;
    }
    // U+0001 separates the columns of some exports.
    controls +=
        c < 0x20 && c != 1 && (c < 0x08 || c > 0x0D) && c != 0x1B && c != 0x1A;
  }
  return controls * 100 <= head.size();
}

}  // namespace

Format SniffFormat(ByteSpan head) {
  const std::string_view text = AsText(head);
  for (const Magic& magic : kMagics) {
    if (text.size() >= magic.offset + magic.bytes.size() &&
        text.compare(magic.offset, magic.bytes.size(), magic.bytes) == 0) {
      // Letters that a text may start with: only where the rest is binary.
      const bool wordlike =
          magic.bytes.size() <= 4 && magic.offset <= 8 &&
          std::all_of(magic.bytes.begin(), magic.bytes.end(),
                      [](char c) { return c >= 0x20 && c < 0x7F; });
      if (wordlike && LooksLikeText(head)) {
        continue;
      }
      return {magic.kind, std::string(magic.name)};
    }
  }
  if (text.starts_with("PK\3\4") || text.starts_with("PK\5\6")) {
    return SniffZip(text, head);
  }
  if (text.starts_with("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) {
    return SniffCompound(text);
  }
  if (IsOldTar(text)) {
    return {FormatClass::kContainer, "tar"};
  }
  if (const std::string_view name = SniffBinary(text); !name.empty()) {
    return {FormatClass::kContainer, std::string(name)};
  }
  if (LooksLikeText(head)) {
    return {FormatClass::kText, ""};
  }
  return {FormatClass::kUnknown, "unknown"};
}

}  // namespace sekisho::detect
