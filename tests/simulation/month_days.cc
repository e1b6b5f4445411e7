// What happens on ordinary days. Rates are shares a terminal and day unless
// something else is said; README.md has them as a table.
#include <fmt/format.h>

#include <algorithm>

#include "policy/packs.h"
#include "tests/simulation/month.h"

namespace sekisho::simulation {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kTuesday = 2;  // 2026-11-03, Culture Day; day 0 is a Sunday
constexpr int kHolidays[] = {kTuesday, 22};  // and Labour Thanksgiving
constexpr int kPatchNights[] = {9, 11, 16, 18};
constexpr int kPolicyPushes[] = {8, 23};

policy::DeviceFacts Keyboard() {
  policy::DeviceFacts facts;
  facts.vendor_id = "046d";
  facts.product_id = "c31c";
  facts.manufacturer = "Logitech";
  facts.product = "USB Keyboard";
  facts.interfaces = {{3, 1, 1}};
  return facts;
}

// For charging: it offers its pictures and its files all the same.
policy::DeviceFacts Phone(size_t owner) {
  policy::DeviceFacts facts;
  facts.vendor_id = "18d1";
  facts.product_id = "4ee1";
  facts.manufacturer = "Google";
  facts.product = "Pixel";
  facts.serial = fmt::format("2B191FDH2{:05}", owner);
  facts.interfaces = {{6, 1, 1}, {0xff, 0x42, 1}};
  return facts;
}

// Given away at fairs: no serial, the same on every desk.
policy::DeviceFacts CheapStick(int64_t which) {
  policy::DeviceFacts facts;
  facts.vendor_id = which == 0 ? "ffff" : "058f";
  facts.product_id = which == 1 ? "6387" : "5678";
  facts.manufacturer = "Generic";
  facts.product = "Flash Disk";
  facts.serial = which == 2 ? "0123456789ABCDEF" : "";
  facts.interfaces = {{8, 6, 0x50}};
  return facts;
}

policy::DeviceFacts NewStick(int64_t number) {
  policy::DeviceFacts facts;
  facts.vendor_id = "0951";
  facts.product_id = "1666";
  facts.manufacturer = "Kingston";
  facts.product = "DataTraveler 3.0";
  facts.serial = fmt::format("NEW{:08}", number);
  facts.interfaces = {{8, 6, 0x50}};
  facts.descriptor_hash = std::string(64, 'd');
  facts.medium = policy::MediumFacts{.size_bytes = 30'943'995'904,
                                     .filesystem = "exfat",
                                     .volume_uuid = "0000-0001",
                                     .volume_label = "",
                                     .encryption = "none",
                                     .medium_serial = ""};
  return facts;
}

}  // namespace

bool Month::IsWorkday(int day, const Site& site) const {
  if (site.shifts == Shifts::kAlways) return true;
  const int weekday = day % 7;
  if (site.shifts == Shifts::kTwo) return weekday != 0;
  return weekday != 0 && weekday != 6 &&
         std::ranges::find(kHolidays, day) == std::end(kHolidays);
}

std::optional<std::pair<int, int>> Month::ShiftOf(int day, size_t terminal) {
  const Site& site = SiteOf(terminal);
  const Habits& habits = habits_[terminal];
  if (site.shifts == Shifts::kAlways) return std::pair(0, 24 * 60 - 1);
  if (!IsWorkday(day, site) || habits.away || dice_.Chance(0.07) ||
      (habits.laptop && dice_.Chance(0.4))) {
    return std::nullopt;
  }
  const auto roll = [&](int64_t from, int64_t to) {
    return static_cast<int>(dice_.Roll(from, to));
  };
  if (site.shifts == Shifts::kTwo) {
    return habits.late_shift
               ? std::pair(13 * 60 + roll(5, 50), 22 * 60 + roll(0, 20))
               : std::pair(7 * 60 + roll(35, 70), 16 * 60 + roll(0, 25));
  }
  int from = 8 * 60 + roll(20, 55);
  int to = 17 * 60 + roll(20, 105);
  if (dice_.Chance(0.04)) from = 9 * 60 + roll(5, 150);
  if (dice_.Chance(0.08)) to = 15 * 60 + roll(0, 120);
  return std::pair(from, to);
}

void Month::Reboot(size_t terminal, seconds away, Leaving how) {
  Of(terminal).Leave(how);
  At(premises_->clock().Now() + away,
     [this, terminal] { Of(terminal).Boot(); });
}

void Month::LoseNetwork(WallTime from, size_t terminal, seconds length) {
  At(from, [this, terminal] { Of(terminal).SetNetwork(false); });
  At(from + length, [this, terminal] { Of(terminal).SetNetwork(true); });
}

void Month::PlanDay(int day) {
  for (size_t i = 0; i < terminals_.size(); ++i) PlanShift(day, i);
  PlanHub(day);
  PlanOutages(day);
  if (std::ranges::find(kPatchNights, day) != std::end(kPatchNights)) {
    PlanPatchNight(day);
  }
  if (std::ranges::find(kPolicyPushes, day) != std::end(kPolicyPushes)) {
    PlanPolicyPush(day);
  }
  PlanRarities(day);
  PlanStocktake(day);
}

void Month::PlanShift(int day, size_t terminal) {
  const auto shift = ShiftOf(day, terminal);
  if (!shift) return;
  const auto [from, to] = *shift;
  PlanTroubles(day, terminal, from, to);
  PlanDevices(day, terminal, from, to);
  if (SiteOf(terminal).shifts == Shifts::kAlways) return;
  At(TimeOf(day, from), [this, terminal] {
    Of(terminal).Boot();
    At(premises_->clock().Now() + seconds(5), [this, terminal] {
      Terminal& one = Of(terminal);
      one.TakePolicy(premises_->rollouts().Wanted(one.agent_id(), one.name()),
                     false);
    });
  });
  if (dice_.Chance(0.03)) return;  // left on over night
  const Leaving how =
      dice_.Chance(0.01) ? Leaving::kPowerLost : Leaving::kShutdown;
  At(TimeOf(day, to), [this, terminal, how] { Of(terminal).Leave(how); });
}

void Month::PlanTroubles(int day, size_t terminal, int from, int to) {
  const Habits& habits = habits_[terminal];
  const auto some_time = [&] {
    return TimeOf(day, static_cast<int>(dice_.Roll(from + 10, to - 10)),
                  static_cast<int>(dice_.Roll(0, 59)));
  };
  if (dice_.Chance(0.005)) {
    const seconds away(dice_.Roll(80, 240));
    At(some_time(), [=, this] { Reboot(terminal, away, Leaving::kShutdown); });
  }
  if (dice_.Chance(0.0015)) {
    const seconds away(dice_.Roll(180, 900));
    At(some_time(), [=, this] { Reboot(terminal, away, Leaving::kPowerLost); });
  }
  if (dice_.Chance(0.008)) {
    LoseNetwork(some_time(), terminal, seconds(dice_.Roll(30, 2400)));
  }
  for (int i = habits.flaky ? dice_.Count(12) : 0; i > 0; --i) {
    LoseNetwork(some_time(), terminal, seconds(dice_.Roll(20, 360)));
  }
  if (habits.laptop && dice_.Chance(0.3)) {
    LoseNetwork(some_time(), terminal, minutes(dice_.Roll(20, 90)));
  }
  if (dice_.Chance(0.001)) {  // sekishod ends and systemd starts it
    const WallTime when = some_time();
    At(when, [=, this] { Of(terminal).SetCore(false); });
    At(when + seconds(2), [=, this] { Of(terminal).SetCore(true); });
  }
  if (dice_.Chance(0.003)) {
    At(some_time(), [=, this] {
      Of(terminal).TellHealth("spool: 3% of the disk are free");
    });
  }
  if (habits.reports && day % 7 == 1) {  // the week's figures, several files
    const WallTime when = some_time();
    for (int i = 0; i < 3; ++i) {
      const int64_t persons = dice_.Roll(120, 900);
      At(when + minutes(2 * i), [=, this] {
        Of(terminal).TellLanding(habits_[terminal].person, persons,
                                 fmt::format("/home/report/{}-{}.csv", day, i));
      });
    }
  }
  if (dice_.Chance(0.0003)) {  // a download that was larger than it should be
    const int64_t persons = dice_.Roll(100, 600);
    At(some_time(), [=, this] {
      Of(terminal).TellLanding(habits_[terminal].person, persons,
                               fmt::format("/home/op/{}.csv", day));
    });
  }
}

void Month::PlanDevices(int day, size_t terminal, int from, int to) {
  const std::string& person = habits_[terminal].person;
  const auto minute = [&] {
    return static_cast<int>(dice_.Roll(from + 5, to - 5));
  };
  const auto plug = [&](const policy::DeviceFacts& facts, int64_t stays) {
    const WallTime when = TimeOf(day, minute());
    At(when, [=, this] { Of(terminal).Plug(Rules(), facts, person); });
    At(when + minutes(stays),
       [=, this] { Of(terminal).Unplug(facts, person); });
  };
  if (dice_.Chance(0.02)) plug(Keyboard(), 300);
  for (int i = dice_.Chance(0.04) ? 1 + dice_.Count(0.5) : 0; i > 0; --i) {
    plug(Phone(terminal), dice_.Roll(10, 120));
  }
  if (dice_.Chance(0.01)) plug(CheapStick(dice_.Roll(0, 2)), 3);
  if (dice_.Chance(0.004)) {
    const auto stick = NewStick(++order_);
    plug(stick, 2);
    if (dice_.Chance(0.5)) {
      At(TimeOf(day, minute()), [=, this] {
        Of(terminal).Plug(Rules(), stick, person);
        Of(terminal).RequestDevice(stick, person);
      });
    }
  }
  if (dice_.Chance(0.08)) PlanSession(day, terminal, minute());
}

std::optional<size_t> Month::StickOf(size_t site) {
  if (sticks_of_site_.empty()) {
    sticks_of_site_.resize(sites_.size());
    for (size_t i = 0; i < sticks_.size(); ++i) {
      sticks_of_site_[site_of_[sticks_[i].home]].push_back(i);
    }
  }
  const auto& all = sticks_of_site_[site];
  if (all.empty()) return std::nullopt;
  return all[static_cast<size_t>(dice_.Roll(0, std::ssize(all) - 1))];
}

// Plugged in, some copies, pulled out; now and then carried on to another
// terminal, or left in until the next morning.
void Month::PlanSession(int day, size_t terminal, int minute) {
  const auto stick = StickOf(site_of_[terminal]);
  if (!stick) return;
  const size_t which = *stick;
  const std::string person = habits_[terminal].person;
  const WallTime when =
      TimeOf(day, minute, static_cast<int>(dice_.Roll(0, 59)));
  At(when, [=, this] { UseStick(terminal, which, person); });
  if (dice_.Chance(0.015)) {
    // Home with the stick still in; somebody takes it out before he is back.
    const seconds after(dice_.Roll(120, 1500));
    At(when + after, [=, this] { Of(terminal).Leave(Leaving::kShutdown); });
    At(TimeOf(day + 1, 7 * 60), [=, this] { EndUse(terminal, which, person); });
    return;
  }
  const WallTime out = when + seconds(dice_.Roll(300, 3600));
  At(out, [=, this] { EndUse(terminal, which, person); });
  if (!dice_.Chance(0.17)) return;
  const size_t next =
      dice_.Chance(0.12)
          ? static_cast<size_t>(dice_.Roll(0, std::ssize(terminals_) - 1))
          : ColleagueOf(terminal);
  const WallTime then = out + seconds(dice_.Roll(60, 1800));
  At(then, [=, this] { UseStick(next, which, person); });
  At(then + seconds(dice_.Roll(120, 1200)),
     [=, this] { EndUse(next, which, person); });
}

void Month::UseStick(size_t terminal, size_t stick, const std::string& person) {
  if (sticks_[stick].in_use || !Of(terminal).is_on()) return;
  sticks_[stick].in_use = true;
  Plug(terminal, stick, person);
  const WallTime now = premises_->clock().Now();
  At(now + seconds(dice_.Roll(30, 240)),
     [=, this] { CopySome(terminal, stick, person); });
}

void Month::EndUse(size_t terminal, size_t stick, const std::string& person) {
  if (!sticks_[stick].in_use || sticks_[stick].last_place != terminal) return;
  sticks_[stick].in_use = false;
  Of(terminal).Unplug(sticks_[stick].facts, person);
}

void Month::CopySome(size_t terminal, size_t stick, const std::string& person) {
  const policy::DeviceFacts& device = sticks_[stick].facts;
  Terminal& here = Of(terminal);
  for (int64_t i = dice_.Roll(1, 6); i > 0; --i) {
    Copy logs;
    logs.path = fmt::format("/home/op/logs-{}.tar.gz", ++order_);
    logs.format = "gzip";
    logs.bytes = dice_.Roll(20'000, 80'000'000);
    here.Transfer(Rules(), device, person, logs);
  }
  if (habits_[terminal].small_lists && dice_.Chance(0.6)) {
    Copy list;
    list.path = fmt::format("/home/op/visits-{}.csv", ++order_);
    list.format = "csv";
    list.persons = dice_.Roll(1, 8);
    here.Transfer(Rules(), device, person, list);
  }
  Copy stopped;
  stopped.path = fmt::format("/home/op/handover-{}", ++order_);
  if (dice_.Chance(0.012)) {
    stopped.format = "xlsx";
    stopped.persons =
        dice_.Chance(0.15) ? dice_.Roll(101, 900) : dice_.Roll(21, 100);
    CopyStopped(terminal, stick, person, stopped);
  } else if (dice_.Chance(0.01)) {
    stopped.format = "zip";
    stopped.inspection = "none";
    stopped.inspection_reason = "encrypted";
    CopyStopped(terminal, stick, person, stopped);
  }
}

// He does not believe it at once; then he may ask.
void Month::CopyStopped(size_t terminal, size_t stick,
                        const std::string& person, const Copy& copy) {
  const int64_t times = dice_.Roll(2, 6);
  const WallTime now = premises_->clock().Now();
  const bool asks = dice_.Chance(0.5);
  for (int64_t i = 0; i < times; ++i) {
    At(now + seconds(25 * i + 1), [=, this] {
      Terminal& here = Of(terminal);
      const auto verdict =
          here.Transfer(Rules(), sticks_[stick].facts, person, copy);
      if (i + 1 < times || !asks || verdict != policy::Verdict::kBlock) return;
      here.RequestCopy(sticks_[stick].facts, person, copy);
      asked_[here.name()] = {terminal, stick, person, copy};
    });
  }
}

// Three hubs whose contacts are worn: the same stick comes and goes for an hour
// or two.
void Month::PlanHub(int day) {
  for (size_t hub = 0; hub < 3; ++hub) {
    if (!dice_.Chance(0.2)) continue;
    const size_t terminal = terminals_.size() / 3 * hub + 1;
    const auto stick = StickOf(site_of_[terminal]);
    if (!stick || !IsWorkday(day, SiteOf(terminal))) continue;
    const size_t which = *stick;
    const std::string& person = habits_[terminal].person;
    WallTime when = TimeOf(day, static_cast<int>(dice_.Roll(600, 840)));
    for (int64_t i = dice_.Roll(150, 400); i > 0; --i) {
      At(when, [=, this] {
        if (sticks_[which].in_use || !Of(terminal).is_on()) return;
        sticks_[which].in_use = true;
        Plug(terminal, which, person);
      });
      when += seconds(dice_.Roll(4, 10));
      At(when, [=, this] { EndUse(terminal, which, person); });
      when += seconds(dice_.Roll(4, 10));
    }
  }
}

void Month::PlanOutages(int day) {
  if (dice_.Chance(0.45)) {
    const auto site =
        static_cast<size_t>(dice_.Roll(0, std::ssize(sites_) - 1));
    const WallTime from =
        TimeOf(day, static_cast<int>(dice_.Roll(5 * 60, 20 * 60)),
               static_cast<int>(dice_.Roll(0, 59)));
    const minutes length(dice_.Chance(0.7) ? dice_.Roll(3, 45)
                                           : dice_.Roll(60, 360));
    const auto set = [=, this](bool up) {
      for (const size_t i : sites_[site].terminals) Of(i).SetSiteNetwork(up);
    };
    At(from, [=] { set(false); });
    At(from + length, [=] { set(true); });
  }
  // One switch of 24 ports.
  if (dice_.Chance(0.15)) {
    const auto site =
        static_cast<size_t>(dice_.Roll(0, std::ssize(sites_) - 1));
    const auto& all = sites_[site].terminals;
    const WallTime from =
        TimeOf(day, static_cast<int>(dice_.Roll(8 * 60, 17 * 60)));
    const minutes length(dice_.Roll(5, 60));
    for (size_t i = 0; i < std::min<size_t>(24, all.size() / 2); ++i) {
      LoseNetwork(from, all[i], length);
    }
  }
}

// A quarter of the sites: what is on is started anew, ten terminals at a time;
// the others run the new version from their next start on.
void Month::PlanPatchNight(int day) {
  const auto night =
      static_cast<size_t>(std::ranges::find(kPatchNights, day) - kPatchNights);
  for (size_t s = night; s < sites_.size(); s += std::size(kPatchNights)) {
    int wave = 0;
    for (const size_t i : sites_[s].terminals) {
      const WallTime when = TimeOf(day + 1, 60 + 5 * (wave++ / 10),
                                   static_cast<int>(dice_.Roll(0, 59)));
      const seconds away(dice_.Roll(70, 200));
      At(when, [=, this] {
        Of(i).SetVersion("0.2.0");
        if (Of(i).is_on()) Reboot(i, away, Leaving::kShutdown);
      });
    }
  }
}

void Month::PlanPolicyPush(int day) {
  At(TimeOf(day, 10 * 60), [=, this] {
    const std::string text = std::string(policy::PackText("appi")) +
                             fmt::format("# as agreed on day {}\n", day);
    Must(premises_->rollouts().Push("suzuki", text, "appi.yaml", "CAB",
                                    core::PushHow::kAsConfigured));
  });
}

void Month::PlanRarities(int day) {
  const auto some_terminal = [&] {
    return static_cast<size_t>(dice_.Roll(0, std::ssize(terminals_) - 1));
  };
  if (day == 4 || day == 17) {  // a disk so slow that sekishod is late
    const size_t i = some_terminal();
    const WallTime when = TimeOf(day, 11 * 60);
    At(when, [=, this] { Of(i).SetCore(false); });
    At(when + seconds(45), [=, this] { Of(i).SetCore(true); });
  }
  if (day == 11) {  // the disk of a terminal is put back to the day before
    const size_t i = some_terminal();
    auto image = std::make_shared<Terminal::Image>();
    At(TimeOf(day, 60), [=, this] { *image = Of(i).TakeImage(); });
    At(TimeOf(day, 18 * 60), [=, this] { Of(i).Restore(*image); });
    At(TimeOf(day, 18 * 60 + 40), [=, this] { Of(i).Boot(); });
  }
  if (day == 18) {  // a disk that was full
    const size_t i = some_terminal();
    At(TimeOf(day, 15 * 60), [=, this] { Of(i).TellLost(12); });
  }
  if (day == 12) {
    At(TimeOf(day, 12 * 60 + 10), [this] { premises_->Restart(); });
  }
  if (day == 20) {
    At(TimeOf(day, 3 * 60), [this] { premises_->Restart(); });
  }
}

void Month::PlanStocktake(int day) {
  for (const Stick& stick : sticks_) {
    const WallTime due = std::max(stick.approved + days(335), begin_);
    if (due < TimeOf(day, 0) || due >= TimeOf(day + 1, 0)) continue;
    if (dice_.Chance(0.03)) continue;
    const std::string id = agent::ShownId(stick.facts);
    const std::string owner = habits_[stick.home].person;
    At(TimeOf(day + static_cast<int>(dice_.Roll(0, 8)), 11 * 60), [=, this] {
      Must(premises_->store().ConfirmDevice(
          {id, "", owner, premises_->clock().Now()}));
    });
  }
}

}  // namespace sekisho::simulation
