// The clock of the month and what it comes to; what happens in it stands in the
// files beside.
#include "tests/simulation/month.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace sekisho::simulation {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;

// 2026-11-01, a Sunday, 00:00 in Japan.
constexpr WallTime kBegin{seconds(1'793'458'800)};
constexpr auto kStep = seconds(10);
constexpr auto kBeatEvery = seconds(30);
constexpr auto kLookEvery = minutes(5);
// When nothing happened for so long nothing is held that a tick would turn.
constexpr auto kQuietAfter = minutes(3);
constexpr auto kQuietStep = minutes(1);

}  // namespace

const char* Name(Incident incident) {
  switch (incident) {
    case Incident::kDrip:
      return "drip";
    case Incident::kTamper:
      return "tamper";
    case Incident::kClone:
      return "clone";
  }
  return "";
}

Desk DeskOf(const store::Alert& alert) {
  static constexpr std::string_view kRequests[] = {
      "approval_request", "unlock_request", "renewal_asked"};
  if (std::ranges::find(kRequests, alert.kind) != std::end(kRequests)) {
    return Desk::kRequests;
  }
  return alert.severity == "low" ? Desk::kIt : Desk::kSoc;
}

Month::Month(MonthOptions options)
    : options_(std::move(options)), begin_(kBegin), dice_(options_.seed) {
  premises_ = std::make_unique<Premises>(options_.dir, begin_ - days(366));
  MakeSites();
  MakeSticks();
  PushFirstPolicy();
  EnrolAll();
  ImportRegister();
}

void Month::At(WallTime time, std::function<void()> act) {
  plan_.push({time, ++order_, std::move(act)});
}

WallTime Month::TimeOf(int day, int minute, int second) const {
  return begin_ + days(day) + minutes(minute) + seconds(second);
}

// Whoever is connected and not given the newest yet hears of it within 40 s.
void Month::TellOfPolicy() {
  if (premises_->policy_announced() == policies_heard_of_) return;
  policies_heard_of_ = premises_->policy_announced();
  for (size_t i = 0; i < terminals_.size(); ++i) {
    At(premises_->clock().Now() + seconds(dice_.Roll(2, 40)), [this, i] {
      Terminal& one = Of(i);
      one.TakePolicy(premises_->rollouts().Wanted(one.agent_id(), one.name()),
                     false);
    });
  }
}

void Month::RunDay(int day) {
  PlanDay(day);
  const WallTime end = TimeOf(day + 1, 0);
  SetClock& clock = premises_->clock();
  for (WallTime at = TimeOf(day, 0); at < end; at += kStep) {
    for (WallTime second = at; second < at + kStep; second += seconds(1)) {
      while (!plan_.empty() && plan_.top().time < second + seconds(1)) {
        const auto act = plan_.top().act;
        busy_until_ = plan_.top().time + kQuietAfter;
        clock.Set(plan_.top().time);
        plan_.pop();
        act();
      }
      clock.Set(second);
      const auto which =
          std::chrono::floor<seconds>(second.time_since_epoch()).count() %
          kBeatEvery.count();
      for (const size_t i : beats_[static_cast<size_t>(which)]) {
        Of(i).Beat(options_.keep_every_beat);
      }
    }
    clock.Set(at + kStep);
    if (at > busy_until_ &&
        (at + kStep).time_since_epoch() % kQuietStep != seconds(0)) {
      continue;
    }
    premises_->Step();
    TellOfPolicy();
    if ((at + kStep).time_since_epoch() % kLookEvery == seconds(0)) {
      LookAtAlerts();
    }
  }
  LookAtAlerts();
}

MonthResult Month::Run() {
  PlanIncidents();
  for (int day = 0; day < options_.days; ++day) {
    RunDay(day);
    if (options_.show_progress) {
      const auto by_day = [&] {
        result_.days = day + 1;
        return result_.SocAlertsByDay().back();
      }();
      std::fprintf(stderr, "day %2d: %d for the SOC\n", day + 1, by_day);
    }
  }
  result_.days = options_.days;
  result_.terminals = options_.terminals;
  result_.events = Must(premises_->store().LogHead()).size;
  return std::move(result_);
}

std::vector<int> MonthResult::SocAlertsByDay() const {
  std::vector<int> by_day(static_cast<size_t>(days), 0);
  for (const Opened& one : opened) {
    if (DeskOf(one.alert) != Desk::kSoc || one.alert.suppression_id != 0 ||
        one.day < 0 || one.day >= days) {
      continue;
    }
    ++by_day[static_cast<size_t>(one.day)];
  }
  return by_day;
}

const Opened* MonthResult::Finding(Incident incident) const {
  const auto found = std::ranges::find_if(opened, [&](const Opened& one) {
    return one.planted == incident && DeskOf(one.alert) == Desk::kSoc &&
           one.alert.suppression_id == 0;
  });
  return found == opened.end() ? nullptr : &*found;
}

std::string Report(const MonthResult& result) {
  std::string text = fmt::format(
      "{} terminals, {} days, {} events\n\n"
      "day   SOC  planted    IT  requests  kept back\n",
      result.terminals, result.days, result.events);
  struct Row {
    int soc = 0, planted = 0, it = 0, requests = 0, kept = 0;
  };
  std::map<int, Row> by_day;
  std::map<std::string, Row> by_rule;
  for (int day = 0; day < result.days; ++day) by_day[day];
  for (const Opened& one : result.opened) {
    const std::string rule =
        one.alert.kind + (one.alert.rule.empty() ? "" : ", " + one.alert.rule) +
        " (" + one.alert.severity + ")";
    for (Row* row : {&by_day[one.day], &by_rule[rule]}) {
      const Desk desk = DeskOf(one.alert);
      row->kept += one.alert.suppression_id != 0 ? 1 : 0;
      if (one.alert.suppression_id != 0) continue;
      row->soc += desk == Desk::kSoc ? 1 : 0;
      row->it += desk == Desk::kIt ? 1 : 0;
      row->requests += desk == Desk::kRequests ? 1 : 0;
      row->planted += desk == Desk::kSoc && one.planted ? 1 : 0;
    }
  }
  Row sum;
  const auto line = [](const std::string& name, const Row& row) {
    return fmt::format("{:<4} {:>4} {:>8} {:>5} {:>9} {:>10}\n", name, row.soc,
                       row.planted, row.it, row.requests, row.kept);
  };
  for (const auto& [day, row] : by_day) {
    text += line(std::to_string(day + 1), row);
    sum.soc += row.soc;
    sum.planted += row.planted;
    sum.it += row.it;
    sum.requests += row.requests;
    sum.kept += row.kept;
  }
  text += line("all", sum) + "\nSOC  planted    IT  requests  kept  rule\n";
  for (const auto& [rule, row] : by_rule) {
    text += fmt::format("{:>3} {:>8} {:>5} {:>9} {:>5}  {}\n", row.soc,
                        row.planted, row.it, row.requests, row.kept, rule);
  }
  for (const Incident incident : kIncidents) {
    const Opened* found = result.Finding(incident);
    text += fmt::format(
        "\n{}: {}", Name(incident),
        found == nullptr
            ? std::string("not found")
            : fmt::format("day {}, alert {}: {} ({}): {}", found->day + 1,
                          found->alert.alert_id, found->alert.kind,
                          found->alert.severity, found->alert.title));
  }
  return text + "\n";
}

void Month::Plug(size_t terminal, size_t stick, const std::string& person) {
  Stick& one = sticks_[stick];
  // What the rule for copied serials asks of the other terminal is when it was
  // heard: its row must be as new as with every heartbeat.
  if (one.last_place != terminal) Of(one.last_place).Beat(true);
  one.last_place = terminal;
  Of(terminal).Plug(Rules(), one.facts, person);
}

size_t Month::ColleagueOf(size_t terminal) {
  const auto& all = SiteOf(terminal).terminals;
  return all[static_cast<size_t>(dice_.Roll(0, std::ssize(all) - 1))];
}

}  // namespace sekisho::simulation
