#include "server/web/live_feed.h"

#include "server/web/json.h"

namespace sekisho::web {

std::string LiveFeed::Reader::Take() {
  const std::lock_guard lock(mutex_);
  std::string out;
  if (lost_) {
    out = "event: resync\ndata: {}\n\n";
    lost_ = false;
  }
  for (const std::string& event : waiting_) out += event;
  waiting_.clear();
  return out;
}

void LiveFeed::Reader::Put(const std::string& event) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMaxWaiting) {
      waiting_.pop_front();
      lost_ = true;
    }
    waiting_.push_back(event);
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
  const std::string event =
      "event: change\ndata: " +
      ToJson(change).dump(-1, ' ', false,
                          nlohmann::json::error_handler_t::replace) +
      "\n\n";
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
  for (const auto& reader : open) reader->Put(event);
}

}  // namespace sekisho::web
