#include "agent/past/collect.h"

#include <utility>

namespace sekisho::past {
namespace {

constexpr size_t kMaxSeen = 4096;

}  // namespace

void AttachmentFilter::Take(const KernelMessage& message, Past* past) {
  auto attachment = attachments_.Take(message);
  if (!attachment || attachment->kind == Kind::kHub) return;
  if (attachment->kind == Kind::kOther) {
    const std::string name = attachment->vendor_id + attachment->product_id +
                             attachment->serial + "\n" + attachment->product;
    if (seen_.contains(name)) return;
    if (seen_.size() < kMaxSeen) seen_.insert(name);
  }
  if (past->attachments.size() >= kMaxAttachments) {
    ++past->left_out;
    return;
  }
  past->attachments.push_back(*std::move(attachment));
}

void TakeLogins(ByteSpan records, WallTime before, Past* past) {
  for (; records.size() >= kRecordBytes;
       records = records.first(records.size() - kRecordBytes)) {
    auto login = ParseLogin(records.last(kRecordBytes));
    if (!login || login->time >= before) continue;
    if (past->logins.size() >= kMaxLogins) {
      ++past->left_out;
      continue;
    }
    past->logins.push_back(*std::move(login));
  }
}

}  // namespace sekisho::past
