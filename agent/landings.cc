#include "agent/landings.h"

#include <fcntl.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "agent/record_bytes.h"
#include "agent/totals.h"
#include "common/file.h"

namespace sekisho::agent {
namespace {

constexpr std::string_view kMagic = "SKLANDS1";
constexpr size_t kMaxFileBytes = size_t{32} << 20;
constexpr size_t kMaxPathBytes = 1024;
constexpr size_t kMaxPersonBytes = 256;
constexpr size_t kMaxHosts = 8;
constexpr size_t kMaxHostBytes = 256;
constexpr size_t kMaxIdBytes = 64;
// People that two contents must have in common.
constexpr size_t kFewestShared = 10;

// Above it the sample says nothing about who is in it.
uint64_t KnownUpTo(const Landing& landing) {
  if (landing.all_people) return UINT64_MAX;
  return landing.people.empty() ? 0 : landing.people.back();
}

bool SharesPeople(const Landing& known, const Landing& asked, size_t* shared) {
  const uint64_t limit = std::min(KnownUpTo(known), KnownUpTo(asked));
  size_t judged = 0;
  *shared = 0;
  for (const uint64_t hash : asked.people) {
    if (hash > limit) break;
    ++judged;
    if (std::ranges::binary_search(known.people, hash)) ++*shared;
  }
  return *shared >= kFewestShared && *shared * 2 >= judged;
}

}  // namespace

Landing LandingOf(const ipc::Findings& findings) {
  Landing landing;
  landing.content_hash = findings.file_hash;
  landing.people = HashesIn(findings.people_sample);
  if (landing.people.size() > kMaxSampleHashes) {
    landing.people.resize(kMaxSampleHashes);
  }
  landing.all_people = landing.people.size() < kMaxSampleHashes;
  return landing;
}

Result<std::unique_ptr<Landings>> Landings::Open(const std::string& path,
                                                 std::string* problem,
                                                 LandingLimits limits) {
  std::unique_ptr<Landings> landings(new Landings(path, limits));
  const auto text = ReadFileAt(AT_FDCWD, path, kMaxFileBytes * 2);
  if (text) {
    std::string_view rest = *text;
    bool good = rest.starts_with(kMagic);
    if (good) rest.remove_prefix(kMagic.size());
    while (good && !rest.empty()) {
      Landing landing;
      good = Decode(&rest, &landing);
      if (good) landings->Take(std::move(landing));
    }
    if (!good) *problem = path + " is damaged; what stood after it is lost";
  } else if (text.error().code != Code::kNotFound) {
    *problem = text.error().message;
  }
  landings->Index(0);
  RETURN_IF_ERROR(landings->Rewrite());
  return landings;
}

std::string Landings::Encode(const Landing& landing) {
  std::string body;
  PutNumber(body,
            static_cast<uint64_t>(landing.time.time_since_epoch().count()));
  PutNumber(body, landing.all_people ? 1 : 0);
  PutText(body, landing.event_id);
  PutText(body, landing.content_hash);
  PutText(body, landing.path);
  PutText(body, landing.person);
  PutNumber(body, landing.source_hosts.size());
  for (const std::string& host : landing.source_hosts) PutText(body, host);
  PutNumber(body, landing.people.size());
  for (const uint64_t hash : landing.people) PutNumber(body, hash);
  return Framed(body);
}

bool Landings::Decode(std::string_view* rest, Landing* out) {
  std::string_view body;
  uint64_t time = 0;
  uint64_t all = 0;
  uint64_t count = 0;
  if (!TakeFrame(rest, &body) || !TakeNumber(&body, &time) ||
      !TakeNumber(&body, &all) ||
      !TakeText(&body, kMaxIdBytes, &out->event_id) ||
      !TakeText(&body, kMaxIdBytes, &out->content_hash) ||
      !TakeText(&body, kMaxPathBytes, &out->path) ||
      !TakeText(&body, kMaxPersonBytes, &out->person) ||
      !TakeNumber(&body, &count) || count > kMaxHosts) {
    return false;
  }
  out->time = WallTime(std::chrono::microseconds(static_cast<int64_t>(time)));
  out->all_people = all == 1;
  out->source_hosts.resize(count);
  for (std::string& host : out->source_hosts) {
    if (!TakeText(&body, kMaxHostBytes, &host)) return false;
  }
  if (!TakeNumber(&body, &count) || count > kMaxSampleHashes) return false;
  out->people.resize(count);
  return std::ranges::all_of(
      out->people, [&](uint64_t& hash) { return TakeNumber(&body, &hash); });
}

void Landings::Take(Landing landing) {
  hashes_ += landing.people.size();
  if (!landing.content_hash.empty()) {
    by_content_[landing.content_hash] = first_ + landings_.size();
  }
  landings_.push_back(std::move(landing));
  while (landings_.size() > limits_.landings) {
    const Landing& oldest = landings_.front();
    hashes_ -= oldest.people.size();
    const auto named = by_content_.find(oldest.content_hash);
    if (named != by_content_.end() && named->second == first_) {
      by_content_.erase(named);
    }
    landings_.pop_front();
    ++first_;
  }
  Shrink();
}

// The oldest are then known by their content alone.
void Landings::Shrink() {
  for (Landing& old : landings_) {
    if (hashes_ <= limits_.hashes) break;
    hashes_ -= old.people.size();
    old.people = {};
  }
}

// Landings from the `from`-th on are new to the index.
void Landings::Index(size_t from) {
  const auto gone = [this](const auto& entry) {
    return entry.second < first_ ||
           landings_[entry.second - first_].people.empty();
  };
  if (by_person_.size() > hashes_ + limits_.hashes / 4) {
    std::erase_if(by_person_, gone);
  }
  decltype(by_person_) added;
  for (size_t i = from; i < landings_.size(); ++i) {
    for (const uint64_t hash : landings_[i].people) {
      added.emplace_back(hash, first_ + i);
    }
  }
  std::ranges::sort(added);
  decltype(by_person_) merged;
  merged.reserve(by_person_.size() + added.size());
  std::ranges::merge(by_person_, added, std::back_inserter(merged));
  by_person_ = std::move(merged);
}

std::optional<Landings::Match> Landings::Find(const Landing& content) const {
  const auto same = by_content_.find(content.content_hash);
  if (same != by_content_.end()) {
    return Match{landings_[same->second - first_], By::kContent};
  }
  if (content.people.size() < kFewestShared) return std::nullopt;
  std::map<uint64_t, size_t> counts;
  for (const uint64_t hash : content.people) {
    auto at = std::ranges::lower_bound(by_person_, std::pair(hash, first_));
    for (; at != by_person_.end() && at->first == hash; ++at) {
      ++counts[at->second];
    }
  }
  const Landing* best = nullptr;
  size_t most = 0;
  for (const auto& [number, count] : counts) {
    if (count < kFewestShared) continue;
    const Landing& landing = landings_[number - first_];
    size_t shared = 0;
    // The newest of those with the same number.
    if (SharesPeople(landing, content, &shared) && shared >= most) {
      best = &landing;
      most = shared;
    }
  }
  if (best == nullptr) return std::nullopt;
  return Match{*best, By::kPeople};
}

Status Landings::Rewrite() {
  std::string text(kMagic);
  for (const Landing& landing : landings_) text += Encode(landing);
  RETURN_IF_ERROR(ReplaceFile(path_, text, 0600));
  ASSIGN_OR_RETURN(file_, OpenAt(AT_FDCWD, path_, O_WRONLY | O_APPEND));
  file_bytes_ = text.size();
  return {};
}

Status Landings::Add(Landing landing) {
  landing.path.resize(std::min(landing.path.size(), kMaxPathBytes));
  landing.person.resize(std::min(landing.person.size(), kMaxPersonBytes));
  landing.source_hosts.resize(std::min(landing.source_hosts.size(), kMaxHosts));
  for (std::string& host : landing.source_hosts) {
    host.resize(std::min(host.size(), kMaxHostBytes));
  }
  const std::string bytes = Encode(landing);
  Take(std::move(landing));
  Index(landings_.size() - 1);
  if (file_bytes_ + bytes.size() > kMaxFileBytes) return Rewrite();
  // What a power cut takes is a link to a landing, not the landing's event.
  RETURN_IF_ERROR(WriteAll(file_.get(), AsBytes(bytes)));
  file_bytes_ += bytes.size();
  return {};
}

}  // namespace sekisho::agent
