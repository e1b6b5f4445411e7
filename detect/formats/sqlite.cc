#include "detect/formats/sqlite.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "detect/encoding.h"
#include "detect/format.h"

namespace sekisho::detect {
namespace {

constexpr size_t kMaxTreeDepth = 32;
constexpr size_t kMaxTables = 4096;
constexpr size_t kMaxPayload = size_t{16} << 20;
constexpr size_t kMaxColumns = 1024;
constexpr size_t kMinBlob = 64;
constexpr int kRowsAtATime = 64;

uint32_t Be(ByteSpan bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size && at + i < bytes.size(); ++i) {
    value = value << 8 | std::to_integer<uint32_t>(bytes[at + i]);
  }
  return value;
}

// 1 to 9 bytes, big end first; `*at` moves past it.
uint64_t Varint(ByteSpan bytes, size_t* at) {
  uint64_t value = 0;
  for (int i = 0; i < 9 && *at < bytes.size(); ++i) {
    const auto b = std::to_integer<uint64_t>(bytes[(*at)++]);
    if (i == 8) {
      return value << 8 | b;
    }
    value = value << 7 | (b & 0x7F);
    if ((b & 0x80) == 0) {
      break;
    }
  }
  return value;
}

bool IsWordPart(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         c == '_' || c == '$' || static_cast<signed char>(c) < 0;
}

}  // namespace

std::vector<std::string> ColumnsOf(std::string_view sql) {
  std::vector<std::string> names;
  size_t at = sql.find('(');
  if (at == std::string_view::npos) {
    return names;
  }
  int depth = 1;
  bool first = true;
  for (++at; at < sql.size() && depth > 0; ++at) {
    const char c = sql[at];
    if (c == '(' || c == ')') {
      depth += c == '(' ? 1 : -1;
    } else if (c == ',' && depth == 1) {
      first = true;
    } else if (c == '-' && sql.substr(at, 2) == "--") {
      at = std::min(sql.find('\n', at), sql.size() - 1);
    } else if (c == '"' || c == '`' || c == '[' || c == '\'') {
      const size_t end = sql.find(c == '[' ? ']' : c, at + 1);
      if (end == std::string_view::npos) {
        break;
      }
      if (first && depth == 1) {
        names.emplace_back(sql.substr(at + 1, end - at - 1));
        first = false;
      }
      at = end;
    } else if (first && depth == 1 && IsWordPart(c)) {
      size_t end = at;
      while (end < sql.size() && IsWordPart(sql[end])) {
        ++end;
      }
      std::string word(sql.substr(at, end - at));
      std::string upper = word;
      for (char& u : upper) {
        u = u >= 'a' && u <= 'z' ? static_cast<char>(u - 32) : u;
      }
      first = false;
      at = end - 1;
      if (upper != "PRIMARY" && upper != "UNIQUE" && upper != "CHECK" &&
          upper != "FOREIGN" && upper != "CONSTRAINT") {
        names.push_back(std::move(word));
      }
    }
  }
  return names;
}

SqliteReader::SqliteReader(const Source* source, Budget* budget)
    : DocumentReader(budget), source_(source) {}

bool SqliteReader::Open() {
  const Bytes header = source_->Take(0, 100);
  if (header.size() < 100) {
    Damaged();
    return false;
  }
  page_size_ = Be(header, 16, 2) == 1 ? 65536 : Be(header, 16, 2);
  const uint32_t reserved = Be(header, 20, 1);
  encoding_ = Be(header, 56, 4);
  if (page_size_ < 512 || !std::has_single_bit(page_size_) ||
      page_size_ - reserved < 480) {
    Damaged();
    return false;
  }
  usable_ = page_size_ - reserved;
  const int64_t pages = source_->size() / page_size_;
  page_count_ = static_cast<uint32_t>(std::min<int64_t>(pages, UINT32_MAX));
  // The count in the header is valid if the two change counters agree.
  if ((Be(header, 24, 4) == Be(header, 92, 4) &&
       Be(header, 28, 4) > page_count_) ||
      source_->size() % page_size_ != 0) {
    Damaged();
  }
  return Push(1);
}

bool SqliteReader::Push(uint32_t number) {
  // Each page is visited once; a file that says otherwise goes in circles.
  if (number == 0 || number > page_count_ || stack_.size() >= kMaxTreeDepth ||
      visited_ > page_count_ || !budget_->Output(page_size_)) {
    Damaged();
    return false;
  }
  ++visited_;
  Visit visit;
  visit.number = number;
  visit.page = source_->Take(int64_t{number - 1} * page_size_, page_size_);
  if (visit.page.size() < page_size_) {
    Damaged();
    return false;
  }
  stack_.push_back(std::move(visit));
  return true;
}

bool SqliteReader::ReadPayload(const Visit& visit, size_t at, Bytes* payload) {
  const ByteSpan page(visit.page);
  const uint32_t type = Be(page, visit.number == 1 ? 100 : 0, 1);
  const bool table_leaf = type == 13;
  size_t p = at + (type == 2 ? 4 : 0);
  const uint64_t size = Varint(page, &p);
  if (table_leaf) {
    Varint(page, &p);  // row id
  }
  // File format, 1.6: how much of the payload stands on the page.
  const uint64_t u = usable_;
  const uint64_t x = table_leaf ? u - 35 : (u - 12) * 64 / 255 - 23;
  uint64_t local = size;
  if (size > x) {
    const uint64_t m = (u - 12) * 32 / 255 - 23;
    const uint64_t k = m + (size - m) % (u - 4);
    local = k <= x ? k : m;
  }
  if (p + local > page.size() || size > kMaxPayload) {
    Problem(size > kMaxPayload ? "limit:dictionary" : "damaged");
    return false;
  }
  payload->assign(page.begin() + static_cast<std::ptrdiff_t>(p),
                  page.begin() + static_cast<std::ptrdiff_t>(p + local));
  if (size == local) {
    return true;
  }
  uint32_t next = Be(page, p + local, 4);
  while (payload->size() < size) {
    if (next == 0 || next > page_count_ || visited_ > page_count_ ||
        !budget_->Output(page_size_)) {
      Damaged();
      return false;
    }
    ++visited_;
    const Bytes overflow =
        source_->Take(int64_t{next - 1} * page_size_, page_size_);
    if (overflow.size() < page_size_) {
      Damaged();
      return false;
    }
    const size_t n = std::min<size_t>(
        usable_ - 4, static_cast<size_t>(size) - payload->size());
    payload->insert(payload->end(), overflow.begin() + 4,
                    overflow.begin() + 4 + static_cast<std::ptrdiff_t>(n));
    next = Be(overflow, 0, 4);
  }
  return true;
}

bool SqliteReader::NextRecord(Bytes* payload) {
  while (!stack_.empty() && budget_->ok()) {
    Visit& visit = stack_.back();
    const ByteSpan page(visit.page);
    const size_t header = visit.number == 1 ? 100 : 0;
    const uint32_t type = Be(page, header, 1);
    const uint32_t cells = Be(page, header + 3, 2);
    const bool interior = type == 2 || type == 5;
    if (!interior && type != 10 && type != 13) {
      Damaged();
      stack_.pop_back();
      continue;
    }
    if (visit.next > cells || (visit.next == cells && !interior)) {
      stack_.pop_back();
      continue;
    }
    const uint32_t i = visit.next++;
    if (i == cells) {  // the rightmost child
      const uint32_t child = Be(page, header + 8, 4);
      // This page is done: the last child takes its place.
      stack_.pop_back();
      Push(child);
      continue;
    }
    const size_t array = header + (interior ? 12 : 8);
    const size_t at = Be(page, array + size_t{2} * i, 2);
    if (array + size_t{2} * i + 2 > page.size() || at < array ||
        at + 4 > page.size()) {
      Damaged();
      continue;
    }
    if (type == 5) {
      Push(Be(page, at, 4));
      continue;
    }
    if (type == 2) {
      // An index's inner cells are records too: first this one, then its child.
      const bool read = ReadPayload(visit, at, payload);
      Push(Be(page, at, 4));
      if (read) {
        return true;
      }
      continue;
    }
    if (ReadPayload(visit, at, payload)) {
      return true;
    }
  }
  return false;
}

void SqliteReader::ReadRow(const Bytes& payload,
                           std::vector<std::string>* cells) {
  cells->clear();
  const ByteSpan bytes(payload);
  size_t at = 0;
  const uint64_t header_size = Varint(bytes, &at);
  size_t body =
      static_cast<size_t>(std::min<uint64_t>(header_size, payload.size()));
  while (at < header_size && at < payload.size() &&
         cells->size() < kMaxColumns) {
    const uint64_t type = Varint(bytes, &at);
    constexpr uint8_t kSizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    const uint64_t size = type < 12 ? kSizes[type] : (type - 12) / 2;
    if (size > payload.size() - body) {
      Damaged();
      return;
    }
    const ByteSpan value = bytes.subspan(body, static_cast<size_t>(size));
    body += static_cast<size_t>(size);
    std::string cell;
    if (type >= 1 && type <= 6) {
      uint64_t number = 0;
      for (std::byte b : value) {
        number = number << 8 | std::to_integer<uint64_t>(b);
      }
      const auto shift = static_cast<int>(64 - 8 * size);
      cell = std::to_string(static_cast<int64_t>(number << shift) >> shift);
    } else if (type == 7) {
      uint64_t number = 0;
      for (std::byte b : value) {
        number = number << 8 | std::to_integer<uint64_t>(b);
      }
      const auto real = std::bit_cast<double>(number);
      cell = real > -1e15 && real < 1e15 ? fmt::format("{}", real) : "";
      if (cell.ends_with(".0")) {
        cell.resize(cell.size() - 2);
      }
    } else if (type == 8 || type == 9) {
      cell = type == 8 ? "0" : "1";
    } else if (type >= 13 && type % 2 == 1) {
      if (encoding_ == 2 || encoding_ == 3) {
        Decode(encoding_ == 2 ? Encoding::kUtf16Le : Encoding::kUtf16Be, value,
               &cell);
      } else {
        cell = AsText(value);
      }
    } else if (type >= 12) {
      if (IsStrictUtf8(value)) {
        cell = AsText(value);
      } else if (value.size() >= kMinBlob && blobs_.size() < 64) {
        blobs_.emplace_back(value.begin(), value.end());
      } else if (value.size() >= kMinBlob) {
        Problem("limit:entries");
      }
    }
    cells->push_back(std::move(cell));
  }
}

// sqlite_schema: type, name, tbl_name, rootpage, sql.
void SqliteReader::TakeSchema(const std::vector<std::string>& row) {
  if (row.size() < 5 || row[0] != "table") {
    return;
  }
  if (tables_.size() >= kMaxTables) {
    Problem("limit:entries");
    return;
  }
  Table table;
  table.name = row[1];
  table.columns = ColumnsOf(row[4]);
  for (char c : row[3].substr(0, 9)) {
    table.root = c >= '0' && c <= '9'
                     ? table.root * 10 + static_cast<uint32_t>(c - '0')
                     : 0;
  }
  if (table.root != 0) {  // a virtual table has no pages of its own
    tables_.push_back(std::move(table));
  }
}

bool SqliteReader::Pump() {
  if (!opened_) {
    opened_ = true;
    in_schema_ = Open();
    return in_schema_;
  }
  if (!blobs_.empty()) {
    blob_ = std::move(blobs_.back());
    blobs_.pop_back();
    blob_taken_ = 0;
    OfferBytes("blob");
    return true;
  }
  Bytes payload;
  std::vector<std::string> cells;
  for (int i = 0; i < kRowsAtATime && blobs_.empty(); ++i) {
    if (NextRecord(&payload)) {
      ReadRow(payload, &cells);
      if (in_schema_) {
        TakeSchema(cells);
      } else {
        parts_.Row(cells);
      }
      continue;
    }
    in_schema_ = false;
    if (next_table_ == tables_.size() || !budget_->ok()) {
      return false;
    }
    const Table& table = tables_[next_table_++];
    if (!Push(table.root)) {
      continue;
    }
    parts_.Begin(table.name);
    if (!table.columns.empty()) {
      parts_.Row(table.columns);
    }
  }
  return true;
}

size_t SqliteReader::ReadBytes(std::span<std::byte> out) {
  const size_t n = std::min(out.size(), blob_.size() - blob_taken_);
  CopyBytes(out.data(), blob_.data() + blob_taken_, n);
  blob_taken_ += n;
  return n;
}

}  // namespace sekisho::detect
