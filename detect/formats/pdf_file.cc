#include "detect/formats/pdf_file.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace sekisho::detect {
namespace {

using Kind = PdfValue::Kind;

constexpr size_t kOverlap = 64;
constexpr size_t kFirstTake = 4096;
constexpr size_t kMaxObjectBytes = size_t{8} << 20;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' ||
         c == '\0';
}

// "12 0 obj" ending at `end` (behind the 'j'): where it begins and its number.
bool ObjectBefore(std::string_view text, size_t end, size_t* begin,
                  uint32_t* number) {
  size_t p = end - 3;
  const auto back = [&](auto&& is) {
    const size_t from = p;
    while (p > 0 && is(text[p - 1])) {
      --p;
    }
    return from - p;
  };
  if (back(IsSpace) == 0 || back(IsDigit) == 0 || back(IsSpace) == 0) {
    return false;
  }
  const size_t digits = back(IsDigit);
  if (digits == 0 || digits > 9) {
    return false;
  }
  *begin = p;
  *number = 0;
  for (size_t i = p; i < p + digits; ++i) {
    *number = *number * 10 + static_cast<uint32_t>(text[i] - '0');
  }
  return true;
}

void Inflate(std::string* data, Budget* budget, std::string* problem) {
  z_stream z{};
  if (::inflateInit(&z) != Z_OK) {
    *problem = "limit:dictionary";
    data->clear();
    return;
  }
  const std::unique_ptr<z_stream, decltype(&::inflateEnd)> guard(&z,
                                                                 &::inflateEnd);
  std::string out;
  z.next_in = reinterpret_cast<Bytef*>(data->data());
  z.avail_in = static_cast<uInt>(data->size());
  char buffer[16384];
  int e = Z_OK;
  while (e == Z_OK && out.size() < kMaxPdfStreamBytes) {
    z.next_out = reinterpret_cast<Bytef*>(buffer);
    z.avail_out = sizeof buffer;
    e = ::inflate(&z, Z_NO_FLUSH);
    const size_t n = sizeof buffer - z.avail_out;
    out.append(buffer, n);
    if (!budget->Output(static_cast<int64_t>(n)) || (n == 0 && e == Z_OK)) {
      break;
    }
  }
  if (out.size() >= kMaxPdfStreamBytes) {
    *problem = "limit:dictionary";
  } else if (e != Z_STREAM_END && budget->ok() && z.avail_in > 0) {
    *problem = "damaged";
  } else if (e != Z_STREAM_END && out.empty()) {
    *problem = "damaged";
  }
  *data = std::move(out);
}

// 7.4.4.4: rows begin with the PNG filter they were written with.
void Unpredict(const PdfValue& params, std::string* data) {
  const int64_t predictor = params["Predictor"].integer();
  if (predictor < 10) {
    return;
  }
  const auto or_default = [&](const char* key, int64_t value) {
    return params[key].Is(Kind::kNumber)
               ? std::clamp<int64_t>(params[key].integer(), 1, 65536)
               : value;
  };
  const auto bits = or_default("Colors", 1) * or_default("BitsPerComponent", 8);
  const auto bpp = static_cast<size_t>(std::max<int64_t>(1, bits / 8));
  const auto row =
      static_cast<size_t>((or_default("Columns", 1) * bits + 7) / 8);
  if (row >= data->size()) {
    return;  // no row of that length is there: leave it as it is
  }
  std::string out;
  std::string above(row, '\0');
  for (size_t at = 0; at + 1 < data->size(); at += row + 1) {
    const int type = static_cast<unsigned char>((*data)[at]);
    std::string line = data->substr(at + 1, row);
    line.resize(row);
    for (size_t i = 0; i < row; ++i) {
      const int a = i >= bpp ? static_cast<unsigned char>(line[i - bpp]) : 0;
      const int b = static_cast<unsigned char>(above[i]);
      const int c = i >= bpp ? static_cast<unsigned char>(above[i - bpp]) : 0;
      int add = type == 1 ? a : type == 2 ? b : type == 3 ? (a + b) / 2 : 0;
      if (type == 4) {
        const int p = a + b - c;
        const int pa = std::abs(p - a);
        const int pb = std::abs(p - b);
        const int pc = std::abs(p - c);
        add = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      }
      line[i] = static_cast<char>(static_cast<unsigned char>(line[i]) + add);
    }
    out += line;
    above = std::move(line);
  }
  *data = std::move(out);
}

void Ascii85(std::string* data) {
  std::string out;
  uint32_t value = 0;
  int count = 0;
  for (char c : *data) {
    if (c == '~') {
      break;
    }
    if (c == 'z' && count == 0) {
      out.append(4, '\0');
    } else if (c >= '!' && c <= 'u') {
      value = value * 85 + static_cast<uint32_t>(c - '!');
      if (++count == 5) {
        for (int i = 24; i >= 0; i -= 8) {
          out.push_back(static_cast<char>(value >> i & 0xFF));
        }
        value = 0;
        count = 0;
      }
    }
  }
  if (count > 1) {
    for (int i = count; i < 5; ++i) {
      value = value * 85 + 84;
    }
    for (int i = 0; i < count - 1; ++i) {
      out.push_back(static_cast<char>(value >> (24 - 8 * i) & 0xFF));
    }
  }
  *data = std::move(out);
}

// 7.4.4.2
void Lzw(std::string* data, Budget* budget) {
  std::vector<std::string> table;
  const auto reset = [&] {
    table.assign(258, "");
    for (size_t i = 0; i < 256; ++i) {
      table[i] = std::string(1, static_cast<char>(i));
    }
  };
  reset();
  std::string out;
  std::string previous;
  uint32_t bits = 0;
  int count = 0;
  int width = 9;
  for (char c : *data) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    count += 8;
    if (count < width) {
      continue;
    }
    count -= width;
    const uint32_t code = bits >> count & ((1U << width) - 1);
    if (code == 257 || out.size() > kMaxPdfStreamBytes || !budget->ok()) {
      break;
    }
    if (code == 256) {
      reset();
      width = 9;
      previous.clear();
      continue;
    }
    std::string entry;
    if (code < table.size()) {
      entry = table[code];
    } else if (!previous.empty()) {
      entry = previous + previous[0];
    }
    out += entry;
    budget->Output(static_cast<int64_t>(entry.size()));
    if (!previous.empty() && !entry.empty() && table.size() < 4096) {
      table.push_back(previous + entry[0]);
    }
    previous = std::move(entry);
    width = table.size() + 1 >= 2048   ? 12
            : table.size() + 1 >= 1024 ? 11
            : table.size() + 1 >= 512  ? 10
                                       : 9;
  }
  *data = std::move(out);
}

void RunLength(std::string* data) {
  std::string out;
  for (size_t at = 0; at < data->size() && out.size() < kMaxPdfStreamBytes;) {
    const auto length = static_cast<unsigned char>((*data)[at++]);
    if (length == 128) {
      break;
    }
    if (length < 128) {
      out += data->substr(at, size_t{length} + 1);
      at += size_t{length} + 1;
    } else if (at < data->size()) {
      out.append(size_t{257} - length, (*data)[at++]);
    }
  }
  *data = std::move(out);
}

}  // namespace

bool DecodePdfFilter(std::string_view name, const PdfValue& params,
                     std::string* data, Budget* budget, std::string* problem) {
  if (name == "FlateDecode" || name == "Fl") {
    Inflate(data, budget, problem);
    Unpredict(params, data);
  } else if (name == "ASCII85Decode" || name == "A85") {
    Ascii85(data);
  } else if (name == "ASCIIHexDecode" || name == "AHx") {
    PdfValue value;
    const std::string text = "<" + *data + ">";
    PdfParser hex(text);
    hex.Next(&value);
    *data = std::move(value.text);
  } else if (name == "LZWDecode" || name == "LZW") {
    Lzw(data, budget);
    Unpredict(params, data);
  } else if (name == "RunLengthDecode" || name == "RL") {
    RunLength(data);
  } else {
    return name == "Crypt";
  }
  return true;
}

PdfFile::PdfFile(const Source* source, Budget* budget)
    : source_(source), budget_(budget) {
  Search();
  if (!encrypted_) {
    OpenObjectStreams();
  }
  const Bytes tail =
      source->Take(std::max<int64_t>(0, source->size() - 2048), 2048);
  const std::string_view text = AsText(tail);
  const size_t end = text.rfind("%%EOF");
  if (end == std::string_view::npos
          ? text.find("startxref") == std::string_view::npos
          : !std::all_of(text.begin() + static_cast<std::ptrdiff_t>(end + 5),
                         text.end(), IsSpace)) {
    problem_ = "damaged";  // cut off, or something hangs on to it
  }
}

void PdfFile::Search() {
  Cursor cursor(source_, 0, source_->size());
  std::string window;
  int64_t offset = 0;
  for (ByteSpan next = cursor.Next(); !next.empty() && budget_->Tick();
       next = cursor.Next()) {
    window += AsText(next);
    SearchBlock(window, offset);
    const size_t drop = window.size() - std::min(window.size(), kOverlap);
    window.erase(0, drop);
    offset += static_cast<int64_t>(drop);
  }
}

void PdfFile::SearchBlock(std::string_view block, int64_t offset) {
  for (size_t at = block.find("obj"); at != std::string_view::npos;
       at = block.find("obj", at + 3)) {
    size_t begin = 0;
    uint32_t number = 0;
    if (at < 4 || !ObjectBefore(block, at + 3, &begin, &number) ||
        number == 0) {
      continue;
    }
    if (places_.size() >= kMaxPdfObjects && !places_.contains(number)) {
      problem_ = "limit:entries";
      return;
    }
    Place place;
    place.offset = offset + static_cast<int64_t>(at) + 3;
    places_[number] = place;
  }
  for (size_t at = block.find("/Encrypt"); at != std::string_view::npos;
       at = block.find("/Encrypt", at + 1)) {
    const char next = at + 8 < block.size() ? block[at + 8] : 'x';
    encrypted_ = encrypted_ || IsSpace(next) || next == '<';
  }
}

std::vector<uint32_t> PdfFile::Numbers() const {
  std::vector<uint32_t> numbers;
  numbers.reserve(places_.size());
  for (const auto& [number, place] : places_) {
    numbers.push_back(number);
  }
  return numbers;
}

PdfObject PdfFile::LoadAt(int64_t offset) {
  PdfObject object;
  for (size_t take = kFirstTake;; take *= 8) {
    const Bytes bytes = source_->Take(offset, take);
    const std::string_view text = AsText(bytes);
    PdfParser parser(text);
    if (!parser.Next(&object.value)) {
      if (bytes.size() < take || take > kMaxObjectBytes) {
        return {};
      }
      continue;
    }
    size_t at = parser.at();
    while (at < text.size() && IsSpace(text[at])) {
      ++at;
    }
    if (object.value.Is(Kind::kDict) && text.substr(at, 6) == "stream") {
      at += 6;
      at += text.substr(at, 2) == "\r\n" ? 2U : 1U;
      object.stream_begin = offset + static_cast<int64_t>(at);
    }
    return object;
  }
}

PdfObject PdfFile::LoadFrom(const Place& place) {
  if (place.offset >= 0) {
    return LoadAt(place.offset);
  }
  if (open_container_ != place.container) {
    open_container_ = place.container;
    container_text_.clear();
    container_offsets_.clear();
    const auto holder = places_.find(place.container);
    if (holder == places_.end() || holder->second.offset < 0) {
      return {};
    }
    const PdfObject stream = LoadAt(holder->second.offset);
    container_text_ = Decode(stream).value_or("");
    const auto first = static_cast<size_t>(
        std::max<int64_t>(0, stream.value["First"].integer()));
    PdfParser parser(container_text_);
    PdfValue number;
    PdfValue at;
    while (parser.at() < first && parser.Next(&number) && parser.Next(&at) &&
           at.Is(Kind::kNumber)) {
      container_offsets_.push_back(
          first + static_cast<size_t>(std::max<int64_t>(0, at.integer())));
    }
  }
  PdfObject object;
  if (place.index < container_offsets_.size() &&
      container_offsets_[place.index] < container_text_.size()) {
    PdfParser parser(container_text_, container_offsets_[place.index]);
    parser.Next(&object.value);
  }
  return object;
}

PdfObject PdfFile::Load(uint32_t number) {
  const auto place = places_.find(number);
  return place == places_.end() || !budget_->Tick() ? PdfObject{}
                                                    : LoadFrom(place->second);
}

PdfValue PdfFile::Resolve(const PdfValue& value) {
  PdfValue out = value;
  for (int i = 0; i < 16 && out.Is(Kind::kRef); ++i) {
    out = Load(out.ref()).value;
  }
  return out;
}

// 7.5.7: objects without streams may stand in a stream together.
void PdfFile::OpenObjectStreams() {
  const std::vector<uint32_t> numbers = Numbers();
  for (uint32_t number : numbers) {
    const PdfObject object = Load(number);
    if (object.stream_begin < 0 || !object.value["Type"].IsName("ObjStm")) {
      continue;
    }
    const std::optional<std::string> text = Decode(object);
    if (!text || text->empty()) {
      problem_ = "damaged";
      continue;
    }
    PdfParser parser(*text);
    PdfValue inner;
    PdfValue at;
    const int64_t count =
        std::min<int64_t>(object.value["N"].integer(), 1 << 20);
    for (int64_t i = 0; i < count && parser.Next(&inner) && parser.Next(&at);
         ++i) {
      if (!inner.Is(Kind::kNumber) || places_.size() >= kMaxPdfObjects) {
        break;
      }
      Place place;
      place.container = number;
      place.index = static_cast<uint32_t>(i);
      places_.try_emplace(static_cast<uint32_t>(inner.integer() & 0x7FFFFFFF),
                          place);
    }
  }
}

std::optional<std::string> PdfFile::Decode(const PdfObject& object) {
  if (object.stream_begin < 0) {
    return std::nullopt;
  }
  const PdfValue filter = Resolve(object.value["Filter"]);
  const PdfValue params = Resolve(object.value["DecodeParms"]);
  constexpr std::string_view kPictures[] = {
      "DCTDecode", "JPXDecode", "CCITTFaxDecode", "JBIG2Decode", "DCT", "CCF"};
  for (const std::string_view picture : kPictures) {
    if (filter.IsName(picture) ||
        std::any_of(filter.items.begin(), filter.items.end(),
                    [&](const PdfValue& v) { return v.IsName(picture); })) {
      return std::nullopt;
    }
  }
  int64_t size = Resolve(object.value["Length"]).integer();
  // The length may be wrong: "endstream" has to follow it.
  const Bytes after =
      source_->Take(object.stream_begin + std::max<int64_t>(0, size), 32);
  if (size <= 0 || AsText(after).find("endstream") == std::string_view::npos) {
    size = 0;
    Cursor cursor(source_, object.stream_begin, source_->size());
    std::string window;
    for (ByteSpan next = cursor.Next(); !next.empty() && budget_->Tick();
         next = cursor.Next()) {
      window += AsText(next);
      const size_t end = window.find("endstream");
      if (end != std::string::npos) {
        size += static_cast<int64_t>(end);
        break;
      }
      const size_t drop = window.size() - std::min<size_t>(window.size(), 16);
      window.erase(0, drop);
      size += static_cast<int64_t>(drop);
    }
  }
  if (size > static_cast<int64_t>(kMaxPdfStreamBytes)) {
    problem_ = "limit:dictionary";
    return std::nullopt;
  }
  std::string data(
      AsText(source_->Take(object.stream_begin, static_cast<size_t>(size))));
  if (filter.Is(Kind::kName)) {
    return DecodePdfFilter(filter.text, params, &data, budget_, &problem_)
               ? std::optional(std::move(data))
               : std::nullopt;
  }
  if (filter.items.size() > kMaxPdfFilters) {
    problem_ = "limit:depth";
    return std::nullopt;
  }
  for (size_t i = 0; i < filter.items.size(); ++i) {
    const PdfValue name = Resolve(filter.items[i]);
    const PdfValue own =
        i < params.items.size() ? Resolve(params.items[i]) : PdfValue{};
    if (!DecodePdfFilter(name.text, own, &data, budget_, &problem_)) {
      return std::nullopt;
    }
  }
  return data;
}

}  // namespace sekisho::detect
