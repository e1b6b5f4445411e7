#include "cli/table.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <set>

#include "common/bytes.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;

// Cells a terminal needs for UTF-8 text: East Asian wide characters take two.
size_t Width(std::string_view text) {
  size_t cells = 0;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80   ? 1
                          : lead < 0xe0 ? 2
                          : lead < 0xf0 ? 3
                                        : 4;
    uint32_t code = length == 1 ? lead : lead & (0x7fU >> length);
    for (size_t k = 1; k < length && i + k < text.size(); ++k) {
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
    }
    const bool wide = (code >= 0x1100 && code <= 0x115f) ||
                      (code >= 0x2e80 && code <= 0xa4cf) ||
                      (code >= 0xac00 && code <= 0xd7a3) ||
                      (code >= 0xf900 && code <= 0xfaff) ||
                      (code >= 0xfe30 && code <= 0xfe6f) ||
                      (code >= 0xff00 && code <= 0xff60) ||
                      (code >= 0xffe0 && code <= 0xffe6) ||
                      (code >= 0x1f300 && code <= 0x3fffd);
    cells += wide ? 2 : 1;
    i += length;
  }
  return cells;
}

// Bytes that are text of a device, a medium or a process.
bool IsText(const FieldDescriptor& field) {
  static const std::set<std::string, std::less<>> kTexts = {
      "serial",        "manufacturer", "product",     "volume_label",
      "medium_serial", "program",      "command",     "file_path",
      "purpose",       "name",         "landing_path"};
  return kTexts.contains(field.name());
}

std::string EnumWord(const google::protobuf::EnumDescriptor& type, int number) {
  const auto* value = type.FindValueByNumber(number);
  if (value == nullptr) {
    return std::to_string(number);
  }
  // EVENT_KIND_TRANSFER of EventKind is "transfer".
  std::string prefix;
  for (const char c : type.name()) {
    if (c >= 'A' && c <= 'Z') {
      prefix += prefix.empty() ? "" : "_";
      prefix += c;
    } else {
      prefix += static_cast<char>(c - 'a' + 'A');
    }
  }
  std::string word = value->name();
  if (word.starts_with(prefix + "_")) {
    word = word.substr(prefix.size() + 1);
  }
  std::ranges::transform(word, word.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return word == "unspecified" ? "" : word;
}

std::string UtcOf(const Timestamp& time) {
  return FormatUtc(WallTime(std::chrono::seconds(time.seconds())) +
                   std::chrono::microseconds(time.nanos() / 1000));
}

std::string BytesJson(const FieldDescriptor& field, const std::string& bytes) {
  if (IsText(field)) {
    return JsonQuote(bytes);
  }
  if (field.name().ends_with("event_id")) {
    return JsonQuote(FormatUuid(AsBytes(bytes)));
  }
  return JsonQuote(ToHex(AsBytes(bytes)));
}

std::string DoubleJson(double value) {
  return std::isfinite(value) ? std::to_string(value) : "null";
}

std::string FieldJson(const Message& message, const FieldDescriptor& field,
                      int index) {
  const Reflection& r = *message.GetReflection();
  const bool many = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(many ? r.GetRepeatedInt32(message, &field, index)
                                 : r.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return std::to_string(many ? r.GetRepeatedInt64(message, &field, index)
                                 : r.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return DoubleJson(many ? r.GetRepeatedDouble(message, &field, index)
                             : r.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (many ? r.GetRepeatedBool(message, &field, index)
                   : r.GetBool(message, &field))
                 ? "true"
                 : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return JsonQuote(
          EnumWord(*field.enum_type(),
                   many ? r.GetRepeatedEnumValue(message, &field, index)
                        : r.GetEnumValue(message, &field)));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = many
                                   ? r.GetRepeatedString(message, &field, index)
                                   : r.GetString(message, &field);
      return field.type() == FieldDescriptor::TYPE_BYTES
                 ? BytesJson(field, text)
                 : JsonQuote(text);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      const Message& inner = many ? r.GetRepeatedMessage(message, &field, index)
                                  : r.GetMessage(message, &field);
      if (inner.GetDescriptor() == Timestamp::descriptor()) {
        Timestamp time;
        time.CopyFrom(inner);
        return JsonQuote(UtcOf(time));
      }
      return ToJson(inner);
    }
    default:
      return "null";
  }
}

}  // namespace

std::string Table::Print() const {
  std::vector<size_t> widths(rows_.front().size(), 0);
  std::vector<std::vector<std::string>> shown;
  for (const auto& row : rows_) {
    auto& cells = shown.emplace_back();
    for (size_t i = 0; i < widths.size(); ++i) {
      cells.push_back(i < row.size() && !row[i].empty()
                          ? EscapeUntrusted(row[i], 256)
                          : "-");
      widths[i] = std::max(widths[i], Width(cells.back()));
    }
  }
  std::string text;
  for (const auto& cells : shown) {
    for (size_t i = 0; i < cells.size(); ++i) {
      text += cells[i];
      if (i + 1 < cells.size()) {
        text.append(widths[i] + 2 - Width(cells[i]), ' ');
      }
    }
    text += '\n';
  }
  return text;
}

std::string ToJson(const Message& message) {
  const Reflection& reflection = *message.GetReflection();
  std::string json = "{";
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const bool is_message =
        field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (is_message && !field.is_repeated() &&
        !reflection.HasField(message, &field)) {
      continue;
    }
    json += (json.size() > 1 ? "," : "") + JsonQuote(field.name()) + ":";
    if (!field.is_repeated()) {
      json += FieldJson(message, field, 0);
      continue;
    }
    json += "[";
    for (int k = 0; k < reflection.FieldSize(message, &field); ++k) {
      json += (k > 0 ? "," : "") + FieldJson(message, field, k);
    }
    json += "]";
  }
  return json + "}";
}

std::string ShortTime(const Message& owner, const char* field) {
  const auto* descriptor = owner.GetDescriptor()->FindFieldByName(field);
  if (!owner.GetReflection()->HasField(owner, descriptor)) {
    return "-";
  }
  Timestamp time;
  time.CopyFrom(owner.GetReflection()->GetMessage(owner, descriptor));
  const std::time_t seconds = time.seconds();
  std::tm parts{};
  localtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%F %T", &parts);
  return text.data();
}

std::string Word(const Message& owner, const char* field) {
  const auto* descriptor = owner.GetDescriptor()->FindFieldByName(field);
  return EnumWord(*descriptor->enum_type(),
                  owner.GetReflection()->GetEnumValue(owner, descriptor));
}

}  // namespace sekisho::cli
