// What landed on this terminal, so that a copy to a medium names where its
// content came from: by the hash of the content, or by the people in both. On
// disk in one file that is appended to; the newest are kept.
//
// Of a landing's people a sample is kept, the smallest 512 keyed hashes. Of a
// list of up to 512 people these are all, and any ten of them are known again;
// of a larger one a part is known if about ten of its people are in the sample.
// Thrown away: all hashes of all people (a list of a million is 8 MB).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/ipc/messages.h"
#include "common/clock.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::agent {

// How much is remembered: of people, 10 MB with the index.
struct LandingLimits {
  size_t landings = 10'000;
  size_t hashes = 500'000;
};
inline constexpr size_t kMaxSampleHashes = 512;

struct Landing {
  std::string event_id;  // 16 bytes
  WallTime time{};
  std::string content_hash;  // 32 bytes, or empty
  std::string path;
  std::string person;
  std::vector<std::string> source_hosts;
  std::vector<uint64_t> people;  // sorted, the smallest
  bool all_people = false;       // `people` is not a sample
};

// As the scan found it; without an event.
Landing LandingOf(const ipc::Findings& findings);

class Landings {
 public:
  enum class By { kContent, kPeople };
  struct Match {
    Landing landing;
    By by = By::kContent;
  };

  // A file that is damaged counts up to the damage; `problem` says so.
  static Result<std::unique_ptr<Landings>> Open(const std::string& path,
                                                std::string* problem,
                                                LandingLimits limits = {});

  // The newest with the same content, else the one with the most of the same
  // people: at least ten, and at least half of the people in question.
  std::optional<Match> Find(const Landing& content) const;
  // A failure is one of the disk; in memory it is known all the same.
  Status Add(Landing landing);
  size_t size() const { return landings_.size(); }

 private:
  Landings(std::string path, LandingLimits limits)
      : path_(std::move(path)), limits_(limits) {}
  static std::string Encode(const Landing& landing);
  static bool Decode(std::string_view* rest, Landing* out);
  void Take(Landing landing);
  void Shrink();
  void Index(size_t from);
  Status Rewrite();

  const std::string path_;
  const LandingLimits limits_;
  UniqueFd file_;
  size_t file_bytes_ = 0;
  std::deque<Landing> landings_;  // oldest first
  size_t hashes_ = 0;
  uint64_t first_ = 0;  // number of the oldest one
  // Content to the number of the newest landing with it.
  std::unordered_map<std::string, uint64_t> by_content_;
  // Hash of a person, number of a landing; sorted. Numbers below first_ are of
  // landings that are gone.
  std::vector<std::pair<uint64_t, uint64_t>> by_person_;
};

}  // namespace sekisho::agent
