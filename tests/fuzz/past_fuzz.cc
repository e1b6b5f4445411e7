// Lines of a journal that devices had a hand in, and records of a wtmp.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/past/collect.h"
#include "common/result.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  past::Past found;
  past::AttachmentFilter filter;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const auto message =
        past::ParseJournalLine(text.substr(begin, end - begin));
    if (message) {
      CHECK(message->text.size() <= past::kMaxMessageBytes);
      filter.Take(*message, &found);
    }
    begin = end + 1;
  }
  past::TakeLogins(AsBytes(text), WallTime::max(), &found);
  for (const past::Attachment& one : found.attachments) {
    CHECK(one.vendor_id.size() == 4 && one.product_id.size() == 4);
    CHECK(one.port.size() <= past::kMaxPortBytes);
    CHECK(one.serial.size() <= past::kMaxTextBytes);
    CHECK(one.product.size() <= past::kMaxTextBytes);
    CHECK(one.manufacturer.size() <= past::kMaxTextBytes);
  }
  CHECK(found.attachments.size() <= past::kMaxAttachments);
  CHECK(found.logins.size() <= past::kMaxLogins);
  return 0;
}
