#include "server/alert/drips.h"

#include "common/bytes.h"
#include "proto/event_bytes.h"
#include "server/core/event_alert.h"

namespace sekisho::alert {
namespace {

// Whose copies nobody can tell apart is nobody's sum.
bool IsSomebody(const std::string& person) {
  return !person.empty() && person != "unknown";
}

}  // namespace

Status DripWatch::Load() {
  store::AlertFilter filter;
  filter.kind = kDripKind;
  filter.from = clock_.Now() - kDripSpan;
  filter.with_suppressed = true;
  store::Paging paging;
  paging.size = store::kMaxPageSize;
  do {
    ASSIGN_OR_RETURN(const auto page, store_.ListAlerts(filter, paging));
    for (const store::Alert& alert : page.rows) {
      told_.try_emplace(alert.person, Told{alert.create_time});
    }
    paging.token = page.next_token;
  } while (!paging.token.empty());
  return {};
}

Status DripWatch::Tick() {
  if (looked_ && clock_.SinceBoot() - *looked_ < kDripsLookedAtEvery) return {};
  looked_ = clock_.SinceBoot();
  const WallTime now = clock_.Now();
  const WallTime from = now - kDripSpan;
  std::erase_if(told_, [&](const auto& one) { return one.second.time < from; });
  ASSIGN_OR_RETURN(const auto people,
                   store_.CountBy(store::TopBy::kPerson, from, now, {}));
  for (const store::TopRow& row : people) {
    if (!IsSomebody(row.value) || row.counts.persons_written < kDripPersons) {
      continue;
    }
    const auto told = told_.find(row.value);
    if (told != told_.end() && told->second.persons != 0 &&
        row.counts.persons_written < 2 * told->second.persons) {
      continue;
    }
    ASSIGN_OR_RETURN(const Carried carried, CarriedBy(row.value, from));
    if (told != told_.end() && told->second.persons == 0) {
      told->second.persons = carried.persons;
      continue;
    }
    if (carried.persons < kDripPersons ||
        carried.terminals.size() < kDripTerminals ||
        (told != told_.end() && carried.persons < 2 * told->second.persons)) {
      continue;
    }
    RETURN_IF_ERROR(Tell(row.value, carried));
  }
  return {};
}

// What somebody granted was looked at one by one.
Result<DripWatch::Carried> DripWatch::CarriedBy(const std::string& person,
                                                WallTime from) {
  Carried carried;
  store::EventFilter filter;
  filter.person = person;
  filter.kinds = {event::v1::EVENT_KIND_TRANSFER};
  filter.from = from;
  RETURN_IF_ERROR(
      store_.ScanEvents(filter, [&](const store::Event& event) -> Status {
        const auto& part = event.public_part;
        if (part.grant_id() != 0 || part.persons_written_count() <= 0) {
          return {};
        }
        carried.persons += part.persons_written_count();
        ++carried.copies;
        carried.terminals[event.terminal] += part.persons_written_count();
        carried.devices[event.device_id] += part.persons_written_count();
        carried.newest = event;
        return {};
      }));
  return carried;
}

Status DripWatch::Tell(const std::string& person, const Carried& carried) {
  store::NewAlert alert = core::AlertOf(
      carried.newest, kDripKind, "high",
      "Within 30 days one person carried data of about " +
          std::to_string(carried.persons) + " people away in " +
          std::to_string(carried.copies) + " copies, from " +
          std::to_string(carried.terminals.size()) + " terminals to " +
          std::to_string(carried.devices.size()) +
          " media; no terminal saw more than its part");
  alert.alert.create_time = clock_.Now();
  alert.key = std::string(kDripKind) + ":" +
              ToHex(event::Sha256(AsBytes(person))).substr(0, 16) + ":" +
              std::to_string(clock_.Now().time_since_epoch().count());
  ASSIGN_OR_RETURN(const auto id, store_.AddAlert(alert));
  told_[person] = {clock_.Now(), carried.persons};
  if (id) changes_.Tell({core::Change::What::kAlert, *id, ""});
  return {};
}

}  // namespace sekisho::alert
