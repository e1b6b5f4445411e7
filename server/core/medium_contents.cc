#include "server/core/medium_contents.h"

#include <algorithm>
#include <set>

namespace sekisho::core {
namespace {

using store::MarkKind;
using store::MediumLog;
using store::MediumMark;

constexpr WallTime kForever = WallTime::max();

bool IsFat(const std::string& filesystem) {
  return filesystem == "vfat" || filesystem == "exfat" || filesystem == "msdos";
}

// A complete listing, from the mount that it began with to its end.
struct Listing {
  WallTime from, to;
};

std::vector<Listing> ListingsOf(const MediumLog& log) {
  std::map<std::string, std::vector<WallTime>> mounts;
  for (const MediumMark& mark : log.marks) {
    if (mark.kind == MarkKind::kMounted) {
      mounts[mark.agent_id].push_back(mark.time);
    }
  }
  for (auto& [agent_id, times] : mounts) std::ranges::sort(times);
  std::vector<Listing> listings;
  for (const MediumMark& mark : log.marks) {
    if (mark.kind != MarkKind::kListed) continue;
    const auto& times = mounts[mark.agent_id];
    const auto after = std::ranges::upper_bound(times, mark.time);
    // Without its mount nothing can be said to be missing in it.
    if (after != times.begin()) listings.push_back({*(after - 1), mark.time});
  }
  std::ranges::sort(listings, {}, &Listing::from);
  return listings;
}

class Replay {
 public:
  explicit Replay(const MediumLog& log)
      : log_(log), listings_(ListingsOf(log)) {
    // The earliest end of the listings that begin at or after each.
    earliest_end_.resize(listings_.size());
    WallTime earliest = kForever;
    for (size_t i = listings_.size(); i-- > 0;) {
      earliest = std::min(earliest, listings_[i].to);
      earliest_end_[i] = earliest;
    }
  }

  MediumState Run() {
    std::vector<Point> points = Points();
    std::ranges::sort(points);
    for (const Point& point : points) Take(point);
    for (auto at = files_.begin(); at != files_.end();) {
      const auto next = std::next(at);
      Resolve(at, kForever);
      at = next;
    }
    MediumState state;
    for (auto& [key, file] : files_) state.files.push_back(file.file);
    std::ranges::sort(state.files, {}, &ContentFile::path);
    std::ranges::sort(gone_, std::greater(), [](const ContentFile& file) {
      return std::pair(*file.gone_time, file.path);
    });
    state.gone = std::move(gone_);
    return state;
  }

 private:
  enum class Of {
    kSeen,
    kCopy,
    kChange,
    kErased
  };  // at one time, in this order
  struct Point {
    WallTime time;
    Of of{};
    int64_t row_id = 0;
    int64_t place = 0;
    size_t index = 0;
    auto operator<=>(const Point&) const = default;
  };
  struct Tracked {
    ContentFile file;
    WallTime last_sign;  // it was there
  };
  using Files = std::map<std::string, Tracked>;

  std::vector<Point> Points() const {
    std::vector<Point> points;
    for (size_t i = 0; i < log_.seen.size(); ++i) {
      const auto& seen = log_.seen[i];
      points.push_back({seen.first_time, Of::kSeen, 0, 0, i});
      if (seen.last_time != seen.first_time) {
        points.push_back({seen.last_time, Of::kSeen, 0, 1, i});
      }
    }
    for (size_t i = 0; i < log_.copies.size(); ++i) {
      points.push_back(
          {log_.copies[i].time, Of::kCopy, log_.copies[i].row_id, 0, i});
    }
    for (size_t i = 0; i < log_.changes.size(); ++i) {
      const auto& change = log_.changes[i];
      points.push_back(
          {change.time, Of::kChange, change.row_id, change.place, i});
    }
    for (size_t i = 0; i < log_.marks.size(); ++i) {
      if (log_.marks[i].kind != MarkKind::kErased) continue;
      points.push_back(
          {log_.marks[i].time, Of::kErased, log_.marks[i].row_id, 0, i});
    }
    return points;
  }

  std::string Key(const std::string& path) const {
    return NameKey(path, log_.filesystem);
  }

  void Take(const Point& point) {
    switch (point.of) {
      case Of::kSeen:
        return Saw(log_.seen[point.index], point.time);
      case Of::kCopy:
        return Copied(log_.copies[point.index]);
      case Of::kChange:
        return Changed(log_.changes[point.index]);
      case Of::kErased:
        while (!files_.empty()) {
          Lose(files_.begin(), point.time, ContentFile::Gone::kErased);
        }
        return;
    }
  }

  // Missing in a listing that ended before `until`: it went elsewhere.
  // False: it is not there any more.
  bool Resolve(Files::iterator at, WallTime until) {
    const auto after = std::ranges::upper_bound(listings_, at->second.last_sign,
                                                {}, &Listing::from);
    if (after == listings_.end()) return true;
    const WallTime end =
        earliest_end_[static_cast<size_t>(after - listings_.begin())];
    if (end >= until) return true;
    Lose(at, end, ContentFile::Gone::kElsewhere);
    return false;
  }

  void Lose(Files::iterator at, WallTime when, ContentFile::Gone how) {
    ContentFile file = std::move(at->second.file);
    Forget(at);
    file.gone_time = when;
    file.gone = how;
    gone_.push_back(std::move(file));
  }

  void Forget(Files::iterator at) {
    // Of watching only, the place on the medium is not known exactly.
    if (at->first.starts_with('/')) {
      const auto [from, to] = watched_.equal_range(LastPart(at->first));
      for (auto watched = from; watched != to; ++watched) {
        if (watched->second == at->first) {
          watched_.erase(watched);
          break;
        }
      }
    }
    files_.erase(at);
  }

  // What is there at that time; end() if nothing.
  Files::iterator There(const std::string& key, WallTime time) {
    const auto at = files_.find(key);
    if (at == files_.end()) return at;
    return Resolve(at, time) ? at : files_.end();
  }

  static std::string LastPart(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
  }

  void Copied(const store::MediumCopy& copy) {
    const std::string key = Key(copy.path);
    Tracked& tracked = files_[key];
    tracked.file = {.path = copy.path,
                    .size_bytes = copy.bytes,
                    .copy_row_id = copy.row_id,
                    .since = copy.time};
    tracked.last_sign = copy.time;
    if (key.starts_with('/')) watched_.emplace(LastPart(key), key);
  }

  void Saw(const store::MediumSeen& seen, WallTime time) {
    const std::string key = Key(seen.path);
    auto at = There(key, time);
    if (at == files_.end()) at = TakeWatched(key, seen, time);
    if (at == files_.end()) {
      Tracked tracked;
      tracked.file = {.path = seen.path,
                      .size_bytes = seen.size_bytes,
                      .modify_time = seen.modify_time,
                      .since = time,
                      .terminal = seen.first_terminal};
      at = files_.emplace(key, std::move(tracked)).first;
    }
    ContentFile& file = at->second.file;
    if (file.size_bytes != seen.size_bytes) {
      file.other_size = true;
      file.other_time = false;
    } else if (file.modify_time && *file.modify_time != seen.modify_time &&
               !file.other_size) {
      file.other_time = true;
    }
    file.size_bytes = seen.size_bytes;
    file.modify_time = seen.modify_time;
    at->second.last_sign = std::max(at->second.last_sign, seen.last_time);
  }

  // A copy that was only watched is known by its path on the terminal.
  Files::iterator TakeWatched(const std::string& key,
                              const store::MediumSeen& seen, WallTime time) {
    const auto [from, to] = watched_.equal_range(LastPart(key));
    for (auto watched = from; watched != to; ++watched) {
      if (!watched->second.ends_with("/" + key)) continue;
      const auto at = There(watched->second, time);
      if (at == files_.end()) return at;  // gone, and `watched` with it
      if (at->second.file.size_bytes != seen.size_bytes) continue;
      Tracked tracked = at->second;
      tracked.file.path = seen.path;
      Forget(at);
      return files_.emplace(key, std::move(tracked)).first;
    }
    return files_.end();
  }

  void Changed(const store::MediumChange& change) {
    const std::string key = Key(change.path);
    if (change.change == event::v1::FILE_CHANGE_REMOVED) {
      const auto at = There(key, change.time);
      if (at != files_.end()) {
        Lose(at, change.time, ContentFile::Gone::kRemoved);
      }
      return;
    }
    if (change.change != event::v1::FILE_CHANGE_RENAMED) return;
    const std::string old_key = Key(change.old_path);
    if (old_key == key) {  // another spelling
      const auto at = There(key, change.time);
      if (at != files_.end()) at->second.file.path = change.path;
      return;
    }
    Move(old_key, key, change.path, change.time);
    // A folder: all below it. '0' comes after '/'.
    const std::string below = old_key + "/";
    std::vector<std::string> keys;
    for (auto at = files_.lower_bound(below);
         at != files_.end() && at->first.starts_with(below); ++at) {
      keys.push_back(at->first);
    }
    for (const std::string& inner : keys) {
      const auto at = files_.find(inner);
      const std::string rest =
          at->second.file.path.substr(change.old_path.size());
      Move(inner, key + inner.substr(old_key.size()), change.path + rest,
           change.time);
    }
  }

  void Move(const std::string& from, const std::string& to,
            const std::string& path, WallTime time) {
    const auto at = There(from, time);
    if (at == files_.end()) return;
    Tracked tracked = at->second;
    Forget(at);
    tracked.file.path = path;
    tracked.last_sign = std::max(tracked.last_sign, time);
    files_.insert_or_assign(to, std::move(tracked));
  }

  const MediumLog& log_;
  const std::vector<Listing> listings_;
  std::vector<WallTime> earliest_end_;
  Files files_;
  std::multimap<std::string, std::string> watched_;  // last part -> key
  std::vector<ContentFile> gone_;
};

DeviceFile ShownFile(const ContentFile& file) {
  DeviceFile shown;
  shown.path = file.path;
  shown.size_bytes = file.size_bytes;
  shown.modify_time = file.modify_time;
  shown.since = file.since;
  shown.terminal = file.terminal;
  shown.from_elsewhere = file.copy_row_id == 0;
  // Of what came from elsewhere nothing says how it was.
  shown.other_size = file.copy_row_id != 0 && file.other_size;
  shown.other_time = file.copy_row_id != 0 && file.other_time;
  shown.gone_time = file.gone_time;
  if (file.gone_time) {
    shown.gone = file.gone == ContentFile::Gone::kRemoved     ? "removed"
                 : file.gone == ContentFile::Gone::kElsewhere ? "elsewhere"
                                                              : "erased";
  }
  return shown;
}

Result<std::vector<DeviceFile>> WithCopies(
    store::Store& store, const std::vector<ContentFile>& files, size_t most) {
  std::vector<DeviceFile> shown;
  std::vector<int64_t> row_ids;
  for (const ContentFile& file : files) {
    if (shown.size() == most) break;
    shown.push_back(ShownFile(file));
    if (file.copy_row_id != 0) row_ids.push_back(file.copy_row_id);
  }
  ASSIGN_OR_RETURN(auto events, store.ReadEvents(row_ids));
  size_t next = 0;
  for (size_t i = 0; i < shown.size(); ++i) {
    if (files[i].copy_row_id == 0) continue;
    shown[i].terminal = events[next].terminal;
    shown[i].copy = std::move(events[next++]);
  }
  return shown;
}

void AddMarks(const MediumLog& log, MediumContents* contents) {
  std::optional<WallTime> lost, complete;
  for (const MediumMark& mark : log.marks) {
    switch (mark.kind) {
      case MarkKind::kMounted:
        break;
      case MarkKind::kListed:
        complete = std::max(complete, std::optional(mark.time));
        [[fallthrough]];
      case MarkKind::kCutShort:
        if (contents->list_time && *contents->list_time >= mark.time) break;
        contents->list_time = mark.time;
        contents->list_terminal = mark.terminal;
        contents->list_complete = mark.kind == MarkKind::kListed;
        contents->list_count = mark.present_count;
        break;
      case MarkKind::kLost:
        lost = std::max(lost, std::optional(mark.time));
        break;
      case MarkKind::kErased:
        if (contents->erase_time && *contents->erase_time >= mark.time) break;
        contents->erase_time = mark.time;
        contents->erased_bytes = mark.present_count;
        break;
    }
  }
  contents->behind = lost && (!complete || *complete < *lost);
}

Result<MediumContents> ContentsOf(store::Store& store, const MediumLog& log) {
  MediumContents contents;
  contents.volume = log.key.volume;
  contents.filesystem = log.filesystem;
  contents.label = log.label;
  contents.encryption = log.encryption;
  contents.last_time = log.last_time;
  contents.cut = log.cut;
  AddMarks(log, &contents);
  const MediumState state = StateOf(log);
  contents.file_count = std::ssize(state.files);
  for (const ContentFile& file : state.files) {
    contents.bytes += std::max<int64_t>(0, file.size_bytes);
    if (file.copy_row_id == 0) ++contents.from_elsewhere_count;
  }
  ASSIGN_OR_RETURN(contents.files,
                   WithCopies(store, state.files, kMaxShownFiles));
  ASSIGN_OR_RETURN(contents.gone, WithCopies(store, state.gone, kMaxShownGone));
  for (const DeviceFile& file : contents.files) {
    if (!file.copy) continue;
    const auto& part = file.copy->public_part;
    contents.persons += part.person_count();
    if (part.person_count() > 0) ++contents.personal_count;
    for (const auto& data : part.data()) {
      contents.data[data.type()] += data.value_count();
    }
  }
  contents.cut = contents.cut || state.files.size() > kMaxShownFiles ||
                 state.gone.size() > kMaxShownGone;
  return contents;
}

}  // namespace

std::string NameKey(const std::string& path, const std::string& filesystem) {
  if (!IsFat(filesystem)) return path;
  std::string key;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    std::string part = path.substr(begin, end - begin);
    for (char& c : part) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    // The short-name rules drop dots and blanks at the end.
    while (!part.empty() && (part.back() == '.' || part.back() == ' ')) {
      part.pop_back();
    }
    if (begin > 0) key += '/';
    key += part;
    begin = end + 1;
  }
  return key;
}

MediumState StateOf(const MediumLog& log) { return Replay(log).Run(); }

Result<DeviceContents> ReadDeviceContents(store::Store& store,
                                          const std::string& device_id,
                                          WallTime now) {
  DeviceFilter which;
  which.device_id = device_id;
  ASSIGN_OR_RETURN(const auto found, store.ListDevices(which, {1, ""}, now));
  if (device_id.empty() || found.rows.empty()) {
    return Fail(Code::kNotFound, "there is no device " + device_id);
  }
  DeviceContents contents;
  contents.device_id = device_id;
  ASSIGN_OR_RETURN(const auto media, store.ReadMedia(device_id));
  for (const MediumLog& log : media) {
    ASSIGN_OR_RETURN(MediumContents medium, ContentsOf(store, log));
    contents.media.push_back(std::move(medium));
  }
  return contents;
}

std::string SumText(const DeviceContents& contents) {
  int64_t files = 0, personal = 0, persons = 0;
  std::set<std::string> types;
  for (const MediumContents& medium : contents.media) {
    files += medium.file_count;
    personal += medium.personal_count;
    persons += medium.persons;
    for (const auto& [type, count] : medium.data) types.insert(type);
  }
  if (contents.media.empty()) return "what is on it was never seen";
  std::string text = std::to_string(files) + " files on it as far as known, " +
                     std::to_string(personal) + " with personal data of " +
                     std::to_string(persons) + " people";
  std::string joined;
  for (const std::string& type : types) {
    joined += (joined.empty() ? "" : ", ") + type;
  }
  return joined.empty() ? text : text + " (" + joined + ")";
}

}  // namespace sekisho::core
