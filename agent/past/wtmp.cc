#include "agent/past/wtmp.h"

#include <string_view>

namespace sekisho::past {
namespace {

constexpr uint32_t kUserProcess = 7;
constexpr size_t kLineAt = 8, kLineBytes = 32;
constexpr size_t kUserAt = 44, kUserBytes = 32;
constexpr size_t kHostAt = 76, kHostBytes = 256;
constexpr size_t kSecondsAt = 340, kMicrosAt = 344;

std::string TextAt(ByteSpan record, size_t at, size_t size) {
  const std::string_view field = AsText(record.subspan(at, size));
  return std::string(field.substr(0, field.find('\0')));
}

}  // namespace

std::optional<PastLogin> ParseLogin(ByteSpan record) {
  if (record.size() != kRecordBytes) return std::nullopt;
  if (GetU32(record.data()) != kUserProcess) return std::nullopt;
  PastLogin login;
  login.user = TextAt(record, kUserAt, kUserBytes);
  login.line = TextAt(record, kLineAt, kLineBytes);
  login.host = TextAt(record, kHostAt, kHostBytes);
  const uint32_t micros = GetU32(record.data() + kMicrosAt);
  // 32 bits, counted on past 2038.
  const uint32_t seconds = GetU32(record.data() + kSecondsAt);
  if (login.user.empty() || seconds == 0 || micros >= 1'000'000) {
    return std::nullopt;
  }
  login.time = WallTime(std::chrono::seconds(seconds) +
                        std::chrono::microseconds(micros));
  return login;
}

}  // namespace sekisho::past
