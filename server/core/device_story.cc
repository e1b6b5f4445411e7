#include "server/core/device_story.h"

#include <algorithm>

#include "server/core/around.h"
#include "server/store/content_facts.h"

namespace sekisho::core {
namespace {

constexpr int kDaysOfYear = 364;
constexpr int kLooksRead = 1000;

std::vector<DevicePlace> PlacesOf(std::span<const Trace> traces,
                                  std::string Trace::* where) {
  std::map<std::string, DevicePlace> places;
  for (const Trace& trace : traces) {
    auto [at, added] = places.try_emplace(trace.*where);
    DevicePlace& place = at->second;
    if (added) {
      place = {trace.*where, trace.receive_time, trace.receive_time, {}};
    }
    place.first_time = std::min(place.first_time, trace.receive_time);
    place.last_time = std::max(place.last_time, trace.receive_time);
    Count(trace, place.counts);
  }
  std::vector<DevicePlace> sorted;
  for (auto& [value, place] : places) {
    sorted.push_back(std::move(place));
  }
  std::ranges::sort(sorted, std::greater(), &DevicePlace::last_time);
  return sorted;
}

Result<std::vector<DeviceStory::Look>> LooksOf(store::Store& store,
                                               const std::string& device_id) {
  EventFilter filter;
  filter.device_id = device_id;
  filter.kinds = {event::v1::EVENT_KIND_DEVICE_PLUGGED};
  ASSIGN_OR_RETURN(const auto plugs,
                   store.ListEvents(filter, {kLooksRead, ""}));
  std::vector<DeviceStory::Look> looks;
  for (const Event& plug : plugs.rows) {
    const auto& facts = plug.public_part.device();
    const auto same = [&](const DeviceStory::Look& look) {
      return look.descriptor_hash == facts.descriptor_hash();
    };
    const auto at = std::ranges::find_if(looks, same);
    if (at != looks.end()) {
      at->first_time = plug.receive_time;  // newest come first
    } else if (!facts.descriptor_hash().empty()) {
      looks.push_back({facts.descriptor_hash(),
                       facts.manufacturer() + " " + facts.product(),
                       plug.receive_time, plug.receive_time});
    }
  }
  return looks;
}

Result<std::vector<DeviceStory::Past>> PastOf(store::Store& store,
                                              const std::string& device_id) {
  EventFilter filter;
  filter.device_id = device_id;
  filter.kinds = {event::v1::EVENT_KIND_PAST};
  ASSIGN_OR_RETURN(const auto events,
                   store.ListEvents(filter, {kLooksRead, ""}));
  std::vector<DeviceStory::Past> past;
  for (const Event& event : events.rows) {
    past.push_back({std::min(store::TimeOf(event.public_part.past_time()),
                             event.receive_time),
                    event.terminal, event.public_part.past_source()});
  }
  std::ranges::sort(past, std::greater(), &DeviceStory::Past::time);
  return past;
}

Result<std::vector<std::string>> SameSerial(store::Store& store,
                                            const Device& device,
                                            WallTime now) {
  std::vector<std::string> others;
  if (device.weak_identity || device.facts.serial().empty()) {
    return others;
  }
  const std::string serial =
      device.device_id.substr(device.device_id.find(':', 5) + 1);
  DeviceFilter filter;
  filter.text = serial;
  ASSIGN_OR_RETURN(const auto found, store.ListDevices(filter, {100, ""}, now));
  for (const Device& other : found.rows) {
    if (other.device_id != device.device_id &&
        other.facts.serial() == device.facts.serial()) {
      others.push_back(other.device_id);
    }
  }
  return others;
}

}  // namespace

Result<DeviceStory> ReadDeviceStory(store::Store& store,
                                    const std::string& device_id, WallTime now,
                                    const policy::Zone& zone) {
  DeviceFilter which;
  which.device_id = device_id;
  ASSIGN_OR_RETURN(const auto found, store.ListDevices(which, {1, ""}, now));
  if (device_id.empty() || found.rows.empty()) {
    return Fail(Code::kNotFound, "there is no device " + device_id);
  }
  DeviceStory story;
  story.device = found.rows.front();
  EventFilter filter;
  filter.device_id = device_id;
  ASSIGN_OR_RETURN(const auto traces,
                   store.ListTraces(filter, kMaxDeviceTraces + 1));
  story.cut = std::ssize(traces) > kMaxDeviceTraces;
  story.weeks =
      Spread(traces, now - std::chrono::days(kDaysOfYear), now, 7, zone);
  story.sum = {story.device.first_seen_time, now, std::ssize(traces), {}};
  for (const Trace& trace : traces) {
    Count(trace, story.sum.counts);
    story.bytes += trace.bytes;
  }
  story.terminals = PlacesOf(traces, &Trace::terminal);
  story.persons = PlacesOf(traces, &Trace::person);
  ASSIGN_OR_RETURN(story.decisions, store.AuditOf("device " + device_id));
  ASSIGN_OR_RETURN(story.looks, LooksOf(store, device_id));
  ASSIGN_OR_RETURN(story.same_serial, SameSerial(store, story.device, now));
  ASSIGN_OR_RETURN(story.past, PastOf(store, device_id));
  return story;
}

}  // namespace sekisho::core
