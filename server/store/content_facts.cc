#include "server/store/content_facts.h"

#include <algorithm>

#include "common/text.h"

namespace sekisho::store {
namespace {

constexpr size_t kMaxWordBytes = 64;
constexpr size_t kMaxVolumeBytes = 300;

void AddFiles(const Event& event, MediumNews* news) {
  int64_t place = 0;
  for (const auto& file : event.personal_part.files()) {
    if (place++ == kMaxNewsFiles) return;
    if (file.path().empty() || file.path().size() > kMaxNewsPathBytes ||
        file.old_path().size() > kMaxNewsPathBytes) {
      continue;
    }
    if (file.change() == event::v1::FILE_CHANGE_REMOVED ||
        file.change() == event::v1::FILE_CHANGE_RENAMED) {
      news->changes.push_back({event.row_id, place, news->time, file.change(),
                               file.path(), file.old_path()});
      continue;
    }
    news->seen.push_back({file.path(), std::max<int64_t>(0, file.size_bytes()),
                          TimeOf(file.modify_time()), news->time, news->time,
                          event.terminal});
  }
}

void AddMark(const Event& event, MarkKind kind, int64_t count,
             MediumNews* news) {
  news->marks.push_back({event.row_id, news->time, event.agent_id,
                         event.terminal, kind, std::max<int64_t>(0, count)});
}

}  // namespace

WallTime TimeOf(const google::protobuf::Timestamp& time) {
  const int64_t seconds =
      std::clamp<int64_t>(time.seconds(), 0, int64_t{1} << 33);
  const int64_t nanos = std::clamp<int64_t>(time.nanos(), 0, 999'999'999);
  return WallTime(
      std::chrono::microseconds(seconds * 1'000'000 + nanos / 1000));
}

bool ReachedMedium(const event::v1::PublicPart& part) {
  // Names and folders are asked about as well, and a copy that was given up is
  // told; neither is a file.
  if (part.file_hash().empty() && part.inspected_bytes() <= 0) return false;
  if (part.rule() == "unfinished") return false;
  return part.observe_only() || part.outcome() == event::v1::OUTCOME_ALLOWED ||
         part.outcome() == event::v1::OUTCOME_ALERTED;
}

std::optional<MediumNews> MediumNewsOf(const Event& event) {
  const event::v1::PublicPart& part = event.public_part;
  if (event.device_id.empty()) return std::nullopt;
  MediumNews news;
  const auto& device = part.device();
  news.key.device_id = event.device_id;
  news.key.volume =
      EscapeUntrusted(device.volume_uuid().empty() ? device.medium_serial()
                                                   : device.volume_uuid(),
                      kMaxVolumeBytes);
  news.filesystem = EscapeUntrusted(device.filesystem(), kMaxWordBytes);
  news.label = device.volume_label().substr(0, 256);
  news.encryption = EscapeUntrusted(device.encryption(), kMaxWordBytes);
  news.agent_id = event.agent_id;
  news.row_id = event.row_id;
  // A terminal whose clock runs ahead is not ahead of the server.
  news.time = std::min(TimeOf(part.occur_time()), event.receive_time);
  switch (part.kind()) {
    case event::v1::EVENT_KIND_MEDIUM_MOUNTED:
      AddMark(event, MarkKind::kMounted, 0, &news);
      break;
    case event::v1::EVENT_KIND_MEDIUM_ERASED:
      AddMark(event, MarkKind::kErased, part.erased_bytes(), &news);
      break;
    case event::v1::EVENT_KIND_MEDIUM_FILES:
      AddFiles(event, &news);
      if (part.listing_complete()) {
        AddMark(event, MarkKind::kListed, part.present_count(), &news);
      } else if (part.present_count() > 0) {
        AddMark(event, MarkKind::kCutShort, part.present_count(), &news);
      }
      if (part.lost_count() > 0) {
        AddMark(event, MarkKind::kLost, part.lost_count(), &news);
      }
      break;
    case event::v1::EVENT_KIND_TRANSFER:
      if (!ReachedMedium(part)) return std::nullopt;
      if (event.personal_part.file_path().empty() ||
          event.personal_part.file_path().size() > kMaxNewsPathBytes) {
        return std::nullopt;
      }
      news.copies.push_back({event.row_id, news.time,
                             event.personal_part.file_path(),
                             std::max<int64_t>(0, part.inspected_bytes())});
      break;
    default:
      return std::nullopt;
  }
  return news;
}

}  // namespace sekisho::store
