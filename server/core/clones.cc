#include "server/core/clones.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>

#include "common/text.h"
#include "server/core/device_id.h"
#include "server/core/event_alert.h"

namespace sekisho::core {
namespace {

using event::v1::EventKind;
using store::Event;

bool IsOf(const Event& event, const std::string& device_id,
          const std::vector<EventKind>& kinds) {
  return event.device_id == device_id &&
         std::ranges::find(kinds, event.public_part.kind()) != kinds.end();
}

// The newest of these kinds about the same device before `batch[at]`.
Result<std::optional<Event>> Before(store::Store& store,
                                    const std::vector<Event>& batch, size_t at,
                                    std::vector<EventKind> kinds) {
  const std::string& device_id = batch[at].device_id;
  for (size_t i = at; i > 0; --i) {
    if (IsOf(batch[i - 1], device_id, kinds)) return batch[i - 1];
  }
  store::EventFilter filter;
  filter.device_id = device_id;
  filter.kinds = std::move(kinds);
  ASSIGN_OR_RETURN(auto found, store.ListEvents(filter, {1, ""}));
  if (found.rows.empty()) return std::nullopt;
  return std::move(found.rows.front());
}

store::NewAlert Make(const Event& event, const std::string& which,
                     std::string severity, std::string title) {
  store::NewAlert made =
      AlertOf(event, kClonedKind, std::move(severity), std::move(title));
  made.key = made.alert.kind + ":" + event.device_id + ":" + which;
  return made;
}

// What was in it when it was switched off is told again when it starts; what is
// not told again was taken out meanwhile, which nobody saw.
Result<bool> StartedAnewSince(store::Store& store,
                              const std::vector<Event>& batch, size_t at,
                              const Event& there) {
  const auto anew = [&](const Event& event) {
    return event.row_id > there.row_id &&
           event.public_part.boot_id() != there.public_part.boot_id();
  };
  for (const Event& event :
       batch | std::views::take(at) | std::views::reverse) {
    if (event.agent_id == there.agent_id &&
        event.public_part.kind() == event::v1::EVENT_KIND_AGENT_STARTED) {
      return anew(event);
    }
  }
  store::EventFilter filter;
  filter.agent_id = there.agent_id;
  filter.kinds = {event::v1::EVENT_KIND_AGENT_STARTED};
  ASSIGN_OR_RETURN(const auto found, store.ListEvents(filter, {1, ""}));
  return !found.rows.empty() && anew(found.rows.front());
}

// A terminal that was not connected then may not have told yet that it went.
// Its newest heartbeat says nothing of then: this may be read much later.
Result<bool> IsStillThere(store::Store& store, const std::vector<Event>& batch,
                          size_t at, const Event& there) {
  const bool went = std::ranges::any_of(
      batch | std::views::drop(at + 1), [&](const Event& later) {
        return later.agent_id == there.agent_id &&
               IsOf(later, there.device_id,
                    {event::v1::EVENT_KIND_DEVICE_REMOVED});
      });
  if (went) return false;
  ASSIGN_OR_RETURN(const bool anew, StartedAnewSince(store, batch, at, there));
  if (anew) return false;
  const WallTime then = batch[at].receive_time;
  bool heard = false;
  RETURN_IF_ERROR(store.ReadCoverage(
      then - store::kMaxHeartbeatGap, then,
      {.only = there.terminal, .after = {}},
      [&](const store::AgentCoverage& row) -> Status {
        if (row.agent_id != there.agent_id ||
            (row.revoke_time && *row.revoke_time <= then)) {
          return {};
        }
        heard = std::ranges::any_of(row.heard, [&](const auto& span) {
          return span.to >= then - store::kMaxHeartbeatGap && span.from <= then;
        });
        return {};
      }));
  return heard;
}

Result<std::vector<store::NewAlert>> OfPlug(store::Store& store,
                                            const std::vector<Event>& batch,
                                            size_t at) {
  std::vector<store::NewAlert> alerts;
  const Event& event = batch[at];
  ASSIGN_OR_RETURN(const auto before,
                   Before(store, batch, at,
                          {event::v1::EVENT_KIND_DEVICE_PLUGGED,
                           event::v1::EVENT_KIND_DEVICE_REMOVED}));
  if (!before) return alerts;
  const std::string name = "Device " + event.device_id;
  const std::string& hash = event.public_part.device().descriptor_hash();
  const std::string& old = before->public_part.device().descriptor_hash();
  if (!hash.empty() && !old.empty() && hash != old) {
    alerts.push_back(
        Make(event, "descriptors:" + EscapeUntrusted(hash, 64), "high",
             name + " on " + event.terminal +
                 " has other descriptors than before on " + before->terminal +
                 ": another device with its serial, or new "
                 "firmware"));
  }
  const bool elsewhere =
      before->public_part.kind() == event::v1::EVENT_KIND_DEVICE_PLUGGED &&
      before->agent_id != event.agent_id;
  if (!elsewhere) return alerts;
  ASSIGN_OR_RETURN(const bool there, IsStillThere(store, batch, at, *before));
  if (there) {
    alerts.push_back(
        Make(event,
             "twice:" + std::min(event.agent_id, before->agent_id) + ":" +
                 std::max(event.agent_id, before->agent_id) + ":" +
                 FormatUtc(event.receive_time).substr(0, 10),
             "high",
             name + " was plugged into " + event.terminal + " while it is in " +
                 before->terminal + " too: there are two with its serial"));
  }
  return alerts;
}

Result<std::vector<store::NewAlert>> OfMedium(store::Store& store,
                                              const std::vector<Event>& batch,
                                              size_t at) {
  std::vector<store::NewAlert> alerts;
  const Event& event = batch[at];
  ASSIGN_OR_RETURN(
      const auto before,
      Before(store, batch, at, {event::v1::EVENT_KIND_MEDIUM_MOUNTED}));
  if (!before) return alerts;
  const int64_t size = event.public_part.device().medium_size_bytes();
  const int64_t old = before->public_part.device().medium_size_bytes();
  if (size > 0 && old > 0 && size != old) {
    alerts.push_back(
        Make(event, "size:" + std::to_string(size), "medium",
             "Device " + event.device_id + " on " + event.terminal + " holds " +
                 std::to_string(size) + " bytes, before on " +
                 before->terminal + " it held " + std::to_string(old) +
                 ": another device with its serial, or a reader "
                 "with another card"));
  }
  return alerts;
}

}  // namespace

Result<std::vector<store::NewAlert>> ClonesIn(store::Store& store,
                                              const std::vector<Event>& batch,
                                              size_t at) {
  const Event& event = batch[at];
  if (event.device_id.empty() ||
      IsWeakSerial(event.public_part.device().serial())) {
    return std::vector<store::NewAlert>();
  }
  switch (event.public_part.kind()) {
    case event::v1::EVENT_KIND_DEVICE_PLUGGED:
      return OfPlug(store, batch, at);
    case event::v1::EVENT_KIND_MEDIUM_MOUNTED:
      return OfMedium(store, batch, at);
    default:
      return std::vector<store::NewAlert>();
  }
}

}  // namespace sekisho::core
