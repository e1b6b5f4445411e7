// Turns the message structs of messages.h into packet bytes and back. A struct
// lists its members once, in Fields(visitor); the same list writes and reads.
// Layout: u16 type, then the members in order; integers are 8 bytes
// little-endian, text and bytes are u32 length + content, lists u32 count.
// Reading is total: any bytes give a message or an error, never more than the
// packet's size of memory per member.
#pragma once

#include <array>
#include <concepts>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace sekisho::ipc {

template <typename T>
concept Message = requires { T::kType; };

class Writer {
 public:
  template <typename... T>
  void operator()(const T&... fields) {
    (Put(fields), ...);
  }
  Bytes Take() { return std::move(out_); }

  void PutType(uint16_t type) {
    out_.resize(out_.size() + 2);
    PutU16(out_.data() + out_.size() - 2, type);
  }

 private:
  void PutNumber(uint64_t value) {
    out_.resize(out_.size() + 8);
    PutU64(out_.data() + out_.size() - 8, value);
  }
  void PutCount(size_t count) {
    CHECK(count <= UINT32_MAX);
    out_.resize(out_.size() + 4);
    PutU32(out_.data() + out_.size() - 4, static_cast<uint32_t>(count));
  }
  void Put(const std::string& text) {
    PutCount(text.size());
    const ByteSpan bytes = AsBytes(text);
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  void Put(double value) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    PutNumber(bits);
  }
  template <typename T>
    requires(std::integral<T> || std::is_enum_v<T>)
  void Put(const T& value) {
    PutNumber(static_cast<uint64_t>(value));
  }
  template <size_t N>
  void Put(const std::array<std::byte, N>& value) {
    out_.insert(out_.end(), value.begin(), value.end());
  }
  template <typename T>
  void Put(const std::vector<T>& list) {
    PutCount(list.size());
    for (const T& item : list) Put(item);
  }
  template <typename T>
  void Put(const std::optional<T>& value) {
    Put(value.has_value());
    if (value) Put(*value);
  }
  template <typename T>
    requires requires(T& t, Writer& w) { t.Fields(w); }
  void Put(const T& nested) {
    const_cast<T&>(nested).Fields(*this);
  }

  Bytes out_;
};

class Reader {
 public:
  explicit Reader(ByteSpan in) : in_(in) {}

  template <typename... T>
  void operator()(T&... fields) {
    (Get(fields), ...);
  }
  bool ok() const { return ok_; }
  bool AtEnd() const { return in_.empty(); }

 private:
  ByteSpan TakeBytes(size_t count) {
    if (!ok_ || count > in_.size()) {
      ok_ = false;
      return {};
    }
    const ByteSpan taken = in_.first(count);
    in_ = in_.subspan(count);
    return taken;
  }
  uint64_t GetNumber() {
    const ByteSpan bytes = TakeBytes(8);
    return ok_ ? GetU64(bytes.data()) : 0;
  }
  size_t GetCount() {
    const ByteSpan bytes = TakeBytes(4);
    const size_t count = ok_ ? GetU32(bytes.data()) : 0;
    if (count > in_.size()) ok_ = false;
    return ok_ ? count : 0;
  }
  void Get(std::string& text) { text = AsText(TakeBytes(GetCount())); }
  void Get(double& value) {
    const uint64_t bits = GetNumber();
    std::memcpy(&value, &bits, sizeof bits);
  }
  void Get(bool& value) {
    const uint64_t number = GetNumber();
    if (number > 1) ok_ = false;
    value = number == 1;
  }
  template <typename T>
    requires(std::integral<T> || std::is_enum_v<T>)
  void Get(T& value) {
    // What does not fit is no such number, not another one.
    const uint64_t number = GetNumber();
    value = static_cast<T>(number);
    if (static_cast<uint64_t>(value) != number) ok_ = false;
  }
  template <size_t N>
  void Get(std::array<std::byte, N>& value) {
    const ByteSpan bytes = TakeBytes(N);
    if (ok_) std::memcpy(value.data(), bytes.data(), N);
  }
  template <typename T>
  void Get(std::vector<T>& list) {
    const size_t count = GetCount();
    list.clear();
    for (size_t i = 0; i < count && ok_; ++i) {
      list.emplace_back();
      Get(list.back());
    }
  }
  template <typename T>
  void Get(std::optional<T>& value) {
    bool present = false;
    Get(present);
    value.reset();
    if (present && ok_) Get(value.emplace());
  }
  template <typename T>
    requires requires(T& t, Reader& r) { t.Fields(r); }
  void Get(T& nested) {
    nested.Fields(*this);
  }

  ByteSpan in_;
  bool ok_ = true;
};

template <Message T>
Bytes Encode(const T& message) {
  Writer writer;
  writer.PutType(T::kType);
  const_cast<T&>(message).Fields(writer);
  return writer.Take();
}

// 0 for a packet too short to have a type.
inline uint16_t TypeOf(ByteSpan packet) {
  return packet.size() < 2 ? uint16_t{0} : GetU16(packet.data());
}

template <Message T>
Result<T> Decode(ByteSpan packet) {
  if (TypeOf(packet) != T::kType) {
    return Fail(Code::kInvalidArgument,
                "message of type " + std::to_string(TypeOf(packet)) +
                    ", expected " + std::to_string(T::kType));
  }
  Reader reader(packet.subspan(2));
  T message;
  message.Fields(reader);
  if (!reader.ok() || !reader.AtEnd()) {
    return Fail(
        Code::kInvalidArgument,
        "message of type " + std::to_string(T::kType) + " is malformed");
  }
  return message;
}

}  // namespace sekisho::ipc
