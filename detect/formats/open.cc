#include "detect/formats/open.h"

#include <algorithm>
#include <string>

#include "detect/formats/archive.h"
#include "detect/formats/binary.h"
#include "detect/formats/cards.h"
#include "detect/formats/json.h"
#include "detect/formats/mail.h"
#include "detect/formats/markup_text.h"
#include "detect/formats/office.h"
#include "detect/formats/ole.h"
#include "detect/formats/pdf.h"
#include "detect/formats/sql.h"
#include "detect/formats/sqlite.h"
#include "detect/formats/transfer_encoding.h"
#include "detect/formats/utf8_stream.h"
#include "detect/formats/word_text.h"
#include "detect/formats/xml.h"
#include "detect/formats/zip.h"

namespace sekisho::detect {

namespace {

// What a zip is, by the names in its directory: they may stand far behind the
// first bytes. Empty for a plain archive.
std::string_view DocumentOf(const ZipDirectory& directory) {
  const auto has = [&](std::string_view prefix) {
    return std::any_of(
        directory.entries.begin(), directory.entries.end(),
        [&](const ZipEntry& e) { return e.name.starts_with(prefix); });
  };
  if (has("[Content_Types].xml")) {
    return has("xl/vbaProject.bin") ? "xlsm"
           : has("xl/")             ? "xlsx"
           : has("word/")           ? "docx"
           : has("ppt/")            ? "pptx"
                                    : "ooxml";
  }
  return has("META-INF/container.xml")                        ? "epub"
         : has("META-INF/manifest.xml") && has("content.xml") ? "odf"
                                                              : "";
}

Opened OpenZip(std::string_view format, const Source* source, Budget* budget) {
  ZipDirectory directory = ZipDirectory::Load(*source, *budget);
  if (directory.problem == "damaged" && directory.entries.empty()) {
    // Without its directory: what can be read from the front.
    return {OpenArchive("zip", source, budget, "damaged"), Holds::kArchive,
            "zip"};
  }
  const std::string_view document = DocumentOf(directory);
  if (document.empty()) {
    return {std::make_unique<ZipReader>(source, std::move(directory), budget),
            Holds::kArchive, "zip"};
  }
  if (document == "epub") {
    return {std::make_unique<ZipReader>(source, std::move(directory), budget),
            Holds::kDocument, "epub"};
  }
  const bool known = format == "ods" || format == "odt";
  return {std::make_unique<OfficeReader>(source, std::move(directory), budget),
          Holds::kDocument,
          std::string(document == "odf" && known ? "" : document)};
}

}  // namespace

Opened OpenFormat(std::string_view format, const Source* source,
                  Budget* budget) {
  if (format == "zip" || format == "xlsx" || format == "docx" ||
      format == "pptx" || format == "ooxml" || format == "ods" ||
      format == "odt" || format == "odf") {
    return OpenZip(format, source, budget);
  }
  if (format == "xls" || format == "doc" || format == "ppt" ||
      format == "ole") {
    std::string better;
    auto reader = OpenCompound(source, budget, &better);
    return {std::move(reader), Holds::kDocument, std::move(better)};
  }
  if (format == "pdf") {
    return {std::make_unique<PdfReader>(source, budget), Holds::kDocument, {}};
  }
  if (format == "rtf") {
    return {std::make_unique<RtfReader>(source, budget), Holds::kDocument, {}};
  }
  if (format == "sqlite") {
    return {
        std::make_unique<SqliteReader>(source, budget), Holds::kArchive, {}};
  }
  if (IsBinaryFormat(format)) {
    return {
        std::make_unique<BinaryReader>(source, budget), Holds::kDocument, {}};
  }
  if (IsArchive(format)) {
    return {OpenArchive(format, source, budget), Holds::kArchive, {}};
  }
  if (format == "json") {
    return {std::make_unique<JsonReader>(source, budget), Holds::kArchive, {}};
  }
  if (format == "xml") {
    return {std::make_unique<XmlReader>(source, budget), Holds::kArchive, {}};
  }
  if (format == "html") {
    return {std::make_unique<HtmlReader>(source, budget), Holds::kArchive, {}};
  }
  if (format == "sql") {
    return {std::make_unique<SqlReader>(source, budget), Holds::kArchive, {}};
  }
  if (format == "vcard" || format == "ldif") {
    return {std::make_unique<CardReader>(format == "ldif"
                                             ? CardReader::Kind::kLdif
                                             : CardReader::Kind::kVCard,
                                         source, budget),
            Holds::kArchive,
            {}};
  }
  if (format == "eml" || format == "mbox") {
    return {std::make_unique<MailReader>(format == "mbox"
                                             ? MailReader::Kind::kMailbox
                                             : MailReader::Kind::kMessage,
                                         source, budget),
            Holds::kArchive,
            {}};
  }
  if (format == "base64" || format == "hex") {
    return {std::make_unique<EncodedReader>(format == "hex"
                                                ? EncodedReader::Kind::kHex
                                                : EncodedReader::Kind::kBase64,
                                            source, budget),
            Holds::kArchive,
            {}};
  }
  return {};
}

namespace {

// The first word of a text is one of these.
bool StartsWithAny(std::string_view text,
                   std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view w) { return text.starts_with(w); });
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  }
  return out;
}

bool LooksLikeJson(std::string_view text) {
  const size_t next = text.find_first_not_of(" \t\r\n", 1);
  const char c = next == std::string_view::npos ? '\0' : text[next];
  if (text[0] == '{') {
    return c == '"' && text.find(':', next) != std::string_view::npos;
  }
  return text[0] == '[' && (c == '{' || c == '[' || c == '"') &&
         text.find(',') != std::string_view::npos;
}

// RFC 5322 headers, at least two of the usual ones, at the top.
bool LooksLikeMail(std::string_view text) {
  int known = 0;
  for (size_t at = 0, lines = 0; at < text.size() && lines < 60; ++lines) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line =
        Lower(text.substr(at, std::min<size_t>(end - at, 40)));
    at = end + 1;
    if (line.empty() || line == "\r") {
      break;
    }
    if (line[0] == ' ' || line[0] == '\t') {
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == 0 || colon == std::string::npos ||
        line.substr(0, colon).find(' ') != std::string::npos) {
      return false;
    }
    known +=
        StartsWithAny(
            line, {"received:", "return-path:", "message-id:", "mime-version:",
                   "content-type:", "delivered-to:", "dkim-signature:"})
            ? 2
        : StartsWithAny(line, {"from:", "to:", "subject:", "date:"}) ? 1
                                                                     : 0;
  }
  return known >= 4;
}

bool LooksLikeSql(std::string_view lower) {
  for (std::string_view word : {"insert into ", "insert ignore into ",
                                "replace into ", "create table ", "copy "}) {
    for (size_t at = lower.find(word); at != std::string_view::npos;
         at = lower.find(word, at + 1)) {
      const bool line_start = at == 0 || lower[at - 1] == '\n';
      if (!line_start) {
        continue;
      }
      if (word != "copy " ||
          lower.find(" from stdin", at) != std::string_view::npos) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

std::string_view SniffStructured(ByteSpan head) {
  // Enough to tell, in whatever encoding: the words looked for are ASCII.
  const MemorySource source(head.first(std::min<size_t>(head.size(), 32768)));
  Utf8Stream stream(&source);
  const std::string_view all = stream.Block();
  const size_t begin = all.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) {
    return "";
  }
  const std::string_view text = all.substr(begin);
  const std::string lower = Lower(text);
  if ((text[0] == '{' || text[0] == '[') && LooksLikeJson(text)) {
    return "json";
  }
  if (lower.starts_with("<!doctype html") || lower.starts_with("<html") ||
      (text[0] == '<' && lower.find("<html") < 2048)) {
    return "html";
  }
  if (text.starts_with("<?xml")) {
    return "xml";
  }
  if (text[0] == '<' && (lower.find("<table") != std::string::npos ||
                         lower.find("<tr") != std::string::npos)) {
    return "html";
  }
  if (text[0] == '<' && LooksLikeXml(text) &&
      text.find("</") != std::string_view::npos) {
    return "xml";
  }
  if (lower.starts_with("begin:vcard")) {
    return "vcard";
  }
  if (StartsWithAny(lower, {"version: 1\n", "version: 1\r", "version:1\n"}) ||
      (lower.starts_with("dn: ") &&
       lower.find("objectclass:") != std::string::npos)) {
    return "ldif";
  }
  if (text.starts_with("From ") &&
      LooksLikeMail(
          text.substr(std::min(text.find('\n'), text.size() - 1) + 1))) {
    return "mbox";
  }
  if (LooksLikeMail(text)) {
    return "eml";
  }
  if (LooksLikeSql(lower)) {
    return "sql";
  }
  return SniffEncoded(text);
}

}  // namespace sekisho::detect
