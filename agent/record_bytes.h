// The bytes of sekishod's own small stores: numbers, texts, and records that
// are known to be whole. Each file begins with a magic of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::agent {

inline void PutNumber(std::string& out, uint64_t value) {
  for (int i = 0; i < 8; ++i) {
    out += static_cast<char>(value >> (8 * i) & 0xffU);
  }
}

inline void PutText(std::string& out, std::string_view text) {
  PutNumber(out, text.size());
  out += text;
}

// False, here and below: cut off or damaged.
inline bool TakeNumber(std::string_view* rest, uint64_t* out) {
  if (rest->size() < 8) return false;
  *out = 0;
  for (size_t i = 0; i < 8; ++i) {
    *out |= static_cast<uint64_t>(static_cast<unsigned char>((*rest)[i]))
            << (8 * i);
  }
  rest->remove_prefix(8);
  return true;
}

inline bool TakeText(std::string_view* rest, size_t cap_bytes,
                     std::string* out) {
  uint64_t size = 0;
  if (!TakeNumber(rest, &size) || size > cap_bytes || size > rest->size()) {
    return false;
  }
  *out = rest->substr(0, size);
  rest->remove_prefix(size);
  return true;
}

// FNV-1a: finds a record that was cut off, no more.
inline uint64_t Check(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash;
}

inline std::string Framed(std::string_view body) {
  std::string out;
  PutNumber(out, body.size());
  PutNumber(out, Check(body));
  out += body;
  return out;
}

inline bool TakeFrame(std::string_view* rest, std::string_view* body) {
  uint64_t size = 0;
  uint64_t check = 0;
  if (!TakeNumber(rest, &size) || !TakeNumber(rest, &check) ||
      size > rest->size()) {
    return false;
  }
  *body = rest->substr(0, size);
  rest->remove_prefix(size);
  return Check(*body) == check;
}

}  // namespace sekisho::agent
