#include "server/core/elsewhere.h"

#include <algorithm>
#include <charconv>

namespace sekisho::core {
namespace {

// Consoles read the newest page again anyway.
constexpr int64_t kMostRows = 50;

}  // namespace

Elsewhere::Elsewhere(store::Store& store, Presence& presence, Changes& changes,
                     const Clock& clock)
    : store_(store), presence_(presence), changes_(changes), clock_(clock) {
  if (!store_.IsShared()) return;
  subscription_ = changes_.Subscribe([this](const Change& change) {
    std::lock_guard lock(mutex_);
    told_.emplace(change.what, change.row_id);
  });
}

Status Elsewhere::Tick() {
  if (!store_.IsShared()) return {};
  const BootTime now = clock_.SinceBoot();
  if (asked_ == BootTime{} || now - asked_ >= kSeenEvery) {
    asked_ = now;
    ASSIGN_OR_RETURN(const auto seen, store_.LastSeen());
    for (const store::SeenAgent& agent : seen) {
      presence_.HeardElsewhere(agent.agent_id, agent.time);
    }
  }
  if (looked_ != BootTime{} && now - looked_ < kNewsEvery) return {};
  looked_ = now;
  ASSIGN_OR_RETURN(const store::News news,
                   store_.ReadNews(mark_.value_or(store::NewsMark())));
  if (mark_) {
    TellRows(Change::What::kEvent, mark_->event_row_id, news.upto.event_row_id);
    TellRows(Change::What::kAlert, mark_->alert_id, news.upto.alert_id);
    for (const std::string& object : news.objects) TellObject(object);
  }
  mark_ = news.upto;
  std::lock_guard lock(mutex_);
  told_.clear();
  return {};
}

void Elsewhere::TellRows(Change::What what, int64_t after, int64_t upto) {
  for (int64_t row = std::max(after, upto - kMostRows) + 1; row <= upto;
       ++row) {
    {
      std::lock_guard lock(mutex_);
      if (told_.contains({what, row})) continue;
    }
    changes_.Tell({what, row, ""});
  }
}

// As the audit log writes it: "alert 17".
void Elsewhere::TellObject(const std::string& object) {
  const size_t space = object.find(' ');
  if (space == std::string::npos) return;
  const std::string word = object.substr(0, space);
  const std::string name = object.substr(space + 1);
  int64_t number = 0;
  std::from_chars(name.data(), name.data() + name.size(), number);
  if (word == "alert" || word == "request") {
    TellRows(Change::What::kAlert, number - 1, number);
  } else if (word == "containment") {
    TellRows(Change::What::kContain, number - 1, number);
  } else if (word == "case") {
    TellRows(Change::What::kCase, number - 1, number);
  } else if (word == "review") {
    TellRows(Change::What::kReview, number - 1, number);
  } else if (word == "policy") {
    changes_.Tell({Change::What::kPolicy, 0, ""});
  } else if (word == "device") {
    changes_.Tell({Change::What::kDevice, 0, name});
  } else if (word == "agent") {
    changes_.Tell({Change::What::kAgent, 0, name});
  }
}

}  // namespace sekisho::core
