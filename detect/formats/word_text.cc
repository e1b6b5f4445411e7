#include "detect/formats/word_text.h"

#include <algorithm>
#include <charconv>

#include "detect/encoding.h"
#include "detect/fold.h"

namespace sekisho::detect {
namespace {

constexpr size_t kMaxStreamBytes = size_t{96} << 20;
constexpr size_t kMaxPieces = size_t{1} << 20;
constexpr size_t kMaxCellText = size_t{64} * 1024;
constexpr size_t kMaxGroups = 1000;
constexpr int kBytesAtATime = 65536;

}  // namespace

DocReader::DocReader(const CompoundFile& file,
                     const CompoundFile::Stream& stream, Budget* budget)
    : DocumentReader(budget) {
  const int64_t size =
      std::min<int64_t>(stream.size, static_cast<int64_t>(kMaxStreamBytes));
  if (size < stream.size || !budget->Hold(size)) {
    Problem("limit:dictionary");
    return;
  }
  held_ = size;
  stream_ = file.Read(stream, kMaxStreamBytes);
  budget->Output(size);
  Problem(file.problem());
  // 2.5.1: the magic, then flags: 0x100 encrypted, 0x200 which table.
  if (stream_.size() < 0x1AA || GetU16(stream_.data()) != 0xA5EC) {
    Problem("damaged");
    return;
  }
  const unsigned flags = GetU16(&stream_[0x0A]);
  if ((flags & 0x100) != 0) {
    Problem("encrypted");
    return;
  }
  const auto* table = file.Find((flags & 0x200) != 0 ? "1Table" : "0Table");
  if (table == nullptr) {
    Problem("damaged");
    return;
  }
  FindPieces(file.Read(*table, kMaxStreamBytes));
}

// 2.8.35 and 2.9.38: the piece table says where the text stands.
void DocReader::FindPieces(const Bytes& table) {
  size_t at = GetU32(&stream_[0x1A2]);
  const size_t end = std::min(table.size(), at + GetU32(&stream_[0x1A6]));
  while (at + 3 <= end && std::to_integer<int>(table[at]) == 1) {
    at += size_t{3} + GetU16(&table[at + 1]);
  }
  if (at + 5 > end || std::to_integer<int>(table[at]) != 2) {
    Problem("damaged");
    return;
  }
  const size_t size = GetU32(&table[at + 1]);
  at += 5;
  if (size < 16 || size > end - at) {
    Problem("damaged");
    return;
  }
  const size_t count = std::min((size - 4) / 12, kMaxPieces);
  if (count < (size - 4) / 12) {
    Problem("limit:entries");
  }
  for (size_t i = 0; i < count; ++i) {
    const uint32_t begin = GetU32(&table[at + 4 * i]);
    const uint32_t stop = GetU32(&table[at + 4 * i + 4]);
    const uint32_t fc = GetU32(&table[at + 4 * (count + 1) + 8 * i + 2]);
    Piece piece;
    piece.wide = (fc & 0x40000000) == 0;
    piece.offset = piece.wide ? fc : (fc & 0x3FFFFFFF) / 2;
    piece.characters = stop > begin ? stop - begin : 0;
    if (stop < begin || piece.offset > stream_.size() ||
        piece.characters * (piece.wide ? 2 : 1) >
            stream_.size() - piece.offset) {
      Problem("damaged");
      continue;
    }
    pieces_.push_back(piece);
  }
}

// A cell ends with U+0007, and so does a row behind its last cell.
void DocReader::Take(std::string_view text) {
  for (char c : text) {
    if (c == '\x07') {
      in_table_ = true;
      const bool full = width_ > 0 && cells_.size() >= width_;
      if (full || (width_ == 0 && cell_.empty() && !cells_.empty())) {
        width_ = cells_.size();
        parts_.Row(cells_);
        cells_.clear();
        cell_.clear();
      } else {
        cells_.push_back(std::move(cell_));
        cell_.clear();
      }
    } else if (c == '\r' || c == '\x0B' || c == '\x0C') {
      if (!cells_.empty()) {
        cell_ += ' ';
        continue;
      }
      if (in_table_) {
        in_table_ = false;
        width_ = 0;
      }
      parts_.Line(cell_);
      cell_.clear();
    } else if (c == '\t') {
      cell_ += ' ';
    } else if (static_cast<unsigned char>(c) >= ' ' &&
               cell_.size() < kMaxCellText) {
      cell_ += c;
    }
  }
}

bool DocReader::Pump() {
  if (next_ == pieces_.size()) {
    if (!cells_.empty()) {
      parts_.Row(cells_);
    }
    if (!cell_.empty()) {
      parts_.Line(cell_);
    }
    return false;
  }
  const Piece& piece = pieces_[next_++];
  std::string text;
  Decode(piece.wide ? Encoding::kUtf16Le : Encoding::kCp932,
         ByteSpan(stream_).subspan(piece.offset,
                                   piece.characters * (piece.wide ? 2 : 1)),
         &text);
  budget_->Output(static_cast<int64_t>(text.size()));
  Take(text);
  return true;
}

RtfReader::RtfReader(const Source* source, Budget* budget)
    : DocumentReader(budget),
      cursor_(source, 0, source->size()),
      flow_(&parts_, "") {}

int RtfReader::Peek() {
  if (block_.empty()) {
    block_ = cursor_.Next();
    if (block_.empty()) {
      return -1;
    }
  }
  return std::to_integer<int>(block_[0]);
}

int RtfReader::Get() {
  const int c = Peek();
  if (c >= 0) {
    block_ = block_.subspan(1);
  }
  return c;
}

void RtfReader::BeforeText() {
  if (row_over_) {
    // No further row began: the table is over.
    row_over_ = false;
    in_table_ = false;
    flow_.CloseTable();
  }
}

void RtfReader::FlushBytes() {
  if (bytes_.empty()) {
    return;
  }
  BeforeText();
  std::string text;
  const bool western = codepage_ == 1252;
  Decode(western ? Encoding::kUnknown8Bit : Encoding::kCp932, AsBytes(bytes_),
         &text);
  flow_.Text(text);
  bytes_.clear();
}

void RtfReader::Character(std::string_view utf8) {
  if (groups_.empty() || groups_.back().skipped) {
    return;
  }
  if (skip_ > 0) {
    --skip_;
    return;
  }
  FlushBytes();
  BeforeText();
  flow_.Text(utf8);
}

void RtfReader::Word(std::string_view word, bool has_number, int number) {
  Group& group = groups_.back();
  if (ignorable_ || word == "fonttbl" || word == "colortbl" ||
      word == "stylesheet" || word == "pict" || word == "objdata" ||
      word == "themedata" || word == "datastore") {
    ignorable_ = false;
    if (word == "objdata") {
      Problem("unknown");  // an embedded object
    }
    // "\*\shptxt" and the like are text all the same.
    group.skipped = group.skipped || (word != "shptxt" && word != "shpinst");
    return;
  }
  if (group.skipped) {
    return;
  }
  if (word == "u" && has_number) {
    FlushBytes();
    std::string text;
    const auto unit = static_cast<uint32_t>(number) & 0xFFFF;
    AppendCodePoint(unit >= 0xD800 && unit < 0xE000 ? 0xFFFD : unit, &text);
    skip_ = 0;
    Character(text);
    skip_ = group.unicode_skip;
    return;
  }
  if (word != "f" && word != "fs" && word != "loch" && word != "dbch" &&
      word != "hich" && word != "lang" && word != "langfe" && word != "b") {
    FlushBytes();
  }
  if (word == "uc" && has_number) {
    group.unicode_skip = std::clamp(number, 0, 16);
  } else if (word == "ansicpg" && has_number) {
    codepage_ = number;
  } else if (word == "par" || word == "line" || word == "sect") {
    flow_.Break();
  } else if (word == "tab") {
    flow_.Text(" ");
  } else if (word == "trowd" || word == "intbl") {
    row_over_ = false;
    if (!in_table_) {
      in_table_ = true;
      flow_.OpenTable();
      flow_.OpenRow();
      flow_.OpenCell();
    }
  } else if (word == "cell" && in_table_) {
    flow_.CloseCell();
    flow_.OpenCell();
  } else if (word == "row" && in_table_) {
    flow_.DropCell();
    flow_.CloseRow();
    flow_.OpenRow();
    flow_.OpenCell();
    row_over_ = true;
  }
}

void RtfReader::Control() {
  const int c = Get();
  if (c < 0 || groups_.empty()) {
    return;
  }
  if (c == '\'') {
    int value = 0;
    for (int i = 0; i < 2; ++i) {
      const int d = Get();
      value = value * 16 + (d >= '0' && d <= '9' ? d - '0' : (d | 0x20) - 87);
    }
    if (groups_.back().skipped) {
      return;
    }
    if (skip_ > 0) {
      --skip_;
    } else {
      bytes_.push_back(static_cast<char>(value));
    }
    return;
  }
  if (c == '*') {
    ignorable_ = true;
    return;
  }
  if (c == '\\' || c == '{' || c == '}') {
    const char text = static_cast<char>(c);
    Character({&text, 1});
    return;
  }
  if (c == '~' || c == '_' || c == '-') {
    Character(c == '~' ? " " : c == '_' ? "-" : "");
    return;
  }
  if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
    return;
  }
  std::string word(1, static_cast<char>(c));
  while ((Peek() | 0x20) >= 'a' && (Peek() | 0x20) <= 'z' && word.size() < 32) {
    word.push_back(static_cast<char>(Get()));
  }
  std::string digits;
  while (digits.size() < 9 && ((Peek() >= '0' && Peek() <= '9') ||
                               (digits.empty() && Peek() == '-'))) {
    digits.push_back(static_cast<char>(Get()));
  }
  if (Peek() == ' ') {
    Get();
  }
  int number = 0;  // at most nine digits
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (word == "bin" && !digits.empty()) {
    for (; number > 0 && Get() >= 0; --number) {
    }
    return;
  }
  Word(word, !digits.empty() && digits != "-", number);
}

bool RtfReader::Pump() {
  for (int i = 0; i < kBytesAtATime && !over_; ++i) {
    const int c = Get();
    switch (c) {
      case -1:
        FlushBytes();
        flow_.Finish();
        over_ = true;
        if (!groups_.empty()) {
          Problem("damaged");
        }
        break;
      case '{':
        FlushBytes();
        if (groups_.size() >= kMaxGroups) {
          Problem("limit:depth");
          over_ = true;
          flow_.Finish();
          break;
        }
        groups_.push_back(groups_.empty() ? Group{} : groups_.back());
        break;
      case '}':
        FlushBytes();
        ignorable_ = false;
        if (!groups_.empty()) {
          groups_.pop_back();
        }
        break;
      case '\\':
        Control();
        break;
      case '\r':
      case '\n':
        break;
      default:
        if (groups_.empty()) {
          if (c > ' ') {
            Problem("damaged");  // no program shows what stands here
          }
          break;
        }
        if (c >= 0x80) {
          if (!groups_.back().skipped) {
            bytes_.push_back(static_cast<char>(c));
          }
        } else if (!bytes_.empty() && !groups_.back().skipped && skip_ == 0) {
          bytes_.push_back(static_cast<char>(c));  // a second byte, perhaps
        } else {
          const char text = static_cast<char>(c);
          Character({&text, 1});
        }
        break;
    }
  }
  return !over_;
}

}  // namespace sekisho::detect
