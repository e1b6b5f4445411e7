#include "server/core/person_searches.h"

#include "common/text.h"

namespace sekisho::core {
namespace {

constexpr size_t kMaxRemembered = 10'000;

}  // namespace

Status CheckSearchReason(const std::string& reason) {
  if (Trim(reason).size() >= kMinSearchReasonBytes &&
      reason.size() <= kMaxSearchReasonBytes && IsValidUtf8(reason)) {
    return {};
  }
  return Fail(Code::kInvalidArgument,
              "searching the history by person needs a reason (UTF-8 text of 3 "
              "to 512 bytes), which is written to the audit log");
}

bool PersonSearches::IsNew(const std::string& user, const std::string& person,
                           const std::string& reason, WallTime now) {
  const std::string key = user + '\n' + person + '\n' + reason;
  const std::lock_guard lock(mutex_);
  if (written_.size() >= kMaxRemembered) written_.clear();
  const auto [it, is_new] = written_.try_emplace(key, now);
  if (is_new) return true;
  if (now - it->second < kSearchRemembered) return false;
  it->second = now;
  return true;
}

}  // namespace sekisho::core
