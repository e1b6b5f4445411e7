#include "detect/formats/xls.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "detect/encoding.h"

namespace sekisho::detect {
namespace {

constexpr size_t kMaxStreamBytes = size_t{96} << 20;
constexpr size_t kMaxStrings = size_t{1} << 22;
constexpr size_t kMaxColumns = 256;
constexpr size_t kMaxNotes = size_t{4} << 20;
constexpr int kRecordsAtATime = 1024;

// [MS-XLS] 2.3.1
enum : unsigned {
  kFormula = 0x06,
  kEof = 0x0A,
  kDate1904 = 0x22,
  kFilePass = 0x2F,
  kContinue = 0x3C,
  kBoundSheet = 0x85,
  kMulRk = 0xBD,
  kRString = 0xD6,
  kXf = 0xE0,
  kSst = 0xFC,
  kLabelSst = 0xFD,
  kTxo = 0x1B6,
  kNumber = 0x203,
  kLabel = 0x204,
  kString = 0x207,
  kRk = 0x27E,
  kFormat = 0x41E,
  kBof = 0x809,
};

// 2.5.122: an integer or the high part of a double, perhaps by a hundred.
double FromRk(uint32_t rk) {
  double value = 0;
  if ((rk & 2) != 0) {
    value = static_cast<double>(static_cast<int32_t>(rk) >> 2);
  } else {
    value = std::bit_cast<double>(uint64_t{rk & 0xFFFFFFFC} << 32);
  }
  return (rk & 1) != 0 ? value / 100 : value;
}

// Characters, 1 or 2 bytes each; one byte stands for U+0000 to U+00FF.
void AppendText(ByteSpan data, bool wide, std::string* out) {
  if (wide) {
    Decode(Encoding::kUtf16Le, data.first(data.size() & ~size_t{1}), out);
    return;
  }
  for (std::byte b : data) {
    const auto c = std::to_integer<unsigned>(b);
    if (c >= 0x80) {
      out->push_back(static_cast<char>(0xC0 | c >> 6));
      out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
    } else {
      out->push_back(static_cast<char>(c));
    }
  }
}

}  // namespace

XlsReader::XlsReader(const CompoundFile& file,
                     const CompoundFile::Stream& stream, Budget* budget)
    : DocumentReader(budget), workbook_(budget) {
  const int64_t size =
      std::min<int64_t>(stream.size, static_cast<int64_t>(kMaxStreamBytes));
  if (size < stream.size || !budget->Hold(size)) {
    Problem("limit:dictionary");
    over_ = true;
    return;
  }
  held_ = size;
  stream_ = file.Read(stream, kMaxStreamBytes);
  budget->Output(size);
  Problem(file.problem());
}

bool XlsReader::NextRecord(BiffRecord* record) {
  if (at_ + 4 > stream_.size()) {
    if (depth_ > 0) {
      Problem("damaged");
    }
    return false;
  }
  record->type = GetU16(&stream_[at_]);
  const size_t size = GetU16(&stream_[at_ + 2]);
  if (at_ + 4 + size > stream_.size()) {
    Problem("damaged");
    return false;
  }
  record->data = ByteSpan(stream_).subspan(at_ + 4, size);
  at_ += 4 + size;
  return true;
}

std::string XlsReader::Label(ByteSpan data, bool wide_count) const {
  std::string text;
  const size_t head = wide_count ? 2 : 1;
  if (data.size() < head + 1) {
    return text;
  }
  const size_t count =
      wide_count ? GetU16(data.data()) : std::to_integer<size_t>(data[0]);
  if (!biff8_) {
    const ByteSpan raw = data.subspan(head);
    Decode(Encoding::kCp932, raw.first(std::min(raw.size(), count)), &text);
    return text;
  }
  const unsigned flags = std::to_integer<unsigned>(data[head]);
  size_t skip = head + 1;
  skip += (flags & 8) != 0 ? 2 : 0;
  skip += (flags & 4) != 0 ? 4 : 0;
  const bool wide = (flags & 1) != 0;
  const ByteSpan raw = data.subspan(std::min(skip, data.size()));
  AppendText(raw.first(std::min(raw.size(), count * (wide ? 2 : 1))), wide,
             &text);
  return text;
}

// 2.4.265 and 2.5.293: strings go on in Continue records, where the characters
// that are left begin with a new flag.
void XlsReader::TakeStrings(ByteSpan data) {
  BiffRecord next;
  const auto more = [&] {
    const size_t back = at_;
    if (!NextRecord(&next) || next.type != kContinue) {
      at_ = back;
      return false;
    }
    data = next.data;
    return true;
  };
  const auto skip = [&](size_t n) {
    while (n > data.size()) {
      n -= data.size();
      if (!more()) {
        return false;
      }
    }
    data = data.subspan(n);
    return true;
  };
  if (data.size() < 8) {
    Problem("damaged");
    return;
  }
  const size_t count = std::min<size_t>(GetU32(&data[4]), kMaxStrings);
  if (count < GetU32(&data[4])) {
    Problem("limit:dictionary");
  }
  data = data.subspan(8);
  for (size_t i = 0; i < count; ++i) {
    if (data.size() < 3 && !more()) {
      data = {};
    }
    if (data.size() < 3) {
      Problem("damaged");
      break;
    }
    size_t left = GetU16(data.data());
    unsigned flags = std::to_integer<unsigned>(data[2]);
    data = data.subspan(3);
    size_t runs = 0;
    size_t phonetic = 0;
    const size_t head = ((flags & 8) != 0 ? 2 : 0) + ((flags & 4) != 0 ? 4 : 0);
    if (data.size() < head) {
      Problem("damaged");
      break;
    }
    size_t p = 0;
    if ((flags & 8) != 0) {
      runs = GetU16(data.data());
      p = 2;
    }
    if ((flags & 4) != 0) {
      phonetic = GetU32(data.data() + p);
    }
    data = data.subspan(head);
    std::string text;
    while (left > 0) {
      const size_t width = (flags & 1) != 0 ? 2 : 1;
      const size_t n = std::min(left, data.size() / width);
      AppendText(data.first(n * width), width == 2, &text);
      data = data.subspan(n * width);
      left -= n;
      if (left > 0) {
        if (!more() || data.empty()) {
          Problem("damaged");
          return;
        }
        flags = std::to_integer<unsigned>(data[0]);
        data = data.subspan(1);
      }
    }
    if (!workbook_.strings.Add(text)) {
      Problem("limit:dictionary");
      return;
    }
    if (!skip(runs * 4 + phonetic)) {
      Problem("damaged");
      break;
    }
  }
}

void XlsReader::TakeGlobals(const BiffRecord& record) {
  const ByteSpan data = record.data;
  switch (record.type) {
    case kDate1904:
      if (data.size() >= 2 && GetU16(data.data()) == 1) {
        workbook_.dates = DateSystem::k1904;
      }
      break;
    case kBoundSheet:
      if (data.size() > 8) {
        sheets_[GetU32(data.data())] = Label(data.subspan(6), false);
      }
      break;
    case kFormat:
      if (data.size() > 4) {
        formats_[GetU16(data.data())] =
            IsDateFormat(Label(data.subspan(2), biff8_));
      }
      break;
    case kXf:
      if (data.size() >= 4 && workbook_.date_styles.size() < 65536) {
        const unsigned id = GetU16(data.data() + 2);
        const auto own = formats_.find(id);
        workbook_.date_styles.push_back(
            own != formats_.end() ? own->second
                                  : IsDateFormat(static_cast<int>(id)));
      }
      break;
    case kSst:
      TakeStrings(data);
      break;
    default:
      break;
  }
}

std::string XlsReader::NumberText(double value, size_t style) const {
  if (style < workbook_.date_styles.size() && workbook_.date_styles[style]) {
    std::string date = DateOfSerial(value, workbook_.dates);
    if (!date.empty()) {
      return date;
    }
  }
  if (value == std::floor(value) && std::fabs(value) < 1e18) {
    return fmt::format("{:.0f}", value);
  }
  return fmt::format("{}", value);
}

void XlsReader::FlushRow() {
  if (count_ > 0) {
    parts_.Row(cells_, count_);
  }
  count_ = 0;
}

void XlsReader::SetCell(size_t row, size_t column, std::string text) {
  if (column >= kMaxColumns) {
    Problem("damaged");
    return;
  }
  if (row != row_) {
    FlushRow();
    row_ = row;
  }
  if (cells_.size() <= column) {
    cells_.resize(column + 1);
  }
  for (; count_ < column; ++count_) {
    cells_[count_].clear();
  }
  cells_[column] = std::move(text);
  count_ = std::max(count_, column + 1);
}

void XlsReader::TakeCell(const BiffRecord& record) {
  const ByteSpan data = record.data;
  if (data.size() < 6) {
    return;
  }
  const size_t row = GetU16(data.data());
  const size_t column = GetU16(data.data() + 2);
  const size_t style = GetU16(data.data() + 4);
  switch (record.type) {
    case kLabelSst:
      if (data.size() >= 10) {
        const size_t number = GetU32(data.data() + 6);
        if (number >= workbook_.strings.size()) {
          Problem("damaged");
        }
        SetCell(row, column, std::string(workbook_.strings.Get(number)));
      }
      break;
    case kLabel:
    case kRString:
      SetCell(row, column, Label(data.subspan(6), true));
      break;
    case kNumber:
      if (data.size() >= 14) {
        SetCell(
            row, column,
            NumberText(std::bit_cast<double>(GetU64(data.data() + 6)), style));
      }
      break;
    case kRk:
      if (data.size() >= 10) {
        SetCell(row, column,
                NumberText(FromRk(GetU32(data.data() + 6)), style));
      }
      break;
    case kMulRk:
      for (size_t p = 4, c = column; p + 8 <= data.size(); p += 6, ++c) {
        SetCell(row, c,
                NumberText(FromRk(GetU32(data.data() + p + 2)),
                           GetU16(data.data() + p)));
      }
      break;
    case kFormula:
      if (data.size() >= 14) {
        wants_string_ = GetU16(data.data() + 12) == 0xFFFF &&
                        std::to_integer<int>(data[6]) == 0;
        string_row_ = row;
        string_column_ = column;
        if (GetU16(data.data() + 12) != 0xFFFF) {
          SetCell(row, column,
                  NumberText(std::bit_cast<double>(GetU64(data.data() + 6)),
                             style));
        }
      }
      break;
    default:
      break;
  }
}

void XlsReader::Take(const BiffRecord& record) {
  if (wants_text_ && record.type == kContinue && !record.data.empty()) {
    wants_text_ = false;
    if (notes_.size() < kMaxNotes) {
      AppendText(record.data.subspan(1),
                 (std::to_integer<unsigned>(record.data[0]) & 1) != 0, &notes_);
      notes_ += '\n';
    }
    return;
  }
  wants_text_ = record.type == kTxo;
  if (record.type == kString && wants_string_) {
    wants_string_ = false;
    SetCell(string_row_, string_column_, Label(record.data, true));
    return;
  }
  if (depth_ <= 1 &&
      sheets_.find(static_cast<uint32_t>(at_)) == sheets_.end()) {
    TakeGlobals(record);
  }
  TakeCell(record);
}

bool XlsReader::Pump() {
  BiffRecord record;
  for (int i = 0; i < kRecordsAtATime && !over_; ++i) {
    const auto begins = static_cast<uint32_t>(at_);
    if (!NextRecord(&record)) {
      over_ = true;
      break;
    }
    if (record.type == kFilePass) {
      Problem("encrypted");
      over_ = true;
      return false;
    }
    if (record.type == kBof) {
      ++depth_;
      if (depth_ == 1 && record.data.size() >= 2) {
        biff8_ = GetU16(record.data.data()) >= 0x600;
        FlushRow();
        const auto sheet = sheets_.find(begins);
        if (sheet != sheets_.end()) {
          parts_.Begin(sheet->second);
        }
      }
    } else if (record.type == kEof) {
      FlushRow();
      depth_ = std::max(0, depth_ - 1);
    } else {
      Take(record);
    }
  }
  if (over_) {
    FlushRow();
    if (!notes_.empty()) {
      parts_.Begin("comments");
      parts_.Line(notes_);
    }
  }
  return !over_;
}

}  // namespace sekisho::detect
