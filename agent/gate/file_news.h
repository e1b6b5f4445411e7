// What the gate has to tell of the names on the medium, in order, until
// sekishod has taken it. Bounded: nobody waits for room but the listing. Not
// thread-safe: the core's mutex is held around every call.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "agent/ipc/messages.h"

namespace sekisho::gate {

// Some seconds of `rm -r` on a fast stick with a sekishod that is away.
inline constexpr size_t kMaxUntoldFiles = 8192;
// Of one packet: as many as fit well below the socket's own bound.
inline constexpr size_t kMaxToldBytes = size_t{48} * 1024;

struct ListingEnd {
  int64_t present_count = 0;
  bool complete = false;
};

class FileNews {
 public:
  // Without room, or of a longer name than can be told: counted as lost.
  void Add(ipc::ToldFile file);
  // Behind all that was added before. Not complete if anything was ever lost.
  void End(const ListingEnd& end) { end_ = {added_, end}; }

  // Another sekishod listens: what the one before was told may be lost.
  void Disturb() {
    if (end_) end_->end.complete = false;
  }

  bool empty() const { return waiting_.empty() && lost_count_ == 0 && !end_; }
  // The listing may go on.
  bool HasRoom() const { return waiting_.size() < kMaxUntoldFiles / 2; }

  // The oldest, as many as go into one packet.
  ipc::FilesTold Next() const;
  // It was sent.
  void Drop(const ipc::FilesTold& sent);

 private:
  struct Ending {
    uint64_t after = 0;  // files added before it
    ListingEnd end;
  };
  std::deque<ipc::ToldFile> waiting_;
  uint64_t added_ = 0;
  uint64_t dropped_ = 0;
  int64_t lost_count_ = 0;
  bool lost_any_ = false;  // since the mount
  std::optional<Ending> end_;
};

}  // namespace sekisho::gate
