#include "agent/totals.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "agent/record_bytes.h"
#include "common/file.h"
#include "policy/words.h"

namespace sekisho::agent {
namespace {

constexpr std::string_view kMagic = "SKTOTAL1";
constexpr size_t kMaxNameBytes = 512;
constexpr size_t kHashBytes = 8;

int64_t HourOf(WallTime now) {
  return std::chrono::floor<std::chrono::hours>(now.time_since_epoch()).count();
}

// Sums of what others choose stay sums.
int64_t Plus(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, std::max<int64_t>(b, 0), &sum) ? INT64_MAX
                                                                  : sum;
}

}  // namespace

Result<std::unique_ptr<Totals>> Totals::Open(const std::string& path,
                                             WallTime now,
                                             std::string* problem) {
  std::unique_ptr<Totals> totals(new Totals(path));
  const auto text = ReadFileAt(AT_FDCWD, path, kMaxTotalsFileBytes * 2);
  if (text) {
    std::string_view rest = *text;
    bool good = rest.starts_with(kMagic);
    if (good) rest.remove_prefix(kMagic.size());
    while (good && !rest.empty()) {
      Entry entry;
      good = Decode(&rest, &entry);
      if (good) totals->Take(std::move(entry));
    }
    if (!good) *problem = path + " is damaged; what stood after it is lost";
  } else if (text.error().code != Code::kNotFound) {
    *problem = text.error().message;
  }
  totals->Forget(HourOf(now) - policy::kMaxTotalHours);
  RETURN_IF_ERROR(totals->Rewrite());
  return totals;
}

std::string Totals::Encode(const Entry& entry) {
  std::string body;
  PutNumber(body, static_cast<uint64_t>(entry.hour));
  PutNumber(body, static_cast<uint64_t>(entry.files));
  PutNumber(body, static_cast<uint64_t>(entry.bytes));
  PutNumber(body, static_cast<uint64_t>(entry.uncounted));
  PutText(body, entry.person);
  PutText(body, entry.device);
  PutNumber(body, entry.people.size());
  for (const uint64_t hash : entry.people) PutNumber(body, hash);
  return Framed(body);
}

bool Totals::Decode(std::string_view* rest, Entry* out) {
  std::string_view body;
  if (!TakeFrame(rest, &body)) return false;
  for (int64_t* number :
       {&out->hour, &out->files, &out->bytes, &out->uncounted}) {
    uint64_t value = 0;
    if (!TakeNumber(&body, &value)) return false;
    *number = static_cast<int64_t>(value);
  }
  uint64_t count = 0;
  if (!TakeText(&body, kMaxNameBytes, &out->person) ||
      !TakeText(&body, kMaxNameBytes, &out->device) ||
      !TakeNumber(&body, &count) || count != body.size() / kHashBytes) {
    return false;
  }
  out->people.resize(count);
  return std::ranges::all_of(
      out->people, [&](uint64_t& hash) { return TakeNumber(&body, &hash); });
}

void Totals::Take(Entry entry) {
  hashes_ += entry.people.size();
  // One entry an hour, person and device; the clock may have been set back.
  auto same = entries_.rbegin();
  while (same != entries_.rend() && same->hour >= entry.hour &&
         (same->hour != entry.hour || same->person != entry.person ||
          same->device != entry.device)) {
    ++same;
  }
  if (same != entries_.rend() && same->hour == entry.hour) {
    same->files = Plus(same->files, entry.files);
    same->bytes = Plus(same->bytes, entry.bytes);
    same->uncounted = Plus(same->uncounted, entry.uncounted);
    same->people.insert(same->people.end(), entry.people.begin(),
                        entry.people.end());
    std::ranges::sort(same->people);
    const auto repeated = std::ranges::unique(same->people);
    hashes_ -= repeated.size();
    same->people.erase(repeated.begin(), repeated.end());
  } else {
    const auto at =
        std::ranges::upper_bound(entries_, entry.hour, {}, &Entry::hour);
    entries_.insert(at, std::move(entry));
  }
  // Full: the oldest people become numbers, the oldest entries go.
  for (Entry& old : entries_) {
    if (hashes_ <= kMaxTotalHashes) break;
    hashes_ -= old.people.size();
    old.uncounted =
        Plus(old.uncounted, static_cast<int64_t>(old.people.size()));
    old.people.clear();
  }
  while (entries_.size() > kMaxTotalEntries) {
    hashes_ -= entries_.front().people.size();
    entries_.pop_front();
  }
}

void Totals::Forget(int64_t oldest_hour) {
  while (!entries_.empty() && entries_.front().hour < oldest_hour) {
    hashes_ -= entries_.front().people.size();
    entries_.pop_front();
  }
}

Status Totals::Rewrite() {
  std::string text(kMagic);
  for (const Entry& entry : entries_) text += Encode(entry);
  RETURN_IF_ERROR(ReplaceFile(path_, text, 0600));
  ASSIGN_OR_RETURN(file_, OpenAt(AT_FDCWD, path_, O_WRONLY | O_APPEND));
  file_bytes_ = text.size();
  return {};
}

int64_t Totals::Sum(const policy::TotalKey& key, const Transfer& transfer,
                    WallTime now) const {
  // The hour that is running and as many whole ones before it.
  const int64_t first = HourOf(now) - key.hours;
  int64_t files = transfer.files;
  int64_t bytes = std::max<int64_t>(transfer.bytes, 0);
  int64_t persons = std::max<int64_t>(
      transfer.persons - static_cast<int64_t>(transfer.people.size()), 0);
  std::vector<uint64_t> people = transfer.people;
  for (const Entry& entry : entries_) {
    const bool counts =
        entry.hour >= first &&
        (key.by != policy::TotalBy::kPerson ||
         entry.person == transfer.person) &&
        (key.by != policy::TotalBy::kDevice || entry.device == transfer.device);
    if (!counts) continue;
    files = Plus(files, entry.files);
    bytes = Plus(bytes, entry.bytes);
    persons = Plus(persons, entry.uncounted);
    if (key.of == policy::TotalOf::kPersons) {
      people.insert(people.end(), entry.people.begin(), entry.people.end());
    }
  }
  if (key.of == policy::TotalOf::kFiles) return files;
  if (key.of == policy::TotalOf::kBytes) return bytes;
  std::ranges::sort(people);
  const auto repeated = std::ranges::unique(people);
  return Plus(persons, static_cast<int64_t>(people.size() - repeated.size()));
}

Status Totals::Add(const Transfer& transfer, WallTime now,
                   Durability durability) {
  Entry entry;
  entry.hour = HourOf(now);
  entry.person = transfer.person.substr(0, kMaxNameBytes);
  entry.device = transfer.device.substr(0, kMaxNameBytes);
  entry.files = transfer.files;
  entry.bytes = std::max<int64_t>(transfer.bytes, 0);
  entry.people = transfer.people;
  entry.uncounted = std::max<int64_t>(
      transfer.persons - static_cast<int64_t>(transfer.people.size()), 0);
  const std::string bytes = Encode(entry);
  Take(std::move(entry));
  Forget(HourOf(now) - policy::kMaxTotalHours);
  if (file_bytes_ + bytes.size() > kMaxTotalsFileBytes) return Rewrite();
  RETURN_IF_ERROR(WriteAll(file_.get(), AsBytes(bytes)));
  file_bytes_ += bytes.size();
  if (durability == Durability::kDisk && ::fdatasync(file_.get()) != 0) {
    return FailErrno("fdatasync " + path_);
  }
  return {};
}

std::vector<uint64_t> HashesIn(std::string_view keyed_hashes) {
  std::vector<uint64_t> hashes;
  for (size_t at = 0; at + kHashBytes <= keyed_hashes.size();
       at += kHashBytes) {
    uint64_t hash = 0;
    std::memcpy(&hash, keyed_hashes.data() + at, kHashBytes);
    hashes.push_back(hash);
  }
  std::ranges::sort(hashes);
  const auto repeated = std::ranges::unique(hashes);
  hashes.erase(repeated.begin(), repeated.end());
  return hashes;
}

Totals::Transfer TransferOf(const std::string& person,
                            const policy::DeviceFacts& device,
                            const ipc::Findings& findings) {
  Totals::Transfer transfer;
  transfer.person = person.empty() ? "unknown" : person;
  transfer.device =
      device.vendor_id + ":" + device.product_id + ":" + device.serial;
  transfer.bytes = findings.bytes;
  transfer.persons = findings.persons;
  for (const ipc::SketchFinding& sketch : findings.sketches) {
    // The strongest identity of each record.
    if (sketch.kind == "row") transfer.people = HashesIn(sketch.keyed_hashes);
  }
  return transfer;
}

}  // namespace sekisho::agent
