// Who and what there is: sites, terminals with their habits, sticks with their
// approvals, the register, the policy.
#include <fmt/format.h>

#include <algorithm>

#include "policy/packs.h"
#include "policy/parser.h"
#include "proto/event_bytes.h"
#include "server/core/terminal_register.h"
#include "tests/simulation/month.h"

namespace sekisho::simulation {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr const char* kCities[] = {
    "Sapporo",   "Aomori",   "Morioka",  "Sendai",   "Akita",     "Yamagata",
    "Mito",      "Takasaki", "Saitama",  "Chiba",    "Tokyo",     "Shinjuku",
    "Tachikawa", "Yokohama", "Kawasaki", "Niigata",  "Toyama",    "Kanazawa",
    "Fukui",     "Nagano",   "Gifu",     "Shizuoka", "Hamamatsu", "Nagoya",
    "Tsu",       "Otsu",     "Kyoto",    "Osaka",    "Sakai",     "Kobe",
    "Himeji",    "Nara",     "Wakayama", "Okayama",  "Hiroshima", "Takamatsu",
    "Fukuoka",   "Kumamoto", "Oita",     "Naha"};

struct Model {
  const char* vendor;
  const char* product_id;
  const char* maker;
  const char* name;
  int64_t bytes;
};
constexpr Model kModels[] = {
    {"0951", "1666", "Kingston", "DataTraveler 3.0", 30'943'995'904},
    {"0411", "0282", "BUFFALO", "RUF3-HSL32G", 32'010'928'128},
    {"04bb", "1012", "I-O DATA", "U3-MAX2/16K", 16'005'464'064},
    {"0781", "5581", "SanDisk", "Ultra", 61'524'148'224}};

// Sites of 10 to 200, as far as there are terminals for it.
std::vector<size_t> Sizes(Dice& dice, size_t terminals) {
  const size_t count = std::clamp<size_t>(terminals / 50, 4, 40);
  std::vector<size_t> sizes;
  size_t left = terminals;
  for (size_t i = 0; i + 1 < count; ++i) {
    const size_t mean = left / (count - i);
    // Most are small, some are large.
    const size_t most = dice.Chance(0.15) ? 200 : mean * 3 / 2;
    const auto size = static_cast<size_t>(
        dice.Roll(dice.Chance(0.15) ? static_cast<int64_t>(mean) : 10,
                  static_cast<int64_t>(std::clamp<size_t>(most, 10, 200))));
    sizes.push_back(std::min(size, left - 10 * (count - i - 1)));
    left -= sizes.back();
  }
  sizes.push_back(left);
  return sizes;
}

}  // namespace

void Month::MakeSites() {
  const auto sizes =
      Sizes(dice_, static_cast<size_t>(std::max(options_.terminals, 40)));
  size_t next = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    Site site;
    site.name = kCities[i % std::size(kCities)];
    // Of ten sites seven are offices, two work in two shifts, one is always
    // there: a network's operation centre.
    site.shifts = i % 10 == 3  ? Shifts::kAlways
                  : i % 5 == 1 ? Shifts::kTwo
                               : Shifts::kOffice;
    for (size_t j = 0; j < sizes[i]; ++j) {
      site.terminals.push_back(next++);
      site_of_.push_back(i);
      Habits habits;
      habits.person = fmt::format("op{:04}", next);
      if (site.shifts == Shifts::kOffice) {
        habits.laptop = dice_.Chance(0.07);
        habits.away = dice_.Chance(0.005);
      }
      habits.late_shift = site.shifts == Shifts::kTwo && j % 2 == 1;
      habits.flaky = dice_.Chance(0.004);
      habits.degraded = dice_.Chance(0.003);
      habits.reports = dice_.Chance(0.002);
      habits.small_lists = dice_.Chance(0.05);
      habits_.push_back(std::move(habits));
    }
    sites_.push_back(std::move(site));
  }
}

void Month::MakeSticks() {
  const auto count = site_of_.size() / 4;
  for (size_t i = 0; i < count; ++i) {
    const Model& model =
        kModels[static_cast<size_t>(dice_.Roll(0, std::size(kModels) - 1))];
    Stick stick;
    policy::DeviceFacts& facts = stick.facts;
    facts.vendor_id = model.vendor;
    facts.product_id = model.product_id;
    facts.manufacturer = model.maker;
    facts.product = model.name;
    facts.serial = fmt::format("60A44C{:04}FAEE{:05}", i * 37 % 9973, i);
    facts.interfaces = {{8, 6, 0x50}};
    facts.port = "2-1.4";
    facts.speed = "5000";
    const std::string kind = std::string(model.maker) + model.name;
    facts.descriptor_hash = ToHex(event::Sha256(AsBytes(kind)));
    facts.medium =
        policy::MediumFacts{.size_bytes = model.bytes,
                            .filesystem = "exfat",
                            .volume_uuid = fmt::format("64A3-{:04X}", i),
                            .volume_label = "LOGS",
                            .encryption = "none",
                            .medium_serial = ""};
    stick.home = static_cast<size_t>(dice_.Roll(0, std::ssize(site_of_) - 1));
    stick.last_place = stick.home;
    // Within the eleven and a half months before; the oldest are due for their
    // stocktake within the month.
    stick.approved = begin_ - minutes(dice_.Roll(60 * 24 * 2, 60 * 24 * 355));
    sticks_.push_back(std::move(stick));
  }
  std::ranges::sort(sticks_, {}, &Stick::approved);
  for (Stick& stick : sticks_) {
    premises_->clock().Set(stick.approved);
    store::Approval approval;
    approval.device_id = agent::ShownId(stick.facts);
    approval.access = "inspect";
    approval.owner = habits_[stick.home].person;
    approval.purpose = "ログの持ち出し";
    Must(premises_->publisher().ChangeApproval("suzuki", approval));
    policy::DeviceEntry entry;
    entry.list = "approvals";
    entry.vendor_id = stick.facts.vendor_id;
    entry.product_id = stick.facts.product_id;
    entry.serial = stick.facts.serial;
    entry.access = policy::Access::kInspect;
    approvals_.push_back(std::move(entry));
  }
}

void Month::RemakeSnapshot() {
  snapshot_ = policy::Snapshot::Make(
      Must(policy::ParsePolicy(policy::PackText("appi"), "appi.yaml")),
      approvals_, 2);
}

void Month::PushFirstPolicy() {
  premises_->clock().Set(begin_ - days(2));
  Must(premises_->rollouts().Push("suzuki",
                                  std::string(policy::PackText("appi")),
                                  "appi.yaml", "", core::PushHow::kNow));
  Must(premises_->rollouts().SetRings(
      "suzuki",
      "rings:\n"
      "  - { name: pilot, percent: 2, soak: 1h }\n"
      "  - { name: early, percent: 20, soak: 1h }\n"
      "  - { name: everybody }\n"));
  policies_heard_of_ = premises_->policy_announced();
  RemakeSnapshot();
}

void Month::EnrolAll() {
  beats_.resize(30);
  std::map<std::string, int> numbers;
  for (size_t i = 0; i < site_of_.size(); ++i) {
    const std::string& site = sites_[site_of_[i]].name;
    const std::string name = fmt::format("{}-{:03}", site, ++numbers[site]);
    terminals_.push_back(std::make_unique<Terminal>(
        *premises_, name, site, begin_ - hours(dice_.Roll(24, 24 * 19))));
    Of(i).SetClockDrift(std::chrono::seconds(
        dice_.Chance(0.02) ? dice_.Roll(-300, 300) : dice_.Roll(-3, 3)));
    if (habits_[i].degraded) Of(i).SetGate("degraded");
    beats_[static_cast<size_t>(dice_.Roll(0, 29))].push_back(i);
  }
  // They are known by a day of work before the month; those that work around
  // the clock are on.
  premises_->clock().Set(begin_ - hours(1));
  const int64_t version =
      Must(premises_->store().ListPolicies({1, ""})).rows.at(0).version;
  for (size_t i = 0; i < terminals_.size(); ++i) {
    Of(i).Boot();
    Of(i).TakePolicy(version, false);
  }
  premises_->Step();
  for (size_t i = 0; i < terminals_.size(); ++i) {
    if (SiteOf(i).shifts != Shifts::kAlways) Of(i).Leave(Leaving::kShutdown);
  }
}

// As IT writes them down: what is safely within the shift, not its edges.
std::string Month::HoursOf(const Site& site, size_t terminal) const {
  switch (site.shifts) {
    case Shifts::kAlways:
      return "always";
    case Shifts::kTwo:
      return habits_[terminal].late_shift ? "Mon-Sat 14:00-21:30 Asia/Tokyo"
                                          : "Mon-Sat 08:30-15:00 Asia/Tokyo";
    case Shifts::kOffice:
      break;
  }
  return habits_[terminal].laptop ? "Mon-Fri 10:00-16:00 Asia/Tokyo"
                                  : "Mon-Fri 09:00-17:00 Asia/Tokyo";
}

void Month::ImportRegister() {
  std::string csv = "name,site,groups,expected_hours,owner\n";
  for (const Site& site : sites_) {
    for (const size_t i : site.terminals) {
      csv += fmt::format("{},{},{},{},{}\n", Of(i).name(), site.name,
                         site.shifts == Shifts::kTwo ? "callcenter" : "",
                         HoursOf(site, i), habits_[i].person);
    }
  }
  auto parsed = core::ParseRegister(csv);
  if (!parsed.problems.empty()) GiveUp("the register has a mistake");
  Must(premises_->store().PutRegister(parsed.rows, premises_->clock().Now()));
}

}  // namespace sekisho::simulation
