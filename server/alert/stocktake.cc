#include "server/alert/stocktake.h"

namespace sekisho::alert {
namespace {

constexpr const char* kDue = "stocktake_due";
constexpr const char* kOverdue = "stocktake_overdue";

WallTime CountsFrom(const store::Device& device) {
  const WallTime approved = device.approve_time.value_or(WallTime());
  return std::max(approved, device.confirm_time.value_or(approved));
}

}  // namespace

Stock StockOf(const store::Device& device, const StocktakePlan& plan,
              WallTime now) {
  // A block is no use of it, and what is lost is not there.
  const bool in_use = !device.approved_access.empty() &&
                      device.approved_access != "block" && !device.lost;
  if (plan.every.count() <= 0 || !in_use) return Stock::kFine;
  const auto due = CountsFrom(device) + plan.every;
  if (now >= due) return Stock::kOverdue;
  return now >= due - plan.remind ? Stock::kDue : Stock::kFine;
}

Status StocktakeWatch::Load() {
  for (const char* kind : {kDue, kOverdue}) {
    store::AlertFilter filter;
    filter.kind = kind;
    filter.only_unresolved = true;
    store::Paging paging;
    paging.size = store::kMaxPageSize;
    do {
      ASSIGN_OR_RETURN(const auto page, store_.ListAlerts(filter, paging));
      for (const store::Alert& alert : page.rows) {
        open_.emplace(Key(kind, alert.device_id), alert.alert_id);
      }
      paging.token = page.next_token;
    } while (!paging.token.empty());
  }
  return {};
}

Status StocktakeWatch::Tick() {
  if (looked_ && clock_.SinceBoot() - *looked_ < kStocktakeLookedAtEvery) {
    return {};
  }
  looked_ = clock_.SinceBoot();
  std::map<Key, store::Device> wanted;
  store::DeviceFilter filter;
  filter.state = store::DeviceState::kApproved;
  store::Paging paging;
  paging.size = store::kMaxPageSize;
  do {
    ASSIGN_OR_RETURN(const auto page,
                     store_.ListDevices(filter, paging, clock_.Now()));
    for (const store::Device& device : page.rows) {
      const Stock stock = StockOf(device, plan_, clock_.Now());
      if (stock == Stock::kFine) continue;
      wanted.emplace(
          Key(stock == Stock::kDue ? kDue : kOverdue, device.device_id),
          device);
    }
    paging.token = page.next_token;
  } while (!paging.token.empty());
  for (auto it = open_.begin(); it != open_.end();) {
    if (wanted.contains(it->first)) {
      ++it;
      continue;
    }
    RETURN_IF_ERROR(store_.ResolveAlert(it->second, clock_.Now()));
    changes_.Tell({core::Change::What::kAlert, it->second, ""});
    it = open_.erase(it);
  }
  for (const auto& [key, device] : wanted) {
    if (!open_.contains(key)) RETURN_IF_ERROR(Open(key, device));
  }
  return {};
}

Status StocktakeWatch::Open(const Key& key, const store::Device& device) {
  const bool overdue = key.first == kOverdue;
  const std::string owner = device.owner.empty() ? "nobody" : device.owner;
  const WallTime since = CountsFrom(device);
  store::NewAlert alert;
  // Once for each time that it was confirmed.
  alert.key = key.first + ":" + key.second + ":" + FormatUtc(since);
  alert.alert.kind = key.first;
  alert.alert.severity = overdue ? "medium" : "low";
  alert.alert.title = (overdue ? "Overdue: nobody said since "
                               : "Stocktake: not confirmed since ") +
                      FormatUtc(since) + " that device " + key.second +
                      " is still there; " + owner + " answers for it";
  alert.alert.person = device.owner;
  alert.alert.device_id = key.second;
  alert.alert.create_time = clock_.Now();
  ASSIGN_OR_RETURN(const auto id, store_.AddAlert(alert));
  if (id) {
    open_[key] = *id;
    changes_.Tell({core::Change::What::kAlert, *id, ""});
  }
  return {};
}

}  // namespace sekisho::alert
