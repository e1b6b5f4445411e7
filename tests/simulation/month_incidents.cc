// What is planted, after the case that Sekisho is built for: README.md tells
// the three stories.
#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/month.h"

namespace sekisho::simulation {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

void Month::PlanIncidents() {
  if (options_.planted.contains(Incident::kDrip)) PlanDrip();
  if (options_.planted.contains(Incident::kTamper)) PlanTamper();
  if (options_.planted.contains(Incident::kClone)) PlanClone();
}

// Fifteen late shifts, or as many as there are days for. Each list is below the
// limit of a file, each day below that of a day, and the sums of each terminal,
// of each stick and of him on each terminal below those of thirty days: no
// terminal ever refuses him.
void Month::PlanDrip() {
  drip_person_ = "mori-adm";
  const auto site = std::ranges::find(sites_, Shifts::kTwo, &Site::shifts);
  std::vector<size_t> late;
  for (const size_t i : site->terminals) {
    if (habits_[i].late_shift) late.push_back(i);
  }
  const size_t first = late.at(0), second = late.at(1);
  policy::DeviceFacts sticks[2] = {sticks_.at(0).facts, sticks_.at(0).facts};
  for (int i = 0; i < 2; ++i) {
    sticks[i].serial = fmt::format("60A44C9999FAEE{:05}", 90'001 + i);
    const std::string& place = Of(i == 0 ? first : second).name();
    At(begin_ + minutes(30), [=, this, stick = sticks[i]] {
      store::Approval approval;
      approval.device_id = agent::ShownId(stick);
      approval.access = "inspect";
      approval.owner = drip_person_;
      approval.purpose = "保守ログ " + place;
      Must(premises_->publisher().ChangeApproval("suzuki", approval));
      policy::DeviceEntry entry;
      entry.list = "approvals";
      entry.vendor_id = stick.vendor_id;
      entry.product_id = stick.product_id;
      entry.serial = stick.serial;
      entry.access = policy::Access::kInspect;
      approvals_.push_back(entry);
      RemakeSnapshot();
    });
  }
  std::vector<int> shifts;
  for (int day = 1; day < options_.days && shifts.size() < 15; ++day) {
    if (IsWorkday(day, *site)) shifts.push_back(day);
  }
  const auto share = std::min<int64_t>(19, 98 / std::ssize(shifts));
  for (size_t n = 0; n < shifts.size(); ++n) {
    // Both terminals on two days of three, the first alone on the third.
    for (size_t i = 0; i < (n % 3 == 2 ? 1U : 2U); ++i) {
      const size_t terminal = i == 0 ? first : second;
      const policy::DeviceFacts stick = sticks[i];
      const WallTime when =
          TimeOf(shifts[n], 21 * 60 + 20 + 15 * static_cast<int>(i));
      At(when, [=, this] {
        Of(terminal).Boot();
        Of(terminal).Plug(Rules(), stick, drip_person_);
      });
      At(when + minutes(3), [=, this] {
        Copy list;
        list.path = fmt::format("/home/mori-adm/抜粋_{}_{}.csv", n, i);
        list.format = "csv";
        list.persons = share;
        Of(terminal).Transfer(Rules(), stick, drip_person_, list);
      });
      At(when + minutes(6),
         [=, this] { Of(terminal).Unplug(stick, drip_person_); });
    }
  }
}

// He copies a list, takes the terminal's network and power away with the stick
// still in it, puts its disk back to before the copy, and starts it again.
void Month::PlanTamper() {
  const int day = std::min(12, options_.days - 2);
  size_t site = 0;
  while (sites_[site].shifts != Shifts::kOffice ||
         sites_[site].terminals.size() < 5) {
    ++site;
  }
  const size_t terminal = sites_[site].terminals.at(3);
  habits_[terminal].laptop = habits_[terminal].away = false;
  tamper_terminal_ = Of(terminal).name();
  tamper_person_ = "oda";
  tamper_from_ = TimeOf(day, 15 * 60);
  const size_t stick = sticks_.size() - 1;
  auto image = std::make_shared<Terminal::Image>();
  At(tamper_from_, [=, this] {
    Of(terminal).Boot();
    *image = Of(terminal).TakeImage();
    sticks_[stick].in_use = true;
    Plug(terminal, stick, tamper_person_);
  });
  At(tamper_from_ + minutes(4), [=, this] {
    Copy list;
    list.path = "/home/oda/顧客.csv";
    list.format = "csv";
    list.persons = 18;
    Of(terminal).Transfer(Rules(), sticks_[stick].facts, tamper_person_, list);
  });
  At(tamper_from_ + minutes(6), [=, this] {
    Of(terminal).Leave(Leaving::kPowerLost);
    EndUse(terminal, stick, tamper_person_);
    Of(terminal).Restore(*image);
  });
  At(tamper_from_ + minutes(45), [=, this] { Of(terminal).Boot(); });
}

// A stick that looks like one that is approved: the same vendor, product and
// serial, in the hands of somebody at another site.
void Month::PlanClone() {
  const int day = std::min(17, options_.days - 1);
  const size_t original = sticks_.size() / 2;
  const size_t home = site_of_[sticks_[original].home];
  size_t site = (home + 1) % sites_.size();
  while (sites_[site].shifts == Shifts::kAlways) {
    site = (site + 1) % sites_.size();
  }
  const size_t terminal = sites_[site].terminals.at(1);
  clone_device_ = agent::ShownId(sticks_[original].facts);
  clone_terminal_ = Of(terminal).name();
  clone_person_ = "kondo";
  clone_from_ = TimeOf(day, 14 * 60);
  // The right one was used where it belongs.
  At(clone_from_ - minutes(180), [=, this] {
    const size_t place = sticks_[original].home;
    Of(place).Boot();
    UseStick(place, original, habits_[place].person);
  });
  At(clone_from_ - minutes(120), [=, this] {
    EndUse(sticks_[original].home, original,
           habits_[sticks_[original].home].person);
  });
  At(clone_from_, [=, this] {
    policy::DeviceFacts clone = sticks_[original].facts;
    clone.descriptor_hash = std::string(64, 'c');
    clone.medium->size_bytes = 64'023'257'088;
    clone.medium->volume_uuid = "7F00-0001";
    Terminal& here = Of(terminal);
    here.Boot();
    here.Plug(Rules(), clone, clone_person_);
    for (int i = 0; i < 3; ++i) {
      Copy list;
      list.path = fmt::format("/home/kondo/list{}.csv", i);
      list.format = "csv";
      list.persons = 12;
      here.Transfer(Rules(), clone, clone_person_, list);
    }
    At(clone_from_ + seconds(400),
       [=, this] { Of(terminal).Unplug(clone, clone_person_); });
  });
}

std::optional<Incident> Month::PlantedIn(const store::Alert& alert) const {
  if (!drip_person_.empty() && alert.person == drip_person_) {
    return Incident::kDrip;
  }
  if (!tamper_terminal_.empty() && alert.terminal == tamper_terminal_ &&
      alert.create_time >= tamper_from_ &&
      alert.create_time < tamper_from_ + std::chrono::hours(1)) {
    return Incident::kTamper;
  }
  if (!clone_terminal_.empty() && alert.device_id == clone_device_ &&
      alert.terminal == clone_terminal_ && alert.person == clone_person_) {
    return Incident::kClone;
  }
  return std::nullopt;
}

}  // namespace sekisho::simulation
