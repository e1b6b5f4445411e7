#include "server/web/live_feed.h"

#include "server/web/json.h"

namespace sekisho::web {

LiveFeed::Reader::Waiting LiveFeed::Reader::Take() {
  const std::lock_guard lock(mutex_);
  Waiting taken{{waiting_.begin(), waiting_.end()}, lost_};
  waiting_.clear();
  lost_ = false;
  return taken;
}

std::string LiveFeed::Print(const Reader::Waiting& waiting) {
  std::string out;
  if (waiting.lost) out = "event: resync\ndata: {}\n\n";
  for (const core::Change& change : waiting.changes) {
    out += "event: change\ndata: " +
           ToJson(change).dump(-1, ' ', false,
                               nlohmann::json::error_handler_t::replace) +
           "\n\n";
  }
  return out;
}

void LiveFeed::Reader::Put(const core::Change& change) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMaxWaiting) {
      waiting_.pop_front();
      lost_ = true;
    }
    waiting_.push_back(change);
  }
  wake_();
}

LiveFeed::LiveFeed(core::Desk& desk)
    : subscription_(desk.Subscribe(
          [this](const core::Change& change) { OnChange(change); })) {}

std::shared_ptr<LiveFeed::Reader> LiveFeed::Open(std::function<void()> wake) {
  auto reader = std::make_shared<Reader>(std::move(wake));
  const std::lock_guard lock(mutex_);
  readers_.push_back(reader);
  return reader;
}

void LiveFeed::OnChange(const core::Change& change) {
  std::vector<std::shared_ptr<Reader>> open;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(readers_, [&](const std::weak_ptr<Reader>& weak) {
      auto reader = weak.lock();
      if (!reader) return true;
      open.push_back(std::move(reader));
      return false;
    });
  }
  for (const auto& reader : open) reader->Put(change);
}

}  // namespace sekisho::web
